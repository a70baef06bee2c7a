/* SPDX-License-Identifier: MIT
 * Follows the lists behind SELECT: words are told apart by what may stand in front of and behind them.
 */
#include "protocol/select_list.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LONGEST_WORD 19u

enum select_at {
    AT_NONE,
    AT_HEAD, /* behind SELECT: ALL, DISTINCT, ... may follow */
    AT_NEXT, /* an item begins with the next token */
    AT_ITEM,
};

enum select_word {
    WORD_PLAIN,  /* a name, a value, a function */
    WORD_SELECT,
    WORD_AGAIN,  /* UNION: ends the list, and another SELECT follows */
    WORD_OPTION, /* of SELECT, in front of the first item */
    WORD_STOP,   /* ends the list */
    WORD_FROM,
    WORD_FOR,
    WORD_INFIX,  /* behind a whole expression it takes that further */
    WORD_COLLATE, /* likewise, and a name follows */
    WORD_PREFIX, /* wants an expression */
    WORD_CASE,
    WORD_END_CASE,
    WORD_INTERVAL,
    WORD_UNIT,   /* of INTERVAL */
    WORD_TYPE,   /* DATE '...' is one literal */
    WORD_AS,
    WORD_NEXT,   /* NEXT VALUE FOR sequence */
    WORD_VALUE,
    WORD_WITHIN, /* WITHIN GROUP */
    WORD_GROUP,
};

enum { BOTH, MARIADB, MYSQL };

/* Sorted. */
static const struct select_word_row {
    char name[LONGEST_WORD];
    uint8_t word, server;
} rows[] = {
    {"against", WORD_INFIX, BOTH},         {"all", WORD_OPTION, BOTH},
    {"and", WORD_INFIX, BOTH},             {"as", WORD_AS, BOTH},
    {"between", WORD_INFIX, BOTH},         {"binary", WORD_PREFIX, BOTH},
    {"case", WORD_CASE, BOTH},             {"collate", WORD_COLLATE, BOTH},
    {"date", WORD_TYPE, BOTH},             {"day", WORD_UNIT, BOTH},
    {"day_hour", WORD_UNIT, BOTH},         {"day_microsecond", WORD_UNIT, BOTH},
    {"day_minute", WORD_UNIT, BOTH},       {"day_second", WORD_UNIT, BOTH},
    {"distinct", WORD_OPTION, BOTH},       {"distinctrow", WORD_OPTION, BOTH},
    {"div", WORD_INFIX, BOTH},             {"else", WORD_INFIX, BOTH},
    {"end", WORD_END_CASE, BOTH},          {"escape", WORD_INFIX, BOTH},
    {"except", WORD_AGAIN, BOTH},          {"exists", WORD_PREFIX, BOTH},
    {"fetch", WORD_STOP, BOTH},            {"for", WORD_FOR, BOTH},
    {"from", WORD_FROM, BOTH},             {"group", WORD_GROUP, BOTH},
    {"having", WORD_STOP, BOTH},           {"high_priority", WORD_OPTION, BOTH},
    {"hour", WORD_UNIT, BOTH},             {"hour_microsecond", WORD_UNIT, BOTH},
    {"hour_minute", WORD_UNIT, BOTH},      {"hour_second", WORD_UNIT, BOTH},
    {"ignore", WORD_INFIX, MYSQL},         {"in", WORD_INFIX, BOTH},
    {"intersect", WORD_AGAIN, BOTH},       {"interval", WORD_INTERVAL, BOTH},
    {"into", WORD_STOP, BOTH},             {"is", WORD_INFIX, BOTH},
    {"like", WORD_INFIX, BOTH},            {"limit", WORD_STOP, BOTH},
    {"lock", WORD_STOP, BOTH},             {"member", WORD_INFIX, MYSQL},
    {"microsecond", WORD_UNIT, BOTH},      {"minute", WORD_UNIT, BOTH},
    {"minute_microsecond", WORD_UNIT, BOTH}, {"minute_second", WORD_UNIT, BOTH},
    {"mod", WORD_INFIX, BOTH},             {"month", WORD_UNIT, BOTH},
    {"next", WORD_NEXT, MARIADB},          {"not", WORD_INFIX, BOTH},
    {"offset", WORD_STOP, MARIADB},        {"on", WORD_STOP, BOTH},
    {"or", WORD_INFIX, BOTH},              {"order", WORD_STOP, BOTH},
    {"over", WORD_INFIX, BOTH},            {"previous", WORD_NEXT, MARIADB},
    {"procedure", WORD_STOP, BOTH},        {"quarter", WORD_UNIT, BOTH},
    {"regexp", WORD_INFIX, BOTH},          {"respect", WORD_INFIX, MYSQL},
    {"returning", WORD_SELECT, MARIADB},   {"rlike", WORD_INFIX, BOTH},
    {"second", WORD_UNIT, BOTH},           {"second_microsecond", WORD_UNIT, BOTH},
    {"select", WORD_SELECT, BOTH},         {"sounds", WORD_INFIX, BOTH},
    {"sql_big_result", WORD_OPTION, BOTH}, {"sql_buffer_result", WORD_OPTION, BOTH},
    {"sql_cache", WORD_OPTION, MARIADB},   {"sql_calc_found_rows", WORD_OPTION, BOTH},
    {"sql_no_cache", WORD_OPTION, BOTH},   {"sql_small_result", WORD_OPTION, BOTH},
    {"sql_tsi_day", WORD_UNIT, BOTH},      {"sql_tsi_hour", WORD_UNIT, BOTH},
    {"sql_tsi_minute", WORD_UNIT, BOTH},   {"sql_tsi_month", WORD_UNIT, BOTH},
    {"sql_tsi_quarter", WORD_UNIT, BOTH},  {"sql_tsi_second", WORD_UNIT, BOTH},
    {"sql_tsi_week", WORD_UNIT, BOTH},     {"sql_tsi_year", WORD_UNIT, BOTH},
    {"straight_join", WORD_OPTION, BOTH},  {"then", WORD_INFIX, BOTH},
    {"time", WORD_TYPE, BOTH},             {"timestamp", WORD_TYPE, BOTH},
    {"union", WORD_AGAIN, BOTH},           {"value", WORD_VALUE, MARIADB},
    {"week", WORD_UNIT, BOTH},             {"when", WORD_INFIX, BOTH},
    {"where", WORD_STOP, BOTH},            {"window", WORD_STOP, MYSQL},
    {"within", WORD_WITHIN, MARIADB},      {"xor", WORD_INFIX, BOTH},
    {"year", WORD_UNIT, BOTH},             {"year_month", WORD_UNIT, BOTH},
};

