"""Templates and signatures of the SMS product: what a request may do with them, and the answers.

Refusals have the HTTP status as their code, and say what is wrong in their message alone.
"""

from collections.abc import Callable, Mapping
from typing import Annotated, Final, TypeAlias

from . import sms_api as api
from .bodies import Answer, Body, Text, read
from .configs import Config, Configs
from .operations import DONE, Done, operation
from .refusals import RefusedError
from .reviews import APPROVED, PENDING, Reviewer
from .sms_api import SignatureRequest, TemplateRequest
from .templates import Template

TemplateBody: TypeAlias = Annotated[Body, TemplateRequest]
SignatureBody: TypeAlias = Annotated[Body, SignatureRequest]

_TEMPLATES: Final = "/v1/template-configs"
_TEMPLATE: Final = f"{_TEMPLATES}/{{template_id}}"
_SIGNS: Final = "/v1/sign-configs"
_SIGN: Final = f"{_SIGNS}/{{sign_id}}"
_REFUSAL: Final = 400
_FOR_CODES: Final = ("authentication", "otp")


class SMSConfigs:
    """All templates and signatures of one sandbox; those given as text by id need no review."""

    def __init__(
        self, reviewer: Reviewer, new_id: Callable[[], str], given: Mapping[str, str]
    ) -> None:
        self._clock = reviewer.clock
        self._new_id = new_id
        contents = {name: _content_of(name, text) for name, text in given.items()}
        template, sign = "template config not exist", "sign config not exist"
        self.templates: Configs = Configs(
            reviewer, template, _unknown(template, "invalid templateId"), given=contents
        )
        self.signatures: Configs = Configs(reviewer, sign, _unknown(sign, "invalid signId"))

    def find(self, template_id: str) -> Template | None:
        """Return a template to send, or ``None``; see `Configs.find`."""
        config = self.templates.find(template_id)
        if config is None:
            return None
        return Template(template_id, str(config.content["template_content"]))

    def use(self, template_id: str, until: float) -> None:
        """Record a plan that uses a template until some time."""
        if template_id in self.templates:
            config = self.templates[template_id]
            config.used_until = max(config.used_until, until)

    # --------------------------------------------------------------------------- templates

    @operation(f"GET {_TEMPLATES}", "sms.templates.list")
    def list_templates(self) -> Annotated[list[Answer], [api.Template]]:
        """Read all templates, oldest first."""
        return [self._template(config) for config in self.templates]

    @operation(f"GET {_TEMPLATE}", "sms.templates.get")
    def get_template(self, template_id: Text) -> Annotated[Answer, api.Template]:
        """Read a template."""
        return self._template(self.templates[template_id])

    @operation(f"POST {_TEMPLATES}", "sms.templates.create")
    def create_template(self, body: TemplateBody) -> Annotated[Answer, api.CreatedTemplate]:
        """Submit a template for review."""
        content, template_id = self._content(body), self._new_id()
        self.templates.add(template_id, content)
        return {"template_id": template_id}

    @operation(f"PUT {_TEMPLATE}", "sms.templates.update")
    def update_template(self, template_id: Text, body: TemplateBody) -> Annotated[Answer, Done]:
        """Change a template, which is reviewed again."""
        config = self.templates[template_id]
        if self.templates.status(config) == PENDING:
            raise _refusal("can not update pending status template")
        self._check_unused(config, "update")
        self.templates.change(config, self._content(body))
        return {**DONE}

    @operation(f"DELETE {_TEMPLATE}", "sms.templates.delete")
    def delete_template(self, template_id: Text) -> Annotated[Answer, Done]:
        """Delete a template."""
        config = self.templates[template_id]
        self._check_unused(config, "delete")
        self.templates.delete(config)
        return {**DONE}

    def _check_unused(self, config: Config, verb: str) -> None:
        if self._clock() < config.used_until:
            words = "there are pending or running plans using current template, can not"
            raise _refusal(f"{words} {verb}")

    def _content(self, body: Body) -> Answer:
        request = read(TemplateRequest, body, _REFUSAL)
        content: Answer = {
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
            signature = self.signatures[str(request.sign_id)]
            if self.signatures.status(signature) != APPROVED:
                raise _refusal("sign status is not approved, can not use")
            if not request.sign_position:
                raise _refusal("sign_position must be one of 1 2")
            content |= {"sign_id": signature.id, "sign_position": request.sign_position}
        return content

    def _template(self, config: Config) -> Answer:
        answer = {
            "template_id": config.id,
            **config.content,
            **self.templates.review(config),
            "updated_time": int(config.submission.at),
        }
        if "sign_id" in config.content:
            signature = self.signatures[str(config.content["sign_id"])]
            answer["sign_name"] = signature.content["sign_name"]
            answer["sign_status"] = self.signatures.status(signature)
        return answer

    # --------------------------------------------------------------------------- signatures

    @operation(f"GET {_SIGNS}", "sms.signatures.list")
    def list_signatures(self) -> Annotated[list[Answer], [api.Signature]]:
        """Read all signatures, oldest first."""
        return [self._signature(config) for config in self.signatures]

    @operation(f"GET {_SIGN}", "sms.signatures.get")
    def get_signature(self, sign_id: Text) -> Annotated[Answer, api.Signature]:
        """Read a signature."""
        return self._signature(self.signatures[sign_id])

    @operation(f"POST {_SIGNS}", "sms.signatures.create")
    def create_signature(self, body: SignatureBody) -> Annotated[Answer, api.CreatedSignature]:
        """Submit a signature for review."""
        content, sign_id = self._named(body), self._new_id()
        self.signatures.add(sign_id, content)
        return {"sign_id": sign_id}

    @operation(f"PUT {_SIGN}", "sms.signatures.update")
    def update_signature(self, sign_id: Text, body: SignatureBody) -> Annotated[Answer, Done]:
        """Change a signature, which is reviewed again."""
        config = self.signatures[sign_id]
        if self.signatures.status(config) == PENDING:
            raise _refusal("can not update pending status sign")
        self.signatures.change(config, self._named(body, sign_id))
        return {**DONE}

    @operation(f"DELETE {_SIGN}", "sms.signatures.delete")
    def delete_signature(self, sign_id: Text) -> Annotated[Answer, Done]:
        """Delete a signature."""
        config = self.signatures[sign_id]
        if self._related_templates(config):
            raise _refusal("there are templates using current sign, can not delete")
        self.signatures.delete(config)
        return {**DONE}

    def _named(self, body: Body, own_id: str = "") -> Answer:
        name = read(SignatureRequest, body, _REFUSAL).sign_name
        if any(name == each.content["sign_name"] for each in self.signatures if each.id != own_id):
            raise _refusal("sign_name already exist")
        return {"sign_name": name}

    def _related_templates(self, signature: Config) -> int:
        return sum(each.content.get("sign_id") == signature.id for each in self.templates)

    def _signature(self, config: Config) -> Answer:
        return {
            "sign_id": config.id,
            **config.content,
            "related_template_count": self._related_templates(config),
            **self.signatures.review(config),
            "updated_time": int(config.submission.at),
        }


def _refusal(message: str) -> RefusedError:
    return RefusedError(_REFUSAL, message)


def _unknown(unknown: str, impossible: str) -> Callable[[str], RefusedError]:
    """Return what refuses an id: those that the platform makes are numbers."""
    return lambda name: _refusal(unknown if name.isascii() and name.isdecimal() else impossible)


def _content_of(template_id: str, text: str) -> Answer:
    """Make up the request that could have submitted a text."""
    is_for_codes = Template(template_id, text).is_verification
    return {
        "template_name": template_id,
        "template_type": "authentication" if is_for_codes else "utility",
        "template_content": text,
        "country_codes": "",
    }
