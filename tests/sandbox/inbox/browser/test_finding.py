"""Search and filters."""

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Keys, Page
from support.inbox import send, send_text


class TestFinding:
    """Search and filters."""

    @pytest.fixture(autouse=True)
    def _messages(self, page: Page, sandbox: Sandbox) -> None:
        send_text(sandbox, "Order 1042 has shipped", "ada@example.com")
        send(sandbox)
        send(sandbox, "+10000005013")
        page.until(lambda: len(page.rows()) == 3)

    @pytest.mark.parametrize(
        ("words", "found"),
        [
            ("91234567", ["+6591234567"]),
            ("ADA ship", ["ada@example.com"]),
            ("blacklist", ["+10000005013"]),
            ("sandbox-otp", ["+10000005013", "+6591234567"]),
            ("nobody", []),
            ("to:+65", ["+6591234567"]),
            ("to:ADA@", ["ada@example.com"]),
            ("template:sandbox", ["+10000005013", "+6591234567"]),
            ("template:sandbox status:delivered", ["+6591234567"]),
            ("status:refused", ["+10000005013"]),
            ('status:"refused" 5013', ["+10000005013"]),
            ("-status:delivered", ["+10000005013"]),
            ("-ada -blacklist", ["+6591234567"]),
            ("before:2020-01-01", []),
            ("before:2020-01-01T10:30", []),
            ("after:2020-01-01 to:1", ["+10000005013", "+6591234567"]),
            ("before:00:00", []),
            ("to:", ["+10000005013", "+6591234567", "ada@example.com"]),
            ("before:soon", ["+10000005013", "+6591234567", "ada@example.com"]),
            ("unknown:1042", []),
        ],
    )
    def test_search(self, page: Page, words: str, found: list[str]) -> None:
        """All words and all operators have to match."""
        page.find("#search").send_keys(words)

        page.until(lambda: found == [row.split()[0] for row in page.rows()])
        page.until_text("#count", f"{len(found)} of 3")

    def test_code(self, page: Page, sandbox: Sandbox) -> None:
        """A code finds its message."""
        page.find("#search").send_keys(sandbox.messages[-1].code or "")

        page.until(lambda: ["+6591234567"] == [row.split()[0] for row in page.rows()])

    @pytest.mark.parametrize(
        ("filter_id", "value", "found"),
        [
            ("channel", "email", ["ada@example.com"]),
            ("channel", "voice", []),
            ("state", "refused", ["+10000005013"]),
            ("state", "delivered", ["+6591234567", "ada@example.com"]),
        ],
    )
    def test_filters(self, page: Page, filter_id: str, value: str, found: list[str]) -> None:
        """By channel, and by state."""
        page.find(f"#{filter_id} option[value={value}]").click()

        page.until(lambda: found == [row.split()[0] for row in page.rows()])

    def test_what_comes_later_is_filtered_too(self, page: Page, sandbox: Sandbox) -> None:
        """A new message has to match; and everything can be shown again."""
        page.find("#search").send_keys("grace")
        page.until_text("#nothing", "Nothing matches")
        send_text(sandbox, "Hello", "grace@example.com")
        page.row("grace@example.com")
        send_text(sandbox, "Hello", "alan@example.com")
        page.until_text("#count", "1 of 5")
        page.find("#search").send_keys(Keys.CONTROL, "a")
        page.find("#search").send_keys("nobody")
        page.button("Show all").click()

        page.until(lambda: len(page.rows()) == 5)

    def test_the_pane_shows_a_hit(self, page: Page) -> None:
        """After a search, the first that was found; the selected one, if it was found."""
        page.until_text("#detail h2", "ada@example.com")
        page.find("#search").send_keys("blacklist")
        page.until_text("#detail h2", "+10000005013")
        page.find("#search").send_keys(Keys.CONTROL, "a")
        page.find("#search").send_keys("+")
        page.until(lambda: len(page.rows()) == 2)

        assert "+10000005013" == page.find("#detail h2").text
        assert "search" == page.focused()

    def test_the_pane_shows_a_later_hit(self, page: Page, sandbox: Sandbox) -> None:
        """If nothing was found, the first that comes then."""
        page.find("#search").send_keys("grace")
        page.until_text("#nothing", "Nothing matches")
        send_text(sandbox, "Hello", "grace@example.com")

        page.until_text("#detail h2", "grace@example.com")

    def test_clear(self, page: Page, sandbox: Sandbox) -> None:
        """The list is empty, and says so; a program still finds its messages."""
        page.button("Clear").click()
        page.button("Keep them").click()
        page.until(lambda: page.focused() == "clear")
        assert 3 == len(page.rows())
        page.button("Clear").click()
        page.button("Clear for everyone").click()
        page.until_text("#nothing", "Nothing was sent yet")

        assert "clear" == page.focused()
        assert 2 == len(sandbox.messages)
        send(sandbox, "+6591234599")
        page.row("+6591234599")
