// The selected call in full. What has not changed is left alone, so that a selected text or
// the field being typed in is not lost because a message was delivered meanwhile.

import { Actions } from "./actions.js";
import { byId, copyButton, h, icon } from "./dom.js";
import { exchange } from "./exchange.js";
import { overall, segments, tally, title } from "./list.js";
import { phone } from "./phone.js";
import { ask } from "./session.js";
import { callbacks, timeline } from "./story.js";
import { address, CHANNELS, fullTime, number, stateMood, stateName } from "./words.js";

const PAGE = 100;  // messages of a plan that are listed at once
const SLOTS = ["head", "plan", "code", "actions", "story", "callbacks", "exchange", "phone"];

export class Detail {
  #box = byId("detail");
  #slots = new Map(SLOTS.map((name) => [name, { node: h("div", { class: `slot slot-${name}` }), json: null }]));
  #actions = new Actions();
  #on;
  #wanted = null;
  #offset = 0;
  #member = null;
  #isLoading = false;
  #isStale = false;

  /** Calls `on.back()`, `on.gone(hadFocus)`, `on.member(number)` and `on.unread(number)`. */
  constructor(on) {
    this.#on = on;
    this.#empty("Select a message");
  }

  /** Show a call, or one of the messages of a plan. */
  show(wanted, member = null) {
    if (wanted === this.#wanted && member === this.#member) return;
    if (wanted !== this.#wanted) this.#offset = this.#box.scrollTop = 0;
    this.#wanted = wanted;
    this.#member = member;
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
    this.#on.gone(hadFocus);
  }

  /** Load the call; whatever happens while it loads is loaded after that, once. */
  async #load() {
    this.#isStale = this.#isLoading;
    if (this.#isLoading) return;
    this.#isLoading = true;
    const wanted = this.#wanted;
    const member = this.#member;
    try {
      const call = await ask(`/calls/${wanted}?offset=${this.#offset}&limit=${PAGE}`);
      const shown = member && (call.messages.find((each) => each.number === member) ?? (await ask(`/messages/${member}`)));
      if (wanted === this.#wanted && member === this.#member) this.#draw(call, shown);
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

  #draw(call, member) {
    if (!this.#slots.get("head").node.isConnected) this.#lay();
    const isPlan = call.kind === "plan";
    const shown = isPlan ? member : call.messages[0];
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
    const leave = isMember ? () => this.#on.member(null) : this.#on.back;
    return [
      h("button", { type: "button", class: isMember ? "plain back" : "plain back narrow", onclick: leave, "data-key": "back" },
        icon("back"), isMember ? title(call) : "Messages"),
      h("div", { class: "title" }, h("h2", { dir: "auto" }, to), h("span", { class: "pill", "data-mood": mood }, words),
        h("div", { class: "tools" }, copyButton(address(call.number, isMember && shown.number), "link", "Copy link"),
          h("button", { type: "button", class: "plain", onclick: () => this.#on.unread(call.number), "data-key": "unread" }, "Mark unread"))),
      h("dl", { class: "meta" }, ...meta(call, shown)),
      call.error && h("p", { class: "refusal" }, h("b", {}, call.error.code), ` ${call.error.message}`),
    ].filter(Boolean);
  }

  #plan(call) {
    const { message_count: count, offset, messages } = call;
    const rows = messages.map((message) => h(
      "li", {}, h("button", { type: "button", class: "member", "data-key": `member-${message.number}`, onclick: () => this.#on.member(message.number) },
        h("span", { dir: "auto" }, message.to), h("span", { class: "state", "data-mood": stateMood(message.state) }, stateName(message.state)))));
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
