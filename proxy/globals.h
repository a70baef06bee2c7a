/* SPDX-License-Identifier: MIT
 * What the server's globals were at a time: the values that a fresh session would have of its variables. And what a session keeps of them that has begun
 * with others.
 *
 * Snapshots are numbered. The newest is what sessions are told apart by: when there is a new one, each session that has begun takes as settings of its
 * own what differs from the one before (session_epoch.h), and is henceforth as one that has begun now. So no older one is needed by anybody.
 */
#ifndef SLUSE_PROXY_GLOBALS_H
#define SLUSE_PROXY_GLOBALS_H

#include <stdatomic.h>

#include "protocol/variable.h"
#include "proxy/session_values.h"

/* Immutable, and shared: only hold and drop touch it. */
struct globals {
    struct session_values *values;
    enum quotes quotes; /* what sql_mode makes of "x" */
    enum spaces spaces; /* and of white space behind names */
    uint64_t version;   /* 1 for the first */
    int64_t until_us;   /* what was copied before this, has the values of the snapshot before */
    int64_t since_us;   /* and what was copied after this, these; in between, nobody knows */
    atomic_uint references;
};

/* Takes the values over. */
struct globals *globals_new(struct session_values *values, uint64_t version, int64_t until_us, int64_t since_us);
struct globals *globals_hold(struct globals *globals);
/* NULL is nothing. */
void globals_drop(struct globals *globals);

/* Is it a variable whose global is read, and the value of which a session can be given? */
bool globals_is_read(unsigned variable, bool mariadb);

/* What `was` has of each variable that has another value in `is`; NULL: nothing. The caller's. What only one of them has is left out: a server that no
 * longer has a variable can't be given its value. */
struct session_values *globals_difference(const struct session_values *was, const struct session_values *is);

/* What a login makes of the globals. */
struct globals_login {
    bool collation;    /* it names one: the client's character sets are not the globals, and no SET would make them what the login does */
    bool ignore_space; /* CAP_IGNORE_SPACE: a bit more in sql_mode */
    bool interactive;  /* CAP_INTERACTIVE: wait_timeout is interactive_timeout */
};

/* Puts into `own` what it has not and a session has that began with `kept`. False: there was no room for all. */
bool globals_keep(struct session_values **own, const struct session_values *kept, struct globals_login login) __attribute__((warn_unused_result));
/* The same variables, each as a bit. */
void globals_mark(uint64_t bits[VARIABLES_MAX / 64], const struct session_values *own, const struct session_values *kept, struct globals_login login);

#endif
