/* SPDX-License-Identifier: MIT
 * The table of keys (conf_keys.def) as data, and what can be found in it.
 */
#ifndef SLUSE_CONF_CONF_KEYS_H
#define SLUSE_CONF_CONF_KEYS_H

#include <stdbool.h>
#include <stddef.h>

enum conf_type {
    CONF_TYPE_ADDRESSES,   /* struct conf_address * and, behind it, a size_t: numeric, comma-separated */
    CONF_TYPE_ADDRESS,     /* struct conf_address: numeric, or empty */
    CONF_TYPE_HOST,        /* char[256] */
    CONF_TYPE_PORT,        /* uint16_t */
    CONF_TYPE_SOCKET,      /* char *, NULL when empty: a path that fits into sockaddr_un */
    CONF_TYPE_WORKERS,     /* unsigned, 0 for "auto" */
    CONF_TYPE_COUNT,       /* uint64_t */
    CONF_TYPE_DURATION,    /* int64_t, microseconds */
    CONF_TYPE_LEVEL,       /* int, enum conf_log_level */
    CONF_TYPE_MIGRATE,     /* bool: "never" or "always" */
    CONF_TYPE_TEXT,        /* char *, NULL when empty */
    CONF_TYPE_SECRET,      /* char *, "" when empty; never shown */
    CONF_TYPE_SECRET_FILE, /* the name of a file with a secret; the loader keeps it */
    CONF_TYPE_HASH         /* uint8_t[20]; never shown */
};

/* Names a row: CONF_KEY_pool_size. */
enum conf_key_id {
#define CONF_KEY(section, name, ...) CONF_KEY_##section##_##name,
#include "conf/conf_keys.def"
#undef CONF_KEY
    CONF_KEY_COUNT
};

struct conf_key {
    const char *section;
    const char *name;
    enum conf_type type;
    size_t offset; /* in struct conf, or in struct conf_account for [account NAME]; unused for SECRET_FILE */
    const char *fallback;
    const char *min;
    const char *max;
    bool reloadable;
    const char *text;
};

extern const struct conf_key conf_keys[CONF_KEY_COUNT];

/* The row, or NULL. */
const struct conf_key *conf_keys_find(const char *section, const char *name);

/* The table's own string for a section of that name, or NULL. */
const char *conf_keys_section(const char *name);

bool conf_keys_is_account(const struct conf_key *key);

/* Whether the value may never be shown. */
bool conf_keys_is_secret(const struct conf_key *key);

/* Ends a sentence about an unknown name: "; did you mean 'size'?", or a list of what is known. */
void conf_keys_suggest_key(const char *section, const char *name, char *out, size_t size);
void conf_keys_suggest_section(const char *name, char *out, size_t size);

#endif
