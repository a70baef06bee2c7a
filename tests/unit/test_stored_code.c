/* SPDX-License-Identifier: MIT
 * What stored code is judged to do, text by text, and together.
 */
#include <check.h>
#include <stdio.h>
#include <string.h>

#include "protocol/statement.h"
#include "proxy/stored_code.h"
#include "proxy/target.h"

Suite *stored_code_suite(void);

/* What a text may be found to be. */
enum { PLAIN = NAME_PLAIN, INSERTS = NAME_PLAIN | NAME_INSERTS, OPAQUE = NAME_OPAQUE, READS = 8 | NAME_OPAQUE };

static const struct lexer_modes mariadb = {.mariadb = true, .version = 101119}, mysql = {.version = 90704};

static uint64_t hash(const char *name)
{
    return name_hash(name, strlen(name));
}

/* A builder with a schema `app`, and in it the plain function f, the plain procedure p, the plain view v, the sequence s. */
static struct stored_code_builder *builder(void)
{
    struct stored_code_builder *b = stored_code_builder();

    stored_code_add_schema(b, hash("app"));
    stored_code_add(b, hash("f"), &(struct code_text){.kind = CODE_ROUTINE, .text = "RETURN 1", .length = 8, .modes = mariadb});
    stored_code_add(b, hash("p"), &(struct code_text){.kind = CODE_ROUTINE, .text = "SELECT 1", .length = 8, .modes = mariadb});
    stored_code_add(b, hash("v"), &(struct code_text){.kind = CODE_VIEW, .text = "select 1 AS `1`", .length = 15, .modes = mariadb});
    stored_code_add_opaque(b, hash("s"), false);
    return b;
}

static void add(struct stored_code_builder *b, enum code_kind kind, const char *name, const char *text)
{
    const uint64_t parameters[] = {hash("a_in"), hash("a_out")};
    struct code_text code = {.kind = kind, .text = text, .length = strlen(text), .modes = mariadb, .parameters = parameters, .parameter_count = 2};

    if (kind != CODE_ROUTINE)
        code.parameter_count = 0;
    stored_code_add(b, hash(name), &code);
}

static uint8_t meaning(const struct stored_code *code, const char *name)
{
    return name_set_find(&code->names, hash(name));
}

static int judge(enum code_kind kind, const char *text, struct lexer_modes modes)
{
    struct stored_code_builder *b = builder();
    const uint64_t parameters[] = {hash("a_in"), hash("a_out")};
    struct code_text code = {.kind = kind, .text = text, .length = strlen(text), .modes = modes, .parameters = parameters, .parameter_count = 2};
    struct stored_code *built;
    int found;

    if (kind != CODE_ROUTINE)
        code.parameter_count = 0;
    stored_code_add(b, hash("it"), &code);
    built = stored_code_build(b);
    found = meaning(built, "it") | (built->names.reads ? 8 : 0);
    stored_code_drop(built);
    return found;
}

struct sample {
    enum code_kind kind;
    int found;
    const char *text;
};

