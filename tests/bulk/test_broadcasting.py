"""One text to many: how numbers are read, grouped and refused."""

import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async import SendSMS, Template, broadcast
from engagelab_async.bulk.broadcasting import (
    InvalidRecipient,
    Recipient,
    RecipientCheck,
    check_recipients,
)
from support.bulk import one_by_one

NUMBER = "+6591234567"


def numbers(count: int) -> list[str]:
    """Return so many phone numbers."""
    return [f"+65{90000000 + index}" for index in range(count)]


class TestGrouping:
    """Which numbers share an operation."""

    def test_fills_operations(self) -> None:
        """Each has as many numbers as asked for, the last one what is left, in order."""
        operations = list(broadcast(numbers(450), "1233"))

        assert [200, 200, 50] == [len(operation.to) for operation in operations]
        assert tuple(numbers(450)) == sum((operation.to for operation in operations), ())

    def test_sends_to_nobody_twice(self) -> None:
        """A number is taken once, however it is written."""
        (operation,) = broadcast([NUMBER, "65 9123 4567", "+6591234568", NUMBER], "1233")

        assert (NUMBER, "+6591234568") == operation.to

    def test_gathers_equal_params(self) -> None:
        """Recipients with equal params share an operation, wherever they stand."""
        names = ["Ada", "Bob", "Ada", "Cy", "Ada"]
        recipients = list(zip(numbers(5), ({"name": name} for name in names), strict=True))
        operations = list(
            broadcast(recipients, "1233", params={"shop": "7"}, targets_per_request=2)
        )
        every = numbers(5)

        assert [
            ((every[0], every[2]), {"shop": "7", "name": "Ada"}),
            ((every[1],), {"shop": "7", "name": "Bob"}),
            ((every[3],), {"shop": "7", "name": "Cy"}),
            ((every[4],), {"shop": "7", "name": "Ada"}),
        ] == [(each.to, each.template.params) for each in operations]

    def test_is_the_same_in_every_process(self) -> None:
        """What a journal knows the operations by does not hang on the process's hash seed."""
        program = (
            "from engagelab_async import broadcast\n"
            "from engagelab_async.bulk.identity import identity\n"
            "params = {'name': 'Ada', 'shop': '7', 'order': '1', 'day': 'Friday'}\n"
            "for each in broadcast([('+6591234567', params)], '1233', params={'x': 'y'}):\n"
            "    print(identity(each, None))"
        )
        digests = {
            subprocess.run(
                [sys.executable, "-c", program],
                env=os.environ | {"PYTHONHASHSEED": seed},
                capture_output=True,
                text=True,
                check=True,
            ).stdout
            for seed in ("1", "2", "3")
        }

        assert 1 == len(digests)

    def test_keeps_the_order_where_it_is_asked_for(self) -> None:
        """Without grouping, only neighbours share an operation."""
        recipients = list(zip(numbers(4), ({"n": n} for n in "aaba"), strict=True))
        operations = broadcast(recipients, "1233", group_by_params=False)

        assert [2, 1, 1] == [len(each.to) for each in operations]

    def test_tells_people_with_other_params_apart(self) -> None:
        """Somebody with two orders gets both messages; the same twice is one."""
        recipients: list[Recipient] = [(NUMBER, {"order": each}) for each in (1, 2, "1")]

        assert 2 == len(list(broadcast(recipients, "1233")))

    def test_takes_shared_params_and_the_same_own_for_equal(self) -> None:
        """A recipient whose own params say nothing new is no other than one without."""
        recipients: list[Recipient] = [NUMBER, (NUMBER, {}), (NUMBER, {"shop": "7"})]
        recipients.append(("+6591234568", {"shop": 7}))
        (operation,) = broadcast(recipients, "1233", params={"shop": "7"})

        assert (NUMBER, "+6591234568") == operation.to

    def test_keeps_a_bounded_number_waiting(self) -> None:
        """When everybody has params of their own, operations come out all along."""
        seen = 0

        def recipients() -> Iterator[tuple[str, dict[str, str | int]]]:
            nonlocal seen
            for index, number in enumerate(numbers(3000)):
                seen += 1
                yield number, {"n": index}

        operations = broadcast(recipients(), "1233")
        first = next(operations)

        assert {"n": "0"} == first.template.params
        assert 1001 == seen
        assert 2999 == len(list(operations))

    @given(
        count=st.integers(0, 60),
        size=st.integers(1, 7),
        kinds=st.integers(1, 5),
        grouped=st.booleans(),
    )
    def test_loses_nobody(self, count: int, size: int, kinds: int, grouped: bool) -> None:
        """Everybody is in exactly one operation, with their own params."""
        recipients = [(each, {"k": index % kinds}) for index, each in enumerate(numbers(count))]
        operations = list(
            broadcast(recipients, "1233", targets_per_request=size, group_by_params=grouped)
        )

        assert sorted((to, str(params["k"])) for to, params in recipients) == sorted(
            (to, each.template.params["k"]) for each in operations for to in each.to
        )
        assert all(len(each.to) <= size for each in operations)

    def test_passes_the_options_on(self) -> None:
        """Plan name, schedule and custom args are those of every operation."""
        soon = int(time.time()) + 3600
        first, second = broadcast(
            numbers(2),
            Template("1233", params={"a": "b"}),
            targets_per_request=1,
            plan_name="spring",
            schedule_time=soon,
            custom_args={"campaign": 7},
        )

        assert (
            SendSMS(
                numbers(1), Template("1233", params={"a": "b"}), "spring", soon, {"campaign": 7}
            )
            == first
        )
        assert (numbers(2)[1],) == second.to

    @pytest.mark.asyncio
    async def test_takes_an_async_source(self) -> None:
        """Numbers may come out of a database while they are sent."""

        async def source() -> AsyncIterator[str]:
            for number in numbers(450):
                yield number

        operations = [operation async for operation in broadcast(source(), "1233")]

        assert [200, 200, 50] == [len(operation.to) for operation in operations]

    @pytest.mark.asyncio
    async def test_begins_with_nothing(self) -> None:
        """An empty list makes no operation."""
        assert [] == list(broadcast([], "1233"))
        assert [] == [each async for each in broadcast(one_by_one([]), "1233")]  # type: ignore[arg-type]


