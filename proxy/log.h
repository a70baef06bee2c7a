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

/* For each place that has its own limit (zero at first): at most so many lines in so many seconds; the others are counted in the next one. */
struct log_limit {
    long since; /* of the lines */
    unsigned lines, skipped;
};
bool log_allowed(struct log_limit *limit, unsigned lines, unsigned seconds, unsigned *skipped);

/* For what is found again and again (zero at first): worth a line when it is not what the last one said, or a minute after that. *before: how often it was not. */
struct log_news {
    char text[256];
    struct log_limit limit;
};
bool log_is_news(struct log_news *news, const char *text, unsigned *before);

/* " (and 312 before)", or nothing for 0, written to word. */
const char *log_before(unsigned skipped, char word[32]);

#endif
