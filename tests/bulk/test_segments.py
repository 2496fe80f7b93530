"""How many SMS a text costs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async.bulk.segments import Segments, SMSUnits, outside_gsm, segments, sms_units

BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION = "\f^{}\\[~]|€"


def test_the_alphabet_is_complete() -> None:
    """GSM 03.38 has 127 characters, and 10 in its extension table that take two units."""
    assert (127, 10) == (len(set(BASIC)), len(set(EXTENSION)))
    assert Segments("GSM-7", 127, 1) == segments(BASIC)
    assert Segments("GSM-7", 20, 1) == segments(EXTENSION)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments("GSM-7", 0, 1)),
        ("a" * 160, Segments("GSM-7", 160, 1)),
        ("a" * 161, Segments("GSM-7", 161, 2)),
        ("a" * 306, Segments("GSM-7", 306, 2)),
        ("a" * 307, Segments("GSM-7", 307, 3)),
        ("€" * 80, Segments("GSM-7", 160, 1)),
        ("€" * 81, Segments("GSM-7", 162, 2)),
        ("я" * 70, Segments("UCS-2", 70, 1)),
        ("я" * 71, Segments("UCS-2", 71, 2)),
        ("я" * 134, Segments("UCS-2", 134, 2)),
        ("я" * 135, Segments("UCS-2", 135, 3)),
        ("😀" * 35, Segments("UCS-2", 70, 1)),
        ("😀" * 36, Segments("UCS-2", 72, 2)),
    ],
)
def test_capacity(text: str, expected: Segments) -> None:
    """One SMS holds 160 or 70 units, and each part of a longer text 153 or 67."""
    assert expected == segments(text)


@pytest.mark.parametrize("character", ["ç", "…", "`", "\t", "\x1b", "я", "中", "😀"])
def test_one_other_character_makes_all_of_it_ucs_2(character: str) -> None:
    """A single character outside the alphabet counts for the whole text."""
    assert "UCS-2" == segments("Hello " + character).encoding
    assert frozenset(character) == outside_gsm("Hello " + character)


def test_an_escaped_character_is_not_split() -> None:
    """A euro sign that would straddle two parts begins the second, and one unit is lost."""
    assert Segments("GSM-7", 306, 2) == segments("a" * 151 + "€" + "a" * 153)
    assert Segments("GSM-7", 307, 3) == segments("a" * 152 + "€" + "a" * 153)
    # 153 and 153 units, were it not for the lost one.
    assert Segments("GSM-7", 306, 3) == segments("a" * 152 + "€" + "a" * 152)


def test_a_surrogate_pair_is_not_split() -> None:
    """Nor is an emoji."""
    assert Segments("UCS-2", 134, 2) == segments("я" * 65 + "😀" + "я" * 67)
    assert Segments("UCS-2", 134, 3) == segments("я" * 66 + "😀" + "я" * 66)


@given(st.text(max_size=400))
def test_units_are_those_of_the_encoding(text: str) -> None:
    """UCS-2 counts as UTF-16 does, GSM-7 as its table says, and parts hold all of it."""
    found = segments(text)

    if found.encoding == "UCS-2":
        assert found.units == len(text.encode("utf-16-le", "surrogatepass")) // 2
        assert (found.count == 1) == (found.units <= 70)
    else:
        assert found.units == len(text) + sum(character in EXTENSION for character in text)
        assert (found.count == 1) == (found.units <= 160)
    capacity = 153 if found.encoding == "GSM-7" else 67
    assert found.count == 1 or capacity * found.count >= found.units


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (1, "GSM-7", ())),
        ("€" * 81, (2, "GSM-7", ())),
        ("Ada…, “Bob”… " * 5, (1, "UCS-2", ("…", "“", "”"))),
        ("Jose\u0301", (1, "UCS-2", ("\u0301",))),
    ],
)
def test_what_is_paid_for(text: str, expected: tuple[int, str, tuple[str, ...]]) -> None:
    """The SMS, their encoding, and what forces it, in the order of the text."""
    units, encoding, forced = found = sms_units(text)

    assert expected == (units, encoding, forced) == found
    assert SMSUnits(*expected) == found
