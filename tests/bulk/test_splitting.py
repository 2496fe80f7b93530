"""A refused request to many is divided until the targets are found that were refused."""

import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from engagelab_async import (
    ConnectError,
    ConnectionLostError,
    Operation,
    Response,
    RetryPolicy,
    SendCustomMessage,
    SendSMS,
)
from engagelab_async.bulk.outcomes import AnyOutcome
from support.bulk import Platform, accept, kinds, number, outcomes_of, refusal, respond, run_of

pytestmark = pytest.mark.anyio

BAD = number(5)


async def refuse_the_bad_one(to: tuple[str, ...]) -> Response:
    """Refuse a request that names one certain number."""
    return refusal(3002) if BAD in to else await accept(to)


def to_many(count: int) -> SendSMS:
    """Make an operation to so many numbers."""
    return SendSMS([number(index) for index in range(count)], "1233")


def targets(outcomes: Iterable[AnyOutcome], kind: str) -> list[str]:
    """Return the numbers of all outcomes of a kind."""
    operations = [each.operation for each in outcomes if type(each).__name__ == kind]
    return [to for each in operations if isinstance(each, SendSMS) for to in each.to]


class TestSplitting:
    """With ``split_rejected``."""

    @pytest.mark.parametrize("with_journal", [False, True])
    async def test_finds_the_bad_target(self, journal: Path, with_journal: bool) -> None:
        """All but one are sent to, each once, and the one is known."""
        platform = Platform(refuse_the_bad_one)

        run = run_of(
            platform,
            [to_many(200)],
            split_rejected=True,
            journal=journal if with_journal else None,
        )
        outcomes = await outcomes_of(run)

        assert [BAD] == targets(outcomes, "Rejected")
        assert 199 == len(set(targets(outcomes, "Accepted")))
        assert {0} == {outcome.index for outcome in outcomes}
        assert (199, 1) == (run.report.targets, run.report.rejected_targets)
        assert len(platform.received) < 20

    @pytest.mark.parametrize("suppress", [(), (number(0),)])
    async def test_keeps_a_time_that_has_come_near(
        self, monkeypatch: pytest.MonkeyPatch, suppress: tuple[str, ...]
    ) -> None:
        """A part is scheduled for when its whole was, though that is too near for a new one."""
        at = int(time.time()) + 300
        operation = SendSMS([number(index) for index in range(8)], "1233", schedule_time=at)
        monkeypatch.setattr("time.time", lambda: at - 60.0)

        run = run_of(
            Platform(refuse_the_bad_one), [operation], split_rejected=True, suppress=suppress
        )
        outcomes = await outcomes_of(run)

        assert [BAD] == targets(outcomes, "Rejected")
        assert 7 - len(suppress) == len(targets(outcomes, "Accepted"))
        assert {at} == {getattr(each.operation, "schedule_time", None) for each in outcomes}

    async def test_is_only_done_where_it_is_asked_for(self) -> None:
        """Without it a refused request is one outcome."""
        run = run_of(Platform(refuse_the_bad_one), [to_many(200)])

        assert ["Rejected"] == kinds(await outcomes_of(run))
        assert 200 == run.report.rejected_targets

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (ConnectionLostError("lost"), "Uncertain"),
            (refusal(None, 502), "Uncertain"),
            (respond({"plan_id": "1", "code": 1, "message": "err"}), "Rejected"),
            (respond({"plan_id": "1", "code": 3002, "message": "err"}, 400), "Rejected"),
            (refusal(3002, 200), "Rejected"),
            (ConnectError("refused"), "Rejected"),
            (refusal(None, 429), "Rejected"),
            (refusal(5016), "Rejected"),
            (refusal(2001, 401), "Rejected"),
        ],
    )
    async def test_is_only_done_where_nothing_was_sent_and_the_request_is_to_blame(
        self, answer: Response | Exception, outcome: str
    ) -> None:
        """What may have been sent, or made a plan, or fails for everybody, stays whole."""
        platform = Platform()

        async def behaviour(to: tuple[str, ...]) -> Response:
            if isinstance(answer, Exception):
                raise answer
            return answer

        platform.behaviour = behaviour
        run = run_of(platform, [to_many(4)], split_rejected=True, retry=RetryPolicy(attempts=1))

        assert [outcome] == kinds(await outcomes_of(run))
        assert 1 == len(platform.received)

    @pytest.mark.parametrize(
        "operation", [to_many(6).__class__(BAD, "1"), SendCustomMessage((BAD, number(1)), "1")]
    )
    async def test_needs_an_sms_to_many(self, operation: Operation[Any]) -> None:
        """One number has no halves, and a custom message is answered as one."""
        run = run_of(Platform(refuse_the_bad_one), [operation], split_rejected=True)

        assert ["Rejected"] == kinds(await outcomes_of(run))


