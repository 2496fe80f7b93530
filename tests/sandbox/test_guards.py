"""Who may see the inbox and steer the sandbox."""

from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qs

import httpx
import pytest
import pytest_asyncio

from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.faults.register import Faults
from engagelab_async.sandbox.guards import Guard, is_loopback, token_for
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.inbox.control import routes
from support.fake_clock import FakeClock
from support.platforms import Platform

OTP = {"to": "+6591234567", "template": {"id": "login"}}
TOKEN = "a+token/of=the%user's"
MESSAGES = "/sandbox/v1/messages"


@pytest.fixture
def client(platform: Platform, clock: FakeClock) -> Callable[..., httpx.AsyncClient]:
    """Makes clients of a sandbox behind a guard."""
    calls = Calls(platform, keep=10, clock=clock)
    app = create_app(platform, further_routes=routes(calls, platform, Faults()))

    def make(
        base_url: str = "http://127.0.0.1:8025",
        *,
        host: str = "127.0.0.1",
        allowed_hosts: tuple[str, ...] = (),
        token: str | None = None,
    ) -> httpx.AsyncClient:
        guard = Guard(app, host=host, allowed_hosts=allowed_hosts, token=token)
        return httpx.AsyncClient(transport=httpx.ASGITransport(guard), base_url=base_url)

    return make


@pytest_asyncio.fixture
async def http(client: Callable[..., httpx.AsyncClient]) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a sandbox on a loopback address."""
    async with client() as client_on_loopback:
        yield client_on_loopback


@pytest_asyncio.fixture
async def http_with_token(
    client: Callable[..., httpx.AsyncClient],
) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a sandbox that asks for a token."""
    async with client(token=TOKEN) as client_with_token:
        yield client_with_token


class TestHost:
    """Any name can be made to point at this machine; only some of them are ours."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "host",
        [
            "127.0.0.1:8025",
            "127.0.0.1",
            "localhost:9999",
            "inbox.localhost",
            "[::1]:8025",
            "192.168.1.5:8025",
            "0.0.0.0:8025",
            "[fe80::1]",
        ],
    )
    async def test_this_machine(self, http: httpx.AsyncClient, host: str) -> None:
        """What nobody can make point elsewhere is let in, as any address."""
        answer = await http.get(MESSAGES, headers={"host": host})

        assert 200 == answer.status_code

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "host",
        [
            "evil.example",
            "evil.example:8025",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "evil.example@127.0.0.1.evil.example",
            "192.168.1.5.:8025",
            "192.168.1",
            "[::1",
            "",
        ],
    )
    @pytest.mark.parametrize("path", ["/", "/inbox/inbox.js", MESSAGES, "/otp", "/nothing"])
    async def test_others(self, http: httpx.AsyncClient, host: str, path: str) -> None:
        """Another name is refused, for every path but the API's own."""
        answer = await http.get(path, headers={"host": host})

        assert (403, 403) == (answer.status_code, answer.json()["code"])
        assert "allowed_hosts" in answer.json()["message"]

    @pytest.mark.asyncio
    async def test_the_api_is_for_everybody(self, http: httpx.AsyncClient) -> None:
        """Containers call each other by names of their own, and there is a key pair."""
        headers = {"host": "sandbox.internal", "origin": "https://shop.example"}
        answer = await http.post(
            "/otp/v1/messages", json=OTP, headers=headers, auth=DEMO_CREDENTIALS
        )

        assert 200 == answer.status_code

    @pytest.mark.asyncio
    async def test_names_that_the_user_allows(
        self, client: Callable[..., httpx.AsyncClient]
    ) -> None:
        """They are let in, however they are spelt, and names below them are not."""
        async with client("http://Sandbox.Internal", allowed_hosts=("SANDBOX.internal",)) as http:
            allowed = await http.get(MESSAGES)
            below = await http.get(MESSAGES, headers={"host": "x.sandbox.internal"})

        assert [200, 403] == [allowed.status_code, below.status_code]


