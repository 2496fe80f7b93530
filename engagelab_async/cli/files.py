"""Templates in files: JSON, TOML or YAML, with the API's own names for the fields.

Each function raises ``ValueError`` with a text that begins with the option's name.
"""

import json
import tomllib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from engagelab_async.convert import MismatchError, read
from engagelab_async.templates import OTPTemplate, VerifyCodeConfig

_PARSERS: Final[Mapping[str, Callable[[str], object]]] = {
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".yaml": yaml.safe_load,
    ".yml": yaml.safe_load,
}


def fields(path: str | None, *, allowed: Sequence[str]) -> dict[str, Any]:
    """Read a file of named values; ``None`` for no values."""
    if path is None:
        return {}
    found = _document(Path(path))
    unknown = sorted(found.keys() - set(allowed))
    if unknown:
        raise ValueError(f"--file: {unknown[0]} is no field; there are {', '.join(allowed)}")
    return found


def otp_template(
    template_id: str | None, path: str | None, typed: Mapping[str, Any]
) -> OTPTemplate:
    """Make an OTP template of a file, or of what was typed; no option goes with a file."""
    if path is not None:
        if any(typed.values()):
            raise ValueError("--file: holds the whole template, so leave out the other options")
        own_id = {} if template_id is None else {"template_id": template_id}
        return _otp_template(_document(Path(path)) | own_id)
    if template_id is None or typed["brand"] is None:
        raise ValueError("--brand: is needed with an id, or --file instead of both")
    build = OTPTemplate.whatsapp_then_sms if typed["whatsapp_first"] else OTPTemplate.sms
    standard = VerifyCodeConfig()
    return build(
        template_id,
        brand_name=typed["brand"],
        content=typed["content"],
        country_codes=typed["countries"] or (),
        verify_code=VerifyCodeConfig(
            verify_code_len=_or(typed["code_length"], standard.verify_code_len),
            verify_code_ttl=_or(typed["minutes"], standard.verify_code_ttl),
        ),
        description=typed["description"],
    )


def _or(value: int | None, standard: int) -> int:
    return standard if value is None else value


def _otp_template(document: Mapping[str, Any]) -> OTPTemplate:
    try:
        return read(document, OTPTemplate)
    except MismatchError as error:
        raise ValueError(f"--file: {error.address}: {error}") from None


def _document(path: Path) -> dict[str, Any]:
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        raise ValueError(f"--file: expected a name that ends in {', '.join(_PARSERS)}")
    try:
        document = parse(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise ValueError(f"--file: {error.strerror}") from None
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise ValueError(f"--file: cannot be read as {path.suffix[1:]}") from error
    if not isinstance(document, dict) or not all(isinstance(name, str) for name in document):
        raise ValueError("--file: expected names and values")
    return document
