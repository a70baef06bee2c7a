/* SPDX-License-Identifier: MIT
 * A worker: one thread, one loop, its clients, its backends, its listening sockets.
 */
#ifndef SLUSE_PROXY_WORKER_H
#define SLUSE_PROXY_WORKER_H

#include "proxy/client.h"
#include "proxy/listener.h"

struct worker {
    struct loop loop;
    struct conf *conf; /* held; changes by message */
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
    atomic_uint_least64_t max_clients; /* for /stats */
    atomic_uint_least64_t room;        /* so many clients leave descriptors for the rest */
    atomic_bool draining; /* for /readyz */
    atomic_uint cut;      /* clients that workers_stop found at work */
};

/* Opens `count` workers that share the rest; no thread runs yet. */
void workers_open(struct workers *workers, unsigned count, struct conf *conf, struct pool *pool, struct accounts *accounts, struct target *target,
                  struct control *control);
/* Gives each worker its listening sockets. */
void workers_listen(struct workers *workers, const struct listen_sockets *sockets);
/* So many clients are accepted at a time; others wait, in the listening queue, for one of them to go. No limit at first. Any thread. */
void workers_set_room(struct workers *workers, uint64_t room);
void workers_start(struct workers *workers);
/* The facts of the target have changed. Any thread. */
void workers_tell_facts(struct workers *workers);
/* The settings are others: each worker takes them over in its next turn. The main thread. */
void workers_settings_changed(struct workers *workers, struct conf *conf);
/* Has every worker's loop turned lately? Any thread. */
bool workers_turning(const struct workers *workers);
/* Stops accepting, after what the kernel has accepted already, and ends clients as they come to rest. The main thread, which then looks at workers_clients. */
void workers_drain(struct workers *workers);
uint64_t workers_clients(const struct workers *workers);
/* Stops accepting, closes clients and backends, waits for the threads. The main thread. Returns how many clients were cut. */
unsigned workers_stop(struct workers *workers);
/* How many it ended at rest while draining. Any thread. */
uint64_t workers_drained(const struct workers *workers);
void workers_close(struct workers *workers);

#endif