async def collect_later(_: InvalidRecipient) -> None:
    """Collect nothing, for a caller who does not await it."""


class TestRefusal:
    """What is wrong is told by its place."""

    @pytest.mark.parametrize(
        ("recipient", "error", "text"),
        [
            ("9123", ValueError, "not a phone number with its country code"),
            (6591234567, TypeError, "expected a phone number, or a pair"),
            ((NUMBER,), TypeError, "expected a phone number, or a pair"),
            ((6591234567, {}), TypeError, "expected a phone number as a str, got int"),
            ((NUMBER, {"n": None}), TypeError, r"params\['n'\]: expected a str or an int"),
            ((NUMBER, "Ada"), TypeError, "params: expected a mapping, got str"),
        ],
    )
    def test_names_the_place(self, recipient: object, error: type[Exception], text: str) -> None:
        """The index of a bad recipient is in the text, and the number is not."""
        with pytest.raises(error, match=rf"^recipients\[2\]: {text}") as caught:
            list(broadcast([*numbers(2), recipient], "1233"))  # type: ignore[list-item]

        assert "9123" not in str(caught.value).replace(NUMBER, "")

    @pytest.mark.parametrize("recipients", [NUMBER, b"+65", {NUMBER: {}}, 5])
    def test_of_what_is_no_list(self, recipients: object) -> None:
        """A lone number is no list of its characters."""
        with pytest.raises(TypeError, match="recipients: expected an iterable"):
            broadcast(recipients, "1233")  # type: ignore[call-overload]

    @pytest.mark.parametrize("read", [broadcast, check_recipients])
    def test_of_a_data_frame(self, read: Any) -> None:  # noqa: ANN401 - of two types
        """It would be read as the names of its columns, and all of them left out."""

        class DataFrame(list[str]):
            columns = ("phone", "name")

        arguments = ("1233",) if read is broadcast else ()
        with pytest.raises(TypeError, match="got DataFrame; pass one of its columns, or its rows"):
            read(DataFrame(["phone", "name"]), *arguments)

    @pytest.mark.parametrize(
        ("options", "error", "text"),
        [
            ({"targets_per_request": 0}, ValueError, "targets_per_request: must be at least 1"),
            ({"targets_per_request": "9"}, TypeError, "targets_per_request: expected an int"),
            ({"plan_name": ""}, ValueError, "plan_name: must not be empty"),
            ({"params": 5}, TypeError, "params: expected a mapping, got int"),
            ({"schedule_time": 5}, ValueError, "schedule_time: must be at least 3 minutes ahead"),
            ({"country": "Singapore"}, ValueError, "country: expected an ISO 3166 code"),
            ({"country": ["SG"]}, ValueError, "country: expected an ISO 3166 code"),
            ({"on_invalid": []}, TypeError, "on_invalid: expected a function, got list"),
            ({"on_invalid": collect_later}, TypeError, "on_invalid: expected a plain function"),
        ],
    )
    def test_of_options_comes_at_once(
        self, options: Mapping[str, Any], error: type[Exception], text: str
    ) -> None:
        """They are checked before the first number is taken."""
        with pytest.raises(error, match=text):
            broadcast(iter([]), "1233", **options)

    @pytest.mark.asyncio
    async def test_may_be_collected(self) -> None:
        """Recipients that cannot be sent to are handed over, and the others are sent to."""
        ada, bob = numbers(2)
        recipients: list[Any] = [
            ada,
            "nobody",
            (bob, {"n": None}),
            float("nan"),
            None,
            (bob, "Bob", 1),
            bob,
        ]
        expected = [
            (1, "not a phone number with its country code"),
            (2, "params['n']: expected a str or an int, got None"),
            (3, "expected a phone number, or a pair of a number and its params, got float"),
            (4, "expected a phone number, or a pair of a number and its params, got None"),
            (5, "expected a phone number, or a pair of a number and its params, got a tuple of 3"),
        ]
        bad: list[InvalidRecipient] = []
        later: list[InvalidRecipient] = []

        async def source() -> AsyncIterator[Any]:
            for recipient in recipients:
                yield recipient

        (at_once,) = broadcast(recipients, "1233", on_invalid=bad.append)
        (by_and_by,) = [each async for each in broadcast(source(), "1233", on_invalid=later.append)]

        assert (ada, bob) == at_once.to == by_and_by.to
        assert expected == [(each.index, each.reason) for each in bad]
        assert expected == [(each.index, each.reason) for each in later]
        assert ("nobody", (bob, {"n": None})) == (bad[0].recipient, bad[1].recipient)
        assert "nobody" not in repr(bad[0])


