"""What the fuzzer's scripts find at the server: tables, triggers, views, routines, sequences; and how all is new again, fast.

Both schemas have tables of the same names with other rows, so that a statement in the wrong schema shows.
"""
import re
from dataclasses import dataclass

from script import expression

SESSIONS = "abcd"
WRITES = re.compile(r"insert|replace|update|delete|truncate|load|call|execute|f_log|tg_|alter|drop|rename|create|rollback",
                    re.I)
MAKES = re.compile(r"create|rename", re.I)
SHAPES = re.compile(r"alter|drop|rename|create", re.I)


@dataclass(frozen=True)
class Object:
    """name: the word that a statement has when it uses the object. also: words of what it writes to.

    residue: its code reads what the statement before left: a proxy that moves sessions may have to take more care of all code."""
    name: str
    create: tuple
    drop: str
    also: tuple = ()
    fill: tuple = ()      # makes a table as new again after a TRUNCATE
    table: str = ""
    flavors: tuple = ("mariadb", "mysql")
    residue: bool = False


def table(schema, name, columns, rows="", also=(), extra=()):
    full = f"{schema}.{name}"
    fill = (f"INSERT INTO {full} {rows}",) if rows else ()
    return Object(name, (f"CREATE TABLE {full} ({columns})",) + fill + tuple(extra), f"DROP TABLE IF EXISTS {full}",
                  tuple(also), fill, full)


def view(name, text, also=(), **more):
    return Object(name, (f"CREATE VIEW app.{name} AS {text}",), f"DROP VIEW IF EXISTS app.{name}", tuple(also), **more)


def routine(kind, name, text, also=(), **more):
    return Object(name, (f"CREATE {kind} app.{name}{text}",), f"DROP {kind} IF EXISTS app.{name}", tuple(also), **more)


def trigger(name, when, on, body):
    return f"CREATE TRIGGER app.{name} {when} ON app.{on} FOR EACH ROW {body}"


TYPES = """id INT PRIMARY KEY, i8 TINYINT, u64 BIGINT UNSIGNED, de DECIMAL(20,6), f FLOAT, do DOUBLE, b BIT(9), dt DATE, tm TIME(3),
 ts DATETIME(6), y YEAR, c CHAR(5), vc VARCHAR(30), bi VARBINARY(10), tx TEXT CHARACTER SET utf8mb4, bl BLOB, e ENUM('x','y'),
 st SET('p','q'), l1 VARCHAR(10) CHARACTER SET latin1, tsz TIMESTAMP NULL""".replace("\n", "")
TYPE_ROWS = r"""VALUES (1, 1, 1, 1.5, 1.5, 1.5, b'101', '2020-01-02', '01:02:03.004', '2020-01-02 03:04:05.000006', 2020, 'a', 'Abc',
 x'00ff', 'text', 'blob', 'x', 'p', 'é', FROM_UNIXTIME(86400)),
 (2, -128, 18446744073709551615, -99999999999999.999999, -1e30, 1e300, b'111111111', '1000-01-01', '-838:59:59',
 '9999-12-31 23:59:59.999999', 1901, '', '', '', '', '', 'y', 'p,q', '', FROM_UNIXTIME(2000000000)),
 (3, 127, 0, 0, 0, -0.0, b'0', '9999-12-31', '00:00:00', '1000-01-01', 2155, 'ä', 'ABC', 'x', '日本', 'x\0y', 'x', '', 'A',
 FROM_UNIXTIME(1)),
 (4, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
 (5, 5, 5, 5, 5, 5, b'1', '2021-06-15', '12:00:00', '2021-06-15 12:00:00', 2021, 'z', 'it''s \"q\" \\\\', 'zz', 'z', 'z', 'y', 'q',
 'ÿ', FROM_UNIXTIME(1234567890))""".replace("\n", "")
COUNTED = "id INT AUTO_INCREMENT PRIMARY KEY, "


