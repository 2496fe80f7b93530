"""One request to an ASGI app, without a server, a socket or an event loop of its own."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from engagelab_async.engines import Request, Response
from engagelab_async.operation import Product

_ASGI: Final = {"version": "3.0", "spec_version": "2.3"}
_HOST: Final = "127.0.0.1"


async def ask(app: Callable[..., Awaitable[None]], product: Product, request: Request) -> Response:
    """Let the app of a sandbox that was not started answer a request to a product."""
    exchange = _Exchange(request.body)
    await app(_scope(product, request), exchange.receive, exchange.send)
    return Response(exchange.status, exchange.headers, bytes(exchange.body))


def _scope(product: Product, request: Request) -> dict[str, Any]:
    url = urlsplit(request.url)
    path = f"/{product}{url.path}"
    headers = (("Host", _HOST), *request.headers)
    return {
        "type": "http",
        "asgi": _ASGI,
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode("ascii"),
        "query_string": url.query.encode("ascii"),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers],
        "client": (_HOST, 0),
        "server": (_HOST, 80),
    }


class _Exchange:
    """What goes into an app, and what comes out."""

    def __init__(self, body: bytes) -> None:
        self._messages = [{"type": "http.request", "body": body, "more_body": False}]
        self.status = 0
        self.headers: Mapping[str, str] = {}
        self.body = bytearray()

    async def receive(self) -> dict[str, Any]:
        return self._messages.pop() if self._messages else {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:  # noqa: ANN401 - whatever ASGI knows
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self.body += message.get("body", b"")
