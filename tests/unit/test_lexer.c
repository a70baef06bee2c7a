/* SPDX-License-Identifier: MIT
 * How texts are cut into tokens: as a whole, cut at every byte, byte by byte, and spoiled at random.
 *
 * Expected tokens are written as a letter for the kind and the token's text; a space stands in front of those that are `spaced`.
 * What MariaDB makes of these texts was asked of a real one, by hand.
 */
#include <stdio.h>

#include "tests/unit/lexer_case.h"

Suite *lexer_suite(void);
TCase *lexer_name_tests(void); /* in test_lexer_names.c */

static void show(const char *text, const struct lexed *lexed, char *out, size_t room)
{
    static const char letters[] = {
        [TOKEN_WORD] = 'w',          [TOKEN_QUOTED] = 'q',          [TOKEN_STRING] = 't',    [TOKEN_NUMBER] = 'n',
        [TOKEN_USER_VARIABLE] = 'u', [TOKEN_SYSTEM_VARIABLE] = 'y', [TOKEN_PARAMETER] = 'p', [TOKEN_SIGN] = 's',
    };
    size_t used = 0;

    for (size_t i = 0; i < lexed->count; i++) {
        const struct token *t = &lexed->tokens[i];
        used += (size_t)snprintf(out + used, room - used, "%s%c{%.*s}", t->spaced ? " " : "", letters[t->kind], (int)(t->end - t->begin),
                                 text + t->begin);
        ck_assert_uint_lt(used, room);
    }
    if (lexed->unclear)
        used += (size_t)snprintf(out + used, room - used, " unclear");
    out[used] = 0;
}

struct text_case {
    struct lexer_modes modes;
    const char *text;
    const char *tokens;
};

static void check(const struct text_case *c)
{
    static struct lexed lexed;
    char shown[2048];

    lex_cut(c->modes, c->text, strlen(c->text), &lexed);
    show(c->text, &lexed, shown, sizeof(shown));
    if (lexed.count == 0 && !lexed.unclear)
        shown[0] = 0;
    ck_assert_msg(strcmp(shown, c->tokens) == 0, "%s\n is cut to %s\n and not  %s", c->text, shown, c->tokens);
    for (size_t i = 0; i < lexed.count; i++) {
        const struct token *t = &lexed.tokens[i];
        if (t->kind == TOKEN_WORD)
            ck_assert_uint_eq(t->hash, name_hash(c->text + t->begin, t->end - t->begin));
        if (t->kind == TOKEN_SIGN)
            ck_assert_int_eq(t->sign, c->text[t->begin]);
    }
}

#define BOTH(text, tokens) {MARIADB, text, tokens}, {MYSQL, text, tokens}

