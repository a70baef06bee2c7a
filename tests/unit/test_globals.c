/* SPDX-License-Identifier: MIT
 * Snapshots of the globals: what differs, and what a session keeps of it.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "protocol/lexer.h"
#include "proxy/session_epoch.h"
#include "tests/unit/split.h"

Suite *globals_suite(void);

static uint16_t index_of(const char *name)
{
    int index = variable_find(name_hash(name, strlen(name)));

    ck_assert_msg(index >= 0, "%s", name);
    return (uint16_t)index;
}

static void put(struct session_values **values, const char *name, const char *text)
{
    ck_assert(session_values_put(values, index_of(name), text, text ? strlen(text) : 0));
}

/* "name=value name=value": the values in words; NULL is ~. */
static struct session_values *values_of(const char *words)
{
    struct session_values *values = NULL;
    char copy[512], *save = NULL;

    snprintf(copy, sizeof copy, "%s", words);
    for (char *word = strtok_r(copy, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
        char *value = strchr(word, '=');

        *value++ = '\0';
        put(&values, word, strcmp(value, "~") ? value : NULL);
    }
    return values;
}

static const char *words_of(const struct session_values *values)
{
    static char words[512];
    struct session_value value;
    size_t length = 0;

    words[0] = '\0';
    for (size_t at = 0; session_values_next(values, &at, &value);)
        length += (size_t)snprintf(words + length, sizeof words - length, "%s%s=%.*s", length ? " " : "", variable_at(value.variable)->name,
                                   value.null ? 1 : (int)value.text.length, value.null ? "~" : value.text.data);
    return words;
}

static const struct {
    const char *was, *is, *difference;
} differences[] = {
    {"", "", ""},
    {"time_zone=SYSTEM", "time_zone=SYSTEM", ""},
    {"time_zone=SYSTEM", "time_zone=+01:00", "time_zone=SYSTEM"},
    {"sort_buffer_size=1 sql_mode=ANSI time_zone=SYSTEM", "sort_buffer_size=2 sql_mode=ANSI time_zone=UTC", "sort_buffer_size=1 time_zone=SYSTEM"},
    {"sort_buffer_size=1", "sort_buffer_size=12", "sort_buffer_size=1"},
    {"character_set_results=~", "character_set_results=", "character_set_results=~"},
    {"character_set_results=", "character_set_results=~", "character_set_results="},
    {"character_set_results=~", "character_set_results=~", ""},
    /* a plugin came, and another one went */
    {"sort_buffer_size=1 time_zone=SYSTEM", "sql_mode=ANSI time_zone=UTC", "time_zone=SYSTEM"},
    {"sql_mode=ANSI", "", ""},
    {"", "sql_mode=ANSI", ""},
    {"time_zone=SYSTEM", "sort_buffer_size=1", ""},
};

START_TEST(differs)
{
    struct session_values *was = values_of(differences[_i].was), *is = values_of(differences[_i].is), *difference = globals_difference(was, is);

    ck_assert_str_eq(words_of(difference), differences[_i].difference);
    session_values_free(was);
    session_values_free(is);
    session_values_free(difference);
}
END_TEST

static const struct {
    const char *own, *kept;
    struct globals_login login;
    const char *all, *marked;
} keeps[] = {
    {"", "", {0}, "", ""},
    {"", "time_zone=SYSTEM", {0}, "time_zone=SYSTEM", "time_zone"},
    {"time_zone=UTC", "time_zone=SYSTEM sql_mode=", {0}, "sql_mode= time_zone=UTC", "sql_mode"},
    {"", "sql_mode=ANSI time_zone=SYSTEM", {.ignore_space = true}, "sql_mode=ANSI,IGNORE_SPACE time_zone=SYSTEM", "sql_mode time_zone"},
    {"", "sql_mode=", {.ignore_space = true}, "sql_mode=IGNORE_SPACE", "sql_mode"},
    {"sql_mode=", "sql_mode=ANSI", {.ignore_space = true}, "sql_mode=", ""},
    {"", "wait_timeout=5", {0}, "wait_timeout=5", "wait_timeout"},
    {"", "interactive_timeout=4 wait_timeout=5", {0}, "interactive_timeout=4 wait_timeout=5", "interactive_timeout wait_timeout"},
    {"", "wait_timeout=5", {.interactive = true}, "", ""},
    {"", "interactive_timeout=4", {.interactive = true}, "interactive_timeout=4 wait_timeout=4", "interactive_timeout wait_timeout"},
    {"wait_timeout=9", "interactive_timeout=4 wait_timeout=5", {.interactive = true}, "interactive_timeout=4 wait_timeout=9", "interactive_timeout"},
    /* the flags tell autocommit; a login's collation sets the client's character sets */
    {"", "autocommit=ON collation_connection=utf8mb4_bin sort_buffer_size=1", {.collation = true}, "sort_buffer_size=1", "sort_buffer_size"},
    {"", "autocommit=ON collation_connection=utf8mb4_bin sort_buffer_size=1", {0}, "collation_connection=utf8mb4_bin sort_buffer_size=1",
     "collation_connection sort_buffer_size"},
};

static const char *names_in(const uint64_t *bits)
{
    static char names[512];
    size_t length = 0;

    names[0] = '\0';
    for (unsigned i = 0; i < variable_count(); i++)
        if (bits[i / 64] >> i % 64 & 1)
            length += (size_t)snprintf(names + length, sizeof names - length, "%s%s", length ? " " : "", variable_at(i)->name);
    return names;
}

START_TEST(keeping)
{
    struct session_values *own = values_of(keeps[_i].own), *kept = values_of(keeps[_i].kept);
    uint64_t bits[VARIABLES_MAX / 64] = {0};

    globals_mark(bits, own, kept, keeps[_i].login);
    ck_assert_str_eq(names_in(bits), keeps[_i].marked);
    ck_assert(globals_keep(&own, kept, keeps[_i].login));
    ck_assert_str_eq(words_of(own), keeps[_i].all);
    session_values_free(own);
    session_values_free(kept);
}
END_TEST

START_TEST(no_room)
{
    static char text[SESSION_VALUES_MAX - 100];
    struct session_values *own = NULL, *kept = NULL;

    memset(text, 'x', sizeof text);
    ck_assert(session_values_put(&own, index_of("sql_mode"), text, sizeof text));
    ck_assert(session_values_put(&kept, index_of("lc_time_names"), text, 20));
    ck_assert(session_values_put(&kept, index_of("time_zone"), text, 100));
    ck_assert(!globals_keep(&own, kept, (struct globals_login){0}));
    session_values_free(own);
    session_values_free(kept);
}
END_TEST

START_TEST(what_is_read)
{
    ck_assert(globals_is_read(index_of("time_zone"), true) && globals_is_read(index_of("autocommit"), false));
    ck_assert(globals_is_read(index_of("wait_timeout"), true)); /* setting it pins, but it can be set */
    ck_assert(globals_is_read(index_of("bulk_insert_buffer_size"), true) && !globals_is_read(index_of("bulk_insert_buffer_size"), false));
    ck_assert(!globals_is_read(index_of("max_allowed_packet"), true) && !globals_is_read(index_of("max_allowed_packet"), false));
    ck_assert(!globals_is_read(index_of("last_insert_id"), true) && !globals_is_read(index_of("max_connections"), true));
    ck_assert_int_eq(variable_find_on(name_hash("max_relay_log_size", 18), false), -1); /* on MySQL it is only global */
    ck_assert_int_eq(variable_find_on(name_hash("tx_isolation", 12), false), -1);
    ck_assert_int_eq(variable_find_on(name_hash("transaction_isolation", 21), false), index_of("tx_isolation"));
}
END_TEST

/* --- sessions: a change was seen between 100 (the reading that began then saw the old values) and 200 --- */

static const struct {
    int64_t sent_us, begun_us; /* the globals were copied in between */
    bool here;                 /* it is where it began */
    const char *values, *asked;
} beginnings[] = {
    {10, 20, false, "time_zone=SYSTEM", ""}, /* before */
    {10, 20, true, "", "time_zone"},         /* the server knows better: MariaDB copies some of them later */
    {90, 110, true, "", "time_zone"},        /* who knows */
    {150, 160, true, "", "time_zone"},
    {90, 110, false, "", ""},
    {150, 160, false, "", ""},
    {190, 210, true, "", "time_zone"},
    {200, 210, true, "", ""},                /* after */
    {200, 210, false, "", ""},
};

static struct session session_begun(int64_t sent_us, int64_t begun_us)
{
    struct session_image image;
    struct session s = {0};

