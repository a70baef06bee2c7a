/* SPDX-License-Identifier: MIT
 * Sessions in doubt: which later knowledge holds for what they ran; and how long a session may be silent.
 */
#include "protocol/variable.h"
#include "proxy/session.h"
#include "tests/unit/split.h"

Suite *session_doubt_suite(void);

#define NEVER STORED_CODE_NEVER

static struct name_entry entries[] = {{1, NAME_PLAIN, 0}, {3, NAME_OPAQUE, 0}};
static uint64_t schemas[] = {10};
static const struct name_set known = {.complete = true, .count = 2, .entries = entries, .schema_count = 1, .schemas = schemas};

static struct session fresh(void)
{
    struct session_image image;
    struct session s = {0};

    session_image_init(&image, 1, 45, 0);
    session_init(&s, &image, 0);
    return s;
}

static void doubt(struct session *s, uint64_t since, uint64_t quiet, uint64_t name, uint8_t uses)
{
    const struct stored_code_moment moment = {.since = since, .quiet = quiet};
    struct name_list names;

    name_list_clear(&names);
    name_list_add(&names, name, uses);
    session_doubt_begin(s, &names, &moment);
    ck_assert_uint_eq(s->pins, PIN_BIT(PIN_UNREAD));
}

/* Its pins once `changes` are known. */
static pin_set after(struct session *s, uint64_t changes)
{
    bool ended = session_doubt_end(s, &known, changes);
    pin_set pins = s->pins;

    ck_assert(ended == !(pins & PIN_BIT(PIN_UNREAD)));
    ck_assert_ptr_null(s->doubt);
    session_free(s);
    return pins;
}

START_TEST(what_holds)
{
    static const struct {
        uint64_t since, quiet, changes;
        bool holds;
    } rows[] = {
        {NEVER, 5, 5, true}, {NEVER, 5, 6, false}, {NEVER, NEVER, 5, false}, {4, NEVER, 5, true}, {5, NEVER, 5, true}, {4, NEVER, 6, false}, {3, 6, 6, true},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session s = fresh();

        doubt(&s, rows[i].since, rows[i].quiet, 1, NAME_CALLED);
        ck_assert_uint_eq(after(&s, rows[i].changes), rows[i].holds ? 0 : PIN_BIT(PIN_UNREAD));
    }
}
END_TEST

START_TEST(what_it_was)
{
    static const struct {
        uint64_t name;
        uint8_t uses;
        pin_set pins;
    } rows[] = {
        {1, NAME_USED, 0}, {2, NAME_USED, 0}, {2, NAME_CALLED, PIN_BIT(PIN_OPAQUE)}, {3, NAME_USED, PIN_BIT(PIN_OPAQUE)},
        {10, NAME_SCHEMA, 0}, {11, NAME_SCHEMA, PIN_BIT(PIN_UNREAD)},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct session s = fresh();

        doubt(&s, 5, 5, rows[i].name, rows[i].uses);
        ck_assert_uint_eq(after(&s, 5), rows[i].pins);
    }
}
END_TEST

/* What holds for all of them must hold for each. */
START_TEST(several_texts)
{
    struct session s = fresh();

    doubt(&s, 5, 5, 1, NAME_USED);
    doubt(&s, 5, 6, 2, NAME_USED);
    ck_assert_uint_eq(after(&s, 6), 0);
    s = fresh();
    doubt(&s, 4, 5, 1, NAME_USED);
    doubt(&s, 5, 6, 2, NAME_USED);
    ck_assert_uint_eq(after(&s, 6), PIN_BIT(PIN_UNREAD));
    s = fresh();
    doubt(&s, 5, 6, 1, NAME_USED);
    doubt(&s, NEVER, 6, 3, NAME_USED);
    ck_assert_uint_eq(after(&s, 6), PIN_BIT(PIN_OPAQUE));
    s = fresh();
    doubt(&s, NEVER, NEVER, 1, NAME_USED);
    doubt(&s, 6, 6, 1, NAME_USED);
    ck_assert_uint_eq(after(&s, 6), PIN_BIT(PIN_UNREAD));
}
END_TEST

/* A schema that nobody can read pins for good, and a reset loses no doubt. */
START_TEST(for_good)
{
    struct session s = fresh();

    s.pins = PIN_BIT(PIN_UNREAD);
    doubt(&s, 5, 5, 1, NAME_USED);
    ck_assert_ptr_null(s.doubt);
    session_free(&s);
    s = fresh();
    doubt(&s, 5, 5, 3, NAME_USED);
    session_reset(&s, 0, true);
    ck_assert_uint_eq(after(&s, 5), PIN_BIT(PIN_OPAQUE));
}
END_TEST

START_TEST(prepared)
{
    struct session s = fresh();
    struct name_list names;

    name_list_clear(&names);
    name_list_add(&names, 1, NAME_CALLED);
    session_judge_prepared(&s, &known, 7);
    session_note_prepared_names(&s, &names, 7);
    session_judge_prepared(&s, &known, 7);
    session_judge_prepared(&s, &known, 8);
    ck_assert_uint_eq(s.prepared_pins, 0);
    name_list_add(&names, 3, NAME_USED);
    session_note_prepared_names(&s, &names, 0);
    session_judge_prepared(&s, &known, 8);
    ck_assert_uint_eq(s.prepared_pins, PIN_BIT(PIN_OPAQUE));
    session_free(&s);
    ck_assert_ptr_null(s.prepared_names);
}
END_TEST

START_TEST(silence)
{
    uint16_t variable = (uint16_t)variable_find(name_hash("wait_timeout", 12));
    struct session s = fresh();

    ck_assert_uint_eq(session_wait_timeout(&s), 0);
    ck_assert(!session_is_overdue(&s, INT64_MAX / 2));
    ck_assert(session_values_put(&s.values, variable, "31536000", 8));
    ck_assert_uint_eq(session_wait_timeout(&s), 31536000);
    ck_assert(!session_is_overdue(&s, 60000000));
    ck_assert(session_values_put(&s.values, variable, "2", 1));
    ck_assert(!session_is_overdue(&s, 1000000));
    ck_assert(session_is_overdue(&s, 1999000));
    s.dirty[variable / 64] |= (uint64_t)1 << variable % 64;
    ck_assert_uint_eq(session_wait_timeout(&s), 0);
    ck_assert(session_is_overdue(&s, 1000000));
    ck_assert(!session_is_overdue(&s, 1000));
    session_free(&s);
}
END_TEST

Suite *session_doubt_suite(void)
{
    Suite *suite = suite_create("session_doubt");
    TCase *tests = tcase_create("session_doubt");

    tcase_add_test(tests, what_holds);
    tcase_add_test(tests, what_it_was);
    tcase_add_test(tests, several_texts);
    tcase_add_test(tests, for_good);
    tcase_add_test(tests, prepared);
    tcase_add_test(tests, silence);
    suite_add_tcase(suite, tests);
    return suite;
}
