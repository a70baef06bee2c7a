/* SPDX-License-Identifier: MIT
 * Unit tests of conf/: values, whole files, and every mistake that a file can have.
 *
 * Longer than other files, as one suite shares the helpers at the top; the tests stand on their own.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conf/conf.h"
#include "conf/conf_keys.h"
#include "conf/conf_value.h"

#ifndef SLUSE_SOURCE_DIR
#define SLUSE_SOURCE_DIR "."
#endif

Suite *conf_suite(void);

/* Four lines that make a whole file; what a test adds begins in line 5. */
#define BASE "[backend]\nhost = db\n[account app]\npassword = secret\n"
#define LENGTH(array) (sizeof(array) / sizeof((array)[0]))

static char directory[] = "/tmp/sluse-test-conf-XXXXXX";
static char ini[100];
static struct conf_errors errors;

static const char *path_of(const char *name)
{
    static char path[200];

    (void)snprintf(path, sizeof(path), "%s/%s", directory, name);
    return path;
}

static void write_file(const char *name, const void *data, size_t size)
{
    FILE *file = fopen(path_of(name), "w");

    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(data, 1, size, file), size);
    ck_assert_int_eq(fclose(file), 0);
}

static void setup(void)
{
    memcpy(directory + sizeof(directory) - 7, "XXXXXX", 6);
    ck_assert_ptr_nonnull(mkdtemp(directory));
    (void)snprintf(ini, sizeof(ini), "%s/pool.ini", directory);
    write_file("app.password", "from file\n", 10);
}

static void teardown(void)
{
    static const char *const names[] = {"pool.ini", "app.password", "other.password"};

    conf_errors_free(&errors);
    for (size_t i = 0; i < LENGTH(names); i++) {
        (void)unlink(path_of(names[i]));
    }
    (void)rmdir(directory);
}

static struct conf *load_bytes(const void *data, size_t size)
{
    conf_errors_free(&errors);
    write_file("pool.ini", data, size);
    return conf_load(ini, &errors);
}

static struct conf *load_good(const char *text)
{
    struct conf *conf = load_bytes(text, strlen(text));

    if (!conf) {
        ck_abort_msg("line %d: %s, in:\n%s", errors.list[0].line, errors.list[0].text, text);
    }
    ck_assert_uint_eq(errors.count, 0);
    ck_assert(!errors.out_of_memory);
    return conf;
}

struct mistake {
    int line;
    const char *part; /* of its text */
};

static void expect_mistakes(const char *data, size_t size, const struct mistake *mistakes, size_t count)
{
    struct conf *conf = load_bytes(data, size);

    ck_assert_msg(!conf, "accepted:\n%s", data);
    for (size_t i = 0; i < count && i < errors.count; i++) {
        ck_assert_str_eq(errors.list[i].path, ini);
        ck_assert_msg(errors.list[i].line == mistakes[i].line && strstr(errors.list[i].text, mistakes[i].part),
                      "expected line %d: ...%s...\ngot line %d: %s\nin:\n%s", mistakes[i].line, mistakes[i].part,
                      errors.list[i].line, errors.list[i].text, data);
    }
    ck_assert_msg(errors.count == count, "%zu mistakes, not %zu; the last: %s, in:\n%s", errors.count, count,
                  errors.list[errors.count - 1].text, data);
}

/* MISTAKES("text", {line, "part"}, ...): exactly these, in this order. */
#define MISTAKES(text, ...) \
    expect_mistakes(text, sizeof(text) - 1, (const struct mistake[]){__VA_ARGS__}, \
                    LENGTH(((const struct mistake[]){__VA_ARGS__})))

/* Values of each key. good ones say what number the field has then; strings have tests of their own. */
struct sample {
    const char *section, *key, *value;
    bool good;
    long long number;
};

#define LONG_107 "/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define HEX_39 "2470C0C06DEE42FD1618BB99005ADCA2EC9D1E1"
#define MINUTE 60000000LL
#define HOUR (60 * MINUTE)

