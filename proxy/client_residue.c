/* SPDX-License-Identifier: MIT
 * Statements that read what the one before them left (SHOW WARNINGS, ROW_COUNT(), ...), when the session has changed its backend in between.
 *
 * In this order: the backend is given it (frames_prime.c), the list that was kept is the answer (client_warnings.c), the numbers are put into the text
 * (protocol/residue_text.c), or there is no answer. What code reads that is just being read itself is waited for (client_code_wait.c), if it could not be given.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "protocol/packet.h"
#include "protocol/residue_diagnostics.h"
#include "protocol/residue_text.h"
#include "protocol/statement_word.h"
#include "proxy/client.h"
#include "proxy/invariant.h"
#include "proxy/stored_code.h"

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
        if (!c->lease.backend->effects.text.several)
            client_syntax_watch(c, text, length);
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

/* The servers cut off what ends a text. */
static size_t length_read(const uint8_t *text, size_t length)
{
    while (length && (text[length - 1] == ';' || text[length - 1] == ' ' || (text[length - 1] >= '\t' && text[length - 1] <= '\r')))
        length--;
    return length;
}

/* Can a text be answered, or sent with the values in it? */
static bool answered(struct client *c, const uint8_t *text, size_t length, uint8_t which)
{
    const char *plain;

    length = length_read(text, length);
    if (is_lost(&c->lease.session, which))
        return false;
    if (which & RESIDUE_WARNINGS && client_answer_warnings(c, text, length))
        return true;
    plain = which & RESIDUE_WARNINGS ? client_plain_count(c, text, length) : NULL;
    return plain ? send_with_values(c, (const uint8_t *)plain, strlen(plain), which) : send_with_values(c, text, length, which);
}

/* --- stored code that it runs --- */

static bool may_read_residue(uint8_t command)
{
    return command == COM_QUERY || command == COM_STMT_EXECUTE;
}

/* Stored code that is more than plain, or is not known. */
static bool may_run_code(const struct client *c)
{
    const struct backend *b = c->lease.backend;
    const struct statement_effects *text = &b->effects.text;

    return may_read_residue(c->command) && (text->pins & (PIN_BIT(PIN_OPAQUE) | PIN_BIT(PIN_UNREAD)) || (text->looked_up && !b->moment.right));
}

/* Its first word is none that a statement begins with: the server says so, whatever stands behind it. */
static bool is_no_statement(const struct backend *b)
{
    const struct command_effects *e = &b->effects;

    return e->command == COM_QUERY && e->text.verb == VERB_OTHER && !e->text.several && e->text.pins & PIN_BIT(PIN_OPAQUE) &&
           b->statement.verb_word == SYMBOL_NONE && !lexer_unclear(&b->statement.lexer);
}

/* What of what code might read its backend has not. */
static uint8_t code_lacks(const struct client *c)
{
    uint8_t lacks = RESIDUE_ALL & (uint8_t)~c->lease.session.on_server;

    return c->home->facts->is_mariadb ? lacks : lacks & (uint8_t)~RESIDUE_WARNINGS;
}

/* What stored code that it runs may read, and its backend has not. That nobody can read what is in a schema is no reason to refuse each statement that uses
 * its tables: triggers and views that read it are rare. What is just being read is waited for. */
static uint8_t code_misses(const struct client *c)
{
    const struct backend *b = c->lease.backend;
    uint8_t lacks = code_lacks(c), reads;

    if (!lacks || !may_run_code(c) || is_no_statement(b))
        return 0;
    reads = client_names_read(c, b);
    return reads == NAME_READS_ANYTHING && !b->moment.awaited && !client_names_call(c, b) ? 0 : lacks & reads;
}

/* --- no answer --- */

/* Why there is none. */
static const char *reason_of(const struct client *c)
{
    if (c->lease.backend->moment.awaited && code_misses(c))
        return "this statement may run a view, trigger or routine that reads what the statement before it left, and the session has changed its connection since; "
               "it could not be told within wait_timeout, as these are being changed or read";
    return "this statement reads what the statement before it left, and the session has changed its connection since; "
           "SHOW WARNINGS, ROW_COUNT() and FOUND_ROWS() in a SELECT can be asked";
}

static bool tell(struct client *c, const char *reason, const char *end)
{
    STATS_INC(c->home->loop->stats.residues_refused);
    return client_send_text(c, 1, 1235, "42000", "sluse: %s%s", reason, end);
}

void client_refuse_residue(struct client *c)
{
    bool sent = client_at_border(c);

    c->lease.backend->reply.state = REPLY_AT_END;
    c->lease.backend->reply.failed = true;
    c->lease.backend->effects.local = true;
    if (!tell(c, reason_of(c), ""))
        return;
    client_note_end(c);
    if (!sent)
        c->state = CLIENT_DROPPING;
}

