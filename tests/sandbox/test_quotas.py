"""Quotas: HTTP 429 to a key that makes too many requests."""

import httpx
import pytest

from engagelab_async.sandbox import Quota
from engagelab_async.sandbox.app import create_app
from support.fake_clock import FakeClock
from support.platforms import Platform


@pytest.mark.asyncio
async def test_a_quota_is_used_up() -> None:
    """The next request is answered 429 with the seconds to wait, and after those it is taken."""
    clock = FakeClock()
    app = create_app(Platform(), quota=Quota(2, period=10.0), clock=clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(
        transport=transport, base_url="http://sandbox", auth=("key", "secret")
    ) as http:
        taken = [(await http.get("/otp/v1/balance")).status_code for _ in range(2)]
        clock.now += 7.5
        refused = await http.get("/otp/v1/balance")
        other_product = await http.get("/sms/v1/balance")
        other_key = await http.get("/otp/v1/balance", auth=("other", "secret"))
        nobody = await http.get("/otp/v1/balance", auth=("", ""))
        clock.now += 2.5
        again = await http.get("/otp/v1/balance")

    assert [200, 200] == taken
    assert (429, "3") == (refused.status_code, refused.headers["retry-after"])
    assert {"code": 429, "message": "Too Many Requests"} == refused.json()
    assert [200, 200, 401] == [each.status_code for each in (other_product, other_key, nobody)]
    assert 200 == again.status_code


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"requests": 0}, ValueError, "^requests: "),
        ({"requests": 1.5}, TypeError, "^requests: "),
        ({"requests": 1, "period": 0}, ValueError, "^period: "),
        ({"requests": 1, "period": "1"}, TypeError, "^period: "),
    ],
)
def test_a_quota_that_cannot_be(
    arguments: dict[str, object], error: type[Exception], message: str
) -> None:
    """Wrong numbers are named when the quota is made."""
    with pytest.raises(error, match=message):
        Quota(**arguments)  # type: ignore[arg-type]
