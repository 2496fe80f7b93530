// Puts the parts of the page together: the stream fills the store, the list shows it, and what is
// selected there is shown in full.

import { Detail } from "./detail.js";
import { announce, byId, copyButton, h, icon } from "./dom.js";
import * as faults from "./faults.js";
import { follow } from "./feed.js";
import { List } from "./list.js";
import * as notifications from "./notify.js";
import * as read from "./read.js";
import { admitted, ask } from "./session.js";
import { Store } from "./store.js";
import * as theme from "./theme.js";
import { address, number } from "./words.js";

const LINKS = { connecting: "Connecting", live: "Live", lost: "Reconnecting" };

const store = new Store();
const detail = new Detail({ back, gone, member, unread: (number) => mark([number], false) });
const list = new List(store, { onSelect: selected, onOpen: open });
const isWide = matchMedia("(min-width: 52.01rem)");
let missed = 0;
let isFilling = true;  // with what was there before, which is not new
let isUnchosen = true;
let wantsHit = false;

/** Show what was selected; what the user selects gets an address. A run of arrow keys gets one. */
function selected(call, by) {
  if (by === null) return show(call);
  go(call, null, by === "arrow");
}

function go(call, of, isByArrow = false) {
  const to = address(call, of);
  if (to !== location.href) {
    const isSameRun = isByArrow && history.state === "arrow";
    history[isSameRun ? "replaceState" : "pushState"](isByArrow ? "arrow" : null, "", to);
  }
  show(call, of);
}

function member(number) {
  go(list.selected, number);
  detail.focus();
}

function show(call, message = null) {
  detail.show(call, message);
  if (!document.hidden) mark([call], true);
}

/** Show what the address is of: a call, a message, or nothing, which is the list. */
async function visit() {
  const query = new URLSearchParams(location.hash.slice(1));
  const message = Number(query.get("message")) || null;
  const call = Number(query.get("call")) || (message && (await callOf(message)));
  if (!call) {
    delete byId("panes").dataset.view;
    return isWide.matches && list.choose(0);
  }
  byId("panes").dataset.view = "detail";
  isUnchosen = false;
  list.mark(call);
  show(call, message);
}

async function callOf(message) {
  try {
    return (await ask(`/messages/${message}`)).call;
  } catch {
    return null;
  }
}

function mark(calls, isNowRead) {
  if (read.mark(calls, isNowRead)) readChanged();
}

function readChanged() {
  list.draw();
  describe();
}

function open(isByKey) {
  byId("panes").dataset.view = "detail";
  if (!isByKey) return;
  go(list.selected, null);
  detail.focus();
}

function back() {
  delete byId("panes").dataset.view;
  if (!isWide.matches) history.pushState(null, "", location.pathname);
  byId("list").focus();
}

/** Leave a message that is no longer there; the focus stays if it is elsewhere. */
function gone(hadFocus) {
  delete byId("panes").dataset.view;
  if (hadFocus) byId(store.total ? "list" : "clear").focus();
}

function changed(data) {
  isFilling ||= data.run !== store.run;
  isUnchosen ||= isFilling && !location.hash || store.total === 0;
  if (data.run !== store.run) read.start(data.run, readChanged);
  const fresh = store.take(data);
  list.update(isFilling ? [] : fresh);
  detail.update(data.calls, store);
  describe();
  if (!isFilling) count(fresh);
  if (data.isAll) settle();
  showHit();
}

/** Report what is new. */
function count(fresh) {
  if (fresh.length === 0) return;
  announce(`${number(fresh.length)} new, ${number(store.length)} in the list`);
  notifications.notify(fresh, (call) => list.choose(store.rowOf(call), "click"));
  if (!document.hidden) return;
  missed += fresh.length;
  document.title = `(${number(missed)}) Sandbox inbox`;
}

/** Begin with the newest, which is known only when everything was reported: the oldest come first. */
function settle() {
  isFilling = false;
  if (!isUnchosen || store.total === 0) return;
  isUnchosen = false;
  if (isWide.matches && !store.has(list.selected)) list.choose(0);
}

