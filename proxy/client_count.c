/* SPDX-License-Identifier: MIT
 * What is counted and timed of a session's commands, transactions and pins. Times are the loop's, which client_relay.c has just read.
 */
#include "proxy/client.h"

static struct stats *stats(const struct client *c)
{
    return &c->home->loop->stats;
}

static void count_pin(struct client *c, enum pin pin, bool begins)
{
    int64_t now_us = loop_now(c->home->loop);

    STATS_ADD(stats(c)->pinned[pin], begins ? 1 : -1);
    if (begins)
        STATS_INC(stats(c)->pins[pin]);
    if (c->lease.backend)
        frame_view_pin(&c->lease.backend->view, pin, begins ? now_us : 0);
    if (pin != PIN_TRANSACTION)
        return;
    if (begins)
        c->transaction_us = c->began_us;
    else
        histogram_add(&stats(c)->transaction, now_us - c->transaction_us);
}

void client_count_pins(struct client *c)
{
    bool held = c->lease.state == LEASE_HELD, idle = held && c->state == CLIENT_READY && c->lease.session.pins;
    pin_set now = held ? c->lease.session.pins : 0, changed = now ^ c->pins;

    for (unsigned i = 0; changed && i < PINS; i++)
        if (changed & PIN_BIT(i))
            count_pin(c, (enum pin)i, now & PIN_BIT(i));
    c->pins = now;
    if (held)
        frame_view_command(&c->lease.backend->view, c->state == CLIENT_RUNNING ? c->began_us : 0);
    if (idle != c->pinned_idle)
        STATS_ADD(stats(c)->pinned_idle, idle ? 1 : -1);
    c->pinned_idle = idle;
}

void client_count_reply(struct client *c)
{
    const struct backend *b = c->lease.backend;
    uint8_t command = b->effects.command;

    STATS_INC(stats(c)->replies);
    if (b->reply.failed)
        stats_count_error(stats(c), b->reply.error);
    if ((command == COM_QUERY || command == COM_STMT_EXECUTE) && !b->effects.local)
        histogram_add(&stats(c)->query, loop_now(c->home->loop) - c->began_us);
}
