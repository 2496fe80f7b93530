"""The page in a real browser; skipped where there is no Chromium."""

import re
import statistics
from collections.abc import Iterator

import httpx
import pytest

from engagelab_async import Credentials, EngageLab, SendOTP
from engagelab_async.sandbox import DEMO_CREDENTIALS, Fault, Sandbox, SentMessage
from support.chromium import Chrome, Keys, Page, start, why_not

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not() or "there is a browser")

HOSTILE = '<img src="x" onerror="document.title = 1"><script>document.title = 2</script>&lt;b&gt;'
TOKEN = "a+token/of=the%user's"
NEVER_DELIVERED = "+10000000003"
DESK = {"width": 1360, "height": 860, "deviceScaleFactor": 1, "mobile": False}
NARROW = {**DESK, "width": 400, "height": 800}


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    """A browser."""
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
    opened.command("Emulation.setDeviceMetricsOverride", DESK)
    opened.emulate(prefers_color_scheme="light")
    chrome.get(sandbox.inbox_url)
    opened.until_text("#link", "Live")
    yield opened
    assert [] == opened.complaints()


def post(sandbox: Sandbox, path: str, body: object) -> None:
    """Call the API."""
    url = sandbox.otp_base_url.removesuffix("/otp") + path
    httpx.post(url, json=body, auth=DEMO_CREDENTIALS, trust_env=False)


def send(sandbox: Sandbox, to: str = "+6591234567") -> SentMessage:
    """Send a code."""
    post(sandbox, "/otp/v1/messages", {"to": to, "template": {"id": "sandbox-otp-tpl"}})
    return sandbox.messages[-1]


def send_text(sandbox: Sandbox, text: str, to: str = "+6591234567") -> None:
    """Send a text."""
    post(
        sandbox,
        "/otp/v1/custom-messages",
        {"to": to, "template": {"id": "note", "params": {"text": text}}},
    )


def send_texts(sandbox: Sandbox, count: int) -> None:
    """Send a text to so many people, one after the other."""
    url = f"{sandbox.otp_base_url}/v1/custom-messages"
    with httpx.Client(auth=DEMO_CREDENTIALS, trust_env=False) as http:
        for number in range(count):
            http.post(url, json={"to": f"+65{80_000_000 + number}", "template": {"id": "note"}})


def send_plan(sandbox: Sandbox, count: int) -> None:
    """Send to many at once."""
    to = [f"+65{91_000_000 + index}" for index in range(count)]
    body = {"to": to, "template": {"id": "7", "params": {}}, "plan_name": "Autumn sale"}
    post(sandbox, "/sms/v1/messages", body)


def states(sandbox: Sandbox, message: SentMessage) -> list[str]:
    """Return the statuses that a message has reached."""
    return [change.status for change in sandbox.history(message)]


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


def test_nothing_is_lost_while_it_is_cut_off(page: Page, sandbox: Sandbox) -> None:
    """It says so, tries again by itself, and then shows what came meanwhile, each once."""
    send(sandbox)
    page.row("+6591234567")
    port = httpx.URL(sandbox.inbox_url).port
    sandbox.__exit__(None, None, None)
    page.until_text("#link", "Reconnecting")
    sandbox._port = port or 0  # noqa: SLF001 - to be found again
    sandbox.__enter__()
    send(sandbox, "+6591234568")
    page.until_text("#link", "Live")
    page.row("+6591234568")
    page.complaints()  # that nobody listened

    assert ["+6591234568", "+6591234567"] == [row.split()[0] for row in page.rows()]


def test_another_sandbox_at_the_same_place(page: Page, sandbox: Sandbox) -> None:
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
    page.complaints()
    sandbox.__enter__()


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
    """One press puts it into the clipboard, and a screen reader is told."""
    page.command("Browser.grantPermissions", {"permissions": ["clipboardReadWrite"]})
    message = send(sandbox)
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


