/* SPDX-License-Identifier: MIT
 * Matching passed sockets with the configured addresses.
 */
#include "proxy/activation.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "proxy/log.h"

bool activation_open(struct activation *a)
{
    *a = (struct activation){.count = sd_listen_fds(1)};
    if (a->count >= 0 && a->count <= ACTIVATION_MAX)
        return true;
    log_line(LOG_ERROR, "socket activation: %d sockets were passed; at most %d are understood", a->count, ACTIVATION_MAX);
    return false;
}

static int take(struct activation *a, int i)
{
    int fd = SD_LISTEN_FDS_START + i, flags = fcntl(fd, F_GETFL);

    a->taken[i] = flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
    return a->taken[i] ? fd : -1;
}

int activation_take_port(struct activation *a, const struct sockaddr *address)
{
    unsigned length = address->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);

    int on = 1;

    for (int i = 0; i < a->count; i++) {
        if (a->taken[i] || sd_is_socket_sockaddr(SD_LISTEN_FDS_START + i, SOCK_STREAM, address, length, 1) <= 0)
            continue;
        if (setsockopt(SD_LISTEN_FDS_START + i, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on)) /* what is accepted has it too */
            log_line(LOG_WARNING, "socket activation: descriptor %d takes no TCP_NODELAY: answers may be late", SD_LISTEN_FDS_START + i);
        return take(a, i);
    }
    return -1;
}

int activation_take_path(struct activation *a, const char *path)
{
    for (int i = 0; i < a->count; i++)
        if (!a->taken[i] && sd_is_socket_unix(SD_LISTEN_FDS_START + i, SOCK_STREAM, 1, path, 0) > 0)
            return take(a, i);
    return -1;
}

static void name_of(int fd, char *name, size_t size)
{
    struct sockaddr_storage address = {0};
    socklen_t length = sizeof address;
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
    char host[INET6_ADDRSTRLEN] = "";

    snprintf(name, size, "what is no listening socket");
    if (getsockname(fd, (struct sockaddr *)&address, &length))
        return;
    if (address.ss_family == AF_INET && inet_ntop(AF_INET, &v4->sin_addr, host, sizeof host))
        snprintf(name, size, "%s:%u", host, ntohs(v4->sin_port));
    else if (address.ss_family == AF_INET6 && inet_ntop(AF_INET6, &v6->sin6_addr, host, sizeof host))
        snprintf(name, size, "[%s]:%u", host, ntohs(v6->sin6_port));
    else if (address.ss_family == AF_UNIX)
        snprintf(name, size, "%s", ((const struct sockaddr_un *)&address)->sun_path);
}

bool activation_finish(struct activation *a)
{
    bool good = true;

    for (int i = 0; i < a->count; i++) {
        char name[sizeof(struct sockaddr_un) + 64];

        if (a->taken[i])
            continue;
        name_of(SD_LISTEN_FDS_START + i, name, sizeof name);
        log_line(LOG_ERROR, "socket activation: descriptor %d is %s, which neither [sluse] listen nor socket names", SD_LISTEN_FDS_START + i, name);
        close(SD_LISTEN_FDS_START + i);
        good = false;
    }
    return good;
}
