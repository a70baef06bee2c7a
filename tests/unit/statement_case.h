/* SPDX-License-Identifier: MIT
 * Verdicts in words, so that a row of a table is a text and what is expected of it: "verb flags =variables ?reads +pins -releases".
 */
#ifndef SLUSE_TESTS_UNIT_STATEMENT_CASE_H
#define SLUSE_TESTS_UNIT_STATEMENT_CASE_H

#include <stdio.h>

#include "protocol/statement.h"
#include "tests/unit/split.h"

/* One server, and what is known of its names. */
struct statement_world {
    struct lexer_modes modes;
    const struct name_set *names;
    const char *schema; /* NULL: none */
};

struct statement_row {
    const char *text, *expected;
};

/* Whole, cut at every byte, and byte by byte: always the same. */
void check_statements(const struct statement_world *world, const struct statement_row *rows, size_t count);
#define CHECK_STATEMENTS(world, rows) check_statements(world, rows, sizeof(rows) / sizeof((rows)[0]))

/* Code of the schema app is known, and there is none elsewhere; or there may be; or nothing is known. */
extern const struct statement_world mariadb_known, mysql_known, mariadb_partly, mysql_partly, mariadb_unknown, mysql_unknown;

/* From text to words; into one static buffer. */
const char *describe_statement(const struct statement_effects *e);

#endif
