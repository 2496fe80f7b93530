// What the search field finds: words, and operators such as to:+65 or status:"not sent".

import { counts } from "./words.js";

const TERM = /(-?)(?:(to|template|status|before|after):)?("[^"]*"?|\S+)/g;

const ADDRESS = /\d{4}|@/;  // in a word that may be of a recipient

const OPERATORS = {
  to: (call, value, hasRecipient) => hasRecipient(call, value),
  template: (call, value) => (call.template ?? "").toLowerCase().includes(value),
  status: (call, value) => counts(call).some(({ name, filter, words }) => (
    name === value || filter.startsWith(value) || words.toLowerCase().startsWith(value))),
  before: (call, value) => !(call.at >= instant(value)),
  after: (call, value) => !(call.at < instant(value)),
};

const haystacks = new WeakMap();

/** Return a function that decides whether a call matches a query; which recipients it has, it asks another. */
export function matcher(query, hasRecipient) {
  const terms = [...query.toLowerCase().matchAll(TERM)].flatMap(([, minus, name, quoted]) => {
    const value = quoted.replaceAll('"', "");
    if (!value || (!name && value.endsWith(":") && value.slice(0, -1) in OPERATORS)) return [];  // still being typed
    const test = OPERATORS[name] ?? contains;
    return [(call) => test(call, value, hasRecipient) !== (minus !== "")];
  });
  return (call) => terms.every((test) => test(call));
}

/** Read 14:30, which is today, 2026-11-29, or 2026-11-29T14:30; in Unix seconds, or NaN. */
function instant(value) {
  const today = new Date().toLocaleDateString("sv");
  const [day, time = "00:00"] = (value.includes("-") ? value : `${today}t${value.padStart(5, "0")}`).split("t");
  return Date.parse(`${day}T${time}`) / 1000;
}

function contains(call, value, hasRecipient) {
  return haystack(call).includes(value) || (ADDRESS.test(value) && hasRecipient(call, value));
}

function haystack(call) {
  let text = haystacks.get(call);
  if (text === undefined) {
    const { to, text: words, code, template, plan_name: plan, channel, product, error } = call;
    text = [to, words, code, template, plan, channel, product, error?.code, error?.message].join("\n").toLowerCase();
    haystacks.set(call, text);
  }
  return text;
}
