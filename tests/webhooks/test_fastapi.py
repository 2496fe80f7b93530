"""Callbacks in FastAPI, under a real server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import httpx
import pytest
from fastapi import APIRouter, Depends, FastAPI, HTTPException
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

from engagelab_async.webhooks import CALLBACK_ADDRESSES, Counts, Event, MessageStatus
from engagelab_async.webhooks.fastapi import Events, webhook_router
from webhooks.requests import ROW, body_of, make_verifier, row, signed
from webhooks.servers import served


async def post(
    address: tuple[str, int], body: bytes, path: str = "/callbacks", method: str = "POST"
) -> httpx.Response:
    """Send a signed callback."""
    async with httpx.AsyncClient(trust_env=False) as client:
        url = "http://{}:{}{}".format(*address, path)
        return await client.request(method, url, content=body, headers=signed())


def test_a_callback() -> None:
    """It is answered 200, and handled by the time the app has ended."""
    handled: list[Event] = []
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), handled.append))
    with TestClient(app) as client:
        answer = client.post("/callbacks", content=body_of(ROW), headers=signed())

    assert (200, b"") == (answer.status_code, answer.content)
    assert [ROW] == [dict(event.raw) for event in handled]


async def test_a_slow_handler_holds_up_no_answer() -> None:
    """The answer is there while the handler has not even got anywhere."""
    go_on = asyncio.Event()

    async def handler(_: Event) -> None:
        await go_on.wait()

    counts = Counts()
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), handler, counts=counts))
    async with served(app) as address:
        answer = await post(address, body_of(ROW))
        before = counts.handled
        go_on.set()

    assert (200, 0, 1) == (answer.status_code, before, counts.handled)


async def test_the_app_s_own_lifespan_runs_as_well() -> None:
    """A handler can use what the app opens, to the last event."""
    log: list[str] = []

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        log.append("open")
        yield
        log.append("closed")

    async def handler(_: Event) -> None:
        log.append("handled")

    app = FastAPI(lifespan=lifespan)
    app.include_router(webhook_router(make_verifier(), handler))
    async with served(app) as address:
        await post(address, body_of(ROW, row("8")))

    assert ["open", "handled", "handled", "closed"] == log


async def test_in_a_router_in_a_router() -> None:
    """The lifespan goes along, whatever the prefixes."""
    handled: list[Event] = []
    outer = APIRouter(prefix="/outer")
    outer.include_router(webhook_router(make_verifier(), handled.append, path="/here"))
    app = FastAPI()
    app.include_router(outer, prefix="/v1")
    async with served(app) as address:
        answer = await post(address, body_of(ROW), "/v1/outer/here")

    assert (200, 1) == (answer.status_code, len(handled))


async def test_mounted_and_forgotten() -> None:
    """FastAPI runs no lifespan of mounted apps: that is no 200, and nothing is lost unnoticed."""
    inner, outer = FastAPI(), FastAPI()
    inner.include_router(webhook_router(make_verifier(), print))
    outer.mount("/inner", inner)
    async with served(outer) as address:
        assert 500 == (await post(address, body_of(ROW), "/inner/callbacks")).status_code


async def test_refusals() -> None:
    """They are those of every other way to receive callbacks."""
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), print, max_body=100))
    async with served(app) as address:
        answers = [
            await post(address, b"[]"),
            await post(address, b"x" * 101),
            await post(address, b"", method="GET"),
        ]

    assert [400, 413, 405] == [answer.status_code for answer in answers]
    assert "close" == answers[1].headers["connection"]


def test_the_schema_does_not_show_it() -> None:
    """It is for the platform, not for those who call the API."""
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), print))

    assert {} == app.openapi()["paths"]


async def hang_up(app: FastAPI) -> list[Message]:
    """Send half a callback, and return what is answered to nobody."""
    sent: list[Message] = []
    left: list[Message] = [
        {"type": "http.request", "body": body_of(ROW), "more_body": True},
        {"type": "http.disconnect"},
    ]
    headers = [(name.lower().encode(), value.encode()) for name, value in signed().items()]
    scope: Scope = {
        "type": "http",
        "method": "POST",
        "path": "/callbacks",
        "query_string": b"",
        "headers": headers,
    }

    async def receive() -> Message:
        return left.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    return sent


async def test_a_caller_that_hangs_up() -> None:
    """Half a callback is none, and no failure of the app."""
    handled: list[Event] = []
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), handled.append))

    assert 400 == (await hang_up(app))[0]["status"]
    assert [] == handled


class TestEvents:
    """The events of a callback, in an endpoint of one's own."""

    @pytest.fixture
    def app(self) -> FastAPI:
        """An app that tells what it is told, and fails for one message."""
        app = FastAPI()
        events = Events(
            make_verifier(allowed_addresses=[*CALLBACK_ADDRESSES, "127.0.0.1"]), max_body=1000
        )

        @app.post("/callbacks")
        async def receive(events: Annotated[tuple[Event, ...], Depends(events)]) -> list[str]:
            found = [event.message_id for event in events if isinstance(event, MessageStatus)]
            if "fail" in found:
                raise HTTPException(503)
            return found

        return app

    async def test_they_are_handed_over(self, app: FastAPI) -> None:
        """Verified and parsed; the endpoint answers."""
        async with served(app) as address:
            answer = await post(address, body_of(row("1"), row("2")))

        assert (200, ["1", "2"]) == (answer.status_code, answer.json())

    async def test_the_check_of_the_url(self, app: FastAPI) -> None:
        """The endpoint is called with nothing, and answers 200."""
        async with served(app) as (host, port), httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"http://{host}:{port}/callbacks")

        assert (200, []) == (answer.status_code, answer.json())

    async def test_the_endpoint_may_fail(self, app: FastAPI) -> None:
        """The platform may send the same again, with the same signature."""
        async with served(app) as address:
            statuses = [(await post(address, body_of(row("fail")))).status_code for _ in range(2)]

        assert [503, 503] == statuses

    async def test_refusals(self, app: FastAPI) -> None:
        """The endpoint is not called with what is not in order."""
        async with served(app) as address:
            answers = [
                await post(address, b"x"),
                await post(address, body_of(row("1"))),
                await post(address, b"x" * 1001),
            ]

        assert [400, 401, 413] == [answer.status_code for answer in answers]
        assert {"detail": "Unauthorized"} == answers[1].json()

    async def test_a_caller_that_hangs_up(self, app: FastAPI) -> None:
        """Half a callback is none; it is refused for its address before, if it has none."""
        assert 403 == (await hang_up(app))[0]["status"]

        app = FastAPI()
        app.post("/callbacks", dependencies=[Depends(Events(make_verifier()))])(lambda: None)

        assert 400 == (await hang_up(app))[0]["status"]
