"""Callbacks in FastAPI, under a real server."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar
from typing import Annotated, Any, cast

import httpx
import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, HTTPException, Request, Response
from fastapi.testclient import TestClient
from starlette.types import Message, Scope

from engagelab_async.webhooks import CALLBACK_ADDRESSES, Counts, Event, MessageStatus
from engagelab_async.webhooks.fastapi import Events, webhook_router
from support.callback_requests import ROW, body_of, make_verifier, row, signed
from support.servers import served


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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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


@pytest.mark.asyncio
async def test_mounted_and_forgotten() -> None:
    """FastAPI runs no lifespan of mounted apps: that is no 200, and nothing is lost unnoticed."""
    inner, outer = FastAPI(), FastAPI()
    inner.include_router(webhook_router(make_verifier(), print))
    outer.mount("/inner", inner)
    async with served(outer) as address:
        assert 500 == (await post(address, body_of(ROW), "/inner/callbacks")).status_code


@pytest.mark.asyncio
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


@pytest.mark.asyncio
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

    @pytest.mark.asyncio
    async def test_they_are_handed_over(self, app: FastAPI) -> None:
        """Verified and parsed; the endpoint answers."""
        async with served(app) as address:
            answer = await post(address, body_of(row("1"), row("2")))

        assert (200, ["1", "2"]) == (answer.status_code, answer.json())

    @pytest.mark.asyncio
    async def test_the_check_of_the_url(self, app: FastAPI) -> None:
        """The endpoint is called with nothing, and answers 200."""
        async with served(app) as (host, port), httpx.AsyncClient(trust_env=False) as client:
            answer = await client.post(f"http://{host}:{port}/callbacks")

        assert (200, []) == (answer.status_code, answer.json())

    @pytest.mark.asyncio
    async def test_the_endpoint_may_fail(self, app: FastAPI) -> None:
        """The platform may send the same again, with the same signature."""
        async with served(app) as address:
            statuses = [(await post(address, body_of(row("fail")))).status_code for _ in range(2)]

        assert [503, 503] == statuses

    @pytest.mark.asyncio
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

    @pytest.mark.asyncio
    async def test_a_caller_that_hangs_up(self, app: FastAPI) -> None:
        """Half a callback is none; it is refused for its address before, if it has none."""
        assert 403 == (await hang_up(app))[0]["status"]

        app = FastAPI()
        app.post("/callbacks", dependencies=[Depends(Events(make_verifier()))])(lambda: None)

        assert 400 == (await hang_up(app))[0]["status"]


class TestBodyStays:
    """Whoever reads the body before or after, all of it is there."""

    BODY = body_of(ROW)

    def posted(self, app: FastAPI, body: bytes = BODY, **headers: str) -> httpx.Response:
        """Send a callback; an exception of the app is an answer 500."""
        client = TestClient(app, raise_server_exceptions=False)
        return cast(
            "httpx.Response",
            client.post("/callbacks", content=body, headers=signed() | headers),
        )

    @staticmethod
    async def by_body(request: Request) -> bytes:
        """Read it as most programs do."""
        return await request.body()

    @staticmethod
    async def by_json(request: Request) -> bytes:
        """Read it as JSON."""
        return json.dumps(await request.json()).encode()

    @staticmethod
    async def by_stream(request: Request) -> bytes:
        """Read it piece by piece."""
        return b"".join([piece async for piece in request.stream()])

    READERS = (by_body, by_json, by_stream)

    @pytest.mark.parametrize("read", READERS)
    def test_in_the_endpoint(self, read: Any) -> None:  # noqa: ANN401 - one of these
        """After the dependency, and with other parameters that FastAPI reads from it."""
        app = FastAPI()
        events = Events(make_verifier())

        @app.post("/callbacks")
        async def receive(
            request: Request, events: Annotated[tuple[Event, ...], Depends(events)]
        ) -> tuple[int, str]:
            return len(events), (await read(request)).decode()

        assert [1, self.BODY.decode()] == self.posted(app).json()

    @pytest.mark.parametrize("read", [by_body, by_json])
    def test_in_a_dependency_before(self, read: Any) -> None:  # noqa: ANN401 - one of these
        """Starlette keeps what was read, unless it was read as a stream."""
        app = FastAPI()
        events = Events(make_verifier())

        async def before(request: Request) -> bytes:
            return cast("bytes", await read(request))

        @app.post("/callbacks")
        async def receive(
            kept: Annotated[bytes, Depends(before)],
            events: Annotated[tuple[Event, ...], Depends(events)],
        ) -> tuple[int, str]:
            return len(events), kept.decode()

        assert [1, self.BODY.decode()] == self.posted(app).json()

    def test_as_a_parameter(self) -> None:
        """FastAPI reads a body that an endpoint declares before any dependency."""
        app = FastAPI()
        events = Events(make_verifier())

        @app.post("/callbacks")
        async def receive(
            rows: Annotated[list[Any], Body(embed=True)],
            events: Annotated[tuple[Event, ...], Depends(events)],
        ) -> tuple[int, list[Any]]:
            return len(events), rows

        assert [1, [ROW]] == self.posted(app).json()

    def test_two_dependencies(self) -> None:
        """Also in dependencies of dependencies, and of the router."""
        app = FastAPI(dependencies=[Depends(Events(make_verifier()))])
        one, other = Events(make_verifier()), Events(make_verifier())

        def count(events: Annotated[tuple[Event, ...], Depends(other)]) -> int:
            return len(events)

        @app.post("/callbacks")
        async def receive(
            events: Annotated[tuple[Event, ...], Depends(one)],
            counted: Annotated[int, Depends(count)],
        ) -> tuple[int, int]:
            return len(events), counted

        assert [1, 1] == self.posted(app).json()

    def test_the_smallest_limit_counts(self) -> None:
        """A body that was read already is measured all the same."""
        app = FastAPI(dependencies=[Depends(Events(make_verifier()))])
        app.post("/callbacks", dependencies=[Depends(Events(make_verifier(), max_body=10))])(
            lambda: None
        )

        assert 413 == self.posted(app).status_code

    @pytest.mark.parametrize(
        ("body", "headers", "status"),
        [
            (BODY, {}, 200),
            (BODY, {"x-callback-id": "?"}, 401),
            (BODY, {"x-callback-id": signed()["X-CALLBACK-ID"] + "0"}, 401),
            (b"[]", {}, 400),
            (b"x" * 5000, {}, 413),
        ],
    )
    @pytest.mark.parametrize("signs", [True, False])
    def test_in_an_error_handler(
        self, body: bytes, headers: dict[str, str], status: int, signs: bool
    ) -> None:
        """One that reads a refused body gets it, whatever it was refused for."""
        app = FastAPI()
        events = Events(make_verifier(), max_body=4000)
        app.post("/callbacks", dependencies=[Depends(events)])(lambda: "taken")

        @app.exception_handler(HTTPException)
        async def refused(request: Request, error: HTTPException) -> Response:
            return Response(await request.body(), error.status_code)

        given = signed() | headers if signs else {}
        answer = TestClient(app).post("/callbacks", content=body, headers=given)

        assert (status if signs else 401) == answer.status_code
        assert answer.status_code == 200 or body == answer.content

    @pytest.mark.asyncio
    @pytest.mark.parametrize("length", [5_000, 5_000_000])
    async def test_the_rest_of_a_body_that_is_too_large(self, length: int) -> None:
        """It is not read for the dependency, and is there for who wants it."""
        app = FastAPI()
        app.post("/callbacks", dependencies=[Depends(Events(make_verifier(), max_body=100))])(
            lambda: None
        )
        kept: list[bytes] = []

        @app.exception_handler(HTTPException)
        async def refused(request: Request, error: HTTPException) -> Response:
            kept.append(await request.body())
            return Response(status_code=error.status_code)

        body = bytes(range(256)) * (length // 256)
        async with served(app) as address:
            answer = await post(address, body)

        assert (413, body) == (answer.status_code, kept[0])

    def test_in_a_middleware(self) -> None:
        """One that reads it first, or logs what was refused."""
        app = FastAPI()
        handled: list[Event] = []
        kept: list[bytes] = []
        app.include_router(webhook_router(make_verifier(), handled.append))

        @app.middleware("http")
        async def log(request: Request, call_next: Any) -> Response:  # noqa: ANN401 - of Starlette
            kept.append(await request.body())
            return cast("Response", await call_next(request))

        with TestClient(app) as client:
            answers = [
                client.post("/callbacks", content=self.BODY, headers=headers)
                for headers in (signed(), {})
            ]

        assert [200, 401] == [answer.status_code for answer in answers]
        assert ([self.BODY] * 2, 1) == (kept, len(handled))

    def test_in_an_asgi_middleware(self) -> None:
        """One that reads it first and plays it again."""
        inner = FastAPI()
        events = Events(make_verifier())

        @inner.post("/callbacks")
        async def receive(
            request: Request, events: Annotated[tuple[Event, ...], Depends(events)]
        ) -> tuple[int, int]:
            return len(events), len(await request.body())

        async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - of ASGI
            if scope["type"] != "http":
                return await inner(scope, receive, send)
            messages = [await receive()]

            async def again() -> Any:  # noqa: ANN401 - of ASGI
                return messages.pop() if messages else await receive()

            return await inner(scope, again, send)

        answer = TestClient(app).post("/callbacks", content=self.BODY, headers=signed())

        assert [1, len(self.BODY)] == answer.json()

    def test_a_router_s_dependency(self) -> None:
        """It may read the body when the callback was answered."""
        kept: list[bytes] = []

        async def log(request: Request) -> AsyncIterator[None]:
            yield
            kept.append(await request.body())

        app = FastAPI()
        router = webhook_router(make_verifier(), print)
        app.include_router(router, dependencies=[Depends(log)])
        with TestClient(app) as client:
            answer = client.post("/callbacks", content=self.BODY, headers=signed())

        assert (200, [self.BODY]) == (answer.status_code, kept)

    def test_a_stream_that_was_read_before(self) -> None:
        """Nobody has it any more: that is no 200, nor a refusal of what is in order."""
        app = FastAPI()
        app.post(
            "/callbacks", dependencies=[Depends(self.by_stream), Depends(Events(make_verifier()))]
        )(lambda: None)

        assert 500 == self.posted(app).status_code


@pytest.mark.parametrize(
    ("path", "prefix", "asked"),
    [
        ("/callbacks", "", "/callbacks"),
        ("/callbacks", "", "/callbacks/"),
        ("/callbacks/", "", "/callbacks"),
        ("/callbacks/", "", "/callbacks/"),
        ("/callbacks", "/v1", "/v1/callbacks/"),
        ("", "/callbacks", "/callbacks"),
        ("", "/callbacks", "/callbacks/"),
        ("/", "/callbacks", "/callbacks/"),
        ("/", "", "/"),
        ("/{shop}/callbacks", "", "/7/callbacks/"),
    ],
)
def test_with_and_without_a_slash(path: str, prefix: str, asked: str) -> None:
    """The platform follows no redirects."""
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), print, path=path), prefix=prefix)
    with TestClient(app, follow_redirects=False) as client:
        answer = client.post(asked, content=body_of(ROW), headers=signed())

    assert 200 == answer.status_code


def test_handlers_see_the_request_s_context() -> None:
    """A request id that a middleware sets is in the logs of the handler, too."""
    request_id = ContextVar("request_id", default="none")
    seen: list[str] = []
    app = FastAPI()
    app.include_router(webhook_router(make_verifier(), lambda _: seen.append(request_id.get())))

    @app.middleware("http")
    async def identify(request: Request, call_next: Any) -> Response:  # noqa: ANN401 - of Starlette
        request_id.set(request.headers["x-request-id"])
        return cast("Response", await call_next(request))

    with TestClient(app) as client:
        for number in ("1", "2"):
            headers = signed(number) | {"X-Request-Id": number}
            client.post("/callbacks", content=body_of(row(number)), headers=headers)

    assert ["1", "2"] == seen
