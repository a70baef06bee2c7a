#!/usr/bin/python3
"""Runs scripts direct and through sluse and compares everything.

    run.py [--server mariadb-10.11|mariadb-11.8|mysql-9.7] [--through sluse|direct]
           [--form NAME] [--set pool.debug_migrate=always] [--verbose] [SCRIPT...]
"""
import argparse
from dataclasses import fields, is_dataclass
import glob
import os
import sys
import time
import traceback

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path[:0] = [HERE, os.path.join(HERE, "..", "integration")]

from harness import RawClient, SERVERS, Sluse, wait_until  # noqa: E402
from masks import KNOWN, KNOWN_ON  # noqa: E402
from runner import FORMS, Run  # noqa: E402
from script import parse  # noqa: E402


def scripts():
    return sorted(glob.glob(os.path.join(HERE, "scripts", "*.script")))


def server_name():
    """The server that a run is against, unless it says so itself."""
    return os.environ.get("TRANSPARENCY_SERVER") or "mariadb-10.11"


def settings(pairs):
    """section.key=value pairs as Sluse's arguments."""
    sections = {}
    for pair in pairs:
        name, _, value = pair.partition("=")
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    return sections


class Bench:
    """A server and, unless direct, a proxy in front of it."""

    def __init__(self, server, through="sluse", **sections):
        self.server = server
        # From an account's first login on caching_sha2_password goes its short way.
        for account in ("app", "svc", "limited"):
            RawClient(server.port, user=account, password=account, plugin=server.plugin).close()
        self.proxy = None if through == "direct" else Sluse(server, accounts=dict(
            app="app", svc="svc", limited="limited", nopass=""), **sections)

    def pass_of(self, script, form, through):
        """One run; returns (transcript, the Run)."""
        for row in self.server.sql("XA RECOVER"):
            self.server.sql(f"XA ROLLBACK '{row[3]}'")
        self.server.fresh_schemas()
        for statement in script.root:
            self.server.sql(statement)
        proxied = through and self.proxy
        run = Run(script, (self.proxy if proxied else self.server).port, form, self.server,
                  KNOWN + KNOWN_ON.get(self.server.name, ()) if self.proxy else ())
        run.proxy = self.proxy if proxied else None
        try:
            run.go()
        finally:
            if proxied:
                self.proxy.wait_idle()
            else:
                ids = set(run.ids.values())
                wait_until(lambda: not ids & {p["ID"] for p in self.server.processlist()}, what="sessions have ended")
            for statement in script.end:
                self.server.sql(statement)
        return run

    def differences(self, script, form):
        """A text for each step whose replies differ."""
        direct, through = self.pass_of(script, form, False), self.pass_of(script, form, True)
        out = []
        for (step, want), (_, got) in zip(direct.transcript, through.transcript):
            if want != got:
                out.append(f"{script.name} [{form}] {step}\n" + "".join(compare(want, got)))
        return out, direct

    def close(self):
        if self.proxy:
            try:
                self.proxy.assert_quiet()
            finally:
                self.proxy.stop()


def compare(want, got):
    for i in range(max(len(want), len(got))):
        a, b = (x[i] if i < len(x) else "nothing" for x in (want, got))
        if a != b:
            yield f"    direct : {a!r}\n    through: {b!r}\n"
            if type(a) is type(b) and is_dataclass(a):
                yield "    differ : " + ", ".join(
                    f"{f.name}: {getattr(a, f.name)!r:.200} / {getattr(b, f.name)!r:.200}" for f in fields(a)
                    if getattr(a, f.name) != getattr(b, f.name)) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=SERVERS, default=server_name())
    parser.add_argument("--through", choices=("sluse", "direct"), default="sluse")
    parser.add_argument("--form", action="append", choices=FORMS)
    parser.add_argument("--set", action="append", default=[], metavar="SECTION.KEY=VALUE")
    parser.add_argument("--verbose", action="store_true", help="print what the server answers directly")
    parser.add_argument("script", nargs="*")
    options = parser.parse_args()
    failed = passed = 0
    with SERVERS[options.server]() as server:
        bench = Bench(server, options.through, **settings(options.set))
        for path in options.script or scripts():
            start = time.monotonic()
            script = parse(path if os.path.exists(path) else os.path.join(HERE, "scripts", path + ".script"))
            if not script.is_for(options.server):
                continue
            for form in options.form or script.forms or FORMS:
                try:
                    found, direct = bench.differences(script, form)
                except Exception as e:   # a broken script, and the rest of them shall still run
                    traceback.print_exc()
                    found, direct = [f"{script.name} [{form}]: {e!r}"], None
                if options.verbose and direct:
                    for step, replies in direct.transcript:
                        print(f"{script.name} [{form}] {step}\n" + "".join(f"        {r!r}\n" for r in replies), end="")
                print("\n".join(found), end="\n" if found else "")
                failed, passed = failed + bool(found), passed + (not found)
            print(f"{script.name}: {time.monotonic() - start:.1f} s", flush=True)
        bench.close()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
