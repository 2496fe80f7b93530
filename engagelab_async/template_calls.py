"""What the calls about templates have in common, whichever product the templates are of."""

from collections.abc import Callable
from typing import Generic, TypeVar, Unpack

from attrs import field, frozen

from engagelab_async.calls import CallOptions, Calls
from engagelab_async.errors import TemplateRejectedError
from engagelab_async.operation import Operation, R_co
from engagelab_async.review import AN_HOUR, Reviewed, wait_until_reviewed
from engagelab_async.transport import Transport
from engagelab_async.wording import template_id

T = TypeVar("T", bound=Reviewed)


@frozen
class OneTemplate(Operation[R_co]):
    """A call about one template; an ``int`` becomes its decimal string."""

    template_id: str = field(converter=template_id)


class TemplateCalls(Calls, Generic[T]):
    """The coroutines about the templates of one product.

    Every coroutine but `wait_until_reviewed` takes the `CallOptions` ``timeout``, ``deadline`` and
    ``retry``. Reading is retried after an uncertain failure, changing is not. Every coroutine
    raises ``TypeError`` or ``ValueError`` for an invalid argument, before anything
    is sent, and a subclass of `EngageLabError` for everything else.
    """

    def __init__(
        self,
        transport: Transport,
        list: Callable[[], Operation[tuple[T, ...]]],  # noqa: A002 - as the coroutine is called
        get: Callable[[str | int], Operation[T]],
        delete: Callable[[str | int], Operation[None]],
    ) -> None:
        super().__init__(transport)
        self._list, self._get, self._delete = list, get, delete

    async def list(self, **options: Unpack[CallOptions]) -> tuple[T, ...]:
        """Read all templates (``GET /v1/template-configs``).

        Returns:
            All of them; the platform has no paging. OTP templates come without their texts, which
            `get` reads.
        """
        return await self._transport.execute(self._list(), **options)

    async def get(self, template_id: str | int, **options: Unpack[CallOptions]) -> T:
        """Read one template (``GET /v1/template-configs/{template_id}``).

        Args:
            template_id: Its id.

        Returns:
            The template.

        Raises:
            NotFoundError: There is none.
        """
        return await self._transport.execute(self._get(template_id), **options)

    async def delete(self, template_id: str | int, **options: Unpack[CallOptions]) -> None:
        """Delete a template (``DELETE /v1/template-configs/{template_id}``).

        Args:
            template_id: Its id.

        Raises:
            InUseError: Plans that use it are not over; of SMS templates only.
            NotFoundError: There is none.
        """
        await self._transport.execute(self._delete(template_id), **options)

    async def wait_until_reviewed(self, template_id: str | int, *, timeout: float = AN_HOUR) -> T:
        """Poll a template, at growing intervals, until it is reviewed.

        Args:
            template_id: Its id.
            timeout: Seconds to wait at most; ``math.inf`` for no limit.

        Returns:
            The template, which is approved.

        Raises:
            TemplateRejectedError: It was rejected; ``audit_remark`` says why.
            ReviewTimeoutError: It is not reviewed yet; it is a ``TimeoutError`` too.
            NotFoundError: There is none.
        """
        return await wait_until_reviewed(
            self._transport,
            self._get(template_id),
            timeout=timeout,
            rejection=TemplateRejectedError,
        )
