/* SPDX-License-Identifier: MIT
 * The verdict on a text: what every statement may contain is seen to here, the rest in the parts.
 *
 * Sources: sql/sql_yacc.yy and sql/sql_parse.cc of MariaDB and MySQL.
 */
#include "protocol/statement.h"

#include <string.h>

#include "protocol/statement_part.h"

/* Nothing of the statement before counts for the one that begins. */
static void begin_statement(struct statement *s)
{
    struct statement fresh = {
        .lexer = s->lexer, .names = s->names, .list = s->list, .schema = s->schema, .effects = s->effects, .text = s->text, .looks_up = true,
        .owner = s->owner, .ended = s->ended, .reads_before = s->reads_before, .kept = s->kept,
    };

    fresh.effects.reads = 0;
    *s = fresh;
}

void statement_begin(struct statement *s, struct lexer_modes modes, const struct name_set *names, struct name_list *list, uint64_t schema)
{
    memset(s, 0, sizeof *s); /* with what is between the fields: verdicts are compared */
    s->names = names;
    s->list = list;
    s->schema = schema;
    s->looks_up = true;
    s->kept = RESIDUE_ALL;
    name_list_clear(list);
    lexer_begin(&s->lexer, modes);
}

void statement_set_verb(struct statement *s, enum statement_verb verb)
{
    s->verb = (uint8_t)verb;
    if (!s->effects.several)
        s->effects.verb = verb;
}

/* SELECT | DO  RELEASE_ALL_LOCKS ( )  [[AS] alias]: `unlock` counts how far the statement is just that. */
enum { UNLOCK_VERB = 1, UNLOCK_NAME, UNLOCK_OPEN, UNLOCK_CLOSED, UNLOCK_AS, UNLOCK_ALIAS, UNLOCK_NOT };

static uint8_t unlock_step(const struct statement *s, const struct statement_token *t)
{
    bool alias = t->name || t->token->kind == TOKEN_STRING;

    switch (s->unlock) {
    case 0:
        return t->symbol == SYMBOL_SELECT || t->symbol == SYMBOL_DO ? UNLOCK_VERB : UNLOCK_NOT;
    case UNLOCK_VERB:
        return t->symbol == SYMBOL_RELEASE_ALL_LOCKS ? UNLOCK_NAME : UNLOCK_NOT;
    case UNLOCK_NAME:
        return token_is(t, '(') ? UNLOCK_OPEN : UNLOCK_NOT;
    case UNLOCK_OPEN:
        return token_is(t, ')') ? UNLOCK_CLOSED : UNLOCK_NOT;
    case UNLOCK_CLOSED:
        return t->symbol == SYMBOL_AS ? UNLOCK_AS : alias ? UNLOCK_ALIAS : UNLOCK_NOT;
    case UNLOCK_AS:
        return alias ? UNLOCK_ALIAS : UNLOCK_NOT;
    default:
        return UNLOCK_NOT;
    }
}

/* What the statement is as a whole, once it is over. */
static void end_statement(struct statement *s)
{
    static const struct token nothing = {.kind = TOKEN_END};
    struct statement_token end = {.token = &nothing};
    struct statement_effects *e = &s->effects;

    if (s->last.name && s->part != PART_BODY)
        name_judge(s, &end);
    if (s->part == PART_SET)
        set_end(s);
    if (s->unlock == UNLOCK_CLOSED || s->unlock == UNLOCK_ALIAS)
        e->releases |= PIN_BIT(PIN_USER_LOCKS);
    if (s->verb == VERB_WRITE) {
        e->uses_tables = true;
        name_needed(s);
    }
    residue_judge(s);
    s->last.name = false;
}

/* 'user'@'host': no variable. In a KILL only behind USER: KILL QUERY@v is one of the statement with that number. */
static bool is_host(const struct statement *s, const struct token *t)
{
    bool user = s->last.name || s->last.kind == TOKEN_QUOTED || s->last.kind == TOKEN_STRING;

    if (s->verb_word == SYMBOL_KILL && s->before != SYMBOL_USER)
        return false;
    return s->accounts && user && t->begin == s->last.end;
}

static void open_parenthesis(struct statement *s)
{
    uint64_t bit = depth_bit(s);
    uint8_t word = s->last.word, sign = s->last.sign;
    bool list = word == SYMBOL_FROM || word == SYMBOL_JOIN || word == SYMBOL_STRAIGHT_JOIN || word == SYMBOL_LATERAL ||
                sign == ',' || sign == '(' || s->head;
    bool tables = s->tables & bit && list;

    s->effects.uses_tables |= tables; /* a derived one is one too */
    s->depth++;
    bit = depth_bit(s);
    s->selects &= ~bit;
    s->lists &= ~bit;
    s->tables = tables ? s->tables | bit : s->tables & ~bit;
}

