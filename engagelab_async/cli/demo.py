"""``engagelab demo``: every call once, over real HTTP, against a sandbox of its own.

Each act runs one function of `scenes`, shows its lines and what came back, and insists on what it
claims; a claim that does not come true ends the demo with exit code 1.
"""

import asyncio
import textwrap
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from attrs import frozen
from rich.console import Console
from rich.panel import Panel
from rich.rule import Rule
from rich.text import Text

from engagelab_async import EngageLab, EngageLabError

from . import scenes
from .hints import hint
from .options import Call
from .outcome import Exit
from .printing import console, facts, print_error
from .sandbox import without_extra

if TYPE_CHECKING:
    from engagelab_async.sandbox import Sandbox

_MANY: Final = 500

_Shown: TypeAlias = list[Mapping[str, object]]


class _NotTrueError(Exception):
    """Something that the demo claims did not happen."""


def play() -> int:
    """See every call once, over real HTTP, without an account; takes a few seconds.

    Example: `engagelab demo`
    """
    try:
        from engagelab_async.sandbox import Sandbox
    except ModuleNotFoundError:
        return without_extra()
    return perform(Sandbox(templates=scenes.TEMPLATES))


def perform(sandbox: "Sandbox") -> int:
    """Play the demo.

    Args:
        sandbox: Where to play it; it is not running yet.

    Returns:
        The exit code: 0 if everything came true, otherwise 1.
    """
    try:
        asyncio.run(_perform(sandbox, console()))
    except (EngageLabError, _NotTrueError) as error:
        print_error(f"The demo did not come true: {error}")
        return Exit.NOT_SENT
    return Exit.DONE


async def _perform(sandbox: "Sandbox", out: Console) -> None:
    began = time.perf_counter()
    async with sandbox:
        origin = sandbox.otp_base_url.removesuffix("/otp")
        # Generous, for machines on which 500 sends at once take a while.
        async with Call(sandbox=origin, timeout=60, deadline=60).client() as engagelab:
            out.print(_opening(origin))
            stage = _Stage(engagelab, sandbox, out)
            for number, act in enumerate(_ACTS, start=1):
                await _play_act(number, act, stage)
        out.print()
        out.print(_closing(len(sandbox.messages), time.perf_counter() - began))


@frozen
class _Stage:
    """What the acts play on."""

    engagelab: EngageLab
    sandbox: "Sandbox"
    out: Console

    @property
    def phone(self) -> scenes.Phone:
        return scenes.Phone(self.sandbox)


@frozen
class _Act:
    """A part of the demo.

    Attributes:
        title: What it is about.
        scene: The function whose lines are shown.
        play: Runs the scene, insists on what it claims, and returns what is shown of it.
    """

    title: str
    scene: Callable[..., Any]
    play: Callable[[_Stage], Awaitable[_Shown]]


async def _play_act(number: int, act: _Act, stage: _Stage) -> None:
    from rich.syntax import Syntax

    lines = textwrap.indent(scenes.snippet(act.scene), "  ")
    syntax = Syntax("", "python", theme="ansi_dark", background_color="default")
    title = Text(f"{number}  {act.title}", "bold")
    stage.out.print()
    stage.out.print(Rule(title, align="left", style="cyan"))
    stage.out.print()
    stage.out.print(syntax.highlight(lines), end="")
    for shown in await act.play(stage):
        stage.out.print()
        stage.out.print(facts(shown))


def _require(came_true: bool, claim: str) -> None:  # noqa: FBT001 - as assert takes it
    if not came_true:
        raise _NotTrueError(claim)


# ------------------------------------------------------------------------------- the acts


async def _right_code(stage: _Stage) -> _Shown:
    sent, check = await scenes.right_code(stage.engagelab, stage.phone)
    _require(check.verified, "the code on the phone is the right one")
    return [{"sent": sent, "on the phone": stage.phone.text, "check": check}]


