/* SPDX-License-Identifier: MIT
 * Opening listening sockets, and accepting.
 */
#include "proxy/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "proxy/activation.h"
#include "proxy/invariant.h"

#define ACCEPT_BATCH 64 /* then others get their turn */
#define PAUSE_SECONDS 0.1

/* --- opening --- */

/* An abstract Unix socket: gone with the process, and of the same network namespace as the port that it stands for. */
static int lock_port(const struct conf_address *address)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int length = snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "sluse/listen/%.80s:%u", address->host, address->port);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd >= 0 && bind(fd, (struct sockaddr *)&name, (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length))) {
        close(fd);
        return -1;
    }
    return fd;
}

static int open_port(const struct conf_address *address, const struct addrinfo *info)
{
    int fd = socket(info->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;

    if (fd < 0)
        return -1;
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) || setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) ||
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) || /* what is accepted has it too */
        (info->ai_family == AF_INET6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on)) ||
        bind(fd, info->ai_addr, info->ai_addrlen) || listen(fd, SOMAXCONN)) {
        log_line(LOG_ERROR, "can't listen on %s:%u: %s", address->host, address->port, strerror(errno));
        close(fd);
        return -1;
    }
    return fd;
}

/* True: it was. */
static bool was_passed(struct listen_sockets *sockets, size_t at, int fd)
{
    if (fd < 0)
        return false;
    sockets->passed[at] = true;
    for (unsigned i = 0; i < sockets->workers; i++)
        sockets->fds[at * sockets->workers + i] = fd;
    return true;
}

static bool open_ports(struct listen_sockets *sockets, size_t at, const struct conf_address *address, const struct addrinfo *info)
{
    bool good = true;

    sockets->locks[at] = lock_port(address);
    if (sockets->locks[at] < 0) {
        log_line(LOG_ERROR, "can't listen on %s:%u: another sluse does already", address->host, address->port);
        return false;
    }
    for (unsigned i = 0; i < sockets->workers && good; i++)
        good = (sockets->fds[at * sockets->workers + i] = open_port(address, info)) >= 0;
    return good;
}

static bool open_address(struct listen_sockets *sockets, size_t at, const struct conf_address *address, struct activation *activation)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE}, *info = NULL;
    char port[8];
    bool good;

    snprintf(port, sizeof port, "%u", address->port);
    if (getaddrinfo(address->host, port, &hints, &info)) {
        log_line(LOG_ERROR, "can't listen on %s:%u: not a numeric address", address->host, address->port);
        return false;
    }
    good = was_passed(sockets, at, activation_take_port(activation, info->ai_addr)) || open_ports(sockets, at, address, info);
    freeaddrinfo(info);
    return good;
}

static int lock_path(const char *path)
{
    char lock[120];
    int fd;

    snprintf(lock, sizeof lock, "%s.lock", path);
    fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
        close(fd);
        return -1;
    }
    return fd;
}