struct key {
    const char *at;
    size_t length;
};

static int compare(const void *key, const void *row)
{
    const struct key *k = key;
    const struct select_word_row *r = row;
    size_t length = strnlen(r->name, sizeof(r->name));
    int order = strncasecmp(k->at, r->name, k->length < length ? k->length : length);

    return order ? order : (k->length > length) - (k->length < length);
}

static enum select_word word_of(const struct select_list *s, const struct token *t)
{
    struct key key = {(const char *)s->text + t->begin, t->end - t->begin};
    const struct select_word_row *row;

    if (t->kind != TOKEN_WORD || s->levels[s->depth].dotted || key.length > LONGEST_WORD)
        return WORD_PLAIN;
    row = bsearch(&key, rows, sizeof(rows) / sizeof(rows[0]), sizeof(rows[0]), compare);
    if (!row || (row->server != BOTH && s->modes.mariadb != (row->server == MARIADB)))
        return WORD_PLAIN;
    if (row->word == WORD_VALUE && s->levels[s->depth].word != WORD_NEXT)
        return WORD_PLAIN;
    return (enum select_word)row->word;
}

void select_list_begin(struct select_list *s, const uint8_t *text, struct lexer_modes modes)
{
    s->text = text;
    s->modes = modes;
    s->depth = 0;
    s->deep = s->begun = s->another = s->tables = s->from = false;
    s->levels[0] = (struct select_level){0};
}

void select_list_mark(struct select_list *s)
{
    struct select_level *l = &s->levels[s->depth];

    l->any = true;
    if (l->at == AT_ITEM)
        l->marked = true;
}

static bool is_sign(const struct token *t, uint8_t sign)
{
    return t->kind == TOKEN_SIGN && t->sign == sign;
}

static bool opens(const struct token *t)
{
    return is_sign(t, '(') || is_sign(t, '{');
}

static bool closes(const struct token *t)
{
    return is_sign(t, ')') || is_sign(t, '}');
}

static bool ends_item(const struct select_level *l, const struct token *t, enum select_word word)
{
    switch (word) {
    case WORD_SELECT:
    case WORD_AGAIN:
    case WORD_STOP:
    case WORD_FROM:
        return true;
    case WORD_FOR:
        return l->word != WORD_VALUE;
    case WORD_GROUP:
        return l->word != WORD_WITHIN;
    default:
        return t->kind == TOKEN_END || is_sign(t, ',') || is_sign(t, ';') || closes(t);
    }
}

/* A word in an item. True: it ends something that may have an alias. */
static bool item_word(struct select_level *l, enum select_word word)
{
    bool behind = l->operand;

    switch (word) {
    case WORD_AS:
        l->named = true;
        return false;
    case WORD_INFIX:
    case WORD_COLLATE:
    case WORD_WITHIN:
    case WORD_FOR:
        l->infix = behind;
        return false;
    case WORD_PREFIX:
    case WORD_NEXT:
    case WORD_GROUP:
        l->named |= behind;
        return false;
    case WORD_CASE:
        l->cases++;
        return false;
    case WORD_INTERVAL:
        l->intervals++;
        return false;
    case WORD_END_CASE:
        if (!l->cases)
            break;
        l->cases--;
        return true;
    case WORD_UNIT:
        if (!l->intervals || !behind)
            break;
        l->intervals--;
        return true;
    default:
        break;
    }
    l->named |= behind;
    return true;
}

