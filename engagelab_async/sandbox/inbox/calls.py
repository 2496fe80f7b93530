"""The sends that were asked for: numbered, with what was asked, answered and sent.

::

    call 7    POST /sms/v1/messages     revision 19     messages 12, 13, 14
    call 8    POST /otp/v1/codes        revision 12     refused: no messages
    call 9    POST /otp/v1/messages     revision 20     message 15

Whatever happens to a call or to one of its messages gives it the next revision. So whoever knows
the last revision that it saw can be told all that it missed, however long it was away, and nothing
has to be kept for it: see `Calls.since`.
"""

import secrets
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import takewhile
from typing import TypeAlias

from attrs import define, frozen

from engagelab_async.sandbox._errors import RefusedError
from engagelab_async.sandbox._fields import Answer, Body
from engagelab_async.sandbox.outbox import Outbox, Product, SentMessage

BodyCall: TypeAlias = Callable[[Body], Answer]
"""A send of the platform."""


@define(eq=False, kw_only=True)
class Call:
    """One send that was asked for.

    Attributes:
        number: Its number; calls are numbered from 1, as they come.
        revision: Rises with whatever happens to it, above that of every other call.
        product: The product that was called.
        path: The path that was called.
        asked_at: When it came.
        request: The body that came.
        status: The HTTP status that it was answered with.
        answer: The body that it was answered with.
        first: The number of its first message; messages are numbered from 1, across all calls.
        messages: What was sent, which may be nothing.
    """

    number: int
    revision: int
    product: Product
    path: str
    asked_at: datetime
    request: Body
    status: int
    answer: Answer
    first: int
    messages: Sequence[SentMessage]

    @property
    def numbers(self) -> range:
        """The numbers of its messages."""
        return range(self.first, self.first + len(self.messages))


@frozen
class Changes:
    """What happened after a revision.

    Attributes:
        calls: The calls that changed, each as it is now, in the order of their last change.
        revision: What to ask for next time.
        is_all: Whether there is nothing more to tell for now.
    """

    calls: Sequence[Call]
    revision: int
    is_all: bool


class Calls:
    """The newest sends of a sandbox.

    Only the server's thread touches it.

    Args:
        outbox: Where the messages go.
        keep: How many messages to keep. When there are more, the oldest calls are forgotten, but
            never the newest. A call without messages counts as one.
        clock: Tells the time in Unix seconds.
        on_change: Called after every change.

    Attributes:
        epoch: Tells these calls from those of another run.
        revision: That of the last change.
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        keep: int,
        clock: Callable[[], float],
        on_change: Callable[[], object],
    ) -> None:
        self.epoch: str = secrets.token_hex(4)
        self.revision: int = 0
        self._outbox = outbox
        self._keep = keep
        self._clock = clock
        self._on_change = on_change
        self._calls: deque[Call] = deque()
        self._by_change: dict[int, Call] = {}
        self._last_number = 0
        self._last_message = 0
        self._weight = 0

    def __iter__(self) -> Iterator[Call]:
        """Yield the calls that are kept, newest first."""
        return reversed(self._calls)

    @property
    def oldest(self) -> int:
        """The number of the oldest call that is kept; one that is yet to come if none is."""
        return self._calls[0].number if self._calls else self._last_number + 1

    def recorded(self, product: Product, path: str, call: BodyCall) -> BodyCall:
        """Make a send of the platform one that is also recorded here."""

        def called(request: Body) -> Answer:
            before = len(self._outbox)
            try:
                answer = call(request)
            except RefusedError as refusal:
                self._add(product, path, request, refusal.http_status, refusal.answer, ())
                raise
            self._add(product, path, request, 200, answer, self._outbox.since(before))
            return answer

        return called

    def find(self, number: int) -> Call:
        """Return a call.

        Raises:
            LookupError: It never was, or is kept no longer.
        """
        return self._by_change[number]

    def find_message(self, number: int) -> tuple[Call, SentMessage]:
        """Return a message and the call that it was sent by.

        Raises:
            LookupError: It never was, or is kept no longer.
        """
        for call in self:
            if number in call.numbers:
                return call, call.messages[number - call.first]
        raise LookupError(number)

    def since(self, revision: int, limit: int) -> Changes:
        """Return what happened after a revision, the earliest changes first.

        Args:
            revision: The last one that the asker knows; 0 to be told everything.
            limit: How many calls to return at most.
        """
        newest_first = reversed(self._by_change.values())
        newer = list(takewhile(lambda call: call.revision > revision, newest_first))[::-1]
        if len(newer) <= limit:
            return Changes(newer, self.revision, is_all=True)
        return Changes(newer[:limit], newer[limit - 1].revision, is_all=False)

    def touch(self, call: Call) -> None:
        """Note that something happened to a call."""
        self.revision += 1
        call.revision = self.revision
        self._by_change[call.number] = self._by_change.pop(call.number)
        self._on_change()

    def clear(self) -> None:
        """Forget all calls."""
        self._calls.clear()
        self._by_change.clear()
        self._weight = 0
        self.revision += 1
        self._on_change()

    def _add(
        self,
        product: Product,
        path: str,
        request: Body,
        status: int,
        answer: Answer,
        messages: Sequence[SentMessage],
    ) -> None:
        self._last_number += 1
        call = Call(
            number=self._last_number,
            revision=0,
            product=product,
            path=path,
            asked_at=datetime.fromtimestamp(self._clock(), UTC),
            request=request,
            status=status,
            answer=answer,
            first=self._last_message + 1,
            messages=messages,
        )
        self._last_message += len(messages)
        self._calls.append(call)
        self._by_change[call.number] = call
        self._weight += _weight(call)
        self._forget_oldest()
        self.touch(call)

    def _forget_oldest(self) -> None:
        while self._weight > self._keep and len(self._calls) > 1:
            forgotten = self._calls.popleft()
            del self._by_change[forgotten.number]
            self._weight -= _weight(forgotten)


def _weight(call: Call) -> int:
    return max(1, len(call.messages))
