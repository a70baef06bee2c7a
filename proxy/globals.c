/* SPDX-License-Identifier: MIT
 * Snapshots of the globals, and their difference.
 */
#include "proxy/globals.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/lexer.h"
#include "proxy/invariant.h"

struct globals *globals_new(struct session_values *values, uint64_t version, int64_t until_us, int64_t since_us)
{
    struct globals *globals = zalloc(sizeof *globals);

    globals->values = values;
    globals->quotes = session_values_quotes(values, QUOTES_UNKNOWN);
    globals->spaces = session_values_spaces(values, SPACES_UNKNOWN);
    globals->version = version;
    globals->until_us = until_us;
    globals->since_us = since_us;
    atomic_init(&globals->references, 1);
    return globals;
}

struct globals *globals_hold(struct globals *globals)
{
    if (globals)
        atomic_fetch_add_explicit(&globals->references, 1, memory_order_relaxed);
    return globals;
}

void globals_drop(struct globals *globals)
{
    if (!globals || atomic_fetch_sub_explicit(&globals->references, 1, memory_order_acq_rel) != 1)
        return;
    session_values_free(globals->values);
    free(globals);
}

bool globals_is_read(unsigned variable, bool mariadb)
{
    enum variable_policy policy = variable_at(variable)->policy;

    return policy != VARIABLE_GLOBAL && policy != VARIABLE_INSERT_ID && !variable_is_fixed(variable, mariadb);
}

static bool same_value(const struct session_value *a, const struct session_value *b)
{
    return a->null == b->null && a->text.length == b->text.length && memcmp(a->text.data, b->text.data, a->text.length) == 0;
}

struct session_values *globals_difference(const struct session_values *was, const struct session_values *is)
{
    struct session_values *difference = NULL;
    struct session_value value, other = {0};
    size_t at = 0, at_other = 0;
    bool more = session_values_next(is, &at_other, &other);

    while (session_values_next(was, &at, &value)) {
        while (more && other.variable < value.variable)
            more = session_values_next(is, &at_other, &other);
        if (!more || other.variable != value.variable || same_value(&value, &other))
            continue;
        INVARIANT(session_values_put(&difference, value.variable, value.null ? NULL : value.text.data, value.text.length)); /* it is a part of `was` */
    }
    return difference;
}

static uint16_t index_of(const char *name)
{
    return (uint16_t)variable_find(name_hash(name, strlen(name)));
}

/* The next that a session has to keep. The status flags tell autocommit. */
static bool next_kept(size_t *at, const struct session_values *own, const struct session_values *kept, const struct globals_login *login,
                      struct session_value *value)
{
    uint16_t wait = index_of("wait_timeout");
    struct session_value other;

    while (session_values_next(kept, at, value)) {
        enum variable_policy policy = variable_at(value->variable)->policy;

        if (policy == VARIABLE_FLAG || (policy == VARIABLE_CHARSET && login->collation) || (value->variable == wait && login->interactive))
            continue;
        if (!session_values_find(own, value->variable, &other))
            return true;
    }
    return false;
}

static bool keep_mode(struct session_values **own, const struct session_value *mode)
{
    char text[SESSION_VALUES_MAX];
    int length = snprintf(text, sizeof text, "%.*s%sIGNORE_SPACE", (int)mode->text.length, mode->text.data, mode->text.length ? "," : "");

    return (size_t)length < sizeof text && session_values_put(own, mode->variable, text, (size_t)length);
}

/* Has it to keep a wait_timeout that is interactive_timeout? */
static bool waits_interactively(const struct session_values *own, const struct session_values *kept, const struct globals_login *login, struct session_value *value)
{
    struct session_value other;

    return login->interactive && session_values_find(kept, index_of("interactive_timeout"), value) && !session_values_find(own, index_of("wait_timeout"), &other);
}

bool globals_keep(struct session_values **own, const struct session_values *kept, struct globals_login login)
{
    uint16_t mode = index_of("sql_mode");
    struct session_value value;
    size_t at = 0;

    if (waits_interactively(*own, kept, &login, &value) && !session_values_put(own, index_of("wait_timeout"), value.text.data, value.text.length))
        return false;
    while (next_kept(&at, *own, kept, &login, &value)) {
        bool room;

        if (login.ignore_space && value.variable == mode)
            room = keep_mode(own, &value);
        else
            room = session_values_put(own, value.variable, value.null ? NULL : value.text.data, value.text.length);
        if (!room)
            return false;
    }
    return true;
}

static void mark(uint64_t bits[VARIABLES_MAX / 64], uint16_t variable)
{
    bits[variable / 64] |= (uint64_t)1 << variable % 64;
}

void globals_mark(uint64_t bits[VARIABLES_MAX / 64], const struct session_values *own, const struct session_values *kept, struct globals_login login)
{
    struct session_value value;
    size_t at = 0;

    if (waits_interactively(own, kept, &login, &value))
        mark(bits, index_of("wait_timeout"));
    while (next_kept(&at, own, kept, &login, &value))
        mark(bits, value.variable);
}
