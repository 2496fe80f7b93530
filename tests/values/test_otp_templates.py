"""The OTP template operations: the builders, and the documented rules before anything is sent."""

from contextlib import AbstractContextManager, nullcontext
from typing import Any

import pytest
from attrs import evolve

from engagelab_async.templates import (
    Channel,
    ChannelConfig,
    CreateOTPTemplate,
    EmailConfig,
    EmailContent,
    OTPTemplate,
    SMSConfig,
    TemplateCustomConfig,
    TemplateDefaultConfig,
    TemplateStatus,
    VerifyCodeConfig,
    VerifyCodeType,
)

LOGIN = OTPTemplate.sms("login", brand_name="Acme")
CUSTOM = OTPTemplate.sms("login", brand_name="Acme", content="{{code}}!", country_codes="CN,US")


NOTICE = SMSConfig(2, None, TemplateCustomConfig("marketing", "30% off"))


def mails(**changes: Any) -> EmailConfig:  # noqa: ANN401 - the wrong types are the point
    """Make an email in two languages, the second of which has some changes."""
    content = EmailContent(
        language="default",
        template_content="{{code}}",
        pre_from_mail="a@example.com",
        pre_subject="Your code",
    )
    return EmailConfig("mail", (content, evolve(content, **changes)))


def submit(**changes: Any) -> OTPTemplate:  # noqa: ANN401 - the wrong types are the point
    """Submit a template that is right except for some changes."""
    return CreateOTPTemplate(evolve(LOGIN, **changes)).template


class TestBuilders:
    """The common cases."""

    def test_sms(self) -> None:
        """Without a text, the platform's own goes out by SMS, with six digits for five minutes."""
        assert (Channel.SMS,) == LOGIN.send_channel_strategy
        assert VerifyCodeConfig(VerifyCodeType.DIGITS, 6, 5) == LOGIN.verify_code_config
        assert LOGIN.sms_config is not None
        assert (1, None) == (
            LOGIN.sms_config.template_type,
            LOGIN.sms_config.template_custom_config,
        )

    def test_sms_with_a_text(self) -> None:
        """A text of one's own makes it an SMS template of type 2, for authentication."""
        custom = TemplateCustomConfig("authentication", "{{code}}!", ("CN", "US"))

        assert SMSConfig(template_type=2, template_custom_config=custom) == CUSTOM.sms_config

    def test_whatsapp_then_sms(self) -> None:
        """WhatsApp comes first, with the platform's text, then SMS."""
        codes = VerifyCodeConfig(verify_code_ttl=10)
        template = OTPTemplate.whatsapp_then_sms(
            "login", brand_name="Acme", content="{{code}}", verify_code=codes, description="d"
        )

        assert (Channel.WHATSAPP, Channel.SMS) == template.send_channel_strategy
        assert template.whatsapp_config is not None
        assert (codes, "d") == (template.verify_code_config, template.description)

    @pytest.mark.parametrize(
        ("arguments", "problem"),
        [
            ({"brand_name": "A"}, "brand_name: must have 2 to 10 characters, has 1"),
            ({"brand_name": "A" * 11}, "brand_name: must have 2 to 10 characters, has 11"),
            ({"content": "code"}, "custom_content: must hold"),
            ({"content": ""}, "custom_content: must not be empty"),
            ({"content": "{code}", "country_codes": "China"}, "country_codes: expected codes"),
            (
                {"verify_code": VerifyCodeConfig(verify_code_ttl=3)},
                "verify_code_ttl: must be 1, 5 or 10 minutes with WhatsApp",
            ),
        ],
    )
    def test_check_at_once(self, arguments: dict[str, Any], problem: str) -> None:
        """What can never be submitted is not built either."""
        with pytest.raises(ValueError, match=f"^{problem}"):
            OTPTemplate.whatsapp_then_sms("login", **{"brand_name": "Acme"} | arguments)


@pytest.mark.parametrize("minutes", range(1, 11))
def test_whatsapp_has_three_times(minutes: int) -> None:
    """With WhatsApp, codes live for 1, 5 or 10 minutes and for no other time."""
    codes = VerifyCodeConfig(verify_code_ttl=minutes)
    outcome: AbstractContextManager[object] = nullcontext()
    if minutes not in (1, 5, 10):
        outcome = pytest.raises(ValueError, match=r"^verify_code_ttl: must be 1, 5 or 10")

    with outcome:
        OTPTemplate.whatsapp_then_sms("login", brand_name="Acme", verify_code=codes)