static const struct sample samples[] = {
    {"sluse", "listen", "0.0.0.0:1, [::]:65535", true, 2},
    {"sluse", "listen", "[fe80::1%eth0]:3306", true, 1},
    {"sluse", "listen", "localhost:3306", false, 0},
    {"sluse", "listen", "127.0.0.1", false, 0},
    {"sluse", "listen", "127.0.0.1:0", false, 0},
    {"sluse", "listen", "127.0.0.1:65536", false, 0},
    {"sluse", "listen", "127.0.0.1:3306,", false, 0},
    {"sluse", "listen", "::1:3306", false, 0},
    {"sluse", "listen", "[127.0.0.1]:3306", false, 0},
    {"sluse", "listen", "[::1:3306", false, 0},
    {"sluse", "listen", "]:3306", false, 0},
    {"sluse", "socket", LONG_107, true, 0},
    {"sluse", "socket", LONG_107 "a", false, 0},
    {"sluse", "socket", "mysql.sock", false, 0},
    {"sluse", "workers", "auto", true, 0},
    {"sluse", "workers", "1", true, 1},
    {"sluse", "workers", "64", true, 64},
    {"sluse", "workers", "0", false, 0},
    {"sluse", "workers", "65", false, 0},
    {"sluse", "workers", "", false, 0},
    {"sluse", "max_clients", "1", true, 1},
    {"sluse", "max_clients", "1000000", true, 1000000},
    {"sluse", "max_clients", "0", false, 0},
    {"sluse", "max_clients", "1000001", false, 0},
    {"sluse", "max_clients", "-1", false, 0},
    {"sluse", "max_clients", "18446744073709551617", false, 0},
    {"sluse", "login_timeout", "10ms", true, 10000},
    {"sluse", "login_timeout", "1h", true, HOUR},
    {"sluse", "login_timeout", "0", false, 0},
    {"sluse", "login_timeout", "61m", false, 0},
    {"sluse", "login_timeout", "10", false, 0},
    {"sluse", "abandon_after", "0", true, 0},
    {"sluse", "abandon_after", "24h", true, 24 * HOUR},
    {"sluse", "abandon_after", "25h", false, 0},
    {"sluse", "drain_timeout", "0", true, 0},
    {"sluse", "drain_timeout", "1h", true, HOUR},
    {"sluse", "drain_timeout", "2h", false, 0},
    {"sluse", "log_level", "error", true, CONF_LOG_ERROR},
    {"sluse", "log_level", "warning", true, CONF_LOG_WARNING},
    {"sluse", "log_level", "info", true, CONF_LOG_INFO},
    {"sluse", "log_level", "debug", true, CONF_LOG_DEBUG},
    {"sluse", "log_level", "warn", false, 0},
    {"pool", "idle_in_transaction_timeout", "2s", true, 2000000},
    {"pool", "idle_in_transaction_timeout", "0", true, 0},
    {"pool", "idle_in_transaction_timeout", "25h", false, 0},
    {"pool", "query_timeout", "1m", true, 60000000},
    {"pool", "query_timeout", "-1s", false, 0},
    {"pool", "debug_migrate", "always", true, 1},
    {"pool", "debug_migrate", "never", true, 0},
    {"pool", "debug_migrate", "sometimes", false, 0},
    {"backend", "host", "db-1.example.net", true, 0},
    {"backend", "host", "[::1]", true, 0},
    {"backend", "host", "db:3306", false, 0},
    {"backend", "host", "d b", false, 0},
    {"backend", "port", "1", true, 1},
    {"backend", "port", "65535", true, 65535},
    {"backend", "port", "0", false, 0},
    {"backend", "port", "65536", false, 0},
    {"backend", "socket", "/run/mysqld/mysqld.sock", true, 0},
    {"backend", "socket", "mysqld.sock", false, 0},
    {"backend", "connect_timeout", "500ms", true, 500000},
    {"backend", "connect_timeout", "9ms", false, 0},
    {"backend", "close_timeout", "1m", true, MINUTE},
    {"backend", "close_timeout", "2h", false, 0},
    {"backend", "health_interval", "10ms", true, 10000},
    {"backend", "health_interval", "1 s", false, 0},
    {"pool", "size", "2", true, 2},
    {"pool", "size", "100000", true, 100000},
    {"pool", "size", "1", false, 0},
    {"pool", "size", "100001", false, 0},
    {"pool", "size", "20x", false, 0},
    {"pool", "min_idle", "0", true, 0},
    {"pool", "min_idle", "99999", true, 99999},
    {"pool", "min_idle", "100000", false, 0},
    {"pool", "max_waiting", "0", true, 0},
    {"pool", "max_waiting", "1000000", true, 1000000},
    {"pool", "max_waiting", "1000001", false, 0},
    {"pool", "wait_timeout", "1ms", true, 1000},
    {"pool", "wait_timeout", "0ms", false, 0},
    {"pool", "idle_timeout", "0", true, 0},
    {"pool", "idle_timeout", "never", false, 0},
    {"pool", "max_lifetime", "720h", true, 720 * HOUR},
    {"pool", "max_lifetime", "721h", false, 0},
    {"pool", "max_lifetime", "9999999999999999h", false, 0},
    {"pool", "privilege_refresh", "0", true, 0},
    {"pool", "privilege_refresh", "1.5s", false, 0},
    {"pool", "schema_ttl", "24h", true, 24 * HOUR},
    {"pool", "schema_ttl", "s", false, 0},
    {"control", "stored_code_refresh", "100ms", true, 100000},
    {"control", "stored_code_refresh", "24h", true, 24 * HOUR},
    {"control", "stored_code_refresh", "99ms", false, 0},
    {"control", "stored_code_refresh", "0", false, 0},
    {"control", "user", "watcher", true, 0},
    {"control", "user", "watcher # root", false, 0},
    {"control", "password", "x", true, 0},
    {"control", "password", "x;y", false, 0},
    {"control", "password_file", "app.password", true, 0},
    {"control", "password_file", "no.password", false, 0},
    {"account", "password", "\"x;y\"", true, 0},
    {"account", "password", "x\"y", false, 0},
    {"account", "password_file", "app.password", true, 0},
    {"account", "password_file", "", false, 0},
    {"account", "password_hash", "*" HEX_39 "9", true, 0},
    {"account", "password_hash", "*" HEX_39 "f", true, 0},
    {"account", "password_hash", "*" HEX_39, false, 0},
    {"account", "password_hash", "*" HEX_39 "g", false, 0},
    {"account", "password_hash", HEX_39 "99", false, 0},
    {"account", "password_hash", "*" HEX_39 "99", false, 0},
    {"stats", "listen", "", true, 0},
    {"stats", "listen", "[::1]:8306", true, 8306},
    {"stats", "listen", "8306", false, 0},
};

