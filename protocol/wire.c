/* SPDX-License-Identifier: MIT
 * Bounds-checked cursors over protocol bytes.
 */
#include "protocol/wire.h"

#include <string.h>

struct wire_reader wire_reader(const uint8_t *bytes, size_t length)
{
    /* adding to NULL, even 0, is undefined */
    return (struct wire_reader){.at = bytes, .end = length ? bytes + length : bytes};
}

size_t wire_left(const struct wire_reader *r)
{
    return r->bad ? 0 : (size_t)(r->end - r->at);
}

/* The next count bytes, or NULL and bad. */
static const uint8_t *take(struct wire_reader *r, size_t count)
{
    if (r->bad || (size_t)(r->end - r->at) < count) {
        r->bad = true;
        return NULL;
    }
    const uint8_t *p = r->at;
    r->at += count;
    return p;
}

static uint64_t little_endian(struct wire_reader *r, unsigned count)
{
    const uint8_t *p = take(r, count);
    uint64_t value = 0;
    for (unsigned i = 0; p && i < count; i++)
        value |= (uint64_t)p[i] << (8 * i);
    return value;
}

uint8_t wire_u8(struct wire_reader *r)
{
    return (uint8_t)little_endian(r, 1);
}

uint16_t wire_u16(struct wire_reader *r)
{
    return (uint16_t)little_endian(r, 2);
}

uint32_t wire_u24(struct wire_reader *r)
{
    return (uint32_t)little_endian(r, 3);
}

uint32_t wire_u32(struct wire_reader *r)
{
    return (uint32_t)little_endian(r, 4);
}

uint64_t wire_u64(struct wire_reader *r)
{
    return little_endian(r, 8);
}

uint64_t wire_lenenc(struct wire_reader *r)
{
    uint8_t first = wire_u8(r);
    switch (first) {
    case 0xFC:
        return little_endian(r, 2);
    case 0xFD:
        return little_endian(r, 3);
    case 0xFE:
        return little_endian(r, 8);
    case 0xFB:
    case 0xFF:
        r->bad = true;
        return 0;
    default:
        return first;
    }
}

struct wire_text wire_bytes(struct wire_reader *r, uint64_t length)
{
    /* "" rather than NULL: an empty text can be given to memcpy */
    struct wire_text empty = {"", 0};
    if (r->bad || length > (size_t)(r->end - r->at)) {
        r->bad = true;
        return empty;
    }
    if (length == 0)
        return empty;
    return (struct wire_text){(const char *)take(r, (size_t)length), (size_t)length};
}

struct wire_text wire_lenenc_text(struct wire_reader *r)
{
    return wire_bytes(r, wire_lenenc(r));
}

struct wire_text wire_nul_text(struct wire_reader *r)
{
    size_t left = wire_left(r);
    const uint8_t *nul = left ? memchr(r->at, 0, left) : NULL;
    if (!nul) {
        r->bad = true;
        return (struct wire_text){"", 0};
    }
    struct wire_text text = wire_bytes(r, (size_t)(nul - r->at));
    r->at = nul + 1;
    return text;
}

struct wire_text wire_rest(struct wire_reader *r)
{
    return wire_bytes(r, wire_left(r));
}

struct wire_writer wire_writer(uint8_t *bytes, size_t capacity)
{
    return (struct wire_writer){.begin = bytes, .at = bytes, .end = capacity ? bytes + capacity : bytes};
}

size_t wire_written(const struct wire_writer *w)
{
    return w->full ? 0 : (size_t)(w->at - w->begin);
}

/* Room for count bytes, or NULL: full, or nothing to write. */
static uint8_t *reserve(struct wire_writer *w, size_t count)
{
    if (count == 0)
        return NULL;
    if (w->full || (size_t)(w->end - w->at) < count) {
        w->full = true;
        return NULL;
    }
    uint8_t *p = w->at;
    w->at += count;
    return p;
}

static void put_little_endian(struct wire_writer *w, uint64_t value, unsigned count)
{
    uint8_t *p = reserve(w, count);
    for (unsigned i = 0; p && i < count; i++)
        p[i] = (uint8_t)(value >> (8 * i));
}

void wire_put_u8(struct wire_writer *w, uint8_t value)
{
    put_little_endian(w, value, 1);
}

void wire_put_u16(struct wire_writer *w, uint16_t value)
{
    put_little_endian(w, value, 2);
}

void wire_put_u24(struct wire_writer *w, uint32_t value)
{
    put_little_endian(w, value, 3);
}

void wire_put_u32(struct wire_writer *w, uint32_t value)
{
    put_little_endian(w, value, 4);
}

void wire_put_u64(struct wire_writer *w, uint64_t value)
{
    put_little_endian(w, value, 8);
}

void wire_put_lenenc(struct wire_writer *w, uint64_t value)
{
    if (value < 0xFB) {
        put_little_endian(w, value, 1);
    } else if (value <= 0xFFFF) {
        wire_put_u8(w, 0xFC);
        put_little_endian(w, value, 2);
    } else if (value <= 0xFFFFFF) {
        wire_put_u8(w, 0xFD);
        put_little_endian(w, value, 3);
    } else {
        wire_put_u8(w, 0xFE);
        put_little_endian(w, value, 8);
    }
}

void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t length)
{
    uint8_t *p = reserve(w, length);
    if (p)
        memcpy(p, bytes, length);
}

void wire_put_zeros(struct wire_writer *w, size_t count)
{
    uint8_t *p = reserve(w, count);
    if (p)
        memset(p, 0, count);
}

void wire_put_lenenc_text(struct wire_writer *w, const void *bytes, size_t length)
{
    wire_put_lenenc(w, length);
    wire_put_bytes(w, bytes, length);
}

void wire_put_nul_text(struct wire_writer *w, const void *bytes, size_t length)
{
    /* a NUL inside would be read back as the end, and what follows it as the next field */
    if (length && memchr(bytes, 0, length))
        w->full = true;
    wire_put_bytes(w, bytes, length);
    wire_put_u8(w, 0);
}

bool wire_text_is(struct wire_text text, const char *string)
{
    return text.length == strlen(string) && (text.length == 0 || memcmp(text.data, string, text.length) == 0);
}
