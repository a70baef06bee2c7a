/* SPDX-License-Identifier: MIT
 * Values as text: pure functions, without files, tables or memory of their own.
 *
 * Each parser returns NULL when the text is good. Otherwise it returns what would be right, and leaves *out alone.
 */
#ifndef SLUSE_CONF_CONF_VALUE_H
#define SLUSE_CONF_CONF_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/conf.h"

const char *conf_value_count(const char *text, uint64_t *out);
const char *conf_value_duration(const char *text, int64_t *out_us); /* 500ms, 10s, 5m, 2h, 0 */
const char *conf_value_size(const char *text, uint64_t *out);       /* bytes: 512, 64K, 16M, 2G */
const char *conf_value_bool(const char *text, bool *out);           /* yes, no, true, false, on, off, 1, 0 */
const char *conf_value_hash(const char *text, uint8_t out[20]);
const char *conf_value_host(const char *text, char *out, size_t size);          /* a name or an address; "[::1]" is "::1" */
const char *conf_value_address(const char *text, struct conf_address *out);     /* numeric, with a port */

/* Returns NULL when good, otherwise "" or a level that was probably meant. */
const char *conf_value_level(const char *text, int *out);

/* The word that was probably meant, or NULL when none is near. */
const char *conf_value_nearest(const char *word, const char *const *words, size_t count);

/* Undoes double quotes in place: text begins with one; a doubled quote inside stands for one.
 * Returns what follows the closing quote, or NULL when that is missing. */
char *conf_value_unquote(char *text);

#endif
