/* SPDX-License-Identifier: MIT
 * Putting a value, given as text, into the field that its key names.
 */
#ifndef SLUSE_CONF_CONF_SET_H
#define SLUSE_CONF_CONF_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf_keys.h"

struct conf;

/* base is a struct conf, or a struct conf_account for the keys of accounts. Frees what the field held before.
 * Returns false when the value is not set; wrong then says what would be right. It never repeats the value.
 * SECRET_FILE keys are checked only: they have no field. */
bool conf_set(void *base, const struct conf_key *key, const char *value, char *wrong, size_t size);

/* Gives every key outside of [account NAME] its default. False: memory ran out. */
bool conf_set_defaults(struct conf *conf);

#endif
