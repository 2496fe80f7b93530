r"""Recipients as people write them: phone numbers, local ones too, and email addresses.

::

    "+65 9123-4567"  "006591234567"  "tel:+6591234567"  ──┐
    "6591234567"   long enough for its country            ├──>  "+6591234567"
    "9123 4567"    of a country: phonenumberslite         ┘

What could be read as a different number is refused. Errors quote nothing but invisible characters.
"""

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engagelab_async.errors import ConfigurationError
from engagelab_async.extras import install_hint

if TYPE_CHECKING:
    from phonenumbers import PhoneNumber

_NO_NUMBER: Final = "not a phone number with its country code"
_LEAST_DIGITS: Final = 7
_MOST_DIGITS: Final = 15

# How many digits follow a country's calling code in its shortest mobile number.
_SHORTEST_MOBILE: Final = {
    code: length
    for length, codes in {
        4: "683 690",
        5: "27 247 290 500 677 682",
        6: "298 299 358 376 508 672 681 687 688",
        7: "43 95 220 231 238 239 241 243 246 248 252 269 291 297 354 372 423 501 507 592 597 599 "
        "673 674 676 678 679 680 685 691 692 882 960 961",
        8: "45 47 53 64 65 216 222 223 226 227 228 230 232 235 236 253 257 266 267 268 350 356 357 "
        "359 370 371 373 374 377 378 381 382 383 385 386 387 389 502 503 504 505 506 509 591 598 "
        "670 675 686 689 800 808 852 853 855 883 965 968 973 974 975 976 993",
        9: "31 32 33 34 36 39 40 41 46 48 51 56 60 61 62 66 82 84 93 94 211 212 213 218 221 224 "
        "233 237 240 242 244 245 249 250 251 254 255 256 258 260 261 262 263 264 265 351 352 353 "
        "355 375 380 420 421 590 593 594 595 596 856 870 881 886 962 963 966 967 970 971 972 979 "
        "992 994 995 996 998",
        10: "1 7 20 30 44 49 52 54 55 57 58 63 81 90 91 92 98 225 229 234 850 880 964 977",
        11: "86 888",
        12: "878",
    }.items()
    for code in codes.split()
}

# Numbers that begin with a 0 behind these codes are valid there, or simulated (+1 0…).
_ZERO_FIRST: Final = frozenset(["1", "39", "225", "226", "229", "241", "242", "250", "378", "992"])
# 1 and ten digits may also be a Chinese mobile number without its country code.
_NORTH_AMERICAN: Final = re.compile(r"1[2-9][0-9]{2}[2-9][0-9]{6}")

_PREFIX: Final = re.compile(r"^(?:tel:|['\u2019])", re.IGNORECASE)
_MARKS: Final = dict.fromkeys(map(ord, "-.()"))
_ALIKE: Final = str.maketrans("[]\u2212", "()-", " \t")
_FULL_WIDTH: Final = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_ROUNDED: Final = re.compile(r"\+?[0-9][.,]?[0-9]*[eE]\+?[0-9]+")
_FRACTION: Final = re.compile(r"\+?[0-9]+[.,]0+")
_LAST_DIGIT_ALONE: Final = re.compile(r".*[-.(][0-9]\)?")
_EXTENSION: Final = re.compile(r".*[0-9](?:;?ext\.?=?|x|#)[0-9]+", re.IGNORECASE)
_SEVERAL: Final = re.compile(r".*[0-9].*[+/,;|:&\n].*[0-9]", re.DOTALL)
# They are letters and symbols, but cannot be seen.
_FILLERS: Final = frozenset("\u115f\u1160\u2800\u3164\uffa0")
_EMAIL: Final = re.compile(r"[^@\s<>(),;:\"]+@[^@\s.<>(),;:\"]+(?:\.[^@\s.<>(),;:\"]+)+")


