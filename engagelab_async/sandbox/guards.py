"""Access to the page and the control API: for this machine's user, and with the token.

The API's own paths, ``/otp/…`` and ``/sms/…``, have key pairs and are let through. For all others::

    Host            any address, "localhost" and names below it, the name that was bound, or one
                    that the user allowed. Else 403: any name can be made to point at this machine
                    ("DNS rebinding"), and then a foreign page is of our origin to the browser.
                    An IP address cannot be made to point elsewhere.
    Origin,         of our own page, or of no page at all. Else 403: a page on another site
    Sec-Fetch-Site  could make the browser post here. A link to the page may be followed.
    token           for ``/sandbox/…``, if there is one: as ``Authorization: Bearer …``, or as
                    the cookie that `open_session` sets. Else 401.
"""

import hashlib
import secrets
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import Request, cookie_parser
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

_API: Final = ("/otp/", "/sms/")
_CONTROL: Final = "/sandbox/"
_SHORTEST_TOKEN: Final = 16
_OUR_OWN: Final = ("same-origin", "none")


def is_loopback(host: str) -> bool:
    """Return whether a host can only be this machine; of names, RFC 6761 says so of localhost."""
    return ip_address(host).is_loopback if is_address(host) else _is_localhost(host)


def is_address(host: str) -> bool:
    """Return whether a host is an IP address, and not a name."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _is_localhost(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")


def token_for(host: str, token: str | None) -> str | None:
    """Return the token that is asked for: the user's, or a new one if others can get here."""
    if token is None:
        return None if is_loopback(host) else secrets.token_urlsafe(_SHORTEST_TOKEN)
    # From "!" to "~" there is neither a space nor a control character.
    if len(token) < _SHORTEST_TOKEN or not all("!" <= each <= "~" for each in token):
        raise ValueError(
            f"token: must have at least {_SHORTEST_TOKEN} printable ASCII characters, and no space"
        )
    return token


class Guard:
    """An ASGI app in front of another, which refuses requests that are not allowed."""

    def __init__(
        self, app: ASGIApp, *, host: str, allowed_hosts: Iterable[str], token: str | None
    ) -> None:
        if isinstance(allowed_hosts, str):
            raise TypeError("allowed_hosts: expected several names, got a str")
        self._app = app
        self._hosts = {host.lower(), *(name.lower() for name in allowed_hosts)}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with a refusal, or let the app answer."""
        answer = self._app
        if scope["type"] == "http" and not scope["path"].startswith(_API):
            answer = self._refusal(scope) or self._app
        await answer(scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        headers = Headers(scope=scope)
        if not self._knows(headers.get("host", "")):
            return _refuse(403, "unknown Host: name it in allowed_hosts, or with --allow-host")
        if not _is_from_here(headers, scope):
            return _refuse(403, "another site's page may not do this")
        if scope["path"].startswith(_CONTROL) and not self._admits(headers):
            return _refuse(401, "the token is missing or wrong: see where the sandbox was started")
        return None

    def _knows(self, host: str) -> bool:
        name = _hostname(host)
        return bool(name) and (is_address(name) or _is_localhost(name) or name in self._hosts)

    def _admits(self, headers: Headers) -> bool:
        if self._token is None:
            return True
        scheme, _, bearer = headers.get("authorization", "").partition(" ")
        cookie = cookie_parser(headers.get("cookie", "")).get(_cookie_name(self._token), "")
        shown = bearer if scheme.lower() == "bearer" else cookie
        return secrets.compare_digest(shown.encode(), self._token.encode())


async def open_session(request: Request) -> Response:
    """Turn the token, which the guard has seen in a header, into a cookie.

    A page can send a header with everything but the stream of events.
    """
    answer = Response(status_code=204)
    token = request.headers.get("authorization", "").partition(" ")[2]
    if token:
        answer.set_cookie(
            _cookie_name(token), token, path=_CONTROL, httponly=True, samesite="strict"
        )
    return answer


def _cookie_name(token: str) -> str:
    # Cookies know no ports: two sandboxes on one machine must not take each other's away.
    return f"engagelab-sandbox-{hashlib.sha256(token.encode()).hexdigest()[:8]}"


def _hostname(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _is_from_here(headers: Headers, scope: Scope) -> bool:
    origin = headers.get("origin")
    if origin is not None and origin.partition("://")[2] != headers.get("host"):
        return False
    # Other programs than browsers do not send it.
    site = headers.get("sec-fetch-site", "none")
    is_link = scope["path"] == "/" and headers.get("sec-fetch-mode") == "navigate"
    return site in _OUR_OWN or (is_link and scope["method"] == "GET")


def _refuse(status: int, message: str) -> Response:
    return JSONResponse({"code": status, "message": message}, status)