def test_whatsapp_restricts_the_minutes() -> None:
    """Without WhatsApp any number of minutes up to ten will do."""
    codes = VerifyCodeConfig(verify_code_ttl=3)

    assert codes == OTPTemplate.sms("l", brand_name="Acme", verify_code=codes).verify_code_config


@pytest.mark.parametrize(
    "changes",
    [
        {"template_id": "x" * 128},
        {"description": "d" * 255},
        {"description": ""},
        {"brand_name": None},
        {"verify_code_config": None, "sms_config": NOTICE},
        {"send_channel_strategy": "sms | voice", "voice_config": ChannelConfig()},
        {
            "send_channel_strategy": "voice|whatsapp|sms",
            "voice_config": ChannelConfig(),
            "whatsapp_config": ChannelConfig(),
        },
        {"send_channel_strategy": ["email"], "sms_config": None, "email_config": mails()},
        {
            "send_channel_strategy": "email",
            "sms_config": None,
            "email_config": EmailConfig("mail"),
            "verify_code_config": None,
        },
        {"verify_code_config": VerifyCodeConfig(VerifyCodeType(7), 4, 1)},
        {"verify_code_config": VerifyCodeConfig(VerifyCodeType.DIGITS, 10, 10)},
        {
            "sms_config": SMSConfig(
                template_type=2,
                template_custom_config=TemplateCustomConfig("utility", "Hi", "CN,US"),
            )
        },
    ],
)
def test_what_the_platform_takes(changes: dict[str, Any]) -> None:
    """What the documentation allows can be submitted."""
    assert evolve(LOGIN, **changes) == submit(**changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"template_id": ""}, "template_id: must not be empty"),
        ({"template_id": "x" * 129}, "template_id: must have 1 to 128 characters, has 129"),
        ({"brand_name": ""}, "brand_name: must not be empty"),
        ({"description": "d" * 256}, "description: must have 1 to 255 characters, has 256"),
        ({"send_channel_strategy": ""}, "send_channel_strategy: expected one or more of whatsapp"),
        ({"send_channel_strategy": "sms|fax"}, "send_channel_strategy: expected one or more of"),
        ({"sms_config": None}, "sms_config: every channel of send_channel_strategy needs"),
        ({"send_channel_strategy": "sms|whatsapp"}, "whatsapp_config: every channel of send"),
        ({"send_channel_strategy": "sms|sms"}, "send_channel_strategy: names a channel twice"),
        (
            {"send_channel_strategy": "sms|email", "email_config": mails()},
            "send_channel_strategy: email cannot be joined",
        ),
        (
            {"send_channel_strategy": "email|sms", "email_config": mails()},
            "send_channel_strategy: email cannot be joined",
        ),
        ({"verify_code_config": None}, "verify_code_config: needed, as the template sends codes"),
        (
            {"verify_code_config": None, "sms_config": NOTICE, "voice_config": ChannelConfig()},
            "verify_code_config: needed",
        ),
        (
            {"verify_code_config": None, "sms_config": NOTICE, "email_config": mails()},
            "verify_code_config: needed",
        ),
        (
            {
                "verify_code_config": None,
                "sms_config": SMSConfig(2, None, TemplateCustomConfig("utility", "{code}")),
            },
            "verify_code_config: needed",
        ),
        ({"whatsapp_config": ChannelConfig(2)}, "template_type: must be 1$"),
        ({"voice_config": ChannelConfig(0)}, "template_type: must be 1$"),
        (
            {"sms_config": SMSConfig(2, None, TemplateCustomConfig("utility"))},
            "custom_content: must not be empty",
        ),
        ({"email_config": EmailConfig()}, "template_name: must not be left out"),
        ({"email_config": EmailConfig("")}, "template_name: must not be empty"),
        *(
            (
                {"email_config": mails(**{name: value})},
                rf"template_custom_configs\[1\]\.{name}: must not be",
            )
            for name in ("language", "pre_from_mail", "pre_subject", "template_content")
            for value in (None, "", " ")
        ),
        (
            {"verify_code_config": VerifyCodeConfig(VerifyCodeType(0))},
            "verify_code_type: must be 1",
        ),
        (
            {"verify_code_config": VerifyCodeConfig(VerifyCodeType(8))},
            "verify_code_type: must be 1",
        ),
        ({"verify_code_config": VerifyCodeConfig(verify_code_len=3)}, "verify_code_len: must be 4"),
        ({"verify_code_config": VerifyCodeConfig(verify_code_len=11)}, "verify_code_len: .* to 10"),
        ({"verify_code_config": VerifyCodeConfig(verify_code_ttl=0)}, "verify_code_ttl: must be 1"),
        ({"verify_code_config": VerifyCodeConfig(verify_code_ttl=11)}, "verify_code_ttl: .* to 10"),
        ({"sms_config": SMSConfig(template_type=3)}, "template_type: must be 1 to 2"),
        ({"sms_config": SMSConfig(template_type=2)}, "template_custom_config: an SMS template of"),
        (
            {"sms_config": SMSConfig(2, None, TemplateCustomConfig("otc", "{{code}}"))},
            "custom_sub_type: expected one of utility",
        ),
    ],
)
def test_rules(changes: dict[str, Any], problem: str) -> None:
    """What the documentation rules out is refused, and named."""
    with pytest.raises(ValueError, match=f"^{problem}"):
        submit(**changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"template_id": 5}, "template_id: expected a str, got int"),
        ({"brand_name": 5}, "brand_name: expected a str, got int"),
        ({"sms_config": {"template_type": 1}}, "sms_config: expected SMSConfig or None, got dict"),
        ({"verify_code_config": VerifyCodeConfig(verify_code_len=6.0)}, "verify_code_len: expe"),  # type: ignore[arg-type]
        ({"verify_code_config": VerifyCodeConfig(verify_code_ttl=True)}, "verify_code_ttl: expec"),
        ({"email_config": EmailConfig(5)}, "template_name: expected a str, got int"),  # type: ignore[arg-type]
        ({"email_config": mails(pre_subject=5)}, r"template_custom_configs\[1\].pre_subject: exp"),
        ({"voice_config": ChannelConfig("1")}, "template_type: expected an int, got str"),  # type: ignore[arg-type]
        (
            {"voice_config": ChannelConfig(1, TemplateDefaultConfig(contain_expire=1))},  # type: ignore[arg-type]
            "contain_expire: expected a bool, got int",
        ),
    ],
)
def test_types(changes: dict[str, Any], problem: str) -> None:
    """What is of another type is refused, and named."""
    with pytest.raises(TypeError, match=f"^{problem}"):
        submit(**changes)


