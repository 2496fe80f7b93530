"""A sandbox on this machine is reached directly, whatever proxy the environment names."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_HERE: Final = "localhost,127.0.0.1,::1"


@contextmanager
def reached_directly() -> Iterator[None]:
    """Keep what is sent to this machine, within the block, from going through a proxy."""
    before = os.environ.get("no_proxy")
    # Where both spellings are set, the lower case wins.
    listed = before or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = f"{listed},{_HERE}" if listed else _HERE
    try:
        yield
    finally:
        if before is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = before
