/* SPDX-License-Identifier: MIT
 * Leasing backends and taking them back. Who waits is frames_wait.c's.
 */
#include "proxy/frames.h"

#include "protocol/capability.h"
#include "proxy/frames_wait.h"
#include "proxy/invariant.h"

#define JANITOR_SECONDS 1.
#define WARM_US 100000 /* no server closes what was used so lately, but by force */

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

static struct frames *frames_of(struct backend *b)
{
    return container_of(b->context, struct frames, context);
}

/* --- the idle list --- */

static void idle_count(struct frames *f, int change)
{
    /* sequentially consistent, as pool->waiting: either who begins to wait sees this backend, or we see that it waits */
    atomic_fetch_add(&f->idle_count, (unsigned)change);
}

static void idle_remove(struct frames *f, struct backend *b)
{
    TAILQ_REMOVE(&f->idle, b, link);
    idle_count(f, -1);
}

static bool is_fresh(struct frames *f, const struct backend *b, int64_t now_us)
{
    return epoch_fresh(&b->epoch, now_us, f->context.conf->privilege_refresh_us);
}

/* Does init_connect make a change of user worthless? Then only what a login just made will do. */
static bool is_usable(struct frames *f, const struct backend *b, const struct lease *lease, int64_t now_us)
{
    if (b->key != lease->key)
        return false;
    return !f->context.facts->init_connect || (is_fresh(f, b, now_us) && session_image_equal(&b->image, &lease->image));
}

/* The idle backend that needs the least to serve the lease, the warmest among equals. */
static struct backend *idle_nearest(struct frames *f, const struct lease *lease, int64_t now_us)
{
    struct backend *each, *best = NULL;
    unsigned least = ~0u;

    TAILQ_FOREACH(each, &f->idle, link) {
        unsigned distance;

        if (!is_usable(f, each, lease, now_us))
            continue;
        distance = session_image_distance(&each->image, &lease->image);
        if (distance < least) {
            best = each;
            least = distance;
        }
        if (distance == 0)
            break;
    }
    return best;
}

struct backend *frames_idle_for(struct frames *f, uint32_t key)
{
    struct backend *each;

    TAILQ_FOREACH(each, &f->idle, link)
        if (each->key == key)
            return each;
    return NULL;
}

void frames_turn_over(struct frames *f)
{
    struct backend *b = TAILQ_LAST(&f->idle, backend_list);

    idle_remove(f, b);
    backend_close(b, CLOSE_TURNED_OVER);
}

/* --- lease --- */

static void hold(struct frames *f, struct lease *lease, struct backend *b)
{
    frames_forget(f, lease);
    backend_set_state(b, BACKEND_LEASED);
    b->lease = lease;
    lease->backend = b;
    lease->state = LEASE_HELD;
    STATS_INC(stats(f)->leases);
}

static bool load_for(struct frames *f, struct lease *lease, struct backend *b, int64_t now_us)
{
    if (session_image_equal(&b->image, &lease->image) && is_fresh(f, b, now_us)) {
        STATS_INC(stats(f)->leases_equal);
        hold(f, lease, b);
        return true;
    }
    if (f->context.facts->init_connect && lease->image.collation <= 0xFF) { /* only a login will do (it can carry no other): its slot is for one */
        struct backend_error none = {0};

        lease->backend = NULL;
        b->lease = NULL;
        backend_close(b, CLOSE_SPENT);
        frames_wait_again(f, lease, &none);
        return false;
    }
    b->lease = lease;
    lease->backend = b;
    lease->state = LEASE_RESTORING;
    STATS_INC(stats(f)->backend_restores);
    backend_load(b, &lease->image, BACKEND_RESTORING);
    return false;
}

void frames_connect_for(struct frames *f, struct lease *lease)
{
    struct backend *b = backend_open(&f->context, &lease->image, lease->key);

    b->lease = lease;
    lease->backend = b;
    lease->state = LEASE_CONNECTING;
}

