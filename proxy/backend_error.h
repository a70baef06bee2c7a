/* SPDX-License-Identifier: MIT
 * Why a backend could not serve: in the words of the server's ERR, or of ours, as the client will get them.
 */
#ifndef SLUSE_PROXY_BACKEND_ERROR_H
#define SLUSE_PROXY_BACKEND_ERROR_H

#include <stdbool.h>
#include <stdint.h>

#include "protocol/reply_packet.h"

struct backend_error {
    uint16_t number; /* 0: no ERR packet; text says what happened */
    char sqlstate[6];
    char text[512];
};

/* For operators and for the text of a 3168: an event without an ERR packet. */
void backend_error_set(struct backend_error *error, const char *format, ...) __attribute__((format(printf, 2, 3)));
void backend_error_from_packet(struct backend_error *error, const uint8_t *payload, size_t length);
/* Is it about the server (too many connections, blocked host, shutting down), so that trying again later may help? Otherwise it is about the
 * account or the schema, and whoever asked must know. */
bool backend_error_is_passing(const struct backend_error *error);

/* Is it that the server does not let the account in: another password, locked, expired? */
bool backend_error_is_account(const struct backend_error *error);
/* Is it that there is no such schema, or not for this account? */
bool backend_error_is_schema(const struct backend_error *error);

#endif