static const struct sample samples[] = {
    /* views, as the servers print them */
    {CODE_VIEW, PLAIN, "select `app`.`t`.`a` AS `a`,count(0) AS `n` from `app`.`t` group by `app`.`t`.`a`"},
    {CODE_VIEW, PLAIN, "select trim(both 'x' from `app`.`t0`.`b`) AS `q`,extract(year from `app`.`t0`.`c`) AS `y`,cast(`app`.`t0`.`a` as char(5) charset utf8mb4)"
                       " AS `z`,`app`.`t0`.`a` in (1,2) AS `l`,exists(select 1 limit 1) AS `m`,interval(3,1,2) AS `n`,`app`.`t0`.`c` + interval 1 day AS `o`,"
                       "locate('a',`app`.`t0`.`b`) AS `p`,group_concat(`app`.`t0`.`b` order by `app`.`t0`.`a` ASC separator '-') AS `ss`,"
                       "count(distinct `app`.`t0`.`a`) AS `t`,if(`app`.`t0`.`a`,`app`.`t0`.`b`,`app`.`t0`.`c`) AS `u`,case `app`.`t0`.`a` when 1 then 2 else 3 end"
                       " AS `w`,convert(`app`.`t0`.`b` using latin1) AS `bb`,char(65) AS `cc`,(match `app`.`t0`.`b` against ('x')) AS `d` from `app`.`t0`"},
    {CODE_VIEW, PLAIN, "select `x`.`a` AS `a` from (`app`.`t` `x` join `app`.`v` `y` on(`x`.`a` = `y`.`a`)) where `x`.`a` > any (select 3)"},
    {CODE_VIEW, PLAIN, "select row_number() over ( partition by `t`.`a` order by `t`.`b`) AS `r` from `app`.`t`"},
    {CODE_VIEW, PLAIN, "with recursive c as (select 1 AS `n` union all select `c`.`n` + 1 AS `n + 1` from `c` where `c`.`n` < 5)select `c`.`n` AS `n` from `c`"},
    {CODE_VIEW, PLAIN, "select last_insert_id() AS `id`"},
    {CODE_VIEW, OPAQUE, "select last_insert_id(4) AS `id`"},
    {CODE_VIEW, OPAQUE, "select get_lock('a',1) AS `l`"},
    {CODE_VIEW, OPAQUE, "select nextval(`app`.`s`) AS `n`"},
    {CODE_VIEW, OPAQUE, "select `s`.`next_not_cached_value` AS `n` from `app`.`s`"},
    {CODE_VIEW, PLAIN, "select `app`.`f`() AS `f`"},
    {CODE_VIEW, OPAQUE, "select `app`.`unknown`() AS `f`"},
    {CODE_VIEW, OPAQUE, "select `app`.`abs`(1) AS `f`"},
    {CODE_VIEW, OPAQUE, "select `app`.`v`(1) AS `a view is no function`"},
    {CODE_VIEW, READS, "select connection_id() AS `c`"},
    {CODE_VIEW, READS, "select row_count() AS `c`"},
    {CODE_VIEW, READS, "select found_rows() AS `c`"},
    {CODE_VIEW, READS, "select `b`.`a` AS `a` from `other`.`b`"},
    {CODE_VIEW, READS, "select `app`.`t`.`a` AS `a` from `app`.`t`,`other`.`b`"},
    {CODE_VIEW, READS, "select `other`.`f`() AS `f`"},

    /* default values, generated columns: only the opaque ones are in the set */
    {CODE_EXPRESSION, 0, "current_timestamp()"},
    {CODE_EXPRESSION, 0, "concat('a',`b`)"},
    {CODE_EXPRESSION, OPAQUE, "nextval(`app`.`s`)"},
    {CODE_EXPRESSION, OPAQUE, "@x:=5"},
    {CODE_EXPRESSION, READS, "connection_id()"},
    {CODE_EXPRESSION, READS, "@@warning_count"},

    /* triggers */
    {CODE_TRIGGER, PLAIN, "SET NEW.a = NEW.b + 1, NEW.c := (SELECT MAX(x) FROM t, u WHERE t.id = u.id)"},
    {CODE_TRIGGER, PLAIN, "SET NEW.`group` = OLD.begin"},
    {CODE_TRIGGER, INSERTS, "INSERT INTO log (a, b) VALUES (NEW.a, NOW())"},
    {CODE_TRIGGER, INSERTS, "INSERT INTO log VALUES (1) ON DUPLICATE KEY UPDATE log.a = 1, log.b = 2"},
    {CODE_TRIGGER, INSERTS, "REPLACE app.log (a) SELECT NEW.a"},
    {CODE_TRIGGER, PLAIN, "UPDATE t SET n = n + 1 WHERE id = NEW.id"},
    {CODE_TRIGGER, PLAIN, "DELETE FROM t WHERE id = OLD.id"},
    {CODE_TRIGGER, PLAIN, "BEGIN DECLARE x, y INT DEFAULT (1 + 2); SET x = NEW.a, y = IF(x > 1, 2, 3); IF x > 5 THEN SET NEW.b = UPPER(NEW.b);"
                          " ELSEIF y THEN SET y = 1; ELSE SET NEW.b = ''; END IF; END"},
    {CODE_TRIGGER, PLAIN, "IF NEW.a < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'negative', MYSQL_ERRNO = 1644; END IF"},
    {CODE_TRIGGER, OPAQUE, "SET @n = 1"},
    {CODE_TRIGGER, OPAQUE, "SET NEW.a = @n"},
    {CODE_TRIGGER, OPAQUE, "SELECT 'x' INTO @v"},
    {CODE_TRIGGER, OPAQUE, "SET sql_mode = ''"},
    {CODE_TRIGGER, OPAQUE, "SET SESSION sort_buffer_size = 1"},
    {CODE_TRIGGER, OPAQUE, "SET @@sort_buffer_size = 1"},
    {CODE_TRIGGER, OPAQUE, "SET NEW.a = 1, sort_buffer_size = 1"},
    {CODE_TRIGGER, OPAQUE, "SET NEW.a = CASE WHEN 1 THEN 2 END, sort_buffer_size = 1"},
    {CODE_TRIGGER, OPAQUE, "SET a_out = 1"},
    {CODE_TRIGGER, OPAQUE, "CREATE TEMPORARY TABLE x SELECT 1"},
    {CODE_TRIGGER, OPAQUE, "CALL q()"},
    {CODE_TRIGGER, PLAIN, "CALL p()"},
    {CODE_TRIGGER, READS, "CALL other.p()"},
    {CODE_TRIGGER, READS, "INSERT INTO other.log VALUES (1)"},
    {CODE_TRIGGER, READS, "UPDATE t, other.u SET t.a = 1"},
    {CODE_TRIGGER, READS, "SET NEW.a = (SELECT 1 FROM t, other.u)"},
    {CODE_TRIGGER, READS, "SET NEW.a = (SELECT t FROM (x, t.u))"},
    {CODE_TRIGGER, PLAIN, "UPDATE t, u SET t.a = 1, u.b = EXTRACT(YEAR FROM u.c)"},
    {CODE_TRIGGER, OPAQUE, "SET NEW.id = NEXT VALUE FOR q"},

    /* routines */
    {CODE_ROUTINE, PLAIN, "RETURN a_in * 2"},
    {CODE_ROUTINE, PLAIN, "SET a_out = a_in"},
    {CODE_ROUTINE, OPAQUE, "SET NEW.key_buffer_size = 1"},
    {CODE_ROUTINE, OPAQUE, "BEGIN END; SET sort_buffer_size = 1"},
    {CODE_ROUTINE, PLAIN, "BEGIN END"},
    {CODE_ROUTINE, PLAIN, ""
                          "main: BEGIN\n DECLARE done BOOL DEFAULT FALSE; DECLARE id, n BIGINT UNSIGNED; DECLARE x ENUM('a','b');\n"
                          " DECLARE gone CONDITION FOR SQLSTATE '02000'; DECLARE c CURSOR FOR SELECT t.id, CASE WHEN b THEN 1 ELSE 2 END FROM t;\n"
                          " DECLARE CONTINUE HANDLER FOR NOT FOUND SET done = TRUE;\n"
                          " DECLARE EXIT HANDLER FOR SQLEXCEPTION, SQLSTATE VALUE '23000', 1062, gone BEGIN GET DIAGNOSTICS CONDITION 1 x = MESSAGE_TEXT; RESIGNAL; END;\n"
                          " OPEN c; each_row: LOOP FETCH c INTO id, n; IF done THEN LEAVE each_row; END IF; UPDATE t SET b = n WHERE t.id = id; END LOOP each_row;\n"
                          " CLOSE c; CASE a_in WHEN 1 THEN SELECT 1; WHEN 2 THEN BEGIN END; ELSE SET n = 2; END CASE;\n"
                          " CASE WHEN n = 1 THEN SET n = CASE n WHEN 1 THEN 2 END; END CASE;\n"
                          " WHILE n > 0 DO SET n = n - 1; END WHILE; REPEAT SET n = n + 1; UNTIL n > 5 END REPEAT;\n"
                          " WITH q AS (SELECT 1) SELECT * FROM q; (SELECT 1) UNION (SELECT 2); DO SLEEP(0); SELECT COUNT(*) INTO n FROM t FOR UPDATE;\n"
                          "END main"},
    {CODE_ROUTINE, PLAIN, "BEGIN FOR r IN (SELECT id FROM t) DO UPDATE t SET a = r.id; END FOR; END"},
    {CODE_ROUTINE, OPAQUE, "BEGIN BEGIN DECLARE sql_mode INT; SET sql_mode = 1; END; SET sql_mode = ''; END"},
    {CODE_ROUTINE, OPAQUE, "BEGIN DECLARE sql_mode CURSOR FOR SELECT 1; SET sql_mode = ''; END"},
    {CODE_ROUTINE, OPAQUE, "BEGIN DECLARE session INT; SET session sql_mode = ''; END"},
    {CODE_ROUTINE, OPAQUE, "BEGIN DECLARE x INT; SET x.key_buffer_size = 1; END"},
    {CODE_ROUTINE, OPAQUE, "open: LOOP SET sql_mode = ''; END LOOP"},
    {CODE_ROUTINE, OPAQUE, "IF CASE WHEN end > 5 THEN (SELECT 1) END THEN SET sql_mode = ''; END IF"},
    {CODE_ROUTINE, READS, "GET DIAGNOSTICS a_out = ROW_COUNT"},
    {CODE_ROUTINE, READS, "BEGIN DECLARE EXIT HANDLER FOR 1062 BEGIN END; GET DIAGNOSTICS a_out = NUMBER; END"},
    {CODE_ROUTINE, READS, "SHOW WARNINGS"},
    {CODE_ROUTINE, READS, "SET a_out = ROW_COUNT()"},
    {CODE_ROUTINE, READS, "SET a_out = @@error_count"},
    {CODE_ROUTINE, PLAIN, "SET a_out = @@session.sql_mode"},
    {CODE_ROUTINE, OPAQUE, "SET a_out = @@no_such_variable"},
    {CODE_ROUTINE, READS, "SET a_out = @@pseudo_thread_id"},
    {CODE_ROUTINE, OPAQUE, "SELECT SQL_CALC_FOUND_ROWS 1"},
    {CODE_ROUTINE, OPAQUE, "PREPARE q FROM 'SELECT 1'"},
    {CODE_ROUTINE, READS, "EXECUTE q"},
    {CODE_ROUTINE, READS, "EXECUTE IMMEDIATE 'SELECT ROW_COUNT()'"},
    {CODE_ROUTINE, OPAQUE, "BEGIN START TRANSACTION; COMMIT; END"},
    {CODE_ROUTINE, OPAQUE, "COMMIT"},
    {CODE_ROUTINE, OPAQUE, "SET ROLE NONE"},
    {CODE_ROUTINE, OPAQUE, "SET NAMES utf8mb4"},
    {CODE_ROUTINE, OPAQUE, "SET STATEMENT max_statement_time = 1 FOR SELECT 1"},
    {CODE_ROUTINE, OPAQUE, "HANDLER t OPEN"},
    {CODE_ROUTINE, OPAQUE, "LOCK TABLES t WRITE"},
    {CODE_ROUTINE, OPAQUE, "DROP TEMPORARY TABLE t"},
    {CODE_ROUTINE, OPAQUE, "TRUNCATE t"},
    {CODE_ROUTINE, OPAQUE, "XA START 'x'"},
    {CODE_ROUTINE, OPAQUE, "SELECT unknown (1)"},
    {CODE_ROUTINE, PLAIN, "SELECT f(1), app.f(2), COUNT(*), LEFT('a', 1)"},
    {CODE_ROUTINE, READS, "SELECT 'unfinished"},
    {CODE_ROUTINE, OPAQUE, "IF 1 THEN SELECT 1;"},
    {CODE_ROUTINE, READS, "SELECT 1)"},
    {CODE_ROUTINE, OPAQUE, "BEGIN SELECT 1;"},
};