static long long number_of(const struct conf *conf, const struct conf_key *key)
{
    const char *field = (const char *)conf + key->offset;

    switch (key->type) {
    case CONF_TYPE_ADDRESSES:
        return (long long)conf->listen_count;
    case CONF_TYPE_ADDRESS:
        return conf->stats_listen.port;
    case CONF_TYPE_PORT:
        return *(const uint16_t *)field;
    case CONF_TYPE_WORKERS:
        return *(const unsigned *)field;
    case CONF_TYPE_COUNT:
        return (long long)*(const uint64_t *)field;
    case CONF_TYPE_DURATION:
        return *(const int64_t *)field;
    case CONF_TYPE_MIGRATE:
        return *(const bool *)field;
    case CONF_TYPE_LEVEL:
        return *(const int *)field;
    default:
        return 0;
    }
}

START_TEST(a_value_is_checked)
{
    const struct sample *s = &samples[_i];
    const struct conf_key *key = conf_keys_find(s->section, s->key);
    bool is_server = strcmp(s->section, "backend") == 0 && (!strcmp(s->key, "host") || !strcmp(s->key, "socket"));
    const char *with = "#";
    char text[1000];
    struct conf *conf;

    ck_assert_ptr_nonnull(key);
    if (strcmp(s->key, "min_idle") == 0) {
        with = "size = 100000";
    } else if (strcmp(s->section, "control") == 0 && strcmp(s->key, "user") != 0) {
        with = "user = watcher";
    }
    (void)snprintf(text, sizeof(text), "[backend]\n%s\n[account app]\n#\n[%s]\n%s\n%s = %s\n",
                   is_server ? "#" : "host = db", strcmp(s->section, "account") ? s->section : "account other", with,
                   s->key, s->value);
    if (s->good) {
        conf = load_good(text);
        ck_assert_int_eq(number_of(conf, key), s->number);
        conf_drop(conf);
    } else {
        expect_mistakes(text, strlen(text), &(struct mistake){7, s->key}, 1);
    }
}
END_TEST

START_TEST(each_key_has_good_and_bad_samples)
{
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        bool seen[2] = {false, false};

        for (size_t s = 0; s < LENGTH(samples); s++) {
            if (conf_keys_find(samples[s].section, samples[s].key) == &conf_keys[i]) {
                seen[samples[s].good] = true;
            }
        }
        ck_assert_msg(seen[0] && seen[1], "[%s] %s", conf_keys[i].section, conf_keys[i].name);
    }
}
END_TEST

START_TEST(defaults)
{
    struct conf *conf = load_good(BASE);

    ck_assert_uint_eq(conf->listen_count, 1);
    ck_assert_str_eq(conf->listen[0].host, "127.0.0.1");
    ck_assert_uint_eq(conf->listen[0].port, 3306);
    ck_assert_ptr_null(conf->socket);
    ck_assert_uint_eq(conf->workers, 0);
    ck_assert_uint_eq(conf->max_clients, 10000);
    ck_assert_int_eq(conf->login_timeout_us, 10000000);
    ck_assert_int_eq(conf->abandon_after_us, 5000000);
    ck_assert_int_eq(conf->log_level, CONF_LOG_INFO);
    ck_assert_str_eq(conf->backend.host, "db");
    ck_assert_uint_eq(conf->backend.port, 3306);
    ck_assert_ptr_null(conf->backend_socket);
    ck_assert_int_eq(conf->connect_timeout_us, 5000000);
    ck_assert_int_eq(conf->close_timeout_us, 5000000);
    ck_assert_int_eq(conf->health_interval_us, 1000000);
    ck_assert_uint_eq(conf->size, 20);
    ck_assert_uint_eq(conf->min_idle, 0);
    ck_assert_uint_eq(conf->max_waiting, 0);
    ck_assert_int_eq(conf->wait_timeout_us, 10000000);
    ck_assert_int_eq(conf->idle_timeout_us, MINUTE);
    ck_assert_int_eq(conf->max_lifetime_us, 30 * MINUTE);
    ck_assert_int_eq(conf->privilege_refresh_us, 1000000);
    ck_assert_int_eq(conf->schema_ttl_us, 10000000);
    ck_assert_int_eq(conf->stored_code_refresh_us, 10000000);
    ck_assert_str_eq(conf->stats_listen.host, "127.0.0.1");
    ck_assert_uint_eq(conf->stats_listen.port, 8306);
    ck_assert_str_eq(conf->path, ini);
    ck_assert_uint_eq(conf->references, 1);
    ck_assert_ptr_eq(conf_hold(conf), conf);
    conf_drop(conf);
    ck_assert_uint_eq(conf->references, 1);
    conf_drop(conf);
    conf_drop(NULL);
}
END_TEST

