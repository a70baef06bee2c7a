/* SPDX-License-Identifier: MIT
 * What commands and their replies mean for a session: pins, what only the server knows, counts, the list of warnings.
 */
#include "protocol/command.h"
#include "proxy/session.h"
#include "tests/unit/statement_case.h"

Suite *session_suite(void);

static const struct epoch epoch = {.taken_us = 1, .globals_us = 1, .take = 1};

/* --- sessions in words --- */

static char words[512];

static const char *describe(const struct session *s)
{
    static const char *const unsaved[] = {"insert_id", "found_rows", "schema", "variables", "warnings"};
    static const char *const lists[] = {"none", "server", "stored", "lost"};
    size_t at = 0;

    words[0] = '\0';
    for (unsigned i = 0; i < PINS; i++)
        if (s->pins & PIN_BIT(i))
            at += (size_t)snprintf(words + at, sizeof(words) - at, "+%s ", pin_name((enum pin)i));
    for (unsigned i = 0; i < sizeof(unsaved) / sizeof(unsaved[0]); i++)
        if (s->unsaved >> i & 1)
            at += (size_t)snprintf(words + at, sizeof(words) - at, "?%s ", unsaved[i]);
    snprintf(words + at, sizeof(words) - at, "rows %lld", (long long)s->row_count);
    at = strlen(words);
    if (!(s->unsaved & UNSAVED_FOUND_ROWS))
        at += (size_t)snprintf(words + at, sizeof(words) - at, " found %llu", (unsigned long long)s->found_rows);
    snprintf(words + at, sizeof(words) - at, " warnings %s", lists[s->diagnostics]);
    return words;
}

static struct session fresh(void)
{
    struct session_image image;
    struct session s = {0};

    session_image_init(&image, 1, 45, 0);
    ck_assert(session_image_set_schema(&image, "app", 3));
    session_init(&s, &image, STATUS_AUTOCOMMIT);
    session_move(&s, STATUS_AUTOCOMMIT, &epoch, false);
    return s;
}

/* "ok N", "rows N" or "error N", then any of trx, manual, warned, told (the schema) */
static struct reply reply_of(const char *text)
{
    struct reply r = {.state = REPLY_AT_END, .status = STATUS_AUTOCOMMIT};
    char kind[8];
    unsigned number = 0;

    ck_assert_int_eq(sscanf(text, "%7s %u", kind, &number), 2);
    r.failed = strcmp(kind, "error") == 0;
    r.rows_ended = strcmp(kind, "rows") == 0;
    r.error = r.failed ? (uint16_t)number : 0;
    r.rows = r.rows_ended ? number : 0;
    r.affected_rows = r.failed || r.rows_ended ? 0 : number;
    if (strstr(text, "trx"))
        r.status |= STATUS_IN_TRANS;
    if (strstr(text, "manual"))
        r.status &= (uint16_t)~STATUS_AUTOCOMMIT;
    if (strstr(text, "warned")) {
        r.warnings = 1;
        r.warned = true;
    }
    r.schema_told = strstr(text, "told") != NULL;
    return r;
}

static void query(struct session *s, const char *text, const char *reply, bool is_mariadb)
{
    const struct statement_world *world = is_mariadb ? &mariadb_known : &mysql_known;
    struct command_effects e = {.command = COM_QUERY};
    struct reply r = reply_of(reply);
    struct statement st;

    statement_begin(&st, world->modes, world->names, &(struct name_list){0}, name_hash("app", 3));
    statement_piece(&st, (const uint8_t *)text, strlen(text));
    e.text = *statement_end(&st);
    session_note(s, &e, &r, is_mariadb);
}

static void command(struct session *s, const char *bytes, size_t length, const char *reply, uint32_t statement)
{
    struct command_effects e;
    struct reply r = reply_of(reply);

    r.statement_id = statement;
    command_effects_of(&e, (const uint8_t *)bytes, length);
    if (e.command == COM_STMT_EXECUTE)
        e.text = session_statement_effects(s, e.id);
    session_note(s, &e, &r, true);
}

/* Steps of one session, divided by an empty row; each begins where the one before it has ended. */
struct step {
    const char *text, *reply, *expected;
};

static void take(const struct step *steps, size_t count, bool is_mariadb)
{
    struct session s = fresh();

    for (size_t i = 0; i < count; i++) {
        if (!steps[i].text) {
            session_free(&s);
            s = fresh();
            continue;
        }
        query(&s, steps[i].text, steps[i].reply, is_mariadb);
        ck_assert_msg(strcmp(describe(&s), steps[i].expected) == 0, "%s, %s: \"%s\", expected \"%s\"", steps[i].text, steps[i].reply, words,
                      steps[i].expected);
    }
    session_free(&s);
}

#define TAKE(steps, mariadb) take(steps, sizeof(steps) / sizeof((steps)[0]), mariadb)
#define ANEW {NULL, NULL, NULL}

