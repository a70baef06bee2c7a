/* SPDX-License-Identifier: MIT
 * The watchdog: it is fed as long as every worker's loop turns. The service manager is a socket of our own.
 */
#include "proxy/notify.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/split.h"

Suite *notify_suite(void);

#define STALE 6 /* seconds: more than the five that a loop may be away */

static int manager;
static struct sockaddr_un address;
static struct worker list[3];
static struct workers workers;
static struct pool pool;
static struct notify notify;

static void set_up(void)
{
    char pid[20];

    address = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/sluse-notify-%d", getpid());
    manager = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0);
    ck_assert_int_eq(bind(manager, (struct sockaddr *)&address, sizeof(address)), 0);
    snprintf(pid, sizeof(pid), "%d", getpid());
    ck_assert_int_eq(setenv("NOTIFY_SOCKET", address.sun_path, 1) | setenv("WATCHDOG_USEC", "2000000", 1) | setenv("WATCHDOG_PID", pid, 1), 0);
    workers = (struct workers){.count = 3, .list = list};
    for (size_t i = 0; i < 3; i++)
        atomic_store(&list[i].loop.turned, monotonic_seconds());
    pool_open(&pool, 5, 0);
    notify_open(&notify);
}

static void tear_down(void)
{
    pool_close(&pool);
    close(manager);
    unlink(address.sun_path);
}

static bool hears_watchdog(void)
{
    char said[400];
    bool heard = false;
    ssize_t length;

    while ((length = recv(manager, said, sizeof(said) - 1, 0)) > 0) {
        said[length] = '\0';
        heard |= strcmp(said, "WATCHDOG=1") == 0;
    }
    return heard;
}

static bool is_fed(void)
{
    notify.ready = true; /* that is another matter */
    notify.fed_us = 0;   /* it is due */
    notify_tick(&notify, &workers, &pool);
    return hears_watchdog();
}

START_TEST(as_long_as_loops_turn)
{
    ck_assert_int_eq(notify.watchdog_us, 1000000); /* twice in the manager's time */
    ck_assert(workers_turning(&workers));
    ck_assert(is_fed());
    notify_tick(&notify, &workers, &pool);
    ck_assert(!hears_watchdog()); /* it is not due yet */
    ck_assert(is_fed());
}
END_TEST

/* Any of them; and not any more once it turns again. */
START_TEST(not_when_one_is_stuck)
{
    atomic_store(&list[_i].loop.turned, monotonic_seconds() - STALE);
    ck_assert(!workers_turning(&workers));
    ck_assert(!is_fed());
    ck_assert_int_eq(notify.fed_us, 0); /* and so it is due at the next tick, too */
    atomic_store(&list[_i].loop.turned, monotonic_seconds());
    ck_assert(workers_turning(&workers));
    ck_assert(is_fed());
}
END_TEST

START_TEST(some_seconds_are_no_sign)
{
    atomic_store(&list[1].loop.turned, monotonic_seconds() - STALE + 2);
    ck_assert(is_fed());
}
END_TEST

START_TEST(nobody_asks_for_it)
{
    ck_assert_int_eq(unsetenv("WATCHDOG_USEC"), 0);
    notify_open(&notify);
    ck_assert_int_eq(notify.watchdog_us, 0);
    ck_assert(!is_fed());
    ck_assert_int_eq(setenv("WATCHDOG_USEC", "2000000", 1) | setenv("WATCHDOG_PID", "1", 1), 0); /* another process is meant */
    notify_open(&notify);
    ck_assert(!is_fed());
}
END_TEST

Suite *notify_suite(void)
{
    Suite *suite = suite_create("notify");
    TCase *tcase = tcase_create("notify");

    tcase_add_checked_fixture(tcase, set_up, tear_down);
    tcase_add_test(tcase, as_long_as_loops_turn);
    tcase_add_loop_test(tcase, not_when_one_is_stuck, 0, 3);
    tcase_add_test(tcase, some_seconds_are_no_sign);
    tcase_add_test(tcase, nobody_asks_for_it);
    suite_add_tcase(suite, tcase);
    return suite;
}
