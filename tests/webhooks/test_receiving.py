"""A request becomes events or the status of an answer."""

import gzip
import logging
from functools import partial
from typing import Any, Self, get_type_hints

import pytest

from engagelab_async.webhooks import CALLBACK_ADDRESSES, Counts, DeliveryOptions, Event
from engagelab_async.webhooks.delivery import Delivery
from engagelab_async.webhooks.receiving import Answer, CallbackRequest, Receiver
from support.callback_requests import ROW, body_of, make_verifier, signed


class Body:
    """A body that comes in pieces, and knows how much of it was asked for."""

    def __init__(self, *pieces: bytes) -> None:
        self.left = list(pieces)

    def __aiter__(self) -> Self:
        """Return itself; it is read once."""
        return self

    async def __anext__(self) -> bytes:
        """Return the next piece."""
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


def request(
    *pieces: bytes, headers: dict[str, str] | None = None, address: str | None = None
) -> CallbackRequest:
    """Make a request; it is signed unless it has other headers."""
    return CallbackRequest(signed() if headers is None else headers, address, Body(*pieces))


async def answered(
    asked: CallbackRequest,
    *,
    method: str = "POST",
    options: dict[str, Any] | None = None,
    **more: Any,  # noqa: ANN401 - any of its options
) -> tuple[Answer, list[Event]]:
    """Let a receiver answer, and return what reached the handler as well."""
    handled: list[Event] = []
    receiver = Receiver(make_verifier(**(options or {})), handled.append, **more)
    async with receiver.running():
        answer = await receiver.answer(method, asked)
    return answer, handled


@pytest.mark.anyio
async def test_a_callback() -> None:
    """Its events reach the handler."""
    answer, handled = await answered(request(body_of(ROW)[:50], body_of(ROW)[50:]))

    assert Answer(200) == answer
    assert [ROW] == [dict(event.raw) for event in handled]


@pytest.mark.anyio
@pytest.mark.parametrize("body", [b"", b"{}", b" {}\n"])
@pytest.mark.parametrize("headers", [{}, signed()], ids=["unsigned", "signed"])
async def test_the_check_of_the_url(body: bytes, headers: dict[str, str]) -> None:
    """It is answered 200, signed or not: nothing is told by it."""
    assert (Answer(200), []) == await answered(request(body, headers=headers))


CLOSE = {"Connection": "close"}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("make", "expected"),
    [
        pytest.param(partial(request, b"{"), Answer(400), id="no JSON"),
        pytest.param(partial(request, body_of(ROW), headers={}), Answer(401, CLOSE), id="unsigned"),
        pytest.param(
            partial(request, b"", headers={"X-CALLBACK-ID": "?"}),
            Answer(401, CLOSE),
            id="unsigned check",
        ),
        pytest.param(partial(request, b"x" * 101), Answer(413, CLOSE), id="too large"),
        pytest.param(
            partial(request, b"x" * 60, b"x" * 41), Answer(413, CLOSE), id="too large in pieces"
        ),
        pytest.param(
            partial(
                request,
                gzip.compress(b" " * 200_000, mtime=0),
                headers=signed() | {"Content-Encoding": "gzip"},
            ),
            Answer(413, CLOSE),
            id="too large when decoded",
        ),
        pytest.param(partial(request, b" " * 100), Answer(200), id="just as large as it may be"),
    ],
)
async def test_refusals(make: partial[CallbackRequest], expected: Answer) -> None:
    """What is not in order is answered so, and nothing of it is handled."""
    assert (expected, []) == await answered(make(), max_body=100)


@pytest.mark.anyio
async def test_too_many_rows() -> None:
    """Such a body is too large, however few bytes it has."""
    body = b'{"rows": [' + b"{}," * 10_000 + b"{}]}"

    assert (Answer(413), []) == await answered(request(body))


