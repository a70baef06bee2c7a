"""The page at /: what it shows is what /stats says, in a real browser."""
import base64
import glob
import hashlib
import http.client
import os
import re
import signal
import sys

import pytest

from harness import ERR, RawClient, wait_until
from harness.page import FAINT, Browser
from harness.proxy import ROOT

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import stats_tables  # noqa: E402


@pytest.fixture(scope="module")
def chromium():
    browser = Browser()
    yield browser
    browser.quit()


@pytest.fixture
def browser(chromium):
    """At its end nothing was complained about, and nothing was asked of anybody but the page's own sluse."""
    yield chromium
    assert not chromium.console()
    asked = chromium.requests()
    origin = chromium.run("return location.origin + '/'")
    assert asked and [url for url in asked if not url.startswith((origin, "data:", "about:"))] == []
    chromium.driver.get("about:blank")


def ask(proxy, method="GET", path="/", **headers):
    connection = http.client.HTTPConnection("127.0.0.1", proxy.stats_port, timeout=10)
    connection.request(method, path, headers=headers)
    reply = connection.getresponse()
    body = reply.read()
    connection.close()
    return reply.status, reply.headers, body


def source(*names):
    return "".join(stats_tables.text(f"proxy/page/{name}") for name in names)


def scripts():
    """The parts of the script, in their order."""
    return re.search(r"foreach\(part (.*?)\)", source("embed.cmake"))[1].split()


def kind(frame):
    if frame["state"] == "leased":
        return "running" if frame["command_ms"] is not None else "pinned" if frame["pins"] else "changing"
    if frame["state"] == "idle":
        return "resident" if frame["resident"] else "idle"
    return "changing"


def cells(stats):
    """What the frames of /stats look like."""
    return sorted((frame["id"], kind(frame), ", ".join(pin.replace("_", " ") for pin in frame["pins"]), str(frame["session"] or ""))
                  for frame in stats["pool"]["frames"])


def drawn(seen):
    return sorted((cell["id"], cell["kind"], cell["why"], cell["who"]) for cell in seen["cells"] if cell["id"])


def agrees(browser, proxy):
    """Waits until the frames on the page are those of /stats, which rests meanwhile."""
    return browser.wait(lambda seen: drawn(seen) == cells(proxy.stats()), what="the page's frames are those of /stats")


def whole(text):
    return int(text.replace(",", ""))


def counts(seen, table):
    """The first column and the last of a table."""
    return {row[0]: whole(row[-1]) for row in seen["tables"][table] if row != ["none so far"]}


def named(numbers):
    return {name.replace("_", " "): n for name, n in numbers.items()}


# --- what is served ---

def test_one_file_that_a_browser_may_keep(sluse):
    proxy = sluse()
    status, headers, body = ask(proxy)
    page = body.decode()
    assert (status, headers["Content-Type"], headers["Cache-Control"]) == (200, "text/html; charset=utf-8", "no-cache")
    assert ask(proxy, **{"If-None-Match": headers["ETag"]})[::2] == (304, b"")
    assert ask(proxy, **{"If-None-Match": '"another"'})[::2] == (200, body)
    status, head, nothing = ask(proxy, "HEAD")
    assert (status, head["Content-Length"], head["ETag"], nothing) == (200, str(len(body)), headers["ETag"], b"")
    assert (ask(proxy, "POST")[0], ask(proxy, path="/index.html")[0], ask(proxy, path="//")[0]) == (405, 404, 404)
    assert re.search(r"<style>(.*)</style>", page, re.DOTALL)[1] == source("page.css")
    assert re.search(r'<script type="module">(.*)</script>', page, re.DOTALL)[1] == source(*scripts())


