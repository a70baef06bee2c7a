/* SPDX-License-Identifier: MIT
 * Hashes of names: the same for every way to write a name, and for all that a server may take for it.
 */
#include "tests/unit/lexer_case.h"

TCase *lexer_name_tests(void);

static uint64_t hash_of(struct lexer_modes modes, const char *text)
{
    static struct lexed lexed;

    lex_cut(modes, text, strlen(text), &lexed);
    ck_assert_uint_eq(lexed.count, 1);
    return lexed.tokens[0].hash;
}

START_TEST(hashes)
{
    struct lexer_modes modes = MARIADB;
    uint64_t name = name_hash("a_name", 6);

    ck_assert_uint_eq(hash_of(modes, "A_Name"), name);
    ck_assert_uint_eq(hash_of(modes, "`a_NAME`"), name);
    ck_assert_uint_eq(hash_of(modes, "@A_name"), name);
    ck_assert_uint_eq(hash_of(modes, "@'a_name'"), name);
    ck_assert_uint_eq(hash_of(modes, "@\"a\\_name\""), name);
    ck_assert_uint_eq(hash_of(modes, "@`a_name`"), name);
    ck_assert_uint_ne(hash_of(modes, "a_names"), name);
    ck_assert_uint_ne(hash_of(modes, "@name"), name);
    ck_assert_uint_eq(hash_of(modes, "`a``b`"), name_hash("a`b", 3));
    ck_assert_uint_eq(hash_of(modes, "@'a''b'"), name_hash("A'B", 3));
    ck_assert_uint_eq(hash_of(modes, "``"), name_hash("", 0));
    ck_assert_uint_eq(hash_of(modes, "'a_name'"), 0);
    ck_assert_uint_eq(hash_of(modes, "123"), 0);
    ck_assert_uint_eq(hash_of(modes, "1E"), name_hash("1e", 2));
    modes.ansi_quotes = true;
    ck_assert_uint_eq(hash_of(modes, "\"a_name\""), name);
}
END_TEST

START_TEST(letters_beyond_ascii)
{
    static const struct {
        const char *text;
        bool beyond;
    } rows[] = {
        {"f", false},       {"f\xC3\xA9", true},     {"\xC3\xA9" "f", true}, {"`\xC3\xA9`", true},
        {"1\xC3\xA9", true}, {"@'\xC3\xA9'", true}, {"'\xC3\xA9'", false}, {"7", false},
    };
    static struct lexed lexed;
    struct lexer_modes modes = MARIADB;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        lex_cut(modes, rows[i].text, strlen(rows[i].text), &lexed);
        ck_assert_uint_eq(lexed.count, 1);
        ck_assert_int_eq(lexed.tokens[0].beyond, rows[i].beyond);
    }
    lex_cut(modes, "\xC3\xA9.f-1", 6, &lexed);
    ck_assert_uint_eq(lexed.count, 5);
    for (size_t i = 0; i < lexed.count; i++)
        ck_assert_int_eq(lexed.tokens[i].beyond, i == 0);
}
END_TEST

/* Upper and lower case of other letters need not have the same bytes, nor as many. */
START_TEST(hashes_of_other_letters)
{
    struct lexer_modes modes = MARIADB;
    uint64_t name = name_hash("caf\xC3\xA9s", 6);

    ck_assert_uint_eq(hash_of(modes, "CAF\xC3\x89S"), name);
    ck_assert_uint_eq(hash_of(modes, "`Caf\xC3\x89s`"), name);
    ck_assert_uint_eq(name_hash("caf\xE1\xBA\x9Es", 7), name);
    ck_assert_uint_ne(hash_of(modes, "cafes"), name);
    ck_assert_uint_ne(hash_of(modes, "caf\xC3\xA9"), name);
    ck_assert_uint_ne(hash_of(modes, "ca\xC3\xA9" "fs"), name);
}
END_TEST

TCase *lexer_name_tests(void)
{
    TCase *tests = tcase_create("names");

    tcase_add_test(tests, hashes);
    tcase_add_test(tests, letters_beyond_ascii);
    tcase_add_test(tests, hashes_of_other_letters);
    return tests;
}
