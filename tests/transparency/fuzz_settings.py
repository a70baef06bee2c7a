"""Phrases that set variables of the session, character sets, modes and the schema, and see whether they still hold."""
from fuzz_grammar import phrase
from fuzz_writes import ask_some, diagnostics

# Variables that both servers have, with values as one writes them. Bad ones are among them.
COMMON = {
    "sort_buffer_size": ("32768", "262144", "1048576", "1", "'x'", "2 * 131072", "@@sort_buffer_size + 1024"),
    "join_buffer_size": ("131072", "262144", "1e6"),
    "tmp_table_size": ("1048576", "2097152"), "max_heap_table_size": ("1048576", "16777216"),
    "read_buffer_size": ("131072", "16384"), "read_rnd_buffer_size": ("262144", "1000"),
    "group_concat_max_len": ("4", "7", "1024", "0", "-1"), "div_precision_increment": ("0", "2", "7", "30", "31"),
    "default_week_format": ("0", "3", "7", "8"),
    "lc_time_names": ("'de_DE'", "'en_US'", "de_AT", "'nosuch'", "2"), "max_error_count": ("0", "1", "5", "64"),
    "sql_select_limit": ("1", "2", "5", "18446744073709551615", "0"),
    "foreign_key_checks": ("0", "1", "OFF", "ON", "'off'", "2"), "unique_checks": ("0", "1"), "sql_safe_updates": ("0", "1"),
    "sql_big_selects": ("0", "1", "ON"),
    "sql_notes": ("0", "1"), "sql_warnings": ("1", "0"), "sql_quote_show_create": ("0", "1"), "sql_auto_is_null": ("0", "1"),
    "sql_buffer_result": ("1", "0"),
    "time_zone": ("'+00:00'", "'+05:30'", "'-11:00'", "SYSTEM", "'SYSTEM'", "'nosuch'", "'+99:00'"),
    "wait_timeout": ("1000", "28800"), "interactive_timeout": ("2000", "28800"),
    "net_read_timeout": ("40", "30"), "net_write_timeout": ("70", "60"), "net_retry_count": ("5", "10"),
    "max_join_size": ("100000000", "18446744073709551615"),
    "max_sort_length": ("64", "1024", "8"), "max_sp_recursion_depth": ("0", "5", "300"),
    "default_storage_engine": ("InnoDB", "MEMORY", "'MyISAM'", "nosuch"),
    "optimizer_prune_level": ("0", "1"), "optimizer_search_depth": ("62", "0"), "range_alloc_block_size": ("4096", "8192"),
    "query_prealloc_size": ("24576", "32768"),
    "transaction_alloc_block_size": ("8192", "16384"), "transaction_prealloc_size": ("4096", "8192"),
    "updatable_views_with_limit": ("YES", "NO", "0"), "completion_type": ("0", "NO_CHAIN", "DEFAULT"),
    "min_examined_row_limit": ("0", "10"), "eq_range_index_dive_limit": ("10", "200"),
    "max_seeks_for_key": ("1000", "4294967295"), "preload_buffer_size": ("32768", "65536"),
    "low_priority_updates": ("0", "1"), "keep_files_on_create": ("1", "0"), "big_tables": ("0", "1"),
    "end_markers_in_json": ("1",), "profiling_history_size": ("15", "20"),
    "bulk_insert_buffer_size": ("1000000", "8388608"), "innodb_strict_mode": ("0", "1"), "innodb_table_locks": ("1", "0"),
    "myisam_sort_buffer_size": ("1000000", "134216704"),
    "long_query_time": ("10", "20.5", "3"), "lc_messages": ("'en_US'", "'de_DE'", "'nosuch'"),
    "optimizer_switch": ("'mrr=on'", "'default'", "'index_merge=off,mrr=off'", "'nosuch=on'"),
    "sql_log_off": ("0",), "max_length_for_sort_data": ("1024",), "session_track_schema": ("ON", "OFF"),
    "session_track_state_change": ("ON", "OFF"),
    "session_track_system_variables": ("''", "'*'", "'autocommit,time_zone'", "'sort_buffer_size'", "'nosuch'"),
    "session_track_transaction_info": ("'OFF'", "'STATE'", "'CHARACTERISTICS'"),
    "character_set_client": ("utf8mb4", "latin1", "'utf8mb4'", "binary", "ucs2", "nosuch"),
    "character_set_results": ("utf8mb4", "latin1", "NULL", "utf16", "ascii", "''"),
    "character_set_connection": ("utf8mb4", "latin1", "cp1251", "NULL"),
    "collation_connection": ("utf8mb4_bin", "latin1_swedish_ci", "utf8mb4_unicode_ci", "'latin1_bin'", "binary", "nosuch"),
    "collation_database": ("latin1_bin", "utf8mb4_general_ci"), "collation_server": ("latin1_bin", "utf8mb4_bin"),
    "character_set_database": ("latin1", "utf8mb4"), "character_set_server": ("latin1",),
    "character_set_filesystem": ("binary", "latin1"), "timestamp": ("1000000000", "1234567890.5", "0", "-1"),
    "max_allowed_packet": ("1000000",), "version": ("'x'",), "nosuch": ("1",),
    "read_only": ("1",), "max_connections": ("5",), "sql_log_bin": ("0",), "hostname": ("'x'",),
}
MARIADB = {
    "max_statement_time": ("0", "60", "50.5"), "check_constraint_checks": ("0", "1"), "sql_if_exists": ("0", "1"),
    "old_mode": ("''", "'UTF8_IS_UTF8MB3'", "'NO_DUP_KEY_WARNINGS_WITH_IGNORE'"),
    "tx_isolation": ("'READ-COMMITTED'", "'REPEATABLE-READ'", "'nosuch'"), "tx_read_only": ("0", "1"),
    "standard_compliant_cte": ("0", "1"), "in_predicate_conversion_threshold": ("1000", "5"),
    "analyze_sample_percentage": ("100", "50"), "expensive_subquery_limit": ("100", "5"),
    "storage_engine": ("InnoDB", "MEMORY"), "query_cache_type": ("OFF", "ON"), "max_tmp_tables": ("32",),
    "rowid_merge_buff_size": ("8388608", "100000"), "join_cache_level": ("2", "4"), "idle_transaction_timeout": ("0", "100"),
    "column_compression_threshold": ("100", "50"),
    "system_versioning_asof": ("DEFAULT",), "character_set_collations": ("''",), "histogram_size": ("254", "0"),
    "optimizer_use_condition_selectivity": ("4", "1"), "deadlock_search_depth_long": ("15", "10"),
    "tmp_disk_table_size": ("1000000",), "slow_query_log": ("ON", "OFF"), "log_slow_verbosity": ("'query_plan'", "''"),
    "wsrep_on": ("0",), "skip_replication": ("1",), "gtid_domain_id": ("5",), "pseudo_slave_mode": ("1",),
    "binlog_format": ("'ROW'",), "sql_error_log_rate": ("1",), "progress_report_time": ("5", "0"),
    "aria_repair_threads": ("1", "2"), "userstat": ("1",), "server_id": ("2",), "time_format": ("'x'",),
}
MYSQL = {
    "transaction_isolation": ("'READ-COMMITTED'", "'REPEATABLE-READ'"), "transaction_read_only": ("0", "1"),
    "max_execution_time": ("0", "60000"), "cte_max_recursion_depth": ("1000", "5"), "windowing_use_high_precision": ("0", "1"),
    "sql_require_primary_key": ("0",), "default_collation_for_utf8mb4": ("utf8mb4_0900_ai_ci",),
    "information_schema_stats_expiry": ("0", "86400"), "internal_tmp_mem_storage_engine": ("MEMORY", "TempTable"),
    "print_identified_with_as_hex": ("1", "0"),
    "show_create_table_verbosity": ("1", "0"), "session_track_gtids": ("OFF",), "use_secondary_engine": ("ON",),
    "explain_format": ("TREE", "TRADITIONAL"), "select_into_buffer_size": ("8192",),
    "generated_random_password_length": ("20",),
    "optimizer_trace": ("'enabled=off'",), "show_old_temporals": ("0",), "default_table_encryption": ("0",),
    "resultset_metadata": ("FULL",), "set_operations_buffer_size": ("262144",),
}
MODES = ("ANSI_QUOTES", "NO_BACKSLASH_ESCAPES", "PIPES_AS_CONCAT", "ANSI", "TRADITIONAL", "STRICT_TRANS_TABLES",
         "STRICT_ALL_TABLES", "IGNORE_SPACE", "NO_ZERO_DATE", "ERROR_FOR_DIVISION_BY_ZERO", "ONLY_FULL_GROUP_BY",
         "NO_UNSIGNED_SUBTRACTION", "HIGH_NOT_PRECEDENCE", "NO_AUTO_VALUE_ON_ZERO", "REAL_AS_FLOAT", "PAD_CHAR_TO_FULL_LENGTH",
         "NO_ENGINE_SUBSTITUTION", "ALLOW_INVALID_DATES", "NO_DIR_IN_CREATE")
