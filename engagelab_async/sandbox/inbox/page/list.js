// The list of calls. However many there are, only the rows that can be seen exist, on a runway that is
// as high as all of them would be.

import { byId, h, icon, render, set } from "./dom.js";
import { isShown, rowOf, select, state } from "./state.js";
import { counts, number, overall, state as named, title, when } from "./words.js";

const LONGEST = 300;  // characters of a text; more than that no row has room for
const AHEAD = 6;  // rows beyond the edges, for scrolling that outruns drawing

const box = byId("list");

let height = 0;  // of a row
let shown = [];  // what was drawn last
let unseen = 0;

/** Draw the rows that can be seen. Those that are looked at stay where they are, below new ones. */
export function draw() {
  height ||= parseFloat(getComputedStyle(box).getPropertyValue("--row"));
  const { scrollTop, clientHeight } = box;
  let top = scrollTop;
  const looked = top < height ? undefined : shown[Math.floor(top / height)];
  if (looked) {
    top = rowOf(looked.number) * height + top % height;
    unseen += state.fresh.filter((call) => isShown(call.number)).length;
  }
  if (clientHeight > 0 && state.isToReveal && isShown(state.call)) {
    state.isToReveal = false;
    const place = rowOf(state.call) * height;
    top = Math.max(Math.min(top, place), place + height - clientHeight);
  }
  shown = state.shown;
  const first = Math.max(0, Math.floor(top / height) - AHEAD);
  const rows = shown.slice(first, Math.ceil((top + clientHeight) / height) + AHEAD);
  const style = `height: ${shown.length * height}px; padding-top: ${first * height}px`;
  render(box, h("div", { class: "runway", role: "presentation", style }, rows.map((call, place) => row(call, first + place + 1))));
  if (top !== scrollTop) box.scrollTop = top;
  const active = rows.some((call) => call.number === state.call) ? `call-${state.call}` : null;
  if (box.getAttribute("aria-activedescendant") !== active) set(box, "aria-activedescendant", active);
  offerNewer(top);
}

function offerNewer(top) {
  if (top < height) unseen = 0;
  const newer = byId("newer");
  newer.hidden = unseen === 0;
  render(newer, icon("up"), `${number(unseen)} new`);
}

/** Go to the newest, as after another search. */
export function toTop() {
  box.scrollTop = 0;
}

/** Select the call in a row, or in the nearest that there is. */
export function choose(row, by = null) {
  const call = state.shown.at(Math.min(Math.max(row, 0), state.shown.length - 1));
  if (call) select(call.number, { by });
}

function row(call, place) {
  const isPlan = call.kind === "plan", isMessage = call.kind === "message";
  const { words, mood } = overall(call);
  const attributes = {
    key: call.number, id: `call-${call.number}`, class: "row", role: "option", "data-kind": call.kind,
    "aria-posinset": place, "aria-setsize": shown.length, "aria-selected": String(call.number === state.call),
  };
  return h(
    "div", attributes,
    h("span", { class: "badge", "data-mood": isPlan || isMessage ? null : named(call.kind).mood },
      icon(isMessage ? call.channel : isPlan ? "plan" : "refused")),
    h("span", { class: "top" },
      h("span", { class: "to", dir: "auto" }, title(call)),
      isPlan && h("span", { class: "more" }, number(call.total)),
      !isPlan && h("span", { class: "state", "data-mood": mood }, words),
      h("time", {}, when(call.at))),
    h("span", { class: "below" },
      h("span", { class: "text", dir: "auto" }, line(call)?.slice(0, LONGEST)),
      isMessage && call.code && h("span", { class: "code" }, call.code),
      // A plan's words are longer; they stand where others have their code.
      isPlan && h("span", { class: "state", "data-mood": mood }, words)),
    isPlan && progress(call),
    !state.read.has(call.number) && h("span", { class: "unread" }, h("span", { class: "unseen" }, "Unread")),
  );
}

function line(call) {
  if (call.error) return `${call.error.code}: ${call.error.message}`;
  return call.kind === "dropped" ? "No target could be reached" : call.text;
}

/** A bar of how many messages are in which mood. */
export function progress(call, attributes = { class: "progress", "aria-hidden": "true" }) {
  const moods = Object.groupBy(counts(call), ({ mood }) => mood);
  const parts = ["great", "good", "warn", "bad", "calm"].filter((mood) => moods[mood]).map((mood) => {
    const count = moods[mood].reduce((sum, each) => sum + each.count, 0);
    return h("i", { key: mood, "data-mood": mood, style: `flex-grow: ${count}` });
  });
  return h("div", attributes, parts);
}

function pressed(event, onOpen) {
  if (event.altKey || event.ctrlKey || event.metaKey) return;
  const page = Math.max(1, Math.floor(box.clientHeight / height) - 1);
  const at = rowOf(state.call ?? Infinity);
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: Infinity };
  if (event.key in to) choose(to[event.key], "arrow");
  else if (event.key === "Enter") onOpen(true);
  else return;
  event.preventDefault();
}

/** Let the user scroll and select; calls onOpen(isByKey) to have the selected call shown alone. */
export function start(onOpen) {
  box.addEventListener("scroll", draw, { passive: true });
  box.addEventListener("keydown", (event) => pressed(event, onOpen));
  box.addEventListener("focus", () => state.call ?? choose(0));
  box.addEventListener("click", ({ target }) => {
    const option = target.closest("[role=option]");
    if (!option) return;
    select(option.key, { by: "click" });
    onOpen(false);
  });
  byId("newer").addEventListener("click", toTop);
  new ResizeObserver(draw).observe(box);
}
