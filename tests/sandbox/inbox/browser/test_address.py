"""Every message has an address: a link can be sent, and the browser's buttons work."""

import httpx
import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Keys, Page
from support.inbox import post, send, send_plan, send_texts


def fragment(page: Page) -> str:
    """Return the end of the address."""
    return str(page.chrome.current_url.partition("#")[2])


@pytest.fixture
def three(page: Page, sandbox: Sandbox) -> list[str]:
    """The recipients of three messages, the newest last."""
    recipients = [f"+659123456{last}" for last in range(3)]
    for to in recipients:
        send(sandbox, to)
    page.row(recipients[-1])
    return recipients


def test_back_and_forward(page: Page, three: list[str]) -> None:
    """Each message that was chosen is a step in the history."""
    for to in three:
        page.row(to).click()
        page.until_text("#detail h2", to)
    page.chrome.back()
    page.until_text("#detail h2", three[1])
    page.chrome.back()
    page.until_text("#detail h2", three[0])
    assert "true" == page.row(three[0]).get_attribute("aria-selected")
    page.chrome.forward()

    page.until_text("#detail h2", three[1])
    assert "call=2" == fragment(page)


def test_a_run_of_arrow_keys_is_one_step(page: Page, three: list[str]) -> None:
    """Nothing is gained by going back through each message that was passed."""
    page.row(three[2]).click()
    page.press(Keys.DOWN)
    page.run("list.focus()")
    page.press(Keys.DOWN, Keys.DOWN)
    page.until_text("#detail h2", three[0])
    page.chrome.back()

    page.until_text("#detail h2", three[2])


@pytest.mark.parametrize("link", ["call=1", "message=1"])
def test_a_link_opens_its_message(
    page: Page, sandbox: Sandbox, three: list[str], link: str
) -> None:
    """Also when others came later, and after a reload."""
    page.chrome.get("about:blank")
    page.chrome.get(f"{sandbox.inbox_url}#{link}")
    page.until_text("#detail h2", three[0])
    page.until_text("#count", "3")
    page.chrome.refresh()
    page.until_text("#count", "3")

    page.until_text("#detail h2", three[0])
    assert "true" == page.row(three[0]).get_attribute("aria-selected")


def test_a_link_to_what_is_reported_late(page: Page, sandbox: Sandbox) -> None:
    """Of many calls, those that changed last come last; until then, none is left as if gone."""
    send_texts(sandbox, 450)
    page.resize(390)
    page.chrome.get("about:blank")
    page.chrome.get(f"{sandbox.inbox_url}#call=440")
    page.until(lambda: page.run("return count.textContent") == "450")

    page.until_text("#detail h2", "+6580000439")
    page.button("Messages").click()
    assert "true" == page.row("+6580000439").get_attribute("aria-selected")


def test_the_link_is_copied(page: Page, sandbox: Sandbox, three: list[str]) -> None:
    """A button puts it into the clipboard, whatever the address bar says."""
    page.command("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    page.until_text("#detail h2", three[0])
    page.hold()
    page.button("Copy link").click()
    page.until_text("#detail .title", "Copied")

    assert f"{sandbox.inbox_url}#call=1" == page.run("return navigator.clipboard.readText()")


def test_a_message_of_a_plan(page: Page, sandbox: Sandbox) -> None:
    """It has an address of its own, on whichever page of the plan it is listed."""
    send_plan(sandbox, 250)
    page.until_text("#detail h2", "Autumn sale")
    page.all(".member")[1].click()
    page.until_text("#detail h2", "+6591000001")
    assert "call=1&message=2" == fragment(page)
    page.chrome.back()
    page.until_text("#detail h2", "Autumn sale")
    page.chrome.get(f"{sandbox.inbox_url}#call=1&message=250")

    page.until_text("#detail h2", "+6591000249")


def test_a_refused_call(page: Page, sandbox: Sandbox) -> None:
    """What was refused has no message, and an address nevertheless."""
    post(sandbox, "/otp/v1/messages", {"to": "+10000005013", "template": {"id": "login"}})
    send(sandbox)
    page.row("+10000005013").click()
    page.chrome.refresh()

    page.until_text("#detail h2", "+10000005013")


@pytest.mark.parametrize("link", ["call=99", "message=99"])
def test_a_link_to_nothing(page: Page, sandbox: Sandbox, link: str) -> None:
    """The page says so, or begins with the newest."""
    send(sandbox)
    page.chrome.get("about:blank")
    page.chrome.get(f"{sandbox.inbox_url}#{link}")
    page.until_text("#count", "1")

    page.until(
        lambda: (
            "no longer" in page.find("#detail").text or "+6591234567" in page.find("#detail").text
        )
    )
    page.complaints()  # that it was answered 404


def test_back_to_the_list_on_a_phone(page: Page, three: list[str]) -> None:
    """The browser's button leads from the message to the list, and forward to the message."""
    page.resize(390)
    page.run("delete panes.dataset.view")
    page.row(three[1]).click()
    page.until_text("#detail h2", three[1])
    page.chrome.back()
    page.until(lambda: page.find("#list").is_displayed())
    page.chrome.forward()

    page.until(lambda: page.find("#detail").is_displayed())


def test_everything_can_be_exported(page: Page, sandbox: Sandbox) -> None:
    """A link of the page leads to it."""
    message = send(sandbox)
    page.row(message.recipient)
    href = page.run("return document.querySelector('a[download]').href")
    exported = httpx.get(href, trust_env=False, timeout=60).json()

    assert message.code == exported["calls"][0]["messages"][0]["code"]
