"""A chunk travels as a message, and what is none is refused without being quoted."""

from typing import Any

import pytest

from engagelab_async import SendCode, SendCustomMessage, SendOTP, SendSMS, Template
from engagelab_async.bulk import JournalError
from engagelab_async.distributed.message import Chunk, Member, _packed, body_of, pack, unpack
from support.bulk import TEMPLATE, number, sends

MEMBERS = tuple(Member(f"{index:032x}", each) for index, each in enumerate(sends(3)))
CHUNK = Chunk(7, "0123456789abcdef", 2, 400, MEMBERS)
OPERATION = body_of(MEMBERS[0].operation, 0).decode()
MESSAGE = pack(CHUNK, [body_of(each.operation, 0) for each in MEMBERS])

UNSENDABLE = (
    ("sms.send", '{"to":[null],"template":{"id":"1"}}'),
    ("sms.send", '{"to":[6591234567],"template":{"id":"1"}}'),
    ("sms.send", '{"to":[],"template":{"id":"1"}}'),
    ("sms.send", '{"to":{"+6591234567":1},"template":{"id":"1"}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":null}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1","params":7}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1","params":null}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1","params":{"a":{"b":1}}}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1","language":"en"}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1"},"plan_name":7}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1"},"custom_args":"x"}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1"},"custom_args":{"a":NaN}}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1"},"schedule_time":"soon"}'),
    ("sms.send", '{"to":["+6591234567"],"template":{"id":"1"},"unknown":1}'),
    ("otp.send", '{"to":["+6591234567"],"template":{"id":"1"}}'),
    ("otp.send_code", '{"to":"+6591234567","code":39487,"template":{"id":"1"}}'),
    ("otp.send_code", '{"to":"+6591234567","code":null,"template":{"id":"1"}}'),
)
"""What no operation can be made of."""


def test_comes_back_as_it_was() -> None:
    """Numbers, token, digests and operations."""
    assert CHUNK == unpack(MESSAGE)


@pytest.mark.parametrize(
    "operation",
    [
        SendSMS(["+6591234567", "+6591234568"], Template("1233", params={"a": 1}), "plan"),
        SendSMS("+6591234567", "1233", custom_args={"a": [1, None]}),
        SendOTP("+6591234567", "login"),
        SendCode("bob@example.com", "039487", Template("login", language="en", params={"a": "b"})),
        SendCustomMessage("+6591234567", "shipped"),
        SendCustomMessage(["+6591234567", "+6591234568"], Template("shipped", params={"a": "b"})),
    ],
    ids=lambda operation: type(operation).__name__,
)
def test_brings_every_operation(operation: Any) -> None:  # noqa: ANN401 - of any kind
    """With everything that was given, and the defaults of what was not."""
    members = (Member("0" * 32, operation), Member("1" * 32, operation))
    one, two = unpack(pack(Chunk(1, "0", 0, 0, members), [body_of(operation, 0)] * 2)).members
    one.operation.template.params["more"] = "of this one"  # type: ignore[attr-defined]

    assert operation == two.operation
    assert body_of(operation, 0) == body_of(two.operation, 0)


def test_is_short() -> None:
    """Two hundred single sends take a few kilobytes."""
    members = [Member(f"{index:032x}", each) for index, each in enumerate(sends(200))]
    message = pack(Chunk(7, "0", 0, 0, members), [body_of(each.operation, 0) for each in members])

    assert len(str(message)) < 12_000


def test_keeps_a_time_that_is_near_by_now() -> None:
    """It was checked when the operation was made."""
    operation = SendSMS(number(1), TEMPLATE)
    object.__setattr__(operation, "schedule_time", 1_700_000_000)
    chunk = Chunk(1, "0", 0, 0, (Member("0" * 32, operation),))

    assert chunk == unpack(pack(chunk, [body_of(operation, 0)]))


@pytest.mark.parametrize(
    "changes",
    [
        {"format": 2},
        {"format": None},
        {"submission": "7"},
        {"chunk": None},
        {"first": 1.5},
        {"operations": ""},
        {"operations": "+6591234567"},
        {"operations": MESSAGE["operations"][:-8]},
        {"operations": None},
        {"token": ...},
        *(
            {"operations": _packed([each])}
            for each in (
                7,
                [],
                ["0", "sms.send", '"text"'],
                ["0", "sms.send", "7"],
                ["0", "sms.send", "[" * 100_000],
                ["0", "sms.send", '{"to":7,"template":{"id":"1"}}'],
                ["0", "sms.send", '{"to":["+6591234567"],"template":{}}'],
                ["0", "otp.send_code", '{"to":"+6591234567","template":{"id":"1"}}'],
                *(["0", name, body] for name, body in UNSENDABLE),
                ["0", "sms.delete", "{}"],
                [[], "sms.send", OPERATION],
                [7, "sms.send", OPERATION],
                ["0", ["sms.send"], OPERATION],
            )
        ),
        {"operations": _packed({"a": 1})},
    ],
)
def test_refuses_what_is_no_message(changes: dict[str, Any]) -> None:
    """And does not say what was in it."""
    message = {name: each for name, each in {**MESSAGE, **changes}.items() if each is not ...}

    with pytest.raises(JournalError, match=r"the message (is not of this|cannot be)") as caught:
        unpack(message)

    assert "6591234567" not in str(caught.value)


@pytest.mark.parametrize("message", [None, "text", [1]])
def test_refuses_what_is_no_object(message: object) -> None:
    """Whatever a queue holds."""
    with pytest.raises(JournalError, match="is not of this version"):
        unpack(message)


def test_refuses_what_would_fill_the_memory() -> None:
    """A message that unpacks to more than any chunk has."""
    from engagelab_async.distributed import message as module

    bomb = module._packed(["0" * 20_000_000])  # noqa: SLF001 - how it is packed
    with pytest.raises(JournalError, match="cannot be read"):
        unpack({**MESSAGE, "operations": bomb})
