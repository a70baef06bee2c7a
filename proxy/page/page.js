/* SPDX-License-Identifier: MIT
 * Asks /stats once a second while the page is seen, and shows what it says.
 */
const PERIOD_MS = 1000, TIMEOUT_MS = 5000;

const past = new History(), pool = new Pool();

/* --- one answer --- */

function drawHead(stats) {
  const state = stats.ready ? "ready" : stats.readiness === "draining" ? "draining" : "not ready";
  put(byId("readiness"), state);
  mark(byId("readiness"), "class", stats.ready ? "good" : "bad");
  put(byId("target"), [stats.target.address, stats.target.version.replace(/^5\.5\.5-/, "")].filter(Boolean).join(" · "));
  put(byId("about"), `version ${stats.version} · up ${duration(stats.uptime_s * 1000)} · ${plural(stats.workers, "worker", "workers")}`);
  document.title = `${stats.ready ? "" : "✕ "}${state}${stats.pool.waiting ? `, ${number(stats.pool.waiting)} waiting` : ""} · sluse ${location.host}`;
}

function draw(stats) {
  const now = Date.now();
  if (past.add(stats, now)) {
    for (const tile of TILES) tile.series.clear();
    for (const chart of CHARTS) chart.lines.forEach(line => line.series.clear());
  }
  byId("main").hidden = false;
  drawHead(stats);
  drawNotices(stats);
  for (const tile of TILES) drawTile(tile, stats, now);
  pool.draw(stats.pool);
  for (const chart of CHARTS) drawChart(chart, stats, now);
  drawTables(stats);
}

/* --- asking --- */

const opened = Date.now();
let answered = null, lost = null, asking = false, timer = 0;

function drawLost() {
  byId("lost").hidden = !lost;
  byId("main").classList.toggle("old", Boolean(lost));
  if (!lost) return;
  put(byId("readiness"), "unknown");
  mark(byId("readiness"), "class", "");
  const below = answered ? ` What is below is of ${new Date(answered).toLocaleTimeString()}.` : "";
  put(byId("lost-since"), `For ${duration(Date.now() - (answered ?? opened))} now (${lost}).${below}`);
  document.title = `✕ can't be reached · sluse ${location.host}`;
}

async function ask() {
  try {
    const reply = await fetch("stats", {cache: "no-store", signal: AbortSignal.timeout?.(TIMEOUT_MS)});
    if (!reply.ok) throw new Error(`it answers ${reply.status}`);
    const stats = await reply.json();
    answered = Date.now();
    lost = null;
    return stats;
  } catch (error) {
    lost = error.name === "TimeoutError" ? "no answer in time" : error instanceof TypeError ? "no connection" : error.message;
    return null;
  }
}

async function round() {
  clearTimeout(timer);
  if (document.hidden) document.title = `paused · sluse ${location.host}`;
  if (asking || document.hidden) return;
  const began = Date.now();
  asking = true;
  try {
    const stats = await ask();
    drawLost();
    if (stats) draw(stats);
  } finally {
    asking = false;
    if (document.hidden) round();
    else timer = setTimeout(round, Math.max(PERIOD_MS / 4, PERIOD_MS - (Date.now() - began)));
  }
}

TILES.forEach(makeTile);
CHARTS.forEach(makeChart);
makeSwitch();
document.addEventListener("visibilitychange", round);
addEventListener("resize", () => past.samples.length && pool.draw(past.samples.at(-1).stats.pool));
setInterval(() => lost && !document.hidden && drawLost(), PERIOD_MS);
round();