/* Several statements can't be prepared: that would be an error of another kind. */
static bool may_be_several(const struct client *c)
{
    const struct backend *b = c->lease.backend;

    return b->effects.text.several || (c->lease.session.image.multi_statements && lexer_unclear(&b->statement.lexer));
}

/* MariaDB runs constant expressions in some places as it prepares, as the digits of ROUND(): routines, @v := 1, LAST_INSERT_ID(1). */
static bool runs_when_prepared(const struct client *c)
{
    const struct backend *b = c->lease.backend;
    const struct statement_effects *text = &b->effects.text;

    return c->home->facts->is_mariadb && (text->pins & ~(PIN_BIT(PIN_OPAQUE) | PIN_BIT(PIN_UNREAD)) || text->insert_id || client_names_run(c, b));
}

static bool can_be_prepared(const struct client *c)
{
    return c->command == COM_QUERY && !may_be_several(c) && !runs_when_prepared(c);
}

/* There may be another error in it, which it would get anywhere. */
static void refuse(struct client *c, const uint8_t *bytes, size_t length)
{
    if (!can_be_prepared(c) || !client_syntax_ask(c, bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1))
        client_refuse_residue(c);
}

static bool refused(struct client *c, uint8_t missing, const uint8_t *bytes, size_t length)
{
    if (is_no_statement(c->lease.backend))
        return false;
    if (!(missing & (uint8_t)~RESIDUE_CONNECTION_ID))
        return false;
    refuse(c, bytes, length);
    return true;
}

/* The end of the text is not sent: so it never runs, but nothing else can be said on this connection any more. */
static void refuse_sent(struct client *c)
{
    const char *reason = reason_of(c);
    bool goes_on = frames_tear(c->home->frames, &c->lease);

    if (!tell(c, reason, goes_on ? "" : ": the session ends"))
        return;
    if (!goes_on) {
        client_finish(c, CLOSE_BACKEND_LOST);
        return;
    }
    c->state = CLIENT_READY;
    client_settle(c);
}

/* --- which of them --- */

/* Would giving it something be the end of a ROW_COUNT() that it reads, and that can't be put into its text? */
static bool spoils_row_count(const struct client *c)
{
    const struct backend *b = c->lease.backend;
    const struct statement_effects *text = &b->effects.text;
    uint8_t reads = client_names_read(c, b);

    if (!session_row_count_stays(&c->lease.session, c->home->facts->is_mariadb))
        return false;
    if (c->command == COM_STMT_EXECUTE || text->several)
        reads |= text->reads;
    return (reads & RESIDUE_ROW_COUNT) != 0;
}

/* Will it leave a ROW_COUNT() behind which FOUND_ROWS() could not be given any more, and may stored code read both? */
static bool seals_found_rows(const struct client *c, const struct command_effects *e)
{
    const uint8_t both = RESIDUE_ROW_COUNT | RESIDUE_FOUND_ROWS;
    const struct stored_code *code = c->home->facts->stored_code;

    return !c->home->facts->is_mariadb && e->command != COM_STMT_PREPARE && e->text.verb == VERB_WRITE && code && (code->names.reads & both) == both;
}

/* Is the list of warnings gone as soon as it begins, for itself too? */
static bool empties_list(const struct client *c, const struct command_effects *e)
{
    return !c->home->facts->is_mariadb && e->text.verb != VERB_DIAGNOSTICS && !(e->text.reads & RESIDUE_WARNINGS);
}

/* What empties its list does not mind when that is in the way of the others. */
static uint8_t can_prime(struct client *c, uint8_t wanted)
{
    const struct backend *b = c->lease.backend;
    struct session *s = &c->lease.session;
    uint8_t can = backend_can_prime(b, s, wanted), on_server = s->on_server;

    if (can == wanted || !(wanted & (RESIDUE_ROW_COUNT | RESIDUE_FOUND_ROWS)) || !empties_list(c, &b->effects))
        return can;
    s->on_server &= (uint8_t)~RESIDUE_WARNINGS; /* for the question: prime gives it up */
    can = backend_can_prime(b, s, wanted);
    s->on_server = on_server;
    return can;
}

/* What only the session has of what the command needs to find at the server, or may leave there as it is. Routines may read anything. On MySQL, where
 * not all can be given back, it is what their code reads; and their list of warnings is empty when they begin. */
