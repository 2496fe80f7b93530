"""The error tree: its drawing, its texts, what a pickle keeps, and what no error ever shows."""

import copy
import json
import logging
import pickle
import re
import traceback
from collections.abc import Callable, Iterator

import httpx
import pytest
from attrs import frozen

import engagelab_async
from engagelab_async import (
    APIError,
    Attempt,
    Credentials,
    EngageLab,
    EngageLabError,
    InvalidResponseError,
    Operation,
    RetryPolicy,
    SendCode,
    SendCustomMessage,
    SendFailedError,
    SendOTP,
    SendSMS,
    Template,
    VerifyOTP,
    errors,
)
from engagelab_async.wire import ERRORS_BY_CODE
from support.hostile import Hostile, Peer, http

CLASSES: list[type[EngageLabError]] = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, EngageLabError)
]
every_class = pytest.mark.parametrize("kind", CLASSES)


# ------------------------------------------------------------------------------- the tree


@frozen
class Drawn:
    """One line of the drawing in the module's docstring."""

    name: str
    depth: int
    remark: str


def drawing() -> Iterator[Drawn]:
    """Read the drawing."""
    for line in re.finditer(r"^([ │├└─]+)(\w+Error) *(.*)$", errors.__doc__ or "", re.MULTILINE):
        branches, name, remark = line.groups()
        yield Drawn(name, len(branches) // 4 - 1, remark)


def test_drawing_is_the_tree() -> None:
    """The tree that the docstring draws is that of the classes."""
    path: list[str] = ["Exception"]
    parents = {}
    for each in drawing():
        path[each.depth + 1 :] = [each.name]
        parents[each.name] = path[each.depth]

    assert {kind.__name__: kind.mro()[1].__name__ for kind in CLASSES} == parents


def test_drawing_tells_the_documented_codes() -> None:
    """The codes beside the classes are those that the wire maps to them."""
    codes = {
        int(code): each.name for each in drawing() for code in re.findall(r"\b\d{4}\b", each.remark)
    }

    assert {code: kind.__name__ for code, kind in ERRORS_BY_CODE.items()} == codes


def test_every_error_is_public() -> None:
    """Whoever can catch an error's parent can import the error."""
    assert {kind.__name__ for kind in CLASSES} <= set(engagelab_async.__all__)


def test_some_errors_leave_it_open_whether_it_was_sent() -> None:
    """By their nature four errors may hide a send; of the others an attempt must be told."""
    uncertain = {kind.__name__ for kind in CLASSES if kind.may_have_been_sent}

    assert {
        "ResponseTimeoutError",
        "ConnectionLostError",
        "InvalidResponseError",
        "ServerError",
    } == uncertain


TRANSIENT = {
    "ConnectError",
    "ResponseTimeoutError",
    "ConnectionLostError",
    "InvalidResponseError",
    "RateLimitError",
    "ServerError",
    "InternalSendError",
}


@every_class
def test_class_says_whether_it_passes(kind: type[EngageLabError]) -> None:
    """Failures of the network and the platform are transient; those about the request are not."""
    assert (kind.__name__ in TRANSIENT) == kind.transient


def test_drawing_marks_what_is_transient() -> None:
    """The drawing marks the transient classes, and the code that makes a class transient."""
    marked = {each.name for each in drawing() if "(t)" in each.remark}

    assert TRANSIENT | {"SendFailedError"} == marked


@pytest.mark.parametrize("code", [*range(5000, 5100), None])
def test_only_one_code_of_failed_sends_passes(code: int | None) -> None:
    """Code 5001, "sending failed", is the platform's fault; other codes may be the number's."""
    assert (code == 5001) == SendFailedError("no", code=code).transient


# ------------------------------------------------------------------------------- texts


@pytest.mark.parametrize(
    ("attempts", "sent", "operation", "text"),
    [
        (0, False, None, "no connection"),
        (1, False, None, "no connection"),
        (2, False, None, "no connection, after 2 attempts"),
        (1, True, None, "no connection; it may have been sent"),
        (1, False, VerifyOTP("1", "667090"), "VerifyOTP: no connection"),
        (
            3,
            True,
            SendCode("+6591234567", "039487", "login"),
            "SendCode: no connection, after 3 attempts; it may have been sent",
        ),
    ],
)
def test_text_tells_the_call(
    attempts: int, sent: bool, operation: Operation[object] | None, text: str
) -> None:
    """The text names the operation, the repeats, and whether it may have been sent."""
    error = EngageLabError("no connection")
    error.attempts, error.may_have_been_sent, error.operation = attempts, sent, operation

    assert text == str(error)


# ------------------------------------------------------------------------------- copies


def completed(kind: type[EngageLabError]) -> EngageLabError:
    """Make an error as a call raises it, with every attribute away from its default."""
    if issubclass(kind, APIError):
        error: EngageLabError = kind(
            "7 refused",
            code=7,
            http_status=418,
            retry_after=1.5,
            plan_id="9",
            api_message="no +65",
            headers={"x-request-id": "r"},
        )
    elif issubclass(kind, InvalidResponseError):
        error = kind("$.x: required field is missing", http_status=202)
    else:
        error = kind("it broke")
    error.attempts = 3
    error.may_have_been_sent = not kind.may_have_been_sent
    error.transient = not kind.transient
    error.operation = SendSMS("+6591234567", "1", custom_args={"order": [7]})
    error.add_note("noted")
    return error


@every_class
@pytest.mark.parametrize(
    "copied",
    [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))],  # noqa: S301
    ids=["copy", "deepcopy", "pickle"],
)
def test_copies_keep_everything(
    kind: type[EngageLabError], copied: Callable[[EngageLabError], EngageLabError]
) -> None:
    """An error that crosses a process or is copied keeps its class, texts and attributes."""
    error = completed(kind)
    twin = copied(error)

    assert type(error) is type(twin)
    assert error.args == twin.args
    assert vars(error) == vars(twin)
    assert str(error) == str(twin)


