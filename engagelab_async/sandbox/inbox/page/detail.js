// The selected call in full: what it was, what became of it, and what can be done to it.

import { announce, byId, copyButton, h, icon, render } from "./dom.js";
import { block } from "./json.js";
import { progress } from "./list.js";
import { phone } from "./phone.js";
import { ask } from "./session.js";
import { address, changed, mark, select, state } from "./state.js";
import { CHANNELS, clock, fullTime, number, overall, state as named, tally, title } from "./words.js";

const PAGE = 100;  // messages of a plan that are listed at once

const box = byId("detail");

let loaded = {};  // the call and its message, of which selection and report they are, and what the last action was refused for
let drawn = null;  // of it
let isLoading = false;
let offset = 0;  // of the messages of a plan
let errors = [];  // the codes that a message can fail with

/** Load what the actions offer. */
export async function start() {
  ({ errors } = await ask("/errors"));
}

/** Draw what was loaded, and load what is selected unless it is that. Calls onBack() to leave it, or onGone(hadFocus). */
export function draw({ onBack, onGone }) {
  const { call: number, message, calls, isFilled } = state;
  if (number !== loaded.number) offset = 0;
  const wanted = { number, message, offset, report: calls.get(number) };
  const isGone = number !== null && isFilled && !calls.has(number);
  if (isGone && !(loaded.isGone && loaded.number === number)) {
    loaded = { number, isGone, error: "This message is no longer kept." };
    onGone(box.contains(document.activeElement));
  }
  const isStale = Object.keys(wanted).some((name) => wanted[name] !== loaded[name]);
  if (number !== null && !isGone && !isLoading && isStale) load(wanted);
  if (loaded !== drawn) render(box, loaded.call ? content(loaded, onBack) : h("p", { class: "hint" }, loaded.error ?? "Select a message"));
  drawn = loaded;
}

/** Load a call, and the message of it that is shown. If others are wanted by then, draw loads those. */
async function load(wanted) {
  isLoading = true;
  try {
    const call = await ask(`/calls/${wanted.number}?offset=${wanted.offset}&limit=${PAGE}`);
    show({ ...wanted, call, shown: call.kind === "plan" ? await member(call, wanted.message) : call.messages[0] });
  } catch (error) {
    show({ ...wanted, error: error.message });
  }
}

/** The message of a plan with a number, if there is one; it may be on another page. */
async function member({ messages }, wanted) {
  return wanted && (messages.find(({ number: each }) => each === wanted) ?? (await ask(`/messages/${wanted}`)));
}

function show(next) {
  isLoading = false;
  if (next.number !== loaded.number) box.scrollTop = 0;
  loaded = { refusal: next.shown?.number === loaded.shown?.number ? loaded.refusal : "", ...next };
  changed();
}

function content({ call, shown, refusal }, onBack) {
  const seen = shown ?? call.messages[0];
  return [
    head(call, shown, onBack),
    h("div", { class: "columns" },
      h("div", { class: "facts" },
        call.kind === "plan" && !shown && recipients(call),
        shown?.code && codeCard(shown.code),
        shown && [actions(shown, refusal), timeline(shown), callbacks(shown.callbacks)],
        body("Request", [h("b", {}, call.request.method), ` ${call.request.path}`], call.request.body),
        body("Response", outcome(call.response.status), call.response.body)),
      seen && h("div", { class: "beside" }, phone(seen))),
  ];
}

const outcome = (status) => h("b", { "data-mood": status < 400 ? "good" : "bad" }, `HTTP ${status}`);

const button = (words, onclick, attributes = {}) => h("button", { type: "button", onclick, ...attributes }, words);

function card(label, extra, ...children) {
  return h("section", { key: label, class: `card ${label.toLowerCase()}`, "aria-label": label }, h("div", { class: "card-head" }, h("h3", {}, label), extra), children);
}

function head(call, shown, onBack) {
  const isMember = shown && call.kind === "plan";
  const { words, mood } = isMember ? named(shown.state) : overall(call);
  const leave = isMember ? () => select(call.number, { by: "click" }) : onBack;
  const unread = () => {
    mark([call.number], false);
    changed();
  };
  const channel = shown?.channel ?? call.channel;
  const facts = {
    Template: call.template,
    Channel: CHANNELS[channel] ?? channel,
    Time: fullTime(call.at),
    Due: call.due && fullTime(call.due),
    "Message id": shown?.message_id,
  };
  return h(
    "header", {},
    button([icon("back"), isMember ? title(call) : "Messages"], leave, { class: isMember ? "plain back" : "plain back narrow" }),
    h("div", { class: "title" },
      h("h2", { dir: "auto" }, shown?.to ?? title(call)), h("span", { class: "pill", "data-mood": mood }, words),
      h("div", { class: "tools" },
        copyButton(address(call.number, isMember && shown.number), "link", "Copy link"),
        button("Mark unread", unread, { class: "plain" }))),
    h("dl", { class: "meta" }, Object.entries(facts).filter(([, fact]) => fact).map(([name, fact]) => (
      h("div", {}, h("dt", {}, name), h("dd", {}, fact))))),
    call.error && h("p", { class: "refusal" }, h("b", {}, call.error.code), ` ${call.error.message}`),
  );
}

