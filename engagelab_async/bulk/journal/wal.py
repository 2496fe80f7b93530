"""SQLite's write-ahead log, read to distinguish a damaged log from a truncated one.

SQLite takes a log up to the first frame that does not fit, and forgets the rest: so a transaction
that a crash cut off has never been. But a flaw further up makes it forget what was on the disk for
sure, and a journal would have people sent to twice. There can be one transaction behind a frame
that does not fit, the one that the crash cut off. If there are more, the log is damaged. Of a log
that ends too soon nothing here can know how long it was; `mark` does.

The format is in section 4 of the file format: https://www.sqlite.org/fileformat2.html#walformat
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Final

_LOG: Final = struct.Struct(">IIIIIIII")
_FRAME: Final = struct.Struct(">IIIIII")
_BIG_ENDIAN: Final = 0x377F0683
_LITTLE_ENDIAN: Final = 0x377F0682
_MAGIC: Final = (_BIG_ENDIAN, _LITTLE_ENDIAN)
"""Which words the sums are of."""

_MASK: Final = 0xFFFFFFFF

Sums = tuple[int, int]


def is_log(path: Path) -> bool:
    """Return whether there is a log, with at least a header."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return _head(file.read(_LOG.size)) is not None


def is_damaged(path: Path) -> bool:
    """Return whether a log has lost transactions that were complete.

    Args:
        path: The log.
    """
    # Not read at once: a transaction that updates the index of a large journal is as large as that.
    with path.open("rb") as file:
        data = file.read(_LOG.size)
        if not any(data) or len(data) < _LOG.size:
            # There is none, as far as SQLite is concerned.
            return False
        if (head := _head(data)) is None:
            return True
        page_size, salts_of_log, running, order = head
        fits, lost = True, 0
        for start, page in _frames(file, page_size):
            _, commits, *salts, first, second = _FRAME.unpack(start)
            if salts != salts_of_log:
                # From here on it is left over from before the log was restarted.
                break
            if fits:
                running = _summed(page, _summed(start[:8], running, order), order)
                fits = running == (first, second)
            lost += not fits and commits > 0
    return lost > 1


def _head(data: bytes) -> tuple[int, list[int], Sums, str] | None:
    """Read the head of a log: the size of its pages, its salts, its first sums and their order."""
    if len(data) < _LOG.size:
        return None
    magic, _, page_size, _, *salts, first, second = _LOG.unpack_from(data)
    order = ">" if magic == _BIG_ENDIAN else "<"
    sums = (first, second)
    fits = magic in _MAGIC and _summed(data[:24], (0, 0), order) == sums
    return (page_size, salts, sums, order) if fits else None


def _frames(file: BinaryIO, page_size: int) -> Iterator[tuple[bytes, bytes]]:
    while len(frame := file.read(_FRAME.size + page_size)) == _FRAME.size + page_size:
        yield frame[: _FRAME.size], frame[_FRAME.size :]


def _summed(data: bytes, before: Sums, order: str) -> Sums:
    """Go on with the checksum of the log."""
    first, second = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