class TestResuming:
    """With a journal."""

    async def test_goes_on_with_the_halves(self, journal: Path) -> None:
        """After a cut in the middle, the halves that were sent are skipped, the others sent."""
        platform = Platform(refuse_the_bad_one)

        first = run_of(
            platform,
            [to_many(200)],
            split_rejected=True,
            journal=journal,
            max_in_flight=1,
            stop_when=lambda outcome: "enough",
        )
        outcomes = await outcomes_of(first)

        assert "stopped" in kinds(outcomes)

        second = run_of(platform, [to_many(200)], split_rejected=True, journal=journal)
        rest = await outcomes_of(second)

        assert "settled" in kinds(rest)
        assert [BAD] == targets([*outcomes, *rest], "Rejected")

        sent = targets([*outcomes, *rest], "Accepted")

        assert 199 == len(sent) == len(set(sent))

        # What was divided stays so, whatever a later run asks for.
        again = await outcomes_of(run_of(platform, [to_many(200)], journal=journal))

        assert {"settled", "refused"} == set(kinds(again))

    async def test_does_not_need_a_key_that_knows_halves(self, journal: Path) -> None:
        """A key that is the same for the whole and its halves does no harm."""
        run = run_of(
            Platform(refuse_the_bad_one),
            [to_many(8), to_many(8)],
            split_rejected=True,
            journal=journal,
            key=lambda _: "the campaign",
            max_in_flight=1,
        )
        outcomes = await outcomes_of(run)

        assert [BAD] == targets(outcomes, "Rejected")
        assert 7 == len(targets(outcomes, "Accepted"))
        assert {"duplicate", "Accepted", "Rejected"} == set(kinds(outcomes))

    @pytest.mark.parametrize("other", [SendSMS(BAD, "1"), SendCustomMessage(BAD, "1")])
    async def test_tells_of_a_key_that_is_wrong(self, journal: Path, other: Operation[Any]) -> None:
        """What the journal knows as divided cannot be what has no halves."""
        options: dict[str, Any] = {"journal": journal, "key": lambda _: "the same for all"}
        await outcomes_of(
            run_of(Platform(refuse_the_bad_one), [to_many(8)], split_rejected=True, **options)
        )
        with pytest.raises(ValueError, match="key: it makes different operations the same"):
            await outcomes_of(run_of(Platform(), [other], **options))

    async def test_cut_off_leaves_the_rest_untouched(self, journal: Path) -> None:
        """Halves that are not reached when a run is cut off have an outcome too."""
        platform = Platform()

        async def behaviour(to: tuple[str, ...]) -> Response:
            if len(to) == 8:
                return refusal(3002)
            raise KeyboardInterrupt

        platform.behaviour = behaviour
        run = run_of(platform, [to_many(8)], split_rejected=True, journal=journal, max_in_flight=1)
        with pytest.raises(KeyboardInterrupt):
            async with run:
                await run.wait()

        assert (1, 1) == (run.report.uncertain, run.report.skipped)
