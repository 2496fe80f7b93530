"""The receiving side of the engine on asyncio, without any I/O."""

from typing import Final

import pytest

from engagelab_async.engines._answer import FAILURES, MAX_HEAD_BYTES, Answer

HEAD: Final = b"HTTP/1.1 200 OK\r\n"
PLAIN: Final = HEAD + b"Content-Length: 5\r\n\r\nfirst"
CHUNKED: Final = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
INTERIM: Final = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"

ANSWERS: Final[dict[str, tuple[bytes, int, bytes, bool]]] = {
    "length": (PLAIN, 200, b"first", True),
    "no_body": (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
    "length_of_nothing": (HEAD + b"Content-Length: 0\r\n\r\n", 200, b"", True),
    "length_with_many_zeros": (
        HEAD + b"Content-Length: " + b"0" * 5_000 + b"5\r\n\r\nfirst",
        200,
        b"first",
        True,
    ),
    "not_modified": (b"HTTP/1.1 304 No\r\nContent-Length: 9\r\n\r\n", 304, b"", True),
    "no_reason": (b"HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", 503, b"", True),
    "empty_line_in_the_body": (HEAD + b"Content-Length: 4\r\n\r\n\r\n\r\n", 200, b"\r\n\r\n", True),
    "empty_line_before": (b"\r\n" + PLAIN, 200, b"first", True),
    "chunks": (CHUNKED + b"2\r\nfi\r\n3\r\nrst\r\n0\r\n\r\n", 200, b"first", True),
    "empty_line_in_a_chunk": (CHUNKED + b"4\r\n\r\n\r\n\r\n0\r\n\r\n", 200, b"\r\n\r\n", True),
    "extension_and_trailer": (
        CHUNKED + b"5;a=b\r\nfirst\r\n0\r\nX: 1\r\n\r\n",
        200,
        b"first",
        True,
    ),
    "interim": (INTERIM + PLAIN, 200, b"first", True),
    "interim_before_chunks": (INTERIM + CHUNKED + b"0\r\n\r\n", 200, b"", True),
    "keep_alive": (
        HEAD + b"Keep-Alive: timeout=5\r\nContent-Length: 5\r\n\r\nfirst",
        200,
        b"first",
        True,
    ),
    "closing": (
        HEAD + b"Connection: close\r\nContent-Length: 5\r\n\r\nfirst",
        200,
        b"first",
        False,
    ),
    "http_1_0": (b"HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nfirst", 200, b"first", False),
    "http_1_0_that_stays": (
        b"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nfirst",
        200,
        b"first",
        True,
    ),
}
"""Answers: their bytes, status, body, and whether the connection can be used again."""

every_answer = pytest.mark.parametrize(
    ("data", "status", "body", "reusable"), ANSWERS.values(), ids=ANSWERS
)

SURPLUS: Final = [b"\r\n", b"\n", b"\r", b"H", b"x", b"\0", PLAIN, b"\r\n" + PLAIN]

NO_ANSWERS: Final[dict[str, bytes]] = {
    "garbage": b"220 mail.example ESMTP\r\n",
    "request": b"GET / HTTP/1.1\r\n\r\n",
    "empty_lines": b"\r\n\r\n" + PLAIN,
    "lines_without_returns": PLAIN.replace(b"\r\n", b"\n"),
    "status_of_three_letters": b"HTTP/1.1 abc\r\n\r\n",
    "status_of_nothing": b"HTTP/1.1 000 No\r\nContent-Length: 0\r\n\r\n",
    "switching": b"HTTP/1.1 101 Yes\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\n",
    "switching_to_nothing": b"HTTP/1.1 101 Yes\r\n\r\n",
    "interim_with_a_body": b"HTTP/1.1 103 Hm\r\nContent-Length: 2\r\n\r\n{}" + PLAIN,
    "unknown_interim_with_a_body": b"HTTP/1.1 199 Hm\r\nContent-Length: 2\r\n\r\n{}" + PLAIN,
    "two_lengths": HEAD + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "no_length": HEAD + b"Content-Length: 5, 5\r\n\r\n",
    "negative_length": HEAD + b"Content-Length: -5\r\n\r\n",
    "length_and_chunks": HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "chunks_and_length": HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    "folded_header": HEAD + b"X: 1\r\n 2\r\n\r\n",
    "no_colon": HEAD + b"colon\r\n\r\n",
    "letter_in_a_name": HEAD + b"\xe9: 1\r\n\r\n",
    "no_size": CHUNKED + b"size\r\n",
    "chunk_that_goes_on": CHUNKED + b"2\r\nfirst\r\n",
    "endless_status": b"HTTP/1.1 200 " + b"x" * MAX_HEAD_BYTES,
    "endless_header": HEAD + b"X: " + b"x" * MAX_HEAD_BYTES,
    "endless_headers": HEAD + b"X: 1\r\n" * MAX_HEAD_BYTES,
    "endless_interim": INTERIM * MAX_HEAD_BYTES,
    "endless_extension": CHUNKED + b"1;" + b"x" * MAX_HEAD_BYTES,
    "endless_trailer": CHUNKED + b"0\r\nX: " + b"x" * MAX_HEAD_BYTES,
    "endless_trailers": CHUNKED + b"0\r\n" + b"X: 1\r\n" * MAX_HEAD_BYTES,
    "much_around_each_byte": CHUNKED + (b"1;" + b"x" * 50 + b"\r\nx\r\n") * 5_000,
}


def fed(*segments: bytes, max_bytes: int = 1000, is_head: bool = False) -> Answer:
    """Make an answer of what arrives."""
    answer = Answer(max_bytes, is_head=is_head)
    for segment in segments:
        answer.feed(segment)
    return answer


@every_answer
def test_answer_is_read(data: bytes, status: int, body: bytes, reusable: bool) -> None:
    """An answer is complete with its last byte, however its length is given."""
    answer = fed(data)

    assert (True, reusable) == (answer.is_complete, answer.is_reusable)
    assert (status, body) == (answer.status, bytes(answer.body))


@every_answer
def test_every_split_in_two(data: bytes, status: int, body: bytes, reusable: bool) -> None:
    """Wherever an answer is cut in two segments, it is not complete before the second."""
    for place in range(1, len(data)):
        answer = Answer(1000)

        assert not answer.feed(data[:place])
        assert answer.feed(data[place:])
        assert (status, body) == (answer.status, bytes(answer.body))
        assert reusable is answer.is_reusable


@every_answer
def test_byte_by_byte(data: bytes, status: int, body: bytes, reusable: bool) -> None:
    """An answer may come in as many segments as it has bytes."""
    answer = fed(*[data[place : place + 1] for place in range(len(data))])

    assert (status, body, reusable) == (answer.status, bytes(answer.body), answer.is_reusable)


@every_answer
@pytest.mark.parametrize("surplus", SURPLUS)
def test_anything_behind_the_answer(
    data: bytes, status: int, body: bytes, reusable: bool, surplus: bytes
) -> None:
    """What follows is no part of the answer, and its connection is not used again."""
    for place in range(len(data)):
        answer = fed(data[:place], data[place:] + surplus)

        assert (status, body, False) == (answer.status, bytes(answer.body), answer.is_reusable)


@every_answer
def test_server_that_closes_early(data: bytes, status: int, body: bytes, reusable: bool) -> None:
    """An answer that knows its length is not complete before it, whatever the server does."""
    for place in range(len(data)):
        answer = fed(data[:place])

        assert not answer.end()


@pytest.mark.parametrize("data", NO_ANSWERS.values(), ids=NO_ANSWERS)
def test_what_is_no_answer(data: bytes) -> None:
    """What is no answer raises, in one segment and in many."""
    with pytest.raises(FAILURES):
        fed(data, max_bytes=10**6)
    with pytest.raises(FAILURES):
        fed(*[data[place : place + 1] for place in range(len(data))], max_bytes=10**6)


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (b"", b"first"),
        (b"", b""),
        (b"Connection: close\r\n", b"\r\n\r\n"),
        (b"Transfer-Encoding: gzip\r\n", b"first"),
    ],
)
def test_body_that_ends_with_the_connection(headers: bytes, body: bytes) -> None:
    """Where nothing says how long the body is, it ends when the server closes."""
    answer = fed(HEAD + headers + b"\r\n", body)

    assert not answer.is_complete
    assert answer.end()
    assert (body, False) == (bytes(answer.body), answer.is_reusable)


