"""Makes a script that shows a difference as small as it gets, and writes it down."""
import re
from dataclasses import replace

from fuzz_grammar import TOKENS, spelled
from fuzz_schema import Schema
from run import compare
from script import Step, expression


def with_steps(script, keep):
    """The script with only some of its steps, by index."""
    out = replace(script, steps=[script.steps[i] for i in keep])
    out.phrases = [script.phrases[i] for i in keep] if getattr(script, "phrases", None) else None
    return out


def plainly(text):
    """The statement without comments and odd blanks, where that can be told from the text alone."""
    if text.startswith("!raw "):
        try:
            text = expression(text[5:]).decode()
        except UnicodeDecodeError:
            return text
    elif text.startswith("!"):
        return text
    kept = [t for t in TOKENS.findall(text) if not re.match(r"/\*(?!M?!)", t)]
    plain = " ".join("".join(" " if t.isspace() else t for t in kept).split()).rstrip("; ")
    return spelled(plain) if plain else text


class Shrinker:
    """fails(script) -> bool: does it still show what it showed?"""

    def __init__(self, fails, tries=400):
        self.fails, self.tries = fails, tries

    def holds(self, script, keep):
        if self.tries <= 0 or not keep:
            return False
        self.tries -= 1
        return self.fails(with_steps(script, keep))

    def shrink(self, script, last):
        """last: the index of the first step that differs; what comes behind it is most likely not needed."""
        keep = list(range(len(script.steps)))
        if self.holds(script, keep[:last + 1]):
            keep = keep[:last + 1]
        for name in sorted({s.session for s in script.steps}):
            less = [i for i in keep if script.steps[i].session != name]
            if len(less) < len(keep) and self.holds(script, less):
                keep = less
        keep = self.chunks(script, keep)
        return self.simpler(with_steps(script, keep))

    def chunks(self, script, keep):
        """Delta debugging: takes out pieces, the large ones first, until no single step can go."""
        size = max(1, len(keep) // 2)
        while self.tries > 0:
            at, shorter = 0, False
            while at < len(keep):
                less = keep[:at] + keep[at + size:]
                if self.holds(script, less):
                    keep, shorter = less, True
                else:
                    at += size
            if size == 1 and not shorter:
                break
            size = size if shorter and size == 1 else max(1, size // 2)
        return keep

    def simpler(self, script):
        """The plain form, plain logins, no capabilities: where it makes no difference to the difference."""
        for change in (dict(forms=("plain",)), dict(caps=()), dict(masks=tuple(m for m in script.masks if m != "gtid")),
                       dict(files={})):
            script = self.accept(script, change)
        for i, step in enumerate(script.steps):
            steps = script.steps[:i] + [replace(step, text=plainly(step.text))] + script.steps[i + 1:]
            script = self.accept(script, dict(steps=steps))
        for i, step in enumerate(script.steps):
            if step.text.startswith("!login ") and len(words := step.text.split()) > 2:
                for word in words[1:]:
                    text = script.steps[i].text.replace(" " + word, "", 1)
                    steps = script.steps[:i] + [replace(step, text=text)] + script.steps[i + 1:]
                    script = self.accept(script, dict(steps=steps))
        return script

    def accept(self, script, change):
        if self.tries <= 0 or all(getattr(script, k) == v for k, v in change.items()):
            return script
        other = replace(script, **change)
        other.phrases = getattr(script, "phrases", None)
        self.tries -= 1
        return other if self.fails(other) else script


def text_of(script, flavor):
    """The script in the format of script.py, with what it needs at the server as %root."""
    lines = [f"# {script.name}"]
    if script.masks:
        lines.append("%mask " + " ".join(script.masks))
    if script.caps:
        lines.append("%with " + " ".join(script.caps))
    lines.append("%forms " + " ".join(script.forms))
    lines += [f"%file {name} {data!r}" for name, data in script.files.items()]
    lines += [f"%root {statement}" for statement in Schema(flavor).used([s.text for s in script.steps])]
    for step in script.steps:
        masks = f" [{' '.join(step.masks)}]" if step.masks else ""
        lines.append(f"{step.session}{masks}: {step.text}")
    return "\n".join(lines) + "\n"


def transcript_of(found):
    """Both answers to the steps that differ."""
    out = []
    for d in found:
        out.append(f"{d.step.session}: {d.step.text}    ({d.kind})\n" + "".join(compare(d.want, d.got)))
    return "".join(out)


def numbered(script):
    """Steps count from 1 again."""
    script.steps = [Step(i + 1, s.session, s.text, s.masks) for i, s in enumerate(script.steps)]
    return script

