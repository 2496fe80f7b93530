"""A process that has no file descriptors left: what a call needs was imported before it sends."""

import subprocess
import sys
from typing import Final

import pytest

from support.hostile import Behaviour, Hostile, Peer, answers, refusing

SCRIPT: Final = """
import asyncio, os, resource, sys
from engagelab_async import Credentials, EngageLab, EngageLabError, RetryPolicy

async def main(url, http):
    taken = []

    def take_all(attempt):
        resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
        try:
            while not taken or attempt.number == 1:
                taken.append(os.open(os.devnull, os.O_RDONLY))
        except OSError:
            pass

    pair = Credentials("key", "secret")
    async with EngageLab(
        otp=pair, http=http, otp_base_url=url, retry=RetryPolicy(base=0.001), on_attempt=take_all
    ) as client:
        try:
            print(await client.otp.send_code("+6591234567", "039487", "login"))
        except EngageLabError as error:
            print(type(error).__name__, error.may_have_been_sent, error.attempts)
        finally:
            for descriptor in taken:
                os.close(descriptor)

asyncio.run(main(*sys.argv[1:]))
"""

SENT: Final = {"message_id": "1", "send_channel": "sms"}


def run(http: str, *script: Behaviour) -> str:
    """Send a code in a process that loses its descriptors at the first answer."""
    with Hostile(*script) as server:
        ended = subprocess.run(
            [sys.executable, "-c", SCRIPT, server.url, http],
            capture_output=True,
            check=False,
            text=True,
            timeout=200,
        )
    assert "" == ended.stderr.replace("\n", "")[:2000]
    return ended.stdout.strip()


@pytest.mark.parametrize("http", ["httpx", "httpx2", "asyncio", "aiohttp", "auto"])
def test_retry_needs_no_descriptor(http: str) -> None:
    """After a 503 the call waits and sends again over the connection that is there."""
    assert "Sent(message_id='1', send_channel='sms')" == run(http, answers(503), answers(200, SENT))


@pytest.mark.parametrize("http", ["httpx", "httpx2", "asyncio", "aiohttp", "auto"])
def test_no_descriptor_for_a_connection(http: str) -> None:
    """Where there is none left to connect with, the error is one of the tree."""
    # aiohttp gives the descriptor of a closed connection back at once, and connects with it.
    told = {"ConnectError True 3", "ServerError True 3"}
    assert run(http, answers(503, then=Peer.closes)) in told


FIRST: Final = """
import asyncio, os, resource, sys
from engagelab_async import Credentials, EngageLab, EngageLabError, RetryPolicy

def client(url, http):
    pair = Credentials("key", "secret")
    return EngageLab(otp=pair, http=http, otp_base_url=url, retry=RetryPolicy(base=0))

async def send(client):
    async with client:
        try:
            await client.otp.send_code("+6591234567", "039487", "login")
        except EngageLabError as error:
            print(type(error).__name__, error.may_have_been_sent)

async def main(url, http, is_warm):
    if is_warm:
        await send(client(url.replace("https", "http"), http))
    first, second = client(url, http), client(url, http)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
    taken = []
    try:
        while True:
            taken.append(os.open(os.devnull, os.O_RDONLY))
    except OSError:
        pass
    await send(first)
    while taken:
        os.close(taken.pop())
    await send(second)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("is_warm", [False, True], ids=["cold", "warm"])
@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("http", ["httpx", "httpx2", "asyncio", "aiohttp"])
def test_no_descriptor_for_the_first_connection(http: str, scheme: str, is_warm: bool) -> None:
    """What is missing passes, so it is no fault of the set-up, and the next call connects."""
    with refusing() as url:
        address = url.replace("http", scheme)
        ran = [sys.executable, "-c", FIRST, address, http, "yes" if is_warm else ""]
        ended = subprocess.run(ran, capture_output=True, check=False, text=True, timeout=200)

    assert "" == ended.stderr[-2000:]
    assert "ConnectError False\n" * (3 if is_warm else 2) == ended.stdout
