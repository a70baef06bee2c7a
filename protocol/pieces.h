/* SPDX-License-Identifier: MIT
 * A list of pieces of bytes to be written in order: runs of what was read, and small packets put between them.
 */
#ifndef SLUSE_PROTOCOL_PIECES_H
#define SLUSE_PROTOCOL_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define PIECES_MAX 64u
#define PIECES_STORE 1024u

struct pieces {
    struct iovec list[PIECES_MAX];
    size_t count;
    size_t bytes;
    size_t stored;
    uint8_t store[PIECES_STORE];
};

static inline void pieces_clear(struct pieces *p)
{
    p->count = 0;
    p->bytes = 0;
    p->stored = 0;
}

/* Room for `count` more runs and as many stored packets of up to 16 bytes? */
static inline bool pieces_has_room(const struct pieces *p, size_t count)
{
    return p->count + 2 * count <= PIECES_MAX && p->stored + 16 * count <= PIECES_STORE;
}

/* Appends borrowed bytes; they must stay until the list is written. The caller has asked pieces_has_room. */
static inline void pieces_add(struct pieces *p, const void *bytes, size_t length)
{
    if (length == 0)
        return;
    p->list[p->count].iov_base = (void *)(uintptr_t)bytes;
    p->list[p->count].iov_len = length;
    p->count++;
    p->bytes += length;
}

/* Room in the list's own store for a packet of `length` bytes, appended; to be filled by the caller. */
static inline uint8_t *pieces_store(struct pieces *p, size_t length)
{
    uint8_t *at = p->store + p->stored;

    p->stored += length;
    pieces_add(p, at, length);
    return at;
}

#endif
