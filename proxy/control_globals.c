/* SPDX-License-Identifier: MIT
 * Reading the globals: one SELECT of each that a session has a value of, and of what else is watched.
 *
 * A tenth of what SHOW GLOBAL VARIABLES costs, which is asked once a connection: it tells which there are. As BINARY, as sessions' values are read, so
 * that the two can be compared.
 */
#include "proxy/control_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/lexer.h"
#include "proxy/globals.h"
#include "proxy/invariant.h"
#include "proxy/log.h"

#define WATCHED "SELECT @@global.init_connect <> '', @@global.skip_name_resolve, @@global.max_connections"
#define WATCHED_COUNT 3u
#define ER_UNKNOWN_SYSTEM_VARIABLE 1193
#define ER_INCORRECT_GLOBAL_LOCAL_VAR 1238

static bool is_mariadb(struct control *c)
{
    return strstr(mysql_get_server_info(c->mysql), "MariaDB") != NULL;
}

static const char *name_at(struct control *c, unsigned variable)
{
    return variable_name(variable, is_mariadb(c), (uint32_t)mysql_get_server_version(c->mysql));
}

/* A variable may have several names: it is read by the one that backend_save.c would use. */
static void note_name(struct control *c, const char *name)
{
    int variable = variable_find_on(name_hash(name, strlen(name)), is_mariadb(c));

    if (variable >= 0 && globals_is_read((unsigned)variable, is_mariadb(c)) && strcasecmp(name, name_at(c, (unsigned)variable)) == 0)
        c->globals.read[variable] = true;
}

static bool ask_names(struct control *c)
{
    MYSQL_RES *result;
    MYSQL_ROW row;

    if (mysql_query(c->mysql, "SHOW GLOBAL VARIABLES") || !(result = mysql_store_result(c->mysql)))
        return false;
    free(c->globals.read);
    c->globals.read = zalloc(variable_count() * sizeof *c->globals.read);
    while ((row = mysql_fetch_row(result)))
        if (row[0])
            note_name(c, row[0]);
    mysql_free_result(result);
    return true;
}

static void forget_question(struct control *c)
{
    free(c->globals.question);
    c->globals.question = NULL;
}

/* NULL: more than a session may keep. */
static struct session_values *values_of(const struct control *c, MYSQL_ROW row, const unsigned long *lengths)
{
    struct session_values *values = NULL;
    unsigned column = WATCHED_COUNT;

    for (unsigned i = 0; i < variable_count(); i++) {
        if (!c->globals.read[i])
            continue;
        if (!session_values_put(&values, (uint16_t)i, row[column], lengths[column])) {
            session_values_free(values);
            return NULL;
        }
        column++;
    }
    return values;
}

/* A variable that was there has gone, with its plugin. */
static bool is_out_of_date(struct control *c)
{
    unsigned error = mysql_errno(c->mysql);

    return error == ER_UNKNOWN_SYSTEM_VARIABLE || error == ER_INCORRECT_GLOBAL_LOCAL_VAR;
}

/* One row, and what it says of what else is watched. NULL: it failed. */
static MYSQL_RES *ask(struct control *c, const char *question, MYSQL_ROW *row)
{
    MYSQL_RES *result;

    if (mysql_query(c->mysql, question) || !(result = mysql_store_result(c->mysql)))
        return NULL;
    *row = mysql_fetch_row(result);
    if (!*row) {
        mysql_free_result(result);
        return NULL;
    }
    return result;
}

static void learn_watched(struct control *c, MYSQL_ROW row)
{
    target_learn_variables(c->target, row[0] && strcmp(row[0], "1") == 0, row[1] && strcmp(row[1], "1") == 0, row[2] ? strtoull(row[2], NULL, 10) : 0);
}

/* Sessions wait for these: on a new connection they come before the names of the others are asked. */
static bool ask_watched(struct control *c)
{
    MYSQL_ROW row;
    MYSQL_RES *result = ask(c, WATCHED, &row);

    if (!result)
        return false;
    learn_watched(c, row);
    mysql_free_result(result);
    return true;
}

static bool put_question_together(struct control *c)
{
    size_t length;
    FILE *out;

    if (c->globals.question && c->globals.generation == c->generation)
        return true;
    forget_question(c);
    if (!ask_watched(c) || !ask_names(c))
        return false;
    out = open_memstream(&c->globals.question, &length);
    INVARIANT(out);
    fputs(WATCHED, out);
    for (unsigned i = 0; i < variable_count(); i++)
        if (c->globals.read[i])
            fprintf(out, ",CAST(@@global.%s AS BINARY)", name_at(c, i));
    INVARIANT(fclose(out) == 0);
    c->globals.generation = c->generation;
    return true;
}

static bool read_once(struct control *c)
{
    struct session_values *values;
    MYSQL_RES *result;
    MYSQL_ROW row;
    uint64_t began;
    int64_t began_us;

    if (!put_question_together(c))
        return false;
    began = target_globals_begin(c->target);
    began_us = monotonic_us();
    result = ask(c, c->globals.question, &row);
    if (!result)
        return false;
    values = values_of(c, row, mysql_fetch_lengths(result));
    if (values)
        target_globals_learn(c->target, values, began, began_us, monotonic_us());
    else
        log_line(LOG_WARNING, "server %s: its global variables are longer than is kept of a session: SET GLOBAL may be seen by sessions that have begun",
                 c->target->name);
    learn_watched(c, row);
    mysql_free_result(result);
    return true;
}

bool control_read_globals(struct control *c)
{
    if (read_once(c))
        return true;
    if (!is_out_of_date(c))
        return false;
    forget_question(c);
    return read_once(c);
}

void control_globals_changing(struct control *c)
{
    target_globals_changing(c->target);
}

void control_globals_changed(struct control *c, bool refused)
{
    if (target_globals_changed(c->target, refused))
        return;
    pthread_mutex_lock(&c->mutex);
    c->globals_asked = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}
