/* SPDX-License-Identifier: MIT
 * A reply as the server sends it and as one form of client must see it, and the ways of feeding the one to get the other.
 */
#ifndef SLUSE_TESTS_UNIT_REPLY_CASE_H
#define SLUSE_TESTS_UNIT_REPLY_CASE_H

#include "protocol/packet.h"
#include "protocol/reply.h"
#include "tests/unit/split.h"

#define CASE_CAPACITY (128u * 1024) /* SCRATCH_SIZE */
#define CASE_FORMS 4
#define CASE_ROOM (PIECES_MAX - 6u) /* with this many pieces in the list there is room for one packet */

/* An EOF that stands in front of the flags that it should have: they are told when the end is in view, else these are accepted, too. */
struct mid_eof {
    size_t at;
    uint16_t fallback;
};

struct reply_case {
    bool keep_eof, keep_track;
    struct wire_writer server, client;
    uint8_t sequence, shift;
    uint16_t begun_with; /* the session's flags */
    uint16_t fallback;
    struct mid_eof mids[8];
    size_t mid_count;
    unsigned files; /* requests for a file */
    struct ok_packet last;
    uint16_t error;
};

/* Forms 0 to 3: as on the server's side, without DEPRECATE_EOF, without SESSION_TRACK, without both. */
static inline uint32_t case_capabilities(int form)
{
    return CAP_LOCAL_FILES | (form & 1 ? 0 : CAP_DEPRECATE_EOF) | (form & 2 ? 0 : CAP_SESSION_TRACK);
}

static inline struct reply_case case_new(int form, size_t capacity)
{
    struct reply_case c = {.keep_eof = form & 1, .keep_track = !(form & 2), .sequence = 1, .begun_with = STATUS_AUTOCOMMIT};
    c.fallback = c.last.status = c.begun_with;
    c.server = wire_writer(malloc(capacity), capacity);
    c.client = wire_writer(malloc(capacity), capacity);
    if (!c.server.begin || !c.client.begin)
        ck_abort_msg("no memory");
    return c;
}

static inline void case_free(struct reply_case *c)
{
    if (c->server.full || c->client.full)
        ck_abort_msg("the case is larger than its buffers");
    free(c->server.begin);
    free(c->client.begin);
}

static inline uint8_t client_sequence(const struct reply_case *c)
{
    return (uint8_t)(c->sequence + c->shift);
}

/* A packet that goes on as it is. */
static inline void put_packet(struct reply_case *c, const void *payload, size_t length)
{
    uint8_t header[PACKET_HEADER];
    packet_put_header(header, (uint32_t)length, c->sequence);
    wire_put_bytes(&c->server, header, sizeof(header));
    wire_put_bytes(&c->server, payload, length);
    packet_put_header(header, (uint32_t)length, client_sequence(c));
    wire_put_bytes(&c->client, header, sizeof(header));
    wire_put_bytes(&c->client, payload, length);
    c->sequence++;
}

static inline void put_hex(struct reply_case *c, const char *hex)
{
    uint8_t bytes[256];
    put_packet(c, bytes, unhex(hex, bytes, sizeof(bytes)));
}

/* An OK, 0x00 or 0xFE in front: an EOF and without session state for clients that want it so. */
static inline void put_ok(struct reply_case *c, struct ok_packet ok)
{
    if (!ok.info.data)
        ok.info = text_of("");
    if (!ok.state.data)
        ok.state = text_of("");
    ok_write(&c->server, &ok, true, c->sequence);
    if (ok.header == 0xFE && c->keep_eof)
        eof_write(&c->client, ok.warnings, ok.status, client_sequence(c));
    else
        ok_write(&c->client, &ok, c->keep_track, client_sequence(c));
    ok.status &= (uint16_t)~STATUS_STATE_CHANGED;
    c->fallback = ok.status;
    c->last = ok;
    c->sequence++;
}

static inline void put_end(struct reply_case *c, uint16_t status, uint16_t warnings)
{
    put_ok(c, (struct ok_packet){.header = 0xFE, .status = status, .warnings = warnings});
}

static inline void put_err(struct reply_case *c, uint16_t number)
{
    static const char text[] = "Query execution was interrupted";
    err_write(&c->server, number, "70100", text, sizeof(text) - 1, c->sequence);
    err_write(&c->client, number, "70100", text, sizeof(text) - 1, client_sequence(c));
    c->error = number;
    c->sequence++;
}

/* An EOF that only a client without DEPRECATE_EOF gets. */
static inline void put_mid_eof(struct reply_case *c, uint16_t status)
{
    if (!c->keep_eof)
        return;
    c->mids[c->mid_count++] = (struct mid_eof){(size_t)(c->client.at - c->client.begin), c->fallback};
    eof_write(&c->client, 0, status, client_sequence(c));
    c->shift++;
}

static inline void put_definitions(struct reply_case *c, unsigned count)
{
    static const char definition[] = "\x03" "def\0\x01t\x01t\x01n\x01n\x0c\x3f\0\x0b\0\0\0\x03\0\0\0\0";
    for (unsigned i = 0; i < count; i++)
        put_packet(c, definition, sizeof(definition) - 1);
}

static inline void put_columns(struct reply_case *c, uint8_t count)
{
    put_packet(c, &count, 1);
    put_definitions(c, count);
}

/* What has come out so far, and the bytes that were not consumed yet. */
struct feeding {
    struct reply reply;
    uint8_t *out;
    size_t out_length, capacity;
    uint8_t *tail;
    size_t tail_length, consumed;
    unsigned files;
    enum reply_status status;
};

