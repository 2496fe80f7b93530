"""A respx router for the fake platform: a route for each operation, at the real address."""

import re
from collections.abc import Awaitable, Callable
from typing import Final

import httpx

from engagelab_async.client import OTP_BASE_URL, SMS_BASE_URL
from engagelab_async.engines import Request

from .calls import operations
from .fake import FakeEngageLab

try:
    import respx
except ModuleNotFoundError as _error:
    _error.add_note("engagelab_respx needs respx: python -m pip install respx")
    raise

_BASE_URLS: Final = {"otp": OTP_BASE_URL, "sms": SMS_BASE_URL}
_ANSWER_LIMIT: Final = 2**20


def router_of(fake: FakeEngageLab) -> respx.MockRouter:
    """Make a router with a route for each operation, named after it, which the fake answers."""
    router = respx.mock(assert_all_called=False)
    handler = _handler(fake)
    for operation in operations():
        endpoint = operation.endpoint
        path = re.sub(r"\\{\w+\\}", ".+", re.escape(endpoint.path))
        url = rf"^{re.escape(_BASE_URLS[endpoint.product])}{path}(\?.*)?$"
        route = router.route(method=endpoint.method, url__regex=url, name=endpoint.name)
        route.side_effect = handler
    return router


def _handler(fake: FakeEngageLab) -> Callable[[httpx.Request], Awaitable[httpx.Response]]:
    async def answer(request: httpx.Request) -> httpx.Response:
        headers = tuple(request.headers.items())
        asked = Request(request.method, str(request.url), headers, await request.aread())
        answered = await fake.engine.send(asked, timeout=None, max_bytes=_ANSWER_LIMIT)
        return httpx.Response(answered.status, headers=answered.headers, content=answered.body)

    return answer
