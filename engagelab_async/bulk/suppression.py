"""The people who must not be sent to: a file that runs read, and callbacks append to.

::

    suppressed.csv ──> Suppression ──> fan_out(…, suppress=…): Skipped("suppressed")
          ↑                 ↑
       appended        STOP replies, error 5019

Each line is appended with a single write, under a lock and durably: several processes may append,
and a process that is killed leaves whole lines.
"""

import csv
import errno
import io
import json
import os
import re
import threading
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from anyio import to_thread

from .numbers import normalize_recipient, recipient_key

if TYPE_CHECKING:
    from .lists import PeopleList, Row

STOP_WORDS: Final = frozenset(
    {"stop", "stop all", "stopall", "unsubscribe", "cancel", "end", "quit", "opt out", "optout"}
    | {"opt-out", "revoke", "arret", "arrêt", "baja", "parar", "sair", "stopp", "td", "退订"}
)
"""Replies by which people ask not to be texted, in any case."""

_UNSUBSCRIBED: Final = 5019
_NAMES: Final = frozenset(
    {"recipient", "to", "phone", "phone number", "number", "mobile", "mobile number", "msisdn"}
    | {"mobile phone", "cell", "cell phone", "tel", "telephone", "email", "e-mail", "email address"}
)
_AROUND: Final = re.compile(r"^[\W_]+|[\W_]+$")


