/* SPDX-License-Identifier: MIT
 * Stored code, token by token: what is in every statement. Its blocks and statements are stored_code_block.c's.
 */
#include "proxy/stored_code_scan.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/statement.h"
#include "protocol/statement_word.h"
#include "protocol/variable.h"
#include "proxy/invariant.h"
#include "proxy/stored_code_block.h"

/* A name with its dots, until it is known what follows. */
struct name_chain {
    unsigned parts;       /* 0: none */
    bool dotted;          /* its last token is a dot */
    bool variable;        /* behind @@ */
    bool table;           /* where a table is named */
    bool columns;         /* a parenthesis behind it is a list of columns */
    bool row;             /* NEW, OLD */
    bool quoted;          /* the last part is */
    uint64_t first, second, last;
};

struct scan {
    const struct code_text *text;
    struct code_findings *found;
    struct name_chain chain;
    enum code_word word;         /* of the token before; CODE_WORD_OTHER for all but bare words */
    struct token last;           /* the token before */
    bool insert_id;              /* behind LAST_INSERT_ID( */
    bool variables;              /* there was a @@ */
    bool residue_name;           /* there was the name of a variable that holds residue */
    unsigned parens;
    bool from[CODE_DEPTH];       /* at this depth of parentheses: in a list of tables */
    bool arguments[CODE_DEPTH];  /* a name is in front of them, and no SELECT in them yet: EXTRACT(YEAR FROM x) */
    struct code_block block;
};

/* --- names --- */

static void note_opaque(struct scan *s, const char *why)
{
    if (!s->found->opaque)
        s->found->opaque = why;
}

/* reads: enum residue. */
static void note_residue(struct scan *s, uint8_t reads, const char *why)
{
    s->found->reads |= reads;
    note_opaque(s, why);
}

static void judge_builtin(struct scan *s, const struct function *function)
{
    switch ((enum function_effect)function->effect) {
    case FUNCTION_AGGREGATE:
    case FUNCTION_NONE: return;
    case FUNCTION_INSERT_ID: s->insert_id = true; return; /* without an argument it only reads */
    case FUNCTION_ROW_COUNT: note_residue(s, s->block.has_changed ? 0 : RESIDUE_ROW_COUNT, "reads ROW_COUNT()"); return;
    case FUNCTION_FOUND_ROWS: note_residue(s, RESIDUE_FOUND_ROWS, "reads FOUND_ROWS()"); return;
    case FUNCTION_CONNECTION_ID: note_residue(s, RESIDUE_CONNECTION_ID, "reads the connection's id"); return;
    default: note_opaque(s, "calls a function that sets state"); return;
    }
}

/* A name in front of a parenthesis. */
static void judge_call(struct scan *s, const struct name_chain *name, const struct token *parenthesis)
{
    const struct function *function = name->parts == 1 ? function_find(name->last, &s->text->modes) : NULL;
    const struct word *word = name->parts == 1 && !name->quoted ? word_find(name->last) : NULL;

    if (function && function->kind == FUNCTION_TIGHT && parenthesis->spaced)
        function = NULL; /* with IGNORE_SPACE it would be one all the same: at worst it is opaque */
    if (function && function->kind == FUNCTION_KEYWORD && name->quoted)
        function = NULL;
    if (function)
        judge_builtin(s, function);
    else if (!word || (s->text->modes.mariadb ? word->mariadb : word->mysql) == WORD_NAME)
        hash_list_add(&s->found->calls, name->last);
}

/* A session's value travels with it; but some belong to the connection. */
static void judge_variable(struct scan *s, const struct name_chain *name)
{
    int index = variable_find(name->parts > 1 ? name->second : name->first);

    if (index < 0 || variable_at((unsigned)index)->policy == VARIABLE_PINS)
        note_opaque(s, "reads a variable that does not travel");
}

static void end_chain(struct scan *s, const struct token *next)
{
    const struct name_chain name = s->chain;
    bool call = next->kind == TOKEN_SIGN && next->sign == '(';

    if (!name.parts)
        return;
    s->chain.parts = 0;
    if (name.variable) {
        judge_variable(s, &name);
        return;
    }
    if (name.parts == 1 && !name.dotted)
        hash_list_add(&s->found->bare, name.first);
    else if (name.parts >= 3 || (name.parts == 2 && (name.table || call || s->block.calls)))
        hash_list_add(&s->found->schemas, name.first);
    else if (!name.row)
        hash_list_add(&s->found->prefixes, name.first);
    if (name.parts == 2 && name.table)
        hash_list_add(&s->found->bare, name.last);
    if (s->block.calls)
        hash_list_add(&s->found->calls, name.last);
    else if (call && !name.columns)
        judge_call(s, &name, next);
    s->block.calls = false;
}

