/* SPDX-License-Identifier: MIT
 * A conversation with the server that ends in a loaded image: reading, failing, and its end.
 */
#include "proxy/backend_exchange.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/packet.h"
#include "proxy/version.h"

static enum close_reason reason_of(const struct backend *b)
{
    return b->state == BACKEND_LOGIN ? CLOSE_LOGIN_FAILED : CLOSE_RESTORE_FAILED;
}

void exchange_fail(struct backend *b, const char *why)
{
    struct backend_error error;

    backend_error_set(&error, "login at %s: %s", b->context->target->name, why);
    backend_fail(b, reason_of(b), &error);
}

/* The server does not let the account in: told once, whoever asks how often. */
static void note_refusal(struct backend *b, const struct backend_error *error)
{
    const char *name = accounts_name(b->context->accounts, b->image.account);

    if ((b->step == EXCHANGE_GREETING || b->step == EXCHANGE_AUTH) && backend_error_is_account(error) &&
        accounts_refuse(b->context->accounts, b->image.account, error, loop_now(b->context->loop)))
        log_line(LOG_WARNING, "account %s: refused by the server: error %u: %s", name, error->number, error->text);
}

void exchange_fail_account(struct backend *b)
{
    struct backend_error error;

    backend_error_set(&error, "Access denied for user '%s': sluse can't log in at the server: %s",
                      accounts_name(b->context->accounts, b->image.account), b->auth.failure);
    error.number = 1045;
    memcpy(error.sqlstate, "28000", sizeof error.sqlstate);
    note_refusal(b, &error);
    backend_fail(b, reason_of(b), &error);
}

void exchange_refused(struct backend *b, const uint8_t *payload, size_t length)
{
    struct backend_error error;

    backend_error_from_packet(&error, payload, length);
    if (b->step != EXCHANGE_OWED && !b->page_in) /* those are about who was here before */
        accounts_disprove(b->context->accounts, &b->image);
    note_refusal(b, &error);
    backend_fail(b, reason_of(b), &error);
}

void exchange_send(struct backend *b, struct wire_writer *w)
{
    STATS_ADD(b->context->loop->stats.backend_bytes_out, wire_written(w));
    if (w->full || !backend_write(b, w->begin, wire_written(w)))
        exchange_fail(b, "the connection broke");
}

struct login_request exchange_request(const struct backend *b, const uint8_t *answer, size_t answer_length)
{
    const char *user = accounts_name(b->context->accounts, b->image.account);

    return (struct login_request){
        .max_packet = 1u << 30,
        .collation = b->image.collation,
        .user = {user, strlen(user)},
        .auth = {(const char *)answer, answer_length},
        .schema = {b->image.schema, b->image.schema_length},
        .plugin = {b->auth.plugin, strlen(b->auth.plugin)},
    };
}

void exchange_attributes(struct wire_writer *w)
{
    char pid[16], node[64] = "";
    const char *pairs[][2] = {
        {"program_name", "sluse"}, {"_client_name", "sluse"}, {"_client_version", SLUSE_VERSION}, {"_pid", pid}, {"node", node}};

    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    if (gethostname(node, sizeof node - 1))
        node[0] = '\0';
    login_attributes_write(w, (const char *const(*)[2])pairs, sizeof pairs / sizeof pairs[0]);
}

/* The last thing that happens: whoever is told may pass the backend on, to another worker even. */
static void finish(struct backend *b)
{
    struct backend_context *context = b->context;

    auth_secret_wipe(&b->secret);
    deadline_clear(&b->deadline);
    b->reply.state = REPLY_AT_END;
    if (!b->page_in && !b->prime.active) {
        b->footprint = FOOTPRINT_NONE;
        accounts_prove(context->accounts, &b->image, b->epoch.taken_us);
    }
    if (b->state == BACKEND_LOGIN)
        context->logged_in(b);
    else
        context->restored(b);
}

/* Eats one packet or reply of what is there. False: wait for more. */
static bool eat(struct backend *b, uint8_t *bytes, size_t length, size_t *used)
{
    struct pieces *pieces = &b->context->loop->pieces;
    struct wire_text payload;
    uint8_t sequence;

    *used = 0;
    if (b->step == EXCHANGE_OWED || b->step == EXCHANGE_SETTINGS) {
        bool fresh = b->reply.state == REPLY_AT_RESULT && reply_at_border(&b->reply);
        enum reply_status status;

        pieces_clear(pieces);
        status = reply_feed(&b->reply, bytes, length, EXCHANGE_LIMIT, used, pieces);
        if (status == REPLY_END)
            load_reply(b, bytes, *used, fresh);
        else if (status != REPLY_MORE)
            exchange_fail(b, "a reply that can't be followed");
        return status == REPLY_END;
    }
    switch (packet_take(bytes, length, EXCHANGE_LIMIT, &payload, &sequence, used)) {
    case WIRE_OK:
        login_packet(b, payload, sequence);
        return true;
    case WIRE_SHORT:
        return false;
    default:
        exchange_fail(b, "not the MySQL protocol");
        return false;
    }
}

void backend_exchange_input(struct backend *b)
{
    enum stream_status status;
    uint8_t *bytes;
    size_t length, used, at = 0;
    bool more = true;

    status = stream_read(&b->stream, &bytes, &length);
    if (status == STREAM_AGAIN && length == 0)
        return;
    if (status == STREAM_EOF || status == STREAM_ERROR) {
        exchange_fail(b, "the server closed the connection");
        return;
    }
    STATS_ADD(b->context->loop->stats.backend_bytes_in, length);
    if (b->ahead.owed && !backend_ahead_input(b, bytes, length, &at)) /* of a command without a reply */
        return;
    while (at < length && more && !b->failing && b->step != EXCHANGE_DONE) {
        more = eat(b, bytes + at, length - at, &used);
        at += used;
    }
    if (b->failing)
        return;
    if (b->step != EXCHANGE_DONE) {
        if (!stream_keep(&b->stream, bytes + at, length - at))
            exchange_fail(b, "out of memory");
    } else if (at < length || b->deadline.queue == NULL) { /* there can be no more, nor can it have been finished before */
        exchange_fail(b, "bytes that nobody asked for");
    } else {
        finish(b);
    }
}
