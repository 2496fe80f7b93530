"""The balance of the OTP account."""

from typing import ClassVar, Unpack

from attrs import frozen

from engagelab_async.balance import Balance
from engagelab_async.calls import CallOptions, Calls
from engagelab_async.operation import Endpoint, Operation


@frozen
class GetOTPBalance(Operation[Balance]):
    """Read the balance of the OTP account.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="otp.balance",
        product="otp",
        method="GET",
        path="/v1/balance",
        result=Balance,
        effect="read",
    )


class BalanceCalls(Calls):
    """The coroutine about the balance."""

    async def balance(self, **options: Unpack[CallOptions]) -> Balance:
        """Read the balance of the account (``GET /v1/balance``).

        Like every read it is retried after an uncertain failure, and its errors never say that
        something may have been sent.

        Returns:
            The amounts, as ``Decimal``, and their currency.

        .. versionadded:: 0.1.0
        """
        return await self._transport.execute(GetOTPBalance(), **options)
