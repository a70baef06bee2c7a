/* SPDX-License-Identifier: MIT
 * Statements that read what the one before them left (SHOW WARNINGS, ROW_COUNT(), ...), when the session has changed its backend in between.
 *
 * In this order: the backend is given it (frames_prime.c), the list that was kept is the answer (client_warnings.c), the numbers are put into the text
 * (protocol/residue_text.c), or there is no answer.
 */
#include <stdlib.h>
#include <string.h>

#include "protocol/packet.h"
#include "protocol/residue_diagnostics.h"
#include "protocol/residue_text.h"
#include "proxy/client.h"
#include "proxy/invariant.h"

#define ROOM_FOR_VALUES 8192u

/* --- numbers in the text --- */

/* The text with the values in it; one that can't have them is written again from its beginning. */
static bool write_values(struct client *c, struct wire_writer *w, const uint8_t *text, size_t length, uint8_t which, const struct residue_values *values)
{
    struct lexer_modes modes = client_lexer_modes(c);
    struct wire_writer before = *w;

    if (residue_diagnostics_write(w, text, length, modes, values)) {
        c->lease.session.on_server &= (uint8_t)~RESIDUE_ROW_COUNT; /* GET DIAGNOSTICS keeps it, SET does not */
        return true;
    }
    *w = before;
    return residue_text_write(w, text, length, modes, which, values);
}

static bool send_with_values(struct client *c, const uint8_t *text, size_t length, uint8_t which)
{
    const struct session *s = &c->lease.session;
    const struct residue_values values = {.row_count = s->row_count,
                                          .found_rows = s->found_rows,
                                          .warning_count = s->diagnostics == DIAGNOSTICS_NONE ? 0 : s->warning_count,
                                          .error_count = s->diagnostics == DIAGNOSTICS_NONE ? 0 : s->error_count,
                                          .connection_id = c->id,
                                          .listed = c->home->facts->is_mariadb && c->lease.backend->warned};
    size_t size = 6 * length + ROOM_FOR_VALUES; /* each value is a few times as long as the call, and names come behind */
    uint8_t *out = zalloc(size), *header;
    struct wire_writer w = wire_writer(out, size);
    bool written;

    header = packet_begin(&w);
    wire_put_u8(&w, COM_QUERY);
    written = write_values(c, &w, text, length, which, &values);
    packet_end(&w, header, 0);
    if (written && !w.full) {
        STATS_INC(c->home->loop->stats.residues_written);
        client_note_sent(c);
        client_to_backend(c, out, wire_written(&w));
    }
    free(out);
    return written && !w.full;
}

/* Is any of these not even known? */
static bool is_lost(const struct session *s, uint8_t which)
{
    return (which & RESIDUE_FOUND_ROWS && s->found_rows_lost) || (which & RESIDUE_WARNINGS && s->diagnostics == DIAGNOSTICS_LOST);
}

/* Can a text be answered, or sent with the values in it? */
static bool answered(struct client *c, const uint8_t *text, size_t length, uint8_t which)
{
    const char *plain;

    if (is_lost(&c->lease.session, which))
        return false;
    if (which & RESIDUE_WARNINGS && client_answer_warnings(c, text, length))
        return true;
    plain = which & RESIDUE_WARNINGS ? client_plain_count(c, text, length) : NULL;
    return plain ? send_with_values(c, (const uint8_t *)plain, strlen(plain), which) : send_with_values(c, text, length, which);
}

/* --- no answer --- */

/* Better no answer than a wrong one. */
static void refuse(struct client *c)
{
    STATS_INC(c->home->loop->stats.residues_refused);
    c->lease.backend->reply.state = REPLY_AT_END;
    c->lease.backend->reply.failed = true;
    c->lease.backend->effects.local = true;
    if (client_send_text(c, 1, 1235, "42000",
                         "sluse: this statement reads what the statement before it left, and the session has changed its connection since; "
                         "SHOW WARNINGS, ROW_COUNT() and FOUND_ROWS() in a SELECT can be asked"))
        client_note_end(c);
}

static bool refused(struct client *c, uint8_t missing)
{
    const struct backend *b = c->lease.backend;

    const struct statement_effects *text = &b->effects.text;

    if (text->pins & PIN_BIT(PIN_OPAQUE) && text->verb == VERB_OTHER && !text->several && !lexer_unclear(&b->statement.lexer))
        return false; /* most likely no statement at all: the server says so */
    if (!(missing & (uint8_t)~RESIDUE_CONNECTION_ID))
        return false;
    refuse(c);
    return true;
}

/* --- which of them --- */

static bool may_read_residue(uint8_t command)
{
    return command == COM_QUERY || command == COM_STMT_EXECUTE;
}

/* What only the session has of what the command needs to find at the server, or may leave there as it is. Routines may read anything. */
static uint8_t wants_primed(struct client *c)
{
    const struct command_effects *e = &c->lease.backend->effects;
    struct session *s = &c->lease.session;
    uint8_t wanted = session_unclear(e, c->home->facts->is_mariadb);

    if (!may_read_residue(e->command) || (e->text.several && !s->image.multi_statements)) /* the latter is a syntax error, and nothing else */
        return 0;
    if (e->text.pins & PIN_BIT(PIN_OPAQUE) || (e->text.looked_up && !c->lease.backend->moment.right))
        wanted |= RESIDUE_ALL;
    if (e->text.several) /* the second may read what the first has left as it was */
        wanted |= e->text.reads & RESIDUE_ALL;
    return backend_can_prime(c->lease.backend, s, wanted & (uint8_t)~s->on_server);
}

/* The command waits until its backend has been given these. */
static void prime(struct client *c, uint8_t which)
{
    c->lease.backend->reply.state = REPLY_AT_END;
    c->state = CLIENT_LEASING;
    frames_prime(&c->lease, which);
}

bool client_residue(struct client *c, const uint8_t *bytes, size_t length)
{
    const struct statement_effects *text = &c->lease.backend->effects.text;
    uint8_t missing = text->reads & (uint8_t)~c->lease.session.on_server, can = wants_primed(c);

    if (text->several && !c->lease.session.image.multi_statements)
        return false;
    if (can) {
        prime(c, can);
        return false;
    }
    if (text->several && missing & (RESIDUE_FOUND_ROWS | RESIDUE_WARNINGS)) /* nobody can tell which of them reads it */
        return refused(c, missing);
    if ((text->reads_sqlstate && !session_knows_sqlstates(&c->lease.session)) || (text->reads_origin && missing & RESIDUE_WARNINGS))
        return refused(c, RESIDUE_WARNINGS);
    if (!missing || !may_read_residue(c->command))
        return false;
    if (c->command == COM_QUERY && answered(c, bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1, missing))
        return true;
    can = backend_can_prime(c->lease.backend, &c->lease.session, missing);
    if (can) {
        prime(c, can);
        return false;
    }
    return refused(c, missing);
}
