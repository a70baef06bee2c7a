/* SPDX-License-Identifier: MIT
 * A worker's clients: their deadlines, what all of them are told, draining, and the end.
 */
#include "proxy/client.h"

#include <sys/socket.h>

#include "proxy/invariant.h"
#include "proxy/session_epoch.h"

#define LINGER_US 1000000
#define DRAIN_ROUND_SECONDS 0.5 /* who is silent for so long is not between two statements of a function that still runs */

static struct stats *stats(const struct client *c)
{
    return &c->home->loop->stats;
}

/* --- deadlines --- */

static void refuse_ungreeted(struct client *c)
{
    struct target *target = c->home->frames->context.target;
    char cause[256];

    target_error(target, cause, sizeof cause);
    if (client_send_text(c, 0, 3168, NULL, "sluse: no login within login_timeout: server %s has not been reached yet%s%s", target->name,
                         cause[0] ? "; last failure: " : "", cause))
        client_finish(c, CLOSE_NO_SERVER);
}

/* As a server does: it closes without a word, unless the fault is not the client's. */
static void login_expired(struct deadline *deadline)
{
    struct client *c = container_of(deadline, struct client, deadline);

    if (c->state != CLIENT_GREETING)
        client_close(c, CLOSE_LOGIN_TIMEOUT);
    else
        refuse_ungreeted(c);
}

static void abandon_expired(struct deadline *deadline)
{
    client_close(container_of(deadline, struct client, deadline), CLOSE_EOF);
}

/* The client reads it with its next command, as it would a server's that has lost patience. */
static void transaction_expired(struct deadline *deadline)
{
    struct client *c = container_of(deadline, struct client, deadline);

    STATS_INC(stats(c)->idle_transactions_ended);
    if (client_send_text(c, 0, 4031, "HY000", "sluse: the transaction was idle for longer than idle_in_transaction_timeout and has been rolled back"))
        client_finish(c, CLOSE_IDLE_TRANSACTION);
}

/* MariaDB closes without a word, and so did MySQL before 8.0.24. */
void client_end_silence(struct client *c)
{
    const struct target_facts *facts = c->home->facts;

    STATS_INC(stats(c)->silent_ended);
    if (!facts->is_mariadb && facts->server_number >= 80024 &&
        !client_send_text(c, 0, 4031, "HY000", "The client was disconnected by the server because of inactivity. See wait_timeout and interactive_timeout for"
                                               " configuring this behavior."))
        return;
    client_finish(c, CLOSE_WAIT_TIMEOUT);
}

/* --- what all are told --- */

void clients_greet(struct clients *clients)
{
    struct client *each, *next;

    for (each = TAILQ_FIRST(&clients->list); each; each = next) {
        next = TAILQ_NEXT(each, link);
        if (each->state == CLIENT_GREETING)
            client_greet(each);
    }
}

/* A page that is on its way out has been asked already. */
static const struct epoch *where_it_is(const struct lease *lease)
{
    const struct backend *b = lease->state == LEASE_HELD || lease_is_primed(lease) ? lease->backend : lease->resident;

    return b && b->state != BACKEND_SAVING ? &b->epoch : NULL;
}

void clients_globals_changed(struct clients *clients, const struct globals *was, const struct globals *is)
{
    struct session_values *difference = globals_difference(was->values, is->values);
    struct client *each;

    TAILQ_FOREACH(each, &clients->list, link)
        if (session_globals_changed(&each->lease.session, difference, is, where_it_is(&each->lease)))
            STATS_INC(clients->loop->stats.sessions_kept_globals);
    session_values_free(difference);
}

/* 0 is never; and what is idle already is timed from now on. */
static void time_transactions(struct clients *clients, int64_t length_us)
{
    struct client *each;

    if (length_us == 0)
        deadline_queue_clear(&clients->transactions);
    deadline_queue_set_length(&clients->transactions, length_us);
    TAILQ_FOREACH(each, &clients->list, link)
        if (length_us && client_is_idle_in_transaction(each) && !each->deadline.queue)
            deadline_set(&clients->transactions, &each->deadline);
}

