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

/* How many of 100 are allowed; none is lost. */
static unsigned allowed_of_100(struct log_limit *limit, unsigned lines)
{
    unsigned skipped = 99, allowed = 0, total = 0;

    for (int i = 0; i < 100; i++) {
        if (log_allowed(limit, lines, 1, &skipped)) {
            allowed++;
            total += skipped;
        }
    }
    ck_assert_uint_eq(total + limit->skipped + allowed, 100);
    return allowed;
}

START_TEST(so_many_a_second)
{
    struct log_limit one = {0}, ten = {0};
    unsigned skipped = 99, before, allowed = allowed_of_100(&one, 1);

    ck_assert(allowed == 1 || allowed == 2); /* the second may end in between */
    allowed = allowed_of_100(&ten, 10);      /* each place has its own */
    ck_assert(allowed == 10 || (allowed > 10 && allowed <= 20));
    one.since--;
    before = one.skipped;
    ck_assert(log_allowed(&one, 1, 1, &skipped));
    ck_assert_uint_eq(skipped, before);
    one.since--;
    ck_assert(!log_allowed(&one, 1, 60, &skipped));
}
END_TEST

START_TEST(news_are_told_once)
{
    struct log_news news = {0};
    unsigned before = 99;

    ck_assert(log_is_news(&news, "refused", &before));
    ck_assert_uint_eq(before, 0);
    ck_assert(!log_is_news(&news, "refused", &before));
    ck_assert(!log_is_news(&news, "refused", &before));
    news.limit.since -= 60;
    ck_assert(log_is_news(&news, "refused", &before));
    ck_assert_uint_eq(before, 2);
    ck_assert(!log_is_news(&news, "refused", &before));
    ck_assert(log_is_news(&news, "reset", &before));
    ck_assert_uint_eq(before, 0); /* of these */
    ck_assert(!log_is_news(&news, "reset", &before));
}
END_TEST

START_TEST(so_often_before)
{
    char word[32];

    ck_assert_str_eq(log_before(0, word), "");
    ck_assert_str_eq(log_before(312, word), " (and 312 before)");
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
    tcase_add_test(tests, so_many_a_second);
    tcase_add_test(tests, news_are_told_once);
    tcase_add_test(tests, so_often_before);
    suite_add_tcase(suite, tests);
    return suite;
}
