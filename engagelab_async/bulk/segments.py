r"""How many SMS a text costs: pure counting, by GSM 03.38.

A text whose characters are all in the GSM alphabet is sent in units of 7 bits, any other one in
UCS-2, in units of 16 bits. One that is too long for a single SMS loses a few units of each part
to the header that puts the parts together again::

    encoding    units of one    units of each part of many    characters that take two
    GSM-7       160             153                           ^ { } \ [ ~ ] | € and form feed
    UCS-2       70              67                            those outside the basic plane: emoji

A character that takes two units is never split between two parts: it begins the next one, and the
unit before it is lost.
"""

from typing import Final, Literal, NamedTuple

from attrs import frozen

Encoding = Literal["GSM-7", "UCS-2"]

_BASIC: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
# Each is sent as an escape character and another.
_EXTENSION: Final = frozenset("\f^{}\\[~]|€")
_GSM: Final = _BASIC | _EXTENSION

_CAPACITY: Final[dict[Encoding, tuple[int, int]]] = {"GSM-7": (160, 153), "UCS-2": (70, 67)}
"""Units of a single SMS, and of each part of a longer text."""

_BASIC_PLANE: Final = "\uffff"


@frozen
class Segments:
    """What a text costs.

    Attributes:
        encoding: ``GSM-7`` or ``UCS-2``.
        units: How many units of 7 or of 16 bits it has.
        count: How many SMS are paid for; an empty text is one.
    """

    encoding: Encoding
    units: int
    count: int


def segments(text: str) -> Segments:
    """Count the SMS that a text is sent as.

    Args:
        text: The text as it is delivered, with its variables filled in.

    Example:
        >>> segments("Your code is 039487.")
        Segments(encoding='GSM-7', units=20, count=1)
        >>> segments("Ваш код 039487. " * 5)
        Segments(encoding='UCS-2', units=80, count=2)
    """
    encoding: Encoding = "GSM-7" if _GSM.issuperset(text) else "UCS-2"
    single, part = _CAPACITY[encoding]
    twos = _EXTENSION if encoding == "GSM-7" else frozenset(filter(_BASIC_PLANE.__lt__, text))
    units = len(text) + sum(map(text.count, twos))
    return Segments(encoding, units, 1 if units <= single else _parts(text, twos, part))


class SMSUnits(NamedTuple):
    """How a text is sent.

    Attributes:
        units: How many SMS are paid for; an empty text is one.
        encoding: ``GSM-7`` or ``UCS-2``.
        ucs2_characters: The characters that force UCS-2, each once, in the order of the text.
    """

    units: int
    encoding: Encoding
    ucs2_characters: tuple[str, ...]


def sms_units(text: str) -> SMSUnits:
    """Count the SMS that a text is sent as, and find what makes it expensive.

    Args:
        text: The text as it is delivered, with its variables filled in, and the signature that
            the platform adds.

    Example:
        >>> sms_units("Your code is 039487.")
        SMSUnits(units=1, encoding='GSM-7', ucs2_characters=())
        >>> sms_units("Your code is 039487… " * 4)
        SMSUnits(units=2, encoding='UCS-2', ucs2_characters=('…',))
    """
    found = segments(text)
    return SMSUnits(
        found.count, found.encoding, tuple(dict.fromkeys(c for c in text if c not in _GSM))
    )


def outside_gsm(text: str) -> frozenset[str]:
    """Find the characters that make a text UCS-2, and so more than twice as long.

    Example:
        >>> outside_gsm("Wait…")
        frozenset({'…'})
    """
    return frozenset(text) - _GSM


def _parts(text: str, twos: frozenset[str], capacity: int) -> int:
    count, used = 1, 0
    for character in text:
        cost = 2 if character in twos else 1
        used += cost
        if used > capacity:
            count, used = count + 1, cost
    return count
