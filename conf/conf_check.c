/* SPDX-License-Identifier: MIT
 * Checks what no single value shows: missing settings and contradictions between settings.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "conf/conf_errors.h"
#include "conf/conf_load.h"
#include "conf/conf_secret.h"

static const struct conf_place *place(const struct conf_load *load, enum conf_key_id id)
{
    return &load->places[id];
}

static bool given(const struct conf_load *load, enum conf_key_id id)
{
    return place(load, id)->line != 0;
}

/* A key whose value was refused is not compared with others: one mistake, one report. */
static bool failed(const struct conf_load *load, enum conf_key_id id)
{
    return given(load, id) && !place(load, id)->good;
}

static int later(int a, int b)
{
    return a > b ? a : b;
}

#define REPORT(load, line, ...) conf_errors_add((load)->errors, (load)->conf->path, line, __VA_ARGS__)

/* Of several ways to give a secret, the first that is given; each further one is reported. */
static int only_one(struct conf_load *load, const enum conf_key_id *ids, size_t count)
{
    int first = -1;

    for (size_t i = 0; i < count; i++) {
        int line = place(load, ids[i])->line;

        if (line && first < 0) {
            first = (int)ids[i];
        } else if (line) {
            const struct conf_place *other = place(load, (enum conf_key_id)first);

            REPORT(load, later(line, other->line), "%s and %s (lines %d and %d) exclude each other; keep one of them",
                   conf_keys[first].name, conf_keys[ids[i]].name, other->line, line);
        }
    }
    return first;
}

/* Replaces *secret by what the file holds. */
static void read_secret(struct conf_load *load, const char *file, int line, char **secret)
{
    char wrong[400];
    char *text = conf_secret_read(load->conf->path, file, wrong, sizeof(wrong));

    if (!text) {
        REPORT(load, line, "password_file: %s", wrong);
        return;
    }
    conf_secret_free(*secret);
    *secret = text;
}

void conf_check_account(struct conf_load *load)
{
    static const enum conf_key_id secrets[] = {CONF_KEY_account_password, CONF_KEY_account_password_file,
                                               CONF_KEY_account_password_hash};
    struct conf_account *account = load->account;

    (void)only_one(load, secrets, sizeof(secrets) / sizeof(secrets[0]));
    if (load->account_file) {
        read_secret(load, load->account_file, place(load, CONF_KEY_account_password_file)->line, &account->password);
    }
    account->has_hash = given(load, CONF_KEY_account_password_hash) && !account->password;
    if (!account->password && !account->has_hash) {
        account->password = conf_errors_strdup(load->errors, "");
    }
    account->password_len = account->password ? strlen(account->password) : 0;
}

static void check_backend(struct conf_load *load)
{
    const struct conf *conf = load->conf;
    int host = place(load, CONF_KEY_backend_host)->line;
    int port = place(load, CONF_KEY_backend_port)->line;
    int socket = place(load, CONF_KEY_backend_socket)->line;

    if (failed(load, CONF_KEY_backend_host) || failed(load, CONF_KEY_backend_socket)) {
        return;
    }
    if (conf->backend.host[0] && conf->backend_socket) {
        REPORT(load, later(host, socket), "host and socket (lines %d and %d) exclude each other; keep one of them", host,
               socket);
    } else if (conf->backend_socket && port) {
        REPORT(load, later(port, socket), "port (line %d) means nothing with socket (line %d); keep one of them", port,
               socket);
    } else if (!conf->backend.host[0] && !conf->backend_socket) {
        REPORT(load, load->backend_line, "[backend] must have a host or a socket: where the server is");
    }
}

static bool is_loopback(const char *host)
{
    return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0;
}

/* Whether a connection to that server would come back to this listener. */
static bool reaches(const struct conf_address *server, const struct conf_address *listen)
{
    const char *at = listen->host;

    if (server->port != listen->port) {
        return false;
    }
    if (strcasecmp(server->host, at) == 0) {
        return true;
    }
    if (strcasecmp(server->host, "localhost") == 0 && is_loopback(at)) {
        return true;
    }
    return is_loopback(server->host) && (strcmp(at, "0.0.0.0") == 0 || strcmp(at, "::") == 0);
}

