"""A fleet on taskiq: RabbitMQ, Redis streams, NATS, or in memory.

The engine's own command starts the workers::

    taskiq worker bulk_worker:broker --workers 4 --max-async-tasks 2 --max-prefetch 0
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import anyio
from taskiq import AsyncBroker, TaskiqEvents, TaskiqState

from engagelab_async.arguments import check_instance
from engagelab_async.client import EngageLab

from .fleet import Fleet

TASK: Final = "engagelab.bulk"
"""The name of the task."""


class Served:
    """A broker that carries a fleet's messages: the ``via`` of its runs. Made by `serve`.

    Attributes:
        fleet: The fleet.

    .. versionadded:: 0.1.0
    """

    def __init__(self, broker: AsyncBroker, fleet: Fleet, client: Callable[[], EngageLab]) -> None:
        self._broker = broker
        self.fleet: Fleet = fleet
        self._make = client
        self._client: EngageLab | None = None
        self._is_started = False
        self._starting = anyio.Lock()
        broker.add_event_handler(TaskiqEvents.CLIENT_STARTUP, self._start)
        broker.add_event_handler(TaskiqEvents.WORKER_STARTUP, self._start_worker)
        broker.add_event_handler(TaskiqEvents.WORKER_SHUTDOWN, self._end_worker)

        # Not parsed: taskiq logs what it cannot parse, with what is in it.
        async def deliver(message) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
            await fleet.deliver(message, self._worker_client())

        self._task = broker.task(task_name=TASK)(deliver)

    def _worker_client(self) -> EngageLab:
        # A broker in memory has no worker that starts.
        if self._client is None:
            self._client = client = self._make()

            async def end() -> None:
                self._client = None
                await client.aclose()

            self.fleet.close_with(end)
        return self._client

    def _start(self, _: TaskiqState) -> None:
        self._is_started = True

    def _start_worker(self, _: TaskiqState) -> None:
        self._is_started = True
        self._worker_client()

    async def _end_worker(self, _: TaskiqState) -> None:
        await self.fleet.aclose()

    async def __call__(self, message: Mapping[str, Any], /) -> None:
        """Hand a message to the broker."""
        await self._ensure_started()
        await self._task.kiq(dict(message))

    async def _ensure_started(self) -> None:
        async with self._starting:
            if self._is_started:
                return
            try:
                await self._broker.startup()
            except BaseException:
                # It says that it has started before it connects.
                self._is_started = False
                raise
            self.fleet.close_with(self._shut_down)

    async def _shut_down(self) -> None:
        self._is_started = False
        await self._broker.shutdown()


def serve(broker: AsyncBroker, fleet: Fleet, client: Callable[[], EngageLab]) -> Served:
    """Let a broker carry a fleet's messages, and its workers send them.

    Args:
        broker: Any broker of taskiq. With RabbitMQ, its ``qos`` should be the number of chunks
            that a worker process has at a time, as ``--max-async-tasks`` is: 2 are enough.
        fleet: The fleet.
        client: Makes the client of a worker process, such as `EngageLab.from_env`; it is called
            when a worker starts, and not in a program that only submits.

    Returns:
        The ``via`` of the fleet's runs. A program that has not called the broker's
        ``startup()`` need not: it is called with the first message, and ``shutdown()`` when the
        fleet is closed.

    Raises:
        TypeError: An argument is of the wrong type.

    .. versionadded:: 0.1.0
    """
    if not isinstance(broker, AsyncBroker):
        raise TypeError(f"broker: expected one of taskiq, got {type(broker).__name__}")
    check_instance(fleet, "fleet", Fleet)
    if not callable(client):
        raise TypeError(f"client: expected a function, got {type(client).__name__}")
    return Served(broker, fleet, client)
