/* SPDX-License-Identifier: MIT
 * Monotonic time. Nothing here depends on the wall clock, which operators set.
 */
#ifndef SLUSE_PROXY_CLOCK_H
#define SLUSE_PROXY_CLOCK_H

#include <stdint.h>

int64_t monotonic_us(void);
/* Coarse, for what is measured in seconds. */
int64_t monotonic_seconds(void);

#endif
