/* SPDX-License-Identifier: MIT
 * Packet headers: three bytes of length, one of sequence.
 * https://mariadb.com/kb/en/0-packet/ ; a payload of 16 MiB-1 is continued in the next packet.
 */
#ifndef SLUSE_PROTOCOL_PACKET_H
#define SLUSE_PROTOCOL_PACKET_H

#include "protocol/wire.h"

#define PACKET_HEADER 4u
#define PACKET_MAX 0xFFFFFFu /* longest payload of one packet; exactly this long means that another follows */

static inline uint32_t packet_length(const uint8_t header[4])
{
    return (uint32_t)header[0] | (uint32_t)header[1] << 8 | (uint32_t)header[2] << 16;
}

static inline uint8_t packet_sequence(const uint8_t header[4])
{
    return header[3];
}

static inline void packet_put_header(uint8_t header[4], uint32_t length, uint8_t sequence)
{
    header[0] = (uint8_t)length;
    header[1] = (uint8_t)(length >> 8);
    header[2] = (uint8_t)(length >> 16);
    header[3] = sequence;
}

/* Begins a packet in w by leaving room for its header; packet_end fills it in. One packet at a time, payload under PACKET_MAX.
 * Returns where the header is, to be given to packet_end. Nothing happens to a full writer. */
uint8_t *packet_begin(struct wire_writer *w);
void packet_end(struct wire_writer *w, uint8_t *header, uint8_t sequence);

/* A whole packet at the beginning of bytes? WIRE_OK: *payload is what follows its header (borrowed), *consumed its whole size.
 * WIRE_SHORT: not yet. WIRE_BAD: a payload longer than limit, or a continued one (length PACKET_MAX). Used where packets are small:
 * handshakes and control commands. */
enum wire_status packet_take(const uint8_t *bytes, size_t length, size_t limit, struct wire_text *payload, uint8_t *sequence, size_t *consumed)
    __attribute__((warn_unused_result));

#endif