class TestByHand:
    """The buttons that do something to a message."""

    def test_deliver(self, page: Page, sandbox: Sandbox) -> None:
        """It is delivered, and cannot be once more."""
        message = send(sandbox, NEVER_DELIVERED)
        page.button("Deliver").click()
        page.until_text("#detail .title", "Delivered")

        assert "delivered" == states(sandbox, message)[-1]
        page.until(lambda: page.find("[data-key=deliver]").get_attribute("aria-disabled"))
        page.find("[data-key=deliver]").click()
        assert "" == page.run("return document.querySelector('.actions .wrong').textContent")

    def test_fail_with_a_code(self, page: Page, sandbox: Sandbox) -> None:
        """It fails with the code that was chosen, which the timeline explains."""
        message = send(sandbox, NEVER_DELIVERED)
        page.find(".actions option[value='5013']").click()
        page.button("Fail").click()
        page.until_text(".timeline", "5013: number is blacklisted")

        assert 5013 == sandbox.history(message)[-1].error_code

    def test_reply(self, page: Page, sandbox: Sandbox) -> None:
        """What the user answers stands in the phone and in the timeline, and the field is empty."""
        message = send(sandbox)
        page.find("[aria-label='Reply as the user']").send_keys("Stop", Keys.ENTER)
        page.until_text(".bubble.out", "Stop")
        page.until_text(".timeline", "Reply\nStop")

        assert ["Stop"] == [reply.text for reply in sandbox.replies(message)]
        page.until(lambda: not page.run("return document.activeElement.value"))

    def test_verify(self, page: Page, sandbox: Sandbox) -> None:
        """The code is used up."""
        message = send(sandbox)
        page.button("Verify code").click()
        page.until_text("#detail .title", "Verified")

        assert "verified" == states(sandbox, message)[-1]

    def test_expire(self, page: Page, sandbox: Sandbox) -> None:
        """The same template can be sent to the same recipient again."""
        send(sandbox)
        page.button("Expire code").click()
        page.until_text("#detail .title", "Expired")
        send(sandbox)

        page.until(lambda: len(page.rows()) == 2)
        assert 2 == len(sandbox.messages)

    def test_what_came_too_late(self, page: Page, sandbox: Sandbox) -> None:
        """If the sandbox refuses, the page says why."""
        send(sandbox, NEVER_DELIVERED)
        page.button("Deliver")
        page.run(
            "window.fetch = () => Promise.resolve(Response.json({message: 'No.'}, {status: 409}))"
        )
        page.button("Deliver").click()

        page.until_text(".actions .wrong", "No.")

    def test_typing_is_not_disturbed(self, page: Page, sandbox: Sandbox) -> None:
        """What happens to the message meanwhile takes neither the text nor the focus."""
        message = send(sandbox, NEVER_DELIVERED)
        field = page.find("[aria-label='Reply as the user']")
        field.send_keys("Wait")
        sandbox.deliver(message)
        page.until_text("#detail .title", "Delivered")
        page.press(" a bit")

        assert "Wait a bit" == field.get_attribute("value")


class TestFaults:
    """What is to go wrong."""

    def test_from_adding_one_to_its_end(self, page: Page, sandbox: Sandbox) -> None:
        """It strikes as often as it was told to, is counted meanwhile, and is gone then."""
        page.button("Faults").click()
        page.find("[name=status]").send_keys(Keys.CONTROL, "a")
        page.find("[name=status]").send_keys("429")
        page.find("[name=retry_after]").send_keys("2")
        page.find("[name=seed]").send_keys("7")
        page.find("[name=times]").send_keys("2", Keys.ENTER)
        page.until_text("#faults-list", "HTTP 429, struck 0 of 2")
        assert [7] == [active.fault.seed for active in sandbox.faults]
        url = f"{sandbox.otp_base_url}/v1/messages"
        answers = [httpx.post(url, json={}, trust_env=False) for _ in range(2)]
        page.until(lambda: not page.all("#faults-list li"))
        page.button("Close").click()

        assert [(429, "2")] * 2 == [
            (each.status_code, each.headers["retry-after"]) for each in answers
        ]
        page.until(lambda: page.button("Faults").text == "Faults")

    def test_only_what_goes_together_is_offered(self, page: Page, sandbox: Sandbox) -> None:
        """Fields that another kind of fault has are not there, and not sent."""
        page.button("Faults").click()
        page.find("[name=kind] option[value=error]").click()
        fields = [each for each in page.all("#faults-form input") if each.is_displayed()]
        names = [each.get_attribute("name") for each in fields]
        page.find("[name=code]").send_keys(Keys.CONTROL, "a")
        page.find("[name=code]").send_keys("5016", Keys.ENTER)
        page.until_text("#faults-list", "The API answers an error\n5016, struck 0")

        assert ["code", "to", "probability", "times", "lasts", "seed", "after"] == names
        assert not page.find("[name=after]").is_enabled()
        assert [Fault("error", code=5016)] == [active.fault for active in sandbox.faults]

    def test_what_makes_no_sense(self, page: Page, sandbox: Sandbox) -> None:
        """The sandbox says what is wrong, nothing is added; and one can be removed."""
        sandbox.faults.add(Fault("hang"))
        page.button("Faults").click()
        page.find("[name=kind] option[value=error]").click()
        page.find("[name=code]").send_keys("1", Keys.ENTER)
        page.until_text("#faults-error", "code: an error needs a documented one")
        page.button("Remove: No answer").click()
        page.until(lambda: len(sandbox.faults) == 0)
        page.until(lambda: page.focused() == "What goes wrong")
        page.press(Keys.ESCAPE)

        page.until(lambda: not page.find("#faults").is_displayed())
        page.complaints()  # that it was answered 400


