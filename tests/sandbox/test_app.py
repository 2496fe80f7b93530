"""The HTTP around the platform: what is let in, and how answers and errors look."""

import base64
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from starlette.types import Message

from engagelab_async.sandbox import DEMO_CREDENTIALS, Callbacks
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.bodies import Body
from engagelab_async.sandbox.outbox import Product
from engagelab_async.sandbox.refusals import MEANINGS
from support.fake_clock import FakeClock
from support.platforms import Platform

NO_AUTH = httpx.Auth()  # its flow sends the request as it is, unlike the client's own
ENGAGELAB_DEMO = ("engagelab_sandbox_demo", "engagelab_sandbox_secret")
OTP_PAIR = ("otp-key", "otp-secret")
SMS_PAIR = ("sms-key", "sms-secret")
CREDENTIALS: dict[Product, tuple[str, str]] = {"otp": OTP_PAIR, "sms": SMS_PAIR}
OTP = {"to": "+6591234567", "template": {"id": "login"}}
SMS = {"to": ["+6591234567"], "template": {"id": "1233", "params": {}}}
JSON = {"content-type": "application/json"}


def client_of(
    platform: Platform, credentials: dict[Product, tuple[str, str]] | None = None
) -> httpx.AsyncClient:
    """Make a client that calls an app without any network."""
    transport = httpx.ASGITransport(create_app(platform, credentials))
    return httpx.AsyncClient(transport=transport, base_url="http://sandbox", auth=DEMO_CREDENTIALS)


@pytest_asyncio.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that takes any key pair."""
    async with client_of(platform) as client:
        yield client


@pytest_asyncio.fixture
async def guarded(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an app that takes one key pair for each product."""
    async with client_of(platform, CREDENTIALS) as client:
        yield client


def basic(pair: str) -> str:
    """Encode what stands behind ``Basic``."""
    return base64.b64encode(pair.encode()).decode()


@pytest.mark.asyncio
async def test_all_five_calls_have_their_path(http: httpx.AsyncClient, platform: Platform) -> None:
    """Each documented path reaches its call, and a 200 is JSON."""
    otp = await http.post("/otp/v1/messages", json=OTP)
    code = platform.outbox.messages[-1].code
    guess = {"message_id": otp.json()["message_id"], "verify_code": code}
    checked = await http.post("/otp/v1/verifications", json=guess)
    code_sent = await http.post("/otp/v1/codes", json={**OTP, "code": "039487"})
    custom = await http.post("/otp/v1/custom-messages", json=OTP)
    sms = await http.post("/sms/v1/messages", json=SMS)
    answers = [otp, checked, code_sent, custom, sms]

    assert [200] * 5 == [answer.status_code for answer in answers]
    assert {"application/json"} == {answer.headers["content-type"] for answer in answers}
    assert {**guess, "verified": True} == checked.json()
    assert ["otp", "otp", "otp", "sms"] == [each.product for each in platform.outbox.messages]


@pytest.mark.asyncio
@pytest.mark.parametrize("asked", [DEMO_CREDENTIALS, ENGAGELAB_DEMO])
@pytest.mark.parametrize("used", [DEMO_CREDENTIALS, ENGAGELAB_DEMO])
async def test_the_vendors_pair_has_two_names(
    platform: Platform, asked: tuple[str, str], used: tuple[str, str]
) -> None:
    """The vendor's pages name two pairs; who is to take one of them takes both, and no others."""
    async with client_of(platform, {"otp": asked, "sms": SMS_PAIR}) as http:
        admitted = await http.get("/otp/v1/balance", auth=used)
        strange = await http.get("/otp/v1/balance", auth=OTP_PAIR)
        other = await http.get("/sms/v1/balance", auth=used)

    assert [200, 401, 401] == [each.status_code for each in (admitted, strange, other)]


