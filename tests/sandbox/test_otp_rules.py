"""What an OTP template must be, to the sandbox and to its document alike."""

from collections.abc import Mapping
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator

from engagelab_async.sandbox.openapi import document
from engagelab_async.sandbox.operations import operations_of
from engagelab_async.sandbox.otp_configs import check_template
from engagelab_async.sandbox.platform import Platform
from engagelab_async.sandbox.refusals import RefusedError

DECLARED = [operation for operation, _ in operations_of(Platform().parts)]
SCHEMA = {**document("otp", DECLARED), "$ref": "#/components/schemas/TemplateRequest"}
OWN_TEXT = {"custom_sub_type": "authentication", "custom_content": "{{code}}"}
EMAIL = {
    "language": "default",
    "template_content": "{{code}}",
    "pre_from_mail": "a@example.com",
    "pre_subject": "Your code",
}
CODES = {"verify_code_type": 1, "verify_code_len": 6, "verify_code_ttl": 5}
VOICE = {"template_type": 1}
NOTICE = {
    "template_type": 2,
    "template_custom_config": {"custom_sub_type": "utility", "custom_content": "Hi {{name}}"},
}
MINIMAL: dict[str, Any] = {
    "template_id": "login",
    "send_channel_strategy": "sms",
    "sms_config": {"template_type": 1},
    "verify_code_config": CODES,
}


def is_valid(template: Mapping[str, Any]) -> bool:
    """Ask the document."""
    return not list(OAS31Validator(SCHEMA).iter_errors(template))


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"description": "", "brand_name": "Acme", "pwa_config": {}},
        {"description": "x" * 255, "brand_name": None, "email_config": None},
        {"verify_code_config": {"verify_code_type": 7, "verify_code_len": 4, "verify_code_ttl": 9}},
        {"send_channel_strategy": "whatsapp|sms", "whatsapp_config": {"template_type": 1}},
        {"sms_config": {"template_type": 2, "template_custom_config": OWN_TEXT}},
        {
            "sms_config": {
                "template_type": 1,
                "template_custom_config": {**OWN_TEXT, "custom_country_codes": "CN,US"},
            }
        },
        {"sms_config": NOTICE, "verify_code_config": None},
        {"voice_config": {**VOICE, "template_default_config": {"contain_expire": True}}},
        {"send_channel_strategy": "voice|sms", "voice_config": VOICE},
        {"email_config": {"template_name": "m"}},
        {
            "send_channel_strategy": "email",
            "sms_config": None,
            "verify_code_config": None,
            "email_config": {
                "template_name": "m",
                "template_custom_configs": [{**EMAIL, "template_content": "Welcome"}],
            },
        },
        {
            "email_config": {
                "template_name": "m",
                "template_custom_configs": [
                    {**EMAIL, "pre_from_name": "", "pre_param_map": {"a": 1}}
                ],
            }
        },
        {"pwa_config": {"pwa_platform": "x", "pwa_code": None}},
    ],
)
def test_what_is_documented_is_taken(more: Mapping[str, Any]) -> None:
    """Sandbox and document both allow it."""
    template = {**MINIMAL, **more}
    check_template(template)

    assert is_valid(template)


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"template_id": ""}, "template_id"),
        ({"template_id": "x" * 129}, "template_id"),
        ({"send_channel_strategy": "sms|fax"}, "send_channel_strategy"),
        ({"description": "x" * 256}, "description"),
        ({"description": 1}, "description"),
        ({"brand_name": "A"}, "brand_name"),
        ({"brand_name": "x" * 11}, "brand_name"),
        ({"verify_code_config": []}, "verify_code_config"),
        ({"send_channel_strategy": "sms|sms"}, "send_channel_strategy"),
        ({"send_channel_strategy": "sms|email"}, "send_channel_strategy"),
        ({"send_channel_strategy": "sms|voice|whatsapp|sms"}, "send_channel_strategy"),
        *(
            ({"verify_code_config": {**CODES, name: value}}, f"verify_code_config.{name}")
            for name, wrong in (
                ("verify_code_type", (0, 8, None)),
                ("verify_code_len", (3, 11, True, None)),
                ("verify_code_ttl", (0, 11, "5", None)),
            )
            for value in wrong
        ),
        ({"whatsapp_config": {}}, "whatsapp_config.template_type"),
        ({"whatsapp_config": {"template_type": 2}}, "whatsapp_config.template_type"),
        ({"voice_config": {"template_type": True}}, "voice_config.template_type"),
        (
            {"voice_config": {**VOICE, "template_default_config": {"contain_expire": 1}}},
            "voice_config.template_default_config.contain_expire",
        ),
        ({"sms_config": {"template_custom_config": OWN_TEXT}}, "sms_config.template_type"),
        ({"sms_config": {"template_type": 3}}, "sms_config.template_type"),
        (
            {"sms_config": {**VOICE, "template_custom_config": {}}},
            "sms_config.template_custom_config.custom_sub_type",
        ),
        (
            {"sms_config": {**VOICE, "template_custom_config": {"custom_sub_type": "utility"}}},
            "sms_config.template_custom_config.custom_content",
        ),
        (
            {
                "sms_config": {
                    **VOICE,
                    "template_custom_config": {**OWN_TEXT, "custom_country_codes": 1},
                }
            },
            "sms_config.template_custom_config.custom_country_codes",
        ),
        ({"email_config": {"template_name": 1}}, "email_config.template_name"),
        ({"email_config": {"template_name": ""}}, "email_config.template_name"),
        ({"email_config": {}}, "email_config.template_name"),
        (
            {"email_config": {"template_name": "m", "template_custom_configs": {}}},
            "email_config.template_custom_configs",
        ),
        *(
            (
                {
                    "email_config": {
                        "template_name": "m",
                        "template_custom_configs": [EMAIL, {**EMAIL, name: value}],
                    }
                },
                f"email_config.template_custom_configs[1].{name}",
            )
            for name in EMAIL
            for value in (None, "", 1)
        ),
        (
            {
                "email_config": {
                    "template_name": "m",
                    "template_custom_configs": [{**EMAIL, "pre_param_map": []}],
                }
            },
            "email_config.template_custom_configs[0].pre_param_map",
        ),
        ({"pwa_config": {"pwa_platform": 1}}, "pwa_config.pwa_platform"),
        ({"pwa_config": {"pwa_code": 1}}, "pwa_config.pwa_code"),
    ],
)
def test_what_is_documented_otherwise_is_refused(more: Mapping[str, Any], field: str) -> None:
    """Neither sandbox nor document allows it, and the sandbox names the field."""
    template = {**MINIMAL, **more}
    with pytest.raises(RefusedError) as caught:
        check_template(template)

    assert 3002 == caught.value.code
    assert f"{field} must" in caught.value.message
    assert not is_valid(template)


