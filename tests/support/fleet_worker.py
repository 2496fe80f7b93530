"""A worker's module, as a user writes it; where everything is comes from the environment.

::

    taskiq worker support.fleet_worker:broker --workers 1 --max-async-tasks 2 --max-prefetch 0
    python -m support.fleet_worker
"""

import asyncio
import os
from datetime import timedelta

from taskiq import AsyncBroker

from engagelab_async import Credentials, EngageLab
from engagelab_async.distributed import Fleet, Via
from engagelab_async.distributed.pgqueuer import Served


def client() -> EngageLab:
    """Make the client of a worker."""
    url = os.environ["FLEET_API"]
    return EngageLab(sms=Credentials("key", "secret"), sms_base_url=url, http="auto")


fleet = Fleet(os.environ["FLEET_DSN"])
bulk: Via
broker: AsyncBroker

if "FLEET_AMQP" in os.environ:
    from taskiq_aio_pika import AioPikaBroker, Queue

    from engagelab_async.distributed import taskiq

    # RabbitMQ 3.10's quorum queues would need minutes to recover.
    queue = Queue(name="engagelab")
    broker = AioPikaBroker(os.environ["FLEET_AMQP"], qos=2, task_queues=[queue])
    bulk = taskiq.serve(broker, fleet, client)
elif "FLEET_REDIS" in os.environ:
    from taskiq_redis import RedisStreamBroker

    from engagelab_async.distributed import taskiq

    broker = RedisStreamBroker(
        os.environ["FLEET_REDIS"], consumer_id="0", idle_timeout=60_000, maxlen=10_000
    )
    bulk = taskiq.serve(broker, fleet, client)
else:
    from engagelab_async.distributed import pgqueuer

    bulk = pgqueuer.serve(fleet, client)

if __name__ == "__main__" and isinstance(bulk, Served):
    import logging

    from pgqueuer import run

    logging.basicConfig(level=logging.INFO)

    asyncio.run(
        run(
            bulk.worker,
            max_concurrent_tasks=2,
            batch_size=1,
            # A worker that was killed is noticed by its silence, by default after 30 seconds.
            heartbeat_timeout=timedelta(seconds=3),
            restart_on_failure=True,
            restart_delay=timedelta(seconds=1),
        )
    )
