/* SPDX-License-Identifier: MIT
 * Which stored code the control account can read, and which it should.
 */
#include "proxy/check_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/clock.h"
#include "proxy/invariant.h"
#include "proxy/stored_code.h"

#define SHOWN_MAX 5u /* names of schemas in a line */
#define GRANTS "SELECT, TRIGGER, SHOW VIEW"

static unsigned long long opaque_names(const struct name_set *names)
{
    unsigned long long count = 0;

    for (size_t i = 0; i < names->count; i++)
        count += (names->entries[i].meaning & NAME_OPAQUE) != 0;
    return count;
}

void check_read_code(struct check *c)
{
    int64_t began_us = monotonic_us();
    char why[256] = "";

    if (!stored_code_read(c->mysql, NULL, &c->code, why, sizeof why)) {
        check_advise(c, "stored code", "can't be read, so sessions share less: %s", why[0] ? why : "somebody is changing it at the moment");
        return;
    }
    /* two of the schemas are the server's own, and have none */
    check_found("stored code", "of %zu schemas read in %lld ms; %zu names mean more than a plain table, %llu of them may do anything and pin (opaque)",
                c->code->names.schema_count - 2, (long long)(monotonic_us() - began_us) / 1000, c->code->names.count, opaque_names(&c->code->names));
}

/* --- what is missing --- */

static void note_unread(struct check *c, const char *schema)
{
    for (size_t i = 0; i < c->unread_count; i++)
        if (strcmp(c->unread[i], schema) == 0)
            return;
    c->unread = realloc(c->unread, (c->unread_count + 1) * sizeof *c->unread);
    INVARIANT(c->unread && (c->unread[c->unread_count] = strdup(schema)));
    c->unread_count++;
}

void check_note_schemas(struct check *c, MYSQL *mysql)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;

    if (mysql_query(mysql, "SELECT SCHEMA_NAME FROM information_schema.SCHEMATA WHERE SCHEMA_NAME NOT IN ('information_schema', 'performance_schema',"
        " 'mysql', 'sys')"
                           " ORDER BY SCHEMA_NAME") || !(result = mysql_store_result(mysql)))
        return;
    while ((row = mysql_fetch_row(result)))
        if (!c->code || !name_set_has_schema(&c->code->names, name_hash(row[0], strlen(row[0]))))
            note_unread(c, row[0]);
    mysql_free_result(result);
}

static void write_quoted(FILE *out, const char *name, size_t length, char quote)
{
    fputc(quote, out);
    for (size_t i = 0; i < length; i++) {
        if (name[i] == quote)
            fputc(quote, out);
        fputc(name[i], out);
    }
    fputc(quote, out);
}

/* app@% as 'app'@'%'. */
static void write_account(FILE *out, const char *account)
{
    const char *at = strrchr(account, '@');

    INVARIANT(at);
    write_quoted(out, account, (size_t)(at - account), '\'');
    fputc('@', out);
    write_quoted(out, at + 1, strlen(at + 1), '\'');
}

/* In a grant _ and % stand for others, unless partial_revokes has made a name of it. */
static void write_schema(FILE *out, const char *schema, bool pattern)
{
    fputc('`', out);
    for (; *schema; schema++) {
        if (*schema == '`' || (pattern && (*schema == '_' || *schema == '%' || *schema == '\\')))
            fputc(*schema == '`' ? '`' : '\\', out);
        fputc(*schema, out);
    }
    fputc('`', out);
}

static bool is_on(const char *value)
{
    return value && (strcasecmp(value, "ON") == 0 || strcmp(value, "1") == 0);
}

static void write_advice(FILE *out, const struct check *c, const char *account)
{
    bool exact = is_on(c->facts[FACT_partial_revokes]);

    fprintf(out, "sessions that use %s are pinned (unread), and share less: ", c->unread_count == 1 ? "it" : "one of these");
    if (!exact) { /* else a global privilege may have exceptions, and does not count */
        fputs("GRANT " GRANTS " ON *.* TO ", out);
        write_account(out, account);
        fputs("; or ", out);
    }
    for (size_t i = 0; i < c->unread_count && i < SHOWN_MAX; i++) {
        fputs(i ? "; GRANT " : "GRANT ", out);
        fputs(GRANTS ", EXECUTE ON ", out);
        write_schema(out, c->unread[i], !exact);
        fputs(".* TO ", out);
        write_account(out, account);
    }
    if (c->unread_count > SHOWN_MAX)
        fprintf(out, "; and so on for %zu more", c->unread_count - SHOWN_MAX);
}

static char *list_unread(const struct check *c)
{
    char *list = NULL;
    size_t length;
    FILE *out = open_memstream(&list, &length);

    INVARIANT(out);
    for (size_t i = 0; i < c->unread_count && i < SHOWN_MAX; i++)
        fprintf(out, "%s%s", i ? ", " : "", c->unread[i]);
    if (c->unread_count > SHOWN_MAX)
        fprintf(out, " and %zu more", c->unread_count - SHOWN_MAX);
    INVARIANT(fclose(out) == 0);
    return list;
}

void check_code(struct check *c)
{
    char *account = check_ask(c->mysql, "SELECT CURRENT_USER()"), *list, *advice = NULL;
    size_t length;
    FILE *out;

    if (!account || !c->code) {
        free(account);
        return;
    }
    if (!c->unread_count) {
        check_found("grants", "%s can read the stored code of every schema that the accounts see", account);
        free(account);
        return;
    }
    list = list_unread(c);
    check_found("grants", "%s can't read all stored code of %zu schemas that the accounts see: %s", account, c->unread_count, list);
    out = open_memstream(&advice, &length);
    INVARIANT(out);
    write_advice(out, c, account);
    INVARIANT(fclose(out) == 0);
    check_advise(c, "grants", "%s", advice);
    free(advice);
    free(list);
    free(account);
}
