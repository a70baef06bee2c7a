"""Random scripts of interleaved sessions, all of them from one number.

A *phrase* is a few statements that belong together, as an INSERT and questions about it. Phrases are registered with @phrase;
each session takes them from a choice of its own, and then the sessions' steps are interleaved. Kinds of phrases, by how long they
keep a backend: "free" not at all, "hold" until they end what they began, "keep" perhaps to the end of the session.

No statement waits for a lock: a session writes to tables of its own (t_a, u_a, x_a are a's), and only INSERTs go to those of all.
"""
import random
import re

from runner import FORMS
from script import Script, Step

PHRASES = []
SESSIONS = "abcd"


def phrase(weight, kind="free", flavor=None):
    def register(function):
        PHRASES.append((function.__name__, function, weight, kind, flavor))
        return function
    return register


class Session:
    """A session while it is written. What it knows of its own state is a guess: statements may have failed."""

    def __init__(self, name, seed, rng, flavor, hostile, form, strict):
        self.name, self.rng, self.flavor, self.hostile = name, rng, flavor, hostile
        self.strict, self.ignores_space = strict, form.startswith("all")
        self.steps, self.phrase, self.schema = [], "login", "app"
        self.numbers = 0
        self.prepared = []       # names of binary statements that are open, with their parameters
        self.chance, self.pick, self.number = lambda p: rng.random() < p, rng.choice, rng.randint
        self.lock = f"l{seed}{name}"

    @property
    def mariadb(self):
        return self.flavor == "mariadb"

    def do(self, text, *masks, plain=False):
        """A step; hostile sessions spell it in odd ways unless it must stay plain."""
        if not plain and not text.startswith("!") and self.chance(self.hostile):
            text = disguise(self.rng, text, self.mariadb)
        elif not plain and not text.startswith("!") and self.chance(0.01):
            text = retype(self.rng, text)
        self.steps.append((spelled(text), tuple(masks), self.phrase))

    def fresh(self, prefix):
        self.numbers += 1
        return f"{prefix}{self.numbers}_{self.name}"

    def some(self, items, least=1, most=3):
        return self.rng.sample(items, min(len(items), self.number(least, most)))

    def table(self):
        """A table of its own, in one of its spellings."""
        t = "t_" + self.name
        return self.pick((t, t, t, t, f"`{t}`", f"app.{t}", f"`app`.`{t}`", f"app . {t}", f"other.{t}"))

    def any_table(self):
        return self.pick((self.table(), self.table(), "s", "s", "d", "`s`", "app.s", "other.s", "w_plain"))


# Hostile spellings

TOKENS = re.compile(r"'(?:[^'\\]|\\.|'')*'|\"(?:[^\"\\]|\\.|\"\")*\"|`[^`]*`|/\*.*?\*/|\s+|@@?[\w.]+|\w+|.", re.S)
WORDS = set("""select insert into values update set delete from where order by limit and or not null is in as on union all
distinct begin start transaction commit rollback work savepoint release show warnings errors create temporary table drop if
exists session local global names collate character use call do handler open read close lock unlock tables write prepare
execute deallocate replace ignore duplicate key last_insert_id row_count found_rows count max min sum concat cast get_lock
release_lock release_all_locks database schema connection_id dual group having case when then else end""".split())
BLANKS = ("\t", "\n", "  ", "\r\n", " /**/ ", "/* */", "/*c'*/", " -- x\n", " # \"\n", "\v", "\f", " \n\t ")
FRONTS = ("/* c */ ", "/**/", "-- c\n", "# c\n", " ", "\n", "\t", "/* ; */", "/*\n*/", "--\n", "/*'*/", '/*"*/ ', "/* `*/")
BEHINDS = (";", " ;", "; ", ";;", " -- c", " # c", " /* c */", "/**/", "\n", ";\n", "; -- c", " --", "; /* c */ ;", "\t",
           " /* ' */")


def disguise(rng, text, mariadb):
    """The same for a server, spelled so that it is hard for who only looks at the text; sometimes it no longer is a statement."""
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        way = rng.randrange(9)
        if way < 2:
            text = rng.choice(FRONTS) + text
        elif way < 4:
            text += rng.choice(BEHINDS)
        elif way == 4:
            tokens = TOKENS.findall(text)
            text = "".join(rng.choice(BLANKS) if t.isspace() and rng.random() < 0.5 else t for t in tokens)
        elif way == 5:
            mode = rng.choice((str.upper, str.lower, str.swapcase, str.title, lambda w: "".join(
                rng.choice((c.upper(), c.lower())) for c in w)))
            text = "".join(mode(t) if t.lower() in WORDS else t for t in TOKENS.findall(text))
        elif way == 6:
            text = executed(rng, text, mariadb)
        elif way == 7:
            text = rng.choice(("/*!99999 DROP TABLE t */", "/*!999999 x */", "/*M!999999 y */", "/*! */")) + text
        else:
            text = text.replace("(", " (", 1) if rng.random() < 0.5 else text.replace("(", "( ", 1)
    return text


