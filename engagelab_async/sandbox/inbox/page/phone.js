// A message as it looks where it arrives.

import { h } from "./dom.js";
import { CHANNELS, shortClock } from "./words.js";

/** Draw a phone that shows a message and what was replied. */
export function phone(message) {
  const { channel, text, replies, sent_at: at } = message;
  const talk = [bubble("in", marked(text, message.code)), ...replies.map((reply) => bubble("out", [reply.text]))];
  return h(
    "figure", { class: "phone", "data-channel": channel },
    h("div", { class: "screen" },
      h("div", { class: "island", "aria-hidden": "true" }, h("span", {}, shortClock(at))),
      h("div", { class: "contact" }, h("span", { class: "face", "aria-hidden": "true" }, "E"), h("span", {}, "EngageLab"),
        h("small", {}, CHANNELS[channel] ?? channel)),
      h("div", { class: "talk" }, h("small", { class: "stamp" }, shortClock(at)), ...talk)),
    h("figcaption", { class: "unseen" }, "How the message looks where it arrives"),
  );
}

function bubble(side, words) {
  return h("p", { class: `bubble ${side}`, dir: "auto" }, ...words);
}

function marked(text, code) {
  if (!code || !text.includes(code)) return [text];
  const at = text.indexOf(code);
  return [text.slice(0, at), h("b", {}, code), text.slice(at + code.length)];
}
