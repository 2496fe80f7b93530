"""Rows that were not sent, written down."""

from pathlib import Path

import pytest

from cli.bulk.lists import NAMES, findings_of, sheet_of
from engagelab_async.cli.bulk.checks import Checker, check, phone
from engagelab_async.cli.bulk.failed_rows import writing

BLACKLISTED = '"error_code": "5013", "error_reason": "blacklisted"'


def failed(content: bytes, tmp_path: Path, *, times: int = 1) -> bytes:
    """Write all rows of a list down as failed."""
    path = tmp_path / "failed"
    for _ in range(times):
        with sheet_of(content, tmp_path) as sheet, writing(path, sheet) as writer:
            for row in sheet.rows():
                writer.write(row, "5013", "blacklisted")
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


@pytest.mark.parametrize("content", [b"phone,name\n+65,Ada\n", b'{"phone": "+65"}\n'])
def test_a_later_run_adds_to_the_file(content: bytes, tmp_path: Path) -> None:
    """The header is written once."""
    once = failed(content, tmp_path).splitlines()
    (tmp_path / "failed").unlink()

    assert [*once, once[-1]] == failed(content, tmp_path, times=2).splitlines()


def test_the_file_is_a_list_again(tmp_path: Path) -> None:
    """Corrected, it can be sent as it is."""
    content = failed(b"phone;name\n+6591234567;Ada\nnobody;Bob\n", tmp_path)

    assert (1, 1) == (
        findings_of(content, tmp_path).good,
        findings_of(content, tmp_path).bad,
    )
    with sheet_of(content.replace(b"nobody", b"+6591234568"), tmp_path) as sheet:
        assert 2 == check(sheet, Checker(NAMES, phone)).good