@pytest.mark.parametrize(
    ("more", "code", "words"),
    [
        ({"sms_config": {}}, 3003, "not contains any channel config"),
        ({"sms_config": {"template_type": 2}}, 3002, "sms_config.template_custom_config must"),
        ({"send_channel_strategy": "voice|sms"}, 3002, "voice_config must be an object"),
        ({"verify_code_config": None}, 3002, "verify_code_config must be an object"),
        (
            {"sms_config": NOTICE, "verify_code_config": None, "voice_config": VOICE},
            3002,
            "verify_code_config must be an object",
        ),
        (
            {
                "sms_config": {
                    "template_type": 2,
                    "template_custom_config": {**OWN_TEXT, "custom_content": "Your code"},
                }
            },
            3002,
            "custom_content must hold {{code}} for authentication",
        ),
        (
            {
                "whatsapp_config": {"template_type": 1},
                "verify_code_config": {**CODES, "verify_code_ttl": 2},
            },
            3002,
            "verify_code_config.verify_code_ttl must be 1, 5 or 10 with WhatsApp",
        ),
    ],
)
def test_what_a_schema_cannot_say_is_refused(
    more: Mapping[str, Any], code: int, words: str
) -> None:
    """Rules about several fields hold as well."""
    with pytest.raises(RefusedError) as caught:
        check_template({**MINIMAL, **more})

    assert (code, True) == (caught.value.code, words in caught.value.message)