def normalize_number(text: str, country: str | None = None) -> str:
    """Write a phone number in the one way in which it is sent: ``+``, country code, number.

    A number may be written with blanks, dashes, dots, brackets, full-width characters and
    invisible marks, and as a ``tel:`` URI. It is refused if it could be read as a different one:
    with a slash, as a decimal fraction (``6591234567.0``), rounded (``6.59E+09``), with a last
    digit that stands alone, as in an extension or a range (``+65 9123 4567-8``), or with the 0 of
    a local number behind the country code (``+44 07911 123456``).

    Args:
        text: The number. With ``+`` or ``00`` it begins with its country code.
        country: The country of the others, as its ISO 3166 code, such as ``SG``: they are read as
            local numbers, with or without a trunk prefix; with their country code, too, if they
            are no valid local number. What is dialled there before a country code, such as
            ``0011`` in Australia, is read as well; a number that ``001`` leaves in doubt is
            refused. It needs the extra ``numbers``. Without it, numbers need their country code;
            one that is too short for its country is refused.

    Raises:
        TypeError: `text` is not a string.
        ValueError: It is not such a number, or there is no such country. The text does not quote
            the number.
        ConfigurationError: The extra is not installed.

    Example:
        >>> normalize_number("0065 (9123) 4567")
        '+6591234567'
        >>> normalize_number("9123 4567", "SG")
        '+6591234567'
    """
    if not isinstance(text, str):
        raise TypeError(f"expected a phone number as a str, got {type(text).__name__}")
    region = None if country is None else check_country(country)
    bare = text.replace(" ", "")
    if not (bare.removeprefix("+").isdecimal() and bare.isascii()):
        bare = _bare(text, region)
    if bare.startswith("+"):
        return _international(bare[1:])
    if bare.startswith("00"):
        return _dialled(bare, region)
    if region is not None:
        return _national(bare, region)
    number = _international(bare)
    if not _is_long_enough(bare):
        raise ValueError(
            "has no country code, or is too short for it; write + and the country code, or name "
            "its country"
        )
    return number


def normalize_recipient(text: str, country: str | None = None) -> str:
    """Write a phone number as `normalize_number` does, or take an email address as it is."""
    if "@" not in text:
        return normalize_number(text, country)
    address = text.strip()
    if not _EMAIL.fullmatch(address):
        raise ValueError("not an email address")
    if invisible := _invisible(address):
        raise ValueError(f"not an email address: it holds {name_of(invisible)}")
    return address


def recipient_key(recipient: str) -> str:
    """Return what two recipients have in common if they are one: the case of emails differs."""
    return recipient.casefold() if "@" in recipient else recipient


def name_of(character: str) -> str:
    r"""Name a character that cannot be seen.

    Example:
        >>> name_of("\u200b")
        'U+200B ZERO WIDTH SPACE'
    """
    return f"U+{ord(character):04X} {unicodedata.name(character, 'CONTROL CHARACTER')}"


def is_invisible(character: str) -> bool:
    """Return whether a character cannot be seen, or only as a part of another."""
    if character.isascii():
        return not character.isprintable()
    is_mark = unicodedata.category(character) in ("Mn", "Me")
    return is_mark or not character.isprintable() or character in _FILLERS


def _international(digits: str) -> str:
    """Check the digits behind a ``+``."""
    if not (_LEAST_DIGITS <= len(digits) <= _MOST_DIGITS and digits.isdecimal()):
        raise ValueError(_NO_NUMBER + _why_not(digits))
    if not digits.isascii():
        raise ValueError(f"{_NO_NUMBER}; write the digits 0 to 9")
    if digits[0] == "0":
        raise ValueError("begins with 0; write + and the country code, or name its country")
    if "0" in digits[1:4]:
        code = _code_of(digits[:3])
        if code and code not in _ZERO_FIRST and digits[len(code)] == "0":
            raise ValueError("leave out the 0 behind the country code; it is dialled only at home")
    return f"+{digits}"


@lru_cache(maxsize=1000)
def _code_of(first: str) -> str:
    """Return the calling code in the first three digits of a number; empty if there is none."""
    codes = (first[:length] for length in (1, 2, 3))
    return next((code for code in codes if code in _SHORTEST_MOBILE), "")


def _is_long_enough(digits: str) -> bool:
    code = _code_of(digits[:3])
    if code == "1":
        return bool(_NORTH_AMERICAN.fullmatch(digits))
    return bool(code) and len(digits) - len(code) >= _SHORTEST_MOBILE[code]


def check_country(country: str) -> str:
    """Return the code of a country in upper case.

    Raises:
        ValueError: There is no such country.
        ConfigurationError: The extra for local numbers is not installed.
    """
    try:
        import phonenumbers
    except ModuleNotFoundError:
        raise ConfigurationError(f"country: it is an extra: {install_hint('numbers')}") from None
    region = country.upper() if isinstance(country, str) else ""
    if region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError("country: expected an ISO 3166 code, such as 'SG' or 'GB'")
    return region


