/* SPDX-License-Identifier: MIT
 * Deadlines of one length.
 */
#include "proxy/deadline.h"

#include <stddef.h>

#include "proxy/clock.h"

static void arm(struct deadline_queue *q)
{
    struct deadline *first = TAILQ_FIRST(&q->list);
    int64_t left;

    if (!first || ev_is_active(&q->timer))
        return; /* a timer that fires too early arms itself again: cheaper than moving it with each command */
    left = first->due_us - monotonic_us();
    ev_timer_set(&q->timer, left > 0 ? (ev_tstamp)left / 1e6 : 0., 0.);
    ev_timer_start(q->ev, &q->timer);
}

static void on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct deadline_queue *q = timer->data;
    int64_t now_us = monotonic_us();
    struct deadline *d;

    (void)ev;
    (void)events;
    while ((d = TAILQ_FIRST(&q->list)) && d->due_us <= now_us) {
        deadline_clear(d);
        q->expired(d);
    }
    arm(q);
}

void deadline_queue_open(struct deadline_queue *q, struct ev_loop *ev, int64_t length_us, void (*expired)(struct deadline *))
{
    q->ev = ev;
    q->length_us = length_us;
    q->expired = expired;
    TAILQ_INIT(&q->list);
    ev_timer_init(&q->timer, on_timer, 0., 0.);
    q->timer.data = q;
}

void deadline_queue_close(struct deadline_queue *q)
{
    ev_timer_stop(q->ev, &q->timer);
}

void deadline_queue_set_length(struct deadline_queue *q, int64_t length_us)
{
    struct deadline *each;

    TAILQ_FOREACH(each, &q->list, link)
        each->due_us += length_us - q->length_us;
    q->length_us = length_us;
    ev_timer_stop(q->ev, &q->timer);
    arm(q);
}

void deadline_queue_clear(struct deadline_queue *q)
{
    while (!TAILQ_EMPTY(&q->list))
        deadline_clear(TAILQ_FIRST(&q->list));
}

void deadline_set(struct deadline_queue *q, struct deadline *d)
{
    deadline_clear(d);
    d->due_us = monotonic_us() + q->length_us;
    d->queue = q;
    TAILQ_INSERT_TAIL(&q->list, d, link);
    arm(q);
}

void deadline_clear(struct deadline *d)
{
    if (!d->queue)
        return;
    TAILQ_REMOVE(&d->queue->list, d, link);
    d->queue = NULL;
}
