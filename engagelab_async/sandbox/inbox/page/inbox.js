// Puts the page together. Events and the user change the state; the page is drawn from it.

import * as detail from "./detail.js";
import { announce, byId, copyButton, h, icon, render } from "./dom.js";
import * as faults from "./faults.js";
import * as list from "./list.js";
import * as notifications from "./notify.js";
import { ask, enter } from "./session.js";
import { changed, changedSoon, isShown, mark, onChange, select, sift, state, take } from "./state.js";
import { CHANNELS, FILTERS, number } from "./words.js";

const THEME = "engagelab-sandbox-theme";
const PATIENCE = 1000;
const LINKS = { live: "Live", lost: "Reconnecting" };

const isWide = matchMedia("(min-width: 52.01rem)");
const panes = byId("panes");
const filters = ["search", "channel", "state"];
let missed = 0;
let isUnchosen = true;  // by the user, so that the newest is shown
let wantsHit = false;

function draw() {
  if (state.run === null) return;
  sift();
  isUnchosen ||= state.calls.size === 0 || !(state.isFilled || location.hash);
  const choice = state.isFilled && state.shown.length > 0 && automatic();
  if (choice) return list.choose(0, choice.by);
  if (state.isNew && state.calls.has(state.call) && !document.hidden) {
    state.isNew = false;
    mark([state.call]);
  }
  list.draw();
  detail.draw({ onBack: back, onGone: gone });
  describe();
  const fresh = state.fresh.splice(0);
  if (fresh.length) report(fresh);
}

/** Decide whether to select the first row: at the beginning the newest, and after a search a hit. */
function automatic() {
  const isWanted = isWide.matches && (isUnchosen ? !state.calls.has(state.call) : wantsHit && !isShown(state.call));
  const by = !isUnchosen && location.hash ? "arrow" : null;
  isUnchosen = wantsHit = false;
  return isWanted && { by };
}

/** Say how many calls there are, or what to do when there are none. */
function describe() {
  const { calls: { size: total }, shown, read } = state;
  const isFiltered = Object.values(state.filters).some(Boolean);
  const unread = shown.filter((call) => !read.has(call.number)).length;
  render(byId("count"), isFiltered ? `${number(shown.length)} of ${number(total)}` : total > 0 && number(total));
  render(byId("unread"), unread > 0 && `${number(unread)} unread`);
  byId("read").ariaDisabled = unread ? null : "true";
  byId("clear").ariaDisabled = total ? null : "true";  // disabled, it would lose the focus
  panes.toggleAttribute("data-empty", total === 0);
  byId("nothing").hidden = shown.length > 0;
  render(byId("nothing"), total ? noMatch() : welcome());
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

/** Report what is new. */
function report(fresh) {
  announce(`${number(fresh.length)} new, ${number(state.shown.length)} in the list`);
  notifications.notify(fresh, (call) => select(call, { by: "click" }));
  if (!document.hidden) return;
  missed += fresh.length;
  document.title = `(${number(missed)}) Sandbox inbox`;
}

function looked() {
  if (!document.hidden) {
    missed = 0;
    document.title = "Sandbox inbox";
    state.isNew = true;
  }
  changed();  // a frame that was asked for may not have come
}

/** Select what the address is of: a call, a message, or nothing, which is the list. */
async function visit() {
  const query = new URLSearchParams(location.hash.slice(1));
  const message = Number(query.get("message")) || null;
  const call = Number(query.get("call")) || (message && (await ask(`/messages/${message}`).catch(() => null))?.call);
  if (!call) {
    delete panes.dataset.view;
    return isWide.matches && list.choose(0);
  }
  panes.dataset.view = "detail";
  isUnchosen = false;
  select(call, { message });
}

function open(isByKey) {
  panes.dataset.view = "detail";
  if (!isByKey) return;
  select(state.call, { by: "click" });
  byId("detail").focus();
}

function back() {
  delete panes.dataset.view;
  if (!isWide.matches) history.pushState(null, "", location.pathname);
  byId("list").focus();
}

/** Leave a message that is no longer there; the focus stays if it is elsewhere. */
function gone(hadFocus) {
  delete panes.dataset.view;
  if (hadFocus) byId(state.calls.size ? "list" : "clear").focus();
}

function offer(id, all, names) {
  const options = Object.entries({ "": all, ...names });
  render(byId(id), options.map(([value, words]) => h("option", { value }, words)));
}

function filter() {
  state.filters = Object.fromEntries(filters.map((id) => [id, byId(id).value]));
  wantsHit = Object.values(state.filters).some(Boolean);
  list.toTop();
  changedSoon();
}

function unfilter() {
  for (const id of filters) byId(id).value = "";
  filter();
  byId("list").focus();
}

function readAll() {
  if (byId("read").ariaDisabled) return;
  mark(state.shown.map((call) => call.number));
  announce("All read");
  changed();
}

/** Ask first: others may have the same inbox open. */
function askToClear() {
  if (byId("clear").ariaDisabled) return;
  byId("clearing").returnValue = "";
  byId("clearing").showModal();
}

function answered({ target: { returnValue } }) {
  if (returnValue === "clear") ask("/calls", { method: "DELETE" });
}

function pressed(event) {
  const isTyping = event.target.matches("input, textarea, select");
  if (event.key === "/" && !isTyping) byId("search").focus();
  else if (event.key === "Escape" && !isTyping && panes.dataset.view) back();
  else return;
  event.preventDefault();
}

function searched(event) {
  if (!["ArrowDown", "Enter"].includes(event.key) && !(event.key === "Escape" && !event.target.value)) return;
  byId("list").focus();
  event.preventDefault();
}

function link(status) {
  if (byId("link").dataset.state === status) return;  // or a screen reader would say it again
  byId("link").dataset.state = status;
  byId("link").textContent = LINKS[status];
}

/**
 * Follow what the sandbox reports. A stream that breaks off is opened again by the browser, which
 * sends the id of the last event. Where it has given up, we open a new one, which reports everything.
 */
function follow() {
  const stream = new EventSource("/sandbox/v1/events");
  stream.addEventListener("changes", (event) => {
    link("live");
    take(JSON.parse(event.data), event.lastEventId.split("-")[0]);
  });
  stream.onerror = async () => {
    link("lost");
    if (stream.readyState !== EventSource.CLOSED) return;  // the browser tries again
    await new Promise((resolve) => setTimeout(resolve, PATIENCE));
    await ask("/messages?limit=0").catch(() => null);  // the token, perhaps
    follow();
  };
}

const theme = byId("theme");
theme.value = localStorage.getItem(THEME) ?? "system";  // what it means is in inbox.css
theme.addEventListener("change", () => localStorage.setItem(THEME, theme.value));
onChange(draw);
list.start(open);
faults.start();
notifications.start();
offer("channel", "All channels", CHANNELS);
offer("state", "Any state", FILTERS);
for (const id of filters) byId(id).addEventListener(id === "search" ? "input" : "change", filter);
byId("search").addEventListener("keydown", searched);
byId("clear").addEventListener("click", askToClear);
byId("clearing").addEventListener("close", answered);
byId("read").addEventListener("click", readAll);
document.addEventListener("keydown", pressed);
document.addEventListener("visibilitychange", looked);
addEventListener("popstate", visit);
await enter();
await detail.start();
if (location.hash) await visit();
follow();
