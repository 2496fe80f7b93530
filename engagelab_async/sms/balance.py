"""The balance of the SMS account."""

from typing import ClassVar, Unpack

from attrs import frozen

from engagelab_async.balance import Balance
from engagelab_async.calls import CallOptions, Calls
from engagelab_async.operation import Endpoint, Operation


@frozen
class GetSMSBalance(Operation[Balance]):
    """Read the balance of the SMS account.

    .. versionadded:: 0.1.0
    """

    endpoint: ClassVar[Endpoint] = Endpoint(
        name="sms.balance",
        product="sms",
        method="GET",
        path="/v1/balance",
        result=Balance,
        effect="read",
    )


class BalanceCalls(Calls):
    """The coroutine about the balance."""

    async def balance(self, **options: Unpack[CallOptions]) -> Balance:
        """Read the balance of the account (``GET /v1/balance``).

        Returns:
            The amounts, as ``Decimal``; the SMS product does not say their currency.

        .. versionadded:: 0.1.0
        """
        return await self._transport.execute(GetSMSBalance(), **options)
