/* SPDX-License-Identifier: MIT
 * Deadlines of one length: a list in order of arrival and one timer for its head, however many wait.
 */
#ifndef SLUSE_PROXY_DEADLINE_H
#define SLUSE_PROXY_DEADLINE_H

#include <ev.h>
#include <stdint.h>
#include <sys/queue.h>

/* Embedded in what waits. */
struct deadline {
    TAILQ_ENTRY(deadline) link;
    int64_t due_us;
    struct deadline_queue *queue; /* NULL: not set */
};

TAILQ_HEAD(deadline_list, deadline);

struct deadline_queue {
    struct ev_loop *ev;
    struct deadline_list list;
    ev_timer timer;
    int64_t length_us;
    void (*expired)(struct deadline *deadline); /* called with the deadline already taken off the list */
};

void deadline_queue_open(struct deadline_queue *q, struct ev_loop *ev, int64_t length_us, void (*expired)(struct deadline *));
void deadline_queue_close(struct deadline_queue *q);
/* Another length from now on, also for those that are set: they count from when they were. */
void deadline_queue_set_length(struct deadline_queue *q, int64_t length_us);
/* None is set any more, and none expires. */
void deadline_queue_clear(struct deadline_queue *q);
/* Starts counting from now; one that is set already, in any queue, starts anew in this one. */
void deadline_set(struct deadline_queue *q, struct deadline *d);
/* Nothing happens when it is not set. */
void deadline_clear(struct deadline *d);

#endif
