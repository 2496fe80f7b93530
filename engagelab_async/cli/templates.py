"""``engagelab sms templates …``, ``sms signatures …`` and ``otp templates …``."""

from collections.abc import Mapping
from typing import Annotated, Any, Final, TypeAlias

from attrs import asdict, frozen
from cyclopts import App, Group, Parameter

from engagelab_async import EngageLab
from engagelab_async.templates import (
    CreateOTPTemplate,
    CreateSignature,
    CreateSMSTemplate,
    DeleteOTPTemplate,
    DeleteSignature,
    DeleteSMSTemplate,
    GetOTPTemplate,
    GetSignature,
    GetSMSTemplate,
    ListOTPTemplates,
    ListSignatures,
    ListSMSTemplates,
    UpdateSignature,
    UpdateSMSTemplate,
)

from . import files, inputs
from .calls import perform
from .options import Call, positive

sms_templates: Final[App] = App(name="templates", help="Templates of text messages.")
signatures: Final[App] = App(name="signatures", help="Signatures that templates may show.")
otp_templates: Final[App] = App(name="templates", help="Templates of codes.")

_NO_OPTIONS: Final = Call()
_TEMPLATE: Final = Group("Template", sort_key=1)

_Id: TypeAlias = Annotated[str, Parameter(help="Its id.")]
_Name: TypeAlias = Annotated[str, Parameter(help="The name: 2 to 60 characters.")]
_Limit: TypeAlias = Annotated[
    float, Parameter(help="Seconds to wait at most.", group=_TEMPLATE, validator=positive)
]
_Yes: TypeAlias = Annotated[
    bool, Parameter(help="Delete without asking.", group=_TEMPLATE, show_default=False)
]
_File: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="A .json, .toml or .yaml file with the fields of the API; options override it.",
        group=_TEMPLATE,
    ),
]


@Parameter(name="*", group=_TEMPLATE)
@frozen(kw_only=True)
class Wording:
    """The content of an SMS template."""

    file: _File = None
    name: Annotated[str | None, Parameter(help="Its name in the console.")] = None
    type: Annotated[
        str | None, Parameter(help="What it is for: utility, marketing or authentication.")
    ] = None
    content: Annotated[str | None, Parameter(help="Its text, with {{variables}}.")] = None
    countries: Annotated[
        str | None, Parameter(help="Countries to which it is sent, such as CN,US.")
    ] = None
    sign_id: Annotated[str | None, Parameter(help="Id of an approved signature.")] = None
    sign_position: Annotated[
        int | None, Parameter(help="Position of the signature: 1 before, 2 after.")
    ] = None

    def fields(self) -> dict[str, Any]:
        """Join the file and the options.

        Raises:
            ValueError: The file cannot be used, or something is nowhere.
        """
        typed = {
            "template_name": self.name,
            "template_type": self.type,
            "template_content": self.content,
            "country_codes": self.countries,
            "sign_id": self.sign_id,
            "sign_position": self.sign_position,
        }
        found = files.fields(self.file, allowed=(*typed, "add_signature"))
        found |= {name: value for name, value in typed.items() if value is not None}
        for name in ("template_name", "template_type", "template_content", "country_codes"):
            if name not in found:
                raise ValueError(f"{name}: is needed, as an option or in --file")
        return found


@Parameter(name="*", group=_TEMPLATE)
@frozen(kw_only=True)
class Codes:
    """The content of an OTP template."""

    brand: Annotated[str | None, Parameter(help="The brand name: 2 to 10 characters.")] = None
    content: Annotated[
        str | None, Parameter(help="A text with {{code}}; defaults to the platform's text.")
    ] = None
    countries: Annotated[
        str | None, Parameter(help="Countries to which your text is sent, such as CN,US.")
    ] = None
    whatsapp_first: Annotated[
        bool, Parameter(help="Try WhatsApp before SMS.", show_default=False)
    ] = False
    code_length: Annotated[int | None, Parameter(help="Characters of a code, 4 to 10.")] = None
    minutes: Annotated[int | None, Parameter(help="Minutes that a code is valid, 1 to 10.")] = None
    description: Annotated[str | None, Parameter(help="Its description in the console.")] = None


# ------------------------------------------------------------------------------- SMS templates


@sms_templates.command(name="list")
def list_sms_templates(*, call: Call = _NO_OPTIONS) -> int:
    """List all templates."""
    return perform(ListSMSTemplates, call)


@sms_templates.command(name="show")
def show_sms_template(template_id: _Id, /, *, call: Call = _NO_OPTIONS) -> int:
    """Show one template."""
    return perform(lambda: GetSMSTemplate(template_id), call)


@sms_templates.command(name="create")
def create_sms_template(*, wording: Wording = Wording(), call: Call = _NO_OPTIONS) -> int:
    """Submit a template for review, from options, from a file, or from both."""
    return perform(lambda: CreateSMSTemplate(**wording.fields()), call)


