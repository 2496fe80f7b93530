"""``engagelab sms templates …``, ``sms signatures …`` and ``otp templates …``."""

from collections.abc import Awaitable, Callable, Mapping
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
from .options import Call, flag, positive
from .outcome import Action

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
_Yes: TypeAlias = Annotated[bool, flag(help="Delete without asking.", group=_TEMPLATE)]
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
        """Join the file and the options; raise ``ValueError`` if something is nowhere."""
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
    whatsapp_first: Annotated[bool, flag(help="Try WhatsApp before SMS.")] = False
    code_length: Annotated[int | None, Parameter(help="Characters of a code, 4 to 10.")] = None
    minutes: Annotated[int | None, Parameter(help="Minutes that a code is valid, 1 to 10.")] = None
    description: Annotated[str | None, Parameter(help="Its description in the console.")] = None


def _add_common_commands(
    app: App,
    name: str,
    example: str,
    *,
    key: str,
    list: Callable[[], Action],  # noqa: A002 - as the command is called
    get: Callable[[str], Action],
    delete: Callable[[str], Action],
    reviewed: Callable[[EngageLab], Callable[..., Awaitable[object]]],
) -> None:
    """Add the commands that are the same for templates and for signatures.

    `example` is what the examples begin with, and an id; `key` is the API's name of an id.
    """
    words, _, an_id = example.rpartition(" ")
    kind = name.rpartition(" ")[2]
    Id = Annotated[str, Parameter(name=key.replace("_", "-"), help="Its id.")]  # noqa: N806 - a type

    def list_all(*, call: Call = _NO_OPTIONS) -> int:
        return perform(list, call)

    def show(id: Id, /, *, call: Call = _NO_OPTIONS) -> int:  # noqa: A002 - the API's word
        return perform(lambda: get(id), call)

    def delete_one(id: Id, /, *, yes: _Yes = False, call: Call = _NO_OPTIONS) -> int:  # noqa: A002
        def make() -> Action:
            operation = delete(id)
            inputs.confirm(f"Delete the {name} {id}?", yes=yes)
            return operation

        return perform(make, call)

    def wait(id: Id, /, *, limit: _Limit = 3600.0, call: Call = _NO_OPTIONS) -> int:  # noqa: A002
        return perform(
            lambda: get(id), call, send=lambda engagelab: reviewed(engagelab)(id, timeout=limit)
        )

    for command, run, summary, arguments in (
        ("list", list_all, f"List all {kind}s.", ""),
        ("show", show, f"Show one {kind}.", f" {an_id}"),
        ("delete", delete_one, f"Delete a {kind}.", f" {an_id} --yes"),
        (
            "wait",
            wait,
            f"Wait until a {kind} is reviewed; exit with 1 if it is rejected, or not yet reviewed.",
            f" {an_id} --limit 600",
        ),
    ):
        text = f"{summary}\n\nExample: `engagelab {words} {command}{arguments}`"
        app.command(run, name=command, help=text)


_add_common_commands(
    sms_templates,
    "SMS template",
    "sms templates 1233",
    key="template_id",
    list=ListSMSTemplates,
    get=GetSMSTemplate,
    delete=DeleteSMSTemplate,
    reviewed=lambda engagelab: engagelab.sms.templates.wait_until_reviewed,
)
_add_common_commands(
    signatures,
    "signature",
    "sms signatures 51",
    key="sign_id",
    list=ListSignatures,
    get=GetSignature,
    delete=DeleteSignature,
    reviewed=lambda engagelab: engagelab.sms.signatures.wait_until_reviewed,
)
_add_common_commands(
    otp_templates,
    "OTP template",
    "otp templates login",
    key="template_id",
    list=ListOTPTemplates,
    get=GetOTPTemplate,
    delete=DeleteOTPTemplate,
    reviewed=lambda engagelab: engagelab.otp.templates.wait_until_reviewed,
)


@sms_templates.command(name="create")
def create_sms_template(*, wording: Wording = Wording(), call: Call = _NO_OPTIONS) -> int:
    """Submit a template for review, from options, from a file, or from both.

    Example: `engagelab sms templates create --file shipped.yaml --countries SG,MY`
    """
    return perform(lambda: CreateSMSTemplate(**wording.fields()), call)


@sms_templates.command(name="update")
def update_sms_template(
    template_id: _Id,
    /,
    *,
    wording: Wording = Wording(),
    call: Call = _NO_OPTIONS,
) -> int:
    """Replace the whole template; it is reviewed again.

    Example: `engagelab sms templates update 1233 --file shipped.yaml`
    """
    return perform(lambda: UpdateSMSTemplate(template_id=template_id, **wording.fields()), call)


@signatures.command(name="create")
def create_signature(name: _Name, /, *, call: Call = _NO_OPTIONS) -> int:
    """Submit a signature for review.

    Example: `engagelab sms signatures create Acme`
    """
    return perform(lambda: CreateSignature(name), call)


@signatures.command(name="update")
def update_signature(sign_id: _Id, name: _Name, /, *, call: Call = _NO_OPTIONS) -> int:
    """Change a signature's name; it is reviewed again.

    Example: `engagelab sms signatures update 51 "Acme Ltd"`
    """
    return perform(lambda: UpdateSignature(sign_id, name), call)


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
    """Submit a template for review, from options for the common cases, or from a file.

    Example: `engagelab otp templates create login --brand Acme --minutes 5`
    """
    typed: Mapping[str, Any] = asdict(codes)
    return perform(lambda: CreateOTPTemplate(files.otp_template(template_id, file, typed)), call)
