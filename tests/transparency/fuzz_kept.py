"""Phrases that keep a backend, perhaps for good: user variables, temporary tables, HANDLER, PREPARE, code that sets state."""
from fuzz_grammar import phrase
from fuzz_writes import ask_some


@phrase(5, "keep")
def user_variables(x):
    for _ in range(x.number(1, 2)):
        x.do(x.pick(("SET @v = 5", "SET @v = 'text', @w = 1.5", "SELECT @v := 7", "SELECT 1 INTO @v",
                     "SELECT MAX(id), 'x' FROM s INTO @v, @w", "SET @v = _latin1'e' COLLATE latin1_bin",
                     "SELECT @`odd name` := 3", "SET @v = NULL", "SET @v := @v + 1",
                     "SELECT @v := LAST_INSERT_ID()", "SET @v = (SELECT COUNT(*) FROM d)", "SET @v = ROW_COUNT()",
                     "SELECT id INTO @v FROM s WHERE id = 2", "SELECT v FROM t_a WHERE (@w := id) > 2 ORDER BY id",
                     "SET @c = CONNECTION_ID()", "SET @v = x'00ff'",
                     "SET @old = @@sort_buffer_size, sort_buffer_size = 290000", "GET DIAGNOSTICS @n = NUMBER, @r = ROW_COUNT",
                     "GET DIAGNOSTICS CONDITION 1 @s = RETURNED_SQLSTATE, @m = MESSAGE_TEXT, @e = MYSQL_ERRNO",
                     "SELECT nosuch INTO @v", "SELECT 1 WHERE @x IS NULL")))
    x.do(x.pick(("SELECT @v", "SELECT @v, @w", "SELECT CHARSET(@v), COLLATION(@v), @v = 'TEXT'", "SELECT @`odd name`",
                 "SELECT @c = CONNECTION_ID()", "SELECT @n, @r, @s, @m, @e", "SET sort_buffer_size = @old",
                 "SELECT @v IS NULL, @W", "SELECT @nosuch")))
    ask_some(x, 0, 1)


@phrase(3, "keep")
def temporary_tables(x):
    t, real = "x_" + x.name, "t_" + x.name
    x.do(x.pick((f"CREATE TEMPORARY TABLE {t} (id INT AUTO_INCREMENT PRIMARY KEY, v INT)",
                 f"CREATE TEMPORARY TABLE {t} SELECT 1 AS id, 'x' AS v",
                 f"CREATE TEMPORARY TABLE {real} (id INT, w VARCHAR(9))", f"CREATE TEMPORARY TABLE {t} LIKE s",
                 f"CREATE TEMPORARY TABLE IF NOT EXISTS {t} AS SELECT * FROM d",
                 f"/*!50000 CREATE TEMPORARY TABLE {t} SELECT 7 AS id */", "CALL p_temp()",
                 f"CREATE TEMPORARY TABLE {t} (i INT) ENGINE=MEMORY")))
    for _ in range(x.number(1, 3)):
        x.do(x.pick((f"SELECT * FROM {t}", f"SELECT * FROM {real}", f"INSERT INTO {t} (v) VALUES (1)",
                     f"INSERT INTO {real} (id) VALUES (77)", "SELECT * FROM pt", f"SHOW CREATE TABLE {real}",
                     f"ALTER TABLE {t} ADD COLUMN z INT", "SHOW TABLES LIKE 'x%'",
                     f"SELECT COUNT(*) FROM {t}", "SELECT LAST_INSERT_ID()", f"SHOW COLUMNS FROM {t}")))
    x.do(x.pick((f"DROP TABLE IF EXISTS {t}", f"DROP TEMPORARY TABLE {t}", f"DROP TEMPORARY TABLE IF EXISTS {real}", "SELECT 1",
                 f"DROP TEMPORARY TABLE IF EXISTS {t}, {real}, pt")))
    x.do(f"SELECT * FROM {real} ORDER BY id")


