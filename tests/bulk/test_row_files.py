"""Files of rows that were not sent."""

from pathlib import Path

import pytest

from engagelab_async.bulk.checking import CheckedList, Variables
from engagelab_async.bulk.numbers import normalize_number
from engagelab_async.bulk.row_files import OtherFormatError, row_writer
from support.lists import people_of


def blacklisted(line: int) -> str:
    """Return the keys that a JSON row gets."""
    return f'"error_code": "5013", "error_reason": "blacklisted", "error_line": {line}'


def failed(content: bytes, tmp_path: Path, *, reason: str = "blacklisted") -> bytes:
    """Write all rows of a list as failed."""
    path = tmp_path / "failed"
    people = people_of(content)
    with row_writer(path, people) as writer:
        for row in people:
            writer.write(row, "5013", reason)
    return path.read_bytes()


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (
            b"phone,name\n+65,Ada\n",
            b"phone,name,error_code,error_reason,error_line\n+65,Ada,5013,blacklisted,2\n",
        ),
        (
            b'phone;name\r\n+65;"A;da"\r\n',
            b'phone;name;error_code;error_reason;error_line\n+65;"A;da";5013;blacklisted;2\n',
        ),
        (
            b"\xef\xbb\xbfphone\n+65\n",
            b"\xef\xbb\xbfphone,error_code,error_reason,error_line\n+65,5013,blacklisted,2\n",
        ),
        (
            "phone,name\n+65,Zoë\n".encode("utf-16"),
            "\ufeffphone,name,error_code,error_reason,error_line\n+65,Zoë,5013,blacklisted,2\n".encode(),
        ),
        (
            b"phone,error_code,error_reason,name\n+65,1,old,Ada\n",
            b"phone,name,error_code,error_reason,error_line\n+65,Ada,5013,blacklisted,2\n",
        ),
        (
            b"phone,name,,\n+65,Ada,,\n+66,Bob\n",
            (
                b"phone,name,error_code,error_reason,error_line\n"
                b"+65,Ada,5013,blacklisted,2\n"
                b"+66,Bob,5013,blacklisted,3\n"
            ),
        ),
        (
            b"phone,name\n+65,\xff\n+65\n",
            (
                b"phone,name,error_code,error_reason,error_line\n"
                b"+65,\xff,5013,blacklisted,2\n"
                b"+65,5013,blacklisted,3\n"
            ),
        ),
        (
            b'phone,name\n+65,"Ada\r\n\n+66,"Bob"\n+67,Cy\n',
            (
                b"phone,name,error_code,error_reason,error_line\n"
                b'+65,"Ada,5013,blacklisted,2\n'
                b'+66,"Bob",5013,blacklisted,4\n'
                b"+67,Cy,5013,blacklisted,5\n"
            ),
        ),
        (
            b'phone,error_code,error_reason\n"+65,1,old\n+66,1,old',
            b'phone,error_code,error_reason,error_line\n"+65,1,old\n+66,1,old\n',
        ),
        (
            '{"phone": "+65", "name": "Zoë"}\n'.encode(),
            f'{{"phone": "+65", "name": "Zo\\u00eb", {blacklisted(1)}}}\n'.encode(),
        ),
        (
            b'[{"phone": "+65"},\n {"phone":\n "+66"}]\n',
            (
                f'{{"phone": "+65", {blacklisted(1)}}}\n{{"phone": "+66", {blacklisted(2)}}}\n'
            ).encode(),
        ),
        (
            '{"phone": 1}\n{bad "Zoë"\n'.encode() + b"\xff\n",
            (
                f'{{"phone": 1, {blacklisted(1)}}}\n'
                f'{{"error_source": "{{bad \\"Zo\\u00eb\\"", {blacklisted(2)}}}\n'
                f'{{"error_source": "\\udcff", {blacklisted(3)}}}\n'
            ).encode(),
        ),
        (
            b'{"phone": "+65", "note": "\\ud83d"}\n',
            f'{{"phone": "+65", "note": "\\ud83d", {blacklisted(1)}}}\n'.encode(),
        ),
        (
            b'{"error_line": "{broken", "error_code": "", "error_reason": "not JSON"}\n',
            f'{{"error_source": "{{broken", {blacklisted(1)}}}\n'.encode(),
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
    (b'{"phone": "+64"}\n', b"{broken\n", b"{also broken\n"),
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


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_a_file_that_was_edited_is_added_to(tmp_path: Path, ends: bytes) -> None:
    """What was written into it stays, and other line ends do not make rows others."""
    content = b"phone\n+65\n"
    edited = failed(content, tmp_path).replace(b"\n", ends) + b"a note\n{\n"
    (tmp_path / "failed").write_bytes(edited)

    assert edited == failed(content, tmp_path)


def test_another_row_may_get_the_number_of_a_line(tmp_path: Path) -> None:
    """In a list from which rows were deleted, a number stands for another row, which is written."""
    once = failed(b"phone\n+65\n+66\n", tmp_path)

    assert once + b"+66,5013,blacklisted,2\n" == failed(b"phone\n+66\n", tmp_path)


def test_notes_between_lines_of_json_stay(tmp_path: Path) -> None:
    """A file that holds more than rows is added to as well."""
    notes = b"\n[1]\na note\n" + b"[" * 100_000 + b"\n"
    content = b'{"phone": "+65"}\n'
    (tmp_path / "failed").write_bytes(notes)

    assert failed(content, tmp_path).startswith(notes + b'{"phone": "+65", ')


@pytest.mark.parametrize(
    "there",
    [
        b"phone,error_code,error_reason\n+65,3002,no\n",  # of version 0.1
        b"phone,name,error_code,error_reason,error_line\n",
        b"my notes\n",
    ],
)
def test_a_file_with_other_columns_is_left_alone(there: bytes, tmp_path: Path) -> None:
    """Rows of other columns would make it unreadable."""
    (tmp_path / "failed").write_bytes(there)

    with pytest.raises(OtherFormatError):
        failed(b"phone\n+65\n", tmp_path)
    assert there == (tmp_path / "failed").read_bytes()


def test_an_empty_file_gets_a_header(tmp_path: Path) -> None:
    """As one has that a killed run had just made."""
    once = failed(b"phone\n+65\n", tmp_path)
    (tmp_path / "failed").write_bytes(b"")

    assert once == failed(b"phone\n+65\n", tmp_path)


def test_the_file_is_a_list_again(tmp_path: Path) -> None:
    """Corrected, it can be sent as it is."""
    content = failed(b"phone;name\n+6591234567;Ada\nnobody;Bob\n", tmp_path)
    checked = [
        CheckedList(people_of(each), "phone", Variables({"name": "name"}), normalize_number)
        for each in (content, content.replace(b"nobody", b"+6591234568"))
    ]

    assert [(1, 1), (2, 0)] == [(each.good, each.bad) for each in checked]
