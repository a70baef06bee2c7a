/* SPDX-License-Identifier: MIT
 * Waiting for a backend, and handing backends and slots to who waits on whichever worker.
 *
 * A ticket is a lease's place in the queue. Whoever takes it off the queue (under the pool's lock) puts a grant into it and sends it to its
 * worker as a message; the ticket stays valid memory until it arrives there. A lease that has gone meanwhile leaves a ticket without a
 * lease, and what was granted goes on to the next.
 *
 * No wake-up is lost: who begins to wait raises `waiting` and then looks at every worker's idle_count; who puts a backend into an idle list
 * raises idle_count and then looks at `waiting`. Both are sequentially consistent, so one of the two sees the other.
 */
#include "proxy/frames_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"

#define RETRY_SECONDS 0.05

enum grant { GRANT_SLOT, GRANT_BACKEND, GRANT_REFUSAL };

struct ticket {
    struct waiter waiter;
    struct message message;
    struct frames *frames; /* where the lease is */
    struct lease *lease;   /* NULL: gone; only its own thread looks */
    bool away;             /* in the queue or on its way back from it; only its own thread looks */
    enum grant grant;
    struct backend *backend;
    struct backend_error error; /* the server's newest ERR to a connection made for this ticket; number 0: none */
};

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

static struct ticket *ticket_for(struct frames *f, struct lease *lease)
{
    struct ticket *ticket = lease->ticket;

    if (!ticket) {
        ticket = lease->ticket = zalloc(sizeof *ticket);
        ticket->frames = f;
        ticket->lease = lease;
        ticket->waiter.key = lease->key;
        ticket->waiter.since_us = lease->since_us;
    }
    return ticket;
}

static void wait_error(struct frames *f, const struct lease *lease, struct backend_error *error, const char *what)
{
    struct pool_numbers numbers = pool_numbers(f->shared->pool);
    char cause[256];

    target_error(f->context.target, cause, sizeof cause);
    backend_error_set(error, "sluse: %s: pool of %llu connections to %s, %llu in use, %llu sessions waiting; waited %lld ms of %lld ms%s%s", what,
                      (unsigned long long)numbers.size, f->context.target->name, (unsigned long long)numbers.used, (unsigned long long)numbers.waiting,
                      (long long)(monotonic_us() - lease->since_us) / 1000, (long long)f->context.conf->wait_timeout_us / 1000,
                      cause[0] ? "; last failure: " : "", cause);
    error->number = 3168; /* ER_SERVER_ISNT_AVAILABLE */
    snprintf(error->sqlstate, sizeof error->sqlstate, "HY000");
}

/* --- grants --- */

static void on_grant(struct loop *loop, struct message *message)
{
    struct ticket *ticket = container_of(message, struct ticket, message);
    struct frames *f = ticket->frames;
    struct lease *lease = ticket->lease;
    enum grant grant = ticket->grant;
    struct backend_error error = ticket->error;
    struct backend *b = ticket->backend;

    (void)loop;
    ticket->away = false;
    ticket->backend = NULL;
    if (!lease)
        free(ticket);
    switch (grant) {
    case GRANT_SLOT:
        if (lease && !frames_denied(f, lease, NULL, &error)) {
            frames_connect_for(f, lease);
            break;
        }
        frames_slot_back(f);
        if (lease)
            frames_refuse(f, lease, &error);
        break;
    case GRANT_BACKEND:
        frames_receive(f, b, lease);
        break;
    case GRANT_REFUSAL:
        if (lease)
            frames_refuse(f, lease, &error);
        break;
    }
}

static void grant_to(struct frames *f, struct waiter *waiter, enum grant grant, struct backend *b)
{
    struct ticket *ticket = container_of(waiter, struct ticket, waiter);

    ticket->grant = grant;
    ticket->backend = b;
    ticket->message.run = on_grant;
    if (ticket->frames == f) {
        loop_defer(f->context.loop, &ticket->message);
        return;
    }
    if (b)
        STATS_INC(stats(f)->leases_moved);
    loop_send(ticket->frames->context.loop, &ticket->message);
}

/* --- asking --- */

static void on_nudge(struct loop *loop, struct message *message)
{
    struct frames *f = container_of(message, struct frames, nudge);

    (void)loop;
    atomic_store(&f->nudged, false);
    frames_serve(f);
}

/* Somebody waits now: workers with idle backends are to look. */
static void nudge_all(struct frames *f)
{
    for (unsigned i = 0; i < f->shared->count; i++) {
        struct frames *each = f->shared->all[i];

        if (atomic_load(&each->idle_count) > 0 && !atomic_exchange(&each->nudged, true)) {
            if (each == f)
                loop_defer(f->context.loop, &each->nudge);
            else
                loop_send(each->context.loop, &each->nudge);
        }
    }
}

/* After a failure slots are given when their time comes, whether or not anything else happens. */
static void watch_queue(struct frames *f)
{
    if (!ev_is_active(&f->retry))
        ev_timer_again(f->context.loop->ev, &f->retry);
}

