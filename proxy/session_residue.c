/* SPDX-License-Identifier: MIT
 * What a command leaves for the next one to read: ROW_COUNT(), FOUND_ROWS(), the list of warnings. Facts: docs/session-state.md.
 *
 * Of each of the three it is known whether the command kept it or made it anew. Where that can't be told (session_unclear), the backend was given the session's
 * own beforehand (backend_prime.c), so that the server's is right either way; where that was not possible it is lost, and nobody is told a wrong one.
 */
#include "proxy/session.h"

#include <string.h>

#include "protocol/residue_prime.h"

static bool runs_text(const struct command_effects *e)
{
    return e->command == COM_QUERY || e->command == COM_STMT_EXECUTE;
}

static bool is_opaque(const struct command_effects *e)
{
    return (e->text.pins & PIN_BIT(PIN_OPAQUE)) != 0;
}

/* MySQL's errors about a statement that is not there (which may do anything), and its warning about COM_FIELD_LIST, come behind what is in the list. */
static bool may_add_to_list(const struct command_effects *e)
{
    if (e->command == COM_STMT_EXECUTE)
        return is_opaque(e) && e->text.verb == VERB_OTHER;
    return e->command == COM_STMT_FETCH || e->command == COM_STMT_RESET || e->command == COM_FIELD_LIST;
}

/* MariaDB begins the list anew for whatever uses tables as soon as it is prepared; a block, a routine or a function is not looked into then. */
static enum warnings_fate fate_when_prepared(const struct command_effects *e)
{
    return e->text.several || is_opaque(e) ? WARNINGS_UNCLEAR : e->text.warnings;
}

bool session_refuses_several(const struct session *s, const struct command_effects *e)
{
    return e->text.several && !s->image.multi_statements && !is_opaque(e);
}

static bool opens_early(const struct command_effects *e)
{
    return e->command == COM_QUERY && e->text.opens_early && !e->text.several;
}

uint8_t session_unclear(const struct command_effects *e, bool is_mariadb)
{
    uint8_t unclear = !is_mariadb && may_add_to_list(e) ? RESIDUE_WARNINGS : 0;

    if (e->command == COM_STMT_PREPARE)
        return is_mariadb && fate_when_prepared(e) == WARNINGS_UNCLEAR ? RESIDUE_WARNINGS : 0;
    if (!runs_text(e))
        return unclear;
    if (e->text.found_rows == FOUND_ROWS_UNCLEAR || (is_opaque(e) && e->text.verb == VERB_OTHER))
        unclear |= RESIDUE_FOUND_ROWS;
    if (is_mariadb && (is_opaque(e) || e->text.warnings == WARNINGS_UNCLEAR))
        unclear |= RESIDUE_WARNINGS;
    if (is_mariadb && opens_early(e) && e->text.nested)
        unclear |= RESIDUE_ROW_COUNT;
    return unclear;
}

/* --- ROW_COUNT() --- */

/* When MariaDB can't open the table (1146: there is none, 1356: the view is invalid) nothing has begun yet. */
static bool failed_to_open(const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    return is_mariadb && opens_early(e) && r->failed && (r->error == 1146 || r->error == 1356);
}

/* It keeps all three. A condition that is not there is a warning to it, though the list tells an error. */
static bool is_get_diagnostics(const struct command_effects *e, const struct reply *r)
{
    return runs_text(e) && e->text.verb == VERB_DIAGNOSTICS && !e->text.several && !r->failed && !r->rows_ended && !r->warned;
}

static bool diagnosed_badly(const struct command_effects *e, const struct reply *r)
{
    return runs_text(e) && e->text.verb == VERB_DIAGNOSTICS && !e->text.several && !r->rows_ended && r->warned;
}

static void note_row_count(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    switch (e->command) {
    case COM_STATISTICS:
        return;
    case COM_STMT_PREPARE:
        if (!r->failed)
            return;
        s->row_count = -1;
        break;
    case COM_STMT_RESET:
    case COM_PING:
    case COM_INIT_DB:
        s->row_count = r->failed ? -1 : 0;
        break;
    case COM_SET_OPTION:
    case COM_FIELD_LIST:
        s->row_count = -1;
        break;
    default:
        if (failed_to_open(e, r, is_mariadb) && e->text.nested)
            s->pins |= PIN_BIT(PIN_UNSAVED); /* or it was a table of the SELECT in it, later: the server knows */
        if (failed_to_open(e, r, is_mariadb) || is_get_diagnostics(e, r))
            return;
        s->row_count = r->failed || r->rows_ended || diagnosed_badly(e, r) ? -1 : (int64_t)r->affected_rows;
    }
    s->on_server |= RESIDUE_ROW_COUNT;
}

