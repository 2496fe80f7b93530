"""Scripts: what some of the next requests meet."""

from contextlib import suppress
from typing import Any

import pytest

from engagelab_async import (
    BlacklistedError,
    BusinessRuleError,
    ConnectError,
    ConnectionLostError,
    EngageLab,
    FrequencyLimitError,
    InterceptedError,
    InvalidNumberError,
    NotFoundError,
    ResponseTimeoutError,
    SendOTP,
    SendSMS,
    VerifyOTP,
)
from engagelab_async.templates import DeleteSMSTemplate, GetSMSTemplate, ListSignatures
from engagelab_async.testing import FakeEngageLab

PHONE, OTHER = "+6591234567", "+6591234568"


async def outcome(client: EngageLab, to: str = PHONE) -> str:
    """Send something that is never limited nor repeated, and tell what came of it."""
    try:
        sent = await client.otp.send_custom_message(to, "shipped", timeout=5)
    except Exception as error:  # noqa: BLE001 - whatever was scripted
        return type(error).__name__
    return sent.send_channel


@pytest.mark.anyio
async def test_a_line_is_for_one_recipient(client: EngageLab, fake: FakeEngageLab) -> None:
    """Others are sent to as usual; a number is the same with and without its plus."""
    fake.otp.fail("6591234567", InvalidNumberError)

    assert "InvalidNumberError" == await outcome(client)
    assert "sms" == await outcome(client, OTHER)
    assert [OTHER] == [message.recipient for message in fake.sent]


@pytest.mark.anyio
async def test_a_line_is_for_one_product(client: EngageLab, fake: FakeEngageLab) -> None:
    """What the OTP product is to do does not concern SMS."""
    fake.otp.fail(None, BlacklistedError)
    plan = await client.sms.send([OTHER, PHONE], "1233")

    assert 2 == plan.accepted_count


@pytest.mark.anyio
async def test_a_line_for_one_of_many_targets_counts(
    client: EngageLab, fake: FakeEngageLab
) -> None:
    """An SMS to many meets what is scripted for one of them, however its number is written."""
    fake.sms.fail("not a number", InvalidNumberError)
    with pytest.raises(InvalidNumberError):
        await client.sms.send([OTHER, "not a number"], "1233")


@pytest.mark.anyio
async def test_lines_with_times_are_a_sequence(client: EngageLab, fake: FakeEngageLab) -> None:
    """Those with ``times`` come first and in order; then the newest that is left."""
    fake.otp.fail(None, NotFoundError)
    fake.otp.answer(None, times=1, send_channel="voice")
    fake.otp.fail(PHONE, InterceptedError, times=2)
    fake.otp.answer(PHONE, send_channel="whatsapp")

    assert ["voice", *["InterceptedError"] * 2, "whatsapp", "whatsapp"] == [
        await outcome(client) for _ in range(5)
    ]
    assert "NotFoundError" == await outcome(client, OTHER)


@pytest.mark.anyio
async def test_lines_can_be_forgotten(client: EngageLab, fake: FakeEngageLab) -> None:
    """After a reset the platform does what it usually does."""
    fake.otp.fail(None, NotFoundError)
    fake.otp.use_code(None, "the code")
    fake.otp.reset()
    await client.otp.send(PHONE, "login")

    assert fake.code_for(PHONE).isdigit()


@pytest.mark.anyio
async def test_lines_are_for_sends(client: EngageLab, fake: FakeEngageLab) -> None:
    """A verification is scripted by itself; its message tells whose it is."""
    fake.otp.fail(None, BlacklistedError)
    fake.otp.answer(None, times=2)
    fake.otp.fail(OTHER, BusinessRuleError, on=VerifyOTP)
    mine, others = [await client.otp.send(to, "login") for to in (PHONE, OTHER)]

    assert not (await client.otp.verify(mine.message_id, "x")).verified
    with pytest.raises(BusinessRuleError):
        await client.otp.verify(others.message_id, "x")


@pytest.mark.anyio
async def test_any_operation_can_be_scripted(client: EngageLab, fake: FakeEngageLab) -> None:
    """A line can be on a call about templates, and then on that alone."""
    fake.sms.fail(None, ConnectError, on=GetSMSTemplate)
    made = await client.sms.templates.create(
        template_name="shipped",
        template_type="utility",
        template_content="Order {{order}}",
        country_codes="SG",
    )
    with pytest.raises(ConnectError):
        await client.sms.templates.get(made.template_id)
    await client.execute(DeleteSMSTemplate(made.template_id))

    assert () == await client.sms.templates.list()


@pytest.mark.anyio
async def test_a_message_can_be_sent_although_the_call_failed(
    client: EngageLab, fake: FakeEngageLab
) -> None:
    """After an unanswered send that went through, the repeat is refused, and the error says so."""
    fake.otp.fail(PHONE, ResponseTimeoutError, after_sending=True, times=1)
    with pytest.raises(FrequencyLimitError) as caught:
        await client.otp.send(PHONE, "login")

    assert (2, True) == (caught.value.attempts, caught.value.may_have_been_sent)
    assert 1 == len(fake.sent)


@pytest.mark.anyio
async def test_a_refusal_after_sending_is_still_a_refusal(
    client: EngageLab, fake: FakeEngageLab
) -> None:
    """The platform can send a message and say that it did not."""
    fake.otp.fail(PHONE, InterceptedError, after_sending=True)

    assert "InterceptedError" == await outcome(client)
    assert PHONE == fake.sent[0].recipient


