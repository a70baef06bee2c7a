/* SPDX-License-Identifier: MIT
 * Workers: their threads, what they accept, and what they are told.
 */
#include "proxy/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "proxy/globals.h"
#include "proxy/invariant.h"
#include "proxy/stored_code.h"

#define STALE_SECONDS 5 /* a worker whose loop has not turned for so long is stuck */
#define STOP_SECONDS 3.
#define STOP_POLL_SECONDS 0.01

static void tell_all(struct workers *workers, void (*run)(struct loop *loop, struct message *message))
{
    for (unsigned i = 0; i < workers->count; i++) {
        struct message *message = zalloc(sizeof *message);

        message->run = run;
        loop_send(&workers->list[i].loop, message);
    }
}

/* --- accepting --- */

struct passed_client {
    struct message message;
    int fd;
};

static void on_passed(struct loop *loop, struct message *message)
{
    struct passed_client *passed = container_of(message, struct passed_client, message);
    struct worker *worker = loop->worker;

    if (worker->frames.stopping) {
        close(passed->fd);
        atomic_fetch_sub_explicit(worker->clients.total, 1, memory_order_relaxed);
    } else {
        client_open(&worker->clients, passed->fd);
    }
    free(passed);
}

static unsigned load_of(const struct workers *workers, unsigned i)
{
    return atomic_load_explicit(&workers->list[i].clients.count, memory_order_relaxed);
}

/* The kernel spreads connections by hash: a worker above its share passes a fresh one on, before the greeting. */
static struct worker *place(struct workers *workers, struct worker *here)
{
    unsigned least = here->loop.id, mine = load_of(workers, here->loop.id);

    for (unsigned i = 0; i < workers->count; i++)
        if (load_of(workers, i) < load_of(workers, least))
            least = i;
    return mine > load_of(workers, least) + 1 + mine / 8 ? &workers->list[least] : here;
}

static void refuse(struct worker *worker, int fd, uint64_t max)
{
    uint8_t out[64];
    struct wire_writer w = wire_writer(out, sizeof out);
    unsigned skipped;

    err_write(&w, 1040, NULL, "Too many connections", strlen("Too many connections"), 0);
    STATS_INC(worker->loop.stats.clients_refused);
    stats_count_error(&worker->loop.stats, 1040);
    STATS_INC(worker->loop.stats.client_closed[CLOSE_TOO_MANY_CLIENTS]);
    /* counted first: whoever was refused finds himself in /stats */
    if (send(fd, out, wire_written(&w), MSG_NOSIGNAL) < 0)
        log_line(LOG_DEBUG, "a refused client had gone already");
    close(fd);
    if (log_allowed(&worker->full, 1, 1, &skipped))
        log_line(LOG_WARNING, "max_clients = %llu reached: client refused (and %u before)", (unsigned long long)max, skipped);
}

static void on_accepted(void *data, int fd)
{
    struct worker *here = data, *there;
    struct workers *workers = container_of(here->frames.shared, struct workers, frames);
    uint64_t max = here->clients.conf->max_clients;
    struct passed_client *passed;

    STATS_INC(here->loop.stats.clients_accepted);
    if (atomic_fetch_add_explicit(&workers->total_clients, 1, memory_order_relaxed) >= max) {
        atomic_fetch_sub_explicit(&workers->total_clients, 1, memory_order_relaxed);
        refuse(here, fd, max);
        return;
    }
    there = place(workers, here);
    if (there == here) {
        client_open(&here->clients, fd);
        return;
    }
    STATS_INC(here->loop.stats.clients_passed_on);
    passed = zalloc(sizeof *passed);
    passed->message.run = on_passed;
    passed->fd = fd;
    loop_send(&there->loop, &passed->message);
}

/* A descriptor for a client is none for a connection to the server, nor for who asks for /metrics. */
static bool has_room(void *data)
{
    struct worker *worker = data;
    struct workers *workers = container_of(worker->frames.shared, struct workers, frames);

    return workers_clients(workers) < atomic_load_explicit(&workers->room, memory_order_relaxed);
}

void workers_set_room(struct workers *workers, uint64_t room)
{
    atomic_store_explicit(&workers->room, room, memory_order_relaxed);
}

