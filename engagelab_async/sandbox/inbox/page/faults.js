// What is to go wrong: the faults in force, and a form to add one.

import { announce, byId, h } from "./dom.js";
import { ask } from "./session.js";
import { number } from "./words.js";

const NUMBERS = ["seconds", "status", "retry_after", "code", "share", "probability", "times", "lasts", "spread", "seed"];
const LOOK_AGAIN = 1000;  // a fault may strike at any time, and is gone after its last

const form = byId("faults-form");
const dialog = byId("faults");
let kinds = {};

/** Let the user open the dialog. */
export function start() {
  byId("break").addEventListener("click", open);
  byId("faults-close").addEventListener("click", () => dialog.close());
  form.addEventListener("change", suit);
  form.addEventListener("submit", submit);
}

/** Read from the sandbox what can go wrong: it is declared there, and nowhere else. */
async function load() {
  const found = await ask("/faults/kinds");
  kinds = Object.fromEntries(found.kinds.map((kind) => [kind.kind, kind]));
  form.kind.replaceChildren(...found.kinds.map(({ kind, label }) => h("option", { value: kind }, label)));
  form.kind.value = "http";
  byId("fault-presets").replaceChildren(...found.presets.map(preset));
  suit();
}

function preset({ label, explanation, fault }) {
  return h("li", {}, h("b", {}, label), h("span", { class: "quiet" }, explanation),
    h("button", { type: "button", onclick: () => add(fault), "aria-label": `Add: ${label}` }, "Add"));
}

async function open() {
  if (!form.kind.options.length) await load();
  dialog.showModal();
  while (dialog.open) {
    await show();
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  }
  await show();
}

/** Offer only what goes with the kind of fault. */
function suit() {
  const kind = kinds[form.kind.value];
  for (const name of new Set(Object.values(kinds).flatMap(({ fields }) => fields))) {
    const field = form.elements[name], suits = kind.fields.includes(name);
    field.closest("label").hidden = field.disabled = !suits;
  }
  const isRefusal = kind.fields.includes("status") && form.status.value < kind.after_from_status;
  form.after.disabled = isRefusal || !kind.may_come_after;
  byId("fault-explanation").textContent = `The caller sees ${kind.explanation.replaceAll("`", "")}.`;
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
  const name = kinds[fault.kind].label;
  return h("li", {}, h("b", {}, name), h("span", { class: "quiet" }, details(fault)),
    h("button", { type: "button", onclick: remove, "aria-label": `Remove: ${name}` }, "Remove"));
}

function details({ kind, status, code, to, path, probability, after, lasts, struck, times }) {
  return [
    kind === "http" && `HTTP ${status}`,
    kind.startsWith("error") && String(code),
    to !== "*" && to,
    path !== "*" && path,
    probability < 1 && `${Math.round(probability * 100)} %`,
    after && "sent all the same",
    lasts && `for ${number(lasts)} s`,
    times ? `struck ${number(struck)} of ${number(times)}` : `struck ${number(struck)}`,
  ].filter(Boolean).join(", ");
}

async function submit(event) {
  event.preventDefault();
  const fault = Object.fromEntries([...new FormData(form)].filter(([, value]) => value !== ""));
  for (const name of NUMBERS) if (name in fault) fault[name] = Number(fault[name]);
  if ("after" in fault) fault.after = true;
  await add(fault);
}

async function add(fault) {
  try {
    await ask("/faults", { method: "POST", body: fault });
    byId("faults-error").textContent = "";
    announce("Fault added");
  } catch (error) {
    byId("faults-error").textContent = error.message;
  }
  await show();
}
