"""The outcome of one operation of a run.

::

    Accepted    the API took it
    Rejected    it was refused, or could not be sent: nothing was sent
    Uncertain   it may have been sent, and is not sent again automatically
    Skipped     this run did not send it
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, Generic, Literal, NoReturn, TypeVar, get_args

from attrs import Attribute, asdict, fields, frozen

from engagelab_async.arguments import PERSONAL
from engagelab_async.errors import APIError, EngageLabError
from engagelab_async.operation import Operation
from engagelab_async.serialization import Serializable, plain
from engagelab_async.sms.messages import Plan

R = TypeVar("R")

SkipReason = Literal["settled", "refused", "duplicate", "suppressed", "stopped"]


@frozen(kw_only=True)
class _Outcome(Serializable):
    """What all outcomes have.

    Attributes:
        index: The operation's position in the source, counted from 0.
        attempts: How many requests were made.
        elapsed: Seconds from the first request to the outcome, delays included.
    """

    index: int
    attempts: int = 0
    elapsed: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the attributes as a dict of what JSON can hold, and the class's name as ``type``.

        Of the operation it holds the call, as ``name``, and the fields, recipients included. It
        holds no code, no params and no ``custom_args``: a handler that returns an outcome does not
        hand a code on.
        """
        return {"type": type(self).__name__} | {
            each.name: _WRITERS.get(each.name, plain)(getattr(self, each.name))
            for each in fields(type(self))
        }

    @classmethod
    def _json_types(cls, source: object) -> dict[str, Any]:
        (result,) = get_args(source) or (Any,)
        replaced = {
            "operation": Mapping[str, Any],
            "error": Mapping[str, Any],
            "result": Any if isinstance(result, TypeVar) else result,
        }
        return {"type": Literal[cls.__name__]} | {
            name: replaced.get(name, kind) for name, kind in super()._json_types(source).items()
        }

    @classmethod
    def _from_members(cls, _: object) -> NoReturn:
        raise ValueError("an outcome's operation and error cannot be made of JSON")


def _operation(operation: Operation[Any]) -> dict[str, Any]:
    shown = asdict(operation, filter=_is_shown)
    return {"name": operation.endpoint.name} | {name: plain(each) for name, each in shown.items()}


def _is_shown(field: "Attribute[Any]", _: object) -> bool:
    return field.name == "to" or not field.metadata.get(PERSONAL)


def _error(error: EngageLabError) -> dict[str, Any]:
    """Write what happened; the text has no recipient, no code and no secret in it."""
    names = ("may_have_been_sent", *(_OF_API_ERRORS if isinstance(error, APIError) else ()))
    made = {"type": type(error).__name__, "message": str(error)}
    return made | {name: getattr(error, name) for name in names}


_OF_API_ERRORS: Final = ("code", "http_status", "retry_after", "plan_id")
_WRITERS: Final[Mapping[str, Callable[[Any], Any]]] = {"operation": _operation, "error": _error}


@frozen
class Accepted(_Outcome, Generic[R]):
    """The API accepted the operation.

    Attributes:
        operation: What was sent.
        result: What the API answered.
    """

    operation: Operation[R]
    result: R

    @property
    def shortfall(self) -> int:
        """How many of a plan's targets the platform dropped without an error."""
        if isinstance(self.result, Plan):
            return self.result.total_count - self.result.accepted_count
        return 0


@frozen
class Rejected(_Outcome, Generic[R]):
    """Nothing was sent: the API refused, or the request could not be sent.

    Attributes:
        operation: What was not sent.
        error: Why.
    """

    operation: Operation[R]
    error: EngageLabError


@frozen
class Uncertain(_Outcome, Generic[R]):
    """The operation may have been carried out, in this run or in an earlier one.

    Attributes:
        operation: What may have been sent.
        error: What kept the answer from arriving.
    """

    operation: Operation[R]
    error: EngageLabError


@frozen
class Skipped(_Outcome, Generic[R]):
    """This run did not send the operation.

    Attributes:
        operation: What was not sent.
        reason: ``settled``: the journal says that the API accepted it in an earlier run.
            ``refused``: the journal says that the API refused it permanently in an earlier run.
            ``duplicate``: this run, which has a journal, has had the same operation before.
            ``suppressed``: the recipients must not be sent to; those of a request to several
            are left out of it, and have an outcome of their own.
            ``stopped``: the run stopped before it was sent.
    """

    operation: Operation[R]
    reason: SkipReason


Outcome = Accepted[R] | Rejected[R] | Uncertain[R] | Skipped[R]
AnyOutcome = Outcome[Any]
