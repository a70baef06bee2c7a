/* SPDX-License-Identifier: MIT
 * Loading a session that has begun elsewhere: its settings, set again. What is said depends on what the backend has.
 *
 *   difference:  the settings that differ, when the page before left nothing else
 *   reset:       COM_RESET_CONNECTION, then all settings (MariaDB, whose reset goes back to the login's character set)
 *   login:       a change of user (backend_load.c), then all settings
 */
#include <stdio.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/backend_exchange.h"
#include "proxy/session_epoch.h"

/* Chaos mode takes each way in turn; where there is no reset, a login stands for it. */
static bool tries_a_reset(const struct backend *b)
{
    const struct stats *stats = &b->context->loop->stats;

    return b->context->conf->debug_migrate && (stats->page_ins_difference + stats->page_ins_reset + stats->page_ins_login) % 2;
}

/* Than the session has seen. */
static bool has_older_grants(const struct backend *b, const struct session *s)
{
    int64_t taken_us = b->epoch.taken_us;

    if (taken_us < s->login_us - b->context->conf->privilege_refresh_us)
        return true;
    return taken_us < s->login_us && taken_us < target_privileges_since(b->context->target);
}

static bool has_todays_globals(const struct backend *b)
{
    return target_globals_right(b->context->target, b->context->facts->globals) && target_has_globals(b->context->target, &b->epoch);
}

bool backend_keep_globals(struct backend *b, struct session *s)
{
    const struct backend_context *context = b->context;
    struct backend_error error;

    if (!target_globals_right(context->target, context->facts->globals) && session_keep_globals(s, context->facts->globals))
        STATS_INC(context->loop->stats.sessions_kept_globals);
    if (!s->broken)
        return true;
    backend_error_set(&error, "sluse: the server's globals have changed, and the session's settings are more than the %u bytes that are kept of one",
                      SESSION_VALUES_MAX);
    error.number = 1041; /* ER_OUT_OF_RESOURCES */
    memcpy(error.sqlstate, "HY000", sizeof error.sqlstate);
    backend_fail(b, CLOSE_RESTORE_FAILED, &error);
    return false;
}

bool backend_loaded_rightly(const struct backend *b, const struct session *s)
{
    return s->whole || !b->context->facts->globals || has_todays_globals(b);
}

enum page_in backend_page_in_way(const struct backend *b, const struct session *s)
{
    bool leaves_schema = b->image.schema_length && !s->image.schema_length;

    if (has_older_grants(b, s))
        return PAGE_IN_LOGIN;
    if (!session_image_same_login(&b->image, &s->image) || leaves_schema || b->footprint == FOOTPRINT_OPAQUE || b->status & STATUS_IN_TRANS)
        return PAGE_IN_LOGIN;
    if (has_todays_globals(b) && (!b->warned || !b->context->facts->is_mariadb) && session_values_cover(s->values, b->values) && !tries_a_reset(b))
        return PAGE_IN_DIFFERENCE;
    return exchange_resets_to_itself(b) ? PAGE_IN_RESET : PAGE_IN_LOGIN;
}

static void put_text(struct wire_writer *w, const char *text)
{
    wire_put_bytes(w, text, strlen(text));
}

static bool is_simple(struct wire_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (text.data[i] < ' ' || text.data[i] > '~' || text.data[i] == '\'' || text.data[i] == '\\')
            return false;
    return true;
}

/* Nothing here depends on sql_mode or on the character set of the connection. */
static void put_value(struct wire_writer *w, const struct session_value *value)
{
    if (value->null) {
        put_text(w, "NULL");
    } else if (variable_at(value->variable)->kind == VARIABLE_NUMBER) {
        wire_put_bytes(w, value->text.data, value->text.length);
    } else if (is_simple(value->text)) {
        put_text(w, "_utf8mb4'"); /* some are refused in the character set of the connection */
        wire_put_bytes(w, value->text.data, value->text.length);
        wire_put_u8(w, '\'');
    } else {
        put_text(w, "_utf8mb4 X'");
        for (size_t i = 0; i < value->text.length; i++) {
            wire_put_u8(w, (uint8_t)"0123456789ABCDEF"[(uint8_t)value->text.data[i] >> 4]);
            wire_put_u8(w, (uint8_t)"0123456789ABCDEF"[value->text.data[i] & 15]);
        }
        wire_put_u8(w, '\'');
    }
}

static bool has_value(const struct session_values *values, const struct session_value *value)
{
    struct session_value found;

    return session_values_find(values, value->variable, &found) && found.null == value->null && found.text.length == value->text.length &&
           memcmp(found.text.data, value->text.data, found.text.length) == 0;
}

static void put_name(struct wire_writer *w, bool *first, const char *name)
{
    put_text(w, *first ? "SET " : ",");
    put_text(w, name);
    wire_put_u8(w, '=');
    *first = false;
}

static struct wire_text value_of(const struct session *s, const char *name)
{
    int variable = variable_find(name_hash(name, strlen(name)));
    struct session_value value = {.text = {"", 0}};

    (void)session_values_find(s->values, (uint16_t)variable, &value);
    return value.text;
}

