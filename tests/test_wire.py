"""The wire: what leaves as bytes, and what becomes of every kind of answer."""

import gzip
import json
import math
import time
import unicodedata
import zlib
from collections.abc import Mapping
from itertools import product
from typing import Any, get_origin

import pytest
from hypothesis import given, settings
from hypothesis.strategies import sampled_from

from engagelab_async import (
    APIError,
    EngageLabError,
    InvalidResponseError,
    NotFoundError,
    Operation,
    Plan,
    RateLimitError,
    SendCode,
    SendCustomMessage,
    SendFailedError,
    SendOTP,
    SendSMS,
    Sent,
    ServerError,
    Template,
    VerifyOTP,
    convert,
    wire,
)
from engagelab_async.masking import masked
from support.calls import OPERATIONS
from support.strategies import bodies, headers, json_values, operations, results, statuses
from support.vectors import body_of, described, every

NOW = 1_760_000_000.0  # Thu, 09 Oct 2025 08:53:20 GMT
SENT = {"message_id": "1", "send_channel": "sms"}
SEND_CODE = OPERATIONS["otp.send_code"]
SEND_SMS = OPERATIONS["sms.send"]


def decode(
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    operation: Operation[object] = SEND_CODE,
) -> object:
    """Decode an answer at a set time."""
    return wire.decode(operation, status, headers or {}, body, now=NOW)


def error_of(
    body: bytes,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    operation: Operation[object] = SEND_CODE,
) -> EngageLabError:
    """Decode an answer that must raise, and return what it raises."""
    with pytest.raises(EngageLabError) as caught:
        decode(body, status, headers, operation)
    return caught.value


def document(**fields: object) -> bytes:
    """Write a JSON object."""
    return json.dumps(fields).encode()


# ------------------------------------------------------------------------------- encode


def template_in_body(template: Template, *, always_params: bool = False) -> dict[str, object]:
    """Say what a template must look like on the wire."""
    language = {} if template.language is None else {"language": template.language}
    params = {"params": template.params} if template.params or always_params else {}
    return {"id": template.id, **language, **params}


def body_of_operation(operation: Operation[object]) -> dict[str, object]:
    """Say what the body of an operation's request must be, from the API's documentation."""
    match operation:
        case SendCode(to, code, template):
            return {"to": to, "code": code, "template": template_in_body(template)}
        case SendOTP(to, template):
            return {"to": to, "template": template_in_body(template)}
        case SendCustomMessage(targets, template):
            several = targets if isinstance(targets, str) else list(targets)
            return {"to": several, "template": template_in_body(template)}
        case VerifyOTP(message_id, code):
            return {"message_id": message_id, "verify_code": code}
        case SendSMS(numbers, template, plan_name, schedule_time, custom_args):
            given = {
                "plan_name": plan_name,
                "schedule_time": schedule_time,
                "custom_args": custom_args,
            }
            return {
                "to": list(numbers),
                "template": template_in_body(template, always_params=True),
                **{name: value for name, value in given.items() if value is not None},
            }
        case _:
            raise AssertionError(operation)


@given(operations)
def test_nothing_is_lost_and_nothing_added(operation: Operation[object]) -> None:
    """The body of any valid operation is JSON whose fields are the operation's own."""
    body = json.loads(wire.encode(operation))

    assert body_of_operation(operation) == body


def test_body_is_compact_utf_8() -> None:
    """Text leaves as UTF-8, not as escapes, and no byte is spent on spaces."""
    operation = SendCode("+6591234567", "039487", Template("login", params={"name": "Zoë 🎉"}))

    assert (
        '{"to":"+6591234567","code":"039487","template":{"id":"login","params":{"name":"Zoë 🎉"}}}'
    ).encode() == wire.encode(operation)


@pytest.mark.parametrize("call", OPERATIONS)
def test_get_and_delete_have_no_body(call: str) -> None:
    """What they say is in the path and the query; all others have a JSON object."""
    body = wire.encode(OPERATIONS[call])

    assert (OPERATIONS[call].endpoint.method in {"GET", "DELETE"}) == (b"" == body)


def test_deep_custom_args_can_be_sent() -> None:
    """Custom arguments that JSON can carry are sent, however deep they are nested."""
    custom_args: dict[str, Any] = {"end": True}
    for _ in range(500):
        custom_args = {"deeper": custom_args}
    body = json.loads(wire.encode(SendSMS("+6591234567", "1233", custom_args=custom_args)))

    assert custom_args == body["custom_args"]


