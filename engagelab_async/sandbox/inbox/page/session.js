// The control API, and the token that a sandbox asks for which other machines can reach.

import { byId } from "./dom.js";

const API = "/sandbox/v1";

// An address that was printed anew and is opened in this tab changes nothing but its end.
addEventListener("hashchange", () => tokenInAddress() !== null && location.reload());

const tokenInAddress = () => new URLSearchParams(location.hash.slice(1)).get("token");

/** Ask the sandbox; returns the decoded answer, or throws an Error whose message can be shown. */
export async function ask(path, { method = "GET", body } = {}) {
  const headers = body && { "Content-Type": "application/json" };
  const answer = await fetch(API + path, { method, headers, body: body && JSON.stringify(body) });
  if (answer.status === 401) {
    await admitted();
    return ask(path, { method, body });
  }
  const decoded = answer.status === 204 ? null : await answer.json();
  if (!answer.ok) throw new Error(decoded.message);
  return decoded;
}

/** Begin a session; returns whether the token was right. */
function isToken(token) {
  const headers = { Authorization: `Bearer ${token}` };
  return fetch(`${API}/session`, { method: "POST", headers }).then(({ ok }) => ok, () => false);
}

let admission = null;

/** Be let in, by asking the user for the token: once, however many requests need it. */
const admitted = () => (admission ??= prompted().finally(() => (admission = null)));

function prompted() {
  const dialog = byId("ask");
  const input = byId("ask-token");
  // A second Escape closes it, whatever becomes of the event "cancel".
  dialog.onclose = () => dialog.showModal();
  dialog.showModal();
  return new Promise((resolve) => {
    byId("ask-form").onsubmit = async (event) => {
      event.preventDefault();
      const isRight = await isToken(input.value.trim());
      byId("ask-error").textContent = isRight ? "" : "That is not the token.";
      if (!isRight) return input.select();
      dialog.onclose = null;
      dialog.close();
      resolve();
    };
  });
}

/** Use the token in the address, and keep it out of bookmarks and screenshots. */
export async function enter() {
  const token = tokenInAddress();
  if (token === null) return;
  const rest = location.hash.replace(/&?token=[^&]*/, "");  // a message, perhaps
  history.replaceState(null, "", rest.length > 1 ? rest.replace("#&", "#") : location.pathname);
  await isToken(token);
}
