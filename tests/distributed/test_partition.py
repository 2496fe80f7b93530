"""Several hosts, played by network namespaces, of which one is cut off while it sends.

::

    10.99.0.1   the API, PostgreSQL, RabbitMQ and the submitter
    10.99.0.11  a worker's host, connected by a pair of virtual interfaces to a bridge
    10.99.0.12  another one; its interface goes down in the middle, and comes back
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.counting import Counting
from support.fleets import IN_DOUBT, Network, check, finished
from support.services import PostgreSQL, RabbitMQ, require

pytestmark = pytest.mark.timeout(240)

HOME = "10.99.0.1"


def ip(*words: str) -> None:
    """Run a command of ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S607 - Debian's


@pytest.fixture
def hosts() -> Iterator[list[str]]:
    """Two hosts, by name; the test's own is connected to them."""
    require("ip", "initdb", "rabbitmq-server")
    tag = f"{os.getpid() % 10_000}"
    names = [f"host{tag}a", f"host{tag}b"]
    with ExitStack() as stack:
        try:
            ip("netns", "add", names[0])
        except subprocess.CalledProcessError:
            pytest.skip("network namespaces are not permitted")
        ip("netns", "del", names[0])
        ip("link", "add", f"br{tag}", "type", "bridge")
        stack.callback(ip, "link", "del", f"br{tag}")
        ip("addr", "add", f"{HOME}/24", "dev", f"br{tag}")
        ip("link", "set", f"br{tag}", "up")
        for number, name in enumerate(names, 11):
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
            ip("link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"v{name}", "master", f"br{tag}", "up")
            ip("-n", name, "addr", "add", f"10.99.0.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield names


def test_a_host_that_is_cut_off_sends_to_nobody_twice(hosts: list[str]) -> None:
    """Others take its chunks. What it had not recorded is uncertain, or was sent."""
    server = Counting(host=HOME)
    with Network("rabbitmq", 0, server=server, host=HOME) as network:
        assert isinstance(network.postgresql, PostgreSQL)
        assert isinstance(network.broker, RabbitMQ)
        network.workers += [network.start_worker(inside=host) for host in hosts]
        submitter = network.submit(4000, give_out_again=5.0)
        server.wait_for_requests(800)
        ip("link", "set", f"v{hosts[1]}", "down")
        server.wait_for_requests(800)
        time.sleep(3)
        ip("link", "set", f"v{hosts[1]}", "up")
        outcomes = finished(submitter)["outcomes"]

    check(outcomes, server.delivered, 4000)
    assert len(outcomes.get("Uncertain", [])) <= IN_DOUBT
