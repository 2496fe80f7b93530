"""The engine that sends with an ``httpx.AsyncClient`` or ``httpx2.AsyncClient`` of the caller."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from engagelab_async.errors import ConnectError, ConnectionLostError

from ._engine import Request, Response
from ._httpx import HTTPX, Body, Departure, HTTPXLibrary, HTTPXSendingEngine, length, read
from ._loops import Owner

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import httpx

    from engagelab_async.errors import EngageLabError

    from ._httpx import Trace


class _ClientDeparture(Departure):
    """What is seen of a request that the caller's hooks and transports may read, change or retry.

    Attributes:
        transport: What sends it: httpx's own ``"network"``, a ``"mock"``, or ``"other"``.
        in_hooks: Whether the client is still at its request hooks.
        handed_over: Whether it has given the request to its transport.
        reads: How often the body was read past the stream after that.
        request: The request, in the library's own words, once there is one.
    """

    def __init__(self, body: Body, transport: str) -> None:
        super().__init__(body)
        self.transport: str = transport
        self.in_hooks: bool = False
        self.handed_over: bool = False
        self.reads: int = 0
        self.request: httpx.Request | None = None
        self._unseen = 0
        self._also: Trace | None = None

    @property
    def times(self) -> int:
        if self.traced:
            return super().times + self._unseen
        if self.transport == "other":
            unseen = self.reads if self.body.data else int(self.handed_over)
            return self.body.taken or unseen
        return 0

    def hand_over(self, transport: str, extensions: Mapping[str, Any]) -> Mapping[str, Any]:
        """Note that a transport gets the request, and return its extensions, `trace` among them.

        A hook may have changed where the request goes, and replaced its extensions.
        """
        self.transport = transport
        self.in_hooks = False
        self.handed_over = True
        if extensions.get("trace") != self.trace:
            self._also = extensions.get("trace")
        return {**extensions, "trace": self.trace}

    def answered(self, status: int) -> None:
        """Note which answer the caller's client has brought."""
        # If it is not the last one that was traced, it answers a copy that was sent unseen.
        self._unseen = int(self.reads > 0 and status != self.status)

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Follow the request through httpcore, and let the caller do so, too."""
        await super().trace(event, info)
        if self._also is not None:
            await self._also(event, info)


class _Watched:
    """A request for a client of the caller's, which notices who comes for its body."""

    departure: _ClientDeparture | None = None
    kind: Callable[[httpx.URL], str]
    url: httpx.URL
    extensions: Mapping[str, Any]

    @property
    def stream(self) -> Body:
        """The body; the client asks for it when it hands the request over to its transport."""
        # Nothing asks for it before the request is complete.
        departure = cast("_ClientDeparture", self.departure)
        self.extensions = departure.hand_over(self.kind(self.url), self.extensions)
        body: Body = vars(self)["stream"]
        return body

    @stream.setter
    def stream(self, body: Body) -> None:
        if self.departure is None:
            vars(self)["stream"] = body
        else:
            self.departure.body.replaced = body

    @property
    def content(self) -> bytes:
        """The body, past the stream."""
        return self.read()

    def read(self) -> bytes:
        if self.departure is None:
            copied: bytes = vars(self)["_content"]
            return copied
        if self.departure.handed_over:
            self.departure.reads += 1
        return self.departure.body.data

    async def aread(self) -> bytes:
        return self.read()

    def __getstate__(self) -> dict[str, object]:
        """Make copies as the library does: with the content, and without a stream."""
        left_out = {"departure", "extensions", "kind", "stream"}
        state = {name: value for name, value in vars(self).items() if name not in left_out}
        return {**state, "_content": self.content}