START_TEST(accounts)
{
    struct conf *conf = load_good("[backend]\nsocket = /s\n[account hashed]\npassword_hash = *" HEX_39 "9\n"
                                  "[account empty]\n[account filed]\npassword_file = app.password\n"
                                  "[account \" a ] \"\"b\"\" \"]\npassword = \"\"\n");
    const struct conf_account *account = conf_account(conf, "hashed", 6);

    ck_assert_uint_eq(conf->account_count, 4);
    ck_assert_ptr_eq(account, &conf->accounts[0]);
    ck_assert(account->has_hash && !account->password && account->password_len == 0 && account->line == 3);
    ck_assert_uint_eq(account->hash[0], 0x24);
    ck_assert_uint_eq(account->hash[19], 0x19);
    account = conf_account(conf, "empty", 5);
    ck_assert(account && !account->has_hash && account->password_len == 0 && account->line == 5);
    ck_assert_str_eq(account->password, "");
    account = conf_account(conf, "filed", 5);
    ck_assert_str_eq(account->password, "from file");
    ck_assert_uint_eq(account->password_len, 9);
    ck_assert_ptr_nonnull(conf_account(conf, " a ] \"b\" ", 9));
    ck_assert_ptr_null(conf_account(conf, "Empty", 5));
    ck_assert_ptr_null(conf_account(conf, "emptyx", 6));
    ck_assert_ptr_null(conf_account(conf, "empt", 4));
    ck_assert_ptr_null(conf_account(conf, "", 0));
    ck_assert_str_eq(conf->control_user, "empty");
    ck_assert_str_eq(conf->control_password, "");
    conf_drop(conf);
}
END_TEST

/* A user of MariaDB has up to 80 characters; inih would cut a section's name at 49 bytes. */
START_TEST(long_account_name)
{
    char name[81] = "";
    char text[300];
    struct conf *conf;

    memset(name, 'n', 80);
    (void)snprintf(text, sizeof(text), "[backend]\nhost=db\n[account %s]\n[account %.79s]\n", name, name);
    conf = load_good(text);
    ck_assert_ptr_nonnull(conf_account(conf, name, 80));
    ck_assert_ptr_nonnull(conf_account(conf, name, 79));
    conf_drop(conf);
}
END_TEST

static void expect_control(const char *text, const char *user, const char *password)
{
    struct conf *conf = load_good(text);

    ck_assert_str_eq(conf->control_user, user);
    ck_assert_str_eq(conf->control_password, password);
    conf_drop(conf);
}

START_TEST(control_user)
{
    expect_control(BASE, "app", "secret");
    expect_control(BASE "[control]\nuser =\n", "app", "secret");
    expect_control(BASE "[control]\nuser = app\n", "app", "secret");
    expect_control(BASE "[control]\nuser = watcher\n", "watcher", "");
    expect_control(BASE "[control]\nuser = watcher\npassword = p\n", "watcher", "p");
    expect_control(BASE "[control]\nuser = watcher\npassword_file = app.password\n", "watcher", "from file");
    MISTAKES(BASE "[control]\npassword = p\n", {6, "no user"});
    MISTAKES(BASE "[control]\npassword_file = app.password\n", {6, "no user"});
    MISTAKES(BASE "[control]\nuser = u\npassword = p\npassword_file = app.password\n", {8, "exclude each other"});
    MISTAKES("[backend]\nhost = db\n[account a]\npassword_hash = *" HEX_39 "9\n", {0, "only a password_hash"});
    MISTAKES("[backend]\nhost = db\n[account a]\npassword_hash = *" HEX_39 "9\n[control]\nuser = a\n",
             {6, "only a password_hash"});
}
END_TEST

static void expect_password(const char *written, const char *password)
{
    char text[500];
    struct conf *conf;

    (void)snprintf(text, sizeof(text), "[backend]\nhost = db\n[account app]\npassword = %s\n", written);
    conf = load_good(text);
    ck_assert_str_eq(conf->accounts[0].password, password);
    ck_assert_uint_eq(conf->accounts[0].password_len, strlen(password));
    conf_drop(conf);
}

START_TEST(quotes)
{
    expect_password("plain  ", "plain");
    expect_password("a = b: c\\", "a = b: c\\");
    expect_password("'single'", "'single'");
    expect_password("\"\"", "");
    expect_password("\" a ;b #c \"", " a ;b #c ");
    expect_password("\"say \"\"x\"\"\" ; comment with \" in it", "say \"x\"");
    expect_password("\"\"\"\"", "\"");
    expect_password("\"back\\slash\\\" # comment", "back\\slash\\");
    expect_password("\"=[x]\"", "=[x]");
    MISTAKES(BASE "[control]\nuser = a\npassword = \"x\n", {7, "closing '\"'"});
    MISTAKES(BASE "[control]\nuser = a\npassword = \"\"\"\n", {7, "closing '\"'"});
    MISTAKES(BASE "[control]\nuser = a\npassword = \"x\"y\n", {7, "text after the closing"});
    MISTAKES(BASE "[control]\nuser = a\npassword = x ;y\n", {7, "double quotes"});
    MISTAKES(BASE "[control]\nuser = a\npassword = x#y\n", {7, "double quotes"});
    conf_drop(load_good(BASE "[pool]\nsize = \"5\"\n"));
}
END_TEST

static void expect_size(const char *text, size_t length, unsigned size)
{
    struct conf *conf = load_bytes(text, length);

    ck_assert_msg(conf != NULL, "%s: %s", text, conf ? "" : errors.list[0].text);
    ck_assert_uint_eq(conf->size, size);
    conf_drop(conf);
}

