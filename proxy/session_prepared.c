/* SPDX-License-Identifier: MIT
 * A session's prepared statements, and what each may do: found by their numbers, which grow. Drivers keep thousands of them.
 */
#include <stdlib.h>
#include <string.h>

#include "proxy/session.h"

#define STATEMENTS_MORE 16u

/* Where it is, or would be. */
static size_t place_of(const struct session *s, uint32_t id)
{
    size_t from = 0, to = s->statement_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;

        if (s->statements[middle].id < id)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}

static bool is_at(const struct session *s, size_t place, uint32_t id)
{
    return place < s->statement_count && s->statements[place].id == id;
}

static bool has_room(struct session *s)
{
    struct session_statement *more;

    if (s->statement_count % STATEMENTS_MORE)
        return true;
    more = s->statement_count < SESSION_STATEMENTS_MAX ? realloc(s->statements, (s->statement_count + STATEMENTS_MORE) * sizeof *more) : NULL;
    if (more)
        s->statements = more;
    return more != NULL;
}

void session_note_prepared(struct session *s, uint32_t id, const struct statement_effects *effects)
{
    bool next = s->statement_count == 0 || id > s->statements[s->statement_count - 1].id; /* else the server has begun again after 2^32 */
    struct statement_effects *copy = next && has_room(s) ? malloc(sizeof *copy) : NULL;

    if (!copy) {
        s->pins |= PIN_BIT(PIN_UNSAVED); /* too many to count: they hold the session for good */
        return;
    }
    *copy = *effects;
    s->statements[s->statement_count++] = (struct session_statement){.id = id, .effects = copy};
    s->pins |= PIN_BIT(PIN_STATEMENTS);
}

static struct statement_effects effects_of(const struct session *s, uint32_t id)
{
    size_t place = place_of(s, id);

    if (id == STATEMENT_ID_LAST && s->statement_count)
        return *s->statements[s->statement_count - 1].effects;
    if (is_at(s, place, id))
        return *s->statements[place].effects;
    return (struct statement_effects){.verb = VERB_OTHER, .pins = PIN_BIT(PIN_OPAQUE), .found_rows = FOUND_ROWS_UNCLEAR, .insert_id = true};
}

struct statement_effects session_statement_effects(const struct session *s, uint32_t id)
{
    struct statement_effects effects = effects_of(s, id);

    effects.pins |= s->prepared_pins;
    return effects;
}

bool session_cursor_failed(const struct session *s, uint32_t id)
{
    size_t place = place_of(s, id);

    return is_at(s, place, id) && s->statements[place].cursor_failed;
}

bool session_had_cursor(const struct session *s, uint32_t id)
{
    size_t place = place_of(s, id);

    return is_at(s, place, id) && s->statements[place].had_cursor;
}

void session_note_executed(struct session *s, const struct command_effects *e, const struct reply *r)
{
    size_t place = place_of(s, e->id);

    if (!is_at(s, place, e->id))
        return;
    s->statements[place].had_cursor |= e->cursor;
    if (!r->failed)
        s->statements[place].cursor_failed = false;
    else if (e->cursor && r->rows_begun)
        s->statements[place].cursor_failed = true;
}

static void forget_names(struct session *s)
{
    s->prepared_pins = 0;
    free(s->prepared_names);
    s->prepared_names = NULL;
}

void session_note_closed(struct session *s, uint32_t id)
{
    size_t place = place_of(s, id);

    if (is_at(s, place, id)) {
        free(s->statements[place].effects);
        s->statement_count--;
        memmove(&s->statements[place], &s->statements[place + 1], (s->statement_count - place) * sizeof s->statements[0]);
    }
    if (s->statement_count)
        return;
    s->pins &= ~PIN_BIT(PIN_STATEMENTS);
    if (!(s->pins & PIN_BIT(PIN_UNSAVED))) /* then there are others, that were not counted */
        forget_names(s);
}

void session_forget_prepared(struct session *s)
{
    while (s->statement_count)
        free(s->statements[--s->statement_count].effects);
    free(s->statements);
    s->statements = NULL;
    forget_names(s);
}
