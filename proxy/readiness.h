/* SPDX-License-Identifier: MIT
 * Can clients be served, and if not, why? What /readyz says, sluse_ready is, and READY=1 waits for.
 */
#ifndef SLUSE_PROXY_READINESS_H
#define SLUSE_PROXY_READINESS_H

#include "proxy/worker.h"

#define READINESS_TEXT 1024u

/* text: the answer, with the first reason of a no; after a yes one line more for each thing that is wrong all the same. No line end behind the last. Any thread. */
bool readiness(struct workers *workers, char text[READINESS_TEXT]);

#endif
