/* SPDX-License-Identifier: MIT
 * Packet headers: begin and end a packet, take a whole one.
 */
#include "protocol/packet.h"

uint8_t *packet_begin(struct wire_writer *w)
{
    uint8_t *header = w->at;
    wire_put_zeros(w, PACKET_HEADER);
    return header;
}

void packet_end(struct wire_writer *w, uint8_t *header, uint8_t sequence)
{
    if (w->full)
        return;
    size_t length = (size_t)(w->at - header) - PACKET_HEADER;
    if (length >= PACKET_MAX) {
        w->full = true;
        return;
    }
    packet_put_header(header, (uint32_t)length, sequence);
}

enum wire_status packet_take(const uint8_t *bytes, size_t length, size_t limit, struct wire_text *payload, uint8_t *sequence, size_t *consumed)
{
    if (length < PACKET_HEADER)
        return WIRE_SHORT;
    uint32_t payload_length = packet_length(bytes);
    if (payload_length == PACKET_MAX || payload_length > limit)
        return WIRE_BAD;
    if (length - PACKET_HEADER < payload_length)
        return WIRE_SHORT;
    *payload = (struct wire_text){(const char *)bytes + PACKET_HEADER, payload_length};
    *sequence = packet_sequence(bytes);
    *consumed = PACKET_HEADER + (size_t)payload_length;
    return WIRE_OK;
}