MARIADB_MODES = ("ORACLE", "MSSQL", "EMPTY_STRING_IS_NULL", "SIMULTANEOUS_ASSIGNMENT", "TIME_ROUND_FRACTIONAL",
                 "NO_FIELD_OPTIONS", "POSTGRESQL", "MYSQL40")
PROBES = ("SELECT 'a' = 'A'", r"SELECT 'a\nb', LENGTH('\\')", 'SELECT "x"', 'SELECT "id" FROM s ORDER BY id',
          "SELECT 'a' || 'b'", "SELECT COLLATION('x'), CHARSET('x')", "SELECT 'é', LENGTH('é')", "SELECT 5 / 3, 1 / 7",
          "SELECT FROM_UNIXTIME(0)", "SELECT tsz FROM d ORDER BY id",
          "SELECT DATE_FORMAT('2020-03-04', '%W %M'), WEEK('2020-01-05')", "SELECT GROUP_CONCAT(id ORDER BY id) FROM d",
          "SELECT id FROM d ORDER BY id",
          "SELECT 1 / 0", "SELECT CAST(1 AS UNSIGNED) - 2", "SELECT NOT 1 BETWEEN -5 AND 5",
          "SELECT c, LENGTH(c) FROM d WHERE id = 1", "SELECT COUNT (*) FROM s", "SELECT 'x' = 'x '", "SELECT DATE '2020-02-31'",
          "SELECT '' IS NULL",
          r"SELECT 'it\'s'", "SELECT l1, vc FROM d ORDER BY id", "SELECT 'ÿ' = 'ÿ', 'ß' = 'ss'", "SHOW CREATE TABLE s",
          "SELECT CONCAT('a', 1), CHARSET(CONCAT('a', 1))", r"SELECT 'a\\', ROW_COUNT() -- '",
          "SELECT UNIX_TIMESTAMP('2020-01-01')",
          "SELECT UPPER('ä'), HEX('ä')", "SELECT CAST('a' AS CHAR(3)), LENGTH(CAST('a' AS CHAR(3)))", "SELECT 1.0 / 3",
          "SELECT MAX(id), v FROM s", "SELECT 'a' LIKE 'A', 'a' IN ('A')", "SELECT _latin1 'é'", "SELECT * FROM t_a LIMIT 0",
          "SELECT COUNT(*) FROM d WHERE vc = 'abc'", "SELECT LENGTH(REPEAT('x', 5))", "SELECT ERROR",
          "SELECT * FROM d WHERE id IS NULL", "SELECT CONVERT_TZ('2020-01-01', '+00:00', @@session.time_zone)")
