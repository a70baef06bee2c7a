/* SPDX-License-Identifier: MIT
 * Puts values into the fields of a snapshot, as the table of keys says, checking type and range.
 */
#include "conf/conf_set.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "conf/conf.h"
#include "conf/conf_secret.h"
#include "conf/conf_value.h"

/* What an address list is in the snapshot. The table names only the pointer; the count is next to it. */
struct address_list {
    struct conf_address *list;
    size_t count;
};

_Static_assert(offsetof(struct conf, listen_count) - offsetof(struct conf, listen) ==
                   offsetof(struct address_list, count),
               "listen and listen_count stand together");

static bool fail(char *wrong, size_t size, const char *text)
{
    (void)snprintf(wrong, size, "must be %s", text);
    return false;
}

static bool out_of_range(const struct conf_key *key, char *wrong, size_t size)
{
    (void)snprintf(wrong, size, "must be from %s to %s", key->min, key->max);
    return false;
}

static bool set_count(uint64_t *out, const struct conf_key *key, const char *value, char *wrong, size_t size)
{
    uint64_t number;
    uint64_t min;
    uint64_t max;

    if (conf_value_count(value, &number)) {
        (void)snprintf(wrong, size, "must be a whole number from %s to %s", key->min, key->max);
        return false;
    }
    if (conf_value_count(key->min, &min) || conf_value_count(key->max, &max) || number < min || number > max) {
        return out_of_range(key, wrong, size);
    }
    *out = number;
    return true;
}

static bool set_duration(int64_t *out, const struct conf_key *key, const char *value, char *wrong, size_t size)
{
    const char *right;
    int64_t us;
    int64_t min;
    int64_t max;

    right = conf_value_duration(value, &us);
    if (right) {
        return fail(wrong, size, right);
    }
    if (conf_value_duration(key->min, &min) || conf_value_duration(key->max, &max) || us < min || us > max) {
        return out_of_range(key, wrong, size);
    }
    *out = us;
    return true;
}

static bool set_string(char **out, const char *value, bool empty_is_null, char *wrong, size_t size)
{
    char *copy = NULL;

    if (*value || !empty_is_null) {
        copy = strdup(value);
        if (!copy) {
            (void)snprintf(wrong, size, "cannot be kept: out of memory");
            return false;
        }
    }
    conf_secret_free(*out);
    *out = copy;
    return true;
}

static bool set_socket(char **out, const char *value, char *wrong, size_t size)
{
    size_t longest = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;

    if (*value && *value != '/') {
        return fail(wrong, size, "an absolute path, as in /run/sluse/mysql.sock");
    }
    if (strlen(value) > longest) {
        (void)snprintf(wrong, size, "must be at most %zu bytes long, as the kernel has no room for more", longest);
        return false;
    }
    return set_string(out, value, true, wrong, size);
}

static bool set_migrate(bool *out, const char *value, char *wrong, size_t size)
{
    *out = strcmp(value, "always") == 0;
    if (*out || strcmp(value, "never") == 0)
        return true;
    (void)snprintf(wrong, size, "must be never or always");
    return false;
}

static bool set_level(int *out, const char *value, char *wrong, size_t size)
{
    const char *nearest = conf_value_level(value, out);

    if (!nearest) {
        return true;
    }
    (void)snprintf(wrong, size, "must be error, warning, info or debug");
    if (*nearest) {
        size_t used = strlen(wrong);

        (void)snprintf(wrong + used, size - used, "; did you mean '%s'?", nearest);
    }
    return false;
}

static bool set_address(struct conf_address *out, const char *value, char *wrong, size_t size)
{
    const char *right;

    if (!*value) {
        *out = (struct conf_address){.port = 0};
        return true;
    }
    right = conf_value_address(value, out);
    return right ? fail(wrong, size, right) : true;
}

