/* SPDX-License-Identifier: MIT
 * A syntax error quotes the text, and the text was ours: values stood in it (client_residue.c). Nothing has been executed, so the server is asked once more,
 * with the client's own text, and its answer to that is the client's. The same where no values can be put in: it may be no statement.
 *
 * It is prepared rather than run: should it be no error without the values (SIGNAL takes a variable, but no expression), it would read what another session left.
 */
#include "proxy/client.h"

#include <stdlib.h>

#include "protocol/packet.h"
#include "proxy/invariant.h"

enum { SYNTAX_ERROR = 1064, UNKNOWN_CHARSET = 1115, UNKNOWN_VARIABLE = 1193, UNKNOWN_COLLATION = 1273, UNKNOWN_ROUTINE = 1305,
       SHUTDOWN = 1053, LOCK_TIMEOUT = 1205, DEADLOCK = 1213, INTERRUPTED = 1317 };

#define ERROR_HEAD (PACKET_HEADER + 3u)    /* 0xFF and the number */
#define PREPARED_HEAD (PACKET_HEADER + 9u) /* 0, the statement's number, how many columns and parameters it has */
#define CLOSE_SIZE (PACKET_HEADER + 5u)

void client_syntax_watch(struct client *c, const uint8_t *text, size_t length)
{
    buffer_free(&c->syntax.text);
    c->syntax.state = buffer_append(&c->syntax.text, text, length) ? SYNTAX_WATCHED : SYNTAX_NONE;
}

void client_syntax_end(struct client *c)
{
    buffer_free(&c->syntax.text);
    c->syntax.state = SYNTAX_NONE;
}

/* More has to come before it can be told. */
static bool wait_for_more(struct client *c, const uint8_t *bytes, size_t length)
{
    if (!stream_keep(&c->lease.backend->stream, bytes, length))
        client_close(c, CLOSE_NO_MEMORY);
    return true;
}

/* The client's own text. */
static void send_text(struct client *c, uint8_t command)
{
    struct backend *b = c->lease.backend;
    struct buffer *text = &c->syntax.text;
    size_t size = PACKET_HEADER + 1 + buffer_length(text);
    uint8_t *out = zalloc(size), *header;
    struct wire_writer w = wire_writer(out, size);

    header = packet_begin(&w);
    wire_put_u8(&w, command);
    wire_put_bytes(&w, buffer_bytes(text), buffer_length(text));
    packet_end(&w, header, 0);
    reply_begin(&b->reply, command_info(command)->shape, c->capabilities, c->lease.session.status);
    b->reply.mysql = !c->home->facts->is_mariadb;
    client_to_backend(c, out, wire_written(&w));
    free(out);
}

static void ask(struct client *c)
{
    STATS_INC(c->home->loop->stats.residues_retold);
    send_text(c, COM_STMT_PREPARE);
    c->syntax.state = SYNTAX_ASKED;
}

bool client_syntax_ask(struct client *c, const uint8_t *text, size_t length)
{
    const struct session *s = &c->lease.session;

    if (s->on_server & RESIDUE_WARNINGS && s->diagnostics == DIAGNOSTICS_SERVER)
        return false; /* that list would go */
    client_syntax_watch(c, text, length);
    if (c->syntax.state == SYNTAX_WATCHED)
        ask(c);
    return c->syntax.state == SYNTAX_ASKED;
}

/* It is no syntax error, or can't be prepared: what it reads can't be given to it. */
static void refuse(struct client *c)
{
    struct session *s = &c->lease.session;

    client_syntax_end(c);
    s->on_server &= (uint8_t)~RESIDUE_ROW_COUNT; /* that of the first error is there */
    c->lease.backend->warned = true;             /* and its list */
    session_list_overwritten(s);
    client_refuse_residue(c);
    if (c->state == CLIENT_READY)
        client_ready(c);
}

static void close_statement(struct client *c, uint32_t statement)
{
    uint8_t out[CLOSE_SIZE], *header;
    struct wire_writer w = wire_writer(out, sizeof out);

    header = packet_begin(&w);
    wire_put_u8(&w, COM_STMT_CLOSE);
    wire_put_u32(&w, statement);
    packet_end(&w, header, 0);
    client_to_backend(c, out, wire_written(&w));
}

/* It was prepared: the answer is read to its end, and nobody gets it. A text with parameters is an error when it is run. */
static bool drain(struct client *c, uint8_t *bytes, size_t length)
{
    struct backend *b = c->lease.backend;
    struct pieces *pieces = &c->home->loop->pieces;
    enum reply_status status;
    size_t used, at = 0;

    do {
        pieces_clear(pieces);
        status = reply_feed(&b->reply, bytes + at, length - at, SCRATCH_SIZE, &used, pieces);
        at += used;
    } while (status == REPLY_FULL);
    if (status == REPLY_MORE)
        return wait_for_more(c, bytes + at, length - at);
    if (status != REPLY_END || at != length) {
        client_lost_track(c);
        return true;
    }
    close_statement(c, b->reply.statement_id);
    if (c->syntax.parameters) {
        send_text(c, COM_QUERY);
        client_syntax_end(c);
    } else {
        refuse(c);
    }
    return true;
}

/* The number of the error that the bytes begin with; 0: it is none. */
static uint16_t error_of(const uint8_t *bytes)
{
    return bytes[PACKET_HEADER] == 0xFF ? (uint16_t)(bytes[PACKET_HEADER + 1] | bytes[PACKET_HEADER + 2] << 8) : 0;
}

/* What a server says of a text while it reads it, whether it is to be run or prepared, and whatever its values are. */
static bool is_of_text(uint16_t error)
{
    return error == SYNTAX_ERROR || error == UNKNOWN_CHARSET || error == UNKNOWN_VARIABLE || error == UNKNOWN_COLLATION || error == UNKNOWN_ROUTINE;
}

/* What hits whatever runs, or waits for a lock: the text itself would have met it, and it may have ended the transaction. */
static bool is_of_moment(uint16_t error)
{
    return error == SHUTDOWN || error == LOCK_TIMEOUT || error == DEADLOCK || error == INTERRUPTED;
}

bool client_syntax_input(struct client *c, uint8_t *bytes, size_t length)
{
    size_t packet = length >= PACKET_HEADER ? PACKET_HEADER + packet_length(bytes) : 0;
    uint16_t error;

    if (c->syntax.state == SYNTAX_DRAINED)
        return drain(c, bytes, length);
    if (length < ERROR_HEAD)
        return wait_for_more(c, bytes, length);
    error = error_of(bytes);
    if (c->syntax.state == SYNTAX_WATCHED ? error != SYNTAX_ERROR || length > packet : is_of_text(error) || is_of_moment(error)) {
        client_syntax_end(c); /* the answer is the client's */
        return false;
    }
    if (error && length < packet)
        return wait_for_more(c, bytes, length);
    if (c->syntax.state == SYNTAX_WATCHED) {
        ask(c);
    } else if (error) {
        refuse(c);
    } else if (length < PREPARED_HEAD) {
        return wait_for_more(c, bytes, length);
    } else {
        c->syntax.state = SYNTAX_DRAINED;
        c->syntax.parameters = bytes[PREPARED_HEAD - 2] || bytes[PREPARED_HEAD - 1];
        return drain(c, bytes, length);
    }
    return true;
}
