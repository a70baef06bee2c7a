/* SPDX-License-Identifier: MIT
 * The blocks of stored code.
 *
 * Statements that are not in the table (stored_code_word.def) and forms that were not expected make the code opaque: then the place is LOST.
 */
#include "proxy/stored_code_block.h"

#include "protocol/statement.h"

enum place {
    AT_START,       /* of a statement */
    AFTER_LABEL,
    IN_SIMPLE,      /* to the semicolon */
    IN_CONDITION,   /* to THEN */
    IN_CASE,        /* CASE value: to WHEN */
    IN_LOOP,        /* WHILE, FOR: to DO */
    IN_UNTIL,       /* to END */
    AFTER_END,
    DECLARE_NAME,
    DECLARE_NEXT,
    HANDLER_FOR,
    HANDLER_CONDITION,
    HANDLER_STATE,
    HANDLER_FOUND,
    HANDLER_MORE,
    SET_TARGET,
    SET_NAMED,
    SET_FIELD,      /* NEW. */
    SET_NAMED_FIELD,
    SET_COLON,
    IN_SET,
    LOST,
};

enum open { OPEN_BLOCK, OPEN_IF, OPEN_CASE, OPEN_LOOP, OPEN_CASE_VALUE };

static void lose(struct code_block *b, const char *why)
{
    if (!b->found->opaque)
        b->found->opaque = why;
    b->place = LOST;
}

static bool top_is(const struct code_block *b, enum open open)
{
    return b->depth && b->open[b->depth - 1] == open;
}

static bool handles(const struct code_block *b)
{
    return b->handler || (b->depth && b->in_handler[b->depth - 1]);
}

static void push(struct code_block *b, enum open open, enum place place)
{
    if (b->depth == CODE_DEPTH) {
        lose(b, "is nested too deeply");
        return;
    }
    b->in_handler[b->depth] = handles(b);
    b->open[b->depth++] = (uint8_t)open;
    b->handler = false;
    b->place = (uint8_t)place;
}

static void pop(struct code_block *b)
{
    b->depth--;
    while (b->local_count && b->locals[b->local_count - 1].depth > b->depth)
        b->local_count--;
}

static bool is_name(const struct token *token)
{
    return token->kind == TOKEN_WORD || token->kind == TOKEN_QUOTED;
}

static bool is_sign(const struct token *token, char sign)
{
    return token->kind == TOKEN_SIGN && token->sign == (uint8_t)sign;
}

/* --- names --- */

static void add_local(struct code_block *b, uint64_t hash)
{
    if (b->local_count == CODE_LOCALS) {
        lose(b, "declares too many variables");
        return;
    }
    b->locals[b->local_count].hash = hash;
    b->locals[b->local_count++].depth = b->depth;
    b->pending++;
}

static bool is_local(const struct code_block *b, uint64_t hash)
{
    for (unsigned i = 0; i < b->local_count; i++)
        if (b->locals[i].hash == hash)
            return true;
    for (size_t i = 0; i < b->text->parameter_count; i++)
        if (b->text->parameters[i] == hash)
            return true;
    return false;
}

/* --- statements --- */

static void end_statement(struct code_block *b)
{
    b->has_changed |= b->changes;
    b->handler = b->changes = false;
    b->place = AT_START;
}

/* Its top must be one of two. */
static void continue_in(struct code_block *b, enum open one, enum open other, enum place place)
{
    if (top_is(b, one) || top_is(b, other))
        b->place = (uint8_t)place;
    else
        lose(b, "has a form that is not understood");
}

static void close_one(struct code_block *b)
{
    if (b->depth) {
        pop(b);
        b->place = AFTER_END;
    } else {
        lose(b, "has a form that is not understood");
    }
}

static void read_diagnostics(struct code_block *b)
{
    b->place = IN_SIMPLE;
    if (handles(b))
        return; /* of the condition that it handles */
    b->found->reads |= RESIDUE_WARNINGS | (b->has_changed ? 0 : RESIDUE_ROW_COUNT);
    if (!b->found->opaque)
        b->found->opaque = "reads diagnostics";
}

/* It is in no branch, loop or handler, and whoever leaves the block in front of it leaves the routine: what is behind it is behind it in time. MariaDB's triggers
 * keep the ROW_COUNT() of the statement that fires them. */
static void begin_change(struct code_block *b)
{
    b->changes = b->text->kind == CODE_ROUTINE && !b->text->modes.mariadb && b->depth == 1 && top_is(b, OPEN_BLOCK) && !handles(b);
    b->place = IN_SIMPLE;
}

/* Where it is not known any more what is a statement. */
static void note_lost(struct code_block *b, enum code_word word)
{
    if (word == CODE_WORD_GET || word == CODE_WORD_SHOW)
        b->found->reads |= RESIDUE_WARNINGS | RESIDUE_ROW_COUNT;
    else if (word == CODE_WORD_EXECUTE)
        b->found->reads = NAME_READS_ANYTHING;
}

