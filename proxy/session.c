/* SPDX-License-Identifier: MIT
 * What a command and its reply mean for the session. Facts: docs/session-state.md.
 */
#include "proxy/session.h"

#include <string.h>

#include "proxy/clock.h"
#include "proxy/invariant.h"

/* --- the beginning --- */

static void forget_state(struct session *s)
{
    session_values_free(s->values);
    s->values = NULL;
    memset(s->dirty, 0, sizeof s->dirty);
    buffer_free(&s->warnings);
    trackers_free(&s->trackers);
    session_forget_prepared(s);
    session_doubt_free(s);
    s->pins = 0;
    s->unsaved = 0;
    s->on_server = RESIDUE_ALL;
    s->unprimable = 0;
    s->signalled = false;
    s->diagnostics = DIAGNOSTICS_NONE;
    s->conditions = 0;
    s->row_count = 0;
    s->found_rows = 0;
    s->found_rows_lost = false;
    s->unseen = UNSEEN_NONE;
    s->results_collated = s->client_collated = false;
    s->quotes = QUOTES_UNKNOWN;
    s->whole = false;
    s->image.last_insert_id = 0;
}

void session_init(struct session *s, const struct session_image *image, uint16_t status)
{
    s->image = *image;
    forget_state(s);
    s->begun = false;
    s->broken = false;
    s->login_us = 0;
    s->key = 0;
    s->status = status;
    s->schema_hash = image->schema_length ? name_hash(image->schema, image->schema_length) : 0;
}

void session_reset(struct session *s, uint16_t status, bool is_mariadb)
{
    /* the role stays, and so does whatever else nobody can know */
    const pin_set lasting = PIN_BIT(PIN_ROLE) | PIN_BIT(PIN_PROFILING) | PIN_BIT(PIN_OPAQUE) | PIN_BIT(PIN_UNREAD) | PIN_BIT(PIN_PREPARE) | PIN_BIT(PIN_XA) |
                            PIN_BIT(PIN_COMMAND) | PIN_BIT(PIN_INIT_CONNECT) | PIN_BIT(PIN_UNKNOWN_INIT_CONNECT) | PIN_BIT(PIN_UNSAVED);
    uint8_t unsaved = s->unsaved & (UNSAVED_SCHEMA | UNSAVED_FOUND_ROWS);
    uint64_t found_rows = s->found_rows;
    bool lost = s->found_rows_lost;
    enum unseen unseen = s->unseen;
    pin_set pins = s->pins & lasting;
    struct session_doubt *doubt = s->doubt;

    s->doubt = NULL;
    forget_state(s);
    s->doubt = doubt;
    s->status = status;
    s->pins = pins;
    s->unsaved = unsaved;
    s->found_rows = found_rows;
    s->found_rows_lost = lost;
    s->unseen = unseen;
    if (is_mariadb) { /* it forgets what these did at the login */
        s->image.ignore_space = false;
        s->image.interactive = false;
    } else {
        s->image.collation = 0; /* and it goes to its own default collation */
    }
}

void session_free(struct session *s)
{
    forget_state(s);
}

/* The ids of UTF-8's collations, of three and four bytes, on both servers. */
static bool is_utf8(uint16_t collation)
{
    return collation == 33 || collation == 45 || collation == 46 || collation == 76 || collation == 83 || (collation >= 192 && collation <= 215) ||
           collation == 223 || (collation >= 224 && collation <= 247) || (collation >= 255 && collation <= 323);
}

static bool is_dirty(const struct session *s, unsigned variable)
{
    return s->dirty[variable / 64] >> variable % 64 & 1;
}

bool session_speaks_utf8(const struct session *s)
{
    int variable = variable_find(name_hash("character_set_client", strlen("character_set_client")));
    struct session_value value;

    if (is_dirty(s, (unsigned)variable))
        return false;
    if (!session_values_find(s->values, (uint16_t)variable, &value))
        return is_utf8(s->image.collation);
    return !value.null && (wire_text_is(value.text, "utf8mb4") || wire_text_is(value.text, "utf8mb3"));
}

/* MariaDB tells with its flags; of MySQL it has to be known. */
static enum quotes quotes(const struct session *s, bool is_mariadb, enum quotes global)
{
    if (is_mariadb)
        return s->status & STATUS_ANSI_QUOTES ? QUOTES_NAMES : QUOTES_STRINGS;
    if (is_dirty(s, (unsigned)variable_find(name_hash("sql_mode", strlen("sql_mode")))))
        return s->quotes;
    return session_values_quotes(s->values, global);
}

