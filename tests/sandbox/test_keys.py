"""Keys with limits: expired, bound to addresses, or limited to sending or to verifying."""

import json
from pathlib import Path

import httpx
import pytest

from engagelab_async.sandbox import ApiKey
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.keys import Credentials, read_keys
from support.fake_clock import FakeClock
from support.platforms import Platform

PAIR = ("key", "secret")
OTP = {"to": "+6591234567", "template": {"id": "login"}}
GUESS = {"message_id": "1", "verify_code": "2"}
REFUSED = {2001: 401, 2002: 401, 2004: 403}


async def answer(
    credentials: Credentials,
    method: str,
    path: str,
    body: object = None,
    *,
    clock: FakeClock | None = None,
    host: str = "127.0.0.1",
    pair: tuple[str, str] = PAIR,
) -> tuple[int, int]:
    """Return the HTTP status and the code of an answer; the code is 0 for none."""
    app = create_app(Platform(), credentials, clock=clock or FakeClock())
    transport = httpx.ASGITransport(app, client=(host, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", auth=pair) as http:
        response = await http.request(method, path, json=body)
    decoded = response.json()
    return response.status_code, decoded.get("code", 0) if isinstance(decoded, dict) else 0


@pytest.mark.parametrize(
    ("only", "sends", "verifies", "reads"),
    [
        (None, (200, 0), (400, 4001), (200, 0)),
        ("send", (200, 0), (403, 2004), (403, 2004)),
        ("verify", (403, 2004), (400, 4001), (403, 2004)),
    ],
)
@pytest.mark.asyncio
async def test_a_key_can_be_limited(
    only: str | None, sends: tuple[int, int], verifies: tuple[int, int], reads: tuple[int, int]
) -> None:
    """A key that may only send or only verify is answered 2004 to everything else."""
    keys: Credentials = {"otp": ApiKey(*PAIR, only=only)}  # type: ignore[arg-type]

    assert sends == await answer(keys, "POST", "/otp/v1/messages", OTP)
    assert sends == await answer(keys, "POST", "/otp/v1/codes", {**OTP, "code": "1"})
    assert sends == await answer(keys, "POST", "/otp/v1/custom-messages", OTP)
    assert verifies == await answer(keys, "POST", "/otp/v1/verifications", GUESS)
    assert reads == await answer(keys, "GET", "/otp/v1/balance")
    assert reads == await answer(keys, "GET", "/otp/v1/template-configs")


@pytest.mark.asyncio
async def test_a_key_expires() -> None:
    """From its time on, a key is answered 2002."""
    clock = FakeClock(1000.0)
    keys: Credentials = {"sms": ApiKey(*PAIR, expires_at=1001.0)}
    before = await answer(keys, "GET", "/sms/v1/balance", clock=clock)
    clock.now = 1001.0
    after = await answer(keys, "GET", "/sms/v1/balance", clock=clock)

    assert ((200, 0), (401, 2002)) == (before, after)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("10.1.2.3", (200, 0)),
        ("::1", (200, 0)),
        ("127.0.0.1", (403, 2004)),
        ("no address", (403, 2004)),
    ],
)
@pytest.mark.asyncio
async def test_a_key_is_bound_to_addresses(host: str, expected: tuple[int, int]) -> None:
    """From another address than its own, a key is answered 2004."""
    keys: Credentials = {"sms": ApiKey(*PAIR, addresses=["10.0.0.0/8", "::1"])}

    assert expected == await answer(keys, "GET", "/sms/v1/balance", host=host)


@pytest.mark.parametrize(
    ("pair", "status"), [(("a", "1"), 200), (("b", "2"), 401), (("a", "2"), 401)]
)
@pytest.mark.asyncio
async def test_a_product_can_have_several_keys(pair: tuple[str, str], status: int) -> None:
    """Each of them has limits of its own; an unknown pair is refused."""
    keys: Credentials = {"sms": [ApiKey("a", "1"), ApiKey("b", "2", expires_at=0)]}

    assert status == (await answer(keys, "GET", "/sms/v1/balance", pair=pair))[0]


def test_a_key_shows_no_secret() -> None:
    """Its repr is fit for a log."""
    assert "hush" not in repr(ApiKey("key", "hush"))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"only": "read"}, ValueError, "^only: "),
        ({"addresses": "10.0.0.1"}, TypeError, "^addresses: expected several addresses, got a str"),
        ({"addresses": ["10.0.0"]}, ValueError, "^addresses: .*10.0.0"),
    ],
)
def test_a_key_that_cannot_be(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    """Wrong limits are named when the key is made."""
    with pytest.raises(error, match=message):
        ApiKey("key", "secret", **arguments)  # type: ignore[arg-type]


class TestReadKeys:
    """Keys from a file."""

    def test_reads_both_products(self, tmp_path: Path) -> None:
        """A file can hold all attributes of a key."""
        file = tmp_path / "keys.json"
        limited = {"key": "a", "secret": "1", "only": "send", "addresses": ["10.0.0.1"]}
        file.write_text(json.dumps({"otp": [limited], "sms": []}), encoding="utf-8")

        assert {
            "otp": [ApiKey("a", "1", only="send", addresses=("10.0.0.1",))],
            "sms": [],
        } == read_keys(file)

    @pytest.mark.parametrize(
        "content",
        [
            "{",
            "[]",
            '{"otp": 5}',
            '{"otp": ["key"]}',
            '{"otp": [{"key": "a"}]}',
            '{"otp": [{"key": "a", "secret": "hush", "only": "read"}]}',
            '{"voice": []}',
        ],
    )
    def test_says_what_is_wrong(self, tmp_path: Path, content: str) -> None:
        """Anything else is an error that names the file, and no secret."""
        file = tmp_path / "keys.json"
        file.write_text(content, encoding="utf-8")
        with pytest.raises(ValueError, match=r"keys\.json: ") as caught:
            read_keys(file)

        assert "hush" not in str(caught.value)
