/* SPDX-License-Identifier: MIT
 * A backend that is being given its own session's residue (backend_prime.c): the session has not left it, and is lost with it.
 */
#include "proxy/frames_part.h"

#include "proxy/invariant.h"

void frames_prime(struct lease *lease, uint8_t which)
{
    INVARIANT(lease->state == LEASE_HELD);
    lease->state = LEASE_RESTORING;
    backend_prime(lease->backend, &lease->session, which);
}

/* As a server would have it, the command that waits has been hit: it is not sent. */
static void interrupted(struct backend *b, struct lease *lease)
{
    const struct backend_error error = {.number = 1317, .sqlstate = "70100", .text = "Query execution was interrupted"};

    b->warned = true; /* the error is in the list, and not the session's */
    session_prime_killed(&lease->session, b->prime.asked);
    lease->ops->failed(lease, &error);
}

void frames_primed(struct backend *b)
{
    struct lease *lease = b->lease;

    b->prime.active = false;
    if (!lease) { /* the session has ended meanwhile */
        frames_clean(b);
        return;
    }
    backend_set_state(b, BACKEND_LEASED);
    lease->state = LEASE_HELD;
    if (b->prime.killed) {
        interrupted(b, lease);
        return;
    }
    if (b->prime.done & RESIDUE_WARNINGS)
        b->warned = false;
    b->warned |= b->prime.done != b->prime.asked; /* the refusal is in the list */
    if (b->prime.overwrites) {
        b->warned = true;
        session_list_overwritten(&lease->session);
    }
    session_primed(&lease->session, b->prime.asked, b->prime.done);
    lease->ops->ready(lease);
}

void frames_prime_failed(struct backend *b, enum close_reason reason)
{
    struct lease *lease = b->lease;

    b->prime.active = false;
    backend_set_lease(b, NULL, NULL);
    backend_close(b, reason);
    if (!lease)
        return;
    lease->backend = NULL;
    lease->state = LEASE_NONE;
    lease->ops->lost(lease, false);
}
