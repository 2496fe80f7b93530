"""The sends of the SMS product, its templates and its signatures."""

from typing import Any, Final

from ._operations import DONE, operation, with_id
from ._schemas import (
    Schema,
    answer,
    any_text,
    array,
    body,
    boolean,
    either,
    integer,
    mapping,
    number,
    reference,
    text,
)

_ID: Final = either(
    text(examples=["notification-template"]), integer(examples=[1233]), description="An id."
)
_STATUS: Final = integer("1 pending review, 2 approved, 3 rejected.", enum=[1, 2, 3])
_REVIEW: Final = {
    "audit_remark": any_text("The reviewer's words."),
    "created_time": integer("Unix seconds."),
    "updated_time": integer("Unix seconds."),
}

# ------------------------------------------------------------------------------- sending

_MESSAGE: Final = body(
    {
        "to": either(
            array(text(examples=["923700056581"]), minItems=1),
            text(examples=["+8618701235678"]),
            description="The targets. Those that are no numbers are dropped without a word.",
        ),
        "template": body(
            {"id": _ID},
            {
                "params": mapping(
                    {"type": "string"},
                    "Values of the template's variables. One that is left out is delivered "
                    "literally, as `{{name}}`.",
                    examples=[{"order": "123456"}, {"name": "EngageLab", "promotion": "30%"}],
                ),
            },
        ),
    },
    {
        "plan_name": text("What the console shows; `-` if it is left out."),
        "schedule_time": integer("Unix seconds, 3 minutes to 30 days ahead.", minimum=1),
        "custom_args": mapping({}, "Comes back in callbacks."),
    },
)
_COUNTS: Final = {
    "plan_id": text("Identifies the plan.", examples=["1972488990548348928"]),
    "total_count": integer("How many targets arrived.", minimum=0),
    "accepted_count": integer("How many of them are valid.", minimum=0),
}
PLAN: Final = answer(
    _COUNTS,
    {
        "message_id": text("Of a send to a single target.", examples=["1972488990804201472"]),
        "schedule_info": answer(
            {"task_id": integer("Above 2**53.", examples=[1972492621368553472])},
            description="Of a scheduled send.",
        ),
    },
    description="A send that was accepted.",
)
_TEN_THOUSANDTHS: Final = integer("The same, times 10,000.", examples=[123456])
BALANCE: Final = answer(
    {
        "balance": number("Negative with an overdraft.", examples=[12.3456]),
        "gift_balance": number(examples=[2]),
        "total_balance": number("The two together.", examples=[14.3456]),
        "balance10000": _TEN_THOUSANDTHS,
        "gift_balance10000": _TEN_THOUSANDTHS,
        "total_balance10000": _TEN_THOUSANDTHS,
    },
    description="What the account has left.",
)
FAILED_PLAN: Final = answer(
    {
        **_COUNTS,
        "code": integer("Never 0.", examples=[1]),
        "message": any_text("What went wrong.", examples=["err xxxx"]),
    },
    description="A send that failed, whatever the counts say.",
)


def _send() -> Schema:
    return operation(
        "sms.send",
        "Send to one or many targets, now or at a set time",
        body=_MESSAGE,
        answers=either(reference("Plan"), reference("FailedPlan")),
        description="An HTTP 200 with a `code` other than 0 is a failure.",
    )


# ------------------------------------------------------------------------------- templates

_FORBIDDEN_IN_TEXTS: Final = {"pattern": r"【|】|、|测试|test|\[|\]"}
_FORBIDDEN_IN_NAMES: Final = {"pattern": r"【|】|\[|\]"}
_WORDING: Final = {
    "template_name": text("Its name.", maxLength=255, examples=["shipped"]),
    "template_type": text(
        "What its messages are for; `otp` is an old name of `authentication`.",
        enum=["utility", "marketing", "authentication", "otp"],
    ),
    "template_content": text("Its text.", examples=["Order {{order}} is on its way"]),
    "country_codes": text("Where it is sent to.", examples=["CN,US"]),
}
_NEW_WORDING: Final = body(
    _WORDING | {"template_content": _WORDING["template_content"] | {"not": _FORBIDDEN_IN_TEXTS}},
    {
        "add_signature": boolean("Whether it has a signature; false if it is left out."),
        "sign_id": _ID | {"description": "Needed with a signature, which must be approved."},
        "sign_position": integer(
            "1 prefix, 2 suffix; needed with a signature. 0 is none.", enum=[0, 1, 2]
        ),
    },
)
TEMPLATE: Final = answer(
    {
        "template_id": text("Its id."),
        **_WORDING,
        "country_codes": any_text("Where it is sent to.", examples=["CN,US"]),
        "status": _STATUS,
    },
    {
        "sign_id": text("Its signature."),
        "sign_name": text("The name that its signature shows."),
        "sign_position": integer("0 none, 1 prefix, 2 suffix.", enum=[0, 1, 2]),
        "sign_status": _STATUS,
        **_REVIEW,
    },
    description="An SMS template.",
)


def _templates() -> dict[str, Any]:
    created = answer({"template_id": text("Its id.")}, description="Its review begins.")
    return {
        "get": _config("templates.list", "Read all templates", array(reference("Template"))),
        "post": _config("templates.create", "Submit a template for review", created, _NEW_WORDING),
    }


def _template() -> dict[str, Any]:
    return {
        "get": _config("templates.get", "Read a template", reference("Template")),
        "put": _config("templates.update", "Change a template", DONE, _NEW_WORDING),
        "delete": _config("templates.delete", "Delete a template", DONE),
    }


# ------------------------------------------------------------------------------- signatures

_NEW_SIGNATURE: Final = body(
    {
        "sign_name": text(
            "The name, unlike all others.",
            minLength=2,
            maxLength=60,
            examples=["Acme"],
        )
        | {"not": _FORBIDDEN_IN_NAMES}
    }
)
SIGNATURE: Final = answer(
    {"sign_id": text("Its id."), "sign_name": text("The name."), "status": _STATUS},
    {"related_template_count": integer("How many templates use it.", minimum=0), **_REVIEW},
    description="A signature.",
)


def _signatures() -> dict[str, Any]:
    created = answer({"sign_id": text("Its id.")}, description="Its review begins.")
    return {
        "get": _config("signatures.list", "Read all signatures", array(reference("Signature"))),
        "post": _config(
            "signatures.create", "Submit a signature for review", created, _NEW_SIGNATURE
        ),
    }


def _signature() -> dict[str, Any]:
    return {
        "get": _config("signatures.get", "Read a signature", reference("Signature")),
        "put": _config("signatures.update", "Change a signature", DONE, _NEW_SIGNATURE),
        "delete": _config("signatures.delete", "Delete a signature", DONE),
    }


# ------------------------------------------------------------------------------- all


def _config(name: str, summary: str, answers: Schema, body: Schema | None = None) -> Schema:
    return operation(
        f"sms.{name}",
        summary,
        body=body,
        answers=answers,
        refuses_by_status=True,
        description="A refusal has the HTTP status as its code; `message` tells what is wrong.",
    )


def paths() -> dict[str, Any]:
    """Describe the operations, by path."""
    return {
        "/v1/messages": {"post": _send()},
        "/v1/balance": {
            "get": operation("sms.balance", "Read the balance", answers=reference("Balance"))
        },
        "/v1/template-configs": _templates(),
        "/v1/template-configs/{template_id}": with_id(
            "template_id", _template(), description="The template's id."
        ),
        "/v1/sign-configs": _signatures(),
        "/v1/sign-configs/{sign_id}": with_id(
            "sign_id", _signature(), description="The signature's id."
        ),
    }
