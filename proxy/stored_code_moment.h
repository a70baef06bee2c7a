/* SPDX-License-Identifier: MIT
 * What was known of the stored code when a command began: enough to tell later whether what is known then holds for what ran.
 */
#ifndef SLUSE_PROXY_STORED_CODE_MOMENT_H
#define SLUSE_PROXY_STORED_CODE_MOMENT_H

#include <stdbool.h>
#include <stdint.h>

#define STORED_CODE_NEVER UINT64_MAX

struct stored_code_moment {
    uint64_t known; /* version of the worker's snapshot; 0: it had none */
    uint64_t right; /* the same, if that could be trusted; else 0 */
    uint64_t since; /* changes that had ended when `known` was right last; NEVER: it never was */
    uint64_t quiet; /* nothing was changing, and so many changes had ended; NEVER: something was */
    bool awaited;   /* it could not be trusted, but is being read, or will be as soon as what changes it has ended */
};

#endif
