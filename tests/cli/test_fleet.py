"""``engagelab fleet show`` and ``stop``."""

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from engagelab_async.distributed import Fleet
from support.bulk import Platform, refusal, sends
from support.command import Engagelab
from support.memory_fleets import Scene

MODULE = """
from engagelab_async.distributed import Fleet

fleet = Fleet.in_memory()

class Served:
    fleet = fleet

bulk = Served()
other = 5
"""


@pytest.fixture
def fleet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fleet]:
    """A fleet in a user's module, beside which the command is run."""
    (tmp_path / "bulk_worker.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import bulk_worker  # type: ignore[import-not-found]

    yield bulk_worker.fleet

    del sys.modules["bulk_worker"]


def send(fleet: Fleet) -> None:
    """Send a campaign in which something of every kind happens."""

    async def answer(to: tuple[str, ...]) -> object:
        code = {"+6590000001": 5011, "+6590000002": 1000}.get(to[0])
        return await Platform().behaviour(to) if code is None else refusal(code)

    scene = Scene(Platform(answer))  # type: ignore[arg-type]
    scene.fleet.store = fleet.store

    async def submit() -> None:
        await scene.fleet.send_all("spring", sends(5), via=scene.via)
        number = await fleet.store.submit("spring", "s2", {"deadline": 30.0})
        await fleet.store.begin(number, "s2", 3, "r2", "worker-7/123")

    asyncio.run(submit())


def test_a_campaign_is_shown(engagelab: Engagelab, fleet: Fleet) -> None:
    """What became of the requests, who is at work, and when it was submitted."""
    send(fleet)
    ran = engagelab("fleet", "show", "spring", "--fleet", "bulk_worker:bulk")

    seen = " ".join(ran.out.split())
    assert 0 == ran.exit_code
    for said in (
        "spring: 5 requests",
        "accepted 3 (the API accepted them; they are not sent again)",
        "rejected 1 (the API refuses them",
        "uncertain 1 (perhaps sent",
        "Errors code 5011 1 code 1000 1",
        "At work chunk 3 worker-7/123, for",
        "Submissions submission 1",
        "submission 2",
        "goes on, or was interrupted",
    ):
        assert said in seen


def test_json(engagelab: Engagelab, fleet: Fleet) -> None:
    """For scripts."""
    send(fleet)
    result = engagelab(
        "fleet", "show", "spring", "--fleet", "bulk_worker:fleet", "--json"
    ).document["result"]

    assert {
        "accepted": 3,
        "rejected": 1,
        "uncertain": 1,
        "in_flight": 0,
        "not_sent": 0,
        "divided": 0,
    } == result["counts"]
    assert {"5011": 1, "1000": 1} == result["errors"]
    assert [1, 2] == [each["number"] for each in result["submissions"]]
    assert [(2, 3, "worker-7/123")] == [
        (each["submission"], each["chunk"], each["host"]) for each in result["live"]
    ]


def test_a_campaign_is_stopped(engagelab: Engagelab, fleet: Fleet) -> None:
    """The submissions that have not ended."""
    send(fleet)
    ran = engagelab(
        "fleet", "stop", "spring", "--reason", "wrong list", "--fleet", "bulk_worker:bulk"
    )
    again = engagelab("fleet", "stop", "spring", "--fleet", "bulk_worker:bulk", "--json")
    shown = engagelab("fleet", "show", "spring", "--fleet", "bulk_worker:bulk")
    none = engagelab("fleet", "stop", "summer", "--fleet", "bulk_worker:bulk")

    assert "1 submission is stopped" in ran.out
    assert {"stopped": 1} == again.document["result"]
    assert "stopped: wrong list" in " ".join(shown.out.split())
    assert "0 submissions are stopped" in none.out


def test_messages_are_counted(engagelab: Engagelab, fleet: Fleet) -> None:
    """As callbacks reported them."""
    send(fleet)

    token = fleet.store._runs[1].token  # type: ignore[attr-defined]  # noqa: SLF001
    event = SimpleNamespace(
        message_id="1",
        status="delivered",
        custom_args={"engagelab_async": f"{'0' * 32}/1/{token}"},
        error_code=None,
    )
    asyncio.run(fleet.settle(event))
    ran = engagelab("fleet", "show", "spring", "--fleet", "bulk_worker:bulk")

    assert "delivered 1" in " ".join(ran.out.split())


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ([], "--store: required, or ENGAGELAB_FLEET_DSN in the environment"),
        (["--store", "mysql://u:sesame@h/d"], "dsn: expected postgresql://"),
        (["--fleet", "bulk_worker"], "--fleet: expected module:name"),
        (["--fleet", "nothing_there:bulk"], "No module named 'nothing_there'"),
        (["--fleet", "bulk_worker:other"], "--fleet: other of bulk_worker is neither a Fleet"),
        (["--fleet", "bulk_worker:missing"], "--fleet: missing of bulk_worker is neither"),
    ],
)
def test_a_fleet_that_cannot_be_used(
    engagelab: Engagelab,
    fleet: Fleet,
    options: list[str],
    problem: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is said why, and no password is quoted."""
    monkeypatch.delenv("ENGAGELAB_FLEET_DSN", raising=False)
    ran = engagelab("fleet", "show", "spring", *options)

    assert 2 == ran.exit_code
    assert problem in " ".join(f"{ran.out}{ran.err}".split())
    assert "sesame" not in f"{ran.out}{ran.err}"


def test_the_environment_names_the_store(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other users of a machine can see a command's options."""
    monkeypatch.setenv("ENGAGELAB_FLEET_DSN", "postgresql://u:sesame@127.0.0.1:port/bulk")
    ran = engagelab("fleet", "show", "spring")

    assert 2 == ran.exit_code
    assert "PostgreSQL refuses" in f"{ran.out}{ran.err}"
    assert "sesame" not in f"{ran.out}{ran.err}"


def test_a_campaign_without_errors(
    engagelab: Engagelab, fleet: Fleet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Says only what there is; the module is found beside which the command is run."""
    monkeypatch.setattr(sys, "path", [each for each in sys.path if each != str(tmp_path)])
    ran = engagelab("fleet", "show", "never", "--fleet", "bulk_worker:bulk")

    assert "never: 0 requests" in ran.out
    assert "Errors" not in ran.out
    assert "At work" not in ran.out
    assert str(tmp_path) in sys.path
