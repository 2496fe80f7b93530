"""What all coroutines of the products share: the transport they send over, and their options."""

from typing import TypedDict, cast

from engagelab_async.retry import RetryPolicy
from engagelab_async.transport import Transport


class CallOptions(TypedDict, total=False):
    """What every call takes besides its own arguments; each defaults to the client's.

    Attributes:
        timeout: Seconds for one attempt.
        deadline: Seconds for the whole call, including retries and delays.
        retry: The retry policy.

    .. versionadded:: 0.1.0
    """

    timeout: float | None
    deadline: float | None
    retry: RetryPolicy | None


def check_options(options: CallOptions) -> None:
    """Refuse an unknown option before anything else happens, and forget what was passed.

    Python itself does so where the options are written out. What a caller passed under a wrong name
    may be personal, and is not to stay in the variables of a frame.

    Raises:
        TypeError: There is an option that no call has.
    """
    if options and (unknown := options.keys() - CallOptions.__optional_keys__):
        cast("dict[str, object]", options).clear()
        raise TypeError(f"got an unexpected keyword argument {min(unknown)!r}")


class Calls:
    """Coroutines that build an operation and send it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport
