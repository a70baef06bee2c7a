/* SPDX-License-Identifier: MIT
 * Messages to a loop: none is lost, those of one thread keep their order, and what a loop defers runs before it sleeps.
 */
#include "proxy/invariant.h"
#include "proxy/loop.h"
#include "tests/unit/split.h"

Suite *mailbox_suite(void);

#define THREADS 4
#define EACH 20000u

struct letter {
    struct message message;
    unsigned thread, number;
};

static struct loop loop;
static unsigned seen[THREADS], total;

static void set_up(void)
{
    loop_open(&loop, 0, NULL);
}

static void tear_down(void)
{
    loop_close(&loop);
}

static void read_letter(struct loop *at, struct message *message)
{
    struct letter *letter = container_of(message, struct letter, message);
    if (at != &loop || letter->number != seen[letter->thread])
        ck_abort_msg("letter %u of thread %u, not %u", letter->number, letter->thread, seen[letter->thread]);
    seen[letter->thread]++;
    if (++total == THREADS * EACH)
        loop_stop(&loop);
    free(letter);
}

static void *write_letters(void *data)
{
    unsigned thread = (unsigned)(uintptr_t)data;
    for (unsigned i = 0; i < EACH; i++) {
        struct letter *letter = zalloc(sizeof(*letter));
        *letter = (struct letter){.message.run = read_letter, .thread = thread, .number = i};
        loop_send(&loop, &letter->message);
    }
    return NULL;
}

START_TEST(from_many_threads)
{
    pthread_t threads[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_letters, (void *)i), 0);
    loop_run(&loop);
    for (size_t i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_eq(seen[i], EACH);
    }
    ck_assert_ptr_null(mailbox_take(&loop.mailbox));
}
END_TEST

START_TEST(oldest_first)
{
    struct message messages[3];
    ck_assert_ptr_null(mailbox_take(&loop.mailbox));
    for (size_t i = 0; i < 3; i++)
        mailbox_send(&loop.mailbox, loop.ev, &messages[i]);
    struct message *first = mailbox_take(&loop.mailbox);
    ck_assert_ptr_eq(first, &messages[0]);
    ck_assert_ptr_eq(first->next, &messages[1]);
    ck_assert_ptr_eq(first->next->next, &messages[2]);
    ck_assert_ptr_null(first->next->next->next);
    ck_assert_ptr_null(mailbox_take(&loop.mailbox));
}
END_TEST

/* --- what runs later, and what is buried --- */

struct corpse {
    struct grave grave;
    int alive;
};

static struct message later[3];
static unsigned order[3], ran;
static struct corpse *corpse;

static void run_third(struct loop *at, struct message *message)
{
    (void)message;
    order[2] = ++ran;
    ck_assert_int_eq(corpse->alive, 1); /* to the end of the turn */
    loop_stop(at);
}

static void run_first(struct loop *at, struct message *message)
{
    order[message - later] = ++ran;
    if (message == &later[0]) {
        later[2].run = run_third;
        loop_defer(at, &later[2]); /* while they run: at the end */
        loop_bury(at, &corpse->grave, corpse);
    }
}

START_TEST(deferred)
{
    corpse = zalloc(sizeof(*corpse));
    corpse->alive = 1;
    later[0].run = later[1].run = run_first;
    loop_defer(&loop, &later[0]);
    loop_defer(&loop, &later[1]);
    ck_assert_uint_eq(ran, 0);
    loop_run(&loop);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_uint_eq(order[i], i + 1);
    ck_assert_ptr_null(loop.graveyard);
}
END_TEST

START_TEST(turning)
{
    atomic_store(&loop.turned, 0);
    ev_run(loop.ev, EVRUN_NOWAIT);
    ck_assert(monotonic_seconds() - atomic_load(&loop.turned) <= 1);
}
END_TEST

Suite *mailbox_suite(void)
{
    Suite *suite = suite_create("mailbox");
    TCase *tests = tcase_create("mailbox");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, from_many_threads);
    tcase_add_test(tests, oldest_first);
    tcase_add_test(tests, deferred);
    tcase_add_test(tests, turning);
    suite_add_tcase(suite, tests);
    return suite;
}