@phrase(2, "keep")
def handler(x):
    t = "t_" + x.name
    x.do(x.pick((f"HANDLER {t} OPEN", f"HANDLER {t} OPEN AS h", f"HANDLER app.{t} OPEN")))
    for _ in range(x.number(1, 3)):
        x.do(x.pick((f"HANDLER {t} READ FIRST", f"HANDLER {t} READ NEXT", f"HANDLER {t} READ `PRIMARY` = (2)",
                     "HANDLER h READ FIRST", "HANDLER h READ `PRIMARY` NEXT LIMIT 2", "SELECT 1",
                     f"INSERT INTO {t} (v) VALUES (3)", "SELECT FOUND_ROWS()")))
    x.do(x.pick((f"HANDLER {t} CLOSE", "HANDLER h CLOSE", "SELECT 1")))


@phrase(3, "keep")
def text_statements(x):
    t = "t_" + x.name
    x.do(x.pick(("PREPARE st FROM 'SELECT 5'", "PREPARE st FROM 'SELECT ?'",
                 f"PREPARE st FROM 'INSERT INTO {t} (v) VALUES (?)'", "PREPARE st FROM 'SET @q = 5'", "PREPARE st FROM @nosuch",
                 "PREPARE st FROM 'SELEC'", "PREPARE st FROM 'SELECT LAST_INSERT_ID()'",
                 "PREPARE st FROM 'CREATE TEMPORARY TABLE pt SELECT 1 AS one'", "PREPARE `st` FROM \"SELECT 'dq'\"",
                 "PREPARE st FROM 'SET sort_buffer_size = 310000'", "PREPARE st FROM 'SELECT ROW_COUNT()'",
                 "SET @p = 'SELECT 9'")))
    for _ in range(x.number(1, 3)):
        x.do(x.pick(("EXECUTE st", "SET @p = 4", "EXECUTE st USING @p", "EXECUTE nosuch", "SELECT @q, @@sort_buffer_size",
                     "PREPARE st FROM @p", "EXECUTE IMMEDIATE 'SELECT 3'" if x.mariadb else "EXECUTE st",
                     f"EXECUTE IMMEDIATE 'INSERT INTO {t} (v) VALUES (1)'" if x.mariadb else "EXECUTE st",
                     "EXECUTE IMMEDIATE 'SET time_zone = ''+06:00'''" if x.mariadb else "SELECT 1", "SELECT * FROM pt",
                     "SELECT @@time_zone", "SELECT 1")))
        ask_some(x, 0, 1)
    x.do(x.pick(("DEALLOCATE PREPARE st", "DROP PREPARE st", "SELECT 2", "DEALLOCATE PREPARE nosuch")))


@phrase(4, "keep")
def routines(x):
    x.do(x.pick(("SELECT f_set(5)", "SELECT f_set(id) FROM d ORDER BY id", "SELECT f_log(1), f_set(2)", "CALL p_sets()",
                 "CALL p_none()", "CALL p_out(1, @y, @z)", "CALL p_work(3)", "CALL p_set()",
                 "CALL p_shown()", "CALL p_names()", "CALL p_temp()",
                 f"CALL p_lock('{x.lock}p')",
                 "CALL p_warn()", "CALL p_into(6)", "SELECT f_mode()", "INSERT INTO tv (v) VALUES (8)",
                 f"INSERT INTO tl (v) VALUES ('{x.lock}t')", "CALL p_sets(1)", "CALL app . p_none", "SET @z = 3")))
    for _ in range(x.number(1, 2)):
        x.do(x.pick(("SELECT @z, @y, @v, @w", "SELECT @@sort_buffer_size, @@time_zone",
                     "SELECT COLLATION('x'), @@collation_connection", "SELECT * FROM pt",
                     f"SELECT IS_FREE_LOCK('{x.lock}p'), IS_FREE_LOCK('{x.lock}t')", "SHOW WARNINGS",
                     "SELECT LAST_INSERT_ID(), ROW_COUNT()",
                     "SELECT who, v FROM s ORDER BY id", "SELECT FOUND_ROWS()", "SELECT * FROM log ORDER BY id",
                     "SELECT id, v, got FROM tl ORDER BY id" if x.chance(0.5) else "SELECT id, v FROM tv ORDER BY id")))
    ask_some(x, 0, 2)


