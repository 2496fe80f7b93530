"""Many recipients in one row."""

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Keys, Page
from support.inbox import send, send_plan


class TestPlans:
    """Many recipients in one row."""

    def test_progress(self, page: Page, sandbox: Sandbox) -> None:
        """The row counts how many are done; each recipient can be looked at."""
        send_plan(sandbox, 250)
        page.until_text("#detail h2", "Autumn sale")
        page.until_text("#detail .title", "250 of 250 delivered")

        assert ["Autumn sale 250"] == [" ".join(row.split()[:3]) for row in page.rows()]
        assert "250 delivered" == page.find("#detail .progress").accessible_name

    def test_recipients(self, page: Page, sandbox: Sandbox) -> None:
        """They come a hundred at a time."""
        send_plan(sandbox, 250)
        page.button("Later").click()
        page.until_text(".pager", "101 to 200 of 250")
        page.button("Later").click()
        page.until_text(".pager", "201 to 250 of 250")
        page.all(".member")[-1].click()
        page.until_text("#detail h2", "+6591000249")
        page.button("Autumn sale").click()

        page.until_text("#detail h2", "Autumn sale")

    @pytest.mark.parametrize("words", ["to:1000249", "+6591000249"])
    def test_by_any_recipient(self, page: Page, sandbox: Sandbox, words: str) -> None:
        """The search finds a plan by each of its recipients, also one that comes later."""
        send(sandbox)
        send_plan(sandbox, 250)
        page.row("Autumn sale")
        page.find("#search").send_keys(words)
        page.until_text("#count", "1 of 2")
        page.until_text("#detail h2", "Autumn sale")
        send_plan(sandbox, 100)
        send_plan(sandbox, 250)
        page.until_text("#count", "2 of 4")
        page.press(Keys.HOME, "-")

        page.until_text("#count", "2 of 4")
        page.until(lambda: any("+6591234567" in row for row in page.rows()))