SCOPES = ("{0}", "{0}", "SESSION {0}", "@@{0}", "@@session.{0}", "LOCAL {0}", "@@local.{0}", "@@SESSION.`{0}`", "`{0}`")


# Known: it changes CONNECTION_ID().
STRICT = {"pseudo_thread_id": ("5",)}


def variables(x):
    return {**COMMON, **(MARIADB if x.mariadb else MYSQL), **(STRICT if x.strict else {})}


def assignment(x, name, values):
    small = ("DEFAULT",) if name.endswith("timeout") else ("(SELECT 1)", "1 + 1")   # in a second or two, what comes of it is the clock's
    right = x.pick(values) if x.chance(0.85) else x.pick(("DEFAULT", "DEFAULT", f"@@{name}", f"@@global.{name}", "NULL", "''", *small))
    return x.pick(SCOPES).format(name) + x.pick((" = ", " = ", "=", " := ")) + right


def read(x, name):
    x.do(x.pick((f"SELECT @@{name}", f"SELECT @@{name}", f"SELECT @@session.{name}", f"SELECT @@local.{name} AS v, 1",
                 f"SHOW VARIABLES LIKE '{name}'", f"SHOW SESSION VARIABLES WHERE Variable_name = '{name}'",
                 f"SELECT @@{name} = @@global.{name}", f"SHOW GLOBAL VARIABLES LIKE '{name}'", f"SELECT @@ {name}")), "host")


def probe(x, least=1, most=2):
    for _ in range(x.number(least, most)):
        x.do(x.pick(PROBES))


def skipped(name):
    """What @@timestamp and its like are when nothing has set them is another thing each time."""
    return name in ("timestamp", "pseudo_thread_id", "version", "hostname")