#define SIZE_5(text) expect_size(text, sizeof(text) - 1, 5)

START_TEST(forms_of_a_file)
{
    SIZE_5("\xef\xbb\xbf" BASE "[pool]\nsize = 5\n");
    SIZE_5("\xef\xbb\xbf[backend]\r\nhost = db\r\n\r\n[account app]\r\n[pool]\r\nsize = 5\r\n");
    SIZE_5(BASE "[pool]\nsize = 5");
    SIZE_5(BASE "[pool]\nsize: 5 ; comment\n");
    SIZE_5(BASE "[pool] ; comment\nsize=5\t;comment\n# comment\n;comment\n");
    SIZE_5(BASE "[ pool ]\n  max_waiting = 7\n  size = 5\n\n\t\n"); /* indented: no continuation of the line before */
    SIZE_5(BASE "[pool]\nsize = 5\n[sluse]\n[pool]\nmin_idle = 4\n");
}
END_TEST

START_TEST(long_lines)
{
    char text[2000];
    char word[1001] = "";
    struct conf *conf;

    memset(word, 'x', 1000);
    (void)snprintf(text, sizeof(text), BASE "; %s\n[pool]\nsize = 5 ; %.500s\n", word, word);
    expect_size(text, strlen(text), 5);
    /* "password = " and 187 more are 198, which inih takes whole. */
    (void)snprintf(text, sizeof(text), "[backend]\nhost = db\n[account a]\npassword = %.187s\n", word);
    conf = load_good(text);
    ck_assert_uint_eq(conf->accounts[0].password_len, 187);
    conf_drop(conf);
    (void)snprintf(text, sizeof(text), "[backend]\nhost = db\n[account a]\npassword = \"%.185s\" ; %.99s\n", word, word);
    conf = load_good(text);
    ck_assert_uint_eq(conf->accounts[0].password_len, 185);
    conf_drop(conf);
    for (int length = 188; length < 1000; length += 101) {
        (void)snprintf(text, sizeof(text), BASE "[control]\nuser = a\npassword = %.*s\n[pool]\nsize=x\n", length, word);
        expect_mistakes(text, strlen(text), (struct mistake[]){{7, "198 is the most"}, {9, "size"}}, 2);
    }
    (void)snprintf(text, sizeof(text), BASE "[control]\nuser = a\npassword = \"%.300s\"\n", word);
    expect_mistakes(text, strlen(text), &(struct mistake){7, "198 is the most"}, 1);
}
END_TEST

START_TEST(unknown_names)
{
    MISTAKES(BASE "[pool]\nsise = 5\n", {6, "unknown key 'sise'; did you mean 'size'?"});
    MISTAKES(BASE "[pool]\nIdle_Timeout = 5s\n", {6, "did you mean 'idle_timeout'?"});
    MISTAKES(BASE "[sluse]\nmax_client = 5\n", {6, "did you mean 'max_clients'?"});
    MISTAKES(BASE "[sluse]\nsize = 5\n", {6, "it belongs to [pool]"});
    MISTAKES(BASE "[stats]\npassword_hash = 5\n", {6, "it belongs to [account NAME]"});
    MISTAKES(BASE "[control]\nxyzzy = 5\n", {6, "known here: user, password, password_file"});
    MISTAKES(BASE "[control]\n= 5\n", {6, "unknown key ''"});
    MISTAKES(BASE "[control]\na\033[31m = 5\n", {6, "unknown key 'a?[31m'"});
    MISTAKES(BASE "[pol]\nsise = 5\nsize\n", {5, "unknown section [pol]; did you mean [pool]?"}, {7, "no '='"});
    MISTAKES(BASE "[Accounts b]\n", {5, "did you mean [account NAME]?"});
    MISTAKES(BASE "[mysql]\n", {5, "known are [sluse], [backend], [pool], [control], [account NAME], [stats]"});
    MISTAKES(BASE "[sluse]\nlog_level = Debgu\n", {6, "did you mean 'debug'?"});
    MISTAKES(BASE "[sluse]\nlog_level = warn\n", {6, "did you mean 'warning'?"});
    MISTAKES(BASE "[sluse]\nlog_level = 7\n", {6, "must be error, warning, info or debug"});
    MISTAKES("size = 5\n" BASE, {1, "before the first section"});
}
END_TEST

START_TEST(broken_lines)
{
    MISTAKES(BASE "[pool]\nsize 5\n", {6, "no '='"});
    MISTAKES(BASE "[pool]\nsize ; = 5", {6, "no '='"});
    MISTAKES(BASE "[pool\nsize = 5\n", {5, "closing ']'"});
    MISTAKES(BASE "[account \"b]\n", {5, "closing ']'"});
    MISTAKES(BASE "[account\"b\"]\n", {5, "closing ']'"});
    MISTAKES(BASE "[pool] size = 5\n", {5, "text after"});
    MISTAKES(BASE "[pool five]\n", {5, "only an account's section has a name"});
    MISTAKES(BASE "[]\n", {5, "unknown section []"});
    MISTAKES(BASE "[pool]\nsize = 5 # five\n", {6, "a comment after a value begins with ';'"});
    MISTAKES(BASE "[pool]\nsize = 5\0\nmin_idle = x\n", {6, "NUL"}, {7, "min_idle"});
}
END_TEST

