"""The outcome of a command: an answer or a failure, and the exit code for scripts.

====  ================================================================================
exit  meaning
====  ================================================================================
0     sent; or the code is right; or the command was successful
1     certainly not sent: the API refused or could not be reached; or a wrong code
2     nothing was sent: wrong usage or configuration
3     it may have been sent, or not
130   interrupted before anything was sent; or a list was interrupted, and can be resumed
====  ================================================================================
"""

from enum import IntEnum
from typing import Any, TypeAlias

from attrs import frozen

from engagelab_async import (
    ConfigurationError,
    EngageLabError,
    Operation,
    Plan,
    Verification,
)

from .hints import AFTER_BAD_USAGE, AFTER_CRASH, AFTER_INTERRUPTION, hint
from .options import message_of

Action: TypeAlias = Operation[Any]
"""The operations that commands carry out."""


class Exit(IntEnum):
    """The exit codes of the command."""

    DONE = 0
    NOT_SENT = 1
    USAGE = 2
    UNCERTAIN = 3
    INTERRUPTED = 130


@frozen
class Answered:
    """The API answered."""

    action: Action
    result: object

    @property
    def exit_code(self) -> Exit:
        """The exit code; a wrong code and a plan without a valid target are no success."""
        match self.result:
            case Verification(verified=False) | Plan(accepted_count=0):
                return Exit.NOT_SENT
            case _:
                return Exit.DONE


@frozen(kw_only=True)
class Failed:
    """There is no usable answer. Only `action` holds personal data.

    What is ``None`` is not known. That `may_have_been_sent` is false is a guarantee.
    """

    action: Action | None = None
    exit_code: Exit
    type: str
    message: str
    hint: str
    code: int | None = None
    http_status: int | None = None
    retry_after: float | None = None
    plan_id: str | None = None
    may_have_been_sent: bool = False
    attempts: int | None = None


Outcome: TypeAlias = Answered | Failed


def failed(action: Action, error: EngageLabError) -> Failed:
    """Make the outcome of a call that raised."""
    return Failed(
        action=action,
        exit_code=_exit_code(action, error),
        type=type(error).__name__,
        # str() adds the attempts and the uncertainty, which have fields of their own.
        message=message_of(error),
        hint=hint(error),
        # Those of APIError; InvalidResponseError has some of them.
        code=getattr(error, "code", None),
        http_status=getattr(error, "http_status", None),
        retry_after=getattr(error, "retry_after", None),
        plan_id=getattr(error, "plan_id", None),
        may_have_been_sent=error.may_have_been_sent,
        attempts=error.attempts,
    )


def _exit_code(action: Action, error: EngageLabError) -> Exit:
    if isinstance(error, ConfigurationError):
        return Exit.USAGE
    if action.endpoint.is_read:
        return Exit.NOT_SENT
    return Exit.UNCERTAIN if error.may_have_been_sent else Exit.NOT_SENT


def misused(message: str, hint: str = AFTER_BAD_USAGE) -> Failed:
    """Make the outcome of a command that cannot be carried out as it is."""
    return Failed(exit_code=Exit.USAGE, type="UsageError", message=message, hint=hint, attempts=0)


def interrupted(action: Action | None = None, *, may_have_been_sent: bool = False) -> Failed:
    """Make the outcome of Ctrl-C."""
    when = "while a request was in flight" if may_have_been_sent else "before anything was sent"
    return Failed(
        action=action,
        exit_code=Exit.UNCERTAIN if may_have_been_sent else Exit.INTERRUPTED,
        type="Interrupted",
        message=f"interrupted {when}",
        hint=AFTER_INTERRUPTION[may_have_been_sent],
        may_have_been_sent=may_have_been_sent,
    )


def crashed(action: Action, error: Exception) -> Failed:
    """Make the outcome of a bug in this library, which may have occurred after sending."""
    return Failed(
        action=action,
        exit_code=Exit.UNCERTAIN,
        type=type(error).__name__,
        # Not the error's own text: it may quote personal data.
        message="an error inside engagelab-async",
        hint=AFTER_CRASH,
        may_have_been_sent=True,
    )
