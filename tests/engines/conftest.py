"""What the engines' tests share."""

from collections.abc import Iterator

import aiohttp.connector
import pytest

from support import hostile


@pytest.fixture(autouse=True)
def trust() -> Iterator[None]:
    """Let all engines trust the servers of these tests, and no other."""
    # aiohttp read its certificates when it was imported.
    late = aiohttp.connector._SSL_CONTEXT_VERIFIED  # noqa: SLF001
    late.load_verify_locations(cadata=hostile.authority().cert_pem.bytes().decode())
    with hostile.trusting():
        yield
