/* SPDX-License-Identifier: MIT
 * A text of which nobody knows whether its "x" are strings or names (MySQL, as long as sql_mode is not known): if its verdict is the same both ways, it is known
 * all the same.
 */
#include <string.h>

#include "protocol/statement.h"

static bool judge(struct statement *s, const struct statement *like, bool names, struct name_list *list, const uint8_t *text, size_t length)
{
    struct lexer_modes modes = like->lexer.modes;

    modes.unknown_quotes = false;
    modes.ansi_quotes = names;
    statement_begin(s, modes, like->names, list, like->schema);
    statement_piece(s, text, length);
    (void)statement_end(s);
    return !lexer_unclear(&s->lexer);
}

bool statement_judge_both(struct statement *s, const uint8_t *text, size_t length)
{
    struct statement strings, names;
    struct name_list of_strings, of_names;

    if (!judge(&strings, s, false, &of_strings, text, length) || !judge(&names, s, true, &of_names, text, length) ||
        memcmp(&strings.effects, &names.effects, sizeof strings.effects) != 0)
        return false;
    name_list_join(&of_strings, &of_names);
    *s->list = of_strings;
    names.list = s->list;
    *s = names;
    return true;
}
