/* SPDX-License-Identifier: MIT
 * The texts of the statements.
 *
 * FOUND_ROWS(): SQL_CALC_FOUND_ROWS counts the rows of a join of digits behind LIMIT 0. Warnings: SIGNAL makes one condition with any number and text;
 * in MariaDB's blocks a handler may RESIGNAL, which puts another behind it. Sources: the manuals' SIGNAL, RESIGNAL, SELECT.
 */
#include "protocol/residue_prime.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "protocol/packet.h"

#define CONDITIONS_MAX 8u       /* each is a block within the one before */
#define MARIADB_MESSAGE 512u    /* longest MESSAGE_TEXT, in characters */
#define MYSQL_MESSAGE 128u
#define MESSAGE_ROOM 1024u
#define WARNING "01000"       /* this class, and no other, makes a warning */

static void put_text(struct wire_writer *w, const char *text)
{
    wire_put_bytes(w, text, strlen(text));
}

static void put_number(struct wire_writer *w, uint64_t number)
{
    char text[24];

    wire_put_bytes(w, text, (size_t)snprintf(text, sizeof text, "%" PRIu64, number));
}

/* FROM and WHERE of a SELECT that finds so many rows, at least one. */
static void put_rows(struct wire_writer *w, uint64_t rows)
{
    uint64_t each = 1;
    char name = 'a';

    put_text(w, " FROM ");
    do {
        put_text(w, name > 'a' ? ",(SELECT 0 n" : "(SELECT 0 n");
        for (uint64_t digit = 1; digit < 10; digit++) {
            put_text(w, " UNION ALL SELECT ");
            put_number(w, digit * each);
        }
        put_text(w, ")");
        wire_put_u8(w, (uint8_t)name++);
    } while ((each *= 10) < rows);
    put_text(w, " WHERE a.n");
    for (char next = 'b'; next < name; next++) {
        put_text(w, "+");
        wire_put_u8(w, (uint8_t)next);
        put_text(w, ".n");
    }
    put_text(w, "<");
    put_number(w, rows);
}

bool residue_prime_found_rows(struct wire_writer *w, uint64_t rows)
{
    if (rows > RESIDUE_PRIME_ROWS)
        return false;
    if (rows < 2) {
        put_text(w, rows ? "SELECT 1 LIMIT 1" : "SELECT 1 LIMIT 0");
        return true;
    }
    put_text(w, "SELECT SQL_CALC_FOUND_ROWS 1");
    put_rows(w, rows);
    put_text(w, " LIMIT 0");
    return true;
}

bool residue_prime_one(struct wire_writer *w, uint64_t rows)
{
    if (rows < 1 || rows > RESIDUE_PRIME_ROWS)
        return false;
    put_text(w, rows > 1 ? "SELECT SQL_CALC_FOUND_ROWS 1" : "SELECT 1");
    if (rows > 1)
        put_rows(w, rows);
    put_text(w, " LIMIT 1 INTO @`sluse: ROW_COUNT()`");
    return true;
}

/* --- warnings --- */

struct condition {
    bool error;
    uint16_t number;
    struct wire_text message;
};

static size_t characters(struct wire_text text, bool *ascii)
{
    size_t count = 0;

    for (size_t i = 0; i < text.length; i++) {
        count += ((uint8_t)text.data[i] & 0xC0) != 0x80;
        *ascii &= text.data[i] >= ' ' && text.data[i] <= '~';
    }
    return count;
}

static bool take_condition(const struct residue_list *list, bool mariadb, struct wire_text payload, struct condition *c)
{
    struct wire_reader row = wire_reader((const uint8_t *)payload.data, payload.length);
    struct wire_text level = wire_lenenc_text(&row), number = wire_lenenc_text(&row);
    bool ascii = true;
    uint32_t value = 0;

    c->message = wire_lenenc_text(&row);
    c->error = wire_text_is(level, "Error");
    if (row.bad || number.length == 0 || number.length > 5 || (!c->error && !wire_text_is(level, "Warning")))
        return false;
    for (size_t i = 0; i < number.length; i++)
        value = value * 10 + (uint32_t)(number.data[i] - '0');
    c->number = (uint16_t)value;
    if (characters(c->message, &ascii) > (mariadb ? MARIADB_MESSAGE : MYSQL_MESSAGE) || c->message.length > MESSAGE_ROOM)
        return false;
    return value > 0 && value < 0xFFFF && (ascii || list->utf8);
}

