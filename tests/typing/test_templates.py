"""What a type checker knows of templates and signatures, and what it refuses.

mypy and pyright judge this file; running it shows that what they know is true.
"""

from datetime import datetime
from typing import assert_type

import pytest

from engagelab_async import EngageLab, TemplateRejectedError, render
from engagelab_async.sandbox import Review, Sandbox
from engagelab_async.templates import (
    Channel,
    CreatedSignature,
    CreatedSMSTemplate,
    GetOTPTemplate,
    ListSignatures,
    OTPTemplate,
    Rendering,
    Signature,
    SignaturePosition,
    SignatureStatus,
    SMSTemplate,
    TemplateStatus,
    TemplateType,
)
from support.calls import DONE, KEY_PAIR, LOGIN, OTP_TEMPLATE, SIGNATURE, SMS_TEMPLATE
from support.scripted_engine import ScriptedEngine, answer


@pytest.mark.asyncio
async def test_coroutines() -> None:
    """Every coroutine answers its own class; what says no more than "done" answers None."""
    documents: list[object] = [[SMS_TEMPLATE], SMS_TEMPLATE, {"template_id": "1"}, SMS_TEMPLATE]
    documents += [[SIGNATURE], SIGNATURE, {"sign_id": "7"}, SIGNATURE]
    documents += [[OTP_TEMPLATE], OTP_TEMPLATE, DONE, OTP_TEMPLATE, OTP_TEMPLATE, [SIGNATURE]]
    engine = ScriptedEngine([answer(document) for document in documents])
    async with EngageLab(otp=KEY_PAIR, sms=KEY_PAIR, http=engine) as engagelab:
        sms, signatures = engagelab.sms.templates, engagelab.sms.signatures
        otp = engagelab.otp.templates
        assert_type(await sms.list(timeout=5), tuple[SMSTemplate, ...])
        assert_type(await sms.get(1233), SMSTemplate)
        created = await sms.create(
            template_name="n",
            template_type=TemplateType.UTILITY,
            template_content="c",
            country_codes=["SG"],
        )
        assert_type(created, CreatedSMSTemplate)
        assert_type(await sms.wait_until_reviewed("1", timeout=5), SMSTemplate)
        assert_type(await signatures.list(), tuple[Signature, ...])
        assert_type(await signatures.get("7"), Signature)
        assert_type(await signatures.create("Acme", retry=None), CreatedSignature)
        assert_type(await signatures.wait_until_reviewed("7"), Signature)
        assert_type(await otp.list(), tuple[OTPTemplate, ...])
        assert_type(await otp.get("login"), OTPTemplate)
        await otp.create(LOGIN)
        assert_type(await otp.wait_until_reviewed("login"), OTPTemplate)
        assert_type(await engagelab.execute(GetOTPTemplate("login")), OTPTemplate)
        assert_type(await engagelab.execute(ListSignatures()), tuple[Signature, ...])

    assert [] == engine.script


def test_fields() -> None:
    """The fields have the types that their docstrings tell."""
    assert_type(LOGIN.send_channel_strategy, tuple[Channel, ...])
    assert_type(render("Hi"), Rendering)
    assert_type(render(LOGIN.template_id, {"n": 1}).missing, tuple[str, ...])
    assert_type(Sandbox().review, Review)


def look(template: SMSTemplate, signature: Signature, error: TemplateRejectedError) -> None:
    """Fields of what only the platform makes; never called."""
    assert_type(template.template_id, str)
    assert_type(template.template_type, TemplateType)
    assert_type(template.status, TemplateStatus)
    assert_type(template.country_codes, tuple[str, ...])
    assert_type(template.sign_position, SignaturePosition | None)
    assert_type(template.created_time, datetime | None)
    assert_type(signature.status, SignatureStatus)
    assert_type(error.audit_remark, str)


async def never_called(engagelab: EngageLab) -> None:
    """Misuse: an ignore without an error would be an error itself."""
    await engagelab.sms.templates.get(None)  # type: ignore[arg-type]
    await engagelab.sms.templates.create("n")  # type: ignore[call-arg]
    await engagelab.sms.templates.list(timeout="5")  # type: ignore[arg-type]
    await engagelab.sms.templates.list(attempts=5)  # type: ignore[call-arg]
    await engagelab.otp.templates.create("login")  # type: ignore[arg-type]
    await engagelab.otp.templates.update("login")  # type: ignore[attr-defined]
    render(5)  # type: ignore[arg-type]
    OTPTemplate.sms("login")  # type: ignore[call-arg]
