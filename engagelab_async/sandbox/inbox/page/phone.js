// A message as it looks where it arrives, with links to follow, and what it costs as an SMS.

import { h } from "./dom.js";
import { CHANNELS, number, shortClock } from "./words.js";

const LINK = /\bhttps?:\/\/[^\s<>"]+/gi;
const ENDING = /[.,;:!?'")\]}»”’]+$/;  // of a sentence, rather than of an address
const LONG = 500;  // characters, from where a text may have to be scrolled

const BASIC = "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà";
const EXTENSION = "\f^{}\\[~]|€";
const GSM = new Set(BASIC + EXTENSION);

/** Describe a phone that shows a message and what was replied. */
export function phone({ channel, text, code, replies, sent_at: at }) {
  return h(
    "figure", { class: "phone", "data-channel": channel },
    h("div", { class: "screen" },
      h("div", { class: "island", "aria-hidden": "true" }, shortClock(at)),
      h("div", { class: "contact" }, h("span", { class: "face", "aria-hidden": "true" }, "E"), "EngageLab", h("small", {}, CHANNELS[channel] ?? channel)),
      h("div", { class: "talk" }, h("small", {}, shortClock(at)),
        bubble("in", text, code), replies.map((reply) => bubble("out", reply.text)))),
    h("figcaption", { class: channel === "sms" ? "units" : "unseen" }, channel === "sms" ? cost(text) : "How the message looks where it arrives"),
  );
}

function bubble(side, text, code) {
  return h("p", { class: `bubble ${side}`, dir: "auto", tabindex: text.length > LONG ? "0" : null }, marked(linked(text), code));
}

/** Mark the code, where it is not part of a link. */
function marked(parts, code) {
  const place = code ? parts.findIndex((part) => typeof part === "string" && part.includes(code)) : -1;
  if (place < 0) return parts;
  const at = parts[place].indexOf(code);
  return parts.toSpliced(place, 1, parts[place].slice(0, at), h("b", {}, code), parts[place].slice(at + code.length));
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

/**
 * Say how many SMS a text is sent as, by GSM 03.38.
 *
 * One text is 160 units of 7 bits, or 70 of 16 bits if it has characters outside the GSM alphabet. A
 * longer one is sent in parts, whose headers take 7 or 3 units of each. Some characters take two
 * units, which are never split between two parts.
 */
export function cost(text) {
  const characters = [...text];
  const odd = characters.find((each) => !GSM.has(each));
  const [encoding, single, part] = odd === undefined ? ["GSM-7", 160, 153] : ["UCS-2", 70, 67];
  const costs = characters.map((each) => (odd !== undefined ? each.length : EXTENSION.includes(each) ? 2 : 1));
  const units = costs.reduce((sum, each) => sum + each, 0);
  let parts = 1, used = 0;
  for (const each of units > single ? costs : []) {
    used += each;
    if (used > part) [parts, used] = [parts + 1, each];
  }
  const because = odd === undefined ? "" : `, because of “${odd}”`;
  return `${number(parts)} SMS: ${number(units)} units, ${encoding}${because}`;
}
