/* SPDX-License-Identifier: MIT
 * The pool: its bound, the order of who waits, the back-off after failures.
 */
#include "proxy/pool.h"

#include <signal.h>

#include "tests/unit/split.h"

Suite *pool_suite(void);
TCase *pool_thread_tests(void); /* in test_pool_threads.c */

#define MS 1000

static struct pool pool;
static struct waiter who[64];

static void opened(uint64_t size, uint64_t max_waiting)
{
    memset(who, 0, sizeof(who));
    pool_open(&pool, size, max_waiting);
}

static void closed(void)
{
    ck_assert(TAILQ_EMPTY(&pool.shared.queue));
    ck_assert_uint_eq(pool_waiting(&pool), 0);
    pool_close(&pool);
}

static enum pool_answer ask(size_t i)
{
    return pool_ask(&pool, &who[i], 0);
}

/* Nobody waits and nothing is used. */
static void fill(size_t size)
{
    for (size_t i = 0; i < size; i++)
        ck_assert_int_eq(ask(i), POOL_SLOT);
}

START_TEST(smaller_and_larger)
{
    opened(4, 0);
    fill(4);
    ck_assert(!pool_retire(&pool));
    ck_assert_int_eq(ask(4), POOL_QUEUED);
    pool_resize(&pool, 2, 0);
    ck_assert(pool_retire(&pool));
    ck_assert(pool_retire(&pool));
    ck_assert(!pool_retire(&pool)); /* two are on their way out: the others are needed */
    ck_assert_ptr_null(pool_slot_back(&pool, 0));
    pool_retired(&pool);
    ck_assert(!pool_retire(&pool));
    pool_retired(&pool); /* one was needed after all */
    ck_assert(pool_retire(&pool));
    ck_assert_ptr_null(pool_slot_back(&pool, 0));
    pool_retired(&pool);
    ck_assert(!pool_retire(&pool));
    ck_assert_ptr_null(pool_slot_for_head(&pool, 0));
    pool_resize(&pool, 3, 0);
    ck_assert_ptr_eq(pool_slot_for_head(&pool, 0), &who[4]);
    ck_assert_uint_eq(pool_numbers(&pool).used, 3);
    closed();
}
END_TEST

START_TEST(never_more_than_its_size)
{
    opened(3, 0);
    fill(3);
    ck_assert(!pool_take_spare(&pool, 0));
    ck_assert_int_eq(ask(3), POOL_QUEUED);
    ck_assert_ptr_null(pool_slot_for_head(&pool, 0));
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[3]);
    ck_assert(!who[3].queued);
    ck_assert_uint_eq(pool_numbers(&pool).used, 3);
    ck_assert_ptr_null(pool_slot_back(&pool, 0));
    ck_assert_uint_eq(pool_numbers(&pool).used, 2);
    ck_assert(pool_take_spare(&pool, 0));
    ck_assert(!pool_take_spare(&pool, 0));
    closed();
}
END_TEST

START_TEST(more_back_than_taken)
{
    opened(1, 0);
    (void)pool_slot_back(&pool, 0);
}
END_TEST

START_TEST(in_order)
{
    opened(1, 0);
    fill(1);
    for (size_t i = 1; i < 6; i++)
        ck_assert_int_eq(ask(i), POOL_QUEUED);
    ck_assert(pool_leave(&pool, &who[3]));
    ck_assert(!pool_leave(&pool, &who[3]));
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[1]);
    ck_assert(!pool_leave(&pool, &who[1])); /* a slot is on its way */
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[2]);
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[4]);
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[5]);
    ck_assert_ptr_null(pool_slot_back(&pool, 0));
    closed();
}
END_TEST

