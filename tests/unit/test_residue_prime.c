/* SPDX-License-Identifier: MIT
 * Statements that make a server have FOUND_ROWS() and a list of warnings. That the servers do was measured on each; tests/transparency/scripts has it.
 */
#include "protocol/packet.h"
#include "protocol/residue_diagnostics.h"
#include "protocol/residue_prime.h"
#include "tests/unit/split.h"

Suite *residue_prime_suite(void);

static uint8_t room[20000];

static const char *written(const struct wire_writer *w)
{
    room[wire_written(w)] = '\0';
    return (const char *)room;
}

START_TEST(one_row)
{
    struct wire_writer w = wire_writer(room, sizeof room);

    ck_assert(residue_prime_one(&w, 1));
    ck_assert_str_eq(written(&w), "SELECT 1 LIMIT 1 INTO @`sluse: ROW_COUNT()`");
    w = wire_writer(room, sizeof room);
    ck_assert(residue_prime_one(&w, 2));
    ck_assert_ptr_nonnull(strstr(written(&w), " WHERE a.n<2 LIMIT 1 INTO @`sluse: ROW_COUNT()`"));
    ck_assert(!residue_prime_one(&w, 0));
    ck_assert(!residue_prime_one(&w, RESIDUE_PRIME_ROWS + 1));
}
END_TEST

/* --- FOUND_ROWS() --- */

START_TEST(found_rows)
{
    struct wire_writer w = wire_writer(room, sizeof room);

    ck_assert(residue_prime_found_rows(&w, 0));
    ck_assert_str_eq(written(&w), "SELECT 1 LIMIT 0");
    w = wire_writer(room, sizeof room);
    ck_assert(residue_prime_found_rows(&w, 1));
    ck_assert_str_eq(written(&w), "SELECT 1 LIMIT 1");
    w = wire_writer(room, sizeof room);
    ck_assert(residue_prime_found_rows(&w, 10));
    ck_assert_str_eq(written(&w), "SELECT SQL_CALC_FOUND_ROWS 1 FROM (SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4"
                                  " UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)a WHERE a.n<10 LIMIT 0");
    w = wire_writer(room, sizeof room);
    ck_assert(residue_prime_found_rows(&w, 11));
    ck_assert_ptr_nonnull(strstr(written(&w), " UNION ALL SELECT 90)b WHERE a.n+b.n<11 LIMIT 0"));
    w = wire_writer(room, sizeof room);
    ck_assert(residue_prime_found_rows(&w, RESIDUE_PRIME_ROWS));
    ck_assert_ptr_nonnull(strstr(written(&w), ")e WHERE a.n+b.n+c.n+d.n+e.n<100000 LIMIT 0"));
    ck_assert(!residue_prime_found_rows(&w, RESIDUE_PRIME_ROWS + 1));
}
END_TEST

/* --- warnings --- */

struct row {
    const char *level, *number, *message;
};

static uint8_t packets[20000];

static void put(struct wire_writer *w, const char *text)
{
    wire_put_lenenc_text(w, text, strlen(text));
}

/* SHOW WARNINGS's answer: what the columns say does not matter. */
static struct residue_list list_of(const struct row *rows, size_t count, const char *sqlstate)
{
    struct wire_writer w = wire_writer(packets, sizeof packets);

    for (size_t i = 0; i < count + 5; i++) {
        uint8_t *header = packet_begin(&w);

        if (i < 4 || i == count + 4) {
            wire_put_u8(&w, i < 4 ? 3 : 0xFE);
        } else {
            put(&w, rows[i - 4].level);
            put(&w, rows[i - 4].number);
            put(&w, rows[i - 4].message);
        }
        packet_end(&w, header, (uint8_t)(i + 1));
    }
    return (struct residue_list){.packets = packets, .length = wire_written(&w), .counted = count, .limit = UINT64_MAX, .sqlstate = sqlstate, .utf8 = true};
}

static bool told(const struct row *rows, size_t count, const char *sqlstate, bool mariadb, const char *expected, uint16_t expected_error)
{
    struct wire_writer w = wire_writer(room, sizeof room - 1);
    struct residue_list list = list_of(rows, count, sqlstate);
    uint16_t error = 7;
    bool done = residue_prime_warnings(&w, &list, mariadb, &error);

    if (!expected)
        return !done;
    ck_assert(done);
    ck_assert_uint_eq(error, expected_error);
    ck_assert_str_eq(written(&w), expected);
    return true;
}

