/* SPDX-License-Identifier: MIT
 * The snapshot as Prometheus reads it. Names and help come from the tables; all of a family's labels are there from the start, so that no first event is
 * missed.
 */
#include "proxy/stats_prometheus.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/version.h"

/* fprintf with the suffix of a metric whose name is made from a row's. */
static void head(FILE *out, const char *name, const char *suffix, const char *type, const char *text)
{
    fprintf(out, "# HELP sluse_%s%s %s\n# TYPE sluse_%s%s %s\n", name, suffix, text, name, suffix, type);
}

static void counter(FILE *out, const char *name, const char *text, uint64_t value)
{
    head(out, name, "_total", "counter", text);
    fprintf(out, "sluse_%s_total %" PRIu64 "\n", name, value);
}

/* Rows begin at 0 with the process and only grow, or are of the moment. */
static void gauge(FILE *out, const struct gauge_row *row, int64_t value)
{
    bool time = row->kind == GAUGE_TIME || row->kind == GAUGE_SECONDS;
    const char *suffix = time ? "_seconds" : "";
    char name[64];

    snprintf(name, sizeof name, "%s", row->path);
    for (char *dot = name; (dot = strchr(dot, '.'));)
        *dot = '_';
    if (row->kind == GAUGE_COUNT) {
        counter(out, name, row->text, (uint64_t)value);
        return;
    }
    head(out, name, suffix, "gauge", row->text);
    if (time)
        fprintf(out, "sluse_%s%s %.6f\n", name, suffix, (double)value / 1e6);
    else
        fprintf(out, "sluse_%s %" PRId64 "\n", name, value);
}

static void histogram(FILE *out, const char *name, const char *text, const struct histogram *h)
{
    static const char *const bounds[] = {
#define BUCKET(us, seconds) seconds,
#include "proxy/stats.def"
        "+Inf",
    };
    uint64_t count = 0;

    head(out, name, "_seconds", "histogram", text);
    for (unsigned i = 0; i < BUCKETS; i++) {
        count += h->buckets[i];
        fprintf(out, "sluse_%s_seconds_bucket{le=\"%s\"} %" PRIu64 "\n", name, bounds[i], count);
    }
    fprintf(out, "sluse_%s_seconds_sum %.6f\nsluse_%s_seconds_count %" PRIu64 "\n", name, (double)h->sum_us / 1e6, name, count);
}

/* A label's value: what comes from a server or a file may have anything in it. */
static void quoted(FILE *out, const char *text)
{
    fputc('"', out);
    for (; *text; text++) {
        if (*text == '\n')
            fputs("\\n", out);
        else if (*text == '"' || *text == '\\')
            fprintf(out, "\\%c", *text);
        else
            fputc(*text, out);
    }
    fputc('"', out);
}

static void info(FILE *out, const struct snapshot *s)
{
    fprintf(out, "# HELP sluse_info which sluse, in front of which server; always 1\n# TYPE sluse_info gauge\nsluse_info{version=");
    quoted(out, SLUSE_VERSION);
    fputs(",target=", out);
    quoted(out, s->target_name);
    fputs(",target_version=", out);
    quoted(out, s->facts.server_version);
    fputs("} 1\n", out);
}

static void families(FILE *out, const struct snapshot *s)
{
    char word[8];

#define FAMILY(metric, kind, label, count, name, text, value)                                                                                                  \
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", #metric, text, #metric, kind);                                                                              \
    for (unsigned i = 0; i < (count); i++) {                                                                                                                   \
        const char *is = name;                                                                                                                                 \
        double amount = (double)(value);                                                                                                                       \
                                                                                                                                                               \
        if (is)                                                                                                                                                \
            fprintf(out, "%s{%s=\"%s\"} %.15g\n", #metric, label, is, amount < 0 ? 0 : amount); /* exact up to 2^49 */                                       \
    }
#include "proxy/stats.def"
    (void)word;
}

char *stats_prometheus(const struct snapshot *s)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out)
        return NULL;
    info(out, s);
    for (unsigned i = 0; i < gauge_count; i++)
        gauge(out, &gauge_rows[i], gauge_value(s, i));
#define COUNTER(name, text) counter(out, #name, text, s->sum.name);
#define HISTOGRAM(name, text) histogram(out, #name, text, &s->sum.name);
#include "proxy/stats.def"
    families(out, s);
    if (ferror(out) | fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}
