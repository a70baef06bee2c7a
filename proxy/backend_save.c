/* SPDX-License-Identifier: MIT
 * Reading what only the server knows of the session that is resident, so that its page can leave.
 *
 * One SELECT for everything that has a value, and SHOW WARNINGS when its list may not be empty, in one write. MySQL empties that list with each
 * SELECT, so there it is asked for first; on MariaDB a SELECT without tables keeps it, and SHOW WARNINGS would be no better second than first
 * for FOUND_ROWS(), which a SELECT reads as the statement before left it.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/packet.h"
#include "proxy/backend_exchange.h"

#define QUESTION_MAX 24576u /* a SELECT of every variable there is */

static bool is_dirty(const struct session *s, unsigned variable)
{
    return s->dirty[variable / 64] >> variable % 64 & 1;
}

/* As BINARY, because character_set_results would change texts and, on some servers, digits; a LIMIT, because of sql_select_limit. */
static void put_text(struct wire_writer *w, const char *text)
{
    wire_put_bytes(w, text, strlen(text));
}

static void put_variables(struct wire_writer *w, const struct session *s, const struct target_facts *facts)
{
    for (unsigned i = 0; i < variable_count(); i++) {
        if (!is_dirty(s, i))
            continue;
        put_text(w, ",CAST(@@session.");
        put_text(w, variable_name(i, facts->is_mariadb, facts->server_number));
        put_text(w, " AS BINARY)");
    }
}

static void put_select(struct wire_writer *w, const struct session *s, const struct target_facts *facts)
{
    uint8_t unsaved = s->unsaved;
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_QUERY);
    put_text(w, "SELECT 1");
    if (unsaved & UNSAVED_INSERT_ID)
        put_text(w, ",CAST(LAST_INSERT_ID() AS BINARY)");
    if (unsaved & UNSAVED_FOUND_ROWS)
        put_text(w, ",CAST(FOUND_ROWS() AS BINARY)");
    if (unsaved & UNSAVED_SCHEMA)
        put_text(w, ",CAST(DATABASE() AS BINARY)");
    if (unsaved & UNSAVED_WARNINGS)
        put_text(w, facts->is_mariadb ? ",CAST(@@warning_count AS BINARY),CAST(@@error_count AS BINARY)" : ",CAST(@@max_error_count AS BINARY)");
    if (unsaved & UNSAVED_VARIABLES)
        put_variables(w, s, facts);
    put_text(w, " LIMIT 1");
    packet_end(w, header, 0);
}

static void put_show_warnings(struct wire_writer *w)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_QUERY);
    put_text(w, "SHOW WARNINGS");
    packet_end(w, header, 0);
}

/* --- the answers --- */

static bool take_number(struct wire_reader *row, uint64_t *number)
{
    struct wire_text text = wire_lenenc_text(row);

    *number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.length > 0;
}

static bool next_is_null(struct wire_reader *row)
{
    if (!wire_left(row) || *row->at != 0xFB)
        return false;
    (void)wire_u8(row);
    return true;
}

/* A boolean as BINARY: MariaDB says OFF, MySQL 0. */
static bool is_off(struct wire_text text)
{
    return wire_text_is(text, "OFF") || wire_text_is(text, "0");
}

static bool take_variables(struct session *s, struct wire_reader *row)
{
    for (unsigned i = 0; i < variable_count(); i++) {
        bool null;
        struct wire_text text = {0};

        if (!is_dirty(s, i))
            continue;
        null = next_is_null(row);
        if (!null)
            text = wire_lenenc_text(row);
        if (row->bad || !session_values_put(&s->values, (uint16_t)i, null ? NULL : text.data, text.length))
            return false;
        if (variable_at(i)->policy == VARIABLE_OFF && !is_off(text))
            s->pins |= PIN_BIT(PIN_VARIABLE);
    }
    memset(s->dirty, 0, sizeof s->dirty);
    return session_keep_collations(s);
}

/* MySQL's FOUND_ROWS() warns and so begins the count anew: there the list is counted, and must not have been cut off. */
static bool take_counts(struct backend *b, struct session *s, struct wire_reader *row)
{
    uint64_t limit;

    if (b->context->facts->is_mariadb)
        return take_number(row, &s->warning_count) && take_number(row, &s->error_count);
    s->warning_count = b->saving.listed;
    s->error_count = b->saving.errors;
    return take_number(row, &limit) && b->saving.listed < limit;
}

static bool take_row(struct backend *b, struct session *s, struct wire_text payload)
{
    uint8_t asked = b->saving.asked;
    struct wire_reader row = wire_reader((const uint8_t *)payload.data, payload.length);

    (void)wire_lenenc_text(&row);
    if (asked & UNSAVED_INSERT_ID && !take_number(&row, &s->image.last_insert_id))
        return false;
    if (asked & UNSAVED_FOUND_ROWS) {
        if (!take_number(&row, &s->found_rows))
            return false;
        s->unsaved &= (uint8_t)~UNSAVED_FOUND_ROWS;
    }
    if (asked & UNSAVED_SCHEMA) {
        struct wire_text name = {"", 0};

        if (!next_is_null(&row))
            name = wire_lenenc_text(&row);
        session_note_schema(s, name.data, name.length);
    }
    if (asked & UNSAVED_WARNINGS && !take_counts(b, s, &row))
        return false;
    if (asked & UNSAVED_VARIABLES && !take_variables(s, &row))
        return false;
    return !row.bad && wire_left(&row) == 0;
}

