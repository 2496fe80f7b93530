"""A fleet does what one machine does, whatever its broker does."""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engagelab_async import (
    AuthenticationError,
    ConfigurationError,
    EngageLab,
    RetryPolicy,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    Template,
)
from engagelab_async.bulk import JournalError, Rate
from engagelab_async.bulk.identity import REFERENCE, Reference, identity
from engagelab_async.bulk.journal import MemoryJournal, State
from engagelab_async.distributed import Fleet, SharedRate
from engagelab_async.distributed.memory import Memory
from engagelab_async.distributed.store import Delivery, Ending, Intent, Written
from engagelab_async.operation import Endpoint, Operation
from engagelab_async.sms.balance import GetSMSBalance
from support.bulk import (
    TEMPLATE,
    Platform,
    kinds,
    number,
    one_by_one,
    plan,
    refusal,
    respond,
    sends,
)
from support.memory_fleets import PAIR, Passing, Scene, outcomes_of, shown

pytestmark = pytest.mark.asyncio


@pytest.fixture
def scene() -> Scene:
    """A fleet in memory."""
    return Scene()


def behave(faults: Mapping[int, str]) -> Platform:
    """Make a platform that behaves by recipient."""
    met: Counter[str] = Counter()

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        met[to[0]] += 1
        match faults.get(int(to[0][3:]) - 90000000):
            case "refused":
                return refusal(5011)
            case "broken":
                return refusal(1000, 500)
            case "busy" if met[to[0]] == 1:
                return refusal(None, 429)
            case "dropped":
                return plan(len(to), 0)
            case _:
                return plan(len(to))

    return Platform(answer)


# ------------------------------------------------------------------ as on one machine


@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(
    recipients=st.lists(st.integers(0, 6), max_size=14),
    faults=st.dictionaries(
        st.integers(0, 6), st.sampled_from(["refused", "broken", "busy", "dropped"]), max_size=4
    ),
    chunk=st.integers(1, 5),
)
async def test_its_outcomes_are_those_of_one_machine(
    recipients: list[int], faults: dict[int, str], chunk: int
) -> None:
    """Duplicates, refusals, failures and retries included."""
    operations = [SendSMS(number(each), TEMPLATE) for each in recipients]
    scene = Scene(behave(faults))
    outcomes = await outcomes_of(scene.run(operations, chunk=chunk, window=1, max_in_flight=1))
    alone = EngageLab(sms=PAIR, http=behave(faults), retry=RetryPolicy(base=0.0))
    async with alone.fan_out(operations, journal=MemoryJournal(), max_in_flight=1) as run:
        expected = sorted([each async for each in run], key=lambda outcome: outcome.index)

    assert shown(expected) == shown(outcomes)


@pytest.mark.parametrize(
    "operation",
    [
        SendSMS(number(1), Template("1233", params={"name": "Bob"}), plan_name="spring"),
        SendSMS((number(1), number(2)), TEMPLATE, custom_args={"order": 7}),
        SendOTP(number(1), "login"),
        SendCode(number(1), "039487", Template("login", language="en")),
        SendCustomMessage(number(1), Template("shipped", params={"order": "7"})),
        SendCustomMessage((number(1), number(2)), "shipped"),
    ],
)
async def test_sends_every_send(operation: Operation[Any]) -> None:
    """The worker sends the same bytes as the client does; the result is what the API answered."""
    bodies: list[bytes] = []

    class Recorded(Platform):
        async def send(self, request: Any, **_: Any) -> Any:  # noqa: ANN401 - as an engine
            bodies.append(request.body)
            return respond(
                {"plan_id": "7", "total_count": 9, "accepted_count": 8}
                if isinstance(operation, SendSMS)
                else {"message_id": "8", "send_channel": "voice"}
            )

    scene = Scene(Recorded())
    (outcome,) = await outcomes_of(scene.run([operation], reference=False))
    result = await scene.engagelab.execute(operation)

    assert bodies[0] == bodies[1]
    assert operation == outcome.operation
    assert result == outcome.result  # type: ignore[union-attr]


async def test_sends_what_is_due_soon(scene: Scene) -> None:
    """A time that was far enough ahead when the operation was made is not checked again."""
    import time

    operation = SendSMS(number(1), TEMPLATE, schedule_time=int(time.time()) + 3600)
    object.__setattr__(operation, "schedule_time", int(time.time()) + 60)

    assert ["Accepted"] == kinds(await outcomes_of(scene.run([operation])))


async def test_takes_any_source(scene: Scene) -> None:
    """An async generator is pulled as it is sent, and closed."""
    closed = anyio.Event()

    async def source() -> AsyncIterator[Operation[Any]]:
        try:
            async for each in one_by_one(sends(25)):
                yield each
        finally:
            closed.set()

    outcomes = await outcomes_of(scene.run(source(), chunk=10))

    assert ["Accepted"] * 25 == kinds(outcomes)
    assert list(range(25)) == [each.index for each in outcomes]
    assert closed.is_set()


