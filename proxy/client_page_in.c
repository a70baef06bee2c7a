/* SPDX-License-Identifier: MIT
 * A command whose page-in was written together with it (backend_ahead.c).
 */
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

/* What its command did without the settings nobody knows, so that it can't go on. */
void client_unloaded(struct lease *lease, const struct backend_error *error)
{
    struct client *c = container_of(lease, struct client, lease);

    frames_discard(lease, CLOSE_RESTORE_FAILED, false);
    if (client_send_text(c, c->state == CLIENT_READY ? 0 : 1, 1105, "HY000",
                         "sluse: the session's settings could not be set on another connection (error %u), and its statement may have run without them: "
                         "the session ends", error->number))
        client_finish(c, CLOSE_BACKEND_LOST);
}
