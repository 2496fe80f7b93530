// What the search field finds: words, and operators such as to:+65 or status:"not sent".

import { stateFilter, stateName } from "./words.js";

const TERM = /(-?)(?:(to|template|status|before|after):)?("[^"]*"?|\S+)/g;

const OPERATORS = {
  to: (call, value) => (call.to ?? "").toLowerCase().includes(value),
  template: (call, value) => (call.template ?? "").toLowerCase().includes(value),
  status: (call, value) => states(call).some((state) => state === value || [stateFilter(state), stateName(state).toLowerCase()].some((name) => name.startsWith(value))),
  before: (call, value) => !(call.at >= instant(value)),
  after: (call, value) => !(call.at < instant(value)),
};

const haystacks = new WeakMap();

/** Return a function that decides whether a call matches a query. */
export function matcher(query) {
  const terms = [...query.toLowerCase().matchAll(TERM)].flatMap(([, minus, name, quoted]) => {
    const value = quoted.replaceAll('"', "");
    if (!value || (!name && value.slice(0, -1) in OPERATORS && value.endsWith(":"))) return [];  // still being typed
    const test = OPERATORS[name] ?? ((call) => haystack(call).includes(value));
    return [(call) => test(call, value) !== (minus !== "")];
  });
  return (call) => terms.every((test) => test(call));
}

/** The states that the messages of a call are in; of one without any, its own. */
export function states(call) {
  const of = Object.keys(call.states);
  return of.length ? of : [call.kind];
}

/** Read 14:30, which is today, 2026-11-29, or 2026-11-29T14:30; in Unix seconds, or NaN. */
function instant(value) {
  const today = new Date().toLocaleDateString("sv");
  const day = value.includes("-") ? value : `${today}T${value.padStart(5, "0")}`;
  return Date.parse(day.includes("t") || day.includes("T") ? day : `${day}T00:00`) / 1000;
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
