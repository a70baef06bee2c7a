/* SPDX-License-Identifier: MIT
 * What a reload applies and what waits for a restart: every key changed alone, and accounts.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/conf_keys.h"

Suite *conf_change_suite(void);

#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

/* Each key with two values, as they stand in a file and as a change shows them. NULL: it is not in the file. */
static const struct sample {
    const char *section, *name, *value, *other;
} samples[] = {
    {"sluse", "listen", "127.0.0.1:3306", "127.0.0.1:3307, [::1]:3306"},
    {"sluse", "socket", "/run/a.sock", "/run/b.sock"},
    {"sluse", "workers", "2", "auto"},
    {"sluse", "max_clients", "100", "200"},
    {"sluse", "login_timeout", "10s", "1500ms"},
    {"sluse", "abandon_after", "5s", "0"},
    {"sluse", "drain_timeout", "10s", "1m"},
    {"sluse", "log_level", "info", "debug"},
    {"backend", "host", "db", "10.0.0.1"},
    {"backend", "port", "3310", "3311"},
    {"backend", "socket", NULL, "/run/mysql.sock"},
    {"backend", "connect_timeout", "5s", "6s"},
    {"backend", "close_timeout", "5s", "6s"},
    {"backend", "health_interval", "1s", "2s"},
    {"pool", "size", "10", "12"},
    {"pool", "min_idle", "1", "2"},
    {"pool", "max_waiting", "0", "5"},
    {"pool", "wait_timeout", "10s", "11s"},
    {"pool", "idle_timeout", "1m", "2m"},
    {"pool", "max_lifetime", "30m", "1h"},
    {"pool", "privilege_refresh", "1s", "2s"},
    {"pool", "schema_ttl", "10s", "20s"},
    {"pool", "idle_in_transaction_timeout", "1m", "0"},
    {"pool", "query_timeout", "0", "5s"},
    {"pool", "debug_migrate", "never", "always"},
    {"control", "user", "app", "boss"},
    {"control", "password", "secret", "hidden"},
    {"control", "stored_code_refresh", "10s", "20s"},
    {"stats", "listen", "127.0.0.1:8306", "[::1]:8307"},
};

#define ACCOUNTS "[account app]\npassword = secret\n[account svc]\npassword = secret\n"

/* What was told, "section.name before>after" each, with "!" in front of what waits. */
static char told[2000];
static unsigned count;
static char directory[] = "/tmp/sluse-test-change-XXXXXX";

static void keep(void *user, const struct conf_change *change)
{
    size_t length = strlen(told);

    ck_assert_ptr_eq(user, told);
    ck_assert_int_eq(change->before == NULL, change->after == NULL);
    count++;
    snprintf(told + length, sizeof(told) - length, "%s%s.%s%s%s", change->waits ? "!" : "", change->section, change->account ? change->account : "",
             change->account ? " " : "", change->name);
    length = strlen(told);
    if (change->before) {
        snprintf(told + length, sizeof(told) - length, " %s>%s", change->before, change->after);
    }
    strcat(told, "\n");
}

static void compare(const struct conf *before, const struct conf *after)
{
    count = 0;
    told[0] = '\0';
    ck_assert(conf_changes(before, after, keep, told));
}

static void setup(void)
{
    memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void teardown(void)
{
    char path[200];

    snprintf(path, sizeof(path), "%s/pool.ini", directory);
    (void)unlink(path);
    (void)rmdir(directory);
}

/* The samples' first values, but for `changed`, which has its second; -1: all have it. A socket is instead of a host. */
static struct conf *load(int changed, const char *accounts)
{
    bool by_socket = changed == -1 || (changed >= 0 && strcmp(samples[changed].section, "backend") == 0 && strcmp(samples[changed].name, "socket") == 0);
    struct conf_errors errors = {0};
    const char *section = "";
    struct conf *conf;
    char path[200];
    FILE *file;

    snprintf(path, sizeof(path), "%s/pool.ini", directory);
    file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (size_t i = 0; i < LENGTH(samples); i++) {
        const struct sample *s = &samples[i];
        const char *value = changed == -1 || (size_t)changed == i ? s->other : s->value;

        if (strcmp(section, s->section) != 0) {
            fprintf(file, "[%s]\n", section = s->section);
        }
        if (value && !(by_socket && strcmp(section, "backend") == 0 && (strcmp(s->name, "host") == 0 || strcmp(s->name, "port") == 0))) {
            fprintf(file, "%s = %s\n", s->name, value);
        }
    }
    fputs(accounts, file);
    ck_assert_int_eq(fclose(file), 0);
    conf = conf_load(path, &errors);
    ck_assert_msg(conf != NULL, "%s", errors.count ? errors.list[0].text : "no memory");
    conf_errors_free(&errors);
    return conf;
}

#define NOTHING (-2)

START_TEST(every_key_has_a_sample)
{
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        bool found = conf_keys_is_account(&conf_keys[i]) || conf_keys[i].type == CONF_TYPE_SECRET_FILE;

        for (size_t s = 0; s < LENGTH(samples); s++) {
            found |= conf_keys_find(samples[s].section, samples[s].name) == &conf_keys[i];
        }
        ck_assert_msg(found, "[%s] %s", conf_keys[i].section, conf_keys[i].name);
    }
}
END_TEST

