/* SPDX-License-Identifier: MIT
 * A stack that many threads push on and one thread takes whole: no lock, and no ABA since nobody pops a single one.
 */
#include "proxy/mailbox.h"

void mailbox_open(struct mailbox *box, struct ev_loop *ev, void (*handler)(struct ev_loop *, ev_async *, int), void *data)
{
    atomic_init(&box->head, NULL);
    ev_async_init(&box->wake, handler);
    box->wake.data = data;
    ev_async_start(ev, &box->wake);
}

void mailbox_send(struct mailbox *box, struct ev_loop *ev, struct message *message)
{
    struct message *head = atomic_load_explicit(&box->head, memory_order_relaxed);

    do
        message->next = head;
    while (!atomic_compare_exchange_weak_explicit(&box->head, &head, message, memory_order_release, memory_order_relaxed));
    if (!head) /* else whoever made it non-empty has woken the loop */
        ev_async_send(ev, &box->wake);
}

struct message *mailbox_take(struct mailbox *box)
{
    struct message *newest = atomic_exchange_explicit(&box->head, NULL, memory_order_acquire), *oldest = NULL;

    while (newest) {
        struct message *next = newest->next;

        newest->next = oldest;
        oldest = newest;
        newest = next;
    }
    return oldest;
}
