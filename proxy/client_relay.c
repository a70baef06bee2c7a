/* SPDX-License-Identifier: MIT
 * A command on its way to the backend and its reply on the way back.
 *
 *   client bytes --client_run, client_upload--> backend          (a slow backend stops the reading of the client)
 *   client <--pieces-- reply_feed <--scratch--on_input-- backend (a slow client stops the reading of the backend)
 *
 * In the steady state each direction is one read and one write: nothing is copied, allocated or locked.
 */
#include "protocol/packet.h"
#include "proxy/budget.h"
#include "proxy/client.h"
#include "proxy/globals.h"
#include "proxy/invariant.h"
#include "proxy/stored_code.h"

#define STATEMENT_HEAD 6u /* of COM_STMT_EXECUTE: the command, the statement's number, and whether a cursor is asked for */

static struct stats *stats(const struct client *c)
{
    return &c->home->loop->stats;
}

static struct client *client_of(struct lease *lease)
{
    return container_of(lease, struct client, lease);
}

bool client_at_border(const struct client *c)
{
    return c->upload.left == 0 && !c->upload.continued && !c->file;
}

/* The server has ended the connection that the session was on: it ends the session as a server would. */
static void lost(struct client *c)
{
    frames_discard(&c->lease, CLOSE_SERVER_CLOSED, true);
    client_finish(c, CLOSE_BACKEND_LOST);
}

void client_to_backend(struct client *c, const uint8_t *bytes, size_t length)
{
    STATS_ADD(stats(c)->backend_bytes_out, length);
    if (!backend_write(c->lease.backend, bytes, length))
        c->lease.backend->torn = true; /* its end, and what the server said before it, come to on_input */
}

static bool is_over(const struct client *c)
{
    return client_at_border(c) && c->lease.backend->reply.state == REPLY_AT_END && reply_at_border(&c->lease.backend->reply);
}

/* What the session may have left on the backend beyond what a reset undoes. */
static enum footprint footprint_of(pin_set pins, bool schema)
{
    const pin_set cleaned_by_reset = PIN_BIT(PIN_TRANSACTION) | PIN_BIT(PIN_NEXT_TRANSACTION) | PIN_BIT(PIN_TABLE_LOCKS) | PIN_BIT(PIN_USER_LOCKS) |
                                     PIN_BIT(PIN_TEMPORARY_TABLES) | PIN_BIT(PIN_HANDLER) | PIN_BIT(PIN_STATEMENTS) | PIN_BIT(PIN_USER_VARIABLES) |
                                     PIN_BIT(PIN_SEQUENCE) | PIN_BIT(PIN_VARIABLE) | PIN_BIT(PIN_XA) | PIN_BIT(PIN_RESIDUE);

    if (pins & ~cleaned_by_reset)
        return FOOTPRINT_OPAQUE;
    return schema ? FOOTPRINT_SCHEMA : FOOTPRINT_PLAIN;
}

static void note_footprint(struct backend *b, const struct session *s)
{
    const struct command_effects *e = &b->effects;
    bool option = e->command == COM_SET_OPTION; /* half of it may have done something: it is undone, not believed */
    enum footprint footprint = option ? FOOTPRINT_OPAQUE : footprint_of(s->pins, e->text.schema || e->command == COM_INIT_DB);

    if (footprint > b->footprint)
        b->footprint = footprint;
}

/* For want of a privilege, which servers look at before they do anything. */
static bool was_refused(const struct command_effects *e, const struct reply *r)
{
    return r->failed && !e->text.several && (r->error == 1044 || r->error == 1045 || r->error == 1142 || r->error == 1227);
}

void client_note_end(struct client *c)
{
    struct backend *b = c->lease.backend;
    struct session *s = &c->lease.session;

    (void)loop_read_clock(c->home->loop);
    client_count_reply(c);
    if (!b->reply.failed)
        b->status = b->reply.status & STATUS_LASTING;
    if (b->reply.schema_told)
        session_note_schema(s, b->reply.schema, b->reply.schema_length);
    backend_has_changed(b, was_refused(&b->effects, &b->reply));
    client_names_ended(c, b);
    session_note(s, &b->effects, &b->reply, c->home->facts->is_mariadb);
    if (b->effects.command == COM_RESET_CONNECTION && !b->reply.failed)
        session_begin(s, &b->epoch);
    note_footprint(b, s);
    c->state = CLIENT_READY;
    if (b->ahead.owed == 0)
        deadline_clear(&b->deadline);
    if (s->pins == 0)
        frames_yield(c->home->frames, &c->lease);
    client_count_pins(c);
}

