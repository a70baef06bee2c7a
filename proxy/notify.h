/* SPDX-License-Identifier: MIT
 * What the service manager is told (sd_notify); nothing happens where there is none. The main thread.
 */
#ifndef SLUSE_PROXY_NOTIFY_H
#define SLUSE_PROXY_NOTIFY_H

#include "proxy/worker.h"

struct notify {
    bool ready;          /* READY=1 has been said */
    int64_t watchdog_us; /* how often it is fed, half of what systemd asks for; 0: not at all */
    int64_t fed_us, status_us;
};

void notify_open(struct notify *n);
/* At least each second: READY=1 once clients can log in, STATUS= every five seconds, WATCHDOG=1 as long as every worker's loop turns. */
void notify_tick(struct notify *n, struct workers *workers, struct pool *pool);
/* Around a reload; silent before READY=1. */
void notify_reloading(const struct notify *n);
void notify_reloaded(const struct notify *n);
void notify_stopping(void);

#endif
