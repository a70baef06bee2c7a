/* SPDX-License-Identifier: MIT
 * Leasing backends and taking them back. Who waits is frames_wait.c's.
 */
#include "proxy/frames.h"

#include "protocol/capability.h"
#include "proxy/frames_part.h"
#include "proxy/invariant.h"

#define WARM_US 100000 /* no server closes what was used so lately, but by force */

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

static struct frames *frames_of(struct backend *b)
{
    return container_of(b->context, struct frames, context);
}

/* --- lease --- */

void frames_hold(struct frames *f, struct lease *lease, struct backend *b)
{
    struct session *s = &lease->session;

    INVARIANT(!lease->resident || lease->resident == b);
    histogram_add(&stats(f)->wait, lease->deadline.queue ? loop_read_clock(f->context.loop) - lease->since_us : 0);
    frames_forget(f, lease);
    frames_retired(f, b); /* not this time */
    backend_set_state(b, BACKEND_LEASED);
    if (b->resident != lease)
        session_move(s, b->status, &b->epoch, b->warned);
    if (f->context.facts->init_connect)
        s->pins |= PIN_BIT(f->context.facts->asked ? PIN_INIT_CONNECT : PIN_UNKNOWN_INIT_CONNECT);
    backend_set_lease(b, lease, NULL);
    lease->resident = NULL;
    lease->backend = b;
    lease->state = LEASE_HELD;
    STATS_INC(stats(f)->leases);
}

static bool fits_as_it_is(struct frames *f, const struct backend *b, const struct session *s, int64_t now_us)
{
    return !s->begun && b->footprint == FOOTPRINT_NONE && session_image_equal(&b->image, &s->image) && frames_is_fresh(f, b, now_us);
}

bool frames_load(struct frames *f, struct lease *lease, struct backend *b, int64_t now_us)
{
    struct session *s = &lease->session;

    INVARIANT(!lease->resident && !b->resident);
    if (fits_as_it_is(f, b, s, now_us)) {
        STATS_INC(stats(f)->leases_equal);
        frames_hold(f, lease, b);
        return true;
    }
    if (f->context.facts->init_connect && s->image.collation <= 0xFF) { /* only a login will do (it can carry no other): its slot is for one */
        struct backend_error none = {0};

        lease->backend = NULL;
        backend_set_lease(b, NULL, NULL);
        backend_close(b, CLOSE_SPENT);
        frames_wait_again(f, lease, &none);
        return false;
    }
    backend_set_lease(b, lease, NULL);
    lease->backend = b;
    lease->state = LEASE_RESTORING;
    if (!s->begun)
        STATS_INC(stats(f)->backend_restores);
    if (!backend_load(b, s, BACKEND_RESTORING))
        return false;
    frames_hold(f, lease, b);
    return true;
}

void frames_connect_for(struct frames *f, struct lease *lease)
{
    struct backend *b = backend_open(&f->context, &lease->session.image, lease->key);

    backend_set_lease(b, lease, NULL);
    lease->backend = b;
    lease->state = LEASE_CONNECTING;
}

static bool still_there(const struct backend *b, int64_t now_us)
{
    return now_us - b->idle_since_us < WARM_US || backend_alive(b);
}

/* Where its page still lies; true: it is held. A page that only the server knows whole is not given up even on a dead connection: that is then
 * the session's end, as it would be at the server. */
static bool lease_resident(struct frames *f, struct lease *lease, int64_t now_us)
{
    struct backend *b = lease->resident;

    frames_idle_remove(f, b);
    if (still_there(b, now_us) || !session_is_saved(&lease->session)) {
        frames_hold(f, lease, b);
        STATS_INC(stats(f)->leases_resident);
        return true;
    }
    frames_page_out(b);
    backend_close(b, CLOSE_SERVER_CLOSED);
    return false;
}

/* It did not begin where it is, and nobody knows any more whether the globals there are those that it began with. */
static bool is_left_behind(struct frames *f, const struct backend *b, const struct session *s)
{
    return b->epoch.take != s->epoch.take && !s->whole && !target_has_globals(f->context.target, &b->epoch);
}

/* True: held, where its page lies. Else the page is on its way out, or has gone: who waits has no page anywhere, so that nothing is loaded twice. */
static bool lease_page(struct frames *f, struct lease *lease, int64_t now_us)
{
    struct backend *b = lease->resident;

    if (!b || b->state != BACKEND_IDLE)
        return false;
    if (pool_waiting(f->shared->pool) == 0 && !is_left_behind(f, b, &lease->session))
        return lease_resident(f, lease, now_us);
    frames_idle_remove(f, b);
    frames_evict(f, b, NULL, -1);
    return lease->state == LEASE_HELD;
}

bool frames_lease(struct frames *f, struct lease *lease)
{
    int64_t now_us = loop_now(f->context.loop);
    struct backend_error denied;
    struct backend *b;

    INVARIANT(lease->state == LEASE_NONE);
    if (lease_page(f, lease, now_us))
        return true;
    frames_silence_end(f, lease); /* it may just have begun, with a page that left now */
    if (!lease->deadline.queue) {
        lease->since_us = now_us;
        deadline_set(&f->waiting, &lease->deadline);
    }
    if (lease->resident) { /* SAVING */
        lease->state = LEASE_SAVING;
        return false;
    }
    if (pool_waiting(f->shared->pool) == 0) {
        while ((b = frames_idle_nearest(f, lease, now_us)) && !frames_denied(f, lease, b, &denied)) {
            frames_idle_remove(f, b);
            if (backend_alive(b))
                return frames_load(f, lease, b, now_us);
            backend_close(b, CLOSE_SERVER_CLOSED);
        }
    }
    frames_ask(f, lease, now_us);
    return false;
}

