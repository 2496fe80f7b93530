"""Records the calls of a run, and replays them as a test.

A recording is a file of JSON lines, one for each call of the API: what was asked and what the
program saw of the answer, faults included. Key pairs are not in it; numbers and codes are::

    {"engagelab_recording": 1}
    {"method": "POST", "path": "/otp/v1/messages", "body": {…}, "status": 200, "answer": {…}, …}
    {"method": "POST", "path": "/sms/v1/messages", "body": {…}, "end": "broken"}

When it is replayed, each call is answered as one of the recording that asks the same, once, in
whatever order they come.
"""

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

import msgspec
from attrs import asdict, field, frozen
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from .app import read_ahead
from .faults.wire import Wire

_HEADER: Final = '{"engagelab_recording": 1}\n'
_NOT_REPLAYED: Final = ("content-length", "connection")


@frozen(kw_only=True)
class RecordedCall:
    """A call of the API, and what came of it.

    Attributes:
        body: The JSON of the request, or its text if it is none.
        end: Whether there was an ``"answer"``, the connection was ``"broken"``, or the client
            ``"left"`` first.
        answer: The JSON of the answer, or its text if it is none.
    """

    method: str
    path: str
    body: object = field(default="", repr=False)
    end: Literal["answered", "broken", "left"] = "answered"
    status: int = 0
    headers: Mapping[str, str] = field(factory=dict)
    answer: object = field(default="", repr=False)

    def asks(self, other: "RecordedCall") -> bool:
        """Return whether another call asks the same."""
        return (self.method, self.path, self.body) == (other.method, other.path, other.body)


class Recorder:
    """Writes the calls of a run into a file, which replaces a recording, but no other file."""

    def __init__(self, path: Path) -> None:
        if path.exists() and path.stat().st_size and not _is_recording(path):
            raise ValueError(f"record: {path} is another file, not a recording to be replaced")
        self._path = path
        self._file: int | None = None

    @contextmanager
    def open(self) -> Iterator[None]:
        """Record what is called inside the block."""
        # It holds numbers and codes: only its owner can read it.
        self._file = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            os.write(self._file, _HEADER.encode())
            yield
        finally:
            os.close(self._file)
            self._file = None

    def recording(self, app: ASGIApp, is_call: Callable[[Scope], bool]) -> ASGIApp:
        """Make an app whose calls are recorded."""

        async def recorded(scope: Scope, receive: Receive, send: Send) -> None:
            if not is_call(scope):
                await app(scope, receive, send)
                return
            sent = list[Message]()
            body, _, again = await read_ahead(receive)

            async def send_and_keep(message: Message) -> None:
                sent.append(message)
                await send(message)

            try:
                await app(scope, again, send_and_keep)
            finally:
                self._write(_call_of(scope, body, sent))

        return recorded

    def _write(self, call: RecordedCall) -> None:
        if self._file is not None:
            line = {name: value for name, value in asdict(call).items() if value not in ("", 0, {})}
            os.write(self._file, f"{json.dumps(line)}\n".encode())


class Replay:
    """Answers the calls of a run as a recording has it."""

    def __init__(self, path: Path, wire: Wire) -> None:
        self._unexpected: list[RecordedCall] = []
        self._left = _read(path)
        self._wire = wire

    def check(self) -> None:
        """Raise an ``AssertionError`` unless all recorded calls were made, and no others."""
        lines = [
            *(f"not made:   {each.method} {each.path}" for each in self._left),
            *(f"unexpected: {each.method} {each.path}" for each in self._unexpected),
        ]
        if lines:
            raise AssertionError("\n".join(["the run differs from the recording", *lines]))

    def replaying(self, app: ASGIApp, is_call: Callable[[Scope], bool]) -> ASGIApp:
        """Make an app that answers calls from the recording, and leaves the rest to another."""

        async def replayed(scope: Scope, receive: Receive, send: Send) -> None:
            if not is_call(scope):
                await app(scope, receive, send)
                return
            body, _, _ = await read_ahead(receive)
            call = self._recorded(_call_of(scope, body, ()))
            if call.end == "answered":
                answer = call.answer if isinstance(call.answer, str) else json.dumps(call.answer)
                content = answer.encode("utf-8", "surrogateescape")
                await Response(content, call.status, call.headers)(scope, receive, send)
                return
            if call.end == "broken":
                self._wire.reset(scope)
            await receive()  # until the client leaves

        return replayed

    def _recorded(self, call: RecordedCall) -> RecordedCall:
        for recorded in self._left:
            if recorded.asks(call):
                self._left.remove(recorded)
                return recorded
        self._unexpected.append(call)
        message = "the recording has no such call, or not so often"
        return RecordedCall(
            method=call.method,
            path=call.path,
            body=call.body,
            status=404,
            headers={"content-type": "application/json"},
            answer={"code": 404, "message": message},
        )


def _call_of(scope: Scope, body: bytes, sent: Sequence[Message]) -> RecordedCall:
    start: Message = sent[0] if sent else {"status": 0, "headers": []}
    is_whole = bool(sent) and not sent[-1].get("more_body", sent[-1] is start)
    is_broken = scope.get("engagelab_broken", False)
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in start["headers"]}
    return RecordedCall(
        method=scope["method"],
        path=scope["raw_path"].decode("ascii"),
        body=_decoded(body),
        end="answered" if is_whole else "broken" if is_broken else "left",
        status=start["status"],
        headers={name: value for name, value in headers.items() if name not in _NOT_REPLAYED},
        answer=_decoded(b"".join(each.get("body", b"") for each in sent)),
    )


def _decoded(content: bytes) -> object:
    """Return the JSON object or array in a body, or the body as text."""
    try:
        decoded = json.loads(content)
    except (ValueError, RecursionError):
        decoded = None
    is_json = isinstance(decoded, dict | list)
    return decoded if is_json else content.decode("utf-8", "surrogateescape")


def _is_recording(path: Path) -> bool:
    with path.open("rb") as file:
        return file.readline() == _HEADER.encode()


def _read(path: Path) -> list[RecordedCall]:
    if not _is_recording(path):
        raise ValueError(f"replay: {path} is not a recording")
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    calls: list[RecordedCall] = []
    for number, line in enumerate(lines, 2):
        try:
            calls.append(msgspec.convert(json.loads(line), RecordedCall))
        except (msgspec.ValidationError, ValueError):
            # The error itself may show what is in the line.
            raise ValueError(f"replay: {path} is damaged (line {number})") from None
    return calls