START_TEST(back_at_its_place)
{
    opened(2, 3);
    fill(2);
    for (size_t i = 2; i < 5; i++)
        ck_assert_int_eq(ask(i), POOL_QUEUED);
    pool_return(&pool, &who[0]); /* their connections failed; a full queue has room for them */
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[0]);
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[2]);
    pool_return(&pool, &who[0]);
    pool_return(&pool, &who[2]);
    pool_return(&pool, &who[1]);
    for (size_t i = 0; i < 5; i++)
        ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[i]);
    ck_assert_uint_eq(pool_numbers(&pool).waiting_max, 5);
    closed();
}
END_TEST

START_TEST(nobody_overtakes)
{
    opened(2, 0);
    fill(2);
    ck_assert_int_eq(ask(2), POOL_QUEUED);
    pool.shared.used--; /* a slot that is free while somebody waits */
    ck_assert_int_eq(ask(3), POOL_QUEUED);
    ck_assert(!pool_take_spare(&pool, 0));
    ck_assert_ptr_eq(pool_slot_for_head(&pool, 0), &who[2]);
    ck_assert_ptr_null(pool_slot_for_head(&pool, 0));
    ck_assert(pool_leave(&pool, &who[3]));
    closed();
}
END_TEST

START_TEST(heads_have_keys)
{
    uint32_t key = 99;
    opened(1, 0);
    fill(1);
    ck_assert(!pool_head(&pool, &key));
    ck_assert_uint_eq(key, 99);
    ck_assert_ptr_null(pool_take_head(&pool, 0));
    who[1].key = 5;
    who[2].key = 7;
    ck_assert_int_eq(ask(1), POOL_QUEUED);
    ck_assert_int_eq(ask(2), POOL_QUEUED);
    ck_assert(pool_head(&pool, &key));
    ck_assert_uint_eq(key, 5);
    ck_assert_ptr_null(pool_take_head(&pool, 7)); /* it is not second's turn */
    ck_assert_ptr_eq(pool_take_head(&pool, 5), &who[1]);
    ck_assert(!who[1].queued);
    ck_assert_ptr_null(pool_take_head(&pool, 5));
    ck_assert_ptr_eq(pool_take_head(&pool, 7), &who[2]);
    ck_assert_uint_eq(pool_numbers(&pool).used, 1); /* backends that move are no slots */
    closed();
}
END_TEST

START_TEST(only_so_many_wait)
{
    opened(1, 2);
    fill(1);
    ck_assert_int_eq(ask(1), POOL_QUEUED);
    ck_assert_int_eq(ask(2), POOL_QUEUED);
    ck_assert_int_eq(ask(3), POOL_FULL);
    ck_assert(!who[3].queued);
    ck_assert(!pool_leave(&pool, &who[3]));
    ck_assert(pool_leave(&pool, &who[1]));
    ck_assert_int_eq(ask(3), POOL_QUEUED);
    ck_assert_uint_eq(pool_numbers(&pool).waiting, 2);
    ck_assert_uint_eq(pool_numbers(&pool).waiting_max, 2);
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[2]);
    ck_assert_ptr_eq(pool_slot_back(&pool, 0), &who[3]);
    closed();
}
END_TEST

START_TEST(numbers)
{
    opened(3, 0);
    fill(3);
    ck_assert_int_eq(ask(3), POOL_QUEUED);
    ck_assert_int_eq(ask(4), POOL_QUEUED);
    for (size_t i = 0; i < 5; i++)
        (void)pool_slot_back(&pool, 0);
    struct pool_numbers n = pool_numbers(&pool);
    ck_assert_uint_eq(n.size, 3);
    ck_assert_uint_eq(n.used, 0);
    ck_assert_uint_eq(n.used_max, 3);
    ck_assert_uint_eq(n.waiting, 0);
    ck_assert_uint_eq(n.waiting_max, 2);
    closed();
}
END_TEST

/* --- back-off --- */

START_TEST(waits_double)
{
    static const int64_t waits[] = {50, 100, 200, 400, 800, 1600, 2000, 2000};
    opened(4, 0);
    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++)
            ck_assert_int_eq(pool_failed(&pool, 7), 7 + waits[i] * MS);
        for (int i = 0; i < 100; i++)
            ck_assert_int_eq(pool_failed(&pool, 7), 7 + 2000 * MS);
        pool_succeeded(&pool);
    }
    closed();
}
END_TEST

