/* SPDX-License-Identifier: MIT
 * Everything that is shown, collected at one moment from those to whom it belongs.
 */
#ifndef SLUSE_PROXY_STATS_SNAPSHOT_H
#define SLUSE_PROXY_STATS_SNAPSHOT_H

#include "proxy/readiness.h"
#include "proxy/reload.h"

/* Where it comes from. */
struct stats_sources {
    struct workers *workers;
    struct pool *pool;
    struct target *target;
    const struct reloads *reloads;
    int64_t started_us;
};

struct snapshot {
    struct stats sum; /* over all workers */
    int64_t now_us;
    int64_t uptime_us;
    unsigned workers;
    uint64_t max_clients;
    struct pool_numbers pool;
    int64_t waiting_oldest_us;
    bool stalled;     /* everybody waits for what is held by sessions whose clients do not go on */
    uint64_t reloads, reloads_refused;
    bool stale;       /* the file had mistakes when it was read last */
    bool ready;       /* as /readyz says, */
    char readiness[READINESS_TEXT]; /* and why */
    struct accounts_numbers accounts;
    bool target_up;
    const char *target_name;
    char target_error[256];
    struct target_facts facts;
    struct target_stored_code_numbers stored_code;
    struct target_globals_numbers globals;
    struct frame_shown *frames;
    size_t frame_count;
    int64_t pinned_oldest_us[PINS];
};

/* The gauges of stats.def, by row; those of a TIME or SECONDS in microseconds, of a FLAG 0 or 1. */
enum gauge_kind {
    GAUGE_NUMBER,
    GAUGE_COUNT,   /* it only grows */
    GAUGE_FLAG,
    GAUGE_TIME,    /* /stats has it in milliseconds, with a fraction */
    GAUGE_SECONDS, /* in whole seconds */
};

struct gauge_row {
    const char *path;
    enum gauge_kind kind;
    const char *text;
};

extern const struct gauge_row gauge_rows[];
extern const unsigned gauge_count;

/* The value of a row; never negative. */
int64_t gauge_value(const struct snapshot *s, unsigned row);
/* A gauge that is summed over workers may be negative for a moment, while a backend is between two of them: 0 then. */
uint64_t not_negative(int64_t value);

/* Any thread. frames is NULL when memory ran out. */
void snapshot_take(struct snapshot *s, const struct stats_sources *from);
void snapshot_free(struct snapshot *s);

#endif
