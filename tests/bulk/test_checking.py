"""From rows to items, and what is wrong with the others."""

import json
from collections.abc import Mapping

import pytest

from engagelab_async.bulk.checking import (
    SHOWN,
    CheckedList,
    Normalizer,
    Variables,
    fill,
)
from engagelab_async.bulk.numbers import normalize_number, normalize_recipient
from support.lists import csv_of, numbers, people_of

NO_NUMBER = "not a phone number with its country code"


def checked_of(
    content: bytes,
    columns: Mapping[str, str] | None = None,
    *,
    normalize: Normalizer = normalize_number,
    once_per_person: bool = False,
) -> CheckedList:
    """Check a list; by default the column "name" fills the variable."""
    variables = Variables({"name": "name"} if columns is None else columns)
    return CheckedList(
        people_of(content), "phone", variables, normalize, once_per_person=once_per_person
    )


def problems_of(content: bytes) -> list[tuple[int, str]]:
    """Check a list, and return the lines and reasons of its bad rows."""
    return [(bad.line, bad.reason) for bad in checked_of(content).problems]


def counts_of(checked: CheckedList) -> tuple[int, int, int, int]:
    """Return the counts of rows: all, good, bad, repeated."""
    return checked.rows, checked.good, checked.bad, checked.repeated


def test_a_good_list() -> None:
    """All rows become items, with recipients in their one spelling."""
    checked = checked_of(csv_of("65 9123 4567,Ada", "+6591234568,Bob"))

    assert (2, 2, 0, 0) == counts_of(checked)
    assert [("+6591234567", {"name": "Ada"}), ("+6591234568", {"name": "Bob"})] == [
        (item.to, item.params) for item in checked.items()
    ]
    assert [] == list(checked.bad_rows())


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ({"phone": "nobody", "name": "Ada"}, f"phone: {NO_NUMBER}"),
        ({"phone": "+6591234567"}, "name: missing"),
        ({"phone": "+6591234567", "name": None}, "name: missing"),
        ({"phone": "+6591234567", "name": " "}, "name: empty"),
        ({"phone": "", "name": "Ada"}, "phone: empty"),
        (
            {"phone": "+6591234567", "name": True},
            "name: neither a string nor an integer; write it as a string",
        ),
        ({"phone": "+6591234567", "name": "\ud800"}, "name: holds half a character"),
        ({"phone": "+6591234567", "name": "A\0da"}, "name: holds U+0000 CONTROL CHARACTER"),
    ],
)
def test_a_bad_row_has_its_line(row: dict[str, object], problem: str) -> None:
    """The column is named, and its value is not."""
    good = {"phone": 6591234568, "name": 7}

    assert [(2, problem)] == problems_of(f"{json.dumps(good)}\n{json.dumps(row)}\n".encode())


def test_a_row_that_is_no_row() -> None:
    """What is wrong with the row as such comes from the list."""
    assert [(2, "1 fields instead of 2")] == problems_of(csv_of("1"))


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (('+6591234567,"Ada', "+6591234568,Bob", '+6591234569,Zoe"'), "name: spans lines 2 to 4"),
        (('"+6591234567', '",Ada'), "phone: spans lines 2 to 3"),
    ],
)
def test_what_is_sent_is_in_one_line(lines: tuple[str, ...], problem: str) -> None:
    """Two stray quotes make one value of several rows, and each of these counts."""
    checked = checked_of(csv_of(*lines, "+6591234560,Cy"))

    assert [problem] == [bad.reason for bad in checked.problems]
    assert (1, len(lines), 0) == (checked.good, checked.bad, checked.hidden)


def test_what_is_not_sent_may_have_lines() -> None:
    """A line break in a column that is not sent is no problem, nor one in JSON."""
    address = csv_of('+6591234567,Ada,"1 Main St', 'Springfield"', header="phone,name,address")

    assert (1, 1, 0, 0) == counts_of(checked_of(address))
    assert 1 == checked_of(b'{"phone": "+6591234567", "name": "A\\nda"}\n').good


def test_equal_rows_are_sent_once() -> None:
    """A row that says the same to the same person is bad; one that says something else is not."""
    content = csv_of("+6591234567,Ada", "65 9123 4567,Ada", "+6591234567,Bob", "+6591234567,Bob")

    assert [(3, "the same as line 2"), (5, "the same as line 4")] == problems_of(content)


def test_values_are_compared_column_by_column() -> None:
    """The same characters in other columns are another text."""
    header = "phone,a,b"
    content = csv_of("+6591234567,x y,z", "+6591234567,x,y z", header=header)

    assert 2 == checked_of(content, {"a": "a", "b": "b"}).good