async def test_reports_as_one_machine(scene: Scene) -> None:
    """The numbers of a `BulkReport`, latencies included."""
    scene.platform.behaviour = behave(
        {1: "refused", 2: "broken", 3: "dropped", 4: "busy"}
    ).behaviour
    report = await scene.fleet.send_all("spring", [*sends(8), *sends(1)], via=scene.via)

    assert (6, 1, 1, 1) == (report.accepted, report.rejected, report.uncertain, report.skipped)
    assert {"5011": 1, "1000": 1} == report.errors
    assert 1 == report.shortfall
    assert 1 == report.repeats
    assert report.elapsed > 0
    assert report.p99 >= report.p50 > 0
    assert report.stopped is None


async def test_splits_what_was_rejected() -> None:
    """Each part has an outcome, with the index of the whole; a second run does not send again."""

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        return refusal(3002) if number(2) in to else plan(len(to))

    scene = Scene(Platform(answer))
    operations = [SendSMS(tuple(number(each) for each in range(5)), TEMPLATE), *sends(1, 7)]
    outcomes = await outcomes_of(scene.run(operations, split_rejected=True))
    asked = len(scene.platform.received)
    again = await outcomes_of(scene.run(operations, split_rejected=True))

    found = {each.operation.to: type(each).__name__ for each in outcomes}  # type: ignore[attr-defined]
    assert {
        (number(0), number(1)): "Accepted",
        (number(2),): "Rejected",
        (number(3), number(4)): "Accepted",
        (number(7),): "Accepted",
    } == found
    assert [0, 0, 0, 1] == [each.index for each in outcomes]
    assert ["refused", "settled", "settled", "settled"] == sorted(kinds(again))
    assert asked == len(scene.platform.received)


async def test_splits_what_is_due_soon() -> None:
    """The parts keep the time of the whole, though it is too near for a new operation."""
    import time

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        return refusal(3002) if number(2) in to else plan(len(to))

    operation = SendSMS([number(1), number(2)], TEMPLATE, schedule_time=int(time.time()) + 3600)
    object.__setattr__(operation, "schedule_time", int(time.time()) + 60)
    scene = Scene(Platform(answer))

    outcomes = await outcomes_of(scene.run([operation], split_rejected=True))

    assert ["Accepted", "Rejected"] == sorted(kinds(outcomes))


async def test_does_not_send_twice_on_resume(scene: Scene) -> None:
    """The same call again sends what is missing, and no more; another campaign is another."""
    await outcomes_of(scene.run(sends(5)))
    again = await outcomes_of(scene.run(sends(8)))

    assert ["settled"] * 5 + ["Accepted"] * 3 == kinds(again)

    other = await outcomes_of(scene.run(sends(2), "summer"))

    assert ["Accepted"] * 2 == kinds(other)


async def test_follows_the_callers_key(scene: Scene) -> None:
    """Identities are made by the submitter, and travel."""
    outcomes = await outcomes_of(scene.run(sends(4), key=lambda _: "the same"))

    assert ["Accepted"] + ["duplicate"] * 3 == kinds(outcomes)


@pytest.mark.parametrize(("chunk", "window"), [(100, 16), (1, 1), (2, 16), (3, 2)])
async def test_sends_a_duplicate_once(scene: Scene, chunk: int, window: int) -> None:
    """Within a chunk, in the next one, and far away."""
    recipients = [0, 0, 1, 0, 2, 3, 4, 1, 5, 6, 0]
    operations = [SendSMS(number(each), TEMPLATE) for each in recipients]
    outcomes = await outcomes_of(scene.run(operations, chunk=chunk, window=window))

    assert {"Accepted": 7, "duplicate": 4} == Counter(kinds(outcomes))
    assert 7 == len(scene.platform.received) == len(set(scene.platform.numbers))


# ------------------------------------------------------------------ the broker


async def test_a_message_that_is_delivered_twice_is_harmless(scene: Scene) -> None:
    """At once, or later."""

    async def via(message: Mapping[str, Any]) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(scene.via, message)
            tasks.start_soon(scene.via, message)
        await scene.via(message)

    outcomes = await outcomes_of(scene.run([*sends(30), *sends(10)], via=via, chunk=7))

    assert {"Accepted": 30, "duplicate": 10} == Counter(kinds(outcomes))
    assert 30 == len(scene.platform.received)


async def test_a_message_that_is_lost_is_given_out_again(scene: Scene) -> None:
    """After a time of silence, which grows."""
    count = itertools.count()

    async def via(message: Mapping[str, Any]) -> None:
        if next(count) % 3 == 2:
            await scene.via(message)

    before = scene.time.now
    outcomes = await outcomes_of(scene.run(sends(20), via=via, chunk=4, give_out_again=10.0))

    assert ["Accepted"] * 20 == kinds(outcomes)
    assert 20 == len(scene.platform.received)
    assert scene.time.now - before >= 10


