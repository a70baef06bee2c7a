/* SPDX-License-Identifier: MIT
 * The life of a snapshot after loading: references, look-up of accounts, and the end with every password wiped.
 */
#include <stdlib.h>
#include <string.h>

#include "conf/conf.h"
#include "conf/conf_secret.h"

struct conf *conf_hold(struct conf *conf)
{
    (void)__atomic_fetch_add(&conf->references, 1, __ATOMIC_RELAXED);
    return conf;
}

void conf_drop(struct conf *conf)
{
    /* Release: what this thread read happened before the end. Acquire: the last one sees that of all others. */
    if (!conf || __atomic_sub_fetch(&conf->references, 1, __ATOMIC_ACQ_REL) != 0) {
        return;
    }
    for (size_t i = 0; i < conf->account_count; i++) {
        struct conf_account *account = &conf->accounts[i];

        free(account->name);
        conf_secret_free(account->password);
        explicit_bzero(account, sizeof(*account));
    }
    free(conf->accounts);
    free(conf->listen);
    free(conf->socket);
    free(conf->backend_socket);
    free(conf->control_user);
    conf_secret_free(conf->control_password);
    free(conf->path);
    free(conf);
}

const struct conf_account *conf_account(const struct conf *conf, const char *name, size_t length)
{
    for (size_t i = 0; i < conf->account_count; i++) {
        const struct conf_account *account = &conf->accounts[i];

        if (strlen(account->name) == length && memcmp(account->name, name, length) == 0) {
            return account;
        }
    }
    return NULL;
}
