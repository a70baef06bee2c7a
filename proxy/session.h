/* SPDX-License-Identifier: MIT
 * A session: what of a client's state is ours, and where the rest is.
 *
 * What a command changed is learned from its text, its reply and its command byte (session_note). What none of them tells is marked as unsaved: the
 * server is asked when the session's page leaves its backend (backend_save.c). What can't be asked either pins the session.
 */
#ifndef SLUSE_PROXY_SESSION_H
#define SLUSE_PROXY_SESSION_H

#include "protocol/reply.h"
#include "protocol/statement.h"
#include "proxy/buffer.h"
#include "proxy/epoch.h"
#include "proxy/session_image.h"
#include "proxy/session_values.h"
#include "proxy/stored_code_moment.h"

/* What only the server knows at the moment. */
enum unsaved {
    UNSAVED_INSERT_ID = 1,
    UNSAVED_FOUND_ROWS = 2,
    UNSAVED_SCHEMA = 4,
    UNSAVED_VARIABLES = 8,   /* those in `dirty` */
    UNSAVED_WARNINGS = 16,
};

/* Where the list is that SHOW WARNINGS shows. */
enum diagnostics {
    DIAGNOSTICS_NONE,   /* it is empty */
    DIAGNOSTICS_SERVER, /* on the backend where the session is resident */
    DIAGNOSTICS_STORED, /* in `warnings` */
    DIAGNOSTICS_LOST,   /* it can't be told: the session had changed its backend, and the statement that ran since may have begun it anew */
};

/* MySQL: rows that an UPDATE had counted when it failed. FOUND_ROWS() tells them from the next INSERT or DELETE on that goes well. */
enum unseen {
    UNSEEN_NONE,
    UNSEEN_SERVER, /* on the backend where it is resident */
    UNSEEN_LOST,
};

#define CONDITIONS_LISTED 0xFFFFu
#define SESSION_WARNINGS_MAX 32768u
#define SESSION_STATEMENTS_MAX 4096u
#define STATEMENT_ID_LAST 0xFFFFFFFFu /* MariaDB: the one that was prepared last */

/* A prepared statement. */
struct session_statement {
    uint32_t id;
    bool had_cursor;      /* it was executed with one */
    bool cursor_failed;   /* MySQL: executed with a cursor it failed behind the columns, and has not gone well since */
    struct statement_effects *effects; /* what executing it may do */
};

struct session {
    struct session_image image;
    struct session_values *values;
    uint64_t dirty[VARIABLES_MAX / 64];
    bool results_collated, client_collated; /* SET NAMES ... COLLATE: their collation is collation_connection, to be read when the page leaves */
    enum quotes quotes;   /* MySQL: what "x" is as long as sql_mode is dirty */
    pin_set pins;
    uint16_t status;      /* flags after the last reply */
    uint32_t key;         /* capability bits that only a login sets: on MySQL they decide what a session begins with */
    struct epoch epoch;   /* of the backend where it began: its globals are those */
    int64_t begun_us;     /* when it had begun */
    int64_t login_us;     /* the newest login whose grants it has seen: it goes back to none much older */
    bool whole;           /* every variable that can be is among its values, or dirty: it does not depend on anybody's globals any more */
    bool broken;          /* a part of its state is lost: it has to end */
    bool begun;           /* it has been on a backend: its state is what was found there then, and no later login's */
    uint8_t unsaved;
    uint8_t on_server;    /* enum residue: what the backend where it is resident would answer rightly */
    uint8_t unprimable;   /* enum residue: what the server has refused to be given; until it is another */
    enum diagnostics diagnostics;
    int64_t row_count;
    uint64_t found_rows;
    bool found_rows_lost; /* as DIAGNOSTICS_LOST */
    enum unseen unseen;
    uint16_t error;       /* the last ERR's number and SQLSTATE */
    char sqlstate[6];
    uint64_t warning_count, error_count; /* of the stored list */
    uint16_t conditions;  /* MySQL: how many the last command left that counts them; CONDITIONS_LISTED: all of the list */
    uint64_t schema_hash; /* of the current schema's name; 0: none, or not known */
    struct buffer warnings; /* the packets of SHOW WARNINGS, as the server sent them */
    uint64_t warnings_charset; /* in the character set of then */
    bool warnings_utf8;   /* their texts are in UTF-8 */
    struct trackers trackers; /* that the client has not been told */
    bool signalled;       /* the server's list was made by SIGNAL, with warnings whose SQLSTATEs nobody knows */
    pin_set prepared_pins; /* what executing any of them may bring about, by what was learned since they were prepared */
    struct name_list *prepared_names; /* what their verdict depends on; NULL: nothing */
    uint64_t prepared_right; /* version of the stored code by which all of them were judged; 0: some were not */
    struct session_doubt *doubt; /* PIN_UNREAD, and it may end: texts that ran while the stored code was not known; NULL: none */
    struct session_statement *statements; /* by id, which is the order of their preparing */
    size_t statement_count;
};

