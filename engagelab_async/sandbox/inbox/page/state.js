// What the page shows follows from this. Whoever changes it calls `changed`, and the page is drawn.

import { matcher } from "./search.js";
import { ask } from "./session.js";
import { counts } from "./words.js";

const KEY = "engagelab-sandbox-read";

export const state = {
  run: null,  // of the sandbox whose calls these are; goes on after a restart with a store
  epoch: null,  // of its process
  calls: new Map(),  // by number, as last reported
  shown: [],  // those that pass search and filters, newest first
  recipients: new Map(),  // the numbers of the plans that have one, by what was searched for
  read: new Set(),  // the numbers of those that were shown in full in this browser
  isFilled: false,  // with what was there before, which is not new
  fresh: [],  // new since the page was drawn
  call: null,  // the number of the selected one
  message: null,  // of a plan, that is shown in its place
  isNew: false,  // selected just now, and not yet marked as read
  isToReveal: false,  // selected just now, and not yet scrolled to
  filters: { search: "", channel: "", state: "" },
};

let draw;
let isDue = false;

/** Have the page drawn at every change. */
export const onChange = (listener) => (draw = listener);

/** Draw the page now. */
export function changed() {
  isDue = false;
  draw();
}

/** Draw the page with the next frame. There are none in a hidden tab: there, as soon as there is time. */
export function changedSoon() {
  if (isDue) return;
  isDue = true;
  (document.hidden ? setTimeout : requestAnimationFrame)(() => isDue && changed());
}

/** Take in what the sandbox reported: calls as they are now. A new process reports all that it has. */
export function take({ run, oldest, calls, is_all: isAll }, epoch) {
  if (epoch !== state.epoch) begin(run, epoch);
  if (state.isFilled) state.fresh.push(...calls.filter((call) => !state.calls.has(call.number)));
  for (const call of calls) state.calls.set(call.number, call);
  for (const number of state.calls.keys()) if (number < oldest) state.calls.delete(number);
  state.isFilled ||= isAll;
  changedSoon();
}

/** Apply search and filters, before the page is drawn. Those changed last are reported last, so sort them. */
export function sift() {
  const { filters: { search, channel, state: wanted } } = state;
  const matches = matcher(search, hasRecipient);
  state.shown = [...state.calls.values()].filter((call) => (
    (!channel || call.channel === channel) && matches(call) && isIn(wanted, call)
  )).sort((one, other) => other.number - one.number);
}

function isIn(wanted, call) {
  if (wanted === "unread") return !state.read.has(call.number);
  return !wanted || counts(call).some(({ filter }) => filter === wanted);
}

/** Of a plan, only the first recipient is reported; which of the plans have another one, the sandbox is asked. */
function hasRecipient({ number, to, total }, text) {
  if (to?.toLowerCase().includes(text)) return true;
  if (total < 2) return false;
  const found = state.recipients.get(text) ?? { numbers: new Set(), newest: 0 };
  if (number > found.newest) lookUp(text, found);
  return found.numbers.has(number);
}

async function lookUp(text, found) {
  const { recipients } = state, newest = Math.max(...state.calls.keys());
  recipients.set(text, { ...found, newest: Infinity });  // until it is answered
  try {
    const { numbers } = await ask(`/calls?${new URLSearchParams({ to: text })}`);
    recipients.set(text, { numbers: new Set(numbers), newest });
    changedSoon();
  } catch {
    recipients.delete(text);
  }
}

/** The place of a call in the list; of one that is not there, where it would be. */
export function rowOf(number) {
  const row = state.shown.findIndex((call) => call.number <= number);
  return row < 0 ? state.shown.length : row;
}

export const isShown = (number) => state.shown[rowOf(number)]?.number === number;

/** The address of a call, or of one message of a plan. */
export const address = (call, message) => `${location.origin}/#call=${call}${message ? `&message=${message}` : ""}`;

/** Select a call; what the user selects, by "click" or "arrow", gets an address. A run of arrow keys gets one. */
export function select(call, { message = null, by = null } = {}) {
  Object.assign(state, { call, message, isNew: true, isToReveal: true });
  const to = address(call, message);
  if (by && to !== location.href) {
    const isSameRun = by === "arrow" && history.state === "arrow";
    history[isSameRun ? "replaceState" : "pushState"](by === "arrow" ? by : null, "", to);
  }
  changed();
}

// What was read is kept in this browser, for the run of the sandbox that it is of.
const stored = () => ({ run: null, numbers: [], ...JSON.parse(localStorage.getItem(KEY)) });

function begin(run, epoch) {
  Object.assign(state, { run, epoch, calls: new Map(), recipients: new Map(), isFilled: false, fresh: [] });
  recall();
}

function recall() {
  const { run, numbers } = stored();
  state.read = new Set(run === state.run ? numbers : []);
}

/** Mark calls as read, or as unread. */
export function mark(numbers, isRead = true) {
  for (const number of numbers) state.read[isRead ? "add" : "delete"](number);
  localStorage.setItem(KEY, JSON.stringify({ run: state.run, numbers: [...state.read] }));
}

// In another tab, something was read.
addEventListener("storage", ({ key }) => {
  if (key !== KEY || stored().run !== state.run) return;
  recall();
  changed();
});