# ------------------------------------------------------------------------------- privacy

SECRET = "not-for-everybody"
CREDENTIALS = Credentials("jiguangdev", SECRET)
PHONE = "+6591234567"
EMAIL = "bob.builder@example.com"
CODE = "K39-487"  # no number, such as a duration, holds it by chance
NAME = "Bartholomew"
ORDER = "PO-77-XY"
NOTE = "a private note"
PERSONAL = [PHONE, PHONE[1:], EMAIL, CODE, NAME, ORDER, NOTE, SECRET, CREDENTIALS.authorization()]

PARAMS = {"name": NAME, "order": ORDER}
SENDS: dict[str, Operation[object]] = {
    "otp.send": SendOTP(PHONE, Template("login", params=PARAMS)),
    "otp.send_code": SendCode(EMAIL, CODE, Template("login", language="en", params=PARAMS)),
    "otp.send_custom_message": SendCustomMessage(
        [PHONE, EMAIL], Template("code", params={"code": CODE})
    ),
    "otp.verify": VerifyOTP("1725407449772531712", CODE),
    "sms.send": SendSMS(
        [PHONE, "+8618701235678"],
        Template("1233", params=PARAMS),
        custom_args={"note": NOTE, "of": [NAME]},
    ),
}

Handler = Callable[[httpx.Request], httpx.Response]


def refused(status: int, code: int | None) -> Handler:
    """Make a server that repeats in its message all that it was told."""
    return lambda request: httpx.Response(status, content=refusal_of(request.content, code))


def refusal_of(told: bytes, code: int | None) -> bytes:
    """Write a refusal that repeats what was told, as it was and as one long word."""
    word = "_".join(re.findall(r'"([^"]+)"', told.decode()))
    return json.dumps({"code": code, "message": f"{word}: {told.decode()}"}).encode()


def answered(status: int, template: str) -> Handler:
    """Make a server that repeats what it was told in an answer of another kind."""
    return lambda request: httpx.Response(status, text=template % request.content.decode())


