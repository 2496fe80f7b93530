"""What one awaited send costs: over HTTP beside a bare client, and without an engine."""

from __future__ import annotations

import asyncio
import gc
import time
from typing import TYPE_CHECKING, Final

from clients import CODE, HTTPX, KEY, OURS_HTTPX, SECRET, TEMPLATE, TO
from engagelab_async import Credentials, EngageLab, Request, Response
from load import in_turns
from server import ANSWER
from spread import Comparison, Spread

if TYPE_CHECKING:
    from load import Plan
    from server import Server

_BODY: Final = ANSWER.encode()


def single(server: Server, plan: Plan) -> Comparison:
    """Compare the CPU of one send, in microseconds, with that of ``httpx.AsyncClient.post``."""
    ours, bare = (OURS_HTTPX, 1), (HTTPX, 1)
    found = in_turns(server, [ours, bare], plan)
    return Comparison(
        found.spread(ours, "cpu"), found.spread(bare, "cpu"), found.ratio(ours, bare, "cpu")
    )


class InstantEngine:
    """Answers at once, so that what is left is the cost of our own layers."""

    async def send(self, request: Request, *, timeout: float | None, max_bytes: int) -> Response:  # noqa: ARG002 - an engine's
        """Answer."""
        return Response(200, {}, _BODY)

    async def aclose(self) -> None:
        """Close nothing."""


def layers(*, rounds: int, calls: int = 2_000) -> Spread:
    """Measure operation, validation, encoding, retry loop and decoding: microseconds of CPU."""
    return Spread.of(asyncio.run(_layers(calls)) for _ in range(rounds))


async def _layers(calls: int) -> float:
    async with EngageLab(otp=Credentials(KEY, SECRET), http=InstantEngine()) as engagelab:
        gc.collect()
        began = time.process_time()
        for _ in range(calls):
            await engagelab.otp.send_code(TO, CODE, TEMPLATE)
        return (time.process_time() - began) / calls * 1e6
