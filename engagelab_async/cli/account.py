"""What is known of an account before anything is sent: a template, and the balance."""

from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import frozen

from engagelab_async import (
    AuthenticationError,
    Balance,
    ConfigurationError,
    ConnectError,
    EngageLab,
    EngageLabError,
    NotFoundError,
    RetryPolicy,
    render,
)
from engagelab_async.placeholders import variables
from engagelab_async.rendering import PRESETS, text_of
from engagelab_async.templates import OTPTemplate, SMSTemplate, TemplateStatus, TemplateType

from .options import message_of

_FATAL: Final = (AuthenticationError, ConfigurationError, ConnectError)

Template: TypeAlias = SMSTemplate | OTPTemplate | str
"""A template of the account, or its text."""


@frozen
class Account:
    """What is known of the account before a list is read; what is not is ``None``.

    Attributes:
        why_unknown: Why the template's text is not known; empty if it is.
    """

    template: Template | None
    why_unknown: str = ""
    balance: Balance | None = None
    status: TemplateStatus | None = None

    @property
    def is_refused(self) -> bool:
        """Whether the template is known not to be approved."""
        return self.status not in (None, TemplateStatus.APPROVED)

    @property
    def variables(self) -> tuple[str, ...] | None:
        """The variables in the template's text, or ``None`` if it is not known."""
        return None if self.template is None else variables(text_of(self.template) or "")

    @property
    def presets(self) -> tuple[str, ...]:
        """The variables that the platform fills by itself."""
        return () if isinstance(self.template, SMSTemplate) else PRESETS


async def read_account(
    engagelab: EngageLab, product: str, template_id: str, policy: RetryPolicy
) -> Account:
    """Read the balance and the template, which shows whether the key pair is accepted.

    Raises:
        EngageLabError: Every message would be refused: for the key pair, or for the template.
    """
    calls = engagelab.sms if product == "sms" else engagelab.otp
    balance = None
    try:
        balance = await calls.balance(retry=policy)
    except _FATAL:
        raise
    except EngageLabError:
        pass  # such as of a key pair that may only send
    try:
        template = await calls.templates.get(template_id, retry=policy)
    except NotFoundError as error:
        # The sandbox accepts any template id, as long as it has no template at all.
        if await _has_templates(calls, policy):
            raise
        return Account(None, message_of(error), balance)
    except _FATAL:
        raise
    except EngageLabError as error:
        return Account(None, message_of(error), balance)
    try:
        render(template)
    except ValueError as error:
        # Only the platform knows the text.
        return Account(None, str(error).removeprefix("template: "), balance, template.status)
    return Account(template, balance=balance, status=template.status)


async def _has_templates(calls: Any, policy: RetryPolicy) -> bool:  # noqa: ANN401 - either product
    try:
        return bool(await calls.templates.list(retry=policy))
    except NotFoundError:
        return False
    except EngageLabError:
        return True


def account_with(text: str, product: str, template_id: str) -> Account:
    """Return an account of which only the template's text is known; ``@`` begins a file's name."""
    text = _read_text(text[1:]) if text.startswith("@") else text
    if product == "otp":
        return Account(text)
    # As a template of its product: an SMS has no presets.
    return Account(
        SMSTemplate(
            template_id=template_id,
            template_name="",
            template_type=TemplateType.UTILITY,
            template_content=text,
            status=TemplateStatus.APPROVED,
        )
    )


def _read_text(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, ValueError):
        raise ValueError("--template-text: the file cannot be read as UTF-8") from None
