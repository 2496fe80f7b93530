"""Thousands of messages."""

import statistics

import pytest

from engagelab_async import Credentials, EngageLab, SendOTP
from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox
from support.chromium import Page
from support.inbox import send

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


async def send_many(sandbox: Sandbox, first: int, count: int) -> None:
    """Send codes to many people, as fast as it goes."""
    pair = Credentials(*DEMO_CREDENTIALS)
    async with EngageLab(otp=pair, http="aiohttp", otp_base_url=sandbox.otp_base_url) as engagelab:
        operations = (
            SendOTP(f"+65{80_000_000 + number}", "sandbox-otp-tpl")
            for number in range(first, first + count)
        )
        report = await engagelab.send_all(operations)
    assert count == report.accepted


def longest_task(page: Page) -> float:
    """Return how long the page was busy at most since the last time, in milliseconds."""
    return float(page.run("return Math.max(0, ...tasks.splice(0))"))


@pytest.mark.asyncio
async def test_five_thousand_messages_stay_smooth(page: Page, sandbox: Sandbox) -> None:
    """They are scrolled without a task that holds up the page, and few rows exist at a time.

    A machine that has other work, too, may need several tries to show it.
    """
    await send_many(sandbox, 0, 5000)
    page.until_text("#count", "5,000")
    page.run(WATCH_FRAMES)
    page.chrome.set_script_timeout(30)
    longest, frames = [], []
    for _ in range(8):
        page.chrome.execute_async_script(SCROLL)
        frames.append(statistics.median(page.run("return frames")))
        longest.append(longest_task(page))
        if longest[-1] <= 50:
            break
    rows = page.run("return document.querySelectorAll('[role=option]').length")

    assert rows < 60
    assert min(longest) <= 50
    assert min(frames) < 100


ARRIVE = """
const [row] = arguments;
const { changed, state, take } = await import("/inbox/state.js");
const times = [];
let number = 1;
for (let time = 0; time < 6; time++) {
    const began = performance.now();
    for (let event = 0; event < 25; event++) {
        const calls = Array.from({ length: 200 }, () => ({ ...row, number: ++number }));
        take({ run: state.run, oldest: 1, calls, is_all: true });
    }
    changed();
    list.offsetHeight;
    times.push(performance.now() - began);
}
return [state.calls.size, Math.min(...times)];
"""


def test_five_thousand_messages_fit_into_a_frame(page: Page, sandbox: Sandbox) -> None:
    """If all are reported within one, they are taken in, drawn and laid out in 50 ms."""
    send(sandbox)
    page.row("+6591234567")
    row = page.run(
        'return (async () => (await import("/inbox/state.js")).state.calls.get(1))()',
    )
    count, shortest = page.run(f"return (async function () {{{ARRIVE}}})(...arguments)", row)

    assert 30_001 == count
    assert shortest < 50


@pytest.mark.asyncio
async def test_no_task_is_long(page: Page, sandbox: Sandbox) -> None:
    """The work of a frame fits into 50 ms, with 5,000 messages there and further ones coming.

    A machine that has other work, too, may need several tries to show it.
    """
    await send_many(sandbox, 0, 5000)
    page.until_text("#count", "5,000")
    page.run(WATCH_FRAMES)
    longest = []
    for first in range(5000, 9000, 100):
        await send_many(sandbox, first, 100)
        page.until_text("#count", f"{first + 100:,}")
        longest.append(longest_task(page))
        if longest[-1] <= 50:
            break

    assert min(longest) <= 50
