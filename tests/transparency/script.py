"""The script format of the transparency runner.

    # a comment
    %mask id host           what may differ in the whole script, by rule (masks.py)
    %with multi local       capabilities that every run of this script has
    %forms plain eof+track  instead of all forms (runner.py), where a script is slow
    %servers mariadb        instead of all servers, where others lack what it is about: kinds or names (mariadb-11.8)
    %resident               not in chaos mode, where sluse answers with an error of its own
    %root CREATE ROLE r     root's statement before each run; %end after it
    %file NAME b'...'       what a LOAD DATA LOCAL of that name gets

    a: SELECT 1             session a sends a statement and reads its whole reply
      , 2                   an indented line goes on
    b [rows]: SELECT NOW()  one step with a mask
    a (mysql): TABLE t      one step for these servers only; before the mask
    a: !prepare s SELECT ?  a verb (runner.py has the list); `a: !login user=svc` opens a session in another way
    a: KILL QUERY {b}       the connection id of b

Sessions open at their first step, with user app, password app and schema app.
"""
import os
import re
from dataclasses import dataclass, field

STEP = re.compile(r"^([a-z]\w*)(?:\s*\(([\w. -]+)\))?(?:\s*\[([\w -]+)\])?:\s*(.*)$", re.S)


def is_among(server, kinds):
    """Whether kinds, if there are any, have this server: "mysql-9.7" is "mysql" too."""
    return not kinds or any(server == k or server.startswith(k + "-") for k in kinds)


@dataclass
class Step:
    line: int
    session: str
    text: str
    masks: tuple = ()
    servers: tuple = ()

    def is_for(self, server):
        return is_among(server, self.servers)

    def __str__(self):
        return f"line {self.line}  {self.session}: {self.text}"


@dataclass
class Script:
    name: str
    masks: tuple = ()
    caps: tuple = ()
    forms: tuple = ()
    resident: bool = False
    servers: tuple = ()
    root: list = field(default_factory=list)
    end: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    steps: list = field(default_factory=list)

    def is_for(self, server):
        return is_among(server, self.servers)


def expression(text, **names):
    """A value in Python's spelling, as b'x' * 1000; the scripts are ours."""
    return eval(text, {"__builtins__": {}, **names})


def parse(path):
    script = Script(os.path.basename(path).removesuffix(".script"))
    with open(path, encoding="utf8") as f:
        lines = f.read().split("\n")
    joined = []
    for number, line in enumerate(lines, 1):
        if line[:1] in " \t" and line.strip() and joined:
            joined[-1][1] += "\n" + line.strip()
        elif line.strip() and not line.startswith("#"):
            joined.append([number, line.rstrip()])
    for number, line in joined:
        if line.startswith("%"):
            directive(script, line)
            continue
        match = STEP.match(line)
        if not match:
            raise SyntaxError(f"{path}:{number}: neither a step nor a directive: {line}")
        session, servers, masks, text = match.groups()
        script.steps.append(Step(number, session, text, tuple((masks or "").split()), tuple((servers or "").split())))
    return script


def directive(script, line):
    word, _, rest = line[1:].partition(" ")
    if word == "mask":
        script.masks += tuple(rest.split())
    elif word == "with":
        script.caps += tuple(rest.split())
    elif word == "resident":
        script.resident = True
    elif word == "forms":
        script.forms = tuple(rest.split())
    elif word == "servers":
        script.servers += tuple(rest.split())
    elif word in ("root", "end"):
        getattr(script, word).append(rest)
    elif word == "file":
        name, _, data = rest.partition(" ")
        script.files[name] = expression(data)
    else:
        raise SyntaxError(f"unknown directive %{word}")
