/* SPDX-License-Identifier: MIT
 * A session that has begun, and globals that have changed since: as at the server, it goes on with those of its beginning.
 *
 * What is not known of it, because it began while they were changing, is asked where it began, as long as it is there (backend_save.c).
 */
#ifndef SLUSE_PROXY_SESSION_EPOCH_H
#define SLUSE_PROXY_SESSION_EPOCH_H

#include "proxy/globals.h"
#include "proxy/session.h"

/* There is a new snapshot: what differs from the one before becomes the session's own. difference: globals_difference of the two; here: of the backend
 * that it is on, NULL: none. True: it took something. */
bool session_globals_changed(struct session *s, const struct session_values *difference, const struct globals *is, const struct epoch *here);

/* The globals may be changing, so that nobody knows what a backend has that took them just now: from here on all values are the session's own.
 * It is nowhere: those of the snapshot. True: it took them. */
bool session_keep_globals(struct session *s, const struct globals *globals);
/* It leaves the backend: it is asked. Nothing happens where it has not begun, or for the second time. */
void session_ask_globals(struct session *s, const struct globals *globals, const struct epoch *here);

#endif
