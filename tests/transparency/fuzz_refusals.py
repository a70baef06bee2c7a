"""What sluse has refused to a fuzzer's sessions (1235: what was left on another connection can't be given), by kinds of statements."""
import re
from collections import Counter, defaultdict

from harness.replies import ERR, ResultSet

EXAMPLES = 3
READS = (("SHOW WARNINGS", r"show\s+(warnings|errors)"), ("SHOW COUNT(*)", r"show\s+count"), ("GET DIAGNOSTICS", r"get\s+(current\s+)?diagnostics"),
         ("FOUND_ROWS()", r"found_rows"), ("ROW_COUNT()", r"row_count"), ("@@warning_count", r"(warning|error)_count"))
BLANK = re.compile(r"/\*[!M]*[\d]*|\*/|--\s[^\n]*|#[^\n]*|\s+", re.S)


def plain(text):
    """Without comments, and with simple white space; what stands in executed comments stays."""
    if text.startswith("!raw "):
        text = text[7:-1].encode().decode("unicode_escape")
    return BLANK.sub(" ", text).strip()


def prepared(steps, text):
    """The text that an execution of one of these steps' statements runs; None: it is none."""
    verb, _, rest = text.partition(" ")
    if verb not in ("!execute", "!again", "!cursor"):
        return None
    name = rest.partition(" ")[0]
    return next((s.text.split(" ", 2)[2] for s in reversed(steps) if s.text.startswith(f"!prepare {name} ")), text)


def reading(steps, text):
    """What it reads, and in which form."""
    executed = prepared(steps, text)
    text = plain(executed or text)
    reads = [name for name, pattern in READS if re.search(pattern, text, re.I)] or [" ".join(text.split(" ")[:2]).upper()]
    form = "prepared " if executed else "several: " if ";" in text.rstrip("; ") else ""
    return form + ", ".join(reads)


def left(replies):
    """What the statement in front was answered."""
    last = replies[-1] if replies else None
    if isinstance(last, ERR):
        return f"error {last.code}"
    warnings = getattr(last.end if isinstance(last, ResultSet) else last, "warnings", 0)
    return ("rows" if isinstance(last, ResultSet) else "ok") + (" with warnings" if warnings else "")


class Refusals:
    """Counts them, and keeps some of each kind."""

    def __init__(self):
        self.kinds, self.examples = Counter(), defaultdict(list)

    def note(self, label, index, transcript):
        """transcript: of the run straight to the server. index: of the step that was refused."""
        step = transcript[index][0]
        own = [(s, replies) for s, replies in transcript[:index] if s.session == step.session]
        before = own[-1] if own else (None, [])
        kind = f"{reading([s for s, _ in own], step.text)} behind {left(before[1])}"
        self.kinds[kind] += 1
        if len(self.examples[kind]) < EXAMPLES:
            self.examples[kind].append(f"{label}: {step.text}" + (f"  <- {before[0].text}" if before[0] else ""))

    def table(self):
        return [line for kind, count in self.kinds.most_common() for line in [f"{count:6} x {kind}"] + ["           " + e for e in self.examples[kind]]]