/* What a command may do, found out while it is sent. */
struct command_effects {
    uint8_t command;
    bool local;           /* answered here: the backend has not seen it */
    bool option_off;      /* COM_SET_OPTION's */
    bool cursor;          /* COM_STMT_EXECUTE asks for one */
    uint32_t id;          /* of COM_STMT_CLOSE, COM_STMT_EXECUTE */
    struct statement_effects text; /* of COM_QUERY, COM_STMT_PREPARE and COM_STMT_EXECUTE */
};

/* How the server cuts the session's texts. global: what "x" is by the global sql_mode that the session has if it has none of its own. */
struct lexer_modes session_lexer_modes(const struct session *s, bool is_mariadb, uint32_t version, enum quotes global);
/* MySQL: likewise of white space behind names. */
enum spaces session_spaces(const struct session *s, enum spaces global);

/* A login or a change of user: nothing has happened yet. */
void session_init(struct session *s, const struct session_image *image, uint16_t status);
/* COM_RESET_CONNECTION went well, or had nothing to do: the session is as fresh as after its login, but for the schema. */
void session_reset(struct session *s, uint16_t status, bool is_mariadb);
void session_free(struct session *s);

/* A command other than a text: its bytes as far as they are in view. Its text, if it has one, is judged apart. */
void command_effects_of(struct command_effects *e, const uint8_t *command, size_t length);
/* session_prepared.c: what executing the prepared statement may do: of one that is not known, anything. */
struct statement_effects session_statement_effects(const struct session *s, uint32_t id);
/* Does MySQL leave out the EOF in front of its next error, as if it were executed with a cursor again? */
bool session_cursor_failed(const struct session *s, uint32_t id);
/* Has it been executed with a cursor? */
bool session_had_cursor(const struct session *s, uint32_t id);
void session_note_prepared(struct session *s, uint32_t id, const struct statement_effects *effects);
void session_note_executed(struct session *s, const struct command_effects *e, const struct reply *r);
void session_note_closed(struct session *s, uint32_t id);
/* None is left. */
void session_forget_prepared(struct session *s);
/* The command's reply has ended. */
void session_note(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb);
/* session_residue.c, a part of session_note: what the command has left for the next. */
void session_note_residue(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb);
/* enum residue: what the command may leave as it is or make anew, and nothing will show which. Unless it is on the server before, it is lost. */
uint8_t session_unclear(const struct command_effects *e, bool is_mariadb);
/* Several statements, of a session that may send only one: a syntax error, and nothing else. Not a block, which has several within. */
bool session_refuses_several(const struct session *s, const struct command_effects *e);
/* The server was asked for what is unsaved: that was a SELECT, which has counts of its own. */
void session_asked(struct session *s);
/* The list of warnings has been read, with all the session's variables, and is in `warnings`. */
void session_warnings_stored(struct session *s);
/* It was asked what the session has left, and not all is known now. listed: the server's list is what it was. */
void session_not_saved(struct session *s, bool listed);
/* Are the stored packets what SHOW WARNINGS would answer now? Not after another SET NAMES. */
bool session_warnings_current(const struct session *s);
/* results_collated, client_collated: collation_connection is known now, if it was asked for. False: it is too long, or was not. */
bool session_keep_collations(struct session *s);
/* The max_error_count that it has set; 0: only its server knows it at the moment. UINT64_MAX: it has set none, and its lists have come about under it. */
uint64_t session_list_limit(const struct session *s);
/* Is the list, stored or signalled, one of which the SQLSTATEs are known? Those of errors are told, those of warnings are not. */
bool session_knows_sqlstates(const struct session *s);
/* The server has told the current schema. */
void session_note_schema(struct session *s, const void *name, size_t length);

