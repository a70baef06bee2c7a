/* SPDX-License-Identifier: MIT
 * Passwords: reading them from files, and leaving nothing of them behind.
 */
#ifndef SLUSE_CONF_CONF_SECRET_H
#define SLUSE_CONF_CONF_SECRET_H

#include <stddef.h>

/* Reads the password that a file holds, without the newline at its end. A relative name is relative to the directory
 * of ini_path. Returns a new string, or NULL with what is wrong, which never has a byte of the file in it. */
char *conf_secret_read(const char *ini_path, const char *name, char *wrong, size_t size);

/* Wipes and frees. NULL is fine. */
void conf_secret_free(char *secret);

#endif