/* --- to the backend --- */

struct lexer_modes client_lexer_modes(const struct client *c)
{
    const struct target_facts *facts = c->home->facts;
    const struct session *s = &c->lease.session;
    bool right = target_globals_right(c->home->frames->context.target, facts->globals);
    struct lexer_modes modes = session_lexer_modes(s, facts->is_mariadb, facts->server_number, right ? facts->globals->quotes : QUOTES_UNKNOWN);

    modes.spaces = facts->is_mariadb ? SPACES_APART : session_spaces(s, right ? facts->globals->spaces : SPACES_UNKNOWN);
    return modes;
}

static bool has_text(uint8_t command)
{
    return command == COM_QUERY || command == COM_STMT_PREPARE;
}

/* The text's verdict, once the last of it is here. text: all of it, or NULL. */
static void end_text(struct client *c, struct backend *b, const uint8_t *text, size_t length)
{
    if (has_text(c->command)) {
        b->effects.text = *statement_end(&b->statement);
        if (text && lexer_unclear(&b->statement.lexer) && b->statement.lexer.modes.unknown_quotes && statement_judge_both(&b->statement, text, length))
            b->effects.text = b->statement.effects;
    }
    if (c->command == COM_QUERY && c->lease.session.image.multi_statements)
        b->reply.followed = b->effects.text.followed;
    if (b->effects.text.followed && c->lease.session.image.multi_statements)
        b->effects.text.several = true; /* be it by empty ones: those have a result too */
    session_keep_trackers(&c->lease.session, &b->effects, &b->reply);
    client_names_sent(c, b);
    stored_code_drop(b->code);
    b->code = NULL;
}

void client_note_sent(struct client *c)
{
    struct backend *b = c->lease.backend;
    const struct statement_effects *text = &b->effects.text;

    if (c->command == COM_STMT_PREPARE)
        return;
    if (text->stored_code)
        backend_changes_code(b, text->several ? 2 : 1);
    if (text->globals || c->command == COM_REFRESH)
        backend_changes_globals(b);
}

static void begin(struct client *c, struct backend *b, const uint8_t *bytes, size_t length)
{
    const struct session *s = &c->lease.session;
    const struct command_info *info;
    const struct name_set *names;

    c->began_us = loop_now(c->home->loop);
    c->command = bytes[PACKET_HEADER];
    info = command_info(c->command);
    if (info->frame == FRAME_SPENT)
        b->spent = true;
    if (c->command == COM_RESET_CONNECTION)
        epoch_reset(&b->epoch, c->began_us);
    command_effects_of(&b->effects, bytes + PACKET_HEADER, length - PACKET_HEADER);
    names = client_names_begin(c, b);
    if (has_text(c->command)) {
        statement_begin(&b->statement, client_lexer_modes(c), names, &b->names, s->schema_hash);
        stored_code_drop(b->code); /* it has waited, and is judged once more */
        b->code = length < PACKET_HEADER + (size_t)packet_length(bytes) ? stored_code_hold(c->home->facts->stored_code) : NULL;
        statement_piece(&b->statement, bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1);
    }
    if (c->command == COM_STMT_EXECUTE)
        b->effects.text = session_statement_effects(s, b->effects.id);
    reply_begin(&b->reply, info->shape, c->capabilities, s->status);
    b->reply.cursor = b->effects.cursor || (c->command == COM_STMT_EXECUTE && session_cursor_failed(s, b->effects.id));
    b->reply.mysql = !c->home->facts->is_mariadb;
    b->reply.rowless = b->reply.mysql && c->command == COM_STMT_EXECUTE && !b->effects.cursor && session_had_cursor(s, b->effects.id);
    b->reply.conditions = session_conditions(s, c->command, c->home->facts->is_mariadb);
    session_keep_trackers(&c->lease.session, &b->effects, &b->reply);
    c->state = CLIENT_RUNNING;
    client_begin_timing(c);
    if (c->deadline.queue == &c->home->transactions)
        deadline_clear(&c->deadline);
    client_count_pins(c);
}