START_TEST(texts)
{
    const struct sample *s = &samples[_i];
    int found = judge(s->kind, s->text, mariadb);

    ck_assert_msg(found == s->found, "%s\nis %d rather than %d", s->text, found, s->found);
}
END_TEST

/* The end of a statement is seen, whatever it was: what follows is judged, too. */
START_TEST(followed)
{
    const struct sample *s = &samples[_i];
    char text[4096];

    if (s->kind == CODE_VIEW || s->kind == CODE_EXPRESSION)
        return;
    snprintf(text, sizeof text, "BEGIN IF 1 THEN %s; END IF; END", s->text);
    if (!(s->found & NAME_OPAQUE))
        ck_assert_msg(judge(s->kind, text, mariadb) == s->found, "%s", text);
    snprintf(text, sizeof text, "BEGIN IF 1 THEN %s; SET sql_mode = ''; END IF; END", s->text);
    ck_assert_msg(judge(s->kind, text, mariadb) & NAME_OPAQUE, "%s", text);
    snprintf(text, sizeof text, "BEGIN IF 1 THEN %s; END IF; SELECT 1; COMMIT; END", s->text);
    ck_assert_msg(judge(s->kind, text, mariadb) & NAME_OPAQUE, "%s", text);
}
END_TEST

/* A text that was cut off is judged without a fault; a block without its end is opaque. */
START_TEST(cut_off)
{
    const struct sample *s = &samples[_i];
    char text[4096];

    for (size_t length = strlen(s->text); --length > 0;) {
        memcpy(text, s->text, length);
        text[length] = 0;
        int found = judge(s->kind, text, mariadb);

        if (strncmp(s->text, "BEGIN", 5) == 0 && strstr(s->text, "END") == s->text + strlen(s->text) - 3)
            ck_assert_msg(found & NAME_OPAQUE, "%s", text);
    }
}
END_TEST

