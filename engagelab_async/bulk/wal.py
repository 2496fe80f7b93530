"""SQLite's write-ahead log, read to tell a log that was damaged from one that was cut off.

SQLite takes a log up to the first frame that does not fit, and forgets the rest: so a transaction
that a crash cut off has never been. But a flaw further up makes it forget what was on the disk for
sure, and a journal would have people sent to twice. There can be one transaction behind a frame
that does not fit, the one that the crash cut off. If there are more, the log is damaged.

The format is in section 4 of the file format: https://www.sqlite.org/fileformat2.html#walformat
"""

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Final

_LOG: Final = struct.Struct(">IIIIIIII")
_FRAME: Final = struct.Struct(">IIIIII")
# The other one that there is, 0x377F0682, says that sums are of little-endian words.
_BIG_ENDIAN: Final = 0x377F0683
_MASK: Final = 0xFFFFFFFF

Sums = tuple[int, int]


def is_damaged(path: Path) -> bool:
    """Tell whether a log has lost transactions that were complete.

    Args:
        path: The log.
    """
    data = path.read_bytes()
    if not any(data[: _LOG.size]):
        # A power cut came before the first flush.
        return False
    magic, _, page_size, _, salt, more_salt, first, second = _LOG.unpack_from(data)
    order = ">" if magic == _BIG_ENDIAN else "<"
    running = (first, second)
    if _summed(data[:24], (0, 0), order) != running:
        return True
    fits, lost = True, 0
    for head, page in _frames(data, page_size):
        _, commits, *salts, first, second = _FRAME.unpack(head)
        if salts != [salt, more_salt]:
            # From here on it is left over from before the log was begun anew.
            break
        if fits:
            running = _summed(page, _summed(head[:8], running, order), order)
            fits = running == (first, second)
        lost += not fits and commits > 0
    return lost > 1


def _frames(data: bytes, page_size: int) -> Iterator[tuple[bytes, bytes]]:
    size = _FRAME.size + page_size
    for start in range(_LOG.size, len(data) - size + 1, size):
        yield data[start : start + _FRAME.size], data[start + _FRAME.size : start + size]


def _summed(data: bytes, before: Sums, order: str) -> Sums:
    """Go on with the checksum of the log."""
    first, second = before
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for even, odd in zip(words[::2], words[1::2], strict=True):
        first = (first + even + second) & _MASK
        second = (second + odd + first) & _MASK
    return first, second