START_TEST(duplicates)
{
    MISTAKES(BASE "[pool]\nsize = 5\nmin_idle = 1\nsize = 6\n", {8, "size is already given in line 6"});
    MISTAKES(BASE "[pool]\nsize = 5\n[sluse]\n[pool]\nsize = 5\n", {9, "size is already given in line 6"});
    MISTAKES(BASE "[pool]\nsize = x\nsize = 5\n", {6, "size = x"}, {7, "size is already given in line 6"});
    MISTAKES(BASE "password = other\n", {5, "password is already given in line 4"});
    MISTAKES(BASE "[account b]\n[account app]\npassword = a b#\n", {6, "[account app] is already in line 3"},
             {7, "double quotes"});
    MISTAKES(BASE "[account]\n[account ]\n[account \"\"]\npassword_hash = x\n", {5, "no name"}, {6, "no name"},
             {7, "no name"}, {8, "password_hash"});
    conf_drop(load_good(BASE "[account b]\npassword = secret\n[account App]\npassword = secret\n"));
}
END_TEST

START_TEST(missing)
{
    MISTAKES("", {0, "[backend] must have"}, {0, "no account"});
    MISTAKES("[account a]\n[backend]\n", {2, "must have a host or a socket"});
    MISTAKES("[account a]\n[backend]\nhost =\n", {2, "must have a host or a socket"});
    MISTAKES("[backend]\nhost = db\n", {0, "no account"});
    MISTAKES(BASE "[sluse]\nlisten =\n", {6, "no client could connect"});
    conf_drop(load_good(BASE "[sluse]\nlisten =\nsocket = /run/s\n"));
}
END_TEST

START_TEST(contradictions)
{
    MISTAKES(BASE "[backend]\nsocket = /s\n", {6, "host and socket (lines 2 and 6) exclude each other"});
    MISTAKES("[account a]\n[backend]\nport = 1\nsocket = /s\n", {4, "port (line 3) means nothing with socket (line 4)"});
    MISTAKES(BASE "password_file = app.password\n", {5, "password and password_file (lines 4 and 5) exclude"});
    MISTAKES(BASE "password_hash = *" HEX_39 "9\npassword_file = app.password\n",
             {5, "password and password_hash"}, {6, "password and password_file"});
    MISTAKES(BASE "[pool]\nmin_idle = 20\n", {6, "min_idle = 20 must be less than size = 20"});
    MISTAKES(BASE "[pool]\nmin_idle = 2\nsize = 2\n", {7, "must be less than size = 2"});
    MISTAKES(BASE "[pool]\nmin_idle = 30\nsize = x\n", {7, "size = x"});
    conf_drop(load_good(BASE "[pool]\nmin_idle = 1\nsize = 2\n"));
    MISTAKES(BASE "[sluse]\nlisten = 127.0.0.1:1,127.0.0.1:1\n", {6, "twice"});
    MISTAKES(BASE "[sluse]\nlisten = 127.0.0.1:8306\n", {6, "[sluse] listen and [stats] listen"});
    MISTAKES(BASE "[sluse]\nsocket = /s\n[account b]\n[backend]\nsocket = /s\n", {9, "exclude"},
             {9, "socket that sluse itself listens on"});
    MISTAKES("[account a]\n[backend]\nhost = 127.0.0.1\n", {3, "where sluse itself listens"});
    MISTAKES("[account a]\n[backend]\nhost = localhost\n", {3, "where sluse itself listens"});
    MISTAKES("[account a]\n[backend]\nhost = ::1\n[sluse]\nlisten = [::]:3306\n", {5, "where sluse itself listens"});
    conf_drop(load_good("[account a]\n[backend]\nhost = localhost\nport = 3307\n"));
    conf_drop(load_good("[account a]\n[backend]\nhost = 127.0.0.2\n"));
}
END_TEST

START_TEST(password_files)
{
    static const char nul[] = "ab\0c";
    char big[5000];
    struct conf *conf;

    memset(big, 'x', sizeof(big));
#define FILED "[backend]\nhost = db\n[account app]\npassword_file = "
    MISTAKES(FILED "no.password\n", {4, "no.password: No such file or directory"});
    MISTAKES(FILED "/\n", {4, "/: Is a directory"});
    write_file("other.password", nul, 4);
    MISTAKES(FILED "other.password\n", {4, "NUL"});
    write_file("other.password", "\r\n", 2);
    MISTAKES(FILED "other.password\n", {4, "is empty"});
    write_file("other.password", big, sizeof(big));
    MISTAKES(FILED "other.password\n", {4, "longer than 4096"});
    write_file("other.password", big, 4097);
    MISTAKES(FILED "other.password\n", {4, "longer than 4096"});
    write_file("other.password", big, 4096);
    conf = load_good(FILED "other.password\n");
    ck_assert_uint_eq(conf->accounts[0].password_len, 4096);
    conf_drop(conf);
    write_file("other.password", " a\n;\"#\r\n\r\n", 10);
    conf = load_good(FILED "other.password\n");
    ck_assert_str_eq(conf->accounts[0].password, " a\n;\"#\r\n");
    conf_drop(conf);
}
END_TEST

