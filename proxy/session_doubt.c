/* SPDX-License-Identifier: MIT
 * Texts that ran while it was not known what is stored at the server: their names are kept, and looked up when it is.
 *
 * What is read afterwards holds for them if nothing changed in between; or if there was one change only, and they are harmless both with what was known
 * before it and with what was read after it. Of more than one change nobody knows the states in the middle.
 */
#include <stdlib.h>

#include "proxy/invariant.h"
#include "proxy/session.h"

struct session_doubt {
    uint64_t since, quiet; /* as in stored_code_moment, of all of them */
    struct name_list names;
};

void session_doubt_begin(struct session *s, const struct name_list *names, const struct stored_code_moment *moment)
{
    struct session_doubt *d = s->doubt;

    if (s->pins & PIN_BIT(PIN_UNREAD) && !d)
        return; /* nothing ends that one */
    s->pins |= PIN_BIT(PIN_UNREAD);
    if (!d) {
        d = s->doubt = zalloc(sizeof *d);
        d->since = moment->since;
        d->quiet = moment->quiet;
    }
    if (d->since == STORED_CODE_NEVER || moment->since == STORED_CODE_NEVER)
        d->since = STORED_CODE_NEVER;
    else if (moment->since < d->since)
        d->since = moment->since;
    if (d->quiet != moment->quiet)
        d->quiet = STORED_CODE_NEVER;
    name_list_join(&d->names, names);
}

bool session_doubt_end(struct session *s, const struct name_set *names, uint64_t changes)
{
    struct session_doubt *d = s->doubt;
    bool holds = d->quiet == changes || (d->since != STORED_CODE_NEVER && changes - d->since <= 1);
    enum name_verdict verdict = holds ? name_list_judge(&d->names, names) : NAMES_UNREAD;

    session_doubt_free(s);
    if (verdict == NAMES_UNREAD)
        return false;
    s->pins &= ~PIN_BIT(PIN_UNREAD);
    if (verdict == NAMES_OPAQUE)
        s->pins |= PIN_BIT(PIN_OPAQUE);
    return true;
}

void session_doubt_free(struct session *s)
{
    free(s->doubt);
    s->doubt = NULL;
}

/* --- prepared statements: judged when they were prepared, and run later --- */

void session_note_prepared_names(struct session *s, const struct name_list *names, uint64_t right)
{
    if (!s->prepared_names) {
        s->prepared_names = zalloc(sizeof *s->prepared_names);
        s->prepared_right = right;
    }
    if (s->prepared_right != right)
        s->prepared_right = 0;
    name_list_join(s->prepared_names, names);
}

void session_judge_prepared(struct session *s, const struct name_set *names, uint64_t right)
{
    enum name_verdict verdict;

    if (!s->prepared_names || s->prepared_right == right)
        return;
    s->prepared_right = right;
    verdict = name_list_judge(s->prepared_names, names);
    if (verdict == NAMES_OPAQUE)
        s->prepared_pins |= PIN_BIT(PIN_OPAQUE);
    else if (verdict == NAMES_UNREAD)
        s->prepared_pins |= PIN_BIT(PIN_UNREAD);
}
