/* SPDX-License-Identifier: MIT
 * A backend: one connection to the server, the frame into which sessions are loaded.
 *
 * It belongs to the loop of its stream. Exactly one of these has it: a lease (RESTORING, LEASED, or while it connects for one), the
 * idle list of its worker's frames (IDLE), or itself until an event comes (the other states). backend_set_state alone changes the state.
 *
 *   CONNECTING -> LOGIN -> LEASED <-> (relay) -> DRAINING -> CLEANING -> IDLE -> RESTORING -> LEASED
 *        |          |        `--> IDLE, a session resident -> SAVING -> IDLE, or LEASED again
 *        `----------`---------------------------------------------------- every state -> CLOSING -> CLOSED
 *
 * A session that is neither pinned nor under way is resident: its page stays loaded while the backend is IDLE, and leaves it (SAVING) only when
 * somebody else needs the backend.
 */
#ifndef SLUSE_PROXY_BACKEND_H
#define SLUSE_PROXY_BACKEND_H

#include <sys/queue.h>

#include "protocol/auth.h"
#include "protocol/reply.h"
#include "proxy/account.h"
#include "proxy/backend_error.h"
#include "proxy/control.h"
#include "proxy/deadline.h"
#include "proxy/epoch.h"
#include "proxy/footprint.h"
#include "proxy/frame_view.h"
#include "proxy/session.h"
#include "proxy/stream.h"
#include "proxy/target.h"

struct backend;
struct frames;
struct lease;

/* What the holder of a lease is told, on its loop's thread. */
struct lease_ops {
    void (*ready)(struct lease *lease);  /* the backend is loaded with the lease's image and the lease's own */
    void (*failed)(struct lease *lease, const struct backend_error *error); /* there will be none; the lease is idle again */
    void (*input)(struct lease *lease);  /* the leased backend is readable */
    void (*drained)(struct lease *lease); /* what was stuck on its way to the backend has gone */
    void (*answered)(struct lease *lease); /* the last KILL aimed at the leased backend has been answered */
    void (*lost)(struct lease *lease, bool overdue); /* the backend where it was resident has gone, and a part of its state with it. overdue: it was closed
                                          * for a wait_timeout that the session had set */
    void (*unloaded)(struct lease *lease, const struct backend_error *error); /* what went out ahead of its command was refused, or not answered: the
                                          * command may have run without it */
    void (*silent)(struct lease *lease); /* on no backend for longer than its own wait_timeout */
};

enum lease_state { LEASE_NONE, LEASE_SAVING, LEASE_WAITING, LEASE_CONNECTING, LEASE_RESTORING, LEASE_HELD };

struct silence;
struct ticket;
struct waiter;

TAILQ_HEAD(backend_list, backend);

/* A session's claim on a backend; embedded in the client. */
struct lease {
    const struct lease_ops *ops;
    struct frames *frames;       /* its worker's */
    uint32_t id;                 /* its session's virtual id */
    enum lease_state state;
    struct backend *backend;     /* from CONNECTING on */
    struct backend *resident;    /* NONE, SAVING: where its page lies; NULL: nowhere */
    uint64_t last_backend;       /* id of the backend that it was on last */
    struct ticket *ticket;       /* its place in the pool's queue: while WAITING, and on the way to a backend */
    struct deadline deadline;    /* the pool's wait_timeout, over everything up to HELD */
    int64_t since_us;            /* when it began to ask */
    uint32_t key;                /* capability_key of what its client negotiated */
    struct silence *silence;     /* frames_silence.c; NULL: it never needed one */
    struct session session;      /* what must be loaded */
};

/* Where a login or a change of user stands: what the next packet is. */
enum exchange_step { EXCHANGE_GREETING, EXCHANGE_OWED, EXCHANGE_AUTH, EXCHANGE_SETTINGS, EXCHANGE_DONE };

/* Where the reading of a session's state stands, backend_save.c. */
enum save_step { SAVE_COUNT, SAVE_COLUMNS, SAVE_ROWS };

struct saving {
    enum save_step step;
    unsigned left;          /* questions that are not answered */
    bool warnings_first;    /* the order of the two */
    bool warnings;          /* SHOW WARNINGS is what is being answered */
    bool failed;
    bool refused;           /* with an error, which is in the server's list now */
    uint64_t columns;
    uint64_t listed, errors; /* rows of SHOW WARNINGS */
    uint8_t asked;          /* enum unsaved */
    struct waiter *waiter;  /* to whom the backend goes afterwards; NULL: to nobody */
    int close;              /* -1, or the enum close_reason for which it is closed afterwards */
};

