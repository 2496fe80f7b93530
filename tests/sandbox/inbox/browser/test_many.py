"""Thousands of messages."""

import statistics

import pytest

from engagelab_async import Credentials, EngageLab, SendOTP
from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox
from support.chromium import Page

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


async def send_many(sandbox: Sandbox, count: int) -> None:
    """Send codes to many people, as fast as it goes."""
    pair = Credentials(*DEMO_CREDENTIALS)
    async with EngageLab(otp=pair, http="aiohttp", otp_base_url=sandbox.otp_base_url) as engagelab:
        operations = (
            SendOTP(f"+65{80_000_000 + number}", "sandbox-otp-tpl") for number in range(count)
        )
        report = await engagelab.send_all(operations)
    assert count == report.accepted


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
