/* SPDX-License-Identifier: MIT
 * The pool under four threads that ask, leave, give back and take: never more than its size, nobody forgotten. Part of pool_suite.
 */
#include "proxy/pool.h"
#include "tests/unit/split.h"

TCase *pool_thread_tests(void);

#define THREADS 4
#define WAITERS 6 /* a thread */
#define STEPS 40000
#define SIZE 5

enum place { OUTSIDE, HOLDS, WAITS };

struct actor {
    struct waiter waiters[WAITERS];
    enum place places[WAITERS]; /* what we last did with it; whoever took it off the queue sets `granted` */
    uint64_t random;
};

static struct pool pool;
static struct actor actors[THREADS];
static atomic_int granted[THREADS][WAITERS];
static atomic_uint held; /* slots, counted beside the pool */

static void grant(struct waiter *waiter)
{
    for (size_t a = 0; waiter && a < THREADS; a++)
        if (waiter >= actors[a].waiters && waiter < actors[a].waiters + WAITERS)
            atomic_store(&granted[a][waiter - actors[a].waiters], 1);
}

static void took_slot(void)
{
    if (atomic_fetch_add(&held, 1) >= SIZE)
        ck_abort_msg("more slots than there are");
}

/* The slot of whoever gives it up is counted out first: between the two somebody else may have it. */
static void give_up(struct actor *me, size_t w)
{
    struct waiter *next;
    me->places[w] = OUTSIDE;
    me->waiters[w].ticket = 0;
    atomic_fetch_sub(&held, 1);
    next = pool_slot_back(&pool, 0);
    if (next)
        took_slot();
    grant(next);
}

static void step(struct actor *me, size_t a, size_t w, uint32_t dice)
{
    struct waiter *waiter = &me->waiters[w];
    switch (me->places[w]) {
    case OUTSIDE:
        waiter->key = dice % 2;
        me->places[w] = WAITS;
        if (pool_ask(&pool, waiter, 0) == POOL_SLOT) {
            took_slot();
            me->places[w] = HOLDS;
        }
        break;
    case HOLDS:
        if (dice % 4 == 0 && (waiter = pool_take_head(&pool, dice / 4 % 2))) {
            me->places[w] = OUTSIDE; /* our backend goes to the head, with its slot */
            me->waiters[w].ticket = 0;
            grant(waiter);
        } else {
            give_up(me, w);
        }
        break;
    case WAITS:
        if (atomic_exchange(&granted[a][w], 0)) {
            me->places[w] = HOLDS;
        } else if (dice % 8 == 0 && pool_leave(&pool, waiter)) {
            me->places[w] = OUTSIDE;
            waiter->ticket = 0;
        }
        break;
    }
}

static void *act(void *data)
{
    struct actor *me = data;
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t dice = fuzz_random(&me->random);
        struct pool_numbers n = pool_numbers(&pool);
        if (n.used > SIZE || n.waiting > THREADS * WAITERS)
            ck_abort_msg("%u used, %u waiting", (unsigned)n.used, (unsigned)n.waiting);
        if (i % 16 == 0) {
            struct waiter *head = pool_slot_for_head(&pool, 0);
            if (head)
                ck_abort_msg("a slot was free while somebody waited");
        }
        step(me, (size_t)(me - actors), dice % WAITERS, dice / WAITERS);
    }
    return NULL;
}

/* Everybody gives up or leaves until nobody is in. */
static void wind_down(void)
{
    for (bool busy = true; busy;) {
        busy = false;
        for (size_t i = 0; i < THREADS * WAITERS; i++) {
            struct actor *each = &actors[i / WAITERS];
            if (each->places[i % WAITERS] == OUTSIDE)
                continue;
            step(each, i / WAITERS, i % WAITERS, 8 * 4 + 1 + 7 * (each->places[i % WAITERS] == WAITS));
            busy = true;
        }
    }
}

START_TEST(many_threads)
{
    pthread_t threads[THREADS];
    pool_open(&pool, SIZE, 0);
    for (size_t i = 0; i < THREADS; i++) {
        actors[i].random = 17 + i;
        ck_assert_int_eq(pthread_create(&threads[i], NULL, act, &actors[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    wind_down();
    ck_assert_uint_eq(atomic_load(&held), 0);
    ck_assert_uint_eq(pool_numbers(&pool).used, 0);
    ck_assert_uint_eq(pool_numbers(&pool).used_max, SIZE);
    ck_assert(TAILQ_EMPTY(&pool.shared.queue));
    ck_assert_uint_eq(pool_waiting(&pool), 0);
    pool_close(&pool);
}
END_TEST

TCase *pool_thread_tests(void)
{
    TCase *tests = tcase_create("threads");
    tcase_set_timeout(tests, 60);
    tcase_add_test(tests, many_threads);
    return tests;
}
