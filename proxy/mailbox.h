/* SPDX-License-Identifier: MIT
 * Messages to a loop from other threads. A message is run on the loop's thread, in the order of sending from one thread.
 */
#ifndef SLUSE_PROXY_MAILBOX_H
#define SLUSE_PROXY_MAILBOX_H

#include <ev.h>
#include <stdatomic.h>
#include <stdbool.h>

struct loop;

/* Embedded in a larger struct, which run() owns from then on and frees. */
struct message {
    struct message *next;
    void (*run)(struct loop *loop, struct message *message);
};

struct mailbox {
    _Atomic(struct message *) head; /* newest first */
    ev_async wake;
};

/* handler gets called on the loop's thread when there is mail; it calls mailbox_take. */
void mailbox_open(struct mailbox *box, struct ev_loop *ev, void (*handler)(struct ev_loop *, ev_async *, int), void *data);
/* Any thread. Never blocks. */
void mailbox_send(struct mailbox *box, struct ev_loop *ev, struct message *message);
/* Everything that is there, oldest first; NULL: nothing. The loop's thread. */
struct message *mailbox_take(struct mailbox *box);

#endif
