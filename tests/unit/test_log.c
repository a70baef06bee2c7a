/* SPDX-License-Identifier: MIT
 * Log lines: one write each, with nothing in them that a terminal would obey.
 */
#include "proxy/log.h"

#include <regex.h>
#include <unistd.h>

#include "tests/unit/split.h"

Suite *log_suite(void);

static int ends[2], kept;
static char text[4096];

static void set_up(void)
{
    ck_assert_int_eq(pipe(ends), 0);
    kept = dup(STDERR_FILENO);
    ck_assert_int_eq(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    log_set_level(LOG_INFO);
}

static void tear_down(void)
{
    close(ends[0]);
    close(kept);
}

/* Everything that was written. */
static size_t written(void)
{
    ssize_t length;
    dup2(kept, STDERR_FILENO); /* the pipe's last end: there is no more to come */
    length = read(ends[0], text, sizeof(text) - 1);
    ck_assert_int_ge(length, 0);
    text[length] = '\0';
    return (size_t)length;
}

static void assert_matches(const char *pattern)
{
    regex_t regex;
    ck_assert_int_eq(regcomp(&regex, pattern, REG_EXTENDED | REG_NOSUB), 0);
    ck_assert_msg(regexec(&regex, text, 0, NULL, 0) == 0, "\"%s\" is not %s", text, pattern);
    regfree(&regex);
}

START_TEST(a_line)
{
    log_line(LOG_WARNING, "client %d: %s", 7, "gone");
    written();
    assert_matches("^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z warning: client 7: gone\n$");
}
END_TEST

START_TEST(levels)
{
    log_line(LOG_DEBUG, "not wanted");
    ck_assert(log_wants(LOG_INFO) && !log_wants(LOG_DEBUG));
    log_set_level(LOG_ERROR);
    log_line(LOG_WARNING, "not wanted");
    log_line(LOG_ERROR, "one");
    log_set_level(LOG_DEBUG);
    log_line(LOG_DEBUG, "two");
    log_line(LOG_INFO, "three");
    written();
    assert_matches("^[^\n]*Z error: one\n[^\n]*Z debug: two\n[^\n]*Z info: three\n$");
}
END_TEST

START_TEST(control_characters)
{
    log_line(LOG_INFO, "a\nb\rc\x1B[31md\x7F" "e\tf\xC3\xA9");
    written();
    assert_matches("info: a\\?b\\?c\\?\\[31md\\?e\\?f\xC3\xA9\n$");
}
END_TEST

START_TEST(long_lines_are_cut)
{
    char longer[3000];
    size_t shorter;
    memset(longer, 'x', sizeof(longer) - 1);
    longer[sizeof(longer) - 1] = '\0';
    log_line(LOG_INFO, "%s", longer);
    shorter = written();
    ck_assert_uint_le(shorter, 1024);
    ck_assert_uint_gt(shorter, 1000);
    ck_assert_ptr_eq(strchr(text, '\n'), text + shorter - 1);
}
END_TEST

START_TEST(nowhere_to_write)
{
    close(STDERR_FILENO);
    log_line(LOG_INFO, "lost");
    ck_assert_uint_eq(written(), 0);
}
END_TEST

START_TEST(one_a_second)
{
    struct log_limit limit = {0}, fresh = {0};
    unsigned skipped = 99, allowed = 0, total = 0;
    ck_assert(log_allowed(&limit, &skipped));
    ck_assert_uint_eq(skipped, 0);
    for (int i = 0; i < 100; i++) {
        if (log_allowed(&limit, &skipped)) { /* the second may end here */
            allowed++;
            total += skipped;
        }
    }
    ck_assert_uint_le(allowed, 2);
    ck_assert_uint_eq(total + limit.skipped + allowed, 100);
    limit.last--;
    total = limit.skipped;
    ck_assert(log_allowed(&limit, &skipped));
    ck_assert_uint_eq(skipped, total);
    ck_assert(log_allowed(&fresh, &skipped)); /* each place has its own */
}
END_TEST

Suite *log_suite(void)
{
    Suite *suite = suite_create("log");
    TCase *tests = tcase_create("log");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, a_line);
    tcase_add_test(tests, levels);
    tcase_add_test(tests, control_characters);
    tcase_add_test(tests, long_lines_are_cut);
    tcase_add_test(tests, nowhere_to_write);
    tcase_add_test(tests, one_a_second);
    suite_add_tcase(suite, tests);
    return suite;
}
