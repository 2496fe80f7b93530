"""Convert a request of any framework to events, or to the status of the response.

======  ========================================================================================
status  when
======  ========================================================================================
200     it is in order, and its events are taken; or it checks whether the URL is there
400     its body is no callback, or cannot be decoded
401     it does not prove that it is the platform's
403     it comes from another address
405     it is no POST
413     its body is too large, or has too many rows
503     there are too many to be handled: the platform is to send it again
======  ========================================================================================

An adapter translates from its framework to `Receiver.answer` and back, and runs `Receiver.running`.
"""

import logging
import sys
from collections.abc import AsyncGenerator, AsyncIterable, Mapping
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Final, Unpack

from attrs import field, frozen

from engagelab_async.arguments import check_integer
from engagelab_async.errors import EngageLabError, InvalidCallbackError, SignatureError
from engagelab_async.frames import clear

from .delivery import Delivery, DeliveryOptions, Handler
from .encodings import decoded
from .events import Event
from .parsing import parse
from .verification import Verifier, folded

MAX_BODY: Final = 1024 * 1024
"""How many bytes a body may have."""

_URL_CHECKS: Final = (b"", b"{}")
_MAX_URL_CHECK: Final = 16
_OVERHEAD: Final = 1024  # by how many bytes an encoding may lengthen a body

_logger: Final = logging.getLogger("engagelab_async")


class BodyTooLargeError(EngageLabError):
    """A body has more bytes than it may; the rest of it is not read."""


@frozen
class CallbackRequest:
    """A request; its address may be unknown, and its body comes in pieces, perhaps encoded."""

    headers: Mapping[str, str] = field(repr=False)
    address: str | None
    body: AsyncIterable[bytes]


@frozen
class Answer:
    """A response."""

    status: int
    headers: Mapping[str, str] = field(factory=dict)


async def read(
    request: CallbackRequest, verifier: Verifier, max_body: int = MAX_BODY
) -> tuple[Event, ...]:
    """Verify and parse a callback; read the body only if the headers are valid.

    Raises:
        SignatureError: The request is not authentic.
        InvalidCallbackError: Its body is not a callback of the platform.
        BodyTooLargeError: Its body is longer than it may be.
    """
    handled = sys.exception()
    try:
        return await _read(request, verifier, max_body)
    except BaseException as error:
        clear(error, handled)
        del handled
        raise


async def _read(request: CallbackRequest, verifier: Verifier, max_body: int) -> tuple[Event, ...]:
    try:
        admission = verifier.admit(request.headers, address=request.address)
    except SignatureError as error:
        # The vendor does not say whether the check of a URL is signed. It holds no event.
        if error.reason == "missing" and await _checks_the_url(request):
            return ()
        raise
    body = await _received(request, max_body)
    await verifier.accept(admission, body)
    return parse(body)


async def _checks_the_url(request: CallbackRequest) -> bool:
    try:
        return (await _received(request, _MAX_URL_CHECK)).strip() in _URL_CHECKS
    except BodyTooLargeError:
        return False


async def _received(request: CallbackRequest, limit: int) -> bytes:
    # Counted, because a Content-Length may be missing, and may be wrong.
    headers = folded(request.headers.items())
    body = bytearray()
    # Trio warns of a generator that is left before its end, so each is closed.
    async with (
        aclosing(_counted(request, limit)) as counted,
        aclosing(decoded(counted, headers.get("content-encoding", ""))) as pieces,
    ):
        async for piece in pieces:
            body += piece
            if len(body) > limit:
                raise BodyTooLargeError("the body is too large")
    # Something before us may have read the body and left an empty one, which would be answered 200.
    if not body and headers.get("content-length", "0").strip("0"):
        raise InvalidCallbackError("the body did not come as a whole")
    return bytes(body)


async def _counted(request: CallbackRequest, limit: int) -> AsyncGenerator[bytes]:
    """Yield a body as it comes; what is encoded may go on for ever and decode to nothing."""
    length = 0
    async for piece in request.body:
        length += len(piece)
        if length > limit + _OVERHEAD:
            raise BodyTooLargeError("the body is too large")
        yield piece


def answer_to(error: EngageLabError) -> Answer:
    """Return the answer to a request that cannot be read."""
    match error:
        case InvalidCallbackError(reason="too_many_rows"):
            return Answer(413)  # it is in order otherwise, so it is no 400
        case InvalidCallbackError():
            return Answer(400)
        case SignatureError(reason="wrong_address"):
            status = 403
        case SignatureError(reason="unavailable"):
            status = 503
        case SignatureError():
            status = 401
        case _:
            status = 413
    # The rest of the body is not read, so the connection cannot be reused.
    return Answer(status, {"Connection": "close"})


class Receiver:
    """Receives callbacks, answers them at once, and hands their events to the handler."""

    def __init__(
        self,
        verifier: Verifier,
        handler: Handler,
        *,
        max_body: int = MAX_BODY,
        **options: Unpack[DeliveryOptions],
    ) -> None:
        self._verifier = verifier
        self._max_body = check_integer(max_body, "max_body", 1)
        self._delivery = Delivery(handler, **options)

    def running(self) -> AbstractAsyncContextManager[None]:
        """Handle events within the block, and at its end the remaining ones."""
        return self._delivery.running()

    async def answer(self, method: str, request: CallbackRequest) -> Answer:
        """Answer a request. It waits for the request's body and for nothing else."""
        answer, reason = await self._decide(method, request)
        if answer.status == 200:  # noqa: PLR2004 - OK
            self._delivery.counts.received += 1
        else:
            self._delivery.counts.refused += 1
            if reason:
                _logger.warning("callback answered %d: %s", answer.status, reason)
        return answer

    async def _decide(self, method: str, request: CallbackRequest) -> tuple[Answer, str]:
        """Return the response, and what to log about it."""
        if method != "POST":
            return Answer(405, {"Allow": "POST"}), "it is no POST"
        try:
            events = await read(request, self._verifier, self._max_body)
        except (InvalidCallbackError, SignatureError, BodyTooLargeError) as error:
            return answer_to(error), str(error)
        if not self._delivery.take(events):
            return Answer(503), ""  # logged once for all of a burst
        return Answer(200), ""
