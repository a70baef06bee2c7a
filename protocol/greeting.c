/* SPDX-License-Identifier: MIT
 * Handshake v10: parse a server's, write ours.
 */
#include "protocol/greeting.h"

#include <string.h>

#include "protocol/capability.h"
#include "protocol/packet.h"

#define GREETING_PROTOCOL 10
#define NONCE_HEAD 8u                          /* the nonce comes in two pieces: 8 bytes, and 12 with a NUL behind */
#define NONCE_TAIL (NONCE_SIZE - NONCE_HEAD)

static bool copy_name(char *to, size_t size, struct wire_text from)
{
    if (from.length >= size)
        return false;
    memcpy(to, from.data, from.length);
    to[from.length] = '\0';
    return true;
}

/* What follows the low capability bits; a server without it is older than 4.1. */
static void parse_tail(struct wire_reader *r, struct greeting *g)
{
    g->collation = wire_u8(r);
    g->status = wire_u16(r);
    g->capabilities |= (uint32_t)wire_u16(r) << 16;
    uint8_t nonce_length = wire_u8(r);
    wire_bytes(r, 6);
    uint32_t extended = wire_u32(r);
    g->extended_capabilities = g->capabilities & CAP_LONG_PASSWORD ? 0 : extended;
    /* at least the 12 bytes and the NUL, whatever the server says of their number */
    size_t tail_length = nonce_length > NONCE_SIZE + 1 ? nonce_length - NONCE_HEAD : NONCE_TAIL + 1;
    struct wire_text tail = wire_bytes(r, tail_length);
    if (!r->bad)
        memcpy(g->nonce + NONCE_HEAD, tail.data, NONCE_TAIL);
}

enum wire_status greeting_parse(const uint8_t *payload, size_t length, struct greeting *g)
{
    struct wire_reader r = wire_reader(payload, length);
    memset(g, 0, sizeof(*g));
    if (wire_u8(&r) != GREETING_PROTOCOL)
        return WIRE_BAD;
    struct wire_text version = wire_nul_text(&r);
    g->connection_id = wire_u32(&r);
    struct wire_text head = wire_bytes(&r, NONCE_HEAD);
    wire_u8(&r);
    g->capabilities = wire_u16(&r);
    if (r.bad || !copy_name(g->version, sizeof(g->version), version))
        return WIRE_BAD;
    memcpy(g->nonce, head.data, NONCE_HEAD);
    /* without these two there are no 20 bytes of nonce, and nothing that we could log in with */
    const uint32_t needed = CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION;
    if ((g->capabilities & needed) != needed)
        return WIRE_BAD;
    parse_tail(&r, g);
    if (g->capabilities & CAP_PLUGIN_AUTH) {
        struct wire_text plugin = wire_nul_text(&r);
        if (!copy_name(g->plugin, sizeof(g->plugin), plugin))
            return WIRE_BAD;
    }
    return r.bad ? WIRE_BAD : WIRE_OK;
}

void greeting_write(struct wire_writer *w, const struct greeting *g)
{
    bool plugins = g->capabilities & CAP_PLUGIN_AUTH;
    uint8_t *header = packet_begin(w);
    wire_put_u8(w, GREETING_PROTOCOL);
    wire_put_nul_text(w, g->version, strnlen(g->version, sizeof(g->version)));
    wire_put_u32(w, g->connection_id);
    wire_put_bytes(w, g->nonce, NONCE_HEAD);
    wire_put_u8(w, 0);
    wire_put_u16(w, (uint16_t)g->capabilities);
    wire_put_u8(w, g->collation);
    wire_put_u16(w, g->status);
    wire_put_u16(w, (uint16_t)(g->capabilities >> 16));
    wire_put_u8(w, plugins ? NONCE_SIZE + 1 : 0);
    wire_put_zeros(w, 6);
    wire_put_u32(w, g->capabilities & CAP_LONG_PASSWORD ? 0 : g->extended_capabilities);
    wire_put_bytes(w, g->nonce + NONCE_HEAD, NONCE_TAIL);
    wire_put_u8(w, 0);
    if (plugins)
        wire_put_nul_text(w, g->plugin, strnlen(g->plugin, sizeof(g->plugin)));
    packet_end(w, header, 0);
}
