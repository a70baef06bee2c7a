/* SPDX-License-Identifier: MIT
 * SET: which variables it assigns to.
 *
 * A scope counts for its assignment and, unlike what one might think, for those behind it that have none (both servers' manuals; tried).
 */
#include "protocol/statement_part.h"

#include <string.h>

/* What is expected, or under way. */
enum set_at {
    SET_ITEM,      /* an assignment begins */
    SET_SCOPED,    /* behind SESSION, GLOBAL, ... */
    SET_SYSTEM,    /* behind @@ */
    SET_QUALIFIED, /* behind @@session: a dot */
    SET_QUALIFIED_NAME, /* and behind that */
    SET_NAME,      /* behind the variable's name */
    SET_COMPONENT, /* behind a.: b */
    SET_CHARACTER, /* CHARACTER: SET */
    SET_CHARSET,   /* the value of NAMES and CHARACTER SET */
    SET_VALUE,
    SET_REST,      /* roles, a password */
};

enum set_scope { SCOPE_NONE, SCOPE_SESSION, SCOPE_GLOBAL };

static void mark(struct statement *s, unsigned index)
{
    struct statement_effects *e = &s->effects;

    for (unsigned i = 0; i < e->variable_count; i++)
        if (e->variables[i] == index)
            return;
    if (e->variable_count == STATEMENT_VARIABLES)
        statement_pin(s, PIN_VARIABLE);
    else
        e->variables[e->variable_count++] = (uint16_t)index;
}

/* By names that one server may have and another not. */
static void mark_names(struct statement *s, const char *const *names)
{
    for (; *names; names++) {
        int index = variable_find(name_hash(*names, strlen(*names)));
        if (index >= 0)
            mark(s, (unsigned)index);
    }
}

/* From 11.2 on a MariaDB session chooses what the default collation of a character set is, with character_set_collations. */
static bool chooses_default(const struct lexer_modes *modes)
{
    return modes->mariadb && modes->version >= 110200;
}

static void mark_charsets(struct statement *s, bool by_names)
{
    static const char *const names[] = {"character_set_client", "character_set_results", "character_set_connection", "collation_connection", NULL};

    mark_names(s, names);
    s->effects.charset = true;
    s->effects.results = by_names && chooses_default(&s->lexer.modes) ? RESULTS_COLLATED : RESULTS_DEFAULT;
    s->set.client = true;
}

static void mark_transaction(struct statement *s)
{
    static const char *const names[] = {"tx_isolation", "transaction_isolation", "tx_read_only", "transaction_read_only", NULL};

    mark_names(s, names);
}

/* SET STATEMENT gives the old value back; MariaDB does that with an ordinary SET, and a clock that was not stopped is then. */
static void assign_for_statement(struct statement *s, int index)
{
    /* the server tells clients of its return with the next change: the session is to be there then */
    if (s->set.variable == name_hash("time_zone", 9))
        statement_pin(s, PIN_OPAQUE);
    if (index < 0 || variable_at((unsigned)index)->policy != VARIABLE_TRAVELS)
        statement_pin(s, PIN_OPAQUE);
}

/* One of the connection's character sets is set by its name. */
static void note_results(struct statement *s, uint8_t symbol)
{
    if (s->effects.results == RESULTS_COLLATED && (symbol != SYMBOL_CHARACTER_SET_RESULTS || s->lexer.modes.mariadb))
        s->effects.results = RESULTS_UNCLEAR; /* what collation_connection was is the last chance to know it */
    else if (symbol == SYMBOL_CHARACTER_SET_RESULTS)
        s->effects.results = RESULTS_DEFAULT;
    s->set.results = symbol == SYMBOL_CHARACTER_SET_RESULTS && !s->lexer.modes.mariadb;
}