START_TEST(modes)
{
    struct lexer_modes ansi = mariadb, plain_backslash = mariadb;

    ansi.ansi_quotes = true;
    plain_backslash.no_backslash_escapes = true;
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT 1 FROM \"s\"", mariadb), PLAIN);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT 1 FROM \"s\"", ansi), OPAQUE);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT '\\', @x, '\\'", plain_backslash), OPAQUE);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT '\\', @x, \\''", mariadb), PLAIN);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT /*M! @x, */ 1", mariadb), OPAQUE);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT /*M! @x, */ 1", mysql), PLAIN);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT uuid_to_bin(1)", mysql), PLAIN);
    ck_assert_int_eq(judge(CODE_ROUTINE, "SELECT uuid_to_bin(1)", mariadb), OPAQUE);
}
END_TEST

/* What is read of the statement before, by whom it is read. */
static unsigned reads(enum code_kind kind, const char *text, struct lexer_modes by)
{
    struct stored_code_builder *b = builder();
    struct code_text code = {.kind = kind, .text = text, .length = strlen(text), .modes = by};
    struct stored_code *built;
    unsigned found;

    stored_code_add(b, hash("it"), &code);
    add(b, CODE_VIEW, "over", "select `it`.`a` AS `a` from `app`.`it`");
    built = stored_code_build(b);
    found = name_set_reads(&built->names, hash("it"));
    ck_assert_uint_eq(name_set_reads(&built->names, hash("over")), found);
    ck_assert_uint_eq(built->names.reads, found);
    ck_assert_uint_eq(name_set_reads(&built->names, hash("f")), 0);
    stored_code_drop(built);
    return found;
}

