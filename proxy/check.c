/* SPDX-License-Identifier: MIT
 * sluse --check [--connect]: the file, and who gets in at the server.
 */
#include "proxy/check.h"

#include <errmsg.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/auth.h"
#include "proxy/check_part.h"
#include "proxy/dial.h"
#include "proxy/node.h"
#include "proxy/stored_code.h"

struct conf *check_load(const char *path)
{
    struct conf_errors errors = {0};
    struct conf *conf = conf_load(path, &errors);

    for (size_t i = 0; i < errors.count; i++) {
        if (errors.list[i].line)
            fprintf(stderr, "%s:%d: %s\n", errors.list[i].path, errors.list[i].line, errors.list[i].text);
        else
            fprintf(stderr, "%s: %s\n", errors.list[i].path, errors.list[i].text);
    }
    if (errors.out_of_memory)
        fprintf(stderr, "%s: out of memory\n", path);
    conf_errors_free(&errors);
    return conf;
}

/* --- saying --- */

/* What a server says may hold anything. */
static void say(FILE *out, const char *mark, const char *what, const char *format, va_list arguments)
{
    char *text = NULL;

    if (vasprintf(&text, format, arguments) < 0)
        return;
    for (char *c = text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7F)
            *c = '?';
    fprintf(out, "  %s%s: %s\n", mark, what, text);
    free(text);
}

void check_found(const char *what, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    say(stdout, "", what, format, arguments);
    va_end(arguments);
}

void check_advise(struct check *c, const char *what, const char *format, ...)
{
    va_list arguments;

    c->warnings++;
    va_start(arguments, format);
    say(stdout, "! ", what, format, arguments);
    va_end(arguments);
}

void check_failed(struct check *c, const char *what, const char *format, ...)
{
    va_list arguments;

    c->failures++;
    fflush(stdout);
    va_start(arguments, format);
    say(stderr, "! ", what, format, arguments);
    va_end(arguments);
}

static void on_shortage(void *user, const char *line)
{
    printf("  ! %s: %s\n", (const char *)user, line);
}

/* The limit of descriptors is the one of whoever asks, which the unit's may be or not. */
void check_node(const struct conf *conf)
{
    static char what[] = "node";
    const struct node_teller teller = {on_shortage, what};

    (void)node_check_descriptors(conf, node_descriptors_allowed(), &teller);
    node_check_kernel(conf, "/proc/sys", &teller);
}

/* --- asking --- */

char *check_ask(MYSQL *mysql, const char *query)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row = NULL;
    char *answer = NULL;

    if (mysql_query(mysql, query) == 0 && (result = mysql_store_result(mysql)))
        row = mysql_fetch_row(result);
    if (row && row[0])
        answer = strdup(row[0]);
    if (result)
        mysql_free_result(result);
    return answer;
}

unsigned long long check_number(const struct check *c, enum check_fact fact)
{
    return c->facts[fact] ? strtoull(c->facts[fact], NULL, 10) : 0;
}

/* --- logins --- */

static const char *advice_for(unsigned error)
{
    switch (error) {
#define REFUSAL(number, advice)                                                                                                                      \
    case number:                                                                                                                                     \
        return advice;
#include "proxy/check_refusal.def"
#undef REFUSAL
    default:
        return "the server's own words say it";
    }
}

/* libmariadb's own errors: there is no connection, unless it can't say what the account asks for. */
static bool is_lost(unsigned error)
{
    return error >= CR_MIN_ERROR && error <= CR_MAX_ERROR && error != CR_AUTH_PLUGIN_CANNOT_LOAD;
}

/* NULL: it failed, which has been said; *lost: and so will all others. */
static MYSQL *login(struct check *c, const char *user, const char *password, bool *lost)
{
    MYSQL *mysql = dial_prepare(c->conf, "check");
    char what[128];

    snprintf(what, sizeof what, "login %.100s", user);
    if (mysql && dial(mysql, c->conf, user, password))
        return mysql;
    *lost = !mysql || is_lost(mysql_errno(mysql));
    if (mysql)
        check_failed(c, what, "error %u: %s: %s", mysql_errno(mysql), mysql_error(mysql), advice_for(mysql_errno(mysql)));
    else
        check_failed(c, what, "no memory");
    if (mysql)
        mysql_close(mysql);
    return NULL;
}