bool session_row_count_stays(const struct session *s, bool is_mariadb)
{
    if (!(s->on_server & RESIDUE_ROW_COUNT) || s->row_count < 1)
        return false;
    if (is_mariadb)
        return s->row_count > RESIDUE_PRIME_COUNT;
    return s->row_count > 1 || s->found_rows < 1 || s->unsaved & UNSAVED_FOUND_ROWS;
}

/* --- FOUND_ROWS() --- */

/* What a server finds out while it looks names up, before it executes anything. */
static bool is_unresolved(uint16_t error)
{
    static const uint16_t errors[] = {1044, 1046, 1049, 1052, 1054, 1064, 1066, 1109, 1142, 1143, 1146, 1193, 1222, 1227, 1235, 1243, 1248, 1253, 1267, 1305, 1370, 1582};

    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i] == error)
            return true;
    return false;
}

/* MariaDB has set it when it began to execute: that shows when columns were sent, but a SELECT in another is executed before. MySQL sets it at the end. */
static enum found_rows found_rows_after_error(const struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    if (e->command == COM_STMT_EXECUTE && r->error == 1243)
        return FOUND_ROWS_KEPT;
    if (e->text.several ? session_refuses_several(s, e) : e->text.verb != VERB_OTHER && is_unresolved(r->error))
        return FOUND_ROWS_KEPT;
    if (is_opaque(e) && (e->text.several || e->text.verb == VERB_OTHER))
        return FOUND_ROWS_UNCLEAR;
    if (e->text.several) /* not all of them have run; kept by all, it is kept by those that have, and by the one that failed */
        return e->text.found_rows == FOUND_ROWS_KEPT ? FOUND_ROWS_KEPT : FOUND_ROWS_UNCLEAR;
    if (!is_mariadb || e->text.found_rows == FOUND_ROWS_KEPT)
        return FOUND_ROWS_KEPT;
    return r->rows_begun ? FOUND_ROWS_SET : e->text.nested ? FOUND_ROWS_UNCLEAR : FOUND_ROWS_KEPT;
}

static enum found_rows found_rows_after(const struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    if (e->command == COM_STMT_FETCH && !r->failed)
        return FOUND_ROWS_SET;
    if (!runs_text(e))
        return FOUND_ROWS_KEPT;
    if (r->failed)
        return found_rows_after_error(s, e, r, is_mariadb);
    if (is_opaque(e) && e->text.verb == VERB_OTHER) /* functions and triggers put it back */
        return FOUND_ROWS_UNCLEAR;
    if (e->text.found_rows == FOUND_ROWS_COUNTED && e->command == COM_STMT_EXECUTE)
        return FOUND_ROWS_SET; /* a cursor's rows are not in the reply */
    return e->text.found_rows;
}

/* Has MySQL counted rows for an UPDATE that failed then? */
static bool counts_unseen(const struct command_effects *e, const struct reply *r)
{
    return r->failed && runs_text(e) && (e->text.verb == VERB_WRITE || e->text.several) && e->text.found_rows == FOUND_ROWS_UNCLEAR && !is_unresolved(r->error);
}

/* Would FOUND_ROWS() tell them now? */
static bool shows_unseen(const struct command_effects *e, const struct reply *r)
{
    static const unsigned hidden = 1u << VERB_NONE | 1u << VERB_SET | 1u << VERB_BEGIN | 1u << VERB_END | 1u << VERB_USE | 1u << VERB_DDL | 1u << VERB_DIAGNOSTICS;

    if (!runs_text(e) || (r->failed && !e->text.several))
        return false;
    return e->text.several || !(hidden >> e->text.verb & 1);
}

static enum found_rows follow_unseen(struct session *s, const struct command_effects *e, const struct reply *r, enum found_rows after)
{
    if (counts_unseen(e, r)) {
        s->unseen = UNSEEN_SERVER;
        return after;
    }
    if (after == FOUND_ROWS_COUNTED || after == FOUND_ROWS_SET)
        s->unseen = UNSEEN_NONE;
    if (s->unseen == UNSEEN_NONE || !shows_unseen(e, r))
        return after;
    if (s->unseen == UNSEEN_SERVER)
        return r->failed ? FOUND_ROWS_UNCLEAR : FOUND_ROWS_SET; /* of several, the one that fails may be the first */
    s->on_server &= (uint8_t)~RESIDUE_FOUND_ROWS;
    return FOUND_ROWS_UNCLEAR;
}

void session_asked(struct session *s)
{
    s->on_server &= (uint8_t)~(RESIDUE_ROW_COUNT | RESIDUE_FOUND_ROWS);
    if (s->unseen != UNSEEN_NONE)
        s->unseen = UNSEEN_LOST;
}

