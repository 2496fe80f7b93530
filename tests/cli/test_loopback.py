"""Reaching this machine without a proxy."""

import os

import pytest

from engagelab_async.cli.loopback import bypass_proxy


@pytest.mark.parametrize(
    ("before", "within"),
    [
        ({}, "localhost,127.0.0.1,::1"),
        ({"no_proxy": "a"}, "a,localhost,127.0.0.1,::1"),
        ({"NO_PROXY": "b"}, "b,localhost,127.0.0.1,::1"),
        ({"no_proxy": "a", "NO_PROXY": "b"}, "a,localhost,127.0.0.1,::1"),
    ],
)
def test_the_environment_is_changed_for_the_block_only(
    monkeypatch: pytest.MonkeyPatch, before: dict[str, str], within: str
) -> None:
    """This machine is added to what needs no proxy, and taken out again."""
    for name, value in before.items():
        monkeypatch.setenv(name, value)

    with bypass_proxy():
        assert within == os.environ["no_proxy"]

    assert before.get("no_proxy") == os.environ.get("no_proxy")
