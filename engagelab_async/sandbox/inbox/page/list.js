// The list of calls. However many there are, only the rows that can be seen exist.
//
// The runway is as high as all rows would be, and each row that exists is moved to its place on
// it. A row that leaves the window is taken for one that enters it. Where the window is, we know from
// its events: to ask for it after a change would make the browser lay out the page at once.

import { byId, h, icon } from "./dom.js";
import { isRead } from "./read.js";
import { states } from "./search.js";
import { number, stateFilter, stateMood, stateName, when } from "./words.js";

const LONGEST = 300;  // characters of a text; more than that no row has room for
const AHEAD = 6;  // rows beyond the edges, for scrolling that outruns drawing

export class List {
  #store;
  #onSelect;
  #box = byId("list");
  #runway = byId("runway");
  #height = 0;
  #top = 0;
  #window = 0;
  #drawn = new Map();
  #spare = [];
  #selected = null;
  #unseen = 0;
  #frame = null;

  constructor(store, { onSelect, onOpen }) {
    this.#store = store;
    this.#onSelect = onSelect;
    this.#box.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#box.addEventListener("keydown", (event) => this.#pressed(event, onOpen));
    this.#box.addEventListener("focus", () => this.#selected ?? this.choose(0));
    this.#runway.addEventListener("click", (event) => this.#clicked(event, onOpen));
    byId("newer").addEventListener("click", () => this.toTop());
    new ResizeObserver(() => this.#resized()).observe(this.#box);
  }

  /** The number of the selected call, or null. */
  get selected() {
    return this.#selected;
  }

  /** Whether the selected call passes search and filters. */
  get isSelectedShown() {
    return this.#selected !== null && this.#store.isShown(this.#selected);
  }

  /** Draw what can be seen; the rows that are looked at stay where they are. */
  update(fresh) {
    const looked = this.#anchor();
    this.draw();
    if (looked === null) return;
    this.#scroll(this.#store.rowOf(looked.number) * this.#height - looked.above);
    this.#unseen += fresh.filter((call) => this.#store.isShown(call.number)).length;
    this.draw();
  }

  /** Go to the newest, as after another search. */
  toTop() {
    this.#scroll(0);
    this.draw();
  }

  /** Mark a call as the selected one, and bring it into view if it is in the list. */
  mark(number) {
    this.#selected = number;
    if (this.isSelectedShown) this.#reveal(this.#store.rowOf(number));
    this.draw();
  }

  draw() {
    this.#height ||= parseFloat(getComputedStyle(this.#box).getPropertyValue("--row"));
    const first = Math.max(0, Math.floor(this.#top / this.#height) - AHEAD);
    const last = Math.min(this.#store.length, Math.ceil((this.#top + this.#window) / this.#height) + AHEAD);
    this.#runway.style.height = `${this.#store.length * this.#height}px`;
    const calls = new Map();
    for (let row = first; row < last; row += 1) calls.set(this.#store.at(row).number, row);
    this.#free(calls);
    for (const row of calls.values()) this.#place(this.#store.at(row), row);
    this.#showActive();
    this.#offerNewer();
  }

  #free(wanted) {
    for (const [of, row] of this.#drawn) {
      if (wanted.has(of)) continue;
      this.#drawn.delete(of);
      row.element.hidden = true;
      this.#spare.push(row);
    }
  }

  #place(call, place) {
    let row = this.#drawn.get(call.number);
    if (row === undefined) {
      row = this.#spare.pop() ?? makeRow();
      row.element.hidden = false;
      this.#drawn.set(call.number, row);
      if (!row.element.isConnected) this.#runway.append(row.element);
    }
    if (row.call !== call) fill(row, call);
    row.top = place * this.#height;
    row.element.style.transform = `translateY(${row.top}px)`;
    row.element.ariaPosInSet = place + 1;
    row.element.ariaSetSize = this.#store.length;
    row.element.ariaSelected = call.number === this.#selected;
    row.unread.hidden = isRead(call.number);
  }

  #showActive() {
    const row = this.#drawn.get(this.#selected);
    if (row) this.#box.setAttribute("aria-activedescendant", row.element.id);
    else this.#box.removeAttribute("aria-activedescendant");
  }

  #offerNewer() {
    if (this.#top < this.#height) this.#unseen = 0;
    const newer = byId("newer");
    newer.hidden = this.#unseen === 0;
    newer.replaceChildren(icon("up"), `${number(this.#unseen)} new`);
  }

  #anchor() {
    if (this.#top < this.#height) return null;
    for (const [of, row] of this.#drawn) {
      const above = row.top - this.#top;
      if (above >= 0 && above < this.#height) return { number: of, above };
    }
    return null;
  }

  #scrolled() {
    this.#frame ??= requestAnimationFrame(() => {
      this.#frame = null;
      this.#top = this.#box.scrollTop;
      this.draw();
    });
  }