static void item_token(struct select_level *l, const uint8_t *text, const struct token *t, enum select_word word)
{
    bool behind = l->operand;

    l->infix = false;
    switch (t->kind) {
    case TOKEN_WORD:
        l->operand = item_word(l, word);
        break;
    case TOKEN_QUOTED:
        l->named |= behind;
        l->operand = true;
        break;
    case TOKEN_STRING: /* two beside each other are one */
        l->named |= behind && !l->introducer && l->kind != TOKEN_STRING;
        l->operand = true;
        break;
    case TOKEN_SIGN:
    case TOKEN_SYSTEM_VARIABLE:
        l->operand = false;
        break;
    default:
        l->operand = true;
        break;
    }
    l->introducer = t->kind == TOKEN_WORD && !l->dotted && (word == WORD_TYPE || text[t->begin] == '_');
    l->end = t->end;
}

static void begin_item(struct select_list *s, struct select_level *l)
{
    l->at = AT_ITEM;
    l->operand = l->introducer = l->infix = l->named = l->marked = false;
    l->cases = l->intervals = 0;
    l->kind = TOKEN_END;
    l->word = WORD_PLAIN;
    s->begun = true;
}

static void open(struct select_list *s, bool of_interval)
{
    if (s->depth + 1 == SELECT_LIST_DEPTH) {
        s->deep = true;
        return;
    }
    s->levels[++s->depth] = (struct select_level){.of_interval = of_interval};
}

static void close(struct select_list *s, const struct token *t)
{
    const struct select_level *inner = &s->levels[s->depth];
    struct select_level *outer;

    if (!s->depth)
        return;
    s->another |= inner->select;
    outer = &s->levels[--s->depth];
    if (inner->any)
        select_list_mark(s);
    outer->operand = true;
    outer->infix = outer->introducer = outer->dotted = false;
    outer->kind = TOKEN_SIGN;
    outer->word = WORD_PLAIN;
    outer->end = t->end;
}

/* What the token means for the list that it lies in. */
static void place(struct select_list *s, struct select_level *l, const struct token *t, enum select_word word)
{
    if (word == WORD_AGAIN)
        s->another = true;
    if (word == WORD_SELECT) {
        l->at = AT_HEAD;
        l->select = true;
        return;
    }
    if (is_sign(t, ',') && l->at != AT_NONE) {
        l->at = AT_NEXT;
        return;
    }
    if (l->at == AT_HEAD && word == WORD_OPTION)
        return;
    if (l->at == AT_HEAD || l->at == AT_NEXT)
        begin_item(s, l);
    if (l->at == AT_ITEM)
        item_token(l, s->text, t, word);
}

static void follow_from(struct select_list *s, const struct token *t, enum select_word word)
{
    static const char dual[] = "dual";

    if (s->from && (t->kind != TOKEN_WORD || t->end - t->begin != strlen(dual) || strncasecmp((const char *)s->text + t->begin, dual, strlen(dual)) != 0))
        s->tables = true;
    s->from = word == WORD_FROM && s->levels[s->depth].select;
}

bool select_list_token(struct select_list *s, const struct token *t, struct select_item *item)
{
    struct select_level *l = &s->levels[s->depth];
    enum select_word word = word_of(s, t);
    bool over = (l->at == AT_ITEM) && ends_item(l, t, word);

    bool of_interval = l->at == AT_ITEM && l->word == WORD_INTERVAL;

    s->begun = false;
    follow_from(s, t, word);
    if (over) {
        *item = (struct select_item){.end = l->end, .name_end = l->end, .depth = s->depth, .marked = l->marked, .named = l->named || l->infix};
        if (word == WORD_FOR && s->modes.mariadb)
            item->name_end = t->end;
        l->at = is_sign(t, ',') ? AT_NEXT : AT_NONE;
    }
    if (closes(t)) {
        close(s, t);
        return over;
    }
    if (is_sign(t, ',') && l->of_interval && s->depth) /* the function INTERVAL has no unit behind it */
        s->levels[s->depth - 1].intervals -= s->levels[s->depth - 1].intervals > 0;
    if (is_sign(t, ','))
        l->of_interval = false;
    place(s, l, t, word);
    l->dotted = is_sign(t, '.') || t->kind == TOKEN_SYSTEM_VARIABLE || word == WORD_COLLATE;
    l->kind = (uint8_t)t->kind;
    l->word = (uint8_t)word;
    if (opens(t))
        open(s, of_interval);
    return over;
}
