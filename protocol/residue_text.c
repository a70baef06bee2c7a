/* SPDX-License-Identifier: MIT
 * Puts values of our own into a text: ROW_COUNT() becomes IF(1,7,ROW_COUNT()).
 *
 * That has the type, length and flags of what stands in it, on every server that we know, and leaves what else the function does to the statement:
 * MySQL's warning about FOUND_ROWS(), and that @@warning_count keeps the list of warnings. Sizes and flags were compared byte by byte.
 */
#include "protocol/residue_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/residue_name.h"
#include "protocol/select_list.h"
#include "protocol/statement_word.h"

/* What is to be done in the statement under way, as its first words tell. */
enum writing {
    WRITING,       /* names are replaced where they stand */
    WRITING_HEAD,  /* INSERT: not before the list of columns is over, which may look like a call */
    WRITING_QUERY, /* CREATE TABLE: what stands in front of a SELECT is evaluated with each row, later */
    WRITING_NAME,  /* CREATE: what, is yet to come */
    WRITING_OFF,   /* it belongs to a definition, or means the server's own session: KILL CONNECTION_ID() */
    WRITING_BODY,  /* likewise, and where it ends we don't know */
    WRITING_NEVER, /* may be run more than once, or in another order than it is written */
};

struct rewriter {
    struct wire_writer *w;
    const uint8_t *text;
    size_t length;
    const struct residue_values *values;
    struct lexer lexer;
    struct select_list lists;
    size_t copied;       /* of the text */
    size_t call_end;     /* of the call that is being replaced; 0: none */
    struct token last;
    uint8_t last_word;   /* enum word_symbol of it */
    uint8_t verb;        /* enum word_symbol of the statement's first word */
    bool begun;          /* that was seen */
    bool over;           /* a ; was seen */
    bool another;        /* MariaDB: there are several SELECTs: of which FOUND_ROWS() has counted the rows by then only the server knows */
    bool rows;           /* MariaDB's VALUES (...): its columns have names, and can't have aliases */
    bool lost;
    uint8_t which;
    enum writing writing;
    struct residue_name items[SELECT_LIST_DEPTH]; /* those under way */
};

enum { WARNING_COUNT = 16, ERROR_COUNT, THREAD_ID };

static bool is_sign(const struct token *t, uint8_t sign)
{
    return t->kind == TOKEN_SIGN && t->sign == sign;
}

static uint8_t symbol_of(const struct token *t)
{
    const struct word *w = t->kind == TOKEN_WORD ? word_find(t->hash) : NULL;

    return w ? w->symbol : (uint8_t)SYMBOL_NONE;
}

/* --- writing --- */

static void copy_to(struct rewriter *r, size_t end)
{
    if (end <= r->copied)
        return;
    wire_put_bytes(r->w, r->text + r->copied, end - r->copied);
    r->copied = end;
}

static void put_string(struct rewriter *r, const char *string)
{
    wire_put_bytes(r->w, string, strlen(string));
}

static void put_unsigned(struct rewriter *r, uint64_t value)
{
    char text[48];

    (void)snprintf(text, sizeof(text), "IF(1,CAST(%" PRIu64 " AS UNSIGNED),", value);
    put_string(r, text);
}

/* The first warning that the text itself brings about begins the list anew, in what stands in front or (MySQL, FOUND_ROWS()) as it is parsed: then the
 * server's own count is the answer. The backend has brought none along. */
static void put_count(struct rewriter *r, uint64_t value)
{
    char text[72];

    if (r->values->listed) {
        put_unsigned(r, value);
        return;
    }
    (void)snprintf(text, sizeof(text), "IF(@@warning_count=0,CAST(%" PRIu64 " AS UNSIGNED),", value);
    put_string(r, text);
}

static void put_signed(struct rewriter *r, int64_t value)
{
    char text[48];

    (void)snprintf(text, sizeof(text), "IF(1,%" PRId64 ",", value);
    put_string(r, text);
}

static void put_value(struct rewriter *r, uint8_t what)
{
    switch (what) {
    case RESIDUE_ROW_COUNT:
        put_signed(r, r->values->row_count);
        break;
    case RESIDUE_FOUND_ROWS:
        put_signed(r, (int64_t)r->values->found_rows);
        break;
    case WARNING_COUNT:
        put_count(r, r->values->warning_count);
        break;
    case ERROR_COUNT:
        put_count(r, r->values->error_count);
        break;
    default:
        put_unsigned(r, r->values->connection_id);
        break;
    }
}

/* --- what is replaced --- */

