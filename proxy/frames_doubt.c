/* SPDX-License-Identifier: MIT
 * Sessions that are held because something about the server was not known: when it is, they are looked at again.
 */
#include "proxy/frames_part.h"
#include "proxy/stored_code.h"

bool frames_end_doubt(struct frames *f, struct lease *lease)
{
    const struct stored_code *code = f->context.facts->stored_code;
    uint64_t changes;

    return lease->session.doubt && target_stored_code_sure(f->context.target, code, &changes) && session_doubt_end(&lease->session, &code->names, changes);
}

/* As with globals, who began before the first reading counts as begun with what it found, unless one of our own clients may have changed that meanwhile. */
static bool end_unknown_init_connect(struct frames *f, struct session *s)
{
    bool none = !f->context.facts->init_connect && target_globals_untouched(f->context.target);

    if (!f->context.facts->asked || !(s->pins & PIN_BIT(PIN_UNKNOWN_INIT_CONNECT)))
        return false;
    s->pins &= ~PIN_BIT(PIN_UNKNOWN_INIT_CONNECT);
    if (!none)
        s->pins |= PIN_BIT(PIN_INIT_CONNECT);
    return true;
}

void frames_look_again(struct frames *f)
{
    struct backend *b, *next;

    for (b = TAILQ_FIRST(&f->context.every); b; b = next) {
        next = TAILQ_NEXT(b, every);
        if (b->state != BACKEND_LEASED || !(frames_end_doubt(f, b->lease) | end_unknown_init_connect(f, &b->lease->session)))
            continue;
        b->lease->ops->answered(b->lease);
        next = TAILQ_FIRST(&f->context.every); /* whoever waited may have changed the list */
    }
}
