/* SPDX-License-Identifier: MIT
 * The table of keys: rows from conf_keys.def, look-ups, and suggestions for names that are not in it.
 */
#include "conf/conf_keys.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/conf_value.h"

#define IN_CONF(field) offsetof(struct conf, field)
#define IN_ACCOUNT(field) offsetof(struct conf_account, field)
#define NOWHERE SIZE_MAX
#define YES true
#define NO false

const struct conf_key conf_keys[CONF_KEY_COUNT] = {
#define CONF_KEY(section, name, type, field, fallback, min, max, reload, text) \
    {#section, #name, CONF_TYPE_##type, field, fallback, min, max, reload, text},
#include "conf/conf_keys.def"
#undef CONF_KEY
};

const struct conf_key *conf_keys_find(const char *section, const char *name)
{
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (strcmp(conf_keys[i].section, section) == 0 && strcmp(conf_keys[i].name, name) == 0) {
            return &conf_keys[i];
        }
    }
    return NULL;
}

const char *conf_keys_section(const char *name)
{
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (strcmp(conf_keys[i].section, name) == 0) {
            return conf_keys[i].section;
        }
    }
    return NULL;
}

bool conf_keys_is_account(const struct conf_key *key)
{
    return strcmp(key->section, "account") == 0;
}

bool conf_keys_is_secret(const struct conf_key *key)
{
    return key->type == CONF_TYPE_SECRET || key->type == CONF_TYPE_HASH;
}

/* Rows of a section stand together, so a section begins where the name changes. */
static bool begins_section(size_t row)
{
    return row == 0 || strcmp(conf_keys[row].section, conf_keys[row - 1].section) != 0;
}

static const char *heading(const char *section)
{
    return strcmp(section, "account") == 0 ? "account NAME" : section;
}

static void append(char *out, size_t size, const char *before, const char *text, const char *after)
{
    size_t used = strlen(out);

    (void)snprintf(out + used, size - used, "%s%s%s", before, text, after);
}

/* The right name in the wrong section: 'password' outside of an account, 'size' under [sluse]. */
static const struct conf_key *elsewhere(const char *name)
{
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (strcmp(conf_keys[i].name, name) == 0) {
            return &conf_keys[i];
        }
    }
    return NULL;
}

void conf_keys_suggest_key(const char *section, const char *name, char *out, size_t size)
{
    const char *names[CONF_KEY_COUNT];
    const struct conf_key *other = elsewhere(name);
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (strcmp(conf_keys[i].section, section) == 0) {
            names[count++] = conf_keys[i].name;
        }
    }
    nearest = conf_value_nearest(name, names, count);
    if (nearest) {
        (void)snprintf(out, size, "; did you mean '%s'?", nearest);
        return;
    }
    if (other) {
        (void)snprintf(out, size, "; it belongs to [%s]", heading(other->section));
        return;
    }
    (void)snprintf(out, size, "; known here: ");
    for (size_t i = 0; i < count; i++) {
        append(out, size, i ? ", " : "", names[i], "");
    }
}

void conf_keys_suggest_section(const char *name, char *out, size_t size)
{
    const char *names[CONF_KEY_COUNT];
    const char *nearest;
    size_t count = 0;

    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (begins_section(i)) {
            names[count++] = conf_keys[i].section;
        }
    }
    nearest = conf_value_nearest(name, names, count);
    if (nearest) {
        (void)snprintf(out, size, "; did you mean [%s]?", heading(nearest));
        return;
    }
    (void)snprintf(out, size, "; known are ");
    for (size_t i = 0; i < count; i++) {
        append(out, size, i ? ", [" : "[", heading(names[i]), "]");
    }
}