START_TEST(unreadable_files)
{
    ck_assert_ptr_null(conf_load(path_of("none.ini"), &errors));
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_int_eq(errors.list[0].line, 0);
    ck_assert_str_eq(errors.list[0].text, "cannot be opened: No such file or directory");
    conf_errors_free(&errors);
    ck_assert_ptr_null(errors.list);
    ck_assert_ptr_null(conf_load(directory, &errors));
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_str_eq(errors.list[0].text, "cannot be read: Is a directory");
    char *big = calloc(1, 1048577);
    ck_assert_ptr_nonnull(big);
    ck_assert_ptr_null(load_bytes(big, 1048577));
    free(big);
    ck_assert_uint_eq(errors.count, 1);
    ck_assert_ptr_nonnull(strstr(errors.list[0].text, "larger than 1 MiB"));
}
END_TEST

START_TEST(all_mistakes_at_once)
{
    MISTAKES("workers = 3\n"             /* 1 */
             "[sluse]\n"                 /* 2 */
             "listen = localhost:3306\n" /* 3 */
             "log_level = loud\n"        /* 4 */
             "listne = x\n"              /* 5 */
             "[backend]\n"               /* 6: and nothing in it */
             "port\n"                    /* 7 */
             "[pool]\n"                  /* 8 */
             "size = 5\n"                /* 9 */
             "min_idle = 5\n"            /* 10 */
             "size = 6\n"                /* 11 */
             "[account]\n"               /* 12 */
             "[account a]\n"             /* 13 */
             "password = x\n"            /* 14 */
             "password_hash = y\n"       /* 15 */
             "[account a]\n"             /* 16 */
             "password_file = none\n"    /* 17 */
             "[status]\n"                /* 18 */
             "[control]\n"               /* 19 */
             "password = x\n",           /* 20 */
             {1, "before the first section"}, {3, "listen = localhost:3306"}, {4, "log_level = loud"},
             {5, "did you mean 'listen'"}, {6, "must have a host"}, {7, "no '='"}, {10, "min_idle = 5"},
             {11, "already given in line 9"}, {12, "no name"}, {15, "password_hash must be '*'"},
             {15, "exclude each other"}, {16, "already in line 13"}, {17, "No such file"}, {18, "did you mean [stats]?"},
             {20, "no user"});
}
END_TEST

START_TEST(secrets_are_never_shown)
{
    static const char *const texts[] = {
        "password hunter2", "password = hunter2 ; x", "password = \"hunter2", "password = \"a\" hunter2",
        "password = hunter2#", "password_hash = hunter2", "password_hash = *hunter2", "passwort = hunter2",
        "password = a\npassword = hunter2", "password = hunter2\npassword_hash = *" HEX_39 "9",
        "hunter2", "password = a\n  hunter2", "password_file = other.password", "password = hunter2\nhost = hunter2",
        "[control]\npassword = hunter2", "[control]\npassword = hunter2\npassword = hunter2", "[acount c]\npassword = hunter2",
    };
    char text[300];

    write_file("other.password", "hunter2\0", 8);
    for (size_t i = 0; i < LENGTH(texts); i++) {
        (void)snprintf(text, sizeof(text), "[backend]\nhost = db\n[account app]\n%s\n", texts[i]);
        ck_assert_msg(!load_bytes(text, strlen(text)), "accepted: %s", text);
        ck_assert_uint_ge(errors.count, 1);
        for (size_t e = 0; e < errors.count; e++) {
            ck_assert_msg(!strstr(errors.list[e].text, "unter2"), "%s", errors.list[e].text);
        }
    }
}
END_TEST

/* A small file with every construct in it. */
static const char everything[] =
    "\xef\xbb\xbf; c\r\n[sluse]\r\nlisten = 127.0.0.1:1, [::1]:2 ; c\nsocket=/s\nworkers=auto\n# c\n[backend]\nhost: db\n"
    "connect_timeout = 5s\n[pool]\nsize = 5\n[control]\nuser = \"u\"\n[account \"a \"\"b\"\"\"]\npassword = \"x;\"\"#\" ; c\n"
    "[account c]\npassword_file=app.password\n[account d]\npassword_hash = *" HEX_39 "9\n[stats]\nlisten =\n";

START_TEST(a_cut_file_is_safe)
{
    conf_drop(load_good(everything));
    for (size_t size = 0; size < sizeof(everything); size++) {
        struct conf *conf = load_bytes(everything, size);

        ck_assert(!conf == (errors.count > 0));
        conf_drop(conf);
    }
}
END_TEST

START_TEST(a_spoiled_file_is_safe)
{
    static const char bytes[] = {'\0', '\n', '"', '[', ']', '=', ';', '#', ' ', '\r', ',', ':', '%', '*', '\xff', '0'};
    char text[sizeof(everything) - 1];

    for (size_t at = 0; at < sizeof(text); at++) {
        memcpy(text, everything, sizeof(text));
        text[at] = bytes[_i];
        struct conf *conf = load_bytes(text, sizeof(text));

        ck_assert(!conf == (errors.count > 0));
        conf_drop(conf);
    }
}
END_TEST

