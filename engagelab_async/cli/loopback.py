"""Connect to a sandbox on this machine directly, without the environment's proxy."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

_HERE: Final = "localhost,127.0.0.1,::1"


@contextmanager
def bypass_proxy() -> Iterator[None]:
    """Within the block, send requests to this machine without a proxy."""
    before = os.environ.get("no_proxy")
    # If both spellings are set, the lower case has precedence.
    listed = before or os.environ.get("NO_PROXY")
    os.environ["no_proxy"] = f"{listed},{_HERE}" if listed else _HERE
    try:
        yield
    finally:
        if before is None:
            del os.environ["no_proxy"]
        else:
            os.environ["no_proxy"] = before
