"""What drivers and frameworks say before anything else: it pins nothing, and all of it is in force on another connection too."""
import pytest

from harness import ERR, RawClient, wait_until
from harness.variables import NOISE, TAGS, Table, settings

ANY, MARIADB, MYSQL = ("m10", "m11", "my9"), ("m10", "m11"), ("my9",)

# Statements as these send them; in one text where they do. MULTI: more than one statement in it.
MULTI = object()
DRIVERS = {
    "rails": (ANY, ["SET NAMES utf8mb4,  @@SESSION.sql_mode = CONCAT(CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), ',NO_AUTO_VALUE_ON_ZERO'), "
                    " @@SESSION.sql_auto_is_null = 0, @@SESSION.wait_timeout = 2147483", "SELECT VERSION()"]),
    "mysqldump": (ANY, ["/*!40100 SET @@SQL_MODE='' */", "/*!40103 SET TIME_ZONE='+00:00' */", "/*!80000 SET SESSION information_schema_stats_expiry=0 */",
                        "SET SESSION NET_READ_TIMEOUT= 86400, SESSION NET_WRITE_TIMEOUT= 86400", "SET SQL_QUOTE_SHOW_CREATE=1",
                        "SET SESSION character_set_results = 'binary'", "SHOW VARIABLES LIKE 'gtid\\_mode'", "SET SESSION character_set_results = 'utf8mb4'"]),
    "mysqlnd": (ANY, ["SET NAMES utf8mb4"]),
    "laravel": (ANY, ["use `app`;", "set names 'utf8mb4' collate 'utf8mb4_unicode_ci';", "set time_zone=\"+02:00\";",
                      "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                      "set session sql_mode='ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,"
                      "NO_ENGINE_SUBSTITUTION';"]),
    "wordpress": (ANY, ["SET NAMES utf8mb4", "SET NAMES 'utf8mb4' COLLATE 'utf8mb4_unicode_520_ci'", "SELECT @@SESSION.sql_mode",
                        "SET SESSION sql_mode='NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'", "SELECT VERSION()"]),
    "doctrine": (ANY, ["SET NAMES utf8mb4", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT DATABASE()"]),
    "magento": (ANY, ["SET NAMES utf8", "SET SQL_MODE=''", "SET FOREIGN_KEY_CHECKS=0", "SET UNIQUE_CHECKS=0", "SET time_zone = '+00:00'"]),
    "pymysql": (ANY, ["SET NAMES utf8mb4", "SET AUTOCOMMIT = 0", "COMMIT"]),
    "mysqlclient": (ANY, ["SET NAMES utf8mb4 COLLATE utf8mb4_general_ci", "SET SESSION sql_mode='TRADITIONAL'", "SET autocommit=1"]),
    "mysql-connector-python": (ANY, ["SET NAMES 'utf8mb4' COLLATE 'utf8mb4_0900_ai_ci'", "SET NAMES utf8mb4", "SET @@session.autocommit = OFF",
                                     "SET @@session.time_zone = '+00:00'", "SET @@session.sql_mode = 'ANSI'"]),
    "sqlalchemy": (ANY, ["SELECT DATABASE()", "SELECT @@sql_mode", "SELECT @@lower_case_table_names", "SHOW VARIABLES LIKE 'sql_mode'",
                         "SELECT CAST('test plain returns' AS CHAR(60)) AS anon_1", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "ROLLBACK"]),
    "django": (ANY, [MULTI, "SET SQL_AUTO_IS_NULL = 0; SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED",
                     "SELECT VERSION(), @@sql_mode, @@default_storage_engine, @@sql_auto_is_null, @@lower_case_table_names,"
                     " CONVERT_TZ('2001-01-01 01:00:00', 'UTC', 'UTC') IS NOT NULL"]),
    "mysql2": (ANY, ["SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED", "SET time_zone = '+00:00'"]),
    "sequelize": (ANY, ["SET time_zone = '+00:00'", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", "SELECT VERSION() as `version`"]),
    "prisma": (ANY, ["SELECT @@max_allowed_packet,@@wait_timeout", "SELECT @@socket", "SET NAMES utf8mb4", "SELECT @@version, @@GLOBAL.version"]),
    "mariadb-connector-nodejs": (ANY, ["SET NAMES utf8mb4", "SET time_zone='+01:00'", "SELECT @@VERSION",
                                       "SET session_track_system_variables='autocommit,character_set_client,time_zone'"]),
    "go-sql-driver": (ANY, ["SET NAMES utf8mb4 COLLATE utf8mb4_unicode_ci", "SELECT @@max_allowed_packet", "SET time_zone='+00:00', sql_mode='TRADITIONAL'",
                            "SET innodb_lock_wait_timeout=5"]),
    "connector-j": (MYSQL, ["/* mysql-connector-j-9.1.0 */SELECT  @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS"
                            " character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results,"
                            " @@collation_connection AS collation_connection, @@interactive_timeout AS interactive_timeout, @@license AS license,"
                            " @@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, @@sql_mode AS sql_mode, @@time_zone AS"
                            " time_zone, @@transaction_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout", "SET NAMES utf8mb4",
                            "SET character_set_results = NULL", "SET autocommit=1", "SET sql_mode='STRICT_TRANS_TABLES'",
                            "SET SESSION TRANSACTION READ ONLY", "SET SESSION TRANSACTION READ WRITE"]),
    "mariadb-connector-j 2": (ANY, ["set autocommit=1, session_track_schema=1, sql_mode = concat(@@sql_mode,',STRICT_TRANS_TABLES'), names UTF8MB4"]),
    "mariadb-connector-j 3": (MARIADB, ["set session_track_schema=1,session_track_system_variables='autocommit,tx_isolation',tx_isolation='REPEATABLE-READ'",
                                        "set sql_mode=concat(@@sql_mode,',STRICT_TRANS_TABLES')"]),
    "mariadb-connector-odbc": (ANY, ["SET session_track_schema=1,session_track_system_variables='auto_increment_increment,sql_mode'",
                                     "SET SESSION sql_mode='ANSI_QUOTES'"]),
}


@pytest.fixture(scope="module", params=TAGS)
def tag(request):
    return request.param


@pytest.fixture(scope="module")
def server(tag, installed):
    with installed(TAGS[tag])() as server:
        server.fresh_schemas()
        yield server


def say(client, statements):
    """All replies; errors too, where a server does not know what a driver says."""
    said = []
    for statement in statements:
        said.append(client.set_option(0) if statement is MULTI else client.query(statement))
    return said


def in_force(client, tag):
    names = sorted(Table().names(tag) - NOISE - {"last_gtid"})
    return settings(client, names), client.rows("SELECT DATABASE(), @@autocommit")


def errors(replies):
    return [[reply.code for reply in each if isinstance(reply, ERR)] for each in replies]


@pytest.mark.parametrize("driver", DRIVERS)
def test_setting_up_pins_nothing(sluse, server, tag, driver):
    servers, statements = DRIVERS[driver]
    if tag not in servers:
        pytest.skip("not with this server")
    proxy = sluse(server, pool=dict(size=2, wait_timeout="60s"))
    proxy.wait_read()
    with RawClient(server.port, schema="app", plugin=server.plugin) as direct, proxy.client(schema="app", plugin=server.plugin) as client, \
            proxy.client(schema="app", plugin=server.plugin) as other:
        expected = errors(say(direct, statements))
        assert errors(say(client, statements)) == expected
        for turn in range(3):
            other.ok(f"SET div_precision_increment = {turn}")      # the only backend is the other's now
            assert in_force(client, tag) == in_force(direct, tag)
        pins = {name: pin["times"] for name, pin in proxy.stats()["pins"].items() if pin["times"]}
        assert pins == {} and proxy.stats()["pool"]["pinned_idle"] == 0, pins
        assert sum(proxy.counter(f"page_ins_{way}") for way in ("difference", "reset", "login")) >= 5
        for each in (direct, client, other):
            each.quit()


def test_what_is_not_off_pins(sluse, server):
    """sql_auto_is_null: whether IS NULL has found the last id already can't be asked; it is seen when the page is to leave."""
    proxy = sluse(server, pool=dict(size=2, wait_timeout="300ms"))
    proxy.wait_read()
    with proxy.client(schema="app", plugin=server.plugin) as client, proxy.client(schema="app", plugin=server.plugin) as other:
        for statement in ("SET sql_auto_is_null = 1", "DROP TABLE IF EXISTS auto", "CREATE TABLE auto (id INT AUTO_INCREMENT PRIMARY KEY)",
                          "INSERT INTO auto VALUES (NULL)"):
            client.ok(statement)
        assert other.query("SELECT 1")[-1].code == 3168
        assert client.rows("SELECT id FROM auto WHERE id IS NULL") == [("1",)]
        assert proxy.stats()["pins"]["variable"]["now"] == 1
        client.ok("SET sql_auto_is_null = 0")
        client.quit()
        wait_until(lambda: not isinstance(other.query("SELECT 1")[-1], ERR))
        other.quit()
