"""Faults that people ask for by name, for the page and the control API."""

from collections.abc import Sequence
from typing import Final

from attrs import frozen

from .fault import Fault


@frozen
class Preset:
    """A fault with a name.

    Attributes:
        label: Its name in the page.
        explanation: What happens, in one line.
        fault: The fault.
    """

    label: str
    explanation: str
    fault: Fault

    def as_json(self) -> dict[str, object]:
        """Return a JSON object of it."""
        return {
            "label": self.label,
            "explanation": self.explanation,
            "fault": self.fault.as_json(),
        }


PRESETS: Final[Sequence[Preset]] = (
    Preset(
        "Outage",
        "Every call is answered 503, and nothing is sent, until the fault is removed.",
        Fault("http", status=503),
    ),
    Preset(
        "Slow",
        "Half of the answers take more than 2 seconds, and 1 in 100 more than 10.",
        Fault("latency", seconds=2.0, distribution="lognormal", spread=8.0),
    ),
    Preset(
        "429 for a minute",
        "Every call is answered 429 with a Retry-After of 5 seconds, for one minute.",
        Fault("http", status=429, retry_after=5, lasts=60.0),
    ),
    Preset(
        "Lost answers",
        "Messages are sent, but the connection breaks before the answer.",
        Fault("reset", after=True),
    ),
)
