/* SPDX-License-Identifier: MIT
 * The table of accounts. One mutex an account; it is taken once a login, never on the way of a statement.
 */
#include "proxy/account.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proxy/invariant.h"
#include "proxy/log.h"

#define REFUSED_US 1000000 /* so long nobody asks again */
#define PROVEN_MAX 32 /* logins remembered for an account; the oldest makes room */

struct proven {
    int64_t at_us; /* 0: none */
    uint16_t collation;
    uint8_t length;
    char schema[SESSION_SCHEMA_MAX];
};

struct account {
    char *name;
    size_t name_length;
    bool control;                      /* no client's */
    atomic_bool removed;               /* by a reload: whoever is in may stay, nobody new comes */
    pthread_mutex_t mutex;
    struct auth_secret secret;         /* guarded */
    struct proven proven[PROVEN_MAX];  /* guarded */
    int64_t no_role_us;                /* guarded */
    atomic_int_least64_t refused_us;   /* by the server, last; 0: it was let in, or nobody has tried */
    struct backend_error refusal;      /* guarded; with what */
};

/* Sessions have an account's index in their image, so it is for good: the table only grows. Whoever looks at an older one at the moment may do so: all are
 * kept to the end. */
struct table {
    struct table *older;
    size_t count;
    unsigned control; /* the control account's index */
    struct account *list[];
};

struct accounts {
    struct table *_Atomic table;
};

#define ACCOUNTS_MAX UINT16_MAX /* the image has 16 bits for it */

static const struct table *table_of(const struct accounts *accounts)
{
    return atomic_load_explicit(&accounts->table, memory_order_acquire);
}

static struct account *account_of(const struct accounts *accounts, unsigned index)
{
    return table_of(accounts)->list[index];
}

static struct account *new_account(const char *name)
{
    struct account *account = zalloc(sizeof *account);

    account->name = strdup(name);
    INVARIANT(account->name);
    account->name_length = strlen(name);
    pthread_mutex_init(&account->mutex, NULL);
    return account;
}

static void set_secret(struct account *account, const struct conf_account *from)
{
    struct auth_secret secret = {0};

    if (from->has_hash)
        auth_secret_from_hash(&secret, from->hash);
    else
        auth_secret_from_password(&secret, from->password ? from->password : "", from->password_len);
    pthread_mutex_lock(&account->mutex);
    auth_secret_wipe(&account->secret);
    account->secret = secret;
    memset(account->proven, 0, sizeof account->proven);
    account->no_role_us = 0;
    atomic_store_explicit(&account->refused_us, 0, memory_order_relaxed);
    pthread_mutex_unlock(&account->mutex);
    explicit_bzero(&secret, sizeof secret);
}

static void set_control_secret(struct account *account, const struct conf *conf)
{
    struct conf_account from = {.password = conf->control_password, .password_len = strlen(conf->control_password)};

    set_secret(account, &from);
}

/* A copy with room for `more`. */
static struct table *longer(const struct table *before, size_t more)
{
    size_t count = before ? before->count : 0;
    struct table *table = zalloc(sizeof *table + (count + more) * sizeof *table->list);

    if (before)
        memcpy(table->list, before->list, count * sizeof *table->list);
    table->count = count;
    table->control = before ? before->control : 0;
    return table;
}

struct accounts *accounts_new(const struct conf *conf)
{
    struct accounts *accounts = zalloc(sizeof *accounts);
    struct table *table = longer(NULL, conf->account_count + 1);

    for (size_t i = 0; i < conf->account_count; i++)
        set_secret(table->list[table->count++] = new_account(conf->accounts[i].name), &conf->accounts[i]);
    table->control = (unsigned)table->count;
    set_control_secret(table->list[table->count++] = new_account(conf->control_user), conf);
    table->list[table->control]->control = true;
    atomic_init(&accounts->table, table);
    return accounts;
}

void accounts_free(struct accounts *accounts)
{
    struct table *table = atomic_load(&accounts->table);

    for (size_t i = 0; i < table->count; i++) {
        auth_secret_wipe(&table->list[i]->secret);
        pthread_mutex_destroy(&table->list[i]->mutex);
        free(table->list[i]->name);
        free(table->list[i]);
    }
    while (table) {
        struct table *older = table->older;

        free(table);
        table = older;
    }
    free(accounts);
}