START_TEST(nobody_before_its_time)
{
    int64_t at;
    opened(4, 0);
    fill(2);
    at = pool_failed(&pool, 1000);
    ck_assert_int_eq(pool_ask(&pool, &who[2], at - 1), POOL_QUEUED);
    ck_assert_int_eq(pool_ask(&pool, &who[3], at - 1), POOL_QUEUED);
    ck_assert_ptr_null(pool_slot_back(&pool, at - 1));
    ck_assert_ptr_null(pool_slot_for_head(&pool, at - 1));
    ck_assert_uint_eq(pool_numbers(&pool).used, 1);
    ck_assert_ptr_eq(pool_slot_for_head(&pool, at), &who[2]);
    ck_assert_ptr_null(pool_slot_for_head(&pool, at)); /* one at a time */
    ck_assert_ptr_null(pool_slot_back(&pool, at));
    pool_succeeded(&pool);
    ck_assert_ptr_eq(pool_slot_for_head(&pool, at), &who[3]);
    closed();
}
END_TEST

START_TEST(whoever_asks_may_be_the_probe)
{
    int64_t at;
    opened(4, 0);
    at = pool_failed(&pool, 0);
    ck_assert(!pool_take_spare(&pool, at - 1));
    ck_assert_int_eq(pool_ask(&pool, &who[0], at), POOL_SLOT);
    ck_assert_int_eq(pool_ask(&pool, &who[1], at), POOL_QUEUED);
    ck_assert_ptr_null(pool_slot_for_head(&pool, at));
    ck_assert_int_eq(pool_failed(&pool, at), at + 100 * MS);
    ck_assert_ptr_null(pool_slot_back(&pool, at));
    ck_assert_ptr_eq(pool_slot_for_head(&pool, at + 100 * MS), &who[1]);
    closed();
}
END_TEST

START_TEST(a_spare_connection_may_be_the_probe)
{
    int64_t at;
    opened(4, 0);
    at = pool_failed(&pool, 0);
    ck_assert(pool_take_spare(&pool, at));
    ck_assert(!pool_take_spare(&pool, at)); /* one at a time */
    pool_succeeded(&pool);
    ck_assert(pool_take_spare(&pool, at));
    closed();
}
END_TEST

/* A probe of which nothing is heard does not stop the pool for ever. */
START_TEST(a_lost_probe)
{
    int64_t at;
    opened(4, 0);
    at = pool_failed(&pool, 0);
    ck_assert_int_eq(pool_ask(&pool, &who[0], at), POOL_SLOT);
    ck_assert_int_eq(pool_ask(&pool, &who[1], at), POOL_QUEUED);
    ck_assert_ptr_null(pool_slot_for_head(&pool, at + 1999 * MS));
    ck_assert_ptr_eq(pool_slot_for_head(&pool, at + 2000 * MS), &who[1]);
    closed();
}
END_TEST

Suite *pool_suite(void)
{
    Suite *suite = suite_create("pool");
    TCase *tests = tcase_create("pool");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, never_more_than_its_size);
    tcase_add_test(tests, smaller_and_larger);
    tcase_add_test_raise_signal(tests, more_back_than_taken, SIGABRT);
    tcase_add_test(tests, in_order);
    tcase_add_test(tests, back_at_its_place);
    tcase_add_test(tests, nobody_overtakes);
    tcase_add_test(tests, heads_have_keys);
    tcase_add_test(tests, only_so_many_wait);
    tcase_add_test(tests, numbers);
    tcase_add_test(tests, waits_double);
    tcase_add_test(tests, nobody_before_its_time);
    tcase_add_test(tests, whoever_asks_may_be_the_probe);
    tcase_add_test(tests, a_spare_connection_may_be_the_probe);
    tcase_add_test(tests, a_lost_probe);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, pool_thread_tests());
    return suite;
}
