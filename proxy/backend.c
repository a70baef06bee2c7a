/* SPDX-License-Identifier: MIT
 * A backend's life from connect to the server's EOF. What is said at login is in backend_login.c.
 */
#include "proxy/backend.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "protocol/packet.h"
#include "proxy/invariant.h"
#include "proxy/stored_code.h"

static const bool transition[BACKEND_STATES][BACKEND_STATES] = {
    [BACKEND_CONNECTING] = {[BACKEND_LOGIN] = true, [BACKEND_CLOSED] = true, [BACKEND_CLOSING] = true},
    [BACKEND_LOGIN] = {[BACKEND_RESTORING] = true, [BACKEND_LEASED] = true, [BACKEND_IDLE] = true, [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    [BACKEND_IDLE] = {[BACKEND_RESTORING] = true, [BACKEND_LEASED] = true, [BACKEND_SAVING] = true, [BACKEND_CLEANING] = true, [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    /* and once more, when the globals have changed meanwhile */
    [BACKEND_RESTORING] = {[BACKEND_RESTORING] = true, [BACKEND_LEASED] = true, [BACKEND_IDLE] = true, [BACKEND_CLEANING] = true,
                           [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    [BACKEND_LEASED] = {[BACKEND_DRAINING] = true, [BACKEND_CLEANING] = true, [BACKEND_RESTORING] = true, [BACKEND_IDLE] = true,
                        [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    [BACKEND_SAVING] = {[BACKEND_IDLE] = true, [BACKEND_LEASED] = true, [BACKEND_CLEANING] = true, [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    [BACKEND_DRAINING] = {[BACKEND_CLEANING] = true, [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    [BACKEND_CLEANING] = {[BACKEND_IDLE] = true, [BACKEND_CLOSING] = true, [BACKEND_CLOSED] = true},
    [BACKEND_CLOSING] = {[BACKEND_CLOSED] = true},
};

void backend_set_state(struct backend *b, enum backend_state state)
{
    struct stats *stats = &b->context->loop->stats;

    if (!transition[b->state][state])
        log_line(LOG_ERROR, "backend %llu: %s -> %s is no transition", (unsigned long long)b->id, backend_state_name(b->state), backend_state_name(state));
    INVARIANT(transition[b->state][state]);
    STATS_ADD(stats->backends[state], 1); /* first: who looks meanwhile sees it twice rather than not at all */
    STATS_ADD(stats->backends[b->state], -1);
    if (log_wants(LOG_DEBUG))
        log_line(LOG_DEBUG, "backend %llu (thread %u): %s -> %s", (unsigned long long)b->id, b->thread_id, backend_state_name(b->state),
                 backend_state_name(state));
    b->state = state;
    frame_view_state(&b->view, state, loop_now(b->context->loop));
}

void backend_set_lease(struct backend *b, struct lease *lease, struct lease *resident)
{
    if (b->lease && b->lease != lease)
        b->reply.trackers = NULL; /* they are the session's: what is left of the reply is for nobody */
    const struct lease *seen = lease ? lease : resident;

    b->lease = lease;
    b->resident = resident;
    frame_view_session(&b->view, seen ? seen->id : 0, resident != NULL);
}

void backend_changes_code(struct backend *b, unsigned changes)
{
    for (; b->changes_code < changes; b->changes_code++)
        control_stored_code_changing(b->context->control);
}

void backend_changes_globals(struct backend *b)
{
    if (!b->changes_globals)
        control_globals_changing(b->context->control);
    b->changes_globals = true;
}

void backend_has_changed(struct backend *b, bool refused)
{
    for (; b->changes_code; b->changes_code--)
        control_stored_code_changed(b->context->control);
    if (b->changes_globals)
        control_globals_changed(b->context->control, refused);
    b->changes_globals = false;
}

static void closed(struct backend *b)
{
    backend_ahead_forget(b);
    backend_has_changed(b, false);
    deadline_clear(&b->deadline);
    stream_close(&b->stream);
    auth_secret_wipe(&b->secret);
    stored_code_drop(b->code);
    b->code = NULL;
    session_values_free(b->values);
    b->values = NULL;
    TAILQ_REMOVE(&b->context->every, b, every);
    frame_view_end(b->context->views, &b->view);
    backend_set_state(b, BACKEND_CLOSED);
    b->context->closed(b);
    if (b->kills == 0 && !b->failing)
        loop_bury(b->context->loop, &b->grave, b);
}

static void note_close(struct backend *b, enum close_reason reason)
{
    struct loop *loop = b->context->loop;
    char before[32];

    STATS_INC(loop->stats.backend_closed[reason]);
    if (loop_tells_close(loop, reason, before))
        log_line(close_reason_level(reason), "backend %llu (thread %u): closed: %s%s", (unsigned long long)b->id, b->thread_id, close_reason_name(reason),
                 before);
}

static void kill_what_runs(struct backend *b, bool connection);

void backend_lost(struct backend *b, enum close_reason reason)
{
    note_close(b, reason);
    closed(b);
}

void backend_give_up(struct backend *b)
{
    closed(b);
}

/* Nothing of ours lies half-written on the wire, and the server waits for a command. */
static bool takes_command(const struct backend *b)
{
    return b->reply.state == REPLY_AT_END && reply_at_border(&b->reply) && !b->torn && !stream_stuck(&b->stream) &&
           (b->state == BACKEND_IDLE || b->state == BACKEND_LEASED || b->state == BACKEND_DRAINING || b->state == BACKEND_CLEANING);
}

void backend_close(struct backend *b, enum close_reason reason)
{
    static const uint8_t quit[] = {1, 0, 0, 0, COM_QUIT};

    if (b->state == BACKEND_CLOSING || b->state == BACKEND_CLOSED)
        return;
    note_close(b, reason);
    if (b->state == BACKEND_CONNECTING) {
        closed(b);
        return;
    }
    if (takes_command(b)) {
        if (!stream_write_bytes(&b->stream, quit, sizeof quit)) {
            closed(b);
            return;
        }
    } else if (b->state == BACKEND_LEASED || b->state == BACKEND_DRAINING) {
        kill_what_runs(b, b->ahead.owed != 0); /* or the server keeps the connection until the statement ends */
    }
    backend_ahead_forget(b);
    shutdown(b->stream.fd, SHUT_WR);
    stream_resume(&b->stream);
    deadline_set(&b->context->closing, &b->deadline);
    backend_set_state(b, BACKEND_CLOSING);
}

static void swallow(struct backend *b)
{
    enum stream_status status;
    uint8_t *bytes;
    size_t length;

    status = stream_read(&b->stream, &bytes, &length);
    if (status == STREAM_EOF || status == STREAM_ERROR)
        closed(b);
}

/* Reads the reply that has lost its reader. */
static void drain(struct backend *b)
{
    struct loop *loop = b->context->loop;
    enum stream_status status;
    enum reply_status end;
    uint8_t *bytes;
    size_t length, used, at = 0;

    status = stream_read(&b->stream, &bytes, &length);
    if (status == STREAM_AGAIN && length == 0)
        return;
    if (status == STREAM_EOF || status == STREAM_ERROR) {
        backend_lost(b, CLOSE_SERVER_CLOSED);
        return;
    }
    STATS_ADD(loop->stats.backend_bytes_in, length);
    if (b->ahead.owed && !backend_ahead_input(b, bytes, length, &at))
        return;
    do {
        pieces_clear(&loop->pieces);
        end = reply_feed(&b->reply, bytes + at, length - at, SCRATCH_SIZE, &used, &loop->pieces);
        at += used;
    } while (end == REPLY_FULL);
    if (end == REPLY_END && at == length) {
        STATS_INC(loop->stats.replies_discarded);
        b->status = b->reply.status & STATUS_LASTING;
        deadline_clear(&b->deadline);
        backend_has_changed(b, false);
        b->context->drained(b);
    } else if (end != REPLY_MORE || !stream_keep(&b->stream, bytes + at, length - at)) {
        backend_close(b, end == REPLY_FILE ? CLOSE_ABANDONED : CLOSE_PROTOCOL); /* nobody is left to send the file */
    }
}

void backend_drain(struct backend *b)
{
    backend_set_state(b, BACKEND_DRAINING);
    deadline_set(&b->context->closing, &b->deadline);
    stream_resume(&b->stream);
    if (buffer_length(&b->stream.in))
        drain(b); /* the end may be among what was kept: no event would come for it */
}

static void on_readable(struct stream *s)
{
    struct backend *b = container_of(s, struct backend, stream);

    switch (b->state) {
    case BACKEND_LOGIN:
    case BACKEND_RESTORING:
    case BACKEND_CLEANING:
        backend_exchange_input(b);
        break;
    case BACKEND_LEASED:
        b->lease->ops->input(b->lease);
        break;
    case BACKEND_SAVING:
        backend_save_input(b);
        break;
    case BACKEND_DRAINING:
        drain(b);
        break;
    case BACKEND_IDLE: /* EOF, or a server that says why it goes: either way it is dying */
        b->context->lost(b);
        break;
    case BACKEND_CLOSING:
        swallow(b);
        break;
    default:
        INVARIANT(!"a backend in this state has no reader");
    }
}

static void on_drained(struct stream *s)
{
    struct backend *b = container_of(s, struct backend, stream);

    if (b->state == BACKEND_LEASED)
        b->lease->ops->drained(b->lease);
}

/* A failure is told from the loop, with nothing else on the stack: it may be known in the middle of a lease. */
struct late_failure {
    struct message message;
    struct backend *backend;
    enum close_reason reason;
    struct backend_error error;
};

static void tell_failure(struct loop *loop, struct message *message)
{
    struct late_failure *late = container_of(message, struct late_failure, message);
    struct backend *b = late->backend;

    (void)loop;
    b->failing = false;
    if (b->state == BACKEND_CLOSED && b->kills == 0)
        loop_bury(b->context->loop, &b->grave, b);
    else if (b->state == BACKEND_CONNECTING || b->state == BACKEND_LOGIN || b->state == BACKEND_RESTORING || b->state == BACKEND_CLEANING)
        b->context->failed(b, late->reason, &late->error);
    free(late);
}

void backend_fail(struct backend *b, enum close_reason reason, const struct backend_error *error)
{
    struct late_failure *late;

    if (b->failing)
        return;
    late = zalloc(sizeof *late);
    late->message.run = tell_failure;
    late->backend = b;
    late->reason = reason;
    late->error = *error;
    b->failing = true;
    if (b->stream.fd >= 0)
        stream_pause(&b->stream);
    loop_defer(b->context->loop, &late->message);
}

static void connect_failed(struct backend *b, int error)
{
    struct backend_error why;

    backend_error_set(&why, "can't connect to %s: %s", b->context->target->name, strerror(error));
    backend_fail(b, CLOSE_CONNECT_FAILED, &why);
}

static void on_connected(struct stream *s, int error)
{
    struct backend *b = container_of(s, struct backend, stream);

    if (error) {
        connect_failed(b, error);
        return;
    }
    backend_set_state(b, BACKEND_LOGIN);
    backend_exchange_begin(b);
}

static const struct stream_events events = {on_readable, on_drained, on_connected};

struct backend *backend_open(struct backend_context *context, const struct session_image *image, uint32_t key)
{
    static _Atomic uint64_t ids;
    const struct target_facts *facts = context->facts;
    struct backend *b = zalloc(sizeof *b);
    int error;

    b->context = context;
    b->id = ++ids;
    b->key = key;
    b->image = *image;
    b->image.last_insert_id = 0;
    b->born_us = loop_read_clock(context->loop);
    b->reply.state = REPLY_AT_END;
    b->state = BACKEND_CONNECTING;
    TAILQ_INSERT_TAIL(&context->every, b, every);
    frame_view_begin(context->views, &b->view, b->id, b->state, b->born_us);
    STATS_ADD(context->loop->stats.backends[BACKEND_CONNECTING], 1);
    STATS_INC(context->loop->stats.backend_connects);
    b->stream.fd = -1;
    b->stream.loop = context->loop;
    deadline_set(&context->exchange, &b->deadline);
    error = facts->addressed ? stream_connect(&b->stream, context->loop, (const struct sockaddr *)&facts->address, facts->address_length, &events)
                             : EADDRNOTAVAIL;
    if (error)
        connect_failed(b, error);
    return b;
}

bool backend_alive(const struct backend *b)
{
    uint8_t byte;

    return recv(b->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && (errno == EAGAIN || errno == EINTR);
}

struct query_kill {
    struct kill_request request;
    struct backend *backend;
};

static void query_killed(struct loop *loop, struct message *message)
{
    struct query_kill *kill = container_of(message, struct query_kill, request.answer);
    struct backend *b = kill->backend;

    STATS_INC(loop->stats.kills_sent);
    if (!kill->request.done) {
        STATS_INC(loop->stats.kills_failed);
        log_line(LOG_WARNING, "backend %llu (thread %u): KILL QUERY failed: %u %s", (unsigned long long)b->id, b->thread_id,
                 kill->request.error.number, kill->request.error.text);
    }
    if (!kill->request.done && b->state == BACKEND_DRAINING) /* else the answer may send it to another worker */
        backend_close(b, CLOSE_ABANDONED);
    backend_kill_answered(b);
    free(kill);
}

static void kill_what_runs(struct backend *b, bool connection)
{
    struct query_kill *kill = zalloc(sizeof *kill);

    kill->request = (struct kill_request){
        .answer.run = query_killed, .loop = b->context->loop, .thread_id = b->thread_id, .account = b->image.account, .connection = connection};
    kill->backend = b;
    backend_kill(b, &kill->request);
}

void backend_kill_query(struct backend *b)
{
    kill_what_runs(b, false);
}

void backend_kill_answered(struct backend *b)
{
    INVARIANT(b->kills > 0);
    b->kills--;
    if (b->state == BACKEND_CLOSED) {
        if (b->kills == 0 && !b->failing)
            loop_bury(b->context->loop, &b->grave, b);
        return;
    }
    if (b->kills == 0 && b->state == BACKEND_LEASED)
        b->context->answered(b);
    else if (b->kills == 0 && (b->state == BACKEND_CLEANING || b->state == BACKEND_RESTORING) && b->deadline.queue == NULL && !b->failing)
        b->context->restored(b); /* it had only waited for this; it may be another worker's now */
}

void backend_detach(struct backend *b)
{
    INVARIANT(b->state == BACKEND_IDLE && b->kills == 0);
    STATS_ADD(b->context->loop->stats.backends[b->state], -1);
    stream_detach(&b->stream);
    TAILQ_REMOVE(&b->context->every, b, every);
    b->context = NULL;
}

void backend_attach(struct backend *b, struct backend_context *context)
{
    b->context = context;
    TAILQ_INSERT_TAIL(&context->every, b, every);
    STATS_ADD(context->loop->stats.backends[b->state], 1);
    stream_attach(&b->stream, context->loop);
}
