/* SPDX-License-Identifier: MIT
 * The HTTP side of the counters.
 */
#include "proxy/stats_http.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proxy/invariant.h"
#include "proxy/stats_json.h"
#include "proxy/stats_page.h"
#include "proxy/stats_prometheus.h"

struct stats_http {
    struct MHD_Daemon *daemon;
    struct stats_sources from;
    struct log_news trouble;
};

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
    if (!workers_turning(http->from.workers))
        return answer(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", strdup("a worker is stuck\n"));
    return answer(connection, MHD_HTTP_OK, "text/plain; charset=utf-8", strdup("ok\n"));
}

static enum MHD_Result readyz(struct stats_http *http, struct MHD_Connection *connection)
{
    char text[READINESS_TEXT + 1];
    bool ready = readiness(http->from.workers, text);

    strcat(text, "\n");
    return answer(connection, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", strdup(text));
}

/* The page at / never changes while the process lives: a browser keeps it, and asks whether it is still the same. */
static enum MHD_Result page(struct MHD_Connection *connection)
{
    const char *has = MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_IF_NONE_MATCH);
    bool same = has && strstr(has, stats_page_etag);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(same ? 0 : stats_page_size, (void *)(uintptr_t)stats_page, MHD_RESPMEM_PERSISTENT);
    enum MHD_Result result;

    if (!response)
        return MHD_NO;
    MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/html; charset=utf-8");
    MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-cache");
    MHD_add_response_header(response, MHD_HTTP_HEADER_ETAG, stats_page_etag);
    MHD_add_response_header(response, "Content-Security-Policy", stats_page_policy);
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
    result = MHD_queue_response(connection, same ? MHD_HTTP_NOT_MODIFIED : MHD_HTTP_OK, response);
    MHD_destroy_response(response);
    return result;
}

/* One moment, as `print` shows it. */
static enum MHD_Result numbers(struct stats_http *http, struct MHD_Connection *connection, const char *type, char *(*print)(const struct snapshot *))
{
    struct snapshot snapshot;
    char *text;

    snapshot_take(&snapshot, &http->from);
    text = print(&snapshot);
    snapshot_free(&snapshot);
    return answer(connection, MHD_HTTP_OK, type, text);
}

static enum MHD_Result on_request(void *data, struct MHD_Connection *connection, const char *url, const char *method, const char *version,
                                  const char *upload, size_t *upload_size, void **context)
{
    struct stats_http *http = data;

    (void)version;
    (void)upload;
    *upload_size = 0;
    if (!*context) { /* only the headers are there: who is answered now loses the connection with it */
        *context = http;
        return MHD_YES;
    }
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain; charset=utf-8", strdup("GET only\n"));
    if (strcmp(url, "/") == 0)
        return page(connection);
    if (strcmp(url, "/healthz") == 0)
        return healthz(http, connection);
    if (strcmp(url, "/readyz") == 0)
        return readyz(http, connection);
    if (strcmp(url, "/stats") == 0)
        return numbers(http, connection, "application/json", stats_json);
    if (strcmp(url, "/metrics") == 0)
        return numbers(http, connection, PROMETHEUS_TYPE, stats_prometheus);
    return answer(connection, MHD_HTTP_NOT_FOUND, "text/plain; charset=utf-8", strdup("not found; there are /, /healthz, /readyz, /stats, /metrics\n"));
}

/* Without descriptors libmicrohttpd tries again at once, and says so each time. */
static void on_message(void *data, const char *format, va_list arguments)
{
    static const struct timespec pause = {.tv_nsec = 100000000};
    struct stats_http *http = data;
    unsigned before;
    char word[32];

    (void)arguments;
    if (!strstr(format, "resource limit"))
        return;
    if (log_is_news(&http->trouble, "no descriptor", &before))
        log_line(LOG_WARNING, "[stats] can't answer: no descriptor%s; trying again every 100 ms", log_before(before, word));
    nanosleep(&pause, NULL);
}

struct stats_http *stats_http_start(const struct conf *conf, struct workers *workers, struct pool *pool, struct target *target, const struct reloads *reloads)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST | AI_PASSIVE}, *info = NULL;
    struct stats_http *http = zalloc(sizeof *http);
    unsigned flags = MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ERROR_LOG;
    char port[8];

    http->from = (struct stats_sources){.workers = workers, .pool = pool, .target = target, .reloads = reloads, .started_us = monotonic_us()};
    snprintf(port, sizeof port, "%u", conf->stats_listen.port);
    if (getaddrinfo(conf->stats_listen.host, port, &hints, &info) == 0) {
        if (info->ai_family == AF_INET6)
            flags |= MHD_USE_IPv6;
        http->daemon = MHD_start_daemon(flags, conf->stats_listen.port, NULL, NULL, on_request, http, MHD_OPTION_EXTERNAL_LOGGER, on_message, http,
                                        MHD_OPTION_SOCK_ADDR, info->ai_addr, MHD_OPTION_CONNECTION_TIMEOUT, 10u, MHD_OPTION_CONNECTION_LIMIT, 64u, MHD_OPTION_END);
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