/* What of it has SET NAMES set rightly? */
struct named {
    bool any, results, client;
};

/* SET NAMES gives the results and (MariaDB) the client's texts collations that no variable shows; metadata do, and parameters. It sets the others too, so they
 * come behind it. Where it has given both, it was the same one. */
static struct named put_names(struct wire_writer *w, bool *first, const struct session *s, const struct session_values *there)
{
    struct session_value collation;
    struct named named = {.results = session_values_find(s->values, RESULTS_COLLATION, &collation)};
    struct wire_text charset = value_of(s, named.results ? "character_set_results" : "character_set_client");

    named.client = session_values_find(s->values, CLIENT_COLLATION, &collation);
    if (!session_values_find(s->values, named.results ? RESULTS_COLLATION : CLIENT_COLLATION, &collation) || (there && session_values_equal(s->values, there)))
        return (struct named){0};
    named.any = true;
    put_text(w, *first ? "SET NAMES `" : ",NAMES `"); /* quoted, because one of them is `binary` */
    wire_put_bytes(w, charset.data, charset.length);
    put_text(w, "` COLLATE `");
    wire_put_bytes(w, collation.text.data, collation.text.length);
    put_text(w, "`");
    *first = false;
    return named;
}

static bool is_named(const struct session_value *value, const char *name)
{
    return value->variable == variable_find(name_hash(name, strlen(name)));
}

/* Must the value be set? named: by a SET NAMES in front of it. */
static bool is_to_be_set(const struct session_value *value, const struct session_values *there, struct named named, bool named_there)
{
    bool charset;

    if (value->variable == RESULTS_COLLATION || value->variable == CLIENT_COLLATION)
        return false;
    charset = variable_at(value->variable)->policy == VARIABLE_CHARSET;
    if (charset && named.any)
        return !(named.results && is_named(value, "character_set_results")) && !(named.client && is_named(value, "character_set_client"));
    return (charset && named_there) || !has_value(there, value);
}

static bool has_names(const struct session_values *values)
{
    struct session_value value;

    return session_values_find(values, RESULTS_COLLATION, &value) || session_values_find(values, CLIENT_COLLATION, &value);
}

/* False: the server may refuse one of them. */
static bool put_values(struct backend *b, struct wire_writer *w, bool *first, const struct session *s, const struct session_values *there)
{
    const struct target_facts *facts = b->context->facts;
    struct named named = put_names(w, first, s, there);
    struct session_value value;
    bool named_there = has_names(there) && !has_names(s->values), sure = true;
    size_t at = 0;

    while (session_values_next(s->values, &at, &value)) {
        if (!is_to_be_set(&value, there, named, named_there))
            continue;
        put_name(w, first, variable_name(value.variable, facts->is_mariadb, facts->server_number));
        put_value(w, &value);
        sure = sure && variable_is_sure(value.variable, facts->is_mariadb);
    }
    return sure;
}

/* On MySQL any statement begins the list of warnings anew: nobody shall see those of the page before, or what it thinks of the settings. */
static void put_nothing(struct backend *b, struct wire_writer *w)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_QUERY);
    put_text(w, MYSQL_NOTHING);
    packet_end(w, header, 0);
    b->owed++;
}

/* MariaDB ends any statement that takes longer than the page before had allowed. */
static bool is_timed(const struct session_values *there)
{
    struct session_value value;

    return session_values_find(there, (uint16_t)variable_find(name_hash("max_statement_time", strlen("max_statement_time"))), &value);
}

bool backend_put_settings(struct backend *b, struct wire_writer *w, const struct session *s, const struct session_values *there, uint16_t status,
                          uint64_t insert_id)
{
    struct wire_writer before = *w;
    uint8_t *header = packet_begin(w);
    bool first = true, sure;
    char number[24];

    wire_put_u8(w, COM_QUERY);
    if (!there || (status ^ s->status) & STATUS_AUTOCOMMIT) { /* what a reset makes of it is the server's affair */
        put_name(w, &first, "autocommit");
        wire_put_u8(w, s->status & STATUS_AUTOCOMMIT ? '1' : '0');
    }
    sure = put_values(b, w, &first, s, there) && !is_timed(there);
    if (!there || insert_id != s->image.last_insert_id) { /* always after a reset: its changes are else told with the session's next reply */
        put_name(w, &first, "last_insert_id");
        wire_put_bytes(w, number, (size_t)snprintf(number, sizeof number, "%llu", (unsigned long long)s->image.last_insert_id));
    }
    if (first) {
        *w = before;
    } else {
        packet_end(w, header, 0);
        b->owed++;
    }
    if (!b->context->facts->is_mariadb && (!first || b->warned))
        put_nothing(b, w);
    return first || sure;
}

void backend_note_page(struct backend *b, const struct session *s)
{
    session_values_free(b->values);
    b->values = session_values_copy(s->values);
    b->image = s->image;
    b->warned = false;
    b->page_in = true;
    if (b->footprint == FOOTPRINT_NONE)
        b->footprint = FOOTPRINT_PLAIN;
}
