/* SPDX-License-Identifier: MIT
 * The control thread: health, the server's variables, its stored code, names, and KILL. Besides --check nothing else uses libmariadb.
 *
 * It keeps one connection to the server, which is one of the pool's `size` from the start, so that a KILL never has to wait for what it is
 * to end.
 */
#ifndef SLUSE_PROXY_CONTROL_H
#define SLUSE_PROXY_CONTROL_H

#include <stdbool.h>
#include <stdint.h>

#include "conf/conf.h"
#include "proxy/account.h"
#include "proxy/backend_error.h"
#include "proxy/loop.h"
#include "proxy/target.h"

struct control;

/* One KILL. The asker owns it; it is the control thread's from control_kill until `answer` runs on `loop`. */
struct kill_request {
    struct message answer;
    struct loop *loop;
    struct kill_request *next;
    uint32_t thread_id; /* the server's */
    unsigned generation; /* of the control connection when it was asked */
    uint16_t account;   /* whose right to kill it is used: the session's own, or another asker's */
    bool as_account;    /* not with the control account's privileges, but only with that account's */
    bool connection;    /* KILL CONNECTION rather than KILL QUERY */
    bool done;          /* the server said OK */
    struct backend_error error; /* else: what it said, or why it could not be asked */
};

/* Borrows everything. */
struct control *control_open(struct conf *conf, struct accounts *accounts, struct target *target);
/* Starts the thread: whom it tells must be there. */
void control_start(struct control *control);
/* The settings are others. Any thread. */
void control_settings_changed(struct control *control, struct conf *conf);
/* Ends the thread, if it was started; what is still asked is answered (without the server), and everything freed. */
void control_close(struct control *control);

/* Any thread. Never blocks; the answer always comes, also when the server can't be reached. */
void control_kill(struct control *control, struct kill_request *request);

/* Any thread. A statement is about to be sent that may change views, triggers, routines and the like; and it has ended, or its connection has.
 * Each `changing` needs one `changed`. */
void control_stored_code_changing(struct control *control);
void control_stored_code_changed(struct control *control);
/* Likewise for one that may change globals or grants. refused: it has changed nothing. */
void control_globals_changing(struct control *control);
void control_globals_changed(struct control *control, bool refused);

#endif
