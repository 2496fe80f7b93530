// Makes elements. Whatever comes from a message goes through here as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Make an element: h("p", {class: "quiet"}, "text", child, null). */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value === true) element.setAttribute(key, "");
    else if (value !== false && value != null) element.setAttribute(key, value);
  }
  element.append(...children.filter((child) => child != null && child !== false));
  return element;
}

/** Make one of the icons that index.html holds. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.append(use);
  return svg;
}

/** Find an element of index.html. */
export function byId(id) {
  return document.getElementById(id);
}

let lastWords;

/** Have a screen reader say something, once what it is saying now is said. */
export function announce(words) {
  clearTimeout(lastWords);
  byId("announcer").textContent = "";
  lastWords = setTimeout(() => (byId("announcer").textContent = words), 150);
}

/** Make a button that copies a text. */
export function copyButton(text, label, caption = "Copy") {
  const words = h("span", {}, caption);
  const copy = async () => {
    const done = await copied(text);
    words.textContent = done ? "Copied" : "Press Ctrl+C";
    announce(done ? `${label} copied` : "Could not copy");
    setTimeout(() => (words.textContent = caption), 1600);
  };
  return h("button", { type: "button", class: "copy", "data-key": `copy-${label}`, "aria-label": `Copy ${label}`, onclick: copy }, icon("copy"), words);
}

async function copied(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copiedFromField(text);  // beyond this machine the page is no secure context
  }
}

function copiedFromField(text) {
  const area = h("textarea", { class: "unseen", readonly: true, "aria-hidden": "true" });
  const before = document.activeElement;
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  before?.focus();
  return done;
}
