/* SPDX-License-Identifier: MIT
 * The automaton that follows a reply to its end.
 *
 * Servers: sql/protocol.cc (net_send_ok, net_send_eof), sql/sql_prepare.cc (send_prep_stmt), sql/sql_cursor.cc.
 */
#include "protocol/reply.h"

#include <string.h>

#include "protocol/packet.h"
#include "protocol/reply_part.h"

#define EOF_PACKET (PACKET_HEADER + 5u)
#define ROWLESS_MAX (2 * TRACKERS_MAX) /* bytes of an OK in place of rows */

void reply_begin(struct reply *r, enum reply_shape shape, uint32_t capabilities, uint16_t status)
{
    static const enum reply_state first[] = {
        [REPLY_RESULT] = REPLY_AT_RESULT, [REPLY_NONE] = REPLY_AT_END, [REPLY_PREPARE] = REPLY_AT_PREPARE, [REPLY_FIELDS] = REPLY_AT_ROWS,
        [REPLY_ROWS] = REPLY_AT_ROWS,     [REPLY_TEXT] = REPLY_AT_TEXT, [REPLY_STREAM] = REPLY_AT_STREAM,
    };

    *r = (struct reply){
        .state = first[shape],
        .keep_eof = !(capabilities & CAP_DEPRECATE_EOF),
        .keep_track = (capabilities & CAP_SESSION_TRACK) != 0,
        .local_files = (capabilities & CAP_LOCAL_FILES) != 0,
        .status = status & STATUS_LASTING,
    };
}

bool reply_at_border(const struct reply *r)
{
    return r->skip == 0 && !r->continued;
}

/* An EOF of ours goes in front of the packet at w->at, which has the server's sequence number `before`. */
static void insert_eof(struct walk *w, uint8_t before, uint16_t warnings, uint16_t status)
{
    struct wire_writer out;

    reply_flush(w);
    out = wire_writer(pieces_store(w->out, EOF_PACKET), EOF_PACKET);
    eof_write(&out, warnings, status, (uint8_t)(before + w->r->shift));
    w->r->sequence = (uint8_t)(before + w->r->shift);
    w->r->shift++;
}

/* The flags told last, and whether another statement follows. */
static uint16_t flags_so_far(const struct reply *r)
{
    if (r->followed == 0)
        return r->status;
    return (r->status & (uint16_t)~STATUS_MORE_RESULTS) | (r->results < r->followed ? STATUS_MORE_RESULTS : 0);
}

/* The flags that an EOF behind the columns would have had: those of the result set's last packet, when that is already here, less what
 * only the end can know. Rows have not been evaluated then, so there are no warnings yet. */
static uint16_t peek_status(const struct walk *w)
{
    const uint8_t *at = w->at;
    struct ok_packet ok;

    while (w->end - at > (ptrdiff_t)PACKET_HEADER) {
        uint32_t length = packet_length(at);

        if ((size_t)(w->end - at) - PACKET_HEADER < length || length == PACKET_MAX)
            break;
        if (length > 0 && at[PACKET_HEADER] == 0xFF)
            break;
        if (length > 0 && at[PACKET_HEADER] == 0xFE) {
            if (ok_parse(at + PACKET_HEADER, length, true, &ok) != WIRE_OK)
                break;
            return ok.status & (uint16_t)~(STATUS_STATE_CHANGED | STATUS_QUERY_SLOW);
        }
        at += PACKET_HEADER + length;
    }
    return flags_so_far(w->r);
}

/* The packet at w->at goes on with its sequence number moved; its body may still be under way. */
static void pass_packet(struct walk *w, uint32_t length)
{
    struct reply *r = w->r;
    size_t here = (size_t)(w->end - w->at) - PACKET_HEADER;

    if (r->shift)
        w->at[3] = (uint8_t)(w->at[3] + r->shift);
    r->sequence = w->at[3];
    if (here > length)
        here = length;
    w->at += PACKET_HEADER + here;
    r->skip = length - (uint32_t)here;
    r->continued = length == PACKET_MAX;
}

static bool pass_err(struct walk *w, uint32_t length)
{
    const uint8_t *payload = w->at + PACKET_HEADER;

    if (length < 3)
        return false;
    w->r->failed = true;
    w->r->error = (uint16_t)(payload[1] | payload[2] << 8);
    w->r->sqlstate[0] = '\0';
    if (length >= 9 && payload[3] == '#')
        memcpy(w->r->sqlstate, payload + 4, 5); /* the sixth is zero from the beginning */
    pass_packet(w, length);
    w->r->state = REPLY_AT_END;
    return true;
}

static void next_result(struct reply *r)
{
    r->results++;
    if (!r->single)
        r->changed = false;
    r->state = (r->status & STATUS_MORE_RESULTS) ? REPLY_AT_RESULT : REPLY_AT_END;
}