/* What of the session's residue is being given back to the server, backend_prime.c. */
struct prime {
    bool active;
    bool overwrites;        /* it leaves a warning that is not the session's */
    uint8_t asked, done;    /* enum residue; done is 0 once the server has refused a part */
    uint16_t error;         /* of a SIGNAL that makes one; 0: none does */
    unsigned error_owed;    /* how many replies are owed when its own comes */
    bool killed;            /* a KILL QUERY has hit it, or was meant for the command that waits for it */
};

/* A page-in that is written together with the command for which it is done: its replies come before the command's, backend_ahead.c. */
struct ahead {
    struct buffer unsent;       /* goes out with what is written next */
    unsigned owed;              /* replies that have not come, unsent included */
    struct reply reply;         /* the one of these that is under way: the command's own is under way too */
    struct buffer command;      /* what was written behind it, if it was a whole command and is not too long */
    struct kill_request *kills; /* KILLs that are asked for when none is owed any more */
};

/* What a backend needs of its worker, and whom it tells. */
struct backend_context {
    struct loop *loop;
    const struct conf *conf;
    struct accounts *accounts;
    struct target *target;
    const struct target_facts *facts; /* the worker's own copy */
    struct control *control;
    struct frame_views *views;        /* of the process */
    struct deadline_queue exchange;   /* connect, login, restore, clean: connect_timeout */
    struct deadline_queue queries;    /* LEASED, a command under way: query_timeout */
    struct deadline_queue closing;    /* drain and close: close_timeout */
    struct backend_list every;        /* that is not CLOSED */
    void (*logged_in)(struct backend *b);
    void (*restored)(struct backend *b); /* the session is loaded, or (CLEANING) the backend clean */
    void (*failed)(struct backend *b, enum close_reason reason, const struct backend_error *error); /* before LEASED; the state is still what it was */
    void (*saved)(struct backend *b, bool done); /* the resident session's state has been read, or (not done) could not be */
    void (*answered)(struct backend *b); /* the last KILL aimed at it has been answered; LEASED */
    void (*drained)(struct backend *b);  /* the reply nobody waits for has ended */
    void (*closed)(struct backend *b);   /* the server's EOF, or the end of patience: the slot is free */
    void (*lost)(struct backend *b);     /* idle, and the server closed it */
};

struct backend {
    struct stream stream;
    struct backend_context *context;
    enum backend_state state;
    TAILQ_ENTRY(backend) link; /* idle list */
    TAILQ_ENTRY(backend) every; /* all of the worker's */
    struct deadline deadline;
    struct frame_view view;    /* what can be seen of it from outside */
    struct lease *lease;       /* whose it is, or for whom it is made */
    struct lease *resident;    /* IDLE, SAVING: whose page it has */
    bool listed;               /* it is in the idle list */
    bool retiring;             /* the pool shrinks, and this is one too many */
    uint64_t id;
    uint32_t thread_id;        /* the server's connection id */
    uint32_t key;
    struct session_image image; /* what is loaded, or being loaded; of a resident or leasing session, what was when it came */
    struct session_values *values; /* likewise: variables beyond a fresh session's */
    bool warned;               /* its list of warnings may not be empty */
    struct epoch epoch;
    int64_t born_us;
    int64_t idle_since_us;
    enum footprint footprint;
    bool spent;                /* nothing cleans what was done: close it when its session ends */
    unsigned changes_code;     /* so many changes of views, triggers, routines may be in what runs, 2 for several: the control thread waits for its end */
    bool changes_globals;      /* likewise globals, accounts, grants */
    bool torn;                 /* half a packet of ours lies on the wire: not even COM_QUIT can follow */
    uint16_t status;           /* the session's flags after the last reply */
    struct reply reply;        /* to the command under way; REPLY_AT_END: none */
    struct statement statement; /* its text, while it passes */
    struct stored_code_moment moment; /* what was known of the stored code when it began */
    struct name_list names;    /* that its text's verdict depends on */
    struct stored_code *code;  /* what it is judged by, held while it passes in pieces; else NULL */
    struct command_effects effects;
    struct saving saving;
    /* login and change of user, backend_exchange.c */
    enum exchange_step step;
    unsigned owed;             /* replies to what goes around the authentication */
    bool page_in;              /* what is being loaded is a session that has begun, not a fresh one */
    bool schema_later;         /* the schema is chosen behind the change of user */
    struct prime prime;
    struct ahead ahead;
    bool role_asked;           /* the next reply to end tells the role that a login gets */
    struct auth_client auth;
    struct auth_secret secret; /* wiped when the exchange ends */
    struct greeting greeting;
    /* KILLs aimed at it that are not answered: it goes to nobody else before */
    unsigned kills;
    bool failing;              /* `failed` is on its way */
    struct grave grave;
};