static uint8_t function_of(const struct rewriter *r, const struct token *t)
{
    const struct function *f;

    if (t->kind != TOKEN_WORD && t->kind != TOKEN_QUOTED)
        return 0;
    if (is_sign(&r->last, '.') || r->last.kind == TOKEN_SYSTEM_VARIABLE || r->last_word == SYMBOL_CALL || r->last_word == SYMBOL_TABLE)
        return 0;
    f = function_find(t->hash, &r->lexer.modes);
    if (!f)
        return 0;
    if (f->effect == FUNCTION_ROW_COUNT) /* a keyword on MySQL: quoted it is somebody's own */
        return t->kind == TOKEN_QUOTED && !r->lexer.modes.mariadb ? 0 : RESIDUE_ROW_COUNT;
    if (f->effect == FUNCTION_FOUND_ROWS)
        return RESIDUE_FOUND_ROWS;
    return f->effect == FUNCTION_CONNECTION_ID ? RESIDUE_CONNECTION_ID : 0;
}

/* The variable whose name behind @@ comes next. */
static uint8_t variable_of(struct lexer l, size_t *end)
{
    struct token t, dot;
    struct lexer behind;
    const struct word *w;
    uint8_t symbol;

    residue_token(&l, &t);
    if (t.spaced)
        return 0; /* the servers want none there */
    behind = l;
    residue_token(&behind, &dot);
    symbol = symbol_of(&t);
    if ((symbol == SYMBOL_SESSION || symbol == SYMBOL_LOCAL) && is_sign(&dot, '.')) {
        residue_token(&behind, &t);
        residue_token(&behind, &dot);
    }
    if ((t.kind != TOKEN_WORD && t.kind != TOKEN_QUOTED) || is_sign(&dot, '.'))
        return 0;
    *end = t.end;
    w = word_find(t.hash);
    symbol = w ? w->symbol : (uint8_t)SYMBOL_NONE;
    return symbol == SYMBOL_WARNING_COUNT ? WARNING_COUNT : symbol == SYMBOL_ERROR_COUNT ? ERROR_COUNT : symbol == SYMBOL_PSEUDO_THREAD_ID ? THREAD_ID : 0;
}

static bool is_assigned(const struct rewriter *r)
{
    return r->verb == SYMBOL_SET && !r->lists.depth && (r->last_word == SYMBOL_SET || is_sign(&r->last, ','));
}

/* Is this, and what follows, something to be replaced? Where it ends. */
static uint8_t find(const struct rewriter *r, const struct token *t, size_t *end)
{
    struct lexer l = r->lexer;
    struct token next;
    uint8_t what;

    if (t->kind == TOKEN_SYSTEM_VARIABLE)
        return is_assigned(r) ? 0 : variable_of(l, end);
    what = function_of(r, t);
    if (!what || residue_token(&l, &next) != TOKEN_SIGN || next.sign != '(' || residue_token(&l, &next) != TOKEN_SIGN || next.sign != ')')
        return 0;
    *end = next.end;
    return what;
}

static bool is_wanted(const struct rewriter *r, uint8_t what)
{
    switch (what) {
    case WARNING_COUNT:
    case ERROR_COUNT:
        return r->which & RESIDUE_WARNINGS;
    case THREAD_ID:
        return r->which & RESIDUE_CONNECTION_ID;
    default:
        return r->which & what;
    }
}

static void replace(struct rewriter *r, const struct token *t)
{
    size_t end = 0;
    uint8_t what = r->writing == WRITING_OFF || r->call_end ? 0 : find(r, t, &end);

    if (!what || !is_wanted(r, what))
        return;
    if (r->writing == WRITING_NEVER || (r->writing == WRITING_BODY && r->over) || r->rows || (what == RESIDUE_FOUND_ROWS && r->another))
        r->lost = true;
    if (r->writing != WRITING)
        return;
    copy_to(r, t->begin);
    if (t->begin == r->last.end && (r->last.kind == TOKEN_WORD || r->last.kind == TOKEN_NUMBER))
        put_string(r, " "); /* DO@@warning_count, SELECT`ROW_COUNT`() */
    put_value(r, what);
    r->call_end = end;
    select_list_mark(&r->lists);
}

/* --- statements --- */

