/* SPDX-License-Identifier: MIT
 * The first words of a statement: which kind it is, and what is special about that.
 */
#include "protocol/statement_part.h"

#include <string.h>

static void opaque(struct statement *s)
{
    statement_set_verb(s, VERB_OTHER);
    statement_pin(s, PIN_OPAQUE);
    s->part = PART_PLAIN;
}

/* A statement of this kind; what may be special shows with the next token, or not at all. */
static void begin(struct statement *s, enum statement_verb verb, enum statement_part part)
{
    statement_set_verb(s, verb);
    s->part = (uint8_t)part;
    if (verb == VERB_DDL) {
        s->defines = s->accounts = true;
        s->looks_up = false;
    }
    if (verb == VERB_SHOW)
        s->looks_up = false;
}

static void begin_select(struct statement *s, uint8_t symbol)
{
    s->looks_up = true;
    s->accounts = false;
    s->part = symbol == SYMBOL_WITH ? PART_WITH : PART_PLAIN;
    if (s->verb == VERB_NONE || s->verb == VERB_SELECT)
        statement_set_verb(s, VERB_SELECT);
    s->counted = symbol == SYMBOL_SELECT && s->depth == 0 && s->verb_word == SYMBOL_NONE;
    if (symbol == SYMBOL_VALUES && s->verb_word == SYMBOL_NONE && !s->selected)
        s->verb_word = symbol;
}

static void begin_write(struct statement *s, uint8_t symbol)
{
    s->looks_up = true;
    s->accounts = false;
    s->part = PART_PLAIN;
    if (s->verb == VERB_NONE || s->verb == VERB_SELECT)
        statement_set_verb(s, VERB_WRITE);
    else
        name_needed(s); /* EXPLAIN */
    s->head = true;
    if (s->verb_word == SYMBOL_NONE)
        s->verb_word = symbol;
    s->lists &= ~(uint64_t)1;
    if (symbol == SYMBOL_UPDATE || symbol == SYMBOL_DELETE)
        s->tables |= 1;
    if (symbol == SYMBOL_DELETE)
        s->selects |= 1;
    if (symbol == SYMBOL_INSERT || symbol == SYMBOL_REPLACE)
        s->effects.insert_id = true;
}

/* A statement that may stand behind EXPLAIN, ANALYZE and WITH too. */
static bool query(struct statement *s, uint8_t symbol)
{
    switch (symbol) {
    case SYMBOL_SELECT:
    case SYMBOL_VALUES:
    case SYMBOL_TABLE:
    case SYMBOL_WITH:
        begin_select(s, symbol);
        return true;
    case SYMBOL_INSERT:
    case SYMBOL_REPLACE:
    case SYMBOL_UPDATE:
    case SYMBOL_DELETE:
        begin_write(s, symbol);
        return true;
    default:
        return false;
    }
}

/* How the others begin. */
struct start {
    uint8_t symbol, verb, part;
    int8_t pin; /* -1: none */
};

static const struct start starts[] = {
    {SYMBOL_SET, VERB_SET, PART_SET, -1},
    {SYMBOL_BEGIN, VERB_BEGIN, PART_SECOND, -1},
    {SYMBOL_START, VERB_BEGIN, PART_SECOND, -1},
    {SYMBOL_COMMIT, VERB_END, PART_PLAIN, -1},
    {SYMBOL_ROLLBACK, VERB_END, PART_PLAIN, -1},
    {SYMBOL_SAVEPOINT, VERB_END, PART_PLAIN, -1},
    {SYMBOL_RELEASE, VERB_END, PART_SECOND, -1},
    {SYMBOL_USE, VERB_USE, PART_USE, -1},
    {SYMBOL_SHOW, VERB_SHOW, PART_SECOND, -1},
    {SYMBOL_HELP, VERB_SHOW, PART_PLAIN, -1},
    {SYMBOL_CHECKSUM, VERB_SHOW, PART_PLAIN, -1},
    {SYMBOL_EXPLAIN, VERB_SHOW, PART_EXPLAIN, -1},
    {SYMBOL_DESCRIBE, VERB_SHOW, PART_EXPLAIN, -1},
    {SYMBOL_DESC, VERB_SHOW, PART_EXPLAIN, -1},
    {SYMBOL_GET, VERB_DIAGNOSTICS, PART_SECOND, -1},
    {SYMBOL_LOAD, VERB_WRITE, PART_SECOND, -1},
    {SYMBOL_CREATE, VERB_DDL, PART_OBJECT, -1},
    {SYMBOL_ALTER, VERB_DDL, PART_OBJECT, -1},
    {SYMBOL_DROP, VERB_DDL, PART_OBJECT, -1},
    {SYMBOL_RENAME, VERB_DDL, PART_SECOND, -1},
    {SYMBOL_TRUNCATE, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_GRANT, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_REVOKE, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_ANALYZE, VERB_NONE, PART_SECOND, -1},
    {SYMBOL_OPTIMIZE, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_REPAIR, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_CHECK, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_CACHE, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_FLUSH, VERB_DDL, PART_PLAIN, -1},
    {SYMBOL_DO, VERB_OTHER, PART_PLAIN, -1},
    {SYMBOL_KILL, VERB_OTHER, PART_PLAIN, -1},
    {SYMBOL_LOCK, VERB_OTHER, PART_SECOND, -1},
    {SYMBOL_UNLOCK, VERB_OTHER, PART_SECOND, -1},
    {SYMBOL_BACKUP, VERB_OTHER, PART_SECOND, -1},
    {SYMBOL_XA, VERB_OTHER, PART_SECOND, -1},
    {SYMBOL_HANDLER, VERB_OTHER, PART_PLAIN, PIN_HANDLER},
    {SYMBOL_PREPARE, VERB_OTHER, PART_PLAIN, PIN_PREPARE},
    {SYMBOL_DEALLOCATE, VERB_OTHER, PART_PLAIN, PIN_PREPARE},
};

