/* SPDX-License-Identifier: MIT
 * The name that a server gives to a select item without an alias, as an alias.
 */
#ifndef SLUSE_PROTOCOL_RESIDUE_NAME_H
#define SLUSE_PROTOCOL_RESIDUE_NAME_H

#include "protocol/lexer.h"
#include "protocol/wire.h"

/* lexer_next for a text that is wholly in view: never TOKEN_MORE. */
enum token_kind residue_token(struct lexer *l, struct token *token);

/* Where a name begins. */
struct residue_name {
    struct lexer lexer; /* in front of the item's first token */
    size_t begin;       /* of that token; on MariaDB, behind a comma, of the comments in front of it */
};

/* Writes AS and the name. end: of the last token that belongs to it; length: of the whole text. False: nobody knows whether the white space behind it does. */
bool residue_name_write(struct wire_writer *w, const uint8_t *text, size_t length, const struct residue_name *name, size_t end) __attribute__((warn_unused_result));

#endif
