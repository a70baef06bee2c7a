/* SPDX-License-Identifier: MIT
 * Images of sessions: what a login sets, and how far one is from another.
 */
#include "protocol/capability.h"
#include "proxy/session_image.h"
#include "tests/unit/split.h"

Suite *session_image_suite(void);

static struct session_image image(const char *schema)
{
    struct session_image i;
    memset(&i, 0xAA, sizeof(i));
    session_image_init(&i, 3, 45, CAP_MULTI_STATEMENTS);
    ck_assert(session_image_set_schema(&i, schema, strlen(schema)));
    return i;
}

START_TEST(from_capabilities)
{
    struct session_image i;
    for (unsigned bits = 0; bits < 8; bits++) {
        session_image_init(&i, 7, 255,
                           CAP_PROTOCOL_41 | (bits & 1 ? CAP_MULTI_STATEMENTS : 0) | (bits & 2 ? CAP_IGNORE_SPACE : 0) |
                               (bits & 4 ? CAP_INTERACTIVE : 0));
        ck_assert_uint_eq(i.multi_statements + 2u * i.ignore_space + 4u * i.interactive, bits);
        ck_assert_uint_eq(i.account, 7);
        ck_assert_uint_eq(i.collation, 255);
        ck_assert_uint_eq(i.schema_length, 0);
        ck_assert_uint_eq(i.version, SESSION_IMAGE_VERSION);
    }
}
END_TEST

START_TEST(schemas)
{
    char name[SESSION_SCHEMA_MAX + 1];
    struct session_image i = image("");
    memset(name, 'x', sizeof(name));
    ck_assert(!session_image_set_schema(&i, name, sizeof(name)));
    ck_assert(!session_image_set_schema(&i, name, UINT64_MAX));
    ck_assert_uint_eq(i.schema_length, 0);
    ck_assert(session_image_set_schema(&i, name, SESSION_SCHEMA_MAX));
    ck_assert_uint_eq(i.schema_length, SESSION_SCHEMA_MAX);
    ck_assert_mem_eq(i.schema, name, SESSION_SCHEMA_MAX);
}
END_TEST

START_TEST(equal)
{
    struct session_image a = image("shop"), b = image("shop"), longer = image("shopping");
    ck_assert(session_image_equal(&a, &b));
    ck_assert_uint_eq(session_image_distance(&a, &b), 0);
    ck_assert(session_image_set_schema(&longer, "shop", 4)); /* what is behind the name does not count */
    ck_assert(session_image_equal(&a, &longer));
}
END_TEST

#define DIFFERENT(change)                                                                                                                            \
    do {                                                                                                                                             \
        struct session_image a = image("shop"), b = a;                                                                                               \
        change;                                                                                                                                      \
        ck_assert(!session_image_equal(&a, &b));                                                                                                     \
        ck_assert_uint_gt(session_image_distance(&a, &b), 0);                                                                                        \
        ck_assert_uint_eq(session_image_distance(&a, &b), session_image_distance(&b, &a));                                                           \
    } while (0)

START_TEST(different)
{
    DIFFERENT(b.version++);
    DIFFERENT(b.account = 4);
    DIFFERENT(b.collation = 8);
    DIFFERENT(b.multi_statements = false);
    DIFFERENT(b.ignore_space = true);
    DIFFERENT(b.interactive = true);
    DIFFERENT(b = image("shoq"));
    DIFFERENT(b = image("Shop"));
    DIFFERENT(b = image("shop2"));
    DIFFERENT(b = image(""));
}
END_TEST

START_TEST(nearer)
{
    struct session_image a = image("shop"), collation = a, schema = a, account = a, version = a;
    collation.collation = 8;
    schema = image("x");
    account.account = 9;
    version.version++;
    ck_assert_uint_lt(session_image_distance(&a, &collation), session_image_distance(&a, &schema));
    ck_assert_uint_lt(session_image_distance(&a, &schema), session_image_distance(&a, &account));
    ck_assert_uint_lt(session_image_distance(&a, &account), session_image_distance(&a, &version));
}
END_TEST

Suite *session_image_suite(void)
{
    Suite *suite = suite_create("session_image");
    TCase *tests = tcase_create("session_image");
    tcase_add_test(tests, from_capabilities);
    tcase_add_test(tests, schemas);
    tcase_add_test(tests, equal);
    tcase_add_test(tests, different);
    tcase_add_test(tests, nearer);
    suite_add_tcase(suite, tests);
    return suite;
}