/* All packets of SHOW WARNINGS are kept as they came: they are what the client will be given. */
static void keep_warning(struct backend *b, struct session *s, struct wire_text payload, uint8_t sequence)
{
    uint8_t header[PACKET_HEADER];

    if (b->saving.step == SAVE_ROWS && payload.length && (uint8_t)payload.data[0] != 0xFE) {
        b->saving.listed++;
        b->saving.errors += warning_is_error(payload);
    }
    packet_put_header(header, (uint32_t)payload.length, sequence);
    if (buffer_length(&s->warnings) + payload.length > SESSION_WARNINGS_MAX || !buffer_append(&s->warnings, header, sizeof header) ||
        !buffer_append(&s->warnings, payload.data, payload.length))
        b->saving.failed = true;
}

static void answer_ended(struct backend *b, struct wire_text payload)
{
    struct ok_packet ok;

    if (ok_parse((const uint8_t *)payload.data, payload.length, true, &ok) != WIRE_OK)
        b->saving.failed = true;
    else
        b->status = ok.status & STATUS_LASTING;
    b->warned |= !b->saving.failed && ok.warnings; /* MySQL's FOUND_ROWS() warns */
    b->saving.left--;
    b->saving.warnings = !b->saving.warnings;
    b->saving.step = SAVE_COUNT;
}

static void take_packet(struct backend *b, struct session *s, struct wire_text payload, uint8_t sequence)
{
    struct saving *saving = &b->saving;
    uint8_t first = payload.length ? (uint8_t)payload.data[0] : 0;
    struct wire_reader in = wire_reader((const uint8_t *)payload.data, payload.length);

    if (s && saving->warnings && first != 0xFF)
        keep_warning(b, s, payload, sequence);
    if (first == 0xFF) { /* the other question is still answered */
        saving->failed = saving->refused = true;
        saving->left--;
        saving->warnings = !saving->warnings;
        saving->step = SAVE_COUNT;
    } else if (saving->step == SAVE_COUNT) {
        saving->columns = wire_lenenc(&in);
        saving->step = saving->columns && !in.bad ? SAVE_COLUMNS : SAVE_ROWS;
    } else if (saving->step == SAVE_COLUMNS) {
        if (--saving->columns == 0)
            saving->step = SAVE_ROWS;
    } else if (first == 0xFE) {
        answer_ended(b, payload);
    } else if (!saving->warnings && s && !take_row(b, s, payload)) {
        saving->failed = true;
    }
}

/* --- the way --- */

void backend_save(struct backend *b, struct waiter *waiter, int close)
{
    struct session *s = &b->resident->session;
    uint8_t out[QUESTION_MAX];
    struct wire_writer w = wire_writer(out, sizeof out);
    bool warnings = s->unsaved & UNSAVED_WARNINGS;
    bool first = warnings && !b->context->facts->is_mariadb;

    backend_set_state(b, BACKEND_SAVING);
    deadline_set(&b->context->exchange, &b->deadline);
    STATS_INC(b->context->loop->stats.pages_asked);
    b->saving = (struct saving){.left = warnings ? 2 : 1, .warnings = first, .asked = s->unsaved, .waiter = waiter, .close = close};
    if (warnings)
        buffer_free(&s->warnings);
    if (first)
        put_show_warnings(&w);
    put_select(&w, s, b->context->facts);
    if (warnings && !first)
        put_show_warnings(&w);
    STATS_ADD(b->context->loop->stats.backend_bytes_out, wire_written(&w));
    if (w.full || !stream_write_bytes(&b->stream, out, wire_written(&w)))
        b->torn = true; /* its end comes as an event */
    stream_resume(&b->stream);
}

static void saved(struct backend *b)
{
    struct session *s = b->resident ? &b->resident->session : NULL;
    bool done = !b->saving.failed && !(b->status & STATUS_IN_TRANS);

    deadline_clear(&b->deadline);
    if (s) {
        session_asked(s);
        s->status = b->status;
        if (b->status & STATUS_IN_TRANS)
            s->pins |= PIN_BIT(PIN_TRANSACTION);
        if (b->saving.failed) {
            s->pins |= PIN_BIT(PIN_UNSAVED);
            session_not_saved(s, b->context->facts->is_mariadb && !b->saving.refused);
        } else {
            s->unsaved = 0;
            if (b->saving.asked & UNSAVED_WARNINGS)
                session_warnings_stored(s);
            if (b->warned && !b->context->facts->is_mariadb)
                session_list_overwritten(s); /* by the question, should its page stay */
        }
        done = done && s->pins == 0;
    }
    b->context->saved(b, done);
}

void backend_save_input(struct backend *b)
{
    struct session *s = b->resident ? &b->resident->session : NULL;
    enum stream_status status;
    struct wire_text payload;
    uint8_t *bytes, sequence;
    size_t length, used, at = 0;

    status = stream_read(&b->stream, &bytes, &length);
    if (status == STREAM_AGAIN && length == 0)
        return;
    if (status == STREAM_EOF || status == STREAM_ERROR) {
        b->torn = true;
        b->context->saved(b, false);
        return;
    }
    STATS_ADD(b->context->loop->stats.backend_bytes_in, length);
    while (at < length && b->saving.left) {
        enum wire_status packet = packet_take(bytes + at, length - at, EXCHANGE_LIMIT, &payload, &sequence, &used);

        if (packet == WIRE_SHORT)
            break;
        if (packet == WIRE_BAD) {
            b->torn = true;
            b->context->saved(b, false);
            return;
        }
        take_packet(b, s, payload, sequence);
        at += used;
    }
    if (b->saving.left == 0 && at == length)
        saved(b);
    else if (b->saving.left == 0 || !stream_keep(&b->stream, bytes + at, length - at)) {
        b->torn = true;
        b->context->saved(b, false);
    }
}