#define ONE_WARNING "SIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=1265,MESSAGE_TEXT=_utf8mb4 X'6127C3A4'"

START_TEST(one_condition)
{
    const struct row warning = {"Warning", "1265", "a'ä"}, error = {"Error", "1062", "Dup"}, note = {"Note", "1051", "x"};

    for (int mariadb = 0; mariadb < 2; mariadb++) {
        ck_assert(told(&warning, 1, NULL, mariadb, ONE_WARNING, 0));
        ck_assert(told(&error, 1, "23000", mariadb, "SIGNAL SQLSTATE '23000' SET MYSQL_ERRNO=1062,MESSAGE_TEXT=_utf8mb4 X'447570'", 1062));
        ck_assert(told(&error, 1, NULL, mariadb, NULL, 0)); /* nobody knows its SQLSTATE */
        ck_assert(told(&note, 1, "42S02", mariadb, NULL, 0));
        ck_assert(told(NULL, 0, NULL, mariadb, NULL, 0));
    }
}
END_TEST

START_TEST(several_conditions)
{
    const struct row rows[] = {{"Warning", "1", "a"}, {"Warning", "2", "b"}, {"Warning", "3", "c"}, {"Error", "4", "d"}};
    struct row many[9];

    ck_assert(told(rows, 3, NULL, true,
                   "BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLWARNING BEGIN DECLARE EXIT HANDLER FOR SQLWARNING "
                   "RESIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=3,MESSAGE_TEXT=_utf8mb4 X'63'; "
                   "RESIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=2,MESSAGE_TEXT=_utf8mb4 X'62'; END; "
                   "SIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=1,MESSAGE_TEXT=_utf8mb4 X'61'; END",
                   0));
    ck_assert(told(rows, 2, NULL, true,
                   "BEGIN NOT ATOMIC DECLARE EXIT HANDLER FOR SQLWARNING RESIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=2,MESSAGE_TEXT=_utf8mb4 X'62'; "
                   "SIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=1,MESSAGE_TEXT=_utf8mb4 X'61'; END",
                   0));
    ck_assert(told(rows, 4, "HY000", true, NULL, 0)); /* a block would add a note to the error */
    ck_assert(told(rows, 2, NULL, false, NULL, 0));   /* MySQL has no blocks */
    for (size_t i = 0; i < 9; i++)
        many[i] = rows[0];
    ck_assert(told(many, 9, NULL, true, NULL, 0));
}
END_TEST

START_TEST(counts)
{
    const struct row rows[] = {{"Warning", "1", "a"}, {"Warning", "2", "b"}, {"Error", "4", "d"}};
    struct residue_list list = list_of(rows, 2, NULL);
    struct wire_writer w = wire_writer(room, sizeof room - 1);

    ck_assert(residue_prime_counts(&w, 1, 0, NULL));
    ck_assert_str_eq(written(&w), "BEGIN NOT ATOMIC DECLARE x INT; SELECT 1 INTO x; END");
    w = wire_writer(room, sizeof room - 1);
    ck_assert(residue_prime_counts(&w, 7, 1, &list));
    ck_assert_str_eq(written(&w), "BEGIN NOT ATOMIC DECLARE x INT; DECLARE EXIT HANDLER FOR SQLWARNING RESIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=2,MESSAGE_TEXT=_utf8mb4 X'62'; "
                                  "FOR i IN 2..7 DO SELECT 1 INTO x; END FOR; SELECT SQL_CALC_FOUND_ROWS 1 INTO x FROM (SELECT 0 n UNION ALL SELECT 1 UNION ALL SELECT 2"
                                  " UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5 UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9)a"
                                  " WHERE a.n<1 LIMIT 1; SIGNAL SQLSTATE '01000' SET MYSQL_ERRNO=1,MESSAGE_TEXT=_utf8mb4 X'61'; END");
    list.counted = 3; /* max_error_count was 2 */
    ck_assert(!residue_prime_counts(&w, 7, 1, &list));
    list.counted = 2;
    list.limit = 2; /* that is what it is now */
    ck_assert(!residue_prime_counts(&w, 7, 1, &list));
    list.limit = 3;
    ck_assert(residue_prime_counts(&w, 7, 1, &list));
    list = list_of(rows, 3, "HY000");
    ck_assert(!residue_prime_counts(&w, 7, 1, &list));
    ck_assert(!residue_prime_counts(&w, 0, 0, NULL));
    ck_assert(!residue_prime_counts(&w, -1, 0, NULL));
    ck_assert(!residue_prime_counts(&w, RESIDUE_PRIME_COUNT + 1, 0, NULL));
    ck_assert(!residue_prime_counts(&w, 1, RESIDUE_PRIME_ROWS + 1, NULL));
}
END_TEST