static uint8_t wants_primed(struct client *c)
{
    const struct command_effects *e = &c->lease.backend->effects;
    struct session *s = &c->lease.session;
    uint8_t wanted = session_unclear(e, c->home->facts->is_mariadb);

    if (session_refuses_several(s, e))
        return 0;
    if (may_run_code(c))
        wanted |= c->home->facts->is_mariadb ? RESIDUE_ALL : client_names_read(c, c->lease.backend) & (RESIDUE_ROW_COUNT | RESIDUE_FOUND_ROWS);
    if (seals_found_rows(c, e))
        wanted |= RESIDUE_FOUND_ROWS;
    wanted |= e->text.reads_behind;
    wanted &= (uint8_t)~s->on_server;
    return wanted && !spoils_row_count(c) ? can_prime(c, wanted) : 0;
}

/* The command waits until its backend has been given these. */
static void prime(struct client *c, uint8_t which)
{
    if (backend_can_prime(c->lease.backend, &c->lease.session, which) != which)
        session_list_overwritten(&c->lease.session);
    c->lease.backend->reply.state = REPLY_AT_END;
    c->state = CLIENT_LEASING;
    frames_prime(&c->lease, which);
}

/* Does it ask for what can't be told of a list that is not its server's own? */
static bool asks_origins(const struct session *s, const struct statement_effects *text)
{
    return (text->reads_sqlstate && !session_knows_sqlstates(s)) || (text->reads_origin && !(s->on_server & RESIDUE_WARNINGS));
}

static bool says(const uint8_t *text, size_t length, const char *word)
{
    size_t size = strlen(word);

    for (size_t i = 0; i + size <= length; i++)
        if (strncasecmp((const char *)text + i, word, size) == 0)
            return true;
    return false;
}

/* MariaDB's EXECUTE IMMEDIATE runs a text that is not looked into: it can only read by these words, and nearly all have none. What its backend lacks of that. */
static uint8_t immediate_misses(const struct client *c, const uint8_t *text, size_t length)
{
    static const struct {
        const char *word;
        uint8_t reads;
    } words[] = {{"diagnostics", RESIDUE_ALL}, {"warning", RESIDUE_WARNINGS}, {"error_count", RESIDUE_WARNINGS}, {"errors", RESIDUE_WARNINGS},
                 {"row_count", RESIDUE_ROW_COUNT}, {"found_rows", RESIDUE_FOUND_ROWS}};
    const struct command_effects *e = &c->lease.backend->effects;
    uint8_t lacks = code_lacks(c), misses = 0;

    if (!lacks || c->command != COM_QUERY || !(e->text.pins & PIN_BIT(PIN_OPAQUE)) || !says(text, length, "immediate"))
        return 0;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (says(text, length, words[i].word))
            misses |= lacks & words[i].reads;
    return misses;
}

bool client_residue(struct client *c, const uint8_t *bytes, size_t length)
{
    const struct statement_effects *text = &c->lease.backend->effects.text;
    uint8_t missing = text->reads & (uint8_t)~c->lease.session.on_server, can = wants_primed(c), misses;

    if (session_refuses_several(&c->lease.session, &c->lease.backend->effects))
        return false;
    misses = code_misses(c);
    if (misses & (uint8_t)~can && client_awaits_code(c))
        return false;
    if (can) {
        prime(c, can);
        return false;
    }
    if (misses || immediate_misses(c, bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1)) {
        refuse(c, bytes, length);
        return true;
    }
    if (missing & text->reads_behind & (RESIDUE_FOUND_ROWS | RESIDUE_WARNINGS)) /* a value can be put into the first only */
        return refused(c, missing, bytes, length);
    if (asks_origins(&c->lease.session, text))
        return refused(c, RESIDUE_WARNINGS, bytes, length);
    if (!missing || !may_read_residue(c->command))
        return false;
    if (c->command == COM_QUERY && answered(c, bytes + PACKET_HEADER + 1, length - PACKET_HEADER - 1, missing))
        return true;
    can = can_prime(c, missing);
    if (can) {
        prime(c, can);
        return false;
    }
    return refused(c, missing, bytes, length);
}

void client_residue_unseen(struct client *c)
{
    struct session *s = &c->lease.session;
    uint8_t can = backend_can_prime(c->lease.backend, s, RESIDUE_ALL & (uint8_t)~s->on_server);

    if (code_lacks(c) & (uint8_t)~can && client_awaits_code(c))
        return;
    if (can)
        prime(c, can);
}

bool client_residue_missed(struct client *c)
{
    const struct session *s = &c->lease.session;
    const struct statement_effects *text = &c->lease.backend->effects.text;
    uint8_t missing = text->reads & RESIDUE_ALL & (uint8_t)~s->on_server;

    if (c->command != COM_QUERY || session_refuses_several(s, &c->lease.backend->effects) || (!missing && !asks_origins(s, text) && !code_misses(c)))
        return false;
    refuse_sent(c);
    return true;
}