static void assign_listed(struct statement *s, unsigned index, uint8_t symbol)
{
    switch (variable_at(index)->policy) {
    case VARIABLE_PINS:
        s->effects.tracks_transactions |= s->set.variable == name_hash("session_track_transaction_info", 30);
        statement_pin(s, symbol == SYMBOL_PROFILING ? PIN_PROFILING : PIN_VARIABLE);
        return;
    case VARIABLE_GLOBAL:
        return;
    case VARIABLE_CHARSET:
        s->effects.charset = true;
        note_results(s, symbol);
        break;
    case VARIABLE_MODE:
        s->effects.charset = s->set.mode = true;
        s->effects.quotes = QUOTES_UNKNOWN;
        break;
    case VARIABLE_INSERT_ID:
        s->effects.insert_id = true;
        break;
    case VARIABLE_TRAVELS:
    case VARIABLE_FLAG:
    case VARIABLE_OFF:
        break;
    }
    mark(s, index);
}

/* The name is complete, its value comes next. */
static void assign(struct statement *s)
{
    const struct word *w = word_find(s->set.variable);
    uint8_t symbol = w ? w->symbol : SYMBOL_NONE;
    int index = s->set.component ? -1 : variable_find(s->set.variable);

    s->set.at = SET_VALUE;
    s->set.length = 0;
    s->set.client = symbol == SYMBOL_CHARACTER_SET_CLIENT;
    if (s->set.statement) {
        assign_for_statement(s, index);
        return;
    }
    s->effects.globals |= s->set.sticky == SCOPE_GLOBAL;
    if (s->set.scope == SCOPE_GLOBAL) {
        s->effects.globals = true;
        s->set.client = false;
        return;
    }
    if (symbol == SYMBOL_NEXT_TRANSACTION && s->set.system && s->set.scope == SCOPE_NONE)
        statement_pin(s, PIN_NEXT_TRANSACTION);
    if (index >= 0)
        assign_listed(s, (unsigned)index, symbol);
    else
        statement_pin(s, PIN_VARIABLE);
}

void set_keep_tail(struct statement *s)
{
    uint8_t *tail = s->text.tail;
    size_t length = s->text.length;

    if (length >= STATEMENT_TAIL) {
        memcpy(tail, s->text.piece + length - STATEMENT_TAIL, STATEMENT_TAIL);
    } else if (length) {
        memmove(tail, tail + length, STATEMENT_TAIL - length);
        memcpy(tail + STATEMENT_TAIL - length, s->text.piece, length);
    }
}

static uint8_t text_byte(const struct statement *s, size_t at)
{
    if (at >= s->text.before)
        return s->text.piece[at - s->text.before];
    return s->text.tail[STATEMENT_TAIL - (s->text.before - at)];
}

/* Strings are not hashed on their way: there are too many, and this is the only one that matters. 0: too long, or with a prefix. */
static uint64_t string_hash(const struct statement *s, const struct token *t)
{
    char name[STATEMENT_TAIL];
    size_t length = t->end - t->begin;
    uint8_t quote;

    if (length > STATEMENT_TAIL || length < 2)
        return 0;
    quote = text_byte(s, t->begin);
    if (quote != '\'' && quote != '"')
        return 0;
    for (size_t i = 0; i < length - 2; i++)
        name[i] = (char)text_byte(s, t->begin + 1 + i);
    return name_hash(name, length - 2);
}

/* The value of a client's character set is to be one whose texts can be cut by their bytes. */
static void charset_token(struct statement *s, const struct statement_token *t)
{
    enum token_kind kind = t->token->kind;
    const struct word *w = word_find(kind == TOKEN_STRING ? string_hash(s, t->token) : t->token->hash);
    bool name = kind == TOKEN_WORD || kind == TOKEN_QUOTED || kind == TOKEN_STRING;

    if (s->set.length == 1 && name && w && (w->symbol == SYMBOL_SAFE_CHARSET || (w->symbol == SYMBOL_DEFAULT && kind == TOKEN_WORD)))
        return;
    if (s->set.at == SET_CHARSET && s->set.length == 2 && t->symbol == SYMBOL_COLLATE)
        s->effects.results = RESULTS_COLLATED;
    if (s->set.at == SET_CHARSET && ((s->set.length == 2 && t->symbol == SYMBOL_COLLATE) || (s->set.length == 3 && name)))
        return;
    statement_pin(s, PIN_CHARSET);
}

