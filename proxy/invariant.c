/* SPDX-License-Identifier: MIT
 * What happens when an assertion fails.
 */
#include "proxy/invariant.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void invariant_failed(const char *expression, const char *file, int line)
{
    fprintf(stderr, "sluse: invariant failed: %s (%s:%d)\n", expression, file, line);
    abort();
}

void *zalloc(size_t size)
{
    void *memory = calloc(1, size);

    if (!memory)
        invariant_failed("memory for a struct", __FILE__, __LINE__);
    return memory;
}
