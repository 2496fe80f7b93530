"""``engagelab check``: whether the key pairs work, and what the accounts hold."""

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias

from attrs import frozen
from rich.console import Group
from rich.text import Text

from engagelab_async import (
    AuthenticationError,
    Balance,
    ConfigurationError,
    EngageLab,
    EngageLabError,
    GetOTPBalance,
    GetSMSBalance,
    Operation,
    PermissionDeniedError,
    RetryPolicy,
)

from .calls import logged, run
from .hints import hint
from .options import Call, message_of, spelled
from .outcome import Exit, interrupted, misused
from .output import as_plain, ignore_errors, print_json, show
from .printing import console, facts
from .views import amounts

_BALANCES: Final[dict[str, Operation[Balance]]] = {"otp": GetOTPBalance(), "sms": GetSMSBalance()}
_NO_OPTIONS: Final = Call()

_State: TypeAlias = Literal["accepted", "refused", "missing", "unknown"]

_TITLES: Final[Mapping[_State, tuple[str, str]]] = {
    "accepted": ("✓ {}: the key pair is accepted", "bold green"),
    "refused": ("✗ {}: the key pair is refused", "bold red"),
    "missing": ("- {}: no key pair is set", "bold yellow"),
    "unknown": ("? {}: the key pair could not be checked", "bold yellow"),
}


@frozen(kw_only=True)
class _KeyPair:
    """What is known of the key pair of one product; ``unknown`` if the API could not be asked."""

    product: str
    state: _State
    balance: Balance | None = None
    problem: str | None = None
    hint: str | None = None


def check(*, call: Call = _NO_OPTIONS) -> int:
    """Show for each product whether a key pair is set, whether it is accepted, and the balance.

    Nothing is sent. The exit code is 0 if every key pair that is set is accepted, 1 if one is
    refused or the API could not be asked, and 2 if none is set.

    Example: `engagelab check --env-file .env`
    """
    try:
        with logged(verbose=call.verbose):
            pairs = run(lambda: _ask(call))
    except (ConfigurationError, TypeError, ValueError) as error:
        outcome = misused(spelled(str(error)))
    except KeyboardInterrupt:
        outcome = interrupted()
    else:
        with ignore_errors():
            _print(pairs, as_json=call.json)
        return _exit_code(pairs)
    show(outcome, as_json=call.json, title="✗ Not checked")
    return outcome.exit_code


async def _ask(call: Call) -> list[_KeyPair]:
    policy = call.policy()
    async with call.client() as engagelab:
        return [await _ask_about(engagelab, product, policy) for product in _BALANCES]


async def _ask_about(engagelab: EngageLab, product: str, policy: RetryPolicy) -> _KeyPair:
    try:
        balance = await engagelab.execute(_BALANCES[product], retry=policy)
    except EngageLabError as error:
        state = _state_after(error)
        return _KeyPair(product=product, state=state, problem=message_of(error), hint=hint(error))
    return _KeyPair(product=product, state="accepted", balance=balance)


def _state_after(error: EngageLabError) -> _State:
    match error:
        case ConfigurationError():
            return "missing"
        case AuthenticationError():
            return "refused"
        case PermissionDeniedError():
            return "accepted"  # but it may not read the balance
        case _:
            return "unknown"


def _exit_code(pairs: list[_KeyPair]) -> Exit:
    states = {pair.state for pair in pairs} - {"missing"}
    if not states:
        return Exit.USAGE
    return Exit.DONE if states == {"accepted"} else Exit.NOT_SENT


def _print(pairs: list[_KeyPair], *, as_json: bool) -> None:
    if as_json:
        shown = {pair.product: {"state": pair.state, **_details(pair)} for pair in pairs}
        print_json({"ok": _exit_code(pairs) is Exit.DONE, "operation": "check", "result": shown})
        return
    for pair in pairs:
        title, style = _TITLES[pair.state]
        rows = {
            **(amounts(pair.balance) if pair.balance else {}),
            "what happened": pair.problem,
            "what to do": pair.hint,
        }
        console().print(Group(Text(f"{title.format(pair.product.upper())}", style), facts(rows)))


def _details(pair: _KeyPair) -> dict[str, object]:
    return {
        "balance": as_plain(pair.balance),
        "problem": pair.problem,
        "hint": pair.hint,
    }
