#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Checks that docs/ says what the code has; the last line is "N passed, M failed".

    tests/check_docs.py            checks
    tests/check_docs.py --write    writes the generated tables of docs/stats.md, and docs/stats.schema.json, anew
"""
import ast
import glob
import json
import os
import re
import subprocess
import sys

import stats_tables
from stats_tables import ROOT, reasons, states, text

STATS = "docs/stats.md"
SCHEMA = "docs/stats.schema.json"
ROW = re.compile(r"^\| `([^`]+)` \|(.*)\|$", re.MULTILINE)


def section(heading):
    """What stands under a heading of docs/stats.md."""
    found = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text(STATS), re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


def rows(heading):
    return {name: rest.strip() for name, rest in ROW.findall(section(heading))}


def differ(want, have, where):
    for name in want:
        if name not in have:
            yield f"{where}: no row for {name}"
    for name in have:
        if name not in want:
            yield f"{where}: {name} does not exist any more"


def schema():
    return json.dumps(stats_tables.schema(), indent=1) + "\n"


# The checks: each yields what is wrong.

def check_tables():
    """docs/stats.md has the rows of proxy/stats.def, in its words (--write does it)"""
    page = text(STATS)
    for table in stats_tables.tables():
        if table + "\n" not in page + "\n":
            yield f"{STATS}: the table below {table.splitlines()[0]} is not the one that --write makes"


def check_schema():
    """docs/stats.schema.json is what follows from proxy/stats.def (--write does it)"""
    if not os.path.exists(os.path.join(ROOT, SCHEMA)) or text(SCHEMA) != schema():
        yield f"{SCHEMA} is not the one that --write makes"


def check_reasons():
    """docs/stats.md has every reason of proxy/close_reason.def, with its log level"""
    have = rows("client_closed, backend_closed")
    yield from differ(reasons(), have, STATS)
    for name, level in reasons().items():
        if name in have and have[name].split("|")[0].strip() != level:
            yield f"{STATS}: {name} is logged as {level}"


def check_states():
    """docs/stats.md has every state of a backend"""
    have = rows("pool.backends")
    yield from differ(states(), have, STATS)


def check_reference():
    """docs/pool.ini.md is what `sluse --print-reference` prints"""
    programs = [p for p in glob.glob(os.path.join(ROOT, "build", "*", "sluse")) if os.access(p, os.X_OK)]
    if not programs:
        print("        (nothing is built yet: not compared)")
        return
    program = max(programs, key=os.path.getmtime)
    printed = subprocess.run([program, "--print-reference"], capture_output=True, text=True)
    if printed.returncode or printed.stdout != text("docs/pool.ini.md"):
        yield f"run: {os.path.relpath(program, ROOT)} --print-reference > docs/pool.ini.md"


def check_links():
    """links between documents lead somewhere"""
    for name in ["README.md"] + sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md"))):
        for target in re.findall(r"\]\(([^)#\s]+)", text(name)):
            if "://" not in target and not os.path.exists(os.path.join(ROOT, os.path.dirname(name), target)):
                yield f"{name}: {target}"


def check_metrics():
    """metrics, and reasons of an end, that the documents name exist"""
    known = set(re.findall(r"`(sluse_\w+)`", text(STATS))) | {f"sluse_{name}_total" for name in rows("counters")}
    known |= {f"sluse_{name}_seconds{end}" for name in rows("histograms") for end in ("", "_sum", "_count", "_bucket")}
    for name in ["README.md"] + sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md"))):
        for metric in set(re.findall(r"\bsluse_(?!NAME)\w+", text(name))) - known:
            yield f"{name}: {metric}"
        for reason in set(re.findall(r'reason="(\w+)"', text(name))) - set(reasons()):
            yield f"{name}: {reason}"


def check_paths():
    """files that the documents name exist"""
    for name in ["README.md"] + sorted(os.path.relpath(p, ROOT) for p in glob.glob(os.path.join(ROOT, "docs", "*.md"))):
        for path in re.findall(r"`((?:proxy|protocol|conf|tests|packaging|docs)/[\w./]+)`", text(name)):
            if not os.path.exists(os.path.join(ROOT, path)):
                yield f"{name}: {path}"


def check_functions():
    """functions that docs/architecture.md names are in the file that it names"""
    for stem, function in re.findall(r"\b(\w+\.c):(\w+)", text("docs/architecture.md")):
        path = next((f"{d}/{stem}" for d in ("proxy", "protocol", "conf") if os.path.exists(os.path.join(ROOT, d, stem))), None)
        if path is None or not re.search(rf"^\S.*\b{function}\(", text(path), re.MULTILINE):
            yield f"{stem}:{function}"


def check_cases():
    """tests that docs/session-state.md names exist in tests/integration/test_cleaning.py"""
    tree = ast.parse(text("tests/integration/test_cleaning.py"))
    known = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "CASES":
            known |= {key.value for key in node.value.keys}
    contract = re.search(r"^## What is cleaned.*?(?=^## |\Z)", text("docs/session-state.md"), re.MULTILINE | re.DOTALL)
    for line in (contract[0] if contract else "").split("\n"):
        if line.startswith("| ") and not line.startswith("| What"):
            for name in re.findall(r"`([^`]+)`", line.rstrip("| ").rsplit("|", 1)[-1]):
                if name not in known:
                    yield name


def check_tests():
    """tests, test files and scripts that docs/session-state.md names exist, and every test of test_facts.py and test_facts_more.py is named there"""
    contract = text("docs/session-state.md")
    files = glob.glob(os.path.join(ROOT, "tests", "*", "*.py")) + glob.glob(os.path.join(ROOT, "tests", "unit", "*.c"))
    scripts = {os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "tests", "transparency", "scripts", "*.script"))}
    known, facts = {os.path.basename(path) for path in files} | scripts, set()
    for path in files:
        with open(path, encoding="utf-8") as f:
            found = set(re.findall(r"^def (test_\w+)", f.read(), re.MULTILINE))
        known |= found
        facts |= found if os.path.basename(path) in ("test_facts.py", "test_facts_more.py") else set()
    named = set(re.findall(r"\b(?:test_\w+(?:\.py|\.c)?|\w+\.script)(?![\w.]*\w)", contract)) - {"x.script", "test_x.py", "test_x.c"}
    yield from sorted(named - known)
    yield from sorted(f"{name} is not in docs/session-state.md" for name in facts - named)


CHECKS = [check_tables, check_schema, check_reasons, check_states, check_reference, check_links, check_metrics, check_paths, check_functions, check_cases, check_tests]


def write():
    page = text(STATS)
    for table in stats_tables.tables():
        heading = re.escape(table.splitlines()[0])
        page = re.sub(rf"^{heading}\n(?:\|.*\n)*", lambda _, new=table: new, page, flags=re.MULTILINE)
    for name, content in ((STATS, page), (SCHEMA, schema())):
        with open(os.path.join(ROOT, name), "w", encoding="utf-8") as f:
            f.write(content)


def main():
    if sys.argv[1:] == ["--write"]:
        write()
        return 0
    failed = 0
    for check in CHECKS:
        wrong = list(check())
        print(("FAILED  " if wrong else "ok      ") + check.__doc__)
        for line in wrong:
            print("          " + line)
        failed += bool(wrong)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
