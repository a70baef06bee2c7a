/* SPDX-License-Identifier: MIT
 * Reads stored code from a server.
 *
 * Schema by schema, because information_schema then opens no others, and others may use the connection in between. A schema counts only when the
 * account sees everything in it: triggers need the TRIGGER privilege, views SELECT, routines EXECUTE or ALTER ROUTINE (or SELECT everywhere). Code
 * that is listed without its text is opaque. Privileges that come by a role do not count. The schemas sys and mysql are left out: they are seldom
 * used, and would give common words a meaning.
 */
#include "proxy/stored_code.h"

#include <mysql.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"

#define CODE_MAX "1048576" /* bytes of one text; a longer one is opaque */
#define QUERY_MAX 4096

/* The account as it stands in GRANTEE, where names that differ in their case are two. */
#define GRANTEE                                                                                                                                      \
    "CAST(GRANTEE AS BINARY) = CAST(CONCAT('''', LEFT(CURRENT_USER(), CHAR_LENGTH(CURRENT_USER()) - "                                                \
    "CHAR_LENGTH(SUBSTRING_INDEX(CURRENT_USER(), '@', -1)) - 1), '''@''', SUBSTRING_INDEX(CURRENT_USER(), '@', -1), '''') AS BINARY)"

enum { SEES_TRIGGERS = 1, SEES_VIEWS = 2, SEES_ROUTINES = 4, SEES_ALL = 7 };

struct reading {
    MYSQL *mysql;
    const struct stored_code_pauses *pauses;
    struct stored_code_builder *builder;
    struct lexer_modes modes;
    bool partial_revokes;      /* global privileges may have exceptions, and names of schemas in grants are no patterns */
    unsigned sees;             /* everywhere */
    char **schemas;
    size_t schema_count, schema_room;
    const char *schema;        /* quoted for a query */
    struct hash_list routines; /* of the schema's parameters: whose, */
    struct hash_list names;    /* and their names */
    struct hash_list own;      /* those of one routine */
    bool stopped;              /* then the connection may be gone */
    bool locked;               /* something could not be looked at */
    char *why;
    size_t size;
};

typedef void on_row(struct reading *r, MYSQL_ROW row, const unsigned long *lengths);

/* --- asking --- */

static bool fail(struct reading *r)
{
    snprintf(r->why, r->size, "%s", mysql_error(r->mysql));
    return false;
}

/* With the table that was asked. */
static bool fail_at(struct reading *r, const char *query)
{
    const char *from = strstr(query, "FROM ");
    size_t length = from ? strcspn(from + 5, " ") : 0;

    snprintf(r->why, r->size, "%.*s: %s", (int)length, from ? from + 5 : "", mysql_error(r->mysql));
    return false;
}

static bool set_up(struct reading *r)
{
    char text[320];

    snprintf(text, sizeof text, "SET SESSION sql_mode = '', sql_select_limit = 18446744073709551615, sql_big_selects = 1, sql_quote_show_create = 1, %s = 0",
             r->modes.mariadb ? "max_error_count = 65535, lock_wait_timeout = 0, max_statement_time" : "max_execution_time");
    return (mysql_set_character_set(r->mysql, "utf8mb4") == 0 && mysql_query(r->mysql, text) == 0) || fail(r);
}

static bool pause_reading(struct reading *r)
{
    enum stored_code_pause pause = r->pauses ? r->pauses->between(r->pauses->data) : PAUSE_GO_ON;

    r->stopped = pause == PAUSE_STOP;
    if (r->stopped)
        r->why[0] = 0;
    return pause == PAUSE_GO_ON || (pause == PAUSE_SETTINGS_LOST && set_up(r));
}

/* MariaDB leaves out a table that somebody is changing, and merely warns. Whoever waited for it would keep a KILL waiting. A table that can't be
 * opened for another reason can't be used either. */
static bool is_complete(struct reading *r)
{
    MYSQL_RES *result;
    MYSQL_ROW row;

    if (!mysql_warning_count(r->mysql))
        return true;
    if (mysql_query(r->mysql, "SHOW WARNINGS") || !(result = mysql_use_result(r->mysql)))
        return fail(r);
    while ((row = mysql_fetch_row(result))) {
        int number = row[1] ? atoi(row[1]) : 0;

        r->locked |= number == 1205 || number == 1213 || number == 1684;      /* locked, deadlock, skipped */
        r->locked |= number == 5 || number == 23 || number == 1037 || number == 1041; /* out of memory or files */
    }
    if (mysql_errno(r->mysql))
        fail(r);
    else if (r->locked)
        r->why[0] = 0;
    mysql_free_result(result);
    return !mysql_errno(r->mysql) && !r->locked;
}