@phrase(2, "keep")
def own_code(x):
    """Stored code that comes into being while sessions run."""
    t = "t_" + x.name
    x.do(x.pick((f"CREATE TRIGGER tg_{x.name} BEFORE INSERT ON {t} FOR EACH ROW SET @q = NEW.v",
                 f"CREATE TRIGGER tg_{x.name} AFTER INSERT ON {t} FOR EACH ROW INSERT INTO log (what) VALUES ('o'), ('w')",
                 f"CREATE OR REPLACE VIEW vw_{x.name} AS SELECT ROW_COUNT() AS r",
                 f"CREATE OR REPLACE VIEW vw_{x.name} AS SELECT LAST_INSERT_ID() AS r FROM s",
                 f"CREATE TRIGGER tg_{x.name} BEFORE UPDATE ON {t} FOR EACH ROW SET @q = GET_LOCK('{x.lock}g', 0)")))
    for _ in range(x.number(1, 3)):
        x.do(x.pick((f"INSERT INTO {t} (v) VALUES (5)", f"UPDATE {t} SET v = 6 WHERE id = 1", "SELECT @q",
                     f"SELECT * FROM vw_{x.name}", "SELECT LAST_INSERT_ID()", f"SELECT IS_FREE_LOCK('{x.lock}g')")))
    if x.chance(0.6):
        x.do(f"DROP TRIGGER IF EXISTS tg_{x.name}")


@phrase(2, "keep")
def tables_of_others(x):
    """What another session's trigger does to this one."""
    t = "t_" + x.pick("abcd")
    x.do(x.pick((f"INSERT INTO {t} (v) VALUES (9)", f"INSERT INTO {t} (v) VALUES (8), (9)", f"SELECT MAX(id) FROM {t}",
                 f"UPDATE {t} SET v = 3 WHERE id = 2")))
    x.do(x.pick(("SELECT @q", "SELECT LAST_INSERT_ID(), ROW_COUNT()", "SELECT @q, LAST_INSERT_ID()")))


@phrase(3, "keep", flavor="mariadb")
def sequences(x):
    for _ in range(x.number(1, 3)):
        x.do(x.pick(("SELECT NEXTVAL(sq)", "SELECT NEXT VALUE FOR app.sq", "INSERT INTO td (v) VALUES (1)",
                     "INSERT INTO td (v) VALUES (1), (2)", "SELECT SETVAL(sq, 500)", "SELECT LASTVAL(sq)",
                     "SELECT PREVIOUS VALUE FOR sq")))
    x.do(x.pick(("SELECT LASTVAL(sq)", "SELECT PREVIOUS VALUE FOR sq", "SELECT * FROM td ORDER BY id",
                 "SELECT LAST_INSERT_ID()")))


@phrase(1, "keep", flavor="mariadb")
def compound(x):
    """Statements that are programs."""
    x.do(x.pick((f"BEGIN NOT ATOMIC INSERT INTO t_{x.name} (v) VALUES (1); SET sort_buffer_size = 320000; END",
                 "BEGIN NOT ATOMIC DECLARE i INT DEFAULT 3; SELECT i; END", "IF 1 THEN SET @i = 5; END IF",
                 "BEGIN NOT ATOMIC START TRANSACTION; END",
                 "CASE WHEN 1 THEN SELECT 4; END CASE", "BEGIN NOT ATOMIC SIGNAL SQLSTATE '45000'; END",
                 "FOR i IN 1..2 DO SELECT i; END FOR")))
    x.do(x.pick(("SELECT @@sort_buffer_size, @i", "SELECT LAST_INSERT_ID(), ROW_COUNT()", "SELECT @@in_transaction")))
    x.do("COMMIT")