START_TEST(residue)
{
    static const struct step steps[] = {
        {"SELECT a FROM t", "rows 7", "rows -1 found 7 warnings none"},
        {"UPDATE t SET a = 1", "ok 4", "rows 4 found 7 warnings none"},
        {"INSERT INTO t VALUES (1)", "ok 1", "?insert_id rows 1 found 7 warnings none"},
        {"SELECT a FROM t LIMIT 2", "rows 2", "?insert_id ?found_rows rows -1 warnings none"},
        {"SELECT 1", "rows 1", "?insert_id rows -1 found 1 warnings none"},
        {"SET time_zone = 'x'", "error 1298", "?insert_id ?warnings rows -1 found 1 warnings server"},
        {"SHOW WARNINGS", "rows 1", "?insert_id ?warnings rows -1 found 1 warnings server"},
        {"SELECT 1", "rows 1", "?insert_id ?warnings rows -1 found 1 warnings server"},
        {"SELECT a FROM t", "rows 3", "?insert_id rows -1 found 3 warnings none"},
        ANEW,
        {"DO 1 / 0", "ok 0 warned", "?warnings rows 0 found 0 warnings server"},
        {"UPDATE t SET a = 1", "ok 2", "rows 2 found 0 warnings none"},
        {"UPDATE t SET a = 'x'", "ok 2 warned", "?warnings rows 2 found 0 warnings server"},
        ANEW,
        {"SELECT SQL_CALC_FOUND_ROWS a FROM t LIMIT 1", "rows 1", "?found_rows rows -1 warnings none"},
        {"SET sort_buffer_size = 5", "ok 0", "?found_rows ?variables rows 0 warnings none"},
        {"SELECT a FROM t", "error 1146", "?found_rows ?variables ?warnings rows -1 warnings server"},
        ANEW,
        {"SELECT 1; SELECT 2", "rows 1", "?found_rows rows -1 warnings none"},
        ANEW,
        {"SHOW WARNINGS; DO 1 / 0; SET sort_buffer_size = 5", "ok 0 warned", "?variables ?warnings rows 0 found 0 warnings server"},
    };

    TAKE(steps, true);
}
END_TEST

/* Those that have run, and the one that failed, kept FOUND_ROWS() if all of them would. */
START_TEST(several_of_which_one_failed)
{
    struct session s = fresh();

    s.image.multi_statements = true;
    s.found_rows = 7;
    query(&s, "INSERT INTO t VALUES (1); UPDATE t SET a = 1", "error 1062", true);
    ck_assert(!(s.unsaved & UNSAVED_FOUND_ROWS) && s.found_rows == 7);
    query(&s, "UPDATE t SET a = 1; SELECT 1", "error 1062", true);
    ck_assert(s.unsaved & UNSAVED_FOUND_ROWS);
    s.unsaved = 0;
    query(&s, "UPDATE t SET a = 1", "error 1062", false); /* on MySQL it may have counted rows, which an INSERT would show */
    s.unsaved = 0;
    query(&s, "INSERT INTO t VALUES (2); INSERT INTO t VALUES (1)", "error 1062", false);
    ck_assert(s.unsaved & UNSAVED_FOUND_ROWS);
    session_free(&s);
}
END_TEST

/* MariaDB opens the table of these before they begin: then ROW_COUNT() is still what it was. */
START_TEST(rows_of_what_has_not_begun)
{
    static const struct step steps[] = {
        {"UPDATE t SET a = 1", "ok 4", "rows 4 found 0 warnings none"},
        {"SHOW COLUMNS FROM t", "error 1146", "?warnings rows 4 found 0 warnings server"},
        {"DESCRIBE v", "error 1356", "?warnings rows 4 found 0 warnings server"},
        {"SHOW COLUMNS FROM t", "error 1046", "?warnings rows -1 found 0 warnings server"},
        {"UPDATE t SET a = 1", "ok 4", "rows 4 found 0 warnings none"},
        {"SHOW INDEX FROM t", "error 1142", "?warnings rows -1 found 0 warnings server"},
        {"UPDATE t SET a = 1", "ok 4", "rows 4 found 0 warnings none"},
        {"SHOW COLUMNS FROM t WHERE a = (SELECT 1 FROM u)", "error 1146", "+unsaved ?warnings rows 4 found 0 warnings server"},
    };

    TAKE(steps, true);
}
END_TEST

START_TEST(on_mysql_every_statement_has_its_own_warnings)
{
    static const struct step steps[] = {
        {"DO 1 / 0", "ok 0 warned", "?found_rows ?warnings rows 0 warnings server"},
        {"SHOW WARNINGS", "rows 1", "?found_rows ?warnings rows -1 warnings server"},
        {"SELECT 1", "rows 1", "rows -1 found 1 warnings none"},
    };

    TAKE(steps, false);
}
END_TEST