@phrase(16)
def set_variables(x):
    known = variables(x)
    names = x.some(sorted(known), 1, 1 if x.chance(0.6) else 3)
    x.do("SET " + ", ".join(assignment(x, n, known[n]) for n in names), "host")
    if x.chance(0.3):
        diagnostics(x)
    probe(x, 0, 2)
    for name in names:
        if x.chance(0.7) and not skipped(name):
            read(x, name)
    if x.chance(0.3):
        ask_some(x, 1, 1)
    if x.chance(0.5):   # else it stays to the end, and is seen by whatever comes
        x.do("SET " + ", ".join(f"{n} = DEFAULT" for n in names))


@phrase(3)
def set_later(x):
    """What was set long ago."""
    name = x.pick(sorted(n for n in variables(x) if not skipped(n)))
    read(x, name)
    probe(x, 0, 2)


@phrase(2)
def set_oddly(x):
    x.do(x.pick(("SET GLOBAL sort_buffer_size = 100000", "SET @@global.time_zone = '+01:00'",
                 "SET PERSIST sort_buffer_size = 1", "SET sort_buffer_size = 270000, nosuch = 1",
                 "SET sort_buffer_size = 280000, sql_mode = 'nosuch'",
                 "SET time_zone = '+01:00', GLOBAL max_connections = 5", "SET sort_buffer_size", "SET",
                 "SET @@session.sort_buffer_size := 290000, @@local.join_buffer_size = 200000",
                 "SET SESSION sort_buffer_size = 300000, join_buffer_size = 210000",
                 "SET autocommit = 1, NAMES latin1", "SET NAMES latin1, time_zone = '+02:00'",
                 "SET sort_buffer_size = (SELECT MAX(id) * 100000 FROM s)", "SET sort_buffer_size = f_twice(150000)",
                 "SET lc_time_names = CONCAT('de', '_', 'DE')",
                 "SET sort_buffer_size = ROW_COUNT() + 200000", "SET div_precision_increment = LAST_INSERT_ID() % 9",
                 "SET PASSWORD = 'x", "SET ROLE nosuch", "SET sql_mode = @@sql_mode", "SET time_zone = @@global.time_zone",
                 "SET default.sort_buffer_size = 1", "SET character_set_client = utf16",
                 "SET STATEMENT sort_buffer_size = 100000", "SET wait_timeout = 5000, @@global.wait_timeout = 1")), "host")
    if x.chance(0.4):
        diagnostics(x)
    x.do("SELECT @@sort_buffer_size, @@join_buffer_size, @@time_zone, @@sql_mode, @@lc_time_names, @@div_precision_increment, "
         "@@collation_connection")


@phrase(3, flavor="mariadb")
def set_statement(x):
    what = x.pick((("sort_buffer_size = 100000", "@@sort_buffer_size"), ("time_zone = '+08:00'", "FROM_UNIXTIME(0)"),
                   ("max_statement_time = 5", "@@max_statement_time"), ("sql_mode = 'ANSI_QUOTES'", '"id"'),
                   ("sql_select_limit = 1", "id"),
                   ("lc_time_names = 'de_DE', div_precision_increment = 1", "1 / 3"),
                   ("collation_connection = utf8mb4_bin", "'a' = 'A'"), ("autocommit = 0", "1"), ("nosuch = 1", "1")))
    x.do(f"SET STATEMENT {what[0]} FOR SELECT {what[1]} FROM s ORDER BY id")
    x.do(x.pick((f"SELECT {what[1]} FROM s ORDER BY id", "SELECT @@sort_buffer_size, @@sql_mode",
                 "SET STATEMENT sort_buffer_size = 1 FOR SET time_zone = '+04:00'", "SELECT @@time_zone, @@max_statement_time",
                 f"SET STATEMENT sort_buffer_size = 200000 FOR INSERT INTO t_{x.name} (v) VALUES (1)",
                 "SELECT LAST_INSERT_ID(), ROW_COUNT()")))