static enum writing writing_of(uint8_t verb)
{
    switch (verb) {
    case SYMBOL_SELECT:
    case SYMBOL_WITH:
    case SYMBOL_VALUES:
    case SYMBOL_TABLE:
    case SYMBOL_UPDATE:
    case SYMBOL_DELETE:
    case SYMBOL_SET:
    case SYMBOL_DO:
    case SYMBOL_CALL:
    case SYMBOL_LOAD:
    case SYMBOL_SHOW:
    case SYMBOL_GET:
    case SYMBOL_EXPLAIN:
    case SYMBOL_DESCRIBE:
    case SYMBOL_DESC:
    case SYMBOL_ANALYZE:
    case SYMBOL_HANDLER:
        return WRITING;
    case SYMBOL_INSERT:
    case SYMBOL_REPLACE:
        return WRITING_HEAD;
    case SYMBOL_CREATE:
        return WRITING_NAME;
    case SYMBOL_ALTER:
    case SYMBOL_KILL:
        return WRITING_OFF;
    default:
        return WRITING_NEVER;
    }
}

static enum writing created(const struct rewriter *r, uint8_t symbol)
{
    switch (symbol) {
    case SYMBOL_TABLE:
        return WRITING_QUERY;
    case SYMBOL_VIEW:
        return WRITING_OFF;
    case SYMBOL_PROCEDURE:
    case SYMBOL_FUNCTION:
    case SYMBOL_TRIGGER:
    case SYMBOL_EVENT:
    case SYMBOL_PACKAGE:
        return WRITING_BODY;
    default:
        return r->writing;
    }
}

static void begin_statement(struct rewriter *r)
{
    select_list_begin(&r->lists, r->text, r->lexer.modes);
    r->begun = r->rows = false;
    r->verb = SYMBOL_NONE;
    r->writing = WRITING;
}

/* Is this VALUES a query, and not a part of INSERT, or a function? */
static bool begins_rows(const struct rewriter *r, uint8_t word)
{
    if (word != SYMBOL_VALUES || !r->lexer.modes.mariadb)
        return false;
    return r->verb == SYMBOL_VALUES || is_sign(&r->last, '(') || r->last_word == SYMBOL_AS;
}

/* True: this is the statement's first word. */
static bool begin_verb(struct rewriter *r, const struct token *t, uint8_t word)
{
    if (r->begun || is_sign(t, '(') || t->kind == TOKEN_END)
        return false;
    r->begun = true;
    r->verb = word;
    r->writing = writing_of(word);
    return true;
}

static void follow_statement(struct rewriter *r, uint8_t word)
{
    if (r->verb == SYMBOL_SET && r->last_word == SYMBOL_SET && word == SYMBOL_STATEMENT)
        r->verb = word;
    if (r->verb == SYMBOL_STATEMENT && word == SYMBOL_FOR)
        r->begun = false; /* SET STATEMENT ... FOR: another follows */
    r->rows |= begins_rows(r, word);
    switch (r->writing) {
    case WRITING_HEAD:
        if (word == SYMBOL_VALUES || word == SYMBOL_VALUE || word == SYMBOL_SET || word == SYMBOL_SELECT || word == SYMBOL_WITH)
            r->writing = WRITING;
        break;
    case WRITING_QUERY:
        if (word == SYMBOL_SELECT)
            r->writing = WRITING;
        break;
    case WRITING_NAME:
        r->writing = created(r, word);
        break;
    default:
        break;
    }
}

/* --- SHOW COUNT(*) WARNINGS --- */

/* SHOW was read. What can't be told with a number is for the caller: SHOW WARNINGS itself, and COUNT (*), which is right or wrong by sql_mode. */
static void show_count(struct rewriter *r, const struct token *show, bool executed)
{
    struct lexer l = r->lexer, behind;
    struct token t, end;
    uint8_t symbol;

    residue_token(&l, &t);
    symbol = symbol_of(&t);
    if (symbol != SYMBOL_COUNT && symbol != SYMBOL_WARNINGS && symbol != SYMBOL_ERRORS) {
        if (l.modes.mariadb)
            r->which &= (uint8_t)~RESIDUE_WARNINGS; /* what else is shown is a table to it, see below */
        return;
    }
    r->lost = true;
    if (symbol != SYMBOL_COUNT || residue_token(&l, &t) != TOKEN_SIGN || t.sign != '(' || t.spaced || residue_token(&l, &t) != TOKEN_SIGN || t.sign != '*' ||
        residue_token(&l, &t) != TOKEN_SIGN || t.sign != ')')
        return;
    residue_token(&l, &t);
    symbol = symbol_of(&t);
    behind = l;
    if ((symbol != SYMBOL_WARNINGS && symbol != SYMBOL_ERRORS) || (residue_token(&behind, &end) != TOKEN_END && !is_sign(&end, ';')))
        return;
    r->lost = executed || l.in_executed; /* its end would be missing */
    copy_to(r, show->begin);
    put_string(r, "SELECT ");
    put_value(r, symbol == SYMBOL_WARNINGS ? WARNING_COUNT : ERROR_COUNT);
    put_string(r, symbol == SYMBOL_WARNINGS ? "@@session.warning_count) AS `@@session.warning_count`" : "@@session.error_count) AS `@@session.error_count`");
    r->copied = t.end;
    r->lexer = l;
}

