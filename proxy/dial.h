/* SPDX-License-Identifier: MIT
 * Connections of libmariadb to the server: the control thread's, and those of sluse --check.
 */
#ifndef SLUSE_PROXY_DIAL_H
#define SLUSE_PROXY_DIAL_H

#include <stdbool.h>

#include "conf/conf.h"

struct st_mysql;

/* Not connected yet; nothing on it takes longer than connect_timeout. role: what the server shows it as. NULL: no memory. */
struct st_mysql *dial_prepare(const struct conf *conf, const char *role);
/* Connects and logs in. False: mysql_error says why. */
bool dial(struct st_mysql *mysql, const struct conf *conf, const char *user, const char *password) __attribute__((warn_unused_result));

#endif