static void begin_other(struct code_block *b, enum code_word word)
{
    switch (word) {
    case CODE_WORD_SHOW:
    case CODE_WORD_EXECUTE:
        note_lost(b, word);
        lose(b, "has a statement that may set state");
        return;
    case CODE_WORD_GET:
        read_diagnostics(b);
        return;
    case CODE_WORD_CALL:
        b->calls = true;
        b->place = IN_SIMPLE;
        return;
    case CODE_WORD_DO:
        b->place = IN_SIMPLE;
        return;
    case CODE_WORD_INSERT:
    case CODE_WORD_REPLACE:
        b->found->inserts = true;
        begin_change(b);
        return;
    case CODE_WORD_UPDATE:
    case CODE_WORD_DELETE:
        begin_change(b);
        return;
    default:
        b->place = code_word_use(word) == USE_START ? IN_SIMPLE : AFTER_LABEL;
    }
}

static void begin_statement(struct code_block *b, const struct token *token, enum code_word word)
{
    if (!is_name(token)) {
        b->place = IN_SIMPLE; /* (SELECT ...) */
        if (!is_sign(token, '('))
            lose(b, "has a form that is not understood");
        return;
    }
    switch (word) {
    case CODE_WORD_BEGIN: push(b, OPEN_BLOCK, AT_START); return;
    case CODE_WORD_END: close_one(b); return;
    case CODE_WORD_IF: push(b, OPEN_IF, IN_CONDITION); return;
    case CODE_WORD_ELSEIF: continue_in(b, OPEN_IF, OPEN_IF, IN_CONDITION); return;
    case CODE_WORD_ELSE: continue_in(b, OPEN_IF, OPEN_CASE, AT_START); return;
    case CODE_WORD_CASE: push(b, OPEN_CASE, IN_CASE); return;
    case CODE_WORD_WHEN: continue_in(b, OPEN_CASE, OPEN_CASE, IN_CONDITION); return;
    case CODE_WORD_WHILE:
    case CODE_WORD_FOR: push(b, OPEN_LOOP, IN_LOOP); return;
    case CODE_WORD_LOOP:
    case CODE_WORD_REPEAT: push(b, OPEN_LOOP, AT_START); return;
    case CODE_WORD_UNTIL: continue_in(b, OPEN_LOOP, OPEN_LOOP, IN_UNTIL); return;
    case CODE_WORD_DECLARE: b->place = DECLARE_NAME; b->pending = 0; return;
    case CODE_WORD_SET: b->place = SET_TARGET; b->set_parens = b->parens; return;
    default: begin_other(b, word);
    }
}

/* --- inside of statements --- */

/* A CASE among values. True: the word was of one. */
static bool value_word(struct code_block *b, enum code_word word)
{
    if (word == CODE_WORD_CASE && b->place != AT_START && b->place != AFTER_END) {
        push(b, OPEN_CASE_VALUE, (enum place)b->place);
        return true;
    }
    if (!top_is(b, OPEN_CASE_VALUE))
        return false;
    if (word == CODE_WORD_END)
        pop(b);
    return word == CODE_WORD_END || word == CODE_WORD_WHEN || word == CODE_WORD_THEN || word == CODE_WORD_ELSE;
}

/* Words that the form of blocks is made of, and that may not stand inside of a statement. */
static bool is_form(enum code_word word)
{
    return word == CODE_WORD_THEN || word == CODE_WORD_ELSE || word == CODE_WORD_ELSEIF || word == CODE_WORD_WHEN || word == CODE_WORD_END || word == CODE_WORD_LOOP || word == CODE_WORD_WHILE;
}

/* To `last`, behind which something begins; or, without one, to the semicolon. */
static void inside(struct code_block *b, const struct token *token, enum code_word word, enum code_word last, enum place next)
{
    if (last && word == last)
        b->place = (uint8_t)next;
    else if (is_sign(token, ';') && !last && !b->parens && !top_is(b, OPEN_CASE_VALUE))
        end_statement(b);
    else if (is_sign(token, ';') || is_form(word))
        lose(b, "has a form that is not understood");
}

static void declare(struct code_block *b, const struct token *token, enum code_word word)
{
    if (b->place == DECLARE_NAME) {
        if (is_name(token)) {
            b->place = DECLARE_NEXT;
            add_local(b, token->hash);
        } else {
            lose(b, "has a form that is not understood");
        }
        return;
    }
    if (is_sign(token, ',')) {
        b->place = DECLARE_NAME;
        return;
    }
    if (word == CODE_WORD_HANDLER || word == CODE_WORD_CONDITION || word == CODE_WORD_CURSOR)
        b->local_count -= b->pending; /* no variable */
    b->place = word == CODE_WORD_HANDLER ? HANDLER_FOR : IN_SIMPLE;
}

