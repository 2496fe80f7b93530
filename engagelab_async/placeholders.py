"""The variables in a template's text: ``{{name}}`` or ``{name}``, the consoles show both."""

import re
from collections.abc import Mapping
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{\{\s*([\w.-]+)\s*\}\}|\{([\w.-]+)\}")


def variables(text: str) -> tuple[str, ...]:
    """Return the names of the variables in a text, each once, in their order."""
    return tuple(dict.fromkeys(match[1] or match[2] for match in _PLACEHOLDER.finditer(text)))


def filled_in(text: str, values: Mapping[str, str]) -> str:
    """Put values into a text; as on the platform, a variable without a value stays as it is."""
    return _PLACEHOLDER.sub(lambda match: values.get(match[1] or match[2], match[0]), text)