def broken(kind: type[httpx.HTTPError], text: str) -> Handler:
    """Make a connection that breaks."""

    def handler(request: httpx.Request) -> httpx.Response:
        raise kind(text)

    return handler


WAYS_TO_FAIL = {
    "3003": refused(400, 3003),
    "3004": refused(400, 3004),
    "5001": refused(400, 5001),
    "5011": refused(400, 5011),
    "unknown code": refused(400, 9999),
    "no code": refused(400, None),
    "not found": refused(404, 404),
    "401": refused(401, 2001),
    "429": refused(429, None),
    "500": refused(500, 1000),
    "502": answered(502, "<html>%s</html>"),
    "redirect": answered(302, "%s"),
    "200 with a code": refused(200, 1),
    "200 with HTML": answered(200, "<html>%s</html>"),
    "200 with a list": answered(200, "[%s]"),
    "200 of another kind": answered(200, '{"message_id": [%s], "plan_id": [1]}'),
    "no connection": broken(httpx.ConnectError, "All connection attempts failed"),
    "no answer": broken(httpx.ReadTimeout, ""),
    "connection lost": broken(httpx.ReadError, "[Errno 104] Connection reset by peer"),
}


async def failure(http: httpx.AsyncClient, operation: Operation[object], base_url: str) -> str:
    """Fail at a call, and return all that the failure shows to people."""
    attempts: list[Attempt] = []
    async with EngageLab(
        otp=CREDENTIALS,
        sms=CREDENTIALS,
        http=http,
        retry=RetryPolicy(attempts=2, base=0, repeat_uncertain=True),
        on_attempt=attempts.append,
        otp_base_url=base_url,
        sms_base_url=base_url,
    ) as engagelab:
        with pytest.raises(EngageLabError) as caught:
            await engagelab.execute(operation)
    error = caught.value
    trace = "".join(traceback.format_exception(error))
    return "\n".join([repr(error), str(error), trace, repr(attempts), repr(error.operation)])


def shown_of(text: str) -> list[str]:
    """Return which personal things a text shows."""
    return [personal for personal in PERSONAL if personal in text]


class TestPrivacy:
    """No error, attempt or log record shows a recipient, a code, a text or a secret."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("way", WAYS_TO_FAIL)
    @pytest.mark.parametrize("call", SENDS)
    async def test_errors_are_discreet(
        self, call: str, way: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Even when the API repeats them, personal data stay out of whatever is shown."""
        caplog.set_level(logging.DEBUG)
        async with httpx.AsyncClient(transport=httpx.MockTransport(WAYS_TO_FAIL[way])) as http:
            text = await failure(http, SENDS[call], "https://api.example.com")

        assert "engagelab_async" in caplog.text
        assert [] == shown_of(text)
        assert [] == shown_of(caplog.text)

    @pytest.fixture
    def base_url(self) -> Iterator[str]:
        """Serve on loopback a refusal that repeats what it was told."""

        def refuse(peer: Peer) -> None:
            peer.sends(http(400, refusal_of(peer.reads().body, 3003)))
            peer.closes()

        with Hostile(refuse) as server:
            yield server.url

    @pytest.mark.asyncio
    @pytest.mark.parametrize("call", SENDS)
    async def test_logs_of_the_libraries_are_discreet(
        self, call: str, base_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        """Over a real connection, the HTTP libraries log nothing personal at DEBUG either."""
        caplog.set_level(logging.DEBUG)
        async with httpx.AsyncClient() as client:
            text = await failure(client, SENDS[call], base_url)

        assert "httpcore" in caplog.text
        assert [] == shown_of(text + caplog.text)

    @pytest.mark.parametrize("call", SENDS)
    def test_operations_are_discreet(self, call: str) -> None:
        """The repr of an operation, alone or inside something else, shows none of it."""
        assert [] == shown_of(f"{SENDS[call]!r} {SENDS[call]} {[SENDS[call]]}")
