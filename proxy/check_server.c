/* SPDX-License-Identifier: MIT
 * What a server's settings and numbers mean for pool.ini.
 */
#include "proxy/check_part.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "protocol/capability.h"
#include "proxy/invariant.h"

#define OLDEST_MARIADB 101100u /* what the tests run with */
#define OLDEST_MYSQL 90700u
#define JANITOR_US 1000000 /* how often idle connections are looked at */

/* --- facts --- */

enum fact_kind { VARIABLES, STATUS, KINDS };

static const struct {
    const char *name;
    enum fact_kind kind;
} facts[] = {
#define FACT(name, kind) {#name, kind},
#include "proxy/check_fact.def"
#undef FACT
};

static void ask_facts(struct check *c, enum fact_kind kind)
{
    char *query = NULL;
    size_t length;
    FILE *out = open_memstream(&query, &length);
    MYSQL_RES *result = NULL;
    MYSQL_ROW row;

    INVARIANT(out);
    fprintf(out, "SHOW GLOBAL %s WHERE Variable_name IN (''", kind == VARIABLES ? "VARIABLES" : "STATUS");
    for (unsigned i = 0; i < FACTS; i++)
        if (facts[i].kind == kind)
            fprintf(out, ", '%s'", facts[i].name);
    fputs(")", out);
    INVARIANT(fclose(out) == 0);
    if (mysql_query(c->mysql, query) || !(result = mysql_store_result(c->mysql)))
        check_failed(c, "facts", "error %u: %s", mysql_errno(c->mysql), mysql_error(c->mysql));
    while (result && (row = mysql_fetch_row(result)))
        for (unsigned i = 0; i < FACTS; i++)
            if (row[0] && row[1] && strcasecmp(row[0], facts[i].name) == 0 && !c->facts[i])
                c->facts[i] = strdup(row[1]);
    if (result)
        mysql_free_result(result);
    free(query);
}

static const char *text(const struct check *c, enum check_fact fact)
{
    return c->facts[fact] ? c->facts[fact] : "not there";
}

static bool is(const struct check *c, enum check_fact fact, const char *value)
{
    return c->facts[fact] && strcasecmp(c->facts[fact], value) == 0;
}

/* --- version --- */

static void check_version(struct check *c)
{
    const char *version = mysql_get_server_info(c->mysql);
    bool mariadb = strstr(version, "MariaDB") != NULL;
    unsigned long number = mysql_get_server_version(c->mysql), capabilities = 0;

    (void)mariadb_get_infov(c->mysql, MARIADB_CONNECTION_SERVER_CAPABILITIES, &capabilities);
    check_found("version", "%s %lu.%lu.%lu (%s)", mariadb ? "MariaDB" : "MySQL", number / 10000, number / 100 % 100, number % 100, version);
    if (!(capabilities & CAP_DEPRECATE_EOF) || !(capabilities & CAP_SESSION_TRACK))
        check_advise(c, "version", "too old: CLIENT_DEPRECATE_EOF and CLIENT_SESSION_TRACK are needed (MariaDB 10.2, MySQL 5.7)");
    else if (number < (mariadb ? OLDEST_MARIADB : OLDEST_MYSQL))
        check_advise(c, "version", "older than what sluse is tested with (MariaDB 10.11 and 11.8, MySQL 9.7)");
    check_found("tls", "%s by the server, not used: sluse does not speak it yet, so the way to the server has to be private",
                capabilities & CAP_SSL ? "offered" : "not offered");
}

/* --- connections --- */

/* Of those that the control account may see (without PROCESS: its own): from how many addresses the accounts come, and how many are somebody else's. */
static void count_connections(struct check *c, unsigned long long *nodes, unsigned long long *others)
{
    const struct conf *conf = c->conf;
    char *query = NULL, *answer, name[2 * 256 + 1];
    size_t length;
    FILE *out = open_memstream(&query, &length);

    INVARIANT(out);
    fputs("SELECT CONCAT(COUNT(DISTINCT IF(mine, address, NULL)), ' ', SUM(NOT mine)) FROM (SELECT"
          " LEFT(HOST, CHAR_LENGTH(HOST) - CHAR_LENGTH(SUBSTRING_INDEX(HOST, ':', -1))) address, USER IN (''", out);
    for (size_t i = 0; i <= conf->account_count; i++) {
        const char *user = i < conf->account_count ? conf->accounts[i].name : conf->control_user;
        size_t user_length = strlen(user) < 255 ? strlen(user) : 255;

        mysql_real_escape_string(c->mysql, name, user, user_length);
        fprintf(out, ", '%s'", name);
    }
    fputs(") mine FROM information_schema.PROCESSLIST WHERE COMMAND <> 'Daemon' AND USER NOT IN ('system user', 'event_scheduler')) p", out);
    INVARIANT(fclose(out) == 0);
    answer = check_ask(c->mysql, query);
    if (!answer || sscanf(answer, "%llu %llu", nodes, others) != 2)
        *nodes = 1, *others = 0;
    free(answer);
    free(query);
}

