/* SPDX-License-Identifier: MIT
 * A session that has set wait_timeout is ended when it is silent for longer, as its server would.
 *
 * Where its page lies, or where it is pinned, the server does that: the value is set there, and it closes the connection. Here it is done for sessions
 * that are on no backend. Such a session has a timer; no other costs anything.
 */
#include <stdlib.h>

#include "proxy/frames_part.h"
#include "proxy/invariant.h"

struct silence {
    ev_timer timer;
    struct lease *lease;
};

static void on_timer(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct silence *silence = timer->data;

    (void)ev;
    (void)events;
    silence->lease->ops->silent(silence->lease);
}

void frames_silence_begin(struct frames *f, struct lease *lease, int64_t since_us)
{
    int64_t seconds = session_wait_timeout(&lease->session), left_us;
    struct silence *silence = lease->silence;

    if (lease->state != LEASE_NONE || lease->resident || !seconds)
        return;
    if (!silence) {
        silence = lease->silence = zalloc(sizeof *silence);
        ev_timer_init(&silence->timer, on_timer, 0., 0.);
        silence->timer.data = silence;
        silence->lease = lease;
    }
    left_us = since_us + seconds * 1000000 - monotonic_us();
    ev_timer_stop(f->context.loop->ev, &silence->timer);
    ev_timer_set(&silence->timer, left_us > 0 ? (ev_tstamp)left_us / 1e6 : 0., 0.);
    ev_timer_start(f->context.loop->ev, &silence->timer);
}

void frames_silence_end(struct frames *f, struct lease *lease)
{
    if (lease->silence)
        ev_timer_stop(f->context.loop->ev, &lease->silence->timer);
}

void frames_silence_free(struct frames *f, struct lease *lease)
{
    frames_silence_end(f, lease);
    free(lease->silence);
    lease->silence = NULL;
}