class TestPlans:
    """Many recipients in one row."""

    def test_progress(self, page: Page, sandbox: Sandbox) -> None:
        """The row counts how many are done; each recipient can be looked at."""
        send_plan(sandbox, 250)
        page.until_text("#detail h2", "Autumn sale")
        page.until_text("#detail .title", "250 of 250 done")

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
        ],
    )
    def test_search(self, page: Page, words: str, found: list[str]) -> None:
        """All words have to be there, somewhere."""
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

    def test_clear(self, page: Page, sandbox: Sandbox) -> None:
        """The list is empty, and says so; a program still finds its messages."""
        page.button("Clear").click()
        page.button("Keep them").click()
        page.until(lambda: page.focused() == "clear")
        assert 3 == len(page.rows())
        page.button("Clear").click()
        page.button("Clear for everybody").click()
        page.until_text("#nothing", "Nothing was sent yet")

        assert "clear" == page.focused()
        assert 2 == len(sandbox.messages)
        send(sandbox, "+6591234599")
        page.row("+6591234599")


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
        names = [self.tab(page) for _ in range(3)]
        page.press(Keys.ENTER)
        page.until(lambda: "verified" in states(sandbox, message))
        page.press(Keys.ESCAPE)

        assert ["Copy code", "Deliver", "Verify code"] == names
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
        order = [self.tab(page) for _ in range(8)]

        assert [
            "break",
            "clear",
            "theme",
            "search",
            "channel",
            "state",
            "list",
            "Copy code",
        ] == order

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
            assert page.run(IS_IN_VIEW, row)

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

            assert [] == page.run(FAINT_TEXTS)


IS_IN_VIEW = """
const row = arguments[0].getBoundingClientRect(), box = list.getBoundingClientRect();
return row.top >= box.top - 1 && row.bottom <= box.bottom + 1;
"""
FAINT_TEXTS = """
const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
function over(color, below) {
    canvas.fillStyle = `rgb(${below})`;
    canvas.fillRect(0, 0, 1, 1);
    canvas.fillStyle = color;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3);
}
function background(element) {
    const below = element.parentElement ? background(element.parentElement) : [255, 255, 255];
    return over(getComputedStyle(element).backgroundColor, below);
}
function luminance(color) {
    const [r, g, b] = color.map((value) => value / 255)
        .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
function contrast(element) {
    const below = background(element);
    const both = [over(getComputedStyle(element).color, below), below].map(luminance);
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}
const faint = [];
for (const element of document.querySelectorAll("body *")) {
    const says = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    const isShown = element.checkVisibility() && !element.closest(".unseen, :disabled, option");
    const isPainted = element.matches(".face");  // on a gradient
    if (says && isShown && !isPainted && contrast(element) < 4.5)
        faint.push(`${contrast(element).toFixed(2)} ${element.className} ${element.textContent}`);
}
return faint;
"""


OVERHANGING = """
return [...document.querySelectorAll(".bar, .bar *")]
    .filter((each) => each.getBoundingClientRect().right > innerWidth)
    .map((each) => each.outerHTML);
"""