static void check_connections(struct check *c)
{
    unsigned long long most = check_number(c, FACT_max_connections), size = c->conf->size, nodes, others, fits;

    count_connections(c, &nodes, &others);
    check_found("connections", "max_connections = %llu, max_user_connections = %s; now %s, at most %s since the server's start; [pool] size = %llu", most,
                text(c, FACT_max_user_connections), text(c, FACT_Threads_connected), text(c, FACT_Max_used_connections), size);
    check_found("nodes", "these accounts come from %llu addresses; %llu connections that can be seen are of others", nodes, others);
    fits = most > others ? (most - others) / (nodes ? nodes : 1) : 0;
    if (most && size > most)
        check_advise(c, "connections", "[pool] size = %llu is more than max_connections = %llu: lower size, or raise max_connections", size, most);
    else if (most && size * nodes > most)
        check_advise(c, "connections", "%llu nodes with [pool] size = %llu each are more than max_connections = %llu: lower size to %llu, or raise"
                     " max_connections", nodes, size, most, fits);
    else if (most && size * nodes + others > most)
        check_advise(c, "connections", "[pool] size = %llu on %llu nodes, and %llu connections of others, are more than max_connections = %llu: lower"
                     " size to %llu, or raise max_connections", size, nodes, others, most, fits);
    if (most && check_number(c, FACT_Max_used_connections) >= most)
        check_advise(c, "connections", "max_connections = %llu were all in use at a time since the server's start: whoever came on top was refused with 1040:"
                     " lower the sizes of the nodes, or raise max_connections", most);
}

/* --- timeouts --- */

static double seconds(int64_t us)
{
    return (double)us / 1e6;
}

/* How long a connection may lie idle before sluse ends it; 0: for ever. */
static int64_t longest_idle(const struct conf *conf, const char **key)
{
    int64_t idle = conf->min_idle ? 0 : conf->idle_timeout_us, life = conf->max_lifetime_us;
    bool by_life = !idle || (life && life < idle);

    *key = by_life ? "max_lifetime" : "idle_timeout";
    return by_life ? life : idle;
}

static void check_idle(struct check *c, enum check_fact fact, const char *name)
{
    const char *key;
    int64_t ours = longest_idle(c->conf, &key), theirs = (int64_t)check_number(c, fact) * 1000000;

    if (!theirs || (ours && ours + JANITOR_US < theirs))
        return;
    check_advise(c, "timeouts", "the server closes idle connections after %s = %lld s, before sluse does ([pool] %s = %g s%s): set %s below it, or"
                 " raise %s", name, (long long)theirs / 1000000, key, seconds(ours), ours ? "" : ", never",
                 c->conf->min_idle ? "max_lifetime" : "idle_timeout", name);
}

static void check_timeouts(struct check *c)
{
    const struct conf *conf = c->conf;
    int64_t wait = (int64_t)check_number(c, FACT_wait_timeout) * 1000000, transaction = (int64_t)check_number(c, FACT_idle_transaction_timeout) * 1000000;

    check_found("timeouts", "wait_timeout = %s s, interactive_timeout = %s s; [pool] idle_timeout = %g s, min_idle = %llu, max_lifetime = %g s",
                text(c, FACT_wait_timeout), text(c, FACT_interactive_timeout), seconds(conf->idle_timeout_us),
                (unsigned long long)conf->min_idle, seconds(conf->max_lifetime_us));
    check_idle(c, FACT_wait_timeout, "wait_timeout");
    if (check_number(c, FACT_interactive_timeout) != check_number(c, FACT_wait_timeout))
        check_idle(c, FACT_interactive_timeout, "interactive_timeout");
    if (wait && conf->health_interval_us >= wait)
        check_advise(c, "timeouts", "[backend] health_interval = %g s is not below wait_timeout = %s s: the server closes the control connection"
                     " between two questions", seconds(conf->health_interval_us), text(c, FACT_wait_timeout));
    if (transaction && (!conf->idle_in_transaction_timeout_us || conf->idle_in_transaction_timeout_us + JANITOR_US >= transaction))
        check_advise(c, "timeouts", "the server ends idle transactions after idle_transaction_timeout = %s s, and clients see their connection lost:"
                     " set [pool] idle_in_transaction_timeout below it, and they get 4031", text(c, FACT_idle_transaction_timeout));
}

/* --- the rest --- */

static void check_trackers(struct check *c)
{
    check_found("trackers", "session_track_schema = %s, session_track_state_change = %s, session_track_transaction_info = %s,"
                " session_track_system_variables = %s", text(c, FACT_session_track_schema),
                text(c, FACT_session_track_state_change), text(c, FACT_session_track_transaction_info),
                text(c, FACT_session_track_system_variables));
}

static void check_settings(struct check *c)
{
    const char *init = c->facts[FACT_init_connect], *mode = c->facts[FACT_sql_mode];

    check_found("settings", "autocommit = %s, completion_type = %s, init_connect %s, skip_name_resolve = %s, max_allowed_packet = %s, sql_mode = %s",
                text(c, FACT_autocommit), text(c, FACT_completion_type), init && init[0] ? "set" : "empty", text(c, FACT_skip_name_resolve),
                text(c, FACT_max_allowed_packet), text(c, FACT_sql_mode));
    if (init && init[0])
        check_advise(c, "settings", "init_connect is set: each session gets a connection of its own, since no change of user runs it; unset it, and"
                     " let clients set what they need");
    if (is(c, FACT_autocommit, "OFF"))
        check_advise(c, "settings", "autocommit = OFF: each session that has not set it holds its connection from its first statement to its COMMIT;"
                     " set it ON");
    if (c->facts[FACT_completion_type] && !is(c, FACT_completion_type, "NO_CHAIN"))
        check_advise(c, "settings", "completion_type = %s: COMMIT begins another transaction, or ends the connection, so sessions hold or lose"
                     " theirs; set it NO_CHAIN", text(c, FACT_completion_type));
    if (mode && strstr(mode, "ORACLE"))
        check_advise(c, "settings", "sql_mode has ORACLE: stored code that was made in it is not looked into, and sessions that use it are pinned"
                     " (opaque)");
}

void check_server(struct check *c)
{
    ask_facts(c, VARIABLES);
    ask_facts(c, STATUS);
    check_version(c);
    check_connections(c);
    check_timeouts(c);
    check_trackers(c);
    check_settings(c);
}
