"""One answer over HTTP/1.1, without any I/O: bytes become status, headers and body.

::

    feed ──> head ── 1xx ──> head            llhttp reads all of it, through httptools
              ├ no body ───────────────────────────────────> complete
              ├ Content-Length: exactly so many bytes ─────> complete
              ├ chunked: until llhttp has seen the end ────> complete
              └ neither: until the server closes ── end ───> complete

httptools does not return where in its input an answer ended, and a connection must not be used
again if there is anything behind it. An answer can end only with its last promised byte or with an
empty line, so llhttp gets the bytes in pieces that end there.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from ._engine import keep_alive

MAX_HEAD_BYTES: Final = 64 * 1024
"""What may precede the body at most, 1xx answers included."""

FAILURES: Final = (HttpParserError, HttpParserUpgrade)
"""What `Answer.feed` raises."""

_BYTES_PER_BYTE: Final = 16
"""How many bytes of a chunked coding may carry one byte of the body."""

_INTERIM: Final = range(100, 200)
_SWITCHING_PROTOCOLS: Final = 101
_EMPTY_LINE: Final = b"\r\n\r\n"

_USUAL: Final = re.compile(
    rb"\r\n(?:content-length:[ \t]*([0-9]+)[ \t]*(?=\r)|keep-alive:)", re.IGNORECASE
)
"""Finds the length alone in most heads. llhttp takes none that gives it in two ways."""


class Headers(Mapping[str, str]):
    """The headers of an answer that llhttp has accepted; hardly any are ever looked at."""

    def __init__(self, head: bytes) -> None:
        self._head = head

    @cached_property
    def _fields(self) -> dict[str, str]:
        fields: dict[str, str] = {}
        for line in self._head.strip().decode("latin-1").split("\r\n")[1:]:
            name, _, value = line.partition(":")
            name, value = name.lower(), value.strip(" \t")
            fields[name] = f"{fields[name]}, {value}" if name in fields else value
        return fields

    def __getitem__(self, name: str) -> str:
        """Return a value; those of headers that have the same name are joined."""
        return self._fields[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)


class Answer:
    """The answer to one request; where the body gets larger than it may, it ends.

    Attributes:
        status: Its status; 0 until its head has arrived.
        headers: Its headers; empty until its head has arrived.
        body: What has arrived of its body.
        is_complete: Whether all of it has arrived, or too much.
        is_reusable: Whether its connection can be used again, as far as the answer shows.
        keep: For how many seconds that is so.
    """

    __slots__ = (
        "_closes",
        "_has_ended",
        "_has_head",
        "_head",
        "_is_head",
        "_keeps",
        "_left",
        "_max_bytes",
        "_parser",
        "_received",
        "_recent",
        "body",
        "headers",
        "is_complete",
        "is_reusable",
        "keep",
        "status",
    )

    def __init__(self, max_bytes: int, *, is_head: bool = False) -> None:
        self.status: int = 0
        self.headers: Mapping[str, str] = {}
        self.body: bytearray = bytearray()
        self.is_complete: bool = False
        self.is_reusable: bool = False
        self.keep: float = math.inf
        self._max_bytes = max_bytes
        self._is_head = is_head
        self._head = b""
        self._has_head = self._has_ended = self._keeps = False
        self._left: int | None = None
        self._closes = False
        self._received = 0
        self._recent = b""
        self._parser = HttpResponseParser(self)

    def feed(self, data: bytes) -> bool:
        """Take what has arrived; not to be called any more once the answer is complete.

        Returns:
            Whether the answer is complete.

        Raises:
            HttpParserError: This is no answer, or its head or its chunks are too large.
            HttpParserUpgrade: It is one to another kind of request.
        """
        start = 0
        while start < len(data) and not self.is_complete:
            left = self._left
            end = self._end_of_piece(data, start) if left is None else start + left
            piece = data[start:end]
            start += len(piece)
            self._parser.feed_data(piece)
            if left is None:
                self._read_around(piece)
            else:
                self._left = left - len(piece)
            is_too_large = len(self.body) > self._max_bytes
            self.is_complete = self._has_ended or self._left == 0 or is_too_large
            has_surplus = start < len(data)
            is_whole = self._has_ended and not is_too_large
            self.is_reusable = is_whole and self._keeps and not has_surplus
        if self.is_complete:
            # The parser holds this object, and would keep it until the garbage is collected.
            del self._parser
        return self.is_complete

    def end(self) -> bool:
        """Note that the server has closed, and return whether that completes the answer."""
        self.is_complete = self.is_complete or self._closes
        return self.is_complete

    def _end_of_piece(self, data: bytes, start: int) -> int:
        """Return where the next empty line ends, or where the data does."""
        if recent := self._recent:
            # It may have begun in what came before.
            found = (recent + data[start : start + len(_EMPTY_LINE) - 1]).find(_EMPTY_LINE)
            self._recent = b""
            if found >= 0:
                return start + found - len(recent) + len(_EMPTY_LINE)
        found = data.find(_EMPTY_LINE, start)
        if found >= 0:
            return found + len(_EMPTY_LINE)
        self._recent = (recent + data[start:])[1 - len(_EMPTY_LINE) :]
        return len(data)

    def _read_around(self, piece: bytes) -> None:
        """Read a piece of a head, of chunks, or of a body that ends when the server closes."""
        self._received += len(piece)
        if self._received > MAX_HEAD_BYTES + _BYTES_PER_BYTE * len(self.body):
            raise HttpParserError("too much beside the body")
        if self.status:
            return
        self._head += piece
        # An empty line and the end of a head are the same, or else the two views have diverged.
        if self._has_head is not self._head.endswith(_EMPTY_LINE):
            raise HttpParserError("the head does not end with its empty line")
        if self._has_head:
            self._end_head(self._parser.get_status_code())

    def _end_head(self, status: int) -> None:
        head, self._head = self._head, b""
        if status == _SWITCHING_PROTOCOLS or status < _INTERIM[0]:
            raise HttpParserError("no such status was asked for")
        if status in _INTERIM:
            # llhttp believes the length of one that has it, which is against the rules.
            if not self._has_ended:
                raise HttpParserError("an interim answer has no body")
            self._has_head = self._has_ended = False
            return
        self.status = status
        self._has_ended = self._has_ended or self._is_head
        self.headers = headers = Headers(head)
        found = _USUAL.findall(head)
        if len(found) == 1 and found[0]:
            self._left = _length(found[0])
            return
        self.keep = keep_alive(headers)
        if "transfer-encoding" in headers:
            self._closes = "chunked" not in headers["transfer-encoding"].lower()
        elif "content-length" in headers:
            self._left = _length(headers["content-length"].encode())
        else:
            self._closes = True

    # What llhttp calls. An exception would be lost on its way.

    def on_headers_complete(self) -> None:
        self._has_head = True
        self._keeps = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self._has_ended = True


def _length(digits: bytes) -> int:
    """Read a length that llhttp has accepted: it may begin with more zeros than `int` reads."""
    return int(digits.lstrip(b"0") or b"0")
