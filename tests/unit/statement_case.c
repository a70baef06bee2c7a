/* SPDX-License-Identifier: MIT
 * What the tests of statements share.
 */
#include "tests/unit/statement_case.h"

#include <stdarg.h>

static const char *const entry_names[] = {"plain_f", "inserting_f", "opaque_f", "opaque_v", "audited", "count", "abs", "columns"};
static struct name_entry entries[] = {
    {0, NAME_PLAIN, 0}, {0, NAME_PLAIN | NAME_INSERTS, 0}, {0, NAME_OPAQUE, 0}, {0, NAME_OPAQUE, 0},
    {0, NAME_INSERTS, 0}, {0, NAME_OPAQUE, 0}, {0, NAME_OPAQUE, 0}, {0, NAME_OPAQUE, 0},
};
/* the last three are only in this one: routines with the names of built-in functions and of a keyword */
#define USUAL 5u

static struct name_entry usual_entries[USUAL];
static uint64_t schemas[2];
static struct name_set known = {.complete = true, .all_schemas = true, .count = USUAL, .entries = usual_entries};
static struct name_set partly = {.complete = true, .count = sizeof(entries) / sizeof(entries[0]), .entries = entries, .schema_count = 2, .schemas = schemas};
static const struct name_set stale = {.complete = false};

#define MARIADB {.mariadb = true, .version = 101119}
#define MYSQL {.version = 90704}

const struct statement_world mariadb_known = {MARIADB, &known, "app"}, mysql_known = {MYSQL, &known, "app"}, mariadb_partly = {MARIADB, &partly, "app"},
                             mysql_partly = {MYSQL, &partly, "elsewhere"}, mariadb_unknown = {MARIADB, NULL, "app"},
                             mysql_unknown = {MYSQL, &stale, NULL};

static uint64_t hash_of(const char *name)
{
    return name_hash(name, strlen(name));
}

__attribute__((constructor)) static void build_names(void)
{
    for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
        entries[i].hash = hash_of(entry_names[i]);
    memcpy(usual_entries, entries, sizeof(usual_entries));
    schemas[0] = hash_of("app");
    schemas[1] = hash_of("reports");
    name_set_finish(&known);
    name_set_finish(&partly);
}

static char words[1024];

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    size_t used = strlen(words);
    va_list list;

    va_start(list, format);
    vsnprintf(words + used, sizeof(words) - used, format, list);
    va_end(list);
}

const char *describe_statement(const struct statement_effects *e)
{
    static const char *const verbs[] = {"none", "select", "write", "set", "begin", "end", "use", "show", "diagnostics", "ddl", "other"};
    static const char *const residues[] = {"row_count", "found_rows", "warnings", "connection_id"};
    const struct {
        bool is;
        const char *name;
    } flags[] = {{e->several, "several"}, {e->found_rows == FOUND_ROWS_COUNTED, "counted"}, {e->uses_tables, "tables"}, {e->insert_id, "insert_id"},
                 {e->schema, "schema"},   {e->charset, "charset"},            {e->stored_code, "code"},   {e->globals, "globals"}};

    words[0] = '\0';
    say("%s", verbs[e->verb]);
    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++)
        if (flags[i].is)
            say(" %s", flags[i].name);
    for (unsigned i = 0; i < e->variable_count; i++)
        say(" =%s", variable_at(e->variables[i])->name);
    for (unsigned i = 0; i < 4; i++)
        if (e->reads & 1u << i)
            say(e->reads_behind & 1u << i ? " ?%s_behind" : " ?%s", residues[i]);
    for (unsigned pin = 0; pin < PINS; pin++)
        if (e->pins & PIN_BIT(pin))
            say(" +%s", pin_name((enum pin)pin));
    for (unsigned pin = 0; pin < PINS; pin++)
        if (e->releases & PIN_BIT(pin))
            say(" -%s", pin_name((enum pin)pin));
    return words;
}

/* The text in its pieces, each in a block of its own. */
static const char *verdict(const struct statement_world *world, const char *text, size_t cut, bool bytes)
{
    size_t length = strlen(text), piece;
    struct name_list list;
    struct statement s;

    statement_begin(&s, world->modes, world->names, &list, world->schema ? hash_of(world->schema) : 0);
    for (size_t at = 0; at < length; at += piece) {
        uint8_t *block;

        piece = bytes ? 1 : at < cut ? cut - at : length - at;
        block = malloc(piece);
        if (!block)
            ck_abort_msg("no memory");
        memcpy(block, text + at, piece);
        statement_piece(&s, block, piece);
        free(block);
    }
    return describe_statement(statement_end(&s));
}

static void check_one(const struct statement_world *world, const struct statement_row *row, size_t cut, bool bytes)
{
    const char *is = verdict(world, row->text, cut, bytes);

    /* a plain `if`: each ck_assert is a system call */
    if (strcmp(is, row->expected) != 0)
        ck_abort_msg("%s\n    is %s\n    not %s (cut at %zu%s)", row->text, is, row->expected, cut, bytes ? ", byte by byte" : "");
}

static struct statement_effects effects_of(const struct statement_world *world, const struct name_set *names, const char *text, struct name_list *list)
{
    struct statement s;

    statement_begin(&s, world->modes, names, list, world->schema ? hash_of(world->schema) : 0);
    statement_piece(&s, (const uint8_t *)text, strlen(text));
    return *statement_end(&s);
}

/* Judged with nothing known, and its names later, nothing is missed that was seen at once. */
static void check_later(const struct statement_world *world, const char *text)
{
    struct name_list list;
    pin_set at_once = effects_of(world, world->names, text, &list).pins, later;
    enum name_verdict verdict;
    struct statement_effects unknown = effects_of(world, NULL, text, &list);

    if (!unknown.looked_up)
        return;
    verdict = name_list_judge(&list, world->names);
    later = (unknown.pins & ~PIN_BIT(PIN_UNREAD)) | (verdict == NAMES_PLAIN ? 0 : PIN_BIT(PIN_OPAQUE) | PIN_BIT(PIN_UNREAD));
    if (at_once & ~later)
        ck_abort_msg("%s: seen at once and not later: %#x", text, at_once & ~later);
    if (verdict == NAMES_PLAIN && at_once != later)
        ck_abort_msg("%s: seen later and not at once: %#x", text, later & ~at_once);
    if (verdict == NAMES_UNREAD && !(at_once & PIN_BIT(PIN_UNREAD)))
        ck_abort_msg("%s: read, and not later", text);
}

void check_statements(const struct statement_world *world, const struct statement_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        size_t length = strlen(rows[i].text);

        check_one(world, &rows[i], length, false);
        check_one(world, &rows[i], length, true);
        check_later(world, rows[i].text);
        for (size_t cut = 1; cut < length; cut++)
            check_one(world, &rows[i], cut, false);
    }
}