# ------------------------------------------------------------------------------- decode


@every("responses.json", "further_responses.json", "template_responses.json")
def test_answer(vector: dict[str, Any]) -> None:
    """Every recorded answer becomes the result, or the error, that stands beside it."""
    http, expect = vector["http"], vector["expect"]
    outcome: object
    try:
        outcome = decode(
            body_of(http), http["status"], http.get("headers"), OPERATIONS[vector["operation"]]
        )
    except EngageLabError as error:
        outcome = error

    assert expect == described(outcome, expect)


@given(results)
def test_results_round_trip(result: object) -> None:
    """A result that is written as the API would write it is read back as the same value."""
    operation = next(each for each in OPERATIONS.values() if each.endpoint.result is type(result))
    written = json.dumps(convert.write(result)).encode()

    assert result == decode(written, operation=operation)


@settings(max_examples=300)  # the traps are rare among the answers
@given(
    operation=sampled_from(list(OPERATIONS.values())), status=statuses, headers=headers, body=bodies
)
def test_nothing_but_the_tree_is_raised(
    operation: Operation[object], status: int, headers: dict[str, str], body: bytes
) -> None:
    """Whatever answers, a call ends in its result or in an error of the tree."""
    outcome: object
    try:
        outcome = decode(body, status, headers, operation)
    except EngageLabError as error:
        outcome = error

    result = get_origin(operation.endpoint.result) or operation.endpoint.result

    assert isinstance(outcome, result | APIError | InvalidResponseError)


@given(json_values)
def test_unknown_fields_are_ignored(value: object) -> None:
    """A field that this version does not know is no error, whatever it holds."""
    assert Sent("1", "sms") == decode(document(**SENT, from_the_future=value))


WORDS = [
    "upstream node not exist",
    "template config not exist",
    "sign config not exist",
    "sign_name already exist",
    "can not update pending status template",
    "there are pending or running plans using current template, can not update",
    "sign status is not approved, can not use",
    "invalid templateId",
]
SENDS = ["otp.send", "otp.send_code", "otp.send_custom_message", "otp.verify", "sms.send"]


class TestWords:
    """The words of a message, which tell the refusals of templates and signatures apart."""

    @pytest.mark.parametrize("call", SENDS)
    @pytest.mark.parametrize("status", [500, 501, 502, 503, 504, 520, 599, 600])
    def test_decide_about_no_server_error(self, call: str, status: int) -> None:
        """A 5xx to a send is a server error that may have been sent, whatever it says."""
        for code, words in product([None, 0, 400, "400", 404, 500, "500", 502, 9999], WORDS):
            error = error_of(document(code=code, message=words), status, operation=OPERATIONS[call])

            assert (ServerError, True) == (type(error), error.may_have_been_sent), (code, words)

    @pytest.mark.parametrize(("status", "transient"), [(500, True), (400, False), (200, False)])
    def test_unknown_failure_passes_where_the_server_failed(
        self, status: int, transient: bool
    ) -> None:
        """A failed send with a code that is not known is transient only with HTTP 5xx."""
        error = error_of(document(code=5999), status, operation=SEND_SMS)

        assert (SendFailedError, transient) == (type(error), error.transient)
        assert transient == error.may_have_been_sent

    @pytest.mark.parametrize("words", WORDS)
    @pytest.mark.parametrize("code", [500, "503"])
    def test_decide_about_no_server_error_in_a_200(self, words: str, code: object) -> None:
        """The same holds for a 200 whose code says that the server failed."""
        error = error_of(document(code=code, message=words), operation=SEND_SMS)

        assert (ServerError, True) == (type(error), error.may_have_been_sent)

    @pytest.mark.parametrize("status", [200, 400, 404, 409, 422])
    @pytest.mark.parametrize("code", [400, 9999])
    def test_of_others_do_not_mean_a_template(self, status: int, code: int) -> None:
        """A refused send is about its template only if the words say so."""
        other = error_of(document(code=code, message="node not exist"), status, operation=SEND_SMS)
        own = error_of(
            document(code=code, message="template config not exist"), status, operation=SEND_SMS
        )

        is_missing = status == 404 and code != 400

        assert (is_missing, NotFoundError) == (isinstance(other, NotFoundError), type(own))
        assert (False, False) == (other.may_have_been_sent, own.may_have_been_sent)

    @pytest.mark.parametrize("call", ["sms.templates.update", "sms.signatures.delete"])
    @pytest.mark.parametrize(
        ("status", "code"),
        [(500, None), (500, 400), (500, 500), (500, 502), (502, 500), (503, 400)],
    )
    def test_of_a_gateway_decide_nothing(self, call: str, status: int, code: object) -> None:
        """Only the documented 500 with a code of its own words a refusal, and says of what."""
        answer = document(code=code, message="upstream node not exist")
        error = error_of(answer, status, operation=OPERATIONS[call])

        assert (ServerError, True) == (type(error), error.may_have_been_sent)


