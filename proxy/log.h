/* SPDX-License-Identifier: MIT
 * One line an event on stderr. Never statement text, values, passwords or hashes.
 */
#ifndef SLUSE_PROXY_LOG_H
#define SLUSE_PROXY_LOG_H

#include <stdbool.h>

enum log_level { LOG_ERROR, LOG_WARNING, LOG_INFO, LOG_DEBUG }; /* the values of enum conf_log_level */

void log_set_level(enum log_level level);
bool log_wants(enum log_level level);

/* Any thread; a line is one write. Control characters (a peer's name may hold them) become '?'. */
void log_line(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At most one line a second for each place that has its own `last` (seconds, zero at first); the others are counted in the next one. */
struct log_limit {
    long last;
    unsigned skipped;
};
bool log_allowed(struct log_limit *limit, unsigned *skipped);

#endif
