// What is to go wrong: the faults in force, and a form to add one.

import { announce, byId, h, render } from "./dom.js";
import { ask } from "./session.js";
import { number } from "./words.js";

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
  render(form.kind, found.kinds.map(({ kind, label }) => h("option", { value: kind, selected: kind === "http" }, label)));
  render(byId("fault-presets"), found.presets.map(({ label, explanation, fault }) => row(label, label, explanation, "Add", () => add(fault))));
  suit();
}

const row = (key, name, words, action, onclick) => h(
  "li", { key }, h("b", {}, name), h("span", { class: "quiet" }, words),
  h("button", { type: "button", onclick, "aria-label": `${action}: ${name}` }, action));

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
    const field = form.elements[name];
    field.closest("label").hidden = field.disabled = !kind.fields.includes(name);
  }
  const isRefusal = kind.fields.includes("status") && form.status.value < kind.after_from_status;
  form.after.disabled = isRefusal || !kind.may_come_after;
  byId("fault-explanation").textContent = `The caller sees ${kind.explanation.replaceAll("`", "")}.`;
}

async function show() {
  const { faults } = await ask("/faults");
  render(byId("break"), "Faults", faults.length > 0 && h("span", { class: "badge-count" }, number(faults.length)));
  render(byId("faults-list"), faults.map((fault) => {
    const remove = async () => {
      await ask(`/faults/${fault.number}`, { method: "DELETE" });
      await show();
      form.kind.focus();
    };
    return row(fault.number, kinds[fault.kind].label, details(fault), "Remove", remove);
  }));
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
  const fields = [...form.elements].filter(({ name, disabled, value }) => name && !disabled && value);
  await add(Object.fromEntries(fields.map(({ name, type, value, valueAsNumber, checked }) => (
    [name, { number: valueAsNumber, checkbox: checked }[type] ?? value]))));
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
