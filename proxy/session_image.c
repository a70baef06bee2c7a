/* SPDX-License-Identifier: MIT
 * Images of sessions and their difference.
 */
#include "proxy/session_image.h"

#include <string.h>

#include "protocol/capability.h"

void session_image_init(struct session_image *image, uint16_t account, uint16_t collation, uint32_t capabilities)
{
    *image = (struct session_image){
        .version = SESSION_IMAGE_VERSION,
        .account = account,
        .collation = collation,
        .multi_statements = (capabilities & CAP_MULTI_STATEMENTS) != 0,
        .ignore_space = (capabilities & CAP_IGNORE_SPACE) != 0,
        .interactive = (capabilities & CAP_INTERACTIVE) != 0,
    };
}

void session_image_change_user(struct session_image *image, const struct session_image *before, bool is_mariadb)
{
    image->multi_statements = before->multi_statements;
    if (is_mariadb) {
        image->ignore_space = false;
        image->interactive = false;
    }
}

bool session_image_set_schema(struct session_image *image, const char *schema, uint64_t length)
{
    if (length > SESSION_SCHEMA_MAX)
        return false;
    memcpy(image->schema, schema, (size_t)length);
    image->schema_length = (uint8_t)length;
    return true;
}

bool session_image_same_schema(const struct session_image *a, const struct session_image *b)
{
    return a->schema_length == b->schema_length && memcmp(a->schema, b->schema, a->schema_length) == 0;
}

bool session_image_equal(const struct session_image *a, const struct session_image *b)
{
    return session_image_distance(a, b) == 0;
}

/* What only a login or change of user can set. */
bool session_image_same_login(const struct session_image *a, const struct session_image *b)
{
    return a->version == b->version && a->account == b->account && a->collation == b->collation && a->ignore_space == b->ignore_space &&
           a->interactive == b->interactive;
}

unsigned session_image_distance(const struct session_image *a, const struct session_image *b)
{
    if (a->version != b->version)
        return 8;
    return (a->account != b->account ? 4u : 0u) + (!session_image_same_schema(a, b) ? 2u : 0u) + (a->collation != b->collation ? 1u : 0u) +
           (a->multi_statements != b->multi_statements ? 1u : 0u) + (a->ignore_space != b->ignore_space ? 1u : 0u) +
           (a->interactive != b->interactive ? 1u : 0u);
}