def test_nothing_but_itself_may_be_loaded(sluse):
    """The policy names the style and the script that are there by their hashes, and forbids all else."""
    _, headers, body = ask(sluse())
    policy = dict(part.strip().split(" ", 1) for part in headers["Content-Security-Policy"].split(";"))
    for directive, tag in (("script-src", r'<script type="module">(.*)</script>'), ("style-src", "<style>(.*)</style>")):
        inside = re.search(tag, body.decode(), re.DOTALL)[1].encode()
        assert policy.pop(directive) == f"'sha256-{base64.b64encode(hashlib.sha256(inside).digest()).decode()}'"
    assert policy == {"default-src": "'none'", "img-src": "data:", "connect-src": "'self'", "base-uri": "'none'", "form-action": "'none'",
                      "frame-ancestors": "'none'", "require-trusted-types-for": "'script'", "trusted-types": "'none'"}
    assert not re.search(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|\bsrc=", body.decode())
    assert {os.path.basename(path) for path in glob.glob(os.path.join(ROOT, "proxy", "page", "*.js"))} == set(scripts())


def test_what_the_page_computes(chromium):
    """Quantiles of histograms, and a code of two letters for each pin."""
    library = source("format.js", "history.js", "pool.js")
    pins = stats_tables.pins()
    codes = chromium.run(f"{library} return {pins!r}.map(codeOf)")
    assert len(set(codes)) == len(pins) and {len(code) for code in codes} == {2}
    bounds = "[1, 10, 100]"
    for buckets, share, want in ((" [10, 0, 0, 0]", 0.5, "< 1 ms"), ("[0, 10, 0, 0]", 0.5, "5.5 ms"), ("[0, 90, 10, 0]", 0.95, "55 ms"),
                                 ("[1, 0, 0, 1]", 0.5, "1 ms"), ("[1, 0, 0, 1]", 0.99, "> 100 ms"), ("[0, 0, 2, 0]", 1, "100 ms")):
        found = chromium.run(f"{library} const b = {buckets}; return History.say(History.quantile({bounds}, b, {share} * b.reduce((x, y) => x + y)), {bounds})")
        assert found == want, (buckets, share)
    for ms, want in ((0.0004, "0 µs"), (0.05, "50 µs"), (1, "1 ms"), (9.96, "10 ms"), (999.6, "1 s"), (9949, "9.9 s"), (59999, "59 s"), (61000, "1 min 1 s"),
                     (3661000, "1 h 1 min"), (90000000, "1 d 1 h")):
        assert chromium.run(f"{library} return duration({ms})") == want


# --- what is seen ---

def test_what_holds_the_pool(sluse, schemas, clients, browser):
    """Each connection, with what holds it; who waits, and that nobody goes on; and at the end every number is that of /stats."""
    proxy = sluse(pool=dict(size=6, wait_timeout="60s"))
    wait_until(proxy.ready)
    browser.open(proxy)
    seen = agrees(browser, proxy)
    assert (seen["readiness"], seen["notices"], seen["legend"]["control"], seen["lost"]) == ("ready", [], "1", None)
    assert seen["target"].startswith(f"127.0.0.1:{schemas.port} · 10.11.") and seen["title"] == f"ready · sluse 127.0.0.1:{proxy.stats_port}"
    assert len(seen["cells"]) == 6 and not seen["dense"]

    runner, locker, keeper, plain, other = (clients(proxy, schema="app") for _ in range(5))
    runner.query("BEGIN")
    runner.send_command(3, b"SELECT SLEEP(100), 'that runs'")
    locker.query("SELECT GET_LOCK('page', 0)")
    keeper.query("BEGIN")
    plain.query("DO 1")
    seen = agrees(browser, proxy)
    by_session = {cell["who"]: cell for cell in seen["cells"]}
    assert [(by_session[str(c.id)]["what"], by_session[str(c.id)]["why"]) for c in (runner, locker, keeper, plain)] == [
        ("running", "transaction"), ("pinned", "user locks"), ("pinned", "transaction"), ("resident", "")]
    assert {row[0] for row in seen["tables"]["holders"]} == {str(c.id) for c in (runner, locker, keeper)}
    assert seen["legend"] == {"running": "1", "pinned": "2", "resident": "1", "idle": "0", "changing": "0", "control": "1", "free": "1"}

    for client in (plain, other):
        assert isinstance(client.query("SELECT nosuch")[0], ERR)
        client.query("BEGIN")
    waiter = clients(proxy, schema="app")
    waiter.send_command(3, b"SELECT 'served'")
    seen = browser.wait(lambda seen: seen["tiles"]["Waiting"][0] == "1", what="one waits")
    assert seen["tiles"]["Waiting"][1].startswith("the first for ") and seen["title"].startswith("ready, 1 waiting")
    assert seen["legend"]["free"] == "0" and not any("held by a session" in notice for notice in seen["notices"])
    schemas.sql(f"KILL QUERY {[frame['thread_id'] for frame in proxy.stats()['pool']['frames'] if frame['session'] == runner.id][0]}")
    runner.read_reply()
    seen = browser.wait(lambda seen: any("is held by a session whose client sends nothing" in notice for notice in seen["notices"]),
                        what="that nobody goes on is told")
    assert seen["legend"]["pinned"] == "5" and seen["tiles"]["Connections"] == ["6", "of 6, 5 pinned idle"]
    browser.look(width=360)
    seen = browser.seen()
    assert seen["width"] == 360 and seen["cut"] == [] and browser.run(FAINT) == []
    browser.look()

    for _ in range(200):
        keeper.query("DO 1")
    seen = browser.wait(lambda seen: whole(seen["tiles"]["Queries/s"][0]) > 0 and "p99 –" not in seen["charts"][1][0], what="queries have a rate and a time")
    assert seen["charts"][1][1].startswith("M")
    keeper.quit()
    assert waiter.read_reply()[0].rows == ((b"served",),)
    for client in (runner, locker, plain, other, waiter):
        client.quit()
    proxy.wait_idle()
    wait_until(lambda: proxy.stats()["client_closed"].get("quit") == 6)
    browser.wait(lambda seen: counts(seen, "client-ends").get("quit") == 6, what="the last client's end is shown")
    seen, stats = agrees(browser, proxy), proxy.stats()
    assert seen["notices"] == [] and seen["tiles"]["Clients"][0] == "0"
    assert counts(seen, "client-ends") == named(stats["client_closed"]) and counts(seen, "backend-ends") == named(stats["backend_closed"])
    assert counts(seen, "errors") == stats["errors"] and stats["errors"]["1054"] == 2
    assert counts(seen, "pins") == named({name: pin["times"] for name, pin in stats["pins"].items()}) and {"transaction", "user locks"} <= set(counts(seen, "pins"))
    assert list(counts(seen, "sharing").values()) == [stats["counters"][name] for name in (
        "leases_resident", "leases_equal", "page_ins_difference", "page_ins_reset", "page_ins_login", "leases_waited", "pages_stolen")]
    for tile, count in (("Queries/s", stats["histograms"]["query"]["count"]), ("Transactions/s", stats["histograms"]["transaction"]["count"]),
                        ("Logins/s", stats["counters"]["logins"]), ("Errors/s", sum(stats["errors"].values()))):
        assert whole(seen["tiles"][tile][1].split(" so far")[0]) == count, tile


def test_a_server_that_is_down_and_a_sluse_that_is_gone(sluse, own_mariadb, chromium):
    """The page says so, and goes on by itself."""
    server = own_mariadb()
    proxy = sluse(server=server, sluse=dict(drain_timeout="30s"))
    wait_until(proxy.ready)
    chromium.open(proxy)
    with proxy.client() as client:
        client.query("DO 1")
    server.kill9()
    seen = chromium.wait(lambda seen: seen["readiness"] == "not ready", what="the page says that the server is down")
    seen = chromium.wait(lambda seen: any("an't connect to " in notice for notice in seen["notices"]), what="and why")
    assert seen["notices"][0].startswith(f"Not ready: server 127.0.0.1:{server.port}: ")
    assert proxy.http("/readyz") == (503, proxy.stats()["readiness"] + "\n") and proxy.stats()["ready"] is False
    server.start()
    chromium.wait(lambda seen: seen["readiness"] == "ready", what="the page says that the server is back")
    assert not chromium.console()

    proxy.kill()
    seen = chromium.wait(lambda seen: seen["lost"], what="the page says that sluse is gone")
    assert re.search(r"sluse can't be reached\.For [\d.]+ m?s now \(no connection\)\. What is below is of ", seen["lost"])
    assert (seen["readiness"], seen["title"]) == ("unknown", f"✕ can't be reached · sluse 127.0.0.1:{proxy.stats_port}")
    chromium.wait(lambda now: now["lost"] != seen["lost"], what="for how long")
    assert all("net::ERR_CONNECTION_REFUSED" in line for line in chromium.console())
    proxy.start()
    seen = chromium.wait(lambda seen: seen["lost"] is None and seen["readiness"] == "ready", what="the page finds the new one")
    assert all(not number.startswith("-") for number, _ in seen["tiles"].values()) and counts(seen, "client-ends") == {}

    with proxy.client() as client:
        client.query("BEGIN")
        proxy.signal(signal.SIGTERM)
        seen = chromium.wait(lambda seen: seen["readiness"] == "draining", what="the page says that sluse drains")
        assert seen["notices"][0].startswith("sluse drains: ")
        client.query("COMMIT")
    assert proxy.process.wait(30) == 0
    proxy.process = None
    chromium.wait(lambda seen: seen["lost"], what="the page says that sluse is gone")


def test_what_stands_below_ready(sluse, own_mariadb, browser):
    """One of several accounts is refused, a reload was: both are told for as long as they are so."""
    server = own_mariadb()
    proxy = sluse(server=server)
    wait_until(proxy.ready)
    browser.open(proxy)
    server.sql("SET PASSWORD FOR svc@'%' = PASSWORD('another')")
    with RawClient(proxy.port, user="svc", password="svc") as client:
        assert client.login_reply.code == 1045
    seen = browser.wait(lambda seen: any("refused by the server" in notice for notice in seen["notices"]), what="the account is named")
    status, text = proxy.http("/readyz")
    ready, refused = text.splitlines()
    assert (status, ready, seen["readiness"]) == (200, "ready", "ready") and refused.startswith("account svc: ")
    assert seen["notices"][0] == "A" + refused[1:]

    proxy.sections["pool"]["size"] = "many"
    proxy.reload()
    seen = browser.wait(lambda seen: any("not what pool.ini says" in notice for notice in seen["notices"]), what="the reload is told")
    assert seen["notices"][0] == "A" + refused[1:] and proxy.stats()["conf"]["stale"]
    browser.look(width=360)
    seen = browser.seen()
    assert seen["width"] == 360 and seen["cut"] == [] and browser.run(FAINT) == []

    proxy.sections["pool"]["size"] = 10
    proxy.sections["account svc"]["password"] = "another"
    proxy.reload()
    browser.wait(lambda seen: not any("refused" in notice for notice in seen["notices"]), what="both are over")


def test_every_size_and_both_schemes(sluse, own_mariadb, browser):
    """No frame and 500, a phone and a desk, light and dark: no scrolling to the side, and every text stands out from its ground."""
    server = own_mariadb(max_connections=520)
    grounds = set()
    for size, idle in ((2, 0), (511, 500)):
        proxy = sluse(server=server, pool=dict(size=size, min_idle=idle, idle_timeout=0 if idle else "1ms"), backend=dict(health_interval="200ms"))
        wait_until(lambda: len(proxy.stats()["pool"]["frames"]) == idle and proxy.ready(), 40, "the pool is as large as wanted")
        proxy.wait_idle(40)
        browser.open(proxy)
        for width in (360, 1280):
            for scheme in ("light", "dark"):
                browser.look(width=width, scheme=scheme)
                seen = browser.wait(lambda seen: seen["legend"]["idle"] == str(idle), what="all are idle")
                assert seen["width"] <= width and seen["cut"] == [] and seen["dense"] == (idle > 0) and len(seen["cells"]) == size
                assert browser.run(FAINT) == []
                grounds.add(browser.run("return getComputedStyle(document.body).backgroundColor"))
        assert [cell["what"] for cell in seen["cells"]] == ["control"] + ["idle"] * idle + ["free"] * (size - idle - 1)
    assert len(grounds) == 2
    browser.run("document.querySelector('caption button').click()")
    assert len(browser.seen()["tables"]["holders"]) == 500


def test_nothing_is_asked_while_nobody_looks(sluse, browser):
    proxy = sluse()
    wait_until(proxy.ready)
    browser.open(proxy)

    def asked():
        return len(browser.run("return performance.getEntriesByType('resource').filter(entry => entry.name.endsWith('/stats'))"))
    before = asked()
    wait_until(lambda: asked() > before, what="it asks again")
    browser.driver.minimize_window()
    wait_until(lambda: browser.run("return document.visibilityState") == "hidden", what="the page is hidden")
    assert browser.seen()["title"] == f"paused · sluse 127.0.0.1:{proxy.stats_port}"
    before = asked()
    browser.run("document.dispatchEvent(new Event('visibilitychange'))")
    with pytest.raises(AssertionError):
        wait_until(lambda: asked() > before + 1, 2.5)    # one may have been under way
    browser.driver.set_window_rect(0, 0, 1280, 900)
    wait_until(lambda: asked() > before + 1, what="it asks again when it is seen")
    assert browser.seen()["title"] == f"ready · sluse 127.0.0.1:{proxy.stats_port}"
