/* SPDX-License-Identifier: MIT
 * Deadlines: they expire in order, not early, and a cleared one never.
 */
#include "proxy/clock.h"
#include "proxy/deadline.h"
#include "proxy/invariant.h"
#include "tests/unit/split.h"

Suite *deadline_suite(void);

struct thing {
    struct deadline deadline;
    unsigned expired; /* its place, from 1 */
};

static struct ev_loop *ev;
static struct deadline_queue queue, other;
static struct thing things[8];
static unsigned expired;
static void (*then)(struct thing *thing);

static void on_expired(struct deadline *deadline)
{
    struct thing *thing = container_of(deadline, struct thing, deadline);
    ck_assert_ptr_null(deadline->queue);
    ck_assert(deadline->due_us <= monotonic_us());
    thing->expired = ++expired;
    if (then)
        then(thing);
}

static void set_up(void)
{
    ev = ev_loop_new(EVFLAG_AUTO);
    deadline_queue_open(&queue, ev, 20000, on_expired);
    deadline_queue_open(&other, ev, 50000, on_expired);
}

static void tear_down(void)
{
    deadline_queue_close(&queue);
    deadline_queue_close(&other);
    ck_assert(TAILQ_EMPTY(&queue.list));
    ev_run(ev, EVRUN_NOWAIT);
    ev_loop_destroy(ev);
}

START_TEST(in_order)
{
    ev_tstamp begun = ev_now(ev);
    for (size_t i = 0; i < 5; i++)
        deadline_set(&queue, &things[i].deadline);
    ck_assert_uint_eq(expired, 0);
    ev_run(ev, 0); /* ends when nothing is armed any more */
    for (size_t i = 0; i < 5; i++)
        ck_assert_uint_eq(things[i].expired, i + 1);
    ck_assert(ev_now(ev) - begun > 0.019);
}
END_TEST

START_TEST(cleared)
{
    deadline_clear(&things[0].deadline); /* not set */
    for (size_t i = 0; i < 3; i++)
        deadline_set(&queue, &things[i].deadline);
    deadline_clear(&things[0].deadline);
    deadline_clear(&things[0].deadline);
    deadline_clear(&things[2].deadline);
    ev_run(ev, 0);
    ck_assert_uint_eq(expired, 1);
    ck_assert_uint_eq(things[1].expired, 1);
}
END_TEST

START_TEST(set_anew)
{
    deadline_set(&queue, &things[0].deadline);
    deadline_set(&queue, &things[1].deadline);
    deadline_set(&queue, &things[0].deadline);
    ev_run(ev, 0);
    ck_assert_uint_eq(things[1].expired, 1);
    ck_assert_uint_eq(things[0].expired, 2);
    ck_assert_uint_eq(expired, 2);
}
END_TEST

START_TEST(set_anew_in_another_queue)
{
    ev_tstamp begun = ev_now(ev);
    deadline_set(&queue, &things[0].deadline);
    deadline_set(&other, &things[0].deadline);
    ck_assert(TAILQ_EMPTY(&queue.list));
    ev_run(ev, 0);
    ck_assert_uint_eq(expired, 1);
    ck_assert(ev_now(ev) - begun > 0.049);
}
END_TEST

static void once_more(struct thing *thing)
{
    if (expired < 4)
        deadline_set(&queue, &thing->deadline);
}

START_TEST(set_when_it_expires)
{
    then = once_more;
    deadline_set(&queue, &things[0].deadline);
    ev_run(ev, 0);
    ck_assert_uint_eq(expired, 4);
}
END_TEST

static void clear_next(struct thing *thing)
{
    deadline_clear(&thing[1].deadline);
}

START_TEST(one_that_expires_clears_the_next)
{
    then = clear_next;
    for (size_t i = 0; i < 4; i++)
        deadline_set(&queue, &things[i].deadline);
    ev_run(ev, 0);
    ck_assert_uint_eq(expired, 2);
    ck_assert_uint_eq(things[2].expired, 2);
}
END_TEST

static void set_now(struct ev_loop *loop, ev_timer *timer, int events)
{
    (void)loop;
    (void)events;
    deadline_set(&queue, timer->data);
}

/* The timer is where the first one was; the second is not early because of that. */
START_TEST(a_timer_of_one_that_was_cleared)
{
    ev_timer later;
    ev_timer_init(&later, set_now, 0.015, 0.);
    later.data = &things[1].deadline;
    ev_timer_start(ev, &later);
    deadline_set(&queue, &things[0].deadline);
    ev_tstamp begun = ev_now(ev);
    deadline_clear(&things[0].deadline);
    ev_run(ev, 0);
    ck_assert_uint_eq(expired, 1);
    ck_assert_uint_eq(things[1].expired, 1);
    ck_assert(ev_now(ev) - begun > 0.034);
}
END_TEST

/* 20 ms become 60, and then 10: what is set already follows, in its order. */
START_TEST(another_length)
{
    ev_tstamp begun = ev_now(ev);
    deadline_set(&queue, &things[0].deadline);
    deadline_queue_set_length(&queue, 60000);
    deadline_set(&queue, &things[1].deadline);
    deadline_set(&other, &things[2].deadline);
    ev_run(ev, 0);
    ck_assert_uint_eq(things[2].expired, 1);
    ck_assert_uint_eq(things[0].expired, 2);
    ck_assert_uint_eq(things[1].expired, 3);
    ck_assert(ev_now(ev) - begun > 0.059);
    deadline_queue_set_length(&queue, 3600 * INT64_C(1000000));
    deadline_set(&queue, &things[3].deadline);
    deadline_queue_set_length(&queue, 10000);
    ev_run(ev, 0);
    ck_assert_uint_eq(things[3].expired, 4);
}
END_TEST

START_TEST(all_cleared)
{
    deadline_set(&queue, &things[0].deadline);
    deadline_set(&queue, &things[1].deadline);
    deadline_queue_clear(&queue);
    ck_assert_ptr_null(things[1].deadline.queue);
    ev_run(ev, 0);
    ck_assert_uint_eq(expired, 0);
}
END_TEST

Suite *deadline_suite(void)
{
    Suite *suite = suite_create("deadline");
    TCase *tests = tcase_create("deadline");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, in_order);
    tcase_add_test(tests, cleared);
    tcase_add_test(tests, set_anew);
    tcase_add_test(tests, set_anew_in_another_queue);
    tcase_add_test(tests, set_when_it_expires);
    tcase_add_test(tests, one_that_expires_clears_the_next);
    tcase_add_test(tests, a_timer_of_one_that_was_cleared);
    tcase_add_test(tests, another_length);
    tcase_add_test(tests, all_cleared);
    suite_add_tcase(suite, tests);
    return suite;
}
