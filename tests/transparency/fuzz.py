#!/usr/bin/python3
"""Random interleaved sessions, direct and through sluse, and everything that they get compared.

    fuzz.py [--seed N] [--sessions N | --minutes M] [--server NAME] [--through sluse|direct]
            [--set pool.size=4 --set pool.debug_migrate=always ...] [SCRIPT...]

A script is made from its seed alone (and from how many backends there are); seeds count up from --seed. What differs is made as
small as it gets and printed as a script for run.py, with both answers. `--seed N --sessions 1` runs one seed again, `--show` prints
its script and `--verbose` what the server answers. SCRIPTs are run in place of random ones, over the fuzzer's own tables.
"""
import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]

import run as runs  # noqa: E402
from fuzz_bench import OPTIONS, FuzzBench  # noqa: E402
from fuzz_grammar import PHRASES, generate  # noqa: E402
from fuzz_refusals import Refusals  # noqa: E402
from fuzz_shrink import Shrinker, numbered, text_of, transcript_of  # noqa: E402
from harness import SERVERS  # noqa: E402
from runner import FORMS  # noqa: E402
from script import parse  # noqa: E402

def context_of(script, found, steps=12):
    """What the session did before the first difference."""
    first = found[0]
    own = [s for s in script.steps[:first.index + 1] if s.session == first.step.session]
    return "".join(f"    {s.session}: {s.text}\n" for s in own[-steps:])


def flavor_of(name):
    return "mysql" if name.startswith("mysql") else "mariadb"


def open_server(name):
    return SERVERS[name](options=list(OPTIONS[flavor_of(name)]))


class Fuzzer:
    """Counts, and reports what it has not reported before."""

    def __init__(self, bench, options, out=print):
        self.bench, self.options, self.out = bench, options, out
        self.scripts = self.sessions = self.steps = self.starved = self.refused = self.unanswered = self.failures = 0
        self.kinds, self.first, self.refusals = Counter(), {}, Refusals()
        self.flaky = []

    def run(self, script, label):
        """One script; True when it shows no difference."""
        found, complaint, direct = self.bench.judge(script)
        self.scripts += 1
        self.sessions += len({s.session for s in script.steps})
        self.steps += len(script.steps)
        if self.options.verbose:
            self.show(direct)
        if found and found[0].starved and not complaint:
            self.starved += 1
            self.bench.recover()
            return True
        if found and found[0].refused and not complaint and not self.bench.strict:
            self.refused += 1
            self.refusals.note(label, found[0].index, direct.transcript)
            self.bench.recover()
            return True
        if found and found[0].unanswered and not complaint:
            self.unanswered += 1
            self.bench.recover()
            return True
        if not found and not complaint:
            return True
        self.failures += 1
        what = (found[0].phrase, found[0].kind) if found else ("", "sluse complains")
        self.kinds[what] += 1
        new = what not in self.first
        self.first.setdefault(what, label)
        self.bench.recover()
        if new or self.options.all:
            self.report(script, label, found, complaint)
        return False

    def report(self, script, label, found, complaint):
        rule = "=" * 30
        self.out(f"{rule} {label}: {found[0].phrase + ': ' + found[0].kind if found else 'sluse complains'} {rule}")
        small, again = script, None
        if not self.options.no_shrink:
            small, again = self.shrink(script, found, complaint)
        if again is None and not self.options.no_shrink:
            self.flaky.append(label)
            self.out("NOT seen again when the script was run alone: it may come from the scripts before it. As it was:\n"
                     + transcript_of(found[:3]) + (complaint or ""))
            return
        found, complaint = again or (found, complaint)
        before = context_of(small, found) if self.options.no_shrink and found else ""
        text = text_of(numbered(small), self.bench.flavor)
        if self.options.save:
            os.makedirs(self.options.save, exist_ok=True)
            with open(os.path.join(self.options.save, small.name + ".script"), "w", encoding="utf8") as f:
                f.write(text)
        self.out((before or text) + "\n" + transcript_of(found) + (complaint or ""))

    def shrink(self, script, found, complaint):
        """The smallest script with a difference of the same kind, and what it shows; (script, None) if it shows none alone."""
        kinds = {d.kind for d in found[:1]}
        shown = []

        def fails(candidate, tries=self.options.repeat):
            return any(fails_once(candidate) for _ in range(tries))

        def fails_once(candidate):
            differences, words, _ = self.bench.judge(candidate)
            bad = bool(words) if complaint else any(d.kind in kinds and not d.starved for d in differences)
            if differences or words:
                self.bench.recover()
            if bad:
                shown[:] = [(differences, words)]
            return bad
        if not fails(script, self.options.repeat + 3):
            return script, None
        small = Shrinker(fails, self.options.tries).shrink(script, found[0].index if found else len(script.steps) - 1)
        return small, shown[0]

    def show(self, direct):
        for step, replies in direct.transcript:
            self.out(f"{step}\n" + "".join(f"        {r!r:.300}\n" for r in replies), end="")

    def summary(self, seconds):
        for (phrase, kind), count in self.kinds.most_common():
            self.out(f"{count:6} x {phrase}: {kind} (first: {self.first[phrase, kind]})")
        if self.refused:
            self.out(f"{self.refused} scripts asked a backend for what was left on another, and were not compared")
        if self.options.refusals:
            self.out("\n".join(self.refusals.table()))
        if self.starved:
            self.out(f"{self.starved} scripts found no backend in time and were not compared")
        if self.unanswered:
            self.out(f"{self.unanswered} scripts were not answered by the server itself, and were not compared")
        if self.flaky:
            self.out("not seen again alone: " + ", ".join(self.flaky))
        counted = self.bench.counters()
        if counted:
            self.out("sluse counted: " + ", ".join(f"{k} {v}" for k, v in counted.items()))
        rate = self.sessions / max(seconds, 0.001)
        self.out(f"{self.scripts} scripts, {self.sessions} sessions, {self.steps} steps in {seconds:.1f} s: {rate:.0f} sessions/s; "
                 f"{self.scripts - self.failures} passed, {self.failures} failed")


