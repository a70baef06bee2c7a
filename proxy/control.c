/* SPDX-License-Identifier: MIT
 * The control thread.
 */
#include "proxy/control.h"

#include <errno.h>
#include <mysql.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/invariant.h"
#include "proxy/log.h"
#include "proxy/version.h"

#define ER_NOT_OWNER 1095 /* ER_KILL_DENIED_ERROR */

struct control {
    const struct conf *conf;
    struct accounts *accounts;
    struct target *target;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct kill_request *first, **last; /* guarded */
    bool stopping;                      /* guarded */
    unsigned generation;                /* guarded; how many connections there have been */
    bool started;
    /* the thread's own */
    MYSQL *mysql; /* NULL: not connected */
    bool resolved;
    int64_t failed_us; /* when connecting failed last; 0: it did not */
};

/* --- the connection --- */

static void disconnect(struct control *c)
{
    if (c->mysql)
        mysql_close(c->mysql);
    c->mysql = NULL;
}

static void set_up(struct control *c, bool up, const char *why)
{
    if (target_set_up(c->target, up) == up)
        return;
    if (up)
        log_line(LOG_INFO, "server %s: up, %s", c->target->name, mysql_get_server_info(c->mysql));
    else
        log_line(LOG_WARNING, "server %s: down: %s", c->target->name, why);
}

static void went_wrong(struct control *c)
{
    char why[256];

    snprintf(why, sizeof why, "%s", c->mysql ? mysql_error(c->mysql) : "no memory");
    target_set_error(c->target, why);
    set_up(c, false, why);
    disconnect(c);
}

static MYSQL *prepare(const struct control *c)
{
    MYSQL *mysql = mysql_init(NULL);
    unsigned connect_timeout = (unsigned)((c->conf->connect_timeout_us + 999999) / 1000000), timeout = connect_timeout;

    if (!mysql)
        return NULL;
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
    mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "sluse");
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "sluse_role", "control");
    mysql_optionsv(mysql, MYSQL_READ_DEFAULT_GROUP, NULL);
    return mysql;
}

/* A name may have several addresses: the one that just worked is the one that the workers use. */
static void learn_peer(struct control *c)
{
    struct sockaddr_storage peer;
    socklen_t length = sizeof peer;

    memset(&peer, 0, sizeof peer);
    if (!c->conf->backend_socket && getpeername((int)mysql_get_socket(c->mysql), (struct sockaddr *)&peer, &length) == 0)
        target_learn_address(c->target, (struct sockaddr *)&peer, length);
}

static bool connected(struct control *c)
{
    const struct conf *conf = c->conf;

    if (c->mysql)
        return true;
    if (c->failed_us && monotonic_us() - c->failed_us < c->conf->health_interval_us)
        return false; /* who asks in between need not wait for another connect_timeout */
    c->mysql = prepare(c);
    if (!c->mysql || !mysql_real_connect(c->mysql, conf->backend_socket ? NULL : conf->backend.host, conf->control_user, conf->control_password, NULL,
                                         conf->backend.port, conf->backend_socket, 0)) {
        went_wrong(c);
        c->failed_us = monotonic_us();
        return false;
    }
    c->failed_us = 0;
    pthread_mutex_lock(&c->mutex);
    c->generation++;
    pthread_mutex_unlock(&c->mutex);
    learn_peer(c);
    return true;
}

/* --- what is watched --- */

static void read_variables(struct control *c)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;

    if (mysql_query(c->mysql, "SELECT @@global.init_connect <> '', @@global.skip_name_resolve, @@global.max_connections") ||
        !(result = mysql_store_result(c->mysql)) || !(row = mysql_fetch_row(result))) {
        if (result)
            mysql_free_result(result);
        went_wrong(c);
        return;
    }
    target_learn_variables(c->target, row[0] && strcmp(row[0], "1") == 0, row[1] && strcmp(row[1], "1") == 0, row[2] ? strtoull(row[2], NULL, 10) : 0);
    mysql_free_result(result);
    set_up(c, true, "");
}

/* Before the first connection: a numeric address needs no server to be known, and a name gets its first address. */
static void resolve(struct control *c)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    char port[8];
    int error;

    if (c->conf->backend_socket || c->resolved)
        return;
    snprintf(port, sizeof port, "%u", c->conf->backend.port);
    error = getaddrinfo(c->conf->backend.host, port, &hints, &found);
    if (error) {
        char why[256];

        snprintf(why, sizeof why, "can't resolve '%.150s': %s", c->conf->backend.host, gai_strerror(error));
        target_set_error(c->target, why);
        set_up(c, false, why);
        return;
    }
    target_learn_address(c->target, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    c->resolved = true;
}

/* --- KILL --- */

static bool say_kill(struct control *c, const struct kill_request *request)
{
    char text[64];

    snprintf(text, sizeof text, "KILL %s %u", request->connection ? "CONNECTION" : "QUERY", request->thread_id);
    return mysql_query(c->mysql, text) == 0;
}

