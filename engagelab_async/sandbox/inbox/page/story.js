// What became of a message, and the callbacks that reported it.

import { h } from "./dom.js";
import { block } from "./exchange.js";
import { CHANNELS, clock, number, stateMood, stateName } from "./words.js";

/** Show the states that a message has reached, and what was replied. */
export function timeline(changes, replies) {
  const steps = [...changes.map(step), ...replies.map(replied)].sort((one, other) => one.at - other.at);
  return h(
    "section", { class: "card", "aria-label": "Timeline" },
    h("div", { class: "card-head" }, h("h3", {}, "Timeline")),
    h("ol", { class: "timeline" }, ...steps.map((each) => each.element)),
  );
}

function step({ status, at, channel, error }) {
  const detail = error ? `${error.code}: ${error.message}` : CHANNELS[channel] ?? channel;
  return { at, element: entry(stateMood(status), stateName(status), detail, at) };
}

function replied({ text, at }) {
  return { at, element: entry("reply", "Reply", text, at) };
}

function entry(mood, name, detail, at) {
  return h("li", { "data-mood": mood }, h("b", {}, name), h("span", { class: "quiet", dir: "auto" }, detail), h("time", {}, clock(at)));
}

/** Show the callbacks that were sent, each with what it was answered. */
export function callbacks(sent) {
  const rows = sent.length ? sent.map(callback) : [h("p", { class: "quiet none" }, "No callback was sent: start the sandbox with --callback-url.")];
  return h(
    "section", { class: "card", "aria-label": "Callbacks" },
    h("div", { class: "card-head" }, h("h3", {}, "Callbacks"), sent.length > 0 && h("span", { class: "line" }, number(sent.length))),
    ...rows,
  );
}

function callback({ number: key, events, url, body, tries, is_answered: isAnswered }) {
  const last = tries.at(-1);
  const outcome = last ? answered(last) : "Waiting";
  const mood = isAnswered ? "good" : last ? "bad" : "calm";
  const names = [...new Set(events)].map(stateName).join(", ");
  return h(
    "details", { class: "callback" },
    h("summary", { "data-key": `callback-${key}` }, h("b", {}, names), h("span", { class: "url" }, url), h("span", { class: "pill", "data-mood": mood }, outcome)),
    h("ol", { class: "tries" }, ...tries.map((each) => h(
      "li", {}, h("time", {}, clock(each.at)), h("span", {}, answered(each)), each.status && each.answer && h("pre", { tabindex: "0", "aria-label": "Answer" }, each.answer)))),
    block(body, "Callback body"),
  );
}

const answered = ({ status, answer }) => (status ? `HTTP ${status}` : answer);
