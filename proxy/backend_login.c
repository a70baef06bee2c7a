/* SPDX-License-Identifier: MIT
 * What is said to the server to load an image: a login, or a change of user with what that leaves behind.
 *
 *   login:           greeting -> response -> auth ... OK             [-> settings -> OK]
 *   change of user:  (reset, found rows, role, option)  owed replies
 *                    COM_CHANGE_USER, in the same write -> auth ... OK [-> schema, settings -> OKs]
 *
 * A schema that never worked is chosen with COM_INIT_DB behind the change of user: MariaDB answers a failed change of user after a second.
 * COM_CHANGE_USER alone leaves the active role and FOUND_ROWS() of who was there before (MariaDB 10.11; facts in docs/session-state.md), and
 * drops the settings that two capability bits make at login.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "protocol/capability.h"
#include "protocol/login.h"
#include "protocol/packet.h"
#include "proxy/backend.h"
#include "proxy/invariant.h"
#include "proxy/version.h"

#define EXCHANGE_PACKET 4096u /* what we send fits */
#define EXCHANGE_LIMIT 65536u /* longer than anything a server says here */

static void fail(struct backend *b, const char *why)
{
    struct backend_error error;

    backend_error_set(&error, "login at %s: %s", b->context->target->name, why);
    b->context->failed(b, b->state == BACKEND_LOGIN ? CLOSE_LOGIN_FAILED : CLOSE_RESTORE_FAILED, &error);
}

/* What we know of the account is not enough to log in: an error of the account's, as a wrong password would be. */
static void fail_account(struct backend *b)
{
    struct backend_error error;

    backend_error_set(&error, "Access denied for user '%s': sluse can't log in at the server: %s",
                      accounts_name(b->context->accounts, b->image.account), b->auth.failure);
    error.number = 1045;
    memcpy(error.sqlstate, "28000", sizeof error.sqlstate);
    b->context->failed(b, b->state == BACKEND_LOGIN ? CLOSE_LOGIN_FAILED : CLOSE_RESTORE_FAILED, &error);
}

static bool send_bytes(struct backend *b, struct wire_writer *w)
{
    STATS_ADD(b->context->loop->stats.backend_bytes_out, wire_written(w));
    if (!w->full && stream_write_bytes(&b->stream, w->begin, wire_written(w)))
        return true;
    fail(b, "the connection broke");
    return false;
}

void backend_exchange_begin(struct backend *b)
{
    b->step = EXCHANGE_GREETING;
    b->secret = accounts_secret(b->context->accounts, b->image.account);
}

static struct login_request request(const struct backend *b, const uint8_t *answer, size_t answer_length)
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

static void attributes(struct wire_writer *w)
{
    char pid[16], node[64] = "";
    const char *pairs[][2] = {
        {"program_name", "sluse"}, {"_client_name", "sluse"}, {"_client_version", SLUSE_VERSION}, {"_pid", pid}, {"node", node}};

    snprintf(pid, sizeof pid, "%ld", (long)getpid());
    if (gethostname(node, sizeof node - 1))
        node[0] = '\0';
    login_attributes_write(w, (const char *const(*)[2])pairs, sizeof pairs / sizeof pairs[0]);
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
        fail(b, "not a MySQL greeting");
        return;
    }
    if (lacking(b->greeting.capabilities)) {
        fail(b, lacking(b->greeting.capabilities));
        return;
    }
    b->thread_id = b->greeting.connection_id;
    if (!b->context->facts->greeted) /* clients can be greeted now, whatever becomes of this login */
        target_learn_login(b->context->target, b->context->facts, &b->greeting, b->greeting.status & STATUS_LASTING & ~STATUS_ANSI_QUOTES);
    if (auth_client_begin(&b->auth, &b->secret, b->context->target->private_line, b->greeting.plugin, b->greeting.nonce, answer, &answer_length) ==
        AUTH_FAILED) {
        fail_account(b);
        return;
    }
    if (b->image.collation > 0xFF)
        b->image.collation = 0; /* one byte is all that a login has; a change of user has two, and follows */
    login = request(b, answer, answer_length);
    login.capabilities = capability_request(b->greeting.capabilities, b->key);
    if (b->image.multi_statements)
        login.capabilities |= CAP_MULTI_STATEMENTS;
    if (b->image.schema_length == 0)
        login.capabilities &= ~(uint32_t)CAP_CONNECT_WITH_DB;
    attributes(&attribute_writer);
    login.attributes = (struct wire_text){(const char *)block, wire_written(&attribute_writer)};
    login_write(&w, &login, 1);
    b->multi_statements = b->image.multi_statements;
    b->epoch.taken_us = monotonic_us();
    b->step = EXCHANGE_AUTH;
    (void)send_bytes(b, &w);
}

