// Light or dark: as the system is, unless the user says otherwise.

import { byId } from "./dom.js";

const KEY = "engagelab-sandbox-theme";

function show(theme) {
  const root = document.documentElement;
  if (theme === "light" || theme === "dark") root.dataset.theme = theme;
  else delete root.dataset.theme;
}

/** Show the theme that was chosen last, and let the user choose. */
export function start() {
  const choice = byId("theme");
  choice.value = localStorage.getItem(KEY) ?? "system";
  show(choice.value);
  choice.addEventListener("change", () => {
    localStorage.setItem(KEY, choice.value);
    show(choice.value);
  });
}
