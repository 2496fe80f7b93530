"""From a send whose answer is lost to the callback that settles it, over real sockets."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from engagelab_async import Credentials, EngageLab, Journal, SendSMS, Uncertain
from engagelab_async.bulk.journal import State, summarise
from engagelab_async.sandbox import Callbacks, Fault, Sandbox
from engagelab_async.webhooks import Event, MessageStatus, Verifier
from engagelab_async.webhooks.asgi import WebhookApp
from support.bulk import kinds, number
from support.servers import served

COUNT = 120
ACCOUNT = ("shop", "a secret of callbacks")


class Settling:
    """A handler that settles, and knows when all has come that was waited for."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.told: set[str] = set()
        self._more = asyncio.Event()

    async def handle(self, event: Event) -> None:
        """Settle an event, and count the messages that have come to their end."""
        await self.journal.settle(event)
        if isinstance(event, MessageStatus) and event.is_final:
            self.told.add(event.message_id)
            self._more.set()

    async def until_told_of(self, messages: int) -> None:
        """Wait until so many messages have come to their end."""
        while len(self.told) < messages:
            self._more.clear()
            await self._more.wait()


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["reset", "cut"])
async def test_every_uncertain_one_is_settled(tmp_path: Path, kind: str) -> None:
    """A third of the answers is lost; in the end each is known to be sent, and none is sent twice.

    What was struck before the platform took it is never told of: it stays uncertain.
    """
    path = tmp_path / "run.db"
    everybody = [SendSMS(number(index), "1233") for index in range(COUNT)]
    async with Journal(path) as journal:
        handler = Settling(journal)
        app = WebhookApp(Verifier(*ACCOUNT), handler.handle)
        async with served(app) as (host, port):
            callbacks = Callbacks(
                f"http://{host}:{port}/", username=ACCOUNT[0], secret=ACCOUNT[1], duplicates=0.2,
                reorder=0.2, seed=1,
            )  # fmt: skip
            async with (
                Sandbox(callbacks=callbacks, pace=0) as sandbox,
                EngageLab(sms=Credentials("k", "s"), sms_base_url=sandbox.sms_base_url) as client,
            ):
                sandbox.faults.add(Fault(kind, probability=0.3, after=True, seed=7))
                sandbox.faults.add(Fault(kind, to=number(0)))
                async with client.fan_out(everybody, journal=path) as run:
                    outcomes = [outcome async for outcome in run]
                sandbox.faults.clear()
                uncertain = sum(isinstance(outcome, Uncertain) for outcome in outcomes)
                lost = COUNT - len(sandbox.messages)
                await handler.until_told_of(len(sandbox.messages))
                found = summarise(path)
                async with client.fan_out(everybody, journal=path) as resumed:
                    again = Counter(kinds([outcome async for outcome in resumed]))
                received = Counter(message.recipient for message in sandbox.messages)

    assert uncertain > 20
    assert lost <= 1
    assert {State.ACCEPTED: COUNT - lost, State.UNCERTAIN: lost} == {
        State.UNCERTAIN: 0,
        **found.states,
    }
    assert {"delivered": COUNT - lost} == found.messages
    assert {"settled": COUNT - lost, "Uncertain": lost} == {"Uncertain": 0, **again}
    assert {1} == set(received.values())
