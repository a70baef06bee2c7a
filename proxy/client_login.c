/* SPDX-License-Identifier: MIT
 * Logging a client in, and COM_CHANGE_USER: the same questions twice.
 *
 * Authentication is local. The server is asked only when a login with this account, schema and collation has not gone well within
 * schema_ttl: then a backend is leased at once, and what the server says is what the client gets.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/login.h"
#include "protocol/packet.h"
#include "proxy/budget.h"
#include "proxy/client.h"
#include "proxy/invariant.h"

#define USER_SHOWN 128u /* bytes of a name that servers put into an error */
#define CHANGES_MAX 3

struct client_login {
    struct auth_server auth;
    struct auth_secret secret;
    int account;             /* -1: unknown */
    size_t user_length;
    char user[USER_SHOWN];
    uint8_t nonce[NONCE_SIZE];
    uint8_t expected;        /* sequence number of the client's next packet */
    bool changing;           /* COM_CHANGE_USER */
    bool schema_too_long;
    struct session_image image; /* what is asked for; of a change: what was before, once the lease has the new one */
};

static struct stats *stats(const struct client *c)
{
    return &c->home->loop->stats;
}

void client_login_free(struct client *c)
{
    if (!c->login)
        return;
    auth_secret_wipe(&c->login->secret);
    free(c->login);
    c->login = NULL;
}

void client_greet(struct client *c)
{
    const struct target_facts *facts = c->home->facts;
    struct greeting greeting = {
        .connection_id = c->id, .capabilities = capability_offer(facts->capabilities), .collation = facts->collation, .status = facts->greeting_status};
    uint8_t out[512];
    struct wire_writer w = wire_writer(out, sizeof out);

    c->login = zalloc(sizeof *c->login);
    if (!auth_nonce(c->login->nonce)) {
        client_close(c, CLOSE_NO_MEMORY);
        return;
    }
    memcpy(greeting.version, facts->server_version, sizeof greeting.version);
    memcpy(greeting.plugin, facts->plugin, sizeof greeting.plugin);
    memcpy(greeting.nonce, c->login->nonce, NONCE_SIZE);
    greeting_write(&w, &greeting);
    c->login->expected = 1;
    c->lease.session.status = facts->status;
    c->state = CLIENT_HANDSHAKE;
    if (client_send(c, &w))
        client_resume(c);
}

/* --- the end of it --- */

static void send_done(struct client *c)
{
    uint8_t state[SESSION_SCHEMA_MAX + 16], out[SESSION_SCHEMA_MAX + 64];
    struct wire_writer in = wire_writer(state, sizeof state), w = wire_writer(out, sizeof out);
    const struct session_image *image = &c->lease.session.image;
    struct ok_packet ok = {.status = c->lease.session.status};

    if (image->schema_length && (c->capabilities & CAP_SESSION_TRACK)) {
        session_state_put_schema(&in, image->schema, image->schema_length);
        ok.status |= STATUS_STATE_CHANGED;
        ok.state = (struct wire_text){(const char *)state, wire_written(&in)};
    }
    ok_write(&w, &ok, (c->capabilities & CAP_SESSION_TRACK) != 0, (uint8_t)(c->sequence + 1));
    if (!c->login->changing) {
        STATS_INC(stats(c)->logins);
        histogram_add(&stats(c)->login, loop_read_clock(c->home->loop) - c->began_us);
    }
    client_login_free(c);
    c->state = CLIENT_READY;
    client_send(c, &w);
}

/* The backend that was needed to ask waits for the first command as that of any session does. */
static void yield(struct client *c)
{
    if (c->lease.state == LEASE_HELD && c->lease.session.pins == 0)
        frames_yield(c->home->frames, &c->lease);
}

void client_login_ready(struct client *c)
{
    c->lease.session.status = c->lease.backend->status;
    send_done(c);
    if (c->state != CLIENT_READY)
        return;
    yield(c);
    client_ready(c);
}

/* A refused change of user: MySQL ends the connection; MariaDB has cleaned the session, and the old user is in it, with the server's own
 * character set. */
static void start_over(struct client *c)
{
    struct session_image image = c->lease.session.image;

    if (!c->home->facts->is_mariadb) {
        client_finish(c, CLOSE_ACCESS_DENIED);
        return;
    }
    frames_release(c->home->frames, &c->lease, true);
    image.collation = 0;
    session_init(&c->lease.session, &image, c->home->facts->status);
}

void client_login_failed(struct client *c, const struct backend_error *error)
{
    bool changing = c->login->changing;

    if (!client_send_error(c, (uint8_t)(c->sequence + 1), error))
        return;
    if (!changing) {
        client_finish(c, backend_error_is_account(error) ? CLOSE_ACCOUNT_DENIED : backend_error_is_schema(error) ? CLOSE_SCHEMA_DENIED : CLOSE_NO_SERVER);
        return;
    }
    c->changes_failed++;
    session_init(&c->lease.session, &c->login->image, c->home->facts->status);
    client_login_free(c);
    start_over(c);
    if (c->state != CLIENT_CLOSING)
        client_ready(c);
}