static const struct text_case words[] = {
    BOTH("", ""),
    BOTH(" \t\r\n\v\f", ""),
    BOTH("select", "w{select}"),
    BOTH("SELECT a,b FROM t;", "w{SELECT} w{a}s{,}w{b} w{FROM} w{t}s{;}"),
    BOTH("a_b$c1 _x", "w{a_b$c1} w{_x}"),
    BOTH("caf\xC3\xA9 \xE2\x82\xAC", "w{caf\xC3\xA9} w{\xE2\x82\xAC}"),
    BOTH("1table 1_2 5a", "w{1table} w{1_2} w{5a}"),
    BOTH("db.1table", "w{db}s{.}w{1table}"),
    BOTH("db.1", "w{db}s{.}w{1}"),
    BOTH("db.1e5.0x1", "w{db}s{.}w{1e5}s{.}w{0x1}"),
    BOTH("5a.5", "w{5a}s{.}w{5}"),
    BOTH("a.x'41'", "w{a}s{.}w{x}t{'41'}"),
    BOTH("a.b.n.c", "w{a}s{.}w{b}s{.}w{n}s{.}w{c}"),
    BOTH("t .5a", "w{t} n{.5}w{a}"),
    BOTH("t. 5a", "w{t}s{.} w{5a}"),
    BOTH("t.*,t.`a`", "w{t}s{.}s{*}s{,}w{t}s{.}q{`a`}"),
    BOTH("`t`.5a", "q{`t`}n{.5}w{a}"),
    BOTH("`t`.a5", "q{`t`}s{.}w{a5}"),
    BOTH("t./**/5", "w{t}s{.} n{5}"),
    BOTH("t.", "w{t}s{.}"),
    BOTH(".t", "s{.}w{t}"),
    BOTH("f(1)f (1)", "w{f}s{(}n{1}s{)}w{f} s{(}n{1}s{)}"),
    BOTH("f/**/(1)", "w{f} s{(}n{1}s{)}"),
    BOTH("a--b", "w{a}s{-}s{-}w{b}"),
    BOTH("a:=1", "w{a}s{:}s{=}n{1}"),
    BOTH("a->'$.x'", "w{a}s{-}s{>}t{'$.x'}"),
    BOTH("a<=>b&&c||d!=e", "w{a}s{<}s{=}s{>}w{b}s{&}s{&}w{c}s{|}s{|}w{d}s{!}s{=}w{e}"),
    BOTH("(?,?)", "s{(}p{?}s{,}p{?}s{)}"),
    BOTH("a\x7F" "b\x01", "w{a}s{\x7F}w{b}s{\x01}"),
    {MARIADB, "a..b", "w{a}s{.}s{.}w{b} unclear"},
    {MARIADB, "a..5", "w{a}s{.}s{.}n{5} unclear"},
    {MYSQL, "a..5", "w{a}s{.}n{.5} unclear"},
    {MARIADB, "$a $b$", "w{$a} w{$b$}"},
    {MYSQL, "$a", "w{$a} unclear"},
    {MYSQL, "a$b$ t.$a$", "w{a$b$} w{t}s{.}w{$a$}"},
    {MARIADB, "\\N\\N'x'", "s{\\N}s{\\N}t{'x'}"},
    {MARIADB, "\\n", "s{\\}w{n} unclear"},
    {MYSQL, "\\N'x'", "s{\\}t{N'x'} unclear"},
    {{.unknown_quotes = true, .version = 90704}, "SELECT \"a\"", "w{SELECT} t{\"a\"} unclear"},
    {{.unknown_quotes = true, .version = 90704}, "SELECT '\"' /* \" */", "w{SELECT} t{'\"'}"},
    {{.eight_bit = true}, "SELECT\xA0GET_LOCK", "w{SELECT\xA0GET_LOCK} unclear"},
    {{.eight_bit = true}, "SELECT '\xA0', `a`, a", "w{SELECT} t{'\xA0'}s{,} q{`a`}s{,} w{a}"},
    {{.eight_bit = true}, "SELECT `\xDD`", "w{SELECT} q{`\xDD`} unclear"},
    /* U+0130 and U+212A are i and k in lower case, others of their kind are not */
    BOTH("a\xC4\xB0", "w{a\xC4\xB0} unclear"),
    BOTH("`a\xE2\x84\xAA`", "q{`a\xE2\x84\xAA`} unclear"),
    BOTH("a\xC4\xB1 \xC3\xB0 \xE2\x84\xAB \xE2\x82\xAA \xC4" "a\xB0", "w{a\xC4\xB1} w{\xC3\xB0} w{\xE2\x84\xAB} w{\xE2\x82\xAA} w{\xC4" "a\xB0}"),
};

