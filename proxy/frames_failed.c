/* SPDX-License-Identifier: MIT
 * Connections that fail before they are a session's: who is told, and who tries again when.
 */
#include "proxy/frames_part.h"

#include <stdio.h>

#include "proxy/invariant.h"

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

bool frames_denied(struct frames *f, const struct lease *lease, const struct backend *b, struct backend_error *error)
{
    unsigned account = lease->session.image.account;

    return !(b && b->image.account == account) && accounts_refused(f->context.accounts, account, loop_now(f->context.loop), error);
}

/* What an account or a schema is refused for is told elsewhere; all else concerns everybody. */
static void note_failure(struct target *target, const struct backend_error *error)
{
    char text[256];
    unsigned before;

    if (backend_error_is_account(error) || backend_error_is_schema(error))
        return;
    if (error->number)
        snprintf(text, sizeof text, "error %u: %.230s", error->number, error->text);
    else
        snprintf(text, sizeof text, "%.250s", error->text);
    if (target_failed(target, text, &before)) {
        char word[32];

        log_line(LOG_WARNING, "server %s: no new connection: %s%s", target->name, text, log_before(before, word));
    }
}

/* Nobody tries for a while when it was the server that failed. */
static void note_login(struct frames *f, const struct backend_error *error)
{
    STATS_INC(stats(f)->backend_login_failures);
    note_failure(f->context.target, error);
    if (backend_error_is_passing(error))
        frames_back_off(f);
    else
        pool_succeeded(f->shared->pool); /* the server did answer */
}

void frames_refuse(struct frames *f, struct lease *lease, const struct backend_error *error)
{
    if (lease->session.begun && error->number != 3168)
        session_page_in_failed(&lease->session, error->number);
    frames_cancel(f, lease);
    lease->ops->failed(lease, error);
}

/* Who waits for it is told, or waits again at its place. */
static void tell_lease(struct frames *f, struct lease *lease, const struct backend_error *error)
{
    if (backend_error_is_passing(error))
        frames_wait_again(f, lease, error);
    else
        frames_refuse(f, lease, error);
}

void frames_failed(struct backend *b, enum close_reason reason, const struct backend_error *error)
{
    struct frames *f = container_of(b->context, struct frames, context);
    struct lease *lease = b->lease;

    if (b->prime.active) {
        frames_prime_failed(b, reason);
        return;
    }
    if (lease) {
        lease->backend = NULL;
        backend_set_lease(b, NULL, NULL);
    }
    if (b->state == BACKEND_CONNECTING || b->state == BACKEND_LOGIN)
        note_login(f, error);
    else
        STATS_INC(stats(f)->backend_restore_failures);
    if (error->number || reason == CLOSE_CONNECT_TIMEOUT)
        backend_close(b, reason);
    else
        backend_lost(b, reason);
    if (lease)
        tell_lease(f, lease, error);
}
