/* SPDX-License-Identifier: MIT
 * Counters: the sum over workers, and a name for everything that is counted.
 */
#include <stdlib.h>

#include "proxy/frame_view.h"
#include "proxy/stats.h"
#include "proxy/stats_json.h"
#include "tests/unit/split.h"

Suite *stats_suite(void);

#define CLIENT 2147483649u

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

START_TEST(histograms_count_by_bound)
{
    struct histogram h = {0};

    for (int i = 0; i < BUCKET_LONGER; i++) {
        ck_assert(i == 0 || histogram_bounds_us[i] > histogram_bounds_us[i - 1]);
        histogram_add(&h, histogram_bounds_us[i]); /* the bound itself is in */
        ck_assert_uint_eq(h.buckets[i], 1);
        histogram_add(&h, histogram_bounds_us[i] + 1);
        ck_assert_uint_eq(h.buckets[i + 1], 1);
        h.buckets[i + 1] = 0;
    }
    memset(&h, 0, sizeof(h));
    histogram_add(&h, -5);
    histogram_add(&h, 0);
    histogram_add(&h, 70);
    ck_assert_uint_eq(h.buckets[BUCKET_50], 2);
    ck_assert_uint_eq(h.buckets[BUCKET_100], 1);
    ck_assert_uint_eq(h.sum_us, 70);
}
END_TEST

START_TEST(errors_have_a_bounded_number_of_counters)
{
    struct stats one, other;
    char word[8];

    memset(&one, 0, sizeof(one));
    memset(&other, 0, sizeof(other));
    for (unsigned i = 0; i < ERROR_NUMBERS + 2; i++)
        stats_count_error(&one, (uint16_t)(65535 - i));
    stats_count_error(&other, 65534); /* two workers agree on the counter */
    stats_count_error(&other, 1);
    for (unsigned i = 0; i < ERROR_NUMBERS; i++) {
        ck_assert_uint_eq(one.errors[i], 1);
        ck_assert_uint_eq((unsigned)atoi(error_counter_name(i, word)), 65535 - i);
    }
    ck_assert_uint_eq(one.errors[ERROR_NUMBERS], 2);
    ck_assert_uint_eq(other.errors[1], 1);
    ck_assert_uint_eq(other.errors[ERROR_NUMBERS], 1);
    ck_assert_str_eq(error_counter_name(ERROR_NUMBERS, word), "other");
}
END_TEST

START_TEST(views_show_what_holds_a_backend)
{
    struct frame_views views;
    struct frame_view first = {0}, second = {0};
    struct frame_shown shown[2];

    frame_views_open(&views);
    frame_view_begin(&views, &first, 7, BACKEND_CONNECTING, 100);
    frame_view_begin(&views, &second, 8, BACKEND_CONNECTING, 200);
    frame_view_state(&first, BACKEND_LEASED, 300);
    frame_view_session(&first, CLIENT, false);
    frame_view_pin(&first, PIN_TRANSACTION, 400);
    frame_view_pin(&first, PIN_ROLE, 500);
    frame_view_command(&first, 350);
    frame_view_session(&first, CLIENT, false); /* still the same session's */
    ck_assert_uint_eq(frame_views_copy(&views, shown, 2), 2);
    ck_assert(shown[0].id == 7 && shown[0].state == BACKEND_LEASED && shown[0].since_us == 300 && shown[0].session == CLIENT && !shown[0].resident);
    ck_assert(shown[0].pinned_us[PIN_TRANSACTION] == 400 && shown[0].pinned_us[PIN_ROLE] == 500);
    ck_assert_int_eq(shown[0].command_us, 350);
    ck_assert(shown[1].id == 8 && shown[1].session == 0 && shown[1].since_us == 200);
    frame_view_session(&first, CLIENT + 1, true); /* another has it: nothing of the first is left */
    ck_assert_uint_eq(frame_views_copy(&views, shown, 1), 2);
    ck_assert(shown[0].session == CLIENT + 1 && shown[0].resident && shown[0].pinned_us[PIN_TRANSACTION] == 0 && shown[0].pinned_us[PIN_ROLE] == 0);
    ck_assert_int_eq(shown[0].command_us, 0);
    frame_view_end(&views, &first);
    ck_assert_uint_eq(frame_views_copy(&views, shown, 2), 1);
    ck_assert_uint_eq(shown[0].id, 8);
    frame_view_end(&views, &second);
    frame_views_close(&views);
}
END_TEST

START_TEST(json_of_texts_that_are_no_utf8)
{
    struct snapshot snapshot = {.target_name = "db:3306", .readiness = "not ready: \xd0\xbd\xd0", .target_error = "\xe9t\xe9"};
    char *text = stats_json(&snapshot);

    ck_assert_ptr_nonnull(text);
    ck_assert_ptr_nonnull(strstr(text, "\"not ready: ???\""));
    ck_assert_ptr_nonnull(strstr(text, "\"?t?\""));
    ck_assert_ptr_nonnull(strstr(text, "\"db:3306\""));
    free(text);
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
    tcase_add_test(tests, histograms_count_by_bound);
    tcase_add_test(tests, errors_have_a_bounded_number_of_counters);
    tcase_add_test(tests, views_show_what_holds_a_backend);
    tcase_add_test(tests, json_of_texts_that_are_no_utf8);
    tcase_add_test(tests, names);
    suite_add_tcase(suite, tests);
    return suite;
}
