"""``engagelab webhooks listen``: a server that shows what callbacks tell, until Ctrl-C."""

import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.text import Text

from engagelab_async.cli.calls import logged
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import despite_errors_of, print_json
from engagelab_async.cli.printing import complain, console
from engagelab_async.webhooks import Event, Verifier

from .account import Account
from .showing import document, line


def listen(
    *,
    account: Account,
    port: Annotated[
        int,
        Parameter(
            help="Port to listen on; 0 takes a free one.", validator=Number(gte=0, lte=65535)
        ),
    ] = 9000,
    host: Annotated[str, Parameter(help="Address to listen on.")] = "127.0.0.1",
    json: Annotated[
        bool,
        Parameter(
            help="Print JSON objects, one a line, as if the output was no terminal.",
            show_default=False,
        ),
    ] = False,
    show_personal: Annotated[
        bool, Parameter(help="Show numbers and texts in full.", show_default=False)
    ] = False,
) -> int:
    """Show what callbacks tell, as they come, until Ctrl-C.

    It takes signed callbacks on every path, and is reached by the platform through a tunnel or a
    proxy of yours. What it refuses, and why, appears on standard error.
    """
    try:
        verifier = Verifier(account.username, account.secret)
        listener = socket.create_server((host, port))
    except ValueError as error:
        complain(f"--{error}")
        return Exit.USAGE
    except OSError as error:
        complain(f"Cannot listen on {host}, port {port}: {error}")
        return Exit.USAGE
    as_json = json or not sys.stdout.isatty()
    with listener, logged(verbose=True):
        return _serve(listener, verifier, _printer(as_json=as_json, personal=show_personal))


def _printer(*, as_json: bool, personal: bool) -> Callable[[Event], bool]:
    """Make what prints an event, and tells whether anybody reads it."""

    def show(event: Event) -> bool:
        with despite_errors_of(sys.stdout):
            if as_json:
                print_json(document(event, personal=personal))
            else:
                console().print(line(event, personal=personal), soft_wrap=True)
            return True
        return False

    return show


def _serve(listener: socket.socket, verifier: Verifier, show: Callable[[Event], bool]) -> int:
    try:
        import uvicorn
    except ModuleNotFoundError:
        complain('Listening is an extra: pip install "engagelab-async[sandbox]"')
        return Exit.USAGE
    from engagelab_async.webhooks.asgi import WebhookApp

    def handler(event: Event) -> None:
        if not show(event):
            server.should_exit = True

    app = WebhookApp(verifier, handler)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, access_log=False, ws="none"))
    _introduce(*listener.getsockname()[:2])
    with suppress(KeyboardInterrupt):
        server.run(sockets=[listener])
    return Exit.DONE


def _introduce(host: str, port: int) -> None:
    # On standard error, because scripts read the other.
    text = f"Listening for callbacks at http://{host}:{port} until Ctrl-C."
    console(stderr=True).print(Text(text), soft_wrap=True)