START_TEST(what_is_read)
{
    ck_assert_uint_eq(reads(CODE_VIEW, "select row_count() AS `r`,@x AS `x`", mysql), RESIDUE_ROW_COUNT);
    ck_assert_uint_eq(reads(CODE_VIEW, "select found_rows() AS `r`", mysql), RESIDUE_FOUND_ROWS);
    ck_assert_uint_eq(reads(CODE_VIEW, "select `other`.`b`.`a` AS `a` from `other`.`b`", mysql), NAME_READS_ANYTHING);
    ck_assert_uint_eq(reads(CODE_ROUTINE, "BEGIN SET @x = 1; CALL reads(); END", mysql), 0);
    ck_assert_uint_eq(reads(CODE_ROUTINE, "EXECUTE q", mysql), NAME_READS_ANYTHING);
    ck_assert_uint_eq(reads(CODE_ROUTINE, "SELECT @@warning_count", mariadb) & RESIDUE_ALL, RESIDUE_WARNINGS);
    ck_assert_uint_eq(reads(CODE_ROUTINE, "BEGIN COMMIT; END", mariadb), 0);
    ck_assert_uint_eq(reads(CODE_ROUTINE, "BEGIN COMMIT; GET DIAGNOSTICS @r = ROW_COUNT; END", mariadb), RESIDUE_ROW_COUNT | RESIDUE_WARNINGS);
}
END_TEST

