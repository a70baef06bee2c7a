/* SPDX-License-Identifier: MIT
 * sluse --check: is the file right, and, with --connect, is the server what the file says?
 */
#ifndef SLUSE_PROXY_CHECK_H
#define SLUSE_PROXY_CHECK_H

#include <stdbool.h>

#include "conf/conf.h"

/* Loads a file; mistakes go to stderr, one "file:line: text" each. NULL: there were some. */
struct conf *check_load(const char *path);
/* What is wrong with the node, for these settings: a line each. */
void check_node(const struct conf *conf);
/* Logs in to the server as every account, and prints what it found, a line each; what is wrong or will be begins with '!' and says what helps.
 * Returns the exit status: 1 when a login failed, which is on stderr too. */
int check_connect(const struct conf *conf);

#endif
