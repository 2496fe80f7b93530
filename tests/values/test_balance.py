"""The balance of both products: exact whatever form it comes in, refused where it is no amount."""

import decimal
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async import Balance, InvalidResponseError, wire
from support.calls import OPERATIONS, OTP_BALANCE, SMS_BALANCE

NAMES = ("balance", "gift_balance", "total_balance")


def read(call: str, body: str) -> Balance:
    """Read the answer to a call from its text."""
    result = wire.decode(OPERATIONS[call], 200, {}, body.encode(), now=0.0)
    assert isinstance(result, Balance)
    return result


def problem(call: str, body: str) -> str:
    """Read an answer that is refused, and return what is wrong with it."""
    with pytest.raises(InvalidResponseError) as caught:
        read(call, body)
    return str(caught.value.args[0])


def changed(document: dict[str, Any], **changes: object) -> str:
    """Write an answer with some of its fields changed; ``...`` takes one out."""
    made = {name: value for name, value in (document | changes).items() if value is not ...}
    return json.dumps(made)


@given(st.integers(-(10**40), 10**40))
def test_the_integers_of_sms_are_exact(amount: int) -> None:
    """The integers win over the numbers, and no digit is lost, also above 2**53."""
    body = changed(SMS_BALANCE, balance10000=amount, balance=0.1)

    with decimal.localcontext(prec=3):
        assert Decimal(f"{amount}e-4") == read("sms.balance", body).balance


def test_four_places_are_kept() -> None:
    """An amount is shown with the places that the platform counts in."""
    balance = read("sms.balance", json.dumps(SMS_BALANCE))

    assert ["12.3456", "2.0000", "14.3456"] == [str(getattr(balance, name)) for name in NAMES]


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("12.3456", "12.3456"),
        ("0.1", "0.1"),
        ("-0.0001", "-0.0001"),
        ("9007199254740993.0001", "9007199254740993.0001"),
        ("9007199254740993", "9007199254740993"),
        ("1e5", "100000"),
        ("0", "0"),
    ],
)
@pytest.mark.parametrize("scaled", [..., None])
def test_numbers_are_read_without_a_float(written: str, amount: str, scaled: object) -> None:
    """Where SMS has no integer, its number is read as it is written."""
    body = changed(SMS_BALANCE, balance10000=scaled, balance="X").replace('"X"', written)

    assert Decimal(amount) == read("sms.balance", body).balance


@pytest.mark.parametrize("written", ["-12.3400", "0", "007.5", "99999999999999999999.9999"])
def test_strings_are_exact(written: str) -> None:
    """OTP's strings are read as they are, a negative one too."""
    balance = read("otp.balance", changed(OTP_BALANCE, gift_balance=written))

    assert Decimal(written) == balance.gift_balance


@pytest.mark.parametrize("currency", [None, ...])
def test_currency_may_be_unknown(currency: object) -> None:
    """An amount without a currency is still an amount."""
    assert None is read("otp.balance", changed(OTP_BALANCE, currency=currency)).currency


@pytest.mark.parametrize("call", ["otp.balance", "sms.balance"])
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("value", "found"),
    [
        ("NaN", "a string"),
        ("Infinity", "a string"),
        ("1e5", "a string"),
        ("", "a string"),
        (" 1.00", "a string"),
        ("1.00\n", "a string"),
        ("+1.00", "a string"),
        ("1,00", "a string"),
        ("1_000", "a string"),
        (".5", "a string"),
        ("5.", "a string"),
        ("٣", "a string"),
        ("9" * 40, "a string"),
        (None, "null"),
        (True, "a boolean"),
        (False, "a boolean"),
        ([1], "an array"),
        ({}, "an object"),
        (float("nan"), "a number"),
        (float("inf"), "a number"),
    ],
)
def test_what_is_no_amount_is_refused(call: str, name: str, value: object, found: str) -> None:
    """Whatever is no decimal is an invalid response, which says where it stands."""
    body = changed(OTP_BALANCE, **{name: value})

    assert f"$.{name}: expected a decimal, got {found}" == problem(call, body)


@pytest.mark.parametrize(
    "written", ["1e999999999", "1e-999999999", "0e99999", "1e9999999999999999999"]
)
def test_absurd_exponents_are_refused(written: str) -> None:
    """A number that would take gigabytes to write out is none."""
    body = changed(OTP_BALANCE, balance="X").replace('"X"', written)

    assert "$.balance: expected a decimal, got a number" == problem("otp.balance", body)


@pytest.mark.parametrize("name", NAMES)
def test_missing_amounts_are_refused(name: str) -> None:
    """No amount is taken for nothing."""
    body = changed(OTP_BALANCE, **{name: ...})

    assert f"$.{name}: required field is missing" == problem("otp.balance", body)


@pytest.mark.parametrize("value", ["123456", 123456.0, True, [1]])
def test_the_integers_must_be_integers(value: object) -> None:
    """A scaled amount that is no integer is refused, and not passed over."""
    body = changed(SMS_BALANCE, total_balance10000=value)

    assert problem("sms.balance", body).startswith("$.total_balance10000: expected an integer")


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ("[]", "$: expected an object, got an array"),
        ("5", "$: expected an object, got a number"),
        (changed(OTP_BALANCE, currency=5), "$.currency: expected a string, got a number"),
        (changed(OTP_BALANCE, currency=0), "$.currency: expected a string, got a number"),
    ],
)
def test_other_answers_are_refused(body: str, text: str) -> None:
    """What is not the documented object is an invalid response as well."""
    assert text == problem("otp.balance", body)


def test_decimals_are_for_money_only() -> None:
    """Other answers keep their numbers as they were."""
    body = b'{"template_id": "m", "email_config": {"template_custom_configs": [{"language": "en",'
    body += b'"template_content": "c", "pre_param_map": {"n": 1.5}}]}}'
    template: Any = wire.decode(OPERATIONS["otp.templates.get"], 200, {}, body, now=0.0)

    (content,) = template.email_config.template_custom_configs

    assert float is type(content.pre_param_map["n"])
