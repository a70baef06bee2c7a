/* SPDX-License-Identifier: MIT
 * The log line about sessions that got no connection: how many, how long, what holds the pool, and what helps.
 */
#include "proxy/frames_part.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define STARVED_SECONDS 10
#define REMEDY_OF_PINS "docs/what-to-do-when.md, \"Every connection is pinned\""

static struct stats sum_of_all(const struct frames *f)
{
    struct stats sum = {0};

    for (unsigned i = 0; i < f->shared->count; i++)
        stats_sum(&sum, &f->shared->all[i]->context.loop->stats);
    return sum;
}

/* "transaction 8, user_variables 4"; "nothing". Returns the pin that most sessions have; PINS: none. */
static enum pin list_pins(const struct stats *sum, char *text, size_t size)
{
    enum pin most = PINS;
    size_t length = 0;

    snprintf(text, size, "nothing");
    for (unsigned i = 0; i < PINS; i++) {
        if (sum->pinned[i] <= 0)
            continue;
        if (length < size)
            length += (size_t)snprintf(text + length, size - length, "%s%s %" PRId64, length ? ", " : "", pin_name((enum pin)i), sum->pinned[i]);
        if (most == PINS || sum->pinned[i] > sum->pinned[most])
            most = (enum pin)i;
    }
    return most;
}

static const char *remedy_of(enum pin most)
{
    switch (most) {
    case PIN_TRANSACTION:
        return "functions that COMMIT and go, a lower idle_in_transaction_timeout, or a larger [pool] size: " REMEDY_OF_PINS;
    case PIN_UNREAD:
        return "privileges for the control account, which sluse --check --connect names: " REMEDY_OF_PINS;
    case PIN_INIT_CONNECT:
        return "no init_connect at the server, or a larger [pool] size: " REMEDY_OF_PINS;
    case PIN_UNKNOWN_INIT_CONNECT:
        return "a control account that the server lets in, which the log and /readyz tell of: " REMEDY_OF_PINS;
    default:
        return "functions that disconnect when they are done, or a larger [pool] size: " REMEDY_OF_PINS;
    }
}

/* Sessions that hold connections and do nothing with them are the first suspects; else there are too few. */
static const char *find_remedy(const struct pool_numbers *pool, const struct stats *sum, enum pin most)
{
    bool held = sum->pinned_idle > 0 && 2 * (uint64_t)sum->pinned_idle >= pool->size - 1;

    return held && most != PINS ? remedy_of(most) : "faster statements, or a larger [pool] size if the server has room: docs/sizing.md";
}

void frames_starved(struct frames *f, const struct backend_error *error)
{
    struct pool_numbers pool = pool_numbers(f->shared->pool);
    const char *remedy;
    char pins[400], before[32];
    unsigned skipped;
    struct stats sum;

    if (pool.used < pool.size || pool.failing) /* no connection can be made, which is told already */
        return;
    if (!log_allowed(&f->starved, 1, STARVED_SECONDS, &skipped))
        return;
    sum = sum_of_all(f);
    remedy = find_remedy(&pool, &sum, list_pins(&sum, pins, sizeof pins));
    log_line(LOG_WARNING, "%s; what helps: %s; pinned by: %s; %" PRId64 " are held by clients at rest%s", error->text + strlen("sluse: "), remedy, pins,
             sum.pinned_idle, log_before(skipped, before));
}
