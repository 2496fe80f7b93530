"""Templates: which ids exist, and what their text becomes."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import evolve, field, frozen

from engagelab_async.placeholders import filled_in, variables

from .refusals import RefusedError

DEMO_TEMPLATE: Final = "sandbox-otp-tpl"
"""The template of the vendor's public OTP sandbox; it always exists.

.. versionadded:: 0.1.0
"""

DEMO_TEMPLATES: Final = (DEMO_TEMPLATE, "sandbox-otp-tpl-wa", "sandbox-custom-tpl")
"""The templates of the vendor's public OTP sandbox, which always exist: two for codes, the second
of which goes out on WhatsApp, and one for custom messages.

.. versionadded:: 0.1.0
"""

PLATFORMS_TEXT: Final = "{{brand_name}}: your code is {{code}}. It expires in {{ttl}} minutes."
_MISSING: Final = "missing"


@frozen
class Template:
    """A template that exists.

    Attributes:
        content: Its text with placeholders, or ``None`` for one that is not registered.
        presets: What the platform fills in for this template by itself.
        channels: The channels to try, in their order; empty for what the recipient suggests.
    """

    id: str
    content: str | None
    presets: Mapping[str, str] = field(factory=dict)
    channels: tuple[str, ...] = ()

    @property
    def is_verification(self) -> bool:
        """Whether the text has a place for a code."""
        return "code" in variables(self.content or "")

    def render(self, params: Mapping[str, str], presets: Mapping[str, str]) -> str:
        """Fill in the text, or make one up that shows the variables.

        What the request brings wins over a preset of the same name. A placeholder without a value
        stays as it is, which the platform does too.
        """
        if self.content is None:
            listed = ", ".join(f"{name}={value}" for name, value in params.items())
            return f"[{self.id}] {listed}".rstrip()
        return filled_in(self.content, {**presets, **self.presets, **params})


_CODES, _CODES_BY_WHATSAPP, _CUSTOM = DEMO_TEMPLATES
_DEMO: Final = (
    Template(_CODES, PLATFORMS_TEXT),
    Template(_CODES_BY_WHATSAPP, PLATFORMS_TEXT, channels=("whatsapp",)),
    Template(_CUSTOM, None),
)


def checked(contents: Mapping[str, str]) -> Mapping[str, str]:
    """Return the texts of templates, unless they are something else."""
    if not isinstance(contents, Mapping):
        kind = type(contents).__name__
        raise TypeError(f"templates: expected texts by template id, got {kind}")
    for name, text in contents.items():
        if not isinstance(name, str):
            raise TypeError(f"templates: expected ids that are str, got {type(name).__name__}")
        if not isinstance(text, str):
            raise TypeError(f"templates[{name!r}]: expected a str, got {type(text).__name__}")
    return contents


class Templates:
    """The templates of one sandbox.

    Without ``contents``, texts by template id, every id exists that does not begin with
    ``missing``. With them, no other exists but those of `DEMO_TEMPLATES`.
    """

    def __init__(
        self,
        contents: Mapping[str, str] | None,
        strategies: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
    ) -> None:
        self._is_open = contents is None
        self._strategies = strategies
        given = {name: Template(name, text) for name, text in (contents or {}).items()}
        self._templates = {each.id: each for each in _DEMO} | given
        for name in strategies:
            try:
                self.find(name)
            except RefusedError:
                raise ValueError(f"strategies: there is no template {name!r}") from None

    def find(self, template_id: str) -> Template:
        """Return a template; 4001 if it does not exist."""
        found = self._templates.get(template_id)
        if found is None and (not self._is_open or template_id.startswith(_MISSING)):
            raise RefusedError(4001, "template config not exist")
        template = Template(template_id, None) if found is None else found
        channels = self._strategies.get(template_id)
        return template if channels is None else evolve(template, channels=channels)