def arguments(argv=None):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--sessions", type=int, default=300, help="how many sessions at least")
    parser.add_argument("--minutes", type=float, help="how long, in place of --sessions")
    parser.add_argument("--server", choices=SERVERS, default=runs.server_name())
    parser.add_argument("--through", choices=("sluse", "direct"), default="sluse")
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--form", action="append", choices=FORMS)
    parser.add_argument("--only", action="append", default=[], metavar="PHRASE", choices=[p[0] for p in PHRASES])
    parser.add_argument("--without", action="append", default=[], metavar="PHRASE", choices=[p[0] for p in PHRASES])
    parser.add_argument("--tame", action="store_true", help="without odd spellings, comments and empty statements")
    parser.add_argument("--strict", action="store_true", help="with what sluse is known to answer otherwise")
    parser.add_argument("--residue-code", action="store_true", help="with stored code that reads ROW_COUNT() and the like")
    parser.add_argument("--save", metavar="DIRECTORY", help="also write each script that is reported to a file there")
    parser.add_argument("--stop-after", type=int, default=10, metavar="N", help="stop after N failed scripts (10; 0: never)")
    parser.add_argument("--tries", type=int, default=400, help="runs that making a script smaller may take")
    parser.add_argument("--repeat", type=int, default=2, help="runs of a smaller script before it counts as one that passes (2)")
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--all", action="store_true", help="report every script that differs, not only one of each kind")
    parser.add_argument("--refusals", action="store_true", help="list what was refused with 1235, by kinds of statements, and what stood in front")
    parser.add_argument("--show", action="store_true", help="print the scripts and run nothing")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("script", nargs="*")
    return parser.parse_args(argv)


def scripts_of(options, flavor, frames):
    """The script of a seed, as a function."""
    without = options.without + ([] if options.residue_code else ["stored_questions"])
    return lambda seed: generate(seed, flavor, frames, options.only, without, options.form, options.strict, options.tame)


def work(fuzzer, options):
    """Scripts of files, or of seeds until it is enough."""
    start = time.monotonic()
    for path in options.script:
        script = parse(path)
        for form in script.forms or tuple(FORMS):
            script.forms = (form,)
            fuzzer.run(script, path)
    seed, said, script_of = options.seed, start, scripts_of(options, fuzzer.bench.flavor, fuzzer.bench.frames)
    while not options.script:
        now = time.monotonic()
        enough = now - start > options.minutes * 60 if options.minutes else fuzzer.sessions >= options.sessions
        if enough or (options.stop_after and fuzzer.failures >= options.stop_after):
            break
        if now - said > 30:
            said = now
            rate = fuzzer.sessions / (now - start)
            fuzzer.out(f"... seed {seed}: {fuzzer.sessions} sessions, {rate:.0f} a second, {fuzzer.failures} scripts failed")
        fuzzer.run(script_of(seed), f"seed {seed}")
        seed += 1
    fuzzer.summary(time.monotonic() - start)


def sections_of(options):
    """--set as Sluse's arguments. Who finds no backend is told soon: two seconds are lost for each."""
    sections = runs.settings(options.set)
    sections.setdefault("pool", {}).setdefault("wait_timeout", "2s")
    return sections


def in_memory():
    """Where the server's files are: a table is emptied four times as fast there as on a disk."""
    memory = "/dev/shm"
    if "TMPDIR" not in os.environ and os.access(memory, os.W_OK) and shutil.disk_usage(memory).free > 2 << 30:
        tempfile.tempdir = memory


def main():
    options = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))   # so that server and directory go, which may be in memory
    in_memory()
    sections = sections_of(options)
    if options.show:
        size = int(sections["pool"].get("size", 10))
        print(text_of(scripts_of(options, flavor_of(options.server), size - 1)(options.seed), flavor_of(options.server)), end="")
        return 0
    with open_server(options.server) as server:
        bench = FuzzBench(server, flavor_of(options.server), options.through, options.residue_code, options.strict, **sections)
        fuzzer = Fuzzer(bench, options, out=lambda *a, **k: print(*a, **k, flush=True))
        try:
            work(fuzzer, options)
        finally:
            bench.close()
    return 1 if fuzzer.failures else 0


if __name__ == "__main__":
    sys.exit(main())
