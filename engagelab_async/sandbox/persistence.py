"""Stores the state of a sandbox in a file, and restores it.

The file is one JSON document, a snapshot of everything. A new one is written beside it and then
renamed, so the file is a whole snapshot at any moment, whenever the process is killed::

    {"engagelab_sandbox": 3,
     "messages": […],         every `SentMessage`, sent or dropped
     "codes": […],            the `Code` in each
     "manual": […],           the `ManualChange` of those that were changed manually
     "otp_templates": {…},    the templates and signatures that were submitted
     "sms_templates": {…},
     "signatures": {…},
     "calls": […],            the requests that the inbox shows
     "numbering": {…}}        how far their numbers are, whatever is left of them

A change is written at once, and those that follow it together, a second later. As a large snapshot
takes longer, so do the pauses: writing never takes more than a tenth of the time.
"""

import json
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from logging import getLogger
from pathlib import Path
from typing import Any, Final

import anyio
from anyio import to_thread
from attrs import frozen
from cattrs import BaseValidationError
from cattrs.preconf.json import JsonConverter, make_converter
from starlette.types import ASGIApp, Receive, Scope, Send

from engagelab_async.errors import ConfigurationError

from .codes import Code
from .configs import ConfigsState
from .inbox.calls import Call, Calls, Numbering
from .loop import Wakeup
from .outbox import SentMessage
from .platform import Platform
from .simulation import ManualChange

_VERSION: Final = 3
_EARLIER: Final = 2
_HEADER: Final = re.compile(rb'\{"engagelab_sandbox": ([0-9]+),')
_SQLITE: Final = b"SQLite format 3\0"
_PAUSE: Final = 1.0  # seconds
_SHARE: Final = 0.1  # of the time may be spent on writing

_UNREADABLE: Final = (BaseValidationError, TypeError, ValueError, KeyError, AttributeError)
"""What reading a document may raise that is JSON, but not what it should be."""

_logger: Final = getLogger("engagelab_async.sandbox")


class StoreError(ConfigurationError):
    """A store cannot be used: it is in use, damaged, of another version, or not a store.

    .. versionadded:: 0.1.0
    """


@frozen
class _Part:
    """A part of the state: its type, how to get it, and how to replace it."""

    kind: Any
    state: Callable[[], Any]
    restore: Callable[[Any], None]