/* ANSI, or ANSI_QUOTES, somewhere in a string. Before MySQL 8 there are more modes that contain it. */
static enum quotes quotes_of_mode(const struct statement *s, const struct token *t)
{
    static const char ansi[] = "ansi";
    enum quotes quotes = QUOTES_STRINGS;
    unsigned found = 0;
    uint8_t first;

    if (s->lexer.modes.version < 80000 || (t->begin < s->text.before && s->text.before - t->begin > STATEMENT_TAIL))
        return QUOTES_UNKNOWN; /* or no longer in view */
    first = text_byte(s, t->begin);
    if (first != '\'' && first != '"')
        return QUOTES_UNKNOWN;
    for (size_t at = t->begin; at < t->end; at++) {
        uint8_t c = text_byte(s, at) | 0x20;

        if (c == ('\\' | 0x20))
            return QUOTES_UNKNOWN;
        found = c == (uint8_t)ansi[found] ? found + 1 : c == 'a';
        if (ansi[found] == '\0') {
            quotes = QUOTES_NAMES;
            found = 0;
        }
    }
    return quotes;
}

/* A name, or another variable. */
static bool names_charset(const struct statement *s, const struct token *t)
{
    return s->set.length == 1 ? t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED || t->kind == TOKEN_STRING || t->kind == TOKEN_SYSTEM_VARIABLE
                              : t->kind == TOKEN_WORD || (t->kind == TOKEN_SIGN && t->sign == '.');
}

/* A token of the value, or the one that ends it. */
static void value_token(struct statement *s, const struct statement_token *t)
{
    if (s->depth == 0 && token_is(t, ',')) {
        s->set.at = SET_ITEM;
        return;
    }
    if (s->depth == 0 && s->set.statement && t->symbol == SYMBOL_FOR) {
        s->part = PART_VERB;
        s->verb = VERB_NONE;
        s->accounts = false;
        return;
    }
    s->set.length++;
    if (s->set.client)
        charset_token(s, t);
    if (s->set.results && !names_charset(s, t->token))
        s->effects.results = RESULTS_UNCLEAR;
    if (s->set.mode) /* only a literal tells */
        s->effects.quotes = s->set.length == 1 && t->token->kind == TOKEN_STRING ? quotes_of_mode(s, t->token) : QUOTES_UNKNOWN;
}

static void name_begins(struct statement *s, const struct statement_token *t)
{
    if (t->token->kind != TOKEN_WORD && t->token->kind != TOKEN_QUOTED) {
        statement_pin(s, PIN_OPAQUE);
        s->set.at = SET_REST;
        return;
    }
    s->set.variable = t->token->hash;
    s->set.at = SET_NAME;
}

static void set_scope(struct statement *s, uint8_t scope, enum set_at next)
{
    s->set.scope = scope;
    s->set.at = (uint8_t)next;
}

/* true: it was a scope. */
static bool scope_word(struct statement *s, uint8_t symbol, enum set_at next)
{
    if (symbol == SYMBOL_SESSION || symbol == SYMBOL_LOCAL)
        set_scope(s, SCOPE_SESSION, next);
    else if (symbol == SYMBOL_GLOBAL || symbol == SYMBOL_PERSIST || symbol == SYMBOL_PERSIST_ONLY)
        set_scope(s, SCOPE_GLOBAL, next);
    else
        return false;
    if (next == SET_SCOPED)
        s->set.sticky = s->set.scope;
    return true;
}

static void rest(struct statement *s)
{
    s->set.at = SET_REST;
    s->accounts = true;
}

/* The words with which something else than an assignment begins. */
static bool special(struct statement *s, uint8_t symbol)
{
    switch (symbol) {
    case SYMBOL_STATEMENT:
        s->set.statement = s->lexer.modes.mariadb;
        return s->set.statement;
    case SYMBOL_NAMES:
    case SYMBOL_CHARSET:
        mark_charsets(s, symbol == SYMBOL_NAMES);
        s->set.at = SET_CHARSET;
        s->set.length = 0;
        return true;
    case SYMBOL_CHARACTER:
        s->set.at = SET_CHARACTER;
        return true;
    case SYMBOL_PASSWORD:
        rest(s);
        return true;
    case SYMBOL_ROLE:
        statement_pin(s, PIN_ROLE);
        rest(s);
        return true;
    case SYMBOL_DEFAULT: /* DEFAULT ROLE */
        s->effects.globals = s->accounts = true;
        s->part = PART_PLAIN;
        return true;
    case SYMBOL_TRANSACTION:
        statement_pin(s, PIN_NEXT_TRANSACTION);
        s->part = PART_PLAIN;
        return true;
    case SYMBOL_RESOURCE:
        statement_pin(s, PIN_OPAQUE);
        s->part = PART_PLAIN;
        return true;
    default:
        return false;
    }
}