static inline struct feeding feeding_new(const struct reply_case *c, enum reply_shape shape, int form)
{
    struct feeding f = {.capacity = wire_written(&c->client) + 64};
    f.out = malloc(f.capacity);
    if (!f.out)
        ck_abort_msg("no memory");
    reply_begin(&f.reply, shape, case_capabilities(form), c->begun_with);
    return f;
}

static inline void feeding_free(struct feeding *f)
{
    free(f->out);
    free(f->tail);
}

static inline void collect(struct feeding *f, const struct pieces *p, size_t first)
{
    size_t bytes = 0;
    if (p->count > PIECES_MAX || p->stored > PIECES_STORE)
        ck_abort_msg("%zu pieces, %zu bytes stored", p->count, p->stored);
    for (size_t i = first; i < p->count; i++) {
        bytes += p->list[i].iov_len;
        if (f->out_length + p->list[i].iov_len > f->capacity)
            ck_abort_msg("more came out than should");
        memcpy(f->out + f->out_length, p->list[i].iov_base, p->list[i].iov_len);
        f->out_length += p->list[i].iov_len;
    }
    if (bytes != p->bytes)
        ck_abort_msg("the list says %zu bytes, there are %zu", p->bytes, bytes);
}

/* A list with `taken` pieces that are not ours. */
static inline void pieces_prefill(struct pieces *p, size_t taken)
{
    pieces_clear(p);
    p->count = taken;
    for (size_t i = 0; i < taken; i++)
        p->list[i] = (struct iovec){NULL, 0};
}

/* Presents what was left over with `length` bytes more behind, in a block of exactly that size. */
static inline enum reply_status present(struct feeding *f, const uint8_t *bytes, size_t length, size_t taken)
{
    size_t total = f->tail_length + length, at = 0, used = 0;
    uint8_t *block = malloc(total ? total : 1), *begin = total ? block : block + 1;
    static struct pieces pieces;
    if (f->tail_length)
        memcpy(begin, f->tail, f->tail_length);
    if (length)
        memcpy(begin + f->tail_length, bytes, length);
    do {
        pieces_prefill(&pieces, taken);
        f->status = reply_feed(&f->reply, begin + at, total - at, CASE_CAPACITY, &used, &pieces);
        if (used > total - at)
            ck_abort_msg("%zu of %zu bytes consumed", used, total - at);
        if (f->status == REPLY_FULL && used == 0 && pieces.count == taken)
            ck_abort_msg("no progress");
        collect(f, &pieces, taken);
        at += used;
        f->files += f->status == REPLY_FILE;
    } while (f->status == REPLY_FULL || f->status == REPLY_FILE);
    f->consumed += at;
    free(f->tail);
    f->tail_length = total - at;
    f->tail = malloc(f->tail_length ? f->tail_length : 1);
    if (f->tail_length)
        memcpy(f->tail, begin + at, f->tail_length);
    free(block);
    return f->status;
}

/* Where the flags of an EOF in the middle could not be known, the fallback becomes the flags that it should have. */
static inline void forgive_mids(const struct reply_case *c, struct feeding *f)
{
    for (size_t i = 0; i < c->mid_count; i++) {
        size_t at = c->mids[i].at + PACKET_HEADER + 3;
        if (at + 2 <= f->out_length && (f->out[at] | f->out[at + 1] << 8) == c->mids[i].fallback)
            memcpy(f->out + at, c->client.begin + at, 2);
    }
}

static inline void check_bytes(const struct reply_case *c, const struct feeding *f)
{
    size_t length = wire_written(&c->client), i = 0;
    while (i < length && i < f->out_length && c->client.begin[i] == f->out[i])
        i++;
    if (i < length || f->out_length != length)
        ck_abort_msg("%zu bytes for %zu; they differ at %zu", f->out_length, length, i);
}

static inline void check_end(const struct reply_case *c, const struct feeding *f)
{
    const struct reply *r = &f->reply;
    if (f->status != REPLY_END || r->state != REPLY_AT_END || !reply_at_border(r))
        ck_abort_msg("no end: status %d, state %d, skip %u", f->status, r->state, r->skip);
    if (f->consumed != wire_written(&c->server) || f->tail_length || f->files != c->files)
        ck_abort_msg("%zu consumed, %zu left, %u files", f->consumed, f->tail_length, f->files);
    if (r->failed != (c->error != 0) || r->error != c->error || r->status != c->last.status || r->warnings != c->last.warnings)
        ck_abort_msg("error %u, status %x, warnings %u", r->error, r->status, r->warnings);
    if (r->affected_rows != c->last.affected_rows || r->insert_id != c->last.insert_id || r->shift != c->shift)
        ck_abort_msg("affected %llu, id %llu, shift %u", (unsigned long long)r->affected_rows, (unsigned long long)r->insert_id, r->shift);
    check_bytes(c, f);
}

/* In pieces of up to `most` bytes. */
static inline void feed_slowly(const struct reply_case *c, enum reply_shape shape, int form, uint32_t most, uint64_t *state)
{
    struct feeding f = feeding_new(c, shape, form);
    size_t length = wire_written(&c->server), at = 0;
    (void)present(&f, c->server.begin, 0, 0);
    while (at < length) {
        size_t step = 1 + fuzz_random(state) % most;
        step = step < length - at ? step : length - at;
        (void)present(&f, c->server.begin + at, step, fuzz_random(state) % (CASE_ROOM + 1));
        at += step;
        if (at < length && f.status != REPLY_MORE)
            ck_abort_msg("status %d after %zu of %zu bytes", f.status, at, length);
    }
    forgive_mids(c, &f);
    check_end(c, &f);
    feeding_free(&f);
}

#endif