/* What MySQL applies again from the login's capabilities with each reset and change of user belongs to the connection there; MariaDB forgets it,
 * and the image has it. */
static void set_key(struct client *c, struct session_image *image)
{
    c->lease.key = capability_key(c->capabilities);
    if (c->home->facts->is_mariadb)
        return;
    c->lease.key |= c->capabilities & (CAP_IGNORE_SPACE | CAP_INTERACTIVE);
    image->ignore_space = false;
    image->interactive = false;
}

/* How long ago a login at the server may have been to be believed: not from before the accounts were changed. */
static int64_t trust_us(const struct clients *clients)
{
    int64_t since_us = monotonic_us() - target_privileges_since(clients->frames->context.target);

    return since_us < clients->conf->schema_ttl_us ? since_us : clients->conf->schema_ttl_us;
}

/* The password was right. Is the rest? */
static void prove(struct client *c)
{
    struct clients *clients = c->home;
    struct client_login *login = c->login;
    struct session_image image = login->image;

    deadline_clear(&c->deadline);
    login->image = c->lease.session.image;
    set_key(c, &image);
    if (c->lease.state != LEASE_HELD || c->lease.session.pins & PIN_BIT(PIN_XA)) /* what is not ended, no reset of ours ends: it goes with its connection */
        frames_release(clients->frames, &c->lease, true); /* its page, if it has one somewhere */
    session_init(&c->lease.session, &image, clients->facts->status);
    c->lease.session.key = c->lease.key;
    c->state = CLIENT_PROVING;
    if (c->lease.state == LEASE_HELD) {
        frames_reload(clients->frames, &c->lease);
    } else if (accounts_proven(clients->accounts, &image, monotonic_us(), trust_us(clients))) {
        send_done(c);
    } else {
        STATS_INC(stats(c)->logins_schema_asked);
        if (!frames_lease(clients->frames, &c->lease))
            return;
        if (monotonic_us() - c->lease.backend->epoch.taken_us < trust_us(clients)) {
            c->lease.session.status = c->lease.backend->status;
            send_done(c);
            if (c->state == CLIENT_READY)
                yield(c);
        } else { /* it lay there loaded: that proves nothing about now */
            c->lease.session.begun = false;
            frames_reload(clients->frames, &c->lease);
        }
    }
}

static void granted(struct client *c)
{
    struct client_login *login = c->login;
    uint8_t out[16];
    struct wire_writer w = wire_writer(out, sizeof out);

    if (login->auth.learned)
        accounts_learn(c->home->accounts, (unsigned)login->account, login->auth.learned_stage1);
    if (login->auth.more) {
        uint8_t fast = 3;

        auth_more_write(&w, &fast, 1, ++c->sequence);
        if (!client_send(c, &w))
            return;
    }
    if (login->schema_too_long) {
        if (client_send_text(c, (uint8_t)(c->sequence + 1), 1102, "42000", "Incorrect database name"))
            client_finish(c, CLOSE_SCHEMA_DENIED);
        return;
    }
    prove(c);
}

static void denied(struct client *c)
{
    struct client_login *login = c->login;
    bool changing = login->changing;
    char host[INET6_ADDRSTRLEN];

    STATS_INC(stats(c)->logins_denied);
    client_peer(c, host, sizeof host);
    if (!client_send_text(c, (uint8_t)(c->sequence + 1), 1045, "28000", "Access denied for user '%.*s'@'%s' (using password: %s)",
                          (int)login->user_length, login->user, host, login->auth.used_password ? "YES" : "NO"))
        return;
    if (!changing) {
        client_finish(c, CLOSE_ACCESS_DENIED);
        return;
    }
    c->changes_failed++;
    client_login_free(c);
    c->state = CLIENT_READY;
    start_over(c);
}

static void judge(struct client *c, enum auth_verdict verdict)
{
    uint8_t out[128];
    struct wire_writer w = wire_writer(out, sizeof out);

    switch (verdict) {
    case AUTH_GRANTED:
        granted(c);
        break;
    case AUTH_DENIED:
        denied(c);
        break;
    case AUTH_SWITCH:
        auth_switch_write(&w, c->login->auth.plugin, c->login->auth.nonce, (uint8_t)(c->sequence + 1));
        c->login->expected = (uint8_t)(c->sequence + 2);
        c->state = c->login->changing ? CLIENT_CHANGING : CLIENT_AUTH;
        client_send(c, &w);
        break;
    }
}

/* --- what clients send --- */

/* Does the client wait for a switch? Servers make one whenever the plugin is not the account's; drivers that name another plugin than the
 * greeting hold their answer back until it comes. We switch only where we must: who answers with a plugin that we have is believed. */
static bool wants_switch(const struct client *c, const struct login_request *request)
{
    bool greeted = wire_text_is(request->plugin, c->home->facts->plugin);

    if (c->login->changing)
        return true;
    return (c->capabilities & CAP_PLUGIN_AUTH) && !greeted && (request->plugin.length == 0 || request->auth.length == 0);
}