/* A routine of MySQL's that has changed rows, whatever way it took, reads its own ROW_COUNT(). */
START_TEST(own_row_count)
{
    static const char *const own[] = {
        "BEGIN UPDATE t SET a = 1; SELECT ROW_COUNT(); END",
        "BEGIN DECLARE n INT; IF 1 THEN SELECT 1; END IF; DELETE FROM t; IF ROW_COUNT() THEN SELECT ROW_COUNT(); END IF; END",
        "BEGIN INSERT INTO t VALUES (1); COMMIT; SELECT ROW_COUNT(); END",
    };
    static const char *const others[] = {
        "BEGIN SELECT ROW_COUNT(); UPDATE t SET a = 1; END",
        "BEGIN UPDATE t SET a = ROW_COUNT(); END",
        "BEGIN IF 1 THEN UPDATE t SET a = 1; END IF; SELECT ROW_COUNT(); END",
        "BEGIN BEGIN UPDATE t SET a = 1; END; SELECT ROW_COUNT(); END",
        "BEGIN WHILE 0 DO DELETE FROM t; END WHILE; SELECT ROW_COUNT(); END",
        "BEGIN DECLARE EXIT HANDLER FOR 1062 UPDATE t SET a = 1; SELECT ROW_COUNT(); END",
        "BEGIN DECLARE EXIT HANDLER FOR 1062 SELECT ROW_COUNT(); UPDATE t SET a = 1; END",
        "BEGIN COMMIT; UPDATE t SET a = 1; SELECT ROW_COUNT(); END",
    };

    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        ck_assert_msg(reads(CODE_ROUTINE, own[i], mysql) == 0, "%s", own[i]);
        ck_assert_uint_eq(reads(CODE_ROUTINE, own[i], mariadb), RESIDUE_ROW_COUNT);
        ck_assert_uint_eq(reads(CODE_TRIGGER, own[i], mysql), RESIDUE_ROW_COUNT);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        ck_assert_msg(reads(CODE_ROUTINE, others[i], mysql) == RESIDUE_ROW_COUNT, "%s", others[i]);
}
END_TEST

