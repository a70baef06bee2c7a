/* SPDX-License-Identifier: MIT
 * The bound and the queue: how many connections to the server may exist, and who waits for one, in order, over all workers.
 *
 * A slot stands for a connection from before its connect until after the server's EOF. Whoever waits has a ticket; a freed backend or
 * slot goes to the lowest ticket. This file knows neither sockets nor sessions: the workers' frames (frames.c) do what it decides.
 *
 *     frames of worker 1 --ask--> +-------------------------------+
 *     frames of worker 2 --ask--> | used <= size;  head .. waiters | --> the waiter's loop, by message or at once
 *          slot or backend freed->+-------------------------------+
 *
 * Locks: one mutex guards all; it is a leaf, nothing is called, allocated or logged under it. `waiting` may be read without: zero
 * means that a freed backend can stay with its worker (see frames.c for the order of that handshake).
 */
#ifndef SLUSE_PROXY_POOL_H
#define SLUSE_PROXY_POOL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

struct waiter {
    TAILQ_ENTRY(waiter) link;
    uint64_t ticket;  /* 0: none yet; kept when a waiter comes back to the queue, so that it comes back to its place */
    uint32_t key;     /* what a backend must have been logged in with */
    int64_t since_us; /* the asker's: when it began to need one */
    bool queued;
};

TAILQ_HEAD(waiter_list, waiter);

struct pool {
    pthread_mutex_t mutex;
    uint64_t size;        /* guarded, as all up to waiting; used may be above it after it was lowered */
    uint64_t max_waiting; /* 0: no limit */
    struct {
        uint64_t used;
        uint64_t used_max;
        uint64_t retiring; /* of the used: those that are to end because there are too many */
        uint64_t waiting_max;
        uint64_t tickets;
        struct waiter_list queue;
        unsigned failures; /* connects in a row that failed */
        int64_t retry_at_us;
    } shared;
    atomic_uint_least64_t waiting; /* written under the mutex */
    atomic_bool shrinking;         /* likewise: used is above size */
};

void pool_open(struct pool *pool, uint64_t size, uint64_t max_waiting);
void pool_close(struct pool *pool);

/* Another bound. Above it no slot is given until so many have come back; nobody is taken anything away who uses it. */
void pool_resize(struct pool *pool, uint64_t size, uint64_t max_waiting);
/* For a connection that nobody uses at the moment: is it one too many? True: it is to end, and counts as gone; pool_retired follows, when it has ended or was
 * needed after all. Cheap while the pool does not shrink. */
bool pool_retire(struct pool *pool) __attribute__((warn_unused_result));
void pool_retired(struct pool *pool);

enum pool_answer {
    POOL_SLOT,   /* a slot is the asker's: connect, and give it back with pool_slot_back */
    POOL_QUEUED, /* the waiter is in the queue */
    POOL_FULL,   /* max_waiting are in the queue already */
};

/* For a session without a backend. A slot is only given when nobody waits. */
enum pool_answer pool_ask(struct pool *pool, struct waiter *waiter, int64_t now_us) __attribute__((warn_unused_result));
/* Back to the place of its ticket: the connection that it had got failed. */
void pool_return(struct pool *pool, struct waiter *waiter);
/* Leaves the queue. False: it is not in it any more, something is on its way to it. */
bool pool_leave(struct pool *pool, struct waiter *waiter) __attribute__((warn_unused_result));

/* For connections that no session waits for. False: none is free, or somebody waits. */
bool pool_take_spare(struct pool *pool, int64_t now_us) __attribute__((warn_unused_result));

/* For a worker that has idle backends: the key of who is first. False: nobody waits. */
bool pool_head(struct pool *pool, uint32_t *key);
/* Takes the first waiter off the queue if it needs that key; NULL: it does not, or has gone. */
struct waiter *pool_take_head(struct pool *pool, uint32_t key);

/* A connection has ended. Its slot goes to the first waiter, which is taken off the queue and returned, or is free (NULL). */
struct waiter *pool_slot_back(struct pool *pool, int64_t now_us);
/* After a back-off, or when a login went well: a free slot for the first waiter, with the waiter; NULL: no slot, nobody, or not yet. */
struct waiter *pool_slot_for_head(struct pool *pool, int64_t now_us);

/* A connect or login failed: nobody gets a slot for a while (50 ms, doubling to 2 s). Returns when to try again, monotonic. */
int64_t pool_failed(struct pool *pool, int64_t now_us);
void pool_succeeded(struct pool *pool);

uint64_t pool_waiting(const struct pool *pool);
struct pool_numbers {
    uint64_t size, used, used_max, waiting, waiting_max;
    int64_t oldest_since_us; /* since_us of who is first; 0: nobody waits */
    bool failing;            /* the newest connect or login that ended did so in a failure of the server's */
};
struct pool_numbers pool_numbers(struct pool *pool);

#endif
