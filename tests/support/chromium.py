"""Debian's Chromium without a window, as the tests of the page drive it."""

import json
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar, cast

import pytest
from attrs import frozen
from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver import Chrome, ChromeOptions, Keys
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

_PROGRAMS: Final = [shutil.which(name) for name in ("chromium", "chromedriver")]
_WANTED: Final = os.environ.get("ENGAGELAB_ASYNC_TEST_BROWSER", "if installed")
"""``never``: as on a machine without a browser. ``always``: without one, the tests fail."""

_PATIENCE: Final = 120.0  # seconds; only what never comes takes longer
_TRACED: Final = "disabled-by-default-devtools.timeline,blink.user_timing"
_COLLECTED: Final = "Tracing.dataCollected"
_OPTIONS: Final = [
    "--headless=new",
    "--no-sandbox",  # as root, as in a container, it would not start
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--disable-background-networking",  # nothing leaves this machine
    "--disable-component-update",
    "--no-first-run",
    "--no-proxy-server",
]


def why_not() -> str:
    """Say why there is no browser for the tests; empty if there is one."""
    if _WANTED == "never":
        return "ENGAGELAB_ASYNC_TEST_BROWSER=never"
    is_missing = None in _PROGRAMS and _WANTED != "always"
    return "no chromium, or no chromedriver" if is_missing else ""


def start(*, traced: bool = False) -> Chrome:
    """Start the browser.

    Args:
        traced: Whether it records what `Page.tasks` returns.
    """
    browser, driver = _PROGRAMS
    if not (browser and driver):
        pytest.fail("chromium and chromedriver have to be installed")  # selenium would load them
    options = ChromeOptions()
    options.binary_location = browser
    for option in _OPTIONS:
        options.add_argument(option)
    logs = {"browser": "ALL"}
    if traced:
        logs["performance"] = "ALL"
        trace = {"traceCategories": _TRACED, "enableNetwork": False, "enablePage": False}
        options.add_experimental_option("perfLoggingPrefs", trace)
    options.set_capability("goog:loggingPrefs", logs)
    chrome = Chrome(options, Service(driver))
    chrome.set_script_timeout(_PATIENCE)
    return chrome


DESK: Final = {"width": 1360, "height": 860, "deviceScaleFactor": 1, "mobile": False}
"""A window on a desk."""

T = TypeVar("T")

Result: TypeAlias = Any
"""What a script returns: JSON, or elements."""


@frozen
class Page:
    """The inbox, open in the browser."""

    chrome: Chrome

    def find(self, selector: str) -> WebElement:
        """Wait for an element, and return it."""
        return self.until(lambda: self.all(selector))[0]

    def shown(self, selector: str) -> WebElement:
        """Wait until an element can be seen, and return it."""

        def found() -> WebElement | None:
            return next((each for each in self.all(selector) if each.is_displayed()), None)

        return self.until(found)

    def all(self, selector: str) -> list[WebElement]:
        """Return all elements that there are now."""
        return self.chrome.find_elements(By.CSS_SELECTOR, selector)

    def until(self, condition: Callable[[], T | None]) -> T:
        """Wait until something is true, and return it; elements may be redrawn meanwhile."""
        waiting = WebDriverWait(
            self.chrome, _PATIENCE, 0.02, ignored_exceptions=[StaleElementReferenceException]
        )
        return cast("T", waiting.until(lambda _: condition()))

    def until_text(self, selector: str, words: str) -> None:
        """Wait until an element says something."""
        self.until(lambda: words in self.find(selector).text)

    def rows(self) -> list[str]:
        """Return what stands in the rows of the list that are drawn, from top to bottom."""
        script = """
            return [...document.querySelectorAll("[role=option]:not([hidden])")]
                .sort((one, other) => one.ariaPosInSet - other.ariaPosInSet)
                .map((row) => row.innerText.replaceAll("\\n", " "))
        """
        return list(self.run(script))

    def row(self, words: str) -> WebElement:
        """Wait for a row that holds some words."""

        def found() -> WebElement | None:
            rows = self.all("[role=option]:not([hidden])")
            return next((row for row in rows if words in row.text), None)

        return self.until(found)

    def press(self, *keys: str) -> None:
        """Press keys, wherever the focus is."""
        for key in keys:
            self.chrome.switch_to.active_element.send_keys(key)

    def focused(self) -> str:
        """Return the id of what has the focus, or else its name."""
        element = self.chrome.switch_to.active_element
        return element.get_attribute("id") or element.accessible_name

    def button(self, name: str) -> WebElement:
        """Wait for a button that can be pressed."""

        def found() -> WebElement | None:
            return next(
                (
                    each
                    for each in self.all("button")
                    if each.is_displayed()
                    and each.accessible_name == name
                    and not each.get_attribute("aria-disabled")
                ),
                None,
            )

        return self.until(found)

    def run(self, script: str, *arguments: object) -> Result:
        """Run a script in the page, and return what it returns or resolves to."""
        return self.chrome.execute_script(script, *arguments)

    def hold(self) -> None:
        """Have the page keep what it shows only for a moment."""
        self.run("""
            const original = setTimeout;
            window.setTimeout = (work, delay) => (delay > 1000 ? 0 : original(work, delay));
        """)

    def resize(self, width: int, height: int = 800) -> None:
        """Give the window another size."""
        size = {**DESK, "width": width, "height": height}
        self.command("Emulation.setDeviceMetricsOverride", size)

    def emulate(self, **features: str) -> None:
        """Have the system prefer something, such as dark colors."""
        named = [{"name": key.replace("_", "-"), "value": features[key]} for key in features]
        self.command("Emulation.setEmulatedMedia", {"features": named})

    def command(self, name: str, parameters: Mapping[str, object]) -> None:
        """Give the browser a command of its own protocol."""
        self.chrome.execute_cdp_cmd(name, dict(parameters))

    def tasks(self) -> list[float]:
        """Return how long the processor has worked on each of the page's tasks since the last time.

        That is in milliseconds. Unlike the time that a task takes, it does not depend on what else
        the machine does.
        """
        mark = secrets.token_hex(8)
        self.run("performance.mark(arguments[0])", mark)
        events: list[dict[str, Any]] = []
        while not (own := [event for event in events if event["name"] == mark]):
            log = self.chrome.get_log("performance")  # type: ignore[no-untyped-call]
            messages = [json.loads(entry["message"])["message"] for entry in log]
            events += [each["params"] for each in messages if each["method"] == _COLLECTED]
        thread = own[0]["pid"], own[0]["tid"]
        # What was not over when the log was fetched has no duration.
        return [
            event["tdur"] / 1000
            for event in events
            if event["name"] == "RunTask"
            and "tdur" in event
            and (event["pid"], event["tid"]) == thread
        ]

    def complaints(self) -> list[str]:
        """Return what the browser has complained about since the last time, as a blocked script."""
        log = self.chrome.get_log("browser")  # type: ignore[no-untyped-call]
        return [str(entry["message"]) for entry in log]


__all__ = ["DESK", "Chrome", "Keys", "Page", "start", "why_not"]
