"""Errors that scripts turn into answers."""

import pytest

import engagelab_async
from engagelab_async import (
    APIError,
    AuthenticationError,
    ConfigurationError,
    ConnectError,
    EngageLab,
    EngageLabError,
    FrequencyLimitError,
    InvalidNumberError,
    InvalidResponseError,
    RateLimitError,
    ReviewRejectedError,
    ReviewTimeoutError,
    SendSMS,
    ServerError,
    TransportError,
)
from engagelab_async.testing import FakeEngageLab

NO_REQUEST = (ConfigurationError, ReviewRejectedError, ReviewTimeoutError)
"""Errors that no request meets."""

MET = [
    kind
    for name in engagelab_async.__all__
    if isinstance(kind := getattr(engagelab_async, name), type)
    and issubclass(kind, TransportError | InvalidResponseError | APIError)
]


async def error_of(
    fake: FakeEngageLab, error: type[EngageLabError] | EngageLabError
) -> EngageLabError:
    """Let an SMS send fail, and return what the client raises."""
    fake.sms.fail(None, error)
    with pytest.raises(EngageLabError) as caught:
        await fake.client().execute(SendSMS("+6591234567", "1233"))
    return caught.value


@pytest.mark.anyio
@pytest.mark.parametrize("kind", MET)
async def test_a_class_is_what_the_client_raises(
    fake: FakeEngageLab, kind: type[EngageLabError]
) -> None:
    """Of every class that a request can meet, the client raises exactly that one."""
    error = await error_of(fake, kind)

    assert kind is type(error)
    assert [] == fake.sent


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(InvalidNumberError("x"), (5011, 400, None, "x", None), id="words"),
        pytest.param(
            InvalidNumberError, (5011, 400, None, "invalid mobile number format", None), id="class"
        ),
        pytest.param(
            AuthenticationError,
            (2001, 401, None, "authentication failed: invalid or missing token", None),
            id="first-code",
        ),
        pytest.param(
            RateLimitError("", retry_after=40), (None, 429, 40.0, "refused", None), id="later"
        ),
        pytest.param(
            AuthenticationError("", code=2002),
            (2002, 401, None, "authentication failed: token expired or disabled", None),
            id="code",
        ),
        pytest.param(
            APIError("", code=1, http_status=200, api_message="err", plan_id="7"),
            (1, 200, None, "err", "7"),
            id="inside-a-200",
        ),
        pytest.param(
            ServerError("", http_status=503), (1000, 503, None, "internal error", None), id="status"
        ),
        pytest.param(
            FrequencyLimitError("slow", http_status=429, retry_after=0.5),
            (3004, 429, 0.5, "slow", None),
            id="fraction",
        ),
    ],
)
async def test_an_instance_chooses_the_answer(
    fake: FakeEngageLab, error: type[APIError] | APIError, expected: tuple[object, ...]
) -> None:
    """What an instance says goes over the wire; what it leaves out is as the API documents it."""
    met = await error_of(fake, error)
    wanted = error if isinstance(error, type) else type(error)

    assert wanted is type(met)
    assert isinstance(met, APIError)
    assert expected == (met.code, met.http_status, met.retry_after, met.api_message, met.plan_id)


@pytest.mark.anyio
async def test_a_transport_error_is_a_new_one_each_time(fake: FakeEngageLab) -> None:
    """An instance that is scripted for several calls does not carry marks of the first."""
    scripted = ConnectError("no route")
    error = await error_of(fake, scripted)

    assert "SendSMS: no route, after 3 attempts" == str(error)
    assert (scripted is not error, 0) == (True, scripted.attempts)


@pytest.mark.parametrize("kind", [*NO_REQUEST, EngageLabError, ValueError, "5011", 5011])
def test_what_no_request_meets_is_refused(fake: FakeEngageLab, kind: type[EngageLabError]) -> None:
    """A script that could never come true is refused when it is written."""
    with pytest.raises(TypeError, match=r"^error: expected an APIError, a TransportError or an "):
        fake.sms.fail(None, kind)


@pytest.mark.anyio
async def test_an_unreadable_answer_leaves_it_open(client: EngageLab, fake: FakeEngageLab) -> None:
    """After an answer that is no JSON nobody knows whether it was sent."""
    fake.otp.fail(None, InvalidResponseError)
    with pytest.raises(InvalidResponseError) as caught:
        await client.otp.send_custom_message("+6591234567", "shipped")

    assert caught.value.may_have_been_sent
