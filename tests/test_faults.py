"""A server that misbehaves, seen through the whole library.

For every fault and every kind of call: the class of the error, whether the message may have been
sent, how many attempts the call made, how many requests reached the server, how long it took.

=========  ====================================  ===================================================
call       what it is                            repeated after
=========  ====================================  ===================================================
`code`     `SendCode`                            all failures that may pass: the platform refuses a
                                                 second live code for the same person
`sms`      `SendSMS`                             those after which nothing was sent
`anyway`   `SendSMS` with ``repeat_uncertain``   all that may pass: the caller wants it so
=========  ====================================  ===================================================
"""

import json
import socket
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial
from typing import Final

import pytest
import trustme
from attrs import evolve, frozen

from engagelab_async import (
    APIError,
    AuthenticationError,
    ConnectError,
    ConnectionLostError,
    Credentials,
    EngageLab,
    EngageLabError,
    FrequencyLimitError,
    InternalSendError,
    InvalidResponseError,
    NotFoundError,
    Operation,
    RateLimitError,
    ResponseTimeoutError,
    RetryPolicy,
    SendCode,
    SendFailedError,
    SendSMS,
    ServerError,
    Template,
)
from support import backends
from support.clocks import LeapingClock
from support.hostile import (
    Behaviour,
    Hostile,
    Peer,
    answers,
    closes,
    drips,
    floods,
    hangs,
    http,
    refusing,
    resets,
    says,
    stops_reading,
    trusting,
    unaccepting,
)

KEY_PAIR: Final = Credentials("jiguangdev", "dev_secret")
ATTEMPTS: Final = 2


@frozen
class Call:
    """A kind of call; see the table above."""

    operation: Operation[object]
    anyway: bool = False

    @property
    def repeats_uncertain(self) -> bool:
        """Whether it is repeated when it may have been sent already."""
        return self.anyway or self.operation.endpoint.repeatable


CALLS: Final = {
    "code": Call(SendCode("+6591234567", "039487", Template("login"))),
    "sms": Call(SendSMS(("+6591234567",), Template("1233"))),
    "anyway": Call(SendSMS(("+6591234567",), Template("1233")), anyway=True),
}


@frozen
class Outcome:
    """How a call ends.

    Attributes:
        error: The class of its error; ``None`` for a result.
        requests: How many complete requests the server got.
        attempts: How many requests the call made, by its error.
        may_have_been_sent: What the error says.
    """

    error: type[EngageLabError] | None
    requests: int
    attempts: int = 0
    may_have_been_sent: bool = False


Where = tuple[str, Hostile | None]
Place = Callable[[], AbstractContextManager[Where]]
"""Opens the place where the calls go to: its URL, and the server that they reach there, if any."""

PATIENCE: Final = 50.0
"""Seconds for an attempt. Where they pass, the clock leaps; no busy machine is that slow."""


@frozen
class Fault:
    """What goes wrong, and what comes of it.

    Attributes:
        place: Where it goes wrong.
        stopped: How a call ends that is not repeated when it may have been sent.
        repeated: How a call ends that is.
        timeout: Seconds for one attempt.
        deadline: Seconds for a call.
        each: Seconds that one failed attempt takes.
        waiting: Seconds that the call takes besides.
    """

    place: Place
    stopped: Outcome
    repeated: Outcome
    timeout: float = PATIENCE
    deadline: float = PATIENCE
    each: float = 0.0
    waiting: float = 0.0

    def outcome(self, call: Call) -> Outcome:
        """Tell how a call ends."""
        return self.repeated if call.repeats_uncertain else self.stopped

    def least(self, outcome: Outcome) -> float:
        """Tell how many seconds it takes at least; uvloop is a little early."""
        failed = outcome.attempts or outcome.requests - 1
        return 0.8 * (self.waiting + self.each * failed)

    @property
    def stall(self) -> float:
        """For how many seconds a server that stalls does."""
        return self.waiting or self.each


# ------------------------------------------------------------------------------- places


@contextmanager
def serving(*script: Behaviour, ca: trustme.CA | None = None) -> Iterator[Where]:
    """Serve by a script."""
    with Hostile(*script, ca=ca) as server:
        yield server.url, server


@contextmanager
def without_tls(behaviour: Behaviour) -> Iterator[Where]:
    """Serve something else where TLS is expected."""
    with Hostile(behaviour) as server:
        yield server.url.replace("http://", "https://"), server