static bool each(struct reading *r, on_row *row_of, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* Rows are taken as they come: a catalogue may be larger than memory. */
static bool each(struct reading *r, on_row *row_of, const char *format, ...)
{
    char text[QUERY_MAX];
    MYSQL_RES *result;
    MYSQL_ROW row;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    INVARIANT(length > 0 && (size_t)length < sizeof text);
    if (!pause_reading(r))
        return false;
    if (mysql_query(r->mysql, text) || !(result = mysql_use_result(r->mysql)))
        return fail_at(r, text);
    while ((row = mysql_fetch_row(result)))
        row_of(r, row, mysql_fetch_lengths(result));
    if (mysql_errno(r->mysql))
        fail_at(r, text);
    mysql_free_result(result);
    return !mysql_errno(r->mysql) && is_complete(r);
}

static bool is_one(const char *value)
{
    return value && strcmp(value, "1") == 0;
}

/* --- what can be seen --- */

static void on_setting(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    (void)lengths;
    r->partial_revokes = row[1] && (strcmp(row[1], "ON") == 0 || strcmp(row[1], "1") == 0);
}

static unsigned seen(MYSQL_ROW row)
{
    return (is_one(row[0]) ? SEES_TRIGGERS : 0u) | (is_one(row[1]) ? SEES_VIEWS : 0u) | (is_one(row[2]) ? SEES_ROUTINES : 0u);
}

static void on_global(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    (void)lengths;
    r->sees = seen(row);
}

static void on_readable(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    if ((r->sees | seen(row)) == SEES_ALL)
        stored_code_add_schema(r->builder, name_hash(row[3], lengths[3]));
}

/* Several grants may match a schema, and the server takes the most exact one alone: each of them must do. */
static bool read_privileges(struct reading *r)
{
    if (!each(r, on_setting, "SHOW GLOBAL VARIABLES WHERE Variable_name = 'partial_revokes'"))
        return false;
    if (!r->partial_revokes &&
        !each(r, on_global,
              "SELECT MAX(PRIVILEGE_TYPE = 'TRIGGER'), MAX(PRIVILEGE_TYPE = 'SELECT'),"
              " MAX(PRIVILEGE_TYPE IN ('SELECT', 'EXECUTE', 'ALTER ROUTINE', 'SHOW_ROUTINE')) FROM information_schema.USER_PRIVILEGES WHERE " GRANTEE))
        return false;
    return r->sees == SEES_ALL ||
           each(r, on_readable,
                "SELECT MIN(t), MIN(v), MIN(r), s.SCHEMA_NAME FROM information_schema.SCHEMATA s JOIN (SELECT CONVERT(TABLE_SCHEMA USING utf8mb4)"
                " COLLATE utf8mb4_bin p, MAX(PRIVILEGE_TYPE = 'TRIGGER') t, MAX(PRIVILEGE_TYPE = 'SELECT') v,"
                " MAX(PRIVILEGE_TYPE IN ('EXECUTE', 'ALTER ROUTINE')) r FROM information_schema.SCHEMA_PRIVILEGES WHERE " GRANTEE
                " GROUP BY p) g ON CONVERT(s.SCHEMA_NAME USING utf8mb4) COLLATE utf8mb4_bin %s g.p GROUP BY s.SCHEMA_NAME",
                r->partial_revokes ? "=" : "LIKE");
}

static void on_schema(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    uint64_t name = name_hash(row[0], lengths[0]);
    char *quoted;

    if (r->sees == SEES_ALL)
        stored_code_add_schema(r->builder, name);
    else if (!stored_code_has_schema(r->builder, name))
        return;
    if (r->schema_count == r->schema_room) {
        r->schema_room = r->schema_room ? r->schema_room * 2 : 16;
        r->schemas = realloc(r->schemas, r->schema_room * sizeof *r->schemas);
        INVARIANT(r->schemas);
    }
    quoted = zalloc(lengths[0] * 2 + 1);
    mysql_real_escape_string(r->mysql, quoted, row[0], lengths[0]);
    r->schemas[r->schema_count++] = quoted;
}

/* --- code --- */

static bool has_mode(const char *modes, const char *mode)
{
    size_t length = strlen(mode);

    for (const char *at = modes; at && (at = strstr(at, mode)); at += length)
        if ((at == modes || at[-1] == ',') && (at[length] == 0 || at[length] == ','))
            return true;
    return false;
}

/* sql_mode: of when it was made; NULL: of no influence. */
static void add(struct reading *r, enum code_kind kind, uint64_t name, const char *sql_mode, const char *code, unsigned long length)
{
    struct code_text text = {.kind = kind, .text = code, .length = length, .modes = r->modes};

    if (!code || !length || (sql_mode && has_mode(sql_mode, "ORACLE"))) {
        stored_code_add_opaque(r->builder, name, true);
        return;
    }
    text.modes.ansi_quotes = sql_mode && has_mode(sql_mode, "ANSI_QUOTES");
    text.modes.no_backslash_escapes = sql_mode && has_mode(sql_mode, "NO_BACKSLASH_ESCAPES");
    if (kind == CODE_ROUTINE) {
        text.parameters = r->own.list;
        text.parameter_count = r->own.count;
    }
    stored_code_add(r->builder, name, &text);
}

static void on_trigger(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    add(r, CODE_TRIGGER, name_hash(row[0], lengths[0]), row[1], row[2], lengths[2]);
}

/* Kept as the server prints it, and read without the modes that change how it is cut. */
static void on_view(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    add(r, CODE_VIEW, name_hash(row[0], lengths[0]), NULL, row[1], lengths[1]);
}

/* A procedure and a function may share a name. */
static uint64_t routine_key(const char *name, unsigned long length, const char *type)
{
    return name_hash(name, length) + (type && type[0] == 'F');
}

static void on_parameter(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    hash_list_add(&r->routines, routine_key(row[0], lengths[0], row[1]));
    hash_list_add(&r->names, name_hash(row[2], lengths[2]));
}

static void on_routine(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    uint64_t name = name_hash(row[0], lengths[0]), key = routine_key(row[0], lengths[0], row[1]);

    r->own.count = 0;
    for (size_t i = 0; i < r->routines.count; i++)
        if (r->routines.list[i] == key)
            hash_list_add(&r->own, r->names.list[i]);
    if (is_one(row[4]))
        add(r, CODE_ROUTINE, name, row[2], row[3], lengths[3]);
    else
        stored_code_add_opaque(r->builder, name, true); /* a package, or another language */
}

static void on_column(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    uint64_t name = name_hash(row[0], lengths[0]);

    if (is_one(row[3]))
        stored_code_add_opaque(r->builder, name, false); /* a sequence */
    if (row[1] && lengths[1])
        add(r, CODE_EXPRESSION, name, NULL, row[1], lengths[1]);
    if (row[2] && lengths[2])
        add(r, CODE_EXPRESSION, name, NULL, row[2], lengths[2]);
}

#define WITHOUT_ESCAPES(column) "REPLACE(REPLACE(" column ", '\\\\''', ''''), '\\\\\\\\', '\\\\')"
#define UP_TO_MAX(column) "IF(LENGTH(" column ") > " CODE_MAX ", NULL, " column ")"

/* MySQL shows plain texts without quotes and expressions with quotes escaped; MariaDB shows both as they would be written. */
static bool read_columns(struct reading *r)
{
    if (r->modes.mariadb)
        return each(r, on_column,
                    "SELECT TABLE_NAME, IF(COLUMN_DEFAULT LIKE '%%(%%' OR COLUMN_DEFAULT LIKE '%%@%%', COLUMN_DEFAULT, NULL), GENERATION_EXPRESSION,"
                    " COLUMN_NAME = 'next_not_cached_value' FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = '%s' AND (COLUMN_DEFAULT LIKE '%%(%%'"
                    " OR COLUMN_DEFAULT LIKE '%%@%%' OR GENERATION_EXPRESSION <> '' OR COLUMN_NAME = 'next_not_cached_value')",
                    r->schema);
    return each(r, on_column,
                "SELECT TABLE_NAME, IF(EXTRA LIKE '%%DEFAULT_GENERATED%%', " WITHOUT_ESCAPES("COLUMN_DEFAULT") ", NULL),"
                " " WITHOUT_ESCAPES("GENERATION_EXPRESSION") ", 0 FROM information_schema.COLUMNS"
                " WHERE TABLE_SCHEMA = '%s' AND (EXTRA LIKE '%%DEFAULT_GENERATED%%' OR GENERATION_EXPRESSION <> '')",
                r->schema);
}

static bool read_schema(struct reading *r)
{
    r->routines.count = r->names.count = 0;
    return each(r, on_trigger, "SELECT EVENT_OBJECT_TABLE, SQL_MODE, " UP_TO_MAX("ACTION_STATEMENT")
                               " FROM information_schema.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = '%s'", r->schema) &&
           each(r, on_view, "SELECT TABLE_NAME, " UP_TO_MAX("VIEW_DEFINITION") " FROM information_schema.VIEWS WHERE TABLE_SCHEMA = '%s'", r->schema) &&
           each(r, on_parameter, "SELECT SPECIFIC_NAME, ROUTINE_TYPE, PARAMETER_NAME FROM information_schema.PARAMETERS"
                                 " WHERE SPECIFIC_SCHEMA = '%s' AND PARAMETER_NAME IS NOT NULL", r->schema) &&
           each(r, on_routine, "SELECT ROUTINE_NAME, ROUTINE_TYPE, SQL_MODE, " UP_TO_MAX("ROUTINE_DEFINITION") ","
                               " ROUTINE_BODY = 'SQL' AND ROUTINE_TYPE IN ('PROCEDURE', 'FUNCTION')"
                               " FROM information_schema.ROUTINES WHERE ROUTINE_SCHEMA = '%s'", r->schema) &&
           read_columns(r);
}

static void on_loadable(struct reading *r, MYSQL_ROW row, const unsigned long *lengths)
{
    stored_code_add_opaque(r->builder, name_hash(row[0], lengths[0]), false);
}

/* Who may not read the list knows none of them; then they are opaque as every unknown function is. */
static bool read_loadable(struct reading *r)
{
    if (!(r->sees & SEES_VIEWS)) /* which is SELECT everywhere */
        return true;
    if (each(r, on_loadable, r->modes.mariadb ? "SELECT name FROM mysql.func" : "SELECT UDF_NAME FROM performance_schema.user_defined_functions"))
        return true;
    return !r->stopped && !r->locked && mysql_errno(r->mysql) && mysql_errno(r->mysql) < 2000;
}

static bool read_all(struct reading *r)
{
    stored_code_add_schema(r->builder, name_hash("information_schema", 18)); /* there is no stored code in these two */
    stored_code_add_schema(r->builder, name_hash("performance_schema", 18));
    if (!set_up(r) || !read_privileges(r) ||
        !each(r, on_schema, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA"
                            " WHERE SCHEMA_NAME NOT IN ('information_schema', 'performance_schema', 'mysql', 'sys')"))
        return false;
    for (size_t i = 0; i < r->schema_count; i++) {
        r->schema = r->schemas[i];
        if (!read_schema(r))
            return false;
    }
    return read_loadable(r);
}

bool stored_code_read(struct st_mysql *mysql, const struct stored_code_pauses *pauses, struct stored_code **out, char *why, size_t size)
{
    struct reading r = {.mysql = mysql, .pauses = pauses, .why = why, .size = size, .builder = stored_code_builder()};
    bool read;

    r.modes.mariadb = strstr(mysql_get_server_info(mysql), "MariaDB") != NULL;
    r.modes.version = (uint32_t)mysql_get_server_version(mysql);
    read = read_all(&r);
    *out = stored_code_build(r.builder);
    if (read && !*out)
        snprintf(why, size, "there is more of it than is kept in memory");
    if (!read) {
        stored_code_drop(*out);
        *out = NULL;
    }
    for (size_t i = 0; i < r.schema_count; i++)
        free(r.schemas[i]);
    free(r.schemas);
    hash_list_free(&r.routines);
    hash_list_free(&r.names);
    hash_list_free(&r.own);
    return *out != NULL;
}

bool stored_code_counters(struct st_mysql *mysql, uint64_t *mixed)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;
    char text[160];

    if (mysql_query(mysql, "SHOW GLOBAL STATUS WHERE Variable_name RLIKE '^Com_(create|drop|alter|rename|grant|revoke|install|uninstall)'"
                           " AND Variable_name NOT LIKE '%temporary%'") || !(result = mysql_store_result(mysql)))
        return false;
    *mixed = 0;
    while ((row = mysql_fetch_row(result))) {
        int length = snprintf(text, sizeof text, "%s=%s", row[0], row[1] ? row[1] : "");

        *mixed += name_hash(text, (size_t)length < sizeof text ? (size_t)length : sizeof text - 1);
    }
    mysql_free_result(result);
    return true;
}