def tables():
    yield table("app", "d", TYPES, TYPE_ROWS)
    yield table("app", "s", COUNTED + "who CHAR(1), v INT DEFAULT 0", "(who, v) VALUES ('-', 1), ('-', 2), ('-', 3)")
    yield table("other", "s", COUNTED + "who CHAR(1), v INT DEFAULT 7, more VARCHAR(5) DEFAULT 'm'",
                "(who) VALUES ('o'), ('p')")
    yield table("app", "log", COUNTED + "what VARCHAR(20)")
    for who in SESSIONS:
        yield table("app", "t_" + who, COUNTED + "v INT, s VARCHAR(20)",
                    "(v, s) VALUES (10, 'ten'), (20, 'Twenty'), (30, NULL), (NULL, 'null'), (50, 'fünf')")
        yield table("other", "t_" + who, COUNTED + "v BIGINT, s VARCHAR(9)", "(v, s) VALUES (-1, 'other'), (-2, 'OTHER')")
        yield table("app", "u_" + who, COUNTED + "k INT NOT NULL, n VARCHAR(5) NOT NULL, UNIQUE (k)",
                    "(k, n) VALUES (1, 'one'), (2, 'two')")
    yield table("app", "tp", COUNTED + "v INT", also=["log"],
                extra=[trigger("tp_i", "AFTER INSERT", "tp", "INSERT INTO app.log (what) VALUES ('x'), ('y')")])
    yield table("app", "tv", COUNTED + "v INT", extra=[trigger("tv_i", "BEFORE INSERT", "tv", "SET @v = NEW.v")])
    yield table("app", "tl", COUNTED + "v VARCHAR(20), got INT",
                extra=[trigger("tl_i", "BEFORE INSERT", "tl", "SET NEW.got = GET_LOCK(NEW.v, 0)")])
    yield table("app", "tz", COUNTED + "v INT",
                extra=[trigger("tz_i", "BEFORE INSERT", "tz",
                               "IF NEW.v < 0 THEN SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'negative'; END IF")])


def views():
    yield view("w_plain", "SELECT id, who, v FROM app.s", ["s"])
    yield view("w_last", "SELECT LAST_INSERT_ID() AS l")
    yield view("w_rows", "SELECT ROW_COUNT() AS r, LAST_INSERT_ID() AS l", residue=True)
    yield view("w_found", "SELECT FOUND_ROWS() AS f", residue=True)
    yield view("w_mode", "SELECT 1 / 3 AS m, FROM_UNIXTIME(0) AS z, 'a' = 'A' AS e")


def routines():
    yield routine("FUNCTION", "f_twice", "(x INT) RETURNS INT DETERMINISTIC NO SQL RETURN x * 2")
    yield routine("FUNCTION", "f_set", "(x INT) RETURNS INT DETERMINISTIC BEGIN SET @z = x; RETURN x; END")
    yield routine("FUNCTION", "f_log",
                  "(x INT) RETURNS INT DETERMINISTIC BEGIN INSERT INTO app.log (what) VALUES (x), (x); RETURN x; END", ["log"])
    yield routine("FUNCTION", "f_rows", "() RETURNS BIGINT DETERMINISTIC RETURN ROW_COUNT()", residue=True)
    yield routine("FUNCTION", "f_found", "() RETURNS BIGINT DETERMINISTIC RETURN FOUND_ROWS()", residue=True)
    yield routine("FUNCTION", "f_mode",
                  "() RETURNS INT DETERMINISTIC BEGIN SET SESSION sort_buffer_size = 300000; RETURN 1; END")
    yield routine("PROCEDURE", "p_none", "() BEGIN END")
    yield routine("PROCEDURE", "p_sets", "() BEGIN SELECT 1 AS one; SELECT id, v FROM app.s WHERE id < 3 ORDER BY id; END")
    yield routine("PROCEDURE", "p_out", "(IN x INT, OUT y INT, INOUT z INT) BEGIN SET y = x + 1, z = z + x; END")
    yield routine("PROCEDURE", "p_fail", "(IN x INT) BEGIN START TRANSACTION; INSERT INTO app.s (who, v) VALUES ('p', x); "
                  "SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'failed'; END", ["s"])
    yield routine("PROCEDURE", "p_begin", "(IN x INT) BEGIN START TRANSACTION; INSERT INTO app.s (who, v) VALUES ('q', x); END",
                  ["s"])
    yield routine("PROCEDURE", "p_work",
                  "(IN x INT) BEGIN START TRANSACTION; INSERT INTO app.s (who, v) VALUES ('w', x), ('w', x); COMMIT; END",
                  ["s"])
    yield routine("PROCEDURE", "p_set", "() BEGIN SET SESSION sort_buffer_size = 262144, SESSION time_zone = '+03:00'; END")
    yield routine("PROCEDURE", "p_names", "() BEGIN SET NAMES latin1 COLLATE latin1_bin; DO 1; END")
    yield routine("PROCEDURE", "p_shown", "() BEGIN SET NAMES latin1 COLLATE latin1_bin; SELECT @@collation_connection; END")
    yield routine("PROCEDURE", "p_temp", "() CREATE TEMPORARY TABLE pt SELECT 6 AS six")
    yield routine("PROCEDURE", "p_lock", "(IN n VARCHAR(40)) SELECT GET_LOCK(n, 0) AS got")
    yield routine("PROCEDURE", "p_warn", "() BEGIN DO 1 / 0; SELECT CAST('x' AS SIGNED) AS zero; END")
    yield routine("PROCEDURE", "p_into", "(IN x INT) SELECT x INTO @w")


