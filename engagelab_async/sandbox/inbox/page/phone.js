// A message as it looks where it arrives, with links to follow, and what it costs as an SMS.

import { h } from "./dom.js";
import { segments } from "./segments.js";
import { CHANNELS, number, shortClock } from "./words.js";

const LINK = /\bhttps?:\/\/[^\s<>"]+/gi;
const ENDING = /[.,;:!?'")\]}»”’]+$/;  // of a sentence, rather than of an address
const LONG = 500;  // characters, from where a text may have to be scrolled

/** Draw a phone that shows a message and what was replied. */
export function phone(message) {
  const { channel, text, replies, sent_at: at } = message;
  const talk = [bubble("in", marked(text, message.code)), ...replies.map((reply) => bubble("out", linked(reply.text)))];
  return h(
    "figure", { class: "phone", "data-channel": channel },
    h("div", { class: "screen" },
      h("div", { class: "island", "aria-hidden": "true" }, h("span", {}, shortClock(at))),
      h("div", { class: "contact" }, h("span", { class: "face", "aria-hidden": "true" }, "E"), h("span", {}, "EngageLab"),
        h("small", {}, CHANNELS[channel] ?? channel)),
      h("div", { class: "talk" }, h("small", { class: "stamp" }, shortClock(at)), ...talk)),
    h("figcaption", { class: channel === "sms" ? "units" : "unseen" }, channel === "sms" ? cost(text) : "How the message looks where it arrives"),
  );
}

function cost(text) {
  const { encoding, units, parts, odd } = segments(text);
  const because = odd === undefined ? "" : `, because of “${odd}”`;
  return `${number(parts)} SMS: ${number(units)} units, ${encoding}${because}`;
}

function bubble(side, words) {
  const isLong = words.reduce((sum, each) => sum + (each.textContent ?? each).length, 0) > LONG;
  return h("p", { class: `bubble ${side}`, dir: "auto", tabindex: isLong && "0" }, ...words);
}

/** Mark the code, where it is not part of a link. */
function marked(text, code) {
  const parts = linked(text);
  const place = code ? parts.findIndex((part) => typeof part === "string" && part.includes(code)) : -1;
  if (place < 0) return parts;
  const at = parts[place].indexOf(code);
  parts.splice(place, 1, parts[place].slice(0, at), h("b", {}, code), parts[place].slice(at + code.length));
  return parts;
}

function linked(text) {
  const parts = [];
  let end = 0;
  for (const { 0: found, index } of text.matchAll(LINK)) {
    const ending = ENDING.exec(found)?.[0] ?? "";
    const href = ending.startsWith(")") && found.includes("(") ? found : found.slice(0, found.length - ending.length);
    if (!URL.canParse(href)) continue;
    parts.push(text.slice(end, index), h("a", { href, dir: "ltr", target: "_blank", rel: "noopener noreferrer" }, href));
    end = index + href.length;
  }
  return [...parts, text.slice(end)];
}
