"""The platform inside a test: its clients, and what can be asserted."""

from decimal import Decimal
from typing import Any

import anyio
import pytest
import pytest_asyncio

from engagelab_async import (
    Attempt,
    BusinessRuleError,
    ConfigurationError,
    ConnectError,
    Credentials,
    EngageLab,
    FrequencyLimitError,
    GetOTPBalance,
    GetSMSBalance,
    InvalidNumberError,
    RetryPolicy,
    SendSMS,
    ServerError,
)
from engagelab_async.sandbox import Review
from engagelab_async.templates import TemplateStatus
from engagelab_async.testing import FakeEngageLab

PHONE, OTHER = "+6591234567", "+6591234568"


@pytest.mark.asyncio
async def test_every_product_and_event_loop_share_one_platform(fake: FakeEngageLab) -> None:
    """Two event loops of both kinds use one client, which nobody has to close."""
    client = fake.client()

    def elsewhere() -> None:
        anyio.run(client.otp.send_code, PHONE, "039487", "login", backend="trio")

    await anyio.to_thread.run_sync(elsewhere)
    await client.sms.send(OTHER, "1233")

    assert [("otp", PHONE), ("sms", OTHER)] == [(m.product, m.recipient) for m in fake.sent]


@pytest.mark.asyncio
async def test_a_code_expires_when_the_clock_is_put_forward(
    client: EngageLab, fake: FakeEngageLab
) -> None:
    """After its time to live a code cannot be verified, and a new one can be sent."""
    sent = await client.otp.send(PHONE, "login")
    with pytest.raises(FrequencyLimitError):
        await client.otp.send(PHONE, "login")
    fake.clock.advance(300)
    with pytest.raises(BusinessRuleError):
        await client.otp.verify(sent.message_id, fake.code_for(PHONE))
    await client.otp.send(PHONE, "login")

    assert 2 == len(fake.sent)


@pytest.mark.asyncio
async def test_waits_put_the_clock_forward(fake: FakeEngageLab) -> None:
    """A review of an hour and the waits between repeats take no time."""
    attempts: list[Attempt] = []
    client = fake.client(retry=RetryPolicy(attempts=4), on_attempt=attempts.append)
    fake.sandbox.review = Review.approve(after=3600)
    fake.sms.fail(None, ConnectError, times=3)
    before = fake.clock()
    await client.sms.send(PHONE, "1233")
    made = await client.sms.templates.create(
        template_name="shipped",
        template_type="utility",
        template_content="Order {{order}}",
        country_codes="SG",
    )
    found = await client.sms.templates.wait_until_reviewed(made.template_id, timeout=7200)

    assert TemplateStatus.APPROVED is found.status
    assert 3600 <= fake.clock() - before < 3800
    assert [1, 2, 3, 4] == [each.number for each in attempts if each.operation == "sms.send"]


@pytest.mark.asyncio
async def test_a_program_can_bring_the_engine_to_its_own_client(fake: FakeEngageLab) -> None:
    """A client that the program makes and closes itself leads to the fake as well."""
    async with EngageLab(otp=Credentials("key", "secret"), http=fake.engine) as client:
        await client.otp.send_code(PHONE, "039487", "login")
    async with EngageLab(otp=Credentials("key", "secret"), http=fake.engine) as client:
        await client.otp.send_code(OTHER, "039487", "login")

    assert 2 == len(fake.sent)


@pytest.mark.asyncio
async def test_a_client_that_goes_elsewhere_is_told_so(fake: FakeEngageLab) -> None:
    """Base URLs of another place, a sandbox's in the environment say, would lead past the fake."""
    pair, elsewhere = Credentials("key", "secret"), "http://127.0.0.1:8025/otp"
    async with EngageLab(otp=pair, http=fake.engine, otp_base_url=elsewhere) as client:
        with pytest.raises(ConfigurationError, match="leave the client's base URLs as they are"):
            await client.otp.send(PHONE, "login")


@pytest.mark.asyncio
async def test_it_knows_the_templates_that_it_is_given() -> None:
    """Texts are rendered, so that a test can look for what a person reads."""
    fake = FakeEngageLab(templates={"shipped": "Order {{order}} is on its way"}, code_ttl=60)
    await fake.client().sms.send(PHONE, "shipped", params={"order": "1042"})

    assert "Order 1042 is on its way" == fake.assert_sent(text="Order 1042").text


@pytest.mark.asyncio
async def test_requests_are_recorded(client: EngageLab, fake: FakeEngageLab) -> None:
    """Each request is there with its body and its end, refused ones and repeats as well."""
    fake.otp.fail(PHONE, ConnectError, times=1)
    await client.otp.send_code(PHONE, "039487", "login")
    with pytest.raises(FrequencyLimitError):
        await client.otp.send_code(PHONE, "039487", "login")
    await client.sms.signatures.list()
    first, *others = fake.calls

    assert {"to": PHONE, "code": "039487", "template": {"id": "login"}} == first.body
    assert f"otp POST /v1/codes to {PHONE}: ConnectError" == str(first)
    assert ["HTTP 200", "HTTP 400, code 3004", "HTTP 200"] == [each.outcome for each in others]
    assert "sms GET /v1/sign-configs: HTTP 200" == str(others[-1])
    assert PHONE not in repr(fake.calls)