/* MySQL's PING, INIT_DB and SET_OPTION tell the warnings of the command before. */
START_TEST(mysql_tells_warnings_again)
{
    struct session s = fresh();
    struct command_effects no_option;
    struct reply refusal = reply_of("error 1047");

    query(&s, "INSERT INTO t VALUES (1), (2)", "ok 2 warned", false);
    ck_assert_uint_eq(session_conditions(&s, COM_PING, false), 0); /* the server itself does */
    s.on_server = 0;
    ck_assert_uint_eq(session_conditions(&s, COM_PING, false), 1);
    ck_assert_uint_eq(session_conditions(&s, COM_QUERY, false), 0);
    ck_assert_uint_eq(session_conditions(&s, COM_PING, true), 0);
    query(&s, "SHOW WARNINGS", "rows 5", false);
    ck_assert_uint_eq(session_conditions(&s, COM_SET_OPTION, false), 0);
    query(&s, "SELECT nosuch", "error 1054", false);
    s.on_server = 0;
    s.warning_count = 3;
    ck_assert_uint_eq(session_conditions(&s, COM_INIT_DB, false), 3); /* all that an error left */
    command_effects_of(&no_option, (const uint8_t *)"\x1b\x02\x00", 3);
    for (uint16_t i = 4; i < 6; i++) { /* each is one more, though the others could not be given back */
        session_note(&s, &no_option, &refusal, false);
        ck_assert_uint_eq(session_conditions(&s, COM_SET_OPTION, false), i);
    }
    session_free(&s);
}
END_TEST

START_TEST(transactions)
{
    static const struct step steps[] = {
        {"BEGIN", "ok 0 trx", "+transaction rows 0 found 0 warnings none"},
        {"UPDATE t SET a = 1", "ok 1 trx", "+transaction rows 1 found 0 warnings none"},
        {"UPDATE t SET a = 1", "error 1213", "+transaction ?warnings rows -1 found 0 warnings server"},
        {"DO 1", "ok 0 trx", "+transaction ?warnings rows 0 found 0 warnings server"},
        {"COMMIT", "ok 0", "?warnings rows 0 found 0 warnings server"},
        ANEW, /* outside one, a single statement that fails has opened none */
        {"UPDATE t SET a = 1", "error 1213", "?warnings rows -1 found 0 warnings server"},
        {"SELECT nosuch", "error 1054", "?warnings rows -1 found 0 warnings server"},
        {"BEGIN; SELECT nosuch", "error 1054", "+unknown_transaction ?warnings rows -1 found 0 warnings server"},
        ANEW, /* a savepoint holds before a transaction shows */
        {"SAVEPOINT a", "ok 0", "rows 0 found 0 warnings none"},
        {"SET autocommit = 0", "ok 0 manual", "rows 0 found 0 warnings none"},
        {"SAVEPOINT a", "ok 0 manual", "+next_transaction rows 0 found 0 warnings none"},
        {"DELETE FROM t", "ok 1 trx manual", "+transaction +next_transaction rows 1 found 0 warnings none"},
        {"COMMIT", "ok 0 manual", "rows 0 found 0 warnings none"},
        ANEW, /* without autocommit it may have */
        {"SET autocommit = 0", "ok 0 manual", "rows 0 found 0 warnings none"},
        {"UPDATE t SET a = 1", "error 1062", "+unknown_transaction ?warnings rows -1 found 0 warnings server"},
        {"COMMIT", "ok 0 manual", "?warnings rows 0 found 0 warnings server"},
        ANEW, /* nor can a routine's be known */
        {"CALL nosuch()", "error 1644", "+unknown_transaction +opaque ?found_rows ?warnings rows -1 warnings server"},
        ANEW,
        {"SET TRANSACTION READ ONLY", "ok 0", "+next_transaction rows 0 found 0 warnings none"},
        {"SELECT 1", "rows 1", "+next_transaction rows -1 found 1 warnings none"},
        {"BEGIN", "ok 0 trx", "+transaction +next_transaction rows 0 found 1 warnings none"},
        {"COMMIT", "ok 0", "rows 0 found 1 warnings none"},
        ANEW,
        {"XA START 'x'", "ok 0 trx", "+transaction +xa rows 0 found 0 warnings none"},
        {"XA END 'x'", "ok 0 trx", "+transaction +xa rows 0 found 0 warnings none"},
        {"XA COMMIT 'x'", "error 1399 trx", "+transaction +xa ?warnings rows -1 found 0 warnings server"},
        {"XA ROLLBACK 'x'", "ok 0", "?warnings rows 0 found 0 warnings server"},
    };

    TAKE(steps, true);
}
END_TEST

