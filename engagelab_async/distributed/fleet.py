"""The fleet: several machines that send one campaign together."""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import AsyncIterable, Awaitable, Callable, Container, Iterable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final, Self, TypedDict, Unpack

import anyio
from attrs import asdict

from engagelab_async.arguments import (
    check_container,
    check_flag,
    check_instance,
    check_integer,
    check_seconds,
)
from engagelab_async.bulk.flow import FlowControl
from engagelab_async.bulk.journal import JournalError, Receipt, State, prove
from engagelab_async.bulk.journal.sites import Site, sites_of
from engagelab_async.bulk.rate import Rate
from engagelab_async.bulk.report import targets_of
from engagelab_async.bulk.run import FanOut
from engagelab_async.bulk.stopping import stop_on_fatal_error
from engagelab_async.bulk.turns import Turns, rate_of
from engagelab_async.extras import install_hint
from engagelab_async.frames import clear
from engagelab_async.retry import RetryPolicy

from .delivery import DeliveryJournal
from .memory import Memory
from .message import Chunk, unpack
from .rate import SharedRate
from .store import LATE, Begun, Contents, Delivery, Options, Store
from .submitting import FleetRun, Plan, Via, halves_of

if TYPE_CHECKING:
    from types import TracebackType

    from engagelab_async.bulk.identity import Key
    from engagelab_async.bulk.report import BulkReport
    from engagelab_async.bulk.stopping import StopRule
    from engagelab_async.client import EngageLab

    from .results import AnyOperation

_CAMPAIGN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_FLOWS: Final = 16
"""Of so many submissions a worker remembers what it learned of the API's limits."""


class FleetOptions(TypedDict, total=False):
    """What `Fleet.fan_out` and `Fleet.send_all` take besides campaign and operations.

    Attributes:
        via: The broker: what `engagelab_async.distributed.taskiq.serve` or
            `engagelab_async.distributed.pgqueuer.serve` returns. Required.
        rate: Requests a second of all workers together; or a `Rate`, which can count targets; or a
            `SharedRate`, which other campaigns may share.
        max_in_flight: How many operations a worker process may have in flight, 64 by default.
        key: Makes an operation's identity; defaults to a digest of its product, path and body.
        retry: The retry policy; defaults to that of the worker's client.
        timeout: Seconds for one attempt; defaults to that of the worker's client.
        deadline: Seconds for one operation, 30 by default. What a dead worker may have sent is
            reported as uncertain after so long.
        stop_when: Returns why the submission has to end after an outcome; defaults to
            `stop_on_fatal_error`, which each worker follows in any case.
        resend_uncertain: Send again what may have been sent by an earlier submission.
        split_rejected: As for `EngageLab.fan_out`.
        reference: As for `EngageLab.fan_out`.
        suppress: As for `EngageLab.fan_out`; it stays with the submitter.
        chunk: How many operations travel together, at most; 200 by default. At a low rate, a chunk
            is what takes 10 seconds.
        window: How many chunks are out at once, at most; 16 by default.
        give_out_again: Seconds of silence after which a chunk is given out again, 60 by default;
            longer at a low rate.

    .. versionadded:: 0.1.0
    """

    via: Via
    rate: float | Rate | SharedRate | None
    max_in_flight: int
    key: Key | None
    retry: RetryPolicy | None
    timeout: float | None
    deadline: float
    stop_when: StopRule | None
    resend_uncertain: bool
    split_rejected: bool
    reference: bool
    suppress: Container[str] | None
    chunk: int
    window: int
    give_out_again: float