class TestOrigin:
    """A page on another site can make the browser send requests here."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"origin": "http://127.0.0.1:8025"},
            {"sec-fetch-site": "same-origin"},
            {"sec-fetch-site": "none", "sec-fetch-mode": "navigate"},
        ],
    )
    async def test_our_own_page_and_programs(
        self, http: httpx.AsyncClient, headers: dict[str, str]
    ) -> None:
        """What our page asks for is answered, and so is what is no browser."""
        answer = await http.delete("/sandbox/v1/calls", headers=headers)

        assert 204 == answer.status_code

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "headers",
        [
            {"origin": "https://evil.example"},
            {"origin": "http://127.0.0.1:3000"},
            {"origin": "http://127.0.0.1"},
            {"origin": "https://evil-127.0.0.1:8025"},
            {"origin": "null"},
            {"origin": ""},
            {"sec-fetch-site": "cross-site"},
            {"sec-fetch-site": "same-site", "origin": "http://127.0.0.1:8025"},
            {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"},
        ],
    )
    @pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
    async def test_other_pages(
        self, http: httpx.AsyncClient, headers: dict[str, str], method: str
    ) -> None:
        """Even what only looks at something is refused."""
        answer = await http.request(method, "/sandbox/v1/calls/1", headers=headers)

        assert (403, "another site's page may not do this") == (
            answer.status_code,
            answer.json()["message"],
        )

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("method", "mode", "status"),
        [("GET", "navigate", 200), ("GET", "no-cors", 403), ("POST", "navigate", 403)],
    )
    async def test_a_link_may_be_followed(
        self, http: httpx.AsyncClient, method: str, mode: str, status: int
    ) -> None:
        """Another page can link to the inbox, and cannot load or post anything."""
        headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": mode}
        answer = await http.request(method, "/", headers=headers)

        assert status == answer.status_code


class TestToken:
    """What a sandbox asks for that others can reach."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "authorization",
        ["", "Bearer", "Bearer wrong", f"Bearer {TOKEN}x", f"Basic {TOKEN}", "Bearer \xff"],
    )
    async def test_without_it(self, http_with_token: httpx.AsyncClient, authorization: str) -> None:
        """Nothing is shown, and nothing is done."""
        headers = {b"authorization": authorization.encode("latin-1")}
        for path in (MESSAGES, "/sandbox/v1/session", "/sandbox/v1/nothing"):
            answer = await http_with_token.post(path, headers=headers)

            assert (401, 401) == (answer.status_code, answer.json()["code"])

    @pytest.mark.asyncio
    async def test_the_page_itself_is_open(self, http_with_token: httpx.AsyncClient) -> None:
        """It holds nothing yet, and is what asks for the token."""
        answers = [await http_with_token.get(path) for path in ("/", "/inbox/inbox.js")]

        assert [200, 200] == [answer.status_code for answer in answers]

    @pytest.mark.asyncio
    async def test_in_a_header(self, http_with_token: httpx.AsyncClient) -> None:
        """A script sends it with each request."""
        headers = {"authorization": f"bearer {TOKEN}"}
        answer = await http_with_token.get(MESSAGES, headers=headers)

        assert 200 == answer.status_code

    @pytest.mark.asyncio
    async def test_as_a_cookie(self, http_with_token: httpx.AsyncClient) -> None:
        """A page sends it once, and has a cookie from then on that no script can read."""
        headers = {"authorization": f"Bearer {TOKEN}"}
        opened = await http_with_token.post("/sandbox/v1/session", headers=headers)
        attributes = opened.headers["set-cookie"].lower().split("; ")
        answer = await http_with_token.get(MESSAGES)

        assert [204, 200] == [opened.status_code, answer.status_code]
        assert {"httponly", "samesite=strict", "path=/sandbox/"} <= {*attributes}

    @pytest.mark.asyncio
    async def test_a_session_without_a_token(self, http: httpx.AsyncClient) -> None:
        """Where nothing is asked for, there is no cookie either."""
        answer = await http.post("/sandbox/v1/session")

        assert 204 == answer.status_code
        assert "set-cookie" not in answer.headers

    @pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
    def test_is_not_needed_on_this_machine(self, host: str) -> None:
        """Nobody else gets here."""
        assert is_loopback(host)
        assert token_for(host, None) is None

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "", "192.0.2.7", "sandbox.internal"])  # noqa: S104
    def test_is_made_up_for_others(self, host: str) -> None:
        """It is another one every time."""
        tokens = {token_for(host, None) for _ in range(10)}

        assert None not in tokens
        assert 10 == len(tokens)

    def test_of_the_user(self) -> None:
        """It is asked for even on this machine."""
        assert TOKEN == token_for("127.0.0.1", TOKEN)

    @pytest.mark.parametrize(
        "token", ["", "x" * 15, "ü" * 16, "\n" * 16, "x" * 16 + " ", "x" * 16 + "\x7f"]
    )
    def test_that_cannot_be(self, token: str) -> None:
        """One that could be guessed, or not be sent, is refused at once."""
        with pytest.raises(ValueError, match=r"^token: must have at least 16 printable ASCII"):
            Sandbox(token=token)


def test_a_single_name_is_no_list_of_names() -> None:
    """A string would be taken for its letters."""
    with pytest.raises(TypeError, match=r"^allowed_hosts: "):
        Sandbox(allowed_hosts="inbox.example")


def test_a_sandbox_on_all_addresses() -> None:
    """Its URL holds the token that it asks for; the API still takes any key pair."""
    with (
        Sandbox(host="0.0.0.0") as sandbox,  # noqa: S104
        httpx.Client(base_url=sandbox.inbox_url, trust_env=False) as http,
    ):
        url, _, token = sandbox.inbox_url.partition("#token=")
        refused = http.get(MESSAGES)
        shown = http.get(MESSAGES, headers={"authorization": f"Bearer {token}"})
        sent = http.post("/otp/v1/messages", json=OTP, auth=("any", "pair"))

        assert f"{url}otp" == sandbox.otp_base_url
        assert [401, 200, 200] == [each.status_code for each in (refused, shown, sent)]
        assert token not in repr(sandbox)


def test_a_token_with_signs_in_it() -> None:
    """The address holds them in such a way that a browser finds what was meant."""
    with Sandbox(token=TOKEN) as sandbox:
        fragment = httpx.URL(sandbox.inbox_url).fragment
        query = sandbox.inbox_url.partition("#")[2]

        assert f"token={TOKEN}" == fragment
        assert {"token": [TOKEN]} == parse_qs(query)


def test_a_sandbox_on_this_machine() -> None:
    """Its URL opens the inbox as it is."""
    with Sandbox(allowed_hosts=["inbox.example"]) as sandbox:
        named = httpx.get(sandbox.inbox_url, headers={"host": "inbox.example"}, trust_env=False)

        assert f"{sandbox.otp_base_url.removesuffix('otp')}" == sandbox.inbox_url
        assert 200 == named.status_code
