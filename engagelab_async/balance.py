"""The balance of an account.

The two products answer different types under the same names: OTP strings, SMS numbers and beside
them each amount times 10,000 as an integer. A `Balance` is exact either way.
"""

from decimal import Decimal

from attrs import frozen

from engagelab_async.serialization import Serializable


@frozen
class Balance(Serializable):
    """The balance of an account of one product.

    Attributes:
        balance: The remaining amount that was paid in; negative with an overdraft.
        gift_balance: The remaining amount that EngageLab has granted.
        total_balance: The sum of both.
        currency: Such as ``USD``, or ``None`` if the platform does not report it, as for SMS.

    .. versionadded:: 0.1.0
    """

    balance: Decimal
    gift_balance: Decimal
    total_balance: Decimal
    currency: str | None = None
