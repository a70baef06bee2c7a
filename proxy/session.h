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
    uint32_t key;         /* capability bits that only a login sets: on MySQL they decide what a session begins with */
    struct epoch epoch;   /* of the backend where it began: its globals are those */
    int64_t begun_us;     /* when it had begun */
    int64_t login_us;     /* the newest login whose grants it has seen: it goes back to none much older */
    bool whole;           /* every variable that can be is among its values, or dirty: it does not depend on anybody's globals any more */
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
    bool prepared_code;   /* one of them may change views, triggers or routines when it is executed */
    bool prepared_globals; /* likewise globals, accounts or grants */
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

/* It is on a backend now where it has not been resident. status: that backend's flags, of which a fresh session takes its own; epoch: that
 * backend's; warned: its list of warnings is not empty. */
void session_move(struct session *s, uint16_t status, const struct epoch *epoch, bool warned);
/* It begins, here and now: also with a COM_RESET_CONNECTION of its client. */
void session_begin(struct session *s, const struct epoch *epoch);
/* Its page has left its backend. */
void session_leave(struct session *s);
/* The server refused to load it: what was refused is given up, so that the session can go on. error: the server's number. */
void session_page_in_failed(struct session *s, uint16_t error);
/* Is there anything to ask before its page may leave? */
bool session_is_saved(const struct session *s);

#endif
