"""``engagelab webhooks sign``: a signed callback, to try an endpoint with."""

import asyncio
import json
import secrets
import shlex
import sys
import time
from collections.abc import Iterable
from contextlib import aclosing
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Final

from cyclopts import Parameter
from rich.text import Text

from engagelab_async import ConfigurationError, EngageLabError, Request
from engagelab_async.cli.loopback import bypass_proxy
from engagelab_async.cli.options import flag
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import ignore_errors
from engagelab_async.cli.printing import console, print_error
from engagelab_async.engines.httpx import HTTPXEngine
from engagelab_async.webhooks import SIGNATURE_HEADER
from engagelab_async.webhooks import sign as make_signature

from .account import FROM_ENVIRONMENT, Account

_TIMEOUT: Final = 10.0
_MAX_ANSWER: Final = 65_536
_LOCAL: Final = "http://127.0.0.1:9000/"


def sign(
    url: Annotated[str, Parameter(help="The address of your endpoint.")] = _LOCAL,
    /,
    *,
    account: Account = FROM_ENVIRONMENT,
    status: Annotated[str, Parameter(help="The status in the callback.")] = "delivered",
    body: Annotated[
        Path | None,
        Parameter(help="A file with another body; - is standard input.", allow_leading_hyphen=True),
    ] = None,
    send: Annotated[bool, flag(help="Send it, instead of printing it.")] = False,
) -> int:
    """Print a signed callback as a curl command, or send it.

    The signature is valid for five minutes.

    Example: `engagelab webhooks sign http://127.0.0.1:8026/callbacks --send`
    """
    try:
        content = _sample(status) if body is None else _read(body)
        username, secret = account.resolved()
        nonce = secrets.token_hex(8)
        signature = make_signature(username, secret, timestamp=int(time.time()), nonce=nonce)
    except (OSError, ConfigurationError, ValueError) as error:
        print_error(f"--{error}" if isinstance(error, ValueError) else str(error))
        return Exit.USAGE
    headers = (("Content-Type", "application/json"), (SIGNATURE_HEADER, signature))
    if send:
        return _send(Request("POST", url, headers, content))
    _print(url, headers, content.decode() if body is None else f"@{body}")
    return Exit.DONE


def _sample(status: str) -> bytes:
    now = int(time.time())
    row = {
        "message_id": "1725407449772531712",
        "to": "+6591234567",
        "server": "sms",
        "channel": "sms",
        "itime": now,
        "custom_args": {"order": "1042"},
        "status": {"message_status": status, "status_data": {"msg_time": now}, "error_code": 0},
    }
    return json.dumps({"total": 1, "rows": [row]}).encode()


def _read(file: Path) -> bytes:
    return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()


def _print(url: str, headers: Iterable[tuple[str, str]], data: str) -> None:
    options = [f"-H {shlex.quote(f'{name}: {value}')}" for name, value in headers]
    lines = [f"curl -i {shlex.quote(url)}", *options, f"--data-binary {shlex.quote(data)}"]
    with ignore_errors():
        print(" \\\n  ".join(lines))  # noqa: T201 - plain, because it is to be copied


def _send(request: Request) -> int:
    try:
        return _report(asyncio.run(_answer(request)))
    except EngageLabError as error:
        print_error(f"No answer: {error}")
        return Exit.NOT_SENT


def _report(status: int) -> int:
    if status == HTTPStatus.OK:
        console().print(Text(f"✓ Answered {status}", "bold green"))
        return Exit.DONE
    print_error(f"Answered {status}: the platform would send it again")
    return Exit.NOT_SENT


async def _answer(request: Request) -> int:
    with bypass_proxy():
        async with aclosing(HTTPXEngine()) as engine:
            answer = await engine.send(request, timeout=_TIMEOUT, max_bytes=_MAX_ANSWER)
    return answer.status
