/* SPDX-License-Identifier: MIT
 * Counters: the sum over workers, and a name for everything that is counted.
 */
#include "proxy/stats.h"
#include "tests/unit/split.h"

Suite *stats_suite(void);

START_TEST(sums)
{
    struct stats sum, one;
    memset(&sum, 0, sizeof(sum));
    memset(&one, 0, sizeof(one));
    STATS_INC(one.commands);
    STATS_ADD(one.client_bytes_in, 5000000000u);
    STATS_ADD(one.backends[BACKEND_IDLE], -3);
    STATS_INC(one.client_closed[CLOSE_QUIT]);
    STATS_INC(one.backend_closed[CLOSE_REASONS - 1]);
    stats_sum(&sum, &one);
    one.backends[BACKEND_IDLE] = 5; /* a backend that moved: only the sum means something */
    stats_sum(&sum, &one);
    ck_assert_uint_eq(sum.commands, 2);
    ck_assert_uint_eq(sum.client_bytes_in, 10000000000u);
    ck_assert_int_eq(sum.backends[BACKEND_IDLE], 2);
    ck_assert_uint_eq(sum.client_closed[CLOSE_QUIT], 2);
    ck_assert_uint_eq(sum.backend_closed[CLOSE_REASONS - 1], 2);
    ck_assert_int_eq(sum.clients, 0);
    ck_assert_uint_eq(one.commands, 1);
}
END_TEST

START_TEST(every_field_is_summed)
{
    struct stats sum, one;
    uint64_t *fields = (uint64_t *)(void *)&one;
    memset(&sum, 0, sizeof(sum));
    for (size_t i = 0; i < sizeof(one) / sizeof(*fields); i++)
        fields[i] = i + 1;
    stats_sum(&sum, &one);
    ck_assert_mem_eq(&sum, &one, sizeof(sum));
}
END_TEST

static bool is_label(const char *name)
{
    return name && *name && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") == strlen(name);
}

START_TEST(names)
{
    for (int i = 0; i < CLOSE_REASONS; i++) {
        ck_assert(is_label(close_reason_name((enum close_reason)i)));
        ck_assert_int_le(close_reason_level((enum close_reason)i), LOG_DEBUG);
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(close_reason_name((enum close_reason)i), close_reason_name((enum close_reason)j));
    }
    for (int i = 0; i < BACKEND_STATES; i++) {
        ck_assert(is_label(backend_state_name((enum backend_state)i)));
        for (int j = 0; j < i; j++)
            ck_assert_str_ne(backend_state_name((enum backend_state)i), backend_state_name((enum backend_state)j));
    }
    ck_assert_str_eq(close_reason_name(CLOSE_QUIT), "quit");
    ck_assert_str_eq(backend_state_name(BACKEND_LEASED), "leased");
}
END_TEST

Suite *stats_suite(void)
{
    Suite *suite = suite_create("stats");
    TCase *tests = tcase_create("stats");
    tcase_add_test(tests, sums);
    tcase_add_test(tests, every_field_is_summed);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    return suite;
}