async def test_messages_may_be_reordered(scene: Scene) -> None:
    """The last one first."""
    held: list[Mapping[str, Any]] = []

    async def via(message: Mapping[str, Any]) -> None:
        held.append(message)
        if len(held) == 5:
            for each in reversed(held):
                await scene.via(each)

    outcomes = await outcomes_of(scene.run(sends(20), via=via, chunk=4))

    assert list(range(20)) == [each.index for each in outcomes]
    assert ["Accepted"] * 20 == kinds(outcomes)


async def test_a_broker_that_is_away_is_tried_again(scene: Scene) -> None:
    """It has a minute."""
    failures = iter([OSError("away")] * 5)

    async def via(message: Mapping[str, Any]) -> None:
        for error in failures:
            raise error
        await scene.via(message)

    assert ["Accepted"] * 3 == kinds(await outcomes_of(scene.run(sends(3), via=via)))


async def test_a_broker_that_stays_away_ends_the_run(scene: Scene) -> None:
    """After a minute, with its own error; nothing personal is left in its frames."""

    async def via(_: Mapping[str, Any]) -> None:
        raise OSError(111, "away")

    before = scene.time.now
    with pytest.raises(OSError, match="away"):
        await outcomes_of(scene.run(sends(3), via=via))

    assert 50 < scene.time.now - before < 80


async def test_no_more_chunks_are_out_than_the_window(scene: Scene) -> None:
    """And the source is pulled no further than the consumer goes."""
    pulled = itertools.count()
    run = scene.run((each for each in sends(100) if next(pulled) >= 0), chunk=5, window=2)
    async with run:
        first = [await anext(run) for _ in range(3)]
        for _ in range(300):
            await scene.time.sleep(0.1)

        assert next(pulled) <= 3 * 5 + 2

        rest = [each async for each in run]

    assert 100 == len(first) + len(rest)


@pytest.mark.parametrize(
    ("rate", "count", "sizes"),
    [
        (1.0, 25, {10, 5}),
        (0.05, 3, {1}),
        (Rate(1.0, of="targets"), 25, {10, 5}),
        (1000.0, 25, {25}),
    ],
)
async def test_a_chunk_takes_no_longer_than_ten_seconds(
    scene: Scene, rate: float | Rate, count: int, sizes: set[int]
) -> None:
    """At a low rate chunks are small: a broker waits no half hour for one."""
    outcomes = await outcomes_of(scene.run(sends(count), rate=rate))
    firsts = sorted({message["first"] for message in scene.messages})

    assert ["Accepted"] * count == kinds(outcomes)
    assert sizes == {after - first for first, after in itertools.pairwise([*firsts, count])}


async def test_a_chunk_is_no_larger_than_a_broker_takes(scene: Scene) -> None:
    """Large operations travel in smaller chunks."""
    many = tuple(number(each) for each in range(5000))
    large = [SendSMS(many[index:], TEMPLATE) for index in range(6)]
    await outcomes_of(scene.run(large))

    assert [0, 3] == [message["first"] for message in scene.messages]


# ------------------------------------------------------------------ stopping


