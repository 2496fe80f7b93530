"""From rows to requests, and back."""

from collections.abc import Iterable, Mapping

from engagelab_async import SendCustomMessage, SendSMS, Template
from engagelab_async.bulk.checking import Item
from engagelab_async.bulk.lists import Row
from engagelab_async.bulk.numbers import normalize_number
from engagelab_async.cli.bulk.requests import InFlight, Kind
from support.lists import numbers


def sms(to: tuple[str, ...], params: Mapping[str, str]) -> SendSMS:
    """Make an SMS."""
    return SendSMS(to, Template("7", None, params))


def items(names: Iterable[str]) -> list[Item]:
    """Make items with these names."""
    listed = list(names)
    return [
        Item(Row(line, {}, ""), number, {"name": name})
        for line, (number, name) in enumerate(
            zip(numbers(len(listed)), listed, strict=True), start=2
        )
    ]


def lines_of(names: Iterable[str], size: int) -> list[list[int]]:
    """Return which lines share a request."""
    found = Kind(sms, normalize_number, size).requests(items(names))
    return [[item.row.line for item in request.items] for request in found]


def test_one_row_a_request() -> None:
    """By default no request is shared, and the order is that of the list."""
    assert [[2], [3], [4]] == lines_of("AAB", 1)


def test_rows_with_equal_variables_share_requests() -> None:
    """Wherever they stand, as many as are allowed to, and what is left goes in the end."""
    assert [[2, 4], [3, 6], [5, 7], [8]] == lines_of("ABAABAB", 2)


def test_grouping_is_the_same_every_time() -> None:
    """A journal knows requests by their recipients, so they must not vary."""
    names = "ABCABCAAABBC" * 10

    assert lines_of(names, 4) == lines_of(names, 4)


def test_rows_do_not_wait_for_others_for_ever() -> None:
    """With many different texts, the oldest group goes although it is not full."""
    kind = Kind(sms, normalize_number, 3, most_waiting=3)

    found = [[item.row.line for item in each.items] for each in kind.requests(items("ABCAD"))]

    assert [[2, 5], [3], [4], [6]] == found


def test_requests_hold_what_their_rows_say() -> None:
    """All recipients of a group, and the variables that they share."""
    (request,) = Kind(sms, normalize_number, 5).requests(items("AAA"))

    assert sms(tuple(numbers(3)), {"name": "A"}) == request.operation


def test_rows_are_found_by_the_place_of_their_request() -> None:
    """Whatever the order in which requests come to their end."""
    in_flight = InFlight(Kind(sms, normalize_number, 2).requests(items("AAAA")))
    first, second = in_flight.operations()

    assert [4, 5] == [item.row.line for item in in_flight.pop(1, second)]
    assert [2, 3] == [item.row.line for item in in_flight.pop(0, first)]


def test_parts_of_a_request_have_their_own_rows() -> None:
    """A request that was divided comes to its end part by part."""
    to = tuple(numbers(3))
    in_flight = InFlight(Kind(sms, normalize_number, 3).requests(items("AAA")))
    list(in_flight.operations())

    assert [3] == [item.row.line for item in in_flight.pop(0, sms(to[1:2], {}))]
    assert [2, 4] == [item.row.line for item in in_flight.pop(0, sms((to[0], to[2]), {}))]


def test_a_single_recipient_is_a_single_row() -> None:
    """Custom messages have one recipient, which is no tuple."""
    kind = Kind(
        lambda to, params: SendCustomMessage(to[0], Template("7", None, params)), normalize_number
    )
    in_flight = InFlight(kind.requests(items("A")))
    (operation,) = in_flight.operations()

    assert [2] == [item.row.line for item in in_flight.pop(0, operation)]
