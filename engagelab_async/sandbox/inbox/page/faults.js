// What is to go wrong: the faults in force, and a form to add one.

import { announce, byId, h } from "./dom.js";
import { ask } from "./session.js";
import { number } from "./words.js";

const NUMBERS = ["seconds", "status", "retry_after", "code", "share", "probability", "times", "seed"];
const LOOK_AGAIN = 1000;  // a fault may strike at any time, and is gone after its last

const form = byId("faults-form");
const dialog = byId("faults");

/** Let the user open the dialog. */
export function start() {
  byId("break").addEventListener("click", open);
  byId("faults-close").addEventListener("click", () => dialog.close());
  form.addEventListener("change", suit);
  form.addEventListener("submit", add);
  suit();
}

async function open() {
  dialog.showModal();
  while (dialog.open) {
    await show();
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
  await show();
}

/** Offer only what goes with the kind of fault. */
function suit() {
  const kind = form.kind.value;
  for (const label of form.querySelectorAll("[data-of]")) {
    const suits = label.dataset.of.split(" ").includes(kind);
    label.hidden = !suits;
    label.querySelector("input").disabled = !suits;
  }
  const isRefusal = kind === "http" && form.status.value < 500;
  form.after.disabled = isRefusal || !["latency", "hang", "reset", "cut", "http"].includes(kind);
}

async function show() {
  const { faults } = await ask("/faults");
  const rows = faults.map((fault) => JSON.stringify(fault));
  const list = byId("faults-list");
  byId("break").replaceChildren("Faults", faults.length ? h("span", { class: "badge-count" }, number(faults.length)) : "");
  if (list.dataset.shown === rows.join()) return;  // or the focus would be lost each time
  list.dataset.shown = rows.join();
  list.replaceChildren(...faults.map(row));
}

function row(fault) {
  const remove = async () => {
    await ask(`/faults/${fault.number}`, { method: "DELETE" });
    await show();
    form.kind.focus();
  };
  const name = form.kind.querySelector(`[value="${fault.kind}"]`).textContent;
  return h("li", {}, h("b", {}, name), h("span", { class: "quiet" }, details(fault)),
    h("button", { type: "button", onclick: remove, "aria-label": `Remove: ${name}` }, "Remove"));
}

function details({ kind, status, code, to, path, probability, after, struck, times }) {
  return [
    kind === "http" && `HTTP ${status}`,
    kind.startsWith("error") && String(code),
    to !== "*" && to,
    path !== "*" && path,
    probability < 1 && `${Math.round(probability * 100)} %`,
    after && "sent all the same",
    times ? `struck ${number(struck)} of ${number(times)}` : `struck ${number(struck)}`,
  ].filter(Boolean).join(", ");
}

async function add(event) {
  event.preventDefault();
  const fault = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  for (const name of NUMBERS) if (name in fault) fault[name] = Number(fault[name]);
  if ("after" in fault) fault.after = true;
  try {
    await ask("/faults", { method: "POST", body: fault });
    byId("faults-error").textContent = "";
    announce("Fault added");
  } catch (error) {
    byId("faults-error").textContent = error.message;
  }
  await show();
}