class TestOddBodies:
    """Bodies that no JSON sample can hold."""

    @pytest.mark.parametrize(
        "body",
        [
            pytest.param(b"\xff\xfe\xff", id="no text"),
            pytest.param(b'{"message_id": "\xc3\x28", "send_channel": "sms"}', id="invalid UTF-8"),
            pytest.param(document(**SENT).decode().encode("utf-16"), id="UTF-16"),
            pytest.param(b"\x00" * 64, id="zeros"),
            pytest.param(document(**SENT) * 2, id="two documents"),
            pytest.param(b'{"x": ' + b"[" * 100_000, id="deep"),
            pytest.param(b'{"message_id": ' + b"1" * 5000 + b"}", id="5,000 digits"),
        ],
    )
    def test_are_not_json(self, body: bytes) -> None:
        """With a 2xx they are invalid responses; with another status the status alone counts."""
        problem = f"$: expected an object, got {len(body)} bytes that are not JSON"
        refused = error_of(body, 400)

        assert problem == error_of(body).args[0]
        assert isinstance(refused, APIError)
        assert (None, 400, "") == (refused.code, refused.http_status, refused.api_message)

    def test_byte_order_mark_is_skipped(self) -> None:
        """UTF-8 may begin with a byte order mark, as some gateways write it."""
        assert Sent("1", "sms") == decode(document(**SENT).decode().encode("utf-8-sig"))

    @pytest.mark.parametrize("number", ["NaN", "-Infinity", "1e400"])
    def test_no_number_is_no_code(self, number: str) -> None:
        """Numbers that JSON does not have are not taken for a code."""
        assert (
            "$.code: expected an integer, got a number"
            == error_of(b'{"code": %s}' % number.encode()).args[0]
        )

    @pytest.mark.parametrize("digits", [40, 5000])
    def test_code_of_many_digits_is_none(self, digits: int) -> None:
        """A string of more digits than any code has is not read as a number."""
        body = document(code="9" * digits, message="odd")
        refused = error_of(body, 400)

        assert "$.code: expected an integer, got a string" == error_of(body).args[0]
        assert isinstance(refused, APIError)
        assert refused.code is None

    def test_id_of_many_digits_is_none(self) -> None:
        """The same holds for an id, whose address is told."""
        body = document(
            plan_id="1", total_count=1, accepted_count=1, schedule_info={"task_id": "9" * 5000}
        )

        assert (
            "$.schedule_info.task_id: expected an integer, got a string"
            == error_of(body, operation=SEND_SMS).args[0]
        )

    def test_largest_body_is_read(self) -> None:
        """A body of exactly the largest size is read; one byte more is refused."""
        padding = wire.MAX_BODY_BYTES - len(document(**SENT, x=""))
        body = document(**SENT, x="x" * padding)

        assert Sent("1", "sms") == decode(body)
        assert "$: expected an object, got more than 1048576 bytes" == error_of(body + b" ").args[0]

    def test_huge_refusal_keeps_its_status(self) -> None:
        """A gateway's endless error page is still that gateway's error."""
        error = error_of(b"x" * (wire.MAX_BODY_BYTES + 1), 429, {"Retry-After": "3"})

        assert isinstance(error, RateLimitError)
        assert 3.0 == error.retry_after

    @pytest.mark.parametrize("status", [200, 400])
    def test_plan_id_may_be_anything(self, status: int) -> None:
        """A refusal's plan id is told as text, or not at all."""
        plans = [5, "5", None, [5]]
        errors = [
            error_of(document(code=1, plan_id=plan), status, operation=SEND_SMS) for plan in plans
        ]

        assert ["5", "5", None, None] == [getattr(error, "plan_id", "") for error in errors]


