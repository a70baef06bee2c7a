/* SPDX-License-Identifier: MIT
 * What a reload changes: two snapshots compared key by key, as the text that would stand in the file.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_set.h"

static void write_address(FILE *out, const struct conf_address *address)
{
    bool brackets = strchr(address->host, ':') != NULL;

    if (*address->host) {
        fprintf(out, "%s%s%s:%u", brackets ? "[" : "", address->host, brackets ? "]" : "", address->port);
    }
}

static void write_addresses(FILE *out, const struct conf *conf)
{
    for (size_t i = 0; i < conf->listen_count; i++) {
        fputs(i ? ", " : "", out);
        write_address(out, &conf->listen[i]);
    }
}

static void write_duration(FILE *out, int64_t us)
{
    static const struct {
        const char *name;
        int64_t us;
    } units[] = {{"h", 3600000000}, {"m", 60000000}, {"s", 1000000}, {"ms", 1000}};
    size_t i = 0;

    while (us % units[i].us) { /* every duration is of whole milliseconds */
        i++;
    }
    fprintf(out, "%" PRId64 "%s", us / units[i].us, us ? units[i].name : "");
}

static void write_value(FILE *out, const struct conf *conf, const struct conf_key *key)
{
    static const char *const levels[] = {"error", "warning", "info", "debug"};
    const void *field = (const char *)conf + key->offset;
    const char *text = NULL;

    switch (key->type) {
    case CONF_TYPE_ADDRESSES:
        write_addresses(out, conf);
        break;
    case CONF_TYPE_ADDRESS:
        write_address(out, field);
        break;
    case CONF_TYPE_HOST:
        text = field;
        break;
    case CONF_TYPE_PORT:
        fprintf(out, "%u", *(const uint16_t *)field);
        break;
    case CONF_TYPE_WORKERS:
        if (*(const unsigned *)field) {
            fprintf(out, "%u", *(const unsigned *)field);
        } else {
            text = "auto";
        }
        break;
    case CONF_TYPE_COUNT:
        fprintf(out, "%" PRIu64, *(const uint64_t *)field);
        break;
    case CONF_TYPE_DURATION:
        write_duration(out, *(const int64_t *)field);
        break;
    case CONF_TYPE_LEVEL:
        text = levels[*(const int *)field];
        break;
    case CONF_TYPE_MIGRATE:
        text = *(const bool *)field ? "always" : "never";
        break;
    case CONF_TYPE_SOCKET:
    case CONF_TYPE_TEXT:
    case CONF_TYPE_SECRET: /* to be compared only */
        text = *(char *const *)field;
        break;
    case CONF_TYPE_SECRET_FILE:
    case CONF_TYPE_HASH:
        break;
    }
    fputs(text ? text : "", out);
}

/* The value as text, the caller's to free with free_text; NULL: memory ran out. */
static char *text_of(const struct conf *conf, const struct conf_key *key)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);

    if (!out) {
        return NULL;
    }
    write_value(out, conf, key);
    if (fclose(out)) {
        free(text);
        return NULL;
    }
    return text;
}

static void free_text(char *text)
{
    if (text) {
        explicit_bzero(text, strlen(text));
    }
    free(text);
}

/* What a key leads to is compared where it has led: password_file in password. */
static bool is_compared(const struct conf_key *key)
{
    return !conf_keys_is_account(key) && key->type != CONF_TYPE_SECRET_FILE;
}

static bool compare_keys(const struct conf *before, const struct conf *after, void (*tell)(void *user, const struct conf_change *change), void *user)
{
    bool good = true;

    for (size_t i = 0; i < CONF_KEY_COUNT && good; i++) {
        const struct conf_key *key = &conf_keys[i];
        char *was;
        char *is;

        if (!is_compared(key)) {
            continue;
        }
        was = text_of(before, key);
        is = text_of(after, key);
        good = was && is;
        if (good && strcmp(was, is) != 0) {
            bool secret = conf_keys_is_secret(key);
            struct conf_change change = {.section = key->section, .name = key->name, .waits = !key->reloadable, .before = secret ? NULL : was,
                                         .after = secret ? NULL : is};

            tell(user, &change);
        }
        free_text(was);
        free_text(is);
    }
    return good;
}

bool conf_account_equal(const struct conf_account *a, const struct conf_account *b)
{
    if (a->has_hash || b->has_hash) {
        return a->has_hash == b->has_hash && memcmp(a->hash, b->hash, sizeof(a->hash)) == 0;
    }
    return a->password_len == b->password_len && memcmp(a->password ? a->password : "", b->password ? b->password : "", a->password_len) == 0;
}

/* The accounts of `in`: those that `other` has not, or (if wanted) has with another secret. */
static void compare_accounts(const struct conf *in, const struct conf *other, const char *word, bool secrets,
                             void (*tell)(void *user, const struct conf_change *change), void *user)
{
    for (size_t i = 0; i < in->account_count; i++) {
        const struct conf_account *one = &in->accounts[i];
        const struct conf_account *two = conf_account(other, one->name, strlen(one->name));
        struct conf_change change = {.section = "account", .account = one->name, .name = word};

        if (!two) {
            tell(user, &change);
        } else if (secrets && !conf_account_equal(one, two)) {
            change.name = "password changed";
            tell(user, &change);
        }
    }
}

bool conf_changes(const struct conf *before, const struct conf *after, void (*tell)(void *user, const struct conf_change *change), void *user)
{
    if (!compare_keys(before, after, tell, user)) {
        return false;
    }
    compare_accounts(before, after, "removed", false, tell, user);
    compare_accounts(after, before, "added", true, tell, user);
    return true;
}

bool conf_keep_fixed(struct conf *conf, const struct conf *running)
{
    char wrong[200];

    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        const struct conf_key *key = &conf_keys[i];
        char *text;
        bool good;

        if (!is_compared(key) || key->reloadable) {
            continue;
        }
        text = text_of(running, key);
        good = text && conf_set(conf, key, text, wrong, sizeof(wrong));
        free_text(text);
        if (!good) {
            return false;
        }
    }
    return true;
}