async def _wrong_code(stage: _Stage) -> _Shown:
    check = await scenes.wrong_code(stage.engagelab)
    _require(not check.verified, "a wrong code is not verified")
    return [{"check": check}]


async def _custom_message(stage: _Stage) -> _Shown:
    sent = await scenes.custom_message(stage.engagelab)
    text = stage.phone.text
    _require(text == "Order 1871 is on its way.", "the phone shows the number of the order")
    return [{"sent": sent, "on the phone": text}]


async def _sms_to_three(stage: _Stage) -> _Shown:
    plan = await scenes.sms_to_three(stage.engagelab)
    counts = (plan.accepted_count, plan.total_count)
    _require(counts == (2, 3), "two of three targets are accepted")
    return [{"plan": plan, "note": "a wrong number is dropped without a word: compare the counts"}]


async def _scheduled_sms(stage: _Stage) -> _Shown:
    plan = await scenes.scheduled_sms(stage.engagelab)
    due = stage.sandbox.last_message().scheduled_for
    _require(plan.schedule_info is not None and due is not None, "the SMS is scheduled")
    return [{"plan": plan, "due": f"{due:%Y-%m-%d %H:%M:%S %Z}"}]


async def _two_errors(stage: _Stage) -> _Shown:
    errors = await scenes.two_errors(stage.engagelab)
    doubts = [error.may_have_been_sent for error in errors]
    _require(doubts == [False, True], "one send surely failed, and the other perhaps")
    return [_explained(error) for error in errors]


def _explained(error: EngageLabError) -> Mapping[str, object]:
    return {
        "error": type(error).__name__,
        ".code": getattr(error, "code", None),
        ".http_status": getattr(error, "http_status", None),
        ".may_have_been_sent": error.may_have_been_sent,
        "what to do": hint(error),
    }


async def _five_hundred(stage: _Stage) -> _Shown:
    before = len(stage.sandbox.messages)
    began = time.perf_counter()
    with stage.out.status(f"{_MANY} sends in flight …"):
        plans = await scenes.five_hundred(stage.engagelab)
    elapsed = time.perf_counter() - began
    arrived = len(stage.sandbox.messages) - before
    _require(len(plans) == arrived == _MANY, f"{_MANY} sends are {_MANY} messages")
    return [
        {
            "elapsed": f"{elapsed:.2f} s, with the sandbox in the same process",
            "rate": f"{_MANY / elapsed:,.0f} sends a second",
            "arrived": f"{arrived} messages, not one more or less",
        }
    ]


_ACTS: Final = (
    _Act("A code, sent and verified", scenes.right_code, _right_code),
    _Act("A wrong code is an answer, not an exception", scenes.wrong_code, _wrong_code),
    _Act("A message of your own template", scenes.custom_message, _custom_message),
    _Act("One SMS to three, one number being wrong", scenes.sms_to_three, _sms_to_three),
    _Act("An SMS in two hours", scenes.scheduled_sms, _scheduled_sms),
    _Act("Errors say whether it was sent", scenes.two_errors, _two_errors),
    _Act(f"{_MANY} sends, awaited at once", scenes.five_hundred, _five_hundred),
)


# ------------------------------------------------------------------------------- around them


def _opening(origin: str) -> Panel:
    text = Text.assemble(
        ("engagelab-async\n", "bold"),
        "Every call once, over real HTTP. Nothing leaves this machine: the API is played by a "
        f"sandbox at {origin}. The lines that you see are the lines that run.",
    )
    return Panel(text, border_style="cyan", padding=(0, 1))


def _closing(messages: int, elapsed: float) -> Panel:
    text = Text.assemble(
        (f"✓ All of it came true: {messages} messages in {elapsed:.1f} s.\n", "bold green"),
        "To go on, start ",
        ("engagelab sandbox", "bold"),
        " and send to it from another terminal: it says how.",
    )
    return Panel(text, border_style="green", padding=(0, 1))
