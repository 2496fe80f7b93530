"""The wire vectors in ``samples/``: exchanges with the API, as data for parametrised tests.

A request vector has the call's name, its arguments, and the HTTP request that must leave. A
response vector has the call's name, the HTTP response that came, and what must come of it.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import pytest
from attrs import AttrsInstance, asdict

from engagelab_async import EngageLabError

SAMPLES = Path(__file__).parent / "samples"


def every(*names: str) -> pytest.MarkDecorator:
    """Run a test with every ``vector`` of some files, each named by its file, place and call."""
    vectors = {
        f"{name}[{place}]-{vector['operation']}": vector
        for name in names
        for place, vector in enumerate(json.loads((SAMPLES / name).read_text(encoding="utf-8")))
    }
    return pytest.mark.parametrize("vector", vectors.values(), ids=vectors)


def body_of(http: Mapping[str, Any]) -> bytes:
    """Write the body of a response vector, which is given as text or as JSON."""
    if "text" in http:
        return str(http["text"]).encode()
    return json.dumps(http["body"]).encode()


def described(outcome: object, expect: Mapping[str, Any]) -> dict[str, Any]:
    """Describe a result or an error in the words of an ``expect``, as far as that goes."""
    if isinstance(outcome, EngageLabError):
        own = {"error": type(outcome).__name__, "text": outcome.args[0]}
        return {name: own[name] if name in own else getattr(outcome, name) for name in expect}
    fields = asdict(cast("AttrsInstance", outcome))
    return {"result": {name: fields[name] for name in expect["result"]}}
