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
#include "proxy/stored_code.h"
#include "proxy/version.h"

#define ER_NOT_OWNER 1095 /* ER_KILL_DENIED_ERROR */
#define CODE_SKIPS 5u     /* readings of the stored code that may be left out in a row because the server's counters stand still */
#define CODE_REST 4       /* between two readings, as a multiple of what the first took */
#define CODE_FAILED_REST 20
#define CODE_RETRY_US 50000 /* at least, after a reading that was not completed; doubles each time */
#define CODE_RETRIES 6u

struct control {
    const struct conf *conf;
    struct accounts *accounts;
    struct target *target;
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    struct kill_request *first, **last; /* guarded */
    bool stopping;                      /* guarded */
    bool code_asked;                    /* guarded; the stored code is to be read again */
    unsigned generation;                /* guarded; how many connections there have been */
    bool started;
    /* the thread's own */
    MYSQL *mysql; /* NULL: not connected */
    bool resolved;
    int64_t failed_us; /* when connecting failed last; 0: it did not */
    int64_t health_due_us;
    bool account_used; /* the connection was another account's for a moment */
    struct {
        bool wanted;         /* as soon as it may be */
        bool postponed;      /* until what is changing it has ended */
        unsigned generation; /* of the connection over which it was read */
        uint64_t changes;    /* the target's, when it was read */
        uint64_t counters;   /* the server's, when it was read */
        unsigned skipped;    /* readings since, because the counters stood still */
        unsigned retries;    /* readings in a row that were not completed */
        int64_t due_us, rest_us;
        char why[256];       /* the last failure that was logged */
    } code;
};

/* --- the connection --- */

static void disconnect(struct control *c)
{
    if (c->mysql)
        mysql_close(c->mysql);
    c->mysql = NULL;
    target_stored_code_unknown(c->target);
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
    c->account_used = true;
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

/* Waits until the time, or for something to do. NULL: no kill; *stop: nor will there be one. */
static struct kill_request *next_kill(struct control *c, const struct timespec *until, bool *stop)
{
    struct kill_request *request;

    pthread_mutex_lock(&c->mutex);
    while (!c->first && !c->stopping && !c->code_asked)
        if (pthread_cond_timedwait(&c->wake, &c->mutex, until) == ETIMEDOUT)
            break;
    request = c->first;
    if (request && !(c->first = request->next))
        c->last = &c->first;
    *stop = c->stopping && !request;
    if (c->code_asked) {
        c->code.wanted = true;
        c->code.postponed = c->code_asked = false;
    }
    pthread_mutex_unlock(&c->mutex);
    return request;
}

static void serve_kills(struct control *c, const struct timespec *until, bool *stop)
{
    struct kill_request *request;

    while ((request = next_kill(c, until, stop))) {
        run_kill(c, request);
        loop_send(request->loop, &request->answer);
    }
}

/* --- stored code --- */

static enum stored_code_pause between(void *data)
{
    static const struct timespec now;
    struct control *c = data;
    unsigned generation = c->generation;
    bool stop = false;

    c->account_used = false;
    serve_kills(c, &now, &stop);
    if (stop || !c->mysql || c->generation != generation)
        return PAUSE_STOP;
    return c->account_used ? PAUSE_SETTINGS_LOST : PAUSE_GO_ON;
}

static void note_failure(struct control *c, const char *why)
{
    target_stored_code_unknown(c->target);
    if (!why[0] || strcmp(why, c->code.why) == 0)
        return;
    snprintf(c->code.why, sizeof c->code.why, "%s", why);
    log_line(LOG_WARNING, "server %s: its views, triggers and routines can't be read, so sessions share less: %s", c->target->name, why);
}

static void not_read(struct control *c, const char *why, int64_t took_us)
{
    int64_t rest_us = took_us * (why[0] ? CODE_FAILED_REST : CODE_REST), retry_us = CODE_RETRY_US << c->code.retries;

    note_failure(c, why);
    c->code.skipped = CODE_SKIPS;
    c->code.wanted |= !why[0];
    c->code.retries += c->code.retries < CODE_RETRIES;
    c->code.rest_us = monotonic_us() + (rest_us > retry_us ? rest_us : retry_us);
    if (c->mysql && is_connection_error(mysql_errno(c->mysql)))
        disconnect(c);
}

/* The counters are read first: what changes during the reading changes them again. */
static void read_everything(struct control *c, uint64_t changes, uint64_t counters)
{
    const struct stored_code_pauses pauses = {between, c};
    struct stored_code *code = NULL;
    int64_t began_us = monotonic_us(), took_us;
    char why[256] = "";
    bool read;

    c->code.wanted = false;
    c->code.generation = c->generation;
    read = stored_code_read(c->mysql, &pauses, &code, why, sizeof why);
    took_us = monotonic_us() - began_us;
    if (!read) {
        not_read(c, why, took_us);
        return;
    }
    c->code.changes = changes;
    c->code.counters = counters;
    c->code.skipped = c->code.retries = 0;
    c->code.why[0] = 0;
    c->code.rest_us = monotonic_us() + took_us * CODE_REST;
    log_line(LOG_DEBUG, "server %s: stored code read in %lld ms: %zu names, %zu schemas", c->target->name, (long long)took_us / 1000, code->names.count,
             code->names.schema_count);
    target_stored_code_learn(c->target, code, changes, took_us);
}

static void look_at_stored_code(struct control *c)
{
    uint64_t changes, counters = 0;
    bool known = c->code.generation == c->generation && !c->code.wanted && c->code.skipped < CODE_SKIPS;

    c->code.postponed = !target_stored_code_begin(c->target, &changes);
    if (c->code.postponed)
        return;
    c->code.due_us = monotonic_us() + c->conf->stored_code_refresh_us;
    if (!stored_code_counters(c->mysql, &counters)) {
        not_read(c, mysql_error(c->mysql), 0);
        return;
    }
    if (known && changes == c->code.changes && counters == c->code.counters) {
        c->code.skipped++;
        target_stored_code_learn(c->target, NULL, changes, 0);
    } else {
        read_everything(c, changes, counters);
    }
}

/* When to look next. */
static int64_t stored_code_due(const struct control *c)
{
    bool at_once = c->code.wanted || c->code.generation != c->generation;

    if (!c->mysql || c->code.postponed)
        return INT64_MAX;
    return at_once ? c->code.rest_us : c->code.due_us > c->code.rest_us ? c->code.due_us : c->code.rest_us;
}

void control_stored_code_changing(struct control *c)
{
    target_stored_code_changing(c->target);
}

void control_stored_code_changed(struct control *c)
{
    target_stored_code_changed(c->target);
    pthread_mutex_lock(&c->mutex);
    c->code_asked = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
}

/* --- life --- */

static struct timespec time_of(int64_t us)
{
    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

static void *run(void *data)
{
    struct control *c = data;
    bool stop = false;

    mysql_thread_init();
    while (!stop) {
        struct timespec until;

        if (monotonic_us() >= c->health_due_us) {
            resolve(c);
            if (connected(c))
                read_variables(c);
            c->health_due_us = monotonic_us() + c->conf->health_interval_us;
        }
        if (monotonic_us() >= stored_code_due(c))
            look_at_stored_code(c);
        until = time_of(stored_code_due(c) < c->health_due_us ? stored_code_due(c) : c->health_due_us);
        serve_kills(c, &until, &stop);
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
