/* SPDX-License-Identifier: MIT
 * Numbers with their lines: the tiles at the top, and the charts of times.
 */
const SHARES = [0.5, 0.95, 0.99], SHARE_NAMES = ["p50", "p95", "p99"];

/* --- tiles: a name, its number, what its line shows, and what stands below --- */

const sum = object => Object.values(object).reduce((all, n) => all + n, 0);
const rate = of => past.perSecond(of);
const TILES = [
  {name: "Clients", value: s => s.clients.current, note: s => `of ${number(s.clients.max)}`},
  {name: "Waiting", value: s => s.pool.waiting, alarm: s => s.pool.waiting > 0,
   note: s => s.pool.waiting ? `the first for ${duration(s.pool.waiting_oldest_ms)}` : `at most ${number(s.pool.waiting_max)} so far`},
  {name: "Connections", value: s => s.pool.used, note: s => `of ${number(s.pool.size)}, ${number(s.pool.pinned_idle)} pinned idle`},
  {name: "Queries/s", value: () => rate(s => s.histograms.query.count), note: s => `${number(s.histograms.query.count)} so far`},
  {name: "Transactions/s", value: () => rate(s => s.histograms.transaction.count), note: s => `${number(s.histograms.transaction.count)} so far`},
  {name: "Logins/s", value: () => rate(s => s.counters.logins), note: s => `${number(s.counters.logins)} so far, ${number(s.counters.logins_denied)} denied`},
  {name: "Errors/s", value: () => rate(s => sum(s.errors)), note: s => `${number(sum(s.errors))} so far`},
  {name: "Traffic/s", value: () => rate(s => s.counters.client_bytes_in + s.counters.client_bytes_out), text: bytes,
   note: () => `${bytes(rate(s => s.counters.client_bytes_in))} in, ${bytes(rate(s => s.counters.client_bytes_out))} out`},
];

function makeTile(tile) {
  tile.series = new Series();
  tile.number = make("dd", "", "–");
  tile.below = make("dd");
  tile.line = makeSvg("path", {});
  const drawing = makeSvg("svg", {viewBox: "0 0 300 24", preserveAspectRatio: "none", "aria-hidden": "true"});
  drawing.append(tile.line);
  tile.box = make("div", "", make("dt", "", tile.name), tile.number, tile.below, drawing);
  byId("tiles").append(tile.box);
}

function drawTile(tile, stats, now) {
  const value = tile.value(stats);
  tile.series.add(now, value);
  const most = Math.max(tile.series.most, 1e-9);
  put(tile.number, (tile.text ?? number)(value));
  put(tile.below, tile.note(stats));
  tile.box.classList.toggle("alarm", Boolean(tile.alarm?.(stats)));
  mark(tile.line, "d", tile.series.path(now, n => 23 - 22 * n / most));
}

/* --- charts: quantiles over time, on a scale of decades --- */

const LOW_MS = 0.05, HIGH_MS = 10_000, DECADES = [10_000, 1000, 100, 10, 1, 0.1];
const heightOf = ms => 100 - 100 * Math.log(Math.min(Math.max(ms, LOW_MS), HIGH_MS) / LOW_MS) / Math.log(HIGH_MS / LOW_MS);
const CHARTS = [{name: "wait", title: "Wait for a connection"}, {name: "query", title: "Query, at the server"}];

function makeChart(chart) {
  const drawing = makeSvg("svg", {viewBox: "0 0 300 100", preserveAspectRatio: "none", role: "img"});
  const caption = make("figcaption", "", chart.title), scale = make("ol");
  scale.setAttribute("aria-hidden", "true");
  for (const ms of DECADES) {
    drawing.append(makeSvg("path", {class: "grid", d: `M0 ${heightOf(ms)}H300`}));
    scale.append(make("li", "", duration(ms)));
  }
  scale.append(make("li", "", ""));
  chart.lines = SHARE_NAMES.map(name => {
    const sample = makeSvg("svg", {viewBox: "0 0 28 8", "aria-hidden": "true"}), value = make("b", "", "–");
    sample.append(makeSvg("path", {class: name, d: "M0 4H28"}));
    caption.append(make("span", "key", sample, `${name} `, value));
    const path = makeSvg("path", {class: name});
    drawing.append(path);
    return {name, value, path, series: new Series()};
  });
  chart.drawing = drawing;
  const ends = make("div", "ends", make("span", "", "5 min ago"), make("span", "", "now"));
  byId("charts").append(make("figure", "", caption, make("div", "plot", scale, drawing), ends));
}

function drawChart(chart, stats, now) {
  const {values} = past.quantiles(chart.name, SHARES, CHART_MS);
  chart.lines.forEach((line, i) => {
    line.series.add(now, values[i]);
    put(line.value, History.say(values[i], stats.histogram_bounds_ms));
    mark(line.path, "d", line.series.path(now, heightOf));
  });
  mark(chart.drawing, "aria-label", `${chart.title}, the last ten seconds: ${chart.lines.map(line => `${line.name} ${line.value.textContent}`).join(", ")}`);
}
