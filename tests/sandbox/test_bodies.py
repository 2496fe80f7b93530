"""Bodies: what is wrong with one is named, in the words that the sandbox always had."""

import pytest
from msgspec import Struct

from engagelab_async.sandbox.bodies import Body, read
from engagelab_async.sandbox.otp_api import OTPRequest, TemplateRequest
from engagelab_async.sandbox.refusals import RefusedError
from engagelab_async.sandbox.sms_api import SignatureRequest, SMSRequest
from engagelab_async.sandbox.sms_api import TemplateRequest as SMSTemplateRequest

OTP = {"to": "+6591234567", "template": {"id": "login"}}
TEMPLATE = {"template_id": "login", "send_channel_strategy": "sms"}
SMS = {"to": ["+6591234567"], "template": {"id": "7"}}
WORDING = {
    "template_name": "shipped",
    "template_type": "utility",
    "template_content": "On its way",
    "country_codes": "CN",
}
TTL = {"verify_code_type": 1, "verify_code_len": 6}


@pytest.mark.parametrize(
    ("kind", "body", "message"),
    [
        (OTPRequest, {"template": 5}, "to must be a non-empty string"),
        (OTPRequest, {**OTP, "template": {"id": "a", "language": ""}}, "non-empty string"),
        (TemplateRequest, {**TEMPLATE, "description": 5}, "description must be a string"),
        (
            TemplateRequest,
            {**TEMPLATE, "description": "x" * 256},
            "description must have at most 255 characters",
        ),
        (TemplateRequest, {**TEMPLATE, "brand_name": ""}, "brand_name must be a non-empty string"),
        (
            TemplateRequest,
            {**TEMPLATE, "brand_name": "A"},
            "brand_name must have 2 to 10 characters",
        ),
        (
            TemplateRequest,
            {**TEMPLATE, "verify_code_config": TTL},
            "verify_code_config.verify_code_ttl must be 1 to 10",
        ),
        (
            TemplateRequest,
            {**TEMPLATE, "verify_code_config": {**TTL, "verify_code_ttl": True}},
            "verify_code_config.verify_code_ttl must be an integer",
        ),
        (
            TemplateRequest,
            {**TEMPLATE, "email_config": {"template_name": "m", "template_custom_configs": [1]}},
            "email_config.template_custom_configs must be an array of objects",
        ),
        (SMSRequest, {**SMS, "to": 5}, "to must be a non-empty array of non-empty strings"),
        (SMSRequest, {**SMS, "to": ["a", ""]}, "to must be a non-empty array of"),
        (SMSRequest, {**SMS, "schedule_time": 1.5}, "schedule_time must be an integer"),
        (SMSRequest, {**SMS, "custom_args": [1]}, "custom_args must be an object"),
        (
            SMSTemplateRequest,
            {**WORDING, "template_type": 5},
            "template_type must be one of utility",
        ),
        (SMSTemplateRequest, {**WORDING, "template_content": None}, "must be a non-empty string"),
        (SMSTemplateRequest, {**WORDING, "template_content": "[x]"}, "must not hold 【 】 、"),
        (SMSTemplateRequest, {**WORDING, "sign_position": 3}, "sign_position must be one of 0 1 2"),
        (SMSTemplateRequest, {**WORDING, "add_signature": 1}, "add_signature must be a boolean"),
        (SignatureRequest, {"sign_name": "x"}, "sign_name must have 2 to 60 characters"),
        (SignatureRequest, {"sign_name": ["x"]}, "sign_name must be a non-empty string"),
        (SignatureRequest, {"sign_name": "a[b"}, "sign_name must not hold 【 】 [ ]"),
    ],
)
def test_names_the_first_field_that_is_wrong(kind: type[Struct], body: Body, message: str) -> None:
    """The message has the path of the field in the body, and what it must be."""
    with pytest.raises(RefusedError) as caught:
        read(kind, body, 400)

    assert 400 == caught.value.code
    assert message in caught.value.message


def test_null_counts_as_left_out() -> None:
    """A field that may be left out may be null, and unknown fields are ignored."""
    assert read(SMSRequest, SMS) == read(SMSRequest, {**SMS, "plan_name": None, "more": 1})


def test_a_name_that_is_no_text_is_refused() -> None:
    """JSON can hold half a surrogate pair, which cannot be the name of any field."""
    with pytest.raises(RefusedError) as caught:
        read(OTPRequest, {**OTP, "\ud800": 1})

    assert 3001 == caught.value.code
