"""Several hosts, played by network namespaces, of which one is cut off while it sends.

::

    198.18.x.1   the API, PostgreSQL, RabbitMQ and the submitter
    198.18.x.11  a worker's host, connected by a pair of virtual interfaces to a bridge
    198.18.x.12  another one; its interface goes down in the middle, and comes back
"""

from __future__ import annotations

import secrets
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from attrs import frozen

from support.counting import Counting
from support.fleets import IN_DOUBT, Network, check, finished
from support.services import require

pytestmark = pytest.mark.timeout(1200)


def ip(*words: str) -> None:
    """Run a command of ``ip``."""
    subprocess.run(["ip", *words], check=True, capture_output=True)  # noqa: S607 - Debian's


@frozen
class Hosts:
    """The worker's hosts, and the address by which they reach the test's own.

    Attributes:
        home: The address.
        names: The names of their namespaces.
    """

    home: str
    names: tuple[str, str]

    def connect(self, name: str, state: str) -> None:
        """Set the interface that leads to a host up or down."""
        ip("link", "set", f"v{name}", state)


@pytest.fixture
def hosts() -> Iterator[Hosts]:
    """Two hosts; the test's own is connected to them."""
    require("ip", "initdb", "rabbitmq-server")
    # What else runs on this machine may have such hosts as well.
    tag = secrets.token_hex(3)
    network = f"198.18.{int(tag[:2], 16)}"
    found = Hosts(f"{network}.1", (f"host{tag}a", f"host{tag}b"))
    with ExitStack() as stack:
        try:
            ip("netns", "add", found.names[0])
        except subprocess.CalledProcessError:
            pytest.skip("network namespaces are not permitted")
        ip("netns", "del", found.names[0])
        ip("link", "add", f"br{tag}", "type", "bridge")
        stack.callback(ip, "link", "del", f"br{tag}")
        ip("addr", "add", f"{found.home}/24", "dev", f"br{tag}")
        ip("link", "set", f"br{tag}", "up")
        for number, name in enumerate(found.names, 11):
            ip("netns", "add", name)
            stack.callback(ip, "netns", "del", name)
            ip("link", "add", f"v{name}", "type", "veth", "peer", "name", "eth0", "netns", name)
            ip("link", "set", f"v{name}", "master", f"br{tag}")
            found.connect(name, "up")
            ip("-n", name, "addr", "add", f"{network}.{number}/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "link", "set", "lo", "up")
        yield found


def test_a_host_that_is_cut_off_sends_to_nobody_twice(hosts: Hosts) -> None:
    """Others take its chunks. What it had not recorded is uncertain, or was sent."""
    server = Counting(host=hosts.home)
    with Network("rabbitmq", 0, server=server, host=hosts.home) as network:
        network.workers += [network.start_worker(inside=name) for name in hosts.names]
        submitter = network.submit(4000, give_out_again=5.0, deadline=10.0)
        network.wait_for_deliveries()
        server.wait_for_requests(400)
        hosts.connect(hosts.names[1], "down")
        server.wait_for_requests(4000, 4000 - IN_DOUBT)
        hosts.connect(hosts.names[1], "up")
        network.replace_workers()
        outcomes = finished(submitter)["outcomes"]

    check(outcomes, server.delivered, 4000)
    assert len(outcomes.get("Uncertain", [])) <= IN_DOUBT
