"""Keeps the state of a platform and of its inbox in a store, and brings it back.

=============  ===================================================================================
kind           what a document of it is
=============  ===================================================================================
``message``    a `SentMessage`, sent or dropped, by its number
``code``       a `Code`, by the number of its message
``by_hand``    what was done by hand to a message, by its number
``sms``        all templates and signatures of the SMS product
``otp``        all templates of the OTP product
``call``       a `Call` that the inbox shows, by its number
=============  ===================================================================================
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from cattrs import BaseValidationError
from cattrs.gen import make_dict_structure_fn, make_dict_unstructure_fn, override
from cattrs.preconf.json import JsonConverter, make_converter

from ._kept import nobody
from .codes import Code
from .inbox.calls import Call, Calls
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
    """Keeps the state of one sandbox.

    Args:
        platform: The platform.
        calls: The sends that its inbox shows.
        path: The file that keeps it.
    """

    def __init__(self, platform: Platform, calls: Calls, path: Path) -> None:
        self._platform = platform
        self._calls = calls
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
        calls = self._all(store, "call", Call)
        # All of it can be read: only now anything is replaced.
        platform.outbox.restore(messages)
        platform.codes.restore(codes)
        platform.progress.restore(by_hand)
        for sms_state in sms:
            platform.sms.restore(sms_state)
        for otp_state in otp:
            platform.otp.restore(otp_state)
        self._calls.restore(calls)
        for message in messages[-1:]:
            platform.ids.go_on_from(int(message.message_id))

    def _keep_in(self, store: Store) -> None:
        platform, written = self._platform, self._converter.unstructure
        platform.outbox.on_add = lambda each: store.put("message", each.number, written(each))
        platform.codes.on_change = lambda each: store.put("code", each.number, written(each))
        platform.progress.on_change = lambda each: store.put("by_hand", each.number, written(each))
        platform.sms.on_change = lambda: store.put("sms", 1, written(platform.sms.state))
        platform.otp.on_change = lambda: store.put("otp", 1, written(platform.otp.state))
        self._calls.on_add = lambda each: store.put("call", each.number, written(each))
        self._calls.on_clear = lambda: store.clear("call")

    def _let_go(self) -> None:
        platform = self._platform
        for told in (platform.codes, platform.progress, platform.sms, platform.otp):
            told.on_change = nobody
        platform.outbox.on_add = self._calls.on_add = self._calls.on_clear = nobody

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

    converter.register_unstructure_hook(range, lambda numbers: [numbers.start, numbers.stop])
    converter.register_structure_hook(range, lambda bounds, _: range(*bounds))
    # What was seen of a call is seen again.
    omit = override(omit=True)
    converter.register_unstructure_hook(
        Call,
        make_dict_unstructure_fn(Call, converter, revision=omit, states=omit, tally=omit),
    )
    converter.register_structure_hook(
        Call, make_dict_structure_fn(Call, converter, revision=omit, states=omit, tally=omit)
    )

    def write(submission: Submission) -> object:
        return {"review": converter.unstructure(submission.review), "at": submission.at}

    def read(document: Mapping[str, object], _: object) -> Submission:
        review = converter.structure(document["review"], Review)
        return reviewer.resume(review, converter.structure(document["at"], float))

    converter.register_unstructure_hook(Submission, write)
    converter.register_structure_hook(Submission, read)
    return converter
