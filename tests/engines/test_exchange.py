"""Every engine: what leaves, and what comes back."""

import gzip

import pytest

from engagelab_async import ConnectionLostError
from engagelab_async.engines import Engine
from support.engine_cases import every_engine, send
from support.hostile import Hostile, Peer, answers, authority, closes, floods, http, says


@every_engine
async def test_answer_passes_through(engine: Engine) -> None:
    """Status, headers and body are those of the server."""
    with Hostile(says(http(418, b"short and stout", {"X-Pot": "tea"}))) as server:
        response = await send(engine, server.url)

    assert (418, b"short and stout") == (response.status, response.body)
    assert "tea" == response.headers["x-pot"]


@every_engine
@pytest.mark.parametrize("method", ["POST", "PUT"])
async def test_request_leaves_as_it_is(engine: Engine, method: str) -> None:
    """Method, path and body arrive as given, with the two headers that an engine adds."""
    with Hostile(answers(200)) as server:
        await send(
            engine, f"{server.url}/sms/v1/t%2F1?a=b%20%2B%2F%26", "{'é'}".encode(), method=method
        )
        (received,) = server.requests

    assert (method, "/sms/v1/t%2F1?a=b%20%2B%2F%26") == (received.method, received.target)
    assert "{'é'}".encode() == received.body
    assert [server.url.removeprefix("http://")] == received.values("Host")
    assert ["6"] == received.values("Content-Length")
    assert [] == received.values("Transfer-Encoding")


@every_engine
async def test_headers_arrive_once(engine: Engine) -> None:
    """A header of the request replaces what the HTTP library would have sent in its place."""
    with Hostile(answers(200)) as server:
        await send(engine, server.url)
        (received,) = server.requests

    assert ["Basic a2V5OnNlY3JldA=="] == received.values("Authorization")
    assert ["application/json"] == received.values("Content-Type")


@every_engine
@pytest.mark.parametrize("method", ["GET", "DELETE"])
async def test_request_without_a_body(engine: Engine, method: str) -> None:
    """A request may have no body; the connection can be used again afterwards."""
    with Hostile(answers(200, {"a": 1}), answers(200, {"a": 2})) as server:
        first = await send(engine, server.url, b"", method=method)
        second = await send(engine, server.url, b"", method=method)

        assert [b'{"a": 1}', b'{"a": 2}'] == [first.body, second.body]
        assert [(method, b"")] * 2 == [(each.method, each.body) for each in server.requests]
        assert 1 == server.connections


@every_engine
async def test_redirect_is_not_followed(engine: Engine) -> None:
    """A redirect is an answer like any other."""
    with Hostile(answers(307, headers={"Location": "/elsewhere"}), answers(200)) as server:
        response = await send(engine, server.url)

        assert (307, "/elsewhere") == (response.status, response.headers["location"])
        assert 1 == len(server.requests)


@every_engine
async def test_compression_is_not_undone(engine: Engine) -> None:
    """The body is what came over the wire."""
    compressed = gzip.compress(b"{}", mtime=0)
    with Hostile(says(http(200, compressed, {"Content-Encoding": "gzip"}))) as server:
        response = await send(engine, server.url)

    assert ("gzip", compressed) == (response.headers["content-encoding"], response.body)


@every_engine
async def test_interim_answers_are_passed_over(engine: Engine) -> None:
    """Answers of the 1xx class precede the real one."""
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </>\r\n\r\n"
    with Hostile(says(interim + http(200, b"real"))) as server:
        response = await send(engine, server.url)

    assert (200, b"real") == (response.status, response.body)


@every_engine
async def test_https(engine: Engine) -> None:
    """A server with a certificate that the machine trusts is talked to over TLS."""
    with Hostile(answers(200, {"a": 1}), ca=authority()) as server:
        first = await send(engine, server.url)
        second = await send(engine, server.url)

        assert b'{"a": 1}' == first.body == second.body
        assert 1 == server.connections


@every_engine
@pytest.mark.parametrize("chunked", [False, True], ids=["content_length", "chunked"])
async def test_endless_body_is_cut_off(engine: Engine, chunked: bool) -> None:
    """Of a body of 4 GB little more than the bound is read, and its connection is dropped."""
    with Hostile(floods(chunked=chunked)) as server:
        response = await send(engine, server.url, max_bytes=10_000)

        assert 200 == response.status
        assert 10_000 < len(response.body) < 10_000_000
        await server.until(lambda: server.open == 0)
        # What the client never read is in the buffers of two sockets.
        assert server.sent < 100_000_000


@every_engine
async def test_body_as_large_as_the_bound(engine: Engine) -> None:
    """A body that just fits is read, and its connection used again."""
    with Hostile(says(http(200, b"x" * 10_000))) as server:
        first = await send(engine, server.url, max_bytes=10_000)
        second = await send(engine, server.url, max_bytes=10_000)

        assert b"x" * 10_000 == first.body == second.body
        assert 1 == server.connections


@every_engine
async def test_answer_after_an_oversized_one(engine: Engine) -> None:
    """A connection whose answer was not read to its end is not used again."""
    with Hostile(floods(), answers(200, {"a": 1})) as server:
        await send(engine, server.url, max_bytes=10_000)
        response = await send(engine, server.url)

        assert b'{"a": 1}' == response.body
        assert 2 == server.connections


@every_engine
@pytest.mark.parametrize("behind", [b"\r\n", http(200, b"another")], ids=["blank", "answer"])
async def test_what_follows_the_answer_is_no_part_of_it(engine: Engine, behind: bytes) -> None:
    """The body ends where its length says, whatever a server sends behind it."""
    with Hostile(says(http(200, b"real") + behind, Peer.closes)) as server:
        response = await send(engine, server.url)

    assert (200, b"real") == (response.status, response.body)


@every_engine
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "GET"])
async def test_request_is_sent_once(engine: Engine, method: str) -> None:
    """Whether to repeat a request is for others to decide, whatever its method."""
    with Hostile(answers(200), closes, answers(200)) as server:
        await send(engine, server.url, method=method)
        with pytest.raises(ConnectionLostError):
            await send(engine, server.url, method=method)

        assert 2 == len(server.requests)
