"""Thousands of messages, or of characters: no task holds up the page."""

from collections.abc import Iterator

import pytest

from engagelab_async import Credentials, EngageLab, SendOTP
from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox
from support.chromium import Chrome, Page, start, why_not
from support.inbox import send

LONGEST = 50
"""Milliseconds; of a longer task, a user would notice that the page does not answer."""


@pytest.fixture(scope="module")
def chrome() -> Iterator[Chrome]:
    """A browser that records how long the processor works on each task."""
    if why_not():
        pytest.skip(why_not())
    browser = start(traced=True)
    yield browser
    browser.quit()


SCROLL = """
const done = arguments[0];
let step = 0;
requestAnimationFrame(function scroll() {
    list.scrollTop = ++step * list.scrollHeight / 120;
    if (step < 120) requestAnimationFrame(scroll);
    else setTimeout(done, 100);
});
"""


async def send_many(sandbox: Sandbox, first: int, count: int) -> None:
    """Send codes to many people, as fast as it goes."""
    pair = Credentials(*DEMO_CREDENTIALS)
    async with EngageLab(
        otp=pair, http="aiohttp", otp_base_url=sandbox.otp_base_url, timeout=60, deadline=60
    ) as engagelab:
        operations = (
            SendOTP(f"+65{80_000_000 + number}", "sandbox-otp-tpl")
            for number in range(first, first + count)
        )
        report = await engagelab.send_all(operations)
    assert count == report.accepted


@pytest.mark.asyncio
async def test_five_thousand_messages_stay_smooth(page: Page, sandbox: Sandbox) -> None:
    """They arrive, are scrolled, and others arrive; few rows exist at a time."""
    await send_many(sandbox, 0, 5000)
    page.until_text("#count", "5,000")
    arriving = page.tasks()
    page.chrome.execute_async_script(SCROLL)
    scrolling = page.tasks()
    rows = page.run("return document.querySelectorAll('[role=option]').length")
    await send_many(sandbox, 5000, 1000)
    page.until_text("#count", "6,000")

    assert max(arriving) <= LONGEST
    assert max(scrolling) <= LONGEST
    assert max(page.tasks()) <= LONGEST
    assert rows < 60


ARRIVE = """
const [row] = arguments;
const { changed, state, take } = await import("/inbox/state.js");
let number = 1;
for (let time = 0; time < 6; time++) {
    await new Promise((resolve) => setTimeout(resolve));
    for (let event = 0; event < 25; event++) {
        const calls = Array.from({ length: 200 }, () => ({ ...row, number: ++number }));
        take({ run: state.run, oldest: 1, calls, is_all: true }, state.epoch);
    }
    changed();
    list.offsetHeight;
}
return state.calls.size;
"""


def test_five_thousand_messages_fit_into_a_task(page: Page, sandbox: Sandbox) -> None:
    """If all are reported within one frame, they are taken in, drawn and laid out in 50 ms."""
    send(sandbox)
    page.row("+6591234567")
    row = page.run(
        'return (async () => (await import("/inbox/state.js")).state.calls.get(1))()',
    )
    count = page.run(f"return (async function () {{{ARRIVE}}})(...arguments)", row)

    assert 30_001 == count
    assert max(page.tasks()) <= LONGEST


CUT = """
const { render } = await import("/inbox/dom.js");
const { block } = await import("/inbox/json.js");
const shown = document.createElement("div");
await new Promise((resolve) => setTimeout(resolve));
render(shown, block('{"text": "' + '\\\\"'.repeat(29_000), "body"));
return shown.querySelectorAll(".string").length;
"""


def test_json_that_is_cut_is_colored_at_once(page: Page) -> None:
    """A string without an end takes no longer than another."""
    assert 1 == page.run(f"return (async () => {{{CUT}}})()")
    assert max(page.tasks()) <= LONGEST
