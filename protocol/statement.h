/* SPDX-License-Identifier: MIT
 * What a statement's text may do to its session, told from its tokens while they pass: nothing is parsed, nothing is kept.
 *
 * The rule is: what is not known to be harmless pins. A verdict is final once statement_end was called.
 */
#ifndef SLUSE_PROTOCOL_STATEMENT_H
#define SLUSE_PROTOCOL_STATEMENT_H

#include "protocol/lexer.h"
#include "protocol/name_list.h"
#include "protocol/pin.h"
#include "protocol/variable.h"

enum statement_verb {
    VERB_NONE,      /* an empty text */
    VERB_SELECT,    /* SELECT, WITH, VALUES, TABLE, parentheses in front of these */
    VERB_WRITE,     /* INSERT, REPLACE, UPDATE, DELETE, LOAD */
    VERB_SET,       /* SET of variables */
    VERB_BEGIN,     /* BEGIN, START TRANSACTION */
    VERB_END,       /* COMMIT, ROLLBACK, SAVEPOINT, RELEASE SAVEPOINT */
    VERB_USE,
    VERB_SHOW,      /* SHOW, DESCRIBE, EXPLAIN, HELP, CHECKSUM: reads */
    VERB_DIAGNOSTICS, /* SHOW WARNINGS, SHOW ERRORS, SHOW COUNT(*), GET DIAGNOSTICS: reads what the statement before left, and leaves it */
    VERB_DDL,       /* CREATE, ALTER, DROP, RENAME, TRUNCATE, GRANT, REVOKE, ANALYZE, OPTIMIZE, ...: commits */
    VERB_OTHER,
};

/* What the statement reads of what the one before it left: needs a backend on which that still is, or its own value in the text. */
enum residue {
    RESIDUE_ROW_COUNT = 1,
    RESIDUE_FOUND_ROWS = 2,
    RESIDUE_WARNINGS = 4,       /* SHOW WARNINGS/ERRORS/COUNT, GET DIAGNOSTICS, @@warning_count, @@error_count */
    RESIDUE_CONNECTION_ID = 8,
    RESIDUE_ALL = RESIDUE_ROW_COUNT | RESIDUE_FOUND_ROWS | RESIDUE_WARNINGS, /* that a backend can have */
};

/* What becomes of FOUND_ROWS(), measured on MariaDB 10.11 and MySQL 9.7. */
enum found_rows {
    FOUND_ROWS_KEPT,    /* it is what it was */
    FOUND_ROWS_COUNTED, /* the number of rows that it returns: no LIMIT, UNION, SQL_CALC_FOUND_ROWS, INTO ... */
    FOUND_ROWS_SET,     /* another one, if it goes well, that only the server knows */
    FOUND_ROWS_UNCLEAR, /* what it was or another one */
};

/* What becomes of the list of warnings when no warning comes up. On MySQL every statement begins it anew, save VERB_DIAGNOSTICS. */
enum warnings_fate {
    WARNINGS_KEPT,
    WARNINGS_UNCLEAR,
    WARNINGS_CLEARED,   /* on MariaDB: it uses tables */
};

/* The collation that a result's metadata tell. SET NAMES ... COLLATE gives them one that no variable shows, and on MariaDB the parameters of prepared
 * statements too. */
enum results_collation {
    RESULTS_SAME,
    RESULTS_DEFAULT,    /* the default one of character_set_results */
    RESULTS_COLLATED,   /* collation_connection, as it is behind this statement */
    RESULTS_UNCLEAR,
};

#define STATEMENT_VARIABLES 16u

struct statement_effects {
    enum statement_verb verb;   /* of the first statement of the text */
    bool several;               /* more than one statement */
    unsigned followed;          /* how many of its statements have more than ; and white space behind the one that ends them: their results say so */
    pin_set pins;               /* that it may bring about */
    pin_set releases;           /* that end when it succeeds, being alone */
    uint8_t reads;              /* enum residue: of what was before the text */
    uint8_t reads_behind;       /* likewise, but only what statements behind its first may read of that */
    bool insert_id;             /* LAST_INSERT_ID() may be another afterwards */
    enum found_rows found_rows;
    bool nested;                /* there is a SELECT in it that is not all of it */
    bool opens_early;           /* DESCRIBE, SHOW COLUMNS and the like: MariaDB opens the table before the statement begins, and may fail there */
    bool reads_origin;          /* it asks for CLASS_ORIGIN or SUBCLASS_ORIGIN, which MySQL's SIGNAL leaves empty */
    bool reads_sqlstate;        /* GET DIAGNOSTICS asks for a condition's SQLSTATE, or its parts */
    bool uses_tables;           /* for certain */
    enum warnings_fate warnings;
    bool savepoint;             /* SAVEPOINT: with autocommit=0 it may hold before a transaction shows */
    bool tracks_transactions;   /* session_track_transaction_info may be another afterwards */
    bool schema;                /* the current schema may be another afterwards */
    bool charset;               /* the character set of the texts behind it may be another, or sql_mode: how they are cut */
    bool stored_code;           /* views, triggers, routines may be others afterwards, for everybody */
    bool globals;               /* SET GLOBAL, PERSIST; GRANT, REVOKE and the like: what a fresh session is may change */
    bool looked_up;             /* the verdict depends on what is stored at the server by the names in the list */
    enum results_collation results;
    enum quotes quotes;         /* if sql_mode is among the variables: what a literal that it was last set to makes of "x" */
    unsigned variable_count;    /* that may have been set, by index; more than there is room for pin */
    uint16_t variables[STATEMENT_VARIABLES];
};

