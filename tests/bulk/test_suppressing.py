"""Runs leave out the people who must not be sent to."""

from collections.abc import Container
from pathlib import Path
from typing import Any

import pytest

from engagelab_async import (
    ConnectError,
    ConnectionLostError,
    EngageLab,
    Response,
    RetryPolicy,
    SendCode,
    SendSMS,
    Skipped,
    VerifyOTP,
)
from engagelab_async.bulk import Suppression
from engagelab_async.bulk.outcomes import AnyOutcome
from support.bulk import Platform, accept, kinds, number, outcomes_of, refusal, run_of, sends

pytestmark = pytest.mark.asyncio

FOUR = [number(index) for index in range(4)]


def to_four() -> SendSMS:
    """Make an operation to four numbers."""
    return SendSMS(FOUR, "1233")


def told(outcomes: list[AnyOutcome]) -> list[tuple[str, tuple[str, ...]]]:
    """Return of each outcome what it is, and to whom."""
    found = []
    for each in outcomes:
        to = getattr(each.operation, "to", ())
        what = each.reason if isinstance(each, Skipped) else type(each).__name__
        found.append((what, (to,) if isinstance(to, str) else to))
    return sorted(found)


class TestSuppressing:
    """With ``suppress``."""

    @pytest.mark.parametrize("with_journal", [False, True])
    async def test_skips_who_is_in_it(self, journal: Path, with_journal: bool) -> None:
        """The others are sent to, and the report counts both."""
        platform = Platform()
        run = run_of(
            platform,
            sends(4),
            suppress={FOUR[1], FOUR[3]},
            journal=journal if with_journal else None,
        )
        outcomes = await outcomes_of(run)

        assert [
            ("Accepted", (FOUR[0],)),
            ("Accepted", (FOUR[2],)),
            ("suppressed", (FOUR[1],)),
            ("suppressed", (FOUR[3],)),
        ] == told(outcomes)
        assert [FOUR[0], FOUR[2]] == sorted(platform.numbers)
        report = run.report
        assert (2, 2, 2) == (report.skipped, report.skipped_targets, report.suppressed_targets)

    @pytest.mark.parametrize("with_journal", [False, True])
    async def test_leaves_them_out_of_a_shared_request(
        self, journal: Path, with_journal: bool
    ) -> None:
        """They have an outcome of their own, with the index of the whole."""
        platform = Platform()
        run = run_of(
            platform,
            [to_four()],
            suppress=FOUR[1:3],
            journal=journal if with_journal else None,
        )
        outcomes = await outcomes_of(run)

        assert [(FOUR[0], FOUR[3])] == platform.received
        assert [
            ("Accepted", (FOUR[0], FOUR[3])),
            ("suppressed", (FOUR[1], FOUR[2])),
        ] == told(outcomes)
        assert {0} == {each.index for each in outcomes}
        assert (2, 2) == (run.report.targets, run.report.suppressed_targets)

    async def test_takes_a_file(self, tmp_path: Path) -> None:
        """Numbers are compared however they are written, and codes by their email address."""
        (tmp_path / "no.csv").write_text(f"{number(1)}\nada@example.com\n", encoding="utf-8")
        platform = Platform()
        operations = [
            SendSMS([number(1)[1:], number(2)], "1233"),
            SendCode("Ada@example.com", "039487", "login"),
        ]
        outcomes = await outcomes_of(
            run_of(platform, operations, suppress=Suppression(tmp_path / "no.csv"))
        )

        assert [
            ("Accepted", (number(2),)),
            ("suppressed", (number(1)[1:],)),
            ("suppressed", ("Ada@example.com",)),
        ] == told(outcomes)
        assert [(number(2),)] == platform.received

    async def test_leaves_others_alone(self) -> None:
        """What has no recipient is not sent to anybody."""
        run = run_of(Platform(), [VerifyOTP("1", "667090")], suppress=FOUR)

        assert "suppressed" not in {what for what, _ in told(await outcomes_of(run))}

    async def test_may_grow_during_the_run(self) -> None:
        """Who asks in time is not sent to."""
        suppressed: set[str] = set()

        async def behaviour(to: tuple[str, ...]) -> Response:
            suppressed.add(FOUR[3])
            return await accept(to)

        platform = Platform(behaviour)
        run = run_of(platform, sends(4), suppress=suppressed, max_in_flight=1)
        await outcomes_of(run)

        assert FOUR[:3] == platform.numbers

    async def test_is_not_looked_at_between_attempts(self) -> None:
        """How an operation ends is what its attempts say: it was not left out."""
        suppressed: set[str] = set()

        async def behaviour(to: tuple[str, ...]) -> Response:
            suppressed.add(to[0])
            raise ConnectError("refused")

        run = run_of(Platform(behaviour), sends(1), suppress=suppressed)

        assert ["Rejected"] == kinds(await outcomes_of(run))

    @pytest.mark.parametrize("suppress", ["no.csv", b"no.csv", 5])
    async def test_needs_a_container(self, suppress: object) -> None:
        """The name of a file is none, although it contains strings."""
        async with EngageLab.from_env() as engagelab:
            with pytest.raises(TypeError, match="suppress: expected a container of recipients"):
                engagelab.fan_out(sends(1), suppress=suppress)  # type: ignore[arg-type]