/* The rows of the answer: behind the count and three columns, in front of the end. 0: none, or not to be told. */
static unsigned take_conditions(const struct residue_list *list, bool mariadb, struct condition *conditions)
{
    unsigned packet = 0, count = 0;
    struct wire_text payload;
    size_t at = 0, used;
    uint8_t sequence;

    while (at < list->length && packet_take(list->packets + at, list->length - at, list->length, &payload, &sequence, &used) == WIRE_OK) {
        bool last = at + used == list->length;

        at += used;
        if (packet++ < 4 || last)
            continue;
        if (count == CONDITIONS_MAX || !take_condition(list, mariadb, payload, &conditions[count++]))
            return 0;
    }
    return count == list->counted && count < list->limit ? count : 0;
}

static void put_message(struct wire_writer *w, struct wire_text message)
{
    put_text(w, ",MESSAGE_TEXT=_utf8mb4 X'");
    for (size_t i = 0; i < message.length; i++) {
        wire_put_u8(w, (uint8_t)"0123456789ABCDEF"[(uint8_t)message.data[i] >> 4]);
        wire_put_u8(w, (uint8_t)"0123456789ABCDEF"[message.data[i] & 15]);
    }
    put_text(w, "'");
}

static void put_signal(struct wire_writer *w, const struct condition *c, const char *verb, const char *sqlstate)
{
    put_text(w, verb);
    put_text(w, " SQLSTATE '");
    wire_put_bytes(w, sqlstate, 5);
    put_text(w, "' SET MYSQL_ERRNO=");
    put_number(w, c->number);
    put_message(w, c->message);
}

/* Each handler adds the condition behind: the last stands innermost. What raises the first comes behind this. */
static void put_handlers(struct wire_writer *w, const struct condition *conditions, unsigned count)
{
    if (count < 2)
        return;
    put_text(w, "DECLARE EXIT HANDLER FOR SQLWARNING ");
    for (unsigned i = 1; i + 1 < count; i++)
        put_text(w, "BEGIN DECLARE EXIT HANDLER FOR SQLWARNING ");
    put_signal(w, &conditions[count - 1], "RESIGNAL", WARNING);
    for (unsigned i = count - 2; i > 0; i--) {
        put_text(w, "; ");
        put_signal(w, &conditions[i], "RESIGNAL", WARNING);
        put_text(w, "; END");
    }
    put_text(w, "; ");
}

static bool has_error(const struct condition *conditions, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        if (conditions[i].error)
            return true;
    return false;
}

bool residue_prime_warnings(struct wire_writer *w, const struct residue_list *list, bool mariadb, uint16_t *error)
{
    struct condition conditions[CONDITIONS_MAX];
    unsigned count = take_conditions(list, mariadb, conditions);

    *error = 0;
    if (count == 1 && conditions[0].error) {
        *error = conditions[0].number;
        if (list->sqlstate)
            put_signal(w, &conditions[0], "SIGNAL", list->sqlstate);
        return list->sqlstate && !w->full;
    }
    if (count == 0 || has_error(conditions, count) || (count > 1 && !mariadb)) /* a block adds a note of its own to an error */
        return false;
    if (count > 1)
        put_text(w, "BEGIN NOT ATOMIC ");
    put_handlers(w, conditions, count);
    put_signal(w, &conditions[0], "SIGNAL", WARNING);
    if (count > 1)
        put_text(w, "; END");
    return !w->full;
}

bool residue_prime_counts(struct wire_writer *w, int64_t count, uint64_t rows, const struct residue_list *list)
{
    struct condition conditions[CONDITIONS_MAX];
    unsigned listed = list ? take_conditions(list, true, conditions) : 0;

    if (count < 1 || count > RESIDUE_PRIME_COUNT || rows > RESIDUE_PRIME_ROWS || (list && (listed == 0 || has_error(conditions, listed))))
        return false;
    put_text(w, "BEGIN NOT ATOMIC DECLARE x INT; ");
    put_handlers(w, conditions, listed);
    if (count > 1) { /* what each SELECT ... INTO affects is added up */
        put_text(w, "FOR i IN 2..");
        put_number(w, (uint64_t)count);
        put_text(w, " DO SELECT 1 INTO x; END FOR; ");
    }
    put_text(w, rows ? "SELECT SQL_CALC_FOUND_ROWS 1 INTO x" : "SELECT 1 INTO x");
    if (rows) {
        put_rows(w, rows);
        put_text(w, " LIMIT 1");
    }
    put_text(w, "; ");
    if (listed) {
        put_signal(w, &conditions[0], "SIGNAL", WARNING);
        put_text(w, "; ");
    }
    put_text(w, "END");
    return !w->full;
}
