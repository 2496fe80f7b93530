"""Log in with a one-time code: a FastAPI app with one shared client.

::

    POST /login          {"phone": "+6591234567"}               202 {"login": "Zk3…"}
    POST /login/verify   {"login": "Zk3…", "code": "667090"}    200 {"phone": "+6591234567"}

Anything else is answered with ``{"detail": …}``; `answer_to` says with which status. To try it
without an account, start the sandbox in one terminal and the app in another::

    engagelab sandbox --port 8025

    export ENGAGELAB_DEV_KEY=any ENGAGELAB_DEV_SECRET=any
    export ENGAGELAB_OTP_BASE_URL=http://127.0.0.1:8025/otp
    uvicorn --app-dir examples fastapi_login:app
"""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel, StringConstraints

from engagelab_async import (
    BusinessRuleError,
    EngageLab,
    EngageLabError,
    FrequencyLimitError,
    InvalidNumberError,
    NotFoundError,
    SendFailedError,
    UnregisteredNumberError,
    VerifyOTP,
)

logger = logging.getLogger("fastapi_login")


@dataclass
class Login:
    """A login that waits for its code."""

    phone: str
    message_id: str
    guesses_left: int = 5


@dataclass
class Shared:
    """What all requests share."""

    engagelab: EngageLab
    # In memory, so for one process: several need a store that they share, and that forgets.
    logins: dict[str, Login] = field(default_factory=dict)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, Shared]]:
    """Open one client for all requests, and close it with the app."""
    async with EngageLab.from_env(require=("otp",)) as engagelab:
        yield {"shared": Shared(engagelab)}


def opened(request: Request) -> Shared:
    """Find what `lifespan` opened."""
    shared: Shared = request.state.shared
    return shared


app = FastAPI(title="Log in with a one-time code", lifespan=lifespan)


class Who(BaseModel):
    """The body of ``POST /login``."""

    phone: Annotated[str, StringConstraints(pattern=r"^\+[1-9][0-9]{6,14}$")]


class Guess(BaseModel):
    """The body of ``POST /login/verify``."""

    login: str
    code: Annotated[str, StringConstraints(pattern=r"^[0-9]{4,10}$")]


@app.post("/login", status_code=202)
async def login(who: Who, shared: Annotated[Shared, Depends(opened)]) -> dict[str, str]:
    """Send a code that the platform makes."""
    sent = await shared.engagelab.otp.send(who.phone, "login")
    token = secrets.token_urlsafe()
    shared.logins[token] = Login(who.phone, sent.message_id)
    return {"login": token}


@app.post("/login/verify")
async def verify(guess: Guess, shared: Annotated[Shared, Depends(opened)]) -> dict[str, str]:
    """Check the code; here a real app would begin a session."""
    found = shared.logins.get(guess.login)
    if found is None or found.guesses_left == 0:
        raise HTTPException(404, "Ask for a new code.")
    # Counted before the check, or guesses sent at the same time would all be let through.
    found.guesses_left -= 1
    check = await shared.engagelab.otp.verify(found.message_id, guess.code)
    if not check.verified:
        raise HTTPException(401, "That is not the code.")
    shared.logins.pop(guess.login, None)
    return {"phone": found.phone}


@app.exception_handler(EngageLabError)
async def explain(_: Request, error: EngageLabError) -> JSONResponse:
    """Answer for every call of the API that failed."""
    status, detail = answer_to(error)
    # An error's text holds no number, no code and no key, so it may be logged.
    logger.warning("answered %d: %s", status, error)
    return JSONResponse({"detail": detail}, status)


def answer_to(error: EngageLabError) -> tuple[int, str]:  # noqa: PLR0911 - one for each case
    """Choose the status, and the words for the person who waits."""
    match error:
        case EngageLabError(may_have_been_sent=True):
            # A code may arrive, but its message id is lost, and without that it is of no use.
            # Asking again at once would be refused while that code is live.
            return 503, "We cannot know whether that worked. Start again in a few minutes."
        case FrequencyLimitError():
            return 429, "The code we sent before is still good. Use that one."
        case InvalidNumberError() | UnregisteredNumberError():
            return 422, "This is not the number of a phone."
        case SendFailedError(code=5001 | 5016):
            # Not because of the phone.
            return 503, "Codes cannot be sent at the moment. Try again later."
        case SendFailedError():
            return 422, "We cannot send a message to this phone."
        case NotFoundError(operation=VerifyOTP()):
            return 404, "Ask for a new code."
        case BusinessRuleError(operation=VerifyOTP()):
            return 410, "The code has expired or was used before. Ask for a new one."
        case _:
            return 503, "Codes cannot be sent or checked at the moment. Try again later."