@phrase(7)
def names(x):
    x.do(x.pick(("SET NAMES utf8mb4", "SET NAMES latin1", "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_bin'",
                 "SET NAMES utf8mb4 COLLATE utf8mb4_bin", "SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci",
                 "SET NAMES latin1 COLLATE latin1_bin", "SET NAMES utf8",
                 "SET NAMES DEFAULT", "SET NAMES cp1251", "SET NAMES ascii", "SET NAMES binary", "SET NAMES nosuch",
                 "SET NAMES latin1 COLLATE utf8mb4_bin", "SET NAMES ucs2", "SET CHARACTER SET latin1",
                 "SET CHARACTER SET utf8mb4",
                 "SET CHARACTER SET DEFAULT", "SET CHARSET latin1", "SET NAMES utf8mb4 COLLATE DEFAULT", 'SET NAMES "latin1"',
                 "SET NAMES latin2, time_zone = '+01:00'", "SET collation_connection = utf8mb4_bin",
                 "SET character_set_results = NULL",
                 "SET character_set_client = latin1", "SET CHARACTER SET nosuch")))
    x.do(x.pick(("SELECT @@character_set_client, @@character_set_connection, @@character_set_results, @@collation_connection",
                 "SHOW VARIABLES LIKE 'c%\\_connection'", "SELECT @@character_set_database, @@collation_database",
                 "SELECT COLLATION('x')")))
    probe(x, 0, 3)
    if x.chance(0.5):
        x.do("SET NAMES utf8mb4")


@phrase(2, kind="keep")
def names_of_many_bytes(x):
    """Character sets in which a backslash or a quote may be half of a character."""
    x.do("SET NAMES " + x.pick(("gbk", "big5", "sjis", "cp932", "gb18030" if not x.mariadb else "gb2312")))
    for _ in range(x.number(1, 3)):
        x.do(x.pick(("!raw b\"SELECT '\\xbf\\\\', ROW_COUNT() -- '\"", "!raw b\"SELECT '\\xbf\\\\' , 1\"",
                     "!raw b\"SELECT HEX('\\x83\\\\'), 'LAST_INSERT_ID()'\"", "SELECT 'ä'", "SELECT HEX('日本')",
                     "SELECT '\\xa3\\x5c', 'a'")), plain=True)
    x.do("SELECT LAST_INSERT_ID(), @@character_set_client")


@phrase(8)
def sql_mode(x):
    modes = x.some(list(MODES + (MARIADB_MODES if x.mariadb else ())), 0, 3)
    listed = ",".join(modes)
    x.do(x.pick((f"SET sql_mode = '{listed}'", f"SET sql_mode = '{listed}'", f"SET SESSION sql_mode = '{listed}'",
                 f"SET @@sql_mode = CONCAT(@@sql_mode, ',{listed}')", f"SET @@session.sql_mode := '{listed.lower()}'",
                 "SET sql_mode = DEFAULT", "SET sql_mode = ''", "SET sql_mode = 'nosuch'",
                 f"SET sql_mode = REPLACE(@@sql_mode, 'STRICT_TRANS_TABLES', '{listed}')", "SET sql_mode = 4",
                 "SET sql_mode = ANSI", f"SET sql_mode = '{listed}', time_zone = '+01:00'")))
    probe(x, 1, 3)
    if x.chance(0.4):
        x.do("SELECT @@sql_mode")
    if x.chance(0.3):
        x.do(f"INSERT INTO u_{x.name} (k, n) VALUES ('{x.number(0, 99)}x', 'long string')")
        diagnostics(x)
    if x.chance(0.6):
        x.do("SET sql_mode = DEFAULT")


@phrase(8)
def schema(x):
    x.do(x.pick(("USE other", "USE app", "!init-db other", "!init-db app", "USE `other`", "USE nosuch", "!init-db nosuch",
                 "use app;", "USE Other") + (("USE mysql", "USE information_schema", "!init-db information_schema")
                                             if x.mariadb else ())), "host")   # MySQL's errors there are not the same twice
    x.do(x.pick(("SELECT DATABASE()", "SELECT SCHEMA(), database() AS d", "SELECT * FROM s ORDER BY id",
                 f"SELECT * FROM t_{x.name} ORDER BY id", f"INSERT INTO t_{x.name} (v) VALUES (5)", "SELECT COUNT(*) FROM d",
                 "SHOW TABLES LIKE 's'",
                 "SELECT @@collation_database", "INSERT INTO s (v) VALUES (8)", "SELECT f_twice(1)",
                 "SELECT * FROM w_plain ORDER BY id", "SELECT DATABASE() = 'app', LAST_INSERT_ID()", "SHOW CREATE TABLE s",
                 "SELECT ROW_COUNT()")))
    if x.chance(0.6):
        x.do(x.pick(("USE app", "!init-db app")))


