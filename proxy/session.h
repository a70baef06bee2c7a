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
};

#define SESSION_WARNINGS_MAX 32768u
#define SESSION_STATEMENTS_MAX 4096u

struct session {
    struct session_image image;
    struct session_values *values;
    uint64_t dirty[VARIABLES_MAX / 64];
    bool names_collate;   /* the character sets were last set with SET NAMES ... COLLATE */
    pin_set pins;
    uint16_t status;      /* flags after the last reply */
    int64_t epoch_us;     /* the newest login whose globals and grants it has seen: it goes back to none much older */
    bool broken;          /* a part of its state is lost: it has to end */
    bool begun;           /* it has been on a backend: its state is what was found there then, and no later login's */
    uint8_t unsaved;
    uint8_t on_server;    /* enum residue: what the backend where it is resident would answer rightly */
    enum diagnostics diagnostics;
    int64_t row_count;
    uint64_t found_rows;
    uint64_t warning_count, error_count; /* of the stored list */
    uint64_t schema_hash; /* of the current schema's name; 0: none, or not known */
    struct buffer warnings; /* the packets of SHOW WARNINGS, as the server sent them */
    pin_set prepared_pins; /* what executing one of them may bring about */
    uint8_t prepared_reads; /* enum residue: what one of them reads */
    struct name_list *prepared_names; /* what their verdict depends on; NULL: nothing */
    uint64_t prepared_right; /* version of the stored code by which all of them were judged; 0: some were not */
    struct session_doubt *doubt; /* PIN_UNREAD, and it may end: texts that ran while the stored code was not known; NULL: none */
    bool prepared_code;   /* one of them may change views, triggers or routines when it is executed */
    uint32_t *statements; /* ids of those that are prepared */
    size_t statement_count;
};

/* What a command may do, found out while it is sent. */
struct command_effects {
    uint8_t command;
    bool local;           /* answered here: the backend has not seen it */
    bool option_off;      /* COM_SET_OPTION's */
    uint32_t id;          /* of COM_STMT_CLOSE */
    struct statement_effects text; /* of COM_QUERY and COM_STMT_PREPARE */
};

/* How the server cuts the session's texts. */
struct lexer_modes session_lexer_modes(const struct session *s, bool is_mariadb, uint32_t version);

/* A login or a change of user: nothing has happened yet. */
void session_init(struct session *s, const struct session_image *image, uint16_t status);
/* COM_RESET_CONNECTION went well, or had nothing to do: the session is as fresh as after its login, but for the schema. */
void session_reset(struct session *s, uint16_t status, bool is_mariadb);
void session_free(struct session *s);

/* A command other than a text: its bytes as far as they are in view. Its text, if it has one, is judged apart. */
void command_effects_of(struct command_effects *e, const uint8_t *command, size_t length);
/* The command's reply has ended. */
void session_note(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb);
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

/* It is on a backend now where it has not been resident. status: that backend's flags, of which a fresh session takes its own; epoch_us: when its login was;
 * warned: its list of warnings is not empty. */
void session_move(struct session *s, uint16_t status, int64_t epoch_us, bool warned);
/* Its page has left its backend. */
void session_leave(struct session *s);
/* The server refused to load it: what was refused is given up, so that the session can go on. error: the server's number. */
void session_page_in_failed(struct session *s, uint16_t error);
/* Is there anything to ask before its page may leave? */
bool session_is_saved(const struct session *s);

#endif
