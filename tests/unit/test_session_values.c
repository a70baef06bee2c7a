/* SPDX-License-Identifier: MIT
 * Blocks of variables and values.
 */
#include "proxy/session_values.h"
#include "tests/unit/split.h"

Suite *session_values_suite(void);

static void put(struct session_values **values, uint16_t variable, const char *text)
{
    ck_assert(session_values_put(values, variable, text, text ? strlen(text) : 0));
}

static void expect(const struct session_values *values, uint16_t variable, const char *text)
{
    struct session_value value;

    ck_assert(session_values_find(values, variable, &value));
    ck_assert_uint_eq(value.variable, variable);
    ck_assert_int_eq(value.null, text == NULL);
    if (text)
        ck_assert(wire_text_is(value.text, text));
    else
        ck_assert_uint_eq(value.text.length, 0);
}

static unsigned count(const struct session_values *values)
{
    struct session_value value, before = {0};
    unsigned n = 0;

    for (size_t at = 0; session_values_next(values, &at, &value); n++) {
        ck_assert(n == 0 || value.variable > before.variable); /* in their order */
        before = value;
    }
    return n;
}

START_TEST(none)
{
    struct session_value value;
    size_t at = 0;

    ck_assert(!session_values_next(NULL, &at, &value));
    ck_assert(!session_values_find(NULL, 0, &value));
    ck_assert_ptr_null(session_values_copy(NULL));
    ck_assert(session_values_equal(NULL, NULL));
    ck_assert(session_values_cover(NULL, NULL));
    session_values_free(NULL);
}
END_TEST

/* In whatever order they are put in, they lie in the order of their indexes. */
START_TEST(put_and_find)
{
    static const uint16_t orders[][3] = {{1, 5, 600}, {1, 600, 5}, {5, 1, 600}, {5, 600, 1}, {600, 1, 5}, {600, 5, 1}};

    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        struct session_values *values = NULL;
        struct session_value value;

        for (int n = 0; n < 3; n++)
            put(&values, orders[i][n], orders[i][n] == 1 ? "one" : orders[i][n] == 5 ? NULL : "");
        ck_assert_uint_eq(count(values), 3);
        expect(values, 1, "one");
        expect(values, 5, NULL);
        expect(values, 600, "");
        ck_assert(!session_values_find(values, 0, &value));
        ck_assert(!session_values_find(values, 4, &value));
        ck_assert(!session_values_find(values, 601, &value));
        session_values_free(values);
    }
}
END_TEST

START_TEST(replace)
{
    struct session_values *values = NULL;

    put(&values, 1, "a");
    put(&values, 2, "b");
    put(&values, 3, "c");
    put(&values, 2, "much longer than before");
    expect(values, 2, "much longer than before");
    put(&values, 2, "");
    expect(values, 2, "");
    put(&values, 2, NULL);
    expect(values, 2, NULL);
    put(&values, 1, "first");
    put(&values, 3, "last");
    expect(values, 1, "first");
    expect(values, 2, NULL);
    expect(values, 3, "last");
    ck_assert_uint_eq(count(values), 3);
    session_values_free(values);
}
END_TEST

START_TEST(equal)
{
    struct session_values *a = NULL, *b = NULL, *copy;

    put(&a, 1, "x");
    ck_assert(!session_values_equal(a, NULL) && !session_values_equal(NULL, a));
    put(&a, 2, "y");
    put(&b, 2, "y");
    ck_assert(!session_values_equal(a, b));
    put(&b, 1, "x");
    ck_assert(session_values_equal(a, b)); /* whichever came first */
    copy = session_values_copy(a);
    ck_assert(session_values_equal(a, copy));
    put(&b, 2, "Y");
    ck_assert(!session_values_equal(a, b));
    put(&b, 2, NULL);
    put(&a, 2, "");
    ck_assert(!session_values_equal(a, b)); /* NULL is not empty */
    expect(copy, 2, "y");                   /* a copy of its own */
    session_values_free(a);
    session_values_free(b);
    session_values_free(copy);
}
END_TEST

START_TEST(cover)
{
    struct session_values *more = NULL, *less = NULL;

    put(&more, 1, "x");
    put(&more, 2, "y");
    ck_assert(session_values_cover(more, NULL) && !session_values_cover(NULL, more));
    put(&less, 2, "another value");
    ck_assert(session_values_cover(more, less));
    ck_assert(!session_values_cover(less, more));
    put(&less, 3, "z");
    ck_assert(!session_values_cover(more, less));
    session_values_free(more);
    session_values_free(less);
}
END_TEST

/* The limit counts every byte of the block; what does not fit changes nothing. */
START_TEST(limit)
{
    static char text[70000];
    struct session_values *values = NULL, *before;
    uint16_t n = 0;

    memset(text, 'x', sizeof(text));
    ck_assert(!session_values_put(&values, 0, text, sizeof(text)));
    ck_assert(!session_values_put(&values, 0, text, SESSION_VALUES_MAX));
    ck_assert_ptr_null(values);
    while (session_values_put(&values, n, text, 1000))
        n++;
    ck_assert_uint_eq(n, SESSION_VALUES_MAX / 1004);
    before = session_values_copy(values);
    ck_assert(!session_values_put(&values, 3, text, 2000)); /* in place of another, too long all the same */
    ck_assert(session_values_equal(values, before));
    ck_assert(session_values_put(&values, 3, text, 10)); /* makes room */
    ck_assert(session_values_put(&values, n, text, 980));
    session_values_free(before);
    session_values_free(values);
}
END_TEST

Suite *session_values_suite(void)
{
    Suite *suite = suite_create("session_values");
    TCase *tests = tcase_create("session_values");

    tcase_add_test(tests, none);
    tcase_add_test(tests, put_and_find);
    tcase_add_test(tests, replace);
    tcase_add_test(tests, equal);
    tcase_add_test(tests, cover);
    tcase_add_test(tests, limit);
    suite_add_tcase(suite, tests);
    return suite;
}
