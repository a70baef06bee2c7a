/* SPDX-License-Identifier: MIT
 * Session trackers for a client without CAP_DEPRECATE_EOF. Where rows end it gets an EOF, which has no room for them: the server, of which it would be
 * the client, keeps them. Ours is a client that has room, and gets them at once: they are kept here.
 *
 * MySQL tells them with the next OK; MariaDB with the next OK of a statement that changes something, which shows in STATUS_STATE_CHANGED, in EOFs too.
 */
#ifndef SLUSE_PROTOCOL_TRACKERS_H
#define SLUSE_PROTOCOL_TRACKERS_H

#include "protocol/reply_packet.h"

#define TRACKERS_MAX 8192u /* bytes of entries kept; what is beyond is not told */

enum tracker {
    TRACKER_VARIABLE = 0,
    TRACKER_SCHEMA = 1,
    TRACKER_STATE_CHANGE = 2,
    TRACKER_CHARACTERISTICS = 4,
    TRACKER_TRANSACTION = 5,
};

/* Where the end of rows was told, and so what came of it. */
enum tracker_place {
    TRACKER_AT_END,     /* of a statement */
    TRACKER_BETWEEN,    /* of one of several statements, or inside a routine */
    TRACKER_IN_ROUTINE,
};

/* Entries as on the wire, each tracker and variable once; NULL: none. */
struct tracker_list {
    uint8_t *bytes;
    size_t length;
};

struct trackers {
    struct tracker_list kept;
    struct tracker_list lasting; /* what the client was told last of variables that routines put back at their end */
    const char *charset; /* of the client, by its login, unless the client was told of another since; NULL: it is not known */
    bool chosen;        /* the client has set session_track_system_variables: what was not tracked before is not known */
    uint8_t *packet;    /* the OK that was made of them last */
    bool state_told;    /* the client knows of a transaction */
    bool owed;          /* something has been kept since the last OK that told */
    bool transactions;  /* MariaDB, nobody is told: session_track_transaction_info is on, */
    bool characteristics; /* and characteristics have changed since the session began, */
    bool in_transaction;  /* or the state is not that of no transaction */
};

void trackers_free(struct trackers *t);
/* session_track_system_variables is set: what was to be told of the variables before is forgotten. */
void trackers_forget_variables(struct trackers *t);
/* The character set of the client's login. */
void trackers_login(struct trackers *t, const char *charset);
/* An OK's session state, that has to wait. A server looks variables up when it tells them: of those that a routine puts back at its end, and nothing tells
 * that, the value before it is kept. If that is not known, they are not told: the client has it. */
void trackers_keep(struct trackers *t, struct wire_text state, enum tracker_place place);
/* An OK's session state that the client gets as it is. */
void trackers_told(struct trackers *t, struct wire_text state);
/* Puts the OK's session state behind what was kept, and all of that into an OK. set: of a statement that may have set session_track_transaction_info, with which
 * MariaDB begins to tell of transactions, be there none. length: of that packet, which is t->packet until the next. False: it can't be, and is told as it is. */
bool trackers_tell(struct trackers *t, const struct ok_packet *ok, uint8_t sequence, bool set, size_t *length);
/* MariaDB, a client that is told nothing: follows session_track_transaction_info, whose changes count as not told for ever. set: the statement may
 * have set that variable. */
void trackers_follow(struct trackers *t, const struct ok_packet *ok, bool set);
/* MariaDB: is there something of a transaction that was not told? Then each EOF has STATUS_STATE_CHANGED. */
bool trackers_of_transactions(const struct trackers *t);

#endif
