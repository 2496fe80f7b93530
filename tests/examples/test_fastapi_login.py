"""The FastAPI example, started with uvicorn and called over HTTP, the sandbox behind it."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from engagelab_async.sandbox import Sandbox
from support.fake_clock import FakeClock
from support.programs import EXAMPLES, serving


@pytest.fixture(scope="module")
def app(environment: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A client of the app."""
    command = ["-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", "0", "fastapi_login:app"]
    with (
        serving(*command, environment=environment) as url,
        httpx.Client(base_url=url, timeout=50) as client,
    ):
        yield client


def ask_for_a_code(app: httpx.Client, phone: str) -> str:
    """Begin to log in, and return what identifies this login."""
    login: str = app.post("/login", json={"phone": phone}).json()["login"]
    return login


def test_the_code_logs_in(app: httpx.Client, sandbox: Sandbox) -> None:
    """Whoever types the code that was sent is logged in."""
    login = ask_for_a_code(app, "+6591000001")
    code = sandbox.last_message(to="+6591000001").code
    answer = app.post("/login/verify", json={"login": login, "code": code})

    assert (200, {"phone": "+6591000001"}) == (answer.status_code, answer.json())


def test_a_code_logs_in_once(app: httpx.Client, sandbox: Sandbox) -> None:
    """A login that is over is not known any more."""
    login = ask_for_a_code(app, "+6591000002")
    code = sandbox.last_message(to="+6591000002").code
    guess = {"login": login, "code": code}
    statuses = [app.post("/login/verify", json=guess).status_code for _ in range(2)]

    assert [200, 404] == statuses


def test_guesses_are_counted(app: httpx.Client) -> None:
    """Five wrong codes end a login, so that nobody can try them all."""
    login = ask_for_a_code(app, "+10000000005")  # which is always sent 123456
    codes = ["000000"] * 5 + ["123456"]
    statuses = [
        app.post("/login/verify", json={"login": login, "code": code}).status_code for code in codes
    ]

    assert [401] * 5 + [404] == statuses


def test_a_code_expires(app: httpx.Client, sandbox: Sandbox, clock: FakeClock) -> None:
    """A code that is typed too late is answered with what to do about it."""
    login = ask_for_a_code(app, "+6591000003")
    code = sandbox.last_message(to="+6591000003").code
    clock.now += 301
    answer = app.post("/login/verify", json={"login": login, "code": code})

    assert 410 == answer.status_code
    assert "expired" in answer.json()["detail"]


def test_asking_twice_is_answered_with_what_to_do(app: httpx.Client) -> None:
    """While a code is live, the person is told to use it."""
    ask_for_a_code(app, "+6591000004")
    answer = app.post("/login", json={"phone": "+6591000004"})

    assert 429 == answer.status_code
    assert "still good" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("phone", "status", "words"),
    [
        pytest.param("nobody", 422, "", id="not a number at all"),
        pytest.param("+10000005011", 422, "not the number", id="malformed"),
        pytest.param("+10000005013", 422, "cannot send", id="on a blacklist"),
        pytest.param("", 422, "", id="empty"),
        pytest.param("+10000005016", 503, "at the moment", id="the platform could not send"),
        pytest.param("+10000002001", 503, "at the moment", id="our key is wrong"),
        pytest.param("+10000001000", 503, "cannot know", id="uncertain"),
    ],
)
def test_refusals_become_answers(app: httpx.Client, phone: str, status: int, words: str) -> None:
    """What the platform refuses is told in the status, and to the person in words."""
    answer = app.post("/login", json={"phone": phone})

    assert status == answer.status_code
    assert words in str(answer.json()["detail"])
