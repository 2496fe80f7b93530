"""The call that the vendor's sandbox adds to the API: it sets where callbacks go."""

from collections.abc import Callable
from typing import Final

from .bodies import Answer, Body, read
from .callbacks import Callbacks
from .operations import DONE, Done, operation
from .otp_api import WebhookRequest
from .refusals import RefusedError

_USERNAME: Final = "sandbox_demo"
_SECRET: Final = "sandbox_webhook_secret"  # noqa: S105 - the vendor's pages have it


class Webhook:
    """Sets where callbacks go, if that is permitted: if it is given what sets it."""

    def __init__(self, set_callbacks: Callable[[Callbacks], object] | None) -> None:
        self._set_callbacks = set_callbacks

    @operation("otp.sandbox.webhook", "PUT /v1/sandbox/webhook", Done, WebhookRequest)
    def set(self, body: Body) -> Answer:
        """Set where callbacks go; only sandboxes have this."""
        if self._set_callbacks is None:
            raise RefusedError(2004)
        wanted = read(WebhookRequest, body)
        username, secret = wanted.username or _USERNAME, wanted.secret or _SECRET
        try:
            callbacks = Callbacks(wanted.url, username=username, secret=secret)
        except ValueError as error:
            raise RefusedError(3002, str(error)) from None
        self._set_callbacks(callbacks)
        return {**DONE}
