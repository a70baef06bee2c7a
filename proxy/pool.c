/* SPDX-License-Identifier: MIT
 * The bound and the queue.
 */
#include "proxy/pool.h"

#include <string.h>

#include "proxy/invariant.h"

#define BACKOFF_FIRST_US 50000
#define BACKOFF_LAST_US 2000000

void pool_open(struct pool *pool, uint64_t size, uint64_t max_waiting)
{
    memset(pool, 0, sizeof *pool);
    pool->size = size;
    pool->max_waiting = max_waiting;
    pthread_mutex_init(&pool->mutex, NULL);
    TAILQ_INIT(&pool->shared.queue);
    atomic_init(&pool->waiting, 0);
    atomic_init(&pool->shrinking, false);
}

void pool_close(struct pool *pool)
{
    pthread_mutex_destroy(&pool->mutex);
}

static void note_used_locked(struct pool *pool)
{
    atomic_store_explicit(&pool->shrinking, pool->shared.used > pool->size, memory_order_relaxed);
}

void pool_resize(struct pool *pool, uint64_t size, uint64_t max_waiting)
{
    pthread_mutex_lock(&pool->mutex);
    pool->size = size;
    pool->max_waiting = max_waiting;
    note_used_locked(pool);
    pthread_mutex_unlock(&pool->mutex);
}

bool pool_retire(struct pool *pool)
{
    bool retires;

    if (!atomic_load_explicit(&pool->shrinking, memory_order_relaxed))
        return false;
    pthread_mutex_lock(&pool->mutex);
    retires = pool->shared.used > pool->size + pool->shared.retiring;
    if (retires)
        pool->shared.retiring++;
    pthread_mutex_unlock(&pool->mutex);
    return retires;
}

void pool_retired(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    INVARIANT(pool->shared.retiring > 0);
    pool->shared.retiring--;
    pthread_mutex_unlock(&pool->mutex);
}

static void take_slot_locked(struct pool *pool)
{
    INVARIANT(pool->shared.used < pool->size);
    if (++pool->shared.used > pool->shared.used_max)
        pool->shared.used_max = pool->shared.used;
}

/* After a failure one connection at a time tries, and only when its time has come. */
static bool may_connect_locked(const struct pool *pool, int64_t now_us)
{
    return pool->shared.used < pool->size && (pool->shared.failures == 0 || now_us >= pool->shared.retry_at_us);
}

static void count_waiting_locked(struct pool *pool, int64_t change)
{
    uint64_t waiting = atomic_load_explicit(&pool->waiting, memory_order_relaxed) + (uint64_t)change;

    atomic_store(&pool->waiting, waiting); /* sequentially consistent: see frames_idle */
    if (waiting > pool->shared.waiting_max)
        pool->shared.waiting_max = waiting;
}

static void enqueue_locked(struct pool *pool, struct waiter *waiter)
{
    struct waiter *each;

    if (!waiter->ticket)
        waiter->ticket = ++pool->shared.tickets;
    waiter->queued = true;
    count_waiting_locked(pool, 1);
    TAILQ_FOREACH_REVERSE(each, &pool->shared.queue, waiter_list, link) {
        if (each->ticket < waiter->ticket) {
            TAILQ_INSERT_AFTER(&pool->shared.queue, each, waiter, link);
            return;
        }
    }
    TAILQ_INSERT_HEAD(&pool->shared.queue, waiter, link);
}

static struct waiter *dequeue_locked(struct pool *pool, struct waiter *waiter)
{
    TAILQ_REMOVE(&pool->shared.queue, waiter, link);
    waiter->queued = false;
    count_waiting_locked(pool, -1);
    return waiter;
}

/* The first waiter, and it is this connection's turn to try: after a failure the next one has to wait for another turn. */
static struct waiter *connect_for_head_locked(struct pool *pool, int64_t now_us)
{
    if (pool->shared.failures)
        pool->shared.retry_at_us = now_us + BACKOFF_LAST_US;
    return dequeue_locked(pool, TAILQ_FIRST(&pool->shared.queue));
}

enum pool_answer pool_ask(struct pool *pool, struct waiter *waiter, int64_t now_us)
{
    enum pool_answer answer = POOL_QUEUED;

    pthread_mutex_lock(&pool->mutex);
    if (TAILQ_EMPTY(&pool->shared.queue) && may_connect_locked(pool, now_us)) {
        if (pool->shared.failures)
            pool->shared.retry_at_us = now_us + BACKOFF_LAST_US;
        if (!waiter->ticket)
            waiter->ticket = ++pool->shared.tickets;
        take_slot_locked(pool);
        answer = POOL_SLOT;
    } else if (pool->max_waiting && atomic_load_explicit(&pool->waiting, memory_order_relaxed) >= pool->max_waiting) {
        answer = POOL_FULL;
    } else {
        enqueue_locked(pool, waiter);
    }
    pthread_mutex_unlock(&pool->mutex);
    return answer;
}

