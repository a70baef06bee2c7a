/* SPDX-License-Identifier: MIT
 * Loading an image into a connection that has been used: what is said to the server between two sessions.
 *
 *   change of user:        [cleaning] COM_CHANGE_USER  in one write -> replies owed, auth ... OK -> [schema, settings -> OKs]
 *   a moment after one:    cleaning, schema, [settings] in one write -> replies owed
 *
 * COM_CHANGE_USER alone leaves the active role and FOUND_ROWS() of who was there before (MariaDB 10.11; docs/session-state.md), and drops
 * the settings that two capability bits make at login. A schema that never worked is chosen with COM_INIT_DB behind it: MariaDB answers a
 * failed change of user after a second.
 */
#include <stdio.h>
#include <string.h>

#include "protocol/capability.h"
#include "protocol/packet.h"
#include "proxy/backend_exchange.h"

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

static bool is_mariadb(const struct backend *b)
{
    return strstr(b->greeting.version, "MariaDB") != NULL;
}

/* FOUND_ROWS() is 0 behind it, and so is what a list counts that max_error_count = 0 kept empty: MariaDB's resets, changes of user and even its logins
 * (of a thread that it has kept) leave both as they were. */
static void put_forgetting(struct backend *b, struct wire_writer *w)
{
    put_query(w, "SELECT 1 FROM (SELECT 1) x LIMIT 0");
    b->owed++;
}

/* Everything that would stay, in an order in which each works. Profiles hold statements, and only a profiled statement trims them; the reset
 * undoes that, and ends transactions and settings that could make what is behind it fail; ROW_COUNT() is 0 after SET, as in a fresh session. */
static void put_cleaning(struct backend *b, struct wire_writer *w, const struct session_image *image)
{
    if (b->status & STATUS_IN_TRANS) { /* XA PREPAREd: an error here, and a backend that no reset makes usable again (MariaDB 10.11) */
        put_query(w, "ROLLBACK");
        b->owed++;
    }
    if (b->footprint == FOOTPRINT_OPAQUE) {
        put_query(w, "SET profiling_history_size=0,profiling=1");
        put_query(w, "SET profiling=0");
        put_option(w, image->multi_statements);
        b->owed += 3;
    }
    epoch_reset(&b->epoch, monotonic_us());
    put_byte_command(w, COM_RESET_CONNECTION);
    put_forgetting(b, w);
    if (!is_mariadb(b)) { /* MySQL's resource group outlives a change of user, and functions set it too */
        put_query(w, "SET RESOURCE GROUP USR_default");
        b->owed++;
    }
    put_query(w, "SET ROLE NONE");
    b->owed += 2;
}

/* Behind a login with an id that it does not know, MariaDB's reset brings up a character set of some other session. These every server knows. */
static bool resets_to_itself(uint16_t collation)
{
    static const uint8_t known[] = {5, 8, 11, 15, 31, 33, 45, 46, 47, 48, 49, 63, 65, 83, 94, 192, 224, 246};

    return collation <= 0xFF && memchr(known, collation, sizeof known);
}

bool exchange_resets_to_itself(const struct backend *b)
{
    return is_mariadb(b) && resets_to_itself(b->image.collation);
}

/* A session ends and the next is of its kind: is a reset, with INIT_DB where it may have left its schema, as good as a change of user? It is on MariaDB (whose reset goes back to the
 * login's character set), with a schema to go back to, and as long as what a login would find now (grants, the default role) was looked up
 * a moment ago. It saves the server an authentication and both a round trip. */
static bool reset_is_enough(const struct backend *b, const struct session_image *image)
{
    int64_t half = b->context->conf->privilege_refresh_us / 2, now_us = monotonic_us();
    int64_t since_us = target_privileges_since(b->context->target), no_role_us = accounts_no_role_since(b->context->accounts, b->image.account);

    return exchange_resets_to_itself(b) && image->schema_length && session_image_same_login(&b->image, image) && now_us - b->epoch.taken_us < half &&
           b->epoch.taken_us >= since_us && no_role_us >= since_us && now_us - no_role_us < half;
}

