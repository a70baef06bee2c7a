/* SPDX-License-Identifier: MIT
 * The stored code of a server: views, triggers, routines, sequences, default values; read and judged by the control thread, and published as a
 * set of names that workers consult for every statement.
 *
 * What code does it does through what it names, too: a meaning is passed on along names, without their schemas, until nothing changes.
 */
#ifndef SLUSE_PROXY_STORED_CODE_H
#define SLUSE_PROXY_STORED_CODE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/name_set.h"
#include "proxy/stored_code_scan.h"

struct st_mysql;

/* Immutable, and shared: only hold and drop touch it. */
struct stored_code {
    struct name_set names;
    uint64_t version; /* raised with each reading that found something else; never 0 once it is published */
    atomic_uint references;
};

struct stored_code *stored_code_hold(struct stored_code *code);
/* NULL is nothing. */
void stored_code_drop(struct stored_code *code);
bool stored_code_same(const struct stored_code *a, const struct stored_code *b);

/* Called between two queries of a reading, so that nobody has to wait for its end. */
enum stored_code_pause { PAUSE_GO_ON, PAUSE_SETTINGS_LOST, PAUSE_STOP };
struct stored_code_pauses {
    enum stored_code_pause (*between)(void *data);
    void *data;
};

/* Reads everything once, over a connection that is used for nothing else meanwhile but by `pauses` (may be NULL). It changes settings of the
 * connection's session. False: why says what went wrong; it is empty after PAUSE_STOP, and when somebody was changing tables: try again. */
bool stored_code_read(struct st_mysql *mysql, const struct stored_code_pauses *pauses, struct stored_code **out, char *why, size_t size);
/* A number that is another one after each statement that may have changed stored code, whoever sent it: the server's own counters, mixed.
 * They count when a statement begins; one that took long may have changed something without changing them again. */
bool stored_code_counters(struct st_mysql *mysql, uint64_t *mixed);

/* --- putting a set together; nothing but memory --- */

struct stored_code_builder;

struct stored_code_builder *stored_code_builder(void);
/* All of its code will be added. Before any code: what names another schema is opaque. */
void stored_code_add_schema(struct stored_code_builder *b, uint64_t name);
bool stored_code_has_schema(const struct stored_code_builder *b, uint64_t name);
/* Something that may do anything; reads: and so may read what the statement before it left. */
void stored_code_add_opaque(struct stored_code_builder *b, uint64_t name, bool reads);
/* name: what the code is reached by: the view, the routine, the table with the trigger or the default value. */
void stored_code_add(struct stored_code_builder *b, uint64_t name, const struct code_text *text);
/* Frees the builder. NULL: there is more than is kept in memory. */
struct stored_code *stored_code_build(struct stored_code_builder *b);

#endif