void clients_settings_changed(struct clients *clients, const struct conf *conf)
{
    clients->conf = conf;
    deadline_queue_set_length(&clients->logins, conf->login_timeout_us);
    deadline_queue_set_length(&clients->abandoned, conf->abandon_after_us);
    deadline_queue_set_length(&clients->code_waits, conf->wait_timeout_us);
    time_transactions(clients, conf->idle_in_transaction_timeout_us);
}

/* --- draining --- */

/* What the client has sent already is served, also when nobody has looked at its socket yet. */
static bool has_sent(const struct client *c)
{
    char byte;

    return buffer_length(&c->stream.in) || recv(c->stream.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* It is the client's turn, and nothing is lost with its session but what a server would not keep either. */
static bool has_nothing_to_do(const struct client *c)
{
    bool its_turn = c->state == CLIENT_HANDSHAKE || c->state == CLIENT_AUTH || c->state == CLIENT_READY;

    return its_turn && !client_is_idle_in_transaction(c) && !stream_stuck(&c->stream) && !has_sent(c);
}

/* A function that is between two statements sends the next one before the second round. */
static void on_round(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct clients *clients = timer->data;
    struct client *each, *next;

    (void)ev;
    (void)events;
    for (each = TAILQ_FIRST(&clients->list); each; each = next) {
        bool rested = each->at_rest;

        next = TAILQ_NEXT(each, link);
        each->at_rest = has_nothing_to_do(each);
        if (rested && each->at_rest)
            client_finish(each, CLOSE_DRAINED);
    }
}

void clients_drain(struct clients *clients)
{
    ev_timer_start(clients->loop->ev, &clients->rounds);
}

/* MySQL tells whose statement it ends; MariaDB tells nobody. Nor do we where a part of the reply has gone out. */
static bool is_told(const struct client *c)
{
    bool running = c->state == CLIENT_RUNNING && c->lease.backend->reply.state == REPLY_AT_RESULT && c->lease.backend->reply.sequence == 0;

    return !c->home->facts->is_mariadb && (running || c->state == CLIENT_LEASING);
}

unsigned clients_stop(struct clients *clients)
{
    unsigned cut = 0;
    struct client *c;

    while ((c = TAILQ_FIRST(&clients->list))) {
        if (c->state != CLIENT_CLOSING)
            cut++;
        if (is_told(c) && !client_send_text(c, 1, 1053, "08S01", "Server shutdown in progress"))
            continue; /* it has gone by itself */
        client_close(c, CLOSE_SHUTDOWN);
    }
    STATS_ADD(clients->loop->stats.clients_cut, cut);
    return cut;
}

/* --- life --- */

void clients_open(struct clients *clients)
{
    struct ev_loop *ev = clients->loop->ev;
    const struct conf *conf = clients->conf;

    TAILQ_INIT(&clients->list);
    deadline_queue_open(&clients->logins, ev, conf->login_timeout_us, login_expired);
    deadline_queue_open(&clients->abandoned, ev, conf->abandon_after_us, abandon_expired);
    deadline_queue_open(&clients->transactions, ev, conf->idle_in_transaction_timeout_us, transaction_expired);
    deadline_queue_open(&clients->code_waits, ev, conf->wait_timeout_us, client_code_wait_expired);
    TAILQ_INIT(&clients->code_waiters);
    deadline_queue_open(&clients->lingering, ev, LINGER_US, abandon_expired);
    ev_timer_init(&clients->rounds, on_round, 0., DRAIN_ROUND_SECONDS);
    clients->rounds.data = clients;
}

void clients_close(struct clients *clients)
{
    deadline_queue_close(&clients->logins);
    deadline_queue_close(&clients->abandoned);
    deadline_queue_close(&clients->transactions);
    deadline_queue_close(&clients->code_waits);
    deadline_queue_close(&clients->lingering);
    ev_timer_stop(clients->loop->ev, &clients->rounds);
}
