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
