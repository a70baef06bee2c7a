/* SPDX-License-Identifier: MIT
 * What a client sends to log in, and the servers' auth packets: parse and write.
 */
#include "protocol/login.h"

#include <string.h>

#include "protocol/packet.h"

#define LOGIN_RESERVED 23u /* MariaDB's extended capabilities are the last four; we neither offer nor ask for any */
#define COM_CHANGE_USER 0x11u
#define AUTH_SWITCH_HEADER 0xFEu
#define AUTH_MORE_HEADER 0x01u

static const struct wire_text none = {"", 0};

/* The plugin name and the attributes, both of which may be missing at the end. */
static void parse_plugin_and_attributes(struct wire_reader *r, struct login_request *request)
{
    if (request->capabilities & CAP_PLUGIN_AUTH && wire_left(r)) {
        /* old clients leave out the NUL when nothing follows */
        if (memchr(r->at, 0, wire_left(r)))
            request->plugin = wire_nul_text(r);
        else
            request->plugin = wire_rest(r);
    }
    if (request->capabilities & CAP_CONNECT_ATTRS && wire_left(r))
        request->attributes = wire_lenenc_text(r);
}

enum wire_status login_parse(const uint8_t *payload, size_t length, uint32_t server_offer, struct login_request *request)
{
    struct wire_reader r = wire_reader(payload, length);
    *request = (struct login_request){.user = none, .auth = none, .schema = none, .plugin = none, .attributes = none};
    request->capabilities = wire_u32(&r) & server_offer;
    if (!(request->capabilities & CAP_PROTOCOL_41))
        return WIRE_BAD;
    request->max_packet = wire_u32(&r);
    request->collation = wire_u8(&r);
    wire_bytes(&r, LOGIN_RESERVED);
    request->user = wire_nul_text(&r);
    if (request->capabilities & CAP_PLUGIN_AUTH_LENENC)
        request->auth = wire_lenenc_text(&r);
    else if (request->capabilities & CAP_SECURE_CONNECTION)
        request->auth = wire_bytes(&r, wire_u8(&r));
    else
        request->auth = wire_nul_text(&r);
    if (request->capabilities & CAP_CONNECT_WITH_DB && wire_left(&r))
        request->schema = wire_nul_text(&r);
    parse_plugin_and_attributes(&r, request);
    return r.bad ? WIRE_BAD : WIRE_OK;
}

/* An answer behind one byte of length. */
static void put_short_auth(struct wire_writer *w, struct wire_text auth)
{
    if (auth.length > UINT8_MAX)
        w->full = true;
    wire_put_u8(w, (uint8_t)auth.length);
    wire_put_bytes(w, auth.data, auth.length);
}

static void put_plugin_and_attributes(struct wire_writer *w, const struct login_request *request)
{
    if (request->capabilities & CAP_PLUGIN_AUTH)
        wire_put_nul_text(w, request->plugin.data, request->plugin.length);
    if (request->capabilities & CAP_CONNECT_ATTRS)
        wire_put_lenenc_text(w, request->attributes.data, request->attributes.length);
}

void login_write(struct wire_writer *w, const struct login_request *request, uint8_t sequence)
{
    uint8_t *header = packet_begin(w);
    wire_put_u32(w, request->capabilities);
    wire_put_u32(w, request->max_packet);
    /* an id that does not fit becomes "the server's default", not another collation */
    wire_put_u8(w, request->collation > UINT8_MAX ? 0 : (uint8_t)request->collation);
    wire_put_zeros(w, LOGIN_RESERVED);
    wire_put_nul_text(w, request->user.data, request->user.length);
    if (request->capabilities & CAP_PLUGIN_AUTH_LENENC)
        wire_put_lenenc_text(w, request->auth.data, request->auth.length);
    else if (request->capabilities & CAP_SECURE_CONNECTION)
        put_short_auth(w, request->auth);
    else
        wire_put_nul_text(w, request->auth.data, request->auth.length);
    if (request->capabilities & CAP_CONNECT_WITH_DB)
        wire_put_nul_text(w, request->schema.data, request->schema.length);
    put_plugin_and_attributes(w, request);
    packet_end(w, header, sequence);
}

enum wire_status change_user_parse(const uint8_t *payload, size_t length, uint32_t capabilities, struct login_request *request)
{
    struct wire_reader r = wire_reader(payload, length);
    *request = (struct login_request){
        .capabilities = capabilities, .user = none, .auth = none, .schema = none, .plugin = none, .attributes = none};
    if (wire_u8(&r) != COM_CHANGE_USER)
        return WIRE_BAD;
    request->user = wire_nul_text(&r);
    /* one byte of length even with CAP_PLUGIN_AUTH_LENENC */
    if (capabilities & CAP_SECURE_CONNECTION)
        request->auth = wire_bytes(&r, wire_u8(&r));
    else
        request->auth = wire_nul_text(&r);
    request->schema = wire_nul_text(&r);
    if (wire_left(&r))
        request->collation = wire_u16(&r);
    parse_plugin_and_attributes(&r, request);
    return r.bad ? WIRE_BAD : WIRE_OK;
}

void change_user_write(struct wire_writer *w, const struct login_request *request)
{
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, COM_CHANGE_USER);
    wire_put_nul_text(w, request->user.data, request->user.length);
    if (request->capabilities & CAP_SECURE_CONNECTION)
        put_short_auth(w, request->auth);
    else
        wire_put_nul_text(w, request->auth.data, request->auth.length);
    wire_put_nul_text(w, request->schema.data, request->schema.length);
    wire_put_u16(w, request->collation);
    put_plugin_and_attributes(w, request);
    packet_end(w, header, 0);
}

void login_attributes_write(struct wire_writer *w, const char *const (*pairs)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wire_put_lenenc_text(w, pairs[i][0], strlen(pairs[i][0]));
        wire_put_lenenc_text(w, pairs[i][1], strlen(pairs[i][1]));
    }
}

enum wire_status auth_switch_parse(const uint8_t *payload, size_t length, struct auth_switch *out)
{
    struct wire_reader r = wire_reader(payload, length);
    *out = (struct auth_switch){none, none};
    /* a lone 0xFE asks for the pre-4.1 scramble: no plugin, bad */
    if (wire_u8(&r) != AUTH_SWITCH_HEADER)
        return WIRE_BAD;
    out->plugin = wire_nul_text(&r);
    out->data = wire_rest(&r);
    if (out->data.length == NONCE_SIZE + 1 && out->data.data[NONCE_SIZE] == '\0')
        out->data.length = NONCE_SIZE;
    return r.bad ? WIRE_BAD : WIRE_OK;
}

void auth_switch_write(struct wire_writer *w, const char *plugin, const uint8_t nonce[NONCE_SIZE], uint8_t sequence)
{
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, AUTH_SWITCH_HEADER);
    wire_put_nul_text(w, plugin, strlen(plugin));
    wire_put_bytes(w, nonce, NONCE_SIZE);
    wire_put_u8(w, 0);
    packet_end(w, header, sequence);
}

void auth_more_write(struct wire_writer *w, const void *data, size_t length, uint8_t sequence)
{
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, AUTH_MORE_HEADER);
    wire_put_bytes(w, data, length);
    packet_end(w, header, sequence);
}