static void put_query(struct wire_writer *w, const char *text)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_QUERY);
    wire_put_bytes(w, text, strlen(text));
    packet_end(w, header, 0);
}

static void put_byte_command(struct wire_writer *w, uint8_t command)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, command);
    packet_end(w, header, 0);
}

static void put_schema(struct wire_writer *w, const struct session_image *image)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_INIT_DB);
    wire_put_bytes(w, image->schema, image->schema_length);
    packet_end(w, header, 0);
}

static void put_option(struct wire_writer *w, bool multi_statements)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_SET_OPTION);
    wire_put_u16(w, multi_statements ? 0 : 1);
    packet_end(w, header, 0);
}

/* What CAP_IGNORE_SPACE and CAP_INTERACTIVE do at a login, done by hand: a change of user forgets both. */
static void put_settings(struct wire_writer *w, const struct session_image *image)
{
    const char *mode = "sql_mode=IF(@@sql_mode='','IGNORE_SPACE',CONCAT(@@sql_mode,',IGNORE_SPACE'))";
    const char *timeout = "wait_timeout=@@interactive_timeout";
    char text[200];

    snprintf(text, sizeof text, "SET %s%s%s", image->ignore_space ? mode : "", image->ignore_space && image->interactive ? "," : "",
             image->interactive ? timeout : "");
    put_query(w, text);
}

/* Everything that would stay, in an order in which each works. Profiles hold statements, and only a profiled statement trims them; the reset
 * undoes that, and ends transactions and settings that could make what is behind it fail; ROW_COUNT() is 0 after SET, as in a fresh session. */
static void put_cleaning(struct backend *b, struct wire_writer *w)
{
    if (b->status & STATUS_IN_TRANS) { /* XA PREPAREd: an error here, and a backend that no reset makes usable again (MariaDB 10.11) */
        put_query(w, "ROLLBACK");
        b->owed++;
    }
    if (b->footprint == FOOTPRINT_OPAQUE) {
        put_query(w, "SET profiling_history_size=0,profiling=1");
        put_query(w, "SET profiling=0");
        b->owed += 2;
    }
    put_byte_command(w, COM_RESET_CONNECTION);
    put_query(w, "SELECT 1 LIMIT 0");
    put_query(w, "SET ROLE NONE");
    b->owed += 3;
}

/* A session ends and the next is of its kind: is a reset with INIT_DB as good as a change of user? It is on MariaDB (whose reset goes back to the
 * login's character set), with a schema to choose anew, and as long as what a login would find now (grants, the default role) was looked up
 * a moment ago. It saves the server an authentication and both a round trip. */
static bool reset_is_enough(const struct backend *b)
{
    int64_t half = b->context->conf->privilege_refresh_us / 2, now_us = monotonic_us();

    return strstr(b->greeting.version, "MariaDB") && b->image.schema_length && now_us - b->epoch.taken_us < half &&
           now_us - accounts_no_role_since(b->context->accounts, b->image.account) < half;
}

static void send_reset(struct backend *b, struct wire_writer *w)
{
    put_schema(w, &b->image);
    b->owed++;
    if (b->image.ignore_space || b->image.interactive) {
        put_settings(w, &b->image);
        b->owed++;
    }
    b->step = EXCHANGE_SETTINGS;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    (void)send_bytes(b, w);
}

