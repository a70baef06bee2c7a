/* SPDX-License-Identifier: MIT
 * Giving the server back what the session's last statement left on another connection, so that the next one finds it there.
 *
 * Most statements that read it have it put into their text, which costs nothing (client_residue.c). This is for the others, and for those that may keep
 * FOUND_ROWS() or the list of warnings without showing whether they did. All in one write, in an order in which nothing undoes what is before it:
 * an empty list, FOUND_ROWS(), warnings, ROW_COUNT().
 */
#include <string.h>

#include "protocol/packet.h"
#include "protocol/residue_prime.h"
#include "proxy/backend_exchange.h"
#include "proxy/invariant.h"

#define PRIME_MAX 12288u /* eight warnings of 512 bytes in hexadecimal */

static uint8_t *begin_query(struct wire_writer *w)
{
    uint8_t *header = packet_begin(w);

    wire_put_u8(w, COM_QUERY);
    return header;
}

static void put_query(struct wire_writer *w, const char *text)
{
    uint8_t *header = begin_query(w);

    wire_put_bytes(w, text, strlen(text));
    packet_end(w, header, 0);
}

/* MySQL's list begins anew with each statement, MariaDB's with those that use tables: the longer of the two ways to FOUND_ROWS(). */
static bool rows_clear_warnings(const struct backend *b, const struct session *s)
{
    return !b->context->facts->is_mariadb || s->found_rows > 1;
}

/* Is there a list that the server has, or (which) is to be given? */
static bool has_list(const struct session *s, uint8_t which)
{
    return s->diagnostics != DIAGNOSTICS_NONE && which & RESIDUE_WARNINGS;
}

static struct residue_list list_of(struct session *s)
{
    return (struct residue_list){.packets = buffer_bytes(&s->warnings),
                                 .length = buffer_length(&s->warnings),
                                 .counted = s->warning_count,
                                 .limit = session_list_limit(s),
                                 .sqlstate = s->sqlstate[0] ? s->sqlstate : NULL,
                                 .utf8 = s->warnings_utf8};
}

static bool put_warnings(const struct backend *b, struct session *s, struct wire_writer *w, uint16_t *error)
{
    const struct residue_list list = list_of(s);
    uint8_t *header = begin_query(w);
    bool done = residue_prime_warnings(w, &list, b->context->facts->is_mariadb, error);

    packet_end(w, header, 0);
    return done && !w->full && (*error == 0 || *error == s->error); /* else the SQLSTATE is another error's */
}

/* ROW_COUNT() of a statement that changed rows: one block for all three. */
static bool put_counts(const struct backend *b, struct session *s, struct wire_writer *w, uint8_t which)
{
    const struct residue_list list = list_of(s);
    uint8_t *header = begin_query(w);
    bool done = b->context->facts->is_mariadb && residue_prime_counts(w, s->row_count, s->found_rows, has_list(s, which) ? &list : NULL);

    packet_end(w, header, 0);
    return done && !w->full;
}

/* MariaDB's list goes with a table, and so does FOUND_ROWS(); MySQL's with any statement, and so does ROW_COUNT(). Of either, what is there is given anew. */
static bool can_prime_empty(const struct backend *b, const struct session *s, uint8_t which)
{
    if (!b->context->facts->is_mariadb)
        return s->row_count <= 0 || !((which | s->on_server) & RESIDUE_ROW_COUNT);
    return !(s->on_server & RESIDUE_FOUND_ROWS) || (!(s->unsaved & UNSAVED_FOUND_ROWS) && s->found_rows <= RESIDUE_PRIME_ROWS);
}

static bool can_prime_warnings(const struct backend *b, struct session *s, uint8_t which)
{
    uint8_t out[PRIME_MAX];
    struct wire_writer w = wire_writer(out, sizeof out);
    uint16_t error;

    if (s->diagnostics == DIAGNOSTICS_NONE)
        return can_prime_empty(b, s, which);
    return s->diagnostics == DIAGNOSTICS_STORED && put_warnings(b, s, &w, &error);
}

/* MySQL's one row: FOUND_ROWS() is at least 1 behind it, and the list is gone. */
static bool can_prime_one(const struct session *s, uint8_t can)
{
    bool rows = (can | s->on_server) & RESIDUE_FOUND_ROWS;

    if (s->row_count != 1 || has_list(s, can | s->on_server))
        return false;
    return !rows || (!(s->unsaved & UNSAVED_FOUND_ROWS) && s->found_rows >= 1 && s->found_rows <= RESIDUE_PRIME_ROWS);
}

/* can: what else is primed along with it. -1 and what changed rows stand behind a list or in one block with it; what does nothing empties MySQL's. */
static bool can_prime_row_count(const struct backend *b, struct session *s, uint8_t can)
{
    uint8_t out[PRIME_MAX];
    struct wire_writer w = wire_writer(out, sizeof out);

    if (s->row_count > 0 && !b->context->facts->is_mariadb)
        return can_prime_one(s, can);
    if (s->row_count > 0)
        return !has_list(s, s->on_server & (uint8_t)~can) && !s->found_rows_lost && !(s->unsaved & UNSAVED_FOUND_ROWS) && put_counts(b, s, &w, can);
    return s->row_count == -1 || b->context->facts->is_mariadb || !has_list(s, can | s->on_server);
}

