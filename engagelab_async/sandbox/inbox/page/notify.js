// Notifications of the browser about new messages, for those who ask for them.

import { byId } from "./dom.js";
import { number } from "./words.js";

const KEY = "engagelab-sandbox-notify";

const button = byId("notify");

const isOn = () => localStorage.getItem(KEY) === "on" && globalThis.Notification?.permission === "granted";

/** Let the user turn them on and off. */
export function start() {
  button.addEventListener("click", async () => {
    if (button.ariaDisabled) return;
    const isWanted = !isOn() && (await Notification.requestPermission()) === "granted";
    localStorage.setItem(KEY, isWanted ? "on" : "off");
    show();
  });
  addEventListener("focus", show);  // the user may come back from the browser's settings
  show();
}

function show() {
  const isPossible = isSecureContext && "Notification" in globalThis && Notification.permission !== "denied";
  button.ariaPressed = isOn();
  button.ariaDisabled = isPossible ? null : "true";
  button.title = isPossible ? "" : "Blocked: allow notifications in the browser; they need localhost or HTTPS";
}

/** Show what is new, unless the page is being looked at; opens the newest when it is clicked. */
export function notify(calls, onClick) {
  if (!isOn() || document.hasFocus()) return;
  const { number: newest, to, error, text } = calls.at(-1);
  const title = calls.length > 1 ? `${number(calls.length)} new messages` : `To ${to ?? "no recipient"}`;
  const shown = new Notification(title, { body: error?.message ?? text ?? "", tag: "engagelab-sandbox", icon: "/inbox/icon.svg" });
  shown.onclick = () => {
    focus();
    shown.close();
    onClick(newest);
  };
}
