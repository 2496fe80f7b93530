"""Callbacks settle what a run was left uncertain of."""

import json
import math
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from attrs import field, frozen

from engagelab_async import (
    ConnectError,
    ConnectionLostError,
    Journal,
    Request,
    Response,
    RetryPolicy,
    SendCode,
    SendSMS,
    Template,
    wire,
)
from engagelab_async.bulk import JournalError
from engagelab_async.bulk.identity import REFERENCE, Reference, identity
from engagelab_async.bulk.journal import (
    Database,
    SendIntent,
    Settlement,
    State,
    count_known,
    summarise,
)
from engagelab_async.bulk.journal.receipts import beside
from support.bulk import Platform, accept, kinds, number, outcomes_of, plan, refusal, run_of, sends
from support.journals import records_of

DIGEST = "0123456789abcdef" * 2


@frozen
class Status:
    """What is looked at of a message's status."""

    message_id: str
    status: str
    custom_args: Mapping[str, Any] = field(factory=dict)
    error_code: int | None = None


def status(
    name: str,
    token: str,
    message_id: str = "7",
    *,
    targets: int = 1,
    error_code: int | None = None,
) -> Status:
    """Make the status of a message that bears a reference."""
    own = {REFERENCE: str(Reference(DIGEST, targets, token))}
    return Status(message_id, name, own, error_code)


def uncertain(journal: Path, *, resend: bool = False) -> str:
    """Have a run be cut off while it sends, and return its token."""
    database = Database(journal)
    database.write([], [SendIntent(DIGEST, resend=resend)])
    database.close()
    return database.token


def delete(journal: Path) -> None:
    """Begin anew, as a person does."""
    for path in journal.parent.glob(f"{journal.name}*"):
        path.unlink()


def contents(path: Path) -> bytes:
    """Read a file."""
    return path.read_bytes()


async def settled(journal: Path, *events: object) -> None:
    """Settle events, one after the other."""
    async with Journal(journal) as it:
        for event in events:
            await it.settle(event)


def known(journal: Path) -> State:
    """Open the journal as the next run does, and look the operation up."""
    Database(journal).close()
    (run, *_) = summarise(journal).runs[-1:]
    record = records_of(journal)[DIGEST]

    assert record.run < run.number, "else the next run would take it for a duplicate of its own"

    return record.state


