/* SPDX-License-Identifier: MIT
 * When a backend's state was copied from the server's globals and grants.
 *
 * SET GLOBAL, GRANT and REVOKE change what a fresh session is. A backend is given to a new session only when its epoch is younger than
 * `privilege_refresh`, or after a change of user. One day the control thread, which watches the globals, raises epochs by number.
 */
#ifndef SLUSE_PROXY_EPOCH_H
#define SLUSE_PROXY_EPOCH_H

#include <stdbool.h>
#include <stdint.h>

struct epoch {
    int64_t taken_us; /* monotonic: when the login or change of user that made the session was *sent* */
};

static inline bool epoch_fresh(const struct epoch *epoch, int64_t now_us, int64_t privilege_refresh_us)
{
    return now_us - epoch->taken_us < privilege_refresh_us;
}

#endif
