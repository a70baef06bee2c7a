/* SPDX-License-Identifier: MIT
 * A worker's counters and gauges. Only its own thread writes them; any thread reads (relaxed). A gauge of one worker may be negative
 * after a backend moved: only the sum over all workers means something.
 */
#ifndef SLUSE_PROXY_STATS_H
#define SLUSE_PROXY_STATS_H

#include <stdint.h>

#include "protocol/pin.h"
#include "proxy/log.h"

enum close_reason {
#define REASON(symbol, name, level) symbol,
#include "proxy/close_reason.def"
#undef REASON
    CLOSE_REASONS
};

const char *close_reason_name(enum close_reason reason);
enum log_level close_reason_level(enum close_reason reason);

enum backend_state {
    BACKEND_CONNECTING, /* TCP under way; a slot is taken. From the pool; to LOGIN or CLOSED */
    BACKEND_LOGIN,      /* greeting and authentication; to RESTORING, LEASED, IDLE or CLOSED */
    BACKEND_IDLE,       /* in its worker's idle list; nobody runs on it, but a session may be resident */
    BACKEND_SAVING,     /* a resident session's state is being read, so that its page may leave */
    BACKEND_RESTORING,  /* a session's image is being loaded; the session waits */
    BACKEND_LEASED,     /* a session's own */
    BACKEND_DRAINING,   /* the session has gone, its last reply is read to the end */
    BACKEND_CLEANING,   /* a reset, a change of user or both under way, nobody's */
    BACKEND_CLOSING,    /* COM_QUIT sent; the server's EOF gives the slot back */
    BACKEND_CLOSED,     /* the slot is free; memory goes at the end of the loop's turn */
    BACKEND_STATES
};

const char *backend_state_name(enum backend_state state);

enum histogram_bucket {
#define BUCKET(us, seconds) BUCKET_##us,
#include "proxy/stats.def"
    BUCKET_LONGER,
    BUCKETS
};

extern const int64_t histogram_bounds_us[BUCKET_LONGER];

struct histogram {
    uint64_t buckets[BUCKETS]; /* each counts what is above the bound before and up to its own */
    uint64_t sum_us;
};

#define ERROR_NUMBERS 64u               /* so many have a counter each: the first that occur, in the whole process */
#define ERROR_COUNTERS (ERROR_NUMBERS + 1) /* and the last one has all others */

struct stats {
#define COUNTER(name, text) uint64_t name;
#define HISTOGRAM(name, text) struct histogram name;
#include "proxy/stats.def"
    uint64_t client_closed[CLOSE_REASONS];
    uint64_t backend_closed[CLOSE_REASONS];
    uint64_t errors[ERROR_COUNTERS];
    uint64_t pins[PINS];   /* times that a session was pinned, by reason */
    int64_t pinned[PINS];  /* sessions that are */
    int64_t pinned_idle;   /* those whose client sends nothing at the moment */
    int64_t clients;
    int64_t backends[BACKEND_STATES];
};

#define STATS_SET(field, value) __atomic_store_n(&(field), (value), __ATOMIC_RELAXED)
#define STATS_ADD(field, n) STATS_SET(field, (field) + (n))
#define STATS_INC(field) STATS_ADD(field, 1)

/* Something took so long. */
void histogram_add(struct histogram *h, int64_t us);
/* A client gets an error. */
void stats_count_error(struct stats *stats, uint16_t number);
/* The number that errors[i] counts, written to word, or "other"; NULL: none yet. Any thread. */
const char *error_counter_name(unsigned i, char word[8]);

/* Adds `one` to `sum`, field by field. Any thread. */
void stats_sum(struct stats *sum, const struct stats *one);

#endif