static const struct start *find_start(uint8_t symbol)
{
    for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++)
        if (starts[i].symbol == symbol)
            return &starts[i];
    return NULL;
}

bool verb_begins(uint8_t symbol)
{
    return find_start(symbol) != NULL;
}

static void start(struct statement *s, uint8_t symbol)
{
    const struct start *found = find_start(symbol);

    s->verb_word = symbol;
    if (!found) {
        opaque(s);
        return;
    }
    begin(s, found->verb, found->part);
    if (found->pin >= 0)
        statement_pin(s, (enum pin)found->pin);
    if (symbol == SYMBOL_SET)
        set_begin(s);
    s->rebuilds = symbol == SYMBOL_OPTIMIZE && s->lexer.modes.mariadb;
    s->effects.schema |= symbol == SYMBOL_USE;
    s->effects.savepoint |= symbol == SYMBOL_SAVEPOINT;
    s->effects.globals |= symbol == SYMBOL_GRANT || symbol == SYMBOL_REVOKE;
    s->accounts |= symbol == SYMBOL_KILL;
}

void verb_token(struct statement *s, const struct statement_token *t)
{
    if (s->part == PART_VERB && token_is(t, '(')) {
        statement_set_verb(s, VERB_SELECT);
        return;
    }
    if (s->part == PART_WITH && s->depth)
        return;
    if (query(s, t->symbol))
        return;
    if (s->part == PART_EXPLAIN && (t->symbol == SYMBOL_SCHEMA || t->symbol == SYMBOL_DATABASE))
        statement_pin(s, PIN_OPAQUE); /* FOR SCHEMA: names mean those of another */
    if (s->part != PART_VERB)
        return;
    if (s->depth)
        opaque(s);
    else
        start(s, t->symbol);
}