/* A client's account; removed: or one that was. */
static int find(const struct table *table, const char *name, size_t length, bool removed)
{
    for (size_t i = 0; i < table->count; i++) {
        const struct account *each = table->list[i];

        if (!each->control && each->name_length == length && memcmp(each->name, name, length) == 0)
            return removed || !atomic_load_explicit(&each->removed, memory_order_relaxed) ? (int)i : -1;
    }
    return -1;
}

static struct account *append(struct table *table, const char *name)
{
    if (table->count == ACCOUNTS_MAX) {
        log_line(LOG_ERROR, "there have been %u accounts: restart to have more", ACCOUNTS_MAX);
        return NULL;
    }
    return table->list[table->count++] = new_account(name);
}

/* A password that has not changed is left alone: more may be known of it than the file says. */
static void take_over(struct table *table, const struct conf *before, const struct conf_account *from)
{
    const struct conf_account *was = conf_account(before, from->name, strlen(from->name));
    int at = find(table, from->name, strlen(from->name), true);
    struct account *account = at >= 0 ? table->list[at] : append(table, from->name);

    if (account && (!was || !conf_account_equal(was, from)))
        set_secret(account, from);
    if (account)
        atomic_store_explicit(&account->removed, false, memory_order_relaxed);
}

static void take_over_control(struct table *table, const struct conf *before, const struct conf *after)
{
    struct account *account;

    if (strcmp(before->control_user, after->control_user) == 0 && strcmp(before->control_password, after->control_password) == 0)
        return;
    account = append(table, after->control_user);
    if (!account)
        return;
    account->control = true;
    set_control_secret(account, after);
    table->control = (unsigned)(table->count - 1);
}

void accounts_settings_changed(struct accounts *accounts, const struct conf *before, const struct conf *after)
{
    struct table *older = atomic_load(&accounts->table), *table = longer(older, after->account_count + 1);

    for (size_t i = 0; i < table->count; i++)
        if (!conf_account(after, table->list[i]->name, table->list[i]->name_length))
            atomic_store_explicit(&table->list[i]->removed, true, memory_order_relaxed);
    for (size_t i = 0; i < after->account_count; i++)
        take_over(table, before, &after->accounts[i]);
    take_over_control(table, before, after);
    if (table->count == older->count) {
        free(table);
        return;
    }
    table->older = older;
    atomic_store_explicit(&accounts->table, table, memory_order_release);
}

int accounts_find(const struct accounts *accounts, struct wire_text name)
{
    return find(table_of(accounts), name.data, name.length, false);
}

const char *accounts_name(const struct accounts *accounts, unsigned index)
{
    return account_of(accounts, index)->name;
}

struct auth_secret accounts_secret(struct accounts *accounts, unsigned index)
{
    struct account *account = account_of(accounts, index);
    struct auth_secret copy;

    pthread_mutex_lock(&account->mutex);
    copy = account->secret;
    pthread_mutex_unlock(&account->mutex);
    return copy;
}

void accounts_learn(struct accounts *accounts, unsigned index, const uint8_t stage1[AUTH_SHA1])
{
    struct account *account = account_of(accounts, index);

    pthread_mutex_lock(&account->mutex);
    if (!account->secret.has_stage1) {
        memcpy(account->secret.stage1, stage1, AUTH_SHA1);
        account->secret.has_stage1 = true;
    }
    pthread_mutex_unlock(&account->mutex);
}

bool accounts_usable(struct accounts *accounts, unsigned index)
{
    struct account *account = account_of(accounts, index);
    bool usable;

    pthread_mutex_lock(&account->mutex);
    usable = account->secret.has_stage1 || account->secret.password;
    pthread_mutex_unlock(&account->mutex);
    return usable;
}

unsigned accounts_first_usable(struct accounts *accounts)
{
    const struct table *table = table_of(accounts);

    for (unsigned i = 0; i < table->count; i++)
        if (!table->list[i]->control && !atomic_load_explicit(&table->list[i]->removed, memory_order_relaxed) && accounts_usable(accounts, i))
            return i;
    return table->control;
}