/* What it finds of the statement before. True: it is answered. LEASING: it has to wait. */
static bool look_at_residue(struct client *c, const uint8_t *bytes, size_t length)
{
    bool whole = client_at_border(c);

    if (whole)
        end_text(c, c->lease.backend, bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1);
    if (client_awaits_page_in(c))
        return false;
    if (whole || c->command == COM_STMT_EXECUTE)
        return client_residue(c, bytes, length);
    if (c->command == COM_QUERY)
        client_residue_unseen(c);
    return false;
}

size_t client_run(struct client *c, uint8_t *bytes, size_t length)
{
    uint32_t packet = packet_length(bytes);
    size_t here = PACKET_HEADER + (size_t)packet;
    bool answered;

    if (here > length && packet <= BUDGET_KEPT)
        return 0; /* half a command holds no backend; and wholly in view, it can be told whether it reads what its backend has not */
    if (here > length && bytes[PACKET_HEADER] == COM_STMT_EXECUTE && length < PACKET_HEADER + STATEMENT_HEAD)
        return 0; /* which one shows a few bytes later */
    (void)loop_read_clock(c->home->loop);
    if (c->lease.state == LEASE_NONE && !frames_lease(c->home->frames, &c->lease)) {
        c->state = CLIENT_LEASING;
        return 0;
    }
    if (here > length)
        here = length;
    begin(c, c->lease.backend, bytes, here);
    c->upload = (struct upload){(uint32_t)(PACKET_HEADER + packet - here), packet == PACKET_MAX};
    answered = look_at_residue(c, bytes, here);
    if (c->state == CLIENT_LEASING)
        return 0;
    STATS_ADD(stats(c)->commands, !c->again);
    c->again = false;
    client_code_wait_end(c);
    if (answered)
        return here;
    if (client_at_border(c))
        client_note_sent(c);
    client_keep_ahead(c, bytes, here);
    client_to_backend(c, bytes, here);
    if (is_over(c))
        client_note_end(c);
    return here;
}

/* One step through the packets of a command or a file: how many of the bytes belong to the packet under way. 0: its header is not here yet. */
static size_t step(struct client *c, uint8_t *bytes, size_t length)
{
    size_t here;

    if (c->upload.left == 0) {
        uint32_t packet;

        if (length < PACKET_HEADER)
            return 0;
        packet = packet_length(bytes);
        if (c->file) {
            bytes[3] = (uint8_t)(bytes[3] - c->lease.backend->reply.shift);
            c->file = packet != 0;
        } else {
            c->upload.continued = packet == PACKET_MAX;
        }
        c->upload.left = PACKET_HEADER + packet;
    }
    here = length < c->upload.left ? length : c->upload.left;
    c->upload.left -= (uint32_t)here;
    return here;
}

size_t client_upload(struct client *c, uint8_t *bytes, size_t length)
{
    bool text = !c->file && has_text(c->command), header = c->upload.left == 0;
    size_t here;

    if (client_at_border(c))
        return 0; /* the next command: not yet */
    here = step(c, bytes, length);
    if (here == 0)
        return 0;
    if (c->state == CLIENT_DROPPING) {
        if (client_at_border(c))
            c->state = CLIENT_READY;
    } else {
        if (text)
            statement_piece(&c->lease.backend->statement, bytes + (header ? PACKET_HEADER : 0), here - (header ? PACKET_HEADER : 0));
        if (text && client_at_border(c)) {
            end_text(c, c->lease.backend, NULL, 0);
            if (client_residue_missed(c))
                return here;
        }
        if (!c->file && client_at_border(c))
            client_note_sent(c);
        client_to_backend(c, bytes, here);
        if (is_over(c))
            client_note_end(c);
    }
    return here;
}

/* --- from the backend --- */

void client_lost_track(struct client *c)
{
    struct backend *b = c->lease.backend;

    log_line(LOG_WARNING, "client %u: backend %llu (thread %u): the reply to %s can't be followed", c->id, (unsigned long long)b->id, b->thread_id,
             command_info(c->command)->name);
    frames_discard(&c->lease, CLOSE_PROTOCOL, false);
    client_finish(c, CLOSE_PROTOCOL);
}

