/* SPDX-License-Identifier: MIT
 * What backends and their deadlines tell: a lease that waits for one goes on, or is told why not.
 */
#include "proxy/frames.h"

#include "proxy/frames_part.h"
#include "proxy/invariant.h"

static struct stats *stats(struct frames *f)
{
    return &f->context.loop->stats;
}

static struct frames *frames_of(struct backend *b)
{
    return container_of(b->context, struct frames, context);
}

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
        frames_settle(b);
    } else if (is_loaded(b, &lease->session)) {
        frames_hold(f, lease, b);
        lease->ops->ready(lease);
    } else if (frames_load(f, lease, b, monotonic_us())) {
        lease->ops->ready(lease);
    }
}

static void on_logged_in(struct backend *b)
{
    struct frames *f = frames_of(b);

    histogram_add(&stats(f)->backend_login, loop_now(f->context.loop) - b->born_us);
    pool_succeeded(f->shared->pool);
    target_succeeded(f->context.target);
    on_loaded(b);
    frames_kick(f);
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
    backend_error_set(&error, "no answer within connect_timeout");
    if (b->state == BACKEND_LEASED) {
        backend_ahead_failed(b, &error);
        return;
    }
    frames_failed(b, CLOSE_CONNECT_TIMEOUT, &error);
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
    f->context.failed = frames_failed;
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
