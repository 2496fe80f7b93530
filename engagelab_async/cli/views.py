"""Print results of reads: lists as tables, a single template or signature as a list of fields."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from engagelab_async import Balance, Operation
from engagelab_async.rendering import text_of
from engagelab_async.templates import (
    CreatedSignature,
    CreatedSMSTemplate,
    CreateOTPTemplate,
    OTPTemplate,
    Signature,
    SMSTemplate,
)

from .printing import command, facts, printable

_STYLES: Final = {"approved": "green", "rejected": "red", "pending": "yellow"}


def answer(action: Operation[Any], result: object) -> RenderableType:
    """Show what a call about a balance, templates or signatures answered."""
    match result:
        case tuple():
            return _list(result)
        case Balance() | SMSTemplate() | OTPTemplate() | Signature():
            return facts(amounts(result) if isinstance(result, Balance) else _details(result))
        case CreatedSMSTemplate(template_id=created_id):
            return _submitted(("sms", "templates"), created_id)
        case CreatedSignature(sign_id=created_id):
            return _submitted(("sms", "signatures"), created_id)
        case _ if isinstance(action, CreateOTPTemplate):
            return _submitted(("otp", "templates"), action.template.template_id)
        case _:
            return _done("Deleted" if action.endpoint.method == "DELETE" else "Changed")


def amounts(balance: Balance) -> Mapping[str, object]:
    """Return the lines that show a balance."""
    currency = "" if balance.currency is None else f" {balance.currency}"
    return {
        "balance": f"{balance.balance:f}{currency}",
        "gift balance": f"{balance.gift_balance:f}{currency}",
        "total": f"{balance.total_balance:f}{currency}",
    }


def _done(title: str) -> Text:
    return Text(f"✓ {title}", "bold green")


def _submitted(commands: tuple[str, ...], created_id: str) -> Group:
    rows = {"id": created_id, "next": command(*commands, "wait", id=created_id)}
    return Group(_done("Submitted for review"), facts(rows))


def _list(items: Sequence[SMSTemplate | OTPTemplate | Signature]) -> RenderableType:
    if not items:
        return Text("None", "dim")
    rows = [_row(item) for item in items]
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for name in rows[0]:
        table.add_column(name, overflow="fold")
    for row in rows:
        cells = [printable(str(value)) for value in row.values()]
        table.add_row(*(Text(cell, _STYLES.get(cell, "")) for cell in cells))
    return table


def _row(item: SMSTemplate | OTPTemplate | Signature) -> Mapping[str, object]:
    status = _word(item.status)
    match item:
        case SMSTemplate():
            return {
                "id": item.template_id,
                "name": item.template_name,
                "type": item.template_type,
                "countries": ",".join(item.country_codes),
                "status": status,
            }
        case Signature():
            return {
                "id": item.sign_id,
                "name": item.sign_name,
                "templates": _or_empty(item.related_template_count),
                "status": status,
            }
        case _:
            return {
                "id": item.template_id,
                "brand": _or_empty(item.brand_name),
                "channels": "|".join(item.send_channel_strategy),
                "status": status,
            }


def _details(item: SMSTemplate | OTPTemplate | Signature) -> Mapping[str, object]:
    return {
        **_row(item),
        **(_details_of_otp(item) if isinstance(item, OTPTemplate) else {}),
        "text": None if isinstance(item, Signature) else text_of(item),
        "signature": getattr(item, "sign_name", None) if isinstance(item, SMSTemplate) else None,
        "remark": item.audit_remark or None,
        "created": item.created_time and item.created_time.astimezone(),
    }


def _details_of_otp(item: OTPTemplate) -> Mapping[str, object]:
    codes = item.verify_code_config
    shape = codes and f"{codes.verify_code_len} characters, {codes.verify_code_ttl} minutes"
    return {"codes": shape, "description": item.description or None}


def _word(status: Any) -> str:  # noqa: ANN401 - of a template or a signature
    return "" if status is None else str(status.name).lower().replace("unknown_", "status ")


def _or_empty(value: object) -> object:
    return "" if value is None else value
