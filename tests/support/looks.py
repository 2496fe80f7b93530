"""What a page looks like, measured in the browser."""

import os
from pathlib import Path
from typing import Final

from .chromium import Page, Result

_FAINT_TEXTS: Final = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
function over(color, below) {
    canvas.fillStyle = `rgb(${below})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
function background(element) {
    const below = element.parentElement ? background(element.parentElement) : [255, 255, 255];
    return over(getComputedStyle(element).backgroundColor, below);
}
function luminance(color) {
    const [r, g, b] = color.map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(element) {
    const below = background(element);
    const both = [over(getComputedStyle(element).color, below), below].map(luminance);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}
const faint = [];
for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const exempt = ".unseen, :disabled, [aria-disabled=true], option";
    const isShown = element.checkVisibility() && !element.closest(exempt);
    const isPainted = element.matches(".face");  // on a gradient
    if (says && isShown && !isPainted && contrast(element) < 4.5)
        faint.push(`${contrast(element).toFixed(2)} ${element.className} ${element.textContent}`);
}
return faint;
"""
_OVERHANGING: Final = """
return [...document.querySelectorAll(".bar, .bar *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth)
    .map((each) => each.outerHTML);
"""
_IS_IN_VIEW: Final = """
const row = arguments[0].getBoundingClientRect(), box = list.getBoundingClientRect();
return row.top >= box.top - 1 && row.bottom <= box.bottom + 1;
"""
_AXE: Final = """
const done = arguments[0];
axe.run(document, { resultTypes: ["violations"] }).then(
    ({ violations }) => done(violations.map(({ id, nodes }) => `${id}: ${nodes[0].html}`)),
    (error) => done([String(error)]),
);
"""
_AXE_FILE: Final = os.environ.get("ENGAGELAB_ASYNC_TEST_AXE", "")
"""The path of axe-core's ``axe.min.js``, from npm."""


def faint_texts(page: Page) -> Result:
    """Return the texts with less contrast than WCAG asks for at level AA: 4.5 to 1."""
    return page.run(_FAINT_TEXTS)


def overhanging(page: Page) -> Result:
    """Return the parts of the bar that the window has no room for."""
    return page.run(_OVERHANGING)


def is_in_view(page: Page, row: object) -> Result:
    """Return whether a row of the list can be seen as a whole."""
    return page.run(_IS_IN_VIEW, row)


def why_no_axe() -> str:
    """Say why axe-core cannot be used; empty if it can."""
    return "" if _AXE_FILE else "ENGAGELAB_ASYNC_TEST_AXE does not say where axe.min.js is"


def violations(page: Page) -> Result:
    """Return what axe-core finds: each rule with the first element that breaks it."""
    if not page.run("return Boolean(window.axe)"):
        page.run(Path(_AXE_FILE).read_text(encoding="utf-8"))
    return page.chrome.execute_async_script(_AXE)
