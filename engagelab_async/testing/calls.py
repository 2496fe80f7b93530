"""What came to the fake platform, and how it looks where an assertion fails.

The texts show recipients, codes and messages: a test needs them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Self
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from attrs import asdict, field, frozen

import engagelab_async
import engagelab_async.templates
from engagelab_async.client import OTP_BASE_URL, SMS_BASE_URL
from engagelab_async.engines import Request
from engagelab_async.errors import ConfigurationError
from engagelab_async.operation import Operation, Product
from engagelab_async.sandbox import SentMessage
from engagelab_async.sandbox.recipients import canonical

_SHOWN: Final = 20
_OK: Final = "HTTP 200"


@frozen
class Call:
    """One request; each retry is a request, too.

    Its ``repr`` does not show the body and the query.

    Attributes:
        product: ``"otp"`` or ``"sms"``.
        method: The HTTP method.
        path: The path below the product's base URL, such as ``/v1/codes``.
        body: The JSON object that came, empty if there was none.
        outcome: What the client got, such as ``"HTTP 200"``, ``"HTTP 400, code 5011"`` or
            ``"ResponseTimeoutError"``.
        query: The parameters behind the path, such as ``{"from": "2026-11-29"}``.

    .. versionadded:: 0.1.0
    """

    product: Product
    method: str
    path: str
    body: Mapping[str, Any] = field(repr=False, hash=False)
    outcome: str = ""
    query: Mapping[str, str] = field(factory=dict, repr=False, hash=False)

    @classmethod
    def of(cls, request: Request) -> Self:
        """Read a request.

        Raises:
            ConfigurationError: It goes elsewhere.
        """
        url = urlsplit(request.url)
        body = json.loads(request.body or b"{}")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        return cls(_product_at(request.url), request.method, unquote(url.path), body, query=query)

    @property
    def recipients(self) -> tuple[str, ...]:
        """The recipients in the request."""
        to = self.body.get("to", ())
        return (to,) if isinstance(to, str) else tuple(to)

    def is_a(self, operation: type[Operation[Any]]) -> bool:
        """Return whether the request is that of an operation class."""
        endpoint = operation.endpoint
        pattern = re.sub(r"\\{\w+\\}", ".+", re.escape(endpoint.path))
        wanted = (endpoint.product, endpoint.method)
        return wanted == (self.product, self.method) and bool(re.fullmatch(pattern, self.path))

    def __str__(self) -> str:
        to = f" to {', '.join(self.recipients)}" if self.recipients else ""
        query = f"?{urlencode(self.query)}" if self.query else ""
        return f"{self.product} {self.method} {self.path}{query}{to}: {self.outcome}"


def operations() -> Iterator[type[Operation[Any]]]:
    """Yield the library's operations."""
    for module in (engagelab_async, engagelab_async.templates):
        for name in module.__all__:
            public = getattr(module, name)
            if isinstance(public, type) and issubclass(public, Operation) and public != Operation:
                yield public


def _product_at(url: str) -> Product:
    if url.startswith(f"{OTP_BASE_URL}/"):
        return "otp"
    if url.startswith(f"{SMS_BASE_URL}/"):
        return "sms"
    raise ConfigurationError(
        "the fake stands for the real API: leave the client's base URLs as they are"
    )


def spelling(to: str) -> str:
    """Return the one spelling of a recipient; what is none stays as it is."""
    return canonical(to) or to


@frozen(kw_only=True)
class Wanted:
    """What a message has to be; ``None`` stands for anything. See `FakeEngageLab.assert_sent`."""

    to: str | None = None
    template: str | None = None
    product: Product | None = None
    channel: str | None = None
    code: str | None = None
    params: Mapping[str, str] | None = None
    text: str | None = None

    def fits(self, message: SentMessage) -> bool:
        """Return whether a message matches."""
        equal = {
            "template": message.template_id,
            "product": message.product,
            "channel": message.channel,
            "code": message.code,
        }
        return (
            all(getattr(self, name) in (None, value) for name, value in equal.items())
            and (self.to is None or spelling(self.to) == spelling(message.recipient))
            and (self.text is None or self.text in message.text)
            and (self.params or {}).items() <= dict(message.params).items()
        )

    def __str__(self) -> str:
        parts = [f"{name}={value!r}" for name, value in asdict(self).items() if value is not None]
        return ", ".join(parts) or "anything"


def shown(message: SentMessage) -> str:
    """Show a message, whole."""
    code = "" if message.code is None else f", code {message.code}"
    params = f", params {dict(message.params)}" if message.params else ""
    return (
        f"{message.product} to {message.recipient} by {message.channel}, "
        f"template {message.template_id}{code}{params}: {message.text!r}"
    )


def history(messages: Sequence[SentMessage], calls: Iterable[Call]) -> str:
    """Show what was sent, and which requests ended otherwise."""
    failed = [str(call) for call in calls if call.outcome != _OK]
    sent = _listed("This was sent:", list(map(shown, messages))) or ["Nothing was sent."]
    return "\n".join([*sent, *_listed("These requests failed:", failed)])


def _listed(title: str, lines: Sequence[str]) -> list[str]:
    if not lines:
        return []
    left_out = [f"  ... {len(lines) - _SHOWN} older ones"] if len(lines) > _SHOWN else []
    return [title, *left_out, *(f"  {line}" for line in lines[-_SHOWN:])]
