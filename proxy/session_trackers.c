/* SPDX-License-Identifier: MIT
 * A session's trackers, of which its client has not been told: protocol/trackers.h.
 */
#include <string.h>

#include "protocol/variable.h"
#include "proxy/session.h"

static bool sets(const struct statement_effects *text, const char *name)
{
    int variable = variable_find(name_hash(name, strlen(name)));

    for (unsigned i = 0; i < text->variable_count && i < STATEMENT_VARIABLES; i++)
        if (text->variables[i] == variable)
            return true;
    return false;
}

/* Of the collations that drivers name at their login; NULL: of another, it is not known. */
static const char *charset_of(uint16_t collation)
{
    if (collation == 45 || collation == 46 || (collation >= 224 && collation <= 247) || (collation >= 255 && collation <= 323))
        return "utf8mb4";
    if (collation == 33 || collation == 83)
        return "utf8mb3";
    if (collation == 8 || collation == 47 || collation == 48)
        return "latin1";
    return collation == 63 ? "binary" : NULL;
}

void session_keep_trackers(struct session *s, const struct command_effects *e, struct reply *r)
{
    const struct statement_effects *text = &e->text;

    if (!r->keep_eof || e->command == COM_RESET_CONNECTION)
        return;
    r->trackers = &s->trackers;
    trackers_login(&s->trackers, charset_of(s->image.collation));
    r->single = e->command == COM_STMT_EXECUTE || (e->command == COM_QUERY && !(text->several && s->image.multi_statements));
    if (e->command != COM_QUERY && e->command != COM_STMT_EXECUTE)
        return;
    r->sets_transactions = text->tracks_transactions;
    if (sets(text, "session_track_system_variables"))
        trackers_forget_variables(&s->trackers);
}
