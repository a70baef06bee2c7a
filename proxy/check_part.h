/* SPDX-License-Identifier: MIT
 * What sluse --check --connect is made of. Only the check*.c files include this.
 */
#ifndef SLUSE_PROXY_CHECK_PART_H
#define SLUSE_PROXY_CHECK_PART_H

#include <mysql.h>

#include "proxy/check.h"

struct stored_code;

enum check_fact {
#define FACT(name, kind) FACT_##name,
#include "proxy/check_fact.def"
#undef FACT
    FACTS
};

struct check {
    const struct conf *conf;
    MYSQL *mysql;          /* the control account's connection */
    char *facts[FACTS];    /* NULL: this server has none */
    struct stored_code *code; /* NULL: not read */
    char **unread;         /* schemas that accounts see and whose stored code can't be read, each once */
    size_t unread_count;
    unsigned failures, warnings;
};

/* check.c: one line each: what was found; what is wrong or will be, with what helps; and what failed (on stderr). Control characters become '?'. */
void check_found(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
void check_advise(struct check *c, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));
void check_failed(struct check *c, const char *what, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* The first column of the first row; the caller's to free. NULL: there is none. */
char *check_ask(MYSQL *mysql, const char *query);
/* check.c: a fact as a number; 0: the server has none. */
unsigned long long check_number(const struct check *c, enum check_fact fact);

/* check_server.c: asks for the facts, and says what they mean for these settings. */
void check_server(struct check *c);

/* check_code.c: reads the stored code; notes which schemas the account behind that connection sees without its code being read; says what is missing. */
void check_read_code(struct check *c);
void check_note_schemas(struct check *c, MYSQL *mysql);
void check_code(struct check *c);

#endif
