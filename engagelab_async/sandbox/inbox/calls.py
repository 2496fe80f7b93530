"""The sends that were asked for: numbered, with what was asked, answered and sent.

::

    call 7    POST /sms/v1/messages     revision 19     messages 12, 13, 14
    call 8    POST /otp/v1/codes        revision 12     refused: no messages
    call 9    POST /otp/v1/messages     revision 20     message 15

Whatever happens to a call or to one of its messages gives it the next revision. A reader that knows
the last revision that it saw gets all that it missed, however long it was away, and nothing has to
be kept for it: see `Calls.since`.

What happens to messages is observed once something reads the calls; until then it costs nothing.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import cached_property
from inspect import isawaitable
from itertools import chain, islice, takewhile
from typing import Final, TypeAlias

from anyio import move_on_after
from anyio.lowlevel import checkpoint
from attrs import define, field, frozen

from engagelab_async.arguments import check_integer
from engagelab_async.sandbox.bodies import Answer, Body
from engagelab_async.sandbox.lifecycle import Plan
from engagelab_async.sandbox.outbox import Product
from engagelab_async.sandbox.platform import Platform
from engagelab_async.sandbox.recipients import recipients_in
from engagelab_async.sandbox.refusals import RefusedError

Send: TypeAlias = Callable[[Body], Answer | Awaitable[Answer]]
"""A send of the platform."""

_AT_ONCE: Final = 200
"""How many messages to look at before other tasks of the event loop may run."""


@define(eq=False)
class Call:
    """One send that was asked for, and what it was answered.

    Attributes:
        messages: The numbers of the messages that came of it, which may be none.
        number: Its own number; calls are numbered from 1, as they come.
        revision: Rises with whatever happens to it, above that of every other call.
        states: The state that each of its messages was last seen in.
    """

    product: Product
    path: str
    asked_at: datetime
    request: Body
    status: int
    answer: Answer
    messages: range
    number: int
    revision: int = field(default=0, init=False)
    states: dict[int, str] = field(factory=dict, init=False)

    @property
    def weight(self) -> int:
        """How much room it takes."""
        return max(1, len(self.messages))

    @cached_property
    def targets(self) -> list[str]:
        """The recipients that it names, if any."""
        return recipients_in(self.request)


@frozen
class Numbering:
    """What another run with the same store continues: its name, and the number of its last call."""

    run: str
    last: int


class Calls:
    """The newest sends of a sandbox. Only the event loop that owns its state uses them.

    It keeps the calls of so many messages. When there are more, the oldest are forgotten, but never
    the newest. A call without messages counts as one.

    Attributes:
        by_number: The calls that are kept, by number, in the order of their last change.
        by_message: The same ones, by the numbers of their messages.
        numbering: How far the numbers of calls are, for another run to go on from.
        epoch: Distinguishes these revisions from those of another run.
        revision: That of the last change.
        is_closed: Whether the sandbox is not running, so that waits end at once.
    """

    def __init__(self, platform: Platform, *, keep: int, clock: Callable[[], float]) -> None:
        self.by_number: dict[int, Call] = {}
        self.by_message: dict[int, Call] = {}
        self.epoch: str = secrets.token_hex(4)
        self.numbering: Numbering = Numbering(self.epoch, 0)
        self.revision: int = 0
        self.is_closed: bool = True
        self._platform = platform
        self._keep = check_integer(keep, "keep", 1)
        self._clock = clock
        self._calls: deque[Call] = deque()
        self._weight = 0
        self._next_message = platform.outbox.next_number
        self._is_observing = False
        self._changed: dict[int, None] = {}
        self._news = asyncio.Event()

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls that are kept, newest first."""
        return reversed(self._calls)

    @property
    def oldest(self) -> int:
        """The number of the oldest call that is kept; one that is yet to come if none is."""
        return self._calls[0].number if self._calls else self.numbering.last + 1

    def recorded(
        self, product: Product, path: str, send: Send
    ) -> Callable[[Body], Awaitable[Answer]]:
        """Make a send of the platform one that is also recorded here."""

        def add(request: Body, status: int, answer: Answer) -> None:
            now = datetime.fromtimestamp(self._clock(), UTC)
            # All messages of a send are added in one step, which ends when it is recorded.
            first, self._next_message = self._next_message, self._platform.outbox.next_number
            messages, number = range(first, self._next_message), self.numbering.last + 1
            self._add(Call(product, path, now, request, status, answer, messages, number))

        async def sent(request: Body) -> Answer:
            try:
                answer = send(request)
                if isawaitable(answer):
                    answer = await answer
            except RefusedError as refusal:
                add(request, refusal.http_status, refusal.answer)
                raise
            add(request, 200, answer)
            return answer

        return sent

    def since(self, revision: int) -> list[Call]:
        """Return what happened after a revision, the earliest changes first."""
        newest_first = reversed(self.by_number.values())
        return list(takewhile(lambda call: call.revision > revision, newest_first))[::-1]

    def clear(self) -> None:
        """Forget all calls."""
        while self._calls:
            self._forget()
        self.revision += 1
        self._wake()

    # --------------------------------------------------------------------------- keeping up

    async def catch_up(self) -> None:
        """Look at what has changed, and let other tasks of the event loop run in between."""
        if not self._is_observing:
            self._is_observing = True
            self._platform.simulation.observe(lambda message, _: self._note((message,)))
            self._note(chain.from_iterable(call.messages for call in self._calls))
        while self._changed:
            for message in list(islice(self._changed, _AT_ONCE)):
                del self._changed[message]
                self._see(message)
            if self._changed:
                await checkpoint()

    async def wait(self, revision: int, seconds: float) -> None:
        """Wait until something happens after a revision, but not longer than some seconds."""
        with move_on_after(seconds):
            while self.revision == revision and not self.is_closed:
                if not self._changed:
                    await self._news.wait()
                await self.catch_up()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Let readers wait for changes, and end all waits afterwards.

        The server would wait for those otherwise, and then break them off.
        """
        self.is_closed = False
        try:
            yield
        finally:
            self.is_closed = True
            self._wake()

    def _note(self, messages: Iterable[int]) -> None:
        if self._is_observing:
            self._changed.update(dict.fromkeys(messages))
        self._wake()

    def _wake(self) -> None:
        self._news.set()
        # Every waiter has the one that was set; a new one belongs to no event loop yet.
        self._news = asyncio.Event()

    def _see(self, message: int) -> None:
        call = self.by_message.get(message)
        if call is not None:
            sent = self._platform.outbox.get(message)
            call.states[message] = state_of(self._platform.simulation.history(sent))
            self._revise(call)

    # --------------------------------------------------------------------------- stored state

    def state(self) -> tuple[Call, ...]:
        """Return all calls that are kept, oldest first."""
        return tuple(self._calls)

    def restore(self, calls: Iterable[Call]) -> None:
        """Replace all calls by these, oldest first; each keeps its number."""
        self.clear()
        for call in calls:
            self._add(call)
        self._next_message = self._platform.outbox.next_number

    def resume(self, numbering: Numbering | None) -> None:
        """Continue the numbers of another run; ``None`` for a store that has none."""
        self.numbering = numbering or self.numbering

    # --------------------------------------------------------------------------- adding

    def _add(self, call: Call) -> None:
        self.numbering = Numbering(self.numbering.run, call.number)
        self._calls.append(call)
        self.by_number[call.number] = call
        self.by_message.update(dict.fromkeys(call.messages, call))
        self._weight += call.weight
        while self._weight > self._keep and len(self._calls) > 1:
            self._forget()
        self._revise(call)
        self._note(call.messages)

    def _revise(self, call: Call) -> None:
        self.revision += 1
        call.revision = self.revision
        self.by_number[call.number] = self.by_number.pop(call.number)

    def _forget(self) -> None:
        call = self._calls.popleft()
        del self.by_number[call.number]
        for message in call.messages:
            del self.by_message[message]
        self._weight -= call.weight


def state_of(history: Plan) -> str:
    """Return the state that a message is in: the last status that it has reached.

    Except that a code which was verified before its message was delivered remains so.
    """
    statuses = [change.status for change in history]
    return "verified" if "verified" in statuses else statuses[-1]