class TestReference:
    """What an SMS takes along, for its callbacks to bring back."""

    @pytest.mark.parametrize(
        ("given", "there"),
        [
            (None, {}),
            ({"order": 7}, {"order": 7}),
            ({}, {}),
        ],
    )
    @pytest.mark.anyio
    async def test_is_put_beside_the_callers_own(
        self, journal: Path, given: dict[str, Any] | None, there: dict[str, Any]
    ) -> None:
        """It names the operation, and of how many recipients it is."""
        operation = SendSMS((number(0), number(1)), Template("1233"), custom_args=given)
        bodies = Bodies()

        (outcome,) = await outcomes_of(run_of(bodies.platform, [operation], journal=journal))

        assert operation is outcome.operation
        (sent,) = (body["custom_args"] for body in bodies.seen)
        found = Reference.read(sent.pop(REFERENCE))

        assert there == sent
        assert found is not None
        assert (identity(operation, None), 2) == (found.digest, found.targets)

    @pytest.mark.anyio
    @pytest.mark.parametrize("given", [None, {"order": 7}])
    async def test_is_the_same_in_every_attempt(
        self, journal: Path, given: dict[str, Any] | None
    ) -> None:
        """A retry sends what the first attempt has sent; all else is as without a journal."""
        operation = SendSMS(number(0), Template("1233", params={"n": "é"}), custom_args=given)
        bodies: list[bytes] = []

        class Failing(Platform):
            async def send(
                self, request: Request, *, timeout: float | None, max_bytes: int
            ) -> Response:
                bodies.append(request.body)
                if len(bodies) < 3:
                    raise ConnectError("refused")
                return await super().send(request, timeout=timeout, max_bytes=max_bytes)

        (outcome,) = await outcomes_of(run_of(Failing(), [operation], journal=journal))

        assert 3 == outcome.attempts
        assert 1 == len(set(bodies))

        sent = json.loads(bodies[0])
        found = Reference.read(sent["custom_args"].pop(REFERENCE))

        assert found is not None
        assert (given or {}) == sent.pop("custom_args")
        plain = json.loads(wire.encode(operation))
        plain.pop("custom_args", None)

        assert plain == sent

    @pytest.mark.anyio
    async def test_takes_nobodys_place(self, journal: Path) -> None:
        """A key that the caller gave stays as it is."""
        own = {REFERENCE: "mine"}
        bodies = Bodies()

        operation = SendSMS(number(0), Template("1233"), custom_args=own)
        await outcomes_of(run_of(bodies.platform, [operation], journal=journal))

        assert [own] == [body["custom_args"] for body in bodies.seen]

    @pytest.mark.anyio
    async def test_of_another_message_is_replaced(self, journal: Path) -> None:
        """Whoever sends on what a callback brought sends the reference with it."""
        old = str(Reference(DIGEST, 1, "0" * 16))
        bodies = Bodies()

        operation = SendSMS(number(0), Template("1233"), custom_args={REFERENCE: old})
        await outcomes_of(run_of(bodies.platform, [operation], journal=journal))

        assert [old] != [body["custom_args"][REFERENCE] for body in bodies.seen]

    @pytest.mark.parametrize("why", ["resent", "repeated"])
    @pytest.mark.anyio
    async def test_does_not_vouch_for_another_message(self, journal: Path, why: str) -> None:
        """Where two may be out, it says so: the failure of one proves nothing."""
        bodies = Bodies()
        policy = RetryPolicy(repeat_uncertain=why == "repeated")
        (operation,) = sends(1)

        if why == "resent":
            database = Database(journal)
            database.write([], [SendIntent(identity(operation, None))])
            database.close()
        run = run_of(
            bodies.platform,
            [operation],
            journal=journal,
            retry=policy,
            resend_uncertain=True,
        )
        await outcomes_of(run)
        found = [Reference.read(body["custom_args"][REFERENCE]) for body in bodies.seen]

        assert [0] == [each.targets for each in found if each is not None]

    @pytest.mark.parametrize("with_journal", [False, True])
    @pytest.mark.anyio
    async def test_may_be_left_out(self, journal: Path, with_journal: bool) -> None:
        """It is by request, and where there is no journal to settle."""
        bodies = Bodies()

        path = journal if with_journal else None
        run = run_of(bodies.platform, sends(1), journal=path, reference=not with_journal)
        await outcomes_of(run)

        assert [False] == ["custom_args" in body for body in bodies.seen]

    @pytest.mark.anyio
    async def test_is_for_sms_only(self, journal: Path) -> None:
        """The OTP product has nothing that comes back."""
        bodies = Bodies()

        operation = SendCode(number(0), "123456", Template("login"))
        await outcomes_of(run_of(bodies.platform, [operation], journal=journal))

        assert {"to", "code", "template"} == set(bodies.seen[0])

    @pytest.mark.anyio
    async def test_of_a_half_names_the_half(self, journal: Path) -> None:
        """What is divided is settled in its parts."""
        bodies = Bodies(refused=2)

        operation = SendSMS((number(0), number(1)), Template("1233"))
        run = run_of(bodies.platform, [operation], journal=journal, split_rejected=True)
        await outcomes_of(run)
        found = [Reference.read(body["custom_args"][REFERENCE]) for body in bodies.seen]

        assert 3 == len({each.digest for each in found if each is not None})
        assert [2, 1, 1] == [each.targets for each in found if each is not None]

    @pytest.mark.parametrize("value", [None, 7, "", "7/1", f"{DIGEST}/1", f"{DIGEST}/1/é"])
    def test_that_is_none_is_taken_for_none(self, value: object) -> None:
        """Whatever somebody else puts there."""
        assert Reference.read(value) is None


class Bodies:
    """A platform that keeps what it is sent."""

    def __init__(self, refused: int = 0) -> None:
        self.seen: list[dict[str, Any]] = []
        self._refused = refused
        self.platform = Keeping(self)

    async def answer(self, body: dict[str, Any]) -> Response:
        """Keep it, and refuse those with so many recipients."""
        self.seen.append(body)
        to = body["to"]
        count = 1 if isinstance(to, str) else len(to)
        return refusal(3003) if count == self._refused else plan(count)


class Keeping(Platform):
    """The engine of it."""

    def __init__(self, bodies: Bodies) -> None:
        super().__init__()
        self._bodies = bodies

    async def send(self, request: Any, *, timeout: float | None, max_bytes: int) -> Response:  # noqa: ANN401
        """Hand over the body."""
        return await self._bodies.answer(json.loads(request.body))