START_TEST(together)
{
    struct stored_code_builder *b = builder();
    struct stored_code *code;

    add(b, CODE_VIEW, "v1", "select `v2`.`a` AS `a` from `app`.`v2`");
    add(b, CODE_VIEW, "v2", "select `v3`.`a` AS `a` from `app`.`v3`");
    add(b, CODE_VIEW, "v3", "select `app`.`g`() AS `a`");
    add(b, CODE_ROUTINE, "g", "BEGIN INSERT INTO counted VALUES (1); RETURN 1; END");
    add(b, CODE_TRIGGER, "counted", "UPDATE other_table SET a = 1");
    add(b, CODE_VIEW, "w", "select * from `app`.`deep`");
    add(b, CODE_ROUTINE, "ring_a", "CALL ring_b()");
    add(b, CODE_ROUTINE, "ring_b", "CALL ring_c()");
    add(b, CODE_ROUTINE, "ring_c", "CALL ring_a()");
    add(b, CODE_ROUTINE, "deep", "SET @x = 1");
    add(b, CODE_VIEW, "twice", "select 1 AS `1`");
    add(b, CODE_ROUTINE, "twice", "BEGIN END");
    add(b, CODE_TRIGGER, "twice", "CALL deep()");
    code = stored_code_build(b);
    ck_assert(code->names.complete);
    ck_assert_int_eq(meaning(code, "v1"), INSERTS);
    ck_assert_int_eq(meaning(code, "V3"), INSERTS);
    ck_assert_int_eq(meaning(code, "counted"), PLAIN);
    ck_assert_int_eq(meaning(code, "ring_a"), PLAIN);
    ck_assert_int_eq(meaning(code, "w"), OPAQUE);
    ck_assert_int_eq(meaning(code, "twice"), OPAQUE);
    ck_assert_int_eq(meaning(code, "other_table"), NAME_UNKNOWN);
    ck_assert(name_set_has_schema(&code->names, hash("app")));
    ck_assert(!name_set_has_schema(&code->names, hash("other")));
    stored_code_drop(code);
}
END_TEST

/* However the codes are ordered, the last of a chain spoils the first. */
START_TEST(long_chains)
{
    for (int step = -1; step <= 1; step += 2) {
        struct stored_code_builder *b = builder();
        struct stored_code *code;
        char name[16], text[64];

        for (int i = 0; i < 500; i++) {
            snprintf(name, sizeof name, "c%d", i);
            snprintf(text, sizeof text, "CALL c%d()", (i + step + 500) % 500);
            add(b, CODE_ROUTINE, name, i == 250 ? "COMMIT" : text);
        }
        add(b, CODE_ROUTINE, "beside", "CALL p()");
        code = stored_code_build(b);
        for (int i = 0; i < 500; i++) {
            snprintf(name, sizeof name, "c%d", i);
            ck_assert_int_eq(meaning(code, name), OPAQUE);
        }
        ck_assert_int_eq(meaning(code, "beside"), PLAIN);
        stored_code_drop(code);
    }
}
END_TEST

START_TEST(same)
{
    struct stored_code_builder *b = builder(), *c = builder(), *d = builder();
    struct stored_code *one, *two, *three;

    add(b, CODE_VIEW, "x", "select 1 AS `1`");
    add(c, CODE_VIEW, "x", "select 2 AS `2`");
    add(d, CODE_VIEW, "x", "select found_rows() AS `2`");
    one = stored_code_build(b);
    two = stored_code_build(c);
    three = stored_code_build(d);
    ck_assert(stored_code_same(one, two));
    ck_assert(!stored_code_same(one, three));
    ck_assert_ptr_eq(stored_code_hold(two), two);
    stored_code_drop(two);
    stored_code_drop(one);
    stored_code_drop(two);
    stored_code_drop(three);
    stored_code_drop(NULL);
}
END_TEST

static void count_news(void *data)
{
    ++*(int *)data;
}

static struct stored_code *with_view(const char *name)
{
    struct stored_code_builder *b = builder();