class TestCompression:
    """Bodies that a proxy compressed although nobody asked."""

    @pytest.mark.parametrize(
        ("encoding", "compress"),
        [("gzip", gzip.compress), ("GZIP", gzip.compress), ("deflate", zlib.compress)],
    )
    def test_is_undone(self, encoding: str, compress: Any) -> None:  # noqa: ANN401
        """A compressed answer is read like any other."""
        assert Sent("1", "sms") == decode(
            compress(document(**SENT)), headers={"Content-Encoding": encoding}
        )

    def test_may_have_been_undone_already(self) -> None:
        """A body that the HTTP library decompressed is read, although the header still stands."""
        assert Sent("1", "sms") == decode(document(**SENT), headers={"content-encoding": "gzip"})

    @pytest.mark.parametrize(
        ("encoding", "body"),
        [
            ("gzip", gzip.compress(document(**SENT), mtime=0)[:-20]),
            ("gzip", gzip.compress(b" " * (wire.MAX_BODY_BYTES + 1) + document(**SENT), mtime=0)),
            ("br", b"\x1b\x2a\x00\xf8"),
        ],
        ids=["cut short", "bomb", "unknown"],
    )
    def test_has_limits(self, encoding: str, body: bytes) -> None:
        """A truncated body, one that unfolds beyond the size limit, and Brotli are not read."""
        error = error_of(body, headers={"Content-Encoding": encoding})

        assert f"$: expected an object, got {len(body)} bytes that are not JSON" == error.args[0]


class TestRetryAfter:
    """The header ``Retry-After``, in all forms of RFC 9110 and in none."""

    @pytest.mark.parametrize(
        ("value", "expected"),
        [
            ("0", 0.0),
            ("7", 7.0),
            (" 120 ", 120.0),
            ("Thu, 09 Oct 2025 08:53:50 GMT", 30.0),
            ("Thursday, 09-Oct-25 08:53:50 GMT", 30.0),
            ("Thu Oct  9 08:53:50 2025", 30.0),
            ("Thu, 09 Oct 2025 16:53:50 +0800", 30.0),
            ("Thu, 09 Oct 2025 08:00:00 GMT", 0.0),
            ("", None),
            ("-5", None),
            ("1.5", 1.5),
            ("1.", None),
            ("٣", None),
            ("soon", None),
            ("Thu, 32 Oct 2025 08:53:50 GMT", None),
            ("Thu, 09 Oct 99999999999 08:53:50 GMT", None),
            ("Thu, 09 Oct 2025 08:53:50 +99999999999999", None),
            ("9" * 5000, math.inf),
        ],
    )
    def test_by_our_clock(self, value: str, expected: float | None) -> None:
        """Seconds and dates become seconds from now, never fewer than 0; the rest is ignored."""
        error = error_of(b"", 429, {"Retry-After": value})

        assert isinstance(error, APIError)
        assert expected == error.retry_after

    @pytest.mark.parametrize(
        ("date", "expected"),
        [
            ("Thu, 09 Oct 2025 08:53:40 GMT", 10.0),
            ("Thu, 09 Oct 2025 09:00:00 GMT", 0.0),
            ("yesterday", 30.0),
        ],
    )
    def test_by_the_servers_clock(self, date: str, expected: float) -> None:
        """A date counts from the time that the server tells, if it tells one."""
        answered = {"retry-after": "Thu, 09 Oct 2025 08:53:50 GMT", "date": date}
        error = error_of(b"", 503, answered)

        assert isinstance(error, APIError)
        assert expected == error.retry_after

    def test_comes_with_any_refusal(self) -> None:
        """The header is read from whatever status and code it comes with."""
        error = error_of(document(code=1), 200, {"RETRY-AFTER": "2"}, SEND_SMS)

        assert isinstance(error, APIError)
        assert 2.0 == error.retry_after