/* FOR condition, condition ... statement */
static void handler(struct code_block *b, const struct token *token, enum code_word word)
{
    enum place next = LOST;

    if (b->place == HANDLER_FOR && word == CODE_WORD_FOR)
        next = HANDLER_CONDITION;
    else if (b->place == HANDLER_CONDITION && word == CODE_WORD_SQLSTATE)
        next = HANDLER_STATE;
    else if (b->place == HANDLER_CONDITION && word == CODE_WORD_NOT)
        next = HANDLER_FOUND;
    else if (b->place == HANDLER_CONDITION && (is_name(token) || token->kind == TOKEN_NUMBER))
        next = HANDLER_MORE;
    else if (b->place == HANDLER_STATE && word == CODE_WORD_VALUE)
        next = HANDLER_STATE;
    else if ((b->place == HANDLER_STATE && token->kind == TOKEN_STRING) || (b->place == HANDLER_FOUND && is_name(token)))
        next = HANDLER_MORE;
    else if (b->place == HANDLER_MORE && is_sign(token, ','))
        next = HANDLER_CONDITION;
    else if (b->place == HANDLER_MORE) {
        b->handler = true;
        begin_statement(b, token, word);
        return;
    }
    if (next == LOST)
        lose(b, "has a form that is not understood");
    b->place = (uint8_t)next;
}

/* What is no local variable, parameter or NEW.column could be a variable of the session. */
static void set(struct code_block *b, const struct token *token, enum code_word word)
{
    bool named = b->place == SET_NAMED && is_local(b, b->target), field = b->place == SET_NAMED_FIELD;

    if (b->place == SET_TARGET && is_name(token)) {
        b->target = token->hash;
        b->target_is_new = word == CODE_WORD_NEW && b->text->kind == CODE_TRIGGER;
        b->place = SET_NAMED;
    } else if (b->place == SET_NAMED && is_sign(token, '.') && b->target_is_new) {
        b->place = SET_FIELD;
    } else if (b->place == SET_FIELD && is_name(token)) {
        b->place = SET_NAMED_FIELD;
    } else if ((named || field) && is_sign(token, ':')) {
        b->place = SET_COLON;
    } else if ((named || field || b->place == SET_COLON) && is_sign(token, '=')) {
        b->place = IN_SET;
    } else {
        lose(b, "sets what is no local variable");
    }
}

void code_block_token(struct code_block *b, const struct token *token, enum code_word word, unsigned parens)
{
    b->parens = parens;
    if (b->place == LOST)
        note_lost(b, word);
    if (b->place == LOST || value_word(b, word))
        return;
    if (is_sign(token, ':') && b->place != AFTER_LABEL && b->place != SET_NAMED && b->place != SET_NAMED_FIELD) {
        lose(b, "has a form that is not understood");
        return;
    }
    switch ((enum place)b->place) {
    case AT_START: begin_statement(b, token, word); break;
    case AFTER_LABEL:
        b->place = AT_START;
        if (!is_sign(token, ':'))
            lose(b, "has a statement that may set state");
        break;
    case IN_SIMPLE: inside(b, token, word, CODE_WORD_OTHER, AT_START); break;
    case IN_CONDITION: inside(b, token, word, CODE_WORD_THEN, AT_START); break;
    case IN_CASE: inside(b, token, word, CODE_WORD_WHEN, IN_CONDITION); break;
    case IN_LOOP: inside(b, token, word, CODE_WORD_DO, AT_START); break;
    case IN_UNTIL:
        inside(b, token, word, CODE_WORD_END, AFTER_END);
        if (b->place == AFTER_END)
            pop(b);
        break;
    case AFTER_END:
        if (is_sign(token, ';'))
            end_statement(b);
        else if (!is_name(token))
            lose(b, "has a form that is not understood");
        break;
    case DECLARE_NAME:
    case DECLARE_NEXT: declare(b, token, word); break;
    case HANDLER_FOR:
    case HANDLER_CONDITION:
    case HANDLER_STATE:
    case HANDLER_FOUND:
    case HANDLER_MORE: handler(b, token, word); break;
    case SET_TARGET:
    case SET_NAMED:
    case SET_FIELD:
    case SET_NAMED_FIELD:
    case SET_COLON: set(b, token, word); break;
    case IN_SET:
        if (is_sign(token, ',') && parens == b->set_parens && !top_is(b, OPEN_CASE_VALUE))
            b->place = SET_TARGET;
        else
            inside(b, token, word, CODE_WORD_OTHER, AT_START);
        break;
    case LOST: break;
    }
}

void code_block_begin(struct code_block *b, const struct code_text *text, struct code_findings *found)
{
    b->text = text;
    b->found = found;
    b->place = text->kind == CODE_EXPRESSION ? IN_SIMPLE : AT_START;
    b->depth = b->parens = b->set_parens = b->local_count = b->pending = 0;
    b->handler = b->changes = b->has_changed = b->calls = b->target_is_new = false;
    b->target = 0;
}

void code_block_end(struct code_block *b)
{
    bool complete = b->place == IN_SIMPLE || b->place == IN_SET || b->place == AFTER_END || b->place == AT_START || b->place == LOST;

    if (!complete || (b->place != LOST && (b->depth || b->parens)))
        lose(b, "has a form that is not understood");
}
