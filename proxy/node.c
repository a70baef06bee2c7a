/* SPDX-License-Identifier: MIT
 * Counting what is needed, and looking what there is.
 */
#include "proxy/node.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORKERS_MAX 64
#define OF_A_WORKER 3u /* epoll, the mailbox's eventfd, a client that is about to be refused */
#define OF_THE_REST 96u /* standard streams, HTTP with its 64 connections, names and files that are read, the service manager */
#define TIME_WAIT_SECONDS 60u
#define REMEDY "packaging/sysctl.d/60-sluse.conf has what a node needs"

static void tell(const struct node_teller *teller, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void tell(const struct node_teller *teller, const char *format, ...)
{
    char line[400];
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    teller->tell(teller->user, line);
}

unsigned node_workers(const struct conf *conf)
{
    long processors = sysconf(_SC_NPROCESSORS_ONLN);

    if (conf->workers)
        return conf->workers;
    return processors < 1 ? 1 : processors > WORKERS_MAX ? WORKERS_MAX : (unsigned)processors;
}

/* --- descriptors --- */

/* An address has a lock, and a socket for each worker. */
static uint64_t without_clients(const struct conf *conf)
{
    uint64_t workers = node_workers(conf), addresses = conf->listen_count + (conf->socket ? 1 : 0);

    return conf->size + addresses * (workers + 1) + workers * OF_A_WORKER + OF_THE_REST;
}

uint64_t node_descriptors(const struct conf *conf)
{
    return conf->max_clients + without_clients(conf);
}

uint64_t node_check_descriptors(const struct conf *conf, uint64_t allowed, const struct node_teller *teller)
{
    uint64_t rest = without_clients(conf), wanted = node_descriptors(conf);
    char fits[64] = "lower size and max_clients";

    if (allowed >= wanted)
        return UINT64_MAX;
    if (allowed > rest)
        snprintf(fits, sizeof fits, "lower max_clients to %" PRIu64, allowed - rest);
    tell(teller, "open files: %" PRIu64 " wanted for max_clients = %" PRIu64 " and size = %" PRIu64 ", %" PRIu64 " allowed: raise LimitNOFILE in the"
                 " unit (ulimit -Hn in a shell) to %" PRIu64 ", or %s",
         wanted, conf->max_clients, conf->size, allowed, wanted, fits);
    return allowed > rest + allowed / 4 ? allowed - rest : (allowed + 3) / 4;
}

uint64_t node_descriptors_allowed(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) ? 0 : limit.rlim_max;
}

uint64_t node_raise_descriptors(const struct conf *conf, const struct node_teller *teller)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit))
        return UINT64_MAX;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) || getrlimit(RLIMIT_NOFILE, &limit))
            tell(teller, "open files: the limit can't be raised");
    }
    return node_check_descriptors(conf, limit.rlim_cur, teller);
}

/* --- the kernel --- */

/* How many numbers the file begins with, of at most two. */
static int read_numbers(const char *sys, const char *name, unsigned long numbers[2])
{
    char path[300];
    FILE *file;
    int count;

    snprintf(path, sizeof path, "%s/%s", sys, name);
    file = fopen(path, "re");
    if (!file)
        return 0;
    count = fscanf(file, "%lu %lu", &numbers[0], &numbers[1]);
    fclose(file);
    return count > 0 ? count : 0;
}

static void check_backlog(const struct conf *conf, const char *sys, const struct node_teller *teller)
{
    uint64_t wanted = conf->max_clients < SOMAXCONN ? conf->max_clients : SOMAXCONN; /* the latter is what listener.c asks for */
    unsigned long most[2];

    if (read_numbers(sys, "net/core/somaxconn", most) >= 1 && most[0] < wanted)
        tell(teller, "net.core.somaxconn = %lu: so many clients can wait to be accepted, %" PRIu64 " are asked for; in a burst others connect a"
                     " second later, or more: " REMEDY, most[0], wanted);
}

/* Then clients of this node take ports of its own. */
static bool listens_on_loopback(const struct conf *conf)
{
    for (size_t i = 0; i < conf->listen_count; i++) {
        const char *host = conf->listen[i].host;

        if (strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0)
            return true;
    }
    return false;
}

/* A port is taken for each address that is connected to, and rests when its connection has ended. */
static void check_ports(const struct conf *conf, const char *sys, const struct node_teller *teller)
{
    uint64_t clients = listens_on_loopback(conf) ? conf->max_clients : 0, backends = conf->backend_socket ? 0 : 2 * conf->size;
    unsigned long range[2], reuse[2];
    uint64_t ports;

    if (!(clients || backends) || read_numbers(sys, "net/ipv4/ip_local_port_range", range) != 2)
        return;
    ports = range[1] >= range[0] ? range[1] - range[0] + 1 : 0;
    if (ports < backends)
        tell(teller, "net.ipv4.ip_local_port_range = %lu %lu: %" PRIu64 " ports, and %" PRIu64 " are needed for size = %" PRIu64 " and as many that"
                     " rest in TIME_WAIT: " REMEDY, range[0], range[1], ports, backends, conf->size);
    else if (ports < clients)
        tell(teller, "net.ipv4.ip_local_port_range = %lu %lu: %" PRIu64 " ports, one for each client on loopback, and max_clients = %" PRIu64 ": "
                     REMEDY, range[0], range[1], ports, conf->max_clients);
    if (read_numbers(sys, "net/ipv4/tcp_tw_reuse", reuse) >= 1 && reuse[0] == 0)
        tell(teller, "net.ipv4.tcp_tw_reuse = 0: a port rests for %u s, so %" PRIu64 " ports allow %" PRIu64 " new connections a second: " REMEDY,
             TIME_WAIT_SECONDS, ports, ports / TIME_WAIT_SECONDS);
}

void node_check_kernel(const struct conf *conf, const char *sys, const struct node_teller *teller)
{
    check_backlog(conf, sys, teller);
    check_ports(conf, sys, teller);
}
