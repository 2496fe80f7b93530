"""A browser, and the inbox of a sandbox in it; skipped where there is no Chromium."""

from collections.abc import Iterator

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import DESK, Chrome, Page, start, why_not


@pytest.fixture(scope="session")
def chrome() -> Iterator[Chrome]:
    """A browser."""
    if why_not():
        pytest.skip(why_not())
    browser = start()
    yield browser
    browser.quit()


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox in which messages arrive at once."""
    with Sandbox(pace=0) as running:
        yield running


@pytest.fixture
def page(chrome: Chrome, sandbox: Sandbox) -> Iterator[Page]:
    """The inbox of `sandbox`, open on a desk; the browser may not complain about it."""
    opened = Page(chrome)
    opened.resize(DESK["width"], DESK["height"])
    opened.emulate(prefers_color_scheme="light")
    chrome.get("about:blank")
    opened.complaints()  # of the page before, whose sandbox has stopped
    chrome.get(sandbox.inbox_url)
    opened.until_text("#link", "Live")
    opened.run("localStorage.clear()")
    yield opened
    assert [] == opened.complaints()