def country_of(number: str) -> str | None:
    """Return the ISO 3166 code of the country of a number; ``None`` for others, and addresses.

    The extra for local numbers has to be installed.
    """
    import phonenumbers

    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return None


def _dialled(digits: str, region: str | None) -> str:
    """Read a number that begins with 00.

    Some countries dial more than 00 before a country code, such as 001 or 0011.
    """
    if region and digits.isdecimal() and digits.isascii():
        number = f"+{digits[2:]}"
        plain, home = _valid(number, region), _valid(digits, region)
        if home and (plain is None or _written(plain) != number):
            return _written(home)
        if home and home != plain and number.startswith("+1"):
            raise ValueError(
                "could be two numbers, with 00 and with 001 before its country code; write it "
                "with +"
            )
    number = _international(digits[2:])
    is_simulated = number.startswith("+10")
    if number.startswith("+1") and not (is_simulated or _NORTH_AMERICAN.fullmatch(number[1:])):
        raise ValueError("begins with 001, and is no number of North America; write it with +")
    return number


def _valid(text: str, region: str | None) -> "PhoneNumber | None":
    """Return a number as it is dialled within a country, if it is a valid one."""
    import phonenumbers

    try:
        number = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return None
    return number if phonenumbers.is_valid_number(number) else None


def _written(number: "PhoneNumber") -> str:
    import phonenumbers

    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _national(digits: str, region: str) -> str:
    """Read a number as it is dialled within a country."""
    import phonenumbers

    if not (digits.isdecimal() and digits.isascii()):
        raise ValueError(f"not a phone number{_why_not(digits)}")
    local, full = _valid(digits, region), _valid(f"+{digits}", region)
    if local is None:
        local = full
    elif full is not None and full != local and full.country_code == local.country_code:
        # A German 4915123456789 may also be a fixed line in a town whose code is 4915.
        mobile = [
            each
            for each in (local, full)
            if phonenumbers.number_type(each) == phonenumbers.PhoneNumberType.MOBILE
        ]
        if len(mobile) != 1:
            raise ValueError("can be read with and without its country code; write it with +")
        (local,) = mobile
    if local is None:
        raise ValueError(f"not a number of {region}; with + and its country code, it may be one")
    return _written(local)


def _bare(text: str, region: str | None) -> str:
    """Remove what is around and between digits, unless that would make a different number."""
    written = _PREFIX.sub("", _plain(text))
    if _ROUNDED.fullmatch(written):
        raise ValueError("a spreadsheet has rounded the number; make the column text there")
    if _FRACTION.fullmatch(written):
        raise ValueError("a decimal fraction; keep numbers as text, where they come from")
    # Dialled at home and left out abroad.
    if "(0)" in written and not (region and written.startswith("(0)")):
        raise ValueError("leave out the (0), which is not dialled from abroad")
    # An extension, or the end of a range: 4567-8 is 4567 and 4568.
    if _LAST_DIGIT_ALONE.fullmatch(written):
        raise ValueError("ends in a single digit; leave it out, or write it with the others")
    return written.translate(_MARKS)


def _plain(text: str) -> str:
    """Write dashes, brackets and full-width forms in ASCII, without blanks and invisible marks."""
    text = text.strip()
    if not text.isascii():
        text = text.translate(_FULL_WIDTH)
        kinds = ((each, unicodedata.category(each)) for each in text)
        text = "".join("-" if kind == "Pd" else c for c, kind in kinds if kind not in ("Zs", "Cf"))
    return text.translate(_ALIKE)


def _why_not(written: str) -> str:
    if invisible := _invisible(written):
        return f"; it holds {name_of(invisible)}"
    if _EXTENSION.fullmatch(written):
        return "; leave out the extension"
    digits = sum(map(str.isdecimal, written))
    if _SEVERAL.fullmatch(written) or digits > _MOST_DIGITS:
        return "; write a single number"
    if digits < len(written):
        return "; write only the number" if digits else ""
    return "; it is too short" if digits else ""


def _invisible(text: str) -> str | None:
    return next(filter(is_invisible, text), None)
