/* SPDX-License-Identifier: MIT
 * A command on its way to the backend and its reply on the way back.
 *
 *   client bytes --client_run, client_upload--> backend          (a slow backend stops the reading of the client)
 *   client <--pieces-- reply_feed <--scratch--on_input-- backend (a slow client stops the reading of the backend)
 *
 * In the steady state each direction is one read and one write: nothing is copied, allocated or locked.
 */
#include "protocol/packet.h"
#include "proxy/client.h"
#include "proxy/invariant.h"

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
    frames_discard(c->home->frames, &c->lease, CLOSE_SERVER_CLOSED, true);
    client_finish(c, CLOSE_BACKEND_LOST);
}

static void to_backend(struct client *c, const uint8_t *bytes, size_t length)
{
    STATS_ADD(stats(c)->backend_bytes_out, length);
    if (!stream_write_bytes(&c->lease.backend->stream, bytes, length))
        c->lease.backend->torn = true; /* its end, and what the server said before it, come to on_input */
}

static bool is_over(const struct client *c)
{
    return client_at_border(c) && c->lease.backend->reply.state == REPLY_AT_END && reply_at_border(&c->lease.backend->reply);
}

static void note_end(struct client *c)
{
    struct backend *b = c->lease.backend;

    STATS_INC(stats(c)->replies);
    c->status = b->status = b->reply.status & STATUS_LASTING;
    c->state = CLIENT_READY;
}

/* --- to the backend --- */

static void begin(struct client *c, struct backend *b, const uint8_t *bytes, size_t length)
{
    const struct command_info *info;

    c->command = bytes[PACKET_HEADER];
    info = command_info(c->command);
    if (info->frame == FRAME_SPENT)
        b->spent = true;
    if (b->footprint != FOOTPRINT_OPAQUE) {
        enum footprint footprint = footprint_of_command(bytes + PACKET_HEADER, length - PACKET_HEADER, length - PACKET_HEADER == packet_length(bytes));

        if (footprint > b->footprint)
            b->footprint = footprint;
    }
    reply_begin(&b->reply, info->shape, c->capabilities, b->status);
    c->state = CLIENT_RUNNING;
    STATS_INC(stats(c)->commands);
}

size_t client_run(struct client *c, uint8_t *bytes, size_t length)
{
    uint32_t packet = packet_length(bytes);
    size_t here = PACKET_HEADER + (size_t)packet;

    if (c->lease.state == LEASE_NONE && !frames_lease(c->home->frames, &c->lease)) {
        c->state = CLIENT_LEASING;
        return 0;
    }
    if (here > length)
        here = length;
    begin(c, c->lease.backend, bytes, here);
    c->upload = (struct upload){(uint32_t)(PACKET_HEADER + packet - here), packet == PACKET_MAX};
    to_backend(c, bytes, here);
    if (is_over(c))
        note_end(c);
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
        to_backend(c, bytes, here);
        if (is_over(c))
            note_end(c);
    }
    return here;
}

/* --- from the backend --- */

static void protocol_error(struct client *c)
{
    struct backend *b = c->lease.backend;

    log_line(LOG_WARNING, "client %u: backend %llu (thread %u): the reply to %s can't be followed", c->id, (unsigned long long)b->id, b->thread_id,
             command_info(c->command)->name);
    frames_discard(c->home->frames, &c->lease, CLOSE_PROTOCOL, false);
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
                frames_discard(c->home->frames, &c->lease, CLOSE_NO_MEMORY, false);
            client_close(c, CLOSE_RESET);
            return false;
        }
    } while (*status == REPLY_FULL);
    if (*status == REPLY_BAD || (*status != REPLY_MORE && at != length) || !stream_keep(&b->stream, bytes + at, length - at)) {
        protocol_error(c);
        return false;
    }
    return true;
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
        lost(c);
        return;
    }
    STATS_ADD(stats(c)->backend_bytes_in, length);
    if (c->state != CLIENT_RUNNING || b->reply.state == REPLY_AT_END) { /* nobody asked: a server that says why it goes, before it goes */
        b->spent = true;
        if (!stream_write_bytes(&c->stream, bytes, length))
            client_close(c, CLOSE_RESET);
        return;
    }
    if (!relay(c, b, bytes, length, &reply))
        return;
    if (stream_stuck(&c->stream))
        stream_pause(&b->stream);
    if (is_over(c)) {
        note_end(c);
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
    else
        client_refuse_command(c, error);
}

const struct lease_ops client_lease_ops = {on_ready, on_failed, on_input, on_drained};
