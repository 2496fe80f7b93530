// A request and its response, with the JSON in colors.

import { copyButton, h } from "./dom.js";

// A string need not end: what is too long is cut, and a search for its end from each of its quotes
// would take for ever.
const TOKEN = /("(?:\\.|[^"\\])*"?)(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const MOST = 60_000;  // characters in colors; each of them costs an element or so

/** Show what was asked and what was answered. */
export function exchange({ request, response }) {
  const isGood = response.status < 400;
  return [
    body("Request", h("span", { class: "line" }, h("b", {}, request.method), ` ${request.path}`), request.body),
    body("Response", h("span", { class: "line" }, h("b", { "data-mood": isGood ? "good" : "bad" }, `HTTP ${response.status}`)), response.body),
  ];
}

function body(title, line, json) {
  return h(
    "section", { class: "card", "aria-label": title },
    h("div", { class: "card-head" }, h("h3", {}, title), line, copyButton(json, title.toLowerCase())),
    block(json, `${title} body`),
  );
}

/** Show JSON that is long perhaps: it scrolls by itself, with the keyboard too. */
export function block(json, label) {
  return h("pre", { class: "json", tabindex: "0", "aria-label": label }, ...colored(json));
}

function colored(json) {
  const parts = [];
  let end = 0;
  for (const match of json.slice(0, MOST).matchAll(TOKEN)) {
    const [all, string, colon] = match;
    const kind = colon ? "key" : string ? "string" : "value";
    const token = colon ? string : all;
    parts.push(json.slice(end, match.index), h("span", { class: kind }, token));
    end = match.index + token.length;
  }
  return [...parts, json.slice(end)];
}
