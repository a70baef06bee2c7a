/* SPDX-License-Identifier: MIT
 * What is known while a file is being loaded; shared by conf_load.c and conf_check.c only.
 */
#ifndef SLUSE_CONF_CONF_LOAD_H
#define SLUSE_CONF_CONF_LOAD_H

#include <stdbool.h>

#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_reader.h"

/* Where a key was given. line 0: not at all, so its field has the default. good: its value was accepted. */
struct conf_place {
    int line;
    bool good;
};

struct conf_load {
    struct conf *conf;
    struct conf_errors *errors;
    struct conf_reader reader;
    const char *section;   /* one of conf_keys, or NULL before the first and in an unknown one */
    bool skip;             /* in an unknown or broken section, which is reported once */
    int backend_line;      /* where [backend] begins, or 0 */
    struct conf_account *account;            /* the one being read */
    struct conf_place places[CONF_KEY_COUNT]; /* those of [account NAME] are the current account's */
    char *account_file;    /* password_file of the account being read */
    char *control_file;
};

/* At the end of an [account NAME]: at most one secret, and the one in a file is read. */
void conf_check_account(struct conf_load *load);

/* At the end of the file: what is missing, and what contradicts something else. Settles the control connection's user. */
void conf_check(struct conf_load *load);

#endif