static void note_found_rows(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    enum found_rows after = found_rows_after(s, e, r, is_mariadb);

    if (!is_mariadb)
        after = follow_unseen(s, e, r, after);
    if (after == FOUND_ROWS_KEPT)
        return;
    s->found_rows_lost = after == FOUND_ROWS_UNCLEAR && !(s->on_server & RESIDUE_FOUND_ROWS);
    s->unsaved &= (uint8_t)~UNSAVED_FOUND_ROWS;
    if (s->found_rows_lost)
        return;
    s->on_server |= RESIDUE_FOUND_ROWS;
    if (after == FOUND_ROWS_COUNTED)
        s->found_rows = r->rows;
    else
        s->unsaved |= UNSAVED_FOUND_ROWS;
}

/* --- warnings --- */

static enum warnings_fate warnings_after(const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    if (r->failed || r->warned)
        return WARNINGS_CLEARED;
    if (e->command == COM_STMT_PREPARE)
        return is_mariadb ? fate_when_prepared(e) : WARNINGS_CLEARED;
    if (!runs_text(e) || (e->text.verb == VERB_DIAGNOSTICS && !e->text.several))
        return WARNINGS_KEPT;
    if (!is_mariadb)
        return WARNINGS_CLEARED;
    if (e->text.warnings == WARNINGS_KEPT && is_opaque(e)) /* a function that uses tables begins it anew */
        return WARNINGS_UNCLEAR;
    return e->text.warnings;
}

/* May there be something in a list that has begun anew? After several statements, or a routine, the last reply does not tell of all. */
static bool may_have_warned(const struct command_effects *e, const struct reply *r)
{
    return r->failed || r->warned || (runs_text(e) && (e->text.several || (is_opaque(e) && e->text.verb != VERB_SELECT)));
}

/* The list was empty, the statement may have begun it anew, and has not warned, whatever of it ran. */
static bool stays_empty(const struct session *s, const struct command_effects *e)
{
    return s->diagnostics == DIAGNOSTICS_NONE && !(runs_text(e) && (e->text.several || is_opaque(e)));
}

static void set_diagnostics(struct session *s, enum diagnostics diagnostics)
{
    s->diagnostics = diagnostics;
    s->unsaved &= (uint8_t)~UNSAVED_WARNINGS;
    if (diagnostics == DIAGNOSTICS_SERVER)
        s->unsaved |= UNSAVED_WARNINGS;
    if (diagnostics != DIAGNOSTICS_LOST)
        s->on_server |= RESIDUE_WARNINGS;
    s->signalled = false;
    buffer_free(&s->warnings);
}

static bool has_added_to_list(const struct command_effects *e, const struct reply *r)
{
    if (e->command == COM_SET_OPTION) /* there is no such option */
        return r->failed;
    return may_add_to_list(e) && (e->command == COM_FIELD_LIST || (r->failed && r->error == 1243));
}

static void note_warnings(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    enum warnings_fate after = warnings_after(e, r, is_mariadb);

    if (!is_mariadb && has_added_to_list(e, r))
        set_diagnostics(s, s->on_server & RESIDUE_WARNINGS ? DIAGNOSTICS_SERVER : DIAGNOSTICS_LOST);
    else if (after == WARNINGS_CLEARED)
        set_diagnostics(s, may_have_warned(e, r) ? DIAGNOSTICS_SERVER : DIAGNOSTICS_NONE);
    else if (after == WARNINGS_UNCLEAR && stays_empty(s, e))
        return;
    else if (after == WARNINGS_UNCLEAR && s->on_server & RESIDUE_WARNINGS)
        set_diagnostics(s, DIAGNOSTICS_SERVER);
    else if (after == WARNINGS_UNCLEAR && s->diagnostics != DIAGNOSTICS_NONE)
        set_diagnostics(s, DIAGNOSTICS_LOST);
    else if (after == WARNINGS_UNCLEAR && may_have_warned(e, r))
        set_diagnostics(s, DIAGNOSTICS_SERVER); /* it was empty, here too */
}

/* In which character set SHOW WARNINGS answers: of its columns, and of its texts. */
static uint64_t results_hash(const struct session *s)
{
    uint64_t hash = 0;
    struct session_value value;
    size_t at = 0;

    while (session_values_next(s->values, &at, &value))
        if (value.variable == RESULTS_COLLATION || (value.variable != CLIENT_COLLATION && variable_at(value.variable)->policy == VARIABLE_CHARSET))
            hash = hash * 31 + (value.null ? 7 : name_hash(value.text.data, value.text.length));
    return hash;
}

static bool results_known(const struct session *s)
{
    if (s->results_collated)
        return false;
    for (unsigned i = 0; i < variable_count(); i++)
        if (s->dirty[i / 64] >> i % 64 & 1 && variable_at(i)->policy == VARIABLE_CHARSET)
            return false;
    return true;
}