static void sign_token(struct statement *s, uint8_t sign)
{
    if (sign == '(')
        open_parenthesis(s);
    else if (sign == ')' && s->depth)
        s->depth--;
    /* {OJ tables}: nobody writes that any more */
    if (sign == '{' && s->tables & depth_bit(s))
        statement_pin(s, PIN_OPAQUE);
    /* .t names a table of the current schema: nobody writes that */
    if (sign == '.' && !s->last.name && !s->last.system && s->last.kind != TOKEN_NUMBER && !s->defines)
        statement_pin(s, PIN_OPAQUE);
    if (sign != '.')
        s->head = false;
    if (sign == ',' && s->depth == 0 && s->tables & 1)
        s->reads = true;
}

static void begins_select(struct statement *s)
{
    uint64_t bit = depth_bit(s);

    s->effects.nested |= s->selected || s->verb != VERB_SELECT;
    s->selected = true;

    if (!bit)
        statement_pin(s, PIN_OPAQUE); /* too deep to follow */
    s->selects |= bit;
    s->tables &= ~bit;
    s->lists &= ~bit;
    s->head = false;
    s->looks_up = true; /* also behind the WHERE of a SHOW */
}

/* The words that matter wherever they stand. */
static void keyword(struct statement *s, const struct statement_token *t)
{
    uint64_t bit = depth_bit(s);
    /* a list of tables is over; but those that are not reserved may be an alias in it, and USE INDEX FOR ORDER BY is part of it */
    uint64_t ends = t->class == WORD_RESERVED && s->last.word != SYMBOL_FOR ? bit : 0;

    switch ((enum word_symbol)t->symbol) {
    case SYMBOL_SELECT:
        begins_select(s);
        s->reads = true;
        break;
    case SYMBOL_FROM:
        s->tables |= s->selects & bit;
        s->reads |= s->verb_word == SYMBOL_DELETE && s->last.name; /* DELETE t FROM ... */
        break;
    case SYMBOL_RELEASE:
        if (s->verb_word == SYMBOL_COMMIT || s->verb_word == SYMBOL_ROLLBACK)
            statement_pin(s, PIN_COMMAND); /* the server ends the connection, and so the session */
        break;
    case SYMBOL_JOIN:
    case SYMBOL_STRAIGHT_JOIN:
    case SYMBOL_USING:
        s->reads = true;
        break;
    case SYMBOL_WITH:
        s->lists |= ~s->selects & bit;
        break;
    case SYMBOL_UNION:
    case SYMBOL_EXCEPT:
    case SYMBOL_INTERSECT:
    case SYMBOL_MINUS:
    case SYMBOL_LIMIT:
    case SYMBOL_INTO:
    case SYMBOL_PROCEDURE:
    case SYMBOL_OFFSET:
    case SYMBOL_FETCH:
    case SYMBOL_ROLLUP:
    case SYMBOL_SQL_CALC_FOUND_ROWS:
        s->limited = true;
        s->tables &= ~ends;
        break;
    case SYMBOL_GROUP:
        s->grouped |= s->depth == 0;
        s->tables &= ~ends;
        break;
    case SYMBOL_WHERE:
    case SYMBOL_ORDER:
    case SYMBOL_HAVING:
    case SYMBOL_WINDOW:
    case SYMBOL_SET:
    case SYMBOL_RETURNING:
        s->tables &= ~ends;
        break;
    case SYMBOL_VALUES:
    case SYMBOL_TABLE:
        s->tables &= ~bit;
        s->lists &= ~bit;
        s->looks_up |= s->depth > 0;
        s->reads |= t->symbol == SYMBOL_TABLE && (s->verb_word == SYMBOL_INSERT || s->verb_word == SYMBOL_REPLACE);
        break;
    case SYMBOL_UPDATE: /* FOR UPDATE, ON DUPLICATE KEY UPDATE; as a verb it is dealt with there */
        if (!s->head)
            s->tables &= ~bit;
        break;
    case SYMBOL_VALUE:
        if (s->last.word == SYMBOL_NEXT || s->last.word == SYMBOL_PREVIOUS)
            name_sequence(s);
        break;
    case SYMBOL_NEXTVAL:
    case SYMBOL_CURRVAL:
        name_sequence(s);
        break;
    case SYMBOL_ROWCOUNT: /* SQL%ROWCOUNT */
        if (s->last.sign == '%')
            s->effects.reads |= RESIDUE_ROW_COUNT;
        break;
    default:
        break;
    }
}