enum spaces session_spaces(const struct session *s, enum spaces global)
{
    if (is_dirty(s, (unsigned)variable_find(name_hash("sql_mode", strlen("sql_mode")))))
        return SPACES_UNKNOWN;
    return session_values_spaces(s->values, s->key & CAP_IGNORE_SPACE ? SPACES_TAKEN : global);
}

struct lexer_modes session_lexer_modes(const struct session *s, bool is_mariadb, uint32_t version, enum quotes global)
{
    enum quotes is = quotes(s, is_mariadb, global);

    return (struct lexer_modes){
        .ansi_quotes = is == QUOTES_NAMES,
        .unknown_quotes = is == QUOTES_UNKNOWN,
        .no_backslash_escapes = (s->status & STATUS_NO_BACKSLASH_ESCAPES) != 0,
        .eight_bit = !session_speaks_utf8(s),
        .mariadb = is_mariadb,
        .version = version,
    };
}

bool session_keep_collations(struct session *s)
{
    int variable = variable_find(name_hash("collation_connection", strlen("collation_connection")));
    bool results = s->results_collated, client = s->client_collated;
    struct session_value value;
    char name[64];
    size_t length;

    s->results_collated = s->client_collated = false;
    if (!results && !client)
        return true;
    if (!session_values_find(s->values, (uint16_t)variable, &value) || value.null || value.text.length > sizeof name)
        return false;
    length = value.text.length;
    memcpy(name, value.text.data, length); /* the block moves */
    return (!results || session_values_put(&s->values, RESULTS_COLLATION, name, length)) &&
           (!client || session_values_put(&s->values, CLIENT_COLLATION, name, length));
}

static unsigned wait_timeout(void)
{
    return (unsigned)variable_find(name_hash("wait_timeout", strlen("wait_timeout")));
}

static uint32_t number_of(const struct session_value *value)
{
    uint32_t number = 0;

    for (size_t i = 0; i < value->text.length && value->text.data[i] >= '0' && value->text.data[i] <= '9' && number <= UINT32_MAX / 16; i++)
        number = number * 10 + (uint32_t)(value->text.data[i] - '0');
    return number;
}

uint32_t session_wait_timeout(const struct session *s)
{
    struct session_value value;

    if (is_dirty(s, wait_timeout()) || !session_values_find(s->values, (uint16_t)wait_timeout(), &value))
        return 0;
    return number_of(&value);
}

uint64_t session_list_limit(const struct session *s)
{
    unsigned limit = (unsigned)variable_find(name_hash("max_error_count", strlen("max_error_count")));
    struct session_value value;

    if (is_dirty(s, limit))
        return 0;
    return session_values_find(s->values, (uint16_t)limit, &value) ? number_of(&value) : UINT64_MAX;
}

bool session_is_overdue(const struct session *s, int64_t silent_us)
{
    const int64_t slack_us = 500000;
    int64_t seconds = is_dirty(s, wait_timeout()) ? 1 : session_wait_timeout(s); /* no server has less than a second */

    return seconds && silent_us + slack_us >= seconds * 1000000;
}

bool session_is_saved(const struct session *s)
{
    return s->unsaved == 0;
}

void session_leave(struct session *s)
{
    session_asked(s);
    s->on_server = 0;
}

void session_begin(struct session *s, const struct epoch *epoch)
{
    s->begun = true;
    s->epoch = *epoch;
    s->begun_us = monotonic_us();
}

void session_move(struct session *s, uint16_t status, const struct epoch *epoch, bool warned)
{
    if (epoch->taken_us > s->login_us)
        s->login_us = epoch->taken_us;
    if (!s->begun) {
        session_begin(s, epoch);
        s->status = status;
        s->on_server = s->found_rows ? RESIDUE_ALL & ~RESIDUE_FOUND_ROWS : RESIDUE_ALL; /* a reset leaves FOUND_ROWS() */
        return;
    }
    s->on_server = s->diagnostics == DIAGNOSTICS_NONE && !warned ? RESIDUE_WARNINGS : 0;
}

void session_page_in_warned(struct session *s)
{
    s->on_server &= (uint8_t)~RESIDUE_WARNINGS;
}

void session_page_in_failed(struct session *s, uint16_t error)
{
    if (error == 1049 || error == 1044) {
        s->image.schema_length = 0;
        s->schema_hash = 0;
    } else {
        s->broken = true;
    }
}

void session_note_schema(struct session *s, const void *name, size_t length)
{
    if (session_image_set_schema(&s->image, name, length)) {
        s->schema_hash = length ? name_hash(name, length) : 0;
        s->unsaved &= (uint8_t)~UNSAVED_SCHEMA;
    } else {
        s->pins |= PIN_BIT(PIN_UNSAVED);
    }
}

/* --- commands --- */