static bool results_are_utf8(const struct session *s)
{
    int variable = variable_find(name_hash("character_set_results", strlen("character_set_results")));
    struct session_value value;

    if (!session_values_find(s->values, (uint16_t)variable, &value))
        return session_speaks_utf8(s);
    return !value.null && (wire_text_is(value.text, "utf8mb4") || wire_text_is(value.text, "utf8mb3"));
}

void session_list_overwritten(struct session *s)
{
    s->on_server &= (uint8_t)~RESIDUE_WARNINGS;
    if (s->diagnostics == DIAGNOSTICS_SERVER)
        s->diagnostics = DIAGNOSTICS_LOST;
    s->unsaved &= (uint8_t)~UNSAVED_WARNINGS;
}

void session_not_saved(struct session *s, bool listed)
{
    s->found_rows_lost |= (s->unsaved & UNSAVED_FOUND_ROWS) != 0; /* it was a SELECT */
    s->unsaved &= (uint8_t)~UNSAVED_FOUND_ROWS;
    if (!listed)
        session_list_overwritten(s);
    if (s->diagnostics != DIAGNOSTICS_STORED)
        buffer_free(&s->warnings);
}

void session_warnings_stored(struct session *s)
{
    if (s->warning_count == 0) { /* it might have had some */
        set_diagnostics(s, DIAGNOSTICS_NONE);
        return;
    }
    s->diagnostics = DIAGNOSTICS_STORED;
    s->on_server &= (uint8_t)~RESIDUE_WARNINGS;
    s->warnings_charset = results_hash(s);
    s->warnings_utf8 = results_known(s) && results_are_utf8(s);
}

bool session_warnings_current(const struct session *s)
{
    return s->diagnostics == DIAGNOSTICS_STORED && results_known(s) && s->warnings_charset == results_hash(s);
}

static bool tells_conditions(uint8_t command)
{
    return command == COM_PING || command == COM_INIT_DB || command == COM_SET_OPTION;
}

static uint16_t listed(const struct session *s)
{
    return (uint16_t)(s->warning_count < CONDITIONS_LISTED ? s->warning_count : CONDITIONS_LISTED);
}

/* What is no option is one more, even to a list that could not be given back; what is no statement is told alone. */
static uint16_t conditions_after_error(const struct session *s, const struct command_effects *e, const struct reply *r)
{
    uint16_t before = s->conditions != CONDITIONS_LISTED ? s->conditions : listed(s);

    if (!has_added_to_list(e, r))
        return CONDITIONS_LISTED;
    if (e->command != COM_SET_OPTION)
        return 1;
    return s->on_server & RESIDUE_WARNINGS || before + 1u >= CONDITIONS_LISTED ? CONDITIONS_LISTED : (uint16_t)(before + 1);
}

static void note_conditions(struct session *s, const struct command_effects *e, const struct reply *r)
{
    if (!r->failed && (tells_conditions(e->command) || e->command == COM_STATISTICS))
        return;
    s->conditions = r->failed ? conditions_after_error(s, e, r) : r->warnings;
}

uint16_t session_conditions(const struct session *s, uint8_t command, bool is_mariadb)
{
    if (is_mariadb || !tells_conditions(command) || s->on_server & RESIDUE_WARNINGS)
        return 0;
    if (s->conditions != CONDITIONS_LISTED)
        return s->conditions;
    return listed(s);
}

static void note_error(struct session *s, const struct reply *r)
{
    if (!r->failed)
        return;
    s->error = r->error;
    memcpy(s->sqlstate, r->sqlstate, sizeof s->sqlstate);
}

static bool is_one_error(const struct session *s)
{
    return s->warning_count == 1 && s->error_count == 1;
}

bool session_knows_sqlstates(const struct session *s)
{
    return s->on_server & RESIDUE_WARNINGS ? !s->signalled : s->diagnostics == DIAGNOSTICS_NONE || is_one_error(s);
}

void session_primed(struct session *s, uint8_t asked, uint8_t done)
{
    s->on_server = (uint8_t)((s->on_server & ~(asked | RESIDUE_ROW_COUNT)) | done);
    s->signalled |= done & RESIDUE_WARNINGS && s->diagnostics != DIAGNOSTICS_NONE && !is_one_error(s);
    if (done != asked) {
        s->unprimable |= asked;
        session_list_overwritten(s); /* the refusal is in the list */
    }
}

void session_prime_killed(struct session *s, uint8_t asked)
{
    s->on_server &= (uint8_t)~(asked | RESIDUE_ROW_COUNT);
    session_list_overwritten(s);
}

void session_note_residue(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    note_row_count(s, e, r, is_mariadb);
    note_found_rows(s, e, r, is_mariadb);
    note_warnings(s, e, r, is_mariadb);
    note_conditions(s, e, r);
    note_error(s, r);
    s->unprimable = 0;
    if (e->local)
        s->on_server &= (uint8_t)~RESIDUE_ROW_COUNT;
}
