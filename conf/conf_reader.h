/* SPDX-License-Identifier: MIT
 * The lines of pool.ini, on their way to inih.
 *
 * inih splits a setting into name and value. What it can't do is done here, before it sees a line: it cuts long lines
 * and long section names silently, reports neither empty sections nor the line of a setting, takes an indented line for
 * a continuation, ends at a NUL, and knows no quotes. So it gets settings only, one a line, trimmed, without comments.
 */
#ifndef SLUSE_CONF_CONF_READER_H
#define SLUSE_CONF_CONF_READER_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"

struct conf_reader {
    const char *path;
    struct conf_errors *errors;
    /* Called at each heading. word is NULL when the heading is broken (and reported); name is NULL in a plain [word]. */
    void (*on_section)(void *user, const char *word, const char *name);
    void *user;

    char *data; /* the whole file; it has passwords in it and is wiped by conf_reader_close */
    size_t size;
    size_t at;
    int line;            /* the line that inih has now, from 1 */
    char *quoted;        /* its value, when that was in double quotes, else NULL */
    bool pending : 1;    /* inih has a setting, and has not yet called the handler for it */
    bool cut : 1;        /* a comment was taken off it */
};

/* Reads the file into memory. False when that fails, with a mistake in errors. */
bool conf_reader_open(struct conf_reader *reader);
void conf_reader_close(struct conf_reader *reader);

/* An ini_reader; its stream is the struct conf_reader. */
char *conf_reader_line(char *buffer, int size, void *stream);

/* For the handler: the value as it was meant, given the value that inih found. */
const char *conf_reader_value(struct conf_reader *reader, const char *value);

#endif
