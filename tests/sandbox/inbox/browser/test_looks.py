"""Colors, sizes, and what axe-core says about them."""

import pytest

from engagelab_async.sandbox import Callbacks, Fault, Sandbox
from support.chromium import Page
from support.inbox import send, send_plan, send_text
from support.looks import faint_texts, overhanging, violations, why_no_axe
from support.services import free_port


class TestColors:
    """Light and dark."""

    @staticmethod
    def background(page: Page) -> str:
        """Return the color of the page."""
        return str(page.run("return getComputedStyle(document.body).backgroundColor"))

    def test_as_the_system(self, page: Page) -> None:
        """The page follows the system, at once."""
        light = self.background(page)
        page.emulate(prefers_color_scheme="dark")
        dark = self.background(page)

        assert ("rgb(243, 244, 247)", "rgb(14, 18, 24)") == (light, dark)

    def test_as_the_user_wishes(self, page: Page) -> None:
        """A choice overrides the system, and outlasts a reload."""
        page.find("#theme option[value=dark]").click()
        chosen = self.background(page)
        page.chrome.refresh()
        page.until_text("#link", "Live")
        assert (chosen, "dark") == (self.background(page), page.run("return theme.value"))
        page.find("#theme option[value=system]").click()

        assert chosen != self.background(page)

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_everything_can_be_read(self, page: Page, sandbox: Sandbox, scheme: str) -> None:
        """Each text has the contrast that WCAG asks for at level AA: 4.5 to 1."""
        page.emulate(prefers_color_scheme=scheme)
        send_plan(sandbox, 3)
        for to in ("+10000005013", "+10000000203", "+6591234567"):
            send(sandbox, to)
        sandbox.reply(sandbox.messages[-1], "Stop")
        page.until(lambda: len(page.rows()) == 4)
        for row in page.all("[role=option]:not([hidden])"):
            row.click()
            page.until(lambda: page.all("pre.json"))

            assert [] == faint_texts(page)


class TestNarrow:
    """On a screen with room for one thing."""

    @pytest.mark.parametrize("width", [400, 375, 360, 320])
    def test_the_bar(self, page: Page, sandbox: Sandbox, width: int) -> None:
        """It has room for all of its buttons, if need be on two lines."""
        page.resize(width)
        sandbox.faults.add(Fault("hang"))
        page.button("Faults").click()
        page.until_text("#break", "Faults1")
        page.button("Close").click()

        assert [] == overhanging(page)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")

    def test_one_after_the_other(self, page: Page, sandbox: Sandbox) -> None:
        """The list, then the message, and a way back; nothing is wider than the screen."""
        page.resize(400)
        message = send(sandbox)
        page.row("+6591234567").click()
        page.until_text("output", message.code or "")
        assert not page.find("#list").is_displayed()
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        assert page.run("return detail.scrollWidth <= detail.clientWidth")
        page.button("Messages").click()

        assert page.find("#list").is_displayed()
        assert not page.find("#detail").is_displayed()

    def test_callbacks(self, page: Page, sandbox: Sandbox) -> None:
        """A long outcome of a callback has room, too."""
        sandbox.callbacks = Callbacks(f"http://127.0.0.1:{free_port()}/callbacks")
        page.resize(390)
        send(sandbox)
        page.row("+6591234567").click()
        page.until_text(".callback", "ConnectError")

        assert page.run("return detail.scrollWidth <= detail.clientWidth")


@pytest.mark.skipif(bool(why_no_axe()), reason=why_no_axe() or "there is axe-core")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(page: Page, sandbox: Sandbox, scheme: str, width: int) -> None:
    """Neither in the empty inbox, nor in any kind of message, nor in a dialog."""
    page.emulate(prefers_color_scheme=scheme)
    page.resize(width)
    assert [] == violations(page)
    send_text(sandbox, "See https://shop.example/track?id=17. " * 40, "+6591234561")
    send_plan(sandbox, 150)
    send(sandbox, "+10000005013")
    send(sandbox)
    page.row("+6591234567")
    assert [] == violations(page)
    for to in ("+6591234561", "Autumn sale", "+10000005013", "+6591234567"):
        page.run("delete panes.dataset.view")
        page.row(to).click()
        page.until_text("#detail h2", to)
        assert [] == violations(page)
    for opens, closes in [("Faults", "Close"), ("Clear", "Keep them")]:
        page.button(opens).click()
        assert [] == violations(page)
        page.button(closes).click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_disabled_buttons_look_it(page: Page, sandbox: Sandbox, scheme: str) -> None:
    """They are fainter than others, and the pointer says no."""
    page.emulate(prefers_color_scheme=scheme)
    send(sandbox)
    page.button("Verify code")
    page.until(lambda: page.find("[name=deliver]").get_attribute("aria-disabled"))
    style = """
        const { opacity, cursor, borderStyle } = getComputedStyle(arguments[0]);
        return [opacity, cursor, borderStyle];
    """

    assert ["0.5", "not-allowed", "dashed"] == page.run(style, page.find("[name=deliver]"))
    assert ["1", "pointer", "solid"] == page.run(style, page.find("[name=verify]"))
