/* SPDX-License-Identifier: MIT
 * GET DIAGNOSTICS @a = NUMBER, @b = ROW_COUNT of a session whose diagnostics are not at the server: the SET that gives the variables the same values.
 */
#ifndef SLUSE_PROTOCOL_RESIDUE_DIAGNOSTICS_H
#define SLUSE_PROTOCOL_RESIDUE_DIAGNOSTICS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/lexer.h"
#include "protocol/residue_text.h"

/* False: the text is something else, or asks for a condition; what was written is of no use then. */
bool residue_diagnostics_write(struct wire_writer *w, const uint8_t *text, size_t length, struct lexer_modes modes, const struct residue_values *values)
    __attribute__((warn_unused_result));

#endif
