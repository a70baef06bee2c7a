/* SPDX-License-Identifier: MIT
 * What the names in a text stand for at the server, when that is not known at the moment, or changes while the text is under way.
 */
#include "proxy/client.h"
#include "proxy/stored_code.h"

static const struct stored_code *code_of(const struct client *c)
{
    return c->home->facts->stored_code;
}

/* What was known before was not right any more, but had been: it must have found nothing either. */
static void judge_before(struct client *c, struct backend *b, const struct name_list *names)
{
    const struct stored_code *code = code_of(c);

    if (!code || code->version != b->moment.known || name_list_judge(names, &code->names) != NAMES_PLAIN)
        b->moment.since = STORED_CODE_NEVER;
}

const struct name_set *client_names_begin(struct client *c, struct backend *b)
{
    struct session *s = &c->lease.session;

    (void)frames_end_doubt(c->home->frames, &c->lease); /* before a pin that nothing ends can come on top of it */
    b->moment = target_stored_code_moment(c->home->frames->context.target, code_of(c));
    if (c->command == COM_STMT_EXECUTE && s->prepared_names) {
        if (b->moment.right)
            session_judge_prepared(s, &code_of(c)->names, b->moment.right);
        else
            judge_before(c, b, s->prepared_names);
    }
    return b->moment.right ? &code_of(c)->names : NULL;
}

void client_names_sent(struct client *c, struct backend *b)
{
    struct statement_effects *text = &b->effects.text;

    if (b->moment.right || !text->looked_up)
        return;
    text->pins &= ~PIN_BIT(PIN_UNREAD); /* the session is pinned for as long as it is in doubt */
    text->insert_id = true;
    judge_before(c, b, &b->names);
}

void client_names_ended(struct client *c, struct backend *b)
{
    struct session *s = &c->lease.session;
    const struct name_list *names = &b->names;

    if (c->command == COM_STMT_EXECUTE)
        names = s->prepared_names;
    else if (!b->effects.text.looked_up)
        return;
    if (c->command == COM_STMT_PREPARE) {
        if (!b->reply.failed)
            session_note_prepared_names(s, names, b->moment.right);
        return;
    }
    if (!names || target_stored_code_unchanged(c->home->frames->context.target, &b->moment))
        return;
    session_doubt_begin(s, names, &b->moment);
    (void)frames_end_doubt(c->home->frames, &c->lease);
}

static const struct name_list *names_of(const struct client *c, const struct backend *b)
{
    return c->command == COM_QUERY ? &b->names : c->command == COM_STMT_EXECUTE ? c->lease.session.prepared_names : NULL;
}

uint8_t client_names_read(const struct client *c, const struct backend *b)
{
    const struct stored_code *code = code_of(c);
    const struct name_list *names = names_of(c, b);

    if (!names || !names->count)
        return 0;
    return b->moment.awaited ? NAME_READS_ANYTHING : name_list_reads(names, code ? &code->names : NULL);
}

bool client_names_call(const struct client *c, const struct backend *b)
{
    const struct name_list *names = names_of(c, b);

    return names && name_list_calls(names);
}

bool client_names_run(const struct client *c, const struct backend *b)
{
    const struct name_list *names = names_of(c, b);

    if (!names || !names->count)
        return false;
    return !b->moment.right || !code_of(c) || name_list_judge(names, &code_of(c)->names) != NAMES_PLAIN;
}
