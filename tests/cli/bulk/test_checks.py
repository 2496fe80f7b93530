"""What can be sent, and what is wrong with the rest."""

import json
from pathlib import Path

import pytest

from engagelab_async.cli.bulk.checks import (
    SHOWN,
    Checker,
    Columns,
    Item,
    check,
    phone,
    phone_or_email,
    sendable,
    unsendable,
)
from engagelab_async.cli.bulk.source import SourceError
from support.lists import NAMES, csv_of, findings_of, numbers, sheet_of

CHECKER = Checker(NAMES, phone)
NO_NUMBER = "not a phone number with its country code"


@pytest.mark.parametrize(
    "text",
    [
        "+6591234567",
        "6591234567",
        "0065 9123 4567",
        " +65 9123-4567 ",
        "(65) 9123.4567",
        "+65\u00a09123\u20114567",
        "\u202a+6591234567\u202c",
    ],
)
def test_a_number_has_one_spelling(text: str) -> None:
    """Whatever stands between its digits, and in front of them, it is the same number."""
    assert "+6591234567" == phone(text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("nobody", "not a phone number"),
        ("+6591234567890123", "not a phone number"),
        ("+65912345six", "not a phone number"),
        ("\u0661\u0662\u0663\u0664\u0665\u0666\u0667", "not a phone number"),
        ("6.59E+09", "a spreadsheet has rounded the number"),
        ("6,59123e9", "a spreadsheet has rounded the number"),
        ("091234567", "begins with 0; write \\+ and the country code"),
        ("+006591234567", "begins with 0"),
        ("+44 (0)20 7946 0000", "leave out the \\(0\\)"),
    ],
)
def test_what_is_no_number(text: str, problem: str) -> None:
    """It is told what is wrong, and not what was written."""
    with pytest.raises(ValueError, match=problem) as caught:
        phone(text)

    assert text.strip("+") not in str(caught.value)


def test_where_email_is_allowed() -> None:
    """An address is taken as it is, and a number as a number."""
    assert "ada@example.com" == phone_or_email(" ada@example.com ")
    assert "+6591234567" == phone_or_email("65 9123 4567")


@pytest.mark.parametrize("text", ["ada@", "@example.com", "ada@example", "a b@example.com"])
def test_what_is_no_email(text: str) -> None:
    """Half an address is none."""
    with pytest.raises(ValueError, match="not an email address"):
        phone_or_email(text)


def test_a_good_list(tmp_path: Path) -> None:
    """All rows become items, with recipients in their one spelling."""
    content = csv_of("65 9123 4567,Ada", "+6591234568,Bob")

    with sheet_of(content, tmp_path) as sheet:
        findings = check(sheet, CHECKER)
        items = list(sendable(sheet, CHECKER, findings))
        problems = list(unsendable(sheet, CHECKER, findings))

    assert (2, 2, 0) == (findings.rows, findings.good, findings.bad)
    assert [("+6591234567", {"name": "Ada"}), ("+6591234568", {"name": "Bob"})] == [
        (item.to, item.params) for item in items
    ]
    assert [] == problems


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (
            {"phone": "nobody", "name": "Ada"},
            f"phone: {NO_NUMBER}",
        ),
        ({"phone": "+6591234567"}, "name: missing"),
        ({"phone": "+6591234567", "name": None}, "name: missing"),
        ({"phone": "+6591234567", "name": " "}, "name: empty"),
        ({"phone": "", "name": "Ada"}, "phone: empty"),
        ({"phone": "+6591234567", "name": True}, "name: neither a string nor an integer"),
        ({"phone": "+6591234567", "name": 1.5}, "name: neither a string nor an integer"),
        ({"phone": "+6591234567", "name": "\ud800"}, "name: holds half a character"),
    ],
)
def test_a_bad_row_is_told_with_its_line(
    row: dict[str, object], problem: str, tmp_path: Path
) -> None:
    """The column is named and what stands in it is not."""
    good = {"phone": 6591234568, "name": 7}
    content = f"{json.dumps(good)}\n{json.dumps(row)}\n".encode()

    findings = findings_of(content, tmp_path)

    assert (1, 1) == (findings.good, findings.bad)
    assert [(2, problem)] == [(each.row.line, each.text) for each in findings.problems]