async def test_a_refused_key_stops_all() -> None:
    """What is in the queue is not sent; the next submission goes on."""

    async def refuse(_: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        return refusal(2001, 401)

    scene = Scene(Platform(refuse))
    run = scene.run(sends(100), chunk=5, window=4, max_in_flight=1)
    outcomes = await outcomes_of(run)

    assert "the key pair is not accepted" == run.report.stopped
    assert len(scene.platform.received) <= 4
    assert {"Rejected", "stopped"} == set(kinds(outcomes))
    assert isinstance(outcomes[0].error, AuthenticationError)  # type: ignore[union-attr]

    scene.platform.behaviour = Platform().behaviour

    assert ["Accepted"] * 100 == kinds(await outcomes_of(scene.run(sends(100))))


async def test_stops_when_the_caller_says(scene: Scene) -> None:
    """The rule runs at the submitter, over the outcomes."""
    seen = itertools.count(1)
    run = scene.run(
        sends(100),
        chunk=5,
        window=1,
        stop_when=lambda _: "enough" if next(seen) == 12 else None,
    )
    outcomes = await outcomes_of(run)

    assert "enough" == run.report.stopped
    assert 15 <= len(scene.platform.received) <= 25
    assert len(outcomes) <= 25


async def test_a_rule_that_fails_ends_the_run(scene: Scene) -> None:
    """With its error, when the outcomes have come."""

    def fail(_: object) -> str:
        raise LookupError

    with pytest.raises(LookupError):
        await outcomes_of(scene.run(sends(20), chunk=5, stop_when=fail))


async def test_anyone_can_stop_a_campaign(scene: Scene) -> None:
    """Its submitter notices."""
    run = scene.run(sends(100), chunk=5, window=1)
    async with run:
        first = await anext(run)

        assert 1 == await scene.fleet.stop("spring", "the list is wrong")

        rest = [each async for each in run]

    assert 0 == first.index
    assert "the list is wrong" == run.report.stopped
    assert len(rest) < 99
    assert 0 == await scene.fleet.stop("spring")


async def test_leaving_early_stops_it(scene: Scene) -> None:
    """What is in a queue ends unsent, and nothing keeps running."""
    held: list[Mapping[str, Any]] = []

    async def via(message: Mapping[str, Any]) -> None:
        if message["chunk"]:
            held.append(message)
        else:
            await scene.via(message)

    run = scene.run(sends(100), chunk=5, window=4, via=via)
    async with run:
        await anext(run)
    late = [each async for each in run]

    assert "the consumer left" == run.report.stopped
    assert 5 == len(scene.platform.received)
    assert 4 + 3 * 5 <= len(late)

    for message in held:
        await scene.via(message)

    assert 5 == len(scene.platform.received)


async def test_a_worker_that_dies_leaves_doubts(scene: Scene) -> None:
    """What it had in flight is uncertain, after the deadline; the rest is sent by another."""
    stuck = anyio.Event()

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        if to[0] == number(2):
            stuck.set()
            await anyio.sleep_forever()
        return plan(len(to))

    scene.platform.behaviour = answer
    async with anyio.create_task_group() as tasks:

        async def via(message: Mapping[str, Any]) -> None:
            # It hangs, and is as good as dead.
            tasks.start_soon(scene.via, message)
            await stuck.wait()
            await scene.via(message)

        outcomes = await outcomes_of(scene.run(sends(5), via=via, max_in_flight=2, deadline=20.0))
        tasks.cancel_scope.cancel()

    assert ["Accepted", "Accepted", "Uncertain", "Accepted", "Accepted"] == kinds(outcomes)
    assert 5 == len(scene.platform.received)
    assert 1022 <= scene.time.now <= 1030


async def test_what_may_have_been_sent_is_sent_again_only_on_request(scene: Scene) -> None:
    """By a later submission, and once."""
    scene.platform.behaviour = behave({1: "broken"}).behaviour
    first = await outcomes_of(scene.run(sends(3)))
    scene.platform.behaviour = Platform().behaviour
    second = await outcomes_of(scene.run(sends(3)))
    third = await outcomes_of(scene.run(sends(3), resend_uncertain=True))

    assert ["Accepted", "Uncertain", "Accepted"] == kinds(first)
    assert ["settled", "Uncertain", "settled"] == kinds(second)
    assert ["settled", "Accepted", "settled"] == kinds(third)
    assert 4 == len(scene.platform.received)


async def test_a_refusal_does_not_settle_an_older_doubt(scene: Scene) -> None:
    """What an earlier submission may have sent stays uncertain when this one is refused."""
    scene.platform.behaviour = behave({1: "broken"}).behaviour
    await outcomes_of(scene.run(sends(3)))
    scene.platform.behaviour = behave({1: "refused"}).behaviour
    outcomes = await outcomes_of(scene.run(sends(3), resend_uncertain=True))

    assert ["settled", "Uncertain", "settled"] == kinds(outcomes)


# ------------------------------------------------------------------ pace


async def test_campaigns_can_share_a_rate(scene: Scene) -> None:
    """A `SharedRate` is one for all that name it."""
    scene.platform.clock = scene.time.clock
    rate = SharedRate(scene.fleet, "sms", 10)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(outcomes_of, scene.run(sends(50), "spring", rate=rate))
        tasks.start_soon(outcomes_of, scene.run(sends(50), "summer", rate=rate))

    assert 100 == len(scene.platform.received)
    assert 9.5 <= scene.platform.came[-1] - scene.platform.came[0] <= 15


async def test_chunks_of_a_worker_share_one_limit(scene: Scene) -> None:
    """No more is in flight than `max_in_flight`, however many chunks there are."""
    await outcomes_of(scene.run(sends(60), chunk=6, window=10, max_in_flight=4))

    assert scene.platform.most == 4


# ------------------------------------------------------------------ who may not


async def test_refuses_another_place(scene: Scene) -> None:
    """A worker that sends to a sandbox does not take part in a campaign for people."""
    await outcomes_of(scene.run(sends(1)))
    stray = scene.client(scene.platform, sms_base_url="http://127.0.0.1:8025")
    report: list[str] = []

    async def via(message: Mapping[str, Any]) -> None:
        try:
            await scene.fleet.deliver(message, stray)
        except JournalError as error:
            report.append(str(error))
        await scene.via(message)

    assert ["settled", "Accepted"] == kinds(await outcomes_of(scene.run(sends(2), via=via)))
    assert "campaign spring is sent for sms to https://" in report[0]
    assert "http://127.0.0.1:8025: nothing was sent" in report[0]


async def test_refuses_the_message_of_another_database(scene: Scene) -> None:
    """The number of a submission may be that of another one there."""
    elsewhere = Scene()
    await outcomes_of(elsewhere.run(sends(1)))
    await outcomes_of(scene.run(sends(1)))

    with pytest.raises(JournalError, match="belongs to another database: nothing was sent"):
        await scene.fleet.deliver(elsewhere.messages[0], scene.engagelab)


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"campaign": ""}, "campaign: expected letters"),
        ({"campaign": "spring/2"}, "campaign: expected letters"),
        ({"campaign": "a" * 101}, "campaign: expected letters"),
        ({"rate": 0}, "rate: must be a finite number above 0"),
        ({"rate": "fast"}, "rate: expected a number or a Rate, got str"),
        ({"via": None}, "via: expected what serve"),
        ({"max_in_flight": 0}, "max_in_flight: must be at least 1"),
        ({"chunk": 0}, "chunk: must be at least 1"),
        ({"window": True}, "window: expected an int"),
        ({"give_out_again": 0}, "give_out_again: must be a finite number"),
        ({"deadline": float("inf")}, "deadline: must be a finite number"),
        ({"timeout": -1}, "timeout: must be a finite number"),
        ({"retry": 3}, "retry: expected RetryPolicy, got int"),
        ({"reference": 1}, "reference: expected a bool"),
        ({"operations": 5}, "operations: expected an iterable or async iterable, got int"),
    ],
)
async def test_refuses_bad_arguments(scene: Scene, options: dict[str, Any], problem: str) -> None:
    """Before anything is done, with the argument's name."""
    chosen: dict[str, Any] = {"campaign": "spring", "operations": [], "via": scene.via} | options
    with pytest.raises((ValueError, TypeError), match=f"^{problem}"):
        scene.fleet.fan_out(chosen.pop("campaign"), chosen.pop("operations"), **chosen)