class Persistence:
    """Stores the state of one sandbox in a file."""

    def __init__(self, platform: Platform, calls: Calls, path: Path) -> None:
        # A link stays a link; the snapshot replaces the file that it points to.
        self._path = Path(os.path.realpath(path))
        self._shown = path
        self._ids = platform.ids
        self._converter = _converter()
        otp_templates, sms_templates = platform.otp.templates, platform.sms.templates
        signatures = platform.sms.signatures
        self._parts: Mapping[str, _Part] = {
            "messages": _Part(list[SentMessage], platform.outbox.state, platform.outbox.restore),
            "codes": _Part(list[Code], platform.codes.state, platform.codes.restore),
            "manual": _Part(
                list[ManualChange], platform.simulation.state, platform.simulation.restore
            ),
            "otp_templates": _Part(ConfigsState, otp_templates.state, otp_templates.restore),
            "sms_templates": _Part(ConfigsState, sms_templates.state, sms_templates.restore),
            "signatures": _Part(ConfigsState, signatures.state, signatures.restore),
            "calls": _Part(list[Call], calls.state, calls.restore),
            "numbering": _Part(Numbering | None, lambda: calls.numbering, calls.resume),
        }
        self._written: dict[str, dict[int, str]] = {"messages": {}, "calls": {}}
        self._changed = Wakeup()

    @contextmanager
    def open(self) -> Iterator[None]:
        """Restore what the store holds, and write a last snapshot at the end.

        A file that cannot be used, a `StoreError`, is left as it was.
        """
        with self._lock():
            self._restore()
            self._write(self._state())  # whether it can be written is better known at once
            try:
                yield
            finally:
                self._write(self._state())

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write what changes, from the event loop that owns the state."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._run)
            try:
                yield
            finally:
                tasks.cancel_scope.cancel()

    def watching(self, app: ASGIApp) -> ASGIApp:
        """Make an app that records that its requests change the state."""

        async def watched(scope: Scope, receive: Receive, send: Send) -> None:
            try:
                await app(scope, receive, send)
            finally:
                if scope.get("method") != "GET":
                    self.record_change()

        return watched

    def record_change(self) -> None:
        """Record that the state has changed."""
        self._changed.set()

    async def _run(self) -> None:
        while True:
            await self._changed.wait()
            began = time.monotonic()
            state = self._state()
            # Another thread, which the event loop does not wait for. A write is not broken off.
            try:
                with anyio.CancelScope(shield=True):
                    await to_thread.run_sync(self._write, state)
            except StoreError as error:
                _logger.error("%s", error)  # noqa: TRY400 - no traceback; the next change, or the end, tries again
            await anyio.sleep(max(_PAUSE, (time.monotonic() - began) / _SHARE))

    # --------------------------------------------------------------------------- the file

    @contextmanager
    def _lock(self) -> Iterator[None]:
        if not self._path.parent.is_dir():
            raise self._unusable("cannot be used (its folder does not exist)")
        from filelock import FileLock, Timeout  # takes a moment to import

        # Not of one thread: the sandbox may be stopped by another than has started it.
        lock = FileLock(f"{self._path}.lock", timeout=0, mode=0o600, thread_local=False)
        try:
            lock.acquire()
        except Timeout:
            raise self._unusable("is in use by another sandbox") from None
        except OSError as error:
            raise self._unusable(f"cannot be used ({error.strerror})") from error
        try:
            yield
        finally:
            lock.release()

    def _restore(self) -> None:
        found = self._read()
        if found is None:
            return
        try:
            document = _upgraded(found)
            parts = {
                name: self._converter.structure(document.get(name), part.kind)
                for name, part in self._parts.items()
            }
            last_id = max((int(each.message_id) for each in parts["messages"]), default=0)
        except _UNREADABLE:
            # The error itself may show what is in the document.
            raise self._unusable("is damaged (its documents cannot be read)") from None
        # Everything can be read: only now anything is replaced.
        for name, part in self._parts.items():
            part.restore(parts[name])
        self._ids.skip_to(last_id)

    def _read(self) -> Mapping[str, Any] | None:
        try:
            content = self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unusable(f"cannot be opened ({error.strerror})") from error
        if not content:
            return None
        header = _HEADER.match(content)
        if header is None:
            is_old = content.startswith(_SQLITE)
            hint = "; one of SQLite is of an earlier version: delete it, or name another" * is_old
            raise self._unusable(f"is no store of a sandbox{hint}")
        if int(header[1]) not in {_EARLIER, _VERSION}:
            known = f"this engagelab-async reads {_EARLIER} and {_VERSION}"
            raise self._unusable(f"is of version {header[1].decode()}; {known}")
        try:
            document: Mapping[str, Any] = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise self._unusable(f"is damaged ({type(error).__name__})") from None
        return document

    def _state(self) -> Mapping[str, Any]:
        return {name: part.state() for name, part in self._parts.items()}

    def _write(self, state: Mapping[str, Any]) -> None:
        """Write a snapshot beside the file, and rename it."""
        beside = self._path.with_name(f"{self._path.name}.new")
        parts = (f'"{name}": {self._json(name, part)}' for name, part in state.items())
        content = f'{{"engagelab_sandbox": {_VERSION},\n' + ",\n".join(parts) + "}\n"
        try:
            # It holds numbers and texts: only its owner can read it.
            descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            beside.replace(self._path)
        except OSError as error:
            raise self._unusable(f"cannot be written ({error.strerror})") from error

    def _json(self, name: str, part: Any) -> str:  # noqa: ANN401 - any part
        # One by one: a single call would hold the interpreter's lock, and with it the event loop.
        if not isinstance(part, tuple):
            return self._dumped(part)
        known = self._written.get(name, {})
        lines = {each.number: known.get(each.number) or self._dumped(each) for each in part}
        if name in self._written:  # messages and calls do not change
            self._written[name] = lines
        return "[" + ",\n".join(lines.values()) + "]"

    def _dumped(self, part: object) -> str:
        return json.dumps(self._converter.unstructure(part))

    def _unusable(self, why: str) -> StoreError:
        return StoreError(f"store: {self._shown} {why}")


def _upgraded(document: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a document of version 2 as one of version 3, which stores its templates otherwise."""
    if document["engagelab_sandbox"] == _VERSION:
        return document
    otp, sms = document["otp"], document["sms"]
    otp_templates = [
        {
            "id": each["body"]["template_id"],
            "content": each["body"],
            "created_at": each["submission"]["at"],
            "submission": each["submission"],
        }
        for each in otp["templates"]
    ]
    sms_templates = [
        {**each, "id": each["template_id"], "content": each["wording"]} for each in sms["templates"]
    ]
    signatures = [
        {**each, "id": each["sign_id"], "content": {"sign_name": each["sign_name"]}}
        for each in sms["signatures"]
    ]
    return {
        **document,
        "otp_templates": {"configs": otp_templates, "deleted": otp["deleted"]},
        "sms_templates": {"configs": sms_templates, "deleted": sms["deleted"]},
        "signatures": {"configs": signatures, "deleted": []},
    }


def _converter() -> JsonConverter:
    """Make what turns the parts of the state into JSON, and back."""
    converter = make_converter()
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: value)

    converter.register_unstructure_hook(range, lambda numbers: [numbers.start, numbers.stop])
    converter.register_structure_hook(range, lambda bounds, _: range(*bounds))

    return converter