void frames_reload(struct frames *f, struct lease *lease)
{
    INVARIANT(lease->state == LEASE_HELD);
    lease->state = LEASE_RESTORING;
    lease->since_us = monotonic_us();
    deadline_set(&f->waiting, &lease->deadline);
    STATS_INC(stats(f)->backend_restores);
    lease->backend->footprint = FOOTPRINT_OPAQUE;
    INVARIANT(!lease->session.begun);
    (void)backend_load(lease->backend, &lease->session, BACKEND_RESTORING);
}

/* --- back --- */

static void part(struct backend *b)
{
    struct lease *lease = b->lease;

    backend_set_lease(b, NULL, NULL);
    lease->backend = NULL;
    lease->state = LEASE_NONE;
}

void frames_settle(struct backend *b)
{
    struct frames *f = frames_of(b);
    const struct conf *conf = f->context.conf;
    int64_t now_us = monotonic_us();

    if (f->stopping || stream_stuck(&b->stream)) { /* a server that answers before it was asked is none to keep */
        backend_close(b, f->stopping ? CLOSE_SHUTDOWN : CLOSE_PROTOCOL);
        return;
    }
    if (conf->max_lifetime_us && now_us - b->born_us > conf->max_lifetime_us) {
        backend_close(b, CLOSE_LIFETIME);
        return;
    }
    b->idle_since_us = now_us;
    if (b->state != BACKEND_IDLE)
        backend_set_state(b, BACKEND_IDLE);
    stream_resume(&b->stream);
    frames_idle_add(f, b);
}

void frames_receive(struct frames *f, struct backend *b, struct lease *lease)
{
    struct backend_error denied;

    backend_attach(b, &f->context);
    if (f->stopping) {
        backend_close(b, CLOSE_SHUTDOWN);
    } else if (!backend_alive(b)) {
        struct backend_error none = {0};

        backend_close(b, CLOSE_SERVER_CLOSED);
        if (lease)
            frames_wait_again(f, lease, &none);
    } else if (!lease) {
        frames_idle_add(f, b);
    } else if (frames_denied(f, lease, b, &denied)) {
        frames_idle_add(f, b);
        frames_refuse(f, lease, &denied);
    } else if (frames_load(f, lease, b, monotonic_us())) {
        lease->ops->ready(lease);
    }
}

void frames_clean(struct backend *b)
{
    struct frames *f = frames_of(b);

    if (b->spent || f->context.facts->init_connect) {
        STATS_INC(stats(f)->frames_spent);
        backend_close(b, CLOSE_SPENT);
        return;
    }
    if (b->footprint == FOOTPRINT_NONE && b->kills == 0) {
        frames_settle(b);
        return;
    }
    STATS_INC(stats(f)->backend_cleanings);
    (void)backend_load(b, NULL, BACKEND_CLEANING); /* the next session is most likely of the same kind */
}

/* The end of a session that is on no backend now; its page may lie somewhere. */
static void leave(struct frames *f, struct lease *lease)
{
    struct backend *b = lease->resident;

    if (lease->state != LEASE_NONE)
        frames_cancel(f, lease);
    if (!b)
        return;
    lease->resident = NULL;
    backend_set_lease(b, NULL, NULL);
    if (b->listed) {
        frames_idle_remove(f, b);
        frames_clean(b);
    } else { /* SAVING: what the session left is known to nobody */
        b->footprint = FOOTPRINT_OPAQUE;
    }
}

void frames_release(struct frames *f, struct lease *lease, bool border)
{
    struct backend *b = lease->backend;

    frames_silence_free(f, lease);
    if (lease->state != LEASE_HELD) {
        leave(f, lease);
        return;
    }
    INVARIANT(b->lease == lease);
    part(b);
    if (!border)
        b->torn = true;
    if (b->torn) {
        backend_close(b, CLOSE_ABANDONED);
    } else if (b->reply.state != REPLY_AT_END || !reply_at_border(&b->reply)) {
        STATS_INC(stats(f)->queries_abandoned);
        b->footprint = FOOTPRINT_OPAQUE; /* what it does is known only at its end */
        backend_kill_query(b);
        backend_drain(b);
    } else {
        frames_clean(b);
    }
}

void frames_discard(struct lease *lease, enum close_reason reason, bool lost)
{
    struct backend *b = lease->backend;

    part(b);
    if (lost)
        backend_lost(b, reason);
    else
        backend_close(b, reason);
}

void frames_cancel(struct frames *f, struct lease *lease)
{
    if (lease->backend) {
        backend_set_lease(lease->backend, NULL, NULL); /* it goes on alone, and is there for the next */
        lease->backend = NULL;
    }
    frames_forget(f, lease);
    lease->state = LEASE_NONE;
}

/* --- between two commands --- */

void frames_yield(struct frames *f, struct lease *lease)
{
    struct backend *b = lease->backend;

    INVARIANT(lease->state == LEASE_HELD && lease->session.pins == 0);
    if (stream_stuck(&b->stream) || b->kills || b->torn || b->spent || b->ahead.owed)
        return; /* its next command's end, or the answer to the KILL or to its page-in, comes back here */
    part(b);
    backend_set_lease(b, NULL, lease);
    lease->resident = b;
    lease->last_backend = b->id;
    b->idle_since_us = loop_now(f->context.loop);
    backend_set_state(b, BACKEND_IDLE);
    stream_resume(&b->stream);
    if (f->context.conf->debug_migrate)
        frames_evict(f, b, NULL, -1);
    else
        frames_idle_add(f, b);
}