@pytest.mark.asyncio
async def test_a_balance_takes_a_key(guarded: httpx.AsyncClient) -> None:
    """It is read with a key of its own product, and posted by nobody."""
    own = await guarded.get("/sms/v1/balance", auth=SMS_PAIR)
    other = await guarded.get("/sms/v1/balance", auth=OTP_PAIR)
    posted = await guarded.post("/sms/v1/balance", json={}, auth=SMS_PAIR)

    assert [200, 401, 405] == [each.status_code for each in (own, other, posted)]


class TestSandboxWebhook:
    """``PUT /v1/sandbox/webhook``, which the vendor's sandbox has."""

    URL = "http://127.0.0.1:8000/callbacks"

    async def put(
        self, platform: Platform, body: object, *, is_permitted: bool = True
    ) -> tuple[int, Any, Callbacks | None]:
        """Say where callbacks are to go, and return the answer and what was set."""
        platform.lets_set_callbacks = is_permitted
        transport = httpx.ASGITransport(create_app(platform))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://sandbox", auth=DEMO_CREDENTIALS
        ) as http:
            answer = await http.put("/otp/v1/sandbox/webhook", json=body)
        return answer.status_code, answer.json(), platform.simulation.callbacks

    @pytest.mark.asyncio
    async def test_sets_the_url(self, platform: Platform) -> None:
        """The vendor's pair signs, unless the request brings another."""
        named = await self.put(platform, {"url": self.URL, "username": "shop", "secret": "mine"})
        unnamed = await self.put(platform, {"url": self.URL, "secret": None})
        done = (200, {"code": 0, "message": "success"})

        assert (*done, Callbacks(self.URL, username="shop", secret="mine")) == named
        assert (
            *done,
            Callbacks(self.URL, username="sandbox_demo", secret="sandbox_webhook_secret"),
        ) == unnamed

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "changes",
        [{"url": "ftp://x"}, {"url": "x"}, {"url": 5}, {"url": None}, {"username": "a;b"}],
    )
    async def test_refuses_what_cannot_be(self, platform: Platform, changes: Body) -> None:
        """A URL of another kind, or a username that no signature can hold, is error 3002."""
        status, answer, found = await self.put(platform, {"url": self.URL, **changes})

        assert (400, 3002, None) == (status, answer["code"], found)

    @pytest.mark.asyncio
    async def test_needs_permission(self, platform: Platform) -> None:
        """Where any pair is let in from anywhere, nobody may steer the sandbox with one."""
        status, answer, _ = await self.put(platform, {"url": self.URL}, is_permitted=False)

        assert (403, 2004) == (status, answer["code"])


@pytest.mark.asyncio
@pytest.mark.parametrize("code", MEANINGS)
async def test_errors_have_their_status(http: httpx.AsyncClient, code: int) -> None:
    """Every documented code comes with its documented HTTP status, and a message."""
    answer = await http.post("/otp/v1/messages", json={**OTP, "to": f"+1000000{code}"})
    status = {1000: 500, 2001: 401, 2002: 401, 2004: 403}.get(code, 400)

    assert status == answer.status_code
    assert {"code": code, "message": MEANINGS[code]} == answer.json()


@pytest.mark.asyncio
async def test_sms_can_fail_inside_a_200(http: httpx.AsyncClient) -> None:
    """A plan that fails is an HTTP 200 with a non-zero code."""
    answer = await http.post("/sms/v1/messages", json={**SMS, "to": "+10000000200"})

    assert (200, 1) == (answer.status_code, answer.json()["code"])


