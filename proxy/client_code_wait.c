/* SPDX-License-Identifier: MIT
 * A command that waits until it is known what is stored at the server (client_residue.c asks for it).
 *
 * The control thread reads that, and tells every worker when it has, or that it can't; the command is judged from its beginning then. A session that nothing
 * pins gives its backend up meanwhile: who waits is not to keep others from what they need to go on.
 */
#include "proxy/client.h"
#include "proxy/invariant.h"
#include "proxy/stored_code.h"

static void stop_waiting(struct client *c, enum code_wait state)
{
    if (c->code_wait.state == CODE_WAIT_LISTED)
        TAILQ_REMOVE(&c->home->code_waiters, c, code_wait.link);
    c->code_wait.state = state;
}

/* Nothing of it has been sent: it is as if it had not been looked at. */
static void put_down(struct client *c)
{
    struct backend *b = c->lease.backend;

    stored_code_drop(b->code);
    b->code = NULL;
    b->reply.state = REPLY_AT_END;
    deadline_clear(&b->deadline);
    c->upload = (struct upload){0};
    c->state = CLIENT_LEASING;
    if (c->lease.session.pins == 0)
        frames_yield(c->home->frames, &c->lease);
    client_count_pins(c);
}

bool client_awaits_code(struct client *c)
{
    struct clients *clients = c->home;

    if (!c->lease.backend->moment.awaited || c->code_wait.state == CODE_WAIT_OVER)
        return false;
    INVARIANT(c->code_wait.state != CODE_WAIT_LISTED);
    if (c->code_wait.state == CODE_WAIT_NONE) {
        STATS_INC(clients->loop->stats.code_waits);
        deadline_set(&clients->code_waits, &c->code_wait.deadline);
    }
    c->code_wait.state = CODE_WAIT_LISTED;
    c->code_wait.round = clients->code_round;
    TAILQ_INSERT_TAIL(&clients->code_waiters, c, code_wait.link);
    put_down(c);
    return true;
}

void client_code_wait_end(struct client *c)
{
    stop_waiting(c, CODE_WAIT_NONE);
    deadline_clear(&c->code_wait.deadline);
}

/* If it waits for a backend meanwhile, or for what that is given, it goes on with that. */
void client_code_wait_expired(struct deadline *deadline)
{
    struct client *c = container_of(deadline, struct client, code_wait.deadline);
    bool listed = c->code_wait.state == CODE_WAIT_LISTED;

    STATS_INC(c->home->loop->stats.code_waits_expired);
    stop_waiting(c, CODE_WAIT_OVER);
    if (listed)
        client_ready(c);
}

/* Whoever has to wait again is behind all the others. */
void clients_code_known(struct clients *clients)
{
    struct client *c;

    clients->code_round++;
    while ((c = TAILQ_FIRST(&clients->code_waiters)) && c->code_wait.round != clients->code_round) {
        stop_waiting(c, CODE_WAIT_ENDED);
        client_ready(c);
    }
}
