/* SPDX-License-Identifier: MIT
 * How libmariadb is told where the server is.
 */
#include "proxy/dial.h"

#include <mysql.h>

struct st_mysql *dial_prepare(const struct conf *conf, const char *role)
{
    const unsigned tcp = MYSQL_PROTOCOL_TCP, timeout = (unsigned)((conf->connect_timeout_us + 999999) / 1000000);
    MYSQL *mysql = mysql_init(NULL);

    if (!mysql)
        return NULL;
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &timeout);
    mysql_optionsv(mysql, MYSQL_OPT_WRITE_TIMEOUT, &timeout);
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "program_name", "sluse");
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_ATTR_ADD, "sluse_role", role);
    if (!conf->backend_socket)
        mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &tcp); /* else localhost would mean a socket */
    mysql_optionsv(mysql, MYSQL_READ_DEFAULT_GROUP, NULL);
    return mysql;
}

bool dial(struct st_mysql *mysql, const struct conf *conf, const char *user, const char *password)
{
    return mysql_real_connect(mysql, conf->backend_socket ? NULL : conf->backend.host, user, password, NULL, conf->backend.port, conf->backend_socket, 0) != NULL;
}