  #resized() {
    this.#window = this.#box.clientHeight;
    this.#top = this.#box.scrollTop;
    this.draw();
  }

  #scroll(top) {
    if (top === this.#top) return;
    this.#runway.style.height = `${this.#store.length * this.#height}px`;
    this.#box.scrollTop = top;
    this.#top = this.#box.scrollTop;
  }

  #clicked(event, onOpen) {
    const element = event.target.closest("[role=option]");
    if (element === null) return;
    this.choose(element.ariaPosInSet - 1, "click");
    onOpen(false);
  }

  #pressed(event, onOpen) {
    if (event.altKey || event.ctrlKey || event.metaKey) return;
    const page = Math.max(1, Math.floor(this.#window / this.#height) - 1);
    const at = this.#store.rowOf(this.#selected ?? Infinity);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + page, PageUp: at - page, Home: 0, End: Infinity };
    if (event.key in to) this.choose(to[event.key], "arrow");
    else if (event.key === "Enter") onOpen(true);
    else return;
    event.preventDefault();
  }

  /** Select the call in a row, or in the nearest that there is; `by` the user's "click" or "arrow". */
  choose(row, by = null) {
    const last = this.#store.length - 1;
    if (last < 0) return;
    this.mark(this.#store.at(Math.min(Math.max(row, 0), last)).number);
    this.#onSelect(this.#selected, by);
  }

  #reveal(row) {
    const top = row * this.#height;
    if (top < this.#top) this.#scroll(top);
    else if (top + this.#height > this.#top + this.#window) this.#scroll(top + this.#height - this.#window);
  }
}

function makeRow() {
  const parts = {
    badge: h("span", { class: "badge" }),
    to: h("span", { class: "to", dir: "auto" }),
    more: h("span", { class: "more" }),
    time: h("time", { class: "time" }),
    text: h("span", { class: "text", dir: "auto" }),
    code: h("span", { class: "code" }),
    tally: h("span", { class: "state" }),
    state: h("span", { class: "state" }),
    bar: h("span", { class: "progress", "aria-hidden": "true" }),
    unread: h("span", { class: "unread" }, h("span", { class: "unseen" }, "Unread")),
  };
  const { badge, to, more, time, text, code, tally, state, bar, unread } = parts;
  const element = h(
    "div", { role: "option", class: "row" }, badge,
    h("span", { class: "top" }, to, more, state, time), h("span", { class: "below" }, text, code, tally), bar, unread,
  );
  return { element, call: null, top: 0, ...parts };
}

function fill(row, call) {
  const shown = overall(call);
  row.call = call;
  row.element.id = `call-${call.number}`;
  row.element.dataset.kind = call.kind;
  row.badge.replaceChildren(icon(call.kind === "message" ? call.channel : call.kind === "plan" ? "plan" : "refused"));
  row.badge.dataset.mood = call.kind === "message" || call.kind === "plan" ? "" : stateMood(call.kind);
  row.to.textContent = title(call);
  row.more.textContent = call.kind === "plan" ? number(call.total) : "";
  row.time.textContent = when(call.at);
  row.text.textContent = line(call).slice(0, LONGEST);
  row.code.textContent = call.kind === "message" ? call.code ?? "" : "";
  // A plan's words are longer; there they stand where others have their code.
  row.state.textContent = call.kind === "plan" ? "" : shown.words;
  row.tally.textContent = call.kind === "plan" ? shown.words : "";
  row.state.dataset.mood = row.tally.dataset.mood = shown.mood;
  row.bar.replaceChildren(...(call.kind === "plan" ? segments(call) : []));
}

function line(call) {
  if (call.error) return `${call.error.code}: ${call.error.message}`;
  if (call.kind === "dropped") return "No target could be reached";
  return call.text;
}

/** What to call a call: by its plan's name, or its recipient. */
export function title(call) {
  const isNamed = call.kind === "plan" && call.plan_name && call.plan_name !== "-";
  return isNamed ? call.plan_name : call.to ?? "No recipient";
}

/** What the row says about all its messages. */
export function overall(call) {
  const counts = Object.entries(call.states);
  if (call.kind !== "plan") {
    const [state] = states(call);
    const isWaiting = call.due !== null && stateFilter(state) === "underway" && call.due * 1000 > Date.now();
    return isWaiting ? { words: `For ${when(call.due)}`, mood: "calm" } : { words: stateName(state), mood: stateMood(state) };
  }
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  const of = (wanted) => counts.filter(([state]) => wanted.includes(stateFilter(state))).reduce((sum, [, count]) => sum + count, 0);
  const failed = counts.filter(([state]) => stateMood(state) === "bad");
  const words = [`${number(of(["delivered", "verified", "expired"]))} of ${number(all)} delivered`, ...failed.map(inWords)];
  return { words: words.join(", "), mood: of(["underway"]) ? "calm" : failed.length ? "warn" : "good" };
}

const inWords = ([state, count]) => `${number(count)} ${stateName(state).toLowerCase()}`;

/** How many messages are in which state. */
export const tally = (call) => Object.entries(call.states).map(inWords).join(", ");

/** The parts of a bar: how many messages are in which mood. */
export function segments(call) {
  const moods = { great: 0, good: 0, warn: 0, bad: 0, calm: 0 };
  for (const [state, count] of Object.entries(call.states)) moods[stateMood(state)] += count;
  return Object.entries(moods).filter(([, count]) => count > 0).map(([mood, count]) => {
    const part = h("i", { "data-mood": mood });
    part.style.flexGrow = count;
    return part;
  });
}