class Suppression:
    """Phone numbers and email addresses that must not be sent to.

    Pass it to `EngageLab.fan_out` as ``suppress``. The file is read when this is made: CSV, JSON
    lines or a JSON array, gzipped or not, or one recipient in each line. `add` and `record` append
    to it; a file that is created can be read by its owner alone.

    Args:
        path: The file.
        create: Begin with no recipients if there is no such file.
        column: The column of the recipients; found by its name by default.
        country: The country of local numbers, as its ISO 3166 code; see `normalize_number`.
        encoding: The file's encoding, if it has no byte order mark; defaults to UTF-8.
        words: Replies to record; a reply counts if it is one of them, whatever its case and
            punctuation.

    Raises:
        ValueError: The file cannot be read, or one of its rows is no recipient.
        ConfigurationError: `country` needs an extra that is not installed.

    Example:
        >>> async def main():
        ...     suppression = Suppression("suppressed.csv", create=True)
        ...     app.include_router(webhook_router(verifier, suppression.record))
        ...     await engagelab.send_all(broadcast(numbers, "1233"), suppress=suppression)

    .. versionadded:: 0.1.0
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        create: bool = False,
        column: str | None = None,
        country: str | None = None,
        encoding: str | None = None,
        words: Collection[str] = STOP_WORDS,
    ) -> None:
        self._path = Path(path)
        self._country = country
        self._words = frozenset(map(_bare, words))
        self._lock = threading.Lock()
        self._keys: set[str] = set()
        self._columns: tuple[str, ...] = ("recipient" if column is None else column,)
        self._header: tuple[str, ...] = (*self._columns, "reason")
        self._delimiter = ","
        self._encoding = "utf-8"
        self._has_header = self._is_csv = self._is_appendable = True
        if not create or self._path.exists():
            self._read(column, encoding)

    def __contains__(self, recipient: object) -> bool:
        """Return whether a recipient must not be sent to, however it is written."""
        return recipient in self._keys or (
            isinstance(recipient, str) and self._key(recipient) in self._keys
        )

    def __len__(self) -> int:
        return len(self._keys)

    def add(self, recipient: str, reason: str = "") -> bool:
        """Append a recipient to the file, durably.

        Args:
            recipient: A phone number or an email address.
            reason: Written beside it, if the file has a column ``reason``.

        Returns:
            Whether it was appended; ``False`` if it was there already.

        Raises:
            ValueError: It is neither, or the file is of a form that cannot be appended to.
            OSError: The file cannot be written.
        """
        normal = normalize_recipient(recipient, self._country)
        key = recipient_key(normal)
        with self._lock:
            if key in self._keys:
                return False
            self._append(self._line(normal, reason))
            self._keys.add(key)
        return True

    async def record(self, event: object) -> bool:
        """Append the recipient of an event or outcome that says not to send again.

        That is a reply which is one of the words; a message's status, or a rejected outcome of
        one recipient, with error 5019 (unsubscribed). Others are ignored. It is a handler for the
        receivers of ``engagelab_async.webhooks``.

        Args:
            event: A `webhooks.Event`, or an outcome.

        Returns:
            Whether a recipient was appended.

        Raises:
            ValueError: As of `add`.
            OSError: As of `add`.
        """
        found = self._unsubscribed(event) or self._stopped(event)
        return found is not None and await to_thread.run_sync(self.add, *found)

    def check_appendable(self) -> None:
        """Raise now what `add` would raise later.

        Raises:
            ValueError: The file is of a form that cannot be appended to.
            OSError: It cannot be written.
        """
        self._append("")

    # ------------------------------------------------------------------ what is recorded

    def _unsubscribed(self, event: object) -> tuple[str, str] | None:
        error = getattr(event, "error", None)
        code = getattr(event, "error_code", None) if error is None else getattr(error, "code", None)
        to = getattr(event if error is None else getattr(event, "operation", None), "to", None)
        if isinstance(to, tuple) and len(to) == 1:
            (to,) = to
        if code != _UNSUBSCRIBED or not isinstance(to, str):
            return None
        return _with_plus(to), str(code)

    def _stopped(self, event: object) -> tuple[str, str] | None:
        sender, text = getattr(event, "sender", None), getattr(event, "text", None)
        if not (isinstance(sender, str) and isinstance(text, str)):
            return None
        word = _bare(text)
        return (_with_plus(sender), word) if word in self._words else None

    # ------------------------------------------------------------------ what is read

    def _key(self, recipient: str) -> str:
        try:
            return recipient_key(normalize_recipient(recipient, self._country))
        except ValueError:
            # It may be a number all the same, which the platform would read.
            return f"+{''.join(filter(str.isdecimal, recipient))}"

    def _read(self, column: str | None, encoding: str | None) -> None:
        from .content import ListError
        from .lists import EmptyListError, PeopleList, Row

        try:
            # Others may append meanwhile, and a list must not change while it is read.
            with self._path.open("rb") as file:
                with suppress(OSError):  # of a file system without locks
                    _lock(file.fileno(), is_read=True)
                content = io.BytesIO(file.read())
            people = PeopleList(content, str(self._path), encoding)
            self._find_columns(people, column)
            for row in people:
                if not isinstance(row, Row):
                    raise ListError(f"{people.name}: line {row.line}: {row.reason}")
                self._take(row, people.name)
        except EmptyListError:
            return
        except OSError as error:
            raise ListError(f"{self._path}: {error.strerror}") from None

    def _find_columns(self, people: "PeopleList", column: str | None) -> None:
        from .content import ListError
        from .lists import shown

        self._header, self._delimiter = people.header, people.delimiter
        self._encoding = people.encoding.removesuffix("-sig")
        self._is_csv, self._is_appendable = people.form == "csv", people.is_appendable
        if column is not None:
            self._columns = (people.require(column),)
            return
        # One recipient in each line has no header.
        first = tuple(name for name in people.columns if self._is_recipient(name))
        self._has_header = not first
        self._keys.update(map(self._key, first))
        self._columns = first or tuple(
            name for name in people.columns if name.casefold().replace("_", " ") in _NAMES
        )
        if not self._columns and len(people.columns) == 1 and shown(*people.columns) != "…":
            self._columns = people.columns
        if not self._columns:
            raise ListError(
                f"{people.name}: its first line is not a recipient, and names no column of "
                "recipients, such as phone or email"
            )

    def _is_recipient(self, text: str) -> bool:
        try:
            normalize_recipient(text, self._country)
        except ValueError:
            return False
        return True

    def _take(self, row: "Row", name: str) -> None:
        from .content import ListError
        from .lists import MISSING, shown

        where = f"{name}: line {row.line}"
        found = {*row.values, *row.unusable}.intersection(self._columns)
        if not found:
            raise ListError(f"{where}: no recipient in {shown(*self._columns)}")
        for column in found:
            text, why = row.values.get(column) or "", row.unusable.get(column)
            if why not in (None, MISSING):
                raise ListError(f"{where}: {shown(column)}: {why}")
            try:
                if text:
                    self._keys.add(recipient_key(normalize_recipient(text, self._country)))
            except ValueError as error:
                raise ListError(f"{where}: {error}") from None

    # ------------------------------------------------------------------ what is written

    def _line(self, recipient: str, reason: str) -> str:
        is_email = "@" in recipient
        column = next(
            (name for name in self._columns if ("mail" in name.casefold()) is is_email),
            self._columns[0],
        )
        values = {"reason": reason, column: recipient}
        if not self._is_csv:
            return json.dumps(values, ensure_ascii=False) + "\n"
        return self._csv(values.get(name, "") for name in self._header)

    def _csv(self, fields: Iterator[str]) -> str:
        text = io.StringIO()
        csv.writer(text, delimiter=self._delimiter, lineterminator="\n").writerow(fields)
        return text.getvalue()

    def _append(self, line: str) -> None:
        if not self._is_appendable:
            from .content import ListError

            raise ListError(f"{self._path}: only CSV and JSON lines in UTF-8 can be appended to")
        descriptor = os.open(self._path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _lock(descriptor, is_read=False)
            self._write(descriptor, line)
        finally:
            os.close(descriptor)

    def _write(self, descriptor: int, line: str) -> None:
        size = os.fstat(descriptor).st_size
        if not size and self._is_csv and self._has_header:
            line = self._csv(iter(self._header)) + line
        elif size and line:
            os.lseek(descriptor, -1, os.SEEK_END)
            # The last line of an editor, or of a full disk, may have no end.
            line = line if os.read(descriptor, 1) == b"\n" else f"\n{line}"
        data = line.encode(self._encoding)
        written = 0
        try:
            written = os.write(descriptor, data)
            os.fsync(descriptor)
        finally:
            if written < len(data):
                # Half a line would be another number.
                os.ftruncate(descriptor, size)
        if written < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))


def _lock(descriptor: int, *, is_read: bool) -> None:
    """Keep others from appending until the file is closed, or from reading as well."""
    with suppress(ModuleNotFoundError):
        import fcntl  # not on Windows, where a single process may append

        fcntl.flock(descriptor, fcntl.LOCK_SH if is_read else fcntl.LOCK_EX)


def _bare(text: str) -> str:
    """Leave out case, punctuation and spare blanks."""
    return _AROUND.sub("", " ".join(unicodedata.normalize("NFKC", text).casefold().split()))


def _with_plus(recipient: str) -> str:
    """The platform's own numbers have their country code, and not always a plus."""
    return f"+{recipient}" if recipient.isdecimal() else recipient
