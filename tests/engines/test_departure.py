"""A caller's client of httpx: once the body was taken, no class of exception proves anything."""

import copy
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final
from unittest.mock import patch

import h2.config
import h2.connection
import h2.events
import httpx
import httpx2
import pytest

from engagelab_async import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    EngageLabError,
)
from engagelab_async.engines import Engine, choose
from support.engine_cases import send
from support.hostile import Hostile, Peer, answers, closes, http, refusing, says

LIBRARIES: Final[dict[str, Any]] = {"httpx": httpx, "httpx2": httpx2}
BODY: Final = b'{"to":"1"}'
"""What is sent."""

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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize("copy", [same, from_stream_with_extensions])
async def test_two_refusals(library: Any, copy: Callable[[Any, Any], Any]) -> None:  # noqa: ANN401
    """However often it was tried, nothing was sent where nobody listened."""
    with refusing() as url:
        async with engine_with(library, transport=repeating(library, copy)) as engine:
            error = await failure(engine, url)

    assert isinstance(error, ConnectError)
    assert not error.may_have_been_sent


# ------------------------------------------------------------------------------- mixed repeats


def in_turn(*copies: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    """Make a client whose transport sends these copies in turn, until one is answered."""

    def make(library: Any) -> Any:  # noqa: ANN401
        class InTurn(library.AsyncHTTPTransport):  # type: ignore[misc]
            async def handle_async_request(self, request: Any) -> Any:  # noqa: ANN401
                *others, last = copies
                for make_copy in others:
                    with suppress(library.TransportError):
                        return await super().handle_async_request(make_copy(library, request))
                return await super().handle_async_request(last(library, request))

        return library.AsyncClient(transport=InTurn())

    return make


def rebuilt_by_the_client(library: Any) -> Any:  # noqa: ANN401
    """Make a client that sends copies of its requests, twice if need be."""

    class Rebuilding(library.AsyncClient):  # type: ignore[misc]
        async def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401
            try:
                return await super().send(from_content(library, request), **options)
            except library.TransportError:
                return await super().send(from_content(library, request), **options)

    return Rebuilding()


def rebuilt_the_second_time(library: Any) -> Any:  # noqa: ANN401
    """Make a client whose method was replaced by one that repeats with a copy."""
    client = library.AsyncClient()
    send_once = client.send

    async def send(request: Any, **options: Any) -> Any:  # noqa: ANN401
        try:
            return await send_once(request, **options)
        except library.TransportError:
            return await send_once(from_content(library, request), **options)

    client.send = send
    return client


def rebuilt_by_a_patch(library: Any) -> Any:  # noqa: ANN401
    """Make a client with a transport of httpx's own, whose method was replaced."""
    transport = library.AsyncHTTPTransport()
    handle = transport.handle_async_request

    async def repeat(request: Any) -> Any:  # noqa: ANN401
        try:
            return await handle(from_content(library, request))
        except library.TransportError:
            return await handle(from_content(library, request))

    transport.handle_async_request = repeat
    return library.AsyncClient(transport=transport)


def rerouted_by_a_hook(library: Any) -> Any:  # noqa: ANN401
    """Make a client whose hook sends requests to another transport."""

    async def reroutes(request: Any) -> None:  # noqa: ANN401
        request.url = request.url.copy_with(host="localhost")

    return library.AsyncClient(
        event_hooks={"request": [reroutes]},
        mounts={"all://localhost": repeating(library, from_content)},
    )


def repeats_what_a_hook_replaced(library: Any) -> Any:  # noqa: ANN401
    """Make a client whose hook leaves nothing of the request in its place, and that repeats."""

    async def replaces(request: Any) -> None:  # noqa: ANN401
        request.stream = library.ByteStream(request.content)
        request.extensions = {}

    return library.AsyncClient(
        event_hooks={"request": [replaces]}, transport=repeating(library, same)
    )


HIDDEN: Final = {
    "copy_second": in_turn(same, from_content),
    "copy_without_trace_second": in_turn(from_content_with_extensions, from_content),
    "by_the_client": rebuilt_by_the_client,
    "by_the_client_second": rebuilt_the_second_time,
    "by_a_patch": rebuilt_by_a_patch,
    "rerouted": rerouted_by_a_hook,
    "replaced": repeats_what_a_hook_replaced,
}
every_hidden = pytest.mark.parametrize("make", HIDDEN.values(), ids=HIDDEN)


@pytest.mark.asyncio
@every_library
@every_hidden
@pytest.mark.parametrize("status", [200, 400, 429])
async def test_answer_to_a_hidden_copy(
    library: Any,  # noqa: ANN401
    make: Callable[[Any], Any],
    status: int,
) -> None:
    """Whoever makes the copy, and of whatever: the answer to it says that there was another."""
    with Hostile(closes, answers(status)) as server:
        async with make(library) as client:
            response = await send(choose(client)[0], server.url)

        assert (status, 2) == (response.status, response.times_sent)
        assert [BODY] * 2 == [request.body for request in server.requests]


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize(
    "make", [*HIDDEN.values(), in_turn(from_content, same)], ids=[*HIDDEN, "copy_first"]
)
async def test_refused_after_a_hidden_copy(library: Any, make: Callable[[Any], Any]) -> None:  # noqa: ANN401
    """That the last copy found no connection says nothing of the first one."""

    def last(peer: Peer) -> None:
        peer.server.stop_listening()
        closes(peer)

    with Hostile(last) as server:
        async with make(library) as client:
            error = await failure(choose(client)[0], server.url)

        assert error.may_have_been_sent
        assert 1 == len(server.requests)


@pytest.mark.asyncio
@every_library
async def test_transport_that_logs(library: Any) -> None:  # noqa: ANN401
    """A transport that reads the request, before and after, has sent it once."""

    class Logging(library.AsyncHTTPTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:  # noqa: ANN401
            assert BODY == request.content
            response = await super().handle_async_request(request)
            assert BODY == await request.aread()
            return response

    with Hostile(answers(429)) as server:
        async with engine_with(library, transport=Logging()) as engine:
            response = await send(engine, server.url)

    assert (429, 1) == (response.status, response.times_sent)


# ------------------------------------------------------------------------------- hooks


@pytest.mark.asyncio
@every_library
async def test_hook_that_replaces_the_body(library: Any) -> None:  # noqa: ANN401
    """What a hook puts in the place of the body is sent, as with the library alone."""

    async def replaces(request: Any) -> None:  # noqa: ANN401
        request.stream = library.ByteStream(bytes(len(BODY)))

    with Hostile(closes) as server:
        async with engine_with(library, event_hooks={"request": [replaces]}) as engine:
            error = await failure(engine, server.url)

        assert isinstance(error, ConnectionLostError)
        assert [bytes(len(BODY))] == [request.body for request in server.requests]


@pytest.mark.asyncio
@every_library
async def test_hook_that_traces(library: Any) -> None:  # noqa: ANN401
    """A hook that traces its request hides nothing, and goes without nothing."""
    traced: list[str] = []

    async def follow(event: str, _: object) -> None:
        traced.append(event)

    async def traces(request: Any) -> None:  # noqa: ANN401
        request.extensions = {"trace": follow}

    with refusing() as url:
        async with engine_with(library, event_hooks={"request": [traces]}) as engine:
            error = await failure(engine, url)

    assert isinstance(error, ConnectError)
    assert "connection.connect_tcp.failed" in traced


@pytest.mark.asyncio
@every_library
async def test_hook_that_replaces_the_extensions(library: Any) -> None:  # noqa: ANN401
    """It does not hide that the request has left before a redirect could not be parsed."""

    async def replaces(request: Any) -> None:  # noqa: ANN401
        request.extensions = {}

    with Hostile(says(http(307, headers={"Location": "x" * 65_530}))) as server:
        async with engine_with(library, event_hooks={"request": [replaces]}) as engine:
            outcome = await outcome_of(engine, server.url)

        # To httpx2 it is an answer.
        assert outcome in {307, ("ConnectionLostError", True)}
        assert 1 == len(server.requests)


@pytest.mark.asyncio
@every_library
async def test_hook_that_copies_the_request(library: Any) -> None:  # noqa: ANN401
    """A copy that somebody keeps has no part in what is sent."""

    async def copies(request: Any) -> None:  # noqa: ANN401
        assert BODY == copy.copy(request).content

    with Hostile(answers(200)) as server:
        async with engine_with(library, event_hooks={"request": [copies]}) as engine:
            await send(engine, server.url)

        assert [BODY] == [request.body for request in server.requests]


# ------------------------------------------------------------------------------- mocks


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize(
    "target", ["AsyncHTTPTransport.handle_async_request", "AsyncClient.send"], ids=str.lower
)
@pytest.mark.parametrize(
    ("name", "is_doubt"),
    [("ConnectError", False), ("ConnectTimeout", False), ("ReadTimeout", True)],
)
async def test_patched_library(library: Any, target: str, name: str, is_doubt: bool) -> None:  # noqa: ANN401
    """What a test has put in the place of the library plays what it raises."""
    played = patch(f"{library.__name__}.{target}", side_effect=getattr(library, name)("no"))
    async with engine_with(library) as engine:
        with played:
            error = await failure(engine, "http://api.invalid")

    assert is_doubt is error.may_have_been_sent


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize(("name", "is_doubt"), [("ConnectError", False), ("ReadTimeout", True)])
async def test_patched_library_below_an_engine_of_ours(
    library: Any,  # noqa: ANN401
    name: str,
    is_doubt: bool,
) -> None:
    """A mock that does not even read the request plays what it raises, too."""
    engine, _ = choose(library.__name__)
    played = patch(
        f"{library.__name__}.AsyncHTTPTransport.handle_async_request",
        side_effect=getattr(library, name)("no"),
    )
    with played:
        error = await failure(engine, "http://api.invalid")
    await engine.aclose()

    assert is_doubt is error.may_have_been_sent


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize(("name", "is_doubt"), [("ConnectError", False), ("ReadTimeout", True)])
async def test_mock_below_a_client_of_another_class(
    library: Any,  # noqa: ANN401
    name: str,
    is_doubt: bool,
) -> None:
    """A mock stays one where the client sends in its own way."""

    class Client(library.AsyncClient):  # type: ignore[misc]
        async def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401
            return await super().send(request, **options)

    async def fails(_: object) -> None:
        raise getattr(library, name)("no")

    async with Client(transport=library.MockTransport(fails)) as client:
        error = await failure(choose(client)[0], "http://api.invalid")

    assert is_doubt is error.may_have_been_sent


@pytest.mark.asyncio
@every_library
async def test_transport_that_refuses_to_send(library: Any) -> None:  # noqa: ANN401
    """A transport that fails without looking at the body, as breakers of circuits do."""

    class Open(library.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: Any) -> Any:  # noqa: ANN401
            raise RuntimeError

    async with engine_with(library, transport=Open()) as engine:
        error = await failure(engine, "http://api.invalid")

    assert isinstance(error, ConfigurationError)
