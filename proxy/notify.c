/* SPDX-License-Identifier: MIT
 * sd_notify: what is said, and how often.
 */
#include "proxy/notify.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "proxy/clock.h"
#include "proxy/readiness.h"

#define STATUS_US 5000000

void notify_open(struct notify *n)
{
    uint64_t us = 0;

    *n = (struct notify){.watchdog_us = sd_watchdog_enabled(0, &us) > 0 ? (int64_t)us / 2 : 0};
}

/* Everything that is open is one slot of the pool: the control connection, too. */
static void say_status(struct workers *workers, struct pool *pool, const char *before)
{
    struct pool_numbers numbers = pool_numbers(pool);

    (void)sd_notifyf(0, "%sSTATUS=%s%" PRIu64 " clients, %" PRIu64 " of %" PRIu64 " connections, %" PRIu64 " waiting", before,
                     atomic_load(&workers->draining) ? "draining: " : "", workers_clients(workers), numbers.used, numbers.size, numbers.waiting);
}

void notify_tick(struct notify *n, struct workers *workers, struct pool *pool)
{
    int64_t now_us = monotonic_us();
    char text[READINESS_TEXT];

    if (!n->ready && readiness(workers, text)) {
        n->ready = true;
        n->status_us = now_us;
        say_status(workers, pool, "READY=1\n");
    } else if (now_us - n->status_us >= STATUS_US) {
        n->status_us = now_us;
        say_status(workers, pool, "");
    }
    if (n->watchdog_us && now_us - n->fed_us >= n->watchdog_us && workers_turning(workers)) {
        n->fed_us = now_us;
        (void)sd_notify(0, "WATCHDOG=1");
    }
}

void notify_reloading(const struct notify *n)
{
    if (n->ready)
        (void)sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, monotonic_us());
}

void notify_reloaded(const struct notify *n)
{
    if (n->ready)
        (void)sd_notify(0, "READY=1");
}

void notify_stopping(void)
{
    (void)sd_notify(0, "STOPPING=1");
}
