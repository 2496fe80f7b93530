// The calls as the sandbox last reported them, and those of them that pass search and filters.
// Both are kept oldest first, as they come: a new call is put at the end.

import { isRead } from "./read.js";
import { matcher, states } from "./search.js";
import { stateFilter } from "./words.js";

export class Store {
  #run = null;
  #calls = new Map();
  #order = [];
  #shown = [];
  #wanted = { search: "", channel: "", state: "" };
  #matches = matcher("");

  /** The run of the sandbox whose calls these are; null before it reported any. */
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
    return Object.values(this.#wanted).some(Boolean);
  }

  /** The numbers of the calls in the list that were not looked at, oldest first. */
  get unread() {
    return this.#shown.map((call) => call.number).filter((number) => !isRead(number));
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

  /** Take in what the sandbox reported, and return the calls that are new. */
  take({ run, oldest, calls }) {
    if (run !== this.#run) this.#forget(run);
    const fresh = calls.filter((call) => !this.#calls.has(call.number));
    for (const call of calls) this.#calls.set(call.number, call);
    for (const call of fresh) this.#order.push(call.number);
    // Those that were changed long after they came are reported late to a page that is opened now.
    if (fresh.length) this.#order.sort((one, other) => one - other);
    this.#drop(oldest);
    this.#sift();
    return fresh;
  }

  want(wanted) {
    this.#wanted = wanted;
    this.#matches = matcher(wanted.search);
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
    const { channel, state } = this.#wanted;
    if (channel && call.channel !== channel) return false;
    if (state === "unread" ? isRead(call.number) : state && !states(call).some((each) => stateFilter(each) === state)) return false;
    return this.#matches(call);
  }
}