static bool at_result(struct walk *w, uint32_t length, uint8_t first)
{
    struct reply *r = w->r;
    struct wire_reader in = wire_reader(w->at + PACKET_HEADER, length);

    r->rows_begun = false;
    if (first == 0x00 || first == 0xFE) {
        if (!reply_pass_ok(w, length))
            return false;
        r->rows_ended = false;
        next_result(r);
        return true;
    }
    if (first == 0xFB) {
        if (!r->local_files)
            return false; /* the server may not ask a client that did not offer it */
        pass_packet(w, length);
        r->state = REPLY_AT_FILE;
        return true;
    }
    r->columns = wire_lenenc(&in);
    if (in.bad || r->columns == 0 || wire_left(&in) != 0)
        return false;
    pass_packet(w, length);
    r->rows = 0;
    r->row = (struct row_shape){.columns = 0};
    r->rows_begun = true;
    r->state = REPLY_AT_COLUMNS;
    return true;
}

static bool at_prepare(struct walk *w, uint32_t length, uint8_t first)
{
    struct reply *r = w->r;
    const uint8_t *p = w->at + PACKET_HEADER;

    if (first != 0x00 || length < 9)
        return false;
    r->statement_id = (uint32_t)p[1] | (uint32_t)p[2] << 8 | (uint32_t)p[3] << 16 | (uint32_t)p[4] << 24;
    r->columns_next = (uint64_t)(p[5] | p[6] << 8);
    r->columns = (uint64_t)(p[7] | p[8] << 8);
    r->warnings = (uint16_t)(length >= 12 ? p[10] | p[11] << 8 : 0);
    r->warned = r->warnings != 0;
    pass_packet(w, length);
    if (r->columns == 0) {
        r->columns = r->columns_next;
        r->columns_next = 0;
    }
    r->state = r->columns ? REPLY_AT_DEFINITIONS : REPLY_AT_END;
    return true;
}

/* Behind a group of prepare's definitions. The EOF is ours to place as soon as the last definition has wholly passed. */
static void end_definitions(struct walk *w, uint8_t sequence)
{
    struct reply *r = w->r;

    if (r->keep_eof)
        insert_eof(w, (uint8_t)(sequence - r->shift + 1), r->mysql ? r->warnings : 0, r->status);
    r->columns = r->columns_next;
    r->columns_next = 0;
    if (r->columns == 0)
        r->state = REPLY_AT_END;
}

static bool at_column(struct walk *w, uint32_t length)
{
    struct reply *r = w->r;

    if (r->rowless && !row_shape_add(&r->row, w->at + PACKET_HEADER, length))
        return false;
    pass_packet(w, length);
    if (--r->columns == 0) {
        r->eof_owed = r->keep_eof;
        r->state = REPLY_AT_ROWS;
    }
    return true;
}

/* May it be an OK in place of rows? Only as the first of them. */
static bool is_rowless(const struct reply *r, uint32_t length, uint8_t first)
{
    return r->rowless && r->rows == 0 && first == 0x00 && length > 0 && length <= ROWLESS_MAX;
}

/* Nothing tells how many warnings there are: this OK has none. */
static bool end_rowless(struct walk *w, uint32_t length)
{
    struct reply *r = w->r;

    r->eof_owed = false;
    if (!reply_pass_ok(w, length))
        return false;
    r->warned = true;
    r->rows_ended = true;
    next_result(r);
    return true;
}

static bool at_rows(struct walk *w, uint32_t length, uint8_t first)
{
    struct reply *r = w->r;
    uint8_t before = packet_sequence(w->at);

    if (is_rowless(r, length, first) && !row_shape_fits(&r->row, w->at + PACKET_HEADER, length))
        return end_rowless(w, length);
    if (r->eof_owed) {
        bool cursor = false;
        struct ok_packet ok;

        if (length >= 7 && first == 0xFE && length < PACKET_MAX && ok_parse(w->at + PACKET_HEADER, length, true, &ok) == WIRE_OK)
            cursor = (ok.status & STATUS_CURSOR_EXISTS) != 0;
        r->eof_owed = false;
        if (!cursor)
            insert_eof(w, before, 0, peek_status(w));
    }
    if (length > 0 && first == 0xFE && length < PACKET_MAX) {
        if (!reply_pass_ok(w, length))
            return false;
        r->rows_ended = true;
        next_result(r);
        return true;
    }
    r->rows++;
    pass_packet(w, length);
    return true;
}