void command_effects_of(struct command_effects *e, const uint8_t *command, size_t length)
{
    *e = (struct command_effects){.command = command[0]};
    switch (command[0]) {
    case COM_SET_OPTION:
        e->option_off = length >= 3 && command[1] == 1;
        break;
    case COM_STMT_CLOSE:
    case COM_STMT_EXECUTE:
        if (length >= 5)
            e->id = (uint32_t)command[1] | (uint32_t)command[2] << 8 | (uint32_t)command[3] << 16 | (uint32_t)command[4] << 24;
        e->cursor = command[0] == COM_STMT_EXECUTE && length >= 6 && command[5] != 0;
        break;
    case COM_QUIT:
    case COM_INIT_DB:
    case COM_QUERY:
    case COM_FIELD_LIST:
    case COM_STATISTICS:
    case COM_PROCESS_INFO:
    case COM_PROCESS_KILL:
    case COM_PING:
    case COM_STMT_PREPARE:
    case COM_STMT_SEND_LONG_DATA:
    case COM_STMT_RESET:
    case COM_STMT_FETCH:
    case COM_RESET_CONNECTION:
        break;
    default: /* a dump, a clone, a refresh with locks, or what no table knows */
        e->text.pins = PIN_BIT(PIN_COMMAND);
    }
}

/* --- transactions --- */

/* An unknown command or a syntax error: nothing has been done. (A routine's dynamic statement may have one, after others, and so may several statements.) */
static bool was_not_understood(const struct session *s, const struct command_effects *e, const struct reply *r)
{
    if (!r->failed)
        return false;
    if (r->error == 1064)
        return e->text.several ? session_refuses_several(s, e) : e->text.verb != VERB_OTHER;
    return r->error == 1047 || (r->error == 1243 && e->command == COM_STMT_EXECUTE);
}

/* Can the statement not have opened a transaction before it failed? A single one does one thing or nothing, in a transaction of its own. */
static bool opens_nothing(const struct session *s, const struct command_effects *e)
{
    if (e->command != COM_QUERY && e->command != COM_STMT_EXECUTE)
        return true;
    return s->status & STATUS_AUTOCOMMIT && !e->text.several && !(e->text.pins & PIN_BIT(PIN_OPAQUE));
}

/* An ERR has no flags. What was open may have been ended (a deadlock): it counts as open until the server says otherwise. */
static void note_transaction(struct session *s, const struct command_effects *e, const struct reply *r)
{
    bool was = s->status & STATUS_IN_TRANS;

    if (r->failed) {
        if (!was && !opens_nothing(s, e) && !was_not_understood(s, e, r))
            s->pins |= PIN_BIT(PIN_UNKNOWN_TRANSACTION);
        return;
    }
    s->status = r->status & STATUS_LASTING;
    s->pins &= ~PIN_BIT(PIN_UNKNOWN_TRANSACTION);
    if (s->status & STATUS_IN_TRANS)
        s->pins |= PIN_BIT(PIN_TRANSACTION);
    else
        s->pins &= ~PIN_BIT(PIN_TRANSACTION);
    if (was && !(s->status & STATUS_IN_TRANS) && !(e->text.pins & PIN_BIT(PIN_NEXT_TRANSACTION)))
        s->pins &= ~PIN_BIT(PIN_NEXT_TRANSACTION);
}

/* With autocommit=0 a savepoint may be set before a transaction shows in the flags (MySQL). */
static void note_savepoint(struct session *s, const struct command_effects *e, const struct reply *r)
{
    bool runs = e->command == COM_QUERY || e->command == COM_STMT_EXECUTE;

    if (runs && e->text.savepoint && !r->failed && !(s->status & (STATUS_AUTOCOMMIT | STATUS_IN_TRANS)))
        s->pins |= PIN_BIT(PIN_NEXT_TRANSACTION);
}

/* --- all of it --- */

/* MySQL finds out that a DEFAULT is not allowed when it comes to it: what stands in front is set. The forbidden one can be read, but not be set again. */
static bool may_have_set_some(const struct statement_effects *text, const struct reply *r)
{
    return r->failed && r->error == 1227 && text->verb == VERB_SET && text->variable_count + text->globals > 1;
}


/* Found out before anything is set: wrong names, values, rights. */
static bool has_set_nothing(const struct statement_effects *text, const struct reply *r)
{
    static const uint16_t errors[] = {1054, 1064, 1115, 1146, 1193, 1227, 1228, 1229, 1231, 1232, 1238, 1241, 1242, 1253, 1273, 1286, 1298, 1305, 1568, 1621, 1649,
                                      1690};

    if (!r->failed || text->several || text->verb != VERB_SET)
        return false;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (r->error == errors[i])
            return true;
    return false;
}