static bool is_login(const struct proven *proven, const struct session_image *image)
{
    return proven->at_us && proven->collation == image->collation && proven->length == image->schema_length &&
           memcmp(proven->schema, image->schema, image->schema_length) == 0;
}

bool accounts_proven(struct accounts *accounts, const struct session_image *image, int64_t now_us, int64_t ttl_us)
{
    struct account *account = account_of(accounts, image->account);
    bool found = false;

    pthread_mutex_lock(&account->mutex);
    for (size_t i = 0; i < PROVEN_MAX && !found; i++)
        found = is_login(&account->proven[i], image) && now_us - account->proven[i].at_us < ttl_us;
    pthread_mutex_unlock(&account->mutex);
    return found;
}

void accounts_prove(struct accounts *accounts, const struct session_image *image, int64_t now_us)
{
    struct account *account = account_of(accounts, image->account);
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
    struct account *account = account_of(accounts, image->account);

    pthread_mutex_lock(&account->mutex);
    for (size_t i = 0; i < PROVEN_MAX; i++)
        if (is_login(&account->proven[i], image))
            account->proven[i].at_us = 0;
    pthread_mutex_unlock(&account->mutex);
}

void accounts_note_no_role(struct accounts *accounts, unsigned index, int64_t at_us)
{
    struct account *account = account_of(accounts, index);

    pthread_mutex_lock(&account->mutex);
    account->no_role_us = at_us;
    pthread_mutex_unlock(&account->mutex);
}

int64_t accounts_no_role_since(struct accounts *accounts, unsigned index)
{
    struct account *account = account_of(accounts, index);
    int64_t since;

    pthread_mutex_lock(&account->mutex);
    since = account->no_role_us;
    pthread_mutex_unlock(&account->mutex);
    return since;
}

bool accounts_refuse(struct accounts *accounts, unsigned index, const struct backend_error *error, int64_t now_us)
{
    struct account *account = account_of(accounts, index);
    bool news;

    pthread_mutex_lock(&account->mutex);
    news = !atomic_load_explicit(&account->refused_us, memory_order_relaxed) || account->refusal.number != error->number;
    account->refusal = *error;
    atomic_store_explicit(&account->refused_us, now_us, memory_order_relaxed);
    pthread_mutex_unlock(&account->mutex);
    return news;
}

bool accounts_admit(struct accounts *accounts, unsigned index)
{
    atomic_int_least64_t *refused_us = &account_of(accounts, index)->refused_us;

    return atomic_load_explicit(refused_us, memory_order_relaxed) && atomic_exchange_explicit(refused_us, 0, memory_order_relaxed);
}

bool accounts_refused(struct accounts *accounts, unsigned index, int64_t now_us, struct backend_error *error)
{
    struct account *account = account_of(accounts, index);
    int64_t refused_us = atomic_load_explicit(&account->refused_us, memory_order_relaxed);

    if (!refused_us || now_us - refused_us >= REFUSED_US)
        return false;
    pthread_mutex_lock(&account->mutex);
    *error = account->refusal;
    pthread_mutex_unlock(&account->mutex);
    return true;
}

static void add_refusal(struct accounts_numbers *numbers, struct account *account, int64_t refused_us)
{
    if (refused_us > numbers->refused_us)
        numbers->refused_us = refused_us;
    if (numbers->refused++)
        return;
    pthread_mutex_lock(&account->mutex);
    snprintf(numbers->first, sizeof numbers->first, "account %s: refused by the server: error %u: %.150s", account->name, account->refusal.number,
             account->refusal.text);
    pthread_mutex_unlock(&account->mutex);
}

struct accounts_numbers accounts_numbers(struct accounts *accounts)
{
    const struct table *table = table_of(accounts);
    struct accounts_numbers numbers = {0};

    for (size_t i = 0; i < table->count; i++) {
        struct account *each = table->list[i];
        int64_t refused_us = atomic_load_explicit(&each->refused_us, memory_order_relaxed);

        if (each->control || atomic_load_explicit(&each->removed, memory_order_relaxed))
            continue;
        numbers.accounts++;
        if (refused_us)
            add_refusal(&numbers, each, refused_us);
    }
    return numbers;
}
