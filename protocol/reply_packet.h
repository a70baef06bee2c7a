/* SPDX-License-Identifier: MIT
 * OK, ERR and EOF packets: parse and build. https://mariadb.com/kb/en/ok_packet/ , https://mariadb.com/kb/en/err_packet/
 */
#ifndef SLUSE_PROTOCOL_REPLY_PACKET_H
#define SLUSE_PROTOCOL_REPLY_PACKET_H

#include "protocol/wire.h"

enum server_status {
    STATUS_IN_TRANS = 0x0001,
    STATUS_AUTOCOMMIT = 0x0002,
    STATUS_MORE_RESULTS = 0x0008,
    STATUS_CURSOR_EXISTS = 0x0040,
    STATUS_LAST_ROW_SENT = 0x0080,
    STATUS_NO_BACKSLASH_ESCAPES = 0x0200,
    STATUS_QUERY_SLOW = 0x0800,
    STATUS_PS_OUT_PARAMS = 0x1000,
    STATUS_IN_TRANS_READONLY = 0x2000,
    STATUS_STATE_CHANGED = 0x4000,
    STATUS_ANSI_QUOTES = 0x8000, /* MariaDB */
    /* what belongs to the session rather than to one statement */
    STATUS_LASTING = STATUS_IN_TRANS | STATUS_AUTOCOMMIT | STATUS_NO_BACKSLASH_ESCAPES | STATUS_IN_TRANS_READONLY | STATUS_ANSI_QUOTES,
};

/* An OK packet, 0x00 or 0xFE in front, as a connection with CAP_PROTOCOL_41 | CAP_SESSION_TRACK gets it. Texts are borrowed. */
struct ok_packet {
    uint8_t header; /* 0x00 or 0xFE */
    uint64_t affected_rows;
    uint64_t insert_id;
    uint16_t status;
    uint16_t warnings;
    struct wire_text info;  /* length-encoded on the wire with and without CAP_SESSION_TRACK (measured; the manuals say otherwise) */
    struct wire_text state; /* session state information; empty unless STATUS_STATE_CHANGED */
};

/* session_track: was CAP_SESSION_TRACK negotiated on the connection that it comes from? */
enum wire_status ok_parse(const uint8_t *payload, size_t length, bool session_track, struct ok_packet *ok) __attribute__((warn_unused_result));
/* Writes a whole packet for a client with or without CAP_SESSION_TRACK; without, the state and STATUS_STATE_CHANGED are left out. */
void ok_write(struct wire_writer *w, const struct ok_packet *ok, bool session_track, uint8_t sequence);

/* The five-byte EOF payload (0xFE warnings status), as a whole packet. */
void eof_write(struct wire_writer *w, uint16_t warnings, uint16_t status, uint8_t sequence);

struct err_packet {
    uint16_t number;
    char sqlstate[6];       /* NUL-terminated; empty when the packet has none (before the handshake is done) */
    struct wire_text text;
};

enum wire_status err_parse(const uint8_t *payload, size_t length, struct err_packet *err) __attribute__((warn_unused_result));
/* sqlstate NULL or empty: without one, as servers do before the greeting. */
void err_write(struct wire_writer *w, uint16_t number, const char *sqlstate, const char *text, size_t text_len, uint8_t sequence);

/* Is this row of SHOW WARNINGS an error? Its level is Note, Warning or Error, in whatever character set, which its length tells apart. */
bool warning_is_error(struct wire_text row);

/* Appends one entry of session state information (type 1: schema) to w, for a login's OK. Schema must be under 1000 bytes. */
void session_state_put_schema(struct wire_writer *w, const void *schema, size_t length);
/* The last schema that an OK's session state tells of; false: none. schema is borrowed. */
bool session_state_schema(struct wire_text state, struct wire_text *schema);

#endif