START_TEST(pins_and_what_ends_them)
{
    static const struct step steps[] = {
        {"LOCK TABLES t WRITE", "ok 0", "+table_locks rows 0 found 0 warnings none"},
        {"UNLOCK TABLES", "error 1192", "+table_locks ?warnings rows -1 found 0 warnings server"},
        {"UNLOCK TABLES", "ok 0", "?warnings rows 0 found 0 warnings server"},
        ANEW,
        {"SELECT GET_LOCK('l', 1)", "rows 1", "+user_locks rows -1 found 1 warnings none"},
        {"SELECT RELEASE_ALL_LOCKS(); SELECT GET_LOCK('l', 1)", "rows 1", "+user_locks ?found_rows rows -1 warnings none"},
        {"SELECT RELEASE_ALL_LOCKS()", "rows 1", "rows -1 found 1 warnings none"},
        ANEW, /* also when it failed: half of it may have been done */
        {"CREATE TEMPORARY TABLE x (id INT)", "error 1050", "+temporary_tables ?warnings rows -1 found 0 warnings server"},
        ANEW, /* but not what the server has not understood */
        {"SELECT @a FROM", "error 1064", "?warnings rows -1 found 0 warnings server"},
        {"SET @a = 1", "ok 0", "+user_variables ?warnings rows 0 found 0 warnings server"},
    };

    TAKE(steps, true);
}
END_TEST

START_TEST(variables)
{
    static const struct step steps[] = {
        {"SET time_zone = 'SYSTEM'", "ok 0", "?variables rows 0 found 0 warnings none"},
        ANEW, /* refused before anything was set */
        {"SET time_zone = 'nowhere'", "error 1298", "?warnings rows -1 found 0 warnings server"},
        {"SET time_zone = 'nowhere'; SET sort_buffer_size = 1", "error 1298", "+unknown_transaction ?variables ?warnings rows -1 found 0 warnings server"},
        ANEW,
        {"SET last_insert_id = 7", "ok 0", "?insert_id rows 0 found 0 warnings none"},
        ANEW, /* the first may be set */
        {"SET sort_buffer_size = 7, max_error_count = DEFAULT", "error 1227", "+variable ?warnings rows -1 found 0 warnings server"},
        ANEW,
        {"USE other", "ok 0", "?schema rows 0 found 0 warnings none"},
        ANEW,
        {"USE other", "ok 0 told", "rows 0 found 0 warnings none"},
        ANEW,
        {"SET autocommit = 1", "ok 0", "rows 0 found 0 warnings none"},
    };

    TAKE(steps, true);
}
END_TEST

/* --- commands --- */

START_TEST(other_commands)
{
    struct session s = fresh();

    query(&s, "UPDATE t SET a = 1", "ok 4", true);
    command(&s, "\x09", 1, "ok 0", 0); /* COM_STATISTICS */
    ck_assert_int_eq(s.row_count, 4);
    command(&s, "\x0e", 1, "ok 0", 0); /* COM_PING */
    ck_assert_int_eq(s.row_count, 0);
    command(&s, "\x1b\x00\x00", 3, "ok 0", 0); /* COM_SET_OPTION */
    ck_assert(s.image.multi_statements);
    ck_assert_int_eq(s.row_count, -1);
    command(&s, "\x1b\x01\x00", 3, "error 1047", 0);
    ck_assert(s.image.multi_statements);
    command(&s, "\x1b\x01\x00", 3, "ok 0", 0);
    ck_assert(!s.image.multi_statements);
    command(&s, "\x02other", 6, "ok 0", 0); /* COM_INIT_DB */
    ck_assert_uint_eq(s.unsaved & UNSAVED_SCHEMA, UNSAVED_SCHEMA);
    session_note_schema(&s, "other", 5);
    ck_assert_uint_eq(s.unsaved & UNSAVED_SCHEMA, 0);
    ck_assert_uint_eq(s.schema_hash, name_hash("other", 5));
    ck_assert_uint_eq(s.pins, 0);
    command(&s, "\x12", 1, "ok 0", 0); /* COM_BINLOG_DUMP */
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_COMMAND));
    session_free(&s);
}
END_TEST

START_TEST(every_command_that_is_not_known_pins)
{
    static const uint8_t known[] = {COM_QUIT, COM_INIT_DB, COM_QUERY, COM_FIELD_LIST, COM_STATISTICS, COM_PROCESS_INFO, COM_PROCESS_KILL, COM_PING,
                                    COM_STMT_PREPARE, COM_STMT_EXECUTE, COM_STMT_SEND_LONG_DATA, COM_STMT_CLOSE, COM_STMT_RESET, COM_SET_OPTION,
                                    COM_STMT_FETCH, COM_RESET_CONNECTION};

    for (unsigned i = 0; i < 256; i++) {
        uint8_t byte = (uint8_t)i;
        struct command_effects e;

        command_effects_of(&e, &byte, 1); /* no longer than that */
        ck_assert_uint_eq(e.command, i);
        ck_assert_uint_eq(e.text.pins, memchr(known, (int)i, sizeof(known)) ? 0 : PIN_BIT(PIN_COMMAND));
    }
}
END_TEST

