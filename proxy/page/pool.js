/* SPDX-License-Identifier: MIT
 * The pool as frames: a cell for each place, which a connection keeps as long as it lives.
 */
const KINDS = {
  running: "a command runs", pinned: "held for a session between two commands", resident: "idle, a session's page lies on it",
  idle: "idle, nobody's", changing: "connecting, being loaded, cleaned or closed", control: "sluse's own questions to the server", free: "no connection",
};
const FREE_DRAWN = 600, DRAWN = 2000;   /* places: more than that are told as a number */
const MANY = 200;                       /* more than that are tiny */
const CELL = {area: 9600, height: 520}; /* large cells as long as they need no more than this height */

const kindOf = frame => frame.state === "leased" ? (frame.command_ms !== null ? "running" : frame.pins.length ? "pinned" : "changing")
  : frame.state === "idle" ? (frame.resident ? "resident" : "idle") : "changing";
const ageOf = frame => frame.command_ms ?? frame.since_ms;
const whatOf = frame => ({running: "running", pinned: "pinned", resident: "resident"})[kindOf(frame)] ?? frame.state;

/* Two letters for a pin: of its two words, or the first and third of its one. */
const codeOf = pin => pin.includes("_") ? pin[0] + pin[pin.indexOf("_") + 1] : pin[0] + (pin[2] ?? pin[1]);

class Pool {
  places = [];       /* ids of connections, null where none is */
  frames = byId("frames");
  legend = byId("legend");

  /* A connection that is new gets the first place that is free. */
  place(frames) {
    const here = new Map(frames.map(frame => [frame.id, frame])), known = new Set(this.places);
    const fresh = frames.filter(frame => !known.has(frame.id));
    this.places = this.places.map(id => here.has(id) ? id : fresh.shift()?.id ?? null);
    this.places.push(...fresh.map(frame => frame.id));
    while (this.places.length && this.places.at(-1) === null) this.places.pop();
    return this.places.map(id => here.get(id) ?? null);
  }

  draw(pool) {
    const control = Math.max(0, pool.used - pool.frames.length), placed = this.place(pool.frames);
    const free = Math.max(0, pool.size - control - placed.length);
    const cells = [...Array(control).fill("control"), ...placed.map(frame => frame ?? "free"), ...Array(Math.min(free, FREE_DRAWN)).fill("free")];
    const shown = cells.slice(0, DRAWN), left = cells.length - shown.length, untold = free - Math.min(free, FREE_DRAWN);

    this.dense = shown.length * CELL.area > this.frames.clientWidth * CELL.height;
    this.frames.classList.toggle("dense", this.dense);
    this.frames.classList.toggle("tiny", shown.length > MANY);
    fit(this.frames, shown.length, Pool.cell);
    shown.forEach((cell, i) => typeof cell === "string" ? Pool.bare(this.frames.children[i], cell) : this.fill(this.frames.children[i], cell));
    put(byId("more"), left ? `and ${number(left)} more` : untold ? `and room for ${number(untold)} more` : "");
    this.explain(cells.map(cell => typeof cell === "string" ? cell : kindOf(cell)), untold);
    const codes = this.dense ? [...new Set(pool.frames.flatMap(frame => frame.pins))].sort() : [];
    put(byId("codes"), codes.map(pin => `${codeOf(pin)}: ${words(pin)}`).join(", "));
  }

  static cell() {
    const cell = make("li", "free", make("i", "mark"));
    cell.firstChild.setAttribute("aria-hidden", "true");
    const code = make("span", "code");
    code.setAttribute("aria-hidden", "true");
    const head = make("span", "what");
    cell.replaceChildren(cell.firstChild, code, head, make("span", "age"), make("span", "why"), make("span", "who"));
    return cell;
  }

  static write(cell, kind, title, code, what, age, why, who) {
    const [, codeNode, whatNode, ageNode, whyNode, whoNode] = cell.children;
    mark(cell, "class", code ? `${kind} coded` : kind);
    mark(cell, "title", title);
    cell.ariaHidden = kind === "free" ? "true" : null;
    [[codeNode, code], [whatNode, what], [ageNode, age], [whyNode, why], [whoNode, who]].forEach(([node, text]) => put(node, text));
  }

  static bare(cell, kind) {
    delete cell.dataset.id;
    Pool.write(cell, kind, KINDS[kind], "", kind, "", "", "");
  }

  fill(cell, frame) {
    const kind = kindOf(frame), age = ageOf(frame), pins = frame.pins.map(words).join(", "), what = whatOf(frame);
    const parts = [what, pins, frame.session && `session ${frame.session}`, `for ${duration(age)}`];
    const title = `connection ${frame.id} (thread ${frame.thread_id}): ${parts.filter(Boolean).join(", ")}`;
    cell.dataset.id = frame.id;
    Pool.write(cell, kind, title, frame.pins.length ? codeOf(frame.pins[0]) : "", what, age < 1000 ? "" : duration(age), pins, frame.session ?? "");
  }

  explain(kinds, untold) {
    const count = Object.fromEntries(Object.keys(KINDS).map(kind => [kind, 0]));
    kinds.forEach(kind => count[kind]++);
    count.free += untold;
    fit(this.legend, Object.keys(KINDS).length, () => make("li", "", make("i", "mark"), make("span"), " ", make("b")));
    Object.keys(KINDS).forEach((kind, i) => {
      const [, name, many] = this.legend.children[i].children;
      mark(this.legend.children[i], "class", kind);
      mark(this.legend.children[i], "title", KINDS[kind]);
      put(name, kind);
      put(many, number(count[kind]));
    });
  }
}
