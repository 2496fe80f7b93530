"""The text of a file: plain or gzipped, in any encoding, and the same each time it is read.

::

    bytes ── gzip ── blocks, each as it was at first ── text
"""

import codecs
import gzip
import io
import re
import zlib
from collections.abc import Iterator
from functools import partial
from hashlib import blake2b
from typing import Any, BinaryIO, Final

_BLOCK: Final = 1 << 16
_GZIP: Final = b"\x1f\x8b"
# The longest first: UTF-32's begins like UTF-16's.
_MARKS: Final = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
_NO_ENCODING: Final = "--encoding: it is not an encoding that Python knows"
# How many different letters a text must have as UTF-8 not to be so by chance. In the first two,
# it needs a capital before a symbol; in Mac Roman, an apostrophe before an accent is enough.
_LEAST_LETTERS: Final = {"cp125": 1, "iso8859": 1, "mac-roman": 2, "": 5}
# Of three bytes, fewer are enough; and so is a letter of Western Europe in a Latin word.
_LEAST_LONG_LETTERS: Final = 2
_LATIN: Final = re.compile("[A-Za-z][\u00c0-\u00ff]|[\u00c0-\u00ff][A-Za-z]")
_UNICODE: Final = ("utf", "unicode", "raw")
_WORKBOOK_OR_ZIP: Final = "a workbook or a zip archive; save the sheet as CSV, UTF-8"
_OTHER_KINDS: Final = {
    b"PK\x03\x04": _WORKBOOK_OR_ZIP,
    b"PK\x05\x06": _WORKBOOK_OR_ZIP,
    b"PK\x07\x08": _WORKBOOK_OR_ZIP,
    b"7z\xbc\xaf": "an archive; extract the list",
    b"Rar!\x1a": "an archive; extract the list",
    b"\xd0\xcf\x11\xe0": "a workbook; save the sheet as CSV, UTF-8",
    b"BZh": "compressed with bzip2; decompress it, or use gzip",
    b"\xfd7zXZ": "compressed with xz; decompress it, or use gzip",
    b"\x28\xb5\x2f\xfd": "compressed with zstd; decompress it, or use gzip",
    b"\x04\x22\x4d\x18": "compressed with lz4; decompress it, or use gzip",
    b"\x89PNG": "an image; export the list as CSV, UTF-8",
    b"\xff\xd8\xff": "an image; export the list as CSV, UTF-8",
    b"SQLite format 3\0": "a database; export the table as CSV, UTF-8",
    _GZIP: "compressed twice; decompress it once",
    b"PAR1": "a Parquet file; export the table as CSV, UTF-8",
}
# In any encoding and case.
_OTHER_TEXTS: Final = {
    "begin:vcard": "a file of vCards; export the contacts as CSV, UTF-8",
    "%pdf": "a PDF; save the table as CSV, UTF-8",
    "{\\rtf": "a rich text document; save the table as CSV, UTF-8",
    # Of a list, and of a dict; those that are not ASCII are no text.
    "(lp0": "a pickle; export the list as CSV, UTF-8",
    "(dp0": "a pickle; export the list as CSV, UTF-8",
    "<": "HTML or XML; save the table as CSV, UTF-8",
}
# Controls that no text has; NUL and ESC are in texts of some programs and encodings.
_CONTROLS: Final = bytes({*range(1, 0x20)} - {*b"\t\n\v\f\r\x1a\x1b\x1c\x1d\x1e\x1f"})
_MOST_CONTROLS: Final = 0.05  # of the bytes


class ListError(ValueError):
    """A list cannot be read, or is not a list; the text quotes none of its values."""


