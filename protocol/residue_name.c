/* SPDX-License-Identifier: MIT
 * The name that a server gives to a select item: its text, as it was after the versioned comments had been opened.
 *
 * Plain comments stay in it, the marks of executed comments and the whole of those that are not executed go. What is not in the servers' own character
 * set (UTF-8 of at most three bytes) is replaced: a longer character by ?, a wrong byte by \xFF on MariaDB and by ? on MySQL. At most 255 bytes are left.
 */
#include "protocol/residue_name.h"

#include <string.h>

#define NAME_MAX_BYTES 255u
#define NAME_ENOUGH 1100u /* the server cuts it itself, and needs up to four bytes for one of its name */

enum name_form {
    FORM_QUOTED, /* `name` */
    FORM_STRING, /* 'name': the way in which MariaDB converts long characters as it does in a name of its own */
};

struct name_writer {
    struct wire_writer *w;
    struct lexer_modes modes;
    enum name_form form;
    size_t left;  /* bytes */
    bool begun;   /* white space in front goes */
    uint8_t last;
};

enum token_kind residue_token(struct lexer *l, struct token *token)
{
    while (lexer_next(l, token) == TOKEN_MORE)
        lexer_end(l);
    return token->kind;
}

/* --- characters --- */

static bool in_range(uint8_t c, uint8_t from, uint8_t to)
{
    return c >= from && c <= to;
}

static bool is_space(uint8_t c)
{
    return c == ' ' || in_range(c, '\t', '\r');
}

/* How long the UTF-8 character is that begins here; 0: it is none. */
static size_t character_length(const uint8_t *p, size_t left, bool surrogates)
{
    uint8_t from = 0x80, to = 0xBF;
    size_t length = in_range(p[0], 0xC2, 0xDF) ? 2 : in_range(p[0], 0xE0, 0xEF) ? 3 : in_range(p[0], 0xF0, 0xF4) ? 4 : 0;

    if (p[0] < 0x80)
        return 1;
    if (!length || left < length)
        return 0;
    if (p[0] == 0xE0)
        from = 0xA0;
    if (p[0] == 0xF0)
        from = 0x90;
    if (p[0] == 0xF4)
        to = 0x8F;
    if (p[0] == 0xED && !surrogates)
        to = 0x9F;
    if (!in_range(p[1], from, to))
        return 0;
    for (size_t i = 2; i < length; i++)
        if (!in_range(p[i], 0x80, 0xBF))
            return 0;
    return length;
}

static enum name_form form_of(const struct lexer_modes *modes, const uint8_t *bytes, size_t length)
{
    enum name_form form = FORM_QUOTED;

    if (!modes->mariadb || modes->eight_bit)
        return FORM_QUOTED;
    for (size_t at = 0, count; at < length; at += count) {
        count = character_length(bytes + at, length - at, true);
        if (count == 0)
            return FORM_QUOTED;
        if (count == 4)
            form = FORM_STRING;
    }
    return form;
}

/* One character, which takes `size` bytes of the name. */
static void put(struct name_writer *n, const void *bytes, size_t count, size_t size)
{
    const uint8_t *p = bytes;

    if (!n->begun && is_space(p[0]))
        return;
    n->begun = true;
    if (size > n->left) {
        n->left = 0;
        return;
    }
    n->left -= size;
    n->last = p[count - 1];
    if (p[0] == (n->form == FORM_STRING ? '\'' : '`') || (n->form == FORM_STRING && p[0] == '\\' && !n->modes.no_backslash_escapes))
        wire_put_u8(n->w, p[0]);
    wire_put_bytes(n->w, bytes, count);
}

static void put_invalid(struct name_writer *n, uint8_t byte)
{
    static const char digits[] = "0123456789ABCDEF";
    const char escaped[4] = {'\\', 'x', digits[byte >> 4], digits[byte & 15]};

    if (!n->modes.mariadb)
        put(n, "?", 1, 1);
    else if (n->left > sizeof(escaped))
        put(n, escaped, sizeof(escaped), sizeof(escaped));
    else
        n->left = 0; /* it wants a byte more than it takes */
}

static void put_text(struct name_writer *n, const uint8_t *text, size_t length)
{
    for (size_t at = 0, count; at < length && n->left; at += count) {
        count = n->modes.eight_bit ? 1 : character_length(text + at, length - at, n->modes.mariadb);
        if (count == 0) {
            put_invalid(n, text[at]);
            count = 1;
        } else if (count == 4 && n->form == FORM_QUOTED) {
            put(n, "?", 1, 1);
        } else {
            put(n, text + at, count, n->modes.eight_bit && text[at] >= 0x80 ? 2 : count);
        }
    }
}