@pytest.mark.parametrize(
    "coding", ["chunked, gzip", "chunked;a", "gzip\r\nTransfer-Encoding: chunked"]
)
def test_doubtful_chunks_do_not_end_with_the_connection(coding: str) -> None:
    """A body that may be in chunks is not taken for one that ends when the server closes."""
    answer = fed(HEAD + b"Transfer-Encoding: " + coding.encode() + b"\r\n\r\n")

    assert not answer.end()


@pytest.mark.parametrize("head", [HEAD + b"Content-Length: 2000\r\n\r\n", CHUNKED, HEAD + b"\r\n"])
def test_body_that_is_too_large(head: bytes) -> None:
    """A body ends where it gets too large, and its connection is not used again."""
    chunk = b"7d0\r\n" if head is CHUNKED else b""
    answer = fed(head, chunk + b"x" * 1001)

    assert (True, 1001, False) == (answer.is_complete, len(answer.body), answer.is_reusable)


def test_body_as_large_as_allowed() -> None:
    """The limit itself is no excess."""
    answer = fed(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 1000)

    assert (1000, True) == (len(answer.body), answer.is_reusable)


def test_answer_to_head() -> None:
    """The answer to ``HEAD`` has the length of a body that does not follow."""
    answer = fed(HEAD + b"Content-Length: 5\r\n\r\n", is_head=True)

    assert (True, b"", True) == (answer.is_complete, bytes(answer.body), answer.is_reusable)
    assert not fed(PLAIN, is_head=True).is_reusable


def test_headers_are_those_of_the_answer() -> None:
    """Names are in lower case, values are joined; those of others are left out."""
    answer = fed(
        INTERIM
        + HEAD
        + b"X-A:  1 \r\nx-a: 2\r\nX-B:\r\nX-C: caf\xe9 \r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"0\r\nX-D: 3\r\n\r\n"
    )

    expected = {"x-a": "1, 2", "x-b": "", "x-c": "café", "transfer-encoding": "chunked"}
    assert expected == answer.headers
    assert list(expected) == list(answer.headers)
    assert len(expected) == len(answer.headers)


def test_status_is_known_with_the_head() -> None:
    """The status is there as soon as the head is complete, and that of an interim answer is not."""
    assert 0 == fed(INTERIM).status
    assert 0 == fed(HEAD + b"Content-Length: 5\r\n").status
    assert 200 == fed(HEAD + b"Content-Length: 5\r\n\r\n").status
