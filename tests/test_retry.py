"""When a call is repeated, after how long, and what the budget allows."""

import copy
import math
import pickle
from typing import Any

import pytest
from attrs.exceptions import FrozenInstanceError
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async import (
    APIError,
    AuthenticationError,
    BlacklistedError,
    BusinessRuleError,
    ConfigurationError,
    ConnectError,
    ConnectionLostError,
    ContentRejectedError,
    EngageLabError,
    FrequencyLimitError,
    HandsetError,
    InterceptedError,
    InternalSendError,
    InUseError,
    InvalidNumberError,
    InvalidRequestError,
    InvalidResponseError,
    NameTakenError,
    NotFoundError,
    Operation,
    PendingReviewError,
    PermissionDeniedError,
    RateLimitError,
    RegionForbiddenError,
    ResponseTimeoutError,
    RetryPolicy,
    SendFailedError,
    ServerError,
    UnreachableError,
    UnregisteredNumberError,
    UnsubscribedError,
    errors,
)
from engagelab_async.retry import RetryBudget
from support.calls import OPERATIONS

REPEATED_WHEN_UNCERTAIN = {
    "otp.send",
    "otp.send_code",
    "otp.balance",
    "otp.templates.list",
    "otp.templates.get",
    "sms.balance",
    "sms.templates.list",
    "sms.templates.get",
    "sms.signatures.list",
    "sms.signatures.get",
}
"""The sends that the platform guards against duplicates, and the reads."""

SEND_CODE = OPERATIONS["otp.send_code"]


def uncertain(error: APIError) -> APIError:
    """Mark a refusal as one that leaves open what it did."""
    error.may_have_been_sent = True
    return error


NOT_SENT_AND_PASSING: list[EngageLabError] = [
    ConnectError("never left"),
    RateLimitError("too many requests", http_status=429),
    SendFailedError("send fail", code=5001),
    InternalSendError("internal sending error", code=5016),
]
MAYBE_SENT: list[EngageLabError] = [
    ResponseTimeoutError("no answer"),
    ConnectionLostError("reset"),
    InvalidResponseError("HTML"),
    ServerError("internal", code=1000, http_status=500),
    ServerError("bad gateway", http_status=502),
    uncertain(SendFailedError("new", code=5999, http_status=500)),
]
FINAL: list[EngageLabError] = [
    ConfigurationError("no key pair"),
    APIError("redirect", http_status=302),
    AuthenticationError("auth fail", code=2001),
    PermissionDeniedError("no permission", code=2004),
    InvalidRequestError("bad", code=3002),
    BusinessRuleError("expired", code=3003),
    InUseError("plans", code=400),
    NameTakenError("exists", code=400),
    PendingReviewError("pending", code=400),
    FrequencyLimitError("limit", code=3004),
    NotFoundError("not exist", code=4001),
    SendFailedError("new", code=5999),
    InvalidNumberError("bad number", code=5011),
    UnreachableError("unreachable", code=5012),
    BlacklistedError("blacklisted", code=5013),
    ContentRejectedError("content", code=5014),
    InterceptedError("intercepted", code=5015),
    RegionForbiddenError("china", code=5017),
    HandsetError("off", code=5018),
    UnsubscribedError("unsubscribed", code=5019),
    UnregisteredNumberError("empty number", code=5020),
]


def delay(
    policy: RetryPolicy,
    error: EngageLabError,
    operation: Operation[object] = SEND_CODE,
    *,
    attempt: int = 1,
    remaining: float = math.inf,
    random: float = 0.5,
) -> float | None:
    """Ask a policy about one failure."""
    return policy.delay(
        error, operation, attempt=attempt, remaining=remaining, random=lambda: random
    )


def repeated(error: EngageLabError, *, repeat_uncertain: bool = False) -> set[str]:
    """Return the calls that a policy repeats after an error."""
    policy = RetryPolicy(repeat_uncertain=repeat_uncertain)
    return {
        call
        for call, operation in OPERATIONS.items()
        if delay(policy, error, operation) is not None
    }


def each(failures: list[EngageLabError]) -> pytest.MarkDecorator:
    """Run a test with each of some errors."""
    return pytest.mark.parametrize("error", failures, ids=repr)