class Fleet:
    """Several machines that send campaigns together, through a broker and one PostgreSQL.

    The broker only says which operations to try. Whether one may be sent is decided by a row of
    PostgreSQL that is durable before the request leaves, so a message may be delivered twice, or
    never. Use it with ``async with``, or close it with `aclose`.

    Args:
        dsn: The database, as ``postgresql://user:password@host:port/database``.
        name: The schema that holds the fleet's tables; see `create_tables`.

    Raises:
        ModuleNotFoundError: The extra ``distributed`` is not installed.
        TypeError: An argument is of the wrong type.
        ValueError: An argument is invalid.

    .. versionadded:: 0.1.0
    """

    def __init__(self, dsn: str, *, name: str = "engagelab") -> None:
        """Connect to nothing yet."""
        try:
            from .postgresql import PostgreSQL
        except ModuleNotFoundError as error:
            hint = install_hint("distributed")
            raise ModuleNotFoundError(f"a fleet needs asyncpg: {hint}", name=error.name) from error

        check_instance(dsn, "dsn", str)
        self._begin(PostgreSQL(dsn, check_instance(name, "name", str)))

    @classmethod
    def in_memory(
        cls,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> Self:
        """Make a fleet of this process alone, which forgets everything: for tests.

        Args:
            clock: Seconds.
            sleep: Waits for a number of seconds.

        Example:
            >>> from functools import partial
            >>> async def test(engagelab, operations):
            ...     fleet = Fleet.in_memory()
            ...     via = partial(fleet.deliver, engagelab=engagelab)
            ...     report = await fleet.send_all("spring", operations, via=via)
            ...     assert report.accepted == len(operations)
        """
        fleet = cls.__new__(cls)
        fleet._begin(Memory(clock), clock, sleep)  # noqa: SLF001 - its own
        return fleet

    def _begin(
        self,
        store: Store,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[object]] = anyio.sleep,
    ) -> None:
        self.store: Store = store
        self.clock = clock
        self.sleep = sleep
        self._flows: OrderedDict[int, FlowControl] = OrderedDict()
        self._turns: dict[tuple[str, Rate], Turns] = {}
        self._closing = AsyncExitStack()

    async def create_tables(self) -> None:
        """Create the fleet's schema and tables, or what is missing of them.

        Any program may call it when it starts, or a person once: the role needs to be allowed to
        create a schema.

        Raises:
            JournalError: PostgreSQL cannot be reached, or refuses.
        """
        await self.store.create_tables()

    # ------------------------------------------------------------------ the submitter

    def fan_out(
        self,
        campaign: str,
        operations: Iterable[AnyOperation] | AsyncIterable[AnyOperation],
        **options: Unpack[FleetOptions],
    ) -> FleetRun:
        """Send many operations on all machines, and yield their outcomes as they complete.

        Args:
            campaign: What a journal's file is on one machine: within it, no recipient is sent to
                twice. The same call again resumes it. Letters, digits, ``.``, ``_`` and ``-``.
            operations: Any iterable or async iterable of `SendSMS`, `SendOTP`, `SendCode` and
                `SendCustomMessage`.
            **options: The broker, the rate, and more: `FleetOptions` has them all.

        Returns:
            An async context manager; inside it, an async iterator of outcomes, as
            `EngageLab.fan_out` has.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of range.

        Example:
            >>> async def send(fleet, bulk, operations):
            ...     async with fleet.fan_out("spring", operations, via=bulk, rate=200) as outcomes:
            ...         async for outcome in outcomes:
            ...             print(outcome)
        """
        return _run(self, check_campaign(campaign), operations, **options)

    async def send_all(
        self,
        campaign: str,
        operations: Iterable[AnyOperation] | AsyncIterable[AnyOperation],
        **options: Unpack[FleetOptions],
    ) -> BulkReport:
        """Send many operations on all machines, and wait until all have an outcome.

        Args:
            campaign: As for `fan_out`.
            operations: As for `fan_out`.
            **options: As for `fan_out`.

        Returns:
            The report.

        Raises:
            JournalError: PostgreSQL cannot be reached.
            TypeError: An argument is of the wrong type.
            ValueError: An argument is out of range.
        """
        async with self.fan_out(campaign, operations, **options) as run:
            return await run.wait()

    # ------------------------------------------------------------------ a worker

    async def deliver(self, message: Mapping[str, Any], engagelab: EngageLab) -> None:
        """Send the operations of a message, as far as they may be sent: a worker's task.

        Args:
            message: What `Via` was given.
            engagelab: The worker's client. Keys never travel.

        Raises:
            JournalError: PostgreSQL cannot be reached; the message is of another fleet or another
                version; or this worker sends to another place than the campaign's others.
        """
        handled = sys.exception()
        try:
            await self._deliver(unpack(message), engagelab)
        except BaseException as error:
            # Brokers log what is raised, and tools that record variables find none of these.
            del message
            clear(error, handled)
            raise

    async def _deliver(self, chunk: Chunk, engagelab: EngageLab) -> None:
        token = secrets.token_hex(8)
        host = f"{socket.gethostname()}/{os.getpid()}"
        begun = await self.store.begin(chunk.submission, chunk.token, chunk.number, token, host)
        if begun is None:
            raise JournalError("fleet: the message belongs to another database: nothing was sent")
        if begun.run is None:
            return
        await self._check_site(begun.campaign, chunk, engagelab)
        await self._send(chunk, begun, begun.run, token, engagelab)
        await self.store.end(begun.run)

    async def _check_site(self, campaign: str, chunk: Chunk, engagelab: EngageLab) -> None:
        """Refuse to send, say, to a sandbox what others send to people."""
        products = {member.operation.endpoint.product for member in chunk.members}
        sites = sites_of(engagelab._transport.base_urls)  # noqa: SLF001 - of the same package
        used: dict[str, Site] = {product: sites[product] for product in sorted(products)}
        for product, recorded in (await self.store.use(campaign, used)).items():
            if product in used and used[product].digest != recorded.digest:
                raise JournalError(
                    f"fleet: campaign {campaign} is sent for {product} to {recorded.origin}, and "
                    f"this worker would send to {used[product].origin}: nothing was sent"
                )

    async def _send(
        self, chunk: Chunk, begun: Begun, number: int, token: str, engagelab: EngageLab
    ) -> None:
        """Send what may be sent of a chunk."""
        options = begun.options
        delivery = Delivery(begun.campaign, chunk.submission, number)
        digests = [member.digest for member in chunk.members]
        known = await self.store.look_up(begun.campaign, sorted(set(digests)))
        # The first position counts of an operation that stands in it twice.
        indexes = {digest: index for index, digest in reversed([*enumerate(digests, chunk.first)])}
        suppress = frozenset[str]().union(*(member.left_out for member in chunk.members))
        journal = DeliveryJournal(self.store, delivery, token, indexes, known)
        while True:
            run = FanOut(
                engagelab._transport,  # noqa: SLF001 - of the same package
                [member.operation for member in chunk.members],
                flow=self._flow(chunk.submission, options),
                journal=journal,
                digests=digests,
                retry=None if options["retry"] is None else RetryPolicy(**options["retry"]),
                timeout=options["timeout"],
                deadline=options["deadline"],
                intent_lifetime=options["deadline"],
                on_stop=journal.stop,
                resend_uncertain=options["resend_uncertain"],
                split_rejected=options["split_rejected"],
                reference=options["reference"],
                suppress=suppress or None,
            )
            journal.when_stopped = run.stop
            async with run:
                report = await run.wait()
            over = report.stopped is not None or not options["split_rejected"]
            if over or not await self._may_be_split(chunk, begun, journal):
                return
            await self.sleep(1.0)

    async def _may_be_split(self, chunk: Chunk, begun: Begun, journal: DeliveryJournal) -> bool:
        """Return whether another delivery may still split an operation.

        Its halves would be in no row yet: the chunk would seem to be finished without them.
        """
        alive = float(begun.options["deadline"]) + LATE
        members = [member for member in chunk.members if targets_of(member.operation) > 1]
        while members:
            known = await self.store.look_up(begun.campaign, [each.digest for each in members])
            journal.learn(known)
            if any(
                each.state is State.SENDING and each.run != journal.run and each.age <= alive
                for each in known.values()
            ):
                return True
            members = [
                half
                for member in members
                if member.digest in known and known[member.digest].state is State.SPLIT
                for half in halves_of(member)
                if targets_of(half.operation) > 1
            ]
        return False

    def _flow(self, submission: int, options: Options) -> FlowControl:
        """Return what all chunks of a submission share in this process."""
        flow = self._flows.pop(submission, None)
        if flow is None:
            limiter = self._limiter(options["rate"])
            flow = FlowControl(
                options["max_in_flight"], limiter, clock=self.clock, sleep=self.sleep
            )
        self._flows[submission] = flow
        while len(self._flows) > _FLOWS:
            self._flows.popitem(last=False)
        return flow

    def turns(self, name: str, rate: Rate) -> Turns:
        """Return the turns of a rate that are shared under a name."""
        per_second = float(rate.per_second)

        async def take(turns: float) -> float:
            return await self.store.take_turns(name, turns, per_second)

        return Turns(take, rate, clock=self.clock, sleep=self.sleep)

    def _limiter(self, shared: Mapping[str, Any] | None) -> Turns | None:
        if shared is None:
            return None
        rate = Rate(shared["per_second"], shared["of"])
        key = (str(shared["name"]), rate)
        return self._turns.setdefault(key, self.turns(key[0], rate))

    # ------------------------------------------------------------------ callbacks, and people

    async def settle(self, event: object) -> bool:
        """Record the status of a message: a handler for the receivers of callbacks.

        What a campaign was left uncertain of is settled by it when the campaign is next submitted
        or shown.

        Args:
            event: Any `webhooks.Event`; others than a message's status are ignored. The same event
                may be settled twice.

        Returns:
            Whether it was a message's status.

        Raises:
            JournalError: PostgreSQL cannot be reached.
        """
        receipt = Receipt.of(event)
        if receipt is not None:
            await self.store.record(receipt)
        return receipt is not None

    async def settle_doubts(self, campaign: str) -> None:
        """Settle what callbacks have reported on; submitting or showing a campaign does so.

        Args:
            campaign: The campaign.

        Raises:
            JournalError: PostgreSQL cannot be reached.
        """
        found = await self.store.doubts(campaign)
        tokens = {str(receipt.token) for receipt in found.receipts}
        for proof in prove(found.doubts, found.receipts, tokens):
            await self.store.settle(campaign, proof)

    async def show(self, campaign: str) -> Contents:
        """Return what is known of a campaign: its submissions, counts, and live deliveries.

        Args:
            campaign: The campaign; one that was never submitted has no submissions.

        Raises:
            JournalError: PostgreSQL cannot be reached.
            TypeError: `campaign` is not a str.
            ValueError: It is no campaign's name.
        """
        await self.settle_doubts(check_campaign(campaign))
        return await self.store.contents(campaign)

    async def stop(self, campaign: str, reason: str = "stopped by the operator") -> int:
        """Stop a campaign on all machines: what is in flight is completed, no more is sent.

        Submit it again to resume it.

        Args:
            campaign: The campaign.
            reason: What its reports give as ``stopped``.

        Returns:
            How many submissions were stopped; 0 if none was active.

        Raises:
            JournalError: PostgreSQL cannot be reached.
            TypeError: An argument is not a str.
            ValueError: `campaign` is no campaign's name.
        """
        return await self.store.stop(
            check_campaign(campaign), check_instance(reason, "reason", str)
        )

    def close_with(self, aclose: Callable[[], Awaitable[object]]) -> None:
        """Close something together with the fleet, before it.

        Args:
            aclose: Closes it.
        """
        self._closing.push_async_callback(aclose)

    async def aclose(self) -> None:
        """Close the connections. May be called twice."""
        try:
            await self._closing.aclose()
        finally:
            await self.store.aclose()

    async def __aenter__(self) -> Self:
        """Enter; nothing is opened before it is needed."""
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_value: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the connections."""
        await self.aclose()


def check_campaign(name: str) -> str:
    """Return a campaign's name; raise ``ValueError`` for what is none."""
    if not _CAMPAIGN.fullmatch(check_instance(name, "campaign", str)):
        raise ValueError(
            "campaign: expected letters, digits, '.', '_' and '-', at most 100, a letter or "
            "digit first"
        )
    return name


