/* SPDX-License-Identifier: MIT
 * The image of a session: what a backend must be loaded with before the session's commands may run on it.
 *
 * Variables that were set are beside it, in session_values.h. It has no pointers and a version: one day sessions are handed from one process to
 * the next.
 */
#ifndef SLUSE_PROXY_SESSION_IMAGE_H
#define SLUSE_PROXY_SESSION_IMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define SESSION_IMAGE_VERSION 2
#define SESSION_SCHEMA_MAX 255u

struct session_image {
    uint8_t version;
    bool multi_statements; /* switched with COM_SET_OPTION, never left on for a session that did not ask */
    bool ignore_space;     /* CAP_IGNORE_SPACE: a bit of sql_mode from the start */
    bool interactive;      /* CAP_INTERACTIVE: wait_timeout starts as interactive_timeout */
    uint16_t account;      /* index in the table of accounts */
    uint16_t collation;    /* as the client's handshake named it; 0 is the server's default */
    uint64_t last_insert_id;
    uint8_t schema_length; /* 0: none; the current one, which USE changes */
    char schema[SESSION_SCHEMA_MAX];
};

/* capabilities: what the client negotiated. */
void session_image_init(struct session_image *image, uint16_t account, uint16_t collation, uint32_t capabilities);
/* A change of user is no login: COM_SET_OPTION counts on, and MariaDB forgets what IGNORE_SPACE and INTERACTIVE did. (MySQL does it again: the key's affair.) */
void session_image_change_user(struct session_image *image, const struct session_image *before, bool is_mariadb);
/* False: longer than any schema's name can be. */
bool session_image_set_schema(struct session_image *image, const char *schema, uint64_t length) __attribute__((warn_unused_result));
/* Would a login or change of user make them equal? last_insert_id is no part of that. */
bool session_image_equal(const struct session_image *a, const struct session_image *b);
bool session_image_same_login(const struct session_image *a, const struct session_image *b);
bool session_image_same_schema(const struct session_image *a, const struct session_image *b);
/* How many commands' worth of difference is between them: 0 equal; the smaller the better a choice. */
unsigned session_image_distance(const struct session_image *a, const struct session_image *b);

#endif
