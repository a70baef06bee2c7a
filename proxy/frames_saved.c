/* SPDX-License-Identifier: MIT
 * What becomes of a backend, its resident session and who waits for it, when the session's state has been read, or the backend was lost.
 */
#include "proxy/frames_part.h"

#include "proxy/invariant.h"
#include "proxy/stored_code.h"

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

/* The client of a session that has just been saved, or could not be, waits for this. */
static void go_on(struct frames *f, struct lease *lease)
{
    if (lease->state == LEASE_SAVING) {
        lease->state = LEASE_NONE;
        if (!frames_lease(f, lease))
            return;
    }
    lease->ops->ready(lease);
}

/* The server has closed a backend on which a session was resident: what was not known of the session is lost, and so is it. */
void frames_lose_page(struct backend *b)
{
    struct lease *lease = b->resident;
    bool overdue;

    if (!lease)
        return;
    overdue = lease->state == LEASE_NONE && session_is_overdue(&lease->session, monotonic_us() - b->idle_since_us);
    frames_page_out(b);
    if (!session_is_saved(&lease->session)) {
        if (lease->state == LEASE_SAVING)
            frames_cancel(lease->frames, lease);
        lease->ops->lost(lease, overdue);
    } else if (lease->state == LEASE_SAVING) {
        go_on(lease->frames, lease);
    }
}

bool frames_tear(struct frames *f, struct lease *lease)
{
    struct session *s = &lease->session;
    bool whole = s->pins == 0 && session_is_saved(s) && target_globals_right(f->context.target, f->context.facts->globals);

    lease->backend->torn = true;
    frames_discard(lease, CLOSE_ABANDONED, false);
    session_leave(s);
    return whole;
}

/* It keeps its backend: a transaction is open after all, or the server would not tell, or nobody can be given what it has. */
static void keep_page(struct frames *f, struct backend *b)
{
    struct lease *lease = b->resident;
    bool waits = lease->state == LEASE_SAVING;

    STATS_INC(stats(f)->pages_kept);
    frames_hold(f, lease, b);
    if (waits)
        lease->ops->ready(lease);
    else
        lease->ops->answered(lease);
}

bool frames_may_leave(const struct frames *f, const struct backend *b)
{
    const struct target_facts *facts = f->context.facts;
    const struct stored_code *code = facts->stored_code;

    return !session_row_count_stays(&b->resident->session, facts->is_mariadb) || !code || !(code->names.reads & RESIDUE_ROW_COUNT);
}

void frames_keep(struct frames *f, struct backend *b, struct waiter *waiter)
{
    b->resident->session.pins |= PIN_BIT(PIN_RESIDUE);
    keep_page(f, b);
    if (waiter)
        frames_waiter_again(f, waiter);
}

void frames_saved(struct backend *b, bool done)
{
    struct frames *f = container_of(b->context, struct frames, context);
    struct lease *lease = b->resident;
    struct waiter *waiter = b->saving.waiter;
    int close = b->saving.close;

    deadline_clear(&b->deadline);
    if (b->torn) {
        frames_lose_page(b);
        backend_close(b, CLOSE_SERVER_CLOSED); /* its slot is free at the server's EOF, which may be here already */
    } else if (!lease) { /* the session ended meanwhile */
        frames_clean(b);
    } else if (!done) {
        keep_page(f, b);
    } else {
        backend_set_state(b, BACKEND_IDLE);
        frames_evict(f, b, waiter, close);
        waiter = NULL;
        if (lease->state == LEASE_SAVING)
            go_on(f, lease);
    }
    if (waiter)
        frames_waiter_again(f, waiter);
}

