"""The balances of the accounts: each message costs the same.

They are not stored: a balance follows from the first one and from what was sent.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated, Final, TypeAlias

from engagelab_async.arguments import is_integer

from . import otp_api, sms_api
from .bodies import Answer
from .operations import operation
from .outbox import Outbox, Product
from .refusals import RefusedError

Amount: TypeAlias = Decimal | int | str
"""US dollars. No float: most of them are not what they are written as."""

Amounts: TypeAlias = Amount | Mapping[Product, Amount]
"""One for the account of each product, or one for both."""

PRICE: Final = Decimal("0.005")
"""What a message costs, in US dollars."""

_UNLIMITED: Final = Decimal(100)
_PLACES: Final = 4
_MOST: Final = 10**12


class Balances:
    """The balance of the account of each product; see `Sandbox`.

    A product that is left out has 100 US dollars, and as much overdraft as it takes.
    """

    def __init__(self, begins_with: Amounts | None, outbox: Outbox) -> None:
        each = begins_with
        if not isinstance(each, Mapping):
            each = {} if each is None else {"otp": each, "sms": each}
        self._limits = {product: _checked(amount) for product, amount in each.items()}
        self._outbox = outbox

    def check(self, product: Product, messages: int) -> None:
        """Refuse messages that the account cannot pay.

        The documentation has no code for that. 3003 is the one whose message says what is wrong.
        """
        if messages and product in self._limits and self._left(product) < PRICE * messages:
            raise RefusedError(3003, "insufficient balance")

    @operation("GET /v1/balance", "otp.balance")
    def otp(self) -> Annotated[Answer, otp_api.Balance]:
        """Read the balance, in strings."""
        left = f"{self._left('otp'):.{_PLACES}f}"
        balances = {"balance": left, "gift_balance": f"{0:.{_PLACES}f}", "total_balance": left}
        return {"currency": "USD", **balances}

    @operation("GET /v1/balance", "sms.balance")
    def sms(self) -> Annotated[Answer, sms_api.Balance]:
        """Read the balance, in numbers and in integers of ten-thousandths."""
        left = self._left("sms")
        balances = {"balance": left, "gift_balance": Decimal(0), "total_balance": left}
        scaled = {f"{name}10000": int(each * 10**_PLACES) for name, each in balances.items()}
        return {**{name: float(each) for name, each in balances.items()}, **scaled}

    def _left(self, product: Product) -> Decimal:
        return self._limits.get(product, _UNLIMITED) - PRICE * self._outbox.count(product)


def _checked(amount: Amount) -> Decimal:
    if not (is_integer(amount) or isinstance(amount, Decimal | str)):
        raise TypeError(
            f"balance: expected a Decimal, an int or a str, got {type(amount).__name__}"
        )
    try:
        made = Decimal(amount)
    except ArithmeticError:
        raise ValueError("balance: must be a number, such as 12.5") from None
    if not made.is_finite() or abs(made) > _MOST or made != round(made, _PLACES):
        raise ValueError("balance: must be a finite amount of at most four decimal places")
    return made
