"""What becomes of messages, and the callbacks of it, on real sockets both ways."""

import asyncio
import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from attrs import evolve

from engagelab_async.sandbox import (
    DEMO_CREDENTIALS,
    CallbackDelivery,
    Callbacks,
    Reply,
    Review,
    Sandbox,
    SentMessage,
    StatusChange,
)
from engagelab_async.sandbox.simulation import Simulation
from engagelab_async.webhooks import Verifier
from support.fake_clock import FakeClock
from support.hostile import Hostile, answers, hangs
from support.platforms import Platform

OK = answers(200)
CHECKS = 2


def send(sandbox: Sandbox, to: str = "+6591234567", template: str = "login") -> SentMessage:
    """Send a code over HTTP."""
    url = f"{sandbox.otp_base_url}/v1/messages"
    body = {"to": to, "template": {"id": template}}
    httpx.post(url, json=body, auth=DEMO_CREDENTIALS, trust_env=False).raise_for_status()
    return sandbox.last_message(to)


def call(method: str, url: str, body: object) -> Any:  # noqa: ANN401 - JSON
    """Make another call of the API, and return its answer."""
    answer = httpx.request(method, url, json=body, auth=DEMO_CREDENTIALS, trust_env=False)
    return answer.raise_for_status().json()


def rows(server: Hostile) -> list[dict[str, object]]:
    """Return all rows that were called back; a check of the URL has none."""
    bodies = [json.loads(each.body) for each in server.requests if each.body not in (b"", b"{}")]
    return [row for body in bodies for row in body["rows"]]


def statuses(server: Hostile) -> list[str]:
    """Return the status of every row that has one."""
    found: Iterable[object] = (row.get("status") for row in rows(server))
    return [str(each["message_status"]) for each in found if isinstance(each, dict)]


@pytest.mark.asyncio
async def test_a_send_is_called_back() -> None:
    """Every status of a message comes to the URL, in its order, beside the check of the URL."""
    with (
        Hostile(OK) as server,
        Sandbox(callbacks=Callbacks(server.url), pace=0) as sandbox,
    ):
        message = send(sandbox)
        await server.until(lambda: len(statuses(server)) == 4)

        assert ["plan", "target_valid", "sent", "delivered"] == statuses(server)
        assert {message.message_id} == {row["message_id"] for row in rows(server)}
        assert [b"", b"{}"] == [request.body for request in server.requests[:CHECKS]]


@pytest.mark.asyncio
async def test_time_is_the_sandboxs() -> None:
    """With a clock of the caller's, the moment it is set forward decides."""
    clock = FakeClock()
    with (
        Hostile(OK) as server,
        Sandbox(callbacks=Callbacks(server.url), clock=clock, code_ttl=60) as sandbox,
    ):
        send(sandbox)
        await server.until(lambda: len(statuses(server)) == 2)
        for seconds, count in [(1, 3), (1, 4), (58, 5)]:
            clock.now += seconds
            await server.until(lambda count=count: len(statuses(server)) == count)  # type: ignore[misc]

        assert ["sent", "delivered", "verified_timeout"] == statuses(server)[2:]


@pytest.mark.asyncio
async def test_manual_changes_are_called_back() -> None:
    """Delivering, failing, verifying, expiring and replying, from any thread."""
    with (
        Hostile(OK) as server,
        Sandbox(callbacks=Callbacks(server.url), clock=FakeClock()) as sandbox,
    ):
        messages = [send(sandbox, f"+659123456{digit}") for digit in range(4)]
        await server.until(lambda: len(statuses(server)) == 8)
        sandbox.deliver(messages[0])
        sandbox.fail(messages[1], 5019)
        sandbox.verify(messages[2])
        sandbox.expire(messages[3])
        sandbox.reply(messages[0], "thanks")
        await server.until(lambda: any("response" in row for row in rows(server)))
        await server.until(
            lambda: (
                {"delivered", "sent_failed", "verified", "verified_timeout"}
                <= set(statuses(server))
            )
        )

        assert ["thanks"] == [reply.text for reply in sandbox.replies(messages[0])]
        assert ["sent_failed"] == [each.status for each in sandbox.history(messages[1])][2:]


@pytest.mark.asyncio
async def test_callbacks_can_be_set_while_it_runs() -> None:
    """From then on everything is called back, of earlier messages what is still to come."""
    clock = FakeClock()
    with Hostile(OK) as server, Sandbox(clock=clock) as sandbox:
        send(sandbox)
        before = sandbox.callbacks
        sandbox.callbacks = Callbacks(server.url)
        clock.now += 2
        await server.until(lambda: len(statuses(server)) == 2)

        assert (None, server.url) == (before, sandbox.callbacks.url)
        assert ["sent", "delivered"] == statuses(server)


