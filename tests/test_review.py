"""Waiting for a review, in a time that passes only where the script says so."""

import math
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from engagelab_async import (
    ConnectError,
    ConnectionLostError,
    EngageLabError,
    InvalidResponseError,
    NotFoundError,
    RetryPolicy,
    ReviewRejectedError,
    ReviewTimeoutError,
    SignatureRejectedError,
    TemplateRejectedError,
)
from engagelab_async.templates import GetSMSTemplate, OTPTemplates, Signatures, SMSTemplates
from support.calls import OTP_TEMPLATE, SIGNATURE, SMS_TEMPLATE
from support.scripted_engine import (
    ACCOUNTS,
    Rig,
    Step,
    answer,
    failure,
    refusal,
    refused_connection,
    rig,
)

ONCE = RetryPolicy(attempts=1)
PENDING, APPROVED, REJECTED = 1, 2, 3
OTP, SMS = (ACCOUNTS[product].base_url for product in ACCOUNTS)


def status(number: int | None, remark: str | None = None) -> Step:
    """Make a step that answers with a template of some status."""
    return answer({**SMS_TEMPLATE, "status": number, "audit_remark": remark})


def waiting(*script: Step, timeout: float = 3600) -> tuple[Rig, Awaitable[Any]]:
    """Prepare to wait for an SMS template."""
    it = rig(*script, retry=ONCE)
    return it, SMSTemplates(it.transport).wait_until_reviewed("1", timeout=timeout)


async def error_of(wait: Awaitable[Any]) -> EngageLabError:
    """Wait for what must fail, and return its error."""
    with pytest.raises(EngageLabError) as caught:
        await wait
    return caught.value


@pytest.mark.anyio
async def test_what_is_approved_is_returned_at_once() -> None:
    """Nobody waits for what is reviewed already."""
    it, wait = waiting(status(APPROVED))
    template = await wait

    assert ("1972490061974913024", []) == (template.template_id, it.time.sleeps)
    assert [f"{SMS}/v1/template-configs/1"] == [request.url for request in it.engine.requests]


@pytest.mark.anyio
async def test_intervals_grow_up_to_a_minute() -> None:
    """It is read again and again, ever more seldom, until it is approved."""
    it, wait = waiting(*[status(PENDING)] * 11, status(APPROVED))
    await wait

    assert [2, 3, 4.5, 6.75] == it.time.sleeps[:4]
    assert [60, 60] == it.time.sleeps[-2:]


@pytest.mark.anyio
@pytest.mark.parametrize("number", [0, 4])
async def test_an_unknown_status_is_no_decision(number: int) -> None:
    """A status that is not known yet is neither an approval nor a rejection."""
    it, wait = waiting(status(number), status(APPROVED))
    await wait

    assert 1 == len(it.time.sleeps)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("remark", "text"),
    [
        ("Name the brand", "GetSMSTemplate: rejected: Name the brand"),
        ("Name\nthe \x1b[31mbrand", "GetSMSTemplate: rejected: Name the [31mbrand"),
        ("", "GetSMSTemplate: rejected without a remark"),
        (None, "GetSMSTemplate: rejected without a remark"),
    ],
)
async def test_rejection(remark: str | None, text: str) -> None:
    """A rejection raises, with the reviewers' words."""
    _, wait = waiting(status(PENDING), status(REJECTED, remark))
    error = await error_of(wait)

    assert isinstance(error, TemplateRejectedError)
    assert (text, remark or "") == (str(error), error.audit_remark)
    assert (GetSMSTemplate("1"), False) == (error.operation, error.may_have_been_sent)


@pytest.mark.anyio
async def test_time_runs_out() -> None:
    """The last reading is made when time is up, not after; the error is a TimeoutError too."""
    it, wait = waiting(*[status(PENDING)] * 4, timeout=7.5)
    error = await error_of(wait)

    assert [2, 3, 2.5] == it.time.sleeps
    assert isinstance(error, ReviewTimeoutError)
    assert isinstance(error, TimeoutError)
    assert "GetSMSTemplate: not reviewed after 7.5 seconds" == str(error)


@pytest.mark.anyio
async def test_no_limit() -> None:
    """Without a limit it waits as long as it takes."""
    it, wait = waiting(*[status(PENDING)] * 200, status(APPROVED), timeout=math.inf)
    await wait

    assert it.time.now > 10_000


@pytest.mark.anyio
@pytest.mark.parametrize(
    "passing", [refused_connection(), refusal(None, 503), refusal(None, 429)], ids=["net", 503, 429]
)
async def test_what_fails_in_passing_is_no_answer(passing: Step) -> None:
    """Whoever waits for hours is not told of a network that was down for a minute."""
    it, wait = waiting(status(PENDING), passing, passing, status(APPROVED))
    await wait

    assert [2, 3, 4.5] == it.time.sleeps


@pytest.mark.anyio
async def test_failing_until_the_end() -> None:
    """When the last reading failed, that is what is told."""
    _, wait = waiting(status(PENDING), refused_connection(), timeout=2)

    assert isinstance(await error_of(wait), ConnectError)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("script", "kind"),
    [
        ([refused_connection()], ConnectError),
        ([refusal(4001)], NotFoundError),
        ([status(PENDING), refusal(4001)], NotFoundError),
        ([status(PENDING), answer([])], InvalidResponseError),
        ([failure(ZeroDivisionError())], ConnectionLostError),
    ],
)
async def test_what_will_not_pass_is_raised(script: list[Step], kind: type[Exception]) -> None:
    """A first reading that fails, and whatever else is no passing failure, ends the waiting."""
    _, wait = waiting(*script)

    with pytest.raises(kind):
        await wait


@pytest.mark.anyio
@pytest.mark.parametrize(("timeout", "kind"), [(0, ValueError), ("1", TypeError)])
async def test_timeout_is_checked(timeout: Any, kind: type[Exception]) -> None:  # noqa: ANN401
    """A time that is none is refused before anything is sent."""
    it, wait = waiting(timeout=timeout)

    with pytest.raises(kind, match=r"^timeout: "):
        await wait
    assert [] == it.engine.requests


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("kind", "path", "document", "rejection"),
    [
        (
            Signatures,
            "https://sms.example.com/v1/sign-configs/7",
            SIGNATURE,
            SignatureRejectedError,
        ),
        (OTPTemplates, f"{OTP}/v1/template-configs/7", OTP_TEMPLATE, TemplateRejectedError),
    ],
)
async def test_signatures_and_otp_templates(
    kind: Callable[..., Any],
    path: str,
    document: dict[str, object],
    rejection: type[ReviewRejectedError],
) -> None:
    """They are waited for as SMS templates are, and rejected in their own words."""
    it = rig(
        answer({**document, "status": PENDING}),
        answer({**document, "status": APPROVED}),
        answer({**document, "status": REJECTED}),
    )
    calls = kind(it.transport)
    found = await calls.wait_until_reviewed("7")

    assert (APPROVED, {path}) == (found.status, {each.url for each in it.engine.requests})
    with pytest.raises(rejection):
        await calls.wait_until_reviewed("7")
