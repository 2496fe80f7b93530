"""Templates of the OTP product: created, reviewed, used, deleted."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, TypeVar

from engagelab_async.placeholders import variables

from . import otp_api as api
from .bodies import Answer, Body, Text, read
from .configs import Config, Configs
from .operations import DONE, Done, operation
from .otp_api import CHANNELS, STRATEGIES, TemplateRequest
from .refusals import RefusedError
from .reviews import Reviewer
from .templates import PLATFORMS_TEXT, Template

T = TypeVar("T")

_TEMPLATES: Final = "/v1/template-configs"
_TEMPLATE: Final = f"{_TEMPLATES}/{{template_id}}"
_PLATFORMS_OWN: Final = 1
_FROM: Final = "noreply@example.com"
_WHATSAPP_MINUTES: Final = (1, 5, 10)
# What a list says of each channel; the rest of a configuration is what the template says.
_LISTED: Final = ("template_type", "template_name", "template_parts")


class OTPConfigs:
    """All templates of one sandbox; those that are given as text by id need no review."""

    def __init__(
        self,
        reviewer: Reviewer,
        given: Mapping[str, str],
        strategies: Mapping[str, tuple[str, ...]],
    ) -> None:
        contents = {
            name: _body_of(name, text, strategies.get(name, ("sms",)))
            for name, text in given.items()
        }
        self.templates: Configs = Configs(reviewer, "config not exist", given=contents)

    def find(self, template_id: str) -> Template | None:
        """Return a template to send, or ``None``; see `Configs.find`."""
        config = self.templates.find(template_id)
        return None if config is None else _to_send(read(TemplateRequest, config.content))

    @operation(f"GET {_TEMPLATES}", "otp.templates.list")
    def list_templates(self) -> Annotated[list[Answer], [api.ListedTemplate]]:
        """Read all templates, oldest first, without what they say."""
        return [
            {name: _without_content(name, value) for name, value in self._answer(config).items()}
            for config in self.templates
        ]

    @operation(f"GET {_TEMPLATE}", "otp.templates.get")
    def get_template(self, template_id: Text) -> Annotated[Answer, api.Template]:
        """Read a template."""
        return self._answer(self.templates[template_id])

    @operation(f"POST {_TEMPLATES}", "otp.templates.create")
    def create_template(self, body: Annotated[Body, TemplateRequest]) -> Annotated[Answer, Done]:
        """Submit a template for review, under an id of the caller's."""
        template_id = check_template(body).template_id
        if template_id in self.templates:
            raise RefusedError(3003, "template_id already exist")
        self.templates.add(template_id, body)
        return {**DONE}

    @operation(f"DELETE {_TEMPLATE}", "otp.templates.delete")
    def delete_template(self, template_id: Text) -> Annotated[Answer, Done]:
        """Delete a template."""
        self.templates.delete(self.templates[template_id])
        return {**DONE}

    def _answer(self, config: Config) -> Answer:
        answer: Answer = {**config.content, **self.templates.review(config)}
        by_sms = config.content.get("sms_config")
        if isinstance(by_sms, dict):
            answer["sms_config"] = {**by_sms, "template_parts": 1}
        return answer


def _body_of(template_id: str, text: str, channels: Sequence[str]) -> Body:
    """Make up the request that could have submitted a text."""
    holds_a_code = Template(template_id, text).is_verification
    purpose = "authentication" if holds_a_code else "utility"
    codes = {"verify_code_type": 1, "verify_code_len": 6, "verify_code_ttl": 5}
    own = {"custom_sub_type": purpose, "custom_content": text}
    email = {"language": "default", "template_content": text, "pre_from_mail": _FROM}
    configs: dict[str, Answer] = {
        "whatsapp": {"template_type": 1},
        "voice": {"template_type": 1},
        "sms": {"template_type": 2, "template_custom_config": own},
        "email": {
            "template_name": template_id,
            "template_custom_configs": [{**email, "pre_subject": template_id}],
        },
    }
    has_codes = holds_a_code or not {"whatsapp", "voice"}.isdisjoint(channels)
    return {
        "template_id": template_id,
        "send_channel_strategy": "|".join(channels),
        **({"verify_code_config": codes} if has_codes else {}),
        **{f"{channel}_config": configs[channel] for channel in channels},
    }


def _without_content(name: str, value: object) -> object:
    if not isinstance(value, dict) or name in {"verify_code_config", "pwa_config"}:
        return value
    return {key: each for key, each in value.items() if key in _LISTED}


def _to_send(request: TemplateRequest) -> Template:
    custom = request.sms_config and request.sms_config.template_custom_config
    codes = request.verify_code_config
    presets = {"brand_name": request.brand_name, "ttl": codes and codes.verify_code_ttl}
    return Template(
        request.template_id,
        custom.custom_content if custom else PLATFORMS_TEXT,
        presets={name: str(value) for name, value in presets.items() if value is not None},
        channels=tuple(request.send_channel_strategy.split("|")),
    )


# ------------------------------------------------------------------------------- rules


def check_template(body: Body) -> TemplateRequest:
    """Return a template that may be submitted, or refuse it: with 3003 if it has no channel."""
    configs = [f"{channel}_config" for channel in CHANNELS]
    has_channels = any(body.get(name) not in (None, {}) for name in configs)
    # Without any channel, it is that what is wrong, and not what is missing in a configuration.
    request = read(TemplateRequest, body if has_channels else {**body, **dict.fromkeys(configs)})
    channels = check_strategy(request.send_channel_strategy)
    if not has_channels:
        raise RefusedError(3003, "not contains any channel config")
    for channel in channels:
        _check_given(getattr(request, f"{channel}_config"), f"{channel}_config")
    if any("code" in variables(text) for text in _texts(request)):
        _check_given(request.verify_code_config, "verify_code_config")
    codes = request.verify_code_config
    if codes and request.whatsapp_config and codes.verify_code_ttl not in _WHATSAPP_MINUTES:
        raise _refusal("verify_code_config.verify_code_ttl", "must be 1, 5 or 10 with WhatsApp")
    return request


def check_strategy(strategy: str) -> list[str]:
    """Return the channels of a strategy, in their order, or refuse it."""
    channels = strategy.split("|")
    if strategy in STRATEGIES:
        return channels
    if not set(channels) <= set(CHANNELS):
        demand = f"must be of {' '.join(CHANNELS)}"
    elif len(set(channels)) < len(channels):
        demand = "must name each channel once"
    else:
        demand = "must not join email with another channel"
    raise _refusal("send_channel_strategy", demand)


def _texts(request: TemplateRequest) -> Iterator[str]:
    """Yield what the messages say; the platform's own text holds a code."""
    if request.whatsapp_config or request.voice_config:
        yield PLATFORMS_TEXT
    sms = request.sms_config
    if sms and sms.template_type == _PLATFORMS_OWN:
        yield PLATFORMS_TEXT
    if sms and (sms.template_type != _PLATFORMS_OWN or sms.template_custom_config):
        path = "sms_config.template_custom_config"
        custom = _check_given(sms.template_custom_config, path)
        is_for_codes = custom.custom_sub_type == "authentication"
        if is_for_codes and "code" not in variables(custom.custom_content):
            raise _refusal(f"{path}.custom_content", "must hold {{code}} for authentication")
        yield custom.custom_content
    if request.email_config:
        for each in request.email_config.template_custom_configs or ():
            yield each.template_content


def _check_given(config: T | None, name: str) -> T:
    if config is None:
        raise _refusal(name, "must be an object")
    return config


def _refusal(name: str, demand: str) -> RefusedError:
    return RefusedError(3002, f"{name} {demand}")