static bool names_table(const struct scan *s)
{
    switch (s->word) {
    case CODE_WORD_FROM:
    case CODE_WORD_JOIN:
    case CODE_WORD_STRAIGHT_JOIN:
    case CODE_WORD_UPDATE:
    case CODE_WORD_TABLE: return true;
    default: return s->last.kind == TOKEN_SIGN && (s->last.sign == ',' || s->last.sign == '(') && s->from[s->parens];
    }
}

/* INSERT INTO t (a, b) */
static bool has_columns(const struct scan *s)
{
    switch (s->word) {
    case CODE_WORD_INTO:
    case CODE_WORD_INSERT:
    case CODE_WORD_REPLACE:
    case CODE_WORD_IGNORE:
    case CODE_WORD_LOW_PRIORITY:
    case CODE_WORD_HIGH_PRIORITY:
    case CODE_WORD_DELAYED: return true;
    default: return false;
    }
}

static void name_token(struct scan *s, const struct token *token, enum code_word word)
{
    struct name_chain *chain = &s->chain;

    hash_list_add(&s->found->mentions, token->hash);
    if (chain->parts && chain->dotted) {
        if (chain->parts++ == 1)
            chain->second = token->hash;
        chain->last = token->hash;
        chain->dotted = false;
        chain->quoted = token->kind == TOKEN_QUOTED;
        return;
    }
    end_chain(s, token);
    *chain = (struct name_chain){.parts = 1, .first = token->hash, .last = token->hash, .quoted = token->kind == TOKEN_QUOTED};
    chain->variable = s->last.kind == TOKEN_SYSTEM_VARIABLE;
    chain->columns = has_columns(s);
    chain->table = chain->columns || names_table(s);
    chain->row = word == CODE_WORD_NEW || word == CODE_WORD_OLD;
}

/* --- tokens --- */

/* Where the next comma separates tables, for names in front of a dot. */
static void follow_from(struct scan *s, const struct token *token, enum code_word word)
{
    bool *from = &s->from[s->parens];

    switch (word) {
    case CODE_WORD_FROM:
    case CODE_WORD_JOIN:
    case CODE_WORD_STRAIGHT_JOIN:
    case CODE_WORD_UPDATE:
    case CODE_WORD_DELETE: *from = true; break;
    case CODE_WORD_SELECT:
    case CODE_WORD_WHERE:
    case CODE_WORD_GROUP:
    case CODE_WORD_HAVING:
    case CODE_WORD_ORDER:
    case CODE_WORD_LIMIT:
    case CODE_WORD_UNION:
    case CODE_WORD_EXCEPT:
    case CODE_WORD_INTERSECT:
    case CODE_WORD_WINDOW:
    case CODE_WORD_SET: *from = false; break;
    default: break;
    }
    if (word == CODE_WORD_SELECT)
        s->arguments[s->parens] = false;
    if (token->kind == TOKEN_SIGN && token->sign == ';')
        *from = false;
}

static void follow_parens(struct scan *s, const struct token *token)
{
    bool list = names_table(s);

    if (token->kind != TOKEN_SIGN)
        return;
    if (token->sign == '(' && s->parens + 1 == CODE_DEPTH)
        note_residue(s, NAME_READS_ANYTHING, "is nested too deeply");
    else if (token->sign == '(') {
        s->from[++s->parens] = list;
        s->arguments[s->parens] = s->last.kind == TOKEN_WORD;
    } else if (token->sign == ')' && s->parens == 0)
        note_residue(s, NAME_READS_ANYTHING, "has a form that is not understood");
    else if (token->sign == ')')
        s->parens--;
}