static void close_statement(struct session *s, uint32_t id)
{
    const uint8_t bytes[] = {COM_STMT_CLOSE, (uint8_t)id, (uint8_t)(id >> 8), (uint8_t)(id >> 16), (uint8_t)(id >> 24)};

    command(s, (const char *)bytes, sizeof(bytes), "ok 0", 0);
}

/* Thousands of them, each with its own; and numbers that begin again belong to none. */
START_TEST(many_statements)
{
    struct session s = fresh();
    struct command_effects e = {.command = COM_STMT_PREPARE};
    struct reply r = {0};

    for (uint32_t id = 5; id < 5 + 2 * 4000; id += 2) {
        r.statement_id = id;
        e.text.variable_count = id;
        session_note(&s, &e, &r, true);
    }
    for (uint32_t id = 5 + 2 * 3999; id > 4000; id -= 2)
        close_statement(&s, id);
    for (uint32_t id = 5; id <= 4000; id++)
        ck_assert_uint_eq(session_statement_effects(&s, id).variable_count, id % 2 ? id : 0);
    ck_assert_uint_eq(session_statement_effects(&s, 4005).pins, PIN_BIT(PIN_OPAQUE));
    ck_assert_uint_eq(session_statement_effects(&s, STATEMENT_ID_LAST).variable_count, 3999);
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_STATEMENTS));
    r.statement_id = 8;
    session_note(&s, &e, &r, true);
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_STATEMENTS) | PIN_BIT(PIN_UNSAVED));
    ck_assert_uint_eq(session_statement_effects(&s, 8).pins, PIN_BIT(PIN_OPAQUE));
    session_free(&s);
}
END_TEST

START_TEST(statements)
{
    struct session s = fresh();

    command(&s, "\x16SELECT", 7, "error 1064", 9);
    ck_assert_uint_eq(s.pins, 0);
    for (uint32_t id = 0x01020300; id < 0x01020300 + 50; id++)
        command(&s, "\x16", 1, "ok 0", id);
    ck_assert_uint_eq(s.statement_count, 50);
    close_statement(&s, 7); /* unknown */
    ck_assert_uint_eq(s.statement_count, 50);
    for (uint32_t id = 0x01020300 + 49; id > 0x01020300; id -= 1)
        close_statement(&s, id);
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_STATEMENTS));
    close_statement(&s, 0x01020301); /* once more */
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_STATEMENTS));
    close_statement(&s, 0x01020300);
    ck_assert_uint_eq(s.statement_count, 0);
    ck_assert_uint_eq(s.pins, 0);
    close_statement(&s, 0x01020300);
    ck_assert_uint_eq(s.pins, 0);
    session_free(&s);
}
END_TEST

START_TEST(too_many_statements)
{
    struct session s = fresh();

    for (uint32_t id = 1; id <= SESSION_STATEMENTS_MAX; id++)
        command(&s, "\x16", 1, "ok 0", id);
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_STATEMENTS));
    command(&s, "\x16", 1, "ok 0", SESSION_STATEMENTS_MAX + 1);
    ck_assert_uint_eq(s.pins & PIN_BIT(PIN_UNSAVED), PIN_BIT(PIN_UNSAVED));
    for (uint32_t id = 1; id <= SESSION_STATEMENTS_MAX + 1; id++)
        close_statement(&s, id);
    ck_assert_uint_eq(s.pins, PIN_BIT(PIN_UNSAVED)); /* one was not counted: for good */
    session_free(&s);
}
END_TEST

static void prepare(struct session *s, const char *text, uint32_t id)
{
    struct command_effects e = {.command = COM_STMT_PREPARE};
    struct reply r = reply_of("ok 0");
    struct statement st;

    r.statement_id = id;
    statement_begin(&st, mariadb_known.modes, mariadb_known.names, &(struct name_list){0}, name_hash("app", 3));
    statement_piece(&st, (const uint8_t *)text, strlen(text));
    e.text = *statement_end(&st);
    session_note(s, &e, &r, true);
}

/* What an execution does is what its own text says, and not another's. */
START_TEST(executions)
{
    struct session s = fresh();

    prepare(&s, "INSERT INTO t VALUES (?)", 1);
    prepare(&s, "SET @a = 1", 2);
    prepare(&s, "SELECT a FROM t", 3);
    ck_assert_str_eq(describe(&s), "+prepared_statements rows 0 found 0 warnings none");
    command(&s, "\x17\x03\x00\x00\x00", 5, "rows 3", 0);
    ck_assert_str_eq(describe(&s), "+prepared_statements ?found_rows rows -1 warnings none"); /* a cursor's rows are not in the reply */
    command(&s, "\x17\x01\x00\x00\x00", 5, "error 1062", 0);
    ck_assert_str_eq(describe(&s), "+prepared_statements ?insert_id ?found_rows ?warnings rows -1 warnings server");
    command(&s, "\x17\xff\xff\xff\xff", 5, "rows 1", 0); /* the last one */
    command(&s, "\x17\x02\x00\x00\x00", 5, "ok 0", 0);
    ck_assert_str_eq(describe(&s), "+prepared_statements +user_variables ?insert_id ?found_rows rows 0 warnings none");
    session_free(&s);
}
END_TEST

