/* SPDX-License-Identifier: MIT
 * Names from the tables, and the sum over workers.
 */
#include "proxy/stats.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

const char *close_reason_name(enum close_reason reason)
{
    static const char *const names[] = {
#define REASON(symbol, name, level) name,
#include "proxy/close_reason.def"
#undef REASON
    };

    return names[reason];
}

enum log_level close_reason_level(enum close_reason reason)
{
    static const enum log_level levels[] = {
#define REASON(symbol, name, level) level,
#include "proxy/close_reason.def"
#undef REASON
    };

    return levels[reason];
}

const char *backend_state_name(enum backend_state state)
{
    static const char *const names[] = {
        [BACKEND_CONNECTING] = "connecting", [BACKEND_LOGIN] = "login",       [BACKEND_IDLE] = "idle",
        [BACKEND_RESTORING] = "restoring",   [BACKEND_LEASED] = "leased",     [BACKEND_DRAINING] = "draining",
        [BACKEND_CLEANING] = "cleaning",     [BACKEND_CLOSING] = "closing",   [BACKEND_CLOSED] = "closed",
        [BACKEND_SAVING] = "saving",
    };

    return names[state];
}

const int64_t histogram_bounds_us[BUCKET_LONGER] = {
#define BUCKET(us, seconds) us,
#include "proxy/stats.def"
};

void histogram_add(struct histogram *h, int64_t us)
{
    unsigned i = 0;

    while (i < BUCKET_LONGER && us > histogram_bounds_us[i])
        i++;
    STATS_INC(h->buckets[i]);
    STATS_ADD(h->sum_us, us > 0 ? (uint64_t)us : 0);
}

/* Which number each counter of `errors` has; 0: none yet. All workers agree on it. */
static _Atomic uint16_t error_numbers[ERROR_NUMBERS];

void stats_count_error(struct stats *stats, uint16_t number)
{
    unsigned i;

    for (i = 0; i < ERROR_NUMBERS; i++) {
        uint16_t here = atomic_load_explicit(&error_numbers[i], memory_order_relaxed);

        if (here == 0 && atomic_compare_exchange_strong_explicit(&error_numbers[i], &here, number, memory_order_relaxed, memory_order_relaxed))
            break;
        if (here == number)
            break;
    }
    STATS_INC(stats->errors[i]);
}

const char *error_counter_name(unsigned i, char word[8])
{
    uint16_t number = i < ERROR_NUMBERS ? atomic_load_explicit(&error_numbers[i], memory_order_relaxed) : 0;

    if (i == ERROR_NUMBERS)
        return "other";
    snprintf(word, 8, "%u", number);
    return number ? word : NULL;
}

void stats_sum(struct stats *sum, const struct stats *one)
{
    /* every field is 64 bits wide */
    const uint64_t *from = (const uint64_t *)(const void *)one;
    uint64_t *to = (uint64_t *)(void *)sum;

    _Static_assert(sizeof(struct stats) % sizeof(uint64_t) == 0, "only 64-bit fields");
    for (size_t i = 0; i < sizeof *one / sizeof *from; i++)
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
