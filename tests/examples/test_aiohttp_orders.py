"""The aiohttp example, started as a program and called over HTTP, the sandbox behind it."""

from collections.abc import Iterator, Mapping

import httpx
import pytest

from engagelab_async.sandbox import Sandbox
from support.programs import EXAMPLES, serving


@pytest.fixture(scope="module")
def app(environment: Mapping[str, str]) -> Iterator[httpx.Client]:
    """A client of the app."""
    program = str(EXAMPLES / "aiohttp_orders.py")
    with (
        serving(program, environment=environment) as url,
        httpx.Client(base_url=url, timeout=50) as client,
    ):
        yield client


def test_a_customer_is_told(app: httpx.Client, sandbox: Sandbox) -> None:
    """The message carries the order's number."""
    answer = app.post("/orders/1042/shipped", json={"phone": "+6592000001"})
    message = sandbox.last_message(to="+6592000001")

    assert 202 == answer.status_code
    assert {"sent": "yes", "message_id": message.message_id, "channel": "sms"} == answer.json()
    assert {"order": "1042"} == message.params


def test_many_customers_are_told(app: httpx.Client, sandbox: Sandbox) -> None:
    """All valid numbers get the SMS, and the invalid ones are counted."""
    phones = ["+6592000002", "not a number", "+6592000003"]
    answer = app.post("/delays", json={"phones": phones, "day": "Monday"})
    plan_id = answer.json()["plan_id"]
    reached = [message.recipient for message in sandbox.messages if message.plan_id == plan_id]

    assert (202, 1) == (answer.status_code, answer.json()["invalid_numbers"])
    assert ["+6592000002", "+6592000003"] == reached


def test_an_uncertain_failure_is_told_apart(app: httpx.Client) -> None:
    """A caller that repeats every 5xx does not repeat what may have been sent."""
    answer = app.post("/orders/1042/shipped", json={"phone": "+10000001000"})

    assert (202, {"sent": "maybe"}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    ("phone", "status", "why"),
    [
        ("+10000005013", 422, "BlacklistedError"),
        ("+10000005016", 503, "InternalSendError"),
        ("+10000002001", 503, "AuthenticationError"),
    ],
)
def test_refusals_become_answers(app: httpx.Client, phone: str, status: int, why: str) -> None:
    """A refusal for good and one for now have different statuses, and a name each."""
    answer = app.post("/orders/1042/shipped", json={"phone": phone})

    assert (status, {"sent": "no", "why": why}) == (answer.status_code, answer.json())


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        pytest.param("[]", "list indices", id="no object"),
        pytest.param("no JSON", "Expecting value", id="no JSON"),
        pytest.param('{"phone": ""}', "to: must not be empty", id="an empty number"),
        pytest.param("{}", "'phone'", id="no number"),
    ],
)
def test_what_cannot_be_sent_is_not_sent(app: httpx.Client, body: str, wrong: str) -> None:
    """A request that no message can be made of is answered with what is wrong with it."""
    answer = app.post("/orders/1042/shipped", content=body)

    assert 400 == answer.status_code
    assert wrong in answer.text