def test_equal_values_may_differ_in_blanks_at_the_end() -> None:
    """Which nobody can see in a message."""
    assert [(3, "the same as line 2")] == problems_of(csv_of("+6591234567,Ada", "+6591234567,Ada "))


def test_addresses_differ_in_more_than_case() -> None:
    """An email address in capital letters is the same person."""
    content = csv_of("ada@example.com,Ada", "Ada@Example.COM,Ada")

    checked = checked_of(content, normalize=normalize_recipient)

    assert ["the same as line 2"] == [bad.reason for bad in checked.problems]


def test_people_in_several_rows_are_counted() -> None:
    """They are people, not rows; equal rows do not count."""
    ada, bob, eve = numbers(3)
    content = csv_of(
        f"{ada},1", f"{ada},2", f"{ada},3", f"{bob},1", f"{bob},2", f"{eve},1", f"{eve},1"
    )

    checked = checked_of(content)

    assert (3, 2) == (checked.people, checked.people_repeated)
    assert (7, 6, 1, 0) == counts_of(checked)


def test_once_per_person_keeps_the_first_row() -> None:
    """The others are left out and counted, and are not bad."""
    ada, bob = numbers(2)
    content = csv_of(f"{ada},1", f"{bob},2", f"{ada},3", f"{ada},1", "nobody,4")
    checked = checked_of(content, once_per_person=True)

    assert (5, 2, 1, 2) == counts_of(checked)
    assert (2, 0) == (checked.people, checked.people_repeated)
    assert [(ada, "1"), (bob, "2")] == [(item.to, item.params["name"]) for item in checked.items()]
    assert [6] == [bad.line for bad in checked.bad_rows()]


def test_many_bad_rows_are_counted_and_few_are_kept() -> None:
    """All of them can be read again, each with its reason, and the good rows too."""
    bad = [f"{number},Ada" for number in numbers(2) for _ in range(SHOWN)]
    checked = checked_of(csv_of(*bad, "nobody,Bob"))
    problems = list(checked.bad_rows())

    assert (2, 2 * SHOWN - 1, SHOWN) == (checked.good, checked.bad, len(checked.problems))
    assert [2, 2 + SHOWN] == [item.row.line for item in checked.items()]
    assert [f"the same as line {2 + SHOWN}", f"phone: {NO_NUMBER}"] == [
        bad.reason for bad in problems[-2:]
    ]
    assert checked.bad == len(problems)


def test_once_per_person_among_many_bad_rows() -> None:
    """A row that is left out on request is not written with the bad ones."""
    ada = numbers(1)[0]
    content = csv_of(f"{ada},1", f"{ada},2", *["nobody,Bob"] * (SHOWN + 1))
    checked = checked_of(content, once_per_person=True)

    assert [*range(4, SHOWN + 5)] == [bad.line for bad in checked.bad_rows()]


# ------------------------------------------------------------------------------- variables


def test_what_is_given_comes_first() -> None:
    """Then columns of the variables' names, then presets, and the rest is missing."""
    people = people_of(b"phone,name,shop,order\n")
    given = Variables({"name": "shop"}, {"order": "7"})

    found = fill(["name", "order", "shop", "ttl", "city"], ["ttl"], people, "phone", given)

    assert {"name": "shop", "shop": "shop"} == found.columns
    assert ({"order": "7"}, ("city",), False) == (
        found.constants,
        found.missing,
        found.may_be_empty,
    )


def test_a_column_fills_a_preset_too() -> None:
    """As a param of its name overrides what the platform fills in."""
    people = people_of(b"phone,ttl\n")

    assert {"ttl": "ttl"} == fill(["ttl"], ["ttl"], people, "phone", Variables({})).columns


def test_without_a_text_all_columns_are_sent() -> None:
    """Those that can be variables, and not those of a file of failed rows."""
    people = people_of(b"phone,name,First name,error_code,error_reason,error_line\n1,,,,,\n")

    found = fill(None, [], people, "phone", Variables({}))

    assert ({"name": "name"}, True) == (found.columns, found.may_be_empty)


def test_without_a_text_what_is_given_is_sent_alone() -> None:
    """It is known then what the template needs."""
    people = people_of(b"phone,name,shop\n")

    found = fill(None, [], people, "phone", Variables({"n": "name"}))

    assert ({"n": "name"}, False) == (found.columns, found.may_be_empty)


def test_an_empty_value_may_be_one_that_is_not_needed() -> None:
    """If the text is not known, an empty field is sent as it is."""
    people = people_of(csv_of("+6591234567,"))
    variables = Variables({"name": "name"}, may_be_empty=True)
    checked = CheckedList(people, "phone", variables, normalize_number)

    assert [{"name": ""}] == [item.params for item in checked.items()]
