"""Faults that people ask for by name, for the page and the control API."""

from typing import Annotated, Any, Final

from msgspec import Meta, Struct

from .fault import Fault


class Preset(Struct, frozen=True):
    """A fault with a name, and what happens in one line."""

    label: str
    explanation: str
    fault: Annotated[dict[str, Any], Meta(description="The fields of `Fault` that are set.")]


PRESETS: Final = (
    Preset(
        "Outage",
        "Every call is answered 503, and nothing is sent, until the fault is removed.",
        Fault("http", status=503).as_json(),
    ),
    Preset(
        "Slow",
        "Half of the answers take more than 2 seconds, and 1 in 100 more than 10.",
        Fault("latency", seconds=2.0, distribution="lognormal", spread=8.0).as_json(),
    ),
    Preset(
        "429 for a minute",
        "Every call is answered 429 with a Retry-After of 5 seconds, for one minute.",
        Fault("http", status=429, retry_after=5, lasts=60.0).as_json(),
    ),
    Preset(
        "Lost answers",
        "Messages are sent, but the connection breaks before the answer.",
        Fault("reset", after=True).as_json(),
    ),
)
