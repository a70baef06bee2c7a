/* SPDX-License-Identifier: MIT
 * The footprint of a command.
 *
 * COM_SET_OPTION is not read but undone. In texts, words tell (as parts of others too: that only costs a little):
 * - Profiling outlives a reset and a change of user, and its history holds statements. It is switched on by SET, as text, in a dynamic statement or
 *   in a procedure that is CALLed; not in functions or triggers, which put it back (MariaDB 10.11, tests/integration/test_cleaning.py).
 * - The schema is left with COM_INIT_DB, USE, DROP DATABASE and SET SESSION AUTHORIZATION; in stored code only behind CALL.
 */
#include "proxy/footprint.h"

#include <strings.h>

#include "protocol/command.h"

static const struct {
    const char *word;
    size_t length;
    enum footprint footprint;
} telling[] = {
    {"CALL", 4, FOOTPRINT_OPAQUE},    {"EXEC", 4, FOOTPRINT_OPAQUE},   {"PROFIL", 6, FOOTPRINT_OPAQUE},
    {"AUTHORI", 7, FOOTPRINT_OPAQUE}, {"USE", 3, FOOTPRINT_SCHEMA},    {"DROP", 4, FOOTPRINT_SCHEMA},
};

static enum footprint word_at(const uint8_t *at, size_t left)
{
    for (size_t i = 0; i < sizeof telling / sizeof telling[0]; i++)
        if (left >= telling[i].length && (at[1] | 0x20) == (telling[i].word[1] | 0x20) && strncasecmp((const char *)at, telling[i].word, telling[i].length) == 0)
            return telling[i].footprint;
    return FOOTPRINT_PLAIN;
}

static enum footprint footprint_of_text(const uint8_t *text, size_t length)
{
    static const uint8_t first[256] = {['c'] = 1, ['C'] = 1, ['e'] = 1, ['E'] = 1, ['p'] = 1, ['P'] = 1,
                                       ['a'] = 1, ['A'] = 1, ['u'] = 1, ['U'] = 1, ['d'] = 1, ['D'] = 1};
    enum footprint most = FOOTPRINT_PLAIN;

    for (size_t i = 0; i < length && most != FOOTPRINT_OPAQUE; i++) {
        if (first[text[i]]) {
            enum footprint one = word_at(text + i, length - i);

            if (one > most)
                most = one;
        }
    }
    return most;
}

enum footprint footprint_of_command(const uint8_t *command, size_t length, bool whole)
{
    switch (command[0]) {
    case COM_SET_OPTION:
        return FOOTPRINT_OPAQUE;
    case COM_INIT_DB:
        return FOOTPRINT_SCHEMA;
    case COM_QUERY:
    case COM_STMT_PREPARE:
        return whole ? footprint_of_text(command + 1, length - 1) : FOOTPRINT_OPAQUE;
    default:
        return FOOTPRINT_PLAIN;
    }
}
