/* SPDX-License-Identifier: MIT
 * The process: everything that there is one of, in the order in which it starts and stops.
 */
#ifndef SLUSE_PROXY_INSTANCE_H
#define SLUSE_PROXY_INSTANCE_H

#include "conf/conf.h"

/* The exit statuses beside 0; 2 is a wrong command line. */
enum { INSTANCE_FAILED = 1, INSTANCE_CUT = 3 };

/* Runs, and reloads conf's file at each SIGHUP, until SIGTERM, which drains, or SIGINT, which does not. Returns the exit status: 0 for an orderly stop, INSTANCE_FAILED when it could not start,
 * INSTANCE_CUT when clients at work had to be cut before their drain_timeout was over (a second signal) or because it was. */
int instance_run(struct conf *conf);

#endif
