// Elements are described by values, and `render` makes the page what they say. Whatever comes from a
// message goes through here as text, never as HTML.

const SVG = "http://www.w3.org/2000/svg";

/** Find an element of index.html. */
export const byId = (id) => document.getElementById(id);

/**
 * Describe an element: h("p", { class: "quiet", onclick: act }, "text", child, null).
 *
 * By its `key`, an element is found again among its siblings. A child that is a function describes
 * what is made only once, with the element.
 */
export const h = (name, attributes = {}, ...children) => ({ name, attributes, children });

/** Describe one of the icons that index.html holds. */
export const icon = (name) => h("svg", { class: "icon", "aria-hidden": "true" }, h("use", { href: `#icon-${name}` }));

/** Make an element contain what is described; what it contains already keeps its focus and state. */
export function render(parent, ...described) {
  const old = [...parent.childNodes];
  const nodes = described.flat(Infinity).filter((each) => each != null && each !== false).map((each) => {
    const place = old.findIndex((node) => isFor(node, each));
    const node = place < 0 ? create(each) : old.splice(place, 1)[0];
    update(node, each);
    return node;
  });
  for (const node of old) node.remove();
  let next = parent.firstChild;
  for (const node of nodes) {
    if (node === next) next = next.nextSibling;
    else parent.insertBefore(node, next);
  }
}

function isFor(node, { name = "#text", attributes }) {
  return (node.nodeType === Node.TEXT_NODE ? "#text" : node.localName) === name && node.key === attributes?.key;
}

function create({ name, attributes }) {
  if (name === undefined) return new Text();
  const node = name === "svg" || name === "use" ? document.createElementNS(SVG, name) : document.createElement(name);
  return Object.assign(node, { key: attributes.key });
}

/** Compared is what was described last: what the user or a button has changed since then stays. */
function update(node, each) {
  const before = node.described ?? { attributes: {} };
  node.described = each;
  if (each.name === undefined) {
    if (before !== each) node.data = each;
    return;
  }
  for (const name in { ...before.attributes, ...each.attributes }) {
    if (before.attributes[name] !== each.attributes[name]) set(node, name, each.attributes[name]);
  }
  const [once] = each.children;
  if (typeof once !== "function") render(node, each.children);
  else if (!before.children) render(node, once());
}

/** Set an attribute, a style or a handler of an element, or remove it. */
export function set(node, name, value) {
  if (name.startsWith("on")) node[name] = value;
  else if (name === "style") node.style.cssText = value;
  else if (value == null || value === false) node.removeAttribute(name);
  else if (name !== "key") node.setAttribute(name, value === true ? "" : value);
}

let announcing;

/** Have a screen reader say something, once what it is saying now is said. */
export function announce(words) {
  clearTimeout(announcing);
  byId("announcer").textContent = "";
  announcing = setTimeout(() => (byId("announcer").textContent = words), 150);
}

/** Describe a button that copies a text. */
export function copyButton(text, label, caption = "Copy") {
  const copy = async ({ currentTarget: { lastChild: { firstChild: words } } }) => {
    const isWritten = await navigator.clipboard?.writeText(text).then(() => true, () => false);
    const isDone = isWritten || copiedByCommand(text);
    words.data = isDone ? "Copied" : "Press Ctrl+C";
    announce(isDone ? `${label} copied` : "Could not copy");
    setTimeout(() => (words.data = caption), 1600);
  };
  return h("button", { type: "button", class: "copy", "aria-label": `Copy ${label}`, onclick: copy }, icon("copy"), h("span", {}, caption));
}

/** Copy as one does beyond this machine, where the page is no secure context. */
function copiedByCommand(text) {
  const fill = (event) => {
    event.clipboardData.setData("text/plain", text);
    event.preventDefault();
  };
  document.addEventListener("copy", fill, { once: true });
  return document.execCommand("copy");
}