START_TEST(an_execution_of_what_is_not_known_may_do_anything)
{
    struct session s = fresh();

    command(&s, "\x17\x09\x00\x00\x00", 5, "error 1243", 0); /* nor does the server know it */
    ck_assert_str_eq(describe(&s), "?warnings rows -1 found 0 warnings server");
    command(&s, "\x17\x09\x00\x00\x00", 5, "error 1062", 0);
    ck_assert_str_eq(describe(&s), "+unknown_transaction +opaque ?insert_id ?found_rows ?warnings rows -1 warnings server");
    session_free(&s);
}
END_TEST

/* MySQL: what an UPDATE had counted when it failed shows with the next write that goes well. */
START_TEST(rows_of_an_update_that_failed)
{
    struct session s = fresh();

    query(&s, "SELECT a FROM t", "rows 4", false);
    query(&s, "UPDATE t SET a = 1", "error 1054", false);
    query(&s, "DELETE FROM t", "ok 1", false);
    ck_assert_str_eq(strstr(describe(&s), "rows"), "rows 1 found 4 warnings none");
    query(&s, "UPDATE t SET a = 1", "error 1062", false);
    query(&s, "ROLLBACK", "ok 0", false);
    ck_assert_str_eq(strstr(describe(&s), "rows"), "rows 0 found 4 warnings none");
    query(&s, "DELETE FROM t", "ok 1", false);
    ck_assert_uint_eq(s.unsaved & UNSAVED_FOUND_ROWS, UNSAVED_FOUND_ROWS);
    query(&s, "SELECT a FROM t", "rows 4", false);
    query(&s, "UPDATE t SET a = 1", "error 1062", false);
    session_leave(&s);
    session_move(&s, STATUS_AUTOCOMMIT, &epoch, false);
    session_primed(&s, RESIDUE_FOUND_ROWS, RESIDUE_FOUND_ROWS);
    ck_assert(!s.found_rows_lost);
    query(&s, "INSERT INTO t VALUES (1)", "ok 1", false);
    ck_assert(s.found_rows_lost);
    query(&s, "SELECT a FROM t", "rows 3", false);
    query(&s, "INSERT INTO t VALUES (1)", "ok 1", false);
    ck_assert_str_eq(strstr(describe(&s), "rows"), "rows 1 found 3 warnings none");
    session_free(&s);
}
END_TEST

/* Of a session that has moved, what may have been kept or not is lost unless it was given to the server before. */
START_TEST(lost)
{
    struct session s = fresh();

    query(&s, "SELECT a FROM t", "rows 4", true);
    session_leave(&s);
    session_move(&s, STATUS_AUTOCOMMIT, &epoch, false);
    query(&s, "UPDATE t SET a = (SELECT 1 FROM u)", "ok 2", true);
    ck_assert(s.found_rows_lost);
    query(&s, "SELECT a FROM t", "rows 3", true);
    ck_assert(!s.found_rows_lost);
    session_leave(&s);
    session_move(&s, STATUS_AUTOCOMMIT, &epoch, false);
    session_primed(&s, RESIDUE_FOUND_ROWS, RESIDUE_FOUND_ROWS);
    query(&s, "UPDATE t SET a = (SELECT 1 FROM u)", "ok 2", true);
    ck_assert(!s.found_rows_lost);
    ck_assert_uint_eq(s.unsaved, UNSAVED_FOUND_ROWS);
    s.diagnostics = DIAGNOSTICS_STORED;
    session_leave(&s);
    session_move(&s, STATUS_AUTOCOMMIT, &epoch, false);
    query(&s, "CALL nosuch()", "ok 0", true);
    ck_assert_uint_eq(s.diagnostics, DIAGNOSTICS_LOST);
    session_free(&s);
}
END_TEST

/* --- between backends --- */

