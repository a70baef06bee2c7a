/* SPDX-License-Identifier: MIT
 * An OK or EOF on its way to the client: what is learned from it, and what the client gets of it.
 *
 * Servers: sql/protocol.cc (net_send_ok, net_send_eof).
 */
#include <string.h>

#include "protocol/packet.h"
#include "protocol/reply_part.h"

void reply_flush(struct walk *w)
{
    pieces_add(w->out, w->run, (size_t)(w->at - w->run));
    w->run = w->at;
}

/* The last one counts: a reply may have several OKs. */
static void note_schema(struct reply *r, const struct ok_packet *ok)
{
    struct wire_text schema;

    if (!session_state_schema(ok->state, &schema) || schema.length > REPLY_SCHEMA_MAX)
        return;
    r->schema_told = true;
    r->schema_length = (uint8_t)schema.length;
    memcpy(r->schema, schema.data, schema.length);
}

static void note_ok(struct reply *r, const struct ok_packet *ok)
{
    r->status = ok->status & (uint16_t)~STATUS_STATE_CHANGED;
    r->warnings = ok->warnings;
    r->warned |= ok->warnings != 0;
    r->affected_rows = ok->affected_rows;
    r->insert_id = ok->insert_id;
    if (ok->state.length)
        note_schema(r, ok);
}

/* The flags in an OK that is in view as a whole; its warnings are behind. */
static uint8_t *ok_flags(uint8_t *payload, uint32_t length)
{
    struct wire_reader in = wire_reader(payload, length);

    (void)wire_u8(&in);
    (void)wire_lenenc(&in);
    (void)wire_lenenc(&in);
    return payload + (in.at - payload);
}

static void tell_conditions(const struct reply *r, uint8_t *payload, uint32_t length, struct ok_packet *ok)
{
    uint8_t *at = length == 5 && payload[0] == 0xFE ? payload + 1 : ok_flags(payload, length) + 2;

    ok->warnings = r->conditions;
    at[0] = (uint8_t)ok->warnings;
    at[1] = (uint8_t)(ok->warnings >> 8);
}

/* The flags of an EOF in place of an OK. MariaDB leaves STATE_CHANGED in it, whoever reads it; MySQL does not, nor what follows OUT parameters. */
static uint16_t eof_status(const struct reply *r, uint16_t status)
{
    if (!r->mysql)
        return status | (r->changed || (r->trackers && trackers_of_transactions(r->trackers)) ? STATUS_STATE_CHANGED : 0);
    if (status & STATUS_PS_OUT_PARAMS)
        status &= (uint16_t)~(STATUS_PS_OUT_PARAMS | STATUS_MORE_RESULTS);
    return status & (uint16_t)~STATUS_STATE_CHANGED;
}

/* Cuts session state off an OK for a client that did not ask for it. An empty message goes too: servers leave it out then. */
static uint32_t cut_state(uint8_t *payload, uint32_t length, const struct ok_packet *ok)
{
    const uint8_t *info = (const uint8_t *)ok->info.data;
    size_t kept = ok->info.length ? (size_t)(info - payload) + ok->info.length : length;
    uint8_t *flags = ok_flags(payload, length);

    flags[0] = (uint8_t)ok->status;
    flags[1] = (uint8_t)((ok->status & (uint16_t)~STATUS_STATE_CHANGED) >> 8);
    return (uint32_t)(ok->info.length ? kept : (size_t)(flags - payload) + 4);
}

/* Rows of a routine, or of one of several statements, have others behind them. */
static enum tracker_place place_of(const struct reply *r, const struct ok_packet *ok)
{
    if (!(ok->status & STATUS_MORE_RESULTS))
        return TRACKER_AT_END;
    return r->single ? TRACKER_IN_ROUTINE : TRACKER_BETWEEN;
}

/* An OK's session state that the client can't be told now. */
static void keep_state(struct reply *r, const struct ok_packet *ok)
{
    if (!r->trackers || !(ok->status & STATUS_STATE_CHANGED))
        return;
    r->changed = !r->mysql;
    if (r->keep_track)
        trackers_keep(r->trackers, ok->state, place_of(r, ok));
}

/* Is there something kept that belongs into this OK? */
static bool is_owed(const struct reply *r, const struct ok_packet *ok)
{
    if (!r->trackers || !r->keep_track)
        return false;
    return r->trackers->owed && (r->mysql || r->changed || ok->status & STATUS_STATE_CHANGED);
}

/* The OK at w->at goes with what was kept, as a packet of ours. */
static bool tell_state(struct walk *w, uint32_t length, const struct ok_packet *ok)
{
    struct reply *r = w->r;
    size_t made;

    r->changed = false;
    if (!trackers_tell(r->trackers, ok, (uint8_t)(packet_sequence(w->at) + r->shift), r->sets_transactions, &made))
        return false;
    reply_flush(w);
    pieces_add(w->out, r->trackers->packet, made);
    r->made = true;
    r->sequence = (uint8_t)(packet_sequence(w->at) + r->shift);
    w->at += PACKET_HEADER + length;
    w->run = w->at;
    return true;
}

bool reply_pass_ok(struct walk *w, uint32_t length)
{
    struct reply *r = w->r;
    uint8_t *payload = w->at + PACKET_HEADER;
    struct ok_packet ok;
    uint32_t kept = length;

    if (length == 5 && payload[0] == 0xFE) {
        ok = (struct ok_packet){.header = 0xFE, .warnings = (uint16_t)(payload[1] | payload[2] << 8), .status = (uint16_t)(payload[3] | payload[4] << 8)};
    } else if (ok_parse(payload, length, true, &ok) != WIRE_OK) {
        return false;
    }
    note_ok(r, &ok);
    if (r->conditions && !ok.warnings)
        tell_conditions(r, payload, length, &ok);
    if (r->trackers && !r->mysql && !r->keep_track)
        trackers_follow(r->trackers, &ok, r->sets_transactions);
    if (r->keep_eof && ok.header == 0xFE && length != 5) {
        struct wire_writer eof = wire_writer(w->at, PACKET_HEADER + length);

        keep_state(r, &ok);
        eof_write(&eof, ok.warnings, eof_status(r, ok.status), packet_sequence(w->at));
        kept = 5;
    } else if (is_owed(r, &ok) && tell_state(w, length, &ok)) {
        return true;
    } else if (!r->keep_track && (ok.status & STATUS_STATE_CHANGED) && length >= 7) { /* an EOF has none to cut */
        kept = cut_state(payload, length, &ok);
        packet_put_header(w->at, kept, packet_sequence(w->at));
    }
    if (r->trackers && r->keep_track && kept != 5)
        trackers_told(r->trackers, ok.state);
    w->at[3] = (uint8_t)(w->at[3] + r->shift);
    r->sequence = w->at[3];
    w->at += PACKET_HEADER + kept;
    if (kept != length) {
        reply_flush(w);
        w->at += length - kept;
        w->run = w->at;
    }
    return true;
}
