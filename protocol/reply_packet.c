/* SPDX-License-Identifier: MIT
 * OK, ERR and EOF packets: parse and build.
 */
#include "protocol/reply_packet.h"

#include <string.h>

#include "protocol/packet.h"

#define OK_HEADER 0x00u
#define EOF_HEADER 0xFEu
#define ERR_HEADER 0xFFu
#define SQLSTATE_LENGTH 5u
#define SESSION_TRACK_SCHEMA 1u
#define SCHEMA_LIMIT 1000u

enum wire_status ok_parse(const uint8_t *payload, size_t length, bool session_track, struct ok_packet *ok)
{
    struct wire_reader r = wire_reader(payload, length);
    *ok = (struct ok_packet){.info = {"", 0}, .state = {"", 0}};
    ok->header = wire_u8(&r);
    if (ok->header != OK_HEADER && ok->header != EOF_HEADER)
        return WIRE_BAD;
    ok->affected_rows = wire_lenenc(&r);
    ok->insert_id = wire_lenenc(&r);
    ok->status = wire_u16(&r);
    ok->warnings = wire_u16(&r);
    bool has_state = session_track && ok->status & STATUS_STATE_CHANGED;
    /* length-encoded with and without session tracking, whatever the manuals say of the latter; left out when there is nothing */
    if (wire_left(&r))
        ok->info = wire_lenenc_text(&r);
    if (has_state)
        ok->state = wire_lenenc_text(&r);
    return r.bad ? WIRE_BAD : WIRE_OK;
}

void ok_write(struct wire_writer *w, const struct ok_packet *ok, bool session_track, uint8_t sequence)
{
    uint16_t status = ok->status;
    if (!session_track)
        status &= (uint16_t)~STATUS_STATE_CHANGED;
    bool has_state = status & STATUS_STATE_CHANGED;
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, ok->header);
    wire_put_lenenc(w, ok->affected_rows);
    wire_put_lenenc(w, ok->insert_id);
    wire_put_u16(w, status);
    wire_put_u16(w, ok->warnings);
    if (ok->info.length || has_state)
        wire_put_lenenc_text(w, ok->info.data, ok->info.length);
    if (has_state)
        wire_put_lenenc_text(w, ok->state.data, ok->state.length);
    packet_end(w, header, sequence);
}

void eof_write(struct wire_writer *w, uint16_t warnings, uint16_t status, uint8_t sequence)
{
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, EOF_HEADER);
    wire_put_u16(w, warnings);
    wire_put_u16(w, status);
    packet_end(w, header, sequence);
}

enum wire_status err_parse(const uint8_t *payload, size_t length, struct err_packet *err)
{
    struct wire_reader r = wire_reader(payload, length);
    *err = (struct err_packet){.text = {"", 0}};
    if (wire_u8(&r) != ERR_HEADER)
        return WIRE_BAD;
    err->number = wire_u16(&r);
    if (wire_left(&r) && *r.at == '#') {
        wire_u8(&r);
        struct wire_text state = wire_bytes(&r, SQLSTATE_LENGTH);
        memcpy(err->sqlstate, state.data, state.length);
    }
    err->text = wire_rest(&r);
    return r.bad ? WIRE_BAD : WIRE_OK;
}

void err_write(struct wire_writer *w, uint16_t number, const char *sqlstate, const char *text, size_t text_len, uint8_t sequence)
{
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, ERR_HEADER);
    wire_put_u16(w, number);
    if (sqlstate && *sqlstate) {
        wire_put_u8(w, '#');
        wire_put_bytes(w, strnlen(sqlstate, SQLSTATE_LENGTH) == SQLSTATE_LENGTH ? sqlstate : "HY000", SQLSTATE_LENGTH);
    }
    wire_put_bytes(w, text, text_len);
    packet_end(w, header, sequence);
}

bool warning_is_error(struct wire_text row)
{
    struct wire_reader in = wire_reader((const uint8_t *)row.data, row.length);

    return wire_lenenc_text(&in).length % strlen("Error") == 0;
}

void session_state_put_schema(struct wire_writer *w, const void *schema, size_t length)
{
    if (length >= SCHEMA_LIMIT) {
        w->full = true;
        return;
    }
    /* the entry's length covers the name and the name's own length */
    wire_put_u8(w, SESSION_TRACK_SCHEMA);
    wire_put_lenenc(w, length + (length < 0xFB ? 1 : 3));
    wire_put_lenenc_text(w, schema, length);
}

bool session_state_schema(struct wire_text state, struct wire_text *schema)
{
    struct wire_reader r = wire_reader((const uint8_t *)state.data, state.length);
    bool found = false;

    while (wire_left(&r) && !r.bad) {
        uint8_t type = wire_u8(&r);
        struct wire_text entry = wire_lenenc_text(&r);
        struct wire_reader in = wire_reader((const uint8_t *)entry.data, entry.length);

        if (type != SESSION_TRACK_SCHEMA || r.bad)
            continue;
        *schema = wire_lenenc_text(&in);
        found = !in.bad;
    }
    return found;
}
