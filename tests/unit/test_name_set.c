/* SPDX-License-Identifier: MIT
 * Sets of names: sorted, put together, found; and every pin has a name of its own.
 */
#include "protocol/name_set.h"

#include "protocol/lexer.h"
#include "protocol/pin.h"
#include "tests/unit/split.h"

Suite *name_set_suite(void);

static uint64_t hash_of(const char *name)
{
    return name_hash(name, strlen(name));
}

START_TEST(empty)
{
    struct name_set set = {0};

    name_set_finish(&set);
    ck_assert_uint_eq(set.count, 0);
    ck_assert_int_eq(name_set_find(&set, hash_of("a")), NAME_UNKNOWN);
    ck_assert(!name_set_has_schema(&set, hash_of("a")));
}
END_TEST

START_TEST(finds)
{
    struct name_entry entries[] = {{hash_of("view"), NAME_OPAQUE, 0}, {hash_of("t"), NAME_INSERTS, 0}, {hash_of("f"), NAME_PLAIN, 0}};
    uint64_t schemas[] = {hash_of("shop"), hash_of("app"), hash_of("mysql")};
    struct name_set set = {.count = 3, .entries = entries, .schema_count = 3, .schemas = schemas};

    name_set_finish(&set);
    ck_assert_uint_eq(set.count, 3);
    ck_assert_int_eq(name_set_find(&set, hash_of("VIEW")), NAME_OPAQUE);
    ck_assert_int_eq(name_set_find(&set, hash_of("T")), NAME_INSERTS);
    ck_assert_int_eq(name_set_find(&set, hash_of("f")), NAME_PLAIN);
    ck_assert_int_eq(name_set_find(&set, hash_of("g")), NAME_UNKNOWN);
    ck_assert(name_set_has_schema(&set, hash_of("shop")));
    ck_assert(name_set_has_schema(&set, hash_of("app")));
    ck_assert(name_set_has_schema(&set, hash_of("mysql")));
    ck_assert(!name_set_has_schema(&set, hash_of("view")));
}
END_TEST

/* A table and a routine of one name, in two schemas. */
START_TEST(puts_together)
{
    struct name_entry entries[] = {
        {hash_of("a"), NAME_PLAIN, 0},  {hash_of("b"), NAME_OPAQUE, 0}, {hash_of("A"), NAME_INSERTS, 0},
        {hash_of("b"), NAME_OPAQUE, 0}, {hash_of("a"), NAME_PLAIN, 0},
    };
    struct name_set set = {.count = 5, .entries = entries};

    name_set_finish(&set);
    ck_assert_uint_eq(set.count, 2);
    ck_assert_int_eq(name_set_find(&set, hash_of("a")), NAME_PLAIN | NAME_INSERTS);
    ck_assert_int_eq(name_set_find(&set, hash_of("b")), NAME_OPAQUE);
}
END_TEST

/* Against a search from one end to the other, with many hashes twice and some far apart. */
START_TEST(many)
{
    enum { MANY = 3000 };
    static struct name_entry entries[MANY], given[MANY];
    static uint64_t schemas[MANY];
    struct name_set set = {.count = MANY, .entries = entries, .schema_count = MANY, .schemas = schemas};
    uint64_t state = 1;

    for (size_t i = 0; i < MANY; i++) {
        uint64_t hash = fuzz_random(&state) % 2000;
        if (hash % 3 == 0)
            hash |= UINT64_C(1) << 63;
        given[i] = entries[i] = (struct name_entry){hash, (uint8_t)(1u << fuzz_random(&state) % 3), 0};
        schemas[i] = hash;
    }
    name_set_finish(&set);
    for (uint64_t hash = 0; hash < 2000; hash++) {
        uint64_t tried = hash % 3 == 0 ? hash | UINT64_C(1) << 63 : hash;
        uint8_t meaning = NAME_UNKNOWN;
        for (size_t i = 0; i < MANY; i++)
            if (given[i].hash == tried)
                meaning |= given[i].meaning;
        ck_assert_int_eq(name_set_find(&set, tried), meaning);
        ck_assert_int_eq(name_set_has_schema(&set, tried), meaning != NAME_UNKNOWN);
    }
}
END_TEST

START_TEST(pins_have_names)
{
    ck_assert_str_eq(pin_name(PIN_TRANSACTION), "transaction");
    ck_assert_str_eq(pin_name(PIN_UNSAVED), "unsaved");
    ck_assert_int_le(PINS, 32);
    for (unsigned i = 0; i < PINS; i++)
        for (unsigned j = 0; j < i; j++)
            ck_assert_str_ne(pin_name((enum pin)i), pin_name((enum pin)j));
}
END_TEST

Suite *name_set_suite(void)
{
    Suite *suite = suite_create("name_set");
    TCase *tests = tcase_create("name_set");

    tcase_add_test(tests, empty);
    tcase_add_test(tests, finds);
    tcase_add_test(tests, puts_together);
    tcase_add_test(tests, many);
    tcase_add_test(tests, pins_have_names);
    suite_add_tcase(suite, tests);
    return suite;
}