START_TEST(a_key_alone)
{
    const struct sample *s = &samples[_i];
    const struct conf_key *key = conf_keys_find(s->section, s->name);
    struct conf *before = load(NOTHING, ACCOUNTS), *after = load(_i, ACCOUNTS);
    char line[300];

    compare(before, after);
    if (conf_keys_is_secret(key)) {
        snprintf(line, sizeof(line), "%s.%s\n", s->section, s->name);
    } else {
        snprintf(line, sizeof(line), "%s%s.%s %s>%s\n", key->reloadable ? "" : "!", s->section, s->name, s->value ? s->value : "", s->other);
    }
    ck_assert_msg(strstr(told, line) != NULL, "%s is not in: %s", line, told);
    ck_assert_uint_eq(count, s->value ? 1 : 3); /* a socket instead of a host and its port */
    ck_assert_ptr_null(strstr(told, "secret"));
    ck_assert_ptr_null(strstr(told, "hidden"));
    conf_drop(before);
    conf_drop(after);
}
END_TEST

/* After a reload only what can be applied differs, and what waits is told again the next time. */
START_TEST(what_waits_stays)
{
    struct conf *running = load(NOTHING, ACCOUNTS), *file = load(-1, ACCOUNTS), *again = load(-1, ACCOUNTS);
    unsigned waiting = 0, applied = 0;

    for (size_t i = 0; i < LENGTH(samples); i++) {
        bool reloadable = conf_keys_find(samples[i].section, samples[i].name)->reloadable;

        waiting += !reloadable;
        applied += reloadable;
    }
    ck_assert(conf_keep_fixed(file, running));
    compare(running, file);
    ck_assert_uint_eq(count, applied);
    ck_assert_ptr_null(strchr(told, '!'));
    compare(file, again);
    ck_assert_uint_eq(count, waiting);
    for (char *line = strtok(told, "\n"); line; line = strtok(NULL, "\n")) {
        ck_assert_int_eq(line[0], '!');
    }
    conf_drop(running);
    conf_drop(file);
    conf_drop(again);
}
END_TEST

START_TEST(nothing_is_nothing)
{
    struct conf *before = load(NOTHING, ACCOUNTS), *after = load(NOTHING, "[account svc]\npassword = \"secret\"\n[account app]\npassword = secret\n");

    compare(before, after);
    ck_assert_str_eq(told, "");
    conf_drop(before);
    conf_drop(after);
}
END_TEST

START_TEST(accounts)
{
    static const struct {
        const char *before, *after, *told;
    } cases[] = {
        {ACCOUNTS, "[account app]\npassword = secret\n", "account.svc removed\n"},
        {"[account app]\npassword = secret\n", ACCOUNTS, "account.svc added\n"},
        {ACCOUNTS, "[account app]\npassword = secret\n[account new]\npassword = secret\n", "account.svc removed\naccount.new added\n"},
        {ACCOUNTS, "[account app]\npassword = secret\n[account svc]\npassword = other\n", "account.svc password changed\n"},
        {ACCOUNTS, "[account app]\npassword = secret\n[account svc]\n", "account.svc password changed\n"},
        {ACCOUNTS, "[account app]\npassword = secret\n[account svc]\npassword_hash = *14E65567ABDB5135D0CFD9A70B3032C179A49EE7\n",
         "account.svc password changed\n"}, /* though it is the same one's: what can be done with it is less */
    };

    for (size_t i = 0; i < LENGTH(cases); i++) {
        struct conf *before = load(NOTHING, cases[i].before), *after = load(NOTHING, cases[i].after);

        compare(before, after);
        ck_assert_str_eq(told, cases[i].told);
        conf_drop(before);
        conf_drop(after);
    }
}
END_TEST

Suite *conf_change_suite(void)
{
    Suite *suite = suite_create("conf_change");
    TCase *tcase = tcase_create("conf_change");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, every_key_has_a_sample);
    tcase_add_loop_test(tcase, a_key_alone, 0, (int)LENGTH(samples));
    tcase_add_test(tcase, what_waits_stays);
    tcase_add_test(tcase, nothing_is_nothing);
    tcase_add_test(tcase, accounts);
    suite_add_tcase(suite, tcase);
    return suite;
}