START_TEST(reset)
{
    struct session s = fresh();

    s.pins = ~(pin_set)0;
    s.image.ignore_space = s.image.interactive = true;
    query(&s, "INSERT INTO t VALUES (1)", "ok 1 warned", true);
    ck_assert(session_values_put(&s.values, 3, "x", 1));
    command(&s, "\x16", 1, "ok 0", 5);
    s.image.last_insert_id = 77;
    s.found_rows = 12;
    command(&s, "\x1f", 1, "error 1047", 0); /* COM_RESET_CONNECTION */
    ck_assert_uint_eq(s.image.last_insert_id, 77);
    command(&s, "\x1f", 1, "ok 0", 0);
    ck_assert_uint_eq(s.pins, (PIN_BIT(PIN_ROLE) | PIN_BIT(PIN_PROFILING) | PIN_BIT(PIN_OPAQUE) | PIN_BIT(PIN_UNREAD) | PIN_BIT(PIN_PREPARE) |
                               PIN_BIT(PIN_XA) | PIN_BIT(PIN_COMMAND) | PIN_BIT(PIN_INIT_CONNECT) | PIN_BIT(PIN_UNKNOWN_INIT_CONNECT) | PIN_BIT(PIN_UNSAVED)));
    ck_assert_str_eq(strstr(describe(&s), "rows"), "rows 0 found 12 warnings none"); /* FOUND_ROWS() survives a reset */
    ck_assert_uint_eq(s.image.last_insert_id, 0);
    ck_assert_uint_eq(s.statement_count, 0);
    ck_assert_ptr_null(s.values);
    ck_assert_uint_eq(s.image.schema_length, 3);
    ck_assert(!s.image.ignore_space && !s.image.interactive);
    session_free(&s);
}
END_TEST

START_TEST(reset_keeps_what_only_the_server_knows)
{
    struct session s = fresh();

    s.unsaved = UNSAVED_SCHEMA | UNSAVED_FOUND_ROWS | UNSAVED_INSERT_ID | UNSAVED_VARIABLES;
    s.image.interactive = true;
    session_reset(&s, STATUS_AUTOCOMMIT, false);
    ck_assert_uint_eq(s.unsaved, UNSAVED_SCHEMA | UNSAVED_FOUND_ROWS);
    ck_assert(s.image.interactive); /* MySQL applies it again */
    ck_assert_uint_eq(s.image.collation, 0);
    session_free(&s);
}
END_TEST

START_TEST(moves)
{
    struct session s = fresh();
    const uint8_t all = RESIDUE_ROW_COUNT | RESIDUE_FOUND_ROWS | RESIDUE_WARNINGS;

    ck_assert(s.begun);
    ck_assert_uint_eq(s.on_server, all);
    session_leave(&s);
    ck_assert_uint_eq(s.on_server, 0);
    session_move(&s, STATUS_IN_TRANS, &epoch, false);
    ck_assert_uint_eq(s.on_server, RESIDUE_WARNINGS); /* an empty list is everywhere */
    ck_assert_uint_eq(s.status, STATUS_AUTOCOMMIT);    /* it has its own */
    query(&s, "SELECT a FROM t", "rows 4", true);
    ck_assert_uint_eq(s.on_server, all);
    query(&s, "DO 1 / 0", "ok 0 warned", true);
    session_leave(&s);
    s.diagnostics = DIAGNOSTICS_STORED;
    session_move(&s, STATUS_AUTOCOMMIT, &epoch, false);
    ck_assert_uint_eq(s.on_server, 0);
    query(&s, "UPDATE t SET a = 1", "ok 1", true);
    ck_assert_uint_eq(s.on_server, RESIDUE_ROW_COUNT | RESIDUE_WARNINGS); /* FOUND_ROWS() is still that of before */
    session_free(&s);
}
END_TEST

START_TEST(page_in_fails)
{
    struct session s = fresh();

    ck_assert(session_values_put(&s.values, 3, "x", 1));
    session_page_in_failed(&s, 1049);
    ck_assert_uint_eq(s.image.schema_length, 0);
    ck_assert_uint_eq(s.schema_hash, 0);
    ck_assert_ptr_nonnull(s.values);
    ck_assert(!s.broken);
    session_page_in_failed(&s, 1231);
    ck_assert(s.broken); /* it can't go on without them */
    session_free(&s);
}
END_TEST

START_TEST(texts_are_cut_as_the_server_does)
{
    struct session s = fresh();
    struct lexer_modes modes = session_lexer_modes(&s, true, 101119, QUOTES_UNKNOWN);

    ck_assert(!modes.ansi_quotes && !modes.no_backslash_escapes && !modes.eight_bit && modes.mariadb);
    s.status |= STATUS_ANSI_QUOTES | STATUS_NO_BACKSLASH_ESCAPES;
    modes = session_lexer_modes(&s, true, 101119, QUOTES_UNKNOWN);
    ck_assert(modes.ansi_quotes && modes.no_backslash_escapes);
    query(&s, "SET NAMES latin1", "ok 0", true);
    ck_assert(session_lexer_modes(&s, true, 101119, QUOTES_UNKNOWN).eight_bit); /* not known yet what it is */
    session_free(&s);
    s = fresh();
    s.image.collation = 8;
    ck_assert(session_lexer_modes(&s, true, 101119, QUOTES_UNKNOWN).eight_bit);
    session_free(&s);
}
END_TEST