static void note_error(struct control *c, struct backend_error *error)
{
    backend_error_set(error, "%s", mysql_error(c->mysql));
    error->number = (uint16_t)mysql_errno(c->mysql);
    snprintf(error->sqlstate, sizeof error->sqlstate, "%s", mysql_sqlstate(c->mysql));
}

/* With the account's own right to do it. */
static bool kill_as_account(struct control *c, const struct kill_request *request, struct backend_error *error)
{
    struct auth_secret secret = accounts_secret(c->accounts, request->account);
    bool done = false;

    if (secret.password && mysql_change_user(c->mysql, accounts_name(c->accounts, request->account), secret.password, NULL) == 0)
        done = say_kill(c, request);
    if (!done)
        note_error(c, error);
    if (!secret.password)
        error->number = ER_NOT_OWNER; /* only a hash is known: nothing that libmariadb could log in with */
    auth_secret_wipe(&secret);
    if (mysql_change_user(c->mysql, c->conf->control_user, c->conf->control_password, NULL))
        disconnect(c);
    return done;
}

static bool is_connection_error(unsigned number)
{
    return number >= 2000 && number < 3000;
}

/* Thread ids start over with the server: a lower one of our own, on a connection made since the KILL was asked, means that whoever was
 * to be killed is gone, and somebody else may have the id. */
static bool is_gone(struct control *c, struct kill_request *request)
{
    if (request->generation == c->generation || mysql_thread_id(c->mysql) > request->thread_id)
        return false;
    backend_error_set(&request->error, "Unknown thread id: %u", request->thread_id);
    request->error.number = 1094;
    return true;
}

static bool is_stopping(struct control *c)
{
    bool stopping;

    pthread_mutex_lock(&c->mutex);
    stopping = c->stopping;
    pthread_mutex_unlock(&c->mutex);
    return stopping;
}

static void run_kill(struct control *c, struct kill_request *request)
{
    for (int tries = 0; tries < 2 && !request->done; tries++) {
        unsigned number;

        if ((!c->mysql && is_stopping(c)) || !connected(c)) {
            target_error(c->target, request->error.text, sizeof request->error.text);
            return;
        }
        if (is_gone(c, request))
            return;
        if (!request->as_account && say_kill(c, request)) {
            request->done = true;
            return;
        }
        number = request->as_account ? ER_NOT_OWNER : mysql_errno(c->mysql);
        if (number == ER_NOT_OWNER) {
            request->done = kill_as_account(c, request, &request->error);
            return;
        }
        note_error(c, &request->error);
        if (!is_connection_error(number))
            return;
        disconnect(c); /* the server was restarted, or closed an idle connection: once more on a new one */
    }
}

void control_kill(struct control *c, struct kill_request *request)
{
    request->next = NULL;
    pthread_mutex_lock(&c->mutex);
    request->generation = c->generation;
    *c->last = request;
    c->last = &request->next;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}

/* --- the thread --- */

/* Waits for a kill or the time. NULL: the time has come, or *stop. */
static struct kill_request *next_kill(struct control *c, const struct timespec *until, bool *stop)
{
    struct kill_request *request;

    pthread_mutex_lock(&c->mutex);
    while (!c->first && !c->stopping)
        if (pthread_cond_timedwait(&c->wake, &c->mutex, until) == ETIMEDOUT)
            break;
    request = c->first;
    if (request && !(c->first = request->next))
        c->last = &c->first;
    *stop = c->stopping && !request;
    pthread_mutex_unlock(&c->mutex);
    return request;
}

static struct timespec later(int64_t us)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += us / 1000000;
    at.tv_nsec += us % 1000000 * 1000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

static void *run(void *data)
{
    struct control *c = data;
    bool stop = false;

    mysql_thread_init();
    while (!stop) {
        struct timespec until = later(c->conf->health_interval_us);
        struct kill_request *request;

        resolve(c);
        if (connected(c))
            read_variables(c);
        while ((request = next_kill(c, &until, &stop))) {
            run_kill(c, request);
            loop_send(request->loop, &request->answer);
        }
    }
    disconnect(c);
    mysql_thread_end();
    return NULL;
}

struct control *control_open(const struct conf *conf, struct accounts *accounts, struct target *target)
{
    struct control *c = zalloc(sizeof *c);
    pthread_condattr_t monotonic;

    c->conf = conf;
    c->accounts = accounts;
    c->target = target;
    c->last = &c->first;
    pthread_mutex_init(&c->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return c;
}

void control_start(struct control *c)
{
    INVARIANT(pthread_create(&c->thread, NULL, run, c) == 0);
    c->started = true;
}

void control_close(struct control *c)
{
    pthread_mutex_lock(&c->mutex);
    c->stopping = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
    if (c->started)
        pthread_join(c->thread, NULL);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->mutex);
    free(c);
}