class Another(Operation[Any]):
    """An operation of the user's own."""

    endpoint = Endpoint(name="sms.send", product="sms", method="POST", path="/x", result=dict)


@pytest.mark.parametrize("stray", [GetSMSBalance(), Another(), "text", None])
async def test_refuses_what_cannot_travel(scene: Scene, stray: object) -> None:
    """With its position; nothing is given out any more."""
    with pytest.raises(TypeError, match=r"^operations\[2\]: "):
        await outcomes_of(scene.run([*sends(2), stray], chunk=1))

    assert len(scene.platform.received) <= 2


async def test_is_entered_once(scene: Scene) -> None:
    """As a run on one machine."""
    run = scene.run([])
    with pytest.raises(RuntimeError, match="enter the run first"):
        await anext(run)
    assert [] == await outcomes_of(run)
    with pytest.raises(RuntimeError, match="entered once"):
        await outcomes_of(run)


async def test_clears_what_it_failed_of(scene: Scene) -> None:
    """Tools that record the variables of an exception's frames find no recipient in them."""

    def source() -> Iterator[object]:
        recipient = "+6591234567"
        raise ValueError(str(len(recipient)))
        yield

    with pytest.raises(ValueError, match="11") as caught:
        await outcomes_of(scene.run(source()))

    frames = [entry.frame.f_locals for entry in caught.traceback]
    held = [value for frame in frames for value in frame.values()]

    assert "+6591234567" not in held


async def test_stays_in_its_event_loop(scene: Scene) -> None:
    """As a run on one machine: one that is carried into another loop raises there, and goes on."""

    async def go_on() -> None:
        with pytest.raises(ConfigurationError, match="a bulk run belongs to another event loop"):
            await anext(run)
        with pytest.raises(ConfigurationError, match="a bulk run belongs to another event loop"):
            await run.wait()

    async with scene.run(sends(3)) as run:
        await asyncio.to_thread(asyncio.run, go_on())
        report = await run.wait()

    assert 3 == report.accepted


async def test_its_consumer_may_be_cancelled(scene: Scene) -> None:
    """The submission is stopped, and nothing keeps running."""

    async def via(_: Mapping[str, Any]) -> None:
        await anyio.sleep_forever()

    run = scene.run(sends(10), via=via)
    with anyio.move_on_after(0.05):
        await outcomes_of(run)

    assert "the consumer left" == run.report.stopped
    assert run.in_flight == 0
    assert 200 * 16 == run.concurrency


async def test_shows_a_campaign(scene: Scene) -> None:
    """Its submissions, counts, and deliveries that have not ended."""
    scene.platform.behaviour = behave({1: "refused"}).behaviour
    await outcomes_of(scene.run(sends(3)))
    found = await scene.fleet.show("spring")

    assert {State.ACCEPTED: 2, State.REFUSED: 1} == dict(found.states)
    assert {"5011": 1} == dict(found.errors)
    assert [1] == [each.number for each in found.submissions]
    assert not found.live
    assert not (await scene.fleet.show("never")).submissions