def test_a_row_of_its_own_problem(tmp_path: Path) -> None:
    """What is wrong with the row as such is told as it is."""
    assert ["1 fields instead of 2"] == [
        each.text for each in findings_of(csv_of("1"), tmp_path).problems
    ]


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (('+6591234567,"Ada', "+6591234568,Bob", '+6591234569,Zoe"'), "name: spans lines 2 to 4"),
        (('"+6591234567', '",Ada'), "phone: spans lines 2 to 3"),
    ],
)
def test_what_is_sent_stands_in_one_line(
    lines: tuple[str, ...], problem: str, tmp_path: Path
) -> None:
    """Two stray quotes make one text of several people's rows, and each of them counts."""
    findings = findings_of(csv_of(*lines, "+6591234560,Cy"), tmp_path)

    assert [problem] == [each.text for each in findings.problems]
    assert (1, len(lines), 0) == (findings.good, findings.bad, findings.hidden)


def test_what_is_not_sent_may_have_lines(tmp_path: Path) -> None:
    """An address in a column that nobody reads is no problem, nor a text that JSON breaks."""
    address = csv_of('+6591234567,Ada,"1 Main St', 'Springfield"', header="phone,name,address")

    assert (1, 0) == (findings_of(address, tmp_path).good, findings_of(address, tmp_path).bad)
    assert 1 == findings_of(b'{"phone": "+6591234567", "name": "A\\nda"}\n', tmp_path).good


def test_the_same_twice_is_sent_once(tmp_path: Path) -> None:
    """A row that tells somebody the same as an earlier one is bad; something else is not."""
    content = csv_of("+6591234567,Ada", "65 9123 4567,Ada", "+6591234567,Bob")

    findings = findings_of(content, tmp_path)

    assert [(3, "the same as line 2")] == [(each.row.line, each.text) for each in findings.problems]


def test_what_is_told_is_compared_column_by_column(tmp_path: Path) -> None:
    """The same characters in other columns are another text."""
    rows = (
        {"phone": "+6591234567", "a": "x\0y", "b": "z"},
        {"phone": "+6591234567", "a": "x", "b": "y\0z"},
    )
    content = "\n".join(map(json.dumps, rows)).encode()

    assert 2 == findings_of(content, tmp_path, Columns("phone", {"a": "a", "b": "b"})).good


def test_many_bad_rows_are_counted_and_few_are_kept(tmp_path: Path) -> None:
    """Problems to show are bounded; all of them can be read again, and the good rows too."""
    bad = [f"{number},Ada" for number in numbers(2) for _ in range(SHOWN)]
    content = csv_of(*bad, "nobody,Bob")

    with sheet_of(content, tmp_path) as sheet:
        findings = check(sheet, CHECKER)
        items = list(sendable(sheet, CHECKER, findings))
        problems = list(unsendable(sheet, CHECKER, findings))

    assert (2, 2 * SHOWN - 1, SHOWN) == (findings.good, findings.bad, len(findings.problems))
    assert [2, 2 + SHOWN] == [item.row.line for item in items]
    assert [
        "the same as another row",
        f"phone: {NO_NUMBER}",
    ] == [problem.text for problem in problems[-2:]]
    assert findings.bad == len(problems)


def test_a_list_that_changes_meanwhile_is_not_sent_on(tmp_path: Path) -> None:
    """A row that was good when it was checked and is not any longer ends the reading."""
    with sheet_of(csv_of("+6591234567,Ada", "+6591234568,Bob"), tmp_path) as sheet:
        findings = check(sheet, CHECKER)
        (tmp_path / "list").write_bytes(csv_of("+6591234567,Ada", "nobody,Bob"))
        found = sendable(sheet, CHECKER, findings)

        assert isinstance(next(found), Item)
        with pytest.raises(SourceError, match="it was changed meanwhile"):
            next(found)


def test_columns_have_to_be_there(tmp_path: Path) -> None:
    """A CSV without a column is refused, naming those that it has, unless they are numbers."""
    with sheet_of(b"+6591234567,Ada\n", tmp_path) as sheet:
        with pytest.raises(SourceError, match="no column 'phone', but …, …; see --to-column"):
            NAMES.require_in(sheet)
        Columns("Ada", {}).require_in(sheet)


def test_json_lines_have_their_own_columns(tmp_path: Path) -> None:
    """Whether a key is there is a question of each row."""
    with sheet_of(b'{"a": 1}\n', tmp_path) as sheet:
        NAMES.require_in(sheet)