class TestSettling:
    """What a callback says of an uncertain operation."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("name", "alone", "among_others"),
        [
            ("plan", State.ACCEPTED, State.ACCEPTED),
            ("sent", State.ACCEPTED, State.ACCEPTED),
            ("delivered", State.ACCEPTED, State.ACCEPTED),
            ("delivered_failed", State.ACCEPTED, State.ACCEPTED),
            ("something new", State.ACCEPTED, State.ACCEPTED),
            ("target_invalid", State.REFUSED, State.ACCEPTED),
            ("sent_failed", State.UNSENT, State.ACCEPTED),
            ("sent_fail", State.UNSENT, State.ACCEPTED),
        ],
    )
    async def test_is_what_is_proven(
        self, tmp_path: Path, name: str, alone: State, among_others: State
    ) -> None:
        """Of one recipient: sent, refused or unsent. One of many says nothing of the others."""
        for targets, expected in ((1, alone), (2, among_others)):
            journal = tmp_path / f"{targets}.db"
            token = uncertain(journal)
            await settled(journal, status(name, token, targets=targets))

            assert {expected: 1} == summarise(journal).states
            assert {expected: 1} == count_known(journal, [DIGEST])
            assert {} == count_known(journal, ["f" * 32])
            assert expected is known(journal)

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("order", "expected"),
        [
            (["plan", "sent_failed"], State.UNSENT),
            (["sent_failed", "target_valid", "plan"], State.UNSENT),
            (["target_invalid", "plan"], State.REFUSED),
            (["sent", "sent_failed"], State.ACCEPTED),
            (["sent_failed", "sent"], State.ACCEPTED),
            (["sent_failed", "read"], State.ACCEPTED),
            (["delivered", "sent", "plan"], State.ACCEPTED),
            (["sent_failed", "delivered"], State.ACCEPTED),
        ],
    )
    async def test_needs_no_order(self, journal: Path, order: list[str], expected: State) -> None:
        """The furthest that a message has come counts, whenever it is told, and how often."""
        token = uncertain(journal)
        await settled(journal, *(status(name, token) for name in order * 2))

        assert expected is known(journal)
        assert 1 == sum(summarise(journal).messages.values())

    @pytest.mark.asyncio
    async def test_counts_the_message_that_proves_most(self, journal: Path) -> None:
        """Whichever is told of first."""
        token = uncertain(journal)
        ends = ["sent_failed", "sent", "target_invalid"]
        await settled(journal, *(status(name, token, str(n)) for n, name in enumerate(ends)))

        assert State.ACCEPTED is known(journal)

    @pytest.mark.asyncio
    async def test_of_an_earlier_run_does_not_prove_a_later_one_unsent(self, journal: Path) -> None:
        """Its message failed; that of the run that followed may have arrived."""
        first = uncertain(journal)
        await settled(journal, status("sent_failed", first, "1"))
        second = uncertain(journal)

        assert {State.SENDING: 1} == summarise(journal).states
        assert State.SENDING is known(journal)

        await settled(journal, status("sent_failed", second, "2"))

        assert State.UNSENT is known(journal)

    @pytest.mark.asyncio
    async def test_of_an_earlier_run_proves_that_it_was_sent(self, journal: Path) -> None:
        """Once is enough."""
        first = uncertain(journal)
        uncertain(journal, resend=True)
        await settled(journal, status("delivered", first))

        assert State.ACCEPTED is known(journal)

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["sent_failed", "target_invalid", "delivered"])
    async def test_of_another_journal_proves_nothing(
        self, journal: Path, tmp_path: Path, name: str
    ) -> None:
        """Two campaigns may send the same, and share a URL; or one was begun anew."""
        other = uncertain(tmp_path / "other.db")
        uncertain(journal)
        await settled(journal, status(name, other))

        assert {} == summarise(journal).messages
        assert State.SENDING is known(journal)

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("sent_failed", State.SENDING),
            ("target_invalid", State.SENDING),
            ("plan", State.ACCEPTED),
            ("delivered", State.ACCEPTED),
        ],
    )
    async def test_of_one_that_may_not_be_the_only_one_proves_no_failure(
        self, journal: Path, name: str, expected: State
    ) -> None:
        """Another message of the same run may be out; both are sent with 0 for the recipients."""
        token = uncertain(journal)
        await settled(journal, status(name, token, targets=0))

        assert expected is known(journal)

    @pytest.mark.asyncio
    async def test_may_get_its_reference_late(self, journal: Path) -> None:
        """A callback without one does not hide what another told."""
        token = uncertain(journal)
        await settled(journal, Status("7", "delivered"), status("plan", token))

        assert {"delivered": 1} == summarise(journal).messages
        assert State.ACCEPTED is known(journal)

    @pytest.mark.asyncio
    async def test_leaves_alone_what_is_settled(self, journal: Path) -> None:
        """What a run knows for sure is not changed by what comes later."""
        database = Database(journal)
        database.write([Settlement(DIGEST, State.ACCEPTED, id="7")], [])
        database.close()
        await settled(journal, status("sent_failed", database.token))

        assert {"sent_failed": 1} == summarise(journal).messages
        assert State.ACCEPTED is known(journal)

    @pytest.mark.asyncio
    async def test_is_shown(self, journal: Path) -> None:
        """The summary has the code, and no longer the error of the doubt; nothing is changed."""
        database = Database(journal)
        other = "f" * 32
        database.write(
            [
                Settlement(DIGEST, State.UNCERTAIN, error="ResponseTimeoutError"),
                Settlement(other, State.UNCERTAIN, error="ResponseTimeoutError"),
                Settlement("e" * 32, State.ACCEPTED, id="12"),
            ],
            [],
        )
        database.close()
        before = contents(journal)
        await settled(
            journal,
            status("delivered", database.token),
            Status("12", "delivered"),
            Status("13", "delivered"),
            status("delivered", "0" * 16, "99"),
        )
        found = summarise(journal)

        assert {State.ACCEPTED: 2, State.UNCERTAIN: 1} == found.states
        assert {"ResponseTimeoutError": 1} == found.errors
        assert {"delivered": 2} == found.messages
        assert before == contents(journal)

        Database(journal).close()

        assert {"ResponseTimeoutError": 1} == summarise(journal).errors

    @pytest.mark.asyncio
    async def test_is_shown_with_why_it_failed(self, journal: Path) -> None:
        """When the next run has taken it over."""
        token = uncertain(journal)
        await settled(journal, status("target_invalid", token, error_code=5011))
        Database(journal).close()

        assert {"5011": 1} == summarise(journal).errors

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        "code", [10**30, -(10**30), 2**63, 2**63 - 1, -1, 0, True, None, 1.5, "5011", [], math.nan]
    )
    async def test_is_not_lost_to_an_odd_code(self, journal: Path, code: Any) -> None:  # noqa: ANN401
        """Whatever the platform takes for one: the proof is what counts."""
        token = uncertain(journal)
        await settled(journal, status("target_invalid", token, error_code=code))

        assert State.REFUSED is known(journal)

        is_code = type(code) is int and 0 < abs(code) < 2**63
        assert ({str(code): 1} if is_code else {"target_invalid": 1}) == summarise(journal).errors

    @pytest.mark.asyncio
    @pytest.mark.parametrize("odd", ["\ud83d", "a\0b", "", "é" * 100_000, "\udcff\n"])
    async def test_is_not_lost_to_odd_text(self, journal: Path, odd: str) -> None:
        """In the message's id, or in the status."""
        token = uncertain(journal)
        await settled(journal, status("delivered", token, odd), status(odd, token, "other"))

        assert State.ACCEPTED is known(journal)
        assert 2 == sum(summarise(journal).messages.values())

    @pytest.mark.asyncio
    async def test_of_a_status_that_is_not_known_is_refused(self, journal: Path) -> None:
        """A later version may have written that a message stayed for a reason of its own."""
        token = uncertain(journal)
        await settled(journal, status("sent_failed", token))
        with closing(sqlite3.connect(beside(journal), isolation_level=None)) as connection:
            connection.execute("UPDATE messages SET status = 'lost in space'")
        before = contents(journal)

        for use in (Database, summarise):
            with pytest.raises(JournalError, match="status that is not known, 'lost in space'"):
                use(journal)

        assert before == contents(journal)

    @pytest.mark.asyncio
    async def test_tells_which_events_it_is_for(self, journal: Path) -> None:
        """Replies and notifications are left alone."""
        async with Journal(journal) as it:
            assert not await it.settle(object())
            assert await it.settle(status("sent", "0" * 16))

    @pytest.mark.anyio
    async def test_works_on_every_backend(self, journal: Path) -> None:
        """It is opened by the first event, closed at the end, and may be used again."""
        token = uncertain(journal)

        it = Journal(journal)
        await it.aclose()
        await it.open()
        await it.settle(status("plan", token))
        await it.aclose()
        await it.settle(status("sent", token))
        await it.aclose()

        assert State.ACCEPTED is known(journal)

    @pytest.mark.asyncio
    async def test_holds_nothing_personal(self, journal: Path) -> None:
        """The file beside the journal holds ids and statuses."""
        await settled(journal, status("sent", "0" * 16, error_code=5))
        with closing(sqlite3.connect(beside(journal))) as connection:
            rows = connection.execute("SELECT * FROM messages").fetchall()

        assert [("7", DIGEST, 1, "0" * 16, "sent", 2, 1, 5)] == rows