async def test_logs_nothing_personal(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    """Neither its messages nor what is raised shows a recipient."""
    caplog.set_level(logging.DEBUG)
    await outcomes_of(scene.run([SendCode(number(1), "039487", "login")]))
    (message,) = scene.messages
    broken = {**message, "operations": "0"}
    with pytest.raises(JournalError) as caught:
        await scene.fleet.deliver(broken, scene.engagelab)

    written = f"{caplog.text}{message}{caught.value}{scene.fleet!r}"
    assert number(1)[1:] not in written
    assert "039487" not in written


async def test_a_delivery_that_is_cancelled_is_not_its_end() -> None:
    """Another one completes the chunk."""
    asked = anyio.Event()

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        if not asked.is_set() and to[0] == number(1):
            asked.set()
            await anyio.sleep_forever()
        return plan(len(to))

    scene = Scene(Platform(answer), Passing())

    async def via(message: Mapping[str, Any]) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(scene.via, message)
            await asked.wait()
            tasks.cancel_scope.cancel()
        await scene.via(message)

    outcomes = await outcomes_of(scene.run(sends(4), via=via, max_in_flight=1))

    assert {"Accepted": 3, "Uncertain": 1} == Counter(kinds(outcomes))


async def test_callbacks_settle_what_is_uncertain(scene: Scene) -> None:
    """When the campaign is submitted again: accepted, unsent, and others stay uncertain."""
    scene.platform.behaviour = behave({0: "broken", 1: "broken", 2: "broken"}).behaviour
    await outcomes_of(scene.run(sends(3), max_in_flight=1))
    runs = scene.fleet.store._runs  # type: ignore[attr-defined]  # noqa: SLF001
    digests = [identity(each, None) for each in sends(3)]
    for digest, status in zip(digests, ("delivered", "sent_failed"), strict=False):
        event = SimpleNamespace(
            message_id=f"m{digest}",
            status=status,
            custom_args={REFERENCE: str(Reference(digest, 1, runs[1].token))},
            error_code=None,
        )
        assert await scene.fleet.settle(event)
    assert not await scene.fleet.settle("no event")
    scene.platform.behaviour = Platform().behaviour

    assert ["settled", "Accepted", "Uncertain"] == kinds(await outcomes_of(scene.run(sends(3))))
    assert {"sent_failed": 1, "delivered": 1} == dict((await scene.fleet.show("spring")).messages)


async def test_forgets_the_flow_of_old_submissions(scene: Scene) -> None:
    """A worker that runs for months keeps what it learned of the last few."""
    await scene.fleet.create_tables()
    for _ in range(20):
        await outcomes_of(scene.run(sends(1)))

    assert 16 == len(scene.fleet._flows)  # noqa: SLF001


async def test_a_fleet_needs_asyncpg(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says which extra brings it; in memory it needs nothing."""
    monkeypatch.setitem(sys.modules, "asyncpg", None)
    monkeypatch.delitem(sys.modules, "engagelab_async.distributed.postgresql", raising=False)

    with pytest.raises(ModuleNotFoundError, match=r"a fleet needs asyncpg: .*\[distributed\]"):
        Fleet("postgresql://bulk@localhost/bulk")


async def test_another_program_can_abort_it(scene: Scene) -> None:
    """Then nothing is waited for: what is in flight is uncertain."""
    asked = anyio.Event()

    async def answer(_: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        asked.set()
        await anyio.sleep_forever()

    scene.platform.behaviour = answer
    async with scene.run(sends(3), max_in_flight=1) as run:
        await asked.wait()
        run.abort("enough")
        outcomes = [each async for each in run]

    assert "enough" == run.report.stopped
    assert ["Uncertain", "stopped", "stopped"] == kinds(outcomes)


async def test_what_was_rejected_is_not_tried_again_by_its_duplicate(scene: Scene) -> None:
    """Though it was certainly not sent: its outcome has been reported."""

    async def busy(_: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        return refusal(5016, 200)

    scene.platform.behaviour = busy
    run = scene.run([*sends(1), *sends(1)], max_in_flight=1, retry=RetryPolicy(attempts=1))

    assert ["Rejected", "duplicate"] == kinds(await outcomes_of(run))
    assert 1 == len(scene.platform.received)


async def test_two_deliveries_of_what_is_split(scene: Scene) -> None:
    """Each part is sent by one of them. The others wait until the whole has been answered."""

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        await scene.time.sleep(2.5)
        return refusal(3002) if number(1) in to else plan(len(to))

    scene.platform.behaviour = answer

    async def via(message: Mapping[str, Any]) -> None:
        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(scene.via, message)

    operations = [SendSMS(tuple(number(each) for each in range(4)), TEMPLATE) for _ in range(2)]
    outcomes = await outcomes_of(scene.run(operations, via=via, split_rejected=True))

    assert {"Accepted": 2, "Rejected": 1, "duplicate": 1} == Counter(kinds(outcomes))


async def test_a_source_that_waits_is_left_when_the_campaign_is_stopped(scene: Scene) -> None:
    """What it has yielded has outcomes."""

    async def source() -> AsyncIterator[Operation[Any]]:
        for each in sends(3):
            yield each
        await anyio.sleep_forever()

    run = scene.run(source(), chunk=2)
    async with run:
        outcomes = [await anext(run) for _ in range(2)]
        run.stop("enough")
        outcomes += [each async for each in run]

    assert ["Accepted", "Accepted", "stopped"] == kinds(outcomes)


async def test_what_another_submission_could_not_send_is_rejected(scene: Scene) -> None:
    """If it had the operation when this one asked, and failed since."""
    store = scene.fleet.store
    (operation,) = sends(1)
    digest = identity(operation, None)
    number_ = await store.submit("spring", "s1", {"deadline": 30.0})
    begun = await store.begin(number_, "s1", 0, "r1", "here")
    assert begun is not None
    assert begun.run is not None
    delivery = Delivery("spring", number_, begun.run)
    await store.write(delivery, [], [Intent(digest, 0)])

    async def via(message: Mapping[str, Any]) -> None:
        await scene.via(message)
        await store.write(delivery, [Ending(digest, 0, State.UNSENT, error="ConnectError")], [])

    assert ["Rejected"] == kinds(await outcomes_of(scene.run([operation], via=via)))
    assert not scene.platform.received


# ------------------------------------------------------------------ the fence


class Suspending(Memory):
    """Its first intents are durable at once, and known to the worker only after some seconds."""

    scene: Scene
    seconds: float = 0.0

    async def write(self, *arguments: Any) -> Written:  # noqa: ANN401 - as `Memory`
        """Write, and be suspended."""
        written = await super().write(*arguments)
        if written.granted and self.seconds:
            seconds, self.seconds = self.seconds, 0.0
            await self.scene.time.sleep(seconds)
        return written


def suspend(scene: Scene, seconds: float) -> None:
    """Suspend the worker between its intent and its request, once."""
    scene.fleet.store = store = Suspending(scene.time.clock)
    store.scene, store.seconds = scene, seconds


async def test_a_worker_that_was_suspended_sends_what_is_still_its_own(scene: Scene) -> None:
    """It withdraws the old intent, and asks again."""
    suspend(scene, 31.0)
    outcomes = await outcomes_of(scene.run(sends(3), deadline=30.0))

    assert ["Accepted"] * 3 == kinds(outcomes)
    assert 3 == len(scene.platform.received)


async def test_a_worker_that_was_suspended_sends_nothing_that_another_has_sent(
    scene: Scene,
) -> None:
    """Not even where a later submission may send again what is uncertain."""
    suspend(scene, 60.0)
    given: list[Mapping[str, Any]] = []

    async def lose(message: Mapping[str, Any]) -> None:
        given.append(message)

    async with anyio.create_task_group() as tasks:
        first = scene.run(sends(3), via=lose, deadline=30.0, give_out_again=900)
        async with first:
            while not given:
                await anyio.lowlevel.checkpoint()
            tasks.start_soon(scene.via, given[0])
            await scene.time.sleep(40.0)
            again = await outcomes_of(scene.run(sends(3), deadline=30.0, resend_uncertain=True))
            left = [outcome async for outcome in first]

    assert ["Accepted"] * 3 == kinds(again)
    assert 3 == len(scene.platform.received)
    assert 3 == len(left)
    assert "Accepted" not in kinds(left)


async def test_a_request_ends_while_its_intent_is_good(scene: Scene) -> None:
    """The wait for the intent counts in the deadline: another may take it for dead after that."""
    suspend(scene, 29.0)
    limits: list[float | None] = []

    class Watching(Platform):
        async def send(self, request: Any, **options: Any) -> Any:  # noqa: ANN401 - as an engine
            limits.append(options["timeout"])
            return await super().send(request, **options)

    scene.engagelab = EngageLab(sms=PAIR, http=Watching(), timeout=30.0)
    scene.engagelab._transport.clock = scene.time.clock  # noqa: SLF001 - time passes for it, too
    await outcomes_of(scene.run(sends(1), deadline=30.0))

    assert limits[0] is not None
    assert limits[0] <= 1.0


# ------------------------------------------------------------------ sources, and what is closed


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (ValueError("the file ends"), ValueError),
        (asyncio.CancelledError(), RuntimeError),
    ],
)
async def test_what_a_source_raises_ends_the_run(
    scene: Scene, error: BaseException, raised: type[Exception]
) -> None:
    """What was given out is completed."""

    class Source:
        left = 3

        def __aiter__(self) -> Source:
            return self

        async def __anext__(self) -> Any:  # noqa: ANN401 - an operation
            await anyio.lowlevel.checkpoint()
            if not self.left:
                raise error
            self.left -= 1
            return next(sends(1, self.left))

    run = scene.run(Source(), chunk=1)
    with pytest.raises(raised):
        await outcomes_of(run)

    assert 3 == run.report.accepted + run.report.skipped


@pytest.mark.parametrize("error", [StopIteration, StopAsyncIteration])
async def test_a_failure_does_not_pass_for_the_end(scene: Scene, error: type[Exception]) -> None:
    """Whatever a rule raises."""

    def fail(_: object) -> str | None:
        raise error

    with pytest.raises(RuntimeError, match="the run failed"):
        await outcomes_of(scene.run(sends(3), stop_when=fail))


async def test_others_go_on_while_a_list_is_read(scene: Scene) -> None:
    """A list that is at hand does not hold up the event loop for all that may be out."""
    turns = 0
    done = anyio.Event()

    async def count() -> None:
        nonlocal turns
        while not done.is_set():
            turns += 1
            await anyio.lowlevel.checkpoint()

    turns_at: list[int] = []

    def source() -> Iterator[Operation[Any]]:
        for operation in sends(40):
            turns_at.append(turns)
            yield operation

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(count)
        await outcomes_of(scene.run(source(), chunk=10))
        done.set()

    assert 4 == len(set(turns_at))


async def test_all_is_closed_though_something_fails(scene: Scene) -> None:
    """The store's connections, too."""
    closed: list[str] = []

    async def close(name: str) -> None:
        closed.append(name)
        if name == "broken":
            raise OSError

    for name in ("first", "broken", "last"):
        scene.fleet.close_with(partial(close, name))
    with pytest.raises(OSError):  # noqa: PT011 - it has no text
        await scene.fleet.aclose()

    assert ["last", "broken", "first"] == closed

    await scene.fleet.aclose()

    assert 3 == len(closed)


@pytest.mark.parametrize("campaign", ["", "Fr\u00fchling", "a'b", "a" * 101, "spring\n", "a\0"])
async def test_a_name_that_no_campaign_has_is_refused(scene: Scene, campaign: str) -> None:
    """Wherever it is given."""
    for use in (
        partial(scene.fleet.show, campaign),
        partial(scene.fleet.stop, campaign),
        partial(scene.fleet.send_all, campaign, [], via=scene.via),
    ):
        with pytest.raises(ValueError, match=r"^campaign: "):
            await use()


@pytest.mark.parametrize("name", ["", "a" * 201, "a\0b", "\ud800"])
async def test_a_name_that_no_rate_has_is_refused(scene: Scene, name: str) -> None:
    """Before a worker would fail of it."""
    with pytest.raises(ValueError, match=r"^name: "):
        SharedRate(scene.fleet, name, 10)


async def test_what_is_divided_does_not_depend_on_who_is_left_out(scene: Scene) -> None:
    """A later submission, which leaves out others, divides a request at the same place."""
    accepted: list[str] = []
    refused: list[tuple[str, ...]] = []

    async def answer(to: tuple[str, ...]) -> Any:  # noqa: ANN401 - a response
        if len(to) > 3:
            return refusal(5011)
        if number(5) in to and not refused:
            refused.append(to)
            return refusal(1002, 401)
        accepted.extend(to)
        return plan(len(to))

    scene.platform.behaviour = answer
    everybody = tuple(number(index) for index in range(6))
    options: dict[str, Any] = {"split_rejected": True, "max_in_flight": 1}
    first = await outcomes_of(
        scene.run([SendSMS(everybody, TEMPLATE)], suppress=set(everybody[:2]), **options)
    )
    await outcomes_of(scene.run([SendSMS(everybody, TEMPLATE)], **options))

    assert "suppressed" in kinds(first)
    assert set(everybody[2:]) <= set(accepted) <= set(everybody)
    assert len(set(accepted)) == len(accepted)


async def test_who_is_left_out_is_in_no_request(scene: Scene) -> None:
    """All others are, and each recipient has one outcome."""
    groups = [tuple(number(4 * group + index) for index in range(4)) for group in range(3)]
    left_out = {number(1), *groups[1][:2], number(10)}
    outcomes = await outcomes_of(
        scene.run(
            [SendSMS(group, TEMPLATE) for group in groups], suppress=left_out, split_rejected=True
        )
    )
    sent = set(scene.platform.numbers)
    reported = [each for outcome in outcomes for each in cast("SendSMS", outcome.operation).to]

    assert {each for group in groups for each in group} - left_out == sent
    assert sorted(each for group in groups for each in group) == sorted(reported)