def executed(rng, text, mariadb):
    """Some or all of the text inside a comment that the server executes."""
    opened = rng.choice(("/*!", "/*!50000 ", "/*!40101", "/*!50000", "/*M!" if mariadb else "/*!80000 ",
                         "/*M!100100 " if mariadb else "/*!50700 "))
    if "*/" in text:
        return text
    if rng.random() < 0.5:
        return f"{opened} {text} */"
    at = text.rfind(" ")
    return text if at < 0 or text.count("'") % 2 else f"{text[:at]} {opened} {text[at:]} */"


def retype(rng, text):
    """A typing error."""
    at = rng.randrange(len(text))
    return text[:at] + rng.choice((text[at + 1:], rng.choice("'`\"();,@xX *") + text[at:], text[at] + text[at:]))


def spelled(text):
    """As a step of a script: what the format can't hold goes as !raw."""
    if text.startswith("!") and "\n" not in text:
        return text
    if text != text.strip() or not text or re.search(r"[\n\r\v\f\x1c-\x1e\x85\u2028\u2029]|\{\w\}", text):
        return "!raw " + repr(text.encode())
    return text


# Putting a script together

def generate(seed, flavor="mariadb", frames=9, only=(), without=(), forms=None, strict=False, tame=False):
    """The script of a seed. frames: how many sessions may have a backend for good at a time, with one left for the others.

    strict: with what sluse is known to answer otherwise; a phrase that leaves it out says `x.strict`. tame: without odd spellings."""
    rng = random.Random(seed)
    count = rng.choice((2, 2, 3, 3, 3, 4))
    if count > frames and rng.random() < 0.7:
        count = frames   # the others would find no backend should all do what keeps one
    form = rng.choice(tuple(forms or FORMS))
    hostile = rng.choice((0, 0, 0.02, 0.1, 0.35)) * (not tame)
    script = Script(f"fuzz-{seed}", masks=("statement-id", "gtid", "volatile"), caps=("local",) if rng.random() < 0.1 else (),
                    forms=(form,),
                    files={"f.csv": b"5\n6\nx\n"})
    queues = []
    for i, name in enumerate(SESSIONS[:count]):
        own = random.Random(rng.getrandbits(64))
        queues.append(write(Session(name, seed, own, flavor, hostile, form, strict), holds=i < min(2, frames - 1), only=only,
                            without=without))
    rng.shuffle(queues)
    script.phrases = []
    burst, current = rng.choice((0.2, 0.6, 0.9)), None
    while queues:
        if current not in queues or rng.random() > burst:
            current = rng.choice(queues)
        name, steps = current
        text, masks, origin = steps.pop(0)
        script.steps.append(Step(len(script.steps) + 1, name, text, masks))
        script.phrases.append(origin)
        if not steps:
            queues.remove(current)
    return script


def write(session, holds, only, without):
    """The steps of one session: some phrases of a choice that is its own, so that sessions differ in what they do most."""
    rng = session.rng
    profile = rng.choice(("free", "hold", "hold", "keep")) if holds else "free"
    profile = "keep" if only else profile
    usable = [p for p in PHRASES if p[4] in (None, session.flavor) and p[0] not in without and (not only or p[0] in only)
              and (p[3] == "free" or (profile != "free" and p[3] == "hold") or profile == "keep")]
    assert usable, "no phrase is left"
    chosen = [p for p in usable if rng.random() < 0.6] or usable
    login(session)
    length = rng.randint(10, 40)
    while len(session.steps) < length:
        late = len(session.steps) > length // 3
        _, function, _, _, _ = rng.choices(chosen, [p[2] * (p[3] != "keep" or late) + 1e-9 for p in chosen])[0]
        session.phrase = function.__name__
        function(session)
    return session.name, session.steps


def login(session):
    if session.chance(0.6):
        return
    words = []
    if session.chance(0.2):
        words.append("noschema")
        session.schema = None
    elif session.chance(0.2):
        words.append("schema=other")
    if session.chance(0.2):
        words.append("user=svc password=svc")
    if session.chance(0.4):
        words.append("collation=%d" % session.pick((8, 33, 45, 46, 47, 63, 224)))
    if session.chance(0.4):
        caps = session.some(["found_rows", "multi", "ignore_space", "odbc", "eof", "track", "interactive"])
        session.ignores_space |= "ignore_space" in caps
        words.append("caps=" + ",".join(caps))
    session.do("!login " + " ".join(words))
    if session.schema is None and session.chance(0.8):
        session.do("USE app")


# The phrases register themselves.
import fuzz_reads  # noqa: E402,F401
import fuzz_writes  # noqa: E402,F401
import fuzz_settings  # noqa: E402,F401
import fuzz_transactions  # noqa: E402,F401
import fuzz_kept  # noqa: E402,F401
