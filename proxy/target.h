/* SPDX-License-Identifier: MIT
 * The server behind the pool: where it is and what was learned from it. What was learned from one server is never applied to another.
 *
 * Whoever learns something (a backend's login, the control thread) tells the target; each worker has a copy of its own that it reads
 * without a lock and that changes by message.
 */
#ifndef SLUSE_PROXY_TARGET_H
#define SLUSE_PROXY_TARGET_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "protocol/greeting.h"
#include "proxy/epoch.h"
#include "proxy/log.h"
#include "proxy/stored_code_moment.h"

struct globals;
struct session_values;
struct stored_code;

struct target_facts {
    uint64_t version;            /* of these facts; raised with each change */
    bool addressed;              /* address is filled in */
    struct sockaddr_storage address;
    socklen_t address_length;
    bool greeted;                /* the fields from the greeting and login are filled in */
    char server_version[GREETING_VERSION_MAX];
    char plugin[GREETING_PLUGIN_MAX];
    uint32_t capabilities;
    uint8_t collation;
    uint16_t greeting_status;
    uint16_t status;             /* of a fresh session: autocommit or not */
    bool is_mariadb;
    uint32_t server_number;      /* as in versioned comments: 101119, 90704 */
    bool asked;                  /* the fields that the control thread asks for are filled in */
    bool init_connect;           /* the server runs something for each new login, which a change of user would miss; true until it is known */
    bool skip_name_resolve;
    uint64_t max_connections;
    struct stored_code *stored_code; /* only in a worker's copy, which holds it; NULL: not read yet */
    struct globals *globals;         /* likewise */
};

/* How the stored code is known; guarded by the target's mutex. */
struct target_stored_code {
    struct stored_code *newest;  /* NULL: not read yet */
    atomic_uint_least64_t changes; /* statements that may have changed it, and ended. Read without the mutex */
    uint64_t sure_version, sure_changes; /* the snapshot that was right last, and after how many changes */
    unsigned changing;           /* those under way */
    bool failed;                 /* the last reading went wrong, for a reason that the next may meet too */
    uint64_t readings;
    int64_t took_us;             /* the last of them */
    atomic_uint_least64_t right; /* version of the snapshot that tells what is there now; 0: none does. Read without the mutex */
};

#define GLOBALS_KEPT 8u

/* How the globals are known; guarded by the target's mutex. */
struct target_globals {
    struct globals *kept[GLOBALS_KEPT]; /* the newest is the last: so that no worker misses one */
    unsigned count;
    uint64_t changes;            /* statements that may have changed what a fresh session is, and ended */
    uint64_t right_changes;      /* when the last right reading was made */
    unsigned changing;           /* those under way */
    int64_t changing_from_us;    /* when the first of them began that no right reading has followed; 0: none has */
    int64_t same_us;             /* when the last reading began: until then the newest was true */
    uint64_t readings;
    int64_t took_us;             /* the last of them */
    /* read without the mutex */
    atomic_uint_least64_t right; /* version of the snapshot that tells what is there now; 0: none does */
    atomic_int_least64_t globals_us, privileges_us; /* what was copied from the server before is out of date */
};

struct target {
    char *name; /* for people: host:port or the socket's path */
    bool private_line;
    pthread_mutex_t mutex;
    struct target_facts facts;   /* guarded */
    void (*changed)(void *data); /* called after each change, without the lock, on the thread that told */
    void *changed_data;
    atomic_bool up;              /* the control thread's last ping was answered */
    struct target_stored_code stored_code;
    struct target_globals globals;
    char last_error[256];        /* guarded; the newest failure to connect or log in, empty after a success */
    struct log_news failures;    /* guarded; those of connections for clients */
};

void target_open(struct target *target, const char *host, uint16_t port, const char *socket_path);
void target_close(struct target *target);

struct target_facts target_facts(struct target *target);
/* Can clients log in: did the server answer the control connection, and is its greeting known? */
bool target_usable(struct target *target);
/* The server has greeted, and told a fresh session's flags in its OK (before that: in the greeting). Cheap when nothing is new.
 * known: the caller's copy. */