bool frames_lease(struct frames *f, struct lease *lease)
{
    int64_t now_us = monotonic_us();
    struct backend *b;

    INVARIANT(lease->state == LEASE_NONE);
    lease->since_us = now_us;
    deadline_set(&f->waiting, &lease->deadline);
    if (pool_waiting(f->shared->pool) == 0) {
        while ((b = idle_nearest(f, lease, now_us))) {
            idle_remove(f, b);
            if (now_us - b->idle_since_us < WARM_US || backend_alive(b))
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
    backend_load(lease->backend, &lease->image, BACKEND_RESTORING);
}

/* --- back --- */

static void part(struct backend *b)
{
    struct lease *lease = b->lease;

    b->lease = NULL;
    lease->backend = NULL;
    lease->state = LEASE_NONE;
}

static void put_idle(struct frames *f, struct backend *b)
{
    TAILQ_INSERT_HEAD(&f->idle, b, link);
    idle_count(f, 1);
    if (pool_waiting(f->shared->pool))
        frames_serve(f);
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
    backend_set_state(b, BACKEND_IDLE);
    stream_resume(&b->stream);
    put_idle(f, b);
}

void frames_send_away(struct frames *f, struct backend *b)
{
    idle_remove(f, b);
    backend_detach(b);
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
        put_idle(f, b);
    } else if (load_for(f, lease, b, monotonic_us())) {
        lease->ops->ready(lease);
    }
}

static void clean(struct backend *b)
{
    struct frames *f = frames_of(b);
    struct session_image image = b->image;

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
    backend_load(b, &image, BACKEND_CLEANING); /* the next session is most likely of the same kind */
}

void frames_release(struct frames *f, struct lease *lease, bool border)
{
    struct backend *b = lease->backend;

    INVARIANT(lease->state == LEASE_HELD && b->lease == lease);
    part(b);
    if (!border)
        b->torn = true;
    if (b->torn) {
        backend_close(b, CLOSE_ABANDONED);
    } else if (b->reply.state != REPLY_AT_END || !reply_at_border(&b->reply)) {
        STATS_INC(stats(f)->queries_abandoned);
        backend_kill_query(b);
        backend_drain(b);
    } else {
        clean(b);
    }
}

void frames_discard(struct frames *f, struct lease *lease, enum close_reason reason, bool lost)
{
    struct backend *b = lease->backend;

    (void)f;
    part(b);
    if (lost)
        backend_lost(b, reason);
    else
        backend_close(b, reason);
}

void frames_cancel(struct frames *f, struct lease *lease)
{
    if (lease->backend) {
        lease->backend->lease = NULL; /* it goes on alone, and is there for the next */
        lease->backend = NULL;
    }
    frames_forget(f, lease);
    lease->state = LEASE_NONE;
}

/* --- what backends tell --- */

static void on_loaded(struct backend *b)
{
    struct frames *f = frames_of(b);
    struct lease *lease = b->lease;

    if (b->kills)
        return; /* an answer to a KILL comes first, and then again here */
    if (!lease) {
        settle(b);
    } else if (session_image_equal(&b->image, &lease->image)) {
        hold(f, lease, b);
        lease->ops->ready(lease);
    } else {
        (void)load_for(f, lease, b, monotonic_us());
    }
}

static void on_logged_in(struct backend *b)
{
    struct frames *f = frames_of(b);

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

    if (login) {
        STATS_INC(stats(f)->backend_login_failures);
        log_line(LOG_WARNING, "backend %llu: error %u: %s", (unsigned long long)b->id, error->number, error->text);
        target_set_error(f->context.target, error->text);
    } else {
        STATS_INC(stats(f)->backend_restore_failures);
    }
    if (lease) {
        lease->backend = NULL;
        b->lease = NULL;
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
        frames_forget(f, lease);
        lease->state = LEASE_NONE;
        lease->ops->failed(lease, error);
    }
}

static void on_lost(struct backend *b)
{
    idle_remove(frames_of(b), b);
    backend_lost(b, CLOSE_SERVER_CLOSED);
}

static void on_drained(struct backend *b)
{
    clean(b);
}

static void on_closed(struct backend *b)
{
    frames_slot_back(frames_of(b));
}

static void exchange_expired(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);
    struct backend_error error;

    backend_error_set(&error, "%s did not answer within connect_timeout", b->context->target->name);
    on_failed(b, CLOSE_CONNECT_TIMEOUT, &error);
}