def sequences():
    yield Object("sq", ("CREATE SEQUENCE app.sq START WITH 100",), "DROP SEQUENCE IF EXISTS app.sq", flavors=("mariadb",))
    default = table("app", "td", "id BIGINT DEFAULT NEXTVAL(app.sq) PRIMARY KEY, v INT")
    yield Object("td", default.create, default.drop, ("sq",), (), "app.td", ("mariadb",))


SCRATCH = re.compile(r"\b([xy]_[a-d]|tg_[a-d]|vw_[a-d]|pt)\b")
SCRATCH_DROPS = {"x": "DROP TABLE IF EXISTS {0}.{1}", "y": "DROP TABLE IF EXISTS {0}.{1}", "p": "DROP TABLE IF EXISTS {0}.{1}",
                 "t": "DROP TRIGGER IF EXISTS {0}.{1}", "v": "DROP VIEW IF EXISTS {0}.{1}"}


class Schema:
    """Knows what a script has touched, and gives the statements that undo it."""

    def __init__(self, flavor, residue=True):
        self.objects = [o for o in (*sequences(), *tables(), *views(),
                                    *routines()) if flavor in o.flavors and (residue or not o.residue)]
        self.words = re.compile(r"\b(%s)\b" % "|".join(sorted({o.name for o in self.objects}, key=len, reverse=True)))

    def setup(self):
        return [statement for o in self.objects for statement in o.create]

    def fresh_rows(self):
        """Makes all tables as new that were neither dropped nor altered."""
        return [s for o in self.objects if o.table and o.name != "d" for s in ("TRUNCATE TABLE " + o.table, *o.fill)]

    def closure(self, names):
        names, grown = set(names), True
        while grown:
            more = {word for o in self.objects if o.name in names for word in o.also} - names
            names, grown = names | more, bool(more)
        return names

    def used(self, texts):
        """What a script with these texts needs, as root's statements: for a script that is shown."""
        names = self.closure(w for text in texts for w in self.words.findall(self.plain(text)))
        needed = [o for o in self.objects if o.name in names or any(
            re.search(r"\bapp\.%s\b" % o.name, c) for p in self.objects if p.name in names for c in p.create)]
        return [statement for o in needed for statement in o.create]

    @staticmethod
    def plain(text):
        """What a step says to the server."""
        return expression(text[5:]).decode("latin1") if text.startswith("!raw ") else text

    def may_make(self, texts):
        return any(MAKES.search(self.plain(t)) for t in texts)

    def undo(self, texts):
        """The statements that make everything as new after a script with these texts. Nobody writes to d."""
        texts = [self.plain(t) for t in texts]
        joined = "\n".join(texts)
        other = "other" in joined
        writing = [t for t in texts if WRITES.search(t)]
        dirty = self.closure([w for text in writing for w in self.words.findall(text)] + re.findall(r"\b(?:sq|td)\b", joined))
        shaped = {w for text in writing if SHAPES.search(text) for w in self.words.findall(text)}
        out = []
        for word in sorted(set(SCRATCH.findall(joined))):
            out += [SCRATCH_DROPS[word[0]].format(schema, word) for schema in (("app", "other") if other else ("app",))]
        for o in self.objects:
            if o.name not in dirty or o.name == "d" or (o.table.startswith("other.") and not other):
                continue
            if o.name == "sq" or (o.table and o.name in shaped):
                out += [o.drop, *o.create]
            elif o.table:
                out += ["TRUNCATE TABLE " + o.table, *o.fill]
        return out
