"""The engine of a fake's clients: it applies the scripts, and calls the sandbox's app."""

import json
import math
import secrets
from collections.abc import Mapping
from typing import Any, Final

from attrs import evolve

from engagelab_async.engines import Request, Response
from engagelab_async.errors import EngageLabError, ResponseTimeoutError, TransportError
from engagelab_async.operation import Product
from engagelab_async.otp.codes import VerifyOTP
from engagelab_async.sandbox import Sandbox, SentMessage

from ._asgi import ask
from ._errors import answer_with
from .calls import Call, spelling
from .clock import Clock
from .scripts import Effect, Script

_OK: Final = 200
_NONE: Final = Response(0, {}, b"")


class Codes:
    """The codes that scripts have set for requests in flight."""

    def __init__(self) -> None:
        self._chosen: dict[str, str] = {}

    def choose(self, call: Call, code: str) -> None:
        """Keep a code for the recipients of a request."""
        self._chosen.update(dict.fromkeys(map(spelling, call.recipients), code))

    def forget(self, call: Call) -> None:
        """Drop what was chosen for a request, whether the platform asked for it or not."""
        for to in call.recipients:
            self._chosen.pop(spelling(to), None)

    def make(self, address: str) -> str:
        """Return the chosen code, or six random digits."""
        return self._chosen.get(address) or f"{secrets.randbelow(10**6):06d}"


class Names:
    """The message ids that scripts have chosen, and those that the platform knows."""

    def __init__(self) -> None:
        self._chosen: dict[str, str] = {}
        self._real: dict[str, str] = {}

    def choose(self, real: str, chosen: str) -> None:
        """Call a message by another id."""
        self._chosen[real], self._real[chosen] = chosen, real

    def chosen(self, message_id: str) -> str:
        """Return the id that clients know."""
        return self._chosen.get(message_id, message_id)

    def renamed(self, message: SentMessage) -> SentMessage:
        """Return a message under the id that clients know."""
        chosen = self.chosen(message.message_id)
        return message if chosen == message.message_id else evolve(message, message_id=chosen)

    def real(self, message_id: str) -> str:
        """Return the id that the platform knows."""
        return self._real.get(message_id, message_id)


class FakeEngine:
    """Answers requests in the task that sends them; there is nothing to open or close.

    Attributes:
        calls: All requests, in the order in which they ended.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        scripts: Mapping[Product, Script],
        *,
        clock: Clock,
        codes: Codes,
        names: Names,
    ) -> None:
        self._sandbox = sandbox
        self._scripts = scripts
        self._clock = clock
        self._codes = codes
        self._names = names
        self.calls: list[Call] = []

    async def send(
        self,
        request: Request,
        *,
        timeout: float | None,
        max_bytes: int,  # noqa: ARG002 - the sandbox's answers are small
    ) -> Response:
        call = Call.of(request)
        effect = self._scripts[call.product].next(call)
        try:
            response = await self._meet(effect, call, request, timeout)
        except EngageLabError as error:
            self.calls.append(evolve(call, outcome=type(error).__name__))
            raise
        self.calls.append(evolve(call, outcome=_outcome(response)))
        return response

    async def aclose(self) -> None:
        """Do nothing."""

    async def _meet(
        self, effect: Effect, call: Call, request: Request, timeout: float | None
    ) -> Response:
        response = _NONE
        if effect.carried_out:
            response = await self._carry_out(effect, call, request)
        if effect.seconds:
            self._take_time(effect.seconds, math.inf if timeout is None else timeout)
        if isinstance(effect.error, TransportError):
            # One that was raised before belongs to another call.
            raise type(effect.error)(*effect.error.args)
        if effect.error is not None:
            return answer_with(effect.error)
        return response

    def _take_time(self, seconds: float, limit: float) -> None:
        self._clock.advance(min(seconds, limit))
        if seconds >= limit:
            raise ResponseTimeoutError("no answer in time")

    async def _carry_out(self, effect: Effect, call: Call, request: Request) -> Response:
        if effect.code is not None:
            self._codes.choose(call, effect.code)
        if call.is_a(VerifyOTP):
            request = self._by_real_name(call, request)
        response = await ask(self._sandbox.app, call.product, request)
        self._codes.forget(call)
        if response.status != _OK:
            return response
        return _with_document(response, self._replaced(response, effect.fields))

    def _by_real_name(self, call: Call, request: Request) -> Request:
        real = self._names.real(call.body["message_id"])
        body = json.dumps({**call.body, "message_id": real}).encode()
        return evolve(request, body=body)

    def _replaced(self, response: Response, fields: Mapping[str, object]) -> Any:  # noqa: ANN401
        document = json.loads(response.body)
        if not isinstance(document, dict):
            return document
        if "message_id" in fields:
            self._names.choose(document["message_id"], str(fields["message_id"]))
        if "message_id" in document:
            document["message_id"] = self._names.chosen(document["message_id"])
        return {**document, **fields}


def _with_document(response: Response, document: object) -> Response:
    return evolve(response, body=json.dumps(document).encode())


def _outcome(response: Response) -> str:
    try:
        code = json.loads(response.body).get("code")
    except (ValueError, AttributeError):  # no JSON, or an array
        code = None
    return f"HTTP {response.status}, code {code}" if code else f"HTTP {response.status}"