    add(b, CODE_VIEW, name, "select 1 AS `1`");
    return stored_code_build(b);
}

/* A snapshot is right only if nothing was changing between the begin of its reading and now. */
START_TEST(trusted)
{
    struct target target;
    struct stored_code *mine;
    uint64_t began;
    int news = 0;

    target_open(&target, "db", 3306, NULL);
    target.changed = count_news;
    target.changed_data = &news;
    ck_assert_ptr_null(target_stored_code(&target));
    ck_assert(!target_stored_code_right(&target, NULL) && target_stored_code_moment(&target, NULL).awaited);
    ck_assert(target_stored_code_begin(&target, &began));
    target_stored_code_learn(&target, with_view("x"), began, 5000);
    mine = target_stored_code(&target);
    ck_assert(target_stored_code_right(&target, mine) && news == 1);
    target_stored_code_learn(&target, NULL, began, 0);
    ck_assert(target_stored_code_right(&target, mine) && news == 1);

    /* under way: nothing is right, and reading would be in vain */
    target_stored_code_changing(&target);
    ck_assert(!target_stored_code_right(&target, mine) && target_stored_code_moment(&target, mine).awaited);
    ck_assert(!target_stored_code_begin(&target, &began));
    target_stored_code_learn(&target, with_view("x"), began, 5000);
    ck_assert(!target_stored_code_right(&target, mine));
    target_stored_code_changed(&target);
    ck_assert(!target_stored_code_right(&target, mine));

    /* a reading that began before does not see the end of the change; the same content is right again without a new snapshot */
    target_stored_code_learn(&target, with_view("x"), began, 5000);
    ck_assert(!target_stored_code_right(&target, mine) && news == 1);
    ck_assert(target_stored_code_begin(&target, &began));
    target_stored_code_learn(&target, with_view("x"), began, 5000);
    ck_assert(target_stored_code_right(&target, mine) && !target_stored_code_moment(&target, mine).awaited && news == 2);

    /* another content: who has the old snapshot must not trust it */
    target_stored_code_learn(&target, with_view("y"), began, 5000);
    ck_assert(!target_stored_code_right(&target, mine) && news == 3);
    stored_code_drop(mine);
    mine = target_stored_code(&target);
    ck_assert(target_stored_code_right(&target, mine) && meaning(mine, "y") == PLAIN);
    ck_assert(target_stored_code_numbers(&target).right);
    target_stored_code_unknown(&target);
    ck_assert(!target_stored_code_right(&target, mine) && !target_stored_code_numbers(&target).right);

    /* it can't be read: who waits for that is told, once */
    ck_assert(target_stored_code_moment(&target, mine).awaited);
    target_stored_code_failed(&target);
    target_stored_code_failed(&target);
    ck_assert(!target_stored_code_moment(&target, mine).awaited && news == 4);
    target_stored_code_learn(&target, with_view("y"), began, 5000);
    target_stored_code_changing(&target);
    ck_assert(target_stored_code_moment(&target, mine).awaited && news == 5);
    target_close(&target);
    ck_assert_int_eq(meaning(mine, "y"), PLAIN);
    stored_code_drop(mine);
}
END_TEST

Suite *stored_code_suite(void)
{
    Suite *suite = suite_create("stored_code");
    TCase *tests = tcase_create("stored_code");

    tcase_add_loop_test(tests, texts, 0, sizeof samples / sizeof samples[0]);
    tcase_add_loop_test(tests, followed, 0, sizeof samples / sizeof samples[0]);
    tcase_add_loop_test(tests, cut_off, 0, sizeof samples / sizeof samples[0]);
    tcase_add_test(tests, modes);
    tcase_add_test(tests, what_is_read);
    tcase_add_test(tests, own_row_count);
    tcase_add_test(tests, together);
    tcase_add_test(tests, long_chains);
    tcase_add_test(tests, same);
    tcase_add_test(tests, trusted);
    suite_add_tcase(suite, tests);
    return suite;
}
