"""What to do next."""

import inspect

import pytest

from engagelab_async import (
    EngageLabError,
    FrequencyLimitError,
    RateLimitError,
    SendFailedError,
    VerifyOTP,
    errors,
)
from engagelab_async.bulk import JournalError
from engagelab_async.cli.hints import HINTS, hint

CLASSES = [kind for _, kind in inspect.getmembers(errors, inspect.isclass)]
PARENTS = {kind.__base__ for kind in CLASSES}
OF_CALLBACKS = (errors.InvalidCallbackError, errors.NotDeliveredError, errors.SignatureError)
LEAVES = [kind for kind in CLASSES if kind not in PARENTS and kind not in OF_CALLBACKS]


def uncertain(error: EngageLabError) -> EngageLabError:
    """Return the error as it is when an earlier attempt may have gone through."""
    error.may_have_been_sent = True
    return error


@pytest.mark.parametrize("kind", LEAVES)
def test_every_error_has_a_hint_of_its_own_or_an_uncertain_one(kind: type[EngageLabError]) -> None:
    """A class is in the table, or its errors may have been sent, for which there is one hint."""
    assert kind in HINTS or kind.may_have_been_sent


def test_a_class_that_is_not_in_the_table_takes_the_nearest_hint() -> None:
    """A new subclass has the hint of its parent."""

    class NewError(SendFailedError):
        """A code of tomorrow."""

    assert HINTS[SendFailedError] == hint(NewError("5099"))


def test_a_journal_that_cannot_be_used_is_no_matter_of_keys() -> None:
    """Its hint is about the option that names it, and leads away from none that was begun."""
    found = hint(JournalError("journal: it cannot be written (database or disk is full)"))

    assert "free space" in found
    assert "continue with the same command and --resume" in found
    assert "use another --journal only for another list" in found
    assert "Name another" not in found


def test_uncertainty_counts_for_more_than_the_class() -> None:
    """When it may have been sent, nobody is told to send it again."""
    assert HINTS[EngageLabError] == hint(uncertain(RateLimitError("429")))


def test_a_frequency_limit_after_an_uncertain_attempt_means_that_it_was_sent() -> None:
    """The live code that the platform speaks of is then the one of this call."""
    assert "An earlier attempt succeeded" in hint(uncertain(FrequencyLimitError("3004")))


def test_an_uncertain_check_is_not_spoken_of_as_a_message() -> None:
    """After an uncertain check, the hint is about the code."""
    error = uncertain(EngageLabError("hung"))
    error.operation = VerifyOTP("1", "123456")

    assert "The check may have been carried out" in hint(error)