/* What a part wants to know of the words in a definition, or a FLUSH. */
static void definition_keyword(struct statement *s, uint8_t symbol)
{
    if (s->last.word == SYMBOL_LANGUAGE && symbol != SYMBOL_SQL)
        statement_pin(s, PIN_OPAQUE); /* its text may be cut otherwise */
    if (s->verb_word == SYMBOL_FLUSH) {
        if (symbol == SYMBOL_LOCK || symbol == SYMBOL_EXPORT)
            statement_pin(s, PIN_TABLE_LOCKS);
        if (symbol == SYMBOL_PRIVILEGES)
            s->effects.globals = true;
    }
    if (s->verb_word == SYMBOL_ALTER && s->part == PART_TABLE && (symbol == SYMBOL_RENAME || symbol == SYMBOL_CONVERT))
        s->effects.stored_code = true;
    if (s->verb_word != SYMBOL_CREATE || s->part != PART_TABLE)
        return;
    if (symbol == SYMBOL_LIKE && !s->temporary)
        s->effects.stored_code = true; /* the new one has the defaults of the old */
    if (symbol == SYMBOL_WITH)
        s->lists |= depth_bit(s);
    /* inside of parentheses VALUES is of partitions */
    if (symbol == SYMBOL_SELECT || ((symbol == SYMBOL_VALUES || symbol == SYMBOL_TABLE) && (s->depth == 0 || s->last.sign == '('))) {
        s->effects.insert_id = true;
        s->effects.stored_code |= !s->temporary;
        s->looks_up = true;
        s->defines = s->accounts = false;
    }
}

/* What GET DIAGNOSTICS asks for. */
static void diagnostics_keyword(struct statement *s, uint64_t hash)
{
    bool origin = hash == name_hash("CLASS_ORIGIN", 12) || hash == name_hash("SUBCLASS_ORIGIN", 15);

    if (hash == name_hash("ROW_COUNT", 9))
        s->effects.reads |= RESIDUE_ROW_COUNT;
    s->effects.reads_sqlstate |= origin || hash == name_hash("RETURNED_SQLSTATE", 17);
    s->effects.reads_origin |= origin && !s->lexer.modes.mariadb;
}

static void read_system_variable(struct statement *s, const struct statement_token *t)
{
    const struct word *w = word_find(t->token->hash);

    if (!w)
        return;
    if (w->symbol == SYMBOL_WARNING_COUNT || w->symbol == SYMBOL_ERROR_COUNT)
        s->effects.reads |= RESIDUE_WARNINGS;
    if (w->symbol == SYMBOL_PSEUDO_THREAD_ID)
        s->effects.reads |= RESIDUE_CONNECTION_ID;
}

static void generic(struct statement *s, const struct statement_token *t)
{
    switch (t->token->kind) {
    case TOKEN_USER_VARIABLE:
        if (is_host(s, t->token))
            break;
        statement_pin(s, PIN_USER_VARIABLES);
        s->effects.stored_code |= s->defines; /* a column's default: for whoever writes to the table */
        break;
    case TOKEN_SIGN:
        sign_token(s, t->token->sign);
        break;
    case TOKEN_WORD:
        if (s->verb_word == SYMBOL_GET)
            diagnostics_keyword(s, t->token->hash);
        if (s->verb == VERB_DDL)
            definition_keyword(s, t->symbol);
        if (!s->defines)
            keyword(s, t);
        break;
    default:
        break;
    }
}

/* Whose turn it is. true: the token means nothing else. */
static bool part_token(struct statement *s, const struct statement_token *t)
{
    switch ((enum statement_part)s->part) {
    case PART_VERB:
    case PART_EXPLAIN:
    case PART_WITH:
        verb_token(s, t);
        return false;
    case PART_SECOND:
    case PART_THIRD:
        second_token(s, t);
        return false;
    case PART_OBJECT:
        return object_token(s, t);
    case PART_SET:
        return set_token(s, t);
    case PART_USE:
        s->schema = t->token->hash;
        s->part = PART_PLAIN;
        return true;
    case PART_EVENT:
        if (t->symbol == SYMBOL_DO)
            body_begin(s, false, false);
        return false;
    case PART_TABLE:
    case PART_PLAIN:
    case PART_BODY:
        return false;
    }
    return false;
}

static struct statement_token classify(const struct statement *s, const struct token *token)
{
    struct statement_token t = {.token = token, .name = token->kind == TOKEN_QUOTED};
    const struct word *w;
    bool behind_dot = s->last.sign == '.';

