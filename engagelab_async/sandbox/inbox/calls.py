"""The sends that were asked for: numbered, with what was asked, answered and sent.

::

    call 7    POST /sms/v1/messages     revision 19     messages 12, 13, 14
    call 8    POST /otp/v1/codes        revision 12     refused: no messages
    call 9    POST /otp/v1/messages     revision 20     message 15

Whatever happens to a call or to one of its messages gives it the next revision. A reader that knows
the last revision that it saw gets all that it missed, however long it was away, and nothing has to
be kept for it: see `Calls.since`.
"""

import secrets
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from inspect import isawaitable
from itertools import takewhile
from typing import TypeAlias

from attrs import define, field, frozen

from engagelab_async.arguments import check_integer
from engagelab_async.sandbox.bodies import Answer, Body
from engagelab_async.sandbox.outbox import Outbox, Product
from engagelab_async.sandbox.refusals import RefusedError

Send: TypeAlias = Callable[[Body], Answer | Awaitable[Answer]]
"""A send of the platform."""


@define(eq=False, kw_only=True)
class Call:
    """One send that was asked for.

    Attributes:
        product: The product that was called.
        path: The path that was called.
        asked_at: When it came.
        request: The body that came.
        status: The HTTP status that it was answered with.
        answer: The body that it was answered with.
        messages: The numbers of the messages that came of it, which may be none.
        number: Its own number; calls are numbered from 1, as they come.
        revision: Rises with whatever happens to it, above that of every other call.
        states: The state that each of its messages was last seen in.
        tally: How many of its messages are in which state.
    """

    product: Product
    path: str
    asked_at: datetime
    request: Body
    status: int
    answer: Answer
    messages: range
    number: int = 0
    revision: int = 0
    states: dict[int, str] = field(factory=dict)
    tally: Counter[str] = field(factory=Counter)

    @property
    def weight(self) -> int:
        """How much room it takes."""
        return max(1, len(self.messages))

    def see(self, message: int, state: str) -> None:
        """Record the state that a message is in."""
        before = self.states.get(message)
        self.states[message] = state
        self.tally[state] += 1
        if before is not None:
            self.tally[before] -= 1


@frozen
class Changes:
    """What happened after a revision.

    Attributes:
        calls: The calls that changed, each as it is now, in the order of their last change.
        revision: What to ask for next time.
        is_all: Whether no further changes are known.
    """

    calls: Sequence[Call]
    revision: int
    is_all: bool


class Calls:
    """The newest sends of a sandbox. Only the server's thread touches them.

    Args:
        outbox: Where the messages go.
        keep: How many messages to keep. When there are more, the oldest calls are forgotten, but
            never the newest. A call without messages counts as one.
        clock: Returns the time in Unix seconds.

    Raises:
        TypeError: ``keep`` is no int.
        ValueError: ``keep`` is less than 1.

    Attributes:
        epoch: Distinguishes these calls from those of another sandbox.
        revision: That of the last change.
        on_change: Called with the messages of a new call, and with none when all are forgotten.
    """

    def __init__(self, outbox: Outbox, *, keep: int, clock: Callable[[], float]) -> None:
        self.epoch: str = secrets.token_hex(4)
        self.revision: int = 0
        self.on_change: Callable[[Iterable[int]], object] = lambda _: None
        self._outbox = outbox
        self._keep = check_integer(keep, "keep", 1)
        self._clock = clock
        self._calls: deque[Call] = deque()
        self._by_change: dict[int, Call] = {}
        self._by_message: dict[int, Call] = {}
        self._last_number = 0
        self._weight = 0
        self._next_message = outbox.next_number

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls that are kept, newest first."""
        return reversed(self._calls)

    @property
    def oldest(self) -> int:
        """The number of the oldest call that is kept; one that is yet to come if none is."""
        return self._calls[0].number if self._calls else self._last_number + 1

    def recorded(
        self, product: Product, path: str, send: Send
    ) -> Callable[[Body], Awaitable[Answer]]:
        """Make a send of the platform one that is also recorded here."""

        def add(request: Body, status: int, answer: Answer) -> None:
            # All messages of a send are added in one step, which ends when it is recorded.
            first, self._next_message = self._next_message, self._outbox.next_number
            call = Call(
                product=product,
                path=path,
                asked_at=datetime.fromtimestamp(self._clock(), UTC),
                request=request,
                status=status,
                answer=answer,
                messages=range(first, self._next_message),
            )
            self._add(call)

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

    def find(self, number: int) -> Call:
        """Return a call.

        Raises:
            LookupError: It never was, or is kept no longer.
        """
        return self._by_change[number]

    def of_message(self, message: int) -> Call:
        """Return the call that a message came of.

        Raises:
            LookupError: It never was, or is kept no longer.
        """
        return self._by_message[message]

    def since(self, revision: int, limit: int) -> Changes:
        """Return what happened after a revision, the earliest changes first.

        Args:
            revision: The last one that the caller knows; 0 to get everything.
            limit: How many calls to return at most.
        """
        newest_first = reversed(self._by_change.values())
        newer = list(takewhile(lambda call: call.revision > revision, newest_first))[::-1]
        if len(newer) <= limit:
            return Changes(newer, self.revision, is_all=True)
        return Changes(newer[:limit], newer[limit - 1].revision, is_all=False)

    def see(self, message: int, state: str) -> None:
        """Record the state that a message is in, unless it is kept no longer."""
        call = self._by_message.get(message)
        if call is not None:
            call.see(message, state)
            self._revise(call)

    def clear(self) -> None:
        """Forget all calls."""
        while self._calls:
            self._forget()
        self.revision += 1
        self.on_change(())

    def state(self) -> tuple[Call, ...]:
        """Return all calls that are kept, oldest first."""
        return tuple(self._calls)

    def restore(self, calls: Iterable[Call]) -> None:
        """Replace all calls by these, oldest first; each keeps its number."""
        while self._calls:
            self._forget()
        for call in calls:
            self._last_number = call.number - 1
            self._add(call)
        self._next_message = self._outbox.next_number

    def _add(self, call: Call) -> None:
        self._last_number += 1
        call.number = self._last_number
        self._calls.append(call)
        self._by_change[call.number] = call
        self._by_message.update(dict.fromkeys(call.messages, call))
        self._weight += call.weight
        while self._weight > self._keep and len(self._calls) > 1:
            self._forget()
        self._revise(call)
        self.on_change(call.messages)

    def _revise(self, call: Call) -> None:
        self.revision += 1
        call.revision = self.revision
        self._by_change[call.number] = self._by_change.pop(call.number)

    def _forget(self) -> None:
        call = self._calls.popleft()
        del self._by_change[call.number]
        for message in call.messages:
            del self._by_message[message]
        self._weight -= call.weight
