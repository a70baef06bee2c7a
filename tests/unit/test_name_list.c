/* SPDX-License-Identifier: MIT
 * Lists of names: what a set makes of them, joined ones and full ones.
 */
#include "protocol/name_list.h"

#include "protocol/lexer.h"
#include "tests/unit/split.h"

Suite *name_list_suite(void);

static struct name_entry entries[] = {{1, NAME_PLAIN, 0}, {2, NAME_PLAIN | NAME_INSERTS, 0}, {3, NAME_OPAQUE, 0}};
static uint64_t schemas[] = {10, 11};
static const struct name_set known = {.complete = true, .count = 3, .entries = entries, .schema_count = 2, .schemas = schemas};

static enum name_verdict judge(const uint64_t *hashes, const uint8_t *uses, size_t count)
{
    struct name_list list;

    name_list_clear(&list);
    for (size_t i = 0; i < count; i++)
        name_list_add(&list, hashes[i], uses[i]);
    return name_list_judge(&list, &known);
}
#define JUDGE(hashes, uses) judge((const uint64_t[])hashes, (const uint8_t[])uses, sizeof((const uint8_t[])uses))
#define LIST(...) {__VA_ARGS__}

START_TEST(judges)
{
    ck_assert_int_eq(JUDGE(LIST(1, 2, 99), LIST(NAME_USED, NAME_USED, NAME_USED)), NAMES_PLAIN);
    ck_assert_int_eq(JUDGE(LIST(1, 3), LIST(NAME_USED, NAME_USED)), NAMES_OPAQUE);
    ck_assert_int_eq(JUDGE(LIST(1, 2), LIST(NAME_CALLED, NAME_CALLED)), NAMES_PLAIN);
    ck_assert_int_eq(JUDGE(LIST(99), LIST(NAME_CALLED)), NAMES_OPAQUE);
    ck_assert_int_eq(JUDGE(LIST(99, 99), LIST(NAME_USED, NAME_CALLED)), NAMES_OPAQUE);
    ck_assert_int_eq(JUDGE(LIST(10, 11), LIST(NAME_SCHEMA, NAME_SCHEMA)), NAMES_PLAIN);
    ck_assert_int_eq(JUDGE(LIST(10, 12), LIST(NAME_SCHEMA, NAME_SCHEMA)), NAMES_UNREAD);
    ck_assert_int_eq(JUDGE(LIST(12, 3), LIST(NAME_SCHEMA, NAME_USED)), NAMES_OPAQUE);
    ck_assert_int_eq(JUDGE(LIST(3, 10), LIST(NAME_SCHEMA, NAME_USED)), NAMES_UNREAD);
}
END_TEST

/* What the code of the names reads; what is called and not in the set may have come since, and what is not read may read anything. */
START_TEST(reads)
{
    static struct name_entry some[] = {{1, NAME_PLAIN, 0}, {2, NAME_OPAQUE, 1}, {3, NAME_OPAQUE, 2}};
    const struct name_set set = {.complete = true, .count = 3, .entries = some, .schema_count = 2, .schemas = schemas};
    struct name_list list;

    name_list_clear(&list);
    name_list_add(&list, 1, NAME_USED | NAME_CALLED);
    name_list_add(&list, 10, NAME_SCHEMA);
    name_list_add(&list, 99, NAME_USED);
    ck_assert_uint_eq(name_list_reads(&list, &set), 0);
    name_list_add(&list, 2, NAME_USED);
    name_list_add(&list, 3, NAME_CALLED);
    ck_assert_uint_eq(name_list_reads(&list, &set), 3);
    ck_assert_uint_eq(name_list_reads(&list, NULL), NAME_READS_ANYTHING);
    name_list_add(&list, 12, NAME_SCHEMA);
    ck_assert_uint_eq(name_list_reads(&list, &set), NAME_READS_ANYTHING);
    name_list_clear(&list);
    name_list_add(&list, 98, NAME_USED);
    ck_assert(!name_list_calls(&list));
    name_list_add(&list, 99, NAME_CALLED);
    ck_assert(name_list_calls(&list));
    ck_assert_uint_eq(name_list_reads(&list, &set), NAME_READS_ANYTHING);
}
END_TEST

START_TEST(nothing_is_known)
{
    struct name_set stale = known;
    struct name_list list;

    stale.complete = false;
    name_list_clear(&list);
    ck_assert_int_eq(name_list_judge(&list, &known), NAMES_PLAIN);
    ck_assert_int_eq(name_list_judge(&list, &stale), NAMES_UNREAD);
    ck_assert_int_eq(name_list_judge(&list, NULL), NAMES_UNREAD);
}
END_TEST

START_TEST(full)
{
    struct name_list list, more;

    name_list_clear(&list);
    name_list_clear(&more);
    for (uint64_t i = 0; i < NAME_LIST_MAX; i++)
        name_list_add(&list, 100 + i, NAME_USED);
    name_list_add(&list, 100, NAME_CALLED);
    ck_assert(!list.full);
    ck_assert_int_eq(list.count, NAME_LIST_MAX);
    ck_assert_int_eq(list.uses[0], NAME_USED | NAME_CALLED);
    name_list_add(&more, 101, NAME_USED);
    name_list_join(&list, &more);
    ck_assert(!list.full);
    name_list_add(&more, 1, NAME_USED);
    name_list_join(&list, &more);
    ck_assert(list.full);
    list.count = 0;
    ck_assert_int_eq(name_list_judge(&list, &known), NAMES_UNREAD);
    name_list_clear(&more);
    name_list_join(&more, &list);
    ck_assert(more.full);
}
END_TEST

Suite *name_list_suite(void)
{
    Suite *suite = suite_create("name_list");
    TCase *tests = tcase_create("lists");

    tcase_add_test(tests, judges);
    tcase_add_test(tests, reads);
    tcase_add_test(tests, nothing_is_known);
    tcase_add_test(tests, full);
    suite_add_tcase(suite, tests);
    return suite;
}
