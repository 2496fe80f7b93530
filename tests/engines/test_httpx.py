"""The engines on httpx, and on httpx2: its exceptions, and what of a caller's client applies."""

import gzip
import inspect
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, Final

import httpx
import httpx2
import pytest

from engagelab_async import (
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ResponseTimeoutError,
    TransportError,
)
from engagelab_async.engines import Response, choose
from engagelab_async.engines.httpx import _has_more, _holds_bytes
from support.engine_cases import HEADERS, send
from support.hostile import Hostile, answers, http, refusing, says

Library = Any
"""httpx or httpx2: the same names in two modules."""

Client = Any
"""An ``AsyncClient`` of either."""

Handler = Callable[[Any], Awaitable[object]]

LIBRARIES: Final[list[Library]] = [httpx, httpx2]
URL: Final = "http://api.invalid/v1/codes"

PLACES: Final[dict[str, type[TransportError]]] = {
    "CloseError": ConnectionLostError,
    "ConnectError": ConnectError,
    "ConnectTimeout": ConnectError,
    "CookieConflict": ConnectionLostError,
    "DecodingError": ConnectionLostError,
    "HTTPError": ConnectionLostError,
    "InvalidURL": ConnectError,
    "LocalProtocolError": ConnectionLostError,
    "NetworkError": ConnectionLostError,
    "PoolTimeout": ConnectError,
    "ProtocolError": ConnectionLostError,
    "ProxyError": ConnectError,
    "ReadError": ConnectionLostError,
    "ReadTimeout": ResponseTimeoutError,
    "RemoteProtocolError": ConnectionLostError,
    "RequestError": ConnectionLostError,
    "RequestNotRead": ConnectionLostError,
    "ResponseNotRead": ConnectionLostError,
    "StreamClosed": ConnectionLostError,
    "StreamConsumed": ConnectionLostError,
    "StreamError": ConnectionLostError,
    "TimeoutException": ResponseTimeoutError,
    "TooManyRedirects": ConnectionLostError,
    "TransportError": ConnectionLostError,
    "UnsupportedProtocol": ConnectError,
    "WriteError": ConnectionLostError,
    "WriteTimeout": ResponseTimeoutError,
}
"""Where the public exceptions belong; but for ``HTTPStatusError``, which is an answer."""

ALL_PLACES: Final = [
    *((httpx, name, place) for name, place in PLACES.items()),
    *((httpx2, name, place) for name, place in PLACES.items()),
    (httpx2, "SSEError", ConnectionLostError),
]

every_library = pytest.mark.parametrize("library", LIBRARIES, ids=["httpx", "httpx2"])


def exceptions(library: Library) -> dict[str, type[Exception]]:
    """Return the public exceptions of a library."""
    public = {name: getattr(library, name) for name in library.__all__}
    return {
        name: value
        for name, value in public.items()
        if inspect.isclass(value) and issubclass(value, Exception)
    }


async def send_with(
    client: Client, url: str = URL, body: bytes = b"{}", max_bytes: int = 100_000
) -> Response:
    """Send with a client of the caller, and close it."""
    engine, _ = choose(client)
    async with client:
        return await send(engine, url, body, max_bytes=max_bytes)


def mocked(library: Library, handler: Handler) -> Client:
    """Make a client whose transport is a function; as all mocks do, it reads the request."""
    return library.AsyncClient(transport=library.MockTransport(handler))


# ------------------------------------------------------------------------------- exceptions


@every_library
def test_every_exception_has_a_place(library: Library) -> None:
    """No public exception of the library is missing here."""
    placed = {name for owner, name, _ in ALL_PLACES if owner is library}

    assert set(exceptions(library)) == placed | {"HTTPStatusError"}


@pytest.mark.asyncio
@pytest.mark.parametrize(("library", "name", "place"), ALL_PLACES)
async def test_exception_is_mapped(
    library: Library, name: str, place: type[TransportError]
) -> None:
    """Whatever the library raises comes out as one of the tree, without the words it came with."""
    kind = exceptions(library)[name]

    async def fails(_: httpx.Request) -> None:
        try:
            error = kind("see http://user:secret@proxy")
        except TypeError:
            error = kind()
        raise error

    with pytest.raises(place) as caught:
        await send_with(mocked(library, fails))

    assert place is caught.type
    assert isinstance(caught.value.__cause__, kind)
    assert "secret" not in str(caught.value)