def settle(x):
    """What a server keeps over a reset and a change of user and sluse does not: FOUND_ROWS(). The other way round: IGNORE_SPACE.

    MySQL: it keeps COM_SET_OPTION too; and a reset begins with the server's collation, not with the login's, which sluse does when it
    answers the reset by itself."""
    x.do("SELECT 1 LIMIT 0", plain=True)
    if x.ignores_space:
        x.do("SET sql_mode = DEFAULT", plain=True)
    if not x.mariadb:
        x.do("!set-option 1")
        x.do("SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", plain=True)


@phrase(2)
def reset(x):
    x.do(x.pick(("!reset", "!reset", "!reset", "!change-user user=app password=app schema=app",
                 "!change-user user=svc password=svc schema=app", "!change-user user=app password=app schema=other collation=8",
                 "!change-user user=app password=app",
                 "!change-user user=app password=app schema=app collation=46")))
    x.prepared.clear()
    if not x.strict:
        settle(x)
    x.do(x.pick(("SELECT LAST_INSERT_ID(), ROW_COUNT()", "SELECT DATABASE()", "SELECT USER(), CURRENT_USER()", "SHOW WARNINGS",
                 "SELECT @@sort_buffer_size, @@sql_mode, @@time_zone, @@autocommit", "SELECT @@collation_connection",
                 "SELECT 'a' = 'A'",
                 "SELECT FOUND_ROWS()", "SELECT @@character_set_results, @@character_set_client",
                 "SELECT @@tx_isolation" if x.mariadb else "SELECT @@transaction_isolation")), "host")
    if x.chance(0.6):
        x.do("USE app")


@phrase(2)
def stopped_clock(x):
    x.do("SET timestamp = " + x.pick(("1000000000", "1500000000.25", "86400")),
         plain=True)   # else the answers are another second's
    for _ in range(x.number(1, 3)):
        x.do(x.pick(("SELECT NOW()", "SELECT CURRENT_TIMESTAMP(3)", "SELECT @@timestamp < 1600000000",
                     "SELECT CURDATE(), CURTIME()", "SELECT UNIX_TIMESTAMP()", "SELECT UTC_TIMESTAMP()",
                     "SELECT SYSDATE() > NOW()")))
    x.do(x.pick(("SET timestamp = DEFAULT", "SET timestamp = 0", "SET @@session.timestamp = DEFAULT")))
    x.do("SELECT NOW() > '2023-01-01'")


@phrase(2)
def next_ids(x):
    """Variables that count for one statement."""
    x.do(f"SET insert_id = {x.number(200, 900)}")
    if x.chance(0.4):
        x.do(x.pick(("SELECT 1", "DO 0", "SELECT @@insert_id", "SELECT LAST_INSERT_ID()", "SHOW WARNINGS", "!ping")))
    x.do(f"INSERT INTO t_{x.name} (v) VALUES (1), (2)")
    ask_some(x, 1, 2)


@phrase(2)
def isolation_kept(x):
    read = "@@tx_read_only, @@tx_isolation" if x.mariadb else "@@transaction_read_only, @@transaction_isolation"
    x.do("SET SESSION TRANSACTION " + x.pick(("ISOLATION LEVEL READ COMMITTED", "READ ONLY",
                                              "ISOLATION LEVEL SERIALIZABLE, READ WRITE", "ISOLATION LEVEL READ UNCOMMITTED")))
    x.do(x.pick((f"SELECT {read}", f"INSERT INTO t_{x.name} (v) VALUES (1)", f"SELECT * FROM t_{x.name} ORDER BY id",
                 "SELECT 1", "SHOW WARNINGS")))
    x.do(f"SELECT {read}")
    x.do("SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ WRITE")


@phrase(1)
def null_finds_last_id(x):
    x.do("SET sql_auto_is_null = 1")
    x.do(f"INSERT INTO t_{x.name} (v) VALUES (44)")
    if x.chance(0.5):
        x.do("SELECT 1")
    x.do(f"SELECT id, v FROM t_{x.name} WHERE id IS NULL")
    x.do(f"SELECT id, v FROM t_{x.name} WHERE id IS NULL")
    x.do("SET sql_auto_is_null = 0")


@phrase(1, kind="keep")
def seeds(x):
    x.do("SET rand_seed1 = 5, rand_seed2 = 6", plain=True)
    for _ in range(x.number(1, 3)):
        x.do("SELECT RAND()")


@phrase(1, kind="keep")
def profiles(x):
    x.do("SET profiling = 1")
    x.do("SELECT 1")
    x.do("SELECT @@profiling")
    x.do("SET profiling = 0")
