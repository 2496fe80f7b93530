"""A sandbox that others can reach."""

from collections.abc import Iterator

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Keys, Page
from support.inbox import send
from support.looks import violations, why_no_axe

TOKEN = "a+token/of=the%user's"


class TestToken:
    """A sandbox that others can reach."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        """A sandbox that asks for a token."""
        with Sandbox(pace=0, token=TOKEN) as running:
            yield running

    def test_in_the_address(self, page: Page, sandbox: Sandbox) -> None:
        """The address that was printed opens the inbox, and no longer holds the token then."""
        send(sandbox)
        page.row("+6591234567")

        assert "token" not in page.chrome.current_url
        page.chrome.refresh()
        page.row("+6591234567")

    def test_another_address_in_the_same_tab(self, page: Page, sandbox: Sandbox) -> None:
        """What was printed anew is taken, though only the end of the address changes."""
        page.command("Network.clearBrowserCookies", {})
        page.chrome.refresh()
        page.shown("#ask")
        page.run("location.href = arguments[0]", sandbox.inbox_url)
        page.until_text("#link", "Live")

        assert "token" not in page.chrome.current_url
        page.complaints()  # that it was not let in before

    def test_there_is_no_way_around_it(self, page: Page) -> None:
        """Escape, however often, leaves the question where it is."""
        page.command("Network.clearBrowserCookies", {})
        page.chrome.refresh()
        page.shown("#ask")
        for _ in range(3):
            page.press(Keys.ESCAPE)
            page.shown("#ask-token")
        page.find("#ask-token").send_keys(TOKEN, Keys.ENTER)
        page.until_text("#link", "Live")

        assert not page.find("#ask").is_displayed()
        page.complaints()

    def test_asked_for(self, page: Page, sandbox: Sandbox) -> None:
        """A visitor without it is asked, and a wrong one does not do."""
        page.chrome.delete_all_cookies()
        page.command("Network.clearBrowserCookies", {})
        page.chrome.get(sandbox.inbox_url.partition("#")[0])
        page.shown("#ask-token").send_keys("wrong", Keys.ENTER)
        page.until_text("#ask-error", "That is not the token.")
        page.find("#ask-token").send_keys(TOKEN, Keys.ENTER)
        page.until_text("#link", "Live")
        page.complaints()  # that it was not let in before

    @pytest.mark.skipif(bool(why_no_axe()), reason=why_no_axe() or "there is axe-core")
    @pytest.mark.parametrize("width", [1280, 390])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_axe_finds_nothing_in_the_question(self, page: Page, scheme: str, width: int) -> None:
        """Neither when it is asked, nor when the answer is wrong."""
        page.emulate(prefers_color_scheme=scheme)
        page.resize(width)
        page.command("Network.clearBrowserCookies", {})
        page.chrome.refresh()
        page.until(lambda: page.find("#ask").is_displayed())
        asked = violations(page)
        page.find("#ask-token").send_keys("wrong", Keys.ENTER)
        page.until_text("#ask-error", "That is not the token.")

        assert ([], []) == (asked, violations(page))
        page.complaints()  # that it was not let in
