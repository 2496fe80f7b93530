"""Keeps a platform's state in a store, and brings it back.

=============  ===================================================================================
kind           what a document of it is
=============  ===================================================================================
``message``    a `SentMessage`, sent or dropped, by its number
``code``       a `Code`, by the number of its message
``by_hand``    what was done by hand to a message, by its number
``sms``        all templates and signatures of the SMS product
``otp``        all templates of the OTP product
=============  ===================================================================================
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from cattrs import BaseValidationError
from cattrs.preconf.json import JsonConverter, make_converter

from ._kept import nobody
from .codes import Code
from .otp_configs import OTPState
from .outbox import SentMessage
from .platform import Platform
from .progress import ByHand
from .reviews import Review, Reviewer, Submission
from .sms_configs import SMSState
from .store import Store

T = TypeVar("T")

_WRONG: Final = (BaseValidationError, TypeError, ValueError, KeyError, AttributeError)
"""What reading a document may raise that is JSON, but not what it should be."""


class Keeper:
    """Keeps the state of one platform.

    Args:
        platform: The platform.
        path: The file that keeps it.
    """

    def __init__(self, platform: Platform, path: Path) -> None:
        self._platform = platform
        self._path = path
        self._converter = _converter(platform.reviewer)

    @contextmanager
    def open(self) -> Iterator[None]:
        """Bring back what the store holds, and keep in it what changes inside the block.

        Raises:
            StoreError: The file cannot be used.
        """
        store = Store(self._path)
        try:
            self._restore(store)
            self._keep_in(store)
            yield
        finally:
            self._let_go()
            store.close()

    def _restore(self, store: Store) -> None:
        platform = self._platform
        messages = self._all(store, "message", SentMessage)
        codes = self._all(store, "code", Code)
        by_hand = self._all(store, "by_hand", ByHand)
        sms = self._all(store, "sms", SMSState)
        otp = self._all(store, "otp", OTPState)
        # All of it can be read: only now anything is replaced.
        platform.outbox.restore(messages)
        platform.codes.restore(codes)
        platform.progress.restore(by_hand)
        for sms_state in sms:
            platform.sms.restore(sms_state)
        for otp_state in otp:
            platform.otp.restore(otp_state)
        for message in messages[-1:]:
            platform.ids.go_on_from(int(message.message_id))

    def _keep_in(self, store: Store) -> None:
        platform, written = self._platform, self._converter.unstructure
        platform.outbox.on_add = lambda each: store.put("message", each.number, written(each))
        platform.codes.on_change = lambda each: store.put("code", each.number, written(each))
        platform.progress.on_change = lambda each: store.put("by_hand", each.number, written(each))
        platform.sms.on_change = lambda: store.put("sms", 1, written(platform.sms.state))
        platform.otp.on_change = lambda: store.put("otp", 1, written(platform.otp.state))

    def _let_go(self) -> None:
        platform = self._platform
        for told in (platform.codes, platform.progress, platform.sms, platform.otp):
            told.on_change = nobody
        platform.outbox.on_add = nobody

    def _all(self, store: Store, kind: str, of: type[T]) -> list[T]:
        try:
            return [self._converter.structure(each, of) for each in store.all(kind)]
        except _WRONG:
            # The error itself may show what is in the document.
            raise store.damaged(f"a document of kind {kind} cannot be read") from None


def _converter(reviewer: Reviewer) -> JsonConverter:
    """Make what turns the parts of a platform into JSON, and back."""
    converter = make_converter()
    converter.register_structure_hook_func(lambda kind: kind is object, lambda value, _: value)

    def write(submission: Submission) -> object:
        return {"review": converter.unstructure(submission.review), "at": submission.at}

    def read(document: Mapping[str, object], _: object) -> Submission:
        review = converter.structure(document["review"], Review)
        return reviewer.resume(review, converter.structure(document["at"], float))

    converter.register_unstructure_hook(Submission, write)
    converter.register_structure_hook(Submission, read)
    return converter
