/* SPDX-License-Identifier: MIT
 * A reload: what a worker's backends do when settings change under them.
 *
 * A pool that has become smaller gives no slot until so many have come back, and each connection that nobody uses any more ends instead of going to the next
 * who waits. Nobody is taken a connection away who uses it.
 */
#include "proxy/frames_part.h"

bool frames_retire(struct frames *f, struct backend *b)
{
    if (!b->retiring && !pool_retire(f->shared->pool))
        return false;
    b->retiring = true;
    frames_evict(f, b, NULL, CLOSE_RETIRED);
    return true;
}

void frames_retired(struct frames *f, struct backend *b)
{
    if (!b->retiring)
        return;
    b->retiring = false;
    pool_retired(f->shared->pool);
}

void frames_shrink(struct frames *f)
{
    struct backend *b;

    while ((b = frames_idle_least(f)) && pool_retire(f->shared->pool)) {
        b->retiring = true;
        frames_idle_remove(f, b);
        frames_evict(f, b, NULL, CLOSE_RETIRED);
    }
}

/* What runs already is timed from now on. */
static void time_queries(struct frames *f)
{
    struct backend *each;

    TAILQ_FOREACH(each, &f->context.every, every)
        if (each->state == BACKEND_LEASED && each->reply.state != REPLY_AT_END && !each->deadline.queue)
            deadline_set(&f->context.queries, &each->deadline);
}

void frames_settings_changed(struct frames *f, const struct conf *conf)
{
    f->context.conf = conf;
    deadline_queue_set_length(&f->context.exchange, conf->connect_timeout_us);
    deadline_queue_set_length(&f->context.closing, conf->close_timeout_us);
    deadline_queue_set_length(&f->waiting, conf->wait_timeout_us);
    if (conf->query_timeout_us == 0)
        deadline_queue_clear(&f->context.queries);
    deadline_queue_set_length(&f->context.queries, conf->query_timeout_us);
    if (conf->query_timeout_us)
        time_queries(f);
    frames_shrink(f);
    frames_kick(f);
}
