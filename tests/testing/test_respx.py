"""The fake platform behind respx."""

import importlib
import sys

import httpx
import pytest

from engagelab_async import Credentials, EngageLab, InvalidNumberError, ResponseTimeoutError
from engagelab_async.testing import FakeEngageLab
from engagelab_async.testing.respx import router_of
from support.calls import OPERATIONS

PHONE = "+6591234567"
PAIR = Credentials("any", "any")


def test_every_operation_has_a_route(fake: FakeEngageLab) -> None:
    """The names of the routes are those of the calls."""
    assert set(OPERATIONS) == {route.name for route in router_of(fake).routes}


@pytest.mark.asyncio
async def test_the_fake_answers_until_a_route_is_told_otherwise(fake: FakeEngageLab) -> None:
    """A login works; then a route that answers something else has its way."""
    async with EngageLab(otp=PAIR, sms=PAIR) as client:
        with router_of(fake) as router:
            sent = await client.otp.send(PHONE, "login")
            check = await client.otp.verify(sent.message_id, fake.code_for(PHONE))
            router["otp.send"].respond(400, json={"code": 5011, "message": "x"})
            with pytest.raises(InvalidNumberError):
                await client.otp.send(PHONE, "login")

            counts = {name: router[name].call_count for name in ("otp.send", "otp.verify")}

    assert check.verified
    assert {"otp.send": 2, "otp.verify": 1} == counts


@pytest.mark.asyncio
async def test_each_path_leads_to_its_route(fake: FakeEngageLab) -> None:
    """An id in a path, whatever is in it, is one segment of it."""
    async with EngageLab(otp=PAIR, sms=PAIR) as client:
        with router_of(fake) as router:
            await client.sms.signatures.list()
            made = await client.sms.signatures.create("Acme")
            await client.sms.signatures.get(made.sign_id)
            with pytest.raises(Exception, match="not exist"):
                await client.otp.templates.get("a/b?c")
            called = {route.name for route in router.routes if route.called}

    assert {
        "sms.signatures.list",
        "sms.signatures.create",
        "sms.signatures.get",
        "otp.templates.get",
    } == called


@pytest.mark.asyncio
async def test_scripts_hold(fake: FakeEngageLab) -> None:
    """What a script lets fail without an answer, the client raises."""
    fake.sms.fail(PHONE, ResponseTimeoutError("no answer"))
    async with EngageLab(sms=PAIR) as client:
        with router_of(fake), pytest.raises(ResponseTimeoutError) as caught:
            await client.sms.send(PHONE, "1233")

    assert caught.value.may_have_been_sent


@pytest.mark.asyncio
async def test_other_hosts_are_not_answered(fake: FakeEngageLab) -> None:
    """A request to anywhere else is refused, as by any router of respx."""
    async with httpx.AsyncClient() as http:
        with router_of(fake), pytest.raises(AssertionError, match="not mocked"):
            await http.get("https://example.com/v1/messages")


def test_a_missing_respx_is_explained(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without respx, the import error says what to install."""
    monkeypatch.delitem(sys.modules, "engagelab_async.testing.respx")
    monkeypatch.setitem(sys.modules, "respx", None)
    with pytest.raises(ModuleNotFoundError) as caught:
        importlib.import_module("engagelab_async.testing.respx")

    assert ["engagelab_respx needs respx: python -m pip install respx"] == caught.value.__notes__
