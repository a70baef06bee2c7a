/* SPDX-License-Identifier: MIT
 * Who may kill a session that is on no connection at the moment: the server judges, by a KILL QUERY that hits nothing.
 */
#include "proxy/frames_part.h"

#include "proxy/invariant.h"

/* Nobody's, and logged in as the session's account. */
static struct backend *unused_of_account(struct frames *f, uint16_t account)
{
    struct backend *each;

    TAILQ_FOREACH(each, &f->idle, link)
        if (!each->resident && each->image.account == account)
            return each;
    return NULL;
}

struct backend *frames_judge(struct frames *f, struct lease *lease)
{
    struct backend *b = lease->resident;

    if (lease->state == LEASE_HELD)
        return lease->backend;
    if (b && b->state == BACKEND_IDLE) {
        frames_idle_remove(f, b);
        frames_hold(f, lease, b); /* if its client wants it meanwhile, it has it, and the KILL may be for what it does then */
        return b;
    }
    b = unused_of_account(f, lease->session.image.account);
    if (b) {
        frames_idle_remove(f, b);
        backend_set_state(b, BACKEND_CLEANING); /* nothing is said on it; backend_kill_answered gives it back */
    }
    return b;
}