void workers_listen(struct workers *workers, const struct listen_sockets *sockets)
{
    static const struct listener_events events = {.has_room = has_room, .accepted = on_accepted};

    for (unsigned i = 0; i < workers->count; i++) {
        struct worker *worker = &workers->list[i];

        worker->listeners = zalloc(sockets->address_count * sizeof *worker->listeners);
        worker->listener_count = sockets->address_count;
        for (size_t a = 0; a < sockets->address_count; a++)
            listener_open(&worker->listeners[a], &worker->loop, listen_socket_of(sockets, a, i), sockets->passed[a], &events, worker);
    }
}

/* --- facts --- */

/* Snapshot by snapshot: what a session keeps is the difference of two that follow each other. */
static void follow_globals(struct worker *worker)
{
    struct globals *was, *is;

    while ((is = target_globals_next(worker->target, was = worker->facts.globals))) {
        worker->facts.globals = is;
        if (was) /* who began before the first reading counts as begun with what it found */
            clients_globals_changed(&worker->clients, was, is);
        globals_drop(was);
    }
}

static void on_facts(struct loop *loop, struct message *message)
{
    struct worker *worker = loop->worker;
    struct stored_code *before = worker->facts.stored_code;
    struct globals *globals = worker->facts.globals;

    free(message);
    worker->facts = target_facts(worker->target);
    worker->facts.stored_code = target_stored_code(worker->target);
    worker->facts.globals = globals;
    stored_code_drop(before);
    frames_look_again(&worker->frames);
    clients_code_known(&worker->clients);
    follow_globals(worker);
    if (atomic_load(&worker->target->up))
        frames_server_up(&worker->frames);
    if (worker->facts.greeted)
        clients_greet(&worker->clients);
    else if (loop->id == 0)
        frames_probe(&worker->frames);
}

void workers_tell_facts(struct workers *workers)
{
    tell_all(workers, on_facts);
}

/* --- settings --- */

struct settings {
    struct message message;
    struct conf *conf;
};

static void on_settings(struct loop *loop, struct message *message)
{
    struct settings *settings = container_of(message, struct settings, message);
    struct worker *worker = loop->worker;
    struct conf *before = worker->conf;

    worker->conf = settings->conf;
    free(settings);
    frames_settings_changed(&worker->frames, worker->conf);
    clients_settings_changed(&worker->clients, worker->conf);
    conf_drop(before);
}

void workers_settings_changed(struct workers *workers, struct conf *conf)
{
    atomic_store(&workers->max_clients, conf->max_clients);
    for (unsigned i = 0; i < workers->count; i++) {
        struct settings *settings = zalloc(sizeof *settings);

        settings->message.run = on_settings;
        settings->conf = conf_hold(conf);
        loop_send(&workers->list[i].loop, &settings->message);
    }
}

/* --- life --- */

static void open_worker(struct workers *workers, unsigned i, struct conf *conf, struct accounts *accounts, struct target *target, struct control *control)
{
    struct worker *worker = &workers->list[i];

    loop_open(&worker->loop, i, worker);
    worker->conf = conf_hold(conf);
    worker->target = target;
    worker->facts = target_facts(target);
    worker->frames.context = (struct backend_context){
        .loop = &worker->loop, .conf = conf, .accounts = accounts, .target = target, .facts = &worker->facts, .control = control, .views = &workers->views};
    worker->clients = (struct clients){
        .loop = &worker->loop, .frames = &worker->frames, .conf = conf, .accounts = accounts, .facts = &worker->facts, .all = workers->clients,
        .worker_count = workers->count, .total = &workers->total_clients};
    workers->clients[i] = &worker->clients;
    workers->frames.all[i] = &worker->frames;
    clients_open(&worker->clients);
}