@pytest.mark.anyio
async def test_a_code_can_be_chosen(client: EngageLab, fake: FakeEngageLab) -> None:
    """The platform makes the code of the script, for the next send that it carries out."""
    fake.otp.use_code(PHONE, "000042", times=1)
    fake.otp.fail(PHONE, InterceptedError, times=1)
    fake.otp.answer(PHONE, send_channel="voice")
    with pytest.raises(InterceptedError):
        await client.otp.send(PHONE, "login")
    sent = await client.otp.send(PHONE, "login")
    check = await client.otp.verify(sent.message_id, "000042")
    await client.otp.send_code(PHONE, "039487", "login")

    assert (True, "voice") == (check.verified, sent.send_channel)
    assert ["000042", "039487"] == [message.code for message in fake.sent]


@pytest.mark.anyio
@pytest.mark.parametrize("refused", [False, True])
async def test_a_code_is_chosen_once(
    client: EngageLab, fake: FakeEngageLab, *, refused: bool
) -> None:
    """Later sends get codes of the platform's again, even if the chosen one was not sent."""
    if refused:
        await client.otp.send(PHONE, "login")
    fake.otp.use_code(PHONE, "chosen", times=1)
    with suppress(FrequencyLimitError):
        await client.otp.send(PHONE, "login")
    fake.clock.advance(300)
    await client.otp.send(PHONE, "login")

    assert fake.code_for(PHONE).isdigit()


@pytest.mark.anyio
async def test_a_message_id_can_be_chosen(client: EngageLab, fake: FakeEngageLab) -> None:
    """The chosen id is answered, verified and recorded in place of the platform's own."""
    fake.otp.answer(PHONE, message_id="m-1", send_channel="voice")
    sent = await client.otp.send(PHONE, "login")
    check = await client.otp.verify("m-1", fake.code_for(PHONE))

    assert ("m-1", "voice") == (sent.message_id, sent.send_channel)
    assert ("m-1", True) == (check.message_id, check.verified)
    assert "m-1" == fake.assert_sent(PHONE).message_id


@pytest.mark.anyio
async def test_a_refusal_is_not_rewritten(client: EngageLab, fake: FakeEngageLab) -> None:
    """Fields are replaced in answers, not in what the platform refuses by itself."""
    fake.otp.answer(None, message_id="m-1")

    assert "BlacklistedError" == await outcome(client, "+10000005013")


@pytest.mark.anyio
async def test_lists_are_not_rewritten(client: EngageLab, fake: FakeEngageLab) -> None:
    """An answer that is an array has no fields."""
    fake.sms.answer(None, on=ListSignatures, plan_id="7")

    assert () == await client.sms.signatures.list()


@pytest.mark.anyio
async def test_targets_can_be_dropped(client: EngageLab, fake: FakeEngageLab) -> None:
    """The counts of a plan can be chosen, as for targets that the platform drops."""
    fake.sms.answer(None, accepted_count=1)
    plan = await client.execute(SendSMS([PHONE, OTHER], "1233"))

    assert (2, 1) == (plan.total_count, plan.accepted_count)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("seconds", "expected", "passed"),
    [(4.5, "sms", 4.5), (5, "ResponseTimeoutError", 5), (60, "ResponseTimeoutError", 5)],
)
async def test_a_slow_platform_takes_no_time(
    client: EngageLab, fake: FakeEngageLab, seconds: float, expected: str, passed: float
) -> None:
    """The clock goes on instead; past the timeout the message is sent, but the call fails."""
    fake.otp.slow_down(PHONE, seconds)
    before = fake.clock.monotonic()

    assert expected == await outcome(client)
    assert passed <= fake.clock.monotonic() - before < passed + 50
    assert 1 == len(fake.sent)


@pytest.mark.anyio
async def test_a_slow_platform_uses_up_the_deadline(client: EngageLab, fake: FakeEngageLab) -> None:
    """A call that may be repeated ends when its deadline is over, not after its attempts."""
    fake.otp.slow_down(None, 60)
    fake.otp.fail(None, ConnectionLostError, times=1)
    with pytest.raises(ResponseTimeoutError) as caught:
        await client.otp.send(PHONE, "login", timeout=20, deadline=20)

    assert 2 == caught.value.attempts


@pytest.mark.parametrize(
    ("line", "error", "text"),
    [
        ({"times": 0}, ValueError, "times: must be at least 1"),
        ({"on": SendSMS}, ValueError, "on: SendSMS is no operation of the otp product"),
        ({"error": ConnectError, "after_sending": True}, ValueError, "after_sending: what fails"),
    ],
)
def test_a_line_that_makes_no_sense_is_refused(
    fake: FakeEngageLab, line: dict[str, Any], error: type[Exception], text: str
) -> None:
    """A mistake in a script is told where it is written."""
    with pytest.raises(error, match=f"^{text}"):
        fake.otp.fail(PHONE, **{"error": NotFoundError, **line})


def test_a_delay_is_a_duration(fake: FakeEngageLab) -> None:
    """Nobody is answered before they ask."""
    with pytest.raises(ValueError, match=r"^seconds: "):
        fake.otp.slow_down(PHONE, 0, on=SendOTP)
