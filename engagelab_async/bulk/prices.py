"""What an SMS costs: the same everywhere, or by country."""

import csv
import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final, Self

from attrs import field, frozen

from .numbers import check_country, country_of

_LONGEST: Final = 15  # digits, of a number


@frozen
class Prices:
    """Prices of one SMS.

    Attributes:
        by_code: Prices by what numbers begin with, or by the ISO code of their country; the price
            of ``""`` is for all others.
    """

    by_code: Mapping[str, Decimal] = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read a file: lines of code and price such as ``65,0.045``, or a JSON object.

        Raises:
            ValueError: It cannot be read, or has something else in it.
        """
        try:
            text = path.read_text(encoding="utf-8-sig")
        except OSError as error:
            raise ValueError(f"--prices: {error.strerror}") from None
        except ValueError:
            raise ValueError("--prices: the file cannot be read as UTF-8") from None
        return cls(dict(_price_of(pair) for pair in _pairs(text)))

    def of(self, recipient: str) -> Decimal | None:
        """Return the price for a recipient; ``None`` if it is not known."""
        digits = recipient.removeprefix("+")
        codes = [digits[:length] for length in range(_LONGEST, 0, -1)]
        if any(code.isalpha() for code in self.by_code):
            codes.insert(0, country_of(recipient) or "?")
        return next((self.by_code[code] for code in [*codes, ""] if code in self.by_code), None)


def price(text: str, option: str = "--price") -> Decimal:
    """Read a price.

    Raises:
        ValueError: It is none.
    """
    try:
        found = Decimal(text.strip().replace(",", "."))
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 <= found < 10**6):
        raise ValueError(f"{option}: expected a price such as 0.045")
    return found


def _pairs(text: str) -> list[list[str]]:
    if text.lstrip().startswith("{"):
        try:
            document = json.loads(text, parse_float=str, parse_int=str)
        except (ValueError, RecursionError):
            raise ValueError("--prices: the file is not a JSON object") from None
        return [[code, str(each)] for code, each in document.items()]
    lines = [line for line in text.splitlines() if line.strip()]
    delimiter = max("\t;,", key="".join(lines[:1]).count)
    rows = list(csv.reader(lines, delimiter=delimiter))
    has_header = rows and not any(map(str.isdigit, "".join(rows[0])))
    return rows[1:] if has_header else rows


def _price_of(pair: list[str]) -> tuple[str, Decimal]:
    if len(pair) != 2:  # noqa: PLR2004
        raise ValueError("--prices: expected lines of a country code and a price")
    code = pair[0].strip().removeprefix("+").removeprefix("00")
    if code.isalpha() and code.isascii():
        code = check_country(code)
    elif code == "*":
        code = ""
    elif not (code.isascii() and code.isdecimal()):
        raise ValueError("--prices: expected country codes such as 65 or SG, or * for all others")
    return code, price(pair[1], "--prices")
