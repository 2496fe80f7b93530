// The control API, and the token that a sandbox asks for which other machines can reach.

import { byId } from "./dom.js";

const API = "/sandbox/v1";

// An address that was printed anew and is opened in this tab changes nothing but its end.
addEventListener("hashchange", () => tokenInAddress() !== null && location.reload());

/** Ask the sandbox; returns the decoded answer, or throws an Error whose message can be shown. */
export async function ask(path, { method = "GET", body, token } = {}) {
  const headers = {};
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (token !== undefined) headers.Authorization = `Bearer ${token}`;
  const request = { method, headers, body: body === undefined ? undefined : JSON.stringify(body) };
  const answer = await fetch(API + path, request);
  if (answer.status === 204) return null;
  const document = await answer.json();
  if (answer.ok) return document;
  throw Object.assign(new Error(document.message), { status: answer.status });
}

/** Be let in: by the token in the address, by the cookie of an earlier visit, or by asking. */
export async function admitted() {
  const token = tokenInAddress();
  if (token !== null) {
    // Keep it out of bookmarks and screenshots, and the message that the address is of in it.
    const rest = location.hash.replace(/&?token=[^&]*/, "");
    history.replaceState(null, "", rest.length > 1 ? rest.replace("#&", "#") : location.pathname);
    await opened(token);
  }
  while (!(await isWelcome())) await prompted();
}

function tokenInAddress() {
  return new URLSearchParams(location.hash.slice(1)).get("token");
}

async function isWelcome() {
  try {
    await ask("/messages?limit=0");
    return true;
  } catch (error) {
    return error.status !== 401;
  }
}

async function opened(token) {
  try {
    await ask("/session", { method: "POST", token });
    return true;
  } catch {
    return false;
  }
}

function prompted() {
  const dialog = byId("ask");
  const input = byId("ask-token");
  // A second Escape closes it, whatever becomes of the event "cancel".
  dialog.onclose = () => dialog.showModal();
  if (!dialog.open) dialog.showModal();
  return new Promise((resolve) => {
    byId("ask-form").onsubmit = async (event) => {
      event.preventDefault();
      const isRight = await opened(input.value.trim());
      byId("ask-error").textContent = isRight ? "" : "That is not the token.";
      if (!isRight) return input.select();
      dialog.onclose = null;
      dialog.close();
      resolve();
    };
  });
}