static void check_loop(struct conf_load *load)
{
    const struct conf *conf = load->conf;
    int line = later(later(place(load, CONF_KEY_backend_host)->line, place(load, CONF_KEY_backend_port)->line),
                     place(load, CONF_KEY_sluse_listen)->line);

    if (conf->socket && conf->backend_socket && strcmp(conf->socket, conf->backend_socket) == 0) {
        REPORT(load, later(place(load, CONF_KEY_sluse_socket)->line, place(load, CONF_KEY_backend_socket)->line),
               "[backend] socket is the socket that sluse itself listens on; one of them must be another");
    }
    if (!conf->backend.host[0] || conf->backend_socket || failed(load, CONF_KEY_backend_port) ||
        failed(load, CONF_KEY_sluse_listen)) {
        return;
    }
    for (size_t i = 0; i < conf->listen_count; i++) {
        if (reaches(&conf->backend, &conf->listen[i])) {
            REPORT(load, line, "[backend] %s, port %u, is where sluse itself listens; one of them must be another",
                   conf->backend.host, (unsigned)conf->backend.port);
            return;
        }
    }
}

static bool same_address(const struct conf_address *a, const struct conf_address *b)
{
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static void check_listen(struct conf_load *load)
{
    const struct conf *conf = load->conf;
    int line = place(load, CONF_KEY_sluse_listen)->line;

    if (failed(load, CONF_KEY_sluse_listen)) {
        return;
    }
    if (!conf->listen_count && !conf->socket && !failed(load, CONF_KEY_sluse_socket)) {
        REPORT(load, line, "listen is empty and there is no socket: no client could connect; give one of them");
    }
    for (size_t i = 0; i < conf->listen_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (same_address(&conf->listen[i], &conf->listen[j])) {
                REPORT(load, line, "listen has port %u of %s twice; keep one of them", (unsigned)conf->listen[i].port,
                       conf->listen[i].host);
            }
        }
        if (!failed(load, CONF_KEY_stats_listen) && same_address(&conf->listen[i], &conf->stats_listen)) {
            REPORT(load, later(line, place(load, CONF_KEY_stats_listen)->line),
                   "[sluse] listen and [stats] listen are both port %u of %s; one of them must be another",
                   (unsigned)conf->stats_listen.port, conf->stats_listen.host);
        }
    }
}

static void check_pool(struct conf_load *load)
{
    const struct conf *conf = load->conf;

    if (failed(load, CONF_KEY_pool_size) || failed(load, CONF_KEY_pool_min_idle)) {
        return;
    }
    if (conf->min_idle >= conf->size) {
        REPORT(load, later(place(load, CONF_KEY_pool_min_idle)->line, place(load, CONF_KEY_pool_size)->line),
               "min_idle = %llu must be less than size = %llu, as one connection is the control connection",
               (unsigned long long)conf->min_idle, (unsigned long long)conf->size);
    }
}

/* Who logs in when [control] does not say: the first account whose password is known. */
static void control_from_accounts(struct conf_load *load)
{
    struct conf *conf = load->conf;

    for (size_t i = 0; i < conf->account_count; i++) {
        if (!conf->accounts[i].has_hash && conf->accounts[i].password) {
            conf->control_user = conf_errors_strdup(load->errors, conf->accounts[i].name);
            conf->control_password = conf_errors_strdup(load->errors, conf->accounts[i].password);
            return;
        }
    }
    if (conf->account_count) {
        REPORT(load, 0, "every account has only a password_hash, which cannot log in at the server; "
               "[control] must have a user and its password");
    }
}

/* [control] has a user and no secret. */
static void control_password_from_account(struct conf_load *load)
{
    struct conf *conf = load->conf;
    const struct conf_account *account = conf_account(conf, conf->control_user, strlen(conf->control_user));

    if (account && account->has_hash) {
        REPORT(load, place(load, CONF_KEY_control_user)->line,
               "the account of this user has only a password_hash, which cannot log in at the server; "
               "[control] must have its password or password_file");
        return;
    }
    conf->control_password = conf_errors_strdup(load->errors, account && account->password ? account->password : "");
}

static void check_control(struct conf_load *load)
{
    static const enum conf_key_id secrets[] = {CONF_KEY_control_password, CONF_KEY_control_password_file};
    struct conf *conf = load->conf;
    int secret = only_one(load, secrets, sizeof(secrets) / sizeof(secrets[0]));

    if (load->control_file) {
        read_secret(load, load->control_file, place(load, CONF_KEY_control_password_file)->line, &conf->control_password);
    }
    if (failed(load, CONF_KEY_control_user)) {
        return;
    }
    if (!conf->control_user && secret >= 0) {
        REPORT(load, place(load, (enum conf_key_id)secret)->line, "[control] has %s but no user; give both or none",
               conf_keys[secret].name);
    } else if (!conf->control_user) {
        control_from_accounts(load);
    } else if (secret < 0) {
        control_password_from_account(load);
    }
}

void conf_check(struct conf_load *load)
{
    check_listen(load);
    check_backend(load);
    check_loop(load);
    check_pool(load);
    if (!load->conf->account_count) {
        REPORT(load, 0, "there is no account; add [account NAME] with the password_file of a MySQL user");
    }
    check_control(load);
}
