/* SPDX-License-Identifier: MIT
 * A page-in that can't be refused does not wait for its answer: it is written in front of the client's command, in the same write.
 *
 *   page_in --unsent--> [COM_SET_OPTION] [SET] COMMAND   in one write (backend_write)
 *                       OK               OK    reply     the first ones are eaten here, the rest is the client's
 *
 * Nothing stands behind a command of the client's, so it may be of any kind and length. Only settings that differ go ahead, and only such as a server
 * takes whatever has happened meanwhile (protocol/variable_sure.def): not COM_INIT_DB, and no reset, of which it has to be seen afterwards that no
 * change of globals overtook it. A difference takes nothing from the globals: it is right when it is said, or never.
 *
 * From the decision to the write nothing else happens: who does not write then flushes. While replies are owed
 *   - the backend is given to nobody else (frames_yield);
 *   - no KILL QUERY is aimed at it, which might hit the settings and let the command run without them;
 *   - connect_timeout is over them, and query_timeout begins behind them.
 * If the server refuses all the same, its session ends: what ran behind has run with other settings, and nobody knows what it did. If it ends the
 * connection instead, with a FIN before the last of these replies, it has not begun with the command: a server takes up a command when it has written the
 * reply to the one before, and nothing that was written before a FIN is missing when that is read. Then the command is sent on another connection
 * (client_page_in.c:client_try_again). Behind an RST nobody knows.
 */
#include "protocol/packet.h"
#include "proxy/backend_exchange.h"
#include "proxy/invariant.h"

static void begin_reply(struct ahead *ahead)
{
    reply_begin(&ahead->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
}

bool backend_ahead_begin(struct backend *b, const struct wire_writer *w)
{
    struct ahead *ahead = &b->ahead;

    INVARIANT(ahead->owed == 0 && buffer_length(&ahead->unsent) == 0);
    if (w->full || !buffer_append(&ahead->unsent, w->begin, wire_written(w)))
        return false;
    ahead->owed = b->owed;
    b->owed = 0;
    begin_reply(ahead);
    STATS_ADD(b->context->loop->stats.backend_bytes_out, wire_written(w));
    STATS_INC(b->context->loop->stats.page_ins_ahead);
    return true;
}

bool backend_write(struct backend *b, const void *bytes, size_t length)
{
    struct buffer *unsent = &b->ahead.unsent;
    struct pieces *pieces = &b->context->loop->pieces;
    bool written;

    if (buffer_length(unsent) == 0)
        return stream_write_bytes(&b->stream, bytes, length);
    pieces_clear(pieces);
    pieces_add(pieces, buffer_bytes(unsent), buffer_length(unsent));
    pieces_add(pieces, bytes, length);
    written = stream_write(&b->stream, pieces);
    buffer_free(unsent);
    return written;
}

void backend_ahead_flush(struct backend *b)
{
    if (buffer_length(&b->ahead.unsent) && !backend_write(b, NULL, 0))
        b->torn = true; /* its end comes to whoever reads it */
}

/* --- KILLs --- */

void backend_kill(struct backend *b, struct kill_request *request)
{
    struct kill_request **last = &b->ahead.kills;

    b->kills++;
    if (b->ahead.owed == 0) {
        control_kill(b->context->control, request);
        return;
    }
    while (*last)
        last = &(*last)->next;
    request->next = NULL;
    *last = request;
}

static void ask_kills(struct backend *b)
{
    struct kill_request *each;

    while ((each = b->ahead.kills)) {
        b->ahead.kills = each->next;
        control_kill(b->context->control, each);
    }
}

/* --- the replies --- */

void backend_ahead_failed(struct backend *b, const struct backend_error *error)
{
    log_line(LOG_WARNING, "backend %llu (thread %u): settings that went ahead of a command: error %u", (unsigned long long)b->id, b->thread_id, error->number);
    if (b->state == BACKEND_LEASED)
        b->lease->ops->unloaded(b->lease, error);
    else if (b->state == BACKEND_DRAINING)
        backend_close(b, CLOSE_RESTORE_FAILED);
    else
        backend_fail(b, CLOSE_RESTORE_FAILED, error);
}

static void end(struct backend *b)
{
    if (b->state == BACKEND_LEASED) /* else it is the deadline of what goes on */
        deadline_clear(&b->deadline);
    buffer_free(&b->ahead.command);
    ask_kills(b);
}

/* The bytes are all of the reply: it is one packet. */
static bool take_reply(struct backend *b, const uint8_t *bytes, size_t length)
{
    struct ahead *ahead = &b->ahead;
    struct backend_error error;

    if (ahead->reply.failed) {
        backend_error_from_packet(&error, bytes + PACKET_HEADER, length - PACKET_HEADER);
        backend_ahead_failed(b, &error);
        return false;
    }
    b->status = ahead->reply.status & STATUS_LASTING;
    b->warned = ahead->reply.warned; /* the last of them is the SET, if there is one */
    if (--ahead->owed)
        begin_reply(ahead);
    else
        end(b);
    return true;
}

bool backend_ahead_input(struct backend *b, uint8_t *bytes, size_t length, size_t *used)
{
    struct pieces *pieces = &b->context->loop->pieces;
    struct backend_error error;
    size_t here;

    *used = 0;
    while (b->ahead.owed) {
        enum reply_status status;

        pieces_clear(pieces);
        status = reply_feed(&b->ahead.reply, bytes + *used, length - *used, EXCHANGE_LIMIT, &here, pieces);
        if (status == REPLY_MORE && stream_keep(&b->stream, bytes + *used + here, length - *used - here))
            return false;
        if (status != REPLY_END) {
            backend_error_set(&error, "a reply that can't be followed");
            backend_ahead_failed(b, &error);
            return false;
        }
        if (!take_reply(b, bytes + *used, here))
            return false;
        *used += here;
    }
    return true;
}

void backend_ahead_forget(struct backend *b)
{
    bool owed = b->ahead.owed != 0;

    b->ahead.owed = 0;
    buffer_free(&b->ahead.unsent);
    buffer_free(&b->ahead.command);
    for (struct kill_request *each = b->ahead.kills; each && owed; each = each->next)
        each->connection = true; /* the session is over; nothing of what was sent may still begin */
    ask_kills(b);
}
