/* SPDX-License-Identifier: MIT
 * SHOW WARNINGS and SHOW ERRORS after the session has changed its backend: the list was kept as the server's own packets and is answered with them.
 */
#include "protocol/packet.h"
#include "proxy/client.h"

struct show {
    bool errors;
    uint64_t offset, limit;
};

static bool take_word(struct lexer *l, struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && t->hash == name_hash(word, strlen(word)) && (lexer_next(l, t), true);
}

static bool take_number(struct lexer *l, struct token *t, const uint8_t *text, uint64_t *number)
{
    if (t->kind != TOKEN_NUMBER || t->end - t->begin > 18)
        return false;
    *number = 0;
    for (size_t i = t->begin; i < t->end; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        *number = *number * 10 + (uint64_t)(text[i] - '0');
    }
    lexer_next(l, t);
    return true;
}

static bool take_sign(struct lexer *l, struct token *t, uint8_t sign)
{
    return t->kind == TOKEN_SIGN && t->sign == sign && (lexer_next(l, t), true);
}

static bool take_limit(struct lexer *l, struct token *t, const uint8_t *text, struct show *show)
{
    uint64_t first, second;

    if (!take_number(l, t, text, &first))
        return false;
    show->limit = first;
    if (take_sign(l, t, ',')) {
        show->offset = first;
        return take_number(l, t, text, &show->limit);
    }
    if (take_word(l, t, "OFFSET")) {
        if (!take_number(l, t, text, &second))
            return false;
        show->offset = second;
    }
    return true;
}

/* Is this all? One ; and a comment may follow. Who may send several statements gets an answer to what is behind it, even if that is next to nothing. */
static bool ends(const struct client *c, struct lexer *l, struct token *t)
{
    if (!c->lease.session.image.multi_statements)
        (void)take_sign(l, t, ';');
    return t->kind == TOKEN_END && !lexer_unclear(l);
}

/* Is the text SHOW WARNINGS or SHOW ERRORS, with or without LIMIT? */
static bool is_show(const struct client *c, const uint8_t *text, size_t length, struct show *show)
{
    struct lexer l;
    struct token t;

    *show = (struct show){.limit = UINT64_MAX};
    lexer_begin(&l, client_lexer_modes(c));
    lexer_piece(&l, text, length);
    lexer_end(&l);
    lexer_next(&l, &t);
    if (!take_word(&l, &t, "SHOW"))
        return false;
    show->errors = take_word(&l, &t, "ERRORS");
    if (!show->errors && !take_word(&l, &t, "WARNINGS"))
        return false;
    if (take_word(&l, &t, "LIMIT") && !take_limit(&l, &t, text, show))
        return false;
    return ends(c, &l, &t);
}

/* Copies the stored packets that are asked for, numbered anew. MariaDB's LIMIT counts those that SHOW ERRORS leaves out, too. False: no memory. */
static bool choose_packets(struct session *s, const struct show *show, bool is_mariadb, struct buffer *out)
{
    const uint8_t *bytes = buffer_bytes(&s->warnings);
    size_t length = buffer_length(&s->warnings), at = 0, used;
    uint64_t left_before_rows = 4, row = 0; /* a count and three columns */
    uint8_t sequence = 0, number;
    struct wire_text payload;

    while (at < length && packet_take(bytes + at, length - at, length, &payload, &number, &used) == WIRE_OK) {
        uint8_t header[PACKET_HEADER];
        bool last = at + used == length, listed = !left_before_rows && !last, shown = listed && (!show->errors || warning_is_error(payload));
        bool wanted = left_before_rows || last || (shown && row >= show->offset && row - show->offset < show->limit);

        if (left_before_rows)
            left_before_rows--;
        row += is_mariadb ? listed : shown;
        at += used;
        if (!wanted)
            continue;
        packet_put_header(header, (uint32_t)payload.length, ++sequence);
        if (!buffer_append(out, header, sizeof header) || !buffer_append(out, payload.data, payload.length))
            return false;
    }
    return true;
}

/* The flags in the last packet are those of then; now the session's are right. An OK of a result set: 0xFE, two zeros, then the flags. */
static void set_status(struct buffer *packets, uint16_t status)
{
    size_t length = buffer_length(packets), at = 0;
    uint8_t *bytes = buffer_bytes(packets);

    while (at + PACKET_HEADER < length && at + PACKET_HEADER + packet_length(bytes + at) < length)
        at += PACKET_HEADER + packet_length(bytes + at);
    if (length - at < PACKET_HEADER + 7 || bytes[at + PACKET_HEADER] != 0xFE)
        return;
    bytes[at + PACKET_HEADER + 3] = (uint8_t)status;
    bytes[at + PACKET_HEADER + 4] = (uint8_t)(status >> 8);
}

static bool answer(struct client *c, const struct show *show)
{
    struct session *s = &c->lease.session;
    struct buffer packets = {0};

    if (!choose_packets(s, show, c->home->facts->is_mariadb, &packets)) {
        buffer_free(&packets);
        client_close(c, CLOSE_NO_MEMORY);
        return true;
    }
    set_status(&packets, s->status);
    STATS_INC(c->home->loop->stats.residues_answered);
    client_relay_local(c, buffer_bytes(&packets), buffer_length(&packets));
    buffer_free(&packets);
    return true;
}

bool client_answer_warnings(struct client *c, const uint8_t *text, size_t length)
{
    struct show show;

    return session_warnings_current(&c->lease.session) && is_show(c, text, length, &show) && answer(c, &show);
}

const char *client_plain_count(const struct client *c, const uint8_t *text, size_t length)
{
    struct lexer l;
    struct token t;
    const char *plain = NULL;

    lexer_begin(&l, client_lexer_modes(c));
    lexer_piece(&l, text, length);
    lexer_end(&l);
    lexer_next(&l, &t);
    if (!take_word(&l, &t, "SHOW") || !take_word(&l, &t, "COUNT") || t.spaced || !take_sign(&l, &t, '(') || !take_sign(&l, &t, '*') || !take_sign(&l, &t, ')'))
        return NULL;
    if (take_word(&l, &t, "WARNINGS"))
        plain = "SHOW COUNT(*) WARNINGS";
    else if (take_word(&l, &t, "ERRORS"))
        plain = "SHOW COUNT(*) ERRORS";
    return ends(c, &l, &t) ? plain : NULL;
}
