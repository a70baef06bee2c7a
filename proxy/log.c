/* SPDX-License-Identifier: MIT
 * Log lines: time, level, text.
 */
#include "proxy/log.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LINE_MAX_BYTES 1024

static atomic_int level_now = LOG_INFO;

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&level_now, (int)level, memory_order_relaxed);
}

bool log_wants(enum log_level level)
{
    return (int)level <= atomic_load_explicit(&level_now, memory_order_relaxed);
}

static size_t prefix(char *line, enum log_level level)
{
    static const char *const names[] = {"error", "warning", "info", "debug"};
    struct timespec now;
    struct tm utc;
    size_t length;

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    length = strftime(line, LINE_MAX_BYTES, "%Y-%m-%dT%H:%M:%S", &utc);
    return length + (size_t)snprintf(line + length, LINE_MAX_BYTES - length, ".%03ldZ %s: ", now.tv_nsec / 1000000, names[level]);
}

void log_line(enum log_level level, const char *format, ...)
{
    char line[LINE_MAX_BYTES];
    size_t length;
    va_list arguments;
    int more;

    if (!log_wants(level))
        return;
    length = prefix(line, level);
    va_start(arguments, format);
    more = vsnprintf(line + length, sizeof line - 1 - length, format, arguments);
    va_end(arguments);
    if (more > 0)
        length += (size_t)more < sizeof line - 1 - length ? (size_t)more : sizeof line - 2 - length;
    for (size_t i = 0; i < length; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7F)
            line[i] = '?';
    line[length++] = '\n';
    if (write(STDERR_FILENO, line, length) < 0)
        return; /* nowhere to say so */
}

bool log_allowed(struct log_limit *limit, unsigned lines, unsigned seconds, unsigned *skipped)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    if (now.tv_sec - limit->since >= (long)seconds) {
        limit->since = now.tv_sec;
        limit->lines = 0;
    }
    if (limit->lines == lines) {
        limit->skipped++;
        return false;
    }
    limit->lines++;
    *skipped = limit->skipped;
    limit->skipped = 0;
    return true;
}

bool log_is_news(struct log_news *news, const char *text, unsigned *before)
{
    bool same = strncmp(news->text, text, sizeof news->text - 1) == 0;

    if (!same)
        news->limit = (struct log_limit){0};
    if (!log_allowed(&news->limit, 1, 60, before))
        return false;
    snprintf(news->text, sizeof news->text, "%s", text);
    return true;
}

const char *log_before(unsigned skipped, char word[32])
{
    word[0] = '\0';
    if (skipped)
        snprintf(word, 32, " (and %u before)", skipped);
    return word;
}