class TestNextRun:
    """What the next run does with it."""

    @pytest.mark.anyio
    async def test_sends_what_is_proven_unsent_and_skips_what_is_sent(self, journal: Path) -> None:
        """Nobody is lost, and nobody is sent to twice."""
        bodies = Bodies()
        ends = {number(0): "delivered", number(1): "sent_failed"}

        keeping = Bodies()
        first = run_of(Lossy(keeping), sends(3), journal=journal)
        async with Journal(journal) as it, first:
            async for outcome in first:
                assert isinstance(outcome.operation, SendSMS)
                (to,) = outcome.operation.to
                body = next(body for body in keeping.seen if body["to"] == [to])
                if to in ends:
                    await it.settle(Status(to, ends[to], body["custom_args"]))
        second = await outcomes_of(run_of(bodies.platform, sends(3), journal=journal))

        assert ["settled", "Accepted", "Uncertain"] == kinds(second)
        assert [[number(1)]] == [body["to"] for body in bodies.seen]


class Lossy(Platform):
    """A platform that takes everything, and whose answers are lost."""

    def __init__(self, bodies: Bodies) -> None:
        super().__init__()
        self._bodies = bodies

    async def send(self, request: Any, *, timeout: float | None, max_bytes: int) -> Response:  # noqa: ANN401
        """Take it, and say nothing."""
        await self._bodies.answer(json.loads(request.body))
        raise ConnectionLostError("lost")