class TestMessages:
    """What an error tells of the API's own words."""

    @pytest.mark.parametrize(
        ("message", "shown"),
        [
            ("invalid number +6591234567", "invalid number …"),
            ("invalid number 6591234567.", "invalid number …67."),
            ("no +65 9123-4569 and (659) 123.45.68", "no …69 and (….68"),
            ("code 0394 is wrong", "code … is wrong"),
            ("验证码0394错误", "验证码…错误"),
            ("Bob@Example.com and 'eve@example.com'", "…@Example.com and '…@example.com'"),
            ("Dear Zoë, order 77-A", "Dear …, order …"),
            ("person 1972492621368553472 is busy", "person …72 is busy"),
            ("limit of 100 per 3600 s", "limit of 100 per 3600 s"),
            ("private note: a secret plan", "private note: …"),
        ],
    )
    def test_personal_data_is_masked(self, message: str, shown: str) -> None:
        """What was sent, and what looks like a recipient, is masked wherever it stands."""
        operation = SendCode(
            "+6591234567", "0394", Template("login", params={"name": "Zoë", "order": "77-A"})
        )
        scheduled = SendSMS("+6591234567", "1", custom_args={"note": ["a secret plan"], "n": 5})
        sent = scheduled if "private" in message else operation
        error = error_of(document(code=3003, message=message), 400, operation=sent)

        assert f"3003 {shown} (HTTP 400)" == error.args[0]
        assert message == getattr(error, "api_message", "")

    @pytest.mark.parametrize(
        ("message", "shown"),
        [
            ("no +65\u200b9123\u200b4567", "no …"),
            ("no \uff0b\uff16\uff15\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17", "no …"),
            ("no %2B6591234567, %2b65", "no …, %2b65"),
            ("of bob%40example.com", "of …%40example.com"),
            ("code 482-913, 482 913, \uff14\uff18\uff12\uff19\uff11\uff13", "code …, …, …"),
            ("DEAR ZOË DOE", "DEAR …"),
            ("Dear Zoe\u0308 Doe", "Dear …"),
            (r"Dear Zo\u00eb Doe", "Dear …"),
            ("to=Zo%C3%AB%20Doe&to=zo%c3%ab+doe", "to=…&to=…"),
            ("A&amp;B Co, A\\u0026b co", "…, …"),
            (r"C:\new and C:\\new", "… and …"),
            ("100%25 or 100%", "… or …"),
            ("\U0001f642\U0001f642\U0001f642 \\ud83d\\ude42\\ud83d\\ude42\\ud83d\\ude42", "… …"),
            ("a line\\nof two, A  LINE OF TWO", "…, …"),
            ("an ordinary message: 12 of 100", "an ordinary message: 12 of 100"),
        ],
    )
    def test_values_are_masked_however_they_are_written(self, message: str, shown: str) -> None:
        """Another case, other digits and the escapes of JSON, URLs and HTML hide nothing."""
        params = {
            "name": "Zoë Doe",
            "company": "A&B Co",
            "folder": r"C:\new",
            "share": "100%25",
            "mood": "\U0001f642" * 3,
            "text": "a line\nof two",
            "empty": "",
            "size": "a",
            "invisible": "\u200b" * 3,
        }
        operation = SendCode("+6591234567", "482913", Template("login", params=params))
        error = error_of(document(code=3003, message=message), 400, operation=operation)

        assert f"3003 {shown} (HTTP 400)" == error.args[0]

    @pytest.mark.parametrize("escaped", [False, True])
    @pytest.mark.parametrize("length", [3, 20, 64, 65, 400, 3000])
    @pytest.mark.parametrize("before", [0, 300, 480, 498, 499])
    def test_a_value_is_masked_across_the_cut(
        self, before: int, length: int, escaped: bool
    ) -> None:
        """Where the message is cut, no beginning of a value is left."""
        value = "ÄöÜ" * (length // 3 + 1)
        repeated = json.dumps(value)[1:-1] if escaped else value
        operation = SendCode("+6591234567", "482913", Template("login", params={"text": value}))
        message = "x" * before + repeated + " is refused"
        error = error_of(document(code=3003, message=message), 400, operation=operation)

        assert f"3003 {'x' * before}…" in error.args[0]
        assert not set("ÄöÜ\\") & {*error.args[0]}

    def test_the_beginning_of_a_long_value_is_masked(self) -> None:
        """Where the API repeats a part of a long text, how much it is cannot be known."""
        value = "".join(chr(0x4E00 + number) for number in range(200))
        operation = SendCode("+6591234567", "482913", Template("login", params={"text": value}))
        message = f"bad text: {value[:150]}..."
        error = error_of(document(code=3003, message=message), 400, operation=operation)

        assert "3003 bad text: … (HTTP 400)" == error.args[0]

    def test_values_inside_others(self) -> None:
        """A value that is a part of another one uncovers nothing of it."""
        params = {"first": "Ann", "name": "Ann Annabel", "last": "Annabel", "middle": "n Ann"}
        operation = SendCode("+6591234567", "482913", Template("login", params=params))
        message = "Ann Annabel, Annabel and Ann"
        error = error_of(document(code=3003, message=message), 400, operation=operation)

        assert "3003 …, … and … (HTTP 400)" == error.args[0]

    def test_short_values_stay(self) -> None:
        """A value of one or two characters is left: masking it would blot out every text."""
        operation = SendCode("+6591234567", "12", Template("login", params={"size": "a"}))
        error = error_of(document(code=3003, message="a code of 12"), 400, operation=operation)

        assert "3003 a code of 12 (HTTP 400)" == error.args[0]

    def test_are_told_in_one_line(self) -> None:
        """A message of many lines cannot forge a second line of a log."""
        error = error_of(document(code=3003, message="bad\r\nINFO all is well\x1b[2J"), 400)

        assert "3003 bad INFO all is well [2J (HTTP 400)" == error.args[0]

    @pytest.mark.parametrize("kind", ["Cc", "Cf", "Zl", "Zp", "Cs"])
    def test_hold_no_control_or_format_character(self, kind: str) -> None:
        """Nothing that ends a line, moves a cursor or turns the direction of a text survives."""
        unwanted = [chr(n) for n in range(0x110000) if unicodedata.category(chr(n)) == kind]
        survived = []
        for start in range(0, len(unwanted), 200):
            message = "a" + "b".join(unwanted[start : start + 200])
            survived += [
                each
                for each in str(error_of(document(code=3003, message=message), 400).args[0])
                if each in unwanted
            ]

        assert [] == survived

    @pytest.mark.parametrize("character", ["x", "9", "@", "x@", " "])
    def test_are_cut(self, character: str) -> None:
        """A message of 200,000 characters costs no time and is told in its beginning."""
        message = character * (200_000 // len(character))
        error = error_of(document(code=3003, message=message), 400)

        assert len(error.args[0]) < 600
        assert message == getattr(error, "api_message", "")


def test_many_recipients_cost_no_time() -> None:
    """Masking looks for 50,000 recipients about as fast as for one."""
    operation = SendSMS([f"+65{number:08}" for number in range(50_000)], "1233")
    error = error_of(document(code=3003, message="+6500000007 is busy"), 400, operation=operation)

    assert "3003 … is busy (HTTP 400)" == error.args[0]


A_MEBIBYTE = 1024 * 1024 - 100
LARGE: dict[str, Operation[object]] = {
    "recipients": SendSMS([f"+65{number:08}" for number in range(5000)], "1233"),
    "addresses": SendCustomMessage([f"{'x' * (n % 40)}{n}@e.org" for n in range(5000)], "1"),
    "params": SendSMS(
        "+6591234567", Template("1", params={f"p{n}": f"value {n} of it" for n in range(2000)})
    ),
    "short params": SendSMS(
        "+6591234567", Template("1", params={f"p{n}": "a" for n in range(2000)})
    ),
    "alike": SendSMS(
        "+6591234567", Template("1", params={f"p{n}": "a" * n for n in range(1, 190)})
    ),
    "long params": SendSMS(
        "+6591234567", Template("1", params={f"p{n}": "Zoë %41" * 20_000 for n in range(9)})
    ),
    "custom_args": SendSMS("+6591234567", "1", custom_args={"all": [*range(100_000)]}),
}


@pytest.mark.parametrize("unit", ["x", "9", "a", "@", "x@", " a", "1 2-", "值", r"\u0041", "%41"])
@pytest.mark.parametrize("sent", LARGE)
def test_masking_is_bounded(sent: str, unit: str) -> None:
    """The longest answer to the largest operation does not hold up the event loop."""
    message = unit * (A_MEBIBYTE // len(unit.encode()) // 2)
    took = []
    for _ in range(3):
        began = time.thread_time()
        text = masked(message, LARGE[sent])
        took.append(time.thread_time() - began)

        assert len(text) <= 500
    # The processor is busy with it for 1 to 4 ms, and longer where coverage is measured. Now and
    # then garbage is collected meanwhile.
    assert min(took) < 0.05


def test_too_much_to_look_for() -> None:
    """When more was sent than can be looked for in time, the API's words are left out."""
    error = error_of(document(code=3003, message="hm"), 400, operation=LARGE["params"])

    assert error.args[0].startswith("3003 its words are left out")
    assert "hm" == getattr(error, "api_message", "")


def test_plan_of_a_failed_send_is_kept() -> None:
    """A 200 that carries a non-zero code raises, and tells the plan that it made."""
    body = document(plan_id="7", total_count=1, accepted_count=1, code=1, message="err xxxx")
    error = error_of(body, operation=SEND_SMS)

    assert isinstance(error, APIError)
    assert ("7", 1, "err xxxx") == (error.plan_id, error.code, error.api_message)
    assert isinstance(
        decode(document(plan_id="7", total_count=1, accepted_count=1), operation=SEND_SMS), Plan
    )
