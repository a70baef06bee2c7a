/* SPDX-License-Identifier: MIT
 * When a backend's state was copied from the server's globals and grants.
 *
 * A login and a change of user copy both, COM_RESET_CONNECTION the globals alone. What a fresh session would be may have changed since: the target
 * knows since when (target_is_fresh), as far as the control thread has seen it; and after `privilege_refresh` a backend is looked at as old in any case.
 */
#ifndef SLUSE_PROXY_EPOCH_H
#define SLUSE_PROXY_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

/* Times are monotonic, and those at which the command was *sent*. */
struct epoch {
    int64_t taken_us;   /* the login or change of user: grants and globals */
    int64_t globals_us; /* the globals: that, or a reset since */
    uint64_t take;      /* number of that taking; no other has it, on any backend */
};

/* A login or a change of user is being sent. */
void epoch_login(struct epoch *epoch, int64_t now_us);
/* A reset is being sent. */
void epoch_reset(struct epoch *epoch, int64_t now_us);

static inline bool epoch_fresh(const struct epoch *epoch, int64_t now_us, int64_t privilege_refresh_us)
{
    return now_us - epoch->taken_us < privilege_refresh_us;
}

#endif