/* MySQL's flags don't tell what "x" is. */
START_TEST(quotes_on_mysql)
{
    static const struct {
        const char *text, *reply;
        enum quotes quotes;
    } rows[] = {
        {"SET sql_mode = 'ansi'", "ok 0", QUOTES_NAMES},
        {"SET @@session.sql_mode = '', time_zone = 'SYSTEM'", "ok 0", QUOTES_STRINGS},
        {"SET sql_mode = CONCAT(@@sql_mode, ',ANSI_QUOTES')", "ok 0", QUOTES_UNKNOWN},
        {"SET sql_mode = \"STRICT_ALL_TABLES,ANSI_QUOTES\";", "ok 0", QUOTES_NAMES},
        {"SET sql_mode = DEFAULT", "ok 0", QUOTES_UNKNOWN},
        {"SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,NO_ENGINE_SUBSTITUTION'", "ok 0", QUOTES_STRINGS},
        {"SET GLOBAL sql_mode = 'ansi'", "ok 0", QUOTES_STRINGS},
        {"SET sql_mode = 'AN\\SI'", "ok 0", QUOTES_UNKNOWN},
        {"SET sql_mode = 'a' 'nsi'", "ok 0", QUOTES_UNKNOWN},
        {"SET sql_mode = '', sql_mode = 'aansi'", "ok 0", QUOTES_NAMES},
        {"SET sql_mode = x'41'", "ok 0", QUOTES_UNKNOWN},
        {"SET sql_mode = _utf8mb4'ANSI'", "ok 0", QUOTES_UNKNOWN},
        {"SET time_zone = 'ANSI', sql_mode = 'NO_ENGINE_SUBSTITUTION'", "ok 0", QUOTES_STRINGS},
        {"SET sql_mode = 'nosuch_ansi'", "error 1231", QUOTES_STRINGS},
        {"SET sql_mode = 'ANSI', max_error_count = DEFAULT", "error 1292", QUOTES_UNKNOWN},
    };
    struct session s = fresh();

    ck_assert(session_lexer_modes(&s, false, 90704, QUOTES_NAMES).ansi_quotes);
    ck_assert(session_lexer_modes(&s, false, 90704, QUOTES_UNKNOWN).unknown_quotes);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        query(&s, rows[i].text, rows[i].reply, false);
        ck_assert_msg(s.quotes == rows[i].quotes, "%s: %d", rows[i].text, (int)s.quotes);
        ck_assert(session_lexer_modes(&s, false, 90704, QUOTES_STRINGS).ansi_quotes == (s.quotes == QUOTES_NAMES));
        ck_assert(session_lexer_modes(&s, false, 90704, QUOTES_STRINGS).unknown_quotes == (s.quotes == QUOTES_UNKNOWN));
        ck_assert(!session_lexer_modes(&s, true, 101119, QUOTES_UNKNOWN).unknown_quotes);
    }
    memset(s.dirty, 0, sizeof s.dirty); /* it was read */
    ck_assert(session_values_put(&s.values, (uint16_t)variable_find(name_hash("sql_mode", 8)), "REAL_AS_FLOAT,ANSI_QUOTES", 25));
    ck_assert(session_lexer_modes(&s, false, 90704, QUOTES_STRINGS).ansi_quotes);
    ck_assert(session_values_put(&s.values, (uint16_t)variable_find(name_hash("sql_mode", 8)), "", 0));
    ck_assert(!session_lexer_modes(&s, false, 90704, QUOTES_NAMES).ansi_quotes);
    session_free(&s);
}
END_TEST

Suite *session_suite(void)
{
    Suite *suite = suite_create("session");
    TCase *tests = tcase_create("session");

    tcase_add_test(tests, residue);
    tcase_add_test(tests, rows_of_what_has_not_begun);
    tcase_add_test(tests, several_of_which_one_failed);
    tcase_add_test(tests, rows_of_an_update_that_failed);
    tcase_add_test(tests, on_mysql_every_statement_has_its_own_warnings);
    tcase_add_test(tests, mysql_tells_warnings_again);
    tcase_add_test(tests, transactions);
    tcase_add_test(tests, pins_and_what_ends_them);
    tcase_add_test(tests, variables);
    tcase_add_test(tests, other_commands);
    tcase_add_test(tests, every_command_that_is_not_known_pins);
    tcase_add_test(tests, statements);
    tcase_add_test(tests, many_statements);
    tcase_add_test(tests, too_many_statements);
    tcase_add_test(tests, executions);
    tcase_add_test(tests, an_execution_of_what_is_not_known_may_do_anything);
    tcase_add_test(tests, lost);
    tcase_add_test(tests, reset);
    tcase_add_test(tests, reset_keeps_what_only_the_server_knows);
    tcase_add_test(tests, moves);
    tcase_add_test(tests, page_in_fails);
    tcase_add_test(tests, texts_are_cut_as_the_server_does);
    tcase_add_test(tests, quotes_on_mysql);
    suite_add_tcase(suite, tests);
    return suite;
}
