// JSON in colors.

import { h, render } from "./dom.js";

const PART = /(?:.+\n?|\n){1,100}/g;  // lines that are laid out, and get their colors, once they can be seen
// A string need not end: what is too long is cut, and a search for its end from each of its quotes
// would take for ever.
const TOKEN = /("(?:\\.|[^"\\])*"?)(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MOST = 60_000;  // characters of a part in colors; each of them costs an element or so

/** Describe JSON that is long perhaps: it scrolls by itself, with the keyboard too. */
export function block(json, label) {
  return h("pre", { key: json, class: "json", tabindex: "0", "aria-label": label }, () => json.match(PART).map(part));
}

function part(lines, place) {
  const seen = ({ target, skipped }) => skipped || render(target, colored(lines));
  return h("span", { class: "part", oncontentvisibilityautostatechange: seen }, place > 0 ? lines : colored(lines));
}

function colored(json) {
  const parts = [];
  let end = 0;
  for (const { 0: all, 1: string, 2: colon, index } of json.slice(0, MOST).matchAll(TOKEN)) {
    const token = colon ? string : all;
    parts.push(json.slice(end, index), h("span", { class: colon ? "key" : string ? "string" : "value" }, token));
    end = index + token.length;
  }
  return [...parts, json.slice(end)];
}
