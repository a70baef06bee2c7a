/* SPDX-License-Identifier: MIT
 * Numbering the times at which backends took the server's globals.
 */
#include "proxy/epoch.h"

#include <stdatomic.h>

void epoch_reset(struct epoch *epoch, int64_t now_us)
{
    static _Atomic uint64_t takes;

    epoch->globals_us = now_us;
    epoch->take = ++takes;
}

void epoch_login(struct epoch *epoch, int64_t now_us)
{
    epoch->taken_us = now_us;
    epoch_reset(epoch, now_us);
}
