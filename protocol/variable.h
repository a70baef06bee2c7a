/* SPDX-License-Identifier: MIT
 * What each session variable of the supported servers means for a session that moves; the rows are in variable.def.
 */
#ifndef SLUSE_PROTOCOL_VARIABLE_H
#define SLUSE_PROTOCOL_VARIABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum variable_policy {
    VARIABLE_TRAVELS,  /* read with SELECT @@session.x when the session leaves its backend, set again on the next */
    VARIABLE_CHARSET,  /* travels; and texts may be cut otherwise, or can't be any more, once it has changed */
    VARIABLE_MODE,     /* travels; sql_mode: texts are cut otherwise once it has changed */
    VARIABLE_FLAG,     /* travels, and the status flags tell its value: autocommit */
    VARIABLE_INSERT_ID,/* last_insert_id, identity */
    VARIABLE_OFF,      /* travels while it is off; found on when the session is to leave, it pins */
    VARIABLE_PINS,     /* setting it pins the session */
    VARIABLE_GLOBAL,   /* has no session value: setting it is no business of the session's */
};

enum variable_kind { VARIABLE_NUMBER, VARIABLE_TEXT };

struct variable {
    const char *name; /* lower case */
    enum variable_policy policy;
    enum variable_kind kind; /* how its value is read and written */
};

#define VARIABLES_MAX 640u /* a bit each in a session */

/* Index of the variable, by name_hash; -1: not in the table. Names of one state have one index, and so have all variables that are only global. */
int variable_find(uint64_t hash);
/* Has that server a session value of it, by this name? The index, or -1. */
int variable_find_on(uint64_t hash, bool mariadb);
/* In the order of their names, in which they can be set. */
const struct variable *variable_at(unsigned index);
unsigned variable_count(void);
/* The name by which a server reads and sets it: MySQL has transaction_isolation only, and MariaDB before 11.1 tx_isolation only. */
const char *variable_name(unsigned index, bool mariadb, uint32_t version);
/* Can a session not be given a value that its client has not set? The rows are in variable_fixed.def. */
bool variable_is_fixed(unsigned index, bool mariadb);
/* Can the server not refuse to set it to a value that it had there before? The rows are in variable_sure.def. */
bool variable_is_sure(unsigned index, bool mariadb);

#endif
