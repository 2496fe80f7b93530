"""Operations as values: immutable, comparable, portable, and discreet."""

import copy
import pickle
import re
from collections.abc import Callable
from typing import cast

import pytest
from attrs import evolve, fields
from attrs.exceptions import FrozenInstanceError
from hypothesis import given

from engagelab_async import (
    Endpoint,
    Operation,
    Plan,
    SendCode,
    SendCustomMessage,
    SendOTP,
    SendSMS,
    Sent,
    Template,
    Verification,
    VerifyOTP,
)
from engagelab_async.operation import Effect, Product
from support.strategies import operations

TO = "+6591234567"

MAKERS: list[Callable[[], Operation[object]]] = [
    lambda: SendOTP(TO, Template("login", "en", {"name": "Bob"})),
    lambda: SendCode(TO, "039487", "login"),
    lambda: SendCustomMessage([TO, "bob@example.com"], "shipped"),
    lambda: VerifyOTP("1725407449772531712", "667090"),
    lambda: SendSMS([TO], 1233, plan_name="orders", custom_args={"order": [7]}),
]
every_operation = pytest.mark.parametrize(
    "make", MAKERS, ids=["SendOTP", "SendCode", "SendCustomMessage", "VerifyOTP", "SendSMS"]
)


@pytest.mark.parametrize(
    ("kind", "where", "result", "effect", "repeatable"),
    [
        (SendOTP, "otp.send: otp POST /v1/messages", Sent, "send", True),
        (SendCode, "otp.send_code: otp POST /v1/codes", Sent, "send", True),
        (
            SendCustomMessage,
            "otp.send_custom_message: otp POST /v1/custom-messages",
            Sent,
            "send",
            False,
        ),
        (VerifyOTP, "otp.verify: otp POST /v1/verifications", Verification, "check", False),
        (SendSMS, "sms.send: sms POST /v1/messages", Plan, "send", False),
    ],
)
def test_class_says_where_it_goes(
    kind: type[Operation[object]], where: str, result: type, effect: Effect, repeatable: bool
) -> None:
    """Each class states its path, its answer, its effect, and whether repeating it is harmless."""
    name, product, method, path = where.replace(":", "").split()

    assert kind.endpoint == Endpoint(
        name=name,
        product=cast("Product", product),
        method=method,
        path=path,
        result=result,
        effect=effect,
        repeatable=repeatable,
    )


@every_operation
def test_nothing_can_be_changed(make: Callable[[], Operation[object]]) -> None:
    """An operation in flight, or in a queue, stays what it was."""
    operation = make()
    for field in fields(type(operation)):
        with pytest.raises(FrozenInstanceError):
            setattr(operation, field.name, "x")


@every_operation
def test_equal_operations_are_one(make: Callable[[], Operation[object]]) -> None:
    """Two operations of the same fields are equal and have one hash."""
    assert make() == make()
    assert 1 == len({make(), make()})


def test_operations_differ_by_every_field() -> None:
    """Also by the fields that do not count for the hash."""
    sms = SendSMS(TO, "1", custom_args={"order": 7})

    assert evolve(sms, custom_args={"order": 8}) != sms
    assert evolve(sms, template=Template("1", params={"a": "b"})) != sms


@given(operations)
def test_copies_are_equal(operation: Operation[object]) -> None:
    """An operation survives a pickle and a deep copy, whatever it holds."""
    assert operation == pickle.loads(pickle.dumps(operation))  # noqa: S301
    assert operation == copy.deepcopy(operation)
    assert operation == copy.copy(operation)


class TestRepr:
    """What a repr shows."""

    @pytest.mark.parametrize(
        ("value", "shown"),
        [
            (SendOTP(TO, "t"), "SendOTP(to='…67', template=@)"),
            (SendCode(TO, "039487", "t"), "SendCode(to='…67', code=<hidden>, template=@)"),
            (
                SendCustomMessage(["bob@example.com", TO], "t"),
                "SendCustomMessage(to=('…om', '…67'), template=@)",
            ),
            (VerifyOTP("17", "667090"), "VerifyOTP(message_id='17', code=<hidden>)"),
            (
                SendSMS(TO, "t", plan_name="orders", custom_args={"order": 7}),
                (
                    "SendSMS(to=('…67'), template=@, plan_name='orders', "
                    "schedule_time=None, custom_args=<1 hidden>)"
                ),
            ),
            (
                SendSMS(TO, "t"),
                (
                    "SendSMS(to=('…67'), template=@, plan_name=None, "
                    "schedule_time=None, custom_args=None)"
                ),
            ),
            (
                Template("t", "en", {"name": "Bob", "n": 5}),
                "Template(id='t', language='en', params=<2 hidden>)",
            ),
        ],
    )
    def test_hides_what_is_personal(self, value: object, shown: str) -> None:
        """Codes and texts are hidden, and of a recipient all but the last two characters."""
        template = "Template(id='t', language=None, params=<0 hidden>)"

        assert shown.replace("@", template) == repr(value)

    @pytest.mark.parametrize("to", ["1", "12", "1234"])
    def test_hides_all_of_a_short_recipient(self, to: str) -> None:
        """Two digits of four would be half of it."""
        assert "to='…'," in repr(SendOTP(to, "t"))

    @pytest.mark.parametrize("count", [3, 4, 200])
    def test_counts_many_recipients(self, count: int) -> None:
        """Of many recipients the first three are hinted at, and the rest are counted."""
        shown = repr(SendSMS([f"+65912345{number:02}" for number in range(count)], "t"))
        more = f", and {count - 3} more" if count > 3 else ""

        assert f"to=('…00', '…01', '…02'{more})" in shown
        assert not re.search(r"\d{3}", shown.replace(f"{count - 3} more", ""))