void workers_open(struct workers *workers, unsigned count, struct conf *conf, struct pool *pool, struct accounts *accounts, struct target *target,
                  struct control *control)
{
    workers->count = count;
    workers->list = zalloc(count * sizeof *workers->list);
    workers->clients = zalloc(count * sizeof *workers->clients);
    workers->frames = (struct frames_shared){.pool = pool, .all = zalloc(count * sizeof *workers->frames.all), .count = count};
    frame_views_open(&workers->views);
    atomic_init(&workers->total_clients, 0);
    atomic_init(&workers->max_clients, conf->max_clients);
    atomic_init(&workers->room, UINT64_MAX);
    atomic_init(&workers->draining, false);
    atomic_init(&workers->cut, 0);
    for (unsigned i = 0; i < count; i++)
        open_worker(workers, i, conf, accounts, target, control);
    for (unsigned i = 0; i < count; i++)
        frames_open(&workers->list[i].frames, &workers->frames);
}

static void *run(void *data)
{
    struct worker *worker = data;

    loop_run(&worker->loop);
    return NULL;
}

void workers_start(struct workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++)
        INVARIANT(pthread_create(&workers->list[i].thread, NULL, run, &workers->list[i]) == 0);
}

static void close_listeners(struct worker *worker)
{
    for (size_t i = 0; i < worker->listener_count; i++)
        listener_close(&worker->listeners[i]);
    worker->listener_count = 0;
}

static void on_drain(struct loop *loop, struct message *message)
{
    struct worker *worker = loop->worker;

    free(message);
    close_listeners(worker);
    clients_drain(&worker->clients);
}

void workers_drain(struct workers *workers)
{
    atomic_store(&workers->draining, true);
    tell_all(workers, on_drain);
}

uint64_t workers_clients(const struct workers *workers)
{
    return atomic_load_explicit(&workers->total_clients, memory_order_relaxed);
}

bool workers_turning(const struct workers *workers)
{
    int64_t now = monotonic_seconds();

    for (unsigned i = 0; i < workers->count; i++)
        if (now - atomic_load_explicit(&workers->list[i].loop.turned, memory_order_relaxed) > STALE_SECONDS)
            return false;
    return true;
}

static bool has_backends(const struct worker *worker)
{
    int64_t count = 0;

    for (int state = 0; state < BACKEND_CLOSED; state++)
        count += worker->loop.stats.backends[state];
    return count > 0;
}

static void on_stopping(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct worker *worker = timer->data;

    (void)events;
    if (!has_backends(worker) || ev_now(ev) > worker->stop_by)
        loop_stop(&worker->loop);
}

static void on_stop(struct loop *loop, struct message *message)
{
    struct worker *worker = loop->worker;
    struct workers *workers = container_of(worker->frames.shared, struct workers, frames);

    free(message);
    close_listeners(worker);
    frames_stop(&worker->frames);
    atomic_fetch_add(&workers->cut, clients_stop(&worker->clients));
    worker->stop_by = ev_now(loop->ev) + STOP_SECONDS;
    ev_timer_init(&worker->stopping, on_stopping, 0., STOP_POLL_SECONDS);
    worker->stopping.data = worker;
    ev_timer_start(loop->ev, &worker->stopping);
}

unsigned workers_stop(struct workers *workers)
{
    atomic_store(&workers->draining, true);
    tell_all(workers, on_stop);
    for (unsigned i = 0; i < workers->count; i++)
        pthread_join(workers->list[i].thread, NULL);
    return atomic_load(&workers->cut);
}

uint64_t workers_drained(const struct workers *workers)
{
    uint64_t drained = 0;

    for (unsigned i = 0; i < workers->count; i++)
        drained += __atomic_load_n(&workers->list[i].loop.stats.client_closed[CLOSE_DRAINED], __ATOMIC_RELAXED);
    return drained;
}

void workers_close(struct workers *workers)
{
    for (unsigned i = 0; i < workers->count; i++)
        loop_flush(&workers->list[i].loop);
    for (unsigned i = 0; i < workers->count; i++)
        frames_close(&workers->list[i].frames);
    for (unsigned i = 0; i < workers->count; i++)
        loop_flush(&workers->list[i].loop);
    for (unsigned i = 0; i < workers->count; i++) {
        clients_close(&workers->list[i].clients);
        loop_close(&workers->list[i].loop);
        stored_code_drop(workers->list[i].facts.stored_code);
        globals_drop(workers->list[i].facts.globals);
        free(workers->list[i].listeners);
        conf_drop(workers->list[i].conf);
    }
    frame_views_close(&workers->views);
    free(workers->list);
    free(workers->clients);
    free(workers->frames.all);
}