START_TEST(values_without_keys)
{
    uint64_t size = 1;
    bool yes = false;
    char host[4] = "abc";
    struct conf_address address;

    ck_assert_ptr_null(conf_value_size("16M", &size));
    ck_assert_uint_eq(size, 16u << 20);
    ck_assert_ptr_null(conf_value_size("3G", &size));
    ck_assert_uint_eq(size, 3ull << 30);
    ck_assert_ptr_null(conf_value_size("64K", &size));
    ck_assert_uint_eq(size, 65536);
    ck_assert_ptr_null(conf_value_size("0", &size));
    ck_assert_uint_eq(size, 0);
    ck_assert_ptr_nonnull(conf_value_size("16m", &size));
    ck_assert_ptr_nonnull(conf_value_size("M", &size));
    ck_assert_ptr_nonnull(conf_value_size("99999999999999G", &size));
    ck_assert_uint_eq(size, 0);
    ck_assert_ptr_null(conf_value_bool("Yes", &yes));
    ck_assert(yes);
    ck_assert_ptr_null(conf_value_bool("off", &yes));
    ck_assert(!yes);
    ck_assert_ptr_nonnull(conf_value_bool("2", &yes));
    ck_assert_ptr_nonnull(conf_value_host("long", host, sizeof(host)));
    ck_assert_str_eq(host, "abc");
    ck_assert_ptr_null(conf_value_address("[fe80::1%eth0]:1", &address));
    ck_assert_str_eq(address.host, "fe80::1%eth0");
    ck_assert_ptr_nonnull(conf_value_address("[fe80::1%]:1", &address));
    ck_assert_ptr_nonnull(conf_value_address("[]:1", &address));
    ck_assert_ptr_nonnull(conf_value_address(":1", &address));
    ck_assert_ptr_nonnull(conf_value_address("", &address));
}
END_TEST

static char *read_source(const char *name)
{
    char path[500];
    char *text = calloc(1, 65536);
    FILE *file;

    (void)snprintf(path, sizeof(path), "%s/%s", SLUSE_SOURCE_DIR, name);
    file = fopen(path, "r");
    ck_assert_msg(file && text, "%s", path);
    ck_assert_uint_lt(fread(text, 1, 65535, file), 65535);
    ck_assert_int_eq(fclose(file), 0);
    return text;
}

/* Whether a line of that section is "key = ...", perhaps commented out. */
static bool mentions(const char *text, const struct conf_key *key)
{
    char begin[100];
    char plain[100];
    char commented[100];
    const char *section;
    const char *end;
    const char *found;

    (void)snprintf(begin, sizeof(begin), "\n[%s", key->section);
    (void)snprintf(plain, sizeof(plain), "\n%s = ", key->name);
    (void)snprintf(commented, sizeof(commented), "\n;%s = ", key->name);
    section = strstr(text, begin);
    ck_assert_ptr_nonnull(section);
    end = strstr(section + 1, "\n[");
    found = strstr(section, plain);
    found = found && (!end || found < end) ? found : strstr(section, commented);
    return found && (!end || found < end);
}

START_TEST(shipped_file)
{
    char *text = read_source("conf/pool.ini");
    struct conf *shipped = load_good(text);
    struct conf *plain = load_good("[backend]\nhost = mysql\n[account app]\npassword_file = app.password\n");

    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        const struct conf_key *key = &conf_keys[i];

        ck_assert_msg(mentions(text, key), "[%s] %s", key->section, key->name);
        if (!conf_keys_is_account(key)) {
            ck_assert_msg(number_of(shipped, key) == number_of(plain, key), "%s is not the default", key->name);
        }
    }
    ck_assert_str_eq(shipped->accounts[0].password, ""); /* it works as it is */
    conf_drop(shipped);
    conf_drop(plain);
    free(text);
}
END_TEST

START_TEST(reference_is_current)
{
    char *written = read_source("docs/pool.ini.md");
    char *printed = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&printed, &size);

    ck_assert_ptr_nonnull(out);
    conf_print_reference(out);
    ck_assert_int_eq(fclose(out), 0);
    ck_assert_msg(strcmp(written, printed) == 0, "docs/pool.ini.md is old; generate it with sluse --print-reference");
    for (size_t i = 0; i < CONF_KEY_COUNT; i++) {
        ck_assert_ptr_nonnull(strstr(printed, conf_keys[i].text));
    }
    free(printed);
    free(written);
}
END_TEST

Suite *conf_suite(void)
{
    const TTest *const tests[] = {
        each_key_has_good_and_bad_samples, defaults, accounts, long_account_name, control_user, quotes, forms_of_a_file,
        long_lines, unknown_names, broken_lines, duplicates, missing, contradictions, password_files, unreadable_files,
        all_mistakes_at_once, secrets_are_never_shown, a_cut_file_is_safe, values_without_keys, shipped_file,
        reference_is_current,
    };
    Suite *suite = suite_create("conf");
    TCase *tcase = tcase_create("conf");

    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_set_timeout(tcase, 120);
    tcase_add_loop_test(tcase, a_value_is_checked, 0, (int)LENGTH(samples));
    tcase_add_loop_test(tcase, a_spoiled_file_is_safe, 0, 16);
    for (size_t i = 0; i < LENGTH(tests); i++) {
        tcase_add_test(tcase, tests[i]);
    }
    suite_add_tcase(suite, tcase);
    return suite;
}
