/* SPDX-License-Identifier: MIT
 * Starting, waiting for signals, stopping.
 */
#include "proxy/instance.h"

#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "proxy/invariant.h"
#include "proxy/node.h"
#include "proxy/notify.h"
#include "proxy/reload.h"
#include "proxy/stats_http.h"
#include "proxy/version.h"
#include "proxy/worker.h"

#define TICK_US 200000
#define DRAIN_TICK_US 20000
#define DRAIN_TOLD_US 5000000

struct instance {
    struct conf *conf; /* held */
    struct accounts *accounts;
    struct target target;
    struct pool pool;
    struct control *control;
    struct workers workers;
    struct listen_sockets sockets;
    struct stats_http *http;
    struct notify notify;
    struct reloads reloads;
};

static void facts_changed(void *data)
{
    workers_tell_facts(data);
}

/* A numeric address needs neither the control thread nor a name server. */
static void set_numeric_address(struct instance *i)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST}, *info = NULL;
    char port[8];

    if (i->conf->backend_socket)
        return;
    snprintf(port, sizeof port, "%u", i->conf->backend.port);
    if (getaddrinfo(i->conf->backend.host, port, &hints, &info))
        return;
    target_learn_address(&i->target, info->ai_addr, info->ai_addrlen);
    freeaddrinfo(info);
}

static void warn(void *user, const char *line)
{
    (void)user;
    log_line(LOG_WARNING, "%s", line);
}

static const struct node_teller in_log = {warn, NULL};

