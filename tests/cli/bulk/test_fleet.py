"""A list that several machines send: ``--fleet`` and ``--campaign``."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engagelab_async.sandbox import Fault, Sandbox
from support.command import Engagelab, Ran
from support.lists import WriteList, numbers

MODULE = """
from engagelab_async import EngageLab
from engagelab_async.distributed import Fleet

fleet = Fleet.in_memory()

class Served:
    fleet = fleet

    async def __call__(self, message):
        async with EngageLab.from_env() as engagelab:
            await fleet.deliver(message, engagelab)

bulk = Served()
other = 5
"""
FLEET = ("--fleet", "bulk_worker:bulk", "--campaign", "spring")


@pytest.fixture
def bulk(
    engagelab: Engagelab,
    shop: Sandbox,
    write: WriteList,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Engagelab]:
    """The bulk command, beside a module with a fleet."""
    (tmp_path / "bulk_worker.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_KEY", "key")
    monkeypatch.setenv("ENGAGELAB_SMS_DEV_SECRET", "secret")
    monkeypatch.setenv("ENGAGELAB_SMS_BASE_URL", shop.sms_base_url)
    write(*(f"{each},Bob,{place}" for place, each in enumerate(numbers(3))), header=HEADER)

    yield lambda *arguments: engagelab(
        "sms", "bulk", "people.csv", "--template", "order", *arguments
    )

    sys.modules.pop("bulk_worker", None)


HEADER = "phone,name,order"


def test_is_sent_by_the_workers(bulk: Engagelab, shop: Sandbox) -> None:
    """With the same report, and the campaign in the journal's place."""
    ran = bulk(*FLEET)

    assert 0 == ran.exit_code
    assert "Sent to all 3" in ran.out
    assert "campaign spring" in ran.out
    assert numbers(3) == sorted(each.recipient for each in shop.messages)
    assert ["bulk_worker.py", "people.csv"] == sorted(each.name for each in Path().glob("*.*"))


def test_is_resumed(bulk: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """Nobody is sent to twice; without --resume it asks."""
    bulk(*FLEET)
    write(*(f"{each},Bob,{place}" for place, each in enumerate(numbers(4))), header=HEADER)
    refused, resumed = bulk(*FLEET), bulk(*FLEET, "--resume")

    assert 2 == refused.exit_code
    assert "campaign spring has an earlier run of this list: 3 accepted." in refused.err
    assert 0 == resumed.exit_code
    assert "3 requests are settled already" in resumed.err
    assert numbers(4) == sorted(each.recipient for each in shop.messages)


@pytest.mark.parametrize("size", ["1", "3"])
def test_other_requests_are_not_sent_as_the_rest(bulk: Engagelab, shop: Sandbox, size: str) -> None:
    """People could get a second text, as with the journal of another list."""
    bulk(*FLEET, "--targets-per-request", size)
    ran = bulk(*FLEET, "--targets-per-request", size, "--resume", "--set", "name=Ada")

    assert 2 == ran.exit_code
    assert "none that this command would make" in ran.err
    assert 3 == len(shop.messages)


def test_asks_at_a_terminal(
    bulk: Engagelab, shop: Sandbox, at_terminal: Callable[[str], None]
) -> None:
    """With the same last look."""
    at_terminal("n\n")
    ran = bulk(*FLEET)

    assert 2 == ran.exit_code
    assert "Send to 3 people?" in ran.err
    assert () == shop.messages


def test_failed_rows_are_written(bulk: Engagelab, shop: Sandbox) -> None:
    """As on one machine."""
    shop.faults.add(Fault("error", path="/sms/v1/messages", code=5011, times=1))
    ran = bulk(*FLEET, "--failed", "failed.csv")

    assert 1 == ran.exit_code
    assert 2 == len(Path("failed.csv").read_text().splitlines())
    assert 2 == len(shop.messages)


@pytest.mark.parametrize("size", ["1", "3"])
def test_suppressed_people_are_left_out(bulk: Engagelab, shop: Sandbox, size: str) -> None:
    """Also those of a request to several."""
    Path("stop.txt").write_text(f"phone\n{numbers(3)[1]}\n")
    Path("people.csv").write_text("\n".join(["phone", *numbers(3)]))
    ran = bulk(*FLEET, "--suppress", "stop.txt", "--targets-per-request", size, "--allow-missing")

    assert 0 == ran.exit_code
    assert [numbers(3)[0], numbers(3)[2]] == sorted(each.recipient for each in shop.messages)


def test_everybody_may_be_suppressed(bulk: Engagelab, shop: Sandbox) -> None:
    """Nothing is sent then."""
    Path("stop.txt").write_text("\n".join(["phone", *numbers(3)]))
    ran = bulk(*FLEET, "--suppress", "stop.txt")

    assert 0 == ran.exit_code
    assert () == shop.messages


def test_a_dry_run_sends_nothing(bulk: Engagelab, shop: Sandbox) -> None:
    """And asks no fleet."""
    ran = bulk(*FLEET, "--dry-run")

    assert 0 == ran.exit_code
    assert () == shop.messages


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (("--fleet", "bulk_worker:bulk"), "--campaign: goes with --fleet"),
        (("--campaign", "spring"), "--campaign: goes with --fleet"),
        ((*FLEET, "--journal", "run.db"), "--journal: with --fleet"),
        ((*FLEET, "--sandbox", "http://127.0.0.1:1"), "--sandbox: with --fleet"),
        ((*FLEET, "--resume"), "--resume: nothing was sent in campaign spring"),
        (("--fleet", "bulk_worker", "--campaign", "x"), "--fleet: expected module:name"),
        (("--fleet", "nowhere:bulk", "--campaign", "x"), "--fleet: No module named 'nowhere'"),
        (("--fleet", "bulk_worker:other", "--campaign", "x"), "--fleet: other of bulk_worker"),
        (("--fleet", "bulk_worker:fleet", "--campaign", "x"), "not what serve() returns"),
        (("--fleet", "bulk_worker:bulk", "--campaign", "a b"), "campaign: expected letters"),
    ],
)
def test_bad_usage(bulk: Engagelab, shop: Sandbox, options: tuple[str, ...], problem: str) -> None:
    """The option is named, and nothing is sent."""
    ran: Ran = bulk(*options)

    assert 2 == ran.exit_code
    assert problem in ran.err
    assert () == shop.messages