@pytest.mark.asyncio
@every_library
async def test_status_error_is_an_answer(library: Library) -> None:
    """A transport that makes an exception of an error status has brought an answer."""

    async def fails(request: httpx.Request) -> None:
        answer = library.Response(418, request=request, content=b"tea")
        raise library.HTTPStatusError("no coffee", request=request, response=answer)

    response = await send_with(mocked(library, fails))

    assert (418, b"tea") == (response.status, response.body)


@pytest.mark.asyncio
@every_library
async def test_error_of_the_socket_is_mapped(library: Library) -> None:
    """What a transport forgets to wrap is a lost connection."""

    async def breaks(request: httpx.Request) -> None:
        raise BrokenPipeError

    with pytest.raises(ConnectionLostError, match="BrokenPipeError"):
        await send_with(mocked(library, breaks))


@pytest.mark.asyncio
@every_library
async def test_timeout_of_the_transport_is_mapped(library: Library) -> None:
    """A transport with a time limit of its own ends like one without."""

    async def expires(request: httpx.Request) -> None:
        raise TimeoutError

    with pytest.raises(ResponseTimeoutError):
        await send_with(mocked(library, expires))


@pytest.mark.asyncio
@every_library
async def test_transport_of_the_caller_is_not_second_guessed(library: Library) -> None:
    """A transport of unknown make need not ask for the body, so that proves nothing."""

    class Deaf(library.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            raise library.ReadError("gone")

    with pytest.raises(ConnectionLostError):
        await send_with(library.AsyncClient(transport=Deaf()))


@pytest.mark.asyncio
@every_library
async def test_request_can_be_read_again(library: Library) -> None:
    """A transport that repeats requests by itself gets the body each time."""
    bodies: list[bytes] = []

    class Repeating(library.AsyncBaseTransport):  # type: ignore[misc]
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            for _ in range(2):
                chunks: Any = request.stream
                bodies.extend([chunk async for chunk in chunks])
            answer: httpx.Response = library.Response(200)
            return answer

    await send_with(library.AsyncClient(transport=Repeating()), body=b"{}")

    assert [b"{}", b"{}"] == bodies


# ------------------------------------------------------------------------------- settings


@pytest.mark.asyncio
@every_library
async def test_timeouts_of_the_client_do_not_apply(library: Library) -> None:
    """Only the limit of the call counts."""
    slow = library.AsyncClient(timeout=library.Timeout(1e-9))
    with Hostile(answers(200, 1)) as server:
        response = await send_with(slow, server.url)

    assert 200 == response.status


@pytest.mark.asyncio
@every_library
async def test_auth_of_the_client_does_not_apply(library: Library) -> None:
    """The key pair of the product is what the API is told."""
    with Hostile(answers(401)) as server:
        await send_with(library.AsyncClient(auth=("somebody", "else")), server.url)
        (received,) = server.requests

    assert [dict(HEADERS)["Authorization"]] == received.values("Authorization")


@pytest.mark.asyncio
@every_library
async def test_redirects_of_the_client_do_not_apply(library: Library) -> None:
    """A redirect is not followed, even by a client that would."""
    with Hostile(answers(307, headers={"Location": "/elsewhere"}), answers(200)) as server:
        response = await send_with(library.AsyncClient(follow_redirects=True), server.url)

        assert 307 == response.status
        assert 1 == len(server.requests)


@pytest.mark.asyncio
@every_library
async def test_headers_and_cookies_of_the_client_apply(library: Library) -> None:
    """What the client adds to its requests is added to ours, where they do not say otherwise."""
    client = library.AsyncClient(
        headers={"X-Tenant": "7", "Content-Type": "text/plain"}, cookies={"route": "a"}
    )
    with Hostile(answers(200)) as server:
        await send_with(client, server.url)
        (received,) = server.requests

    assert ["7"] == received.values("X-Tenant")
    assert ["route=a"] == received.values("Cookie")
    assert ["application/json"] == received.values("Content-Type")


@pytest.mark.asyncio
@every_library
async def test_hooks_of_the_client_apply(library: Library) -> None:
    """Event hooks see the request and the answer."""
    seen: list[str] = []

    async def leaving(request: httpx.Request) -> None:
        request.headers["X-Request-Id"] = "7"

    async def arriving(response: httpx.Response) -> None:
        seen.append(f"{response.status_code} {response.request.url}")

    client = library.AsyncClient(event_hooks={"request": [leaving], "response": [arriving]})
    with Hostile(answers(200, 1)) as server:
        response = await send_with(client, server.url)
        (received,) = server.requests

    assert ["7"] == received.values("X-Request-Id")
    assert [f"200 {server.url}"] == seen
    assert b"1" == response.body


@pytest.mark.asyncio
@every_library
async def test_hook_may_read_the_answer(library: Library) -> None:
    """A body that a hook has read, and so decompressed, is not said to be compressed."""

    async def reads(response: httpx.Response) -> None:
        await response.aread()

    client = library.AsyncClient(event_hooks={"response": [reads]})
    with Hostile(
        says(http(200, gzip.compress(b"{}", mtime=0), {"Content-Encoding": "gzip"}))
    ) as server:
        response = await send_with(client, server.url)

    assert b"{}" == response.body
    assert "content-encoding" not in response.headers


@pytest.mark.asyncio
@every_library
async def test_hook_may_raise_for_status(library: Library) -> None:
    """An error status is an answer, even to a client that makes exceptions of them."""

    async def raises(response: httpx.Response) -> None:
        response.raise_for_status()

    client = library.AsyncClient(event_hooks={"response": [raises]})
    with Hostile(answers(429, 1, headers={"Retry-After": "7"})) as server:
        response = await send_with(client, server.url)

    assert (429, "7", b"") == (response.status, response.headers["retry-after"], response.body)


@pytest.mark.asyncio
@every_library
async def test_hook_may_read_and_raise_for_status(library: Library) -> None:
    """What a hook has read before it raised is not lost."""

    async def reads_and_raises(response: httpx.Response) -> None:
        await response.aread()
        response.raise_for_status()

    client = library.AsyncClient(event_hooks={"response": [reads_and_raises]})
    with Hostile(answers(400, {"code": 5016})) as server:
        response = await send_with(client, server.url)

    assert (400, {"code": 5016}) == (response.status, json.loads(response.body))


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize(
    ("moment", "place"), [("request", ConnectError), ("response", ConnectionLostError)]
)
async def test_hook_with_a_failing_request(
    library: Library, moment: str, place: type[TransportError]
) -> None:
    """A request that a hook makes itself, and that never left, says nothing about ours."""
    with refusing() as elsewhere, Hostile(answers(200)) as server:

        async def tells_elsewhere(_: object) -> None:
            async with library.AsyncClient() as another:
                await another.post(elsewhere)

        client = library.AsyncClient(event_hooks={moment: [tells_elsewhere]})
        with pytest.raises(place, match="an event hook failed"):
            await send_with(client, server.url)


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize("name", ["ConnectError", "HTTPError"])
async def test_hook_with_an_error_of_its_own(library: Library, name: str) -> None:
    """What a hook raises when the answer is there does not mean that nothing was sent."""

    async def stumbles(_: object) -> None:
        raise exceptions(library)[name]("whatever")

    client = library.AsyncClient(event_hooks={"response": [stumbles]})
    with Hostile(answers(200)) as server, pytest.raises(ConnectionLostError):
        await send_with(client, server.url)


@pytest.mark.asyncio
@every_library
async def test_hook_with_a_refused_request(library: Library) -> None:
    """The status of a request that a hook makes itself is not taken for the answer to ours."""
    with Hostile(answers(200, 1), answers(404)) as server:

        async def tells_elsewhere(_: object) -> None:
            async with library.AsyncClient() as another:
                (await another.post(server.url)).raise_for_status()

        client = library.AsyncClient(event_hooks={"response": [tells_elsewhere]})
        with pytest.raises(ConnectionLostError):
            await send_with(client, server.url)


@pytest.mark.asyncio
@every_library
async def test_failure_of_a_hook_after_the_answer(library: Library) -> None:
    """A bug in a hook does not hide that the request was answered, and how."""

    async def stumbles(_: object) -> None:
        raise LookupError

    client = library.AsyncClient(event_hooks={"response": [stumbles]})
    with (
        Hostile(answers(200)) as server,
        pytest.raises(ConnectionLostError, match=r"LookupError.* HTTP 200") as caught,
    ):
        await send_with(client, server.url)

    assert isinstance(caught.value.__cause__, LookupError)


@pytest.mark.asyncio
@every_library
@pytest.mark.parametrize("error", [LookupError, OSError, "ReadTimeout", "HTTPError"])
async def test_failure_of_a_hook_before_the_request(
    library: Library, error: type[Exception] | str
) -> None:
    """Whatever a hook raises before the request leaves, nothing was sent."""

    async def stumbles(request: httpx.Request) -> None:
        assert b"{}" == request.content
        raise exceptions(library)[error]("no") if isinstance(error, str) else error

    client = library.AsyncClient(event_hooks={"request": [stumbles]})
    with Hostile(answers(200)) as server:
        with pytest.raises((ConnectError, ConfigurationError)) as caught:
            await send_with(client, server.url)

        assert [] == server.requests
    assert not caught.value.may_have_been_sent


@pytest.mark.asyncio
@every_library
async def test_hook_may_look_at_the_body(library: Library) -> None:
    """As it may with the library alone, before the request and after the answer."""
    seen: list[object] = []

    async def looks(request: httpx.Request) -> None:
        seen.extend([request.content, request.read(), await request.aread(), request.headers])

    async def looks_back(response: httpx.Response) -> None:
        await looks(response.request)

    client = library.AsyncClient(event_hooks={"request": [looks], "response": [looks_back]})
    with Hostile(answers(200, 1)) as server:
        response = await send_with(client, server.url)

        assert (1, b"{}") == (len(server.requests), server.requests[0].body)
    assert [b"{}"] * 6 == [value for value in seen if isinstance(value, bytes)]
    assert (200, 1) == (response.status, response.times_sent)


# ------------------------------------------------------------------------------- mocks


@pytest.mark.asyncio
@every_library
async def test_mocked_answer(library: Library) -> None:
    """A mocked transport sees the request, and its answer is one."""

    async def handler(request: httpx.Request) -> httpx.Response:
        assert ("POST", URL, b"{}") == (request.method, str(request.url), request.content)
        answer: httpx.Response = library.Response(201, json={"a": 1}, headers={"X-Pot": "tea"})
        return answer

    response = await send_with(mocked(library, handler), body=b"{}")

    assert (201, {"a": 1}) == (response.status, json.loads(response.body))
    assert "tea" == response.headers["x-pot"]


@pytest.mark.asyncio
@every_library
async def test_mocked_endless_answer(library: Library) -> None:
    """A stream that never waits for anything is cut off as well."""

    async def blanks() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 1000

    async def handler(request: httpx.Request) -> httpx.Response:
        answer: httpx.Response = library.Response(200, content=blanks())
        return answer

    response = await send_with(mocked(library, handler), max_bytes=10_000)

    assert 10_000 < len(response.body) < 20_000


# ------------------------------------------------------------------------------- what is left


def test_connection_whose_insides_are_not_known_is_not_used_again() -> None:
    """Another version of the library may keep its connections elsewhere."""
    assert _has_more(object())  # type: ignore[arg-type]


def test_records_that_were_not_decrypted_are_left_over() -> None:
    """A second answer may have come in a TLS record of its own, which nothing has asked for yet."""
    undecrypted = ssl.MemoryBIO()
    stream = SimpleNamespace(
        _read_bio=undecrypted, _ssl_object=SimpleNamespace(pending=lambda: 0), _protocol=None
    )
    connection = SimpleNamespace(
        _h11_state=SimpleNamespace(trailing_data=(b"", False)),
        _network_stream=SimpleNamespace(_stream=stream),
    )
    before = _holds_bytes(connection)
    undecrypted.write(b"a record")

    assert (False, True) == (before, _holds_bytes(connection))
