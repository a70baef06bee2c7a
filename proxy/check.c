/* SPDX-License-Identifier: MIT
 * sluse --check [--connect].
 */
#include "proxy/check.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static char *ask(MYSQL *mysql, const char *expression)
{
    MYSQL_RES *result = NULL;
    MYSQL_ROW row = NULL;
    char text[256], *answer = NULL;

    snprintf(text, sizeof text, "SELECT %s", expression);
    if (mysql_query(mysql, text) == 0 && (result = mysql_store_result(mysql)))
        row = mysql_fetch_row(result);
    if (row && row[0])
        answer = strdup(row[0]);
    if (result)
        mysql_free_result(result);
    return answer;
}

static void show(MYSQL *mysql, const char *variable)
{
    char expression[128], *value;

    snprintf(expression, sizeof expression, "@@global.%s", variable);
    value = ask(mysql, expression);
    printf("  %-34s %s\n", variable, value ? (value[0] ? value : "(empty)") : "(this server has none)");
    free(value);
}

static void advise(MYSQL *mysql, const struct conf *conf)
{
    char *max = ask(mysql, "@@global.max_connections"), *init = ask(mysql, "@@global.init_connect");

    if (max && strtoull(max, NULL, 10) < conf->size)
        printf("  ! max_connections = %s is less than [pool] size = %llu: lower size, or raise max_connections\n", max, (unsigned long long)conf->size);
    if (init && init[0])
        printf("  ! init_connect is set: each session gets a connection of its own, since no change of user runs it\n");
    free(max);
    free(init);
}

static int login(const struct conf *conf, const char *user, const char *password, bool all)
{
    static const char *const variables[] = {"max_connections", "wait_timeout", "interactive_timeout", "max_allowed_packet", "init_connect", "skip_name_resolve",
                                            "session_track_schema", "session_track_state_change", "session_track_system_variables", "session_track_transaction_info"};
    MYSQL *mysql = mysql_init(NULL);
    unsigned timeout = (unsigned)((conf->connect_timeout_us + 999999) / 1000000);
    const unsigned tcp = MYSQL_PROTOCOL_TCP;

    if (!mysql)
        return 1;
    if (!conf->backend_socket)
        mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp); /* else localhost would mean a socket */
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "sluse");
    if (!mysql_real_connect(mysql, conf->backend_socket ? NULL : conf->backend.host, user, password, NULL, conf->backend.port, conf->backend_socket, 0)) {
        fprintf(stderr, "%s: login as '%s' failed: error %u: %s\n", conf->path, user, mysql_errno(mysql), mysql_error(mysql));
        mysql_close(mysql);
        return 1;
    }
    printf("login as '%s': %s\n", user, mysql_get_server_info(mysql));
    if (all) {
        for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
            show(mysql, variables[i]);
        advise(mysql, conf);
    }
    mysql_close(mysql);
    return 0;
}

int check_connect(const struct conf *conf)
{
    int status = login(conf, conf->control_user, conf->control_password, true);

    for (size_t i = 0; i < conf->account_count; i++) {
        const struct conf_account *account = &conf->accounts[i];

        if (account->has_hash)
            printf("login as '%s': not tried, only a hash is known\n", account->name);
        else if (strcmp(account->name, conf->control_user) != 0)
            status |= login(conf, account->name, account->password ? account->password : "", false);
    }
    return status;
}
