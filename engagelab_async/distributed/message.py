"""A chunk of operations as a message, and back.

It holds recipients, params and codes: compressed, not encrypted. Compressed, it is a tenth as long,
and brokers that log what they carry do not log what people can read.
"""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, cast

from attrs import frozen

from engagelab_async import wire
from engagelab_async.arguments import check_instance, check_integer, is_integer
from engagelab_async.bulk.identity import with_targets
from engagelab_async.bulk.journal import JournalError
from engagelab_async.frames import clears_frames
from engagelab_async.operation import Operation
from engagelab_async.otp.codes import SendCode, SendOTP
from engagelab_async.otp.messages import SendCustomMessage
from engagelab_async.sms.messages import SendSMS
from engagelab_async.template import Template

FORMAT: Final = 1

MOST_BYTES: Final = 256_000
"""How many bytes of operations a message holds; NATS takes a megabyte."""

_MOST_UNPACKED: Final = 64 * MOST_BYTES

_KINDS: Final[Mapping[str, type[Operation[Any]]]] = {
    kind.endpoint.name: kind for kind in (SendSMS, SendOTP, SendCode, SendCustomMessage)
}


@frozen
class Member:
    """An operation of a chunk.

    Attributes:
        digest: Its identity, made once by the submitter: another version could make another.
        operation: The operation, which is known, and divided, with all its recipients.
        left_out: Those of its recipients who must not be sent to, not all of them.
    """

    digest: str
    operation: Operation[Any]
    left_out: frozenset[str] = frozenset()

    @property
    def rest(self) -> Operation[Any]:
        """The operation as it is sent."""
        if not self.left_out:
            return self.operation
        to = cast("SendSMS", self.operation).to
        return with_targets(self.operation, tuple(each for each in to if each not in self.left_out))


@frozen
class Chunk:
    """Operations that travel together.

    Attributes:
        submission: The number of the submission.
        token: Its token: the number alone may belong to another database.
        number: The number of the chunk.
        first: The index of its first operation.
        members: Its operations.
    """

    submission: int
    token: str
    number: int
    first: int
    members: Sequence[Member]


def body_of(operation: object, index: int) -> bytes:
    """Return the body of an operation's request, which is how it travels.

    Raises:
        TypeError: It is none of the operations that can travel.
    """
    if not isinstance(operation, Operation):
        kind = type(operation).__name__
        raise TypeError(f"operations[{index}]: expected an Operation, got {kind}")
    if _KINDS.get(operation.endpoint.name) is not type(operation):
        names = ", ".join(sorted(kind.__name__ for kind in _KINDS.values()))
        raise TypeError(
            f"operations[{index}]: a fleet sends {names}, and no {type(operation).__name__}"
        )
    return wire.encode(operation)


def pack(chunk: Chunk, bodies: Sequence[bytes]) -> Mapping[str, Any]:
    """Make the message of a chunk.

    Args:
        chunk: The chunk.
        bodies: The bodies of its operations.
    """
    return {
        "format": FORMAT,
        "submission": chunk.submission,
        "token": chunk.token,
        "chunk": chunk.number,
        "first": chunk.first,
        "operations": _packed(
            [
                [
                    member.digest,
                    member.operation.endpoint.name,
                    body.decode(),
                    *sorted(member.left_out),
                ]
                for member, body in zip(chunk.members, bodies, strict=True)
            ]
        ),
    }


def _packed(operations: object) -> str:
    return base64.b64encode(zlib.compress(json.dumps(operations).encode(), 1)).decode()


def _unpacked(text: str) -> Any:  # noqa: ANN401 - JSON
    inflating = zlib.decompressobj()
    content = inflating.decompress(base64.b64decode(text, validate=True), _MOST_UNPACKED)
    if not inflating.eof:
        raise ValueError("too long, or cut off")
    return json.loads(content)


@clears_frames
def unpack(message: object) -> Chunk:
    """Read a message.

    Raises:
        JournalError: It is none, or of another version. Its content is not quoted.
    """
    if not isinstance(message, Mapping) or message.get("format") != FORMAT:
        raise JournalError("fleet: the message is not of this version: nothing was sent")
    numbers = [message.get(name) for name in ("submission", "chunk", "first")]
    try:
        submission, number, first = (each for each in numbers if is_integer(each))
        members = tuple(_member(*each) for each in _unpacked(message["operations"]))
        return Chunk(submission, str(message["token"]), number, first, members)
    except Exception:  # noqa: BLE001 - whoever can write to the broker can write anything
        raise JournalError("fleet: the message cannot be read: nothing was sent") from None


def _member(digest: object, name: str, body: str, *left_out: str) -> Member:
    document = json.loads(body)
    # It was checked when it was made: by now, the time may be near.
    at = document.pop("schedule_time", None)
    document["template"] = Template(**document["template"])
    operation = _KINDS[name](**document)
    if at is not None:
        object.__setattr__(operation, "schedule_time", check_integer(at, "schedule_time"))
    return Member(check_instance(digest, "digest", str), operation, frozenset(left_out))
