/* SPDX-License-Identifier: MIT
 * Names from the tables, and the sum over workers.
 */
#include "proxy/stats.h"

#include <stddef.h>

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

void stats_sum(struct stats *sum, const struct stats *one)
{
    /* every field is 64 bits wide */
    const uint64_t *from = (const uint64_t *)(const void *)one;
    uint64_t *to = (uint64_t *)(void *)sum;

    _Static_assert(sizeof(struct stats) % sizeof(uint64_t) == 0, "only 64-bit fields");
    for (size_t i = 0; i < sizeof *one / sizeof *from; i++)
        to[i] += __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}