static void send_settings(struct backend *b, struct wire_writer *w)
{
    b->step = EXCHANGE_SETTINGS;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    exchange_send(b, w);
}

static void put_image_settings(struct backend *b, struct wire_writer *w)
{
    if (!b->image.ignore_space && !b->image.interactive)
        return;
    put_settings(w, &b->image);
    b->owed++;
}

/* Chosen anew even where it was not left: a reset takes @@collation_database back to the server's. */
static void send_reset(struct backend *b, struct wire_writer *w, const struct session *begun)
{
    put_schema(w, &b->image);
    b->owed++;
    put_image_settings(b, w);
    if (begun) {
        (void)backend_put_settings(b, w, begun, NULL, b->context->facts->status, 0);
        backend_note_page(b, begun);
        STATS_INC(b->context->loop->stats.page_ins_reset);
    }
    send_settings(b, w);
}

/* --- a session that has begun --- */

static void page_in(struct backend *b, struct wire_writer *w, const struct session *s, enum page_in way)
{
    bool schema = s->image.schema_length && !session_image_same_schema(&b->image, &s->image);
    uint16_t fresh = b->context->facts->status;
    bool ahead = false;

    if (b->image.multi_statements != s->image.multi_statements) {
        put_option(w, s->image.multi_statements);
        b->owed++;
    }
    if (way == PAGE_IN_RESET) {
        epoch_reset(&b->epoch, monotonic_us());
        put_byte_command(w, COM_RESET_CONNECTION);
        b->owed++;
    }
    if (way == PAGE_IN_RESET && b->warned)
        put_forgetting(b, w);
    if (schema || (way == PAGE_IN_RESET && s->image.schema_length)) {
        put_schema(w, &s->image);
        b->owed++;
    }
    if (way == PAGE_IN_RESET) {
        put_image_settings(b, w);
        (void)backend_put_settings(b, w, s, NULL, fresh, 0);
        STATS_INC(b->context->loop->stats.page_ins_reset);
    } else {
        ahead = backend_put_settings(b, w, s, b->values, b->status, b->image.last_insert_id) && !schema;
        STATS_INC(b->context->loop->stats.page_ins_difference);
    }
    backend_note_page(b, s);
    if (b->owed && !(ahead && backend_ahead_begin(b, w)))
        send_settings(b, w);
}

/* --- a fresh session, or none --- */

static void change_user(struct backend *b, struct wire_writer *w)
{
    uint8_t answer[AUTH_ANSWER_MAX], block[512];
    struct wire_writer attribute_writer = wire_writer(block, sizeof block);
    struct login_request change;
    size_t answer_length = 0;

    b->secret = accounts_secret(b->context->accounts, b->image.account);
    if (auth_client_begin(&b->auth, &b->secret, b->context->target->private_line, b->greeting.plugin, b->greeting.nonce, answer, &answer_length) ==
        AUTH_FAILED) {
        exchange_fail_account(b);
        return;
    }
    b->schema_later = b->image.schema_length && !accounts_proven(b->context->accounts, &b->image, monotonic_us(), INT64_MAX);
    change = exchange_request(b, answer, answer_length);
    if (b->schema_later)
        change.schema.length = 0;
    change.capabilities = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS;
    exchange_attributes(&attribute_writer); /* MariaDB 10.11 never answers when they are missing and were negotiated */
    change.attributes = (struct wire_text){(const char *)block, wire_written(&attribute_writer)};
    change_user_write(w, &change);
    epoch_login(&b->epoch, monotonic_us());
    b->step = b->owed ? EXCHANGE_OWED : EXCHANGE_AUTH;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    if (b->step == EXCHANGE_AUTH)
        b->reply.state = REPLY_AT_END;
    exchange_send(b, w);
}