static bool sets_charset(const struct statement_effects *text)
{
    for (unsigned i = 0; i < text->variable_count; i++)
        if (variable_at(text->variables[i])->policy == VARIABLE_CHARSET)
            return true;
    return false;
}

static bool sets_client(const struct statement_effects *text)
{
    int client = variable_find(name_hash("character_set_client", strlen("character_set_client")));

    for (unsigned i = 0; i < text->variable_count; i++)
        if (text->variables[i] == client)
            return true;
    return false;
}

/* The collations of the results and of the client's texts. Not known when the statement failed half-way, or collation_connection has changed since SET NAMES
 * ... COLLATE. */
static void note_collations(struct session *s, const struct statement_effects *text, const struct reply *r)
{
    enum results_collation results = text->results;
    bool client = sets_client(text), collated = s->results_collated || s->client_collated;

    if (collated && results == RESULTS_SAME && sets_charset(text))
        results = RESULTS_UNCLEAR;
    if (results == RESULTS_UNCLEAR || (r->failed && (client || results != RESULTS_SAME))) {
        s->pins |= PIN_BIT(PIN_CHARSET);
        return;
    }
    if (client) {
        s->client_collated = results == RESULTS_COLLATED;
        session_values_remove(&s->values, CLIENT_COLLATION);
    }
    if (results != RESULTS_SAME) {
        s->results_collated = results == RESULTS_COLLATED;
        session_values_remove(&s->values, RESULTS_COLLATION);
    }
}

/* What ends with it. A SELECT of no row has called no function: sql_select_limit may be 0. */
static pin_set released(const struct statement_effects *text, const struct reply *r)
{
    return r->failed || text->several || (text->verb == VERB_SELECT && r->rows == 0) ? 0 : text->releases;
}

/* Has the server seen more statements than we have? Then nobody has looked at what they do. */
static bool was_miscounted(const struct command_effects *e, const struct reply *r)
{
    return e->command == COM_QUERY && r->results + r->failed > e->text.followed + 1;
}

static void note_text(struct session *s, const struct command_effects *e, const struct reply *r)
{
    const struct statement_effects *text = &e->text;

    if (was_not_understood(s, e, r))
        return;
    s->pins &= ~released(text, r);
    s->pins |= text->pins; /* also when it failed: half of it may have been done */
    if (was_miscounted(e, r))
        s->pins |= PIN_BIT(PIN_OPAQUE);
    if (text->insert_id)
        s->unsaved |= UNSAVED_INSERT_ID;
    if (text->schema && !r->schema_told)
        s->unsaved |= UNSAVED_SCHEMA;
    if (may_have_set_some(text, r))
        s->pins |= PIN_BIT(PIN_VARIABLE);
    if (has_set_nothing(text, r))
        return;
    note_collations(s, text, r);
    for (unsigned i = 0; i < text->variable_count; i++) {
        enum variable_policy policy = variable_at(text->variables[i])->policy;

        if (policy == VARIABLE_FLAG || policy == VARIABLE_INSERT_ID)
            continue; /* the status flags tell, and LAST_INSERT_ID() */
        if (policy == VARIABLE_MODE)
            s->quotes = r->failed ? QUOTES_UNKNOWN : text->quotes;
        s->dirty[text->variables[i] / 64] |= (uint64_t)1 << text->variables[i] % 64;
        s->unsaved |= UNSAVED_VARIABLES;
    }
}

void session_note(struct session *s, const struct command_effects *e, const struct reply *r, bool is_mariadb)
{
    if (e->command == COM_RESET_CONNECTION && !r->failed) {
        session_reset(s, r->status & STATUS_LASTING, is_mariadb);
        return;
    }
    s->pins &= ~PIN_BIT(PIN_RESIDUE); /* looked at again when its page is to leave */
    if (e->local && r->failed)
        return; /* refused here: nobody has seen it */
    if (e->command != COM_STMT_PREPARE)
        note_text(s, e, r);
    else if (!r->failed)
        session_note_prepared(s, r->statement_id, &e->text);
    if (e->command == COM_STMT_EXECUTE && !is_mariadb)
        session_note_executed(s, e, r);
    if (e->command == COM_STMT_CLOSE)
        session_note_closed(s, e->id);
    else if (e->command == COM_SET_OPTION && !r->failed)
        s->image.multi_statements = !e->option_off;
    if (e->command == COM_INIT_DB && !r->failed && !r->schema_told)
        s->unsaved |= UNSAVED_SCHEMA;
    if (e->command == COM_STMT_SEND_LONG_DATA || e->command == COM_STMT_CLOSE)
        return; /* no reply */
    note_transaction(s, e, r);
    note_savepoint(s, e, r);
    session_note_residue(s, e, r, is_mariadb);
}
