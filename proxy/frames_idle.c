/* SPDX-License-Identifier: MIT
 * The idle list: backends that nobody runs on, most recently used first. Some are clean, some still have a page that nobody misses, and on most a session
 * is resident, which is the first to come back to it.
 */
#include "proxy/frames_part.h"

#include "protocol/capability.h"
#include "proxy/invariant.h"
#include "proxy/session_epoch.h"

#define JANITOR_SECONDS 1.
#define REFUSED_TRY_US 5000000 /* servers count wrong passwords, and lock accounts */

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

static void idle_count(struct frames *f, int change)
{
    /* sequentially consistent, as pool->waiting: either who begins to wait sees this backend, or we see that it waits */
    atomic_fetch_add(&f->idle_count, (unsigned)change);
}

void frames_idle_remove(struct frames *f, struct backend *b)
{
    INVARIANT(b->listed);
    TAILQ_REMOVE(&f->idle, b, link);
    b->listed = false;
    idle_count(f, -1);
}

void frames_idle_add(struct frames *f, struct backend *b)
{
    if (frames_retire(f, b))
        return;
    TAILQ_INSERT_HEAD(&f->idle, b, link);
    b->listed = true;
    idle_count(f, 1);
    if (pool_waiting(f->shared->pool))
        frames_serve(f);
}

bool frames_is_fresh(struct frames *f, const struct backend *b, int64_t now_us)
{
    const struct target *target = f->context.target;

    return epoch_fresh(&b->epoch, now_us, f->context.conf->privilege_refresh_us) && target_has_globals(target, &b->epoch) &&
           b->epoch.taken_us >= target_privileges_since(target);
}

/* --- choosing --- */

/* Does init_connect make a change of user worthless? Then only what a login just made will do. */
static bool is_usable(struct frames *f, const struct backend *b, const struct lease *lease, int64_t now_us)
{
    if (b->key != lease->key || b->resident)
        return false;
    if (f->context.conf->debug_migrate && b->id == lease->last_backend)
        return false; /* anywhere but where it was; the queue may still bring it back */
    return !f->context.facts->init_connect ||
           (b->footprint == FOOTPRINT_NONE && frames_is_fresh(f, b, now_us) && session_image_equal(&b->image, &lease->session.image));
}

static unsigned distance(const struct backend *b, const struct lease *lease)
{
    const struct session *s = &lease->session;
    unsigned most = session_image_distance(&b->image, &s->image);

    if (!s->begun)
        return most + (b->footprint != FOOTPRINT_NONE);
    return most + !session_values_equal(s->values, b->values);
}

struct backend *frames_idle_nearest(struct frames *f, const struct lease *lease, int64_t now_us)
{
    struct backend *each, *best = NULL;
    unsigned least = ~0u;

    TAILQ_FOREACH(each, &f->idle, link) {
        unsigned one;

        if (!is_usable(f, each, lease, now_us))
            continue;
        one = distance(each, lease);
        if (one < least) {
            best = each;
            least = one;
        }
        if (one == 0)
            break;
    }
    return best;
}

/* The coldest with that key whose session has no warnings to lose and may leave, else the coldest. */
static struct backend *coldest_page(struct frames *f, uint32_t key)
{
    struct backend *each, *warned = NULL;

    TAILQ_FOREACH_REVERSE(each, &f->idle, backend_list, link) {
        if (each->key != key || !each->resident)
            continue;
        if (each->resident->session.diagnostics != DIAGNOSTICS_SERVER && frames_may_leave(f, each))
            return each;
        if (!warned)
            warned = each;
    }
    return warned;
}

struct backend *frames_idle_for(struct frames *f, uint32_t key)
{
    struct backend *each;

    TAILQ_FOREACH(each, &f->idle, link)
        if (each->key == key && !each->resident)
            return each;
    return coldest_page(f, key);
}

/* --- giving away --- */

void frames_page_out(struct backend *b)
{
    struct lease *lease = b->resident;
    struct session *s = &lease->session;

    session_values_free(b->values);
    b->values = session_values_copy(s->values);
    b->image = s->image;
    b->status = s->status;
    b->warned |= s->diagnostics != DIAGNOSTICS_NONE;
    backend_set_lease(b, NULL, NULL);
    lease->resident = NULL;
    session_leave(s);
    frames_silence_begin(lease->frames, lease, b->idle_since_us);
}