class HTTPXClientEngine(HTTPXSendingEngine[_ClientDeparture]):
    """Sends with a client that the caller made and closes, for custom TLS, proxies or tests.

    The client's default headers, cookies and event hooks apply. Its timeouts, its authentication
    and its following of redirects do not.

    Args:
        client: An ``httpx.AsyncClient``, or an ``httpx2.AsyncClient`` with that library.
        library: httpx, or httpx2.
    """

    def __init__(self, client: httpx.AsyncClient, *, library: HTTPXLibrary = HTTPX) -> None:
        super().__init__(library)
        self._client = client
        self._watched_request: Any = type("Request", (_Watched, library.module.Request), {})
        self._owner = Owner(f"the {library.module.__name__}.AsyncClient")

    def prepare(self, request: Request) -> _ClientDeparture:
        """Make what notices that the request leaves."""
        transport = self._kind(self._library.module.URL(request.url))
        # A mock opens no connections.
        if transport != "mock":
            self._owner.check()
        departure = _ClientDeparture(self._library.body(request.body), transport)
        if self._sends_in_its_own_way():
            departure.handed_over = True
        else:
            # Where the library's method was replaced, by a mock perhaps, there may be no hooks.
            departure.in_hooks = _is_of(self._library.module, self._client.send)
        return departure

    def _kind(self, url: httpx.URL) -> str:
        module = self._library.module
        # Not public, and there is no other way to know; a client without it is not trusted.
        find = getattr(self._client, "_transport_for_url", None)
        transport = find(url) if find else None
        if isinstance(transport, module.MockTransport):
            return "mock"
        # A replaced method may retry requests.
        patched = "handle_async_request" in getattr(transport, "__dict__", ())
        is_plain = type(transport) is module.AsyncHTTPTransport and not patched
        return "network" if is_plain and not self._sends_in_its_own_way() else "other"

    def _sends_in_its_own_way(self) -> bool:
        # For all clients alike, error tools and mocks replace it.
        is_shared = type(self._client).send is self._library.module.AsyncClient.send
        return "send" in vars(self._client) or not is_shared

    async def _exchange(
        self, request: Request, departure: _ClientDeparture, max_bytes: int
    ) -> Response:
        prepared = self._client.build_request(
            request.method,
            request.url,
            headers=[*request.headers, *length(request.body)],
            # Event hooks may look at it.
            content=request.body or None,
            # httpx's own limits are for one read or write each.
            timeout=None,
            extensions={"trace": departure.trace},
        )
        prepared = self._watched(prepared, departure)
        departure.request = prepared
        response = await self._send(prepared)
        departure.answered(response.status_code)
        if response.is_closed:
            return _without_reading(response)
        try:
            data = await read(response.aiter_raw(), max_bytes)
            return Response(response.status_code, response.headers, data)
        finally:
            await response.aclose()

    def _watched(self, prepared: httpx.Request, departure: _ClientDeparture) -> httpx.Request:
        request: httpx.Request = self._watched_request(
            prepared.method,
            prepared.url,
            headers=prepared.headers,
            stream=departure.body,
            extensions=prepared.extensions,
        )
        vars(request).update(departure=departure, kind=self._kind)
        return request

    async def _send(self, prepared: httpx.Request) -> httpx.Response:
        try:
            return await self._client.send(prepared, stream=True, auth=None, follow_redirects=False)
        except self._library.module.HTTPStatusError as error:
            # An event hook may call raise_for_status; it is an answer all the same.
            if not _is_about(error, prepared):
                raise
            answer: httpx.Response = error.response
            return answer

    def never_left(self, error: Exception, departure: _ClientDeparture) -> bool:
        """Return whether it is certain that a request that failed was not sent."""
        if self._is_from_a_hook(error, departure):
            return departure.in_hooks
        if departure.times or (departure.transport == "other" and departure.reads):
            return False
        if departure.in_hooks:
            return True
        # A mock that raises what is not the library's has shown nothing of where it was.
        is_known = isinstance(error, self._library.failures)
        if departure.transport == "mock" and not departure.traced and not is_known:
            return False
        return super().never_left(error, departure)

    def failed(self, error: Exception, departure: _ClientDeparture) -> EngageLabError:
        """Translate what was raised in place of an answer."""
        if not self._is_from_a_hook(error, departure):
            return super().failed(error, departure)
        lost = ConnectError if self.never_left(error, departure) else ConnectionLostError
        return lost(f"an event hook failed ({type(error).__name__}){departure.progress}")

    def _is_from_a_hook(self, error: Exception, departure: _ClientDeparture) -> bool:
        """Return whether an error of the library comes from a request that a hook made itself."""
        if self._sends_in_its_own_way() or not (departure.in_hooks or departure.handed_over):
            return False
        if not isinstance(error, self._library.module.HTTPError):
            return False
        return not _is_about(error, departure.request)

    async def aclose(self) -> None:
        """Leave the client to its owner."""
        await super().aclose()


def _is_of(module: Any, function: object) -> bool:  # noqa: ANN401
    return getattr(function, "__module__", "").startswith(f"{module.__name__}.")


def _without_reading(response: httpx.Response) -> Response:
    """Take what an event hook, or a mocked transport, has left of an answer."""
    if not response.is_stream_consumed:
        return Response(response.status_code, response.headers, b"")
    # Reading it has undone its compression.
    headers = dict(response.headers)
    headers.pop("content-encoding", None)
    return Response(response.status_code, headers, response.content)


def _is_about(error: httpx.HTTPError, request: httpx.Request | None) -> bool:
    try:
        return error.request is request
    except RuntimeError:
        # httpx attaches the request to errors of a transport, but not to those of a hook.
        return False
