/* SPDX-License-Identifier: MIT
 * The control thread: its connection, its life, and what it asks at each health_interval.
 */
#include "proxy/control.h"

#include <errmsg.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proxy/control_part.h"
#include "proxy/dial.h"
#include "proxy/invariant.h"
#include "proxy/log.h"

/* --- the connection --- */

void control_disconnect(struct control *c)
{
    if (c->mysql)
        mysql_close(c->mysql);
    c->mysql = NULL;
    target_stored_code_unknown(c->target);
    target_globals_unknown(c->target);
}

static void set_up(struct control *c)
{
    if (!target_set_up(c->target, true))
        log_line(LOG_INFO, "server %s: up, %s", c->target->name, mysql_get_server_info(c->mysql));
    c->down = (struct log_news){0};
}

/* Also the first time, when it was never up; and again when it is down for another reason. */
static void set_down(struct control *c, const char *why)
{
    char word[32];
    unsigned before;

    target_set_error(c->target, why);
    (void)target_set_up(c->target, false);
    if (log_is_news(&c->down, why, &before))
        log_line(LOG_WARNING, "server %s: down: %s%s", c->target->name, why, log_before(before, word));
}

/* libmariadb tells EINPROGRESS in place of what became of it. 0: it would go well now. */
static int connect_error(const struct control *c)
{
    struct target_facts facts = target_facts(c->target);
    struct timeval patience = {.tv_sec = c->conf->connect_timeout_us / 1000000, .tv_usec = c->conf->connect_timeout_us % 1000000};
    int fd, error = 0;

    if (!facts.addressed)
        return EADDRNOTAVAIL;
    fd = socket(facts.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return errno;
    if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) || connect(fd, (const struct sockaddr *)&facts.address, facts.address_length))
        error = errno;
    close(fd);
    return error;
}

/* In words that say what has happened: libmariadb calls a timeout a lost connection. */
static void reason(struct control *c, char *why, size_t size)
{
    unsigned number = mysql_errno(c->mysql);
    int error = 0;

    if (control_is_connection_error(number) && monotonic_us() - c->asked_us >= c->conf->connect_timeout_us)
        snprintf(why, size, "no answer within connect_timeout");
    else if ((number == CR_CONNECTION_ERROR || number == CR_CONN_HOST_ERROR) && (error = connect_error(c)))
        snprintf(why, size, "can't connect to %s: %s", c->target->name, strerror(error));
    else
        snprintf(why, size, "%s", mysql_error(c->mysql));
}

void control_lost(struct control *c)
{
    char why[256] = "no memory";

    if (c->mysql)
        reason(c, why, sizeof why);
    set_down(c, why);
    control_disconnect(c);
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

bool control_connected(struct control *c)
{
    if (c->mysql)
        return true;
    if (c->failed_us && monotonic_us() - c->failed_us < c->conf->health_interval_us)
        return false; /* who asks in between need not wait for another connect_timeout */
    c->mysql = dial_prepare(c->conf, "control");
    c->asked_us = monotonic_us();
    if (!c->mysql || !dial(c->mysql, c->conf, c->conf->control_user, c->conf->control_password)) {
        control_lost(c);
        target_stored_code_failed(c->target);
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

bool control_is_connection_error(unsigned number)
{
    return number >= 2000 && number < 3000;
}

/* --- what is watched --- */

static void look_at_variables(struct control *c)
{
    c->asked_us = monotonic_us();
    if (control_read_globals(c))
        set_up(c);
    else
        control_lost(c);
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
        set_down(c, why);
        return;
    }
    target_learn_address(c->target, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    c->resolved = true;
}

/* --- life --- */

static struct timespec time_of(int64_t us)
{
    return (struct timespec){.tv_sec = us / 1000000, .tv_nsec = us % 1000000 * 1000};
}

/* The same connection, as somebody else: another would be one more than the pool allows, as long as the server has not let go of the first. What the
 * account before saw may be more or less than this one sees. */
static void change_user(struct control *c)
{
    target_stored_code_unknown(c->target);
    target_globals_unknown(c->target);
    c->code.generation = c->globals.generation = 0;
    c->asked_us = monotonic_us();
    if (mysql_change_user(c->mysql, c->conf->control_user, c->conf->control_password, NULL))
        control_lost(c);
}

static void take_settings(struct control *c)
{
    struct conf *before = c->conf, *settings;
    bool same;

    pthread_mutex_lock(&c->mutex);
    settings = c->settings;
    c->settings = NULL;
    pthread_mutex_unlock(&c->mutex);
    if (!settings)
        return;
    c->conf = settings;
    c->health_due_us = 0;
    same = strcmp(before->control_user, settings->control_user) == 0 && strcmp(before->control_password, settings->control_password) == 0;
    conf_drop(before);
    if (!same)
        c->failed_us = 0; /* another account may get in */
    if (!same && c->mysql)
        change_user(c);
}

void control_settings_changed(struct control *c, struct conf *conf)
{
    struct conf *before;

    pthread_mutex_lock(&c->mutex);
    before = c->settings;
    c->settings = conf_hold(conf);
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->mutex);
    conf_drop(before);
}

static void *run(void *data)
{
    struct control *c = data;
    bool stop = false;

    mysql_thread_init();
    while (!stop) {
        struct timespec until;

        take_settings(c);
        if (monotonic_us() >= c->health_due_us) {
            resolve(c);
            if (control_connected(c))
                look_at_variables(c);
            c->health_due_us = monotonic_us() + c->conf->health_interval_us;
        }
        if (monotonic_us() >= control_code_due(c))
            control_look_at_code(c);
        until = time_of(control_code_due(c) < c->health_due_us ? control_code_due(c) : c->health_due_us);
        control_serve_kills(c, &until, &stop);
    }
    control_disconnect(c);
    mysql_thread_end();
    return NULL;
}

struct control *control_open(struct conf *conf, struct accounts *accounts, struct target *target)
{
    struct control *c = zalloc(sizeof *c);
    pthread_condattr_t monotonic;

    c->conf = conf_hold(conf);
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
    conf_drop(c->settings);
    conf_drop(c->conf);
    free(c->globals.question);
    free(c->globals.read);
    free(c);
}