/* Signals are the main thread's: it waits for them, and every other thread has them blocked. 0: none came in that time. */
static int next_signal(const sigset_t *signals, int64_t us)
{
    struct timespec time = {.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
    int number = sigtimedwait(signals, NULL, &time);

    return number < 0 ? 0 : number;
}

/* Everybody has the new snapshot, or is about to. The bound comes before those that ask for connections. */
static void reload(struct instance *i)
{
    struct conf *before = i->conf, *conf = reload_load(before, &i->reloads);

    if (!conf)
        return;
    log_set_level((enum log_level)conf->log_level);
    workers_set_room(&i->workers, node_raise_descriptors(conf, &in_log));
    accounts_settings_changed(i->accounts, before, conf);
    pool_resize(&i->pool, conf->size, conf->max_waiting);
    control_settings_changed(i->control, conf);
    workers_settings_changed(&i->workers, conf);
    i->conf = conf;
    conf_drop(before);
    log_line(LOG_INFO, "reload: done");
}

static int wait_for_signal(struct instance *i, const sigset_t *signals)
{
    int number;

    for (;;) {
        notify_tick(&i->notify, &i->workers, &i->pool);
        number = next_signal(signals, TICK_US);
        if (number == SIGTERM || number == SIGINT)
            return number;
        if (number == SIGHUP) {
            notify_reloading(&i->notify);
            reload(i);
            notify_reloaded(&i->notify);
        }
    }
}

/* Waits until the last client has gone, drain_timeout is over, or a signal says that it shall not take so long. */
static void drain(struct instance *i, const sigset_t *signals)
{
    int64_t now_us = monotonic_us(), until_us = now_us + i->conf->drain_timeout_us, told_us = now_us;
    int number = 0;

    log_line(LOG_INFO, "draining: %llu clients left; those at work have %lld ms", (unsigned long long)workers_clients(&i->workers),
             (long long)i->conf->drain_timeout_us / 1000);
    workers_drain(&i->workers);
    while ((number = next_signal(signals, DRAIN_TICK_US)) != SIGTERM && number != SIGINT) {
        uint64_t left = workers_clients(&i->workers);

        now_us = monotonic_us();
        notify_tick(&i->notify, &i->workers, &i->pool);
        if (number == SIGHUP)
            log_line(LOG_WARNING, "SIGHUP: draining, nothing is reloaded");
        if (left == 0 || now_us >= until_us)
            return;
        if (now_us - told_us >= DRAIN_TOLD_US) {
            log_line(LOG_INFO, "draining: %llu clients left", (unsigned long long)left);
            told_us = now_us;
        }
    }
    log_line(LOG_INFO, "%s while draining: stopping at once", number == SIGTERM ? "SIGTERM" : "SIGINT");
}

/* Everything is made before any thread runs, so that whoever tells something finds whom it tells. */
static void open_all(struct instance *i, unsigned workers)
{
    struct conf *conf = i->conf;

    i->accounts = accounts_new(conf);
    target_open(&i->target, conf->backend.host, conf->backend.port, conf->backend_socket);
    set_numeric_address(i);
    pool_open(&i->pool, conf->size, conf->max_waiting);
    INVARIANT(pool_take_spare(&i->pool, 0)); /* the control connection's, for good */
    i->control = control_open(conf, i->accounts, &i->target);
    workers_open(&i->workers, workers, conf, &i->pool, i->accounts, &i->target, i->control);
    workers_listen(&i->workers, &i->sockets);
    i->target.changed_data = &i->workers;
    i->target.changed = facts_changed;
}

static void close_all(struct instance *i)
{
    control_close(i->control);
    workers_close(&i->workers);
    listen_sockets_close(&i->sockets);
    pool_close(&i->pool);
    target_close(&i->target);
    accounts_free(i->accounts);
}

static bool start(struct instance *i, unsigned workers, uint64_t room)
{
    if (!listen_sockets_open(&i->sockets, i->conf, workers))
        return false;
    open_all(i, workers);
    workers_set_room(&i->workers, room);
    if (i->conf->stats_listen.host[0] && !(i->http = stats_http_start(i->conf, &i->workers, &i->pool, &i->target, &i->reloads))) {
        close_all(i);
        return false;
    }
    workers_start(&i->workers);
    control_start(i->control);
    return true;
}

/* Returns how many clients were cut. Health and counters are told to the end. */
static unsigned stop(struct instance *i, uint64_t *drained)
{
    unsigned cut = workers_stop(&i->workers);

    *drained = workers_drained(&i->workers);
    stats_http_stop(i->http);
    close_all(i);
    return cut;
}

/* SIGINT, or SIGTERM with a drain_timeout of 0, asks for nothing to be waited for: then nobody was cut who should not have been. */
static int end(struct instance *i, const sigset_t *signals, int number)
{
    bool drains = number == SIGTERM && i->conf->drain_timeout_us;
    uint64_t drained;
    unsigned cut;

    log_line(LOG_INFO, "%s: stopping", number == SIGTERM ? "SIGTERM" : "SIGINT");
    notify_stopping();
    if (drains)
        drain(i, signals);
    cut = stop(i, &drained);
    conf_drop(i->conf);
    log_line(drains && cut ? LOG_WARNING : LOG_INFO, "stopped; %u clients were cut, %llu ended at rest", cut, (unsigned long long)drained);
    return drains && cut ? INSTANCE_CUT : 0;
}

int instance_run(struct conf *conf)
{
    struct instance i = {.conf = conf_hold(conf)};
    unsigned workers = node_workers(conf);
    uint64_t room;
    sigset_t signals;

    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    log_set_level((enum log_level)conf->log_level);
    room = node_raise_descriptors(conf, &in_log);
    node_check_kernel(conf, "/proc/sys", &in_log);
    notify_open(&i.notify);
    if (!start(&i, workers, room)) {
        conf_drop(i.conf);
        return INSTANCE_FAILED;
    }
    log_line(LOG_INFO, "sluse %s: %u workers, server %s, pool of %llu, max_clients %llu", SLUSE_VERSION, workers, i.target.name,
             (unsigned long long)conf->size, (unsigned long long)conf->max_clients);
    return end(&i, &signals, wait_for_signal(&i, &signals));
}
