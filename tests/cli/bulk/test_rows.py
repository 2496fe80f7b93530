"""The rows of a list."""

from pathlib import Path

import pytest

from engagelab_async.cli.bulk.rows import CSV, Row
from engagelab_async.cli.bulk.source import SourceError
from support.lists import csv_of, rows_of, sheet_of

ADA = {"phone": "+6591234567", "name": "Ada"}


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_csv_of_every_kind(delimiter: str, end: str, tmp_path: Path) -> None:
    """The delimiter is found in the header, and any line end is one."""
    lines = [f"phone{delimiter}name", f'+6591234567{delimiter}"Ada"', ""]

    found = rows_of(end.join(lines).encode(), tmp_path)

    assert [Row(2, ADA, ("+6591234567", "Ada"))] == found


def test_delimiters_in_quotes_do_not_count(tmp_path: Path) -> None:
    """A header may quote names that hold other delimiters."""
    content = b'"phone, mobile, or both";name\n+6591234567;Ada\n'

    with sheet_of(content, tmp_path) as sheet:
        assert isinstance(sheet, CSV)
        assert ("phone, mobile, or both", "name") == sheet.columns


def test_one_column_is_enough(tmp_path: Path) -> None:
    """A list of nothing but numbers needs no delimiter."""
    assert [Row(2, {"phone": "+6591234567"}, ("+6591234567",))] == rows_of(
        b"phone\n+6591234567\n", tmp_path
    )


def test_json_lines(tmp_path: Path) -> None:
    """A list whose first character is a brace is JSON lines."""
    line = '{"phone": "+6591234567", "name": "Ada"}'

    assert [Row(2, ADA, (line,)), Row(4, ADA, (line,))] == rows_of(
        f"\n{line}\n \n  {line}".encode(), tmp_path
    )


def test_lines_are_counted_as_an_editor_does(tmp_path: Path) -> None:
    """Empty rows and line ends in quotes do not put the line numbers wrong."""
    content = csv_of('1,"A\nda"', "", ",", "   ,", "2,Bob")

    assert [(2, ("1", "A\nda")), (7, ("2", "Bob"))] == [
        (row.line, row.raw) for row in rows_of(content, tmp_path)
    ]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"1", "1 fields instead of 2"),
        (b"1,2,3", "3 fields instead of 2"),
        (b"1,\xff", "not UTF-8"),
        (b'1,"a"b', "its quotes do not close where they should"),
        (b"1," + b"x" * 200_000, "its quotes do not close where they should"),
    ],
)
def test_a_bad_row_does_not_hide_the_next(line: bytes, problem: str, tmp_path: Path) -> None:
    """What cannot be taken apart is told with its line, and reading goes on."""
    found = rows_of(b"phone,name\n" + line + b"\n2,Zo\xc3\xab\n", tmp_path)

    assert [(2, problem), (3, None)] == [(row.line, row.problem) for row in found]


QUOTES = "its quotes do not close where they should"


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (
            ["1,Ada", '2,"Bob', "", "3,Zoe"],
            [(2, None, 1), (3, f"{QUOTES}: lines 3 to 5 are one row", 2)],
        ),
        (
            ['1,"Ada', '2,"Bob"', "3,Zoe"],
            [(2, f"{QUOTES}: lines 2 to 3 are one row", 2), (4, None, 1)],
        ),
    ],
)
def test_a_quote_that_does_not_close(
    lines: list[str], expected: list[tuple[int, str | None, int]], tmp_path: Path
) -> None:
    """What it swallows is named, and each line counts as a row."""
    found = rows_of(csv_of(*lines), tmp_path)

    assert expected == [(row.line, row.problem, row.count) for row in found]


def test_swallowed_lines_are_kept(tmp_path: Path) -> None:
    """With their line ends, for they are written down as they were."""
    (row,) = rows_of(b'phone,name\r\n1,"Ada\r\n2,Bob', tmp_path)

    assert ((), ('1,"Ada\r\n', "2,Bob")) == (row.raw, row.lines)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        (b"{", "not JSON"),
        (b"[" * 100_000, "not JSON"),
        (b"[1]", "not a JSON object"),
        (b'{"a": "\xff"}', "not UTF-8"),
    ],
)
def test_a_bad_line_of_json_does_not_hide_the_next(
    line: bytes, problem: str, tmp_path: Path
) -> None:
    """Nor here."""
    found = rows_of(b'{"a": 1}\n' + line + b'\n{"a": "\xc3\xab"}\n', tmp_path)

    assert [(1, None), (2, problem), (3, None)] == [(row.line, row.problem) for row in found]


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "it is empty"),
        (b" \n\n", "it is empty"),
        (b",,\n", "its first line is no header"),
        (b'"a"b,c\n', "its first line is no header"),
        (b"phone,phone\n", "two columns have one name: phone, phone"),
        (b"+6591234567,+6591234567\n", "two columns have one name: …, …"),
    ],
)
def test_what_is_no_list(content: bytes, what: str, tmp_path: Path) -> None:
    """Without a header that can be used, nothing can be; a number in its place is not shown."""
    with pytest.raises(SourceError, match=what), sheet_of(content, tmp_path):
        pass


def test_rows_are_not_shown() -> None:
    """The repr of a row tells where it is, not what is in it."""
    assert "Row(line=2, problem=None)" == repr(Row(2, ADA, ("+6591234567", "Ada")))
