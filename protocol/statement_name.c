/* SPDX-License-Identifier: MIT
 * What names may stand for: functions that are built in, and what the set of names knows of the rest.
 */
#include "protocol/statement_part.h"

static bool complete(const struct statement *s)
{
    return s->names && s->names->complete;
}

static uint8_t meaning(const struct statement *s, uint64_t hash)
{
    return s->names ? name_set_find(s->names, hash) : NAME_UNKNOWN;
}

void name_needed(struct statement *s)
{
    s->effects.looked_up = true;
    if (!complete(s))
        statement_pin(s, PIN_UNREAD);
}

/* What is known of a name that may be run. */
static uint8_t look_up(struct statement *s, uint64_t hash)
{
    uint8_t found = meaning(s, hash);

    name_list_add(s->list, hash, NAME_USED);
    if (found & NAME_OPAQUE)
        statement_pin(s, PIN_OPAQUE);
    if (found & NAME_INSERTS)
        s->effects.insert_id = true;
    return found;
}

/* Something of this schema is used: its stored code must have been read. */
static void need_schema(struct statement *s, uint64_t schema)
{
    const struct word *w = word_find(schema);

    if (w && w->symbol == SYMBOL_SYSTEM_SCHEMA)
        return;
    if (schema)
        name_list_add(s->list, schema, NAME_SCHEMA);
    name_needed(s);
    if (complete(s) && !s->names->all_schemas && !name_set_has_schema(s->names, schema))
        statement_pin(s, PIN_UNREAD);
}

/* In the current schema; without one the server refuses. */
static void need_current_schema(struct statement *s)
{
    if (s->schema || !complete(s))
        need_schema(s, s->schema);
}

void name_sequence(struct statement *s)
{
    statement_pin(s, PIN_SEQUENCE);
    if (s->defines)
        s->effects.stored_code = true; /* a table's default may be one: then writing to it is no plain thing any more */
    else
        s->effects.warnings = WARNINGS_CLEARED; /* it is a table */
}

static void apply(struct statement *s, const struct function *f)
{
    switch ((enum function_effect)f->effect) {
    case FUNCTION_LOCKS:
        statement_pin(s, PIN_USER_LOCKS);
        break;
    case FUNCTION_INSERT_ID:
        s->argument = true;
        break;
    case FUNCTION_SEQUENCE:
        name_sequence(s);
        break;
    case FUNCTION_ROW_COUNT:
        s->effects.reads |= RESIDUE_ROW_COUNT;
        break;
    case FUNCTION_FOUND_ROWS:
        s->effects.reads |= RESIDUE_FOUND_ROWS;
        break;
    case FUNCTION_CONNECTION_ID:
        s->effects.reads |= RESIDUE_CONNECTION_ID;
        break;
    case FUNCTION_AGGREGATE:
        s->aggregates = true;
        break;
    case FUNCTION_LOCK_OWNER:
        s->owner = true;
        break;
    case FUNCTION_GONE:
    case FUNCTION_NONE:
        break;
    }
}

/* Is a call of the last name one of this function, as far as nothing stored has its name? */
static bool is_built_in(const struct statement *s, const struct function *f)
{
    return f && (s->last.kind != TOKEN_QUOTED || f->kind == FUNCTION_NATIVE);
}

/* Is it surely that, whatever is stored? */
static bool surely(const struct statement *s, const struct function *f, bool spaced)
{
    if (f->effect == FUNCTION_GONE && !s->lexer.modes.mariadb)
        return false;
    return f->kind != FUNCTION_TIGHT || !spaced;
}

/* name( */
static void judge_call(struct statement *s, bool spaced)
{
    const struct function *f = s->last.dotted ? NULL : function_find(s->last.hash, &s->lexer.modes);
    const struct word *w = s->last.dotted || s->last.kind == TOKEN_QUOTED ? NULL : word_find(s->last.hash);
    uint8_t found;
    bool opens;

    if (f)
        apply(s, f);
    if (s->defines)
        return;
    if (s->last.beyond)
        statement_pin(s, PIN_OPAQUE);
    found = look_up(s, s->last.hash);
    /* MySQL's keywords are never functions; MariaDB's may be, when they are not reserved */
    opens = w && (s->lexer.modes.mariadb ? w->mariadb : w->mysql) == WORD_OPENS;
    if (is_built_in(s, f) || opens) {
        if (opens ? s->lexer.modes.mariadb : !surely(s, f, spaced))
            name_needed(s);
        if (opens && s->effects.warnings == WARNINGS_KEPT)
            s->effects.warnings = WARNINGS_UNCLEAR; /* JSON_TABLE is a table */
        return;
    }
    name_list_add(s->list, s->last.hash, NAME_CALLED);
    if (s->effects.warnings == WARNINGS_KEPT)
        s->effects.warnings = WARNINGS_UNCLEAR; /* MariaDB: if its code uses tables the list begins anew */
    if (complete(s) && !(found & NAME_PLAIN))
        statement_pin(s, PIN_OPAQUE);
    if (s->last.dotted)
        need_schema(s, s->qualifier);
    else
        need_current_schema(s);
}

static void judge_table(struct statement *s)
{
    if (s->last.dotted)
        need_schema(s, s->qualifier);
    else
        need_current_schema(s);
    s->effects.uses_tables = true;
}

void name_judge(struct statement *s, const struct statement_token *next)
{
    if (token_is(next, '.')) {
        if (!s->last.dotted)
            s->qualifier = s->last.hash;
        return;
    }
    s->head = false;
    if (s->rebuilds) {
        name_needed(s);
        look_up(s, s->last.hash);
    }
    if (token_is(next, '(') && !(s->last.place & PLACE_FREE)) {
        judge_call(s, next->token->spaced);
        return;
    }
    if (!s->looks_up)
        return;
    look_up(s, s->last.hash);
    if (s->last.place & PLACE_TABLE)
        judge_table(s);
}

uint8_t name_place_of(const struct statement *s)
{
    uint64_t bit = depth_bit(s);
    bool tables = (s->tables & bit) != 0;

    if (s->head)
        return PLACE_TABLE | PLACE_FREE;
    switch (s->last.word) {
    case SYMBOL_AS:
    case SYMBOL_CHARSET:
    case SYMBOL_COLLATE:
        return PLACE_FREE;
    case SYMBOL_SET:
        return s->before == SYMBOL_CHARACTER ? PLACE_FREE : PLACE_ANY;
    case SYMBOL_INTO:
    case SYMBOL_TABLE:
        return PLACE_TABLE | PLACE_FREE;
    case SYMBOL_JOIN:
        return PLACE_TABLE;
    case SYMBOL_FROM:
    case SYMBOL_STRAIGHT_JOIN:
        return tables ? PLACE_TABLE : PLACE_ANY;
    case SYMBOL_WITH:
    case SYMBOL_RECURSIVE:
        return s->lists & bit ? PLACE_FREE : PLACE_ANY;
    default:
        break;
    }
    if (s->last.sign == ',' && s->lists & bit)
        return PLACE_FREE;
    if ((s->last.sign == ',' || s->last.sign == '(') && tables)
        return PLACE_TABLE;
    return PLACE_ANY;
}
