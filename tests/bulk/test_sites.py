"""A journal serves one place: what was sent to a sandbox was sent to nobody."""

from pathlib import Path

import pytest

from engagelab_async import Credentials, EngageLab, SendCode
from engagelab_async.bulk import JournalError
from engagelab_async.bulk.journal import summarise
from engagelab_async.bulk.journal.sites import Site
from support.bulk import Platform, sends

PAIR = Credentials("key", "secret")
SANDBOX = "http://127.0.0.1:8025/sms"
PRODUCTION = "https://smsapi.engagelab.com"


def contents(journal: Path) -> bytes:
    """Read a journal's file."""
    return journal.read_bytes()


async def send_at(
    journal: Path, sms: str, otp: str = "http://127.0.0.1:8025/otp", count: int = 3
) -> int:
    """Send with a journal, and return how many were sent."""
    platform = Platform()
    async with EngageLab(
        sms=PAIR, otp=PAIR, sms_base_url=sms, otp_base_url=otp, http=platform
    ) as engagelab:
        await engagelab.send_all(sends(count), journal=journal)
    return len(platform.received)


@pytest.mark.asyncio
async def test_another_one_is_refused_by_name(journal: Path) -> None:
    """Nothing is sent, nothing is changed, and the journal can be used where it was."""
    assert 3 == await send_at(journal, SANDBOX)
    before = contents(journal)

    with pytest.raises(JournalError) as caught:
        await send_at(journal, PRODUCTION)

    assert (
        f"journal: {journal} was used for sms at http://127.0.0.1:8025, and this run is for "
        "https://smsapi.engagelab.com: one journal serves one place; use another for another"
    ) == str(caught.value)
    assert before == contents(journal)
    assert 1 == await send_at(journal, SANDBOX, count=4)


@pytest.mark.asyncio
async def test_another_one_is_refused_by_a_stream_too(journal: Path) -> None:
    """Before it begins."""
    await send_at(journal, SANDBOX)
    async with EngageLab(sms=PAIR, http=Platform()) as engagelab:
        with pytest.raises(JournalError, match=r"this run is for https://smsapi\.engagelab\.com"):
            async with engagelab.fan_out(sends(3), journal=journal):
                pytest.fail("it began")


@pytest.mark.asyncio
async def test_a_path_may_hold_a_secret(journal: Path) -> None:
    """It is neither told nor kept, and another one is another place."""
    await send_at(journal, "https://gateway.example/t/hunter2")
    with pytest.raises(JournalError) as caught:
        await send_at(journal, "https://gateway.example/t/hunter3")

    assert "at https://gateway.example, and this run is for another path of it" in str(caught.value)
    assert "hunter" not in str(caught.value)
    assert b"hunter" not in contents(journal)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://smsapi.engagelab.com", "https://smsapi.engagelab.com/"),
        ("https://smsapi.engagelab.com", "HTTPS://SMSAPI.EngageLab.com"),
        ("https://smsapi.engagelab.com", "https://smsapi.engagelab.com:443"),
        ("https://smsapi.engagelab.com", "https://smsapi.engagelab.com."),
        ("http://127.0.0.1/sms", "http://127.0.0.1:80/sms//"),
        ("http://[::1]:80/sms", "http://[::1]/sms"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
    ],
)
async def test_spellings_of_one_place(journal: Path, one: str, other: str) -> None:
    """They are one."""
    assert Site.of(one) == Site.of(other)

    await send_at(journal, one)

    assert 0 == await send_at(journal, other)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "other",
    [
        "http://smsapi.engagelab.com",
        "https://smsapi.engagelab.com:8443",
        "https://smsapi.engagelab.com/v2",
        "https://smsapi.engagelab.com/V2",
        "https://smsapi.engagelab.org",
    ],
)
async def test_other_places(journal: Path, other: str) -> None:
    """Scheme, host, port and path make a place."""
    await send_at(journal, PRODUCTION)

    with pytest.raises(JournalError, match="was used for sms at https://smsapi"):
        await send_at(journal, other)


class TestProducts:
    """Each product has a place of its own."""

    @pytest.mark.asyncio
    async def test_that_were_not_used_may_move(self, journal: Path) -> None:
        """Only where something was sent to is remembered."""
        await send_at(journal, PRODUCTION, otp="https://one.example")

        assert {"sms": PRODUCTION} == summarise(journal).sites
        assert 1 == await send_at(journal, PRODUCTION, otp="https://other.example", count=4)

    @pytest.mark.asyncio
    async def test_are_remembered_one_by_one(self, journal: Path) -> None:
        """A journal of both refuses another place of either."""
        await send_at(journal, PRODUCTION)
        async with EngageLab(otp=PAIR, otp_base_url="https://otp.example", http=Platform()) as it:
            await it.send_all([SendCode("+6591234567", "123456", "login")], journal=journal)

        assert {"otp": "https://otp.example", "sms": PRODUCTION} == summarise(journal).sites
        for sms, otp in ((PRODUCTION, "https://else.example"), (SANDBOX, "https://otp.example")):
            with pytest.raises(JournalError, match=r"was used for (sms|otp) at https://"):
                await send_at(journal, sms, otp)

    @pytest.mark.asyncio
    async def test_of_which_nothing_was_sent_are_not_remembered(self, journal: Path) -> None:
        """A run of an empty list has sent to nobody."""
        await send_at(journal, SANDBOX, count=0)

        assert {} == summarise(journal).sites
        assert 3 == await send_at(journal, PRODUCTION)
