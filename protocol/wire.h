/* SPDX-License-Identifier: MIT
 * Bounds-checked cursors over protocol bytes: fixed integers, length-encoded integers and strings, NUL strings.
 *
 * A reader that runs over its end sets `bad`, and everything that it returns from then on is zero or empty: callers read a whole
 * structure and ask once. A writer that runs over its end sets `full` and writes nothing more.
 */
#ifndef SLUSE_PROTOCOL_WIRE_H
#define SLUSE_PROTOCOL_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a parser says. SHORT: the bytes so far are fine and more are needed; BAD: they can't become right. */
enum wire_status { WIRE_OK, WIRE_SHORT, WIRE_BAD };

/* A borrowed piece of bytes; valid as long as what it was parsed from. Not NUL-terminated. */
struct wire_text {
    const char *data;
    size_t length;
};

struct wire_reader {
    const uint8_t *at;
    const uint8_t *end;
    bool bad;
};

struct wire_writer {
    uint8_t *begin;
    uint8_t *at;
    uint8_t *end;
    bool full;
};

struct wire_reader wire_reader(const uint8_t *bytes, size_t length);
size_t wire_left(const struct wire_reader *r);
uint8_t wire_u8(struct wire_reader *r);
uint16_t wire_u16(struct wire_reader *r);
uint32_t wire_u24(struct wire_reader *r);
uint32_t wire_u32(struct wire_reader *r);
uint64_t wire_u64(struct wire_reader *r);
uint64_t wire_lenenc(struct wire_reader *r);            /* 0xFB and 0xFF are bad here: callers handle NULL before */
struct wire_text wire_bytes(struct wire_reader *r, uint64_t length);
struct wire_text wire_lenenc_text(struct wire_reader *r);
struct wire_text wire_nul_text(struct wire_reader *r);  /* without a NUL before the end: bad */
struct wire_text wire_rest(struct wire_reader *r);

struct wire_writer wire_writer(uint8_t *bytes, size_t capacity);
size_t wire_written(const struct wire_writer *w);       /* 0 when full */
void wire_put_u8(struct wire_writer *w, uint8_t value);
void wire_put_u16(struct wire_writer *w, uint16_t value);
void wire_put_u24(struct wire_writer *w, uint32_t value);
void wire_put_u32(struct wire_writer *w, uint32_t value);
void wire_put_u64(struct wire_writer *w, uint64_t value);
void wire_put_lenenc(struct wire_writer *w, uint64_t value);
void wire_put_bytes(struct wire_writer *w, const void *bytes, size_t length);
void wire_put_zeros(struct wire_writer *w, size_t count);
void wire_put_lenenc_text(struct wire_writer *w, const void *bytes, size_t length);
void wire_put_nul_text(struct wire_writer *w, const void *bytes, size_t length); /* appends the NUL; one inside: full */

bool wire_text_is(struct wire_text text, const char *string);

#endif
