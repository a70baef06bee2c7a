/* SPDX-License-Identifier: MIT
 * Stuck bytes.
 */
#include "proxy/buffer.h"

#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"

#define BUFFER_LIMIT (64u << 20)

static bool make_room(struct buffer *b, size_t length)
{
    size_t stuck = buffer_length(b), size = b->size ? b->size : 512;
    uint8_t *data;

    if (length > BUFFER_LIMIT - stuck)
        return false;
    if (b->size - stuck >= length && b->begin >= stuck) { /* moving costs no more than what is gone already */
        memmove(b->data, b->data + b->begin, stuck);
        b->begin = 0;
        b->end = (uint32_t)stuck;
        return true;
    }
    while (size < stuck + length)
        size *= 2;
    data = malloc(size);
    if (!data)
        return false;
    if (stuck)
        memcpy(data, b->data + b->begin, stuck);
    free(b->data);
    *b = (struct buffer){data, 0, (uint32_t)stuck, (uint32_t)size};
    return true;
}

bool buffer_append(struct buffer *b, const void *bytes, size_t length)
{
    if (length == 0)
        return true;
    if (b->size - b->end < length && !make_room(b, length))
        return false;
    memcpy(b->data + b->end, bytes, length);
    b->end += (uint32_t)length;
    return true;
}

void buffer_drop(struct buffer *b, size_t length)
{
    INVARIANT(length <= buffer_length(b));
    b->begin += (uint32_t)length;
    if (b->begin == b->end)
        buffer_free(b);
}

void buffer_free(struct buffer *b)
{
    free(b->data);
    *b = (struct buffer){0};
}
