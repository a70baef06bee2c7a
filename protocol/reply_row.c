/* SPDX-License-Identifier: MIT
 * Rows of the binary protocol, by their sizes alone.
 */
#include "protocol/reply_row.h"

#define DEFINITION_TEXTS 6u  /* catalog, schema, table, its own name, column, its own name */
#define DEFINITION_FIXED 6u  /* between the length of the rest and the type: character set, length */
#define BITS_IN_FRONT 2u     /* of the bits that tell NULLs */

enum column_type {
    TYPE_TINY = 1,
    TYPE_SHORT = 2,
    TYPE_LONG = 3,
    TYPE_FLOAT = 4,
    TYPE_DOUBLE = 5,
    TYPE_NULL = 6,
    TYPE_TIMESTAMP = 7,
    TYPE_LONGLONG = 8,
    TYPE_INT24 = 9,
    TYPE_DATE = 10,
    TYPE_TIME = 11,
    TYPE_DATETIME = 12,
    TYPE_YEAR = 13,
};

bool row_shape_add(struct row_shape *s, const uint8_t *definition, size_t length)
{
    struct wire_reader in = wire_reader(definition, length);
    uint8_t type;

    for (unsigned i = 0; i < DEFINITION_TEXTS; i++)
        (void)wire_lenenc_text(&in);
    (void)wire_lenenc(&in);
    (void)wire_bytes(&in, DEFINITION_FIXED);
    type = wire_u8(&in);
    if (s->columns < ROW_TYPES)
        s->types[s->columns] = type;
    s->columns++;
    return !in.bad;
}

static void skip_value(struct wire_reader *in, uint8_t type)
{
    switch (type) {
    case TYPE_NULL:
        break;
    case TYPE_TINY:
        (void)wire_bytes(in, 1);
        break;
    case TYPE_SHORT:
    case TYPE_YEAR:
        (void)wire_bytes(in, 2);
        break;
    case TYPE_LONG:
    case TYPE_INT24:
    case TYPE_FLOAT:
        (void)wire_bytes(in, 4);
        break;
    case TYPE_LONGLONG:
    case TYPE_DOUBLE:
        (void)wire_bytes(in, 8);
        break;
    case TYPE_TIMESTAMP:
    case TYPE_DATE:
    case TYPE_TIME:
    case TYPE_DATETIME:
        (void)wire_bytes(in, wire_u8(in));
        break;
    default:
        (void)wire_lenenc_text(in);
    }
}

bool row_shape_fits(const struct row_shape *s, const uint8_t *payload, size_t length)
{
    struct wire_reader in = wire_reader(payload, length);
    struct wire_text nulls;

    if (wire_u8(&in) != 0)
        return false;
    nulls = wire_bytes(&in, (s->columns + BITS_IN_FRONT + 7) / 8);
    for (size_t i = 0; i < s->columns && !in.bad; i++) {
        size_t bit = i + BITS_IN_FRONT;

        if ((uint8_t)nulls.data[bit / 8] >> bit % 8 & 1)
            continue;
        if (i < ROW_TYPES)
            skip_value(&in, s->types[i]);
        else
            (void)wire_u8(&in);
    }
    return !in.bad && (wire_left(&in) == 0 || s->columns > ROW_TYPES);
}
