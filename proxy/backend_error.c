/* SPDX-License-Identifier: MIT
 * Errors of the server side.
 */
#include "proxy/backend_error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void backend_error_set(struct backend_error *error, const char *format, ...)
{
    va_list arguments;

    *error = (struct backend_error){0};
    va_start(arguments, format);
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
}

void backend_error_from_packet(struct backend_error *error, const uint8_t *payload, size_t length)
{
    struct err_packet err;

    if (err_parse(payload, length, &err) != WIRE_OK) {
        backend_error_set(error, "the server sent a malformed error packet");
        return;
    }
    *error = (struct backend_error){.number = err.number};
    snprintf(error->sqlstate, sizeof error->sqlstate, "%s", err.sqlstate[0] ? err.sqlstate : "HY000");
    snprintf(error->text, sizeof error->text, "%.*s", (int)(err.text.length < 500 ? err.text.length : 500), err.text.data);
}

bool backend_error_is_passing(const struct backend_error *error)
{
    switch (error->number) {
    case 0:    /* refused, reset, timed out */
    case 1040: /* ER_CON_COUNT_ERROR */
    case 1053: /* ER_SERVER_SHUTDOWN */
    case 1129: /* ER_HOST_IS_BLOCKED */
    case 1158: /* ER_NET_READ_ERROR */
    case 1159: /* ER_NET_READ_INTERRUPTED */
    case 1203: /* ER_TOO_MANY_USER_CONNECTIONS */
    case 1226: /* ER_USER_LIMIT_REACHED */
    case 1927: /* ER_CONNECTION_KILLED, MariaDB */
    case 4031: /* ER_CLIENT_INTERACTION_TIMEOUT, MySQL */
        return true;
    default:
        return false;
    }
}

bool backend_error_is_account(const struct backend_error *error)
{
    switch (error->number) {
    case 1045: /* ER_ACCESS_DENIED_ERROR */
    case 1251: /* ER_NOT_SUPPORTED_AUTH_MODE */
    case 1524: /* ER_PLUGIN_IS_NOT_LOADED */
    case 1698: /* ER_ACCESS_DENIED_NO_PASSWORD_ERROR */
    case 1862: /* ER_MUST_CHANGE_PASSWORD_LOGIN */
    case 3118: /* ER_ACCOUNT_HAS_BEEN_LOCKED, MySQL */
    case 3955: /* ER_USER_ACCESS_DENIED_FOR_USER_ACCOUNT_BLOCKED_BY_PASSWORD_LOCK, MySQL */
    case 4151: /* ER_ACCOUNT_HAS_BEEN_LOCKED, MariaDB */
        return true;
    default:
        return false;
    }
}

bool backend_error_is_schema(const struct backend_error *error)
{
    return error->number == 1044 || error->number == 1049 || error->number == 1102; /* ER_DBACCESS_DENIED_ERROR, ER_BAD_DB_ERROR, ER_WRONG_DB_NAME */
}
