/* SPDX-License-Identifier: MIT
 * What a session keeps of the globals that it began with.
 */
#include "proxy/session_epoch.h"

#include "protocol/capability.h"

static bool has_begun_here(const struct session *s, const struct epoch *here)
{
    return here && here->take == s->epoch.take;
}

static struct globals_login login_of(const struct session *s)
{
    return (struct globals_login){
        .collation = s->image.collation != 0,
        .ignore_space = s->image.ignore_space || s->key & CAP_IGNORE_SPACE,
        .interactive = s->image.interactive || s->key & CAP_INTERACTIVE,
    };
}

static void keep(struct session *s, const struct session_values *kept)
{
    if (!globals_keep(&s->values, kept, login_of(s)))
        s->broken = true; /* more than is kept of a session: better none than a wrong one */
}

static void ask(struct session *s, const struct session_values *kept)
{
    globals_mark(s->dirty, s->values, kept, login_of(s));
    s->unsaved |= UNSAVED_VARIABLES;
}

bool session_globals_changed(struct session *s, const struct session_values *difference, const struct globals *is, const struct epoch *here)
{
    if (!s->begun || s->whole || s->epoch.globals_us >= is->since_us)
        return false;
    if (has_begun_here(s, here))
        ask(s, difference);
    else if (s->begun_us <= is->until_us)
        keep(s, difference);
    else
        return false; /* it began while they were changing, and left: it has the new ones */
    return true;
}

bool session_keep_globals(struct session *s, const struct globals *globals)
{
    if (!s->begun || s->whole || !globals)
        return false;
    keep(s, globals->values);
    s->whole = true;
    return true;
}

void session_ask_globals(struct session *s, const struct globals *globals, const struct epoch *here)
{
    if (!s->begun || s->whole || !globals || !has_begun_here(s, here))
        return;
    ask(s, globals->values);
    s->whole = true;
}
