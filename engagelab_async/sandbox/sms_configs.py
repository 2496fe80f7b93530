"""Templates and signatures of the SMS product: created, reviewed, used, changed, deleted.

Refusals have the HTTP status as their code, and say what is wrong in their message alone.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from attrs import define, frozen

from .bodies import Answer, Body, read
from .operations import DONE
from .refusals import RefusedError
from .reviews import APPROVED, PENDING, Reviewer, Submission
from .sms_api import SignatureRequest, TemplateRequest
from .templates import Template

_REFUSAL: Final = 400
_FOR_CODES: Final = ("authentication", "otp")


@define
class Signature:
    """A signature."""

    sign_id: str
    sign_name: str
    created_at: float
    submission: Submission


@define
class SMSTemplate:
    """A template; its wording is what the request said.

    Attributes:
        is_given: Whether it was not submitted, but given to the sandbox.
    """

    template_id: str
    wording: Answer
    created_at: float
    submission: Submission
    used_until: float = 0.0
    is_given: bool = False


@frozen
class SMSState:
    """All templates and signatures of one sandbox, to be kept."""

    templates: tuple[SMSTemplate, ...]
    signatures: tuple[Signature, ...]
    deleted: tuple[str, ...]


class SMSConfigs:
    """All templates and signatures of one sandbox.

    Args:
        reviewer: Reviews them.
        new_id: Makes an id.
        clock: Returns the time in Unix seconds.
        given: Templates that need no review: text by id.
    """

    def __init__(
        self,
        reviewer: Reviewer,
        new_id: Callable[[], str],
        clock: Callable[[], float],
        given: Mapping[str, str],
    ) -> None:
        self._reviewer = reviewer
        self._new_id = new_id
        self._clock = clock
        self._signatures: dict[str, Signature] = {}
        self._given = {name: _given(name, text, reviewer) for name, text in given.items()}
        self._templates: dict[str, SMSTemplate] = dict(self._given)
        self._deleted: set[str] = set()

    def state(self) -> SMSState:
        """Return all there is."""
        templates = (made for made in self._templates.values() if not made.is_given)
        return SMSState(tuple(templates), tuple(self._signatures.values()), tuple(self._deleted))

    def restore(self, state: SMSState) -> None:
        """Replace all there is."""
        self._deleted = set(state.deleted)
        given = {name: made for name, made in self._given.items() if name not in self._deleted}
        self._templates = given | {made.template_id: made for made in state.templates}
        self._signatures = {made.sign_id: made for made in state.signatures}

    def submissions(self) -> Iterable[tuple[str, Submission]]:
        """Return the review of each template, by its id."""
        return [(name, made.submission) for name, made in tuple(self._templates.items())]

    # --------------------------------------------------------------------------- sending

    def find(self, template_id: str) -> Template | None:
        """Return a template to send, or ``None`` if none was submitted under this id.

        Raises:
            RefusedError: 4001, it was deleted; 3003, it is not approved.
        """
        if template_id in self._deleted:
            raise RefusedError(4001, "template config not exist")
        made = self._templates.get(template_id)
        if made is None:
            return None
        if made.submission.status != APPROVED:
            raise RefusedError(3003, "template status is not approved, can not use")
        return Template(template_id, str(made.wording["template_content"]))

    def use(self, template_id: str, until: float) -> None:
        """Record a plan that uses a template until some time."""
        made = self._templates.get(template_id)
        if made is not None:
            made.used_until = max(made.used_until, until)

    # --------------------------------------------------------------------------- templates

    def list_templates(self) -> list[Answer]:
        """Return all templates, oldest first."""
        return [self._template_answer(made) for made in self._templates.values()]

    def get_template(self, template_id: str) -> Answer:
        """Return a template."""
        return self._template_answer(self._template(template_id))

    def create_template(self, body: Body) -> Answer:
        """Submit a template."""
        wording = self._wording(read(TemplateRequest, body, _REFUSAL))
        template_id = self._new_id()
        submission = self._reviewer.take()
        self._templates[template_id] = SMSTemplate(template_id, wording, submission.at, submission)
        return {"template_id": template_id}

    def update_template(self, template_id: str, body: Body) -> Answer:
        """Replace what a template says, which is reviewed again."""
        made = self._template(template_id)
        if made.submission.status == PENDING:
            raise _refusal("can not update pending status template")
        self._check_unused(made, "update")
        made.wording = self._wording(read(TemplateRequest, body, _REFUSAL))
        made.submission = self._reviewer.take()
        made.is_given = False
        return {**DONE}

    def delete_template(self, template_id: str) -> Answer:
        """Delete a template."""
        self._check_unused(self._template(template_id), "delete")
        del self._templates[template_id]
        self._deleted.add(template_id)
        return {**DONE}

    def _template(self, template_id: str) -> SMSTemplate:
        made = self._templates.get(template_id)
        if made is None:
            raise _unknown(template_id, "template config not exist", "invalid templateId")
        return made

    def _check_unused(self, made: SMSTemplate, verb: str) -> None:
        if self._clock() < made.used_until:
            words = "there are pending or running plans using current template, can not"
            raise _refusal(f"{words} {verb}")

    def _wording(self, request: TemplateRequest) -> Answer:
        wording: Answer = {
            "template_name": request.template_name,
            "template_type": request.template_type,
            "template_content": request.template_content,
            "country_codes": request.country_codes,
        }
        is_verification = Template("", request.template_content).is_verification
        if request.template_type in _FOR_CODES and not is_verification:
            raise _refusal("template_content must hold {{code}} for authentication")
        if request.add_signature:
            if request.sign_id is None:
                raise _refusal("sign_id must be a non-empty string")
            signature = self._signature(str(request.sign_id))
            if signature.submission.status != APPROVED:
                raise _refusal("sign status is not approved, can not use")
            if not request.sign_position:
                raise _refusal("sign_position must be one of 1 2")
            wording |= {"sign_id": signature.sign_id, "sign_position": request.sign_position}
        return wording

    def _template_answer(self, made: SMSTemplate) -> Answer:
        answer = {"template_id": made.template_id, **made.wording, **_reviewed(made)}
        if "sign_id" in made.wording:
            signature = self._signatures[str(made.wording["sign_id"])]
            answer["sign_name"] = signature.sign_name
            answer["sign_status"] = signature.submission.status
        return answer

    # --------------------------------------------------------------------------- signatures

    def list_signatures(self) -> list[Answer]:
        """Return all signatures, oldest first."""
        return [self._signature_answer(made) for made in self._signatures.values()]

    def get_signature(self, sign_id: str) -> Answer:
        """Return a signature."""
        return self._signature_answer(self._signature(sign_id))

    def create_signature(self, body: Body) -> Answer:
        """Submit a signature."""
        name = self._new_name(body, among=self._signatures.values())
        sign_id = self._new_id()
        submission = self._reviewer.take()
        self._signatures[sign_id] = Signature(sign_id, name, submission.at, submission)
        return {"sign_id": sign_id}

    def update_signature(self, sign_id: str, body: Body) -> Answer:
        """Change a signature, which is reviewed again."""
        made = self._signature(sign_id)
        if made.submission.status == PENDING:
            raise _refusal("can not update pending status sign")
        others = [each for each in self._signatures.values() if each is not made]
        made.sign_name = self._new_name(body, among=others)
        made.submission = self._reviewer.take()
        return {**DONE}

    def delete_signature(self, sign_id: str) -> Answer:
        """Delete a signature."""
        made = self._signature(sign_id)
        if self._related_templates(made):
            raise _refusal("there are templates using current sign, can not delete")
        del self._signatures[sign_id]
        return {**DONE}

    def _signature(self, sign_id: str) -> Signature:
        made = self._signatures.get(sign_id)
        if made is None:
            raise _unknown(sign_id, "sign config not exist", "invalid signId")
        return made

    def _new_name(self, body: Body, *, among: Iterable[Signature]) -> str:
        name = read(SignatureRequest, body, _REFUSAL).sign_name
        if name in {each.sign_name for each in among}:
            raise _refusal("sign_name already exist")
        return name

    def _related_templates(self, made: Signature) -> int:
        return sum(each.wording.get("sign_id") == made.sign_id for each in self._templates.values())

    def _signature_answer(self, made: Signature) -> Answer:
        return {
            "sign_id": made.sign_id,
            "sign_name": made.sign_name,
            "related_template_count": self._related_templates(made),
            **_reviewed(made),
        }


def _refusal(message: str) -> RefusedError:
    return RefusedError(_REFUSAL, message)


def _unknown(an_id: str, unknown: str, impossible: str) -> RefusedError:
    """Refuse an id: those that the platform makes are numbers."""
    is_possible = an_id.isascii() and an_id.isdecimal()
    return _refusal(unknown if is_possible else impossible)


def _given(template_id: str, text: str, reviewer: Reviewer) -> SMSTemplate:
    is_for_codes = Template(template_id, text).is_verification
    wording: Answer = {
        "template_name": template_id,
        "template_type": "authentication" if is_for_codes else "utility",
        "template_content": text,
        "country_codes": "",
    }
    submission = reviewer.take_approved()
    return SMSTemplate(template_id, wording, submission.at, submission, is_given=True)


def _reviewed(made: Signature | SMSTemplate) -> Answer:
    return {
        "status": made.submission.status,
        "audit_remark": made.submission.audit_remark,
        "created_time": int(made.created_at),
        "updated_time": int(made.submission.at),
    }
