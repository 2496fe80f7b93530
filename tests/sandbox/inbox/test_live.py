"""The inbox of a running sandbox, over real sockets."""

import json
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import httpx
import pytest

from engagelab_async.sandbox import DEMO_CREDENTIALS, Callbacks, Sandbox
from support.fake_clock import FakeClock
from support.hostile import Hostile, answers

Document: TypeAlias = Any
PLAN: Document = {
    "to": [f"+65912345{n}" for n in range(100, 600)],
    "template": {"id": "7", "params": {}},
}


def send(sandbox: Sandbox, to: str = "+6591234567") -> str:
    """Send a message and return its id."""
    answer = httpx.post(
        f"{sandbox.otp_base_url}/v1/custom-messages",
        json={"to": to, "template": {"id": "7"}},
        auth=DEMO_CREDENTIALS,
        trust_env=False,
    )
    return str(answer.json()["message_id"])


def shown(sandbox: Sandbox, path: str) -> Document:
    """Return what the control API answers."""
    return httpx.get(f"{sandbox.inbox_url}sandbox/v1/{path}", trust_env=False).json()


@contextmanager
def stream(sandbox: Sandbox, **headers: str) -> Iterator[Iterator[dict[str, Any]]]:
    """Open a stream, and give its events: their data, with their id."""
    url = f"{sandbox.inbox_url}sandbox/v1/events"
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    with httpx.stream("GET", url, headers=named, trust_env=False, timeout=50) as answer:
        assert "text/event-stream; charset=utf-8" == answer.headers["content-type"]
        yield _events(answer.iter_lines())


def _events(lines: Iterator[str]) -> Iterator[dict[str, Any]]:
    event_id = ""
    for line in lines:
        if line.startswith("id: "):
            event_id = line.removeprefix("id: ")
        elif line.startswith("data: "):
            yield {"id": event_id, **json.loads(line.removeprefix("data: "))}


def until(events: Iterator[dict[str, Any]], state: str, count: int = 1) -> dict[str, Any]:
    """Read events until a call has so many messages in a state, and return that call."""
    for event in events:
        for call in event["calls"]:
            if call["states"].get(state) == count:
                return dict(call)
    raise AssertionError(f"never reported: {count} {state}")


def test_a_message_appears_as_it_is_sent() -> None:
    """Without a further request: the open stream reports it, and its delivery."""
    with Sandbox(pace=0.05) as sandbox, stream(sandbox) as events:
        assert [] == next(events)["calls"]
        send(sandbox)

        assert "+6591234567" == until(events, "delivered")["to"]


def test_a_manual_change_appears() -> None:
    """From another thread, too."""
    with Sandbox(clock=FakeClock()) as sandbox, stream(sandbox) as events:
        send(sandbox, "+10000000003")
        until(events, "target_valid")
        sandbox.fail(sandbox.last_message(), 5018)

        assert 1 == until(events, "sent_failed")["number"]


def test_a_stream_goes_on_where_it_was_cut_off() -> None:
    """With the id of its last event, nothing is lost, and nothing reported twice."""
    with Sandbox(pace=1000) as sandbox:
        with stream(sandbox) as events:
            last = next(events)["id"]
        send(sandbox)
        with stream(sandbox, last_event_id=last) as events:
            event = next(events)
        with stream(sandbox, last_event_id=event["id"]) as events:
            following = next(events)

    assert [1] == [call["number"] for call in event["calls"]]
    assert [] == following["calls"]


def test_a_plan_proceeds() -> None:
    """Its row counts its messages, from one state to the next."""
    with Sandbox(pace=0.05) as sandbox, stream(sandbox) as events:
        url = f"{sandbox.sms_base_url}/v1/messages"
        httpx.post(url, json=PLAN, auth=DEMO_CREDENTIALS, trust_env=False)

        assert {"delivered": 500} == until(events, "delivered", 500)["states"]


