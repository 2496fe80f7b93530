// The calls as the sandbox last told them, and those of them that pass search and filters.
// Both are kept oldest first, as they come: a new call is put at the end.

import { stateFilter } from "./words.js";

const haystacks = new WeakMap();

export class Store {
  #run = null;
  #calls = new Map();
  #order = [];
  #shown = [];
  #wanted = { words: [], channel: "", state: "" };

  /** The run of the sandbox whose calls these are; null before it told any. */
  get run() {
    return this.#run;
  }

  get total() {
    return this.#order.length;
  }

  get length() {
    return this.#shown.length;
  }

  get isFiltered() {
    const { words, channel, state } = this.#wanted;
    return words.length > 0 || channel !== "" || state !== "";
  }

  /** The call in a row of the list, which has the newest first. */
  at(row) {
    return this.#shown[this.#shown.length - 1 - row];
  }

  /** The row that a call is in; of one that is not shown, where it would be. */
  rowOf(number) {
    let low = 0;
    let high = this.#shown.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.at(middle).number > number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  has(number) {
    return this.#calls.has(number);
  }

  get(number) {
    return this.#calls.get(number);
  }

  isShown(number) {
    return this.at(this.rowOf(number))?.number === number;
  }

  /** Take in what the sandbox told, and return the calls that are new. */
  take({ run, oldest, calls }) {
    if (run !== this.#run) this.#forget(run);
    const fresh = calls.filter((call) => !this.#calls.has(call.number));
    for (const call of calls) this.#calls.set(call.number, call);
    for (const call of fresh) this.#order.push(call.number);
    // Those that were changed long after they came are told late to a page that is opened now.
    if (fresh.length) this.#order.sort((one, other) => one - other);
    this.#drop(oldest);
    this.#sift();
    return fresh;
  }

  want({ search, channel, state }) {
    this.#wanted = { words: search.toLowerCase().split(/\s+/).filter(Boolean), channel, state };
    this.#sift();
  }

  #forget(run) {
    this.#run = run;
    this.#calls.clear();
    this.#order = [];
  }

  #drop(oldest) {
    const kept = this.#order.findIndex((number) => number >= oldest);
    const dropped = this.#order.splice(0, kept < 0 ? this.#order.length : kept);
    for (const number of dropped) this.#calls.delete(number);
  }

  #sift() {
    const all = this.#order.map((number) => this.#calls.get(number));
    this.#shown = this.isFiltered ? all.filter((call) => this.#passes(call)) : all;
  }

  #passes(call) {
    const { words, channel, state } = this.#wanted;
    if (channel && call.channel !== channel) return false;
    if (state && !states(call).some((each) => stateFilter(each) === state)) return false;
    const text = haystack(call);
    return words.every((word) => text.includes(word));
  }
}

/** The states that the messages of a call are in; of one without any, its own. */
export function states(call) {
  const of = Object.keys(call.states);
  return of.length ? of : [call.kind];
}

function haystack(call) {
  let text = haystacks.get(call);
  if (text === undefined) {
    const { to, text: words, code, template, plan_name: plan, channel, product, error } = call;
    const parts = [to, words, code, template, plan, channel, product, error?.code, error?.message];
    text = parts.filter((part) => part != null).join("\n").toLowerCase();
    haystacks.set(call, text);
  }
  return text;
}