static void closing_expired(struct deadline *deadline)
{
    struct backend *b = container_of(deadline, struct backend, deadline);

    if (b->state == BACKEND_DRAINING)
        backend_close(b, CLOSE_ABANDONED);
    else
        backend_give_up(b);
}

/* --- the janitor --- */

static void retire_idle(struct frames *f, int64_t now_us)
{
    const struct conf *conf = f->context.conf;
    struct backend *each, *next;

    for (each = TAILQ_FIRST(&f->idle); each; each = next) {
        bool old = conf->max_lifetime_us && now_us - each->born_us > conf->max_lifetime_us;
        bool idle = conf->idle_timeout_us && now_us - each->idle_since_us > conf->idle_timeout_us;

        next = TAILQ_NEXT(each, link);
        if (!old && (!idle || pool_numbers(f->shared->pool).used <= conf->min_idle + 1)) /* one slot is the control thread's */
            continue;
        idle_remove(f, each);
        backend_close(each, old ? CLOSE_LIFETIME : CLOSE_IDLE);
    }
}

static void on_janitor(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct frames *f = timer->data;
    int64_t now_us = monotonic_us();

    (void)ev;
    (void)events;
    retire_idle(f, now_us);
    if (f->context.loop->id == 0)
        frames_probe(f);
}

void frames_server_up(struct frames *f)
{
    pool_succeeded(f->shared->pool);
    frames_kick(f);
}

void frames_probe(struct frames *f)
{
    unsigned account = accounts_first_usable(f->context.accounts);
    uint64_t used = pool_numbers(f->shared->pool).used; /* one of them is the control thread's */
    uint64_t wanted = f->context.conf->min_idle + 1;
    struct session_image image;

    if (f->stopping || !f->context.facts->addressed)
        return;
    if (!f->context.facts->greeted && used == 1)
        wanted = used + 1;
    session_image_init(&image, (uint16_t)account, 0, 0);
    for (; used < wanted && pool_take_spare(f->shared->pool, monotonic_us()); used++)
        (void)backend_open(&f->context, &image, CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS);
}

void frames_open(struct frames *f, const struct frames_shared *shared)
{
    struct ev_loop *ev = f->context.loop->ev;
    const struct conf *conf = f->context.conf;

    f->shared = shared;
    TAILQ_INIT(&f->idle);
    TAILQ_INIT(&f->context.every);
    atomic_init(&f->idle_count, 0);
    atomic_init(&f->nudged, false);
    f->context.logged_in = on_logged_in;
    f->context.restored = on_loaded;
    f->context.failed = on_failed;
    f->context.drained = on_drained;
    f->context.closed = on_closed;
    f->context.lost = on_lost;
    deadline_queue_open(&f->context.exchange, ev, conf->connect_timeout_us, exchange_expired);
    deadline_queue_open(&f->context.closing, ev, conf->close_timeout_us, closing_expired);
    frames_wait_open(f);
    ev_timer_init(&f->janitor, on_janitor, 0., JANITOR_SECONDS);
    f->janitor.data = f;
    ev_timer_start(ev, &f->janitor);
}

void frames_stop(struct frames *f)
{
    struct backend *b;

    f->stopping = true;
    ev_timer_stop(f->context.loop->ev, &f->janitor);
    while ((b = TAILQ_FIRST(&f->idle))) {
        idle_remove(f, b);
        backend_close(b, CLOSE_SHUTDOWN);
    }
}

void frames_close(struct frames *f)
{
    struct backend *b;

    while ((b = TAILQ_FIRST(&f->context.every))) /* the server would not let go of these */
        backend_lost(b, CLOSE_SHUTDOWN);
    deadline_queue_close(&f->context.exchange);
    deadline_queue_close(&f->context.closing);
    frames_wait_close(f);
}
