"""The templates of the OTP product."""

from itertools import permutations
from typing import Any, Final

from ._operations import DONE, operation, with_id
from ._schemas import Schema, any_text, array, body, boolean, integer, mapping, reference, text

# One channel and at most two fallbacks, each once; email stands alone.
_JOINABLE: Final = ("whatsapp", "sms", "voice")
_STRATEGIES: Final = [
    "email",
    *("|".join(order) for count in (1, 2, 3) for order in permutations(_JOINABLE, count)),
]
_MENTIONS: Final = body(
    {},
    {
        "contain_security": boolean("Whether it says not to share the code."),
        "contain_expire": boolean("Whether it says when the code expires."),
    },
    description="What the platform's own text mentions besides the code.",
)
_PLATFORMS_OWN: Final = body(
    {"template_type": integer("1, the platform's own.", enum=[1])},
    {"template_default_config": _MENTIONS},
)
_TYPE_ALONE: Final = body({"template_type": integer("1, the platform's own.", enum=[1])})
_CODES: Final = body(
    {
        "verify_code_type": integer(
            "1 digits, 2 lower case, 4 upper case, added up.", minimum=1, maximum=7
        ),
        "verify_code_len": integer("How many characters.", minimum=4, maximum=10),
        "verify_code_ttl": integer(
            "How many minutes they are live; with WhatsApp only 1, 5 or 10.", minimum=1, maximum=10
        ),
    },
    description="The codes that the platform makes; needed where a text holds one.",
)
_OWN_SMS: Final = body(
    {
        "custom_sub_type": text(
            "What the messages are for.", enum=["authentication", "marketing", "utility"]
        ),
        "custom_content": text(
            "The text; for authentication it holds `{{code}}`.", examples=["{{code}} is your code"]
        ),
    },
    {"custom_country_codes": any_text("Where it is sent to.", examples=["CN,US"])},
    description="A text of one's own.",
)
_EMAIL: Final = body(
    {
        "language": text("Such as `en`; `default` for all others."),
        "template_content": text("The text."),
        "pre_from_mail": text("The sender's address."),
        "pre_subject": text("The subject."),
    },
    {
        "pre_from_name": any_text("The sender's name."),
        "pre_param_map": mapping({}, "Preset values of variables."),
    },
)


def _template_fields(sms_config: Schema) -> dict[str, Schema]:
    return {
        "description": any_text("What the console shows.", maxLength=255),
        "brand_name": text("Who sends the codes.", minLength=2, maxLength=10, examples=["Acme"]),
        "verify_code_config": _CODES,
        "whatsapp_config": _PLATFORMS_OWN,
        "sms_config": sms_config,
        "voice_config": _PLATFORMS_OWN,
        "email_config": body(
            {"template_name": text("Its name in the console.")},
            {"template_custom_configs": array(_EMAIL, "The email in each language.")},
        ),
        "pwa_config": body(
            {},
            {
                "pwa_platform": any_text("Who runs the page."),
                "pwa_code": any_text("The page's code there."),
            },
            description="A web page that shows the code.",
        ),
    }


_SMS_TYPE: Final = {"template_type": integer("1, the platform's own; 2, one's own.", enum=[1, 2])}
_SMS_FIELDS: Final = {
    "template_default_config": _MENTIONS,
    "template_custom_config": _OWN_SMS,
}
_IDENTITY: Final = {
    "template_id": text("Chosen by the caller.", maxLength=128, examples=["login"]),
    "send_channel_strategy": text(
        "The channels, in the order in which they are tried. Each needs its config.",
        enum=_STRATEGIES,
        examples=["sms", "whatsapp|sms"],
    ),
}
_PARTS: Final = {"template_parts": integer("How many SMS a message takes.")}
_NEW_TEMPLATE: Final = body(_IDENTITY, _template_fields(body(_SMS_TYPE, _SMS_FIELDS)))
_KNOWN: Final = {
    **_IDENTITY,
    "status": integer("1 pending review, 2 approved, 3 rejected.", enum=[1, 2, 3]),
    "created_time": integer("Unix seconds."),
}
_REMARK: Final = {"audit_remark": any_text("The reviewer's words.")}
TEMPLATE: Final = body(
    _KNOWN,
    {**_template_fields(body(_SMS_TYPE, {**_SMS_FIELDS, **_PARTS})), **_REMARK},
    description="An OTP template.",
)
LISTED_TEMPLATE: Final = body(
    _KNOWN,
    {
        **_template_fields(body(_SMS_TYPE, _PARTS)),
        "whatsapp_config": _TYPE_ALONE,
        "voice_config": _TYPE_ALONE,
        "email_config": body({"template_name": text("Its name in the console.")}),
        **_REMARK,
    },
    description="An OTP template in a list, which leaves out what it says.",
)


def paths() -> dict[str, Any]:
    """Describe the operations, by path."""
    by_id = {
        "get": operation("otp.templates.get", "Read a template", answers=reference("Template")),
        "delete": operation("otp.templates.delete", "Delete a template", answers=DONE),
    }
    return {
        "/v1/template-configs": {"get": _list(), "post": _create()},
        "/v1/template-configs/{template_id}": with_id(
            "template_id", by_id, description="The template's id."
        ),
    }


def _list() -> Schema:
    return operation(
        "otp.templates.list",
        "Read all templates",
        answers=array(reference("ListedTemplate")),
        description="Without what the templates say; read one to have its texts.",
    )


def _create() -> Schema:
    return operation(
        "otp.templates.create",
        "Submit a template for review",
        body=_NEW_TEMPLATE,
        answers=DONE,
        description="3003: not contains any channel config.",
    )