@pytest.mark.usefixtures("patient_server")
def test_open_streams_do_not_delay_the_stop() -> None:
    """They end in order, at once; the server would wait for them otherwise."""
    with ExitStack() as readers:
        with Sandbox() as sandbox:
            opened = [readers.enter_context(stream(sandbox)) for _ in range(3)]
            for events in opened:
                next(events)

        # An end that is no error: the last piece of the answer has come.
        assert [[], [], []] == [list(events) for events in opened]


def test_a_reader_that_reads_nothing_holds_nothing_up() -> None:
    """Others get events and the API answers, whatever piles up for it; and the sandbox stops."""
    with Sandbox(pace=0) as sandbox:
        url = httpx.URL(sandbox.inbox_url)
        with socket.socket() as lazy:
            lazy.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lazy.connect((url.host, url.port))
            lazy.sendall(b"GET /sandbox/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with stream(sandbox) as events, httpx.Client(auth=DEMO_CREDENTIALS) as http:
                for _ in range(20):
                    body = {**PLAN, "template": {"id": "7", "params": {"x": "x" * 10_000}}}
                    http.post(f"{sandbox.sms_base_url}/v1/messages", json=body)

                assert 20 == _numbered(events, 20)["number"]


def _numbered(events: Iterator[dict[str, Any]], number: int) -> dict[str, Any]:
    for event in events:
        for call in event["calls"]:
            if call["number"] == number:
                return dict(call)
    raise AssertionError(f"never reported: call {number}")


def test_it_can_be_started_again() -> None:
    """The same sandbox reports the same calls, to readers that come back as well."""
    sandbox = Sandbox(pace=0)
    with sandbox:
        send(sandbox)
        with stream(sandbox) as events:
            until(events, "delivered")
    with sandbox:
        send(sandbox)
        with stream(sandbox) as events:
            assert [1, 2] == sorted(call["number"] for call in next(events)["calls"])


def callbacks_once(
    sandbox: Sandbox, events: Iterator[dict[str, Any]], condition: Callable[[Document], bool]
) -> list[Document]:
    """Read events until a callback of the first message is as it should be, and return all."""
    for event in events:
        sent: list[Document] = shown(sandbox, "messages/1")["callbacks"] if event["calls"] else []
        if any(condition(each) for each in sent):
            return sent
    raise AssertionError("never reported")


def test_a_store_keeps_the_inbox(tmp_path: Path) -> None:
    """Another run shows the same calls, requests included, but not what was cleared."""
    path = tmp_path / "sandbox.json"
    with Sandbox(store=path, pace=0) as sandbox:
        send(sandbox)
        httpx.delete(f"{sandbox.inbox_url}sandbox/v1/calls", trust_env=False)
        send(sandbox, "+6591234568")
        httpx.post(f"{sandbox.otp_base_url}/v1/codes", json={}, auth=DEMO_CREDENTIALS)
        before = [shown(sandbox, f"calls/{number}") for number in (2, 3)]
    with Sandbox(store=path, pace=0) as sandbox:
        after = [shown(sandbox, f"calls/{number}") for number in (2, 3)]
        send(sandbox, "+6591234569")
        with stream(sandbox) as events:
            assert [2, 3, 4] == sorted(call["number"] for call in next(events)["calls"])

    assert ("message", "refused") == (after[0]["kind"], after[1]["kind"])
    assert before == after


def test_a_store_that_was_cleared_goes_on(tmp_path: Path) -> None:
    """What is sent after that is shown, even if nothing else is."""
    path = tmp_path / "sandbox.json"
    with Sandbox(store=path) as sandbox:
        send(sandbox)
        httpx.delete(f"{sandbox.inbox_url}sandbox/v1/calls", trust_env=False)
    for number in (2, 3):
        with Sandbox(store=path) as sandbox:
            send(sandbox)

            assert number == len(sandbox.messages)
            assert number - 1 == len(shown(sandbox, "messages")["messages"])


def test_a_link_stays_that_of_its_message(tmp_path: Path) -> None:
    """Whatever was cleared, no number is given again in another run, and the run has its name."""
    path = tmp_path / "sandbox.json"
    with Sandbox(store=path) as sandbox:
        first = run_of(sandbox)
        send(sandbox)
        send(sandbox)
        httpx.delete(f"{sandbox.inbox_url}sandbox/v1/calls", trust_env=False)
    with Sandbox(store=path) as sandbox:
        send(sandbox, "+6591234568")

        assert {"numbers": [3]} == shown(sandbox, "calls")
        assert "+6591234568" == shown(sandbox, "calls/3")["to"]
        assert first == run_of(sandbox)
    with Sandbox() as another:
        assert first != run_of(another)


def run_of(sandbox: Sandbox) -> str:
    """Return what the page takes a run by."""
    with stream(sandbox) as events:
        return str(next(events)["run"])


def test_an_earlier_stream_is_told_everything(tmp_path: Path) -> None:
    """The revisions of another run mean nothing, whatever its name."""
    path = tmp_path / "sandbox.json"
    with Sandbox(store=path, pace=1000) as sandbox:
        send(sandbox)
        with stream(sandbox) as events:
            last = next(events)["id"]
    with Sandbox(store=path, pace=1000) as sandbox, stream(sandbox, last_event_id=last) as events:
        assert [1] == [call["number"] for call in next(events)["calls"]]


def test_a_store_without_a_numbering(tmp_path: Path) -> None:
    """One that was written before there was one is read."""
    path = tmp_path / "sandbox.json"
    with Sandbox(store=path) as sandbox:
        send(sandbox)
    document = json.loads(path.read_text())
    del document["numbering"]
    path.write_text(json.dumps(document))
    with Sandbox(store=path) as sandbox:
        send(sandbox)

        assert {"numbers": [2, 1]} == shown(sandbox, "calls")


@pytest.mark.parametrize(("status", "is_answered"), [(200, True), (404, False)])
def test_callbacks_are_shown_with_their_message(status: int, *, is_answered: bool) -> None:
    """Where it went, which events it held, and each try with its answer."""
    with (
        Hostile(answers(200), answers(200), answers(status, {"said": "so"})) as server,
        Sandbox(callbacks=Callbacks(server.url, attempts=1), pace=0) as sandbox,
        stream(sandbox) as events,
    ):
        send(sandbox)
        sent = callbacks_once(sandbox, events, lambda each: each["is_over"])
    reported = [name for each in sent for name in each["events"]]
    last = next(each for each in sent if each["is_over"])

    assert ["plan", "target_valid"] == reported[:2]
    assert (server.url, is_answered) == (last["url"], is_answered)
    assert [(status, '{"said": "so"}')] == [
        (each["status"], each["answer"]) for each in last["tries"]
    ]
    assert '"message_status": "plan"' in sent[0]["body"]


def test_a_callback_may_be_about_others_too() -> None:
    """Of its events and rows, those that belong to a message are shown with it."""
    with (
        Hostile(answers(200)) as server,
        Sandbox(callbacks=Callbacks(server.url), pace=0) as sandbox,
        stream(sandbox) as events,
    ):
        body = {**PLAN, "to": PLAN["to"][:2]}
        url = f"{sandbox.sms_base_url}/v1/messages"
        httpx.post(url, json=body, auth=DEMO_CREDENTIALS, trust_env=False)
        sent = callbacks_once(sandbox, events, lambda each: "delivered" in each["events"])
        messages = sandbox.messages
    bodies = [json.loads(each["body"]) for each in sent]

    assert ["plan", "target_valid", "sent", "delivered"] == [
        name for each in sent for name in each["events"]
    ]
    assert {messages[0].message_id} == {
        row["message_id"] for each in bodies for row in each["rows"]
    }
    assert any(each["total"] > len(each["rows"]) for each in bodies)


def test_a_reply_is_an_event_of_its_callback() -> None:
    """It does not name its message, as the platform's does not."""
    with (
        Hostile(answers(200)) as server,
        Sandbox(callbacks=Callbacks(server.url), pace=1000) as sandbox,
        stream(sandbox) as events,
    ):
        send(sandbox)
        sandbox.reply(sandbox.last_message(), "Stop")
        sent = callbacks_once(
            sandbox, events, lambda each: "uplink_message" in each["events"] and each["is_answered"]
        )

    assert {200} == {each["status"] for delivery in sent for each in delivery["tries"]}