static const struct text_case numbers[] = {
    BOTH("0 1 12 007", "n{0} n{1} n{12} n{007}"),
    BOTH("1.5 1. .5 0.5", "n{1.5} n{1.} n{.5} n{0.5}"),
    BOTH("1e5 1E+5 1e-5 1.5e5 .5e-10", "n{1e5} n{1E+5} n{1e-5} n{1.5e5} n{.5e-10}"),
    BOTH("1e 1ea 1e_ 1E", "w{1e} w{1ea} w{1e_} w{1E}"),
    BOTH("1e5abc", "n{1e5}w{abc}"),
    BOTH("1.5abc", "n{1.5}w{abc}"),
    BOTH("1e+a", "w{1e}s{+}w{a}"),
    BOTH("1e-a 1e+ 1e+", "w{1e}s{-}w{a} w{1e}s{+} w{1e}s{+}"),
    BOTH("1e-- a", "w{1e}"),
    BOTH("1e--a", "w{1e}s{-}s{-}w{a}"),
    BOTH("0x 0xg 0x1g 0X1F", "w{0x} w{0xg} w{0x1g} w{0X1F}"),
    BOTH("0x1F,0xabCD;", "n{0x1F}s{,}n{0xabCD}s{;}"),
    BOTH("0b01 0b 0b2 0b012 0B1", "n{0b01} w{0b} w{0b2} w{0b012} w{0B1}"),
    BOTH("0xG.5", "w{0xG}s{.}w{5}"),
    BOTH("0x1F.5", "n{0x1F}n{.5}"),
    BOTH("1+-2", "n{1}s{+}s{-}n{2}"),
    BOTH("1\xC3\xA9", "w{1\xC3\xA9}"),
    BOTH("1.e(", "n{1.e}s{(} unclear"),
    BOTH("1.5e+x", "n{1.5e+}w{x} unclear"),
    {MARIADB, "1..10", "n{1}s{.}s{.}n{10}"},
    {MARIADB, "1...5", "n{1}s{.}s{.}n{.5}"},
    {MYSQL, "1..10", "n{1.}n{.10}"},
};

static const struct text_case strings[] = {
    BOTH("'' 'a' \"b\"", "t{''} t{'a'} t{\"b\"}"),
    BOTH("'a''b''' 'c'", "t{'a''b'''} t{'c'}"),
    BOTH("'a\\'b' 'c\\\\' d", "t{'a\\'b'} t{'c\\\\'} w{d}"),
    BOTH("\"a\\\"b\"\"c\" d", "t{\"a\\\"b\"\"c\"} w{d}"),
    BOTH("'a\"b' \"c'd\"", "t{'a\"b'} t{\"c'd\"}"),
    BOTH("'a-- b' '/*' '#'", "t{'a-- b'} t{'/*'} t{'#'}"),
    BOTH("'long enough for eight bytes at once, \\' and '' inside it' x", "t{'long enough for eight bytes at once, \\' and '' inside it'} w{x}"),
    BOTH("N'a''b' n'\\'' N\"a\" n", "t{N'a''b'} t{n'\\''} w{N}t{\"a\"} w{n}"),
    BOTH("x'4142' X'' x\"41\" x", "t{x'4142'} t{X''} w{x}t{\"41\"} w{x}"),
    BOTH("x'41''42'", "t{x'41'}t{'42'}"),
    BOTH("b'01' B'1' b\"1\" b", "t{b'01'} t{B'1'} w{b}t{\"1\"} w{b}"),
    BOTH("x 'a' n 'b'", "w{x} t{'a'} w{n} t{'b'}"),
    BOTH("xx'a' nn'b'", "w{xx}t{'a'} w{nn}t{'b'}"),
    BOTH("_utf8mb4'a' _binary\"b\"", "w{_utf8mb4}t{'a'} w{_binary}t{\"b\"}"),
    BOTH("DATE'2020-01-01'", "w{DATE}t{'2020-01-01'}"),
    BOTH("x'4g'", "t{x'4g'} unclear"),
    BOTH("b'2'", "t{b'2'} unclear"),
    BOTH("'open", "t{'open} unclear"),
    BOTH("'open\\", "t{'open\\} unclear"),
    BOTH("'open\\'", "t{'open\\'} unclear"),
    BOTH("x'41", "t{x'41} unclear"),
    BOTH("`a` `a``b` ``", "q{`a`} q{`a``b`} q{``}"),
    BOTH("`a\\` b", "q{`a\\`} w{b}"),
    BOTH("`a", "q{`a} unclear"),
    {{.ansi_quotes = true}, "\"a\"\"b\" \"c\\\" 'd\\'e'", "q{\"a\"\"b\"} q{\"c\\\"} t{'d\\'e'}"},
    {{.ansi_quotes = true}, "x\"41\" N\"a\"", "w{x}q{\"41\"} w{N}q{\"a\"}"},
    {{.no_backslash_escapes = true}, "'a\\' b 'c''d' \"e\\\" f", "t{'a\\'} w{b} t{'c''d'} t{\"e\\\"} w{f}"},
    {{.no_backslash_escapes = true}, "n'a\\' b", "t{n'a\\'} w{b}"},
};