/* The wait_timeout that it has set, in seconds; 0: none, or only its server knows it at the moment. */
uint32_t session_wait_timeout(const struct session *s);
/* Its server has closed it after so long a silence: is that the doing of a wait_timeout of its own, as far as it is known? */
bool session_is_overdue(const struct session *s, int64_t silent_us);

/* session_doubt.c: a text has run of whose names it is not known what they stood for. moment: of its beginning. */
void session_doubt_begin(struct session *s, const struct name_list *names, const struct stored_code_moment *moment);
/* It is in doubt, and what is stored is known now, after so many changes. True: it is no longer. */
bool session_doubt_end(struct session *s, const struct name_set *names, uint64_t changes);
void session_doubt_free(struct session *s);
/* The names of a text that was prepared, judged by that version; 0: by none. */
void session_note_prepared_names(struct session *s, const struct name_list *names, uint64_t right);
/* One is about to be executed, and this is right now. */
void session_judge_prepared(struct session *s, const struct name_set *names, uint64_t right);

/* It is on a backend now where it has not been resident. status: that backend's flags, of which a fresh session takes its own; epoch: that
 * backend's; warned: its list of warnings is not empty. */
void session_move(struct session *s, uint16_t status, const struct epoch *epoch, bool warned);
/* It begins, here and now: also with a COM_RESET_CONNECTION of its client. */
void session_begin(struct session *s, const struct epoch *epoch);
/* The server was asked to take these (enum residue) and has these now; whatever it refused, it does not have. */
void session_primed(struct session *s, uint8_t asked, uint8_t done);
/* The list of its backend is not its own any more. */
void session_list_overwritten(struct session *s);
/* Is its ROW_COUNT() only where it is: no other server's connection could be given it (backend_prime.c)? */
bool session_row_count_stays(const struct session *s, bool is_mariadb);
/* A KILL QUERY has hit that: nobody knows which of these it has. */
void session_prime_killed(struct session *s, uint8_t asked);
/* Are its texts, and what it is told by default, in UTF-8? Not known for certain counts as no. */
bool session_speaks_utf8(const struct session *s);
/* Its page has left its backend. */
void session_leave(struct session *s);
/* What loaded it has left warnings. */
void session_page_in_warned(struct session *s);
/* The server refused to load it: what was refused is given up, so that the session can go on. error: the server's number. */
void session_page_in_failed(struct session *s, uint16_t error);
/* The warnings that MySQL would tell with the OK of a command that has none of its own (PING, INIT_DB, SET_OPTION), were the session still where it
 * left them; 0 where it is, and on MariaDB. */
uint16_t session_conditions(const struct session *s, uint8_t command, bool is_mariadb);
/* session_trackers.c: the reply is to one of its statements, whose effects are known: it keeps trackers, for a client without CAP_DEPRECATE_EOF. */
void session_keep_trackers(struct session *s, const struct command_effects *e, struct reply *r);
/* Is there anything to ask before its page may leave? */
bool session_is_saved(const struct session *s);

#endif
