"""Fuzzes the receiving side of the engine on asyncio, guided by coverage.

Whatever a server sends is an answer, is part of one, or raises one of `FAILURES`. In how many
segments it arrives makes no difference; a connection can be used again only if nothing has followed
the answer; and where h11, another parser, finds an answer as well, it is the same one. ::

    python fuzzing/answers.py -runs=10000000      # any option of libFuzzer; nox -s fuzz

An input's first two bytes choose where the rest of it is cut into segments: at two places or, where
the first of them is large, everywhere.
"""

import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Final

import atheris
import h11

with atheris.instrument_imports(include=["engagelab_async.engines._answer"]):
    from engagelab_async.engines._answer import FAILURES, MAX_HEAD_BYTES, Answer

MAX_BYTES: Final = 300
BYTEWISE: Final = b"\xf0"
HEAD: Final = b"HTTP/1.1 200 OK\r\n"
CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SEEDS: Final = (
    HEAD + b"Content-Length: 2\r\n\r\n{}",
    HEAD + b"content-length: 2\r\nKeep-Alive: timeout=5\r\n\r\n{}HTTP/1.1 204 No Content\r\n\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n" + HEAD + b"Content-Length: 2\r\n\r\n{}",
    b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
    CHUNKED + b"2;a=b\r\n\r\n\r\n0\r\nX-Trailer: 1\r\n\r\n",
    HEAD + b"Connection: close\r\n\r\nuntil the end",
    b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
    HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
)
WORDS: Final = (
    *("HTTP/1.1 ", "HTTP/1.0 ", "100", "101", "204", "304", "503", "Content-Length: ", "close"),
    *("Transfer-Encoding: ", "chunked", "gzip, chunked", "Connection: ", "keep-alive", "identity"),
    *("Upgrade: h2c", "Keep-Alive: timeout=5", "\\x0d\\x0a", "\\x0d\\x0a\\x0d\\x0a", "0\\x0d\\x0a"),
)

Seen = tuple[object, ...]


def received(segments: list[bytes]) -> Seen:
    """Return what becomes of an answer that arrives in these segments."""
    answer = Answer(MAX_BYTES)
    followed = False
    for segment in segments:
        if answer.is_complete:
            followed = followed or bool(segment)
            continue
        try:
            answer.feed(segment)
        except FAILURES:
            return ("failed",)
    if len(answer.body) > MAX_BYTES:
        if answer.is_reusable or not answer.is_complete:
            raise AssertionError("went on after the limit")
        return ("too large", answer.status)
    reusable = answer.is_reusable and not followed
    whole = answer.is_complete
    return (whole, answer.end(), answer.status, answer.headers, bytes(answer.body), reusable)


def by_h11(data: bytes) -> tuple[int, bytes] | None:
    """Return status and body as h11 understands them; ``None`` if it does not."""
    connection = h11.Connection(h11.CLIENT, MAX_HEAD_BYTES)
    connection.send(h11.Request(method="POST", target="/", headers=[("Host", "api")]))
    connection.send(h11.EndOfMessage())
    status, body = 0, b""
    try:
        connection.receive_data(data)
        while not isinstance(event := connection.next_event(), h11.EndOfMessage):
            if isinstance(event, h11.Response):
                status = event.status_code
            elif isinstance(event, h11.Data):
                body += bytes(event.data)
            elif not isinstance(event, h11.InformationalResponse):
                return None
    except h11.RemoteProtocolError:
        return None
    return status, body


def one_input(data: bytes) -> None:
    """Run one input."""
    cuts, stream = sorted(data[:2]), data[2:]
    seen = received([stream])
    if not data[:1] < BYTEWISE:
        cuts = list(range(1, len(stream)))
    parts = [stream[start:end] for start, end in pairwise([0, *cuts, len(stream)])]
    if received(parts) != seen:
        raise AssertionError(f"{seen} or, in segments, {received(parts)}")
    if seen[0] is not True:
        return
    *_, status, _, body, reusable = seen
    if reusable and received([stream + b"\n"])[-1]:
        raise AssertionError("something has followed the answer")
    if (by_h11(stream) or (status, body)) != (status, body):
        raise AssertionError(f"{seen}, but h11 found {by_h11(stream)}")


def main() -> None:
    """Fuzz until the runs are over, or something is found."""
    with tempfile.TemporaryDirectory() as directory:
        for place, seed in enumerate(SEEDS):
            Path(directory, f"seed-{place}").write_bytes(b"\x20\x40" + seed)
        words = Path(directory, "words.dict")
        words.write_text("".join(f'"{word}"\n' for word in WORDS))
        atheris.Setup([*sys.argv, f"-dict={words}", directory], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