static const struct text_case variables[] = {
    BOTH("@a @a.b_c$1 @1", "u{@a} u{@a.b_c$1} u{@1}"),
    BOTH("@`a b` @'c d' @\"e\"", "u{@`a b`} u{@'c d'} u{@\"e\"}"),
    BOTH("@`a``b` @'c\\'d''e'f", "u{@`a``b`} u{@'c\\'d''e'}w{f}"),
    BOTH("@a:=1", "u{@a}s{:}s{=}n{1}"),
    BOTH("@ a,@", "u{@} w{a}s{,}u{@}"),
    BOTH("@ 'a'", "u{@} t{'a'}"),
    BOTH("@\xC3\xA9.a b", "u{@\xC3\xA9.a} w{b}"),
    BOTH("@a-- b", "u{@a}"),
    BOTH("u@localhost u@'%' 'u'@`h`", "w{u}u{@localhost} w{u}u{@'%'} t{'u'}u{@`h`}"),
    BOTH("u@10.0.0.1", "w{u}u{@10.0.0.1}"),
    BOTH("@@a @@global.a @@session . a", "y{@@}w{a} y{@@}w{global}s{.}w{a} y{@@}w{session} s{.} w{a}"),
    BOTH("@@`a`.b", "y{@@}q{`a`}s{.}w{b}"),
    BOTH("@@x'41'", "y{@@}w{x}t{'41'}"),
    BOTH("@@1e5", "y{@@}w{1e5}"),
    BOTH("@@a:=1", "y{@@}w{a}s{:}s{=}n{1}"),
    BOTH("@@ a", "y{@@} w{a} unclear"),
    BOTH("@@'a'", "y{@@}t{'a'} unclear"),
    BOTH("@@/**/a", "y{@@} w{a} unclear"),
    BOTH("@'a", "u{@'a} unclear"),
    {{.ansi_quotes = true}, "@\"a\\\" b", "u{@\"a\\\"} w{b}"},
};

static const struct text_case comments[] = {
    BOTH("a-- b\nc", "w{a} w{c}"),
    BOTH("a--", "w{a}"),
    BOTH("a --\tb", "w{a}"),
    BOTH("a--\nb", "w{a} w{b}"),
    BOTH("a--\x01 b", "w{a}"),
    BOTH("a--\x7F b", "w{a}"),
    BOTH("a--1", "w{a}s{-}s{-}n{1}"),
    BOTH("a--- b", "w{a}s{-}"),
    BOTH("a----b", "w{a}s{-}s{-}s{-}s{-}w{b}"),
    BOTH("a--;", "w{a}s{-}s{-}s{;} unclear"),
    BOTH("a-- b\rc", "w{a}"),
    BOTH("a#b\n#c\nd#", "w{a} w{d}"),
    BOTH("# 'x\na", " w{a}"),
    BOTH("a/**/b/* c */d", "w{a} w{b} w{d}"),
    BOTH("a/*/b*/c", "w{a} w{c}"),
    BOTH("a/***/b/* ** / **/c", "w{a} w{b} w{c}"),
    BOTH("a/* /* */b", "w{a} w{b}"),
    BOTH("a/* ' */b", "w{a} w{b}"),
    BOTH("a/* -- \n */b", "w{a} w{b}"),
    BOTH("a*/b", "w{a}s{*}s{/}w{b}"),
    BOTH("a*/*b*/c", "w{a}s{*} w{c}"),
    BOTH("1/2/ *", "n{1}s{/}n{2}s{/} s{*}"),
    BOTH("a/*", "w{a} unclear"),
    BOTH("a/* *", "w{a} unclear"),
    BOTH("a/", "w{a}s{/}"),
    BOTH("SELECT /*+ NO_ICP(t) */ 1", "w{SELECT} n{1}"),
    BOTH("SELECT /*+ SET_VAR(a='b') QB_NAME(`q`) */ 1", "w{SELECT} n{1}"),
    BOTH("SELECT /*+ QB_NAME(`*/`) */ 1", "w{SELECT} q{`) */ 1} unclear"),
    BOTH("/*+ ` */1", " n{1} unclear"),
    BOTH("/*+ `'` \"`\" */1", " n{1}"),
    BOTH("/* + ' */1", " n{1}"),
};