/** Say how many calls there are, or what to do when there are none. */
function describe() {
  const { length, total } = store;
  byId("count").textContent = store.isFiltered ? `${number(length)} of ${number(total)}` : total ? number(total) : "";
  const { length: unread } = store.unread;
  byId("unread").textContent = unread ? `${number(unread)} unread` : "";
  byId("read").ariaDisabled = unread ? null : "true";
  byId("clear").ariaDisabled = total === 0 ? "true" : null;  // disabled, it would lose the focus
  const nothing = byId("nothing");
  nothing.hidden = length > 0;
  byId("panes").toggleAttribute("data-empty", total === 0);
  const shown = length > 0 ? "calls" : total > 0 ? "no match" : "welcome";
  if (shown === nothing.dataset.shown) return;
  nothing.dataset.shown = shown;
  nothing.replaceChildren(...{ calls: () => [], "no match": noMatch, welcome }[shown]());
}

function noMatch() {
  return [h("h3", {}, "Nothing matches"), h("button", { type: "button", onclick: unfilter }, "Show all")];
}

function welcome() {
  const { origin } = location;
  return [
    h("span", { class: "drawing" }, icon("sms")),
    h("h3", {}, "Nothing was sent yet"),
    h("p", {}, "What your program sends appears here at once, codes included. Nothing is really sent."),
    toTry("From a terminal", `engagelab otp send +6591234567 --template login --sandbox ${origin}`),
    toTry("For a program that uses EngageLab.from_env()", [
      `export ENGAGELAB_OTP_BASE_URL=${origin}/otp`,
      `export ENGAGELAB_SMS_BASE_URL=${origin}/sms`,
      "export ENGAGELAB_DEV_KEY=sandbox_demo",
      "export ENGAGELAB_DEV_SECRET=sandbox_secret",
    ].join("\n")),
  ];
}

function toTry(title, commands) {
  return h("div", { class: "try" }, h("b", {}, title), copyButton(commands, "commands"), h("pre", {}, commands));
}

function filter() {
  store.want({ search: byId("search").value, channel: byId("channel").value, state: byId("state").value });
  list.toTop();
  describe();
  wantsHit = store.isFiltered;
  showHit();
}

/** After a search, show the first message that was found. */
function showHit() {
  if (!wantsHit || store.length === 0) return;
  wantsHit = false;
  if (isWide.matches && !list.isSelectedShown) list.choose(0, location.hash ? "arrow" : null);
}

function readAll() {
  if (byId("read").ariaDisabled) return;
  mark(store.unread, true);
  announce("All read");
}

function unfilter() {
  for (const id of ["search", "channel", "state"]) byId(id).value = "";
  filter();
  byId("list").focus();
}

/** Ask first: others may have the same inbox open. */
function askToClear() {
  if (byId("clear").ariaDisabled) return;
  byId("clearing").returnValue = "";
  byId("clearing").showModal();
}

function answered() {
  if (byId("clearing").returnValue === "clear") ask("/calls", { method: "DELETE" });
}

function looked() {
  if (document.hidden) return;
  missed = 0;
  document.title = "Sandbox inbox";
  if (store.has(list.selected)) mark([list.selected], true);
}

function linked(state) {
  const link = byId("link");
  if (link.dataset.state === state) return;
  link.dataset.state = state;
  link.textContent = LINKS[state];
}

function pressed(event) {
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "/" && !isTyping) byId("search").focus();
  else if (event.key === "Escape" && !isTyping && byId("panes").dataset.view) back();
  else return;
  event.preventDefault();
}

function searched(event) {
  if (event.key === "ArrowDown" || event.key === "Enter") byId("list").focus();
  else if (event.key === "Escape" && !event.target.value) byId("list").focus();
  else return;
  event.preventDefault();
}

theme.start();
faults.start();
notifications.start();
byId("search").addEventListener("input", filter);
for (const id of ["channel", "state"]) byId(id).addEventListener("change", filter);
byId("search").addEventListener("keydown", searched);
byId("clear").addEventListener("click", askToClear);
byId("read").addEventListener("click", readAll);
byId("clearing").addEventListener("close", answered);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", looked);
addEventListener("popstate", visit);
await admitted();
if (location.hash) visit();
follow({ onChanges: changed, onState: linked });
