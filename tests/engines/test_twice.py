"""A client of the caller that sends by itself more than once, or in its own way."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

import aiohttp
import pytest

from engagelab_async import ConfigurationError, ConnectError, ConnectionLostError
from engagelab_async.engines import Response, choose
from support.engine_cases import send
from support.hostile import Behaviour, Hostile, answers, closes, refusing, resets

Send = Callable[[aiohttp.ClientRequest], Awaitable[aiohttp.ClientResponse]]


async def repeats(request: aiohttp.ClientRequest, send_on: Send) -> aiohttp.ClientResponse:
    """Try twice, as retrying middlewares do."""
    try:
        response = await send_on(request)
    except aiohttp.ClientError:
        return await send_on(request)
    if response.status < 500:
        return response
    response.close()
    return await send_on(request)


async def repeats_with_the_session(
    request: aiohttp.ClientRequest, send_on: Send
) -> aiohttp.ClientResponse:
    """Try a second time as a request of its own."""
    try:
        return await send_on(request)
    except aiohttp.ClientError:
        return await request.session.request(
            request.method, request.url, data=request.body, middlewares=()
        )


async def repeats_with_a_copy(
    request: aiohttp.ClientRequest, send_on: Send
) -> aiohttp.ClientResponse:
    """Try a second time with the bytes alone."""
    try:
        return await send_on(request)
    except aiohttp.ClientError:
        return await sends_a_copy(request)


async def sends_copies(request: aiohttp.ClientRequest, _: Send) -> aiohttp.ClientResponse:
    """Try twice with the bytes alone."""
    try:
        return await sends_a_copy(request)
    except aiohttp.ClientError:
        return await sends_a_copy(request)


async def sends_a_copy(request: aiohttp.ClientRequest) -> aiohttp.ClientResponse:
    """Send the bytes as a request of its own."""
    body = await request.body.as_bytes()  # type: ignore[union-attr]
    return await request.session.request(request.method, request.url, data=body, middlewares=())


async def replaces_the_body(request: aiohttp.ClientRequest, send_on: Send) -> Any:  # noqa: ANN401
    """Send something else."""
    await request.update_body(b'{"changed": true}')
    return await repeats(request, send_on)


async def goes_another_way(request: aiohttp.ClientRequest, _: Send) -> Any:  # noqa: ANN401
    """Send the bytes with another client, and lose the answer."""
    body = await request.body.as_bytes()  # type: ignore[union-attr]
    async with (
        aiohttp.ClientSession() as other,
        other.request(request.method, request.url, data=body),
    ):
        raise aiohttp.ClientConnectionError


with pytest.warns(DeprecationWarning, match="discouraged"):

    class Repeating(aiohttp.ClientSession):
        """A session that tries twice."""

        async def _request(self, *args: Any, **options: Any) -> aiohttp.ClientResponse:  # noqa: ANN401
            try:
                return await super()._request(*args, **options)
            except aiohttp.ClientError:
                return await super()._request(*args, **options)


REPEATERS: Final = {
    "middleware": lambda: aiohttp.ClientSession(middlewares=[repeats]),
    "own_request": lambda: aiohttp.ClientSession(middlewares=[repeats_with_the_session]),
    "replaced_body": lambda: aiohttp.ClientSession(middlewares=[replaces_the_body]),
    "nested": lambda: aiohttp.ClientSession(middlewares=[repeats, repeats]),
    "subclass": Repeating,
}
repeaters = pytest.mark.parametrize("make", REPEATERS.values(), ids=REPEATERS)


async def send_with(
    make: Callable[[], aiohttp.ClientSession],
    url: str,
    *,
    method: str = "POST",
    body: bytes = b"{}",
) -> Response:
    """Send with a session of the caller, and close it."""
    async with make() as session:
        engine, _ = choose(session)
        return await send(engine, url, body, method=method)


@pytest.mark.asyncio
@repeaters
@pytest.mark.parametrize("method", ["POST", "DELETE"])
@pytest.mark.parametrize("status", [200, 400, 429])
async def test_answer_after_a_hidden_try(
    make: Callable[[], aiohttp.ClientSession], method: str, status: int
) -> None:
    """An answer to the second try says that there was a first one."""
    body = b"{}" if method == "POST" else b""
    with Hostile(closes, answers(status)) as server:
        response = await send_with(make, server.url, method=method, body=body)

        assert (status, 2) == (response.status, response.times_sent)
        assert 2 == len(server.requests)


@pytest.mark.asyncio
@repeaters
@pytest.mark.parametrize("first", [closes, resets], ids=["closed", "reset"])
async def test_refused_after_a_hidden_try(
    make: Callable[[], aiohttp.ClientSession], first: Behaviour
) -> None:
    """That the second try found no connection says nothing of the first one."""

    def last(peer: Any) -> None:  # noqa: ANN401
        peer.server.stop_listening()
        first(peer)

    with Hostile(last) as server:
        with pytest.raises(ConnectionLostError) as caught:
            await send_with(make, server.url)

        assert caught.value.may_have_been_sent
        assert 1 == len(server.requests)


@pytest.mark.asyncio
@repeaters
async def test_two_refusals(make: Callable[[], aiohttp.ClientSession]) -> None:
    """However often it was tried, nothing was sent where nobody listened."""
    with refusing() as url, pytest.raises(ConnectError) as caught:
        await send_with(make, url)

    assert not caught.value.may_have_been_sent


@pytest.mark.asyncio
@pytest.mark.parametrize("middleware", [repeats_with_a_copy, sends_copies])
@pytest.mark.parametrize("status", [200, 400, 429])
async def test_answer_to_a_hidden_copy(middleware: Any, status: int) -> None:  # noqa: ANN401
    """The answer to a copy that nobody saw leave says that there was another."""
    with Hostile(closes, answers(status)) as server:
        response = await send_with(
            lambda: aiohttp.ClientSession(middlewares=[middleware]), server.url
        )

        assert (status, 2) == (response.status, response.times_sent)
        assert 2 == len(server.requests)


@pytest.mark.asyncio
async def test_middleware_that_logs() -> None:
    """A middleware that reads the body, before and after, has sent it once."""

    async def logs(request: aiohttp.ClientRequest, send_on: Send) -> aiohttp.ClientResponse:
        assert b"{}" == await request.body.as_bytes()  # type: ignore[union-attr]
        response = await send_on(request)
        assert "{}" == request.body.decode()
        return response

    with Hostile(answers(429)) as server:
        response = await send_with(lambda: aiohttp.ClientSession(middlewares=[logs]), server.url)

    assert (429, 1) == (response.status, response.times_sent)


@pytest.mark.asyncio
async def test_one_try_counts_once() -> None:
    """A client that does not repeat has sent once."""
    with Hostile(answers(429)) as server:
        response = await send_with(aiohttp.ClientSession, server.url)

    assert 1 == response.times_sent


@pytest.mark.asyncio
async def test_body_that_was_read_may_have_been_sent() -> None:
    """Where a middleware takes the bytes and sends them in its own way, nobody knows."""
    with Hostile(answers(200)) as server:
        with pytest.raises(ConnectionLostError):
            await send_with(
                lambda: aiohttp.ClientSession(middlewares=[goes_another_way]), server.url
            )

        assert 1 == len(server.requests)


@pytest.mark.asyncio
async def test_middleware_that_fails_before_it_sends() -> None:
    """A fault in the caller's code, before anything was sent, is told as such."""

    async def fails(_: aiohttp.ClientRequest, __: Send) -> aiohttp.ClientResponse:
        raise LookupError

    with pytest.raises(ConfigurationError, match="before anything was sent") as caught:
        await send_with(lambda: aiohttp.ClientSession(middlewares=[fails]), "http://127.0.0.1:9")

    assert not caught.value.may_have_been_sent


@pytest.mark.asyncio
async def test_middleware_that_fails_after_the_answer() -> None:
    """A success that the caller's code made a failure of is told with its status."""

    async def fails(request: aiohttp.ClientRequest, send_on: Send) -> aiohttp.ClientResponse:
        (await send_on(request)).close()
        raise LookupError

    with Hostile(answers(200)) as server, pytest.raises(ConnectionLostError, match="HTTP 200"):
        await send_with(lambda: aiohttp.ClientSession(middlewares=[fails]), server.url)


@pytest.mark.asyncio
async def test_headers_that_left_before_their_answer() -> None:
    """A request without a body that asked whether to go on has left all the same."""
    session = aiohttp.ClientSession(headers={"Expect": "100-continue"})
    with Hostile(closes) as server, pytest.raises(ConnectionLostError):
        await send_with(lambda: session, server.url, method="DELETE", body=b"")