void target_learn_login(struct target *target, const struct target_facts *known, const struct greeting *greeting, uint16_t status);
/* From the control thread. Returns what it was before. */
bool target_set_up(struct target *target, bool up);
void target_learn_address(struct target *target, const struct sockaddr *address, socklen_t length);
void target_learn_variables(struct target *target, bool init_connect, bool skip_name_resolve, uint64_t max_connections);

/* Stored code (target_stored_code.c). A statement that may change it is about to be sent; it has ended, or can't end any more. Any thread; each
 * `changing` needs its `changed`. In between, and until it was read anew, no snapshot is right. */
void target_stored_code_changing(struct target *target);
void target_stored_code_changed(struct target *target);
/* Can `code` be trusted now? Cheap: once for each statement. */
bool target_stored_code_right(const struct target *target, const struct stored_code *code);
/* What is known of `code` (may be NULL) at this moment: for each statement, and cheap while it can be trusted. */
struct stored_code_moment target_stored_code_moment(struct target *target, const struct stored_code *code);
/* Could it be trusted then, and has nothing changed since? */
bool target_stored_code_unchanged(const struct target *target, const struct stored_code_moment *moment);
/* Can it be trusted now; and after how many changes? */
bool target_stored_code_sure(struct target *target, const struct stored_code *code, uint64_t *changes);
/* The newest snapshot, held for the caller; NULL: none. */
struct stored_code *target_stored_code(struct target *target);
/* From the control thread: the server may be another one now. */
void target_stored_code_unknown(struct target *target);
/* Likewise: it could not be read, and may not be readable: nobody is to wait for that. */
void target_stored_code_failed(struct target *target);
/* A reading begins. False: it would be in vain, as something is changing. */
bool target_stored_code_begin(struct target *target, uint64_t *began);
/* What it found, and how long that took; takes the code over. NULL: nothing has changed since the last one. */
void target_stored_code_learn(struct target *target, struct stored_code *code, uint64_t began, int64_t took_us);

struct target_stored_code_numbers {
    bool right;
    uint64_t names, schemas, readings;
    int64_t took_us;
};
struct target_stored_code_numbers target_stored_code_numbers(struct target *target);

/* Globals and grants (target_globals.c). A statement that may change what a fresh session is (SET GLOBAL, GRANT, ...) is about to be sent; it has ended, or
 * can't end any more. Any thread; each `changing` needs its `changed`. In between, and until the globals were read anew, no snapshot is right. refused: it
 * has changed nothing; true: and so nothing has to be read. */
void target_globals_changing(struct target *target);
bool target_globals_changed(struct target *target, bool refused);
/* Does the snapshot tell what the server has now, as far as is known? Cheap. */
bool target_globals_right(const struct target *target, const struct globals *globals);
/* Has a backend of this epoch what a fresh session would have of the globals, as far as is known? Cheap. */
bool target_has_globals(const struct target *target, const struct epoch *epoch);
/* Has nothing been sent through sluse so far that may have changed them? */
bool target_globals_untouched(struct target *target);
/* The end of the last statement through sluse that may have changed grants: a login before it proves nothing. Cheap. */
int64_t target_privileges_since(const struct target *target);
/* The snapshot after the one that is known (NULL: the newest), held for the caller. NULL: there is none. */
struct globals *target_globals_next(struct target *target, const struct globals *known);
/* From the control thread: the server may be another one now. */
void target_globals_unknown(struct target *target);
/* A reading begins. */
uint64_t target_globals_begin(struct target *target);
/* What it found; takes the values over. began: what target_globals_begin said. */
void target_globals_learn(struct target *target, struct session_values *values, uint64_t began, int64_t began_us, int64_t ended_us);
/* target_close alone. */
void target_globals_close(struct target *target);

struct target_globals_numbers {
    bool right;
    uint64_t epoch, readings; /* epoch: the newest snapshot's version */
    int64_t took_us;
};
struct target_globals_numbers target_globals_numbers(struct target *target);

/* The control connection failed: the newest failure. */
void target_set_error(struct target *target, const char *text);
/* A connection for clients failed. True: that is news for the log; *before: how often it was none. */
bool target_failed(struct target *target, const char *text, unsigned *before);
/* One did not. */
void target_succeeded(struct target *target);
/* Copies the newest failure; empty: none. */
void target_error(struct target *target, char *text, size_t size);

#endif