@contextmanager
def nowhere(
    listen: Callable[[], AbstractContextManager[str]],
) -> Iterator[Where]:
    """Let no connection come about."""
    with listen() as url:
        yield url, None


@contextmanager
def going_away() -> Iterator[Where]:
    """Break the first connection, and refuse all others."""

    def breaks(peer: Peer) -> None:
        peer.server.stop_listening()
        resets(peer)

    with Hostile(breaks) as server:
        yield server.url, server


# ------------------------------------------------------------------------------- kinds of faults


def never_left(place: Place) -> Fault:
    """Nothing was sent, and every call is repeated."""
    end = Outcome(ConnectError, requests=0, attempts=ATTEMPTS)
    return Fault(place, end, end)


def never_connected(place: Place) -> Fault:
    """Nothing was sent, and it takes all the time that an attempt has."""
    return evolve(never_left(place), deadline=3 * PATIENCE, each=PATIENCE)


def lost(error: type[EngageLabError], behaviour: Behaviour, requests: int = 1) -> Fault:
    """Nobody knows what became of the request; of each attempt's, `requests` are complete."""
    stopped = Outcome(error, requests, attempts=1, may_have_been_sent=True)
    repeated = evolve(stopped, requests=ATTEMPTS * requests, attempts=ATTEMPTS)
    return Fault(partial(serving, behaviour), stopped, repeated)


def silent(behaviour: Behaviour, requests: int = 1) -> Fault:
    """Nobody knows, and it takes all the time that an attempt has."""
    late = lost(ResponseTimeoutError, behaviour, requests)
    return evolve(late, deadline=3 * PATIENCE, each=PATIENCE)


def endless(behaviour: Behaviour) -> Fault:
    """Nobody knows, and it takes all the time that the call has."""
    end = Outcome(ResponseTimeoutError, requests=1, attempts=1, may_have_been_sent=True)
    return Fault(partial(serving, behaviour), end, end, timeout=2 * PATIENCE, each=PATIENCE)


def refused(error: type[EngageLabError], *script: Behaviour) -> Fault:
    """Nothing was sent, and nothing will be; only an earlier behaviour makes the call go on."""
    end = Outcome(error, requests=len(script), attempts=len(script))
    return Fault(partial(serving, *script), end, end)


def passing(error: type[EngageLabError], behaviour: Behaviour) -> Fault:
    """Nothing was sent, and that may pass: every call is repeated."""
    return refused(error, *[behaviour] * ATTEMPTS)


def fine(*script: Behaviour, waiting: float = 0.0) -> Fault:
    """Every call succeeds with the last behaviour, after so many seconds of waiting."""
    end = Outcome(None, requests=len(script))
    return Fault(partial(serving, *script), end, end, waiting=waiting)


def once(fault: Fault, behaviour: Behaviour, *, then: Behaviour, end: Outcome) -> Fault:
    """Nobody knows what became of the first request; the second one ends the call."""
    place = partial(serving, behaviour, then)
    return evolve(fault, place=place, repeated=end, each=0.0, waiting=fault.each)


# ------------------------------------------------------------------------------- behaviours


def error(code: int, status: int = 400) -> Behaviour:
    """Answer with an error of the API."""
    return answers(status, {"code": code, "message": "refused"})


