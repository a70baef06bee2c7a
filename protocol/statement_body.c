/* SPDX-License-Identifier: MIT
 * Stored code that is defined: what is in it does not run, so it pins nothing. All that matters is where it ends, for what stands behind
 * it does run. In doubt it ends early: then its own words are judged, which can only pin more.
 */
#include "protocol/statement_part.h"

#include <string.h>

void body_begin(struct statement *s, bool trigger, bool simple)
{
    s->part = PART_BODY;
    s->body.blocks = 0;
    s->body.rows = trigger;
    s->body.simple = simple;
    s->body.handler = s->body.begun = false;
}

/* In a head: the words in front of a name, or a sign in front of a parameter's. */
static bool is_name_next(const struct statement_last *last)
{
    static const char *const words[] = {"PROCEDURE", "FUNCTION", "PACKAGE", "BODY", "TRIGGER", "EXISTS", "ON", "FOLLOWS", "PRECEDES", "IN", "OUT", "INOUT"};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (last->kind == TOKEN_WORD && last->hash == name_hash(words[i], strlen(words[i])))
            return true;
    return last->sign == '(' || last->sign == ',';
}

/* BEGIN as a word of its own, not as a name. Where it is taken for the wrong one, the server's results are more than the statements seen (session.c). */
static bool begins_block(const struct statement *s)
{
    if (s->body.blocks == 0)
        return !s->body.simple && !is_name_next(&s->last);
    if (s->last.sign == ';' || s->last.sign == ':' || s->body.handler)
        return true;
    switch (s->last.word) {
    case SYMBOL_BEGIN:
    case SYMBOL_THEN:
    case SYMBOL_ELSE:
    case SYMBOL_DO:
    case SYMBOL_LOOP:
    case SYMBOL_REPEAT:
        return true;
    default:
        return false;
    }
}

/* Outside of any block: is this body a single statement? */
static void single(struct statement *s, uint8_t symbol)
{
    switch (symbol) {
    case SYMBOL_ROW:
        if (s->last.word == SYMBOL_EACH)
            s->body.rows = false;
        break;
    case SYMBOL_INSERT:
    case SYMBOL_UPDATE:
    case SYMBOL_DELETE:
        s->body.simple |= !s->body.rows; /* AFTER INSERT ON */
        break;
    case SYMBOL_SET:
        s->body.simple |= s->last.word != SYMBOL_CHARACTER;
        break;
    case SYMBOL_SELECT:
    case SYMBOL_WITH:
    case SYMBOL_VALUES:
    case SYMBOL_REPLACE:
    case SYMBOL_CALL:
    case SYMBOL_EXECUTE:
    case SYMBOL_RETURN:
        s->body.simple = true;
        break;
    default:
        s->body.simple |= symbol != SYMBOL_BEGIN && verb_begins(symbol);
        break;
    }
}

static void body_word(struct statement *s, const struct statement_token *t)
{
    switch (t->symbol) {
    case SYMBOL_BEGIN:
        if (begins_block(s)) {
            s->body.blocks++;
            s->body.begun = true;
            s->body.handler = false;
        }
        break;
    case SYMBOL_CASE:
        s->body.blocks += s->body.blocks > 0 && s->last.word != SYMBOL_END;
        break;
    case SYMBOL_HANDLER:
        s->body.handler = s->body.blocks > 0;
        break;
    default:
        break;
    }
    /* the word behind END: END IF and the like end what we did not count */
    if (s->last.word == SYMBOL_END && s->body.blocks > 0 && t->symbol != SYMBOL_IF && t->symbol != SYMBOL_LOOP && t->symbol != SYMBOL_WHILE &&
        t->symbol != SYMBOL_REPEAT && t->symbol != SYMBOL_FOR)
        s->body.blocks--;
    if (s->body.blocks == 0)
        single(s, t->symbol);
    if (s->last.word == SYMBOL_LANGUAGE && t->symbol != SYMBOL_SQL)
        statement_pin(s, PIN_OPAQUE); /* its text may be cut otherwise */
}

bool body_token(struct statement *s, const struct statement_token *t)
{
    bool begun = s->body.begun;

    s->body.begun = false;
    if (t->token->kind == TOKEN_WORD && s->last.sign != '.') {
        body_word(s, t);
        return true;
    }
    if (s->last.word == SYMBOL_END && s->body.blocks > 0)
        s->body.blocks--;
    if (!token_is(t, ';'))
        return true;
    if (begun && s->body.blocks > 0)
        s->body.blocks--; /* that BEGIN was a name */
    s->body.handler = false;
    return s->body.blocks > 0;
}
