"""Templates: which ids exist, and what their text becomes."""

import re
from collections.abc import Mapping
from typing import Final

from attrs import frozen

from ._errors import RefusedError

DEMO_TEMPLATE: Final = "sandbox-otp-tpl"
"""The template of the vendor's public OTP sandbox; it always exists.

.. versionadded:: 0.1.0
"""

_DEMO_CONTENT: Final = "{{brand_name}}: your code is {{code}}. It expires in {{ttl}} minutes."
_MISSING: Final = "missing"
# The platform's consoles show both styles.
_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}|\{([\w.-]+)\}")


@frozen
class Template:
    """A template that exists.

    Attributes:
        id: Its id.
        content: Its text with placeholders, or ``None`` for one that nobody registered.
    """

    id: str
    content: str | None

    @property
    def is_verification(self) -> bool:
        """Whether the text has a place for a code."""
        matches = _PLACEHOLDER.finditer(self.content or "")
        return any("code" in match.groups() for match in matches)

    def render(self, variables: Mapping[str, str], presets: Mapping[str, str]) -> str:
        """Fill in the text, or make one up that shows the variables.

        Args:
            variables: What the request brings; wins over a preset of the same name.
            presets: What the platform fills in by itself.

        Returns:
            The text. A placeholder without a value stays as it is, which the platform does too.
        """
        if self.content is None:
            listed = ", ".join(f"{name}={value}" for name, value in variables.items())
            return f"[{self.id}] {listed}".rstrip()
        values = {**presets, **variables}
        return _PLACEHOLDER.sub(
            lambda match: values.get(match[1] or match[2], match[0]), self.content
        )


class Templates:
    """The templates of one sandbox.

    Args:
        contents: Text by template id, and then no other id exists; or ``None``, and then every id
            exists that does not begin with ``missing``.
    """

    def __init__(self, contents: Mapping[str, str] | None) -> None:
        self._is_open = contents is None
        self._contents = {DEMO_TEMPLATE: _DEMO_CONTENT, **(contents or {})}

    def find(self, template_id: str) -> Template:
        """Return a template.

        Raises:
            RefusedError: 4001, it does not exist.
        """
        content = self._contents.get(template_id)
        if content is None and (not self._is_open or template_id.startswith(_MISSING)):
            raise RefusedError(4001, "template config not exist")
        return Template(template_id, content)
