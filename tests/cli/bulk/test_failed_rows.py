"""Rows that were not sent, written down."""

from pathlib import Path

import pytest

from engagelab_async.cli.bulk.checks import Checker, check, phone
from engagelab_async.cli.bulk.failed_rows import writing
from support.lists import NAMES, findings_of, sheet_of

BLACKLISTED = '"error_code": "5013", "error_reason": "blacklisted"'


def failed(content: bytes, tmp_path: Path, *, reason: str = "blacklisted") -> bytes:
    """Write all rows of a list down as failed."""
    path = tmp_path / "failed"
    with sheet_of(content, tmp_path) as sheet, writing(path, sheet) as writer:
        for row in sheet.rows():
            writer.write(row, "5013", reason)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"phone,name\n+65,Ada\n",
            b"phone,name,error_code,error_reason\n+65,Ada,5013,blacklisted\n",
        ),
        (
            b'phone;name\r\n+65;"A;da"\r\n',
            b'phone;name;error_code;error_reason\n+65;"A;da";5013;blacklisted\n',
        ),
        (
            b"\xef\xbb\xbfphone\n+65\n",
            b"\xef\xbb\xbfphone,error_code,error_reason\n+65,5013,blacklisted\n",
        ),
        (
            b"phone,error_code,error_reason,name\n+65,1,old,Ada\n",
            b"phone,name,error_code,error_reason\n+65,Ada,5013,blacklisted\n",
        ),
        (
            b"phone,name\n+65,\xff\n+65\n",
            (
                b"phone,name,error_code,error_reason\n"
                b"+65,\xff,5013,blacklisted\n"
                b"+65,5013,blacklisted\n"
            ),
        ),
        (
            b'phone,name\n+65,"Ada\r\n\n+66,"Bob"\n+67,Cy\n',
            (
                b"phone,name,error_code,error_reason\n"
                b'+65,"Ada,5013,blacklisted\n'
                b'+66,"Bob",5013,blacklisted\n'
                b"+67,Cy,5013,blacklisted\n"
            ),
        ),
        (
            b'phone,error_code,error_reason\n"+65,1,old',
            b'phone,error_code,error_reason\n"+65,1,old\n',
        ),
        (
            '{"phone": "+65", "name": "Zoë"}\n'.encode(),
            f'{{"phone": "+65", "name": "Zoë", {BLACKLISTED}}}\n'.encode(),
        ),
        (
            '{}\n{bad "Zoë"\n'.encode() + b"\xff\n",
            (
                f'{{{BLACKLISTED}}}\n{{"error_line": "{{bad \\"Zoë\\"", {BLACKLISTED}}}\n'
                f'{{"error_line": "\\udcff", {BLACKLISTED}}}\n'
            ).encode(),
        ),
        (
            b'{"phone": "+65", "note": "\\ud83d"}\n',
            f'{{"phone": "+65", "note": "\\ud83d", {BLACKLISTED}}}\n'.encode(),
        ),
    ],
)
def test_rows_are_kept_as_they_were(content: bytes, expected: bytes, tmp_path: Path) -> None:
    """The form, the separator, the mark and odd bytes stay, and code and reason are added."""
    assert expected == failed(content, tmp_path)


OLD_AND_NEW = [
    (b"phone,name\n", b"+65,Ada\n", b"+65,Bob\n"),
    (b"\xef\xbb\xbfphone;name\r\n", b'+65;"A;da"\r\n', b"+65;Ada\r\n"),
    (b"phone,note\n", b'+65,"two\nlines"\n', b'+65,"two\nmore"\n'),
    (b"phone,name\n", b"+65,Ada,Eve\n", b"+65,Ada,Bob\n"),
    (b"phone,name\n", b'+65,"Ada"x\n', b'+65,"Bob"x\n'),
    (b"phone,name\n", b"+65," + b"x" * 200_000 + b"\n", b"+65," + b"y" * 200_000 + b"\n"),
    (b"", b'{"phone": "+65"}\n', b'{"phone": "+66"}\n'),
    (b"", b"{broken\n", b"{also broken\n"),
    (b"", b'{"note": "\xe2\x80\xa8"}\n', b'{"note": "\\ud83d"}\n'),
]


@pytest.mark.parametrize(("head", "old", "new"), OLD_AND_NEW)
def test_a_later_run_adds_what_is_not_there(
    head: bytes, old: bytes, new: bytes, tmp_path: Path
) -> None:
    """The header is written once, and so is each row, whatever happened to it this time."""
    once = failed(head + old, tmp_path)

    assert once == failed(head + old, tmp_path, reason="refused in an earlier run")

    both = failed(head + old + new, tmp_path)

    assert both.startswith(once)
    assert len(both) > len(once)
    assert both == failed(head + old + new, tmp_path)


def test_a_file_that_was_edited_is_added_to(tmp_path: Path) -> None:
    """What somebody wrote into it stays, and other line ends do not make rows others."""
    content = b"phone\n+65\n"
    edited = failed(content, tmp_path).replace(b"\n", b"\r\n") + b"a note\r\n{\r\n"
    (tmp_path / "failed").write_bytes(edited)

    assert edited == failed(content, tmp_path)


def test_notes_between_lines_of_json_stay(tmp_path: Path) -> None:
    """A file of failed rows that holds more than such rows is added to as well."""
    notes = b"\n[1]\na note\n" + b"[" * 100_000 + b"\n"
    content = b'{"phone": "+65"}\n'
    (tmp_path / "failed").write_bytes(notes)

    assert failed(content, tmp_path).startswith(notes + b'{"phone": "+65", ')


def test_the_file_is_a_list_again(tmp_path: Path) -> None:
    """Corrected, it can be sent as it is."""
    content = failed(b"phone;name\n+6591234567;Ada\nnobody;Bob\n", tmp_path)

    assert (1, 1) == (
        findings_of(content, tmp_path).good,
        findings_of(content, tmp_path).bad,
    )
    with sheet_of(content.replace(b"nobody", b"+6591234568"), tmp_path) as sheet:
        assert 2 == check(sheet, Checker(NAMES, phone)).good
