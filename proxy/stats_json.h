/* SPDX-License-Identifier: MIT
 * What /stats shows. Fields: docs/stats.md and docs/stats.schema.json.
 */
#ifndef SLUSE_PROXY_STATS_JSON_H
#define SLUSE_PROXY_STATS_JSON_H

#include "proxy/stats_snapshot.h"

/* JSON, to be freed; NULL: no memory. */
char *stats_json(const struct snapshot *s);

#endif