class TestCredentials:
    """HTTP Basic, with any pair or with configured ones."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("pair", ["any:pair", "sandbox_demo:sandbox_secret", "k:s:with:colons"])
    async def test_any_pair_will_do(self, http: httpx.AsyncClient, pair: str) -> None:
        """Without configured credentials, a key and a secret are enough."""
        headers = {"authorization": f"basic {basic(pair)}"}
        answer = await http.post("/otp/v1/messages", json=OTP, headers=headers, auth=NO_AUTH)

        assert 200 == answer.status_code

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "authorization",
        [
            "",
            "Basic",
            "Basic !",
            f"Basic {basic('key')}",
            f"Basic {basic('key:')}",
            f"Basic {basic(':secret')}",
            f"Basic {base64.b64encode(bytes([255])).decode()}",
            f"Bearer {basic('key:secret')}",
        ],
    )
    async def test_unusable_authorization(
        self, http: httpx.AsyncClient, authorization: str
    ) -> None:
        """Without both a key and a secret in HTTP Basic, the answer is 2001."""
        headers = {"authorization": authorization}
        answer = await http.post("/sms/v1/messages", json=SMS, headers=headers, auth=NO_AUTH)

        assert (401, 2001) == (answer.status_code, answer.json()["code"])

    @pytest.mark.asyncio
    async def test_missing_authorization(self, platform: Platform) -> None:
        """A request without any credentials is answered 2001, before its body is looked at."""
        async with client_of(platform) as client:
            answer = await client.post("/otp/v1/codes", content=b"{", auth=NO_AUTH)

        assert (401, 2001) == (answer.status_code, answer.json()["code"])

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("path", "pair", "status"),
        [
            ("/otp/v1/custom-messages", OTP_PAIR, 200),
            ("/otp/v1/custom-messages", SMS_PAIR, 401),
            ("/otp/v1/custom-messages", ("otp-key", "wrong"), 401),
            ("/otp/v1/custom-messages", DEMO_CREDENTIALS, 401),
            ("/sms/v1/messages", SMS_PAIR, 200),
            ("/sms/v1/messages", OTP_PAIR, 401),
        ],
    )
    async def test_product_takes_its_own_pair(
        self, guarded: httpx.AsyncClient, path: str, pair: tuple[str, str], status: int
    ) -> None:
        """With configured credentials, the other product's key is refused like any other."""
        answer = await guarded.post(path, json=SMS, auth=pair)

        assert status == answer.status_code

    @pytest.mark.asyncio
    async def test_product_without_a_pair_takes_none(self, platform: Platform) -> None:
        """A product that is left out of the credentials lets nobody in."""
        async with client_of(platform, {"otp": OTP_PAIR}) as client:
            answer = await client.post("/sms/v1/messages", json=SMS, auth=OTP_PAIR)

        assert 401 == answer.status_code


