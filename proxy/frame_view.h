/* SPDX-License-Identifier: MIT
 * What can be seen of the backends from outside: for each a view, in one list for all workers.
 *
 * A view is its backend's: only the thread that has the backend writes it, any thread reads (relaxed: a line that is just being changed may show half of it).
 * The list has a lock, a leaf, taken when a connection begins or ends and by who looks.
 */
#ifndef SLUSE_PROXY_FRAME_VIEW_H
#define SLUSE_PROXY_FRAME_VIEW_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "proxy/stats.h"

/* What is seen of one. */
struct frame_shown {
    uint64_t id;
    uint32_t thread_id;       /* at the server; 0: not known yet */
    uint32_t session;         /* virtual id of the session that has it, waits for it to be loaded, or whose page lies on it; 0: nobody */
    uint32_t resident;        /* it is the latter */
    uint32_t state;           /* enum backend_state */
    int64_t since_us;         /* when that began */
    int64_t command_us;       /* when the command began that the session runs there; 0: it runs none */
    int64_t pinned_us[PINS];  /* since when the reason holds the session there; 0: it does not */
};

struct frame_view {
    TAILQ_ENTRY(frame_view) link;
    struct frame_shown shown;
    pin_set pins;
};

TAILQ_HEAD(frame_view_list, frame_view);

struct frame_views {
    pthread_mutex_t mutex;
    size_t count;
    struct frame_view_list list; /* oldest first */
};

void frame_views_open(struct frame_views *views);
void frame_views_close(struct frame_views *views);
/* Copies what is seen of up to `room` of them; returns how many there are. Any thread. */
size_t frame_views_copy(struct frame_views *views, struct frame_shown *copies, size_t room);

/* A backend begins (its view is all zeros) and ends. */
void frame_view_begin(struct frame_views *views, struct frame_view *view, uint64_t id, enum backend_state state, int64_t now_us);
void frame_view_end(struct frame_views *views, struct frame_view *view);
void frame_view_thread(struct frame_view *view, uint32_t thread_id);
void frame_view_state(struct frame_view *view, enum backend_state state, int64_t now_us);
/* Another session's, or nobody's (0), is pinned by nothing; and no command runs where a page only lies. */
void frame_view_session(struct frame_view *view, uint32_t session, bool resident);
/* Its session's command began then; 0: it runs none. */
void frame_view_command(struct frame_view *view, int64_t began_us);
/* now_us 0: the reason holds it no more. */
void frame_view_pin(struct frame_view *view, enum pin pin, int64_t now_us);

#endif
