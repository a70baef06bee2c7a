/* SPDX-License-Identifier: MIT
 * What needs attention.
 */
const LASTING = 5; /* answers in a row that say so, before what may pass by itself is told */

const lasted = {};
function lasts(name, now) {
  lasted[name] = now ? (lasted[name] ?? 0) + 1 : 0;
  return lasted[name] >= LASTING;
}

const sentence = text => text[0].toUpperCase() + text.slice(1);

/* The sentences that hold, in the order of their weight; those that begin with "!" are bad. */
function notices(s) {
  const {pool: p, target: t} = s, wait = plural(p.waiting, "session waits", "sessions wait");
  const failed = past.grown(x => x.counters.wait_timeouts + x.counters.waits_refused);
  const refused = past.grown(x => x.counters.clients_refused), logins = past.grown(x => x.counters.backend_login_failures);
  const unread = lasts("unread", t.up && !t.stored_code.right), unknown = lasts("unknown", t.up && !t.globals.right);
  const crowded = lasts("crowded", p.waiting > 0 && p.used >= p.size);
  return [
    s.readiness === "draining" && "!sluse drains: nobody new is let in, and it stops when who is at work has finished.",
    !s.ready && s.readiness !== "draining" && `!${sentence(s.readiness)}`,
    ...s.ready ? s.readiness.split("\n").slice(1).map(line => `!${sentence(line)}`) : [],
    s.conf.stale && "!The last reload was refused: what runs is not what pool.ini says. The log has its mistakes.",
    p.all_pinned_all_waiting && `!${wait}, and every connection is held by a session whose client sends nothing: `
      + "perhaps each of these clients needs a second connection to go on.",
    crowded && !p.all_pinned_all_waiting && `${wait}, the first for ${duration(p.waiting_oldest_ms)}: all ${number(p.size)} connections are in use.`,
    failed && `!${plural(failed, "statement", "statements")} failed in the last minute because no connection became free in time (3168).`,
    refused && `!${plural(refused, "client was", "clients were")} refused in the last minute: max_clients is ${number(s.clients.max)}.`,
    logins && s.ready && `${plural(logins, "connection", "connections")} to the server failed in the last minute${t.last_error && `: ${t.last_error}`}`,
    t.max_connections && p.size > t.max_connections
      && `The pool may have ${number(p.size)} connections, and the server allows ${number(t.max_connections)}.`,
    unread && "It is not known which views, triggers and routines the server has: sessions that name tables are pinned (unread).",
    unknown && "It is not known which globals a fresh session has at the server: sessions share less.",
  ].filter(Boolean);
}

function drawNotices(stats) {
  const list = byId("notices"), all = notices(stats);
  fit(list, all.length, () => make("li"));
  all.forEach((text, i) => {
    mark(list.children[i], "class", text[0] === "!" ? "notice bad" : "notice");
    put(list.children[i], text.replace(/^!/, ""));
  });
}
