/* SPDX-License-Identifier: MIT
 * Listening sockets that the service manager has opened (systemd's .socket units). The main thread, before any other runs.
 */
#ifndef SLUSE_PROXY_ACTIVATION_H
#define SLUSE_PROXY_ACTIVATION_H

#include <stdbool.h>
#include <sys/socket.h>

#define ACTIVATION_MAX 64

struct activation {
    int count;
    bool taken[ACTIVATION_MAX];
};

/* What was passed to this process. False: more than we look at, which is logged. */
bool activation_open(struct activation *a) __attribute__((warn_unused_result));
/* The socket that listens on exactly this; -1: none was passed. Its manager goes on with it when we end. */
int activation_take_port(struct activation *a, const struct sockaddr *address);
int activation_take_path(struct activation *a, const char *path);
/* Has each that was passed been taken? Else clients would connect where nobody answers: each is logged, and all are closed. */
bool activation_finish(struct activation *a) __attribute__((warn_unused_result));

#endif