void frames_ask(struct frames *f, struct lease *lease, int64_t now_us)
{
    struct ticket *ticket = ticket_for(f, lease);

    lease->state = LEASE_WAITING;
    switch (pool_ask(f->shared->pool, &ticket->waiter, now_us)) {
    case POOL_SLOT:
        if (!frames_denied(f, lease, NULL, &ticket->error)) {
            frames_connect_for(f, lease);
            break;
        }
        frames_slot_back(f);
        ticket->away = true;
        grant_to(f, &ticket->waiter, GRANT_REFUSAL, NULL);
        break;
    case POOL_QUEUED:
        STATS_INC(stats(f)->leases_waited);
        ticket->away = true;
        watch_queue(f);
        nudge_all(f);
        break;
    case POOL_FULL:
        STATS_INC(stats(f)->waits_refused);
        wait_error(f, lease, &ticket->error, "max_waiting sessions wait for a connection already");
        frames_starved(f, &ticket->error);
        ticket->away = true;
        grant_to(f, &ticket->waiter, GRANT_REFUSAL, NULL);
        break;
    }
}

void frames_wait_again(struct frames *f, struct lease *lease, const struct backend_error *error)
{
    struct ticket *ticket = ticket_for(f, lease);

    if (error->number)
        ticket->error = *error;
    lease->state = LEASE_WAITING;
    ticket->away = true;
    frames_waiter_again(f, &ticket->waiter);
}

void frames_forget(struct frames *f, struct lease *lease)
{
    struct ticket *ticket = lease->ticket;

    deadline_clear(&lease->deadline);
    if (!ticket)
        return;
    lease->ticket = NULL;
    ticket->lease = NULL;
    if (!ticket->away || pool_leave(f->shared->pool, &ticket->waiter))
        free(ticket);
}

static void on_wait_expired(struct deadline *deadline)
{
    struct lease *lease = container_of(deadline, struct lease, deadline);
    struct frames *f = lease->frames;
    struct backend_error error;

    STATS_INC(stats(f)->wait_timeouts);
    histogram_add(&stats(f)->wait, monotonic_us() - lease->since_us);
    if (lease->ticket && lease->ticket->error.number) { /* the server's own words, when it had some */
        error = lease->ticket->error;
    } else {
        wait_error(f, lease, &error, "no connection within wait_timeout");
        frames_starved(f, &error);
    }
    frames_cancel(f, lease);
    lease->ops->failed(lease, &error);
}

/* --- giving --- */

void frames_grant(struct frames *f, struct waiter *waiter, struct backend *b)
{
    backend_detach(b);
    grant_to(f, waiter, GRANT_BACKEND, b);
}

void frames_serve(struct frames *f)
{
    struct pool *pool = f->shared->pool;
    uint32_t key;

    while (!TAILQ_EMPTY(&f->idle) && pool_head(pool, &key)) {
        struct waiter *waiter;
        struct backend *b;

        if (!frames_idle_for(f, key)) { /* none fits: one makes room for one that does */
            STATS_INC(stats(f)->backend_turned_over);
            frames_turn_over(f);
            return;
        }
        waiter = pool_take_head(pool, key);
        if (!waiter)
            continue; /* another worker was faster: look at the new head */
        b = frames_idle_for(f, key);
        frames_idle_remove(f, b);
        frames_evict(f, b, waiter, -1);
    }
}

void frames_waiter_again(struct frames *f, struct waiter *waiter)
{
    pool_return(f->shared->pool, waiter);
    watch_queue(f);
    nudge_all(f);
    frames_kick(f);
}

void frames_slot_back(struct frames *f)
{
    struct waiter *waiter = pool_slot_back(f->shared->pool, monotonic_us());

    if (waiter)
        grant_to(f, waiter, GRANT_SLOT, NULL);
    if (waiter && pool_waiting(f->shared->pool))
        nudge_all(f); /* somebody else is first now, and an idle backend may fit, or make room */
}

void frames_kick(struct frames *f)
{
    struct waiter *waiter;

    while ((waiter = pool_slot_for_head(f->shared->pool, monotonic_us())))
        grant_to(f, waiter, GRANT_SLOT, NULL);
    if (pool_waiting(f->shared->pool))
        nudge_all(f);
}

void frames_back_off(struct frames *f)
{
    (void)pool_failed(f->shared->pool, monotonic_us());
    watch_queue(f);
}

static void on_retry(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct frames *f = timer->data;

    (void)events;
    frames_kick(f);
    if (pool_waiting(f->shared->pool) == 0)
        ev_timer_stop(ev, timer);
}

void frames_wait_open(struct frames *f)
{
    f->nudge.run = on_nudge;
    atomic_init(&f->nudged, false);
    deadline_queue_open(&f->waiting, f->context.loop->ev, f->context.conf->wait_timeout_us, on_wait_expired);
    ev_timer_init(&f->retry, on_retry, 0., RETRY_SECONDS);
    f->retry.data = f;
}

void frames_wait_close(struct frames *f)
{
    deadline_queue_close(&f->waiting);
    ev_timer_stop(f->context.loop->ev, &f->retry);
}