static void item_token(struct statement *s, const struct statement_token *t)
{
    s->set.scope = SCOPE_NONE;
    s->set.system = s->set.component = s->set.client = s->set.mode = s->set.results = false;
    s->set.length = 0;
    if (t->token->kind == TOKEN_SYSTEM_VARIABLE) {
        s->set.system = true;
        s->set.at = SET_SYSTEM;
    } else if (t->token->kind == TOKEN_USER_VARIABLE) {
        s->set.at = SET_VALUE;
    } else if (!special(s, t->symbol) && !scope_word(s, t->symbol, SET_SCOPED)) {
        name_begins(s, t);
    }
}

static void scoped_token(struct statement *s, const struct statement_token *t)
{
    if (t->symbol == SYMBOL_TRANSACTION) {
        if (s->set.scope == SCOPE_GLOBAL)
            s->effects.globals = true;
        else
            mark_transaction(s);
        s->part = PART_PLAIN;
    } else if (t->symbol == SYMBOL_AUTHORIZATION) {
        statement_pin(s, PIN_OPAQUE);
        s->accounts = true;
        s->part = PART_PLAIN;
    } else {
        name_begins(s, t);
    }
}

static void after_name(struct statement *s, const struct statement_token *t)
{
    if (token_is(t, '='))
        assign(s);
    else if (token_is(t, '.'))
        s->set.at = SET_COMPONENT;
    else if (token_is(t, ',') && s->depth == 0)
        s->set.at = SET_ITEM;
    else if (!token_is(t, ':'))
        statement_pin(s, PIN_VARIABLE);
}

static void head_token(struct statement *s, const struct statement_token *t)
{
    switch ((enum set_at)s->set.at) {
    case SET_ITEM:
        item_token(s, t);
        break;
    case SET_SCOPED:
        scoped_token(s, t);
        break;
    case SET_SYSTEM:
        if (!scope_word(s, t->symbol, SET_QUALIFIED))
            name_begins(s, t);
        break;
    case SET_QUALIFIED:
        s->set.at = SET_QUALIFIED_NAME;
        if (!token_is(t, '.'))
            statement_pin(s, PIN_OPAQUE);
        break;
    case SET_QUALIFIED_NAME:
        name_begins(s, t);
        break;
    case SET_NAME:
        after_name(s, t);
        break;
    case SET_COMPONENT:
        s->set.component = true;
        name_begins(s, t);
        break;
    case SET_CHARACTER:
        mark_charsets(s, false);
        s->set.at = SET_CHARSET;
        if (t->symbol != SYMBOL_SET)
            statement_pin(s, PIN_OPAQUE);
        break;
    case SET_CHARSET:
    case SET_VALUE:
    case SET_REST:
        break;
    }
}

void set_begin(struct statement *s)
{
    memset(&s->set, 0, sizeof(s->set));
    s->set.at = SET_ITEM;
}

bool set_token(struct statement *s, const struct statement_token *t)
{
    enum set_at at = (enum set_at)s->set.at;

    if (at == SET_CHARSET || at == SET_VALUE) {
        value_token(s, t);
        return false;
    }
    if (at == SET_REST) {
        if (s->depth == 0 && token_is(t, ',')) {
            s->set.at = SET_ITEM;
            s->accounts = false;
        }
        return false;
    }
    head_token(s, t);
    return t->token->kind != TOKEN_USER_VARIABLE && (t->token->kind != TOKEN_SIGN || t->token->sign == '.');
}

void set_end(struct statement *s)
{
    if (s->set.client && s->set.length == 0)
        statement_pin(s, PIN_CHARSET);
}
