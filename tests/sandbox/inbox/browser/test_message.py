"""A message in full."""

import json

import pytest

from engagelab_async.sandbox import Sandbox
from support.chromium import Page
from support.inbox import post, send, send_plan, send_text

HOSTILE = '<img src="x" onerror="document.title = 1"><script>document.title = 2</script>&lt;b&gt;'


def test_hostile_texts_are_texts(page: Page, sandbox: Sandbox) -> None:
    """Whatever a message holds is shown as it is, and nothing of it becomes HTML."""
    template = {"id": HOSTILE, "params": {"code": HOSTILE}}
    post(
        sandbox,
        "/otp/v1/custom-messages",
        {"to": f"{HOSTILE}".replace(" ", "") + "@x.example", "template": template},
    )
    post(sandbox, "/sms/v1/messages", {"to": HOSTILE, "template": {"id": HOSTILE, "params": 1}})
    post(
        sandbox,
        "/sms/v1/messages",
        {
            "to": ["+6591234567", HOSTILE],
            "template": {"id": "7", "params": {}},
            "plan_name": HOSTILE,
        },
    )
    page.until(lambda: len(page.rows()) == 3)
    message = sandbox.messages[0]
    sandbox.reply(message, HOSTILE)
    for row in page.all("[role=option]:not([hidden])"):
        row.click()
        page.until(lambda: HOSTILE in page.find("#detail").text)
    page.row("@x.example").click()
    page.until(lambda: [HOSTILE] == [each.text for each in page.all(".bubble.out")])

    assert HOSTILE in page.find("#detail .meta").text
    assert HOSTILE == page.find("output").text
    assert [] == page.all("img, main script, main b > *")
    assert "Sandbox inbox" == page.chrome.title


def test_the_code_is_copied(page: Page, sandbox: Sandbox) -> None:
    """One press puts it into the clipboard, and a screen reader says so."""
    page.command("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    message = send(sandbox)
    page.hold()
    page.button("Copy code").click()
    page.until_text(".code-card .copy", "Copied")

    assert message.code == page.run("return navigator.clipboard.readText()")
    page.until(lambda: page.run("return announcer.textContent") == "code copied")


def test_request_and_response_are_shown(page: Page, sandbox: Sandbox) -> None:
    """As JSON, key pair not included."""
    post(sandbox, "/otp/v1/messages", {"to": "+10000005013", "template": {"id": "login"}})
    page.until_text("#detail", "5013 number is blacklisted")
    request, response = (each.text for each in page.all("pre.json"))

    assert '{\n  "to": "+10000005013",\n  "template": {\n    "id": "login"\n  }\n}' == request
    assert '{\n  "code": 5013,\n  "message": "number is blacklisted"\n}' == response
    assert "sandbox_secret" not in page.chrome.page_source


def test_long_json_is_colored_as_it_comes_into_view(page: Page, sandbox: Sandbox) -> None:
    """What cannot be seen costs neither elements nor layout; it can be copied nevertheless."""
    send_plan(sandbox, 1000)
    page.until_text("#detail h2", "Autumn sale")
    colored = "return document.querySelectorAll('.json .string').length"
    page.until(lambda: page.run(colored) > 90)
    assert page.run(colored) < 900
    page.run("document.querySelector('.json .part:nth-child(6)').scrollIntoView()")
    before = page.run(colored)
    page.until(lambda: page.run("return document.querySelector('.part:nth-child(6) .string')"))

    assert page.run(colored) >= before
    text = page.run("return document.querySelector('.json').textContent")
    assert [f"+65{91_000_000 + index}" for index in range(1000)] == json.loads(text)["to"]


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("See https://shop.example/a?b=1&c=%20#d.", ["https://shop.example/a?b=1&c=%20#d"]),
        ("(HTTP://shop.example/x), or http://b", ["HTTP://shop.example/x", "http://b"]),
        ("https://shop.example/a_(b) and more", ["https://shop.example/a_(b)"]),
        ("javascript:alert(1) data:text/html,x ftp://x www.shop.example http://", []),
        ('https://shop.example/"onclick="x" <b>', ["https://shop.example/"]),
    ],
)
def test_links(page: Page, sandbox: Sandbox, text: str, links: list[str]) -> None:
    """Addresses of the web can be followed, in a tab that learns nothing of this one."""
    send_text(sandbox, text)
    page.until(lambda: text in page.find(".bubble").text)
    shown = page.all(".bubble a")

    assert links == [each.text for each in shown]
    assert {("_blank", "noopener noreferrer")} >= {
        (each.get_attribute("target"), each.get_attribute("rel")) for each in shown
    }


@pytest.mark.parametrize(
    ("text", "cost"),
    [
        ("Hello", "1 SMS: 5 units, GSM-7"),
        ("x" * 160, "1 SMS: 160 units, GSM-7"),
        ("x" * 161, "2 SMS: 161 units, GSM-7"),
        ("x" * 600, "4 SMS: 600 units, GSM-7"),
        ("€" * 80, "1 SMS: 160 units, GSM-7"),
        ("x" * 152 + "€" + "x" * 10, "2 SMS: 164 units, GSM-7"),
        ("Hello 🎉", "1 SMS: 8 units, UCS-2, because of “🎉”"),
        ("я" * 71, "2 SMS: 71 units, UCS-2, because of “я”"),
        ("🎉" * 67, "3 SMS: 134 units, UCS-2, because of “🎉”"),
    ],
)
def test_cost(page: Page, text: str, cost: str) -> None:
    """Beside the text of an SMS is what it costs, as GSM 03.38 counts."""
    script = """
        const { cost } = await import("/inbox/phone.js");
        return cost(arguments[0]);
    """

    assert cost == page.run(f"return (async function () {{{script}}})(...arguments)", text)


def test_cost_is_that_of_the_shown_text(page: Page, sandbox: Sandbox) -> None:
    """It stands below the text; an email has none."""
    message = send(sandbox)
    page.until_text("figcaption", f"1 SMS: {len(message.text)} units, GSM-7")
    send_text(sandbox, "Hello", "ada@example.com")
    page.row("ada@").click()
    page.until_text("#detail h2", "ada@")

    page.until(lambda: not page.all(".units"))


def test_right_to_left(page: Page, sandbox: Sandbox) -> None:
    """An Arabic plan is written from the right, in the list, in its title and on the phone."""
    body = {"to": ["+971501234567", "+971501234568"], "template": {"id": "7", "params": {}}}
    post(sandbox, "/sms/v1/messages", {**body, "plan_name": "تخفيضات"})
    page.until_text("#detail h2", "تخفيضات")
    direction = "return getComputedStyle(document.querySelector(arguments[0])).direction"

    assert ["rtl", "rtl"] == [page.run(direction, each) for each in (".to", "#detail h2")]
    assert "auto" == page.find(".bubble").get_attribute("dir")
    assert "auto" == page.find(".text").get_attribute("dir")