void backend_load(struct backend *b, const struct session_image *image, enum backend_state state)
{
    uint8_t out[EXCHANGE_PACKET], answer[AUTH_ANSWER_MAX], block[512];
    struct wire_writer w = wire_writer(out, sizeof out), attribute_writer = wire_writer(block, sizeof block);
    struct login_request change;
    size_t answer_length = 0;

    backend_set_state(b, state);
    deadline_set(&b->context->exchange, &b->deadline);
    b->owed = 0;
    if (b->footprint != FOOTPRINT_NONE)
        put_cleaning(b, &w);
    if (b->multi_statements != image->multi_statements) {
        put_option(&w, image->multi_statements);
        b->owed++;
    }
    b->image = *image;
    b->multi_statements = image->multi_statements;
    stream_resume(&b->stream);
    if (state == BACKEND_CLEANING && reset_is_enough(b)) {
        send_reset(b, &w);
        return;
    }
    b->secret = accounts_secret(b->context->accounts, image->account);
    if (auth_client_begin(&b->auth, &b->secret, b->context->target->private_line, b->greeting.plugin, b->greeting.nonce, answer, &answer_length) ==
        AUTH_FAILED) {
        fail_account(b);
        return;
    }
    b->schema_later = image->schema_length && !accounts_proven(b->context->accounts, image, monotonic_us(), INT64_MAX);
    change = request(b, answer, answer_length);
    if (b->schema_later)
        change.schema.length = 0;
    change.capabilities = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS;
    attributes(&attribute_writer); /* MariaDB 10.11 never answers when they are missing and were negotiated */
    change.attributes = (struct wire_text){(const char *)block, wire_written(&attribute_writer)};
    change_user_write(&w, &change);
    b->epoch.taken_us = monotonic_us();
    b->step = b->owed ? EXCHANGE_OWED : EXCHANGE_AUTH;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    if (b->step == EXCHANGE_AUTH)
        b->reply.state = REPLY_AT_END;
    (void)send_bytes(b, &w);
}

static void finish(struct backend *b)
{
    struct backend_context *context = b->context;

    auth_secret_wipe(&b->secret);
    deadline_clear(&b->deadline);
    b->reply.state = REPLY_AT_END;
    b->footprint = FOOTPRINT_NONE;
    accounts_prove(context->accounts, &b->image, b->epoch.taken_us);
    if (b->state == BACKEND_LOGIN)
        context->logged_in(b);
    else
        context->restored(b);
}

/* What is left when the user is right. False: nothing. */
static bool send_rest(struct backend *b)
{
    uint8_t out[SESSION_SCHEMA_MAX + 256];
    struct wire_writer w = wire_writer(out, sizeof out);

    b->owed = 0;
    if (!b->lease && strstr(b->greeting.version, "MariaDB")) { /* nobody waits: time to look, and to clear what a server thread had left */
        put_query(&w, "SELECT CURRENT_ROLE()");
        put_query(&w, "SELECT 1 LIMIT 0"); /* FOUND_ROWS() */
        put_query(&w, "DO 0");             /* ROW_COUNT() */
        b->owed += 3;
        b->role_asked = true;
    }
    if (b->schema_later) {
        put_schema(&w, &b->image);
        b->owed++;
    }
    if (b->image.ignore_space || b->image.interactive) {
        put_settings(&w, &b->image);
        b->owed++;
    }
    if (b->owed == 0)
        return false;
    b->step = EXCHANGE_SETTINGS;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    (void)send_bytes(b, &w);
    return true;
}

static void authenticated(struct backend *b, const uint8_t *payload, size_t length)
{
    struct backend_context *context = b->context;
    struct ok_packet ok;

    if (ok_parse(payload, length, true, &ok) != WIRE_OK) {
        fail(b, "a malformed OK");
        return;
    }
    b->status = ok.status & STATUS_LASTING;
    if (b->state == BACKEND_LOGIN) {
        STATS_INC(context->loop->stats.backend_logins);
        target_learn_login(context->target, context->facts, &b->greeting, b->status);
    }
    if (!send_rest(b))
        finish(b);
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
        (void)send_bytes(b, &w);
        return;
    case AUTH_WAIT:
        return;
    case AUTH_FAILED:
        fail_account(b);
        return;
    }
}

static void refused(struct backend *b, const uint8_t *payload, size_t length)
{
    struct backend_error error;

    backend_error_from_packet(&error, payload, length);
    accounts_disprove(b->context->accounts, &b->image);
    b->context->failed(b, b->state == BACKEND_LOGIN ? CLOSE_LOGIN_FAILED : CLOSE_RESTORE_FAILED, &error);
}

