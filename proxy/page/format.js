/* SPDX-License-Identifier: MIT
 * Numbers as text, and text into the page: by textContent alone, and only where it has changed, so that the page is calm and a selection stays.
 */
const byId = id => document.getElementById(id);

function put(node, text) {
  if (node.textContent !== String(text)) node.textContent = text;
}

function mark(node, name, value) {
  if (node.getAttribute(name) !== value) node.setAttribute(name, value);
}

/* An element with its class, a text or elements in it. */
function make(tag, name = "", ...inside) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  node.append(...inside);
  return node;
}

function makeSvg(tag, attributes) {
  const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  return node;
}

/* Makes a list's children as many as `count`. */
function fit(list, count, one) {
  while (list.children.length > count) list.lastChild.remove();
  while (list.children.length < count) list.append(one());
}

const groups = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

function number(n) {
  if (n === null || Number.isNaN(n)) return "–";
  if (n > 0 && n < 9.95 && !Number.isInteger(n)) return n < 0.05 ? "<0.1" : n.toFixed(1);
  return groups.format(n);
}

function duration(ms) {
  const s = Math.floor(ms / 1000);
  if (ms < 0.9995) return `${Math.round(ms * 1000)} µs`;
  if (ms < 999.5) return `${Number(ms.toFixed(ms < 9.95 ? 1 : 0))} ms`;
  if (ms < 9950) return `${Number((ms / 1000).toFixed(1))} s`;
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor(s / 60) % 60} min`;
  return `${Math.floor(s / 86400)} d ${Math.floor(s / 3600) % 24} h`;
}

function bytes(n) {
  if (n === null) return "–";
  for (const unit of ["B", "kB", "MB"]) {
    if (n < 999.5) return `${n < 9.95 && unit !== "B" ? n.toFixed(1) : Math.round(n)} ${unit}`;
    n /= 1000;
  }
  return `${n.toFixed(1)} GB`;
}

const words = name => name.replaceAll("_", " ");

/* "1 session waits", "2 sessions wait": the first number decides. */
const plural = (n, one, many) => `${number(n)} ${n === 1 ? one : many}`;