@pytest.mark.anyio
async def test_another_address() -> None:
    """Somebody else's address is told from somebody else's signature, also for a URL's check."""
    options = {"allowed_addresses": CALLBACK_ADDRESSES}
    for asked in (request(body_of(ROW), address="8.8.8.8"), request(b"", headers={})):
        answer, handled = await answered(asked, options=options)

        assert (403, []) == (answer.status, handled)


@pytest.mark.anyio
async def test_a_replay_with_another_body() -> None:
    """Who has seen a signature gets nothing in; the platform's own repeat is welcome."""
    handled: list[Event] = []
    counts = Counts()
    receiver = Receiver(make_verifier(), handled.append, counts=counts)
    forged = body_of(ROW | {"message_id": "forged"})
    async with receiver.running():
        statuses = [
            (await receiver.answer("POST", request(body))).status
            for body in (body_of(ROW), forged, body_of(ROW))
        ]

    assert [200, 401, 200] == statuses
    assert [ROW] == [dict(event.raw) for event in handled]
    assert Counts(received=2, refused=1, handled=1, repeated=1) == counts


@pytest.mark.anyio
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
async def test_another_method(method: str) -> None:
    """A callback is a POST."""
    answer, _ = await answered(request(body_of(ROW)), method=method)

    assert Answer(405, {"Allow": "POST"}) == answer


@pytest.mark.anyio
async def test_what_is_unsigned_is_not_read() -> None:
    """Nobody can make it hold what he sends: it reads a few bytes, in case it is a URL's check."""
    body = Body(b"x" * 17, b"x")
    await answered(CallbackRequest({}, None, body))
    guessed = Body(b"x")
    await answered(CallbackRequest({"x-callback-id": "guessed"}, None, guessed))

    assert ([b"x"], [b"x"]) == (body.left, guessed.left)


@pytest.mark.anyio
async def test_too_many() -> None:
    """The platform is asked to send it again, and may do so with the same signature."""
    handled: list[Event] = []
    receiver = Receiver(make_verifier(), handled.append, max_waiting=1)
    async with receiver.running():
        asked = [request(body_of(ROW | {"itime": 1})), request(body_of(ROW), headers=signed("b"))]
        statuses = [(await receiver.answer("POST", each)).status for each in asked]
    async with receiver.running():
        again = await receiver.answer("POST", request(body_of(ROW), headers=signed("b")))

    assert [200, 503] == statuses
    assert 200 == again.status
    assert 2 == len(handled)


@pytest.mark.anyio
async def test_refusals_are_logged_discreetly(caplog: pytest.LogCaptureFixture) -> None:
    """The log says why, in words that hold nothing of the request."""
    caplog.set_level(logging.DEBUG)
    counts = Counts()
    await answered(request(b'{"to": "+6591234567"'), counts=counts)
    await answered(request(b"+6591234567", headers={"x-callback-id": "hmm"}), counts=counts)

    assert [
        "callback answered 400: the body is not JSON",
        "callback answered 401: X-CALLBACK-ID: not as documented",
    ] == [record.message for record in caplog.records if record.name == "engagelab_async"]
    assert Counts(refused=2) == counts


@pytest.mark.anyio
async def test_without_a_lifespan() -> None:
    """A mistake of the program is not answered 200, or events would be lost unnoticed."""
    with pytest.raises(RuntimeError, match="lifespan"):
        await Receiver(make_verifier(), print).answer("POST", request(body_of(ROW)))


def test_a_request_s_repr_is_discreet() -> None:
    """Its headers hold a signature, and what was agreed for Authorization."""
    shown = repr(request(b"", headers={"Authorization": "Bearer my_secret"}, address="8.8.8.8"))

    assert "my_secret" not in shown
    assert "8.8.8.8" in shown


def test_all_options_are_known() -> None:
    """What the adapters pass on is what there is to set."""
    known = get_type_hints(Delivery.__init__).keys() - {"handler", "return"}

    assert known == get_type_hints(DeliveryOptions).keys()


def test_what_can_never_be_right() -> None:
    """A mistake in the configuration names the argument."""
    with pytest.raises(ValueError, match=r"^max_body: "):
        Receiver(make_verifier(), print, max_body=0)