class TestAssertions:
    """What a test asserts, and what it reads when that fails."""

    @pytest_asyncio.fixture
    async def fake(self) -> FakeEngageLab:
        """A platform that was used."""
        fake = FakeEngageLab(templates={"shipped": "Order {{order}}", "login": "Code {{code}}"})
        client = fake.client()
        await client.otp.send_code("bob@example.com", "039487", "login")
        await client.sms.send([PHONE, OTHER], "shipped", params={"order": "7"})
        with pytest.raises(InvalidNumberError):
            await client.otp.send("+10000005011", "login")
        return fake

    @pytest.mark.parametrize(
        "wanted",
        [
            {},
            {"to": "6591234567"},
            {"to": "Bob@example.com", "channel": "email", "code": "039487"},
            {"template": "shipped", "times": 2, "params": {"order": "7"}},
            {"product": "sms", "text": "Order 7"},
        ],
    )
    def test_a_message_that_fits_is_returned(
        self, fake: FakeEngageLab, wanted: dict[str, Any]
    ) -> None:
        """All that is asked for has to fit, and the newest such message is returned."""
        found = fake.assert_sent(**wanted)

        assert found in fake.sent
        assert ("to" in wanted) == (found != fake.sent[-1])

    @pytest.mark.parametrize(
        "wanted",
        [
            {"to": "+6591234560"},
            {"to": PHONE, "template": "login"},
            {"to": PHONE, "product": "otp"},
            {"to": PHONE, "channel": "email"},
            {"to": PHONE, "code": "039487"},
            {"to": PHONE, "params": {"order": "8"}},
            {"to": PHONE, "params": {"name": "Bob"}},
            {"to": PHONE, "text": "Order 8"},
            {"template": "shipped", "times": 1},
        ],
    )
    def test_a_message_that_does_not_fit_fails(
        self, fake: FakeEngageLab, wanted: dict[str, Any]
    ) -> None:
        """One thing that is different, or a message too many, is enough."""
        with pytest.raises(AssertionError, match=r"^found (no|2 instead of 1) messages with "):
            fake.assert_sent(**wanted)

    def test_a_failure_shows_what_was_sent(self, fake: FakeEngageLab) -> None:
        """Whoever reads it sees what was looked for, every message, and what was refused."""
        with pytest.raises(AssertionError) as caught:
            fake.assert_sent("+6591234560", template="login")

        assert [
            "found no messages with to='+6591234560', template='login'",
            "This was sent:",
            "  otp to bob@example.com by email, template login, code 039487: 'Code 039487'",
            f"  sms to {PHONE} by sms, template shipped, params {{'order': '7'}}: 'Order 7'",
            f"  sms to {OTHER} by sms, template shipped, params {{'order': '7'}}: 'Order 7'",
            "These requests failed:",
            "  otp POST /v1/messages to +10000005011: HTTP 400, code 5011",
        ] == str(caught.value).splitlines()

    def test_nothing_is_shown_as_such(self) -> None:
        """Where nothing was sent, the failure says that."""
        with pytest.raises(AssertionError) as caught:
            FakeEngageLab().assert_sent()

        assert "found no messages with anything\nNothing was sent." == str(caught.value)

    @pytest.mark.asyncio
    async def test_a_long_history_is_cut(self) -> None:
        """Of many messages a failure shows the last ones."""
        fake = FakeEngageLab()
        await fake.client().execute(SendSMS([f"+65912345{n:02}" for n in range(50)], "1233"))
        with pytest.raises(AssertionError) as caught:
            fake.assert_not_sent()
        lines = str(caught.value).splitlines()

        assert [
            "found a message with anything",
            "This was sent:",
            "  ... 30 older ones",
            "  sms to +6591234530 by sms, template 1233: '[1233]'",
        ] == lines[:4]
        assert 3 + 20 == len(lines)

    def test_nothing_can_be_asserted(self, fake: FakeEngageLab) -> None:
        """That there is no message to somebody, or of a template, holds or fails."""
        fake.assert_not_sent("+6591234560")
        fake.assert_not_sent(PHONE, template="login")

        with pytest.raises(AssertionError, match=r"^found a message with template='login'\n"):
            fake.assert_not_sent(template="login")

    def test_a_code_is_found_by_its_recipient(self, fake: FakeEngageLab) -> None:
        """The code that somebody was sent is there for the next step of a test."""
        assert "039487" == fake.code_for("BOB@example.com")
        with pytest.raises(AssertionError, match=rf"^found no code in messages with to='\{PHONE}'"):
            fake.code_for(PHONE)

    def test_none_is_asserted_otherwise(self, fake: FakeEngageLab) -> None:
        """To ask for no message with ``times`` is a mistake, and the error knows what was meant."""
        with pytest.raises(ValueError, match=r"^times: .* assert_not_sent"):
            fake.assert_sent(times=0)


@pytest.mark.asyncio
async def test_balances_can_be_scripted() -> None:
    """A balance can be read, replaced and refused like any other answer."""
    fake = FakeEngageLab(balance=5)
    fake.sms.answer(None, on=GetSMSBalance, times=1, balance10000=123456)
    fake.otp.fail(None, ServerError, on=GetOTPBalance)
    engagelab = fake.client()
    replaced, own = [(await engagelab.sms.balance()).balance for _ in range(2)]
    with pytest.raises(ServerError) as caught:
        await engagelab.otp.balance()

    assert (Decimal("12.3456"), Decimal(5)) == (replaced, own)
    assert not caught.value.may_have_been_sent
