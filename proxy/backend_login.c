/* SPDX-License-Identifier: MIT
 * Logging in at the server: greeting, response, authentication. The latter is also a change of user's.
 */
#include <string.h>

#include "protocol/capability.h"
#include "protocol/packet.h"
#include "proxy/backend_exchange.h"

void backend_exchange_begin(struct backend *b)
{
    b->step = EXCHANGE_GREETING;
    b->secret = accounts_secret(b->context->accounts, b->image.account);
}

/* What no server of the last ten years lacks, and we can't do without. */
static const char *lacking(uint32_t capabilities)
{
    if (!(capabilities & CAP_PROTOCOL_41) || !(capabilities & CAP_SECURE_CONNECTION) || !(capabilities & CAP_PLUGIN_AUTH))
        return "the server is too old: protocol 4.1 with authentication plugins is needed";
    if (!(capabilities & CAP_DEPRECATE_EOF) || !(capabilities & CAP_SESSION_TRACK))
        return "the server is too old: CLIENT_DEPRECATE_EOF and CLIENT_SESSION_TRACK are needed (MariaDB 10.2, MySQL 5.7)";
    return NULL;
}

static void answer_greeting(struct backend *b, const uint8_t *payload, size_t length)
{
    uint8_t out[EXCHANGE_PACKET], answer[AUTH_ANSWER_MAX], block[512];
    struct wire_writer w = wire_writer(out, sizeof out), attribute_writer = wire_writer(block, sizeof block);
    struct login_request login;
    size_t answer_length = 0;

    if (greeting_parse(payload, length, &b->greeting) != WIRE_OK) {
        exchange_fail(b, "not a MySQL greeting");
        return;
    }
    if (lacking(b->greeting.capabilities)) {
        exchange_fail(b, lacking(b->greeting.capabilities));
        return;
    }
    b->thread_id = b->greeting.connection_id;
    frame_view_thread(&b->view, b->thread_id);
    if (!b->context->facts->greeted) /* clients can be greeted now, whatever becomes of this login */
        target_learn_login(b->context->target, b->context->facts, &b->greeting, b->greeting.status & STATUS_LASTING & ~STATUS_ANSI_QUOTES);
    if (auth_client_begin(&b->auth, &b->secret, b->context->target->private_line, b->greeting.plugin, b->greeting.nonce, answer, &answer_length) ==
        AUTH_FAILED) {
        exchange_fail_account(b);
        return;
    }
    if (b->image.collation > 0xFF)
        b->image.collation = 0; /* one byte is all that a login has; a change of user has two, and follows */
    login = exchange_request(b, answer, answer_length);
    login.capabilities = capability_request(b->greeting.capabilities, b->key);
    if (b->image.multi_statements)
        login.capabilities |= CAP_MULTI_STATEMENTS;
    if (b->image.schema_length == 0)
        login.capabilities &= ~(uint32_t)CAP_CONNECT_WITH_DB;
    exchange_attributes(&attribute_writer);
    login.attributes = (struct wire_text){(const char *)block, wire_written(&attribute_writer)};
    login_write(&w, &login, 1);
    epoch_login(&b->epoch, monotonic_us());
    b->step = EXCHANGE_AUTH;
    exchange_send(b, &w);
}

static void authenticated(struct backend *b, const uint8_t *payload, size_t length)
{
    struct backend_context *context = b->context;
    struct ok_packet ok;

    if (ok_parse(payload, length, true, &ok) != WIRE_OK) {
        exchange_fail(b, "a malformed OK");
        return;
    }
    if (accounts_admit(context->accounts, b->image.account))
        log_line(LOG_INFO, "account %s: let in by the server again", accounts_name(context->accounts, b->image.account));
    b->status = ok.status & STATUS_LASTING;
    if (b->state == BACKEND_LOGIN) {
        STATS_INC(context->loop->stats.backend_logins);
        target_learn_login(context->target, context->facts, &b->greeting, b->status);
    }
    load_rest(b);
}

static void next_answer(struct backend *b, const uint8_t *payload, size_t length, uint8_t sequence)
{
    uint8_t out[EXCHANGE_PACKET], answer[AUTH_ANSWER_MAX], *header;
    struct wire_writer w = wire_writer(out, sizeof out);
    size_t answer_length = 0;

    switch (auth_client_next(&b->auth, payload, length, answer, &answer_length)) {
    case AUTH_SEND:
        header = packet_begin(&w);
        wire_put_bytes(&w, answer, answer_length);
        packet_end(&w, header, (uint8_t)(sequence + 1));
        exchange_send(b, &w);
        break;
    case AUTH_WAIT:
        break;
    case AUTH_FAILED:
        exchange_fail_account(b);
        break;
    }
    explicit_bzero(answer, sizeof answer); /* it may be the password */
    explicit_bzero(out, sizeof out);
}

void login_packet(struct backend *b, struct wire_text payload, uint8_t sequence)
{
    const uint8_t *bytes = (const uint8_t *)payload.data;

    if (payload.length == 0)
        exchange_fail(b, "an empty packet");
    else if (bytes[0] == 0xFF)
        exchange_refused(b, bytes, payload.length);
    else if (b->step == EXCHANGE_GREETING)
        answer_greeting(b, bytes, payload.length);
    else if (bytes[0] == 0x00)
        authenticated(b, bytes, payload.length);
    else
        next_answer(b, bytes, payload.length, sequence);
}