static void judge_word(struct scan *s, enum code_word word)
{
    if (word == CODE_WORD_SQL_CALC_FOUND_ROWS)
        note_opaque(s, "counts rows for FOUND_ROWS()");
    if (word == CODE_WORD_VALUE && (s->word == CODE_WORD_NEXT || s->word == CODE_WORD_PREVIOUS))
        note_opaque(s, "uses a sequence");
    if (code_word_use(word) == USE_NAME)
        s->residue_name = true;
}

/* A number that swallowed a dot could be a name: `t.1st`. */
static bool is_odd(const struct scan *s, const struct token *token)
{
    if (!s->chain.parts || token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED)
        return false;
    if (s->chain.dotted)
        return token->kind != TOKEN_SIGN || token->sign != '*';
    return token->kind == TOKEN_NUMBER && !token->spaced;
}

/* FROM in EXTRACT(YEAR FROM x) and UPDATE in ON DUPLICATE KEY UPDATE name no tables. */
static bool is_clause(const struct scan *s, enum code_word word)
{
    return !(word == CODE_WORD_FROM && s->arguments[s->parens]) && !(word == CODE_WORD_UPDATE && s->word == CODE_WORD_KEY);
}

static void on_token(struct scan *s, const struct token *token)
{
    bool name = token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
    bool behind_dot = s->last.kind == TOKEN_SIGN && s->last.sign == '.';
    enum code_word any = token->kind == TOKEN_WORD ? code_word_find(token->hash) : CODE_WORD_OTHER;
    enum code_word word = behind_dot || !is_clause(s, any) ? CODE_WORD_OTHER : any;

    if (s->insert_id && s->last.kind == TOKEN_SIGN && s->last.sign == '(') {
        s->insert_id = false;
        if (token->kind != TOKEN_SIGN || token->sign != ')')
            note_opaque(s, "sets LAST_INSERT_ID()");
    }
    if (is_odd(s, token))
        note_opaque(s, "has a form that is not understood");
    if (token->kind == TOKEN_USER_VARIABLE)
        note_opaque(s, "names a user variable");
    if (token->kind == TOKEN_PARAMETER)
        note_opaque(s, "has a form that is not understood");
    s->variables |= token->kind == TOKEN_SYSTEM_VARIABLE;
    judge_word(s, any);
    if (name)
        name_token(s, token, word);
    else if (token->kind == TOKEN_SIGN && token->sign == '.' && s->chain.parts)
        s->chain.dotted = true;
    else
        end_chain(s, token);
    follow_parens(s, token);
    follow_from(s, token, word);
    code_block_token(&s->block, token, word, s->parens);
    if (word == CODE_WORD_CALL)
        s->chain.parts = 0; /* the name is yet to come */
    s->word = word;
    s->last = *token;
}

static void begin(struct scan *s, const struct code_text *text, struct code_findings *found)
{
    found->opaque = NULL;
    found->inserts = false;
    found->reads = 0;
    found->mentions.count = found->calls.count = found->schemas.count = found->prefixes.count = found->bare.count = 0;
    s->text = text;
    s->found = found;
    s->last.kind = TOKEN_MORE;
    code_block_begin(&s->block, text, found);
}

static void finish(struct scan *s, const struct lexer *lexer)
{
    struct code_findings *found = s->found;

    end_chain(s, &s->last);
    code_block_end(&s->block);
    if (lexer_unclear(lexer))
        note_residue(s, NAME_READS_ANYTHING, "can't be cut into words for certain");
    if (s->variables && s->residue_name)
        note_residue(s, RESIDUE_WARNINGS | RESIDUE_CONNECTION_ID, "reads what the statement before it left, or the connection's id");
    hash_list_sort(&found->mentions);
    hash_list_sort(&found->calls);
    hash_list_sort(&found->schemas);
    hash_list_sort(&found->prefixes);
    hash_list_sort(&found->bare);
}

void code_scan(const struct code_text *text, struct code_findings *found)
{
    struct scan *s = zalloc(sizeof *s);
    struct token token;
    struct lexer lexer;
    bool more = true;

    begin(s, text, found);
    lexer_begin(&lexer, text->modes);
    lexer_piece(&lexer, (const uint8_t *)text->text, text->length);
    while (more) {
        enum token_kind kind = lexer_next(&lexer, &token);

        if (kind == TOKEN_MORE)
            lexer_end(&lexer);
        else if (kind == TOKEN_END)
            more = false;
        else
            on_token(s, &token);
    }
    finish(s, &lexer);
    free(s);
}