static bool open_unix(struct listen_sockets *sockets, size_t at, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd;

    sockets->locks[at] = lock_path(path);
    if (sockets->locks[at] < 0) {
        log_line(LOG_ERROR, "can't listen on %s: its lock %s.lock is held by another sluse, or can't be made: %s", path, path, strerror(errno));
        return false;
    }
    (void)unlink(path); /* left by a process that was killed: the lock says that nobody uses it */
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || chmod(path, 0777) || listen(fd, SOMAXCONN)) {
        log_line(LOG_ERROR, "can't listen on %s: %s", path, strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    sockets->socket_path = strdup(path);
    for (unsigned i = 0; i < sockets->workers; i++)
        sockets->fds[at * sockets->workers + i] = fd;
    return true;
}

bool listen_sockets_open(struct listen_sockets *sockets, const struct conf *conf, unsigned workers)
{
    struct activation activation;
    bool good = activation_open(&activation);

    *sockets = (struct listen_sockets){.address_count = conf->listen_count + (conf->socket ? 1 : 0), .workers = workers};
    sockets->fds = zalloc(sockets->address_count * workers * sizeof *sockets->fds);
    sockets->locks = zalloc(sockets->address_count * sizeof *sockets->locks);
    sockets->passed = zalloc(sockets->address_count * sizeof *sockets->passed);
    memset(sockets->fds, 0xFF, sockets->address_count * workers * sizeof *sockets->fds); /* -1 */
    memset(sockets->locks, 0xFF, sockets->address_count * sizeof *sockets->locks);
    for (size_t i = 0; i < conf->listen_count && good; i++)
        good = open_address(sockets, i, &conf->listen[i], &activation);
    if (good && conf->socket)
        good = was_passed(sockets, conf->listen_count, activation_take_path(&activation, conf->socket)) ||
               open_unix(sockets, conf->listen_count, conf->socket);
    good = good && activation_finish(&activation);
    if (!good)
        listen_sockets_close(sockets);
    return good;
}

int listen_socket_of(const struct listen_sockets *sockets, size_t address, unsigned worker)
{
    return sockets->fds[address * sockets->workers + worker];
}

void listen_sockets_close(struct listen_sockets *sockets)
{
    for (size_t i = 0; i < sockets->address_count; i++) {
        bool own_path = sockets->socket_path && i == sockets->address_count - 1, shared = own_path || sockets->passed[i];

        for (unsigned w = 0; w < (shared ? 1 : sockets->workers); w++)
            if (listen_socket_of(sockets, i, w) >= 0)
                close(listen_socket_of(sockets, i, w));
        if (own_path)
            unlink(sockets->socket_path);
        if (sockets->locks[i] >= 0)
            close(sockets->locks[i]);
    }
    free(sockets->fds);
    free(sockets->locks);
    free(sockets->passed);
    free(sockets->socket_path);
    *sockets = (struct listen_sockets){0};
}

/* --- accepting --- */

static void out_of_descriptors(struct listener *l, int error)
{
    unsigned before;
    char word[32];

    STATS_INC(l->loop->stats.accept_pauses);
    if (log_is_news(&l->trouble, strerror(error), &before))
        log_line(LOG_WARNING, "can't accept clients: %s%s; trying again every %.0f ms", strerror(error), log_before(before, word), PAUSE_SECONDS * 1000);
    ev_io_stop(l->loop->ev, &l->reader);
    ev_timer_again(l->loop->ev, &l->pause);
}

static bool accept_one(struct listener *l)
{
    int fd;

    if (!l->events->has_room(l->data)) {
        out_of_descriptors(l, EMFILE);
        return false;
    }
    fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        l->events->accepted(l->data, fd);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
        out_of_descriptors(l, errno);
    return errno == ECONNABORTED || errno == EINTR; /* that one went; there may be others */
}

static void on_readable(struct ev_loop *ev, ev_io *io, int events)
{
    struct listener *l = io->data;
    int batch = 0;

    (void)ev;
    (void)events;
    while (batch++ < ACCEPT_BATCH && accept_one(l))
        ;
}

static void on_pause_over(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct listener *l = timer->data;

    (void)events;
    ev_timer_stop(ev, timer);
    ev_io_start(ev, &l->reader);
}

void listener_open(struct listener *l, struct loop *loop, int fd, bool passed, const struct listener_events *events, void *data)
{
    *l = (struct listener){.loop = loop, .fd = fd, .passed = passed, .events = events, .data = data};
    ev_io_init(&l->reader, on_readable, fd, EV_READ);
    ev_timer_init(&l->pause, on_pause_over, 0., PAUSE_SECONDS);
    l->reader.data = l->pause.data = l;
    ev_io_start(loop->ev, &l->reader);
}

static bool is_unix(int fd)
{
    int domain = 0;
    socklen_t length = sizeof domain;

    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &length) == 0 && domain == AF_UNIX;
}

/* A shut Unix socket still gives what it has taken; a TCP one resets that, so it is emptied first. */
void listener_close(struct listener *l)
{
    ev_io_stop(l->loop->ev, &l->reader);
    ev_timer_stop(l->loop->ev, &l->pause);
    if (!l->passed && is_unix(l->fd))
        (void)shutdown(l->fd, SHUT_RD); /* another worker has done it already: as well */
    while (accept_one(l))
        ;
    if (!l->passed)
        (void)shutdown(l->fd, SHUT_RD);
    ev_timer_stop(l->loop->ev, &l->pause);
}
