"""A caller's client of httpx: once the body was taken, no class of exception proves anything."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import h2.config
import h2.connection
import h2.events
import httpx
import httpx2
import pytest

from engagelab_async import ConnectError, ConnectionLostError, EngageLabError
from engagelab_async.engines import Engine, choose
from engines.cases import send
from hostile import Hostile, Peer, answers, closes, http, refusing, says

LIBRARIES: Final[dict[str, Any]] = {"httpx": httpx, "httpx2": httpx2}
every_library = pytest.mark.parametrize("library", LIBRARIES.values(), ids=LIBRARIES)


@asynccontextmanager
async def engine_with(library: Any, **options: Any) -> AsyncIterator[Engine]:  # noqa: ANN401
    """Make an engine that sends with a client of the caller."""
    async with library.AsyncClient(**options) as client:
        engine, _ = choose(client)
        yield engine


async def failure(engine: Engine, url: str) -> EngageLabError:
    """Send what must fail, and return the error."""
    with pytest.raises(EngageLabError) as caught:
        await send(engine, url)
    return caught.value


async def outcome_of(engine: Engine, url: str) -> int | tuple[str, bool]:
    """Send, and return the status, or what the error says."""
    try:
        return (await send(engine, url)).status
    except EngageLabError as error:
        return type(error).__name__, error.may_have_been_sent


# ------------------------------------------------------------------------------- HTTP/2

Answer = Callable[[h2.connection.H2Connection, int], bytes]


def garbage(_: h2.connection.H2Connection, __: int) -> bytes:
    """Say what is no frame."""
    return b"\0\0\1\0\0\0\0\0\x63x"


def wrong_length(connection: h2.connection.H2Connection, stream: int) -> bytes:
    """Promise more than what comes."""
    connection.send_headers(stream, [(":status", "200"), ("content-length", "99")])
    connection.send_data(stream, b"{}", end_stream=True)
    return connection.data_to_send()


def goes_away(connection: h2.connection.H2Connection, _: int) -> bytes:
    """End the connection, and claim that it took no stream."""
    connection.close_connection(last_stream_id=0)
    return connection.data_to_send()


def resets(connection: h2.connection.H2Connection, stream: int) -> bytes:
    """Refuse the stream."""
    connection.reset_stream(stream, error_code=7)
    return connection.data_to_send()


def nothing(_: h2.connection.H2Connection, __: int) -> bytes:
    """Say nothing, and close."""
    return b""


def speaks_http2(answer: Answer) -> Callable[[Peer], None]:
    """Take a request over HTTP/2, and answer as told."""

    def behaviour(peer: Peer) -> None:
        connection = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False))
        connection.initiate_connection()
        peer.sends(connection.data_to_send())
        while True:
            for event in connection.receive_data(peer.receives()):
                if isinstance(event, h2.events.StreamEnded):
                    peer.server.carried_out += 1
                    peer.sends(answer(connection, event.stream_id))
                    peer.closes()
                    return
            peer.sends(connection.data_to_send())

    return behaviour


@every_library
@pytest.mark.parametrize("answer", [garbage, wrong_length, goes_away, resets, nothing])
async def test_http2_request_that_was_carried_out(library: Any, answer: Answer) -> None:  # noqa: ANN401
    """Whatever becomes of the answer, the request has left."""
    with Hostile(speaks_http2(answer)) as server:
        async with engine_with(library, http1=False, http2=True) as engine:
            error = await failure(engine, server.url)

        assert isinstance(error, ConnectionLostError)
        assert error.may_have_been_sent
        assert 1 == server.carried_out


# ------------------------------------------------------------------------------- redirects

LOCATIONS: Final = {
    "mail": "mailto:a@b",
    "no_host": "https:x",
    "data": "data:,x",
    "long": "x" * 65_530,
    "bad_name": "http://xn--/",
    "bad_port": "http://a:port/",
    "no_address": "http://[::1",
    "control": "http://a\x01b/",
    "elsewhere": "https://elsewhere.invalid/",
    "empty": "",
}


@every_library
@pytest.mark.parametrize("follow", [False, True])
@pytest.mark.parametrize("status", [301, 303, 307, 308])
@pytest.mark.parametrize("location", LOCATIONS.values(), ids=LOCATIONS)
async def test_redirect_that_cannot_be_followed(
    library: Any,  # noqa: ANN401
    location: str,
    status: int,
    follow: bool,
) -> None:
    """A redirect is an answer; one that cannot be read is a doubt, never a promise."""
    with Hostile(says(http(status, headers={"Location": location}))) as server:
        async with engine_with(library, follow_redirects=follow) as engine:
            outcome = await outcome_of(engine, server.url)

        assert outcome in {status, ("ConnectionLostError", True)}
        assert 1 == len(server.requests)


# ------------------------------------------------------------------------------- repeats


def same(_: Any, request: Any) -> Any:  # noqa: ANN401
    """Take the request again."""
    return request


def from_content(library: Any, request: Any) -> Any:  # noqa: ANN401
    """Make a request from the bytes."""
    return library.Request(
        request.method, request.url, headers=request.headers, content=request.content
    )


def from_content_with_extensions(library: Any, request: Any) -> Any:  # noqa: ANN401
    """Make a request from the bytes, which is traced as the first one."""
    again = from_content(library, request)
    again.extensions = request.extensions
    return again


def from_stream(library: Any, request: Any) -> Any:  # noqa: ANN401
    """Make a request from the stream."""
    return library.Request(
        request.method, request.url, headers=request.headers, stream=request.stream
    )


def from_stream_with_extensions(library: Any, request: Any) -> Any:  # noqa: ANN401
    """Make a request from the stream, which is traced as the first one."""
    return library.Request(
        request.method,
        request.url,
        headers=request.headers,
        stream=request.stream,
        extensions=request.extensions,
    )


COPIES: Final = (
    same,
    from_content,
    from_content_with_extensions,
    from_stream,
    from_stream_with_extensions,
)
every_copy = pytest.mark.parametrize("copy", COPIES)


def repeating(library: Any, copy: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401
    """Make a transport that sends a copy, and after a failure another one."""

    class Repeating(library.AsyncBaseTransport):  # type: ignore[misc]
        def __init__(self) -> None:
            self.inner = library.AsyncHTTPTransport()

        async def handle_async_request(self, request: Any) -> Any:  # noqa: ANN401
            try:
                response = await self.inner.handle_async_request(copy(library, request))
            except library.TransportError:
                return await self.inner.handle_async_request(copy(library, request))
            if response.status_code < 500:
                return response
            await response.aclose()
            return await self.inner.handle_async_request(copy(library, request))

        async def aclose(self) -> None:
            await self.inner.aclose()

    return Repeating()


def inheriting(library: Any, copy: Callable[[Any, Any], Any]) -> Any:  # noqa: ANN401
    """Make such a transport of httpx's own."""

    class Inheriting(library.AsyncHTTPTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:  # noqa: ANN401
            try:
                return await super().handle_async_request(copy(library, request))
            except library.TransportError:
                return await super().handle_async_request(copy(library, request))

    return Inheriting()


every_kind = pytest.mark.parametrize("kind", [repeating, inheriting])


@every_library
@every_copy
@every_kind
@pytest.mark.parametrize("status", [200, 400, 429])
async def test_answer_after_a_hidden_try(
    library: Any,  # noqa: ANN401
    copy: Callable[[Any, Any], Any],
    kind: Callable[..., Any],
    status: int,
) -> None:
    """An answer to the second try says that there was a first one."""
    with Hostile(closes, answers(status)) as server:
        async with engine_with(library, transport=kind(library, copy)) as engine:
            response = await send(engine, server.url)

        assert status == response.status
        assert response.times_sent > 1
        assert 2 == len(server.requests)


@every_library
@every_copy
@every_kind
async def test_refused_after_a_hidden_try(
    library: Any,  # noqa: ANN401
    copy: Callable[[Any, Any], Any],
    kind: Callable[..., Any],
) -> None:
    """That the second try found no connection says nothing of the first one."""

    def last(peer: Peer) -> None:
        peer.server.stop_listening()
        closes(peer)

    with Hostile(last) as server:
        async with engine_with(library, transport=kind(library, copy)) as engine:
            error = await failure(engine, server.url)

        assert error.may_have_been_sent
        assert 1 == len(server.requests)


@every_library
@every_copy
@every_kind
async def test_one_try_counts_once(
    library: Any,  # noqa: ANN401
    copy: Callable[[Any, Any], Any],
    kind: Callable[..., Any],
) -> None:
    """A transport that did not have to repeat has sent once."""
    with Hostile(answers(429)) as server:
        async with engine_with(library, transport=kind(library, copy)) as engine:
            response = await send(engine, server.url)

        assert 1 == response.times_sent


@every_library
@pytest.mark.parametrize("copy", [same, from_stream_with_extensions])
async def test_two_refusals(library: Any, copy: Callable[[Any, Any], Any]) -> None:  # noqa: ANN401
    """However often it was tried, nothing was sent where nobody listened."""
    with refusing() as url:
        async with engine_with(library, transport=repeating(library, copy)) as engine:
            error = await failure(engine, url)

    assert isinstance(error, ConnectError)
    assert not error.may_have_been_sent
