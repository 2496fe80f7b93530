"""The options that ``sms send`` has, for a list."""

import re
import time

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import WriteList, numbers

ADA, BOB, EVE = numbers(3)
SMS = ("sms", "bulk", "people.csv", "--template", "7")


def test_a_list_can_be_scheduled(at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList) -> None:
    """All of it for the same time."""
    write(ADA, BOB, header="phone")
    before = time.time()

    ran = at_sandbox(*SMS, "--at", "+2h")

    due = {message.scheduled_for for message in sandbox.messages}
    assert (0, 1) == (ran.exit_code, len(due))
    assert before < min(filter(None, due)).timestamp() - 7200 <= time.time() + 1


def test_a_resumed_run_may_have_another_time(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """The journal knows the people whatever the time was, so that nobody gets it twice."""
    write(ADA, BOB, header="phone")
    at_sandbox(*SMS, "--at", "+2h")
    write(ADA, BOB, EVE, header="phone")

    ran = at_sandbox(*SMS, "--at", "+1d", "--resume", "--json")

    result = ran.document["result"]
    assert (0, 1, 2) == (ran.exit_code, result["accepted"], result["earlier"])
    assert 3 == len(sandbox.messages)


def test_a_test_message_is_sent_at_once(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Whoever looks at it does not wait for the time of the list."""
    write(ADA, header="phone")

    at_sandbox(*SMS, "--at", "+2h", "--test-to", EVE)

    assert {EVE: False, ADA: True} == {
        message.recipient: message.scheduled_for is not None for message in sandbox.messages
    }


def test_plans_have_a_name_and_arguments(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """As those of a single send; the reference for callbacks is beside the arguments."""
    write(ADA, header="phone")

    ran = at_sandbox(*SMS, "--plan-name", "May", "--custom-args", '{"order": 7}')

    message = sandbox.last_message()
    assert 0 == ran.exit_code
    assert 7 == (message.custom_args or {})["order"]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--at", "+1m"), "--at: must be at least 3 minutes ahead"),
        (("--at", "soon"), "--at: expected +10m"),
        (("--custom-args", "[1]"), "--custom-args: expected a JSON object"),
        (("--plan-name", ""), "--plan-name: must not be empty"),
    ],
)
def test_options_that_cannot_be(
    at_sandbox: Engagelab, write: WriteList, options: tuple[str, ...], error: str
) -> None:
    """They are refused in the words of the command line, before anything is read."""
    write(ADA, header="phone")

    ran = at_sandbox(*SMS, *options, "--json")

    assert 2 == ran.exit_code
    assert re.match(re.escape(error), ran.error["message"])


def test_a_run_that_reaches_the_time_stops(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What can no longer be scheduled is left, and the others are not in doubt."""
    write(*numbers(50), header="phone")
    sent, now = sandbox, time.time

    def clock() -> float:
        return now() + (3600 if len(sent.messages) > 5 else 0)

    monkeypatch.setattr("time.time", clock)

    ran = at_sandbox(*SMS, "--at", "+10m", "--max-in-flight", "1", "--json")

    result = ran.document["result"]
    assert 1 == ran.exit_code
    assert "--at: must be at least 3 minutes ahead" == result["stopped"]
    assert 50 == result["accepted"] + result["left"]