@sms_templates.command(name="update")
def update_sms_template(
    template_id: _Id,
    /,
    *,
    wording: Wording = Wording(),
    call: Call = _NO_OPTIONS,
) -> int:
    """Replace the whole template; it is reviewed again."""
    return perform(lambda: UpdateSMSTemplate(template_id=template_id, **wording.fields()), call)


@sms_templates.command(name="delete")
def delete_sms_template(template_id: _Id, /, *, yes: _Yes = False, call: Call = _NO_OPTIONS) -> int:
    """Delete a template."""

    def make() -> DeleteSMSTemplate:
        operation = DeleteSMSTemplate(template_id)
        inputs.confirm(f"Delete the SMS template {template_id}?", yes=yes)
        return operation

    return perform(make, call)


@sms_templates.command(name="wait")
def wait_for_sms_template(
    template_id: _Id, /, *, limit: _Limit = 3600.0, call: Call = _NO_OPTIONS
) -> int:
    """Wait until a template is reviewed; exit with 1 if it is rejected, or not yet reviewed."""

    async def wait(engagelab: EngageLab) -> object:
        return await engagelab.sms.templates.wait_until_reviewed(template_id, timeout=limit)

    return perform(lambda: GetSMSTemplate(template_id), call, send=wait)


# ------------------------------------------------------------------------------- signatures


@signatures.command(name="list")
def list_signatures(*, call: Call = _NO_OPTIONS) -> int:
    """List all signatures."""
    return perform(ListSignatures, call)


@signatures.command(name="show")
def show_signature(sign_id: _Id, /, *, call: Call = _NO_OPTIONS) -> int:
    """Show one signature."""
    return perform(lambda: GetSignature(sign_id), call)


@signatures.command(name="create")
def create_signature(name: _Name, /, *, call: Call = _NO_OPTIONS) -> int:
    """Submit a signature for review."""
    return perform(lambda: CreateSignature(name), call)


@signatures.command(name="update")
def update_signature(sign_id: _Id, name: _Name, /, *, call: Call = _NO_OPTIONS) -> int:
    """Change a signature's name; it is reviewed again."""
    return perform(lambda: UpdateSignature(sign_id, name), call)


@signatures.command(name="delete")
def delete_signature(sign_id: _Id, /, *, yes: _Yes = False, call: Call = _NO_OPTIONS) -> int:
    """Delete a signature."""

    def make() -> DeleteSignature:
        operation = DeleteSignature(sign_id)
        inputs.confirm(f"Delete the signature {sign_id}?", yes=yes)
        return operation

    return perform(make, call)


@signatures.command(name="wait")
def wait_for_signature(sign_id: _Id, /, *, limit: _Limit = 3600.0, call: Call = _NO_OPTIONS) -> int:
    """Wait until a signature is reviewed; exit with 1 if it is rejected, or not yet reviewed."""

    async def wait(engagelab: EngageLab) -> object:
        return await engagelab.sms.signatures.wait_until_reviewed(sign_id, timeout=limit)

    return perform(lambda: GetSignature(sign_id), call, send=wait)


# ------------------------------------------------------------------------------- OTP templates


@otp_templates.command(name="list")
def list_otp_templates(*, call: Call = _NO_OPTIONS) -> int:
    """List all templates."""
    return perform(ListOTPTemplates, call)


@otp_templates.command(name="show")
def show_otp_template(template_id: _Id, /, *, call: Call = _NO_OPTIONS) -> int:
    """Show one template."""
    return perform(lambda: GetOTPTemplate(template_id), call)


@otp_templates.command(name="create")
def create_otp_template(
    template_id: Annotated[
        str | None, Parameter(help="The id that you choose; defaults to the one in --file.")
    ] = None,
    /,
    *,
    file: _File = None,
    codes: Codes = Codes(),
    call: Call = _NO_OPTIONS,
) -> int:
    """Submit a template for review, from options for the common cases, or from a file."""
    typed: Mapping[str, Any] = asdict(codes)
    return perform(lambda: CreateOTPTemplate(files.otp_template(template_id, file, typed)), call)


@otp_templates.command(name="delete")
def delete_otp_template(template_id: _Id, /, *, yes: _Yes = False, call: Call = _NO_OPTIONS) -> int:
    """Delete a template."""

    def make() -> DeleteOTPTemplate:
        operation = DeleteOTPTemplate(template_id)
        inputs.confirm(f"Delete the OTP template {template_id}?", yes=yes)
        return operation

    return perform(make, call)


@otp_templates.command(name="wait")
def wait_for_otp_template(
    template_id: _Id, /, *, limit: _Limit = 3600.0, call: Call = _NO_OPTIONS
) -> int:
    """Wait until a template is reviewed; exit with 1 if it is rejected, or not yet reviewed."""

    async def wait(engagelab: EngageLab) -> object:
        return await engagelab.otp.templates.wait_until_reviewed(template_id, timeout=limit)

    return perform(lambda: GetOTPTemplate(template_id), call, send=wait)
