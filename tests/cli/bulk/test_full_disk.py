"""A disk that gets full in the middle of a run, and what the command says to do then."""

import json
import resource
import shlex
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engagelab_async.bulk.journal import summarise
from support.command import COMMAND
from support.counting import Counting, now_and_then
from support.lists import WriteList, numbers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")

COUNT = 600
ALL = 2**40


def engagelab(*arguments: str, largest: int = ALL) -> tuple[int, dict[str, Any], str]:
    """Run the command where no file may become larger; return how it ended and what it said."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    limit = partial(resource.setrlimit, resource.RLIMIT_FSIZE, (largest, hard))
    done = subprocess.run(
        [*COMMAND, *arguments, "--json"],
        preexec_fn=limit if largest != ALL else None,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout), done.stderr


@pytest.mark.parametrize("largest", [60_000, 80_000, 100_000])
@pytest.mark.parametrize("share", [0.0, 0.1])
def test_what_is_said_sends_to_nobody_twice(write: WriteList, largest: int, share: float) -> None:
    """Free space, then go on with the command that is told, to the end."""
    write(*numbers(COUNT), header="phone")
    with Counting(now_and_then(share, seed=largest)) as server:
        command = ("sms", "bulk", "people.csv", "--template", "7", "--sandbox", server.url)
        options = ("--timeout", "1", "--uncertain", "uncertain.csv", "--failed", "failed.csv")

        exit_code, document, seen = engagelab(*command, *options, largest=largest)

        first = document["result"]
        delivered = server.delivered.total()
        known = summarise(Path("people.csv.journal.db"))
        assert exit_code in (1, 3)
        assert "journal: it cannot be written" in first["stopped"]
        assert "--journal" not in first["resume"]
        assert first["accepted"] + first["uncertain"] >= delivered
        # What is called left is what the next run sends.
        assert COUNT - first["left"] == known.sent

        exit_code, document, seen = engagelab(*shlex.split(first["resume"])[1:])

        second = document["result"]
        assert 0 == second["left"]
        assert COUNT == second["accepted"] + second["earlier"] + second["uncertain"]
        assert {0, 1} >= set(server.delivered.values())
        unreached = {number for number in numbers(COUNT) if not server.delivered[number]}
        uncertain = set(Path("uncertain.csv").read_text(encoding="utf-8").split())
        assert unreached <= {row.partition(",")[0] for row in uncertain}, seen


def test_a_full_disk_at_the_beginning(write: WriteList) -> None:
    """Nothing is sent; when there is room, the same command sends."""
    write(*numbers(3), header="phone")
    with Counting() as server:
        command = ("sms", "bulk", "people.csv", "--template", "7", "--sandbox", server.url)

        exit_code, document, _ = engagelab(*command, largest=10_000)

        assert (2, 0) == (exit_code, len(server.asked))
        assert "JournalError" == document["error"]["type"]

        assert 0 == engagelab(*command)[0]
