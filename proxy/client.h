/* SPDX-License-Identifier: MIT
 * A client and its session. It lives and dies on one worker.
 *
 *   GREETING (server not known yet) -> HANDSHAKE -> [AUTH] -> [PROVING] -> READY
 *   READY -> [LEASING] -> RUNNING -> READY        a command
 *   READY -> CHANGING -> [PROVING] -> READY       COM_CHANGE_USER
 *   READY -> KILLING -> READY                     KILL of another session
 *   any   -> CLOSING (last bytes) -> CLOSED
 *
 * Bytes that can't be used in the state of the moment are kept in the stream and looked at again when the state changes: no command is
 * stored anywhere else.
 */
#ifndef SLUSE_PROXY_CLIENT_H
#define SLUSE_PROXY_CLIENT_H

#include "proxy/frames.h"
#include "proxy/globals.h"

enum client_state {
    CLIENT_GREETING,
    CLIENT_HANDSHAKE,
    CLIENT_AUTH,
    CLIENT_PROVING,
    CLIENT_READY,
    CLIENT_LEASING,
    CLIENT_RUNNING,
    CLIENT_DROPPING, /* the rest of a command that was refused */
    CLIENT_CHANGING,
    CLIENT_KILLING,
    CLIENT_CLOSING,
    CLIENT_CLOSED,
};

/* A packet that is passed on in parts: what is still to come of it. */
struct upload {
    uint32_t left;  /* bytes of this packet */
    bool continued; /* it is PACKET_MAX long: another follows */
};

struct client_login;

struct client {
    struct stream stream;
    struct clients *home;
    TAILQ_ENTRY(client) link;
    LIST_ENTRY(client) same_bucket;
    struct deadline deadline;  /* login, abandonment, lingering, idle in a transaction: never two at once */
    struct lease lease;
    struct client_login *login; /* while it logs in or changes user */
    uint32_t id;               /* virtual */
    int64_t began_us;          /* the command that is under way, or was last; before the first: the connection */
    int64_t transaction_us;    /* the transaction that is open, with its first command */
    uint32_t capabilities;
    enum client_state state;
    struct upload upload;
    uint8_t sequence;          /* of the packet that was received last */
    uint8_t command;
    pin_set pins;              /* that the gauges have */
    bool pinned_idle;          /* likewise */
    uint8_t changes_failed;    /* COM_CHANGE_USERs refused; the servers count to three */
    struct {
        enum syntax_state {
            SYNTAX_NONE,
            SYNTAX_WATCHED,    /* a text with values in it was sent: its answer may be a syntax error */
            SYNTAX_ASKED,      /* it was: the client's own text was prepared */
            SYNTAX_DRAINED,    /* and is no error */
        } state;
        bool parameters;       /* but has some */
        struct buffer text;    /* the client's own */
    } syntax;
    struct {
        enum code_wait {
            CODE_WAIT_NONE,
            CODE_WAIT_LISTED,  /* the command at hand waits until it is known what is stored at the server */
            CODE_WAIT_ENDED,   /* it did, and is looked at again */
            CODE_WAIT_OVER,    /* for too long */
        } state;
        TAILQ_ENTRY(client) link;
        unsigned round;           /* clients.code_round when it began */
        struct deadline deadline; /* over all that it waits for this: the pool's wait_timeout */
    } code_wait;
    bool file;                 /* LOCAL INFILE: the client sends */
    bool eof;                  /* its direction has ended; ours may go on */
    bool again;                /* the command at hand has been counted */
    bool spoke;                /* it sent at least one byte: no mere probe */
    bool at_rest;              /* draining: the last look found it with nothing to do, and it has sent nothing since */
    enum close_reason closing; /* CLOSING: why */
    struct grave grave;
};

TAILQ_HEAD(client_list, client);
LIST_HEAD(client_bucket, client);

#define CLIENT_BUCKETS 4096u

/* Virtual ids: the upper half of 32 bits, six bits for the worker, a counter. */
#define CLIENT_ID_FIRST 0x80000000u
#define CLIENT_ID_LAST 0xFFFFFFFFu
#define CLIENT_ID_WORKER_SHIFT 25
#define CLIENT_ID_WORKER_MASK 63u

/* A worker's clients. */
struct clients {
    struct loop *loop;
    struct frames *frames;
    const struct conf *conf;
    struct accounts *accounts;
    const struct target_facts *facts; /* the worker's own copy */
    struct clients **all;             /* of each worker, for KILL */
    unsigned worker_count;
    atomic_uint_least64_t *total;     /* over all workers */
    atomic_uint count;                /* here; written by the own thread only */
    struct client_list list;
    struct client_bucket buckets[CLIENT_BUCKETS]; /* by id */
    uint32_t next_id;
    struct deadline_queue logins;     /* login_timeout */
    struct deadline_queue abandoned;  /* abandon_after */
    struct deadline_queue lingering;
    struct deadline_queue transactions; /* idle_in_transaction_timeout */
    struct deadline_queue code_waits; /* wait_timeout */
    struct client_list code_waiters;
    unsigned code_round;              /* counts how often these were told that more is known */
    ev_timer rounds;                  /* draining: looks for who has nothing to do */
};