class TestCountry:
    """Local numbers."""

    def test_is_that_of_all_numbers_without_a_code(self) -> None:
        """The same number is one, with its code and without."""
        (operation,) = broadcast(["9123 4567", NUMBER, "+60123456789"], "1233", country="SG")

        assert (NUMBER, "+60123456789") == operation.to

    def test_of_numbers_with_params(self) -> None:
        """Those are read alike."""
        (operation,) = broadcast([("91234567", {"n": 1})], "1233", country="sg")

        assert (NUMBER,) == operation.to


class TestCheck:
    """Recipients that are looked at, and not sent to."""

    def test_counts_and_collects(self) -> None:
        """What is valid, what stands there twice, and what is neither."""
        recipients: list[Any] = [NUMBER, "9123 4567", (NUMBER, {"n": 1}), "nobody", None]
        found = check_recipients(recipients, country="SG")

        assert (
            RecipientCheck(
                2,
                1,
                (
                    InvalidRecipient(3, "not a phone number", "nobody"),
                    InvalidRecipient(
                        4,
                        "expected a phone number, or a pair of a number and its params, got None",
                        None,
                    ),
                ),
            )
            == found
        )

    @pytest.mark.parametrize("recipients", [NUMBER, 5, one_by_one([])])
    def test_of_what_is_no_list(self, recipients: object) -> None:
        """An async source is not read here."""
        with pytest.raises(TypeError, match="recipients: expected an iterable"):
            check_recipients(recipients)  # type: ignore[arg-type]
