"""Everything that tools print of an exception besides its own traceback's lines.

sentry-sdk walks the variables of each frame, mappings and sequences inside and ``repr`` for the
rest; rich looks into the fields of attrs and dataclasses as well; ``traceback`` takes the ``repr``.
All follow causes and contexts, suppressed ones included here.
"""

import traceback
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from types import FrameType
from typing import Any

import attrs
import rich.traceback
import sentry_sdk
from sentry_sdk.envelope import Envelope
from sentry_sdk.transport import Transport
from sentry_sdk.types import Event
from sentry_sdk.utils import event_from_exception


def exceptions_of(error: BaseException) -> list[BaseException]:
    """Return an exception and all that it links to."""
    found: dict[int, BaseException] = {}
    left: list[BaseException | None] = [error]
    while left:
        each = left.pop()
        if each is not None and id(each) not in found:
            found[id(each)] = each
            left += each.__cause__, each.__context__
            left += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
    return list(found.values())


def frames_of(error: BaseException) -> list[FrameType]:
    """Return all frames that an exception holds."""
    return [
        frame for each in exceptions_of(error) for frame, _ in traceback.walk_tb(each.__traceback__)
    ]


def texts_of(error: BaseException) -> str:
    """Return all that can be printed of an exception, its causes, its contexts and their frames."""
    shown: list[str] = []
    for each in exceptions_of(error):
        notes = getattr(each, "__notes__", [])
        titles = [getattr(each, name, "") for name in ("message", "detail", "msg", "doc")]
        shown += [str(each), repr(each), *_walked(each.args), *_walked(notes), *_walked(titles)]
    for frame in frames_of(error):
        shown += _walked(dict(frame.f_locals))
    return "\n".join(shown)


def _walked(value: object, depth: int = 6) -> Iterator[str]:
    if isinstance(value, bytes | bytearray | memoryview):
        yield bytes(value).decode("latin-1")
    elif isinstance(value, str) or not depth:
        yield str(value)
    else:
        yield repr(value)
        for item in _inside(value):
            yield from _walked(item, depth - 1)


def _inside(value: object) -> Iterator[object]:
    if isinstance(value, Mapping):
        yield from value.items()
    elif isinstance(value, Sequence | AbstractSet):
        yield from value
    elif attrs.has(kind := type(value)):
        for field in attrs.fields(kind):
            inner = getattr(value, field.name, None)
            if callable(field.repr):
                yield field.repr(inner)
            elif field.repr:
                yield inner


class _Kept(Transport):
    """A transport that keeps events, and sends none."""

    def __init__(self) -> None:
        super().__init__({})
        self.events: list[Event] = []

    def capture_envelope(self, envelope: Envelope) -> None:
        event = envelope.get_event()
        if event is not None:
            self.events.append(event)


def sentry_event(error: BaseException) -> dict[str, Any]:
    """Return what sentry-sdk, with its defaults, sends about an exception."""
    kept = _Kept()
    client = sentry_sdk.Client(
        dsn="http://key@127.0.0.1:1/1", transport=kept, default_integrations=False
    )
    event, hint = event_from_exception(error, client_options=client.options)
    client.capture_event(event, hint=hint, scope=sentry_sdk.Scope())
    client.close()
    (sent,) = kept.events
    return dict(sent)


def rich_text(error: BaseException) -> str:
    """Return what rich prints of an exception, with the variables of its frames."""
    trace = rich.traceback.Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=1000,
        locals_max_string=10_000,
        locals_hide_dunder=False,
    )
    shown = [f"{stack.exc_type}: {stack.exc_value}" for stack in trace.stacks]
    for stack in trace.stacks:
        for frame in stack.frames:
            shown += [f"{name} = {node}" for name, node in (frame.locals or {}).items()]
    return "\n".join(shown)


def captured_text(error: BaseException) -> str:
    """Return what ``traceback`` prints of an exception, with the variables of its frames."""
    return "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
