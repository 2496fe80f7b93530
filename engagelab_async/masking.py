"""Masking: the API's messages without sent values, and without anything like a recipient.

::

    message ── cut ──> window ── fold ──> view: lower case, escapes undone, each character with the
               │                          │     part of the window that it stands for
               └ to what is shown, and    └ look for what was sent, and for recipients;
                 a margin behind it         "…" for the part that was found

The API may quote a value in another case, escaped for JSON, URLs or HTML, in full-width digits, or
with spaces in a number. The time is bounded, however long the message and the operation are: the
caller waits, and so does everything else on its event loop.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import unescape
from itertools import compress, groupby
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from attrs import fields, frozen, has

from engagelab_async.arguments import PERSONAL

if TYPE_CHECKING:
    from attrs import AttrsInstance

    from engagelab_async.operation import Operation

SHOWN: Final = 500
"""How many characters of a message are shown."""

_SHORTEST: Final = 3
"""Minimum length of a masked value: without every "a", a message would be unreadable."""

_NEEDLE: Final = 64
"""How many characters of a value are searched for."""

_WINDOW: Final = SHOWN + 12 * _NEEDLE
"""Where it is looked for: so far that one which begins within what is shown is found. Written as
``\\ud83d\\ude00``, a character takes twelve."""

_MOST_VALUES, _MOST_CHARACTERS = 500, 20_000
"""How many values are looked for, and how much text; a list of recipients counts as one."""

_UNSEARCHED: Final = "its words are left out, as too much was sent to look for in them"

# Digits with the usual separators, up to the last two; or what stands before an @.
_LIKE_A_RECIPIENT: Final = re.compile(
    r"\+?\d(?:[ ().-]{0,2}\d){4,}(?=[ ().-]{0,2}\d[ ().-]?\d)|(?<![^\s@<>\"'])[^\s@<>\"']++(?=@)"
)
_SPACES: Final = re.compile(r"\s+")
_ESCAPES: Final = frozenset("\\%&")
_BETWEEN_DIGITS: Final = re.compile(r"(?<=\d)[ ().-]{1,2}(?=\d)")
_FOLDED: Final = re.compile(
    r"(?P<json>(?:\\u[0-9a-fA-F]{4})+|\\[\"\\/bfnrt])|(?P<url>(?:%[0-9a-fA-F]{2})+)"
    r"|(?P<html>&#?\w{1,8};)|(?P<space>\s+)|[^\x00-\x7f\s]+"
)


def masked(message: str, operation: Operation[object], secrets: Iterable[str] = ()) -> str:
    """Return the beginning of a message, with "…" in place of personal data and secrets.

    Args:
        message: The API's message.
        operation: What was sent.
        secrets: Secrets that were sent with it, such as a key pair.
    """
    sent = _Sent.of(operation)
    if sent is None:
        return _UNSEARCHED
    sent.values.extend(secrets)
    window = unicodedata.normalize("NFC", message[:_WINDOW])
    hidden = bytearray(len(window))
    for start, end in _found(window, sent):
        hidden[start:end] = b"\1" * (end - start)
    runs = groupby(range(min(SHOWN, len(window))), hidden.__getitem__)
    return "".join("…" if hide else "".join(window[i] for i in run) for hide, run in runs)


def _found(window: str, sent: _Sent) -> Iterator[tuple[int, int]]:
    for recipients in sent.lists:
        yield from _recipients_in(window, recipients)
    view = _View.of(window)
    joined = view.without(_BETWEEN_DIGITS)
    for key in sent.keys:
        yield from view.places_of(key)
        if key.isdigit():
            yield from joined.places_of(key)
    for match in _LIKE_A_RECIPIENT.finditer(view.text):
        yield view.place(*match.span())


def _recipients_in(window: str, recipients: tuple[str, ...]) -> Iterator[tuple[int, int]]:
    """Return those of many recipients that a message contains literally."""
    # There may be 100,000: this looks for what the message holds among them, not the other way.
    lengths = [length for length in set(map(len, recipients)) if _SHORTEST <= length <= _NEEDLE]
    begins = range(min(SHOWN, len(window)))
    parts = {window[begin : begin + length] for length in lengths for begin in begins}
    for recipient in parts.intersection(recipients):
        for start in _places(window, recipient):
            yield start, start + len(recipient)


@frozen
class _Sent:
    """The sent values that the API may quote."""

    lists: list[tuple[str, ...]]
    values: list[str]

    @classmethod
    def of(cls, operation: Operation[object]) -> _Sent | None:
        """Collect it from an operation; ``None`` if that is too much."""
        lists: list[tuple[str, ...]] = []
        values: list[str] = []
        left: list[object] = [*_personal(operation)]
        for _ in range(_MOST_VALUES):
            if not left:
                break
            match left.pop():
                case str() as value if len(value) >= _SHORTEST:
                    # More of it than there is to look at would not be found either.
                    values.append(value[:_WINDOW])
                case tuple() as recipients:
                    lists.append(recipients)
                case list() as items:
                    left.extend(items)
                case Mapping() as items:
                    left.extend(items.values())
                case _:
                    pass  # too short to be masked, or no text
        too_much = left or sum(map(len, values)) > _MOST_CHARACTERS
        return None if too_much else cls(lists, values)

    @property
    def keys(self) -> set[str]:
        """The values as they stand in a `_View`."""
        keys = set(map(_folded, self.values))
        # If the API quotes a value literally, what looks like an escape is taken for one.
        keys |= {_View.of(value).text for value in self.values if _ESCAPES & {*value}}
        # "Ada+Lovelace" is how forms write a space.
        return (keys | {key.replace(" ", "+") for key in keys}) - {""}


def _personal(value: AttrsInstance) -> Iterator[object]:
    for field in fields(type(value)):
        inner = getattr(value, field.name)
        if has(type(inner)):
            yield from _personal(inner)
        elif field.metadata.get(PERSONAL):
            yield inner


@frozen
class _View:
    """A text as it is searched, and for each of its characters where that stands in the window."""

    text: str
    starts: list[int]
    ends: list[int]

    @classmethod
    def of(cls, window: str) -> _View:
        """Undo escapes, and normalize."""
        parts: list[str] = []
        starts: list[int] = []
        ends: list[int] = []
        done = 0
        for match in _FOLDED.finditer(window):
            start, end = match.span()
            parts.append(window[done:start].lower())
            starts += range(done, start)
            ends += range(done + 1, start + 1)
            # One character at a time, but for escapes, several of which can be one character.
            step = end - start if match.lastgroup else 1
            for begin in range(start, end, step):
                folded = _unescaped(match) if match.lastgroup else _folded(window[begin])
                parts.append(folded)
                starts += [begin] * len(folded)
                ends += [begin + step] * len(folded)
            done = end
        parts.append(window[done:].lower())
        starts += range(done, len(window))
        ends += range(done + 1, len(window) + 1)
        return cls("".join(parts), starts, ends)

    def without(self, pattern: re.Pattern[str]) -> _View:
        """Remove the matches of a pattern."""
        left = bytearray(b"\1" * len(self.text))
        for match in pattern.finditer(self.text):
            left[match.start() : match.end()] = bytes(len(match[0]))
        return _View(
            "".join(compress(self.text, left)),
            list(compress(self.starts, left)),
            list(compress(self.ends, left)),
        )

    def places_of(self, key: str) -> Iterator[tuple[int, int]]:
        """Find a value in the window; of a long one, as much as there is."""
        for start in _places(self.text, key[:_NEEDLE]):
            # The API may quote only the beginning of a long one; where it ends is unknown.
            whole = len(key) <= _NEEDLE or self.text.startswith(key, start)
            yield self.place(start, start + len(key) if whole else len(self.text))

    def place(self, start: int, end: int) -> tuple[int, int]:
        """Return where in the window a part of the text stands."""
        return self.starts[start], self.ends[end - 1]


def _places(text: str, part: str) -> Iterator[int]:
    start = text.find(part)
    while start >= 0:
        yield start
        start = text.find(part, start + len(part))


def _unescaped(match: re.Match[str]) -> str:
    found = match[0]
    match match.lastgroup:
        case "json":
            found = str(json.loads(f'"{found}"'))
        case "url":
            found = unquote(found)
        case "html":
            found = unescape(found)
        case _:
            found = " "
    return _folded(found)


def _folded(text: str) -> str:
    """Normalize a text: lower case, plain characters, one kind of space."""
    if text.isascii():
        return _SPACES.sub(" ", text.lower())
    return _SPACES.sub(" ", "".join(map(_plain, unicodedata.normalize("NFC", text))))


@lru_cache(maxsize=4096)
def _plain(character: str) -> str:
    # Of the category Cf are zero-width spaces and marks for the direction of writing.
    plain = unicodedata.normalize("NFKC", character).casefold()
    return "" if unicodedata.category(character) == "Cf" else plain
