/* SPDX-License-Identifier: MIT
 * One worker's event loop and what hangs on it.
 */
#include "proxy/loop.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "proxy/invariant.h"

#define CLOSINGS_A_SECOND 10

static void on_mail(struct ev_loop *ev, ev_async *wake, int events)
{
    struct loop *loop = wake->data;
    struct message *message = mailbox_take(&loop->mailbox);

    (void)ev;
    (void)events;
    while (message) {
        struct message *next = message->next;

        message->run(loop, message);
        message = next;
    }
}

static void run_later(struct loop *loop)
{
    struct message *message;

    while ((message = loop->later)) {
        loop->later = message->next;
        if (!loop->later)
            loop->later_end = &loop->later;
        message->run(loop, message);
    }
}

static void on_sweep(struct ev_loop *ev, ev_prepare *sweep, int events)
{
    struct loop *loop = sweep->data;

    (void)ev;
    (void)events;
    run_later(loop);
    while (loop->graveyard) {
        void *memory = loop->graveyard->memory;

        loop->graveyard = loop->graveyard->next;
        free(memory);
    }
}

int64_t loop_read_clock(struct loop *loop)
{
    return loop->now_us = monotonic_us();
}

static void on_begin(struct ev_loop *ev, ev_check *begin, int events)
{
    (void)ev;
    (void)events;
    ((struct loop *)begin->data)->now_us = 0;
}

static void on_heartbeat(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct loop *loop = timer->data;

    (void)ev;
    (void)events;
    atomic_store_explicit(&loop->turned, monotonic_seconds(), memory_order_relaxed);
}

/* libev does not tell its epoll descriptor. No other thread runs yet, so it is the lowest one that was free; we look whether it is. */
static struct ev_loop *new_loop(int *epoll)
{
    int lowest = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct ev_loop *ev;
    char link[64], path[32];
    ssize_t length;

    if (lowest >= 0)
        close(lowest);
    ev = ev_loop_new(EVFLAG_AUTO);
    snprintf(path, sizeof path, "/proc/self/fd/%d", lowest);
    length = readlink(path, link, sizeof link - 1);
    link[length > 0 ? length : 0] = '\0';
    *epoll = strcmp(link, "anon_inode:[eventpoll]") == 0 ? lowest : -1;
    return ev;
}

void loop_forget(struct loop *loop, int fd)
{
    if (loop->epoll >= 0)
        (void)epoll_ctl(loop->epoll, EPOLL_CTL_DEL, fd, NULL); /* not in it: as well */
}

void loop_open(struct loop *loop, unsigned id, void *worker)
{
    *loop = (struct loop){.id = id, .worker = worker};
    loop->ev = new_loop(&loop->epoll);
    loop->scratch = malloc(SCRATCH_SIZE);
    INVARIANT(loop->ev && loop->scratch);
    loop->later_end = &loop->later;
    mailbox_open(&loop->mailbox, loop->ev, on_mail, loop);
    ev_prepare_init(&loop->sweep, on_sweep);
    loop->sweep.data = loop;
    ev_prepare_start(loop->ev, &loop->sweep);
    ev_check_init(&loop->begin, on_begin);
    ev_set_priority(&loop->begin, EV_MAXPRI); /* before whatever the turn is for */
    loop->begin.data = loop;
    ev_check_start(loop->ev, &loop->begin);
    ev_timer_init(&loop->heartbeat, on_heartbeat, 0., 1.);
    loop->heartbeat.data = loop;
    ev_timer_start(loop->ev, &loop->heartbeat);
    atomic_store(&loop->turned, monotonic_seconds());
}

void loop_close(struct loop *loop)
{
    on_sweep(loop->ev, &loop->sweep, 0);
    ev_loop_destroy(loop->ev);
    free(loop->scratch);
}

void loop_flush(struct loop *loop)
{
    on_mail(loop->ev, &loop->mailbox.wake, 0);
    on_sweep(loop->ev, &loop->sweep, 0);
}

void loop_run(struct loop *loop)
{
    ev_run(loop->ev, 0);
}

void loop_stop(struct loop *loop)
{
    ev_break(loop->ev, EVBREAK_ALL);
}

void loop_send(struct loop *loop, struct message *message)
{
    mailbox_send(&loop->mailbox, loop->ev, message);
}

void loop_defer(struct loop *loop, struct message *message)
{
    message->next = NULL;
    *loop->later_end = message;
    loop->later_end = &message->next;
}

bool loop_tells_close(struct loop *loop, enum close_reason reason, char before[32])
{
    enum log_level level = close_reason_level(reason);
    unsigned skipped = 0;

    if (!log_wants(level) || (level < LOG_DEBUG && !log_allowed(&loop->closings[reason], CLOSINGS_A_SECOND, 1, &skipped)))
        return false;
    log_before(skipped, before);
    return true;
}

void loop_bury(struct loop *loop, struct grave *grave, void *memory)
{
    grave->memory = memory;
    grave->next = loop->graveyard;
    loop->graveyard = grave;
}