/* --- comments --- */

static bool starts(const uint8_t *at, const uint8_t *end, const char *with)
{
    return (size_t)(end - at) >= strlen(with) && memcmp(at, with, strlen(with)) == 0;
}

/* Behind the next `what`, or the end. */
static const uint8_t *behind(const uint8_t *at, const uint8_t *end, const char *what)
{
    while (at < end && !starts(at, end, what))
        at++;
    return at < end ? at + strlen(what) : end;
}

/* The end of the mark that opens a versioned comment: its version, if there is one. NULL: no such mark. */
static const uint8_t *version_end(const uint8_t *at, const uint8_t *end, bool mariadb)
{
    if (starts(at, end, "/*!"))
        at += 3;
    else if (mariadb && starts(at, end, "/*M!"))
        at += 4;
    else
        return NULL;
    while (at < end && in_range(*at, '0', '9'))
        at++;
    return at;
}

/* Would the server execute what stands behind this mark? Asks the lexer. */
static bool executed(struct lexer_modes modes, const uint8_t *mark, const uint8_t *end)
{
    static const uint8_t rest[] = " x */";
    struct lexer l;
    struct token t;

    lexer_begin(&l, modes);
    lexer_piece(&l, mark, (size_t)(end - mark));
    if (lexer_next(&l, &t) != TOKEN_MORE)
        return true;
    lexer_piece(&l, rest, sizeof(rest) - 1);
    return residue_token(&l, &t) == TOKEN_WORD;
}

/* What lies between two tokens: white space, comments, and the marks of such as are executed. */
static void put_gap(struct name_writer *n, const uint8_t *at, const uint8_t *end)
{
    while (at < end) {
        const uint8_t *next = version_end(at, end, n->modes.mariadb);

        if (next) {
            at = executed(n->modes, at, next) ? next : behind(next, end, "*/");
            continue;
        }
        if (starts(at, end, "*/")) {
            at += 2;
            /* read even at the end of a gap: a token follows */
            if (!n->modes.mariadb && !is_space(n->last) && !is_space(*at))
                put(n, " ", 1, 1);
            continue;
        }
        next = at + 1;
        if (starts(at, end, "/*"))
            next = behind(at + 2, end, "*/");
        else if (*at == '#' || *at == '-')
            next = behind(at, end, "\n");
        put_text(n, at, (size_t)(next - at));
        at = next;
    }
}

/* The end of the white space that MySQL takes for a part of the last token: with IGNORE_SPACE, of any behind a bare name that stands behind neither a
 * dot nor @@. What ends the whole text is cut off before. */
static size_t spaces_end(const uint8_t *text, size_t length, size_t begin, size_t end)
{
    uint8_t before = begin ? text[begin - 1] : ' ';

    while (length > end && (is_space(text[length - 1]) || text[length - 1] == ';'))
        length--;
    if (in_range(text[begin], '0', '9') || text[begin] == '`' || before == '.' || before == '@')
        return end;
    while (end < length && is_space(text[end]))
        end++;
    return end;
}

bool residue_name_write(struct wire_writer *w, const uint8_t *text, size_t length, const struct residue_name *name, size_t end)
{
    struct lexer l = name->lexer;
    struct token t;
    size_t spaces = end;
    struct name_writer n = {.w = w, .modes = l.modes, .left = NAME_MAX_BYTES, .last = ' '};
    size_t at = name->begin;
    const char *quote;

    n.form = form_of(&n.modes, text + at, end - at);
    if (n.modes.mariadb && (n.modes.eight_bit || n.form == FORM_STRING))
        n.left = NAME_ENOUGH;
    quote = n.form == FORM_STRING ? "'" : "`";
    wire_put_bytes(w, " AS ", 4);
    wire_put_bytes(w, quote, 1);
    while (residue_token(&l, &t) != TOKEN_END && t.end <= end && n.left) {
        put_gap(&n, text + at, text + t.begin);
        put_text(&n, text + t.begin, t.end - t.begin);
        at = t.end;
        spaces = t.kind == TOKEN_WORD && !n.modes.mariadb ? spaces_end(text, length, t.begin, t.end) : t.end;
    }
    if (spaces > end && n.modes.spaces == SPACES_TAKEN)
        put_text(&n, text + end, spaces - end);
    wire_put_bytes(w, quote, 1);
    return spaces <= end || n.modes.spaces != SPACES_UNKNOWN;
}