@pytest.mark.asyncio
@pytest.mark.usefixtures("patient_server")
async def test_sends_do_not_wait_for_callbacks() -> None:
    """While the receiver hangs, the API answers; and the stop does not wait for it either."""
    with Hostile(hangs) as server:
        with Sandbox(callbacks=Callbacks(server.url), pace=0) as sandbox:
            await server.until(lambda: len(server.requests) == 1)
            message = send(sandbox)
        await server.until(lambda: server.open == 0)

    assert "delivered" == sandbox.history(message)[-1].status
    assert "engagelab-sandbox" not in {thread.name for thread in threading.enumerate()}


class Observer:
    """Observes the messages of a simulation that runs in the test's own event loop."""

    def __init__(self, simulation: Simulation) -> None:
        self.seen: list[tuple[int, object]] = []
        self._new = asyncio.Event()
        simulation.observe(self._observe)

    def _observe(self, number: int, event: object) -> None:
        self.seen.append((number, event))
        self._new.set()

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds, which may do so after each event."""
        async with asyncio.timeout(50):
            while not condition():
                await self._new.wait()
                self._new.clear()


@pytest.mark.asyncio
async def test_every_try_is_on_record() -> None:
    """`Sandbox.deliveries` has the body, the tries and their answers, and knows the messages."""
    platform = Platform(pace=0)
    simulation, observer = platform.simulation, Observer(platform.simulation)
    with Hostile(OK, OK, answers(503), OK) as server:
        simulation.callbacks = Callbacks(server.url, backoff=0, attempts=2)
        async with simulation.running():
            platform.send_otp({"to": "+6591234567", "template": {"id": "login"}})
            await observer.until(lambda: simulation.sender.deliveries[-1].is_answered)
        delivery = simulation.sender.deliveries[-1]

    assert server.requests[-1].body.decode() == delivery.body
    assert (1,) == delivery.messages
    assert [503, 200] == [each.status for each in delivery.tries]


@pytest.mark.asyncio
async def test_an_observer_sees_everything() -> None:
    """Statuses, replies and tries of callbacks, of what comes from then on."""
    platform = Platform(pace=0)
    simulation = platform.simulation
    body = {"to": "+6591234567", "template": {"id": "shipped"}}
    platform.send_custom_message(body)
    observer = Observer(simulation)
    with Hostile(OK) as server:
        async with simulation.running():
            platform.send_custom_message(body)
            await observer.until(lambda: len(observer.seen) == 4)
            simulation.callbacks = Callbacks(server.url)
            simulation.reply(platform.outbox.messages[1], "thanks")
            await observer.until(lambda: len(observer.seen) == 6)

    assert [(2, StatusChange)] * 4 + [(2, Reply), (2, CallbackDelivery)] == [
        (number, type(event)) for number, event in observer.seen
    ]
    assert ["plan", "target_valid", "sent", "delivered"] == [
        change.status for change in simulation.history(platform.outbox.messages[0])
    ]


def test_a_message_must_be_its_own() -> None:
    """A message of another sandbox is refused, even if it has the same number."""
    with Sandbox() as sandbox, Sandbox() as other:
        message = send(sandbox)
        with pytest.raises(ValueError, match=r"^message: does not belong to this sandbox$"):
            other.deliver(message)
        send(other)
        with pytest.raises(ValueError, match=r"^message: does not belong to this sandbox$"):
            other.history(message)
        with pytest.raises(ValueError, match=r"^message: does not belong to this sandbox$"):
            sandbox.reply(evolve(message, number=0), "hello")


def test_dropped_targets_are_on_record() -> None:
    """What SMS drops is no message that was sent, and has a history all the same."""
    with Sandbox() as sandbox:
        body = {"to": ["nobody", "+6591234567"], "template": {"id": "7", "params": {}}}
        url = f"{sandbox.sms_base_url}/v1/messages"
        httpx.post(url, json=body, auth=DEMO_CREDENTIALS, trust_env=False)

        assert ["+6591234567"] == [message.recipient for message in sandbox.messages]
        (dropped,) = sandbox.dropped
        assert "target_invalid" == sandbox.history(dropped)[-1].status


@pytest.mark.parametrize("pace", [-1, float("inf"), float("nan")])
def test_the_pace_is_a_number(pace: float) -> None:
    """What is no pace is refused at once."""
    with pytest.raises(ValueError, match=r"^pace: "):
        Sandbox(pace=pace)


def notifications(server: Hostile) -> list[tuple[object, ...]]:
    """Return whose template each notification is about, what came of it, and why."""
    return [
        (row["server"], *notification["notification_data"].values())
        for row in rows(server)
        if isinstance(notification := row.get("notification"), dict)
        and notification["event"] == "template_audit_result"
    ]


def create(sandbox: Sandbox, template_id: str) -> None:
    """Submit an OTP template."""
    body = {
        "template_id": template_id,
        "send_channel_strategy": "voice",
        "voice_config": {"template_type": 1},
        "verify_code_config": {"verify_code_type": 1, "verify_code_len": 6, "verify_code_ttl": 5},
    }
    call("POST", f"{sandbox.otp_base_url}/v1/template-configs", body)


@pytest.mark.asyncio
async def test_reviews_are_called_back() -> None:
    """Each review that ends is told once, with the reviewer's words, on both products."""
    clock = FakeClock()
    with (
        Hostile(OK) as server,
        Sandbox(templates={"given": "Hi"}, callbacks=Callbacks(server.url), clock=clock) as sandbox,
    ):
        create(sandbox, "approved")
        sandbox.review = Review.leave_pending()
        create(sandbox, "never")
        sandbox.review = Review.reject("Name the brand", after=5)
        create(sandbox, "rejected")
        clock.now += 1
        await server.until(lambda: len(notifications(server)) == 1)
        clock.now += 4
        await server.until(lambda: len(notifications(server)) == 2)
        sandbox.review = Review.approve(after=0)
        wording = {
            "template_name": "shipped",
            "template_type": "utility",
            "template_content": "Order {{order}}",
            "country_codes": "SG",
        }
        url = f"{sandbox.sms_base_url}/v1/template-configs"
        made = call("POST", url, wording)
        await server.until(lambda: len(notifications(server)) == 3)
        call("PUT", f"{url}/{made['template_id']}", wording)
        await server.until(lambda: len(notifications(server)) == 4)

        assert [
            ("otp", "approved", "approved", ""),
            ("otp", "rejected", "rejected", "Name the brand"),
            *[("sms", made["template_id"], "approved", "")] * 2,
        ] == notifications(server)
        assert {int(clock.now), int(clock.now) - 4} == {row["itime"] for row in rows(server)}