def test_emails_are_of_their_class() -> None:
    """What is no email in some language is refused at once."""
    with pytest.raises(TypeError, match=r"^template_custom_configs\[0\]: expected EmailContent"):
        EmailConfig("mail", [{"language": "en"}])  # type: ignore[list-item]


def test_only_templates_are_submitted() -> None:
    """An id is no template."""
    with pytest.raises(TypeError, match=r"^template: expected an OTPTemplate, got str$"):
        CreateOTPTemplate("login")  # type: ignore[arg-type]


def test_what_was_read_can_be_submitted_anew() -> None:
    """What only the platform says is left out, so that a copy needs no cleaning."""
    sms = SMSConfig(template_parts=2)
    read = evolve(LOGIN, sms_config=sms, status=TemplateStatus.REJECTED, audit_remark="no")
    submitted = CreateOTPTemplate(evolve(read, template_id="login-2")).template

    assert evolve(LOGIN, template_id="login-2", sms_config=SMSConfig()) == submitted


def test_texts_are_not_shown() -> None:
    """A template shows how long its texts are."""
    mail = EmailContent(language="en", template_content="Hello {{code}}")

    assert "Hello" not in repr(EmailConfig("n", [mail]))
    assert "custom_content=<9 characters>" in repr(CUSTOM)


def test_templates_can_be_keys() -> None:
    """A template has a hash, with its mappings left out."""
    mail = EmailContent(language="en", template_content="{{code}}", pre_param_map={"a": "b"})

    assert 1 == len({evolve(LOGIN, email_config=EmailConfig("n", (mail,))) for _ in range(2)})
