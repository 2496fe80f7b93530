"""Everything without a mouse."""

import re
from collections.abc import Iterator

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Keys, Page
from support.inbox import send, send_texts, states
from support.looks import is_in_view


class TestKeyboard:
    """Everything without a mouse."""

    def test_from_the_list_to_a_button_and_back(self, page: Page, sandbox: Sandbox) -> None:
        """Arrows choose, Enter goes to the message, Tab to its buttons, Escape back."""
        for last in range(5):
            send(sandbox, f"+659123456{last}")
        message = sandbox.messages[3]
        page.row("+6591234564")
        page.run("list.focus()")
        page.press(Keys.HOME, Keys.DOWN)
        page.until_text("#detail h2", message.recipient)
        assert "true" == page.row(message.recipient).get_attribute("aria-selected")
        assert page.row(message.recipient).get_attribute("id") == page.run(
            "return list.getAttribute('aria-activedescendant')"
        )
        page.press(Keys.ENTER)
        assert "detail" == page.focused()
        names = [self.tab(page) for _ in range(5)]
        page.press(Keys.ENTER)
        page.until(lambda: "verified" in states(sandbox, message))
        page.press(Keys.ESCAPE)

        assert ["Copy link", "Mark unread", "Copy code", "Deliver", "Verify code"] == names
        assert "list" == page.focused()

    @staticmethod
    def tab(page: Page) -> str:
        """Press Tab, and return what has the focus then."""
        page.press(Keys.TAB)
        return page.focused()

    def test_order(self, page: Page, sandbox: Sandbox) -> None:
        """Tab goes through the page as one reads it."""
        send(sandbox)
        page.row("+6591234567")
        page.run("document.activeElement.blur()")
        order = [self.tab(page) for _ in range(12)]

        assert ["notify", "Export", "break", "clear", "theme"] == order[:5]
        assert ["search", "channel", "state", "read", "list"] == order[5:10]
        assert ["Copy link", "Mark unread"] == order[10:]

    def test_far_away(self, page: Page, sandbox: Sandbox) -> None:
        """What is chosen is brought into view, wherever in the list it is."""
        send_texts(sandbox, 300)
        page.until_text("#count", "300")
        page.run("list.focus()")
        for keys, place in [
            ([Keys.END], 300),
            ([Keys.UP], 299),
            ([Keys.HOME], 1),
            ([Keys.UP], 1),
            ([Keys.DOWN, Keys.PAGE_DOWN, Keys.PAGE_UP], 2),
        ]:
            page.press(*keys)
            row = page.find("[role=option][aria-selected=true]:not([hidden])")

            assert str(place) == row.get_attribute("aria-posinset")
            assert is_in_view(page, row)

    def test_search(self, page: Page, sandbox: Sandbox) -> None:
        """A slash leads to the search, and from there down into what was found."""
        send(sandbox)
        send(sandbox, "+6591234568")
        page.row("+6591234568")
        page.press("/")
        assert "search" == page.focused()
        page.press("/8", Keys.BACKSPACE, Keys.BACKSPACE, "4567")
        page.until(lambda: len(page.rows()) == 1)
        page.press(Keys.DOWN)

        assert "list" == page.focused()

    def test_the_focus_can_be_seen(self, page: Page, sandbox: Sandbox) -> None:
        """Whatever has it is outlined."""
        send(sandbox)
        page.button("Copy code")
        for _ in range(14):
            page.press(Keys.TAB)
            outline = page.run("return getComputedStyle(document.activeElement).outline")
            assert re.search(r"solid [2-9]px|auto", outline), page.focused()


class TestGone:
    """A message that made room for others while it was looked at."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """A sandbox whose inbox keeps one message."""
        with Sandbox(pace=0, keep=1) as running:
            yield running

    @pytest.mark.parametrize(("before", "after"), [("search", "search"), ("detail", "list")])
    def test_the_focus(self, page: Page, sandbox: Sandbox, before: str, after: str) -> None:
        """Who was busy with the message is led to the list; others are left alone."""
        send(sandbox)
        page.button("Copy code")
        page.run("document.getElementById(arguments[0]).focus()", before)
        send(sandbox, "+6591234568")
        page.until_text("#detail", "no longer kept")

        assert after == page.focused()
