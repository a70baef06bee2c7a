/* SPDX-License-Identifier: MIT
 * Could these bytes be a row of the binary protocol? MySQL sends an OK where rows should be, and both begin with 0x00.
 * https://dev.mysql.com/doc/dev/mysql-server/latest/page_protocol_binary_resultset.html
 */
#ifndef SLUSE_PROTOCOL_REPLY_ROW_H
#define SLUSE_PROTOCOL_REPLY_ROW_H

#include "protocol/wire.h"

#define ROW_TYPES 16u /* of so many columns the types are kept; of those behind only that each takes a byte */

struct row_shape {
    size_t columns;
    uint8_t types[ROW_TYPES];
};

/* The definition of the next column. False: it is none. */
bool row_shape_add(struct row_shape *s, const uint8_t *definition, size_t length) __attribute__((warn_unused_result));
/* Is it a row of just these columns, as far as can be told? */
bool row_shape_fits(const struct row_shape *s, const uint8_t *payload, size_t length);

#endif