class TestBodies:
    """What a request's body may be."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("body", "message"),
        [
            (b"", "the body is not JSON"),
            (b'{"to": ', "the body is not JSON"),
            (b'{"to": "\xff"}', "the body is not JSON"),
            (b"[" * 100_000, "the body is not JSON"),
            (b'{"n": ' + b"9" * 5000 + b"}", "the body is not JSON"),
            (b'["to"]', "the body is not a JSON object"),
            (b"null", "the body is not a JSON object"),
        ],
    )
    async def test_malformed_body(self, http: httpx.AsyncClient, body: bytes, message: str) -> None:
        """What is not a JSON object is answered 3001, however strange it is."""
        answer = await http.post("/otp/v1/codes", content=body, headers=JSON)

        assert (400, {"code": 3001, "message": message}) == (answer.status_code, answer.json())

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("content_type", "status"),
        [
            ("application/json; charset=utf-8", 200),
            ("text/plain", 400),
            ("application/x-www-form-urlencoded", 400),
            (None, 400),
        ],
    )
    async def test_content_type(
        self, http: httpx.AsyncClient, content_type: str | None, status: int
    ) -> None:
        """The header that the vendor's pages call a must is one here."""
        headers = {"content-type": content_type} if content_type else {}
        answer = await http.post("/otp/v1/messages", content=json.dumps(OTP), headers=headers)

        assert status == answer.status_code

    @pytest.mark.asyncio
    async def test_largest_body(self, http: httpx.AsyncClient) -> None:
        """A body of exactly 1 MiB is read, a longer one is answered 413."""
        body = json.dumps(OTP).encode().ljust(1024 * 1024)
        longest = await http.post("/otp/v1/messages", content=body, headers=JSON)
        too_long = await http.post("/otp/v1/messages", content=body + b" ", headers=JSON)

        assert [200, 413] == [longest.status_code, too_long.status_code]
        assert 413 == too_long.json()["code"]
        assert "close" == too_long.headers["connection"]

    @pytest.mark.asyncio
    async def test_half_a_surrogate_pair_is_echoed(
        self, http: httpx.AsyncClient, platform: Platform
    ) -> None:
        """A string that JSON can hold and UTF-8 cannot breaks nothing."""
        sent = await http.post("/otp/v1/messages", json=OTP)
        body = {"message_id": sent.json()["message_id"], "verify_code": "\ud800"}
        content = json.dumps(body).encode()
        answer = await http.post("/otp/v1/verifications", content=content, headers=JSON)

        assert {**body, "verified": False} == json.loads(answer.content)

    @pytest.mark.asyncio
    async def test_caller_hangs_up(self, platform: Platform) -> None:
        """A caller that leaves in the middle of its body has sent nothing."""
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/otp/v1/messages",
            "headers": [
                (b"authorization", f"Basic {basic('key:secret')}".encode()),
                (b"content-type", b"application/json"),
            ],
        }
        incoming: list[Message] = [
            {"type": "http.request", "body": json.dumps(OTP).encode(), "more_body": True},
            {"type": "http.disconnect"},
        ]
        outgoing: list[Message] = []

        async def receive() -> Message:
            return incoming.pop(0)

        async def send(message: Message) -> None:
            outgoing.append(message)

        await create_app(platform)(scope, receive, send)

        assert b"the body was cut short" in outgoing[-1]["body"]
        assert () == platform.outbox.messages


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "path",
    ["/", "/otp/v1/nothing", "/otp/v1/messages/", "/sms/v1/codes", "/v1/messages"],
)
async def test_unknown_path(http: httpx.AsyncClient, path: str) -> None:
    """A path that the API does not have is a 404 in JSON."""
    answer = await http.post(path, json=OTP)

    assert (404, {"code": 404, "message": "Not Found"}) == (answer.status_code, answer.json())


@pytest.mark.asyncio
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_wrong_method(http: httpx.AsyncClient, method: str) -> None:
    """A method that a path does not have is a 405 in JSON, which names the right one."""
    answer = await http.request(method, "/otp/v1/messages")

    assert (405, 405, "POST") == (
        answer.status_code,
        answer.json()["code"],
        answer.headers["allow"],
    )


@pytest.mark.asyncio
async def test_code_that_expires(
    http: httpx.AsyncClient, platform: Platform, clock: FakeClock
) -> None:
    """Over HTTP too: the second send is limited, and after the first expired it is not."""
    first = await http.post("/otp/v1/messages", json=OTP)
    limited = await http.post("/otp/v1/messages", json=OTP)
    clock.now += 300
    guess = {"message_id": first.json()["message_id"], "verify_code": "123456"}
    expired = await http.post("/otp/v1/verifications", json=guess)
    second = await http.post("/otp/v1/messages", json=OTP)

    assert (400, 3004) == (limited.status_code, limited.json()["code"])
    assert (400, 3003) == (expired.status_code, expired.json()["code"])
    assert 200 == second.status_code


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/otp/v1/messages", "POST"),
        ("/otp/v1/template-configs", "GET, HEAD, POST"),
        ("/sms/v1/sign-configs/7", "DELETE, GET, HEAD, PUT"),
    ],
)
async def test_a_wrong_method_is_told_the_right_ones(
    http: httpx.AsyncClient, path: str, allowed: str
) -> None:
    """A 405 lists all methods of its path."""
    answer = await http.patch(path, json={})

    assert (405, allowed) == (answer.status_code, answer.headers["allow"])
    assert {"code": 405, "message": "Method Not Allowed"} == answer.json()
