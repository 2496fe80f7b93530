"""The template: its id, its language, and what is put into its variables."""

from enum import IntEnum, StrEnum
from http import HTTPStatus
from types import MappingProxyType

import pytest

from engagelab_async import SendOTP, SendSMS, Template


class Level(IntEnum):
    """A number that writes itself as a name."""

    HIGH = 3


class Channel(StrEnum):
    """A string that is more than one."""

    SMS = "sms"


class Shout(str):
    """A string that writes itself otherwise."""

    __slots__ = ()

    def __str__(self) -> str:
        return self.upper()


class TestId:
    """The template's id."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [("login", "login"), (1233, "1233"), (0, "0"), (-1, "-1"), (Level.HIGH, "3")],
    )
    def test_may_be_a_number(self, given: str | int, expected: str) -> None:
        """A number becomes its decimal digits, also that of an enum."""
        assert expected == Template(given).id

    def test_keeps_its_zeros(self) -> None:
        """An id that is a string is left as it is."""
        assert "0042 " == Template("0042 ").id


class TestParams:
    """The values of the template's variables."""

    @pytest.mark.parametrize(
        ("given", "expected"),
        [
            ("Bob", "Bob"),
            ("", ""),
            ("  ", "  "),
            (7, "7"),
            (-7, "-7"),
            (10**30, "1" + "0" * 30),
            (Level.HIGH, "3"),
            (HTTPStatus.OK, "200"),
            (Channel.SMS, "sms"),
            ("Zoë 🎉", "Zoë 🎉"),
        ],
    )
    def test_become_strings(self, given: str | int, expected: str) -> None:
        """Strings stay, and numbers become their decimal digits."""
        assert {"name": expected} == Template("t", params={"name": given}).params

    def test_may_be_any_mapping(self) -> None:
        """A read-only mapping is taken like a dict."""
        params = MappingProxyType({"name": "Bob"})

        assert {"name": "Bob"} == Template("t", params=params).params

    def test_are_copied(self) -> None:
        """What the caller does to the dict later changes no template."""
        params: dict[str, str | int] = {"name": "Bob"}
        template = Template("t", params=params)
        params["name"] = "Eve"

        assert {"name": "Bob"} == template.params


class TestOf:
    """What the endpoint coroutines are given."""

    def test_id_with_options(self) -> None:
        """An id, a language and params make a template."""
        template = Template.of("t", language="en", params={"n": 1})

        assert Template("t", "en", {"n": "1"}) == template

    def test_whole_template(self) -> None:
        """A template is taken as it is."""
        template = Template("t", "en")

        assert template is Template.of(template)

    def test_operations_take_an_id(self) -> None:
        """An operation makes its template out of an id."""
        assert SendOTP("+6591234567", Template("42")) == SendOTP("+6591234567", 42)
        assert SendSMS("+6591234567", Template("42")) == SendSMS("+6591234567", "42")


def test_strings_may_be_of_a_subclass() -> None:
    """A string of a subclass is taken for what it holds, not for how it writes itself."""
    operation = SendSMS([Shout("+65a")], Shout("t"), plan_name=Shout("p"))

    assert SendSMS(["+65a"], "t", plan_name="p") == operation
