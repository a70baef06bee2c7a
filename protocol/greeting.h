/* SPDX-License-Identifier: MIT
 * Handshake v10: the first packet of a server. https://mariadb.com/kb/en/connection/ ,
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_connection_phase_packets_protocol_handshake_v10.html
 */
#ifndef SLUSE_PROTOCOL_GREETING_H
#define SLUSE_PROTOCOL_GREETING_H

#include "protocol/wire.h"

#define GREETING_VERSION_MAX 128u
#define GREETING_PLUGIN_MAX 64u
#define NONCE_SIZE 20u

struct greeting {
    char version[GREETING_VERSION_MAX]; /* as on the wire, MariaDB's "5.5.5-" included; NUL-terminated */
    uint32_t connection_id;
    uint8_t nonce[NONCE_SIZE];
    uint32_t capabilities;
    uint32_t extended_capabilities; /* MariaDB's, only when CAP_LONG_PASSWORD is unset; else 0 */
    uint8_t collation;              /* low byte of the default collation's id */
    uint16_t status;
    char plugin[GREETING_PLUGIN_MAX]; /* empty: none named */
};

/* Parses a greeting's payload. WIRE_BAD: not version 10, cut, a name too long, or without CAP_PROTOCOL_41 and
 * CAP_SECURE_CONNECTION (no 20 bytes of nonce). An ERR packet is not a greeting: look for 0xFF first. */
enum wire_status greeting_parse(const uint8_t *payload, size_t length, struct greeting *g) __attribute__((warn_unused_result));

/* Writes a whole packet (header, sequence 0). */
void greeting_write(struct wire_writer *w, const struct greeting *g);

#endif
