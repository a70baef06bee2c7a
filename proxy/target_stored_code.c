/* SPDX-License-Identifier: MIT
 * Who knows the stored code, and whether what is known is still true.
 */
#include "proxy/stored_code.h"
#include "proxy/target.h"

#include "proxy/invariant.h"

void target_stored_code_changing(struct target *target)
{
    struct target_stored_code *known = &target->stored_code;

    pthread_mutex_lock(&target->mutex);
    known->changing++;
    atomic_store(&known->right, 0);
    pthread_mutex_unlock(&target->mutex);
}

void target_stored_code_changed(struct target *target)
{
    struct target_stored_code *known = &target->stored_code;

    pthread_mutex_lock(&target->mutex);
    INVARIANT(known->changing);
    known->changing--;
    atomic_fetch_add(&known->changes, 1);
    pthread_mutex_unlock(&target->mutex);
}

bool target_stored_code_right(const struct target *target, const struct stored_code *code)
{
    return code && code->version == atomic_load_explicit(&target->stored_code.right, memory_order_acquire);
}

/* A change that ends between the two loads makes it look older than it is: then more is asked of it. */
struct stored_code_moment target_stored_code_moment(struct target *target, const struct stored_code *code)
{
    struct target_stored_code *known = &target->stored_code;
    uint64_t changes = atomic_load(&known->changes);
    struct stored_code_moment m = {.known = code ? code->version : 0, .since = changes, .quiet = changes};

    if (target_stored_code_right(target, code)) {
        m.right = code->version;
        return m;
    }
    pthread_mutex_lock(&target->mutex);
    m.since = code && known->sure_version == code->version ? known->sure_changes : STORED_CODE_NEVER;
    m.quiet = known->changing ? STORED_CODE_NEVER : atomic_load(&known->changes);
    m.awaited = !known->failed;
    pthread_mutex_unlock(&target->mutex);
    return m;
}

bool target_stored_code_unchanged(const struct target *target, const struct stored_code_moment *moment)
{
    const struct target_stored_code *known = &target->stored_code;

    return moment->right && atomic_load(&known->right) == moment->right && atomic_load(&known->changes) == moment->since;
}

bool target_stored_code_sure(struct target *target, const struct stored_code *code, uint64_t *changes)
{
    bool right;

    pthread_mutex_lock(&target->mutex);
    right = target_stored_code_right(target, code);
    *changes = target->stored_code.sure_changes;
    pthread_mutex_unlock(&target->mutex);
    return right;
}

struct stored_code *target_stored_code(struct target *target)
{
    struct stored_code *code;

    pthread_mutex_lock(&target->mutex);
    code = stored_code_hold(target->stored_code.newest);
    pthread_mutex_unlock(&target->mutex);
    return code;
}

void target_stored_code_unknown(struct target *target)
{
    pthread_mutex_lock(&target->mutex);
    atomic_store(&target->stored_code.right, 0);
    pthread_mutex_unlock(&target->mutex);
}

void target_stored_code_failed(struct target *target)
{
    bool news;

    pthread_mutex_lock(&target->mutex);
    atomic_store(&target->stored_code.right, 0);
    news = !target->stored_code.failed;
    target->stored_code.failed = true;
    pthread_mutex_unlock(&target->mutex);
    if (news && target->changed)
        target->changed(target->changed_data);
}

bool target_stored_code_begin(struct target *target, uint64_t *began)
{
    bool quiet;

    pthread_mutex_lock(&target->mutex);
    quiet = target->stored_code.changing == 0;
    *began = atomic_load(&target->stored_code.changes);
    pthread_mutex_unlock(&target->mutex);
    return quiet;
}

void target_stored_code_learn(struct target *target, struct stored_code *code, uint64_t began, int64_t took_us)
{
    struct target_stored_code *known = &target->stored_code;
    struct stored_code *old = known->newest; /* nobody but this thread changes it */
    bool same = code && old && stored_code_same(code, old);
    bool right, news;

    if (code)
        code->version = old ? old->version + 1 : 1;
    pthread_mutex_lock(&target->mutex);
    if (code && !same)
        known->newest = code;
    if (code) {
        known->failed = false;
        known->readings++;
        known->took_us = took_us;
    }
    right = known->newest && known->changing == 0 && atomic_load(&known->changes) == began;
    news = right && atomic_load(&known->right) != known->newest->version;
    if (right) {
        known->sure_version = known->newest->version;
        known->sure_changes = began;
        atomic_store(&known->right, known->newest->version);
    }
    pthread_mutex_unlock(&target->mutex);
    if (code)
        stored_code_drop(same ? code : old);
    if (news && target->changed)
        target->changed(target->changed_data);
}

struct target_stored_code_numbers target_stored_code_numbers(struct target *target)
{
    const struct target_stored_code *known = &target->stored_code;
    struct target_stored_code_numbers numbers = {0};

    pthread_mutex_lock(&target->mutex);
    numbers.readings = known->readings;
    numbers.took_us = known->took_us;
    numbers.right = atomic_load(&known->right) != 0;
    if (known->newest) {
        numbers.names = known->newest->names.count;
        numbers.schemas = known->newest->names.schema_count;
    }
    pthread_mutex_unlock(&target->mutex);
    return numbers;
}
