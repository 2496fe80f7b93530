"""A server that delivers, counts, and fails on demand.

It keeps apart what it was asked, what it did, and what it answered: a message may be delivered and
the answer lost::

    with Counting(faults) as server:
        ...                             # send to server.url
    server.delivered["+6591234567"]     # how many messages this person has on the phone
"""

from __future__ import annotations

import json
import math
import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from support.hostile import LOOPBACK, Behaviour, Hostile, Peer, http

ACCEPTED: Final = b'{"plan_id":"1972490061974913024","total_count":1,"accepted_count":1}'
_NO_ACCOUNT: Final = http(404, b'{"code": 4001, "message": "template not exist"}')
_SLOWEST: Final = 0.01


def _cut(peer: Peer) -> None:
    peer.sends(http(200, ACCEPTED)[:-20])
    peer.closes()


_ANSWERS: Final[Mapping[str | None, Behaviour]] = {
    None: lambda peer: peer.sends(http(200, ACCEPTED)),
    "reset": Peer.resets,
    "hang": Peer.hangs,
    "502": lambda peer: peer.sends(http(502, b"<html>")),
    "429": lambda peer: peer.sends(http(429, b"<html>")),
    "cut": _cut,
}
FAULTS: Final = ("reset", "hang", "502", "429", "cut")

Faults = Callable[[], str | None]
"""Draws what goes wrong with the next request, if anything does."""


def now_and_then(share: float, seed: int) -> Faults:
    """Make faults of every kind, at random, for a share of all requests."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    return lambda: draw.choice(FAULTS) if draw.random() < share else None


class Counting(Hostile):
    """The server.

    Attributes:
        asked: How many requests there were for each number.
        delivered: How many messages each number got.
    """

    def __init__(
        self,
        faults: Faults = lambda: None,
        *,
        seed: int = 1,
        host: str = LOOPBACK,
        slowest: float = _SLOWEST,
    ) -> None:
        super().__init__(self._exchange, host=host)
        self._slowest = slowest
        self.asked: Counter[str] = Counter()
        self.delivered: Counter[str] = Counter()
        self._faults = faults
        self._answering = threading.Event()
        self._answering.set()
        self._random = random.Random(seed)  # noqa: S311 - no secret

    def wait_for_requests(self, count: int, most: float = math.inf) -> None:
        """Wait until so many requests more have come, or as many as are certain to come at all."""
        with self._changed:
            goal = min(self.asked.total() + count, most)
            came = self._changed.wait_for(lambda: self.asked.total() >= goal, timeout=300)
        assert came, f"{self.asked.total()} requests of {goal}"

    @contextmanager
    def holding(self) -> Iterator[None]:
        """Answer nothing until the end of the block."""
        self._answering.clear()
        try:
            yield
        finally:
            self._answering.set()

    def _exchange(self, peer: Peer) -> None:
        received = peer.reads()
        if received.method == "GET":
            peer.sends(_NO_ACCOUNT)
            return
        fault = self._take(json.loads(received.body)["to"][0])
        self._answering.wait()
        self.closing.wait(self._random.random() * self._slowest)
        _ANSWERS[fault](peer)

    def _take(self, to: str) -> str | None:
        """Count a request, decide what goes wrong with it, and deliver it or not."""
        with self._changed:
            fault = self._faults()
            # A request that gets a bad answer, or none, may have been carried out all the same.
            carried_out = fault != "429" and (fault is None or self._random.random() < 0.5)
            self.asked[to] += 1
            self.delivered[to] += carried_out
            self._changed.notify_all()
        return fault
