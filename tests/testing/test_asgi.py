"""A request to an ASGI app inside the test's own process."""

import json

import pytest
from starlette.applications import Starlette
from starlette.requests import Request as ASGIRequest
from starlette.responses import JSONResponse
from starlette.routing import Route

from engagelab_async.engines import Request
from engagelab_async.testing._asgi import ask


def echo(request: ASGIRequest) -> JSONResponse:
    """Answer with what arrived."""
    return JSONResponse([request.url.path, request.query_params.multi_items()])


@pytest.mark.anyio
async def test_the_app_sees_the_query() -> None:
    """What stands behind the path arrives as a server would pass it on."""
    app = Starlette(routes=[Route("/sms/v1/echo", echo)])
    request = Request("GET", "https://x/v1/echo?from=a%20b&to=%2B6591234567", (), b"")

    response = await ask(app, "sms", request)

    assert ["/sms/v1/echo", [["from", "a b"], ["to", "+6591234567"]]] == json.loads(response.body)
