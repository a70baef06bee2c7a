/* SPDX-License-Identifier: MIT
 * SIGHUP: reading the file again, and saying what that changes.
 */
#ifndef SLUSE_PROXY_RELOAD_H
#define SLUSE_PROXY_RELOAD_H

#include <stdatomic.h>

#include "conf/conf.h"

/* How it went. Written by the main thread, read by every one. */
struct reloads {
    atomic_uint_least64_t done, refused; /* refused: the file had mistakes, and nothing was changed */
    atomic_bool stale;                   /* that is how it was the last time: what runs is older than the file */
};

/* The snapshot that takes the place of the running one, with one reference: the file as it is now, but for what needs a restart. Each change is logged, and
 * what waits for a restart. NULL: the file has mistakes, which are logged, all of them; nothing changes. The main thread. */
struct conf *reload_load(const struct conf *running, struct reloads *reloads) __attribute__((warn_unused_result));

#endif