/* One packet of greeting or authentication. */
static void on_packet(struct backend *b, struct wire_text payload, uint8_t sequence)
{
    const uint8_t *bytes = (const uint8_t *)payload.data;

    if (payload.length == 0)
        fail(b, "an empty packet");
    else if (bytes[0] == 0xFF)
        refused(b, bytes, payload.length);
    else if (b->step == EXCHANGE_GREETING)
        answer_greeting(b, bytes, payload.length);
    else if (bytes[0] == 0x00)
        authenticated(b, bytes, payload.length);
    else
        next_answer(b, bytes, payload.length, sequence);
}

/* SELECT CURRENT_ROLE() behind a change of user: count, column, row, OK. In parts it is not looked at: there will be another one. */
static void note_role(struct backend *b, const uint8_t *bytes, size_t length)
{
    const uint8_t *at = bytes, *end = bytes + length;

    for (int i = 0; i < 2 && end - at > (ptrdiff_t)PACKET_HEADER; i++)
        at += PACKET_HEADER + packet_length(at);
    if (b->reply.failed || end - at <= (ptrdiff_t)PACKET_HEADER)
        return;
    accounts_note_no_role(b->context->accounts, b->image.account, at[PACKET_HEADER] == 0xFB ? b->epoch.taken_us : 0);
}

/* What a server does not have, a session can't have left there: roles (1064), profiling (1193). */
static bool is_forgivable(const struct backend *b)
{
    return b->state == BACKEND_CLEANING && (b->reply.error == 1064 || b->reply.error == 1193);
}

/* A reply to what we sent around the authentication has ended; an ERR is all of it. */
static void on_reply_end(struct backend *b, const uint8_t *bytes, size_t length)
{
    if (b->role_asked)
        note_role(b, bytes, length);
    b->role_asked = false;
    if (b->reply.failed && !is_forgivable(b))
        refused(b, bytes + PACKET_HEADER, length - PACKET_HEADER);
    else if (--b->owed)
        reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    else if (b->step == EXCHANGE_SETTINGS)
        finish(b);
    else
        b->step = EXCHANGE_AUTH;
}

/* Eats one packet or reply of what is there. False: wait for more, or it is over. */
static bool eat(struct backend *b, uint8_t *bytes, size_t length, size_t *used)
{
    struct pieces *pieces = &b->context->loop->pieces;
    struct wire_text payload;
    uint8_t sequence;

    *used = 0;
    if (b->step == EXCHANGE_OWED || b->step == EXCHANGE_SETTINGS) {
        enum reply_status status;

        pieces_clear(pieces);
        status = reply_feed(&b->reply, bytes, length, EXCHANGE_LIMIT, used, pieces);
        if (status == REPLY_END)
            on_reply_end(b, bytes, *used);
        else if (status != REPLY_MORE)
            fail(b, "a reply that can't be followed");
        return status == REPLY_END;
    }
    switch (packet_take(bytes, length, EXCHANGE_LIMIT, &payload, &sequence, used)) {
    case WIRE_OK:
        on_packet(b, payload, sequence);
        return true;
    case WIRE_SHORT:
        return false;
    default:
        fail(b, "not the MySQL protocol");
        return false;
    }
}

static bool exchanging(const struct backend *b)
{
    return b->state == BACKEND_LOGIN || b->state == BACKEND_RESTORING || b->state == BACKEND_CLEANING;
}

void backend_exchange_input(struct backend *b)
{
    enum stream_status status;
    uint8_t *bytes;
    size_t length, used, at = 0;

    status = stream_read(&b->stream, &bytes, &length);
    if (status == STREAM_AGAIN && length == 0)
        return;
    if (status == STREAM_EOF || status == STREAM_ERROR) {
        fail(b, "the server closed the connection");
        return;
    }
    STATS_ADD(b->context->loop->stats.backend_bytes_in, length);
    while (at < length && exchanging(b) && b->deadline.queue) {
        bool more = eat(b, bytes + at, length - at, &used);

        at += used;
        if (!more)
            break;
    }
    if (at < length && exchanging(b) && !stream_keep(&b->stream, bytes + at, length - at))
        fail(b, "out of memory");
}
