/* SPDX-License-Identifier: MIT
 * The table of accounts. One mutex an account; it is taken once a login, never on the way of a statement.
 */
#include "proxy/account.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"

#define PROVEN_MAX 32 /* logins remembered for an account; the oldest makes room */

struct proven {
    int64_t at_us; /* 0: none */
    uint16_t collation;
    uint8_t length;
    char schema[SESSION_SCHEMA_MAX];
};

struct account {
    const char *name;
    size_t name_length;
    pthread_mutex_t mutex;
    struct auth_secret secret;         /* guarded */
    struct proven proven[PROVEN_MAX];  /* guarded */
    int64_t no_role_us;                /* guarded */
};

struct accounts {
    size_t count;
    struct account *list;
};

static void init(struct account *account, const char *name)
{
    account->name = name;
    account->name_length = strlen(name);
    pthread_mutex_init(&account->mutex, NULL);
}

struct accounts *accounts_new(const struct conf *conf)
{
    struct accounts *accounts = zalloc(sizeof *accounts);

    accounts->count = conf->account_count;
    accounts->list = zalloc((conf->account_count + 1) * sizeof *accounts->list);
    for (size_t i = 0; i < conf->account_count; i++) {
        const struct conf_account *from = &conf->accounts[i];

        init(&accounts->list[i], from->name);
        if (from->has_hash)
            auth_secret_from_hash(&accounts->list[i].secret, from->hash);
        else
            auth_secret_from_password(&accounts->list[i].secret, from->password ? from->password : "", from->password_len);
    }
    init(&accounts->list[accounts->count], conf->control_user);
    auth_secret_from_password(&accounts->list[accounts->count].secret, conf->control_password, strlen(conf->control_password));
    return accounts;
}

void accounts_free(struct accounts *accounts)
{
    for (size_t i = 0; i <= accounts->count; i++) {
        auth_secret_wipe(&accounts->list[i].secret);
        pthread_mutex_destroy(&accounts->list[i].mutex);
    }
    free(accounts->list);
    free(accounts);
}

int accounts_find(const struct accounts *accounts, struct wire_text name)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (accounts->list[i].name_length == name.length && memcmp(accounts->list[i].name, name.data, name.length) == 0)
            return (int)i;
    return -1;
}

const char *accounts_name(const struct accounts *accounts, unsigned index)
{
    return accounts->list[index].name;
}

size_t accounts_count(const struct accounts *accounts)
{
    return accounts->count;
}

struct auth_secret accounts_secret(struct accounts *accounts, unsigned index)
{
    struct account *account = &accounts->list[index];
    struct auth_secret copy;

    pthread_mutex_lock(&account->mutex);
    copy = account->secret;
    pthread_mutex_unlock(&account->mutex);
    return copy;
}

void accounts_learn(struct accounts *accounts, unsigned index, const uint8_t stage1[AUTH_SHA1])
{
    struct account *account = &accounts->list[index];

    pthread_mutex_lock(&account->mutex);
    if (!account->secret.has_stage1) {
        memcpy(account->secret.stage1, stage1, AUTH_SHA1);
        account->secret.has_stage1 = true;
    }
    pthread_mutex_unlock(&account->mutex);
}

bool accounts_usable(struct accounts *accounts, unsigned index)
{
    struct account *account = &accounts->list[index];
    bool usable;

    pthread_mutex_lock(&account->mutex);
    usable = account->secret.has_stage1 || account->secret.password;
    pthread_mutex_unlock(&account->mutex);
    return usable;
}

unsigned accounts_first_usable(struct accounts *accounts)
{
    unsigned i = 0;

    while (i < accounts->count && !accounts_usable(accounts, i))
        i++;
    return i;
}

static bool is_login(const struct proven *proven, const struct session_image *image)
{
    return proven->at_us && proven->collation == image->collation && proven->length == image->schema_length &&
           memcmp(proven->schema, image->schema, image->schema_length) == 0;
}

bool accounts_proven(struct accounts *accounts, const struct session_image *image, int64_t now_us, int64_t ttl_us)
{
    struct account *account = &accounts->list[image->account];
    bool found = false;

    pthread_mutex_lock(&account->mutex);
    for (size_t i = 0; i < PROVEN_MAX && !found; i++)
        found = is_login(&account->proven[i], image) && now_us - account->proven[i].at_us < ttl_us;
    pthread_mutex_unlock(&account->mutex);
    return found;
}

void accounts_prove(struct accounts *accounts, const struct session_image *image, int64_t now_us)
{
    struct account *account = &accounts->list[image->account];
    struct proven *slot = &account->proven[0];

    pthread_mutex_lock(&account->mutex);
    for (size_t i = 0; i < PROVEN_MAX; i++) {
        struct proven *each = &account->proven[i];

        if (is_login(each, image)) {
            slot = each;
            break;
        }
        if (each->at_us < slot->at_us)
            slot = each;
    }
    slot->at_us = now_us;
    slot->collation = image->collation;
    slot->length = image->schema_length;
    memcpy(slot->schema, image->schema, image->schema_length);
    pthread_mutex_unlock(&account->mutex);
}

void accounts_disprove(struct accounts *accounts, const struct session_image *image)
{
    struct account *account = &accounts->list[image->account];

    pthread_mutex_lock(&account->mutex);
    for (size_t i = 0; i < PROVEN_MAX; i++)
        if (is_login(&account->proven[i], image))
            account->proven[i].at_us = 0;
    pthread_mutex_unlock(&account->mutex);
}

void accounts_note_no_role(struct accounts *accounts, unsigned index, int64_t at_us)
{
    struct account *account = &accounts->list[index];

    pthread_mutex_lock(&account->mutex);
    account->no_role_us = at_us;
    pthread_mutex_unlock(&account->mutex);
}

int64_t accounts_no_role_since(struct accounts *accounts, unsigned index)
{
    struct account *account = &accounts->list[index];
    int64_t since;

    pthread_mutex_lock(&account->mutex);
    since = account->no_role_us;
    pthread_mutex_unlock(&account->mutex);
    return since;
}
