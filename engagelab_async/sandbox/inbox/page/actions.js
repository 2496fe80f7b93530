// What the user can do to a message: let it arrive or fail, reply to it, use its code.
//
// The buttons stay the same while the message changes, so the focus stays where it is.

import { announce, h } from "./dom.js";
import { ask } from "./session.js";

const BUTTONS = [
  ["deliver", "Deliver", "Delivered"],
  ["verify", "Verify code", "Code verified"],
  ["expire", "Expire code", "Code expired"],
];

export class Actions {
  #message = null;
  #buttons = new Map();
  #code = h("select", { "aria-label": "Error code" });
  #text = h("input", { type: "text", "aria-label": "Reply as the user", placeholder: "Reply as the user", autocomplete: "off", maxlength: 1000 });
  #error = h("p", { class: "wrong", role: "alert" });

  constructor() {
    for (const [action, words, done] of BUTTONS) this.#button(action, words, done, () => ({}));
    this.#button("fail", "Fail", "Failed", () => ({ code: Number(this.#code.value) }));
    this.#button("reply", "Send", "Reply sent", () => ({ text: this.#text.value }));
    this.#text.addEventListener("keydown", (event) => event.key === "Enter" && this.#buttons.get("reply").click());
    const [deliver, verify, expire, fail, reply] = this.#buttons.values();
    this.element = h(
      "section", { class: "card actions", "aria-label": "Actions" },
      h("div", { class: "card-head" }, h("h3", {}, "Actions")),
      h("div", { class: "buttons" }, deliver, verify, expire),
      h("div", { class: "joined" }, this.#code, fail),
      h("div", { class: "joined" }, this.#text, reply),
      this.#error,
    );
  }

  /** Offer what can be done to a message now. */
  update(message) {
    if (message?.number !== this.#message?.number) this.#text.value = this.#error.textContent = "";
    this.#message = message;
    for (const [action, button] of this.#buttons) {
      button.ariaDisabled = message?.actions.includes(action) ? null : "true";
      button.hidden = (action === "verify" || action === "expire") && !message?.code;
    }
    if (message && this.#code.length === 0) this.#fill();
  }

  async #fill() {
    const { errors } = await ask("/errors");
    this.#code.replaceChildren(...errors.map(({ code, message }) => h("option", { value: code, title: message }, `${code} ${message}`)));
    this.#code.value = "5018";
  }

  #button(action, words, done, body) {
    const act = async () => {
      if (this.#buttons.get(action).ariaDisabled) return;
      try {
        await ask(`/messages/${this.#message.number}/${action}`, { method: "POST", body: body() });
        if (action === "reply") this.#text.value = "";
        this.#error.textContent = "";
        announce(done);
      } catch (error) {
        this.#error.textContent = error.message;
      }
    };
    this.#buttons.set(action, h("button", { type: "button", "data-key": action, onclick: act }, words));
  }
}
