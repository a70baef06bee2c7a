/* SPDX-License-Identifier: MIT
 * What the code of one worker shares: its event loop, scratch memory, counters, mailbox and graveyard.
 *
 * Everything that hangs on a loop belongs to its thread. Other threads only send messages.
 */
#ifndef SLUSE_PROXY_LOOP_H
#define SLUSE_PROXY_LOOP_H

#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>

#include "protocol/pieces.h"
#include "proxy/clock.h"
#include "proxy/mailbox.h"
#include "proxy/stats.h"

#define SCRATCH_SIZE (128u * 1024)

/* Embedded in what is freed at the end of the turn. */
struct grave {
    struct grave *next;
    void *memory;
};

struct loop {
    struct ev_loop *ev;
    int epoll; /* the descriptor behind ev, for loop_forget; -1: not known */
    unsigned id;
    uint8_t *scratch;      /* what is read lies here until the callback returns */
    struct pieces pieces;  /* what is written, likewise */
    struct stats stats;
    struct log_limit closings[CLOSE_REASONS];
    int64_t now_us;        /* monotonic, of this turn; 0: not read yet */
    struct mailbox mailbox;
    struct grave *graveyard;
    struct message *later, **later_end;
    ev_prepare sweep;
    ev_check begin;
    ev_timer heartbeat;
    _Atomic int64_t turned; /* CLOCK_MONOTONIC seconds: when the loop was last seen turning; for /healthz */
    void *worker;           /* whose loop it is; for messages */
};

/* backend: an ev loop of its own is made. Called before the thread starts. */
void loop_open(struct loop *loop, unsigned id, void *worker);
void loop_close(struct loop *loop);
/* After the loop's thread has ended and with no sender left: runs what is still in the mailbox, so that it gets to its owners. */
void loop_flush(struct loop *loop);
/* Runs until loop_stop is called on this thread. */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);
/* The descriptor goes to another loop; its watchers are stopped already. libev leaves it in its epoll set, where it would wake this loop, and,
 * once closed over there, stand for whatever has its number next. */
void loop_forget(struct loop *loop, int fd);
/* Any thread. */
void loop_send(struct loop *loop, struct message *message);
/* The loop's own thread: run before the loop sleeps again, with nothing else on the stack. */
void loop_defer(struct loop *loop, struct message *message);
/* The monotonic clock: read now, or as it was read last in this turn. The loop's own thread. */
int64_t loop_read_clock(struct loop *loop);
static inline int64_t loop_now(struct loop *loop)
{
    return loop->now_us ? loop->now_us : loop_read_clock(loop);
}
/* memory is freed at the end of the turn, so that callers up the stack can still look at it. */
void loop_bury(struct loop *loop, struct grave *grave, void *memory);
/* A connection of this loop ends. True: a line is to say so, and `before` is the line's end. Of one reason there are ten a second at the most: one client
 * that errs must not fill the log. */
bool loop_tells_close(struct loop *loop, enum close_reason reason, char before[32]);

#endif
