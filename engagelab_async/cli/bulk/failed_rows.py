"""Rows that were not sent, as they were, with what happened to them: to be corrected and sent.

The file has the form of the list: CSV with the same separator and two columns more, or JSON lines
with two keys more. A later run of the same list adds to it.
"""

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, Protocol, TextIO

from attrs import frozen

from .rows import CSV, JSONLines, Row, Sheet

CODE: Final = "error_code"
REASON: Final = "error_reason"


class Writer(Protocol):
    """Takes rows that were not sent."""

    def write(self, row: Row, code: str, reason: str) -> None:
        """Write a row down."""
        ...


@contextmanager
def writing(path: Path, sheet: Sheet) -> Iterator[Writer]:
    """Open a file for the rows of a list.

    Raises:
        OSError: It cannot be written.
    """
    is_new = not path.exists()
    # Line by line, so that it is whole whatever becomes of this process.
    file = path.open("a", encoding="utf-8", errors="surrogateescape", newline="", buffering=1)
    try:
        yield _JSONWriter(file) if isinstance(sheet, JSONLines) else _csv(file, sheet, is_new)
    finally:
        # What could not be written was said when it could not; closing says it again.
        with suppress(OSError):
            file.close()


def _csv(file: TextIO, sheet: CSV, is_new: bool) -> "_CSVWriter":  # noqa: FBT001
    writer = _CSVWriter(file, sheet)
    if is_new:
        file.write("\ufeff" if sheet.source.has_bom else "")
        writer.write_header()
    return writer


@frozen
class _JSONWriter:
    _file: TextIO

    def write(self, row: Row, code: str, reason: str) -> None:
        if row.problem is None:
            document = {**row.values, CODE: code, REASON: reason}
            line = json.dumps(document, ensure_ascii=False)
        else:
            line = row.raw[0]
        self._file.write(f"{line}\n")


class _CSVWriter:
    def __init__(self, file: TextIO, sheet: CSV) -> None:
        self._writer = csv.writer(file, delimiter=sheet.delimiter, lineterminator="\n")
        # A list that is itself such a file gets no third and fourth column.
        self._kept = [i for i, name in enumerate(sheet.columns) if name not in (CODE, REASON)]
        self._columns = sheet.columns

    def write_header(self) -> None:
        self._writer.writerow([*(self._columns[i] for i in self._kept), CODE, REASON])

    def write(self, row: Row, code: str, reason: str) -> None:
        # A row with too few or too many fields stays as it is, for a person to look at.
        if len(row.raw) == len(self._columns):
            fields = [row.raw[i] for i in self._kept]
        else:
            fields = list(row.raw)
        self._writer.writerow([*fields, code, reason])
