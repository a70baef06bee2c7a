/* SPDX-License-Identifier: MIT
 * The footprint of a command.
 *
 * COM_SET_OPTION is not read but undone. One thing in texts outlives a reset and a change of user and is not worth undoing each time: profiling, whose history holds statements.
 * It is switched on by SET, as text, in a dynamic statement or in a procedure that is CALLed; not in functions or triggers, which put it
 * back (MariaDB 10.11, tests/integration/test_cleaning.py). So a text in which none of these words stands leaves nothing of it.
 */
#include "proxy/footprint.h"

#include <stdbool.h>
#include <strings.h>

#include "protocol/command.h"

static const struct {
    const char *word;
    size_t length;
} telling[] = {{"CALL", 4}, {"EXEC", 4}, {"PROFIL", 6}};

static bool word_at(const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++)
        if (left >= telling[i].length && strncasecmp((const char *)at, telling[i].word, telling[i].length) == 0)
            return true;
    return false;
}

static bool has_word(const uint8_t *text, size_t length)
{
    static const uint8_t first[256] = {['c'] = 1, ['C'] = 1, ['e'] = 1, ['E'] = 1, ['p'] = 1, ['P'] = 1};

    for (size_t i = 0; i < length; i++)
        if (first[text[i]] && word_at(text + i, length - i))
            return true;
    return false;
}

enum footprint footprint_of_command(const uint8_t *command, size_t length, int whole)
{
    if (command[0] == COM_SET_OPTION)
        return FOOTPRINT_OPAQUE;
    if (command[0] != COM_QUERY && command[0] != COM_STMT_PREPARE)
        return FOOTPRINT_PLAIN;
    return !whole || has_word(command + 1, length - 1) ? FOOTPRINT_OPAQUE : FOOTPRINT_PLAIN;
}
