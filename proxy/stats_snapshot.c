/* SPDX-License-Identifier: MIT
 * Collecting what is shown.
 */
#include "proxy/stats_snapshot.h"

#include <stdlib.h>
#include <string.h>

const struct gauge_row gauge_rows[] = {
#define GAUGE(path, kind, text, value) {path, GAUGE_##kind, text},
#include "proxy/stats.def"
};

const unsigned gauge_count = sizeof gauge_rows / sizeof gauge_rows[0];

uint64_t not_negative(int64_t value)
{
    return value < 0 ? 0 : (uint64_t)value;
}

int64_t gauge_value(const struct snapshot *s, unsigned row)
{
    const int64_t values[] = {
#define GAUGE(path, kind, text, value) (int64_t)(value),
#include "proxy/stats.def"
    };

    return (int64_t)not_negative(values[row]);
}

/* Connections that begin meanwhile are left out. */
static void take_frames(struct snapshot *s, struct frame_views *views)
{
    size_t room = frame_views_copy(views, NULL, 0), count;

    s->frames = calloc(room + 1, sizeof *s->frames);
    if (!s->frames)
        return;
    count = frame_views_copy(views, s->frames, room);
    s->frame_count = count < room ? count : room;
    for (size_t f = 0; f < s->frame_count; f++) {
        for (unsigned i = 0; i < PINS; i++) {
            int64_t since_us = s->frames[f].pinned_us[i];

            if (since_us && s->now_us - since_us > s->pinned_oldest_us[i])
                s->pinned_oldest_us[i] = s->now_us - since_us;
        }
    }
}

void snapshot_take(struct snapshot *s, const struct stats_sources *from)
{
    memset(s, 0, sizeof *s);
    for (unsigned i = 0; i < from->workers->count; i++)
        stats_sum(&s->sum, &from->workers->list[i].loop.stats);
    s->now_us = monotonic_us();
    s->uptime_us = s->now_us - from->started_us;
    s->workers = from->workers->count;
    s->max_clients = (uint64_t)atomic_load(&from->workers->max_clients);
    s->pool = pool_numbers(from->pool);
    s->waiting_oldest_us = s->pool.oldest_since_us ? s->now_us - s->pool.oldest_since_us : 0;
    s->stalled = s->pool.waiting && s->sum.pinned_idle > 0 && (uint64_t)s->sum.pinned_idle + 1 >= s->pool.size;
    s->reloads = atomic_load(&from->reloads->done);
    s->reloads_refused = atomic_load(&from->reloads->refused);
    s->stale = atomic_load(&from->reloads->stale);
    s->ready = readiness(from->workers, s->readiness);
    s->accounts = accounts_numbers(from->workers->list[0].frames.context.accounts);
    s->target_up = atomic_load(&from->target->up);
    s->target_name = from->target->name;
    target_error(from->target, s->target_error, sizeof s->target_error);
    s->facts = target_facts(from->target);
    s->stored_code = target_stored_code_numbers(from->target);
    s->globals = target_globals_numbers(from->target);
    take_frames(s, &from->workers->views);
}

void snapshot_free(struct snapshot *s)
{
    free(s->frames);
    s->frames = NULL;
}
