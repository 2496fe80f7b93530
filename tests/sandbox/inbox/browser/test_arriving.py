"""Messages that arrive while the page is open."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Page
from support.inbox import NEVER_DELIVERED, send, send_text, send_texts
from support.services import free_port


def test_messages_appear_as_they_are_sent(page: Page, sandbox: Sandbox) -> None:
    """Without a reload: the newest on top, and the first one is shown in full."""
    page.until_text("#nothing", "Nothing was sent yet")
    first = send(sandbox)
    page.until_text("#detail h2", "+6591234567")
    page.until_text("output", first.code or "")
    second = send(sandbox, "+6591234568")
    page.row("+6591234568")

    assert second.code is not None
    assert [True, True] == [
        each.recipient in row and (each.code or "") in row
        for each, row in zip([second, first], page.rows(), strict=True)
    ]
    page.until(lambda: all("Delivered" in row for row in page.rows()))


class TestCutOff:
    """A sandbox that stops, and another or the same that starts."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """A sandbox that is found again where it was."""
        with Sandbox(pace=0, port=free_port()) as running:
            yield running

    @staticmethod
    def start_again(page: Page, sandbox: Sandbox) -> None:
        """Start the sandbox that the fixture ends, and wait until the page has found it."""
        page.until_text("#link", "Reconnecting")
        sandbox.__enter__()
        page.until_text("#link", "Live")
        page.complaints()  # that nothing listened

    def test_nothing_is_lost(self, page: Page, sandbox: Sandbox) -> None:
        """It says so, tries again by itself, and then shows what came meanwhile, each once."""
        send(sandbox)
        page.row("+6591234567")
        sandbox.__exit__(None, None, None)
        page.until_text("#link", "Reconnecting")
        sandbox.__enter__()
        send(sandbox, "+6591234568")
        page.until_text("#link", "Live")
        page.complaints()  # that nothing listened
        page.row("+6591234568")

        assert ["+6591234568", "+6591234567"] == [row.split()[0] for row in page.rows()]

    def test_another_sandbox_at_the_same_place(self, page: Page, sandbox: Sandbox) -> None:
        """What is shown is that of the sandbox that runs, not what was."""
        send(sandbox)
        page.row("+6591234567")
        port = httpx.URL(sandbox.inbox_url).port
        sandbox.__exit__(None, None, None)
        with Sandbox(port=port or 0) as other:
            page.until_text("#nothing", "Nothing was sent yet")
            send(other, "+6591234568")
            page.row("+6591234568")

            assert 1 == len(page.rows())
        self.start_again(page, sandbox)

    def test_a_store_that_has_lost_the_last_moment(
        self, page: Page, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        """A sandbox that was killed does not know its last calls, whose numbers it gives again."""
        store, port = tmp_path / "store.json", httpx.URL(sandbox.inbox_url).port or 0
        sandbox.__exit__(None, None, None)
        with Sandbox(store=store, port=port) as killed:
            send(killed)
            page.until(lambda: store.exists() and b"+6591234567" in store.read_bytes())
            snapshot = store.read_bytes()
            send(killed, "+6591234568")
            send(killed, "+6591234569")
            page.row("+6591234569")
        store.write_bytes(snapshot)
        with Sandbox(store=store, port=port) as again:
            page.until_text("#count", "1")
            send(again, "+6591234570")
            page.row("+6591234570")

            assert ["+6591234570", "+6591234567"] == [row.split()[0] for row in page.rows()]
        self.start_again(page, sandbox)


def test_the_newest_is_chosen_of_many(page: Page, sandbox: Sandbox) -> None:
    """Those that were there before are reported in parts; the page begins with the last of them."""
    send_texts(sandbox, 450)
    page.chrome.refresh()
    page.until_text("#count", "450")
    page.until_text("#detail h2", "+6580000449")

    assert "1" == page.find("[role=option][aria-selected=true]").get_attribute("aria-posinset")
    page.until(lambda: page.run("return document.querySelectorAll('pre.json').length"))
    assert "" == page.run("return announcer.textContent")


HIDE = """
Object.defineProperty(document, "hidden", { configurable: true, get: () => window.isHidden });
window.isHidden = arguments[0];
if (arguments[0]) window.requestAnimationFrame = () => 0;
document.dispatchEvent(new Event("visibilitychange"));
"""


def test_a_hidden_tab_counts_each_message_once(page: Page, sandbox: Sandbox) -> None:
    """Though no frame is drawn there, the page keeps up; statuses are no further messages."""
    page.run(HIDE, True)
    messages = [send(sandbox, to) for to in (NEVER_DELIVERED, "+6591234567")]
    page.until(lambda: "(2) Sandbox inbox" == page.chrome.title)
    sandbox.deliver(messages[0])
    sandbox.verify(messages[1])
    page.row("Verified")
    page.until(lambda: "Delivered" in page.row(NEVER_DELIVERED).text)

    assert "(2) Sandbox inbox" == page.chrome.title
    page.run(HIDE, False)
    assert "Sandbox inbox" == page.chrome.title


def test_what_is_looked_at_stays_where_it_is(page: Page, sandbox: Sandbox) -> None:
    """New messages move nothing below the top; a button leads to them."""
    send_texts(sandbox, 300)
    page.until_text("#count", "300")
    page.run("list.scrollTop = 7200 + 20")
    looked = page.row("+6580000195")
    before = page.run("return arguments[0].getBoundingClientRect().top", looked)
    send_text(sandbox, "Hello", "ada@example.com")
    page.until_text("#newer", "1 new")
    after = page.run("return arguments[0].getBoundingClientRect().top", page.row("+6580000195"))
    page.find("#newer").click()

    assert abs(before - after) < 1
    page.row("ada@example.com")
    page.until(lambda: not page.find("#newer").is_displayed())


NOTIFICATIONS = """
const [answer] = arguments;
window.shown = [];
window.Notification = class {
    static permission = "default";
    static async requestPermission() { return Notification.permission = answer; }
    constructor(title, { body }) { shown.push(this); Object.assign(this, { title, body }); }
    close() { this.isClosed = true; }
};
document.hasFocus = () => false;
dispatchEvent(new Event("focus"));
"""


class TestNotifications:
    """The browser's own, which tests replace: without a window, it has none."""

    def test_on_demand(self, page: Page, sandbox: Sandbox) -> None:
        """Once they are asked for, what is new is announced, and a click opens it."""
        page.run(NOTIFICATIONS, "granted")
        send(sandbox)
        page.row("+6591234567")
        assert [] == page.run("return shown")
        page.button("Notify").click()
        page.until(lambda: page.find("#notify").get_attribute("aria-pressed") == "true")
        sent = send(sandbox, "+6591234568")
        page.row("+6591234568")

        assert [["To +6591234568", sent.text]] == page.run(
            "return shown.map(({ title, body }) => [title, body])"
        )
        page.run("shown[0].onclick()")
        page.until_text("#detail h2", "+6591234568")
        assert page.run("return shown[0].isClosed")
        page.find("#notify").click()
        send(sandbox, "+6591234569")
        page.row("+6591234569")

        assert 1 == page.run("return shown.length")

    def test_refused(self, page: Page) -> None:
        """If the user refuses, the button stays off."""
        page.run(NOTIFICATIONS, "denied")
        page.button("Notify").click()
        page.until(lambda: page.find("#notify").get_attribute("aria-disabled"))

        assert "false" == page.find("#notify").get_attribute("aria-pressed")
        assert "Blocked" in (page.find("#notify").get_attribute("title") or "")