uint8_t backend_can_prime(const struct backend *b, struct session *s, uint8_t which)
{
    bool rows, cleared;
    uint8_t can = 0;

    which &= (uint8_t)~s->unprimable;
    rows = which & RESIDUE_FOUND_ROWS && !s->found_rows_lost && s->found_rows <= RESIDUE_PRIME_ROWS;
    cleared = rows && has_list(s, s->on_server) && rows_clear_warnings(b, s);
    if ((which & RESIDUE_WARNINGS || cleared) && can_prime_warnings(b, s, which))
        can |= RESIDUE_WARNINGS; /* once more, behind FOUND_ROWS() */
    if (rows && (!cleared || can & RESIDUE_WARNINGS))
        can |= RESIDUE_FOUND_ROWS;
    if (which & RESIDUE_ROW_COUNT && can_prime_row_count(b, s, can))
        can |= RESIDUE_ROW_COUNT;
    return can;
}

/* ROW_COUNT() is 0 behind it, and FOUND_ROWS() what it was; MySQL's DO counts a row. */
static const char *nothing(const struct backend *b)
{
    return b->context->facts->is_mariadb ? "DO 0" : MYSQL_NOTHING;
}

static void put_found_rows(struct backend *b, const struct session *s, struct wire_writer *w)
{
    uint8_t *header = begin_query(w);
    bool done = residue_prime_found_rows(w, s->found_rows);

    INVARIANT(done);
    packet_end(w, header, 0);
    b->owed++;
    if (b->context->facts->is_mariadb)
        return;
    put_query(w, nothing(b)); /* MySQL warns of SQL_CALC_FOUND_ROWS */
    b->owed++;
}

static void put_empty_list(struct backend *b, struct wire_writer *w)
{
    put_query(w, b->context->facts->is_mariadb ? "SELECT 1 FROM (SELECT 1) t LIMIT 0" : nothing(b));
    b->owed++;
}

/* One after the other: which of them there will be. error_owed: how many replies are owed when the error of a SIGNAL comes. */
static uint8_t put_each(struct backend *b, struct session *s, struct wire_writer *w, uint8_t which, uint16_t *error, unsigned *error_owed)
{
    unsigned before;

    if (which & RESIDUE_FOUND_ROWS)
        put_found_rows(b, s, w);
    before = b->owed;
    if (has_list(s, which)) {
        bool done = put_warnings(b, s, w, error);

        INVARIANT(done);
        b->owed++;
    }
    which &= (uint8_t)~RESIDUE_ROW_COUNT;
    if (s->row_count <= 0 && can_prime_row_count(b, s, which)) { /* last, by what keeps the others */
        put_query(w, s->row_count == 0 ? nothing(b) : "SHOW WARNINGS LIMIT 0");
        which |= RESIDUE_ROW_COUNT;
        b->owed++;
    }
    *error_owed = b->owed - before;
    return which;
}

/* Returns what it has then. */
static uint8_t put_one(struct backend *b, const struct session *s, struct wire_writer *w, uint8_t which)
{
    bool rows = (which | s->on_server) & RESIDUE_FOUND_ROWS;
    uint8_t *header = begin_query(w);
    bool done = residue_prime_one(w, rows ? s->found_rows : 1);

    INVARIANT(done);
    packet_end(w, header, 0);
    b->owed++;
    return which | (rows ? RESIDUE_FOUND_ROWS : 0);
}

void backend_prime(struct backend *b, struct session *s, uint8_t which)
{
    uint8_t out[PRIME_MAX * 2];
    struct wire_writer w = wire_writer(out, sizeof out);
    unsigned error_owed = 0;
    uint16_t error = 0;
    bool overwrites = false;

    backend_set_state(b, BACKEND_RESTORING);
    deadline_set(&b->context->exchange, &b->deadline);
    b->owed = 0;
    b->role_asked = false;
    if (b->footprint == FOOTPRINT_NONE)
        b->footprint = FOOTPRINT_PLAIN; /* should the session end meanwhile */
    if (which & RESIDUE_WARNINGS && s->diagnostics == DIAGNOSTICS_NONE) {
        put_empty_list(b, &w);
        if (b->context->facts->is_mariadb)
            which |= s->on_server & RESIDUE_FOUND_ROWS;
    }
    if (which & RESIDUE_ROW_COUNT && s->row_count > 0 && !b->context->facts->is_mariadb) {
        which = put_one(b, s, &w, which);
        overwrites = which & RESIDUE_FOUND_ROWS && s->found_rows > 1;
    } else if (which & RESIDUE_ROW_COUNT && s->row_count > 0) {
        bool done = put_counts(b, s, &w, which);

        INVARIANT(done);
        which |= RESIDUE_FOUND_ROWS;
        b->owed++;
    } else {
        which = put_each(b, s, &w, which, &error, &error_owed);
    }
    b->prime = (struct prime){.active = true, .overwrites = overwrites, .asked = which, .done = which, .error = error, .error_owed = error_owed};
    b->step = EXCHANGE_SETTINGS;
    reply_begin(&b->reply, REPLY_RESULT, CAP_DEPRECATE_EOF | CAP_SESSION_TRACK, 0);
    stream_resume(&b->stream);
    STATS_INC(b->context->loop->stats.residues_primed);
    exchange_send(b, &w);
}

void prime_reply(struct backend *b)
{
    struct prime *prime = &b->prime;
    bool expected = prime->error && b->owed == prime->error_owed;

    if (b->reply.failed ? !expected || b->reply.error != prime->error : expected) {
        prime->done = 0;
        prime->killed |= b->reply.failed && b->reply.error == 1317;
    }
}
