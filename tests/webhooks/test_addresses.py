"""Where a request comes from."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async.webhooks.addresses import networks, source

TRUSTED = networks("trusted_proxies", ["10.0.0.0/8", "fd00::/8"])


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("1.2.3.4", "", "1.2.3.4"),
        ("1.2.3.4", "5.6.7.8", "1.2.3.4"),
        ("10.0.0.1", "5.6.7.8", "5.6.7.8"),
        ("10.0.0.1", "9.9.9.9,5.6.7.8 , 10.0.0.2", "5.6.7.8"),
        ("10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "5.6.7.8", "5.6.7.8"),
        ("fd00::1", "[2001:db8::1]:443", "2001:db8::1"),
        ("fd00::1", "[2001:db8::1]", "2001:db8::1"),
        ("fd00::1", "5.6.7.8:4711, [fd00::2]:1", "5.6.7.8"),
        ("fe80::1%eth0", "", "fe80::1%eth0"),
    ],
)
def test_the_last_one_that_is_not_trusted(peer: str, forwarded: str, expected: str) -> None:
    """The way is followed back as far as trusted proxies tell of it."""
    assert ip_address(expected) == source(peer, forwarded, TRUSTED)


@pytest.mark.parametrize(
    ("peer", "forwarded"),
    [
        (None, "5.6.7.8"),
        ("", "5.6.7.8"),
        ("/run/app.sock", ""),
        ("10.0.0.1", "unknown"),
        ("10.0.0.1", "5.6.7.8,"),
        ("10.0.0.1", "5.6.7.8, 10.0.0.2, _hidden"),
        ("10.0.0.1", "5.6.7.8:port"),
        ("10.0.0.1", "[]:80"),
    ],
)
def test_what_cannot_be_known(peer: str | None, forwarded: str) -> None:
    """Where the trail breaks, nobody left of it is believed."""
    assert source(peer, forwarded, TRUSTED) is None


@given(peer=st.text(st.characters()), forwarded=st.text("0123456789abcdef.:,[]% /\udc80"))
def test_any_header_can_be_read(peer: str, forwarded: str) -> None:
    """Whatever stands there, there is an address or there is none."""
    source(peer, forwarded, TRUSTED)
    source("10.0.0.1", forwarded, TRUSTED)
