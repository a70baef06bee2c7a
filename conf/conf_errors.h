/* SPDX-License-Identifier: MIT
 * Collecting mistakes (struct conf_errors of conf.h).
 */
#ifndef SLUSE_CONF_CONF_ERRORS_H
#define SLUSE_CONF_CONF_ERRORS_H

#include "conf/conf.h"

/* Adds one mistake. Control bytes in the text become '?', so that no file can forge a log line. */
void conf_errors_add(struct conf_errors *errors, const char *path, int line, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* Brings them into the order of their lines; those of one line keep their order. */
void conf_errors_sort(struct conf_errors *errors);

/* strdup that notes it in errors when memory runs out. */
char *conf_errors_strdup(struct conf_errors *errors, const char *text);

#endif
