"""Read and unread."""

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Page
from support.inbox import send


@pytest.fixture(autouse=True)
def _three(page: Page, sandbox: Sandbox) -> None:
    """Three messages, of which the first is shown."""
    for last in range(3):
        send(sandbox, f"+659123456{last}")
        page.row(f"+659123456{last}")
    page.until_text("#detail h2", "+6591234560")


def unread(page: Page) -> list[str]:
    """Return the recipients of the messages that are marked as unread."""
    return [row.split()[0] for row in page.rows() if "Unread" in row]


def test_what_was_shown_is_read(page: Page) -> None:
    """The others are marked, counted, and stay so after a reload."""
    page.until(lambda: ["+6591234562", "+6591234561"] == unread(page))
    page.until_text("#unread", "2 unread")
    page.row("+6591234562").click()
    page.until(lambda: ["+6591234561"] == unread(page))
    page.chrome.refresh()
    page.until_text("#count", "3")

    page.until(lambda: ["+6591234561"] == unread(page))


def test_marking_as_unread(page: Page) -> None:
    """What has to be looked at once more can be marked."""
    page.button("Mark unread").click()

    page.until(lambda: "+6591234560" in unread(page))


def test_marking_all_as_read(page: Page) -> None:
    """One button, which is off when there is nothing left to mark."""
    page.button("Mark all read").click()
    page.until(lambda: [] == unread(page))

    assert "true" == page.find("#read").get_attribute("aria-disabled")
    page.until(lambda: not page.find("#unread").text)


def test_only_the_unread(page: Page) -> None:
    """The filter leaves those."""
    page.find("#state option[value=unread]").click()

    page.until(lambda: "+6591234560" not in " ".join(page.rows()))


def test_another_run_begins_anew(page: Page, sandbox: Sandbox) -> None:
    """The numbers of another sandbox are those of other messages."""
    page.until_text("#unread", "2 unread")
    stored = '{"run": "another", "numbers": [2]}'
    page.run("localStorage.setItem('engagelab-sandbox-read', arguments[0])", stored)
    page.chrome.refresh()
    page.until_text("#count", "3")

    page.until(lambda: "+6591234561" in unread(page))