/* Passes on what is there. False: the client or the backend is gone. */
static bool relay(struct client *c, struct backend *b, uint8_t *bytes, size_t length, enum reply_status *status)
{
    struct pieces *pieces = &c->home->loop->pieces;
    size_t used, at = 0;

    do {
        pieces_clear(pieces);
        *status = reply_feed(&b->reply, bytes + at, length - at, SCRATCH_SIZE, &used, pieces);
        at += used;
        if (*status == REPLY_FILE)
            c->file = true;
        STATS_ADD(stats(c)->client_bytes_out, pieces->bytes);
        if (!stream_write(&c->stream, pieces)) {
            /* what is left of the reply is read to its end without a client; it begins with these */
            if (!stream_keep(&b->stream, bytes + at, length - at))
                frames_discard(&c->lease, CLOSE_NO_MEMORY, false);
            client_close(c, CLOSE_RESET);
            return false;
        }
    } while (*status == REPLY_FULL);
    if (*status == REPLY_BAD || (*status != REPLY_MORE && at != length) || !stream_keep(&b->stream, bytes + at, length - at)) {
        client_lost_track(c);
        return false;
    }
    return true;
}

/* The reply is ours, as if the backend had sent it: the command was not sent. */
void client_relay_local(struct client *c, uint8_t *bytes, size_t length)
{
    enum reply_status reply;

    c->lease.backend->effects.local = true;
    if (relay(c, c->lease.backend, bytes, length, &reply) && is_over(c))
        client_note_end(c);
}

static void on_input(struct lease *lease)
{
    struct client *c = client_of(lease);
    struct backend *b = lease->backend;
    enum stream_status status;
    enum reply_status reply;
    uint8_t *bytes;
    size_t length;

    status = stream_read(&b->stream, &bytes, &length);
    if (status == STREAM_AGAIN && length == 0)
        return;
    if (status == STREAM_EOF || status == STREAM_ERROR) {
        if (status == STREAM_ERROR || !client_try_again(c))
            lost(c);
        return;
    }
    STATS_ADD(stats(c)->backend_bytes_in, length);
    if (b->ahead.owed && !client_take_page_in(c, &bytes, &length))
        return;
    if (c->state != CLIENT_RUNNING || b->reply.state == REPLY_AT_END) { /* nobody asked: a server that says why it goes, before it goes */
        b->spent = true;
        if (!stream_write_bytes(&c->stream, bytes, length))
            client_close(c, CLOSE_RESET);
        return;
    }
    if (c->syntax.state != SYNTAX_NONE && client_syntax_input(c, bytes, length))
        return;
    if (!relay(c, b, bytes, length, &reply))
        return;
    if (stream_stuck(&c->stream))
        stream_pause(&b->stream);
    if (is_over(c)) {
        client_note_end(c);
        client_ready(c);
    } else if (reply == REPLY_FILE) {
        client_resume(c);
    }
}

static void on_drained(struct lease *lease)
{
    client_resume(client_of(lease));
}

/* --- the lease --- */

static void on_ready(struct lease *lease)
{
    struct client *c = client_of(lease);

    if (c->state == CLIENT_PROVING)
        client_login_ready(c);
    else
        client_ready(c);
}

static void on_failed(struct lease *lease, const struct backend_error *error)
{
    struct client *c = client_of(lease);

    if (c->state == CLIENT_PROVING)
        client_login_failed(c, error);
    else if (!lease->session.broken)
        client_refuse_command(c, error);
    else if (client_send_error(c, 1, error))
        client_finish(c, CLOSE_BACKEND_LOST);
}

/* A KILL aimed at it held the backend back. */
static void on_answered(struct lease *lease)
{
    struct client *c = client_of(lease);

    if (c->state == CLIENT_READY)
        client_settle(c);
}

static void on_lost(struct lease *lease, bool overdue)
{
    if (overdue)
        client_end_silence(client_of(lease));
    else
        client_finish(client_of(lease), CLOSE_BACKEND_LOST);
}

static void on_silent(struct lease *lease)
{
    struct client *c = client_of(lease);

    if (c->state == CLIENT_READY && buffer_length(&c->stream.in) == 0)
        client_end_silence(c);
    else
        frames_silence_begin(c->home->frames, lease, monotonic_us()); /* half a command is no silence, nor is a KILL that is not answered */
}

const struct lease_ops client_lease_ops = {on_ready, on_failed, on_input, on_drained, on_answered, on_lost, client_unloaded, on_silent};
