/* SPDX-License-Identifier: MIT
 * A worker: one thread, one loop, its clients, its backends, its listening sockets.
 */
#ifndef SLUSE_PROXY_WORKER_H
#define SLUSE_PROXY_WORKER_H

#include "proxy/client.h"
#include "proxy/listener.h"

struct worker {
    struct loop loop;
    struct frames frames;
    struct clients clients;
    struct target_facts facts; /* the own copy; changes by message */
    struct target *target;
    struct listener *listeners;
    size_t listener_count;
    struct log_limit full;     /* of the line about max_clients */
    ev_timer stopping;
    ev_tstamp stop_by;
    pthread_t thread;
};

/* What the workers of the process have in common. */
struct workers {
    unsigned count;
    struct worker *list;
    struct clients **clients;
    struct frames_shared frames;
    struct frame_views views;
    atomic_uint_least64_t total_clients;
};

/* Opens `count` workers that share the rest; no thread runs yet. */
void workers_open(struct workers *workers, unsigned count, const struct conf *conf, struct pool *pool, struct accounts *accounts, struct target *target,
                  struct control *control);
/* Gives each worker its listening sockets. */
void workers_listen(struct workers *workers, const struct listen_sockets *sockets);
void workers_start(struct workers *workers);
/* The facts of the target have changed. Any thread. */
void workers_tell_facts(struct workers *workers);
/* Stops accepting, closes clients and backends, waits for the threads. The main thread. */
void workers_stop(struct workers *workers);
void workers_close(struct workers *workers);

#endif