static void load_clean(struct backend *b, struct wire_writer *w, const struct session *session)
{
    struct session_image image = session ? session->image : b->image;
    bool enough = b->footprint != FOOTPRINT_NONE && reset_is_enough(b, &image);

    image.last_insert_id = 0;
    if (b->footprint != FOOTPRINT_NONE)
        put_cleaning(b, w, &image);
    if (b->image.multi_statements != image.multi_statements && b->footprint != FOOTPRINT_OPAQUE) {
        put_option(w, image.multi_statements);
        b->owed++;
    }
    b->image = image;
    b->page_in = false;
    b->warned = false;
    session_values_free(b->values);
    b->values = NULL;
    if (enough)
        send_reset(b, w, session && session->begun ? session : NULL);
    else
        change_user(b, w);
}

bool backend_load(struct backend *b, struct session *session, enum backend_state state)
{
    uint8_t out[EXCHANGE_PACKET];
    struct wire_writer w = wire_writer(out, sizeof out);
    enum page_in way = PAGE_IN_LOGIN;

    backend_set_state(b, state);
    deadline_set(&b->context->exchange, &b->deadline);
    b->owed = 0;
    b->role_asked = false;
    b->schema_later = false;
    stream_resume(&b->stream);
    if (session && session->begun) {
        if (!backend_keep_globals(b, session))
            return false;
        way = backend_page_in_way(b, session);
    }
    if (way != PAGE_IN_LOGIN) {
        page_in(b, &w, session, way);
        if (b->owed == 0 && b->ahead.owed == 0)
            deadline_clear(&b->deadline);
        return b->owed == 0;
    }
    load_clean(b, &w, session);
    return false;
}

void load_rest(struct backend *b)
{
    uint8_t out[EXCHANGE_PACKET];
    struct wire_writer w = wire_writer(out, sizeof out);
    struct session *s = b->lease && b->lease->session.begun ? &b->lease->session : NULL;

    if (s && !backend_keep_globals(b, s))
        return;
    b->owed = 0;
    if (!b->lease && is_mariadb(b)) { /* nobody waits: time to look, and to clear what a server thread had left */
        put_query(&w, "SELECT CURRENT_ROLE()");
        put_forgetting(b, &w);
        put_query(&w, "DO 0"); /* ROW_COUNT() */
        b->owed += 2;
        b->role_asked = true;
    }
    if (b->schema_later) {
        put_schema(&w, &b->image);
        b->owed++;
    }
    put_image_settings(b, &w);
    if (s) {
        if (is_mariadb(b))
            put_forgetting(b, &w);
        (void)backend_put_settings(b, &w, s, NULL, b->status, 0);
        backend_note_page(b, s);
        STATS_INC(b->context->loop->stats.page_ins_login);
    }
    if (b->owed == 0) {
        b->step = EXCHANGE_DONE;
        return;
    }
    b->step = EXCHANGE_SETTINGS;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    exchange_send(b, &w);
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

/* What a server does not have, or an account may not use, a session can't have left there: roles, resource groups (1064 on old servers), profiling
 * (1193), resource groups where they are not supported (3661) or not allowed (1227). */
static bool is_forgivable(const struct backend *b)
{
    uint16_t error = b->reply.error;

    return (b->step == EXCHANGE_OWED || !b->page_in) && (error == 1064 || error == 1193 || error == 3661 || error == 1227);
}

static void next_reply(struct backend *b)
{
    if (--b->owed)
        reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    else if (b->step == EXCHANGE_SETTINGS)
        b->step = EXCHANGE_DONE;
    else
        b->step = EXCHANGE_AUTH;
}

/* An ERR is all of its reply. */
void load_reply(struct backend *b, const uint8_t *bytes, size_t length, bool fresh)
{
    if (b->role_asked && fresh)
        note_role(b, bytes, length);
    b->role_asked = false;
    if (!b->reply.failed)
        b->status = b->reply.status & STATUS_LASTING;
    if (b->prime.active) {
        prime_reply(b);
        next_reply(b);
        return;
    }
    if (b->page_in && b->step == EXCHANGE_SETTINGS)
        b->warned = b->reply.warned; /* the last of them is a SET */
    if (b->reply.failed && !is_forgivable(b))
        exchange_refused(b, bytes + PACKET_HEADER, length - PACKET_HEADER);
    else
        next_reply(b);
}
