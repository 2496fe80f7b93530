"""Balances: what a message costs, and what is refused when it cannot be paid."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from engagelab_async import Balance, BusinessRuleError, Credentials, EngageLab
from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox
from engagelab_async.sandbox.bodies import Answer, Body
from engagelab_async.sandbox.refusals import RefusedError
from engagelab_async.testing import FakeEngageLab
from support.platforms import Platform

TO = ["+6591234567", "+6591234568"]
OTP = {"to": TO[0], "template": {"id": "login"}}
SMS = {"to": TO, "template": {"id": "1233"}}
KEY = Credentials(*DEMO_CREDENTIALS)


def of(amount: str, currency: str | None) -> Balance:
    """Make a balance without a gift."""
    return Balance(Decimal(amount), Decimal(0), Decimal(amount), currency)


@pytest.mark.asyncio
async def test_both_products_have_one() -> None:
    """The client reads both answers alike, and a read changes nothing."""
    engagelab = FakeEngageLab(balance="12.3456").client()
    read = [await engagelab.otp.balance() for _ in range(2)]

    assert [of("12.3456", "USD")] * 2 == read
    assert of("12.3456", None) == await engagelab.sms.balance()


@pytest.mark.asyncio
async def test_sends_consume_it() -> None:
    """Each message costs half a cent on its own product; what is dropped costs nothing."""
    fake = FakeEngageLab(balance=1)
    engagelab = fake.client()
    await engagelab.otp.send(TO[0], "login")
    await engagelab.otp.send_code(TO[0], "0394", "other")
    await engagelab.otp.send_custom_message(TO, "shipped")
    await engagelab.sms.send([*TO, "091234567"], "1233")

    assert of("0.9800", "USD") == await engagelab.otp.balance()
    assert of("0.9900", None) == await engagelab.sms.balance()


@pytest.mark.asyncio
async def test_no_limit_may_be_overdrawn() -> None:
    """A sandbox without a given balance lets everything out, and shows an overdraft."""
    fake = FakeEngageLab()
    engagelab = fake.client()
    await engagelab.sms.send([f"+65{number:08}" for number in range(20_001)], "1233")

    assert of("-0.0050", None) == await engagelab.sms.balance()


@pytest.mark.parametrize(
    ("call", "body"),
    [
        (Platform.send_otp, OTP),
        (Platform.send_code, {**OTP, "code": "0394"}),
        (Platform.send_custom_message, {**OTP, "to": TO}),
        (Platform.send_sms, SMS),
    ],
)
@pytest.mark.parametrize("balance", [0, "-1", "0.004", Decimal("0.0049")])
def test_an_empty_one_refuses(
    call: Callable[[Platform, Body], Answer], body: Body, balance: Decimal | int | str
) -> None:
    """What cannot be paid is refused with 3003 as a whole, and leaves no trace."""
    platform = Platform(balance=balance)
    for _ in range(2):  # a code that was not sent is not live
        with pytest.raises(RefusedError, match="3003") as caught:
            call(platform, body)

        assert "insufficient balance" == caught.value.message
    assert () == platform.outbox.messages


def test_each_product_can_have_its_own() -> None:
    """A product that is left out has no limit."""
    platform = Platform(balance={"otp": 0})
    with pytest.raises(RefusedError, match="3003"):
        platform.send_otp(OTP)

    assert 2 == platform.send_sms(SMS)["accepted_count"]
    assert "0.0000" == platform.balances.otp()["balance"]


def test_the_last_cent_can_be_spent() -> None:
    """What can be paid exactly is sent, and then nothing more."""
    platform = Platform(balance="0.01")
    platform.send_sms(SMS)
    with pytest.raises(RefusedError, match="3003"):
        platform.send_sms({**SMS, "to": TO[0]})

    assert 1 == platform.send_sms({**SMS, "to": ["x"]})["total_count"]


@pytest.mark.asyncio
async def test_an_empty_one_ends_a_bulk_run() -> None:
    """The library takes the refusal for what it is."""
    fake = FakeEngageLab(balance=0)
    with pytest.raises(BusinessRuleError, match="3003 insufficient balance"):
        await fake.client().sms.send(TO, "1233")


@pytest.mark.asyncio
async def test_a_store_remembers(tmp_path: Path) -> None:
    """What an earlier sandbox sent is not paid back."""
    for left in ("0.0050", "0.0000"):
        async with (
            Sandbox(balance="0.01", store=tmp_path / "store") as sandbox,
            EngageLab(
                otp=KEY, otp_base_url=sandbox.otp_base_url, sms_base_url=sandbox.sms_base_url
            ) as engagelab,
        ):
            await engagelab.otp.send_custom_message(TO[0], "shipped")

            assert of(left, "USD") == await engagelab.otp.balance()


@pytest.mark.parametrize("balance", [0.5, True, None, [], b"1"])
def test_types(balance: Any) -> None:  # noqa: ANN401 - the wrong types are the point
    """No float is an amount of money."""
    if balance is None:
        return
    with pytest.raises(TypeError, match=r"^balance: expected a Decimal, an int or a str, got "):
        Sandbox(balance=balance)


@pytest.mark.parametrize("balance", ["", "much", "NaN", "Infinity", "0.00001", 10**13, "1e99"])
def test_values(balance: str | int) -> None:
    """An amount is finite, and has four places at most."""
    with pytest.raises(ValueError, match=r"^balance: must be "):
        Sandbox(balance=balance)