/* The fields up to total are filled in by the caller. */
void clients_open(struct clients *clients);
void clients_close(struct clients *clients);
/* The server's greeting is known now, or has changed. */
void clients_greet(struct clients *clients);
/* There is a new snapshot of the globals. */
void clients_globals_changed(struct clients *clients, const struct globals *was, const struct globals *is);
/* More is known of the stored code, or that it can't be known: who waits for that goes on. */
void clients_code_known(struct clients *clients);
/* The settings are others: deadlines follow. */
void clients_settings_changed(struct clients *clients, const struct conf *conf);
/* No client comes any more: who rests is ended as a server ends its clients (a FIN and no word), and who is at work when it has done. */
void clients_drain(struct clients *clients);
/* The process stops: every client is closed. Returns how many were cut: had not been ended yet. */
unsigned clients_stop(struct clients *clients);

/* Takes over a fresh connection, counted in *total already. */
void client_open(struct clients *clients, int fd);
/* Ends it at once. Its backend is given back. */
void client_close(struct client *c, enum close_reason reason);
/* Ends it after what is stuck has been written, and without making the peer lose it. */
void client_finish(struct client *c, enum close_reason reason);
struct client *clients_find(struct clients *clients, uint32_t id);

/* --- among the client_*.c files --- */

/* Looks at the kept bytes again: the state has changed, and not from inside client_use. */
void client_resume(struct client *c);
/* READY, with nothing to do: a backend that need not be held is given up, and a transaction's idleness is timed. */
void client_settle(struct client *c);
/* A transaction is open, or may be, and no command under way. */
bool client_is_idle_in_transaction(const struct client *c);
/* Its own wait_timeout is over: it is ended as its server would. */
void client_end_silence(struct client *c);
/* The command is over: READY, and resumed. */
void client_ready(struct client *c);
/* Uses the bytes as far as the state allows; what it can't use is the caller's to keep. Returns how many were used. */
size_t client_use(struct client *c, uint8_t *bytes, size_t length);

/* client_count.c: brings the gauges up to date: after each change of the session's pins, its lease or the client's state. */
void client_count_pins(struct client *c);

/* The reply to the command on its backend has ended. */
void client_count_reply(struct client *c);

/* How the server cuts this client's texts. */
struct lexer_modes client_lexer_modes(const struct client *c);

/* False: the connection was broken and the client is closed now (which its state says too). */
bool client_send(struct client *c, const struct wire_writer *w);
bool client_send_ok(struct client *c, uint8_t sequence, uint16_t warnings);
bool client_send_error(struct client *c, uint8_t sequence, const struct backend_error *error);
bool client_send_text(struct client *c, uint8_t sequence, uint16_t number, const char *sqlstate, const char *format, ...)
    __attribute__((format(printf, 5, 6)));
/* The peer's host as servers name it in an error. */
void client_peer(const struct client *c, char *host, size_t size);

/* client_login.c */
void client_greet(struct client *c);
size_t client_login_input(struct client *c, uint8_t *bytes, size_t length);
void client_login_ready(struct client *c);
void client_login_failed(struct client *c, const struct backend_error *error);
void client_login_free(struct client *c);
size_t client_change_user(struct client *c, uint8_t *bytes, size_t length);

/* client_command.c */
size_t client_command_input(struct client *c, uint8_t *bytes, size_t length);
/* The command that waits in the kept bytes gets this error instead. */
void client_refuse_command(struct client *c, const struct backend_error *error);

/* client_relay.c */
/* Sends the command at the front of bytes to the session's backend, or begins to wait for one (0 is used then). */
size_t client_run(struct client *c, uint8_t *bytes, size_t length);
size_t client_upload(struct client *c, uint8_t *bytes, size_t length);
bool client_at_border(const struct client *c);
extern const struct lease_ops client_lease_ops;

/* Of the backend's bytes, or of ours in its place. */
void client_to_backend(struct client *c, const uint8_t *bytes, size_t length);
/* The last of the command is about to be sent: what it changes for everybody. */
void client_note_sent(struct client *c);
void client_note_end(struct client *c);
void client_relay_local(struct client *c, uint8_t *bytes, size_t length);
/* The reply can't be followed any more: both connections end. */
void client_lost_track(struct client *c);

