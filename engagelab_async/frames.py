"""Remove personal data from an exception's frames, causes and contexts.

Error trackers, rich tracebacks, loguru and ``pytest --showlocals`` print the local variables of
every frame, and the texts of all causes and contexts. In the frames of a failed call those are the
recipient, the code, the key pair and the answer; and the texts of HTTP libraries quote URLs with
passwords, headers and answers::

    frame of the program ──> outermost frame of the library ──> its other frames, and those below
      left as it is            still running:              finished: all their variables are
                               holds nothing personal      cleared, file and line stay
"""

from __future__ import annotations

import gc
import sys
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from engagelab_async.errors import EngageLabError

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

CallableT = TypeVar("CallableT", bound="Callable[..., Any]")

_SYSTEM: Final = frozenset({"builtins", "socket", "ssl"})


class HiddenError(Exception):
    """Replaces a cause whose text may be personal: it names its class, and has its traceback."""


def clears_frames(target: CallableT) -> CallableT:
    """Make a plain function, or the constructor of a class, leave nothing in what it raises."""
    if isinstance(target, type):
        # Not by a metaclass or a subclass: type checkers are to see the class as it is written.
        target.__init__ = clears_frames(target.__init__)  # type: ignore[misc]
        return target

    @wraps(target)
    def call(*args: object, **kwargs: object) -> object:
        handled = sys.exception()
        try:
            return target(*args, **kwargs)
        except BaseException as error:
            del args, kwargs
            clear(error, handled)
            del handled
            raise

    return cast("CallableT", call)


def clear(error: BaseException, handled: BaseException | None) -> None:
    """Clear everything reachable from an exception: its frames, causes and contexts.

    Args:
        error: What was raised. Its class and text stay, and so do the variables of the first frame
            of its traceback while that is running, as that of the caller is.
        handled: The exception that the program was handling when the call began; it is not changed.
    """
    if error is handled:
        return
    first = error.__traceback__
    if first is not None:
        first.tb_next = _cleared(first.tb_next)
        if _is_finished(first.tb_frame):
            first.tb_frame.clear()
    links = _Links(handled)
    links.keep(error)
    links.empty()


class _Links:
    """The causes and contexts of one exception, each met once, as cycles are possible."""

    def __init__(self, handled: BaseException | None) -> None:
        # With the originals, lest another object gets the id of one.
        self._met: dict[int, tuple[BaseException | None, BaseException | None]] = {
            id(None): (None, None),
            id(handled): (handled, handled),
        }
        self._left: list[tuple[BaseException, BaseException]] = []

    def keep(self, error: BaseException) -> None:
        """Keep an exception; its links are followed later."""
        self._take(error, error)

    def _take(self, original: BaseException, substitute: BaseException) -> None:
        self._met[id(original)] = (original, substitute)
        self._left.append((original, substitute))

    def empty(self) -> None:
        """Follow all links."""
        while self._left:
            original, substitute = self._left.pop()
            suppressed = original.__suppress_context__
            substitute.__cause__ = self._substitute(original.__cause__)
            substitute.__context__ = self._substitute(original.__context__)
            substitute.__suppress_context__ = suppressed
            if isinstance(substitute, BaseExceptionGroup):
                for member in substitute.exceptions:
                    self._substitute(member, keep=True)

    def _substitute(
        self, original: BaseException | None, *, keep: bool = False
    ) -> BaseException | None:
        if id(original) not in self._met and original is not None:
            kept = keep or _is_discreet(original)
            substitute = original if kept else HiddenError(_name(type(original)))
            substitute.__traceback__ = _cleared(original.__traceback__)
            self._take(original, substitute)
        return self._met[id(original)][1]


def _is_discreet(error: BaseException) -> bool:
    """Return whether the text of an exception cannot be personal."""
    if isinstance(error, EngageLabError | HiddenError):
        return True
    if not isinstance(error, Exception):
        # A cancellation: event loops recognize theirs by identity and by text.
        return not isinstance(error, BaseExceptionGroup)
    # With an error number, the text is that of the operating system or of OpenSSL.
    from_system = isinstance(error, OSError) and error.errno is not None
    own = type(error).__module__ in _SYSTEM and not hasattr(error, "__notes__")
    return own and (from_system or not error.args)


def _name(kind: type[BaseException]) -> str:
    return f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")


def _cleared(traceback: TracebackType | None) -> TracebackType | None:
    """Clear the finished frames of a traceback, and leave out all others.

    Those are of other tasks that met the same exception, as with a connection that is shared.
    """
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    following = None
    for entry in reversed(entries):
        if _is_finished(entry.tb_frame):
            entry.tb_frame.clear()
            entry.tb_next = following
            following = entry
    return following


def _is_finished(frame: FrameType) -> bool:
    # Before Python 3.13, clear() would close the coroutine of a suspended frame. Only of a finished
    # frame does the garbage collector see what it holds, such as its code.
    return any(held is frame.f_code for held in gc.get_referents(frame))