class Content:
    """The text of a file that can seek.

    Attributes:
        digest: Identifies the content, whatever the file is called and whether it is gzipped.
        start: How the text begins.

    Raises:
        ListError: It cannot be read, or is not a text.
    """

    def __init__(self, file: BinaryIO, name: str, encoding: str | None) -> None:
        self._file = file
        self._name = name
        self.is_zipped: bool = False
        self._digests: list[bytes] = []
        start = b""
        for block in self._blocks():
            start = start or block
            self._digests.append(_digest(block))
        self.digest: str = _digest(b"".join(self._digests)).hex()
        self.encoding: str = self._encoding(start, encoding)
        try:
            self.start: str = start.decode(self.encoding, "ignore")
        except UnicodeError:  # as of idna, which reads no more than domains
            raise ListError(_NO_ENCODING) from None
        first = self.start.lstrip().casefold()
        for sign, what in _OTHER_TEXTS.items():
            if first.startswith(sign):
                raise self.error(f"it is {what}")
        if not self.encoding.startswith(_UNICODE) and self._is_utf_8():
            raise self.error(
                f"it is UTF-8, and not {self.encoding}; leave out --encoding (if it is "
                f"{self.encoding}, convert it to UTF-8)"
            )

    @property
    def not_decodable(self) -> str:
        """What to say of text that is not of the encoding."""
        if self.encoding.startswith("utf-8"):
            return (
                "not UTF-8; if a spreadsheet wrote it, see --encoding cp1252, or that of its "
                "country, such as gb18030"
            )
        return f"not {self.encoding}; see --encoding"

    def text(self, size: int | None = None) -> Iterator[str]:
        """Read lines as they are, or so many characters at a time, with line ends made alike.

        Bytes that are no character become lone surrogates.

        Raises:
            ListError: The file was changed meanwhile; what was changed is not read.
        """
        file = io.BufferedReader(_Blocks(self._verified()), _BLOCK)
        newline = "" if size is None else None
        text = io.TextIOWrapper(file, self.encoding, "surrogateescape", newline)
        try:
            yield from iter(text.readline if size is None else partial(text.read, size), "")
        except UnicodeError:
            raise self.error(self.not_decodable) from None

    def error(self, what: str) -> ListError:
        """Make an error that names the file."""
        return ListError(f"{self._name}: {what}")

    def _encoding(self, start: bytes, given: str | None) -> str:
        for magic, what in _OTHER_KINDS.items():
            if start.removeprefix(codecs.BOM_UTF8).startswith(magic):
                raise self.error(f"it is {what}")
        if start[257:262] == b"ustar":
            raise self.error("it is a tar archive; extract the list")
        for mark, encoding in _MARKS.items():
            if start.startswith(mark):
                return encoding
        try:
            codec = codecs.lookup(given or "utf-8")
            "".encode(codec.name)  # raises if the codec is not one of text
        except (LookupError, ValueError):
            raise ListError(_NO_ENCODING) from None
        wide = _wide_encoding(start)
        if given is None and wide:
            raise self.error(f"it seems to be {wide[:6].upper()}; see --encoding {wide}")
        controls = len(start) - len(start.translate(None, _CONTROLS))
        if given is None and controls > len(start) * _MOST_CONTROLS:
            raise self.error("it is not a text; export the list as CSV, UTF-8")
        is_open = codec.name in ("utf-16", "utf-32")  # in which order its bytes are
        return wide or f"{codec.name}-le" if is_open else codec.name

    def _is_utf_8(self) -> bool:
        """Return whether a text that is said to be of another encoding is certainly UTF-8."""
        letters: set[str] = set()
        is_latin = False
        try:
            for text in self._decoded("utf-8"):
                if not text.isascii():
                    letters.update(text)
                    is_latin = is_latin or bool(_LATIN.search(text))
        except UnicodeError:
            return False
        count, long = (sum(map(last.__lt__, letters)) for last in ("\x7f", "\u07ff"))
        if is_latin or long >= _LEAST_LONG_LETTERS:
            return True
        starts = _LEAST_LETTERS.items()
        least = next(number for start, number in starts if self.encoding.startswith(start))
        return count >= least or (count > 0 and not self._is_decodable())

    def _is_decodable(self) -> bool:
        try:
            for _ in self._decoded(self.encoding):
                pass
        except UnicodeError:
            return False
        return True

    def _decoded(self, encoding: str) -> Iterator[str]:
        decoder = codecs.getincrementaldecoder(encoding)()
        yield from map(decoder.decode, self._blocks())
        yield decoder.decode(b"", final=True)

    def _blocks(self) -> Iterator[bytes]:
        self._file.seek(0)
        self.is_zipped = self._file.read(2) == _GZIP
        self._file.seek(0)
        source = gzip.GzipFile(fileobj=self._file) if self.is_zipped else self._file
        try:
            while block := source.read(_BLOCK):
                yield block
        except (OSError, EOFError, zlib.error) as error:
            raise self.error("cannot be read to its end; is it whole?") from error

    def _verified(self) -> Iterator[bytes]:
        expected = iter(self._digests)
        for block in self._blocks():
            if next(expected, None) != _digest(block):
                raise self.error("it was changed meanwhile")
            yield block
        if next(expected, None) is not None:
            raise self.error("it was changed meanwhile")


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = b""

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:  # noqa: ANN401 - what a buffer is has no name in 3.11
        self._rest = self._rest or next(self._blocks, b"")
        part, self._rest = self._rest[: len(buffer)], self._rest[len(buffer) :]
        buffer[: len(part)] = part
        return len(part)


def _wide_encoding(start: bytes) -> str | None:
    """Return the encoding of a text in which every other byte, or two of four, tend to be zero."""
    sample = start[: min(len(start), 1024) // 4 * 4]
    empty = [not any(sample[first::4]) for first in range(4)]
    if empty[2] and empty[3] and not empty[0]:
        return "utf-32-le"
    if empty[0] and empty[1] and not empty[3]:
        return "utf-32-be"
    even, odd = (start[first:1024:2].count(0) for first in (0, 1))
    if max(even, odd) * 8 <= len(start[:1024]) or max(even, odd) < 4 * min(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=16).digest()


def is_text(text: str) -> bool:
    """Return whether all bytes of a text were characters; others became lone surrogates."""
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
