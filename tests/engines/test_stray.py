"""Every engine: what a server says unasked is nobody's answer."""

from threading import Event, Semaphore
from typing import Final

import anyio
import pytest

from engagelab_async.engines import Engine
from support.engine_cases import every_engine, every_owner, every_watcher, send
from support.hostile import Behaviour, Hostile, Peer, answers, authority, http, says

secure_or_not = pytest.mark.parametrize("secure", [False, True], ids=["http", "https"])

STRAYS: Final[dict[str, bytes]] = {
    "accepted": http(200, b'{"plan_id": 1}'),
    "throttled": http(429, b"{}"),
    "refused": http(400, b'{"code": 5016}'),
    "without_a_body": http(204),
    "interim": b"HTTP/1.1 100 Continue\r\n\r\n",
    "early_hints": b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n",
    "several": http(200, b"1") * 3,
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n7\r\n0\r\n\r\n",
    "half": http(200, b'{"plan_id": 1}')[:-5],
    "half_a_head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "status_line": b"HTTP/1.1 200 OK\r\n",
    "one_letter": b"H",
}
"""What a server may say without having been asked."""

SOME: Final = [(STRAYS["half_a_head"], False), (STRAYS["accepted"], True)]

every_stray = pytest.mark.parametrize(
    ("stray", "secure"),
    [
        *[pytest.param(stray, False, id=name) for name, stray in STRAYS.items()],
        *[pytest.param(STRAYS[name], True, id=f"{name}-tls") for name in ("accepted", "half")],
    ],
)

ANSWERS: Final[dict[str, bytes]] = {
    "with_a_length": http(200, b"first"),
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n",
    "after_an_interim": b"HTTP/1.1 100 Continue\r\n\r\n" + http(200, b"first"),
}


class Idle:
    """A server that answers, and says more when it is told to."""

    def __init__(self, stray: bytes, answer: bytes = ANSWERS["with_a_length"]) -> None:
        self.now = Event()
        self.said = Semaphore(0)
        self._stray = stray
        self._answer = answer

    def __call__(self, peer: Peer) -> None:
        """Serve one request."""
        peer.reads()
        peer.sends(self._answer)
        self.now.wait(50)
        peer.sends(self._stray)
        self.said.release()


async def turn() -> None:
    """Let the event loop read what has arrived."""
    for _ in range(5):
        await anyio.sleep(0.001)


@every_watcher
@every_stray
async def test_words_behind_an_answer_are_nobodys(
    engine: Engine, stray: bytes, secure: bool
) -> None:
    """What arrives together with an answer does not answer the next request."""
    await words_behind(engine, ANSWERS["with_a_length"], stray, secure=secure)


@every_owner
@pytest.mark.parametrize(("stray", "secure"), SOME, ids=["http", "https"])
@pytest.mark.parametrize("answer", ANSWERS)
async def test_connection_with_words_left_is_not_used_again(
    engine: Engine, answer: str, stray: bytes, secure: bool
) -> None:
    """However little is left in a connection, the next request leaves over another one."""
    assert 2 == await words_behind(engine, ANSWERS[answer], stray, secure=secure)


async def words_behind(engine: Engine, answer: bytes, stray: bytes, *, secure: bool) -> int:
    """Send twice to a server that says more than its answer, and count the connections."""
    script = [says(answer + stray), answers(200, "second")]
    with Hostile(*script, ca=authority() if secure else None) as server:
        first = await send(engine, server.url)
        second = await send(engine, server.url)

        assert [b"first", b'"second"'] == [first.body, second.body]
        assert 2 == len(server.requests)
        return server.connections


@every_owner
async def test_words_behind_the_end_of_an_answer_in_parts(engine: Engine) -> None:
    """It makes no difference in how many parts the answer itself arrives."""
    begun, part = Event(), Event()

    def dawdles(peer: Peer) -> None:
        peer.reads()
        peer.sends(http(200, b"first")[:-3])
        begun.set()
        part.wait(50)
        peer.sends(b"rst" + STRAYS["accepted"])

    with Hostile(dawdles, answers(200, "second")) as server:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(send, engine, server.url)
            await anyio.to_thread.run_sync(begun.wait, 50)
            await turn()
            part.set()
        second = await send(engine, server.url)

        assert (b'"second"', 2) == (second.body, server.connections)


@every_engine
@every_stray
async def test_words_on_an_idle_connection_are_nobodys(
    engine: Engine, stray: bytes, secure: bool
) -> None:
    """What arrives later does not answer the next request, whether or not the loop has read it."""
    for noticed in (True, False):
        idle = Idle(stray)
        with Hostile(idle, answers(200, "second"), ca=authority() if secure else None) as server:
            first = await send(engine, server.url)
            idle.now.set()
            idle.said.acquire(timeout=50)
            if noticed:
                await turn()
            second = await send(engine, server.url)

            assert [b"first", b'"second"'] == [first.body, second.body], f"{noticed=}"
            assert 2 == len(server.requests)


@every_owner
@secure_or_not
async def test_server_that_keeps_talking_is_cut_off(engine: Engine, secure: bool) -> None:
    """An idle connection on which the server talks is closed without waiting for a request."""
    idle = Idle(STRAYS["accepted"])

    def talks(peer: Peer) -> None:
        idle(peer)
        while True:
            peer.sends(STRAYS["accepted"] * 1000)

    with Hostile(talks, ca=authority() if secure else None) as server:
        await send(engine, server.url)
        idle.now.set()

        await server.until(lambda: server.open == 0)
        assert server.sent < 50_000_000


@every_engine
async def test_many_connections_that_were_spoken_on(engine: Engine) -> None:
    """However many there are, none of them is used, and the request finds a new one."""
    idle = Idle(STRAYS["throttled"])
    with Hostile(*[idle] * 20, answers(200, "second")) as server:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(send, engine, server.url)
        idle.now.set()
        assert all(idle.said.acquire(timeout=50) for _ in range(20))
        second = await send(engine, server.url)

        assert (200, b'"second"') == (second.status, second.body)
        assert 21 == len(server.requests)


@every_engine
@pytest.mark.parametrize(
    "last",
    [
        pytest.param(Peer.closes, id="closed"),
        pytest.param(Peer.resets, id="reset"),
    ],
)
async def test_closing_behind_an_answer_is_noticed(engine: Engine, last: Behaviour) -> None:
    """A connection that the server has closed is not written to, although the loop did not look."""
    with Hostile(says(http(200, b"first"), last), answers(200, "second")) as server:
        await send(engine, server.url)
        # Blocking, so that the event loop does not learn of it on the way.
        server._wait(lambda: server.open == 0)  # noqa: SLF001
        second = await send(engine, server.url)

        assert (b'"second"', 2) == (second.body, len(server.requests))
