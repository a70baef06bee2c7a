/* SPDX-License-Identifier: MIT
 * Assertions that ship. A peer can never trip one: bytes from a socket lead to a close reason, not to abort.
 */
#ifndef SLUSE_PROXY_INVARIANT_H
#define SLUSE_PROXY_INVARIANT_H

#include <stddef.h>

/* Aborts with one line on stderr that has "invariant" in it. */
#define INVARIANT(e) ((e) ? (void)0 : invariant_failed(#e, __FILE__, __LINE__))

_Noreturn void invariant_failed(const char *expression, const char *file, int line);

/* Memory for structs, zeroed. Running out of memory for these ends the process: nothing can be done without them.
 * Bytes of peers are never stored in them (see buffer.h, whose limits are settings). */
void *zalloc(size_t size) __attribute__((warn_unused_result, malloc));

#define container_of(pointer, type, member) ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

#endif
