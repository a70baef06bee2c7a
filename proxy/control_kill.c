/* SPDX-License-Identifier: MIT
 * KILL: who asks, with whose right, and what the server says.
 */
#include "proxy/control_part.h"

#include <errno.h>
#include <stdio.h>

#define ER_NOT_OWNER 1095 /* ER_KILL_DENIED_ERROR */

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
        control_disconnect(c);
    return done;
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

        if ((!c->mysql && is_stopping(c)) || !control_connected(c)) {
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
        if (!control_is_connection_error(number))
            return;
        control_disconnect(c); /* the server was restarted, or closed an idle connection: once more on a new one */
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

/* Waits until the time, or for something to do. NULL: no kill; *stop: nor will there be one. */
static struct kill_request *next_kill(struct control *c, const struct timespec *until, bool *stop)
{
    struct kill_request *request;

    pthread_mutex_lock(&c->mutex);
    while (!c->first && !c->stopping && !c->code_asked && !c->globals_asked && !c->settings)
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
    if (c->globals_asked) {
        c->health_due_us = 0;
        c->globals_asked = false;
    }
    pthread_mutex_unlock(&c->mutex);
    return request;
}

void control_serve_kills(struct control *c, const struct timespec *until, bool *stop)
{
    struct kill_request *request;

    while ((request = next_kill(c, until, stop))) {
        run_kill(c, request);
        loop_send(request->loop, &request->answer);
    }
}