def page(status: int, **headers: str) -> Behaviour:
    """Answer in HTML, as gateways do."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    body = b"<html><h1>Sorry</h1></html>"
    return says(http(status, body, {"Content-Type": "text/html", **named}))


def begins(then: Behaviour) -> Behaviour:
    """Answer with one of the promised thousand bytes."""
    return says(http(200, b"{", {"Content-Length": "1000"}), then)


ACCEPTED: Final = {
    "message_id": "1725407449772531712",
    "send_channel": "sms",
    "plan_id": "1972488990548348928",
    "total_count": 1,
    "accepted_count": 1,
}
"""An answer that all calls understand."""

accepts: Final = answers(200, ACCEPTED)
late: Final = silent(hangs)
CHUNK: Final = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"
CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
SENT: Final = Outcome(None, requests=2)
LIVE_CODE: Final = Outcome(FrequencyLimitError, requests=2, attempts=2, may_have_been_sent=True)

FAULTS: Final[dict[str, Fault]] = {
    # No connection.
    "refuses": never_left(partial(nowhere, refusing)),
    "shows_a_bad_certificate": never_left(partial(serving, accepts, ca=trustme.CA())),
    "speaks_no_tls": never_left(partial(without_tls, lambda peer: peer.sends(b"220 mail\r\n"))),
    "hangs_while_connecting": evolve(
        never_left(partial(nowhere, unaccepting)), timeout=0.1, each=0.1
    ),
    "hangs_in_tls": never_connected(partial(without_tls, Peer.hangs)),
    # No answer in time.
    "hangs": late,
    "hangs_without_reading": silent(stops_reading, requests=0),
    "hangs_in_the_body": silent(begins(Peer.hangs)),
    "says_continue_and_hangs": silent(says(CONTINUE, Peer.hangs)),
    "drips_headers": silent(drips(b"HTTP/1.1 200 OK\r\nX: ", 0.02)),
    "drips_a_body": silent(drips(http(200, headers={"Content-Length": "1000000"}), 0.02)),
    "hangs_for_ever": endless(hangs),
    "drips_for_ever": endless(drips(http(200, headers={"Content-Length": "1000000"}), 0.02)),
    # No answer at all, or half of one.
    "resets": lost(ConnectionLostError, resets),
    "resets_while_receiving": lost(ConnectionLostError, Peer.resets, requests=0),
    "closes": lost(ConnectionLostError, closes),
    "closes_in_the_body": lost(ConnectionLostError, begins(Peer.closes)),
    "closes_before_the_last_chunk": lost(ConnectionLostError, says(CHUNK, Peer.closes)),
    "resets_in_the_body": lost(ConnectionLostError, begins(Peer.resets)),
    "speaks_smtp": lost(ConnectionLostError, says(b"220 mail.example\r\n\r\n", Peer.hangs)),
    "speaks_nothing": lost(ConnectionLostError, says(bytes(range(256)), Peer.closes)),
    # An answer that nobody can read.
    "html_200": lost(InvalidResponseError, page(200)),
    "html_502": lost(ServerError, page(502)),
    "html_503_retry_after": lost(ServerError, page(503, Retry_After="0")),
    "empty_200": lost(InvalidResponseError, answers(200)),
    "empty_204": lost(InvalidResponseError, says(b"HTTP/1.1 204 No Content\r\n\r\n")),
    "list_200": lost(InvalidResponseError, answers(200, [ACCEPTED])),
    "null_200": lost(
        InvalidResponseError, answers(200, {**ACCEPTED, "message_id": None, "plan_id": None})
    ),
    "four_gigabytes_200": lost(InvalidResponseError, floods()),
    "four_gigabytes_200_chunked": lost(InvalidResponseError, floods(chunked=True)),
    "four_gigabytes_502": lost(ServerError, floods(502)),
    "four_gigabytes_400": refused(APIError, floods(400)),
    # A refusal.
    "1000": lost(ServerError, error(1000, 500)),
    "2001": refused(AuthenticationError, error(2001, 401)),
    "3004": refused(FrequencyLimitError, error(3004)),
    "200_with_a_code": refused(APIError, answers(200, {**ACCEPTED, "code": 1})),
    "html_404": refused(NotFoundError, page(404)),
    "redirect": refused(APIError, answers(307, headers={"Location": "/elsewhere"})),
    # A refusal that may pass.
    "5001": passing(SendFailedError, error(5001)),
    "5016": passing(InternalSendError, error(5016)),
    "5016_once": fine(error(5016), accepts),
    "5016_then_3004": refused(FrequencyLimitError, error(5016), error(3004)),
    "429": passing(RateLimitError, page(429)),
    "429_until_long_ago": fine(page(429, Retry_After="Fri, 21 Nov 2025 10:00:00 GMT"), accepts),
    "429_for_a_minute": refused(RateLimitError, page(429, Retry_After="60")),
    "429_until_some_day": refused(
        RateLimitError, page(429, Retry_After="Fri, 31 Dec 9999 23:59:59 GMT")
    ),
    # Only the first request meets with a fault.
    "hangs_once": once(late, hangs, then=accepts, end=SENT),
    "hangs_then_3004": once(late, hangs, then=error(3004), end=LIVE_CODE),
    "resets_once": once(lost(ConnectionLostError, resets), resets, then=accepts, end=SENT),
    "502_then_3004": once(lost(ServerError, page(502)), page(502), then=error(3004), end=LIVE_CODE),
    "resets_then_refuses": evolve(
        lost(ConnectionLostError, resets),
        place=going_away,
        repeated=Outcome(ConnectError, requests=1, attempts=2, may_have_been_sent=True),
    ),
    # Unusual, but no fault.
    "says_continue": fine(says(CONTINUE + http(200, json.dumps(ACCEPTED).encode()))),
    "closes_after_the_answer": fine(answers(200, ACCEPTED, then=Peer.closes)),
    "answers_twice": fine(says(2 * http(200, json.dumps(ACCEPTED).encode()))),
}

IN_A_SECOND: Final = {
    "asyncio": page(429, Retry_After="1"),
    "trio": page(
        429, Date="Fri, 21 Nov 2025 09:59:59 GMT", Retry_After="Fri, 21 Nov 2025 10:00:00 GMT"
    ),
}
"""The two ways to ask for a second's patience; one for each event loop, as they take their time."""

