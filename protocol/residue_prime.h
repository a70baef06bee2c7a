/* SPDX-License-Identifier: MIT
 * Statements that make a server have what a session's last statement left elsewhere: FOUND_ROWS(), the list of warnings, ROW_COUNT().
 *
 * For what can't be put into a text (residue_text.h): GET DIAGNOSTICS, prepared statements, routines, and statements that may leave FOUND_ROWS() or the
 * list as they were without showing whether they did. Measured on MariaDB 10.11, 11.8 and MySQL 9.7; none depends on sql_mode or the character set.
 */
#ifndef SLUSE_PROTOCOL_RESIDUE_PRIME_H
#define SLUSE_PROTOCOL_RESIDUE_PRIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/wire.h"

#define RESIDUE_PRIME_ROWS 100000u /* of more the server would count too long */
#define RESIDUE_PRIME_COUNT 10000   /* likewise: a statement each */

/* A SELECT that returns at most one row, and after which FOUND_ROWS() is `rows`; with more than one MariaDB's list of warnings is empty afterwards.
 * False: too many. */
bool residue_prime_found_rows(struct wire_writer *w, uint64_t rows) __attribute__((warn_unused_result));

/* A list of warnings as SHOW WARNINGS told it: all packets of its answer. */
struct residue_list {
    const uint8_t *packets; /* borrowed */
    size_t length;
    uint64_t counted;       /* @@warning_count: if it lists fewer, max_error_count has cut it off, and no statement leaves the like */
    uint64_t limit;         /* max_error_count now; a block's RESIGNAL needs room for one more than it leaves */
    const char *sqlstate;   /* five characters, of its only condition, an error; NULL: not known */
    bool utf8;              /* its texts are in UTF-8; else only those in ASCII can be told */
};

/* A SIGNAL, or a block of them, that leaves the same list. *error: what the server answers it with, 0 for OK. False: no statement leaves such a list, as
 * with notes; or it is longer than what is worth it. */
bool residue_prime_warnings(struct wire_writer *w, const struct residue_list *list, bool mariadb, uint16_t *error) __attribute__((warn_unused_result));

/* MariaDB: a block after which ROW_COUNT() is `count` (1 to RESIDUE_PRIME_COUNT), FOUND_ROWS() is `rows`, and, unless list is NULL, the list is that one.
 * False: too many, or there is an error in the list, or no statement leaves such a list. Not in sql_mode ORACLE, where a block is written otherwise. */
bool residue_prime_counts(struct wire_writer *w, int64_t count, uint64_t rows, const struct residue_list *list) __attribute__((warn_unused_result));

/* MySQL: a SELECT after which ROW_COUNT() is 1 and FOUND_ROWS() is `rows`, at least 1; with more than one it leaves a warning. It sets a user variable of a
 * name that nobody else uses. False: too many. */
bool residue_prime_one(struct wire_writer *w, uint64_t rows) __attribute__((warn_unused_result));

#endif