/* Of a message that is too long, or in a character set that nobody knows, nothing is told. */
START_TEST(messages)
{
    char text[514] = "";
    struct row row = {"Warning", "1", text};
    struct residue_list list;
    struct wire_writer w;
    uint16_t error;

    memset(text, 'x', 512);
    ck_assert(!told(&row, 1, NULL, true, NULL, 0));
    ck_assert(told(&row, 1, NULL, false, NULL, 0));
    text[512] = 'x';
    ck_assert(told(&row, 1, NULL, true, NULL, 0));
    row.message = "ä";
    list = list_of(&row, 1, NULL);
    list.utf8 = false;
    w = wire_writer(room, sizeof room);
    ck_assert(!residue_prime_warnings(&w, &list, true, &error));
    row = (struct row){"Warning", "65535", "x"}; /* larger than any that SIGNAL takes */
    ck_assert(told(&row, 1, NULL, true, NULL, 0));
    row.number = "0";
    ck_assert(told(&row, 1, NULL, true, NULL, 0));
}
END_TEST

static void take_cut(const uint8_t *bytes, size_t length, void *context)
{
    struct residue_list list = {.packets = bytes, .length = length, .counted = 1, .sqlstate = "23000", .utf8 = true};
    struct wire_writer w = wire_writer(room, sizeof room);
    uint16_t error;

    (void)context;
    ck_assert(residue_prime_warnings(&w, &list, true, &error) ? wire_written(&w) > 0 : true);
}

START_TEST(cut_at_every_byte)
{
    const struct row rows[] = {{"Warning", "1", "a"}, {"Error", "1062", "Duplicate"}};
    struct residue_list list = list_of(rows, 2, NULL);

    for_each_split(list.packets, list.length, take_cut, NULL);
}
END_TEST

/* --- GET DIAGNOSTICS --- */

START_TEST(diagnostics)
{
    static const struct residue_values values = {.row_count = -1, .warning_count = 3};
    static const struct {
        const char *text, *expected;
    } rows[] = {
        {"GET DIAGNOSTICS @a = NUMBER", "SET @a=CAST(3 AS UNSIGNED)"},
        {"get /**/ current diagnostics @`x y`=ROW_COUNT , @b = number;", "SET @`x y`=-1,@b=CAST(3 AS UNSIGNED)"},
        {"GET DIAGNOSTICS CONDITION 1 @a = MESSAGE_TEXT", NULL},
        {"GET STACKED DIAGNOSTICS @a = NUMBER", NULL},
        {"GET DIAGNOSTICS @a = NUMBER,", NULL},
        {"GET DIAGNOSTICS @a = nosuch", NULL},
        {"GET DIAGNOSTICS @a NUMBER", NULL},
        {"GET DIAGNOSTICS a = NUMBER", NULL},
        {"GET DIAGNOSTICS @a = NUMBER; SELECT 1", NULL},
        {"GET DIAGNOSTICS", NULL},
        {"SELECT 1", NULL},
        {"", NULL},
    };

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wire_writer w = wire_writer(room, sizeof room);
        bool done = residue_diagnostics_write(&w, (const uint8_t *)rows[i].text, strlen(rows[i].text), (struct lexer_modes){.mariadb = true, .version = 101119},
                                              &values);

        ck_assert_msg(done == (rows[i].expected != NULL), "%s", rows[i].text);
        if (done)
            ck_assert_str_eq(written(&w), rows[i].expected);
    }
}
END_TEST

Suite *residue_prime_suite(void)
{
    Suite *suite = suite_create("residue_prime");
    TCase *tests = tcase_create("residue_prime");

    tcase_add_test(tests, one_row);
    tcase_add_test(tests, found_rows);
    tcase_add_test(tests, one_condition);
    tcase_add_test(tests, several_conditions);
    tcase_add_test(tests, counts);
    tcase_add_test(tests, messages);
    tcase_add_test(tests, cut_at_every_byte);
    tcase_add_test(tests, diagnostics);
    suite_add_tcase(suite, tests);
    return suite;
}