UNDER_UVLOOP: Final = ["refuses", "hangs_in_tls", "hangs", "drips_for_ever", "resets", "html_502"]


@pytest.fixture(autouse=True)
def trust() -> Iterator[None]:
    """Let the clients trust no certificate of these tests."""
    with trusting():
        yield


async def outcome_of(call: Awaitable[object]) -> Outcome:
    """Await a call and describe how it ended, but for what the server got."""
    try:
        await call
    except EngageLabError as end:
        return Outcome(type(end), 0, end.attempts, end.may_have_been_sent)
    return Outcome(None, 0)


def check(fault: Fault, call: Call, backend: str, http: str = "httpx") -> None:
    """Make a call that meets with a fault."""
    policy = RetryPolicy(attempts=ATTEMPTS, base=0.0, repeat_uncertain=call.anyway)
    expected = fault.outcome(call)
    clock = LeapingClock()

    async def main() -> None:
        with fault.place() as (url, server):
            if server is not None:
                server.on_stall = partial(clock.leap, fault.stall)
            async with EngageLab(
                otp=KEY_PAIR,
                sms=KEY_PAIR,
                http=http,
                retry=policy,
                timeout=fault.timeout,
                deadline=fault.deadline,
                otp_base_url=url,
                sms_base_url=url,
            ) as engagelab:
                engagelab._transport.clock = clock  # noqa: SLF001 - time passes for it, too
                began = clock()
                actual = await outcome_of(engagelab.execute(call.operation))
                took = clock() - began
            if server is not None:
                # It may not have read all of them yet.
                await server.until(lambda: len(server.requests) >= expected.requests)
                actual = evolve(actual, requests=len(server.requests))

            assert expected == actual
        assert fault.least(expected) <= took < fault.least(expected) / 0.8 + PATIENCE

    backends.run(backend, main, clock)


IN_BRIEF: Final = [("code", "asyncio"), ("sms", "trio")]

EACH_CALL: Final = [
    pytest.param(fault, CALLS[call], backend, id=f"{name}-{call}-{backend}")
    for name, fault in FAULTS.items()
    for call in CALLS
    for backend in ("asyncio", "trio")
    # Faults that take their time are not tried in every way.
    if not fault.each or name == "hangs" or (call, backend) in IN_BRIEF
]


@pytest.mark.parametrize(("fault", "call", "backend"), EACH_CALL)
def test_fault(fault: Fault, call: Call, backend: str) -> None:
    """Each fault comes out as what it is, from every kind of call, on both event loops."""
    check(fault, call, backend)


@pytest.mark.parametrize("backend", IN_A_SECOND)
def test_server_sets_the_time(backend: str) -> None:
    """``Retry-After`` is obeyed, both as seconds and as a date by the server's own clock."""
    check(fine(IN_A_SECOND[backend], accepts, waiting=1.0), CALLS["sms"], backend)


@pytest.mark.parametrize("fault", UNDER_UVLOOP)
def test_fault_under_uvloop(fault: str) -> None:
    """A faster event loop changes nothing about it."""
    check(FAULTS[fault], CALLS["code"], "uvloop")


@pytest.mark.parametrize("http", ["asyncio", "aiohttp", "httpx2"])
@pytest.mark.parametrize("fault", [name for name in FAULTS if not FAULTS[name].each])
def test_fault_with_another_library(fault: str, http: str) -> None:
    """Nor does another HTTP library."""
    check(FAULTS[fault], CALLS["sms"], "asyncio", http)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_unknown_host(backend: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that cannot be resolved never left."""

    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    unknown = partial(nowhere, lambda: nullcontext("http://api.invalid"))
    monkeypatch.setattr(socket, "getaddrinfo", fail)
    check(never_left(unknown), CALLS["sms"], backend)
