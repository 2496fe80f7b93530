// The selected call in full. What has not changed is left alone, so that nobody loses the text they
// have selected, or the field they are typing in, because a message was delivered meanwhile.

import { Actions } from "./actions.js";
import { byId, copyButton, h, icon } from "./dom.js";
import { exchange } from "./exchange.js";
import { overall, segments, title } from "./list.js";
import { phone } from "./phone.js";
import { ask } from "./session.js";
import { callbacks, timeline } from "./story.js";
import { CHANNELS, fullTime, number, stateMood, stateName } from "./words.js";

const PAGE = 100;  // messages of a plan that are listed at once
const SLOTS = ["head", "plan", "code", "actions", "story", "callbacks", "exchange", "phone"];

export class Detail {
  #box = byId("detail");
  #slots = new Map(SLOTS.map((name) => [name, { node: h("div", { class: `slot slot-${name}` }), json: null }]));
  #actions = new Actions();
  #onBack;
  #onGone;
  #wanted = null;
  #offset = 0;
  #member = null;
  #isLoading = false;
  #isStale = false;

  constructor({ onBack, onGone }) {
    this.#onBack = onBack;
    this.#onGone = onGone;
    this.#empty("Select a message");
  }

  /** Show a call. */
  show(wanted) {
    if (wanted === this.#wanted) return;
    this.#wanted = wanted;
    this.#offset = 0;
    this.#member = null;
    this.#box.scrollTop = 0;
    this.#load();
  }

  /** Show what has changed, if it has to do with the call that is shown. */
  update(calls, store) {
    if (this.#wanted === null) return;
    if (!store.has(this.#wanted)) this.#forget();
    else if (calls.some((call) => call.number === this.#wanted)) this.#load();
  }

  focus() {
    this.#box.focus();
  }

  #forget() {
    const hadFocus = this.#box.contains(document.activeElement);
    this.#wanted = null;
    this.#empty("This message is no longer kept.");
    this.#onGone(hadFocus);
  }

  /** Load the call; whatever happens while it loads is loaded after that, once. */
  async #load() {
    this.#isStale = this.#isLoading;
    if (this.#isLoading) return;
    this.#isLoading = true;
    const wanted = this.#wanted;
    try {
      const call = await ask(`/calls/${wanted}?offset=${this.#offset}&limit=${PAGE}`);
      if (wanted === this.#wanted) this.#draw(call);
    } catch (error) {
      if (wanted === this.#wanted) this.#empty(error.message);
    } finally {
      this.#isLoading = false;
      if (this.#isStale && this.#wanted !== null) this.#load();
    }
  }

  #empty(words) {
    for (const slot of this.#slots.values()) slot.json = null;
    this.#box.replaceChildren(h("p", { class: "hint" }, words));
  }

  #draw(call) {
    if (!this.#slots.get("head").node.isConnected) this.#lay();
    const isPlan = call.kind === "plan";
    const shown = isPlan ? call.messages.find((each) => each.number === this.#member) : call.messages[0];
    const { request, response, messages, ...row } = call;
    this.#put("head", [row, shown], () => this.#head(call, shown));
    this.#put("plan", isPlan && !shown && [row, messages], () => this.#plan(call));
    this.#put("code", shown?.code, (code) => [codeCard(code)]);
    this.#actions.update(shown);
    this.#put("actions", shown && true, () => [this.#actions.element]);
    this.#put("story", shown && [shown.timeline, shown.replies], (story) => [timeline(...story)]);
    this.#put("callbacks", shown?.callbacks, (sent) => [callbacks(sent)]);
    this.#put("exchange", { request, response }, exchange);
    const seen = shown ?? call.messages[0];
    this.#put("phone", seen && [seen.number, seen.text, seen.channel, seen.replies], () => [phone(seen)]);
  }

  #lay() {
    const of = (name) => this.#slots.get(name).node;
    const story = SLOTS.filter((name) => name !== "head" && name !== "phone").map(of);
    this.#box.replaceChildren(of("head"), h("div", { class: "columns" }, h("div", { class: "facts" }, ...story), of("phone")));
  }

  #put(name, data, render) {
    const slot = this.#slots.get(name);
    const json = JSON.stringify(data || null);
    if (json === slot.json) return;
    const focused = slot.node.contains(document.activeElement) ? document.activeElement.dataset.key : undefined;
    const opened = [...slot.node.querySelectorAll("details[open] > summary")].map((summary) => summary.dataset.key);
    slot.json = json;
    slot.node.replaceChildren(...(data ? render(data) : []));
    for (const key of opened) slot.node.querySelector(`[data-key="${key}"]`)?.parentElement.setAttribute("open", "");
    if (focused) slot.node.querySelector(`[data-key="${focused}"]`)?.focus();
  }

  #head(call, shown) {
    const isMember = shown && call.kind === "plan";
    const to = shown?.to ?? title(call);
    const { words, mood } = isMember ? { words: stateName(shown.state), mood: stateMood(shown.state) } : overall(call);
    const leave = isMember ? () => this.#choose(null) : this.#onBack;
    return [
      h("button", { type: "button", class: isMember ? "plain back" : "plain back narrow", onclick: leave, "data-key": "back" },
        icon("back"), isMember ? title(call) : "Messages"),
      h("div", { class: "title" }, h("h2", {}, to), h("span", { class: "pill", "data-mood": mood }, words)),
      h("dl", { class: "meta" }, ...meta(call, shown)),
      call.error && h("p", { class: "refusal" }, h("b", {}, call.error.code), ` ${call.error.message}`),
    ].filter(Boolean);
  }

  #plan(call) {
    const { message_count: count, offset, messages } = call;
    const rows = messages.map((message) => h(
      "li", {}, h("button", { type: "button", class: "member", "data-key": `member-${message.number}`, onclick: () => this.#choose(message.number) },
        h("span", {}, message.to), h("span", { class: "state", "data-mood": stateMood(message.state) }, stateName(message.state)))));
    const last = offset + messages.length;
    const turn = (words, to, key) => h("button", { type: "button", class: "plain", disabled: to < 0 || to >= count, "data-key": key, onclick: () => this.#turn(to) }, words);
    const pager = h("div", { class: "pager" }, h("span", {}, `${number(offset + 1)} to ${number(last)} of ${number(count)}`),
      turn("Earlier", offset - PAGE, "earlier"), turn("Later", offset + PAGE, "later"));
    return [h("section", { class: "card", "aria-label": "Recipients" },
      h("div", { class: "card-head" }, h("h3", {}, "Recipients"), h("span", { class: "line" }, tally(call))),
      h("div", { class: "progress large", role: "img", "aria-label": tally(call) }, ...segments(call)),
      h("ul", { class: "members" }, ...rows), count > PAGE && pager)];
  }

  #turn(offset) {
    this.#offset = offset;
    this.#load();
  }

  #choose(member) {
    this.#member = member;
    this.#load();
    this.focus();
  }
}

function tally(call) {
  return Object.entries(call.states).map(([state, count]) => `${number(count)} ${stateName(state).toLowerCase()}`).join(", ");
}

function meta(call, shown) {
  const channel = shown?.channel ?? call.channel;
  const facts = {
    Template: call.template,
    Channel: CHANNELS[channel] ?? channel,
    Time: fullTime(call.at),
    Due: call.due && fullTime(call.due),
    "Message id": shown?.message_id,
  };
  return Object.entries(facts).filter(([, fact]) => fact).map(([name, fact]) => h("div", {}, h("dt", {}, name), h("dd", {}, fact)));
}

function codeCard(code) {
  return h("section", { class: "card code-card", "aria-label": "Code" }, h("h3", {}, "Code"), h("output", { class: "digits" }, code), copyButton(code, "code"));
}
