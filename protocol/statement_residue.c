/* SPDX-License-Identifier: MIT
 * What a statement leaves of what the one before it left: FOUND_ROWS(), and the list of warnings. Measured on MariaDB 10.11 and MySQL 9.7; docs/session-state.md
 * has the facts.
 */
#include "protocol/statement_part.h"

/* --- FOUND_ROWS() --- */

/* MySQL's UPDATE counts the rows that it finds, unless it sees that there can be none; DO counts one. */
static enum found_rows counted_by_mysql(const struct statement *s)
{
    return s->verb_word == SYMBOL_UPDATE ? FOUND_ROWS_UNCLEAR : s->verb_word == SYMBOL_DO ? FOUND_ROWS_SET : FOUND_ROWS_KEPT;
}

/* MariaDB: a SELECT that makes one row of all keeps FOUND_ROWS() if it finds out beforehand that there is nothing to look at. */
static bool may_find_nothing(const struct statement *s)
{
    return s->lexer.modes.mariadb && s->aggregates && !s->grouped;
}

/* Those that select nothing, not even for themselves, keep it. What DESCRIBE, EXPLAIN and ANALYZE make of it only the server knows. */
static enum found_rows found_rows_of(const struct statement *s)
{
    enum found_rows selected = s->counted && !s->limited ? FOUND_ROWS_COUNTED : FOUND_ROWS_SET;

    switch ((enum statement_verb)s->verb) {
    case VERB_SELECT:
        if (may_find_nothing(s))
            return FOUND_ROWS_UNCLEAR;
        if (s->verb_word != SYMBOL_VALUES)
            return selected;
        return s->lexer.modes.mariadb && !s->reads ? FOUND_ROWS_KEPT : FOUND_ROWS_UNCLEAR;
    case VERB_SHOW:
        if (s->counted || s->effects.opens_early)
            return selected;
        return s->verb_word == SYMBOL_SHOW || s->verb_word == SYMBOL_CHECKSUM || s->verb_word == SYMBOL_HELP ? FOUND_ROWS_KEPT : FOUND_ROWS_UNCLEAR;
    case VERB_DIAGNOSTICS:
        return s->counted ? selected : FOUND_ROWS_KEPT;
    default:
        return s->reads ? FOUND_ROWS_UNCLEAR : s->lexer.modes.mariadb ? FOUND_ROWS_KEPT : counted_by_mysql(s);
    }
}

/* After several statements, of which some may not be reached, it is only known when all keep it. */
static void judge_found_rows(struct statement *s)
{
    enum found_rows fate = found_rows_of(s);

    if (!s->effects.several)
        s->effects.found_rows = fate;
    else if (fate != FOUND_ROWS_KEPT || s->effects.found_rows != FOUND_ROWS_KEPT)
        s->effects.found_rows = FOUND_ROWS_UNCLEAR;
}

/* --- warnings --- */

/* Measured on MariaDB: what uses tables begins the list anew. SHOW mostly does, of information_schema. */
static enum warnings_fate warnings_of(const struct statement *s)
{
    if (s->effects.uses_tables)
        return WARNINGS_CLEARED;
    switch (s->verb_word) {
    case SYMBOL_CREATE:
    case SYMBOL_ALTER:
    case SYMBOL_DROP:
        return s->part == PART_TABLE ? WARNINGS_CLEARED : WARNINGS_UNCLEAR;
    case SYMBOL_CHECKSUM:
    case SYMBOL_TRUNCATE:
    case SYMBOL_OPTIMIZE:
    case SYMBOL_REPAIR:
    case SYMBOL_CHECK:
        return WARNINGS_CLEARED;
    case SYMBOL_ANALYZE:
        return s->verb == VERB_DDL ? WARNINGS_CLEARED : WARNINGS_UNCLEAR; /* a SELECT without tables keeps it */
    case SYMBOL_SHOW:
        return s->verb == VERB_DIAGNOSTICS ? WARNINGS_KEPT : s->counted ? WARNINGS_CLEARED : (enum warnings_fate)s->shown;
    case SYMBOL_EXPLAIN:
    case SYMBOL_DESCRIBE:
    case SYMBOL_DESC:
        return s->effects.opens_early ? WARNINGS_CLEARED : WARNINGS_KEPT;
    case SYMBOL_LOCK:
        return WARNINGS_CLEARED;
    case SYMBOL_HELP:
    case SYMBOL_DO:
    case SYMBOL_KILL:
    case SYMBOL_UNLOCK:
    case SYMBOL_XA:
    case SYMBOL_DEALLOCATE:
        return WARNINGS_KEPT;
    case SYMBOL_PREPARE: /* as what it prepares */
        return WARNINGS_UNCLEAR;
    default:
        return s->verb == VERB_DDL || s->verb == VERB_OTHER ? WARNINGS_UNCLEAR : WARNINGS_KEPT;
    }
}

static void judge_warnings(struct statement *s)
{
    enum warnings_fate fate = warnings_of(s);

    if (fate > s->effects.warnings)
        s->effects.warnings = fate;
}

/* --- several statements --- */

/* What it may leave as it was, if it goes well; else nothing comes behind it. */
static uint8_t keeps(const struct statement *s)
{
    enum found_rows rows = found_rows_of(s);
    bool diagnoses = s->verb == VERB_DIAGNOSTICS || s->verb == VERB_NONE;
    uint8_t kept = diagnoses ? RESIDUE_ROW_COUNT : 0;

    if (diagnoses || (s->lexer.modes.mariadb && warnings_of(s) != WARNINGS_CLEARED))
        kept |= RESIDUE_WARNINGS;
    return kept | (rows == FOUND_ROWS_KEPT || rows == FOUND_ROWS_UNCLEAR ? RESIDUE_FOUND_ROWS : 0);
}

/* What those behind the first read of the statements of this text is nothing to the one before it. */
static void judge_reads(struct statement *s)
{
    if (s->effects.several) {
        s->effects.reads &= s->kept | RESIDUE_CONNECTION_ID;
        s->effects.reads_behind |= s->effects.reads & RESIDUE_ALL;
    }
    s->reads_before |= s->effects.reads;
    s->kept &= keeps(s);
}

void residue_judge(struct statement *s)
{
    s->effects.opens_early |= s->part == PART_EXPLAIN && s->verb == VERB_SHOW; /* no statement has followed: it is DESCRIBE */
    judge_found_rows(s);
    judge_warnings(s);
    judge_reads(s);
}
