/* SPDX-License-Identifier: MIT
 * The process: everything that there is one of, in the order in which it starts and stops.
 */
#ifndef SLUSE_PROXY_INSTANCE_H
#define SLUSE_PROXY_INSTANCE_H

#include "conf/conf.h"

/* Runs until SIGTERM or SIGINT. Returns the exit status: 0 for an orderly stop, 1 when it could not start. */
int instance_run(const struct conf *conf);

#endif
