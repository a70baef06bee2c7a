/* SPDX-License-Identifier: MIT
 * Puts values of our own into a text, in place of the functions and variables that would read them from the backend: what the statement before it left
 * (ROW_COUNT(), FOUND_ROWS(), @@warning_count, @@error_count) when the session has changed its backend in between, and CONNECTION_ID().
 *
 * A value gets the type that the function has; a select item that had no alias gets the name that it would have had.
 */
#ifndef SLUSE_PROTOCOL_RESIDUE_TEXT_H
#define SLUSE_PROTOCOL_RESIDUE_TEXT_H

#include "protocol/statement.h"
#include "protocol/wire.h"

struct residue_values {
    int64_t row_count;
    uint64_t found_rows;
    uint64_t warning_count;
    uint64_t error_count;
    uint32_t connection_id;
    bool listed; /* the backend's list of warnings is not empty (on MySQL it is, for any statement) */
};

/* Writes the text with what `which` (enum residue) names replaced. False: it does not fit, or the text can't be followed; then nothing is to be sent
 * of what was written. SHOW COUNT(*) WARNINGS and ERRORS become a SELECT; SHOW WARNINGS and GET DIAGNOSTICS are false. Of several statements only the
 * first gets what the one before the text left; CONNECTION_ID() is replaced in all. Six times the length is room enough, but for SELECT inside SELECT. */
bool residue_text_write(struct wire_writer *w, const uint8_t *text, size_t length, struct lexer_modes modes, uint8_t which,
                        const struct residue_values *values) __attribute__((warn_unused_result));

#endif