class TestNarrow:
    """On a screen with room for one thing."""

    @pytest.mark.parametrize("width", [400, 375, 360, 320])
    def test_the_bar(self, page: Page, sandbox: Sandbox, width: int) -> None:
        """It has room for all of its buttons, if need be on two lines."""
        page.command("Emulation.setDeviceMetricsOverride", {**NARROW, "width": width})
        sandbox.faults.add(Fault("hang"))
        page.button("Faults").click()
        page.until_text("#break", "Faults1")
        page.button("Close").click()

        assert [] == page.run(OVERHANGING)
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")

    def test_one_after_the_other(self, page: Page, sandbox: Sandbox) -> None:
        """The list, then the message, and a way back; nothing is wider than the screen."""
        page.command("Emulation.setDeviceMetricsOverride", NARROW)
        message = send(sandbox)
        page.row("+6591234567").click()
        page.until_text("output", message.code or "")
        assert not page.find("#list").is_displayed()
        assert page.run("return document.documentElement.scrollWidth <= innerWidth")
        assert page.run("return detail.scrollWidth <= detail.clientWidth")
        page.button("Messages").click()

        assert page.find("#list").is_displayed()
        assert not page.find("#detail").is_displayed()


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
        page.until(lambda: page.find("#ask").is_displayed())
        page.run("location.href = arguments[0]", sandbox.inbox_url)
        page.until_text("#link", "Live")

        assert "token" not in page.chrome.current_url
        page.complaints()  # that it was not let in before

    def test_there_is_no_way_around_it(self, page: Page) -> None:
        """Escape, however often, leaves the question where it is."""
        page.command("Network.clearBrowserCookies", {})
        page.chrome.refresh()
        page.until(lambda: page.find("#ask").is_displayed())
        for _ in range(3):
            page.press(Keys.ESCAPE)
            page.until(lambda: page.find("#ask-token").is_displayed())
        page.find("#ask-token").send_keys(TOKEN, Keys.ENTER)
        page.until_text("#link", "Live")

        assert not page.find("#ask").is_displayed()
        page.complaints()

    def test_asked_for(self, page: Page, sandbox: Sandbox) -> None:
        """Whoever comes without it is asked, and a wrong one does not do."""
        page.chrome.delete_all_cookies()
        page.command("Network.clearBrowserCookies", {})
        page.chrome.get(sandbox.inbox_url.partition("#")[0])
        page.find("#ask-token").send_keys("wrong", Keys.ENTER)
        page.until_text("#ask-error", "That is not the token.")
        page.find("#ask-token").send_keys(TOKEN, Keys.ENTER)
        page.until_text("#link", "Live")
        page.complaints()  # that it was not let in before


async def send_many(sandbox: Sandbox, count: int) -> None:
    """Send codes to many people, as fast as it goes."""
    pair = Credentials(*DEMO_CREDENTIALS)
    async with EngageLab(otp=pair, http="aiohttp", otp_base_url=sandbox.otp_base_url) as engagelab:
        operations = (
            SendOTP(f"+65{80_000_000 + number}", "sandbox-otp-tpl") for number in range(count)
        )
        report = await engagelab.send_all(operations)
    assert count == report.accepted


WATCH_FRAMES = """
window.frames = [];
window.tasks = [];
new PerformanceObserver((list) => tasks.push(...list.getEntries().map((each) => each.duration)))
    .observe({ type: "longtask" });
let last = performance.now();
requestAnimationFrame(function frame(now) {
    frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
});
"""
SCROLL = """
const done = arguments[0];
frames.length = tasks.length = 0;
let step = 0;
requestAnimationFrame(function scroll() {
    list.scrollTop = ++step * list.scrollHeight / 120;
    if (step < 120) requestAnimationFrame(scroll);
    else setTimeout(done, 100);
});
"""


def test_json_that_is_cut_is_colored_at_once(page: Page) -> None:
    """A string without an end takes no longer than another."""
    script = """
        const { block } = await import("/inbox/exchange.js");
        const began = performance.now();
        const shown = block('{"text": "' + '\\\\"'.repeat(29_000), "body");
        return [performance.now() - began, shown.querySelectorAll(".string").length];
    """
    took, strings = page.run(f"return (async () => {{{script}}})()")

    assert 1 == strings
    assert took < 300


@pytest.mark.asyncio
async def test_five_thousand_messages_stay_smooth(page: Page, sandbox: Sandbox) -> None:
    """While they come and while they are scrolled, no task holds up the page for long."""
    page.run(WATCH_FRAMES)
    await send_many(sandbox, 5000)
    page.until_text("#count", "5,000")
    coming = page.run("return Math.max(0, ...tasks)")
    page.chrome.set_script_timeout(30)
    page.chrome.execute_async_script(SCROLL)
    longest, frames = page.run("return [Math.max(0, ...tasks), frames]")
    rows = page.run("return document.querySelectorAll('[role=option]').length")

    assert rows < 60
    assert max(coming, longest) < 500
    assert statistics.median(frames) < 100


def test_the_newest_is_chosen_of_many(page: Page, sandbox: Sandbox) -> None:
    """Those that were there before are told in parts; the page begins with the last of them."""
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