OF_CALLBACKS = (errors.InvalidCallbackError, errors.NotDeliveredError, errors.SignatureError)
"""What receiving raises, and not a call."""


class TestRepeatTable:
    """The table in the module's docstring, row by row."""

    @each(NOT_SENT_AND_PASSING)
    def test_what_was_not_sent_is_repeated(self, error: EngageLabError) -> None:
        """What never left, and what failed in passing, is repeated for every operation."""
        assert {*OPERATIONS} == repeated(error)
        assert {*OPERATIONS} == repeated(error, repeat_uncertain=True)

    @each(MAYBE_SENT)
    def test_what_may_have_been_sent_is_repeated_where_it_is_harmless(
        self, error: EngageLabError
    ) -> None:
        """An uncertain failure is repeated for guarded sends and reads, or at the caller's wish."""
        assert REPEATED_WHEN_UNCERTAIN == repeated(error)
        assert {*OPERATIONS} == repeated(error, repeat_uncertain=True)

    @each(FINAL)
    def test_the_rest_is_not_repeated(self, error: EngageLabError) -> None:
        """A refusal that would be given again is raised at once, whatever the policy."""
        assert set() == repeated(error)
        assert set() == repeated(error, repeat_uncertain=True)

    def test_no_error_is_forgotten(self) -> None:
        """The rows above hold every class that a call can raise."""
        rows = {type(error) for error in NOT_SENT_AND_PASSING + MAYBE_SENT + FINAL}
        raised = {value for value in vars(errors).values() if isinstance(value, type)}
        reviewed = {value for value in raised if "Review" in value.__name__} - {PendingReviewError}
        rejected = {errors.TemplateRejectedError, errors.SignatureRejectedError}
        received = {value for value in raised if value in OF_CALLBACKS}

        parents = {errors.EngageLabError, errors.TransportError}
        assert parents | reviewed | rejected | received == raised - rows


class TestDelay:
    """How long to wait."""

    def test_grows_to_the_cap(self) -> None:
        """The upper bound of the wait doubles from the base to the cap."""
        policy = RetryPolicy(attempts=9, base=0.5, cap=3.0)
        waits = [delay(policy, ConnectError(), attempt=number) for number in range(1, 6)]

        assert [0.25, 0.5, 1.0, 1.5, 1.5] == waits

    @given(
        attempt=st.integers(1, 10**9),
        base=st.floats(0, 1e300),
        cap=st.floats(0, 1e300),
        random=st.floats(0, 1, exclude_max=True),
    )
    def test_stays_within_bounds(
        self, attempt: int, base: float, cap: float, random: float
    ) -> None:
        """Whatever the policy and however often it failed, a wait lies between 0 and its bound."""
        policy = RetryPolicy(attempts=10**9 + 1, base=base, cap=cap)
        wait = delay(policy, ConnectError(), attempt=attempt, random=random)

        assert wait is not None
        assert 0 <= wait <= min(cap, base * 2.0 ** min(attempt - 1, 1000))

    @pytest.mark.parametrize(
        ("attempts", "repeats"), [(1, []), (2, [1]), (3, [1, 2]), (10**6, [1, 2, 3, 4, 5])]
    )
    def test_ends_with_the_attempts(self, attempts: int, repeats: list[int]) -> None:
        """The first attempt counts: with one allowed, nothing is repeated."""
        policy = RetryPolicy(attempts=attempts)
        repeated = [
            number
            for number in range(1, 6)
            if delay(policy, ConnectError(), attempt=number) is not None
        ]

        assert repeats == repeated

    @pytest.mark.parametrize(
        ("retry_after", "wait"), [(None, 0.25), (0.0, 0.25), (0.1, 0.25), (7.0, 7.0), (60.0, 60.0)]
    )
    def test_obeys_retry_after(self, retry_after: float | None, wait: float) -> None:
        """The server's wish is a lower bound, and may exceed the cap."""
        error = RateLimitError("busy", http_status=429, retry_after=retry_after)

        assert wait == delay(RetryPolicy(), error)

    @pytest.mark.parametrize(
        ("retry_after", "remaining", "wait"),
        [
            (7.0, 7.1, 7.0),
            (7.0, 7.0, None),
            (7.0, 6.9, None),
            (math.inf, math.inf, None),
            (None, 0.26, 0.25),
            (None, 0.25, None),
            (None, -1.0, None),
        ],
    )
    def test_never_outlasts_the_deadline(
        self, retry_after: float | None, remaining: float, wait: float | None
    ) -> None:
        """A wait that would reach the deadline is not begun: the failure is raised at once."""
        error = RateLimitError("busy", http_status=429, retry_after=retry_after)

        assert wait == delay(RetryPolicy(), error, remaining=remaining)


