"""The script that sends to a few people at once, run as a program against the sandbox."""

import subprocess
import sys
from collections.abc import Mapping

from engagelab_async.sandbox import Sandbox
from support.programs import EXAMPLES


def test_a_mistake_keeps_all_from_being_sent(
    environment: Mapping[str, str], sandbox: Sandbox
) -> None:
    """An empty number ends the program before it begins to send, and not half-way."""
    before = len(sandbox.messages)
    command = [sys.executable, str(EXAMPLES / "notify.py"), "pick-up", "+6593000009", ""]
    result = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)

    assert "ValueError: to: must not be empty" in result.stderr
    assert before == len(sandbox.messages)


def test_says_what_became_of_each(environment: Mapping[str, str], sandbox: Sandbox) -> None:
    """One failed send keeps no other from being sent, and each is told apart."""
    people = ["+6593000001", "+10000005013", "+10000001000", "ada@example.com"]
    command = [sys.executable, str(EXAMPLES / "notify.py"), "pick-up", *people]
    result = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    outcomes = [line.split(":")[0] for line in result.stdout.splitlines()]

    assert [
        "+6593000001  yes, by sms",
        "+10000005013  no",
        "+10000001000  maybe",
        "ada@example.com  yes, by email",
    ] == outcomes
    assert {"+6593000001", "ada@example.com"} == {each.recipient for each in sandbox.messages}
