/* SPDX-License-Identifier: MIT
 * Whether clients can be served.
 */
#include "proxy/readiness.h"

#include <stdio.h>

/* Connections that sessions can have, or could if they were free. */
static int64_t connections(const struct workers *workers)
{
    int64_t count = 0;

    for (unsigned i = 0; i < workers->count; i++)
        for (int state = BACKEND_IDLE; state < BACKEND_CLOSING; state++)
            count += __atomic_load_n(&workers->list[i].loop.stats.backends[state], __ATOMIC_RELAXED);
    return count;
}

/* The first thing that keeps everybody out; 0: nothing does. */
static int obstacle(struct workers *workers, const char *failure, const struct accounts_numbers *accounts, char text[READINESS_TEXT])
{
    struct target *target = workers->list[0].target;
    char error[256];

    if (atomic_load(&workers->draining))
        return snprintf(text, READINESS_TEXT, "draining");
    target_error(target, error, sizeof error);
    if (!target_usable(target))
        return snprintf(text, READINESS_TEXT, "not ready: server %s: %s", target->name, error[0] ? error : "not connected yet");
    if (failure[0] && connections(workers) <= 0)
        return snprintf(text, READINESS_TEXT, "not ready: %s", failure);
    if (accounts->refused && accounts->refused == accounts->accounts)
        return snprintf(text, READINESS_TEXT, "not ready: %s", accounts->first);
    return 0;
}

bool readiness(struct workers *workers, char text[READINESS_TEXT])
{
    struct target *target = workers->list[0].target;
    struct accounts_numbers accounts = accounts_numbers(workers->list[0].frames.context.accounts);
    char error[256], failure[READINESS_TEXT / 2] = "";

    target_error(target, error, sizeof error);
    if (error[0] && pool_numbers(workers->frames.pool).failing)
        snprintf(failure, sizeof failure, "server %.200s: no new connection: %s", target->name, error);
    if (obstacle(workers, failure, &accounts, text))
        return false;
    snprintf(text, READINESS_TEXT, "ready%s%s%s%s", failure[0] ? "\n" : "", failure, accounts.refused ? "\n" : "", accounts.first);
    return true;
}