/* Its wait_timeout is a session's that is not here any more: it would end the backend. */
static bool would_end(const struct backend *b)
{
    struct session_value value;

    return session_values_find(b->values, (uint16_t)variable_find(name_hash("wait_timeout", 12)), &value);
}

void frames_evict(struct frames *f, struct backend *b, struct waiter *waiter, int close)
{
    INVARIANT(b->state == BACKEND_IDLE);
    if (b->resident && !frames_may_leave(f, b)) {
        frames_keep(f, b, waiter);
        return;
    }
    if (b->resident) {
        if (!target_globals_right(f->context.target, f->context.facts->globals))
            session_ask_globals(&b->resident->session, f->context.facts->globals, &b->epoch);
        if (!session_is_saved(&b->resident->session)) {
            backend_save(b, waiter, close);
            return;
        }
        STATS_INC(stats(f)->pages_stolen);
        frames_page_out(b);
    }
    if (waiter)
        frames_grant(f, waiter, b);
    else if (close >= 0)
        backend_close(b, (enum close_reason)close);
    else if (would_end(b) && pool_waiting(f->shared->pool) == 0) /* else it is somebody else's at once, or the janitor's */
        frames_clean(b);
    else
        frames_idle_add(f, b);
}

struct backend *frames_idle_least(struct frames *f)
{
    struct backend *each, *b = TAILQ_LAST(&f->idle, backend_list);

    TAILQ_FOREACH(each, &f->idle, link)
        if (!each->resident)
            b = each;
    return b;
}

void frames_turn_over(struct frames *f)
{
    struct backend *b = frames_idle_least(f);

    frames_idle_remove(f, b);
    frames_evict(f, b, NULL, CLOSE_TURNED_OVER);
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
        if (!each->resident && would_end(each)) {
            frames_idle_remove(f, each);
            frames_clean(each);
            continue;
        }
        if (!old && (!idle || pool_numbers(f->shared->pool).used <= conf->min_idle + 1)) /* one slot is the control thread's */
            continue;
        frames_idle_remove(f, each);
        frames_evict(f, each, NULL, old ? CLOSE_LIFETIME : CLOSE_IDLE);
    }
}

static void on_janitor(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct frames *f = timer->data;
    int64_t now_us = monotonic_us();

    (void)ev;
    (void)events;
    retire_idle(f, now_us);
    frames_shrink(f);
    if (f->context.loop->id == 0)
        frames_probe(f);
}

void frames_server_up(struct frames *f)
{
    pool_succeeded(f->shared->pool);
    frames_kick(f);
}

/* Something is wrong, and perhaps nobody asks because of that: then somebody has to find out when it is over. */
static bool must_try(struct frames *f, const struct pool_numbers *pool)
{
    struct accounts_numbers accounts = accounts_numbers(f->context.accounts);
    bool refused = accounts.refused && accounts.refused == accounts.accounts && monotonic_us() - accounts.refused_us > REFUSED_TRY_US;

    return pool->failing || (pool->used == 1 && (refused || !f->context.facts->greeted));
}

void frames_probe(struct frames *f)
{
    unsigned account = accounts_first_usable(f->context.accounts);
    struct pool_numbers pool = pool_numbers(f->shared->pool);
    uint64_t used = pool.used; /* one of them is the control thread's */
    uint64_t wanted = f->context.conf->min_idle + 1;
    struct session_image image;

    if (f->stopping || !f->context.facts->addressed)
        return;
    if (used >= wanted && must_try(f, &pool))
        wanted = used + 1;
    session_image_init(&image, (uint16_t)account, 0, 0);
    for (; used < wanted && pool_take_spare(f->shared->pool, monotonic_us()); used++)
        (void)backend_open(&f->context, &image, CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS);
}

void frames_idle_open(struct frames *f)
{
    TAILQ_INIT(&f->idle);
    atomic_init(&f->idle_count, 0);
    ev_timer_init(&f->janitor, on_janitor, 0., JANITOR_SECONDS);
    f->janitor.data = f;
    ev_timer_start(f->context.loop->ev, &f->janitor);
}

void frames_stop(struct frames *f)
{
    struct backend *b;

    f->stopping = true;
    ev_timer_stop(f->context.loop->ev, &f->janitor);
    while ((b = TAILQ_FIRST(&f->idle))) {
        frames_idle_remove(f, b);
        if (b->resident)
            frames_page_out(b);
        backend_close(b, CLOSE_SHUTDOWN);
    }
}