class TestSplitting:
    """With ``split_rejected``."""

    @pytest.mark.parametrize("left_out", [FOUR[:1], FOUR[1:3], FOUR[2:], FOUR[:3], FOUR])
    @pytest.mark.parametrize("with_journal", [False, True])
    async def test_reports_once_who_was_left_out(
        self, journal: Path, with_journal: bool, left_out: list[str]
    ) -> None:
        """However often the others are divided, each recipient is in one outcome."""

        async def refuse(to: tuple[str, ...]) -> Response:
            return refusal(3002)

        run = run_of(
            Platform(refuse),
            [to_four()],
            suppress=left_out,
            split_rejected=True,
            journal=journal if with_journal else None,
        )
        found = told(await outcomes_of(run))

        assert ("suppressed", tuple(left_out)) in found
        assert sorted(FOUR) == sorted(each for _, to in found for each in to)
        assert (len(left_out), 4 - len(left_out)) == (
            run.report.suppressed_targets,
            run.report.rejected_targets,
        )

    async def test_looks_again_before_a_half_is_sent(self) -> None:
        """Who asks to stop while the whole is being refused is left out of its half."""
        suppress = {FOUR[0]}

        async def refuse(to: tuple[str, ...]) -> Response:
            suppress.add(FOUR[3])
            return refusal(3002) if len(to) > 1 else await accept(to)

        platform = Platform(refuse)
        run = run_of(platform, [to_four()], suppress=suppress, split_rejected=True)

        assert [
            ("Accepted", (FOUR[1],)),
            ("Accepted", (FOUR[2],)),
            ("suppressed", (FOUR[0],)),
            ("suppressed", (FOUR[3],)),
        ] == told(await outcomes_of(run))
        assert [tuple(FOUR[1:]), (FOUR[1],), (FOUR[2],)] == platform.received


class TestResuming:
    """The journal knows an operation with and without them as the same."""

    async def outcomes(
        self,
        platform: Platform,
        journal: Path,
        suppress: Container[str],
        **options: Any,  # noqa: ANN401 - those of a run
    ) -> list[tuple[str, tuple[str, ...]]]:
        """Send to the four."""
        run = run_of(platform, [to_four()], journal=journal, suppress=suppress, **options)
        return told(await outcomes_of(run))

    async def test_sends_nothing_again_if_others_are_left_out(self, journal: Path) -> None:
        """A shared request that was sent is not sent again because somebody has asked to stop."""
        platform = Platform()
        await self.outcomes(platform, journal, FOUR[:1])

        assert [("settled", tuple(FOUR))] == await self.outcomes(platform, journal, FOUR[:2])
        assert [("settled", tuple(FOUR))] == await self.outcomes(platform, journal, ())
        assert [tuple(FOUR[1:])] == platform.received

    async def test_who_was_left_out_alone_is_sent_to_later(self, journal: Path) -> None:
        """An operation that was not sent is not in the journal."""
        platform = Platform()

        assert [("suppressed", tuple(FOUR))] == await self.outcomes(platform, journal, FOUR)
        assert [("Accepted", tuple(FOUR))] == await self.outcomes(platform, journal, ())

    async def test_what_was_uncertain_stays_uncertain(self, journal: Path) -> None:
        """It may have been sent, whoever asked to stop since."""

        async def lose(to: tuple[str, ...]) -> Response:
            raise ConnectionLostError("lost")

        platform = Platform(lose)
        await self.outcomes(platform, journal, (), retry=RetryPolicy(attempts=1))

        assert [("Uncertain", tuple(FOUR))] == await self.outcomes(platform, journal, FOUR)

    @pytest.mark.parametrize("earlier", [FOUR[:1], FOUR[3:]])
    @pytest.mark.parametrize("later", [[], FOUR[:1], FOUR[1:2], FOUR[3:], FOUR[:3]])
    async def test_halves_are_those_of_the_whole(
        self, journal: Path, earlier: list[str], later: list[str]
    ) -> None:
        """What a run has divided is divided alike by the next one, whoever is left out."""
        sent: list[str] = []

        async def behaviour(to: tuple[str, ...]) -> Response:
            if len(to) > 1:
                return refusal(3002)
            if to[0] == FOUR[2] and FOUR[2] not in sent:
                sent.append(to[0])
                return refusal(None, 429)
            sent.append(to[0])
            return await accept(to)

        first = Platform(behaviour)
        await self.outcomes(
            first, journal, earlier, split_rejected=True, retry=RetryPolicy(attempts=1)
        )
        again = Platform(behaviour)
        await self.outcomes(again, journal, later, split_rejected=True)
        accepted = [each for each in first.received + again.received if len(each) == 1]

        sent_once = {0, 1, 3} - {FOUR.index(each) for each in earlier}
        assert {1} == {accepted.count((FOUR[index],)) for index in sent_once}
        assert (FOUR[2] in later) is ((FOUR[2],) not in again.received)