#define STATEMENT_TAIL 192u

/* The fields are statement's own. */
struct statement {
    struct lexer lexer;
    const struct name_set *names; /* NULL: nothing is known */
    struct name_list *list;       /* of the names that were looked up, or would have been */
    uint64_t schema;              /* hash of the current schema's name; 0: none */
    struct statement_effects effects;
    struct {
        const uint8_t *piece;     /* borrowed until it is used up */
        size_t length, before;    /* of the piece, and of the text in front of it */
        uint8_t tail[STATEMENT_TAIL]; /* the end of what is in front of it, in a SET: a character set may be named in a string, and sql_mode is */
    } text;
    bool owner;                   /* IS_USED_LOCK() is in the text */
    unsigned ended;               /* statements that a ; has ended */
    uint8_t reads_before;         /* of those that have ended */
    uint8_t kept;                 /* enum residue: what they may have left as it was before the text */
    /* What follows is of the statement under way, there may be several in a text. */
    bool over;                    /* a ; was seen: what follows is another statement */
    struct statement_last {       /* the token before */
        uint64_t hash;
        size_t end;
        enum token_kind kind;
        uint8_t sign;             /* TOKEN_SIGN: the character; else 0 */
        uint8_t word;             /* enum word_symbol, if it was a word we know */
        bool name;                /* an identifier: what it is for shows with the token behind it */
        bool dotted, spaced;
        bool beyond;              /* not in ASCII alone: a routine may be meant that is written otherwise */
        bool system;              /* part of the name behind @@ */
        uint8_t place;            /* enum name_place */
    } last;
    uint8_t before;               /* enum word_symbol of the token before `last` */
    uint8_t verb_word;            /* enum word_symbol of the first word */
    uint8_t part;                 /* enum statement_part: who looks at the next token */
    uint8_t verb;                 /* enum statement_verb */
    bool looks_up;                /* names are looked up: something may be run */
    bool defines;                 /* a name before a parenthesis calls nothing: this is DDL */
    bool rebuilds;                /* MariaDB: it may copy a table, whose defaults are run then */
    bool accounts;                /* name@host may stand here */
    bool head;                    /* INSERT, UPDATE...: the table's name comes next */
    bool argument;                /* LAST_INSERT_ID( was the last */
    uint8_t shown;                /* SHOW: enum warnings_fate */
    bool counted;                 /* it is a SELECT and no more, or a SHOW that is one */
    bool selected;                /* a SELECT was seen */
    bool reads;                   /* there is a SELECT in it, or a join of a write's: FOUND_ROWS() may be another */
    bool limited;                 /* LIMIT, UNION or the like: FOUND_ROWS() can't be told */
    bool aggregates;              /* COUNT(), MAX(), ... */
    bool grouped;                 /* GROUP BY, outside of parentheses */
    bool temporary;
    uint8_t unlock;               /* how far it is SELECT RELEASE_ALL_LOCKS() and no more */
    uint64_t qualifier;           /* the first name of a.b.c */
    unsigned depth;               /* of parentheses */
    uint64_t selects;             /* a bit each depth: SELECT was seen, so FROM names tables */
    uint64_t tables;              /* this is a list of tables */
    uint64_t lists;               /* WITH: these are names of common table expressions */
    struct {
        uint64_t variable;        /* hash of the name that is assigned to */
        uint8_t at;               /* enum set_at */
        uint8_t scope, sticky;    /* enum set_scope: of this assignment, of those behind it */
        bool system;              /* written with @@ */
        bool component;           /* a.b */
        bool statement;           /* SET STATEMENT ... FOR */
        bool client;              /* it is the client's character set */
        bool mode;                /* it is sql_mode */
        bool results;             /* it is character_set_results, on MySQL: a number there is a collation's */
        unsigned length;          /* tokens of the value so far */
    } set;
    struct {
        unsigned blocks;          /* BEGIN, CASE without their END */
        bool simple;              /* no block any more: this body ends with the next ; */
        bool begun;               /* BEGIN was the last, and counted */
        bool handler;             /* DECLARE ... HANDLER FOR: a BEGIN may follow */
        bool rows;                /* a trigger's head, up to FOR EACH ROW */
    } body;
};

/* schema: name_hash of the session's current schema, 0: none. names: may be NULL, for which PIN_UNREAD stands wherever the verdict depends on them; list: gets
 * the names on which it does. Both are borrowed until statement_end. */
void statement_begin(struct statement *s, struct lexer_modes modes, const struct name_set *names, struct name_list *list, uint64_t schema);
void statement_piece(struct statement *s, const uint8_t *bytes, size_t length);
const struct statement_effects *statement_end(struct statement *s);

/* statement_quotes.c: it has ended, and is unclear because nobody knows what its "x" are (unknown_quotes); this is all of it. True: the verdict is the same
 * either way, and is its verdict now. */
bool statement_judge_both(struct statement *s, const uint8_t *text, size_t length) __attribute__((warn_unused_result));

#endif
