"""A headless Chromium, and the page at / of a sluse as it is seen there."""
import json
import os
import shutil
import tempfile

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

from .ports import die_with_parent, wait_until
from .server import base_directory

READ = """
const text = node => node.textContent, all = selector => [...document.querySelectorAll(selector)];
const cell = li => ({id: Number(li.dataset.id ?? 0), kind: li.classList[0], title: li.title,
                     ...Object.fromEntries([...li.children].slice(1).map(part => [part.className, text(part)]))});
return {
  title: document.title, shown: !document.getElementById("main").hidden,
  readiness: text(document.getElementById("readiness")), target: text(document.getElementById("target")), about: text(document.getElementById("about")),
  lost: document.getElementById("lost").hidden ? null : text(document.getElementById("lost")),
  notices: all("#notices li").map(text),
  tiles: Object.fromEntries(all("#tiles > div").map(tile => [text(tile.children[0]), [text(tile.children[1]), text(tile.children[2])]])),
  legend: Object.fromEntries(all("#legend li").map(entry => [text(entry.children[1]), text(entry.children[2])])),
  dense: document.getElementById("frames").classList.contains("dense"), codes: text(document.getElementById("codes")),
  cells: all("#frames li").map(cell),
  tables: Object.fromEntries(all("table").map(table => [table.id, [...table.tBodies[0].rows]
    .map(row => [...row.cells].map(cell => text(cell.lastElementChild ?? cell)))])),
  charts: all("#charts svg[role=img]").map(chart => [chart.getAttribute("aria-label"), chart.querySelector("path.p99").getAttribute("d") ?? ""]),
  width: document.documentElement.scrollWidth,
  cut: all("header, #legend, #tiles dt, #tiles dd, figure, #tables > div").filter(node => node.scrollWidth > node.clientWidth + 1).map(text),
};
"""

# Texts whose contrast with what is behind them is below 4.5 (WCAG AA): [text, ratio].
FAINT = """
const numbers = colour => (colour.match(/[\\d.]+/g) ?? []).map(Number);
const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
  .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
function grounds(node) {
  for (; node; node = node.parentElement) {
    const {backgroundColor, backgroundImage} = getComputedStyle(node);
    const stops = backgroundImage.match(/rgba?\\([^)]*\\)/g);
    if (stops) return stops.map(numbers);
    if ((numbers(backgroundColor)[3] ?? 1) > 0) return [numbers(backgroundColor)];
  }
  return [[255, 255, 255]];
}
function opacity(node) {
  let all = 1;
  for (; node; node = node.parentElement) all *= Number(getComputedStyle(node).opacity);
  return all;
}
return [...document.body.querySelectorAll("*")].filter(node => node.checkVisibility() && node.tagName !== "SCRIPT"
    && [...node.childNodes].some(inside => inside.nodeType === 3 && inside.data.trim()))
  .map(node => {
    const colour = numbers(getComputedStyle(node).color), part = opacity(node);
    return [node.textContent, Math.min(...grounds(node).map(ground => ratio(ground.map((v, i) => v + (colour[i] - v) * part), ground)))];
  }).filter(([, found]) => found < 4.5);
"""


class Browser:
    """One for many pages; quit() ends it, and the end of the test run: its driver dies, and with the pipe to that Chromium."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="chromium-", dir=base_directory())
        options = Options()
        for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server", "--disable-background-networking",
                         "--remote-debugging-pipe", f"--user-data-dir={self.directory}"):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver", log_path=os.devnull,
                                                                                 popen_kw={"preexec_fn": die_with_parent}))
        self.driver.set_page_load_timeout(30)

    def quit(self):
        self.driver.quit()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run(self, script):
        return self.driver.execute_script(script)

    def tell(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def look(self, width=1280, height=900, scheme="light"):
        """How large the window is, and which colours its user likes; who likes no motion, sees no colour between two."""
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}])

    def open(self, proxy):
        self.driver.get("about:blank")
        self.console(), self.requests()    # of the page before
        self.look()
        self.driver.get(f"http://127.0.0.1:{proxy.stats_port}/")
        wait_until(lambda: self.seen()["shown"], what="the page shows an answer")

    def seen(self):
        """What is on the page, as text."""
        return self.run(READ)

    def wait(self, condition, what):
        """Until condition(seen()); returns what was seen then."""
        def met():
            seen = self.seen()
            return condition(seen) and seen
        return wait_until(met, what=what, interval=0.1)

    def console(self):
        """What was logged since it was last asked."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self):
        """The addresses that were asked for since this was last asked."""
        events = (json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance"))
        return [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
