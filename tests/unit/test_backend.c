/* SPDX-License-Identifier: MIT
 * Backends whose failure is on its way: what comes in between.
 */
#include "proxy/backend.h"
#include "tests/unit/split.h"

Suite *backend_suite(void);

static unsigned restored, answered;

static void on_restored(struct backend *b)
{
    (void)b;
    restored++;
}

static void on_answered(struct backend *b)
{
    (void)b;
    answered++;
}

static struct backend_context context = {.restored = on_restored, .answered = on_answered};

/* It is loaded, and only an answer to a KILL is awaited. */
static struct backend waiting(enum backend_state state)
{
    restored = answered = 0;
    return (struct backend){.context = &context, .state = state, .kills = 2};
}

START_TEST(goes_on_behind_the_last_kill)
{
    struct backend b = waiting(_i ? BACKEND_CLEANING : BACKEND_RESTORING);

    backend_kill_answered(&b);
    ck_assert_uint_eq(restored, 0);
    backend_kill_answered(&b);
    ck_assert_uint_eq(restored, 1);
    ck_assert_uint_eq(answered, 0);
}
END_TEST

/* The server has closed it meanwhile, which its owner is about to be told: nobody may have it now. */
START_TEST(fails_behind_the_last_kill)
{
    struct backend b = waiting(_i ? BACKEND_CLEANING : BACKEND_RESTORING);

    b.failing = true;
    backend_kill_answered(&b);
    backend_kill_answered(&b);
    ck_assert_uint_eq(b.kills, 0);
    ck_assert_uint_eq(restored, 0);
}
END_TEST

/* What is still being said to it has its own end. */
START_TEST(is_not_done)
{
    struct backend b = waiting(BACKEND_RESTORING);
    struct deadline_queue queue;

    b.deadline.queue = &queue;
    backend_kill_answered(&b);
    backend_kill_answered(&b);
    ck_assert_uint_eq(restored, 0);
}
END_TEST

START_TEST(is_its_sessions)
{
    struct backend b = waiting(BACKEND_LEASED);

    backend_kill_answered(&b);
    ck_assert_uint_eq(answered, 0);
    backend_kill_answered(&b);
    ck_assert_uint_eq(answered, 1);
    ck_assert_uint_eq(restored, 0);
}
END_TEST

Suite *backend_suite(void)
{
    Suite *suite = suite_create("backend");
    TCase *kills = tcase_create("kills");

    tcase_add_loop_test(kills, goes_on_behind_the_last_kill, 0, 2);
    tcase_add_loop_test(kills, fails_behind_the_last_kill, 0, 2);
    tcase_add_test(kills, is_not_done);
    tcase_add_test(kills, is_its_sessions);
    suite_add_tcase(suite, kills);
    return suite;
}