/* --- the text --- */

static bool may_read_warnings(uint8_t verb)
{
    return verb == SYMBOL_SELECT || verb == SYMBOL_WITH || verb == SYMBOL_VALUES || verb == SYMBOL_SET || verb == SYMBOL_DO || verb == SYMBOL_SHOW ||
           verb == SYMBOL_GET;
}

/* What has to be known of MariaDB's first statement beforehand. It forgets the warnings as soon as a statement uses tables: then what is read is not what
 * the statement before left, and the same everywhere. */
static void look_ahead(struct rewriter *r)
{
    struct lexer l = r->lexer;
    struct select_list lists;
    struct select_item item;
    struct token t;
    bool first = true, own = false;

    select_list_begin(&lists, r->text, l.modes);
    do {
        uint8_t word = residue_token(&l, &t) == TOKEN_WORD ? symbol_of(&t) : (uint8_t)SYMBOL_NONE;
        bool opens = is_sign(&t, '(');

        own |= first && !opens && !may_read_warnings(word);
        first &= opens;
        (void)select_list_token(&lists, &t, &item);
    } while (t.kind != TOKEN_END && !is_sign(&t, ';') && !lists.deep);
    if (own || lists.tables)
        r->which &= (uint8_t)~RESIDUE_WARNINGS;
    r->another = lists.another;
}

static void end_item(struct rewriter *r, const struct select_item *item)
{
    if (!item->marked || item->named)
        return;
    copy_to(r, item->end);
    r->lost |= !residue_name_write(r->w, r->text, r->length, &r->items[item->depth], item->name_end);
}

static void end_statement(struct rewriter *r)
{
    r->which &= RESIDUE_CONNECTION_ID; /* the rest was left by the statements of this text */
    r->over = true;
    if (r->writing != WRITING_BODY)
        begin_statement(r);
    r->last = (struct token){.kind = TOKEN_END};
    r->last_word = SYMBOL_NONE;
}

static void follow(struct rewriter *r, const struct token *t, const struct lexer *before)
{
    struct select_item item;
    unsigned depth = r->lists.depth;
    bool first;
    uint8_t word = is_sign(&r->last, '.') || r->last.kind == TOKEN_SYSTEM_VARIABLE ? (uint8_t)SYMBOL_NONE : symbol_of(t);

    if (select_list_token(&r->lists, t, &item))
        end_item(r, &item);
    if (r->lists.begun)
        r->items[depth] = (struct residue_name){.lexer = *before, .begin = before->modes.mariadb && is_sign(&r->last, ',') ? r->last.end : t->begin};
    r->lost |= r->lists.deep;
    if (is_sign(t, ';')) {
        end_statement(r);
        return;
    }
    first = begin_verb(r, t, word);
    follow_statement(r, word);
    if (first && word == SYMBOL_GET && r->which & RESIDUE_WARNINGS)
        r->lost = true; /* GET DIAGNOSTICS */
    if (first && word == SYMBOL_SHOW && r->which & RESIDUE_WARNINGS)
        show_count(r, t, before->in_executed);
    else
        replace(r, t);
    if (r->call_end && t->end == r->call_end) {
        copy_to(r, t->end);
        wire_put_u8(r->w, ')');
        r->call_end = 0;
    }
    r->last = *t;
    r->last_word = word;
}

bool residue_text_write(struct wire_writer *w, const uint8_t *text, size_t length, struct lexer_modes modes, uint8_t which,
                        const struct residue_values *values)
{
    struct rewriter r = {.w = w, .text = text, .length = length, .values = values, .which = which, .last = {.kind = TOKEN_END}};
    struct lexer before;
    struct token t;

    lexer_begin(&r.lexer, modes);
    lexer_piece(&r.lexer, text, length);
    begin_statement(&r);
    if (which & (RESIDUE_WARNINGS | RESIDUE_FOUND_ROWS) && modes.mariadb)
        look_ahead(&r);
    do {
        before = r.lexer;
        residue_token(&r.lexer, &t);
        follow(&r, &t, &before);
    } while (t.kind != TOKEN_END && !r.lost && !w->full);
    copy_to(&r, length);
    return !r.lost && !w->full && !lexer_unclear(&r.lexer);
}
