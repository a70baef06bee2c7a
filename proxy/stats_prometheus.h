/* SPDX-License-Identifier: MIT
 * What /metrics shows: Prometheus' text format 0.0.4.
 */
#ifndef SLUSE_PROXY_STATS_PROMETHEUS_H
#define SLUSE_PROXY_STATS_PROMETHEUS_H

#include "proxy/stats_snapshot.h"

#define PROMETHEUS_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* To be freed; NULL: no memory. */
char *stats_prometheus(const struct snapshot *s);

#endif
