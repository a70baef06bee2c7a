/* SPDX-License-Identifier: MIT
 * The HTTP side of the counters.
 */
#include "proxy/stats_http.h"

#include <errno.h>
#include <jansson.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"
#include "proxy/version.h"

struct stats_http {
    struct MHD_Daemon *daemon;
    struct workers *workers;
    struct pool *pool;
    struct target *target;
    int64_t started;
};

/* --- what is said --- */

static json_t *number(int64_t value)
{
    return json_integer(value < 0 ? 0 : value); /* a backend that is between two workers makes a sum of gauges negative for a moment */
}

static json_t *counters_json(const struct stats *sum)
{
    json_t *object = json_object();

#define COUNTER(name, text) json_object_set_new(object, #name, json_integer((json_int_t)sum->name));
#include "proxy/stats.def"
#undef COUNTER
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

static json_t *pins_json(const struct stats *sum)
{
    json_t *object = json_object();

    for (int i = 0; i < PINS; i++)
        if (sum->pins[i])
            json_object_set_new(object, pin_name((enum pin)i),
                                json_pack("{sI so}", "times", (json_int_t)sum->pins[i], "now", number(sum->pinned[i])));
    return object;
}

/* Everybody waits, and every backend is held by a session whose client does not go on: it may need a second connection to do so. */
static bool is_stalled(const struct pool_numbers *numbers, const struct stats *sum)
{
    return numbers->waiting && sum->pinned_idle > 0 && (uint64_t)sum->pinned_idle + 1 >= numbers->size;
}

static json_t *pool_json(struct stats_http *http, const struct stats *sum)
{
    struct pool_numbers numbers = pool_numbers(http->pool);
    json_t *backends = json_object();

    for (int i = 0; i < BACKEND_CLOSED; i++)
        json_object_set_new(backends, backend_state_name((enum backend_state)i), number(sum->backends[i]));
    return json_pack("{sI sI sI sI sI so sI sb}", "size", (json_int_t)numbers.size, "used", (json_int_t)numbers.used, "used_max", (json_int_t)numbers.used_max,
                     "waiting", (json_int_t)numbers.waiting, "waiting_max", (json_int_t)numbers.waiting_max, "backends", backends, "pinned_idle",
                     (json_int_t)(sum->pinned_idle < 0 ? 0 : sum->pinned_idle), "all_pinned_all_waiting", (int)is_stalled(&numbers, sum));
}

static json_t *stored_code_json(struct stats_http *http)
{
    struct target_stored_code_numbers numbers = target_stored_code_numbers(http->target);

    return json_pack("{sb sI sI sI sf}", "right", (int)numbers.right, "names", (json_int_t)numbers.names, "schemas", (json_int_t)numbers.schemas, "readings",
                     (json_int_t)numbers.readings, "read_ms", (double)numbers.took_us / 1000);
}

static json_t *globals_json(struct stats_http *http)
{
    struct target_globals_numbers numbers = target_globals_numbers(http->target);

    return json_pack("{sb sI sI sf}", "right", (int)numbers.right, "epoch", (json_int_t)numbers.epoch, "readings", (json_int_t)numbers.readings, "read_ms",
                     (double)numbers.took_us / 1000);
}

static json_t *target_json(struct stats_http *http)
{
    struct target_facts facts = target_facts(http->target);
    char error[256];

    target_error(http->target, error, sizeof error);
    return json_pack("{ss ss sb sI ss so so}", "address", http->target->name, "version", facts.server_version, "up", (int)atomic_load(&http->target->up),
                     "max_connections", (json_int_t)facts.max_connections, "last_error", error, "stored_code", stored_code_json(http), "globals", globals_json(http));
}

static char *stats_text(struct stats_http *http)
{
    struct stats sum = {0};
    json_t *all;
    char *text;

    for (unsigned i = 0; i < http->workers->count; i++)
        stats_sum(&sum, &http->workers->list[i].loop.stats);
    all = json_pack("{ss sI sI so s{so sI} so so so so so}", "version", SLUSE_VERSION, "uptime_s", (json_int_t)(monotonic_seconds() - http->started), "workers",
                    (json_int_t)http->workers->count, "target", target_json(http), "clients", "current", number(sum.clients), "max",
                    (json_int_t)atomic_load(&http->workers->max_clients), "pool", pool_json(http, &sum), "pins", pins_json(&sum), "counters", counters_json(&sum), "client_closed",
                    reasons_json(sum.client_closed), "backend_closed", reasons_json(sum.backend_closed));
    if (!all)
        return NULL;
    text = json_dumps(all, JSON_INDENT(2));
    json_decref(all);
    return text;
}

/* --- who asks --- */

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type, char *text)
{
    struct MHD_Response *response;
    enum MHD_Result result;

    if (!text)
        return MHD_NO;
    response = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(text);
        return MHD_NO;
    }
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type);
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result healthz(struct stats_http *http, struct MHD_Connection *connection)
{
    if (!workers_turning(http->workers))
        return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", strdup("a worker is stuck\n"));
    return answer(connection, MHD_HTTP_OK, "text/plain; charset=utf-8", strdup("ok\n"));
}

static enum MHD_Result readyz(struct stats_http *http, struct MHD_Connection *connection)
{
    char error[256], *text;

    if (atomic_load(&http->workers->draining))
        return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", strdup("draining\n"));
    if (target_usable(http->target))
        return answer(connection, MHD_HTTP_OK, "text/plain; charset=utf-8", strdup("ready\n"));
    target_error(http->target, error, sizeof error);
    if (asprintf(&text, "not ready: server %s: %s\n", http->target->name, error[0] ? error : "not connected yet") < 0)
        return MHD_NO;
    return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", text);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **context)
{
    struct stats_http *http = data;

    (void)version;
    (void)upload;
    (void)context;
    *upload_size = 0;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", strdup("GET only\n"));
    if (strcmp(url, "/healthz") == 0)
        return healthz(http, connection);
    if (strcmp(url, "/readyz") == 0)
        return readyz(http, connection);
    if (strcmp(url, "/stats") == 0)
        return answer(connection, MHD_HTTP_OK, "application/json", stats_text(http));
    return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", strdup("not found; there are /healthz, /readyz, /stats\n"));
}

struct stats_http *stats_http_start(const struct conf *conf, struct workers *workers, struct pool *pool, struct target *target)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE}, *info = NULL;
    struct stats_http *http = zalloc(sizeof *http);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL;
    char port[8];

    *http = (struct stats_http){.workers = workers, .pool = pool, .target = target, .started = monotonic_seconds()};
    snprintf(port, sizeof port, "%u", conf->stats_listen.port);
    if (getaddrinfo(conf->stats_listen.host, port, &hints, &info) == 0) {
        if (info->ai_family == AF_INET6)
            flags |= MHD_USE_IPv6;
        http->daemon = MHD_start_daemon(flags, conf->stats_listen.port, NULL, NULL, on_request, http, MHD_OPTION_SOCK_ADDR, info->ai_addr,
                                        MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_END);
        freeaddrinfo(info);
    }
    if (http->daemon)
        return http;
    log_line(LOG_ERROR, "[stats] can't listen on %s:%u: %s", conf->stats_listen.host, conf->stats_listen.port, strerror(errno));
    free(http);
    return NULL;
}

void stats_http_stop(struct stats_http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    free(http);
}
