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
        s->pins |= PIN_BIT(PIN_INIT_CONNECT);
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

static bool load_for(struct frames *f, struct lease *lease, struct backend *b, int64_t now_us)
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
    return false;
}

bool frames_lease(struct frames *f, struct lease *lease)
{
    int64_t now_us = loop_now(f->context.loop);
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
        while ((b = frames_idle_nearest(f, lease, now_us))) {
            frames_idle_remove(f, b);
            if (still_there(b, now_us))
                return load_for(f, lease, b, now_us);
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

/* A clean backend is nobody's: to who waits, or to the idle list. */
static void settle(struct backend *b)
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
    } else if (load_for(f, lease, b, monotonic_us())) {
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
        settle(b);
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

/* --- what backends tell --- */

static bool is_loaded(const struct backend *b, const struct session *s)
{
    return session_image_equal(&b->image, &s->image) && b->page_in == s->begun && (!s->begun || backend_loaded_rightly(b, s));
}

static void on_loaded(struct backend *b)
{
    struct frames *f = frames_of(b);
    struct lease *lease = b->lease;

    if (b->kills)
        return; /* an answer to a KILL comes first, and then again here */
    if (b->prime.active) {
        frames_primed(b);
    } else if (!lease) {
        settle(b);
    } else if (is_loaded(b, &lease->session)) {
        frames_hold(f, lease, b);
        lease->ops->ready(lease);
    } else if (load_for(f, lease, b, monotonic_us())) {
        lease->ops->ready(lease);
    }
}

static void on_logged_in(struct backend *b)
{
    struct frames *f = frames_of(b);

    histogram_add(&stats(f)->backend_login, loop_now(f->context.loop) - b->born_us);
    pool_succeeded(f->shared->pool);
    target_set_error(f->context.target, "");
    on_loaded(b);
    frames_kick(f);
}

/* Before it was leased. Who waits for it is told, or waits again at its place. */
static void on_failed(struct backend *b, enum close_reason reason, const struct backend_error *error)
{
    struct frames *f = frames_of(b);
    bool login = b->state == BACKEND_CONNECTING || b->state == BACKEND_LOGIN;
    bool told = error->number != 0;
    struct lease *lease = b->lease;

    if (b->prime.active) {
        frames_prime_failed(b, reason);
        return;
    }
    if (login) {
        STATS_INC(stats(f)->backend_login_failures);
        log_line(LOG_WARNING, "backend %llu: error %u: %s", (unsigned long long)b->id, error->number, error->text);
        target_set_error(f->context.target, error->text);
    } else {
        STATS_INC(stats(f)->backend_restore_failures);
    }
    if (lease) {
        lease->backend = NULL;
        backend_set_lease(b, NULL, NULL);
    }
    if (login && backend_error_is_passing(error))
        frames_back_off(f);
    else if (login)
        pool_succeeded(f->shared->pool); /* the server did answer */
    if (told || reason == CLOSE_CONNECT_TIMEOUT)
        backend_close(b, reason);
    else
        backend_lost(b, reason);
    if (!lease)
        return;
    if (backend_error_is_passing(error)) {
        frames_wait_again(f, lease, error);
    } else {
        if (lease->session.begun)
            session_page_in_failed(&lease->session, error->number);
        frames_forget(f, lease);
        lease->state = LEASE_NONE;
        lease->ops->failed(lease, error);
    }
}

static void on_lost(struct backend *b)
{
    frames_idle_remove(frames_of(b), b);
    frames_lose_page(b);
    backend_lost(b, CLOSE_SERVER_CLOSED);
}

static void on_answered(struct backend *b)
{
    b->lease->ops->answered(b->lease);
}

static void on_drained(struct backend *b)
{
    frames_clean(b);
}

static void on_closed(struct backend *b)
{
    frames_slot_back(frames_of(b));
    frames_retired(frames_of(b), b);
}

static void exchange_expired(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);
    struct backend_error error;

    if (b->state == BACKEND_SAVING) {
        b->torn = true;
        frames_saved(b, false);
        return;
    }
    backend_error_set(&error, "%s did not answer within connect_timeout", b->context->target->name);
    if (b->state == BACKEND_LEASED) {
        backend_ahead_failed(b, &error);
        return;
    }
    on_failed(b, CLOSE_CONNECT_TIMEOUT, &error);
}

/* It goes on until the server's answer comes, which is then the client's. */
static void query_expired(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);

    STATS_INC(b->context->loop->stats.query_timeouts);
    backend_kill_query(b);
}

static void closing_expired(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);

    if (b->state == BACKEND_DRAINING)
        backend_close(b, CLOSE_ABANDONED);
    else
        backend_give_up(b);
}

void frames_open(struct frames *f, const struct frames_shared *shared)
{
    struct ev_loop *ev = f->context.loop->ev;
    const struct conf *conf = f->context.conf;

    f->shared = shared;
    TAILQ_INIT(&f->context.every);
    f->context.logged_in = on_logged_in;
    f->context.restored = on_loaded;
    f->context.failed = on_failed;
    f->context.saved = frames_saved;
    f->context.answered = on_answered;
    f->context.drained = on_drained;
    f->context.closed = on_closed;
    f->context.lost = on_lost;
    deadline_queue_open(&f->context.exchange, ev, conf->connect_timeout_us, exchange_expired);
    deadline_queue_open(&f->context.queries, ev, conf->query_timeout_us, query_expired);
    deadline_queue_open(&f->context.closing, ev, conf->close_timeout_us, closing_expired);
    frames_wait_open(f);
    frames_idle_open(f);
}

void frames_close(struct frames *f)
{
    struct backend *b;

    while ((b = TAILQ_FIRST(&f->context.every))) /* the server would not let go of these */
        backend_lost(b, CLOSE_SHUTDOWN);
    deadline_queue_close(&f->context.exchange);
    deadline_queue_close(&f->context.queries);
    deadline_queue_close(&f->context.closing);
    frames_wait_close(f);
}
