/* SPDX-License-Identifier: MIT
 * Bytes that are stuck in a connection: read and not yet used, or to be written and not yet taken by the kernel.
 *
 * Empty is the normal case and owns no memory. Bytes leave at the front and come in at the back.
 *
 *   data        data+begin          data+end      data+size
 *    |  gone       |     stuck         |   room      |
 */
#ifndef SLUSE_PROXY_BUFFER_H
#define SLUSE_PROXY_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
    uint8_t *data;
    uint32_t begin, end, size;
};

static inline size_t buffer_length(const struct buffer *b)
{
    return b->end - b->begin;
}

static inline uint8_t *buffer_bytes(struct buffer *b)
{
    return b->data + b->begin;
}

/* Appends; false when there is no memory, or more than 64 MiB would be stuck (the connection is to be closed then). */
bool buffer_append(struct buffer *b, const void *bytes, size_t length) __attribute__((warn_unused_result));
/* Drops from the front; the last byte that goes takes the memory along. */
void buffer_drop(struct buffer *b, size_t length);
void buffer_free(struct buffer *b);

#endif