function recipients(call) {
  const { message_count: count, messages } = call;
  const item = ({ number: message, to, state: reached }) => h("li", { key: message },
    button([h("span", { dir: "auto" }, to), h("span", { class: "state", "data-mood": named(reached).mood }, named(reached).words)],
      () => {
        select(call.number, { message, by: "click" });
        box.focus();
      }, { class: "member" }));
  const turn = (words, to) => button(words, () => {
    offset = to;
    changed();
  }, { class: "plain", disabled: to < 0 || to >= count });
  return card("Recipients", h("span", {}, tally(call)),
    progress(call, { class: "progress large", role: "img", "aria-label": tally(call) }),
    h("ul", { class: "members" }, messages.map(item)),
    count > PAGE && h("div", { class: "pager" },
      h("span", {}, `${number(call.offset + 1)} to ${number(call.offset + messages.length)} of ${number(count)}`),
      turn("Earlier", call.offset - PAGE), turn("Later", call.offset + PAGE)));
}

function codeCard(code) {
  return h("section", { class: "card code-card", "aria-label": "Code" },
    h("h3", {}, "Code"), h("output", { class: "digits" }, code), copyButton(code, "code"));
}

/** What the user can do to a message: let it arrive or fail, reply to it, use its code. */
function actions(message, refusal) {
  const act = (name, words, done, fields = () => ({})) => {
    const isPossible = message.actions.includes(name);
    const onclick = async ({ currentTarget }) => {
      if (!isPossible) return;
      const field = currentTarget.previousElementSibling;
      try {
        await ask(`/messages/${message.number}/${name}`, { method: "POST", body: fields(field) });
        if (name === "reply") field.value = "";
        loaded = { ...loaded, refusal: "" };
        announce(done);
      } catch (error) {
        loaded = { ...loaded, refusal: error.message };
      }
      changed();
    };
    return button(words, onclick, { name, "aria-disabled": isPossible ? null : "true" });
  };
  const label = "Reply as the user";
  const reply = { key: message.number, type: "text", "aria-label": label, placeholder: label, autocomplete: "off" };
  const onkeydown = ({ key, currentTarget }) => {
    if (key === "Enter") currentTarget.nextElementSibling.click();
  };
  return card("Actions", null,
    h("div", { class: "buttons" },
      act("deliver", "Deliver", "Delivered"),
      message.code && [act("verify", "Verify code", "Code verified"), act("expire", "Expire code", "Code expired")]),
    h("div", { class: "joined" },
      h("select", { "aria-label": "Error code" }, errors.map(({ code, message: meaning }) => (
        h("option", { value: code, title: meaning, selected: code === 5018 }, `${code} ${meaning}`)))),
      act("fail", "Fail", "Failed", (field) => ({ code: Number(field.value) }))),
    h("div", { class: "joined" },
      h("input", { ...reply, onkeydown }),
      act("reply", "Send", "Reply sent", (field) => ({ text: field.value }))),
    h("p", { class: "wrong", role: "alert" }, refusal));
}

/** The states that a message has reached, and what was replied. */
function timeline({ timeline: changes, replies }) {
  const steps = [
    ...changes.map(({ status, at, channel, error }) => (
      { ...named(status), at, text: error ? `${error.code}: ${error.message}` : CHANNELS[channel] ?? channel })),
    ...replies.map((reply) => ({ ...named("uplink_message"), ...reply })),
  ].sort((one, other) => one.at - other.at);
  return card("Timeline", null, h("ol", { class: "timeline" }, steps.map(({ words, mood, text, at }) => (
    h("li", { "data-mood": mood }, h("b", {}, words), h("span", { class: "quiet", dir: "auto" }, text), h("time", {}, clock(at)))))));
}

/** The callbacks that were sent, each with what it was answered. */
function callbacks(sent) {
  const answered = ({ status, answer }) => (status ? `HTTP ${status}` : answer);
  const callback = ({ number: key, events, url, body: json, tries, is_answered: isAnswered }) => h(
    "details", { key, class: "callback" },
    h("summary", {},
      h("b", {}, [...new Set(events)].map((event) => named(event).words).join(", ")), h("span", { class: "url" }, url),
      h("span", { class: "pill", "data-mood": isAnswered ? "good" : tries.length ? "bad" : "calm" },
        tries.length ? answered(tries.at(-1)) : "Waiting")),
    h("ol", { class: "tries" }, tries.map((each) => h("li", {},
      h("time", {}, clock(each.at)), h("span", {}, answered(each)),
      each.status && each.answer && h("pre", { tabindex: "0", "aria-label": "Answer" }, each.answer)))),
    block(json, "Callback body"));
  return card("Callbacks", sent.length > 0 && h("span", {}, number(sent.length)),
    sent.length ? sent.map(callback) : h("p", { class: "quiet" }, "No callback was sent: start the sandbox with --callback-url."));
}

function body(name, line, json) {
  return card(name, [h("span", { class: "line" }, line), copyButton(json, name.toLowerCase())], block(json, `${name} body`));
}