@pytest.mark.asyncio
async def test_earlier_reviews_are_not_told() -> None:
    """Who asks for callbacks is told of what comes from then on."""
    with Hostile(OK) as server, Sandbox(review=Review.approve(after=0)) as sandbox:
        create(sandbox, "before")
        for _ in range(2):
            sandbox.callbacks = Callbacks(server.url)
        create(sandbox, "after")
        await server.until(lambda: len(notifications(server)) == 1)

        assert [("otp", "after", "approved", "")] == notifications(server)


@pytest.mark.asyncio
async def test_kept_reviews_are_not_told_again(tmp_path: Path) -> None:
    """A store brings back what was decided; what was not, is told when it is."""
    clock = FakeClock()
    with Hostile(OK) as server:

        def started() -> Sandbox:
            return Sandbox(callbacks=Callbacks(server.url), clock=clock, store=tmp_path / "store")

        with started() as sandbox:
            create(sandbox, "decided")
            clock.now += 1
            await server.until(lambda: len(notifications(server)) == 1)
            create(sandbox, "pending")
        with started():
            clock.now += 1
            await server.until(lambda: len(notifications(server)) == 2)

        assert ["decided", "pending"] == [name for _, name, *_ in notifications(server)]


@pytest.mark.asyncio
async def test_the_vendors_way_to_ask_for_callbacks() -> None:
    """The call of the vendor's sandbox sets the URL, and its pair signs."""
    verifier = Verifier("sandbox_demo", "sandbox_webhook_secret")
    with Hostile(OK) as server, Sandbox(pace=0) as sandbox:
        call("PUT", f"{sandbox.otp_base_url}/v1/sandbox/webhook", {"url": server.url})
        send(sandbox)
        await server.until(lambda: len(statuses(server)) == 4)

        assert sandbox.callbacks is not None
        last = server.requests[-1]
        verifier.verify(dict(last.headers), last.body)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        ({"token": "a-token-of-16-chars"}, 403),
        (
            {"token": "a-token-of-16-chars", "credentials": {"otp": DEMO_CREDENTIALS}},
            200,
        ),
    ],
)
def test_who_may_ask_for_callbacks(options: dict[str, Any], status: int) -> None:
    """Where the inbox asks for a token, a key pair that anybody may make up is not enough."""
    with Sandbox(**options) as sandbox:
        answer = httpx.put(
            f"{sandbox.otp_base_url}/v1/sandbox/webhook",
            json={"url": "http://127.0.0.1:9/"},
            auth=DEMO_CREDENTIALS,
            trust_env=False,
        )

        assert status == answer.status_code