    session_image_init(&image, 0, 45, 0);
    session_init(&s, &image, 0);
    s.begun = true;
    s.epoch = (struct epoch){.globals_us = sent_us, .take = 7};
    s.begun_us = begun_us;
    return s;
}

START_TEST(sessions)
{
    struct session s = session_begun(beginnings[_i].sent_us, beginnings[_i].begun_us);
    struct globals *is = globals_new(values_of("time_zone=UTC"), 2, 100, 200);
    struct session_values *difference = values_of("time_zone=SYSTEM");
    struct epoch here = s.epoch, elsewhere = {.take = 8};
    bool took = beginnings[_i].values[0] || beginnings[_i].asked[0];

    ck_assert_int_eq(session_globals_changed(&s, difference, is, beginnings[_i].here ? &here : _i % 2 ? &elsewhere : NULL), took);
    ck_assert_str_eq(words_of(s.values), beginnings[_i].values);
    ck_assert_str_eq(names_in(s.dirty), beginnings[_i].asked);
    ck_assert_int_eq(session_is_saved(&s), !beginnings[_i].asked[0]);
    session_free(&s);
    session_values_free(difference);
    globals_drop(is);
}
END_TEST

START_TEST(whole_sessions)
{
    struct globals *was = globals_new(values_of("sort_buffer_size=1 time_zone=SYSTEM"), 1, 0, 0);
    struct globals *is = globals_new(values_of("sort_buffer_size=2 time_zone=UTC"), 2, 100, 200);
    struct session_values *difference = globals_difference(was->values, is->values);
    struct session s = session_begun(10, 20), asked = session_begun(10, 20), fresh = session_begun(10, 20);
    struct epoch elsewhere = {.take = 8};

    ck_assert(session_keep_globals(&s, was) && !session_keep_globals(&s, was));
    ck_assert_str_eq(words_of(s.values), "sort_buffer_size=1 time_zone=SYSTEM");
    ck_assert(!session_globals_changed(&s, difference, is, NULL)); /* it has all it needs */
    session_reset(&s, 0, true);
    ck_assert(!s.whole && !s.values);
    session_free(&s);

    session_ask_globals(&asked, was, &elsewhere);
    ck_assert(!asked.whole && session_is_saved(&asked)); /* not there: it knows what it has */
    session_ask_globals(&asked, was, &asked.epoch);
    ck_assert_str_eq(names_in(asked.dirty), "sort_buffer_size time_zone");
    ck_assert(asked.whole && !session_keep_globals(&asked, was));
    session_free(&asked);

    fresh.begun = false;
    ck_assert(!session_keep_globals(&fresh, was) && !session_globals_changed(&fresh, difference, is, NULL));
    session_free(&fresh);
    session_values_free(difference);
    globals_drop(was);
    globals_drop(is);
}
END_TEST

Suite *globals_suite(void)
{
    Suite *suite = suite_create("globals");
    TCase *cases = tcase_create("globals");

    tcase_add_loop_test(cases, differs, 0, (int)(sizeof differences / sizeof differences[0]));
    tcase_add_loop_test(cases, keeping, 0, (int)(sizeof keeps / sizeof keeps[0]));
    tcase_add_test(cases, no_room);
    tcase_add_test(cases, what_is_read);
    tcase_add_loop_test(cases, sessions, 0, (int)(sizeof beginnings / sizeof beginnings[0]));
    tcase_add_test(cases, whole_sessions);
    suite_add_tcase(suite, cases);
    return suite;
}