/* Must the packet be in view as a whole before it can be judged? */
static bool needs_whole(const struct reply *r, uint32_t length, uint8_t first)
{
    if (length == 0 || length == PACKET_MAX)
        return false;
    switch (r->state) {
    case REPLY_AT_RESULT:
    case REPLY_AT_PREPARE:
        return true;
    case REPLY_AT_DEFINITIONS:
        return true; /* an EOF of ours may have to follow at once */
    case REPLY_AT_COLUMNS:
        return r->rowless || first == 0xFF;
    case REPLY_AT_ROWS:
        return first == 0xFE || first == 0xFF || is_rowless(r, length, first);
    case REPLY_AT_STREAM:
        return first == 0xFE || first == 0xFF;
    default:
        return first == 0xFF;
    }
}

static bool must_be_seen(const struct reply *r)
{
    return r->state == REPLY_AT_RESULT || r->state == REPLY_AT_PREPARE || r->state == REPLY_AT_DEFINITIONS || (r->state == REPLY_AT_COLUMNS && r->rowless);
}

static bool judge_packet(struct walk *w, uint32_t length, uint8_t first)
{
    struct reply *r = w->r;

    if (r->state == REPLY_AT_RESULT && length == 0)
        return false;
    if (length == PACKET_MAX && must_be_seen(r))
        return false; /* what has to be seen whole is never continued */
    if (length > 0 && length < PACKET_MAX && first == 0xFF && r->state != REPLY_AT_TEXT) {
        uint8_t before = packet_sequence(w->at);

        if (r->eof_owed && !r->cursor)
            insert_eof(w, before, 0, flags_so_far(r));
        r->eof_owed = false;
        return pass_err(w, length);
    }
    switch (r->state) {
    case REPLY_AT_RESULT:
        return at_result(w, length, first);
    case REPLY_AT_COLUMNS:
        return at_column(w, length);
    case REPLY_AT_ROWS:
        return at_rows(w, length, first);
    case REPLY_AT_PREPARE:
        return at_prepare(w, length, first);
    case REPLY_AT_DEFINITIONS:
        pass_packet(w, length);
        if (--r->columns == 0)
            end_definitions(w, r->sequence);
        return true;
    case REPLY_AT_TEXT:
        pass_packet(w, length);
        r->state = REPLY_AT_END;
        return true;
    case REPLY_AT_STREAM:
        if (length > 0 && length < PACKET_MAX && first == 0xFE) {
            r->state = REPLY_AT_END;
            return reply_pass_ok(w, length);
        }
        pass_packet(w, length);
        return true;
    default:
        return false;
    }
}

/* Returns false when nothing can be done with what is here. */
static bool in_packet(struct walk *w)
{
    struct reply *r = w->r;
    size_t here = (size_t)(w->end - w->at);

    if (r->skip == 0)
        return true;
    if (here > r->skip)
        here = r->skip;
    w->at += here;
    r->skip -= (uint32_t)here;
    return r->skip == 0;
}

static enum reply_status stop(struct walk *w, uint8_t *bytes, size_t *consumed, enum reply_status status)
{
    reply_flush(w);
    *consumed = (size_t)(w->at - bytes);
    return status;
}

enum reply_status reply_feed(struct reply *r, uint8_t *bytes, size_t length, size_t capacity, size_t *consumed, struct pieces *out)
{
    struct walk w = {r, bytes, bytes, bytes + length, out};

    r->made = r->made && out->count > 0;
    for (;;) {
        uint32_t packet;
        size_t here;
        uint8_t first;

        if (!in_packet(&w))
            return stop(&w, bytes, consumed, REPLY_MORE);
        if (!r->continued && r->state == REPLY_AT_END)
            return stop(&w, bytes, consumed, REPLY_END);
        if (!r->continued && r->state == REPLY_AT_FILE) {
            r->state = REPLY_AT_RESULT;
            return stop(&w, bytes, consumed, REPLY_FILE);
        }
        here = (size_t)(w.end - w.at);
        if (here < PACKET_HEADER)
            return stop(&w, bytes, consumed, REPLY_MORE);
        packet = packet_length(w.at);
        if (r->continued) {
            pass_packet(&w, packet);
            continue;
        }
        if (packet > 0 && here < PACKET_HEADER + 1)
            return stop(&w, bytes, consumed, REPLY_MORE);
        if (r->made || !pieces_has_room(out, 3))
            return stop(&w, bytes, consumed, REPLY_FULL);
        first = packet > 0 ? w.at[PACKET_HEADER] : 0;
        if (needs_whole(r, packet, first) && here < PACKET_HEADER + packet)
            return stop(&w, bytes, consumed, PACKET_HEADER + packet > capacity ? REPLY_BAD : REPLY_MORE);
        if (!judge_packet(&w, packet, first))
            return stop(&w, bytes, consumed, REPLY_BAD);
    }
}