/* client_page_in.c: from when the server can have begun with the command: query_timeout. */
void client_begin_timing(struct client *c);
/* Is a page-in under way of which the command has to know the end? True: the command is looked at again then (LEASING). */
bool client_awaits_page_in(struct client *c) __attribute__((warn_unused_result));
/* The backend's bytes begin with answers to a page-in that went ahead of the command: they are taken off. False: nothing is left. */
bool client_take_page_in(struct client *c, uint8_t **bytes, size_t *length) __attribute__((warn_unused_result));
/* The command is about to be written, in view from its beginning: kept as long as it may have to be sent once more. */
void client_keep_ahead(struct client *c, const uint8_t *bytes, size_t length);
/* The server has ended the connection. True: before it answered a page-in, so that the command is sent on another. */
bool client_try_again(struct client *c) __attribute__((warn_unused_result));
void client_unloaded(struct lease *lease, const struct backend_error *error);

/* client_names.c: a command begins; what its names are looked up in, NULL: nothing is known for certain now. */
const struct name_set *client_names_begin(struct client *c, struct backend *b);
/* The last of its text has been judged, and will be sent. */
void client_names_sent(struct client *c, struct backend *b);
/* Its reply has ended: is it still known what it ran? */
void client_names_ended(struct client *c, struct backend *b);

/* client_residue.c: does the command whose packet this is (with its header; a COM_QUERY wholly in view) read what its backend has not (enum residue)?
 * True: it has been answered here, or sent with the session's own values. False: it goes to the backend as it is or, when the state is LEASING now, is
 * looked at again as soon as the backend has been given what is missing. */
bool client_residue(struct client *c, const uint8_t *bytes, size_t length) __attribute__((warn_unused_result));
/* Better no answer than a wrong one: the command's is 1235. */
void client_refuse_residue(struct client *c);
/* client_syntax.c: the text was sent with values in it, alone: should that be a syntax error, its words are to be those about this one. */
void client_syntax_watch(struct client *c, const uint8_t *text, size_t length);
/* The text, alone, is to be refused: if the server can't read it either, its error is the answer. False: it was not asked. */
bool client_syntax_ask(struct client *c, const uint8_t *text, size_t length) __attribute__((warn_unused_result));
/* Bytes of the backend's while the state is not NONE. True: they are taken care of. */
bool client_syntax_input(struct client *c, uint8_t *bytes, size_t length) __attribute__((warn_unused_result));
void client_syntax_end(struct client *c);
/* Its text is longer than what is seen of it before it is sent: it may read anything. LEASING now: it is looked at again when the backend has been given all
 * that it lacks and can be given. */
void client_residue_unseen(struct client *c);
/* All of such a text but its end has been sent, and it reads what the backend could not be given. True: it will not run, and the client has been told. */
bool client_residue_missed(struct client *c) __attribute__((warn_unused_result));
/* client_warnings.c: a SHOW WARNINGS or SHOW ERRORS about a list that the session has kept is answered from it (client_relay_local). */
bool client_answer_warnings(struct client *c, const uint8_t *text, size_t length) __attribute__((warn_unused_result));
/* client_names.c: what the stored code that the command may run may read of the statement before it (enum residue, or NAME_READS_ANYTHING: so it is while that
 * is awaited). */
uint8_t client_names_read(const struct client *c, const struct backend *b);
/* Does it name a routine? */
bool client_names_call(const struct client *c, const struct backend *b);
/* May it name stored code that is more than plain, or have been made since that was read? */
bool client_names_run(const struct client *c, const struct backend *b);
/* client_code_wait.c: the command, which has been judged but not sent, can't be judged for certain before the stored code has been read. True: it is LEASING
 * now, and looked at again then; its backend may be gone. False: nothing to wait for, or it has waited for wait_timeout. */
bool client_awaits_code(struct client *c) __attribute__((warn_unused_result));
/* The command has been sent, or will not be. */
void client_code_wait_end(struct client *c);
/* The expiry of clients.code_waits. */
void client_code_wait_expired(struct deadline *deadline);
/* SHOW COUNT(*) WARNINGS in any spelling, in the one that residue_text knows; NULL: it is none. */
const char *client_plain_count(const struct client *c, const uint8_t *text, size_t length);

/* client_kill.c: a whole COM_QUERY or COM_PROCESS_KILL packet. False: it is no KILL of a virtual id, relay it as it is. True: it is taken
 * care of, and the state says what is awaited; *used is what was used of it (0: once more when a backend is there). */
bool client_kill(struct client *c, uint8_t *bytes, size_t length, size_t *used) __attribute__((warn_unused_result));
/* Could the statement begin with KILL? */
bool client_may_be_kill(const uint8_t *text, size_t length);

#endif
