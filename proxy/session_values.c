/* SPDX-License-Identifier: MIT
 * A block of variables and values: per entry the index, the length (NULL_LENGTH for NULL) and the bytes.
 */
#include "proxy/session_values.h"

#include <stdlib.h>
#include <string.h>

#include "protocol/variable.h"
#include "proxy/invariant.h"

#define NULL_LENGTH 0xFFFFu
#define ENTRY_HEAD 4u

struct session_values {
    uint32_t length;
    uint8_t bytes[];
};

void session_values_free(struct session_values *values)
{
    free(values);
}

static struct session_values *block(size_t length)
{
    struct session_values *values = zalloc(sizeof *values + length);

    values->length = (uint32_t)length;
    return values;
}

struct session_values *session_values_copy(const struct session_values *values)
{
    struct session_values *copy;

    if (!values)
        return NULL;
    copy = block(values->length);
    memcpy(copy->bytes, values->bytes, values->length);
    return copy;
}

bool session_values_next(const struct session_values *values, size_t *at, struct session_value *value)
{
    struct wire_reader in;
    uint16_t length;

    if (!values || *at >= values->length)
        return false;
    in = wire_reader(values->bytes + *at, values->length - *at);
    value->variable = wire_u16(&in);
    length = wire_u16(&in);
    value->null = length == NULL_LENGTH;
    value->text = wire_bytes(&in, value->null ? 0 : length);
    *at = values->length - wire_left(&in);
    return true;
}

/* Where the variable's entry is or would be, and how long it is there (0: it is not). */
static size_t place(const struct session_values *values, uint16_t variable, size_t *length)
{
    struct session_value each = {0};
    size_t at = 0, before = 0;

    *length = 0;
    while (before = at, session_values_next(values, &at, &each)) {
        if (each.variable == variable)
            *length = at - before;
        if (each.variable >= variable)
            return before;
    }
    return before;
}

bool session_values_put(struct session_values **values, uint16_t variable, const void *text, size_t length)
{
    const struct session_values *old = *values;
    size_t total = old ? old->length : 0, gone, at = place(old, variable, &gone), size = ENTRY_HEAD + (text ? length : 0);
    struct session_values *fresh;
    struct wire_writer w;

    if (length >= NULL_LENGTH || total - gone + size > SESSION_VALUES_MAX)
        return false;
    fresh = block(total - gone + size);
    if (old)
        memcpy(fresh->bytes, old->bytes, at);
    w = wire_writer(fresh->bytes + at, size);
    wire_put_u16(&w, variable);
    wire_put_u16(&w, text ? (uint16_t)length : NULL_LENGTH);
    if (text)
        wire_put_bytes(&w, text, length);
    if (old)
        memcpy(fresh->bytes + at + size, old->bytes + at + gone, total - at - gone);
    free(*values);
    *values = fresh;
    return true;
}

void session_values_remove(struct session_values **values, uint16_t variable)
{
    struct session_values *old = *values;
    size_t gone, at = place(old, variable, &gone);

    if (gone == 0)
        return;
    memmove(old->bytes + at, old->bytes + at + gone, old->length - at - gone);
    old->length -= (uint32_t)gone;
}

bool session_values_find(const struct session_values *values, uint16_t variable, struct session_value *value)
{
    size_t at = 0;

    while (session_values_next(values, &at, value))
        if (value->variable == variable)
            return true;
    return false;
}

bool session_values_equal(const struct session_values *a, const struct session_values *b)
{
    size_t length = a ? a->length : 0;

    return length == (b ? b->length : 0) && (length == 0 || memcmp(a->bytes, b->bytes, length) == 0);
}

bool session_values_cover(const struct session_values *a, const struct session_values *b)
{
    struct session_value each, found;
    size_t at = 0;

    while (session_values_next(b, &at, &each))
        if (!session_values_find(a, each.variable, &found))
            return false;
    return true;
}

static bool find_mode(const struct session_values *values, struct session_value *value)
{
    return session_values_find(values, (uint16_t)variable_find(name_hash("sql_mode", strlen("sql_mode"))), value);
}

static bool has_mode(const struct session_value *value, const char *mode)
{
    return value->text.length && memmem(value->text.data, value->text.length, mode, strlen(mode)) != NULL;
}

enum quotes session_values_quotes(const struct session_values *values, enum quotes otherwise)
{
    struct session_value value;

    if (!find_mode(values, &value))
        return otherwise;
    return has_mode(&value, "ANSI_QUOTES") ? QUOTES_NAMES : QUOTES_STRINGS;
}

enum spaces session_values_spaces(const struct session_values *values, enum spaces otherwise)
{
    struct session_value value;

    if (!find_mode(values, &value))
        return otherwise;
    return has_mode(&value, "IGNORE_SPACE") ? SPACES_TAKEN : SPACES_APART;
}
