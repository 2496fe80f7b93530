"""A disk that gets full in the middle of a run, and what the command says to do then."""

import resource
import shlex
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engagelab_async.bulk.journal import summarise
from support.command import Engagelab
from support.counting import Counting, now_and_then
from support.lists import WriteList, numbers

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no limit on the size of files")

COUNT = 600


@contextmanager
def no_file_larger_than(size: int) -> Iterator[None]:
    """Make the disk full for every file of a size."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.parametrize("largest", [60_000, 80_000, 100_000])
@pytest.mark.parametrize("share", [0.0, 0.1])
def test_what_is_said_sends_to_nobody_twice(
    engagelab: Engagelab, write: WriteList, largest: int, share: float
) -> None:
    """Free space, then go on with the command that is told, to the end."""
    write(*numbers(COUNT), header="phone")
    with Counting(now_and_then(share, seed=largest)) as server:
        command = ("sms", "bulk", "people.csv", "--template", "7", "--sandbox", server.url)
        options = ("--timeout", "2", "--uncertain", "uncertain.csv", "--failed", "failed.csv")

        with no_file_larger_than(largest):
            ran = engagelab(*command, *options, "--json")

        first = ran.document["result"]
        delivered = server.delivered.total()
        known = summarise(Path("people.csv.journal.db"))
        assert ran.exit_code in (1, 3)
        assert "journal: it cannot be written" in first["stopped"]
        assert "--journal" not in first["resume"]
        assert first["accepted"] + first["uncertain"] >= delivered
        # What is called left is what the next run sends.
        assert COUNT - first["left"] == known.sent

        ran = engagelab(*shlex.split(first["resume"])[1:], "--json")

        second = ran.document["result"]
        assert 0 == second["left"]
        assert COUNT == second["accepted"] + second["earlier"] + second["uncertain"]
        assert {0, 1} >= set(server.delivered.values())
        unreached = {number for number in numbers(COUNT) if not server.delivered[number]}
        uncertain = set(Path("uncertain.csv").read_text(encoding="utf-8").split())
        assert unreached <= {row.partition(",")[0] for row in uncertain}, ran.seen


def test_a_full_disk_at_the_beginning(engagelab: Engagelab, write: WriteList) -> None:
    """Nothing is sent; when there is room, the same command sends."""
    write(*numbers(3), header="phone")
    with Counting() as server:
        command = ("sms", "bulk", "people.csv", "--template", "7", "--sandbox", server.url)

        with no_file_larger_than(10_000):
            ran = engagelab(*command, "--json")

        assert (2, 0) == (ran.exit_code, len(server.asked))
        assert "JournalError" == ran.error["type"]

        assert 0 == engagelab(*command).exit_code
