/* SPDX-License-Identifier: MIT
 * The snapshot as JSON.
 */
#include "proxy/stats_json.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "proxy/version.h"

static json_t *number(int64_t value)
{
    return json_integer((json_int_t)not_negative(value));
}

static json_t *milliseconds(int64_t us)
{
    return json_real((double)not_negative(us) / 1000);
}

/* A server's texts are not always UTF-8, and may have been cut in the middle of a character. */
static json_t *text(const char *bytes)
{
    json_t *string = json_string(bytes);
    char plain[READINESS_TEXT];

    if (string)
        return string;
    snprintf(plain, sizeof plain, "%s", bytes);
    for (char *p = plain; *p; p++)
        if ((unsigned char)*p >= 0x80)
            *p = '?';
    return json_string(plain);
}

/* The object under `all` in which the path's last part is a field: "a.b.c" is c of b of a, which are made when they are not there. */
static json_t *parent_of(json_t *all, const char *path, const char **field)
{
    const char *dot;

    for (; (dot = strchr(path, '.')); path = dot + 1) {
        char name[32];
        json_t *inner;

        snprintf(name, sizeof name, "%.*s", (int)(dot - path), path);
        inner = json_object_get(all, name);
        if (!inner) {
            inner = json_object();
            json_object_set_new(all, name, inner);
        }
        all = inner;
    }
    *field = path;
    return all;
}

static void put_gauges(json_t *all, const struct snapshot *s)
{
    for (unsigned i = 0; i < gauge_count; i++) {
        int64_t value = gauge_value(s, i);
        char name[64];
        const char *field;
        json_t *parent = parent_of(all, gauge_rows[i].path, &field);

        switch (gauge_rows[i].kind) {
        case GAUGE_FLAG:
            json_object_set_new(parent, field, json_boolean(value));
            break;
        case GAUGE_TIME:
            snprintf(name, sizeof name, "%s_ms", field);
            json_object_set_new(parent, name, milliseconds(value));
            break;
        case GAUGE_SECONDS:
            snprintf(name, sizeof name, "%s_s", field);
            json_object_set_new(parent, name, json_integer(value / 1000000));
            break;
        default:
            json_object_set_new(parent, field, json_integer(value));
        }
    }
}

static json_t *counters_json(const struct snapshot *s)
{
    json_t *object = json_object();

#define COUNTER(name, text) json_object_set_new(object, #name, json_integer((json_int_t)s->sum.name));
#include "proxy/stats.def"
    return object;
}

static json_t *reasons_json(const uint64_t closed[CLOSE_REASONS])
{
    json_t *object = json_object();

    for (int i = 0; i < CLOSE_REASONS; i++)
        if (closed[i])
            json_object_set_new(object, close_reason_name((enum close_reason)i), json_integer((json_int_t)closed[i]));
    return object;
}

static json_t *errors_json(const struct snapshot *s)
{
    json_t *object = json_object();
    char word[8];

    for (unsigned i = 0; i < ERROR_COUNTERS; i++)
        if (s->sum.errors[i])
            json_object_set_new(object, error_counter_name(i, word), json_integer((json_int_t)s->sum.errors[i]));
    return object;
}

static json_t *pins_json(const struct snapshot *s)
{
    json_t *object = json_object();

    for (int i = 0; i < PINS; i++)
        if (s->sum.pins[i])
            json_object_set_new(object, pin_name((enum pin)i),
                                json_pack("{sI so so}", "times", (json_int_t)s->sum.pins[i], "now", number(s->sum.pinned[i]), "oldest_ms",
                                          milliseconds(s->pinned_oldest_us[i])));
    return object;
}

static json_t *backends_json(const struct snapshot *s)
{
    json_t *object = json_object();

    for (int i = 0; i < BACKEND_CLOSED; i++)
        json_object_set_new(object, backend_state_name((enum backend_state)i), number(s->sum.backends[i]));
    return object;
}

static json_t *frame_json(const struct snapshot *s, const struct frame_shown *frame)
{
    json_t *pins = json_array();

    for (int i = 0; i < PINS; i++)
        if (frame->pinned_us[i])
            json_array_append_new(pins, json_string(pin_name((enum pin)i)));
    return json_pack("{sI sI ss so so so sb so}", "id", (json_int_t)frame->id, "thread_id", (json_int_t)frame->thread_id, "state",
                     backend_state_name((enum backend_state)frame->state), "since_ms", milliseconds(s->now_us - frame->since_us), "command_ms",
                     frame->command_us ? milliseconds(s->now_us - frame->command_us) : json_null(), "session",
                     frame->session ? json_integer(frame->session) : json_null(), "resident", (int)frame->resident, "pins", pins);
}

static json_t *frames_json(const struct snapshot *s)
{
    json_t *array = json_array();

    for (size_t i = 0; i < s->frame_count; i++)
        if (s->frames[i].state != BACKEND_CLOSED)
            json_array_append_new(array, frame_json(s, &s->frames[i]));
    return array;
}

static json_t *histogram_json(const struct histogram *h)
{
    json_t *buckets = json_array();
    json_int_t count = 0;

    for (unsigned i = 0; i < BUCKETS; i++) {
        json_array_append_new(buckets, json_integer((json_int_t)h->buckets[i]));
        count += (json_int_t)h->buckets[i];
    }
    return json_pack("{sI so so}", "count", count, "sum_ms", milliseconds((int64_t)h->sum_us), "buckets", buckets);
}

static json_t *histograms_json(const struct snapshot *s)
{
    json_t *object = json_object();

#define HISTOGRAM(name, text) json_object_set_new(object, #name, histogram_json(&s->sum.name));
#include "proxy/stats.def"
    return object;
}

static json_t *bounds_json(void)
{
    json_t *array = json_array();

    for (unsigned i = 0; i < BUCKET_LONGER; i++)
        json_array_append_new(array, milliseconds(histogram_bounds_us[i]));
    return array;
}

char *stats_json(const struct snapshot *s)
{
    json_t *all = json_pack("{ss so s{so so so} s{} s{so so}}", "version", SLUSE_VERSION, "readiness", text(s->readiness), "target", "address",
                            text(s->target_name), "version", text(s->facts.server_version), "last_error", text(s->target_error), "clients", "pool",
                            "backends", backends_json(s), "frames", frames_json(s));
    char *printed;

    if (!all)
        return NULL;
    put_gauges(all, s);
    json_object_set_new(all, "pins", pins_json(s));
    json_object_set_new(all, "counters", counters_json(s));
    json_object_set_new(all, "histogram_bounds_ms", bounds_json());
    json_object_set_new(all, "histograms", histograms_json(s));
    json_object_set_new(all, "errors", errors_json(s));
    json_object_set_new(all, "client_closed", reasons_json(s->sum.client_closed));
    json_object_set_new(all, "backend_closed", reasons_json(s->sum.backend_closed));
    printed = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    return printed;
}