/* Opens a connection for the image (its account must be usable); a slot of the pool has been taken. Never fails at once:
 * whatever goes wrong is told by `failed` later. */
struct backend *backend_open(struct backend_context *context, const struct session_image *image, uint32_t key);

void backend_set_state(struct backend *b, enum backend_state state);
/* Whose it is from now on, or for whom it is made; or else whose page lies on it. Nobody's: NULL. Who has it knows it already, or is told by the caller. */
void backend_set_lease(struct backend *b, struct lease *lease, struct lease *resident);

/* backend_load.c: loads the session in the cheapest way that does it, whatever was there before. NULL: makes it as clean as after a login with its
 * image. State becomes RESTORING or CLEANING; `restored` or `failed` follows. True: there was nothing to say, and neither follows. */
bool backend_load(struct backend *b, struct session *session, enum backend_state state);
/* backend_page_in.c: the session has been loaded. Was it with what it should have, globals that have changed in the meantime included? */
bool backend_loaded_rightly(const struct backend *b, const struct session *s);
/* backend_save.c: asks the server for what only it knows of the resident session. State becomes SAVING, and `saved` follows. */
void backend_save(struct backend *b, struct waiter *waiter, int close);
void backend_save_input(struct backend *b);
/* backend_prime.c: what of these (enum residue) the server can be given. */
uint8_t backend_can_prime(const struct backend *b, struct session *s, uint8_t which);
/* Gives the server these, which backend_can_prime has named, and ROW_COUNT() if possible. The state becomes RESTORING; `restored` or `failed` follows. */
void backend_prime(struct backend *b, struct session *s, uint8_t which);
/* backend_ahead.c: what w has, answered by b->owed replies, goes out with what is written next. False: no memory, nothing has changed. */
bool backend_ahead_begin(struct backend *b, const struct wire_writer *w) __attribute__((warn_unused_result));
/* Writes, and in front of it what is to go ahead. False: the connection is broken. */
bool backend_write(struct backend *b, const void *bytes, size_t length) __attribute__((warn_unused_result));
/* Nothing will be written now, and what is to go ahead does not wait for it. */
void backend_ahead_flush(struct backend *b);
/* What has come begins with replies to what went ahead. True: none is owed any more, and *used bytes were theirs. False: the rest has been kept for more
 * of them, or they failed and whoever has the backend was told. */
bool backend_ahead_input(struct backend *b, uint8_t *bytes, size_t length, size_t *used) __attribute__((warn_unused_result));
void backend_ahead_failed(struct backend *b, const struct backend_error *error);
/* It ends: none is awaited any more. */
void backend_ahead_forget(struct backend *b);
/* Its reply has no reader any more: read it to its end, then `drained`. */
void backend_drain(struct backend *b);

/* Ends it: COM_QUIT where that fits, then the server's EOF is awaited. `closed` follows, at once when the server has gone. Any state. */
void backend_close(struct backend *b, enum close_reason reason);
/* The server has closed it, or it broke; `closed` follows at once. */
void backend_lost(struct backend *b, enum close_reason reason);

/* CLOSING, and the server does not let go: the slot is given back all the same. */
void backend_give_up(struct backend *b);

/* Is the server still there? For a backend that was idle and whose readability may not have been seen yet. */
bool backend_alive(const struct backend *b);

/* What is to be sent next may change stored code, once or (2) more often; globals, accounts or grants. */
void backend_changes_code(struct backend *b, unsigned changes);
void backend_changes_globals(struct backend *b);
/* What was sent has ended. refused: with an error from which it is certain that nothing has been done. Nothing happens when nothing was said. */
void backend_has_changed(struct backend *b, bool refused);

/* A KILL aimed at it; not before what went ahead has been answered: hitting that, it would let the command behind it run on a wrong page. */
void backend_kill(struct backend *b, struct kill_request *request);
/* KILL QUERY for what runs on it now. */
void backend_kill_query(struct backend *b);
/* An answer to a KILL that counted in b->kills has come. The backend may be gone afterwards, or another worker's. */
void backend_kill_answered(struct backend *b);

/* Between loops, IDLE only. */
void backend_detach(struct backend *b);
void backend_attach(struct backend *b, struct backend_context *context);

/* `failed` of the context will be called, from the loop; nothing more is read until then. */
void backend_fail(struct backend *b, enum close_reason reason, const struct backend_error *error);

/* backend_login.c: connected, the greeting is awaited. backend_exchange.c: bytes have come while LOGIN, RESTORING or CLEANING. */
void backend_exchange_begin(struct backend *b);
void backend_exchange_input(struct backend *b);

#endif
