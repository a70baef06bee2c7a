/* SPDX-License-Identifier: MIT
 * Listening sockets. They belong to the process and are opened once, before any worker runs; each worker accepts from its own.
 *
 * A TCP address has one socket a worker (SO_REUSEPORT: the kernel spreads connections), the Unix socket has one that all accept from.
 * An exclusive lock for each address keeps a second daemon out, which SO_REUSEPORT alone would let in silently.
 */
#ifndef SLUSE_PROXY_LISTENER_H
#define SLUSE_PROXY_LISTENER_H

#include <stddef.h>

#include "conf/conf.h"
#include "proxy/log.h"
#include "proxy/loop.h"

struct listen_sockets {
    size_t address_count;
    unsigned workers;
    int *fds;          /* [address * workers + worker]; the Unix socket's is the same for every worker */
    int *locks;        /* [address] */
    bool *passed;      /* [address]; by the service manager, whose it stays: one that all accept from */
    char *socket_path; /* NULL: none; removed at the end */
};

/* Opens all. On failure a line is logged, everything is closed again, and false returned. */
bool listen_sockets_open(struct listen_sockets *sockets, const struct conf *conf, unsigned workers) __attribute__((warn_unused_result));
int listen_socket_of(const struct listen_sockets *sockets, size_t address, unsigned worker);
void listen_sockets_close(struct listen_sockets *sockets);

struct listener_events {
    bool (*has_room)(void *data); /* for another client; else it is left where it is, as without descriptors */
    void (*accepted)(void *data, int fd);
};

/* One worker's view of one socket. */
struct listener {
    struct loop *loop;
    int fd;
    bool passed;
    ev_io reader;
    ev_timer pause; /* out of descriptors: try again in a while */
    struct log_news trouble;
    const struct listener_events *events;
    void *data;
};

void listener_open(struct listener *l, struct loop *loop, int fd, bool passed, const struct listener_events *events, void *data);
/* Accepts what the kernel has already taken, then stops: whoever comes later is refused, or on a passed socket waits for the next process. */
void listener_close(struct listener *l);

#endif