    if (token->kind != TOKEN_WORD)
        return t;
    w = word_find(token->hash);
    if (w) {
        t.symbol = w->symbol;
        t.class = s->lexer.modes.mariadb ? w->mariadb : w->mysql;
    }
    if (behind_dot) { /* then it is a name, whatever else it may be; sequence.NEXTVAL is in Oracle's way */
        t.name = true;
        if (t.symbol != SYMBOL_NEXTVAL && t.symbol != SYMBOL_CURRVAL)
            t.symbol = SYMBOL_NONE;
    } else {
        t.name = t.class != WORD_RESERVED;
        if (t.symbol == SYMBOL_NEXTVAL || t.symbol == SYMBOL_CURRVAL)
            t.symbol = SYMBOL_NONE;
    }
    return t;
}

static void remember(struct statement *s, const struct statement_token *t, bool name, bool system, uint8_t place)
{
    const struct token *token = t->token;

    s->before = s->last.word;
    s->last = (struct statement_last){
        .beyond = t->token->beyond,
        .hash = token->hash,
        .end = token->end,
        .kind = token->kind,
        .sign = token->kind == TOKEN_SIGN ? token->sign : 0,
        .word = t->symbol,
        .name = name,
        .dotted = name && s->last.sign == '.',
        .system = system,
        .place = place,
    };
}

static void run_token(struct statement *s, const struct statement_token *t)
{
    const struct statement_last *last = &s->last;
    bool behind_dot = last->sign == '.', system, done;
    uint8_t place;

    if (s->argument && last->sign == '(') {
        s->effects.insert_id |= !token_is(t, ')');
        s->argument = false;
    }
    if (last->name)
        name_judge(s, t);
    system = t->token->kind == TOKEN_SYSTEM_VARIABLE || (last->system && (token_is(t, '.') || behind_dot || last->kind == TOKEN_SYSTEM_VARIABLE));
    place = behind_dot || token_is(t, '.') ? last->place : t->name ? name_place_of(s) : (uint8_t)PLACE_ANY;
    if (s->unlock != UNLOCK_NOT)
        s->unlock = unlock_step(s, t);
    done = part_token(s, t);
    if (s->part == PART_BODY) { /* it begins with this */
        remember(s, t, false, false, 0);
        return;
    }
    if (!done)
        generic(s, t);
    if (system && !done)
        read_system_variable(s, t);
    remember(s, t, t->name && !done && !system, system, place);
}

static void take(struct statement *s, const struct token *token)
{
    bool end = token->kind == TOKEN_SIGN && token->sign == ';';
    struct statement_token t;

    if (!end || token->commented)
        s->effects.followed = s->ended;
    if (s->over && end) {
        s->ended++;
        return;
    }
    if (s->over) {
        s->effects.several = true;
        if (s->effects.charset)
            statement_pin(s, PIN_OPAQUE); /* what follows is cut otherwise */
        begin_statement(s);
    }
    t = classify(s, token);
    if (s->part == PART_BODY ? !body_token(s, &t) : token_is(&t, ';')) {
        end_statement(s);
        s->over = true;
        s->ended++;
        return;
    }
    if (s->part == PART_BODY)
        remember(s, &t, false, false, 0);
    else
        run_token(s, &t);
}

void statement_piece(struct statement *s, const uint8_t *bytes, size_t length)
{
    struct token token;

    s->text.piece = bytes;
    s->text.length = length;
    lexer_piece(&s->lexer, bytes, length);
    while (lexer_next(&s->lexer, &token) != TOKEN_MORE)
        take(s, &token);
    if (s->part == PART_SET)
        set_keep_tail(s);
    s->text.before += length;
    s->text.length = 0;
}

const struct statement_effects *statement_end(struct statement *s)
{
    struct statement_effects *e = &s->effects;
    struct token token;

    lexer_end(&s->lexer);
    while (lexer_next(&s->lexer, &token) != TOKEN_END)
        take(s, &token);
    if (token.commented)
        e->followed = s->ended;
    if (!s->over)
        end_statement(s);
    e->reads |= s->reads_before;
    if (s->owner)
        e->reads &= (uint8_t)~RESIDUE_CONNECTION_ID;
    if (lexer_unclear(&s->lexer))
        statement_pin(s, PIN_OPAQUE);
    if (e->several) {
        if (e->pins & PIN_BIT(PIN_OPAQUE)) /* a block, in which they may be run more than once */
            e->reads_behind = e->reads & RESIDUE_ALL;
        e->releases = 0;
        e->uses_tables = false;
    }
    return e;
}
