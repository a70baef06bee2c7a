/* SPDX-License-Identifier: MIT
 * Capability bits, and what sluse does with each: one table (capability.def).
 */
#ifndef SLUSE_PROTOCOL_CAPABILITY_H
#define SLUSE_PROTOCOL_CAPABILITY_H

#include <stdint.h>

enum capability {
    CAP_LONG_PASSWORD = 1u << 0, /* MariaDB: CLIENT_MYSQL, unset in its greeting */
    CAP_FOUND_ROWS = 1u << 1,
    CAP_LONG_FLAG = 1u << 2,
    CAP_CONNECT_WITH_DB = 1u << 3,
    CAP_NO_SCHEMA = 1u << 4,
    CAP_COMPRESS = 1u << 5,
    CAP_ODBC = 1u << 6,
    CAP_LOCAL_FILES = 1u << 7,
    CAP_IGNORE_SPACE = 1u << 8,
    CAP_PROTOCOL_41 = 1u << 9,
    CAP_INTERACTIVE = 1u << 10,
    CAP_SSL = 1u << 11,
    CAP_IGNORE_SIGPIPE = 1u << 12,
    CAP_TRANSACTIONS = 1u << 13,
    CAP_RESERVED = 1u << 14,
    CAP_SECURE_CONNECTION = 1u << 15,
    CAP_MULTI_STATEMENTS = 1u << 16,
    CAP_MULTI_RESULTS = 1u << 17,
    CAP_PS_MULTI_RESULTS = 1u << 18,
    CAP_PLUGIN_AUTH = 1u << 19,
    CAP_CONNECT_ATTRS = 1u << 20,
    CAP_PLUGIN_AUTH_LENENC = 1u << 21,
    CAP_EXPIRED_PASSWORDS = 1u << 22,
    CAP_SESSION_TRACK = 1u << 23,
    CAP_DEPRECATE_EOF = 1u << 24,
    CAP_OPTIONAL_METADATA = 1u << 25,
    CAP_ZSTD = 1u << 26,
    CAP_QUERY_ATTRIBUTES = 1u << 27,
    CAP_MFA = 1u << 28,
    CAP_EXTENSION = 1u << 29,
    CAP_SSL_VERIFY = 1u << 30,
    CAP_REMEMBER_OPTIONS = 1u << 31
};

/* What capability.def says of a bit. */
enum capability_role {
    CAPABILITY_HIDDEN,   /* never offered to clients, never asked of servers */
    CAPABILITY_LOCAL,    /* offered to clients and served by sluse itself; what the server side has does not depend on it */
    CAPABILITY_IMAGE,    /* offered; part of a session's image, restored on a frame by a command */
    CAPABILITY_KEY,      /* offered; only a login sets it, so frames are told apart by it */
};

/* What we tell a client, given what the server's greeting offers: hidden bits removed. */
uint32_t capability_offer(uint32_t server);
/* What a session's frames must have been logged in with: the KEY bits of what a client negotiated. */
uint32_t capability_key(uint32_t client);
/* What we negotiate with a server for frames of a key (which may hold IMAGE bits where a server keeps them with the connection); server is what
 * its greeting offers. */
uint32_t capability_request(uint32_t server, uint32_t key);

#endif
