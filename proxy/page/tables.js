/* SPDX-License-Identifier: MIT
 * Tables: who holds the pool, times, and what is counted by name.
 */
const HOLDERS = 8, ROWS = 12; /* rows before the rest is summed up */

class Table {
  constructor(id, title, heads, empty = "none so far") {
    this.caption = make("caption", "", title);
    this.body = make("tbody");
    this.empty = empty;
    this.heads = heads;
    const row = make("tr", "", ...heads.map(head => make("th", head.text ? "text" : "", head.name)));
    for (const cell of row.children) cell.scope = "col";
    const table = make("table", "", this.caption, make("thead", "", row), this.body);
    table.id = id;
    byId("tables").append(make("div", id, table));
  }

  /* Rows of texts; the first may be an array, a code and a name. */
  draw(rows) {
    const none = rows.length === 0;
    if (none !== this.none) this.body.replaceChildren();
    this.none = none;
    if (none) {
      if (!this.body.firstChild) {
        const cell = make("td", "empty", this.empty);
        cell.colSpan = this.heads.length;
        this.body.append(make("tr", "", cell));
      }
      return;
    }
    fit(this.body, rows.length, () => this.row());
    rows.forEach((row, i) => row.forEach((text, column) => {
      const cell = this.body.children[i].children[column], pair = Array.isArray(text);
      if (pair) put(cell.children[0], text[0]);
      put(column === 0 ? cell.lastChild : cell, pair ? text[1] : text);
      if (column) mark(cell, "class", [this.heads[column].text && "text", text === "0" && "zero"].filter(Boolean).join(" "));
    }));
  }

  row() {
    return make("tr", "", ...this.heads.map((head, column) => {
      if (column) return make("td");
      const cell = make("th", "text", ...(head.coded ? [make("abbr")] : []), make("span"));
      cell.scope = "row";
      return cell;
    }));
  }
}

const counted = (id, title, name) => new Table(id, title, [{name, text: true}, {name: "last minute"}, {name: "so far"}]);
const TABLES = {
  holders: new Table("holders", "Who holds the pool",
                     [{name: "Session", text: true}, {name: "does", text: true}, {name: "for"}, {name: "connection"}, {name: "thread"}],
                     "nobody: no command runs, and nothing is pinned"),
  times: new Table("times", "Times, last minute", [{name: "", text: true}, {name: "count"}, ...SHARE_NAMES.map(name => ({name}))]),
  pins: new Table("pins", "Pins", [{name: "Reason", text: true, coded: true}, {name: "now"}, {name: "oldest"}, {name: "so far"}]),
  sharing: counted("sharing", "How sessions got their connection", "Way"),
  errors: counted("errors", "Errors that clients got", "Number"),
  clients: counted("client-ends", "Ends of clients", "Reason"),
  backends: counted("backend-ends", "Ends of connections to the server", "Reason"),
};
const SHARING = {
  leases_resident: "its page was still there", leases_equal: "a fresh one, nothing to do", page_ins_difference: "loaded: by what differed",
  page_ins_reset: "loaded: with a reset", page_ins_login: "loaded: with a login", leases_waited: "of these, after a wait", pages_stolen: "pages stolen for others",
};

/* Below their heading, a switch between those who hold the pool and all connections. */
let allShown = false;

function makeSwitch() {
  const all = make("button", "", "all connections");
  all.type = "button";
  all.setAttribute("aria-pressed", "false");
  all.addEventListener("click", () => {
    allShown = !allShown;
    all.setAttribute("aria-pressed", String(allShown));
    if (past.samples.length) drawHolders(past.samples.at(-1).stats.pool.frames);
  });
  TABLES.holders.caption.append(all);
}

function drawHolders(frames) {
  const holding = frames.filter(frame => allShown || frame.state === "leased").sort((a, b) => ageOf(b) - ageOf(a));
  const rows = allShown ? holding : holding.slice(0, HOLDERS), more = holding.length - rows.length;
  const lines = rows.map(frame => [frame.session ?? "nobody's", [whatOf(frame), ...frame.pins.map(words)].join(", "), duration(ageOf(frame)),
                                   frame.id, frame.thread_id]);
  TABLES.holders.draw(more ? [...lines, [`and ${number(more)} more`, "", "", "", ""]] : lines);
}

/* What has a number each, those that moved last first. */
function drawCounted(table, names, label, of) {
  const rows = names.map(name => ({name, recent: past.grown(s => of(s, name)), all: of(past.samples.at(-1).stats, name)}));
  const rest = rows.sort((a, b) => b.recent - a.recent || b.all - a.all).splice(ROWS);
  if (rest.length) rows.push({name: null, recent: rest.reduce((n, row) => n + row.recent, 0), all: rest.reduce((n, row) => n + row.all, 0)});
  table.draw(rows.map(row => [row.name === null ? `${rest.length} others` : label(row.name), number(row.recent), number(row.all)]));
}

function drawTables(stats) {
  drawHolders(stats.pool.frames);
  TABLES.times.draw(Object.keys(stats.histograms).map(name => {
    const {count, values} = past.quantiles(name, SHARES, MINUTE_MS);
    return [words(name), number(count), ...values.map(value => History.say(value, stats.histogram_bounds_ms))];
  }));
  TABLES.pins.draw(Object.entries(stats.pins).sort(([, a], [, b]) => b.now - a.now || b.times - a.times)
    .map(([name, pin]) => [[codeOf(name), words(name)], number(pin.now), pin.now ? duration(pin.oldest_ms) : "–", number(pin.times)]));
  TABLES.sharing.draw(Object.entries(SHARING).map(([name, text]) => [text, number(past.grown(s => s.counters[name])),
                                                                         number(stats.counters[name])]));
  drawCounted(TABLES.errors, Object.keys(stats.errors), name => name, (s, name) => s.errors[name] ?? 0);
  drawCounted(TABLES.clients, Object.keys(stats.client_closed), words, (s, name) => s.client_closed[name] ?? 0);
  drawCounted(TABLES.backends, Object.keys(stats.backend_closed), words, (s, name) => s.backend_closed[name] ?? 0);
}
