/* SPDX-License-Identifier: MIT
 * Views of the backends.
 */
#include "proxy/frame_view.h"

void frame_views_open(struct frame_views *views)
{
    pthread_mutex_init(&views->mutex, NULL);
    views->count = 0;
    TAILQ_INIT(&views->list);
}

void frame_views_close(struct frame_views *views)
{
    pthread_mutex_destroy(&views->mutex);
}

#define READ(field) __atomic_load_n(&(field), __ATOMIC_RELAXED)

static void copy(const struct frame_shown *from, struct frame_shown *to)
{
    *to = (struct frame_shown){
        .id = from->id, /* never changes */
        .thread_id = READ(from->thread_id),
        .session = READ(from->session),
        .resident = READ(from->resident),
        .state = READ(from->state),
        .since_us = READ(from->since_us),
        .command_us = READ(from->command_us),
    };
    for (int i = 0; i < PINS; i++)
        to->pinned_us[i] = READ(from->pinned_us[i]);
}

size_t frame_views_copy(struct frame_views *views, struct frame_shown *copies, size_t room)
{
    struct frame_view *each;
    size_t count = 0;

    pthread_mutex_lock(&views->mutex);
    TAILQ_FOREACH(each, &views->list, link)
        if (count < room)
            copy(&each->shown, &copies[count++]);
    count = views->count;
    pthread_mutex_unlock(&views->mutex);
    return count;
}

void frame_view_begin(struct frame_views *views, struct frame_view *view, uint64_t id, enum backend_state state, int64_t now_us)
{
    view->shown.id = id;
    frame_view_state(view, state, now_us);
    pthread_mutex_lock(&views->mutex);
    TAILQ_INSERT_TAIL(&views->list, view, link);
    views->count++;
    pthread_mutex_unlock(&views->mutex);
}

void frame_view_end(struct frame_views *views, struct frame_view *view)
{
    pthread_mutex_lock(&views->mutex);
    TAILQ_REMOVE(&views->list, view, link);
    views->count--;
    pthread_mutex_unlock(&views->mutex);
}

void frame_view_thread(struct frame_view *view, uint32_t thread_id)
{
    STATS_SET(view->shown.thread_id, thread_id);
}

void frame_view_state(struct frame_view *view, enum backend_state state, int64_t now_us)
{
    STATS_SET(view->shown.state, state);
    STATS_SET(view->shown.since_us, now_us);
}

void frame_view_session(struct frame_view *view, uint32_t session, bool resident)
{
    if (session != view->shown.session)
        for (unsigned i = 0; view->pins && i < PINS; i++)
            frame_view_pin(view, (enum pin)i, 0);
    if (session != view->shown.session || resident)
        frame_view_command(view, 0);
    STATS_SET(view->shown.session, session);
    STATS_SET(view->shown.resident, resident);
}

void frame_view_command(struct frame_view *view, int64_t began_us)
{
    STATS_SET(view->shown.command_us, began_us);
}

void frame_view_pin(struct frame_view *view, enum pin pin, int64_t now_us)
{
    STATS_SET(view->shown.pinned_us[pin], now_us);
    if (now_us)
        view->pins |= PIN_BIT(pin);
    else
        view->pins &= ~PIN_BIT(pin);
}