void pool_return(struct pool *pool, struct waiter *waiter)
{
    pthread_mutex_lock(&pool->mutex);
    enqueue_locked(pool, waiter);
    pthread_mutex_unlock(&pool->mutex);
}

bool pool_leave(struct pool *pool, struct waiter *waiter)
{
    bool queued;

    pthread_mutex_lock(&pool->mutex);
    queued = waiter->queued;
    if (queued)
        (void)dequeue_locked(pool, waiter);
    pthread_mutex_unlock(&pool->mutex);
    return queued;
}

bool pool_take_spare(struct pool *pool, int64_t now_us)
{
    bool taken;

    pthread_mutex_lock(&pool->mutex);
    taken = TAILQ_EMPTY(&pool->shared.queue) && may_connect_locked(pool, now_us);
    if (taken) {
        if (pool->shared.failures)
            pool->shared.retry_at_us = now_us + BACKOFF_LAST_US;
        take_slot_locked(pool);
    }
    pthread_mutex_unlock(&pool->mutex);
    return taken;
}

bool pool_head(struct pool *pool, uint32_t *key)
{
    struct waiter *head;

    pthread_mutex_lock(&pool->mutex);
    head = TAILQ_FIRST(&pool->shared.queue);
    if (head)
        *key = head->key;
    pthread_mutex_unlock(&pool->mutex);
    return head != NULL;
}

struct waiter *pool_take_head(struct pool *pool, uint32_t key)
{
    struct waiter *head;

    pthread_mutex_lock(&pool->mutex);
    head = TAILQ_FIRST(&pool->shared.queue);
    if (head && head->key == key)
        (void)dequeue_locked(pool, head);
    else
        head = NULL;
    pthread_mutex_unlock(&pool->mutex);
    return head;
}

struct waiter *pool_slot_back(struct pool *pool, int64_t now_us)
{
    struct waiter *waiter = NULL;

    pthread_mutex_lock(&pool->mutex);
    INVARIANT(pool->shared.used > 0);
    pool->shared.used--;
    note_used_locked(pool);
    if (!TAILQ_EMPTY(&pool->shared.queue) && may_connect_locked(pool, now_us)) {
        take_slot_locked(pool);
        waiter = connect_for_head_locked(pool, now_us);
    }
    pthread_mutex_unlock(&pool->mutex);
    return waiter;
}

struct waiter *pool_slot_for_head(struct pool *pool, int64_t now_us)
{
    struct waiter *waiter = NULL;

    pthread_mutex_lock(&pool->mutex);
    if (!TAILQ_EMPTY(&pool->shared.queue) && may_connect_locked(pool, now_us)) {
        take_slot_locked(pool);
        waiter = connect_for_head_locked(pool, now_us);
    }
    pthread_mutex_unlock(&pool->mutex);
    return waiter;
}

int64_t pool_failed(struct pool *pool, int64_t now_us)
{
    int64_t wait = BACKOFF_FIRST_US, retry_at_us;

    pthread_mutex_lock(&pool->mutex);
    for (unsigned i = 0; i < pool->shared.failures && wait < BACKOFF_LAST_US; i++)
        wait *= 2;
    if (wait > BACKOFF_LAST_US)
        wait = BACKOFF_LAST_US;
    pool->shared.failures++;
    retry_at_us = pool->shared.retry_at_us = now_us + wait;
    pthread_mutex_unlock(&pool->mutex);
    return retry_at_us;
}

void pool_succeeded(struct pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    pool->shared.failures = 0;
    pthread_mutex_unlock(&pool->mutex);
}

uint64_t pool_waiting(const struct pool *pool)
{
    return atomic_load_explicit(&((struct pool *)(uintptr_t)pool)->waiting, memory_order_seq_cst);
}

struct pool_numbers pool_numbers(struct pool *pool)
{
    struct pool_numbers numbers;
    struct waiter *head;

    pthread_mutex_lock(&pool->mutex);
    head = TAILQ_FIRST(&pool->shared.queue);
    numbers = (struct pool_numbers){
        .size = pool->size,
        .used = pool->shared.used,
        .used_max = pool->shared.used_max,
        .waiting = atomic_load_explicit(&pool->waiting, memory_order_relaxed),
        .waiting_max = pool->shared.waiting_max,
        .oldest_since_us = head ? head->since_us : 0,
        .failing = pool->shared.failures != 0,
    };
    pthread_mutex_unlock(&pool->mutex);
    return numbers;
}