static void begin(struct client *c, const struct login_request *request)
{
    struct client_login *login = c->login;
    struct accounts *accounts = c->home->accounts;

    login->user_length = request->user.length < USER_SHOWN ? request->user.length : USER_SHOWN;
    memcpy(login->user, request->user.data, login->user_length);
    login->account = accounts_find(accounts, request->user);
    session_image_init(&login->image, (uint16_t)(login->account < 0 ? 0 : login->account), request->collation, c->capabilities);
    if (login->changing)
        session_image_change_user(&login->image, &c->lease.session.image, c->home->facts->is_mariadb);
    login->schema_too_long = !session_image_set_schema(&login->image, request->schema.data, request->schema.length);
    if (login->account >= 0)
        login->secret = accounts_secret(accounts, (unsigned)login->account);
    judge(c, auth_server_begin(&login->auth, login->account < 0 ? NULL : &login->secret, login->nonce, request->plugin, request->auth,
                               wants_switch(c, request), c->home->facts->plugin));
}

static void bad_handshake(struct client *c, bool with_state)
{
    if (client_send_text(c, (uint8_t)(c->sequence + 1), 1043, with_state ? "08S01" : NULL, "Bad handshake"))
        client_finish(c, CLOSE_BAD_HANDSHAKE);
}

/* A native answer is 20 bytes or none; anything else is no handshake. */
static bool answer_fits(const struct login_request *request)
{
    bool native = request->plugin.length == 0 || wire_text_is(request->plugin, AUTH_NATIVE);

    return !native || request->auth.length == 0 || request->auth.length == AUTH_SHA1;
}

static void on_handshake(struct client *c, struct wire_text payload)
{
    const uint8_t *bytes = (const uint8_t *)payload.data;
    struct login_request request;

    if (payload.length < 2 || !((bytes[0] | bytes[1] << 8) & CAP_PROTOCOL_41)) {
        bad_handshake(c, payload.length < 2);
        return;
    }
    if (login_parse(bytes, payload.length, capability_offer(c->home->facts->capabilities), &request) != WIRE_OK || !answer_fits(&request)) {
        bad_handshake(c, true);
        return;
    }
    c->capabilities = request.capabilities;
    if (!(request.capabilities & (CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH))) {
        if (client_send_text(c, (uint8_t)(c->sequence + 1), 1251, "08004",
                             "Client does not support authentication protocol requested by server; consider upgrading MariaDB client"))
            client_finish(c, CLOSE_BAD_HANDSHAKE);
        return;
    }
    begin(c, &request);
}

static void on_answer(struct client *c, struct wire_text payload)
{
    bool native = strcmp(c->login->auth.plugin, AUTH_NATIVE) == 0;

    if (native && payload.length != 0 && payload.length != AUTH_SHA1 && !c->login->changing)
        bad_handshake(c, true);
    else
        judge(c, auth_server_next(&c->login->auth, payload));
}

size_t client_login_input(struct client *c, uint8_t *bytes, size_t length)
{
    struct wire_text payload;
    uint8_t sequence;
    size_t used;

    if (length < PACKET_HEADER)
        return 0;
    if (packet_sequence(bytes) != c->login->expected) {
        if (client_send_text(c, c->login->expected, 1156, "08S01", "Got packets out of order"))
            client_finish(c, CLOSE_OUT_OF_ORDER);
        return length;
    }
    switch (packet_take(bytes, length, BUDGET_HANDSHAKE, &payload, &sequence, &used)) {
    case WIRE_SHORT:
        return 0;
    case WIRE_BAD:
        c->sequence = c->login->expected;
        bad_handshake(c, true);
        return length;
    case WIRE_OK:
        break;
    }
    c->sequence = sequence;
    if (c->state == CLIENT_HANDSHAKE)
        on_handshake(c, payload);
    else
        on_answer(c, payload);
    return used;
}

/* --- COM_CHANGE_USER --- */

static size_t refuse_change(struct client *c, size_t used)
{
    c->state = CLIENT_READY;
    client_send_text(c, 1, 1047, "08S01", "Unknown command");
    return used;
}

size_t client_change_user(struct client *c, uint8_t *bytes, size_t length)
{
    struct login_request request;
    struct wire_text payload;
    uint8_t sequence;
    size_t used;

    switch (packet_take(bytes, length, BUDGET_HANDSHAKE, &payload, &sequence, &used)) {
    case WIRE_SHORT:
        return 0;
    case WIRE_BAD:
        if (client_send_text(c, 1, 1043, "08S01", "Bad handshake"))
            client_finish(c, CLOSE_BAD_HANDSHAKE);
        return length;
    case WIRE_OK:
        break;
    }
    if (c->changes_failed >= CHANGES_MAX)
        return refuse_change(c, used);
    if (change_user_parse((const uint8_t *)payload.data, payload.length, c->capabilities, &request) != WIRE_OK) {
        refuse_change(c, used);
        if (c->state == CLIENT_READY)
            start_over(c);
        return used;
    }
    c->login = zalloc(sizeof *c->login);
    c->login->changing = true;
    c->sequence = sequence;
    begin(c, &request);
    return used;
}
