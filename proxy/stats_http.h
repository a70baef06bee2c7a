/* SPDX-License-Identifier: MIT
 * HTTP for operators: the page at /, /healthz, /readyz, /stats, /metrics. libmicrohttpd's own thread, reading counters that workers own.
 */
#ifndef SLUSE_PROXY_STATS_HTTP_H
#define SLUSE_PROXY_STATS_HTTP_H

#include "proxy/reload.h"
#include "proxy/worker.h"

struct stats_http;

/* Borrows everything. NULL: it can't listen, and a line says why. */
struct stats_http *stats_http_start(const struct conf *conf, struct workers *workers, struct pool *pool, struct target *target, const struct reloads *reloads);
void stats_http_stop(struct stats_http *http);

#endif