static const struct text_case executed[] = {
    BOTH("/*!a*/b", " w{a} w{b}"),
    BOTH("/*! a */b", " w{a} w{b}"),
    BOTH("/*!*/b", " w{b}"),
    BOTH("a/*!.5*/", "w{a} n{.5}"),
    BOTH("/*!40101 SET NAMES utf8 */;", " w{SET} w{NAMES} w{utf8} s{;}"),
    BOTH("/*!50003CREATE*/", " w{CREATE}"),
    BOTH("/*!32302 a*b*/c", " w{a}s{*}w{b} w{c}"),
    BOTH("/*!40101 '*/' */c", " t{'*/'} w{c}"),
    BOTH("/*!40101 -- */\n*/c", " w{c}"),
    BOTH("/*!40101 a /* b */ c */ d", " w{a} w{c} w{d}"),
    BOTH("/*!40101 a /*!40101 b */ c */ d", " w{a} w{b} w{c} s{*}s{/} w{d} unclear"),
    BOTH("/*!40101 a; */", " w{a}s{;} unclear"),
    BOTH("/*!40101 a", " w{a} unclear"),
    BOTH("/*!40101", " unclear"),
    BOTH("/*!", " unclear"),
    BOTH("/*!401 a */", " w{a} unclear"),
    BOTH("/*!0401011 a */", " w{a} unclear"),
    BOTH("/*!999999 a */b", " w{b}"),
    BOTH("/*!999999 a /* b */ c */ d", " w{d} unclear"),
    BOTH("/*!999999 / * ** */d", " w{d}"),
    BOTH("/*!999999 a", " unclear"),
    {MARIADB, "/*!50700 a */b", " w{b}"},
    {MARIADB, "/*!50699 a */b", " w{a} w{b}"},
    {MARIADB, "/*!80000 a */b", " w{b}"},
    {MARIADB, "/*!99999 a */b", " w{b}"},
    {MARIADB, "/*!100000 a */b", " w{a} w{b}"},
    {MARIADB, "/*!101119 a */b", " w{a} w{b}"},
    {MARIADB, "/*!101120 a */b", " w{b}"},
    {MARIADB, "/*!040101a */b", " w{a} w{b}"},
    {MARIADB, "/*!99997 a */b", " w{b} unclear"},
    {MARIADB, "/*M!a*/b", " w{a} w{b}"},
    {MARIADB, "/*M!100100 a */b", " w{a} w{b}"},
    {MARIADB, "/*M!50701 a */b", " w{a} w{b}"},
    {MARIADB, "/*M!999999\\- a */b", " w{b}"},
    {MARIADB, "/*M a */b", " w{b}"},
    {MARIADB, "/*M*/b", " w{b}"},
    {MYSQL, "/*M!100100 a */b", " w{b}"},
    {MYSQL, "/*!50700 a */b", " w{a} w{b}"},
    {MYSQL, "/*!80000 a */b", " w{a} w{b}"},
    {MYSQL, "/*!90704 a */b", " w{a} w{b}"},
    {MYSQL, "/*!90705 a */b", " w{b}"},
    {MYSQL, "/*!080000 a */b", " w{a} w{b}"},
    {MYSQL, "/*!100100 a */b", " w{b}"},
    {MYSQL, "/*!080000\x01" "a */b", " s{\x01}w{a} w{b} unclear"},
    {MYSQL, "/*!080000a */b", " w{a} w{b} unclear"},
    {{.version = 80030}, "/*!080000 a */b", " w{a} w{b} unclear"},
    {{.version = 0}, "/*!40101 a */b", " w{a} w{b} unclear"},
    {{.version = 0}, "/*!a */b", " w{a} w{b}"},
};

