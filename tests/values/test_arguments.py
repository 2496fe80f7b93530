"""What is refused before anything is sent, and by which name the refusal goes."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from engagelab_async import SendCode, SendCustomMessage, SendOTP, SendSMS, Template, VerifyOTP

TO = "+6591234567"
SURROGATE = "caf\ud800"

# Types are broken on purpose here, which mypy need not tell.
send_otp: Any = SendOTP
send_code: Any = SendCode
send_custom: Any = SendCustomMessage
verify: Any = VerifyOTP
send_sms: Any = SendSMS
template: Any = Template

EMPTY: list[tuple[Callable[[], object], str]] = [
    (lambda: send_otp("", "t"), "to: must not be empty"),
    (lambda: send_otp(" \n", "t"), "to: must not be empty"),
    (lambda: send_otp(TO, ""), "template id: must not be empty"),
    (lambda: send_otp(TO, template(" ")), "template id: must not be empty"),
    (lambda: send_code(TO, "", "t"), "code: must not be empty"),
    (lambda: send_code("", "1", "t"), "to: must not be empty"),
    (lambda: send_custom("", "t"), "to: must not be empty"),
    (lambda: send_custom([], "t"), "to: must not be empty"),
    (lambda: send_custom([TO, ""], "t"), "to[1]: must not be empty"),
    (lambda: verify("", "1"), "message_id: must not be empty"),
    (lambda: verify("1", "\t"), "code: must not be empty"),
    (lambda: send_sms("", "t"), "to: must not be empty"),
    (lambda: send_sms(iter(()), "t"), "to: must not be empty"),
    (lambda: send_sms([TO, TO, " "], "t"), "to[2]: must not be empty"),
    (lambda: send_sms(TO, "t", plan_name=""), "plan_name: must not be empty"),
    (lambda: template("t", language=""), "language: must not be empty"),
    (lambda: template("t", params={"": "x"}), "params: a variable's name must not be empty"),
]

WRONG_TYPES: list[tuple[Callable[[], object], str]] = [
    (lambda: send_otp(None, "t"), "to: expected a str, got None"),
    (lambda: send_otp(6591234567, "t"), "to: expected a str, got int"),
    (lambda: send_otp([TO], "t"), "to: expected a str, got list"),
    (lambda: send_otp(TO, None), "template id: expected a str, got None"),
    (lambda: send_otp(TO, True), "template id: expected a str, got bool"),
    (lambda: send_otp(TO, 1.0), "template id: expected a str, got float"),
    (lambda: send_otp(TO, b"t"), "template id: expected a str, got bytes"),
    (
        lambda: send_code(TO, 39487, "t"),
        "code: expected a str, got int (a number would lose its leading zeros)",
    ),
    (lambda: send_code(TO, None, "t"), "code: expected a str, got None"),
    (lambda: verify(1725407449772531712, "1"), "message_id: expected a str, got int"),
    (lambda: verify("1", 667090), "code: expected a str, got int"),
    (lambda: send_custom(None, "t"), "to: expected a str or an iterable of str, got None"),
    (lambda: send_custom({TO: 1}, "t"), "to: expected a str or an iterable of str, got dict"),
    (lambda: send_sms(b"+65", "t"), "to: expected a str or an iterable of str, got bytes"),
    (lambda: send_sms(bytearray(b"1"), "t"), "to: expected a str or an iterable of str, got"),
    (lambda: send_sms(6591234567, "t"), "to: expected a str or an iterable of str, got int"),
    (lambda: send_sms([6591234567], "t"), "to[0]: expected a str, got int"),
    (lambda: send_sms([TO, None], "t"), "to[1]: expected a str, got None"),
    (lambda: send_sms([[TO]], "t"), "to[0]: expected a str, got list"),
    (lambda: send_sms(TO, "t", plan_name=5), "plan_name: expected a str, got int"),
    (lambda: send_sms(TO, "t", {"name": "Bob"}), "plan_name: expected a str, got dict"),
    (lambda: send_sms(TO, "t", schedule_time="now"), "schedule_time: expected a datetime or Unix"),
    (lambda: send_sms(TO, "t", schedule_time=True), "schedule_time: expected a datetime or Unix"),
    (lambda: send_sms(TO, "t", custom_args=[1]), "custom_args: expected a mapping, got list"),
    (lambda: send_sms(TO, "t", custom_args="x"), "custom_args: expected a mapping, got str"),
    (lambda: template("t", params=None), "params: expected a mapping, got None"),
    (lambda: template("t", params=[("a", "b")]), "params: expected a mapping, got list"),
    (lambda: template("t", params={1: "b"}), "params: a variable's name must be a str, got int"),
    (lambda: template("t", params={"a": 1.5}), "params['a']: expected a str or an int, got float"),
    (lambda: template("t", params={"a": True}), "params['a']: expected a str or an int, got bool"),
    (lambda: template("t", params={"a": None}), "params['a']: expected a str or an int, got None"),
    (lambda: template("t", params={"a": ["b"]}), "params['a']: expected a str or an int, got list"),
    (lambda: template("t", language=5), "language: expected a str, got int"),
]

UNSENDABLE: list[tuple[Callable[[], object], str]] = [
    (lambda: send_otp(SURROGATE, "t"), "to: holds a lone surrogate"),
    (lambda: send_otp(TO, SURROGATE), "template id: holds a lone surrogate"),
    (lambda: send_code(TO, SURROGATE, "t"), "code: holds a lone surrogate"),
    (lambda: verify(SURROGATE, "1"), "message_id: holds a lone surrogate"),
    (lambda: send_sms([TO, SURROGATE], "t"), "to[1]: holds a lone surrogate"),
    (lambda: send_sms(TO, "t", plan_name=SURROGATE), "plan_name: holds a lone surrogate"),
    (lambda: send_sms(TO, "t", custom_args={"a": [SURROGATE]}), "custom_args: must hold only"),
    (lambda: template("t", language=SURROGATE), "language: holds a lone surrogate"),
    (lambda: template("t", params={SURROGATE: "b"}), "params: holds a lone surrogate"),
    (lambda: template("t", params={"a": SURROGATE}), "params['a']: holds a lone surrogate"),
]

LANGUAGES: list[tuple[Callable[[], object], str]] = [
    (lambda: send_custom(TO, template("t", "en")), "template language: this call has none"),
    (lambda: send_sms(TO, template("t", "en")), "template language: this call has none"),
    (lambda: Template.of(template("t"), language="en"), "language: give it inside the Template"),
    (lambda: Template.of(template("t"), params={}), "params: give it inside the Template"),
]


@pytest.mark.parametrize(
    ("make", "text"),
    EMPTY + UNSENDABLE + LANGUAGES,
    ids=[text for _, text in EMPTY + UNSENDABLE + LANGUAGES],
)
def test_values_that_can_never_be_right(make: Callable[[], object], text: str) -> None:
    """A ValueError names the argument, before anything else happens."""
    with pytest.raises(ValueError, match=f"^{re.escape(text)}"):
        make()


@pytest.mark.parametrize(("make", "text"), WRONG_TYPES, ids=[text for _, text in WRONG_TYPES])
def test_types_that_can_never_be_right(make: Callable[[], object], text: str) -> None:
    """A TypeError names the argument and says what came instead."""
    with pytest.raises(TypeError, match=f"^{re.escape(text)}"):
        make()


@pytest.mark.parametrize(
    "make",
    [
        lambda: send_otp(["+6591234567"], "t"),
        lambda: send_sms(["+6591234567", 5], "t"),
        lambda: send_sms("+6591234567\ud800", "t"),
        lambda: send_code("a", 39487, "t"),
        lambda: template("t", params={"name": ["Bartholomew"]}),
        lambda: template("t", params={"name": "Bartholomew\ud800"}),
        lambda: send_sms("+6591234567", "t", custom_args={"note": {"Bartholomew"}}),
        lambda: send_sms("+6591234567", "t", schedule_time=datetime(2025, 10, 9)),  # noqa: DTZ001
    ],
)
def test_refusals_quote_nothing(make: Callable[[], object]) -> None:
    """What was passed in may be somebody's: no refusal repeats it, nor do its causes."""
    with pytest.raises((TypeError, ValueError)) as caught:
        make()

    assert caught.value.__cause__ is None
    assert not re.search("91234567|39487|Bartholomew|2025", str(caught.value))