/* MariaDB names neither of the two oldest plugins: their hashes differ. It may list several, of which any will do. */
static void plugin_of(const char *definition, char *plugin, size_t size)
{
    static const char *const before[] = {"IDENTIFIED VIA ", "IDENTIFIED WITH "};
    const char *hash = strstr(definition, "IDENTIFIED BY PASSWORD '"), *at = NULL;

    for (size_t i = 0; !at && i < sizeof before / sizeof before[0]; i++)
        if ((at = strstr(definition, before[i])))
            at += strlen(before[i]) + strspn(at + strlen(before[i]), "'`");
    if (at && !strstr(at, AUTH_NATIVE))
        snprintf(plugin, size, "%.*s", (int)strcspn(at, "'` "), at);
    else
        snprintf(plugin, size, "%s", hash && hash[strlen("IDENTIFIED BY PASSWORD '")] != '*' ? "mysql_old_password" : AUTH_NATIVE);
}

/* Of the account's definition, which has its hash, nothing else is kept. */
static void find_plugin(MYSQL *mysql, char *plugin, size_t size)
{
    char *definition = check_ask(mysql, "SHOW CREATE USER CURRENT_USER()");

    plugin[0] = '\0';
    if (!definition)
        return;
    plugin_of(definition, plugin, size);
    explicit_bzero(definition, strlen(definition));
    free(definition);
}

static void look_at_account(struct check *c, MYSQL *mysql, const char *user)
{
    char what[128], plugin[64], *most = check_ask(mysql, "SELECT @@session.max_user_connections");
    unsigned long long limit = most ? strtoull(most, NULL, 10) : 0, size = c->conf->size;

    snprintf(what, sizeof what, "login %.100s", user);
    if (!most) { /* MariaDB lets an account with an expired password in, and answers nothing */
        check_failed(c, what, "error %u: %s: %s", mysql_errno(mysql), mysql_error(mysql), advice_for(mysql_errno(mysql)));
        return;
    }
    find_plugin(mysql, plugin, sizeof plugin);
    check_found(what, "ok, plugin %s, max_user_connections = %llu", plugin[0] ? plugin : "not known", limit);
    if (plugin[0] && strcmp(plugin, AUTH_NATIVE) != 0 && strcmp(plugin, AUTH_CACHING_SHA2) != 0)
        check_advise(c, what, "sluse has no %s: clients of this account get in nowhere; ALTER USER with %s or %s", plugin, AUTH_NATIVE, AUTH_CACHING_SHA2);
    if (limit && limit < size)
        check_advise(c, what, "max_user_connections = %llu is less than [pool] size = %llu, all of which may be this account's: error 1226; raise it,"
                     " or lower size", limit, size);
    check_note_schemas(c, mysql);
    free(most);
}

static void check_account(struct check *c, const struct conf_account *account, bool *lost)
{
    MYSQL *mysql = login(c, account->name, account->password ? account->password : "", lost);

    if (!mysql)
        return;
    look_at_account(c, mysql, account->name);
    mysql_close(mysql);
}

static void check_accounts(struct check *c)
{
    const struct conf *conf = c->conf;
    bool lost = false;

    for (size_t i = 0; i < conf->account_count && !lost; i++) {
        const struct conf_account *account = &conf->accounts[i];
        char what[128];

        snprintf(what, sizeof what, "login %.100s", account->name);
        if (account->has_hash)
            check_found(what, "not tried: only a hash is known");
        else if (strcmp(account->name, conf->control_user) != 0)
            check_account(c, account, &lost);
    }
}

/* What the control account sees is what the control thread will see. False: nobody gets there. */
static bool check_control(struct check *c)
{
    bool lost = false;

    c->mysql = login(c, c->conf->control_user, c->conf->control_password, &lost);
    if (!c->mysql)
        return !lost;
    check_server(c);
    check_read_code(c);
    look_at_account(c, c->mysql, c->conf->control_user);
    return true;
}

static void free_check(struct check *c)
{
    for (unsigned i = 0; i < FACTS; i++)
        free(c->facts[i]);
    for (size_t i = 0; i < c->unread_count; i++)
        free(c->unread[i]);
    free(c->unread);
    stored_code_drop(c->code);
    if (c->mysql)
        mysql_close(c->mysql);
}

static void name_server(const struct conf *conf, char *name, size_t size)
{
    if (conf->backend_socket)
        snprintf(name, size, "%s", conf->backend_socket);
    else
        snprintf(name, size, strchr(conf->backend.host, ':') ? "[%s]:%u" : "%s:%u", conf->backend.host, conf->backend.port);
}

int check_connect(const struct conf *conf)
{
    struct check c = {.conf = conf};
    unsigned failures;
    char name[300];

    name_server(conf, name, sizeof name);
    printf("server %s\n", name);
    if (check_control(&c))
        check_accounts(&c);
    if (c.mysql)
        check_code(&c);
    printf("server %s: %u failures, %u warnings\n", name, c.failures, c.warnings);
    failures = c.failures;
    free_check(&c);
    return failures ? 1 : 0;
}