START_TEST(cuts_words)
{
    check(&words[_i]);
}
END_TEST

START_TEST(cuts_numbers)
{
    check(&numbers[_i]);
}
END_TEST

START_TEST(cuts_strings)
{
    check(&strings[_i]);
}
END_TEST

START_TEST(cuts_variables)
{
    check(&variables[_i]);
}
END_TEST

START_TEST(cuts_comments)
{
    check(&comments[_i]);
}
END_TEST

START_TEST(cuts_executed)
{
    check(&executed[_i]);
}
END_TEST

/* NUL bytes: part of a string, of a comment between stars; elsewhere the servers are surprised. */
START_TEST(nul_bytes)
{
    static const struct {
        const char *text;
        size_t length;
        size_t count;
        bool unclear;
    } rows[] = {
        {"'a\0b'", 5, 1, false}, {"/*\0*/a", 6, 1, false}, {"a\0b", 3, 3, true},  {"`a\0b`", 5, 1, true},
        {"-- \0\na", 6, 1, true}, {"#\0", 2, 0, true},      {"--\0a", 4, 0, true}, {"x'\0'", 4, 1, true},
    };
    static struct lexed lexed;
    struct lexer_modes modes = MARIADB;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        lex_cut(modes, rows[i].text, rows[i].length, &lexed);
        ck_assert_uint_eq(lexed.count, rows[i].count);
        ck_assert_int_eq(lexed.unclear, rows[i].unclear);
    }
}
END_TEST

static void lex_random(const uint8_t *bytes, size_t length, void *context)
{
    static struct lexed whole, cut;
    struct lexer_modes modes = *(const struct lexer_modes *)context;
    uint64_t state = 0x9E3779B97F4A7C15u + length;
    size_t cuts[8], count = 0, left = length;
    size_t last = 0;

    lex(modes, (const char *)bytes, length, NULL, 0, &whole);
    for (size_t i = 0; i < whole.count; i++) {
        if (whole.tokens[i].begin < last || whole.tokens[i].end <= whole.tokens[i].begin || whole.tokens[i].end > length)
            ck_abort_msg("token %zu of %zu is out of order", i, whole.count);
        last = whole.tokens[i].end;
    }
    while (left && count < 8) {
        cuts[count] = fuzz_random(&state) % (left < 8 ? left + 1 : 8);
        left -= cuts[count++];
    }
    lex(modes, (const char *)bytes, length, cuts, count, &cut);
    assert_same(&whole, &cut);
}

START_TEST(spoiled)
{
    static const char text[] = "SELECT 0x1F.5e+1,1e-5..2,`a``b`.c,@'d\\'',@@e.f,N'g''h' -- i\n/*!50003 j*k/*l*/*//*M!100100 m*/\\N#n\n"
                               "/*!99999 o/*p*/*/x'41'";
    struct lexer_modes modes[] = {MARIADB, MYSQL, MARIADB};

    modes[2].ansi_quotes = modes[2].no_backslash_escapes = true;
    fuzz((const uint8_t *)text, sizeof(text) - 1, FUZZ_ROUNDS, lex_random, &modes[_i]);
}
END_TEST

#define COUNT(rows) ((int)(sizeof(rows) / sizeof(*(rows))))

Suite *lexer_suite(void)
{
    Suite *suite = suite_create("lexer");
    TCase *tests = tcase_create("lexer");

    tcase_add_loop_test(tests, cuts_words, 0, COUNT(words));
    tcase_add_loop_test(tests, cuts_numbers, 0, COUNT(numbers));
    tcase_add_loop_test(tests, cuts_strings, 0, COUNT(strings));
    tcase_add_loop_test(tests, cuts_variables, 0, COUNT(variables));
    tcase_add_loop_test(tests, cuts_comments, 0, COUNT(comments));
    tcase_add_loop_test(tests, cuts_executed, 0, COUNT(executed));
    tcase_add_test(tests, nul_bytes);
    tcase_add_loop_test(tests, spoiled, 0, 3);
    suite_add_tcase(suite, tests);
    suite_add_tcase(suite, lexer_name_tests());
    return suite;
}