def _run(
    fleet: Fleet,
    campaign: str,
    operations: Iterable[AnyOperation] | AsyncIterable[AnyOperation],
    *,
    via: Via,
    rate: float | Rate | SharedRate | None = None,
    max_in_flight: int = 64,
    key: Key | None = None,
    retry: RetryPolicy | None = None,
    timeout: float | None = None,
    deadline: float = 30.0,
    stop_when: StopRule | None = None,
    resend_uncertain: bool = False,
    split_rejected: bool = False,
    reference: bool = True,
    suppress: Container[str] | None = None,
    chunk: int = 200,
    window: int = 16,
    give_out_again: float = 60.0,
) -> FleetRun:
    """Check the arguments of `Fleet.fan_out` and make the run."""
    if not callable(via):
        raise TypeError(f"via: expected what serve() returns, got {type(via).__name__}")
    policy = None if retry is None else check_instance(retry, "retry", RetryPolicy)
    shared = _shared(campaign, rate)
    options = {
        "rate": shared,
        "max_in_flight": check_integer(max_in_flight, "max_in_flight", 1),
        "retry": None if policy is None else asdict(policy),
        "timeout": None if timeout is None else check_seconds(timeout, "timeout"),
        "deadline": check_seconds(deadline, "deadline"),
        "resend_uncertain": check_flag(resend_uncertain, "resend_uncertain"),
        "split_rejected": check_flag(split_rejected, "split_rejected"),
        "reference": check_flag(reference, "reference"),
    }
    plan = Plan(
        via=via,
        key=key,
        rate=None if shared is None else Rate(shared["per_second"], shared["of"]),
        stop_when=stop_on_fatal_error if stop_when is None else stop_when,
        chunk=check_integer(chunk, "chunk", 1),
        window=check_integer(window, "window", 1),
        give_out_again=check_seconds(give_out_again, "give_out_again"),
        deadline=float(deadline),
        suppress=None if suppress is None else check_container(suppress, "suppress"),
    )
    return FleetRun(fleet, campaign, operations, options, plan)


def _shared(campaign: str, rate: float | Rate | SharedRate | None) -> dict[str, Any] | None:
    """Write down a rate, and the name by which the workers share it."""
    if rate is None:
        return None
    if isinstance(rate, SharedRate):
        name, chosen = rate.name, rate.rate
    else:
        name, chosen = f"campaign {campaign}", rate_of(rate)
    return {"name": name, "per_second": chosen.per_second, "of": chosen.of}