/* Copies one element of a list without the spaces around it. Returns where the next begins, or NULL. */
static const char *element(const char *from, char *out, size_t size)
{
    size_t length = strcspn(from, ",");
    const char *next = from[length] ? from + length + 1 : NULL;

    while (length && (*from == ' ' || *from == '\t')) {
        from++;
        length--;
    }
    while (length && (from[length - 1] == ' ' || from[length - 1] == '\t')) {
        length--;
    }
    length = length < size ? length : size - 1;
    memcpy(out, from, length);
    out[length] = '\0';
    return next;
}

static bool set_addresses(struct address_list *out, const char *value, char *wrong, size_t size)
{
    struct address_list new = {NULL, 0};
    size_t commas = 0;
    const char *right = NULL;

    for (const char *c = value; *c; c++) {
        commas += *c == ',';
    }
    if (*value) {
        new.list = calloc(commas + 1, sizeof(*new.list));
        if (!new.list) {
            (void)snprintf(wrong, size, "cannot be kept: out of memory");
            return false;
        }
    }
    for (const char *at = value; *value && at && !right;) {
        char one[300];

        at = element(at, one, sizeof(one));
        right = conf_value_address(one, &new.list[new.count++]);
    }
    if (right) {
        free(new.list);
        return fail(wrong, size, right);
    }
    free(out->list);
    *out = new;
    return true;
}

static bool set_host(char *out, const char *value, char *wrong, size_t size)
{
    const char *right = conf_value_host(value, out, sizeof(((struct conf_address *)0)->host));

    return right ? fail(wrong, size, right) : true;
}

static bool set_port(uint16_t *out, const struct conf_key *key, const char *value, char *wrong, size_t size)
{
    uint64_t port;

    if (!set_count(&port, key, value, wrong, size)) {
        return false;
    }
    *out = (uint16_t)port;
    return true;
}

static bool set_workers(unsigned *out, const struct conf_key *key, const char *value, char *wrong, size_t size)
{
    uint64_t workers = 0;

    if (strcmp(value, "auto") != 0 && !set_count(&workers, key, value, wrong, size)) {
        (void)snprintf(wrong, size, "must be auto, or a whole number from %s to %s", key->min, key->max);
        return false;
    }
    *out = (unsigned)workers;
    return true;
}

bool conf_set(void *base, const struct conf_key *key, const char *value, char *wrong, size_t size)
{
    void *field = key->type == CONF_TYPE_SECRET_FILE ? NULL : (char *)base + key->offset;
    const char *right;

    switch (key->type) {
    case CONF_TYPE_ADDRESSES:
        return set_addresses(field, value, wrong, size);
    case CONF_TYPE_ADDRESS:
        return set_address(field, value, wrong, size);
    case CONF_TYPE_HOST:
        return set_host(field, value, wrong, size);
    case CONF_TYPE_PORT:
        return set_port(field, key, value, wrong, size);
    case CONF_TYPE_SOCKET:
        return set_socket(field, value, wrong, size);
    case CONF_TYPE_WORKERS:
        return set_workers(field, key, value, wrong, size);
    case CONF_TYPE_COUNT:
        return set_count(field, key, value, wrong, size);
    case CONF_TYPE_DURATION:
        return set_duration(field, key, value, wrong, size);
    case CONF_TYPE_LEVEL:
        return set_level(field, value, wrong, size);
    case CONF_TYPE_MIGRATE:
        return set_migrate(field, value, wrong, size);
    case CONF_TYPE_TEXT:
        return set_string(field, value, true, wrong, size);
    case CONF_TYPE_SECRET:
        return set_string(field, value, false, wrong, size);
    case CONF_TYPE_SECRET_FILE:
        return *value ? true : fail(wrong, size, "the name of a file");
    case CONF_TYPE_HASH:
        right = conf_value_hash(value, field);
        return right ? fail(wrong, size, right) : true;
    }
    return fail(wrong, size, "of a known type");
}

bool conf_set_defaults(struct conf *conf)
{
    char wrong[200];

    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        const struct conf_key *key = &conf_keys[i];

        if (*key->fallback && !conf_keys_is_account(key) && !conf_set(conf, key, key->fallback, wrong, sizeof(wrong))) {
            return false;
        }
    }
    return true;
}