class TestFile:
    """The file beside the journal."""

    @pytest.mark.asyncio
    async def test_may_be_written_while_a_run_has_the_journal(self, journal: Path) -> None:
        """That is when most callbacks come, often at another process."""
        database = Database(journal)
        database.write([], [SendIntent(DIGEST)])
        async with (
            Journal(journal) as one,
            Journal(journal) as other,
            anyio.create_task_group() as group,
        ):
            for place in range(20):
                journal_of = (one, other)[place % 2]
                group.start_soon(journal_of.settle, status("sent", database.token, str(place)))

        database.close()

        assert State.ACCEPTED is known(journal)
        assert {"sent": 20} == summarise(journal).messages

    @pytest.mark.asyncio
    @pytest.mark.parametrize("content", [b"name,phone\n" * 100, b""])
    async def test_that_is_none_is_left_as_it_was(self, journal: Path, content: bytes) -> None:
        """It is told so, to whoever settles and to the next run, and nothing is sent."""
        uncertain(journal)
        beside(journal).write_bytes(content)
        platform = Platform(accept)
        for use in (
            partial(settled, journal, status("sent", "0" * 16)),
            Journal(journal).open,
            partial(anyio.to_thread.run_sync, summarise, journal),
            lambda: outcomes_of(run_of(platform, sends(1), journal=journal)),
        ):
            with pytest.raises(JournalError, match=r"run\.db-callbacks is "):
                await use()

        assert content == beside(journal).read_bytes()
        assert [] == platform.received

        beside(journal).unlink()

        assert State.SENDING is known(journal)

    @pytest.mark.asyncio
    async def test_needs_a_directory(self, tmp_path: Path) -> None:
        """The journal itself need not be there yet."""
        with pytest.raises(JournalError, match="cannot be opened"):
            await settled(tmp_path / "no" / "run.db", status("sent", "0" * 16))

    @pytest.mark.asyncio
    async def test_may_be_deleted_to_begin_anew(self, journal: Path) -> None:
        """What is told afterwards is in the new one."""
        async with Journal(journal) as it:
            await it.settle(status("sent", uncertain(journal)))
            delete(journal)
            await it.settle(status("sent", uncertain(journal)))

        assert State.ACCEPTED is known(journal)


@pytest.mark.asyncio
async def test_a_run_in_between_is_noticed(journal: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a callback proved before another run sent again is not taken for the present."""
    await settled(journal, status("sent_failed", uncertain(journal)))
    connect, opened = sqlite3.connect, list[str]()

    def slowly(name: str | Path, **options: object) -> sqlite3.Connection:
        opened.append(str(name))
        if str(name) == str(journal) and opened.count(str(journal)) == 1:
            # This process was suspended between reading the file and locking it.
            database = Database(journal)
            database.write([], [SendIntent(DIGEST)])
            database.write([Settlement(DIGEST, State.ACCEPTED)], [])
            database.close()
        return connect(name, **options)  # type: ignore[call-overload, no-any-return]

    monkeypatch.setattr(sqlite3, "connect", slowly)
    with pytest.raises(JournalError, match="in use by another run"):
        Database(journal)
    monkeypatch.undo()
    after = records_of(journal)

    assert [State.ACCEPTED] == [record.state for record in after.values()]
