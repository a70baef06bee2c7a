/* SPDX-License-Identifier: MIT
 * Who knows the globals, whether what is known is still true, and since when a fresh session may be another.
 */
#include "proxy/globals.h"
#include "proxy/target.h"

#include "proxy/clock.h"
#include "proxy/invariant.h"

static void raise_to(atomic_int_least64_t *time, int64_t us)
{
    if (atomic_load(time) < us)
        atomic_store(time, us);
}

static struct globals *newest_of(const struct target_globals *known)
{
    return known->count ? known->kept[known->count - 1] : NULL;
}

/* What was read last is there now. */
static void set_right(struct target_globals *known)
{
    known->changing_from_us = 0;
    atomic_store(&known->right, newest_of(known)->version);
}

void target_globals_close(struct target *target)
{
    for (unsigned i = 0; i < target->globals.count; i++)
        globals_drop(target->globals.kept[i]);
}

void target_globals_changing(struct target *target)
{
    struct target_globals *known = &target->globals;

    pthread_mutex_lock(&target->mutex);
    if (!known->changing_from_us)
        known->changing_from_us = monotonic_us();
    known->changing++;
    atomic_store(&known->right, 0);
    pthread_mutex_unlock(&target->mutex);
}

bool target_globals_changed(struct target *target, bool refused)
{
    struct target_globals *known = &target->globals;
    bool as_before;

    pthread_mutex_lock(&target->mutex);
    INVARIANT(known->changing);
    known->changing--;
    if (!refused) {
        known->changes++;
        raise_to(&known->globals_us, monotonic_us());
        raise_to(&known->privileges_us, monotonic_us());
    }
    as_before = known->count && known->changing == 0 && known->changes == known->right_changes;
    if (as_before)
        set_right(known);
    pthread_mutex_unlock(&target->mutex);
    return as_before;
}

bool target_globals_right(const struct target *target, const struct globals *globals)
{
    return globals && globals->version == atomic_load_explicit(&target->globals.right, memory_order_acquire);
}

bool target_has_globals(const struct target *target, const struct epoch *epoch)
{
    return epoch->globals_us >= atomic_load_explicit(&target->globals.globals_us, memory_order_relaxed);
}

int64_t target_privileges_since(const struct target *target)
{
    return atomic_load_explicit(&target->globals.privileges_us, memory_order_relaxed);
}

bool target_globals_untouched(struct target *target)
{
    bool untouched;

    pthread_mutex_lock(&target->mutex);
    untouched = target->globals.changes == 0 && target->globals.changing == 0;
    pthread_mutex_unlock(&target->mutex);
    return untouched;
}

struct globals *target_globals_next(struct target *target, const struct globals *known)
{
    struct target_globals *all = &target->globals;
    struct globals *next = NULL;

    pthread_mutex_lock(&target->mutex);
    for (unsigned i = all->count; i-- > 0 && (!known || all->kept[i]->version > known->version);) {
        next = all->kept[i];
        if (!known)
            break; /* the newest will do */
    }
    next = globals_hold(next);
    pthread_mutex_unlock(&target->mutex);
    return next;
}

void target_globals_unknown(struct target *target)
{
    pthread_mutex_lock(&target->mutex);
    atomic_store(&target->globals.right, 0);
    target->globals.right_changes = UINT64_MAX; /* only a reading makes it right again */
    pthread_mutex_unlock(&target->mutex);
}

uint64_t target_globals_begin(struct target *target)
{
    uint64_t changes;

    pthread_mutex_lock(&target->mutex);
    changes = target->globals.changes;
    pthread_mutex_unlock(&target->mutex);
    return changes;
}

/* The oldest makes room, and is returned. */
static struct globals *put_newest(struct target_globals *known, struct globals *globals)
{
    struct globals *oldest = NULL;

    if (known->count == GLOBALS_KEPT) {
        oldest = known->kept[0];
        for (unsigned i = 1; i < known->count; i++)
            known->kept[i - 1] = known->kept[i];
        known->count--;
    }
    known->kept[known->count++] = globals;
    return oldest;
}

void target_globals_learn(struct target *target, struct session_values *values, uint64_t began, int64_t began_us, int64_t ended_us)
{
    struct target_globals *known = &target->globals;
    struct globals *newest = newest_of(known), *fresh = NULL, *oldest = NULL; /* nobody but this thread puts one there */

    if (!newest || !session_values_equal(newest->values, values))
        fresh = globals_new(values, newest ? newest->version + 1 : 1, known->same_us, ended_us);
    else
        session_values_free(values);
    pthread_mutex_lock(&target->mutex);
    known->readings++;
    known->took_us = ended_us - began_us;
    known->same_us = began_us;
    if (fresh && known->changing_from_us)
        fresh->until_us = known->changing_from_us;
    if (fresh)
        oldest = put_newest(known, fresh);
    if (fresh && newest)
        raise_to(&known->globals_us, ended_us);
    known->right_changes = began;
    if (known->changing == 0 && known->changes == began)
        set_right(known);
    pthread_mutex_unlock(&target->mutex);
    globals_drop(oldest);
    if (fresh && target->changed)
        target->changed(target->changed_data);
}

struct target_globals_numbers target_globals_numbers(struct target *target)
{
    const struct target_globals *known = &target->globals;
    struct target_globals_numbers numbers;

    pthread_mutex_lock(&target->mutex);
    numbers = (struct target_globals_numbers){
        .right = atomic_load(&known->right) != 0, .readings = known->readings, .took_us = known->took_us,
        .epoch = known->count ? known->kept[known->count - 1]->version : 0};
    pthread_mutex_unlock(&target->mutex);
    return numbers;
}
