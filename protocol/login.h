/* SPDX-License-Identifier: MIT
 * What a client sends to log in: handshake response 41, COM_CHANGE_USER; and the servers' auth packets.
 * https://mariadb.com/kb/en/connection/ , https://mariadb.com/kb/en/com_change_user/
 */
#ifndef SLUSE_PROTOCOL_LOGIN_H
#define SLUSE_PROTOCOL_LOGIN_H

#include "protocol/capability.h"
#include "protocol/greeting.h"

#define LOGIN_USER_MAX 384u   /* bytes; servers allow 80 or 32 characters, longer names are an unknown user */
#define LOGIN_SCHEMA_MAX 768u /* bytes; 64 characters, with room so that a longer one gets the server's own answer */

/* Everything borrowed from the parsed bytes. */
struct login_request {
    uint32_t capabilities;
    uint32_t max_packet;
    uint16_t collation;      /* handshake response: one byte on the wire, above 255 written as 0; COM_CHANGE_USER: two. 0: the server's default */
    struct wire_text user;
    struct wire_text auth;   /* the plugin's first answer */
    struct wire_text schema; /* empty: none */
    struct wire_text plugin; /* empty: none named */
    struct wire_text attributes; /* the raw length-encoded pairs, unchecked; empty: none */
};

/* Parses the payload of a handshake response 41. WIRE_BAD for pre-4.1, an SSL request (too short), cut or contradicting lengths;
 * the servers' answer to all of these is ERR 1043 08S01 "Bad handshake". Lenient where servers are: trailing bytes are ignored,
 * a missing schema, plugin or attributes block at the very end is none. server_offer is what our greeting offered: only bits in
 * both count. */
enum wire_status login_parse(const uint8_t *payload, size_t length, uint32_t server_offer, struct login_request *request)
    __attribute__((warn_unused_result));

/* Writes a whole handshake response packet. request->attributes is written raw. */
void login_write(struct wire_writer *w, const struct login_request *request, uint8_t sequence);

/* COM_CHANGE_USER: payload includes the command byte. capabilities are those of the connection, as negotiated. */
enum wire_status change_user_parse(const uint8_t *payload, size_t length, uint32_t capabilities, struct login_request *request)
    __attribute__((warn_unused_result));
void change_user_write(struct wire_writer *w, const struct login_request *request);

/* Writes connection attributes (name, value pairs of NUL-terminated strings, count of pairs) as the raw block for request->attributes. */
void login_attributes_write(struct wire_writer *w, const char *const (*pairs)[2], size_t count);

/* AuthSwitchRequest (0xFE plugin NUL nonce NUL), and AuthMoreData (0x01 data). Payloads on parsing, whole packets on writing. */
struct auth_switch {
    struct wire_text plugin;
    struct wire_text data; /* a trailing NUL behind a 20-byte nonce is removed */
};
enum wire_status auth_switch_parse(const uint8_t *payload, size_t length, struct auth_switch *out) __attribute__((warn_unused_result));
void auth_switch_write(struct wire_writer *w, const char *plugin, const uint8_t nonce[NONCE_SIZE], uint8_t sequence);
void auth_more_write(struct wire_writer *w, const void *data, size_t length, uint8_t sequence);

#endif
