"""Kill -9 of everything that can be killed: nobody is lost, nobody is sent to twice.

Each test has processes of its own: workers started by the engine's own command, a submitter, a
server that counts, PostgreSQL and a broker.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.fleets import IN_DOUBT, Network, check, finished, send_and_kill

pytestmark = pytest.mark.timeout(1200)

DEADLINE = 10.0
"""Seconds; what a dead worker had in flight is waited for as long."""


@pytest.fixture(scope="module", params=["rabbitmq", "pgqueuer"])
def processes(request: pytest.FixtureRequest) -> Iterator[Network]:
    """The processes."""
    with Network(request.param) as network:
        yield network


@pytest.fixture
def network(processes: Network) -> Network:
    """The processes, with a campaign of the test's own."""
    processes.begin_anew()
    return processes


def test_kills_lose_nobody(network: Network) -> None:
    """Ten workers killed, and PostgreSQL crashed meanwhile.

    What they had not recorded is uncertain, and a second run sends nothing.
    """

    def crash() -> None:
        network.postgresql.crash()
        network.postgresql.start()

    # A worker that is alive has to be back before its intents are taken for those of a dead one.
    uncertain = send_and_kill(network, 5000, 10, meanwhile=crash, deadline=30.0)

    assert uncertain <= 10 * IN_DOUBT


def test_a_dead_submitter_can_be_replaced(network: Network) -> None:
    """Another one goes on, with every message twice."""
    uncertain = send_and_kill(network, 2000, 2, orphan=True, twice=True, deadline=DEADLINE)

    assert uncertain <= 2 * IN_DOUBT


def test_a_worker_that_is_asked_to_end_leaves_no_doubt(network: Network) -> None:
    """SIGTERM: it ends its chunks. That the workers log shows no recipient."""
    with network.server.holding():
        submitter = network.submit(2000, timeout=300.0, deadline=300.0)
        network.wait_for_deliveries()
    network.replace_workers()
    outcomes = finished(submitter)["outcomes"]
    check(outcomes, network.server.delivered, 2000)

    assert {"Accepted": 2000} == {kind: len(each) for kind, each in outcomes.items()}
    assert "+6590" not in network.log


def test_a_broker_that_is_killed_comes_back(network: Network) -> None:
    """RabbitMQ, without a shutdown: messages are handed over, or given out, again."""
    if network.broker is None:
        pytest.skip("it is PostgreSQL")
    submitter = network.submit(3000, give_out_again=5.0)
    network.server.wait_for_requests(500)
    network.broker.kill()
    network.broker.start()
    document = finished(submitter)
    check(document["outcomes"], network.server.delivered, 3000)

    assert 3000 == document["report"]["accepted"]


def test_redis_streams_are_enough() -> None:
    """A chunk that a dead worker keeps there is given out again."""
    with Network("redis") as network:
        uncertain = send_and_kill(network, 2000, 2, give_out_again=3.0, deadline=DEADLINE)

        assert uncertain <= 2 * IN_DOUBT