/* A SHOW reads from information_schema, and FOUND_ROWS() tells how many rows it had; but for these. */
static bool shows_by_itself(uint64_t hash)
{
    static const char *const kinds[] = {"CREATE", "GRANTS", "PROCESSLIST", "PRIVILEGES", "AUTHORS", "CONTRIBUTORS", "MASTER", "SLAVE", "ALL",
                                        "REPLICA", "REPLICAS", "BINARY", "BINLOG", "RELAYLOG", "PROFILES", "ENGINE", "EXPLAIN", "ANALYZE"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (hash == name_hash(kinds[i], strlen(kinds[i])))
            return true;
    return false;
}

/* A table's columns or keys. */
static bool shows_of_table(uint64_t hash)
{
    static const char *const kinds[] = {"COLUMNS", "FIELDS", "INDEX", "INDEXES", "KEYS"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (hash == name_hash(kinds[i], strlen(kinds[i])))
            return true;
    return false;
}

/* Measured on MariaDB: what is shown without a table of information_schema keeps the list of warnings, unless it is a table's own. */
static enum warnings_fate fate_when_shown(uint64_t hash)
{
    static const char *const kinds[] = {"GRANTS", "PROCESSLIST", "PRIVILEGES"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (hash == name_hash(kinds[i], strlen(kinds[i])))
            return WARNINGS_KEPT;
    return WARNINGS_UNCLEAR;
}

static enum warnings_fate fate_when_created(uint8_t symbol)
{
    switch (symbol) {
    case SYMBOL_TABLE:
    case SYMBOL_VIEW:
    case SYMBOL_SEQUENCE:
        return WARNINGS_CLEARED;
    case SYMBOL_PROCEDURE:
    case SYMBOL_FUNCTION:
    case SYMBOL_TRIGGER:
    case SYMBOL_EVENT:
    case SYMBOL_DATABASE:
    case SYMBOL_SCHEMA:
        return WARNINGS_KEPT;
    default:
        return WARNINGS_UNCLEAR;
    }
}

static void second_of_show(struct statement *s, const struct statement_token *t)
{
    uint8_t symbol = t->symbol;

    if (s->last.word == SYMBOL_CREATE) {
        s->shown = (uint8_t)fate_when_created(symbol);
        return;
    }
    if (symbol == SYMBOL_CREATE)
        s->part = PART_THIRD;
    s->shown = (uint8_t)fate_when_shown(t->token->hash);
    if (t->token->kind == TOKEN_WORD && t->token->hash == name_hash("FULL", 4)) {
        s->part = PART_SECOND;
        return;
    }
    s->accounts = symbol == SYMBOL_CREATE || t->token->hash == name_hash("GRANTS", 6); /* no expression stands behind these */
    s->counted = t->token->kind == TOKEN_WORD && !shows_by_itself(t->token->hash);
    s->effects.opens_early = t->token->kind == TOKEN_WORD && shows_of_table(t->token->hash);
    if (symbol != SYMBOL_WARNINGS && symbol != SYMBOL_ERRORS && symbol != SYMBOL_COUNT)
        return;
    statement_set_verb(s, VERB_DIAGNOSTICS);
    s->effects.reads |= RESIDUE_WARNINGS;
    s->counted = symbol == SYMBOL_COUNT; /* that one is a SELECT; the others leave FOUND_ROWS() alone */
}

static void second_of_backup(struct statement *s, uint8_t symbol)
{
    if (symbol == SYMBOL_STAGE && s->part == PART_SECOND)
        s->part = PART_THIRD;
    else if (symbol == SYMBOL_UNLOCK || symbol == SYMBOL_END)
        s->effects.releases |= PIN_BIT(PIN_BACKUP_LOCK);
    else
        statement_pin(s, PIN_BACKUP_LOCK);
    if (symbol == SYMBOL_LOCK)
        statement_pin(s, PIN_OPAQUE); /* may be held together with a stage, and neither's end is the other's */
}

static void second_of_analyze(struct statement *s, uint8_t symbol)
{
    s->part = PART_EXPLAIN;
    if (symbol == SYMBOL_LOCAL || symbol == SYMBOL_NO_WRITE_TO_BINLOG || symbol == SYMBOL_TABLE)
        begin(s, VERB_DDL, PART_PLAIN);
    else
        verb_token(s, &(struct statement_token){.token = &(struct token){.kind = TOKEN_WORD}, .symbol = symbol});
}

/* Those behind which only these words are harmless. */
static void second_of_transaction(struct statement *s, const struct statement_token *t)
{
    bool harmless = s->verb_word == SYMBOL_BEGIN ? t->symbol == SYMBOL_WORK
                  : s->verb_word == SYMBOL_START ? t->symbol == SYMBOL_TRANSACTION
                                                 : t->symbol == SYMBOL_SAVEPOINT;

    if (!harmless)
        opaque(s);
}

static void second_of_lock(struct statement *s, uint8_t symbol)
{
    enum pin pin = symbol == SYMBOL_INSTANCE ? PIN_BACKUP_LOCK : PIN_TABLE_LOCKS;

    s->looks_up = false;
    if (symbol != SYMBOL_TABLE && symbol != SYMBOL_TABLES && symbol != SYMBOL_INSTANCE)
        opaque(s);
    else if (s->verb_word == SYMBOL_LOCK)
        statement_pin(s, pin);
    else
        s->effects.releases |= PIN_BIT(pin);
}

static void second_of_load(struct statement *s, uint8_t symbol)
{
    if (symbol == SYMBOL_INDEX)
        begin(s, VERB_DDL, PART_PLAIN);
    else if (symbol == SYMBOL_DATA || symbol == SYMBOL_XML)
        s->effects.insert_id = true;
    else
        opaque(s);
}

static void second_of_get(struct statement *s, uint8_t symbol)
{
    if (symbol == SYMBOL_CURRENT || symbol == SYMBOL_STACKED)
        s->part = PART_SECOND;
    else if (symbol == SYMBOL_DIAGNOSTICS)
        s->effects.reads |= RESIDUE_WARNINGS;
    else
        opaque(s);
}

static void second_of_rename(struct statement *s, uint8_t symbol)
{
    if (symbol == SYMBOL_USER)
        s->effects.globals = true;
    else
        s->effects.stored_code = true;
}

void second_token(struct statement *s, const struct statement_token *t)
{
    if (s->verb_word == SYMBOL_BACKUP) {
        bool third = s->part == PART_THIRD;
        second_of_backup(s, t->symbol);
        if (third || s->part == PART_SECOND)
            s->part = PART_PLAIN;
        return;
    }
    s->part = PART_PLAIN;
    switch (s->verb_word) {
    case SYMBOL_BEGIN:
    case SYMBOL_START:
    case SYMBOL_RELEASE:
        second_of_transaction(s, t);
        break;
    case SYMBOL_SHOW:
        second_of_show(s, t);
        break;
    case SYMBOL_GET:
        second_of_get(s, t->symbol);
        break;
    case SYMBOL_LOAD:
        second_of_load(s, t->symbol);
        break;
    case SYMBOL_RENAME:
        second_of_rename(s, t->symbol);
        break;
    case SYMBOL_ANALYZE:
        second_of_analyze(s, t->symbol);
        break;
    case SYMBOL_LOCK:
    case SYMBOL_UNLOCK:
        second_of_lock(s, t->symbol);
        break;
    case SYMBOL_XA:
        if (t->symbol == SYMBOL_COMMIT || t->symbol == SYMBOL_ROLLBACK)
            s->effects.releases |= PIN_BIT(PIN_XA);
        else if (t->symbol != SYMBOL_RECOVER)
            statement_pin(s, PIN_XA);
        break;
    default:
        opaque(s);
    }
}

/* It is known what is defined: what follows has accounts in it only if it is one. */
static void object(struct statement *s, enum statement_part part)
{
    s->accounts = false;
    s->part = (uint8_t)part;
}

/* CREATE, ALTER or DROP of something whose code the server keeps. */
static void stored_code(struct statement *s, uint8_t symbol)
{
    s->effects.stored_code = true;
    if (s->verb_word == SYMBOL_DROP || symbol == SYMBOL_SEQUENCE)
        object(s, PART_PLAIN);
    else
        body_begin(s, symbol == SYMBOL_TRIGGER, symbol == SYMBOL_VIEW);
}

bool object_token(struct statement *s, const struct statement_token *t)
{
    if (s->last.sign == '=' && s->last.kind == TOKEN_SIGN) /* DEFINER = a name that looks like a word of ours */
        return false;
    switch (t->symbol) {
    case SYMBOL_TEMPORARY:
        s->temporary = true;
        if (s->verb_word == SYMBOL_CREATE)
            statement_pin(s, PIN_TEMPORARY_TABLES);
        return true;
    case SYMBOL_TABLE:
        s->rebuilds = s->verb_word == SYMBOL_ALTER && s->lexer.modes.mariadb;
        object(s, PART_TABLE);
        return true;
    case SYMBOL_VIEW:
    case SYMBOL_TRIGGER:
    case SYMBOL_PROCEDURE:
    case SYMBOL_FUNCTION:
    case SYMBOL_PACKAGE:
    case SYMBOL_LIBRARY:
    case SYMBOL_SEQUENCE:
        stored_code(s, t->symbol);
        return true;
    case SYMBOL_EVENT:
        object(s, s->verb_word == SYMBOL_DROP ? PART_PLAIN : PART_EVENT);
        return true;
    case SYMBOL_USER:
    case SYMBOL_ROLE:
        s->effects.globals = true;
        s->part = PART_PLAIN;
        return true;
    case SYMBOL_DATABASE:
    case SYMBOL_SCHEMA:
        s->effects.schema |= s->verb_word != SYMBOL_CREATE;
        s->effects.stored_code |= s->verb_word != SYMBOL_ALTER; /* one that was just made has not been read either */
        object(s, PART_PLAIN);
        return true;
    case SYMBOL_PREPARE: /* DROP PREPARE */
        statement_set_verb(s, VERB_OTHER);
        statement_pin(s, PIN_PREPARE);
        s->part = PART_PLAIN;
        return true;
    case SYMBOL_INDEX:
        s->rebuilds = s->lexer.modes.mariadb;
        object(s, PART_PLAIN);
        return true;
    default:
        return false;
    }
}
