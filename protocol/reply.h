/* SPDX-License-Identifier: MIT
 * Follows the reply to one command, packet header by packet header, to its end, and translates it on the way.
 *
 * The server side always speaks CAP_DEPRECATE_EOF and CAP_SESSION_TRACK. Bytes go on as they came; for a client without the first, an
 * EOF is put behind the columns, the last OK becomes an EOF, whose session state waits for the next OK, and sequence numbers move; for one
 * without the second, session state is cut off. Rows are never copied or decoded.
 *
 *   RESULT --count--> COLUMNS --last--> ROWS --OK/EOF--> END, or RESULT again while STATUS_MORE_RESULTS
 *      |  `--OK, ERR--> END             (an open cursor ends the reply at its first OK: no row comes, one EOF in all)
 *      `--0xFB--> FILE: the client speaks, then RESULT again
 *
 * MySQL gives a statement that was executed with a cursor first no rows when it is executed without one, but an OK behind the columns. Directly a
 * client waits for rows then, or finds no EOF; so it does here, but the reply's end is known.
 */
#ifndef SLUSE_PROTOCOL_REPLY_H
#define SLUSE_PROTOCOL_REPLY_H

#include "protocol/capability.h"
#include "protocol/command.h"
#include "protocol/pieces.h"
#include "protocol/reply_packet.h"
#include "protocol/reply_row.h"
#include "protocol/trackers.h"

#define REPLY_SCHEMA_MAX 255u

enum reply_state {
    REPLY_AT_RESULT,
    REPLY_AT_COLUMNS,
    REPLY_AT_ROWS,
    REPLY_AT_PREPARE,
    REPLY_AT_DEFINITIONS,
    REPLY_AT_TEXT,
    REPLY_AT_STREAM,
    REPLY_AT_FILE,
    REPLY_AT_END,
};

enum reply_status {
    REPLY_MORE, /* consumed what could be; read more, with what was not consumed in front */
    REPLY_FULL, /* the list of pieces is full: write it, clear it, call again */
    REPLY_FILE, /* LOCAL INFILE: the client sends packets up to an empty one; then call again */
    REPLY_END,  /* the reply is complete */
    REPLY_BAD,  /* not the protocol */
};

struct reply {
    enum reply_state state;
    bool keep_eof;      /* the client lacks CAP_DEPRECATE_EOF */
    bool keep_track;    /* the client has CAP_SESSION_TRACK */
    bool local_files;   /* the client has CAP_LOCAL_FILES */
    bool cursor;        /* one was asked for: an ERR behind the columns comes without an EOF in between */
    bool rowless;       /* for the caller to set: MySQL, executed without a cursor after it had one: an OK may stand where rows should */
    struct row_shape row; /* then: of the result set under way */
    bool eof_owed;      /* an EOF stands out behind the columns; it can only be placed when the next packet is known */
    bool continued;     /* the packet under way was PACKET_MAX long: the next one belongs to it */
    bool failed;        /* it ended in ERR */
    uint8_t shift;      /* what the client's sequence numbers are ahead of the server's */
    uint8_t sequence;   /* of the last packet, as the client saw it */
    uint16_t status;    /* flags of the last OK or EOF; before that, the session's */
    uint16_t warnings;
    bool warned;        /* some result of the reply had warnings */
    bool mysql;         /* for the caller to set: the EOFs are like MySQL's, which show less */
    unsigned followed;  /* for the caller to set: so many statements have others behind them, which their results tell; 0: none, or it is not known */
    unsigned results;   /* that have ended */
    struct trackers *trackers; /* for the caller to set, of a client without CAP_DEPRECATE_EOF: what it has not been told; NULL: nothing is kept */
    bool sets_transactions;    /* likewise: session_track_transaction_info may be set */
    bool single;        /* likewise: all results are of one statement */
    bool changed;       /* MariaDB: the statement's last EOF had STATUS_STATE_CHANGED, and no OK has told of it: the next has it, too */
    bool made;          /* an OK of ours is in the pieces: there can't be another */
    uint16_t conditions; /* for the caller to set: what its OK tells the client instead of 0 warnings */
    uint16_t error;     /* number of the ERR */
    char sqlstate[6];   /* likewise; empty: it had none */
    uint32_t skip;      /* bytes of the packet under way that are still to come */
    uint64_t columns;   /* definitions still to come in this group */
    uint64_t columns_next; /* prepare: definitions of the group behind */
    uint64_t affected_rows;
    uint64_t insert_id;
    uint64_t rows;      /* of the last result set */
    bool rows_begun;    /* the last result has, or had, columns: it was being executed */
    bool rows_ended;    /* what ended last was a result set */
    uint32_t statement_id; /* prepare: the server's number for it */
    bool schema_told;   /* the server has told the current schema, by its tracker */
    uint8_t schema_length;
    char schema[REPLY_SCHEMA_MAX];
};

/* capabilities: the client's. status: the session's flags so far, used in an EOF whose own flags the server did not tell. */
void reply_begin(struct reply *r, enum reply_shape shape, uint32_t capabilities, uint16_t status);

/* Eats bytes (and changes them in place: sequence numbers, rewritten OKs). At most `capacity` bytes can ever be presented at once: an OK
 * or ERR longer than that is REPLY_BAD. *consumed bytes are in the pieces or dropped; the rest must be presented again with more behind. */
enum reply_status reply_feed(struct reply *r, uint8_t *bytes, size_t length, size_t capacity, size_t *consumed, struct pieces *out)
    __attribute__((warn_unused_result));

/* Is the reply at a packet's border, so that a packet of our own would not land inside another? */
bool reply_at_border(const struct reply *r);

#endif