class TestPolicy:
    """A policy as a value."""

    def test_is_immutable(self) -> None:
        """One policy can serve many clients: nobody can change it."""
        with pytest.raises(FrozenInstanceError):
            RetryPolicy().attempts = 5  # type: ignore[misc]

    def test_is_a_value(self) -> None:
        """Equal settings are equal policies, hashed, copied and pickled alike."""
        policy = RetryPolicy(attempts=5, cap=2)

        assert RetryPolicy(5, 0.5, 2.0) == policy
        assert hash(RetryPolicy(5, 0.5, 2.0)) == hash(policy)
        assert policy == copy.deepcopy(policy) == pickle.loads(pickle.dumps(policy))  # noqa: S301

    @pytest.mark.parametrize(
        ("options", "kind", "problem"),
        [
            ({"attempts": 0}, ValueError, "attempts: must be at least 1"),
            ({"attempts": -3}, ValueError, "attempts: must be at least 1"),
            ({"attempts": 2.0}, TypeError, "attempts: expected an int, got float"),
            ({"attempts": True}, TypeError, "attempts: expected an int, got bool"),
            ({"base": -0.1}, ValueError, "base: must be a finite number"),
            ({"base": math.nan}, ValueError, "base: must be a finite number"),
            ({"cap": math.inf}, ValueError, "cap: must be a finite number"),
            ({"cap": "8"}, TypeError, "cap: expected seconds as a number, got str"),
            ({"base": True}, TypeError, "base: expected seconds as a number, got bool"),
            ({"repeat_uncertain": "no"}, TypeError, "repeat_uncertain: expected a bool, got str"),
        ],
    )
    def test_refuses_nonsense(
        self, options: dict[str, Any], kind: type[Exception], problem: str
    ) -> None:
        """Numbers out of range and what is no number are refused, by name."""
        with pytest.raises(kind, match=f"^{problem}"):
            RetryPolicy(**options)


def repeats_left(budget: RetryBudget) -> int:
    """Spend a budget to its end, and count."""
    repeats = 0
    while budget.spend():
        repeats += 1
    return repeats


class TestBudget:
    """The tokens that all calls of a client share."""

    def test_an_outage_exhausts_it(self) -> None:
        """Where nothing succeeds, a hundred repeats are all there are."""
        budget = RetryBudget()

        assert 100 == repeats_left(budget)
        assert not budget.spend()

    def test_successes_fill_it_again(self) -> None:
        """Five calls that succeed at once pay for one repeat."""
        budget = RetryBudget()
        repeats_left(budget)
        for _ in range(9):
            budget.earn(repeated=False)

        assert 1 == repeats_left(budget)

    def test_a_repeat_that_helps_is_free(self) -> None:
        """A call that succeeds after a repeat gives back what that cost."""
        budget = RetryBudget()
        repeats_left(budget)
        budget.earn(repeated=True)

        assert 1 == repeats_left(budget)

    def test_it_does_not_overflow(self) -> None:
        """A year of successes saves no more than one full bucket."""
        budget = RetryBudget(capacity=12, cost=5)
        for _ in range(100):
            budget.earn(repeated=True)

        assert 2 == repeats_left(budget)

    @given(st.lists(st.sampled_from(["spend", "earn", "earn after a repeat"])))
    def test_it_never_pays_more_than_it_has(self, events: list[str]) -> None:
        """Whatever happens, no more is spent than it held at first and was given since."""
        budget = RetryBudget(capacity=10, cost=3)
        held, spent = 10, 0
        for event in events:
            if event == "spend":
                spent += 3 * budget.spend()
            else:
                repeated = event != "earn"
                budget.earn(repeated=repeated)
                held += 3 if repeated else 1

            assert spent <= held
