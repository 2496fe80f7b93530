"""What an endpoint says of its operation, and where each field of an operation goes."""

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, ClassVar

import pytest
from attrs import field, frozen

from engagelab_async import Credentials, Endpoint, EngageLab, Operation, wire
from engagelab_async.bulk.identity import identity
from engagelab_async.operation import Effect, Separator
from engagelab_async.testing import FakeEngageLab
from engagelab_async.testing.calls import Call
from support.scripted_engine import ScriptedEngine, answer


@frozen
class Echo:
    """What was asked."""

    from_: str


def endpoint_of(**facts: Any) -> Endpoint:  # noqa: ANN401 - any facts
    """Make an endpoint of a read, with some facts of one's own."""
    usual = {"name": "sms.echo", "product": "sms", "method": "GET", "path": "/v1/echo"}
    return Endpoint(**{**usual, "result": Echo, "effect": "read", **facts})


@frozen
class GetEcho(Operation[Echo]):
    """A read with a query."""

    endpoint: ClassVar[Endpoint] = endpoint_of(query=("from_", "until", "limit", "all"))

    from_: object
    until: object = None
    limit: object = None
    all: object = None


class Color(StrEnum):
    """Words that are no plain strings."""

    RED = "red"


class TestQuery:
    """Fields that go into the query."""

    def test_is_behind_the_path(self) -> None:
        """The parameters stand in the endpoint's order; a reserved word is sent as itself."""
        assert "/v1/echo?from=a&limit=7" == wire.path(GetEcho("a", limit=7))

    @pytest.mark.parametrize(
        ("value", "text"),
        [
            ("", ""),
            ("a b&c=d/é+", "a%20b%26c%3Dd%2F%C3%A9%2B"),
            ("..", ".."),
            (True, "true"),
            (False, "false"),
            (0, "0"),
            (-7, "-7"),
            (1.5, "1.5"),
            (Decimal("1.50"), "1.50"),
            (Color.RED, "red"),
            (date(2026, 11, 29), "2026-11-29"),
            (datetime(2026, 11, 29, tzinfo=UTC), "1795910400"),
        ],
        ids=repr,
    )
    def test_has_text(self, value: object, text: str) -> None:
        """Every kind of value has one form; no character of it can end the parameter."""
        assert f"/v1/echo?from={text}" == wire.path(GetEcho(value))

    def test_leaves_out_what_is_none(self) -> None:
        """Nothing was asked, so nothing is sent, not even the question mark."""
        assert "/v1/echo" == wire.path(GetEcho(None))

    @pytest.mark.parametrize("value", [{}, [1], ("a",), b"a", float("nan"), Echo("a")], ids=repr)
    def test_refuses_what_has_no_text(self, value: object) -> None:
        """What could be written in several ways is refused, by the field's name."""
        with pytest.raises(TypeError, match=r"^until: this \w+ cannot be written in a query$"):
            wire.path(GetEcho("a", until=value))

    def test_refuses_a_naive_datetime(self) -> None:
        """Nobody knows which moment it is."""
        with pytest.raises(ValueError, match=r"^from_: a datetime must be aware"):
            wire.path(GetEcho(datetime(2026, 11, 29)))  # noqa: DTZ001 - that is the fault

    def test_refuses_half_a_character(self) -> None:
        """The error does not quote the value."""
        with pytest.raises(ValueError, match=r"^from_: holds a lone surrogate") as caught:
            wire.path(GetEcho("secret\ud800"))

        assert "secret" not in str(caught.value)

    def test_joins_what_is_one_string(self) -> None:
        """A tuple with a `Separator` is one parameter; an empty one is left out."""

        @frozen
        class Lists(Operation[None]):
            endpoint: ClassVar[Endpoint] = endpoint_of(query=("codes",))

            codes: Annotated[tuple[str, ...], Separator(",")] = ()

        assert "/v1/echo?codes=CN%2CUS" == wire.path(Lists(("CN", "US")))
        assert "/v1/echo" == wire.path(Lists())

    def test_of_a_post_is_not_in_the_body(self) -> None:
        """A field goes to one place."""

        @frozen
        class Posts(Operation[None]):
            endpoint: ClassVar[Endpoint] = endpoint_of(
                method="POST", path="/v1/{id}", query=("limit",), effect="change"
            )

            id: str
            limit: int
            class_: str
            text: str = field(metadata={"json_name": "message"})

        operation = Posts("a", 7, "b", "c")

        assert "/v1/a?limit=7" == wire.path(operation)
        assert {"class": "b", "message": "c"} == json.loads(wire.encode(operation))

    def test_is_a_part_of_the_identity(self) -> None:
        """To a journal two queries are two operations."""
        assert identity(GetEcho("a"), None) != identity(GetEcho("b"), None)
        assert identity(GetEcho("a"), None) == identity(GetEcho("a"), None)

    @pytest.mark.asyncio
    async def test_reaches_the_fake(self) -> None:
        """A test sees what was asked."""
        fake = FakeEngageLab()
        async with fake.client() as engagelab:
            with pytest.raises(Exception, match="HTTP 404"):
                await engagelab.execute(GetEcho("a b", all=True))

        (call,) = fake.calls
        assert {"from": "a b", "all": "true"} == call.query
        assert "/v1/echo" == call.path
        assert "sms GET /v1/echo?from=a+b&all=true: HTTP 404, code 404" == str(call)
        assert "a b" not in repr(call)

    @pytest.mark.asyncio
    async def test_is_sent(self) -> None:
        """The answer may have a reserved word as well."""
        engine = ScriptedEngine([answer({"from": "a"})])
        async with EngageLab(sms=Credentials("k", "s"), http=engine) as engagelab:
            echo = await engagelab.execute(GetEcho("a"))

        assert Echo("a") == echo
        assert engine.requests[0].url.endswith("/v1/echo?from=a")
        assert "from=a" not in repr(engine.requests[0])


