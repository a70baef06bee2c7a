/* SPDX-License-Identifier: MIT
 * The session variables that a session has set, with their values as the server tells them: one flat block, so that it can be compared, copied and
 * written out.
 */
#ifndef SLUSE_PROXY_SESSION_VALUES_H
#define SLUSE_PROXY_SESSION_VALUES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/lexer.h"
#include "protocol/wire.h"

#define SESSION_VALUES_MAX 6000u /* bytes of one session's block */

/* No variables, but kept as such: the names of the collations that SET NAMES has given to the results and to the client's texts, when they may not be the
 * default ones of character_set_results and character_set_client. */
#define RESULTS_COLLATION 0xFFFEu
#define CLIENT_COLLATION 0xFFFDu

/* Entries in the order of their variables' indexes. NULL stands for none. */
struct session_values;

struct session_value {
    uint16_t variable; /* index in the table of variables */
    bool null;
    struct wire_text text; /* borrowed from the block */
};

void session_values_free(struct session_values *values);
struct session_values *session_values_copy(const struct session_values *values);
/* Puts one in, in place of what it had. The block may move; false: it would pass SESSION_VALUES_MAX, and nothing has changed. text NULL: SQL's NULL. */
bool session_values_put(struct session_values **values, uint16_t variable, const void *text, size_t length) __attribute__((warn_unused_result));
void session_values_remove(struct session_values **values, uint16_t variable);
/* For a walk: at is 0 for the first; false behind the last. */
bool session_values_next(const struct session_values *values, size_t *at, struct session_value *value);
bool session_values_find(const struct session_values *values, uint16_t variable, struct session_value *value);
bool session_values_equal(const struct session_values *a, const struct session_values *b);
/* Has each variable of b an entry in a? Then setting what differs in a is enough to get from b to a. */
bool session_values_cover(const struct session_values *a, const struct session_values *b);

/* What the sql_mode among them makes of "x"; otherwise: when there is none. */
enum quotes session_values_quotes(const struct session_values *values, enum quotes otherwise);
/* Likewise of white space behind names. */
enum spaces session_values_spaces(const struct session_values *values, enum spaces otherwise);

#endif
