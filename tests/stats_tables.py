# SPDX-License-Identifier: MIT
"""What proxy/stats.def and its fellows say is shown, and what is made of it: the tables of docs/stats.md and docs/stats.schema.json."""
import os
import re

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def text(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as f:
        return f.read()


def rows(macro, arguments):
    return re.findall(rf"^{macro}\({arguments}\)$", text("proxy/stats.def"), re.MULTILINE)


def counters():
    return dict(rows("COUNTER", r'(\w+), "([^"]*)"'))


def histograms():
    return dict(rows("HISTOGRAM", r'(\w+), "([^"]*)"'))


def bounds_ms():
    return [int(us) / 1000 for us, _ in rows("BUCKET", r'(\d+), "([^"]*)"')]


def families():
    """Metric to its type, label and meaning."""
    return {metric: rest for metric, *rest in rows("FAMILY", r'(\w+), "(\w+)", "(\w+)", \w+, [^"]*, "([^"]*)", [^"]*')}


def gauges():
    """Field of /stats to its kind, metric and meaning."""
    found = {}
    for path, kind, meaning in rows("GAUGE", r'"([\w.]+)", (\w+), "([^"]*)", .*'):
        field = path + {"TIME": "_ms", "SECONDS": "_s"}.get(kind, "")
        metric = "sluse_" + path.replace(".", "_") + {"TIME": "_seconds", "SECONDS": "_seconds", "COUNT": "_total"}.get(kind, "")
        found[field] = kind, metric, meaning
    return found


def reasons():
    """Name to log level."""
    return {name: level.removeprefix("LOG_").lower()
            for name, level in re.findall(r'^REASON\(\w+, "([^"]*)", (\w+)\)', text("proxy/close_reason.def"), re.MULTILINE)}


def states():
    found = re.search(r"enum backend_state \{(.*?)BACKEND_STATES", text("proxy/stats.h"), re.DOTALL)[1]
    return [s.lower() for s in re.findall(r"BACKEND_(\w+),", found) if s != "CLOSED"]


def pins():
    return re.findall(r'^PIN\(\w+, "(\w+)"', text("protocol/pin.def"), re.MULTILINE)


def metrics():
    """Every name that has a TYPE line in /metrics, with its type."""
    found = {"sluse_info": "gauge"}
    found |= {metric: "counter" if kind == "COUNT" else "gauge" for kind, metric, _ in gauges().values()}
    found |= {f"sluse_{name}_total": "counter" for name in counters()}
    found |= {f"sluse_{name}_seconds": "histogram" for name in histograms()}
    return found | {metric: kind for metric, (kind, _, _) in families().items()}


# Tables of docs/stats.md: the heading of each is what it is found by.

def table(heading, lines):
    columns = heading.count("|") - 1
    return "".join(line + "\n" for line in [heading, "|" + "---|" * columns, *lines])


def tables():
    return [
        table("| Field | Metric | Meaning |", [f"| `{f}` | `{m}` | {t} |" for f, (_, m, t) in gauges().items()]),
        table("| Counter | Counts |", [f"| `{n}` | {t} |" for n, t in counters().items()]),
        table("| Histogram | Times |", [f"| `{n}` | {t} |" for n, t in histograms().items()]),
        table("| Metric | Type | Label | Meaning |", [f"| `{m}` | {k} | `{label}` | {t} |" for m, (k, label, t) in families().items()]),
    ]


# docs/stats.schema.json

WHOLE = {"type": "integer", "minimum": 0}
TIME = {"type": "number", "minimum": 0}
TEXT = {"type": "string"}


def closed(properties, required=True):
    """An object with these fields, all of them (or any of them), and no other."""
    made = {"type": "object", "properties": properties, "additionalProperties": False}
    return made | {"required": list(properties)} if required else made


def put(properties, path, schema):
    *parents, field = path.split(".")
    for parent in parents:
        properties = properties.setdefault(parent, {})
    properties[field] = schema


def nested(properties):
    return closed({name: value if "type" in value else nested(value) for name, value in properties.items()})


def frame():
    return closed({"id": WHOLE, "thread_id": WHOLE, "state": {"type": "string", "enum": states()}, "since_ms": TIME, "command_ms": TIME | {"type": ["number", "null"]},
                   "session": {"type": ["integer", "null"], "minimum": 0x80000000, "maximum": 0xFFFFFFFF}, "resident": {"type": "boolean"},
                   "pins": {"type": "array", "items": {"type": "string", "enum": pins()}, "uniqueItems": True}})


def schema():
    kinds = {"FLAG": {"type": "boolean"}, "TIME": TIME}
    bounds = bounds_ms()
    histogram = closed({"count": WHOLE, "sum_ms": TIME, "buckets": {"type": "array", "items": WHOLE, "minItems": len(bounds) + 1, "maxItems": len(bounds) + 1}})
    properties = {"version": TEXT, "readiness": TEXT}
    for field, (kind, _, meaning) in gauges().items():
        put(properties, field, kinds.get(kind, WHOLE) | {"description": meaning})
    for field in ("address", "version", "last_error"):
        put(properties, f"target.{field}", TEXT)
    put(properties, "pool.backends", closed({state: WHOLE for state in states()}))
    put(properties, "pool.frames", {"type": "array", "items": frame()})
    properties["pins"] = closed({name: closed({"times": WHOLE, "now": WHOLE, "oldest_ms": TIME}) for name in pins()}, False)
    properties["counters"] = closed({name: WHOLE | {"description": meaning} for name, meaning in counters().items()})
    properties["histogram_bounds_ms"] = {"type": "array", "const": bounds}
    properties["histograms"] = closed({name: histogram | {"description": meaning} for name, meaning in histograms().items()})
    properties["errors"] = {"type": "object", "patternProperties": {"^([1-9][0-9]{0,4}|other)$": WHOLE}, "additionalProperties": False}
    for field in ("client_closed", "backend_closed"):
        properties[field] = closed({name: WHOLE for name in reasons()}, False)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "/stats of sluse"} | nested(properties)