class TestPlaces:
    """A field that goes nowhere is an error as soon as the class is made."""

    @pytest.mark.parametrize("method", ["GET", "DELETE"])
    def test_lost_field(self, method: str) -> None:
        """Requests without a body have no place for it."""
        with pytest.raises(TypeError, match=rf"^Lost\.since: {method} requests have no body"):

            @frozen
            class Lost(Operation[None]):
                endpoint: ClassVar[Endpoint] = endpoint_of(method=method)

                since: str

    @pytest.mark.parametrize("where", [{"path": "/v1/{of}"}, {"query": ("of",)}], ids=str)
    @pytest.mark.parametrize("method", ["GET", "POST"])
    def test_unknown_field(self, method: str, where: dict[str, Any]) -> None:
        """The endpoint may name fields of the class only."""
        (place,) = where
        with pytest.raises(TypeError, match=f"^Wrong: the {place} names of, which is no field"):

            @frozen
            class Wrong(Operation[None]):
                endpoint: ClassVar[Endpoint] = endpoint_of(method=method, **where)

    def test_inherited_endpoint(self) -> None:
        """A class that adds a field to another's has to find a place for it."""
        with pytest.raises(TypeError, match=re.escape("More.since: GET")):

            @frozen
            class More(GetEcho):
                since: str = ""

    def test_class_to_derive_from(self) -> None:
        """Without an endpoint there is nothing to check yet."""

        @frozen
        class Part(Operation[Echo]):
            from_: str

        @frozen
        class Whole(Part):
            endpoint: ClassVar[Endpoint] = endpoint_of(query=("from",))

        assert "/v1/echo?from=a" == wire.path(Whole("a"))


@pytest.mark.parametrize("effect", ["send", "check", "change", "read"])
def test_what_follows_from_the_effect(effect: Effect) -> None:
    """Reads are repeatable unless they say otherwise, and all else is not."""
    endpoint = endpoint_of(effect=effect)

    assert (effect == "read") is endpoint.is_read is endpoint.repeatable
    assert (effect == "send") is endpoint.is_send
    assert not endpoint_of(effect=effect, repeatable=False).repeatable


def test_unknown_effect() -> None:
    """A typing mistake must not make a send out of a read."""
    with pytest.raises(ValueError, match="effect"):
        endpoint_of(effect="reads")


def test_effect_that_is_not_said() -> None:
    """The careful answer is that it sends."""
    endpoint = Endpoint(name="a", product="sms", method="GET", path="/", result=Echo)

    assert endpoint.is_send
    assert not endpoint.repeatable


def test_recorded_call_without_a_query() -> None:
    """Most have none."""
    call = Call("sms", "GET", "/v1/balance", {}, "HTTP 200")

    assert {} == call.query
    assert "sms GET /v1/balance: HTTP 200" == str(call)
