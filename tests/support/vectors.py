"""The wire vectors in ``samples/``: exchanges with the API, as data for parametrised tests.

A request vector has the call's name, its arguments, and the HTTP request that must leave. A
response vector has the call's name, the HTTP response that came, and what must come of it.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from itertools import zip_longest
from pathlib import Path
from typing import Any, cast

import pytest

from engagelab_async import EngageLabError, convert
from engagelab_async.templates import OTPTemplate

SAMPLES = Path(__file__).parents[1] / "samples"


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
    return {"result": shown(outcome, expect["result"])}


def shown(value: object, like: object) -> object:
    """Write a result as JSON would, as far as what is expected goes."""
    if isinstance(like, dict) and not isinstance(value, Mapping):
        return {name: shown(getattr(value, name, None), like[name]) for name in like}
    if isinstance(value, tuple):
        return [shown(item, wanted) for item, wanted in zip_longest(value, cast("list[Any]", like))]
    if isinstance(value, Decimal):
        return f"Decimal {value.normalize():f}"
    return value.isoformat() if isinstance(value, datetime) else value


def arguments_of(vector: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a request vector; JSON cannot hold an OTP template."""
    given: dict[str, Any] = dict(vector["args"])
    if vector["operation"] == "otp.templates.create":
        given["template"] = convert.read(given["template"], OTPTemplate)
    return given
