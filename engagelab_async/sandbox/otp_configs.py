"""Templates of the OTP product: created, reviewed, used, deleted."""

from collections.abc import Iterable, Mapping
from typing import Final

from attrs import define, frozen

from ._fields import Answer, Body, Fields
from .otp_rules import check_template
from .refusals import RefusedError
from .reviews import APPROVED, Reviewer, Submission
from .templates import PLATFORMS_TEXT, Template

# What a list says of each channel; the rest of a configuration is what the template says.
_LISTED: Final = ("template_type", "template_name", "template_parts")


@define
class OTPTemplate:
    """A template; its body is what the request said.

    Attributes:
        is_given: Whether it was not submitted, but given to the sandbox.
    """

    body: Body
    submission: Submission
    is_given: bool = False


@frozen
class OTPState:
    """All templates of one sandbox, to be kept."""

    templates: tuple[OTPTemplate, ...]
    deleted: tuple[str, ...]


class OTPConfigs:
    """All templates of one sandbox.

    Args:
        reviewer: Reviews them.
        given: Templates that need no review: text by id.
    """

    def __init__(self, reviewer: Reviewer, given: Mapping[str, str]) -> None:
        self._reviewer = reviewer
        self._given = {
            name: OTPTemplate(_body_of(name, text), reviewer.take_approved(), is_given=True)
            for name, text in given.items()
        }
        self._templates: dict[str, OTPTemplate] = dict(self._given)
        self._deleted: set[str] = set()

    def state(self) -> OTPState:
        """Return all there is."""
        submitted = (made for made in self._templates.values() if not made.is_given)
        return OTPState(tuple(submitted), tuple(self._deleted))

    def restore(self, state: OTPState) -> None:
        """Replace all there is."""
        self._deleted = set(state.deleted)
        given = {name: made for name, made in self._given.items() if name not in self._deleted}
        submitted = {str(made.body["template_id"]): made for made in state.templates}
        self._templates = given | submitted

    def submissions(self) -> Iterable[tuple[str, Submission]]:
        """Return the review of each template, by its id."""
        return [(name, made.submission) for name, made in tuple(self._templates.items())]

    def find(self, template_id: str) -> Template | None:
        """Return a template to send, or ``None`` if none was submitted under this id.

        Raises:
            RefusedError: 4001, it was deleted; 3003, it is not approved.
        """
        if template_id in self._deleted:
            raise RefusedError(4001, "config not exist")
        made = self._templates.get(template_id)
        if made is None or made.is_given:
            return None
        if made.submission.status != APPROVED:
            raise RefusedError(3003, "template status is not approved, can not use")
        return _to_send(Fields(made.body))

    def list_templates(self) -> list[Answer]:
        """Return all templates, oldest first, without what they say."""
        return [_listed(made) for made in self._templates.values()]

    def get_template(self, template_id: str) -> Answer:
        """Return a template."""
        return _answer(self._template(template_id))

    def create_template(self, body: Body) -> Answer:
        """Submit a template under an id of the caller's."""
        request = Fields(body)
        check_template(request)
        template_id = request.text("template_id")
        if template_id in self._templates:
            raise RefusedError(3003, "template_id already exist")
        self._templates[template_id] = OTPTemplate(body, self._reviewer.take())
        self._deleted.discard(template_id)
        return {"code": 0, "message": "success"}

    def delete_template(self, template_id: str) -> Answer:
        """Delete a template."""
        self._template(template_id)
        del self._templates[template_id]
        self._deleted.add(template_id)
        return {"code": 0, "message": "success"}

    def _template(self, template_id: str) -> OTPTemplate:
        made = self._templates.get(template_id)
        if made is None:
            raise RefusedError(4001, "config not exist")
        return made


def _body_of(template_id: str, text: str) -> Body:
    """Make up the request that could have submitted a text."""
    holds_a_code = Template(template_id, text).is_verification
    purpose = "authentication" if holds_a_code else "utility"
    codes = {"verify_code_type": 1, "verify_code_len": 6, "verify_code_ttl": 5}
    return {
        "template_id": template_id,
        "send_channel_strategy": "sms",
        **({"verify_code_config": codes} if holds_a_code else {}),
        "sms_config": {
            "template_type": 2,
            "template_custom_config": {"custom_sub_type": purpose, "custom_content": text},
        },
    }


def _listed(made: OTPTemplate) -> Answer:
    return {name: _without_content(name, value) for name, value in _answer(made).items()}


def _without_content(name: str, value: object) -> object:
    if not isinstance(value, dict) or name in {"verify_code_config", "pwa_config"}:
        return value
    return {key: each for key, each in value.items() if key in _LISTED}


def _to_send(body: Fields) -> Template:
    custom = body.optional_inner("sms_config").optional_inner("template_custom_config")
    told = {
        "brand_name": body.optional_text("brand_name"),
        "ttl": body.optional_inner("verify_code_config").optional_integer("verify_code_ttl"),
    }
    return Template(
        body.text("template_id"),
        custom.optional_text("custom_content") or PLATFORMS_TEXT,
        presets={name: str(value) for name, value in told.items() if value is not None},
        channels=tuple(body.text("send_channel_strategy").split("|")),
    )


def _answer(made: OTPTemplate) -> Answer:
    answer: Answer = {
        **made.body,
        "status": made.submission.status,
        "audit_remark": made.submission.audit_remark,
        "created_time": int(made.submission.at),
    }
    by_sms = made.body.get("sms_config")
    if isinstance(by_sms, dict):
        answer["sms_config"] = {**by_sms, "template_parts": 1}
    return answer
