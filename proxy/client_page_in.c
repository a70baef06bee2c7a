/* SPDX-License-Identifier: MIT
 * A command whose page-in was written together with it (backend_ahead.c).
 */
#include "protocol/packet.h"
#include "proxy/budget.h"
#include "proxy/client.h"
#include "proxy/invariant.h"

void client_begin_timing(struct client *c)
{
    struct backend *b = c->lease.backend;

    if (c->home->conf->query_timeout_us && b->ahead.owed == 0)
        deadline_set(&b->context->queries, &b->deadline);
}

/* Does what it finds or keeps of the statement before it depend on how the page-in goes (it may leave warnings)? */
static bool depends_on_page_in(const struct client *c, const struct command_effects *e)
{
    if (e->command == COM_QUERY && !client_at_border(c))
        return true; /* that shows too late */
    if (e->text.looked_up && !c->lease.backend->moment.right)
        return true; /* its names may be routines and views that read it */
    if (e->text.reads || e->text.reads_sqlstate || e->text.several || e->text.pins & PIN_BIT(PIN_OPAQUE))
        return true;
    return session_unclear(e, c->home->facts->is_mariadb) != 0;
}

bool client_awaits_page_in(struct client *c)
{
    struct backend *b = c->lease.backend;

    if (b->ahead.owed == 0 || !depends_on_page_in(c, &b->effects))
        return false;
    backend_ahead_flush(b);
    b->reply.state = REPLY_AT_END;
    c->state = CLIENT_LEASING;
    return true;
}

/* The command that has waited is looked at again. */
static void go_on(struct client *c)
{
    c->state = CLIENT_READY;
    if (!backend_loaded_rightly(c->lease.backend, &c->lease.session))
        client_settle(c); /* a change of globals has overtaken it: it leaves, and is loaded anew */
    client_ready(c);
}

bool client_take_page_in(struct client *c, uint8_t **bytes, size_t *length)
{
    struct backend *b = c->lease.backend;
    size_t used;

    if (!backend_ahead_input(b, *bytes, *length, &used))
        return false;
    *bytes += used;
    *length -= used;
    if (b->warned)
        session_page_in_warned(&c->lease.session);
    if (c->state == CLIENT_RUNNING)
        client_begin_timing(c);
    if (*length)
        return true;
    if (c->state == CLIENT_LEASING)
        go_on(c);
    else if (c->state == CLIENT_READY)
        client_settle(c); /* its command had no reply */
    return false;
}

/* --- the server goes --- */

void client_keep_ahead(struct client *c, const uint8_t *bytes, size_t length)
{
    struct backend *b = c->lease.backend;

    if (b->ahead.owed && client_at_border(c) && length <= PACKET_HEADER + BUDGET_KEPT && !buffer_append(&b->ahead.command, bytes, length))
        buffer_free(&b->ahead.command); /* then it can't be sent once more */
}

/* In front of what the client has sent behind it. */
static bool put_back(struct client *c, struct buffer *command)
{
    struct buffer *kept = &c->stream.in;
    bool done = buffer_length(kept) == 0 || buffer_append(command, buffer_bytes(kept), buffer_length(kept));

    buffer_free(kept);
    *kept = *command;
    return done;
}

bool client_try_again(struct client *c)
{
    struct backend *b = c->lease.backend;
    struct buffer command = b->ahead.command;

    if (b->ahead.owed == 0 || b->kills || (c->state == CLIENT_RUNNING && buffer_length(&command) == 0))
        return false;
    b->ahead.command = (struct buffer){0};
    frames_discard(&c->lease, CLOSE_SERVER_CLOSED, true);
    session_leave(&c->lease.session);
    STATS_INC(c->home->loop->stats.page_ins_repeated);
    c->again = c->state == CLIENT_RUNNING;
    if (c->again && !put_back(c, &command))
        client_close(c, CLOSE_NO_MEMORY);
    else
        client_ready(c);
    return true;
}

/* What a server says that ends the connection rather than answer: for a wait_timeout (MySQL), and after a KILL. */
static bool is_farewell(uint16_t error)
{
    return error == 4031 || error == 1927;
}

/* What its command did without the settings nobody knows, so that it can't go on. */
void client_unloaded(struct lease *lease, const struct backend_error *error)
{
    struct client *c = container_of(lease, struct client, lease);

    if (is_farewell(error->number) && client_try_again(c))
        return;
    STATS_INC(c->home->loop->stats.page_ins_ahead_failed);
    frames_discard(lease, CLOSE_RESTORE_FAILED, false);
    if (client_send_text(c, c->state == CLIENT_READY ? 0 : 1, 1105, "HY000",
                         "sluse: the session's settings could not be set on another connection (error %u), and its statement may have run without them: "
                         "the session ends", error->number))
        client_finish(c, CLOSE_BACKEND_LOST);
}
