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

from typing import Final

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

MAX_HEAD_BYTES: Final = 64 * 1024
"""What may precede the body at most, 1xx answers included."""

FAILURES: Final = (HttpParserError, HttpParserUpgrade)
"""What `Answer.feed` raises."""

_BYTES_PER_BYTE: Final = 16
"""How many bytes of a chunked coding may carry one byte of the body."""

_INTERIM: Final = range(100, 200)
_SWITCHING_PROTOCOLS: Final = 101
_EMPTY_LINE: Final = b"\r\n\r\n"


class Answer:
    """The answer to one request.

    Args:
        max_bytes: Where the body gets larger, it ends.
        is_head: Whether the request was ``HEAD``, whose answer has no body.

    Attributes:
        status: Its status; 0 until its head has arrived.
        headers: Its headers, their names in lower case.
        body: What has arrived of its body.
        is_complete: Whether all of it has arrived, or too much.
        is_reusable: Whether its connection can be used again, as far as the answer shows.
    """

    __slots__ = (
        "_closes",
        "_has_ended",
        "_has_head",
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
        "status",
    )

    def __init__(self, max_bytes: int, *, is_head: bool = False) -> None:
        """Wait for the first byte."""
        self.status: int = 0
        self.headers: dict[str, str] = {}
        self.body: bytearray = bytearray()
        self.is_complete: bool = False
        self.is_reusable: bool = False
        self._max_bytes = max_bytes
        self._is_head = is_head
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
        while data and not self.is_complete:
            left = self._left
            size = self._through_empty_line(data) if left is None else left
            piece, data = data[:size], data[size:]
            self._parser.feed_data(piece)
            if not self.status:
                self._read_head(piece)
            elif left is not None:
                self._left = left - len(piece)
            self._check_size(piece)
            if len(self.body) > self._max_bytes:
                self.is_complete = True
            elif self._has_ended:
                self.is_complete = True
                self.is_reusable = self._keeps and not data
        if self.is_complete:
            # The parser holds this object, and would keep it until the garbage is collected.
            del self._parser
        return self.is_complete

    def end(self) -> bool:
        """Note that the server has closed, and return whether that completes the answer."""
        self.is_complete = self.is_complete or self._closes
        return self.is_complete

    def _through_empty_line(self, data: bytes) -> int:
        """Return how many bytes there are up to the end of an empty line, or in all."""
        recent = self._recent + data
        found = recent.find(_EMPTY_LINE)
        if found < 0:
            self._recent = recent[1 - len(_EMPTY_LINE) :]
            return len(data)
        size = found + len(_EMPTY_LINE) - len(self._recent)
        self._recent = b""
        return size

    def _read_head(self, piece: bytes) -> None:
        # An empty line and the end of a head are the same, or else the two views have diverged.
        if self._has_head is not (not self._recent and piece.endswith(b"\n")):
            raise HttpParserError("the head does not end with its empty line")
        if not self._has_head:
            return
        status = self._parser.get_status_code()
        if status == _SWITCHING_PROTOCOLS:
            raise HttpParserUpgrade("nothing was to be switched")
        if status in _INTERIM:
            self._has_head = self._has_ended = False
            self.headers.clear()
            return
        self.status = status
        self._has_ended = self._has_ended or self._is_head
        if "transfer-encoding" in self.headers:
            self._closes = "chunked" not in self.headers["transfer-encoding"].lower()
        elif "content-length" in self.headers:
            self._left = int(self.headers["content-length"])
        else:
            self._closes = True

    def _check_size(self, piece: bytes) -> None:
        self._received += len(piece)
        if self._received > MAX_HEAD_BYTES + _BYTES_PER_BYTE * len(self.body):
            raise HttpParserError("too much beside the body")
        if self._left == 0 and not self._has_ended:
            raise HttpParserError("the body does not end with its last byte")

    # What llhttp calls. An exception would be lost on its way.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; one behind the body is of no use."""
        if self.status:
            return
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        before = self.headers.get(key)
        self.headers[key] = text if before is None else f"{before}, {text}"

    def on_headers_complete(self) -> None:
        """Note the end of a head, and whether the connection is to stay."""
        self._has_head = True
        self._keeps = self._parser.should_keep_alive()

    def on_body(self, data: bytes) -> None:
        """Keep a part of the body."""
        self.body += data

    def on_message_complete(self) -> None:
        """Note the end of the answer."""
        self._has_ended = True
