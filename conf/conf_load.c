/* SPDX-License-Identifier: MIT
 * Loads pool.ini into a snapshot: settings come from inih one by one and go where the table of keys says.
 */
#include "conf/conf_load.h"

#include <ctype.h>
#include <ini.h>
#include <stdlib.h>
#include <string.h>

#include "conf/conf_errors.h"
#include "conf/conf_secret.h"
#include "conf/conf_set.h"

static struct conf_account *add_account(struct conf_load *load, const char *name)
{
    struct conf *conf = load->conf;
    struct conf_account *accounts;
    struct conf_account *account;

    accounts = reallocarray(conf->accounts, conf->account_count + 1, sizeof(*accounts));
    if (!accounts) {
        load->errors->out_of_memory = true;
        return NULL;
    }
    conf->accounts = accounts;
    account = &accounts[conf->account_count];
    *account = (struct conf_account){.line = load->reader.line};
    account->name = conf_errors_strdup(load->errors, name);
    if (!account->name) {
        return NULL;
    }
    conf->account_count++;
    return account;
}

static void begin_account(struct conf_load *load, const char *name)
{
    const struct conf_account *same;
    int line = load->reader.line;

    if (!name || !*name) {
        conf_errors_add(load->errors, load->conf->path, line, "the account has no name; write [account NAME]");
        name = "";
    } else {
        same = conf_account(load->conf, name, strlen(name));
        if (same) {
            conf_errors_add(load->errors, load->conf->path, line,
                            "[account %.80s] is already in line %d; put both into one section", name, same->line);
        }
    }
    /* A wrong account is kept too, so that its keys are checked. Its snapshot is thrown away anyhow. */
    load->account = add_account(load, name);
    load->skip = !load->account;
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        if (conf_keys_is_account(&conf_keys[i])) {
            load->places[i] = (struct conf_place){.line = 0};
        }
    }
}

static void end_section(struct conf_load *load)
{
    if (load->account) {
        conf_check_account(load);
    }
    free(load->account_file);
    load->account_file = NULL;
    load->account = NULL;
    load->section = NULL;
    load->skip = true;
}

static void on_section(void *user, const char *word, const char *name)
{
    struct conf_load *load = user;
    int line = load->reader.line;
    char suggestion[200];

    end_section(load);
    if (!word) {
        return;
    }
    load->section = conf_keys_section(word);
    if (!load->section) {
        conf_keys_suggest_section(word, suggestion, sizeof(suggestion));
        conf_errors_add(load->errors, load->conf->path, line, "unknown section [%.80s]%s", word, suggestion);
        return;
    }
    load->skip = false;
    if (strcmp(load->section, "account") == 0) {
        begin_account(load, name);
    } else if (name) {
        conf_errors_add(load->errors, load->conf->path, line, "only an account's section has a name; write [%s]",
                        load->section);
    }
    if (strcmp(load->section, "backend") == 0 && !load->backend_line) {
        load->backend_line = line;
    }
}

/* Of a value without quotes: whether it may hold something that was meant otherwise. */
static bool is_ambiguous(struct conf_load *load, const struct conf_key *key, const char *value)
{
    const char *path = load->conf->path;
    int line = load->reader.line;

    if (load->reader.quoted) {
        return false;
    }
    if (key->type == CONF_TYPE_SECRET && (load->reader.cut || strpbrk(value, ";#\""))) {
        conf_errors_add(load->errors, path, line, "%s: put a password into double quotes when ';', '#' or '\"' is in "
                        "its line; a '\"' inside is written twice", key->name);
        return true;
    }
    for (const char *c = value; *c; c++) {
        if (*c == '#' && c > value && isspace((unsigned char)c[-1])) {
            conf_errors_add(load->errors, path, line, "%s: a comment after a value begins with ';'; "
                            "if '#' is part of the value, put that into double quotes", key->name);
            return true;
        }
    }
    return false;
}

static void set(struct conf_load *load, const struct conf_key *key, const char *value)
{
    struct conf_place *place = &load->places[key - conf_keys];
    void *base = load->account ? (void *)load->account : load->conf;
    char **file = load->account ? &load->account_file : &load->control_file;
    char wrong[200];

    place->line = load->reader.line;
    if (is_ambiguous(load, key, value)) {
        return;
    }
    place->good = conf_set(base, key, value, wrong, sizeof(wrong));
    if (!place->good && conf_keys_is_secret(key)) {
        conf_errors_add(load->errors, load->conf->path, place->line, "%s %s", key->name, wrong);
    } else if (!place->good) {
        conf_errors_add(load->errors, load->conf->path, place->line, "%s = %.80s: %s", key->name,
                        *value ? value : "(nothing)", wrong);
    } else if (key->type == CONF_TYPE_SECRET_FILE) {
        *file = conf_errors_strdup(load->errors, value);
    }
}

static int on_setting(void *user, const char *section, const char *name, const char *value)
{
    struct conf_load *load = user;
    const char *path = load->conf->path;
    const struct conf_key *key;
    char suggestion[200];
    int line = load->reader.line;

    /* The reader keeps track of sections: inih never sees a heading. */
    (void)section;
    value = conf_reader_value(&load->reader, value);
    if (load->section && !load->skip) {
        key = conf_keys_find(load->section, name);
        if (!key) {
            conf_keys_suggest_key(load->section, name, suggestion, sizeof(suggestion));
            conf_errors_add(load->errors, path, line, "unknown key '%.80s'%s", name, suggestion);
        } else if (load->places[key - conf_keys].line) {
            conf_errors_add(load->errors, path, line, "%s is already given in line %d; keep one of them", key->name,
                            load->places[key - conf_keys].line);
        } else {
            set(load, key, value);
        }
    } else if (!load->skip) {
        conf_errors_add(load->errors, path, line, "'%.80s' stands before the first section; begin with [sluse]", name);
    }
    return 1;
}

static void read_settings(struct conf_load *load)
{
    int status;

    if (!conf_reader_open(&load->reader)) {
        return;
    }
    status = ini_parse_stream(conf_reader_line, &load->reader, on_setting, load);
    if (status < 0) {
        load->errors->out_of_memory = true;
    }
    end_section(load);
    conf_reader_close(&load->reader);
    conf_check(load);
}

static struct conf *new_conf(const char *path, struct conf_errors *errors)
{
    struct conf *conf = calloc(1, sizeof(*conf));

    if (!conf) {
        errors->out_of_memory = true;
        return NULL;
    }
    conf->references = 1;
    conf->path = conf_errors_strdup(errors, path);
    if (!conf->path || !conf_set_defaults(conf)) {
        errors->out_of_memory = true;
        conf_drop(conf);
        return NULL;
    }
    return conf;
}

struct conf *conf_load(const char *path, struct conf_errors *errors)
{
    struct conf_load load = {.errors = errors};

    load.conf = new_conf(path, errors);
    if (!load.conf) {
        return NULL;
    }
    load.reader.path = path;
    load.reader.errors = errors;
    load.reader.on_section = on_section;
    load.reader.user = &load;
    read_settings(&load);
    free(load.account_file);
    free(load.control_file);
    if (errors->count || errors->out_of_memory) {
        conf_errors_sort(errors);
        conf_drop(load.conf);
        return NULL;
    }
    return load.conf;
}
