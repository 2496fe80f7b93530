"""How phone numbers and email addresses are read, and what is refused."""

import sys

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async import ConfigurationError
from engagelab_async.bulk.numbers import (
    check_country,
    name_of,
    normalize_number,
    normalize_recipient,
    recipient_key,
)

NUMBER = "+6591234567"


class TestNumber:
    """The one way in which a number is written."""

    @pytest.mark.parametrize(
        "written",
        [
            "+6591234567",
            "6591234567",
            "006591234567",
            " +65 9123 4567 ",
            "+65-9123-4567",
            "+65 (9123) 45.67",
            "(+65) 9123\u20134567",
            "+65\u00a09123\u20114567",
            "\u202a+6591234567\u202c",
            "\ufeff+6591234567",
            "00 65 9123 4567",
            "+6591234567\n",
            "'+6591234567",
            "\u20196591234567",
            "tel:+65-9123-4567",
            "TEL: +65 9123 4567",
            "[+65] 9123 4567",
            "\uff0b\uff16\uff15\u3000\uff08\uff19123\uff09\uff0d4567",
            "\uff16\uff15\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17",
            "+65\u2067 9123\u2069\u200b\u2063 45\ufeff67\u061c",
            "+65\u20109123\ufe584567\u2212\u00ad",
            "+65\u202f9123\u205f4567\u1680",
        ],
    )
    def test_is_found_in_what_people_write(self, written: str) -> None:
        """A plus or zeros, spaces, dashes, dots, parentheses, and invisible marks go away."""
        assert NUMBER == normalize_number(written)

    @pytest.mark.parametrize(
        "written",
        [
            "",
            " ",
            "+",
            "9123",
            "+659123",
            "+6591234567890123",
            "091234567",
            "+0091234567",
            "+65 9123 456x",
            "ada@example.com",
            "+65+91234567",
            "6591234567+",
            "+٦٥٩١٢٣٤٥٦٧",
            "+²³91234567",
            "6.591234567e9x",
            "6591234567/8",
            "+65 9123/4567",
        ],
    )
    def test_is_not_guessed(self, written: str) -> None:
        """What is no number with a country code is refused, and not quoted."""
        with pytest.raises(
            ValueError, match=r"not a phone number with its|begins with 0"
        ) as caught:
            normalize_number(written)

        assert not written.strip() or written not in str(caught.value).replace(NUMBER, "")

    def test_with_the_zero_of_home_is_refused(self) -> None:
        """The (0) that is dialled only at home would make it somebody else's."""
        with pytest.raises(ValueError, match=r"leave out the \(0\)"):
            normalize_number("+44 (0)20 7946 0958")

    @pytest.mark.parametrize(
        "written", ["+44 07911 123456", "4407911123456", "0049 0151 23456789", "+62 0812 3456 7890"]
    )
    def test_with_a_trunk_prefix_behind_its_code_is_refused(self, written: str) -> None:
        """No number of these countries begins with a 0 there."""
        with pytest.raises(ValueError, match="leave out the 0 behind the country code"):
            normalize_number(written)

    @pytest.mark.parametrize("written", ["+39061234567", "+2250102030405", "+992001234567"])
    def test_may_begin_with_a_zero(self, written: str) -> None:
        """In some countries, numbers do."""
        assert written == normalize_number(written)

    @pytest.mark.parametrize("written", ["13800138000", "138 0013 8000", "15001345678"])
    def test_of_china_is_not_taken_for_one_of_north_america(self, written: str) -> None:
        """Without a plus, what cannot be dialled in North America is ambiguous."""
        with pytest.raises(ValueError, match="has no country code"):
            normalize_number(written)

    @pytest.mark.parametrize("written", ["+44 ( 0)20 7946 0958", "+44 (\u00a00 )20 7946 0958"])
    def test_with_a_zero_of_home_in_disguise_is_refused(self, written: str) -> None:
        """Blanks between the parentheses do not make the (0) another one."""
        with pytest.raises(ValueError, match=r"leave out the \(0\)"):
            normalize_number(written)

    @pytest.mark.parametrize(
        "written",
        [
            "6591234567.0",
            "+6591234567.00",
            " 6591234567,0 ",
            "6 591 234 567.00",
            "6591234567.000000",
        ],
    )
    def test_with_a_fraction_is_refused(self, written: str) -> None:
        """A column that became decimal numbers on the way would end in zeros nobody dials."""
        with pytest.raises(ValueError, match="a decimal fraction") as caught:
            normalize_number(written)

        assert "67" not in str(caught.value)

    @pytest.mark.parametrize(
        "written",
        [
            "+65 9123 4567-8",
            "6591234567 - 1",
            "6591234567\u20131",
            "6591234567.5",
            "6591234567 (8)",
        ],
    )
    def test_with_a_last_digit_of_its_own_is_refused(self, written: str) -> None:
        """An extension, or the next number of a range, would make it somebody else's."""
        with pytest.raises(ValueError, match="ends in a single digit"):
            normalize_number(written)

    @pytest.mark.parametrize(
        "written", ["+33 6.12.34.56.00", "+7 912 345-67-89", "+1 415 555 267 1", "+36-1-234-5678"]
    )
    def test_may_end_in_groups(self, written: str) -> None:
        """Pairs of digits, zeros among them, and blanks before the last one are no such thing."""
        assert f"+{''.join(filter(str.isdecimal, written))}" == normalize_number(written)

    @pytest.mark.parametrize(
        ("written", "why"),
        [
            ("+65 9123\u28004567", "; it holds U+2800 BRAILLE PATTERN BLANK"),
            ("+65 9123\x004567", "; it holds U+0000 CONTROL CHARACTER"),
            ("+6\ufe0f\u20e35\ufe0f\u20e3", "; it holds U+FE0F VARIATION SELECTOR-16"),
            ("+65 6123 4567 ext. 12", "; leave out the extension"),
            ("tel:+65-6123-4567;ext=12", "; leave out the extension"),
            ("+65 6123 4567x12", "; leave out the extension"),
            ("+6591234567, +6591234568", "; write a single number"),
            ("+6591234567\n+6591234568", "; it holds U+000A CONTROL CHARACTER"),
            ("+6591234567 +6591234568", "; write a single number"),
            ("+6591234567 ::: +6591234568", "; write a single number"),
            ("+٦٥٩١٢٣٤٥٦٧", "; write the digits 0 to 9"),
            ("nobody", ""),
            ("+6591234567 6591234568", "; write a single number"),
            ("sms:+6591234567", "; write only the number"),
            ("+6591234567*", "; write only the number"),
            ("+65", "; it is too short"),
        ],
    )
    def test_says_what_is_in_the_way(self, written: str, why: str) -> None:
        """An invisible character is named, and nothing that can be seen is quoted."""
        with pytest.raises(ValueError, match="not a phone number") as caught:
            normalize_number(written)

        assert f"not a phone number with its country code{why}" == str(caught.value)

    @pytest.mark.parametrize(
        "written", ["0011 44 7911 123456", "001 44 7911 123456", "001 65 9123 4567"]
    )
    def test_as_it_is_dialled_in_some_countries_is_refused(self, written: str) -> None:
        """What is dialled before the country code is not 00 everywhere: it can end in a 1."""
        with pytest.raises(ValueError, match="is no number of North America; write it with"):
            normalize_number(written)

    @pytest.mark.parametrize("written", ["00 1 202 555 0123", "0010000005013"])
    def test_of_north_america_may_begin_with_zeros(self, written: str) -> None:
        """A real number, and a simulated one."""
        assert f"+{written.replace(' ', '')[2:]}" == normalize_number(written)

    @pytest.mark.parametrize("written", ["6.59E+09", "6,59123e9", "+6.59E9", "7E+10"])
    def test_that_was_rounded_is_refused(self, written: str) -> None:
        """Digits that a spreadsheet has dropped cannot be known."""
        with pytest.raises(ValueError, match="a spreadsheet has rounded the number; make the"):
            normalize_number(written)

    @pytest.mark.parametrize(
        "written", ["91234567", "9123 4567", "4155552671", "9876543210", "13812345", "2101234567"]
    )
    def test_without_its_country_code_is_refused(self, written: str) -> None:
        """The first digits are some country's code, but the rest is too short for it."""
        with pytest.raises(ValueError, match="has no country code, or is too short for it; write"):
            normalize_number(written)

    def test_of_any_country_needs_no_plus(self) -> None:
        """The shortest mobile number of each country is long enough."""
        mobile = phonenumbers.PhoneNumberType.MOBILE
        found = {
            phonenumbers.format_number(each, phonenumbers.PhoneNumberFormat.E164)
            for region in phonenumbers.SUPPORTED_REGIONS
            if (each := phonenumbers.example_number_for_type(region, mobile)) is not None
        }

        assert len(found) > 200
        assert found == {normalize_number(number[1:]) for number in found}

    @given(digits=st.from_regex(r"[2-9][1-9]{3}[0-9]{3,11}", fullmatch=True))
    def test_is_stable(self, digits: str) -> None:
        """Writing it once more changes nothing, with a plus and with zeros."""
        assert f"+{digits}" == normalize_number(f"+{digits}") == normalize_number(f"00{digits}")

    def test_is_a_string(self) -> None:
        """A number would have lost its plus and its zeros."""
        with pytest.raises(TypeError, match="expected a phone number as a str, got int"):
            normalize_number(6591234567)  # type: ignore[arg-type]


class TestLocalNumber:
    """Numbers as they are dialled within a country."""

    @pytest.mark.parametrize(
        ("written", "country", "expected"),
        [
            ("9123 4567", "SG", "+6591234567"),
            ("91234567", "sg", "+6591234567"),
            ("6591234567", "SG", "+6591234567"),
            ("+60 12-345 6789", "SG", "+60123456789"),
            ("0060 12-345 6789", "SG", "+60123456789"),
            ("923001234567", "SG", "+923001234567"),
            ("07911 123456", "GB", "+447911123456"),
            ("(07911) 123456", "GB", "+447911123456"),
            ("(0)7911 123456", "GB", "+447911123456"),
            ("447911123456", "GB", "+447911123456"),
            ("0151 23456789", "DE", "+4915123456789"),
            ("4915123456789", "DE", "+4915123456789"),
            ("62812345678", "ID", "+62812345678"),
            ("0812-3456-789", "ID", "+628123456789"),
            ("06 12 34 56 78", "FR", "+33612345678"),
            ("8 (912) 345-67-89", "RU", "+79123456789"),
            ("06 30 123 4567", "HU", "+36301234567"),
            ("06 1234 5678", "IT", "+390612345678"),
            ("(11) 91234-5678", "BR", "+5511912345678"),
            ("(415) 555-2671", "US", "+14155552671"),
            ("1 415 555 2671", "US", "+14155552671"),
            ("011 65 9123 4567", "US", "+6591234567"),
            ("6592712345", "US", "+16592712345"),
            ("0011 44 7911 123456", "AU", "+447911123456"),
            ("001 44 7911 123456", "SG", "+447911123456"),
            ("0011 65 9234 5678", "AU", "+6592345678"),
            ("001 65 9234 5678", "GB", "+16592345678"),
            ("002 44 7911 123456", "TW", "+447911123456"),
            ("001 1 202 555 0123", "SG", "+12025550123"),
            ("00 1 202 555 0123", "SG", "+12025550123"),
            ("0065 9123 4567", "SG", "+6591234567"),
            ("0065 9123 4567", "US", "+6591234567"),
            ("0033 6 12 34 56 78", "SG", "+33612345678"),
            ("00852 9123 4567", "HK", "+85291234567"),
            ("98765 43210", "IN", "+919876543210"),
            ("\uff10\uff19\uff10-1234-5678", "JP", "+819012345678"),
        ],
    )
    def test_is_read(self, written: str, country: str, expected: str) -> None:
        """With a trunk prefix, without, and with the country code after all."""
        assert expected == normalize_number(written, country)

    @pytest.mark.parametrize("kind", ["MOBILE", "FIXED_LINE"])
    def test_of_any_country_is_read_in_each_form(self, kind: str) -> None:
        """The examples of all countries, as they are dialled there, and with their code."""
        formats = phonenumbers.PhoneNumberFormat
        for region in phonenumbers.SUPPORTED_REGIONS:
            number = phonenumbers.example_number_for_type(
                region, getattr(phonenumbers.PhoneNumberType, kind)
            )
            if number is None:
                continue
            expected = phonenumbers.format_number(number, formats.E164)
            local = phonenumbers.format_number(number, formats.NATIONAL)

            assert expected == normalize_number(expected, region)
            try:
                assert expected == normalize_number(local, region)
                assert expected == normalize_number(expected[1:], region)
            except ValueError as error:
                assert "it with +" in str(error) or "ends in a single digit" in str(error)  # noqa: PT017

    @pytest.mark.parametrize(
        ("written", "country", "why"),
        [
            ("1234", "SG", "not a number of SG; with \\+ and its country code"),
            ("0", "SG", "not a number of SG"),
            ("91234567x", "SG", "not a phone number"),
            ("9123 4567 ext 12", "SG", "not a phone number; leave out the extension"),
            ("468123456", "SE", "can be read with and without its country code; write it with \\+"),
            ("91234567", "Singapore", "country: expected an ISO 3166 code, such as 'SG'"),
            ("+6591234567", "", "country: expected an ISO 3166 code"),
            ("+6591234567", 65, "country: expected an ISO 3166 code"),
            ("+6591234567", ["SG"], "country: expected an ISO 3166 code"),
            ("00001234567", "SG", "begins with 0"),
            ("0065 9123 456x", "SG", "not a phone number with its country code; write only"),
            ("001 65 9234 5678", "SG", "could be two numbers, with 00 and with 001 before"),
            ("001 65 9234 5678", "HK", "could be two numbers, with 00 and with 001 before"),
            ("001 65 8234 5678", "TH", "before its country code; write it with \\+"),
            ("001 66 2345 6789", "SG", "could be two numbers"),
            ("001 47 9234 5678", "SG", "could be two numbers"),
            ("0011 912", "AU", "not a phone number with its country code; it is too short"),
        ],
    )
    def test_is_not_guessed(self, written: str, country: str, why: str) -> None:
        """What is no valid number, or more than one, is refused."""
        with pytest.raises(ValueError, match=why):
            normalize_number(written, country)

    def test_needs_an_extra(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without it, a country is refused before anything is read."""
        monkeypatch.setitem(sys.modules, "phonenumbers", None)

        with pytest.raises(ConfigurationError, match=r'country: .*install "\.\[numbers\]"'):
            check_country("SG")


class TestRecipient:
    """Numbers, and email addresses."""

    @pytest.mark.parametrize(
        ("written", "expected"),
        [
            (" Ada@Example.com ", "Ada@Example.com"),
            ("josé@exämple.com", "josé@exämple.com"),
            ("65 9123 4567", "+6591234567"),
        ],
    )
    def test_is_either(self, written: str, expected: str) -> None:
        """An address is taken as it is, and a number as a number."""
        assert expected == normalize_recipient(written)

    def test_may_be_local(self) -> None:
        """A country is for numbers."""
        assert ["+6591234567", "a@example.com"] == [
            normalize_recipient(each, "SG") for each in ("9123 4567", "a@example.com")
        ]

    @pytest.mark.parametrize(
        "written",
        [
            "ada@", "@example.com", "ada@example", "a b@example.com", "ada@example.com.",
            "<ada@example.com>", "Ada <ada@example.com>", "a@example.com,b@example.com",
        ],
    )  # fmt: skip
    def test_is_no_half_an_address(self, written: str) -> None:
        """Nor two of them, nor one with a name."""
        with pytest.raises(ValueError, match=r"^not an email address$"):
            normalize_recipient(written)

    def test_names_what_cannot_be_seen(self) -> None:
        """An invisible character would make it another address."""
        with pytest.raises(ValueError, match=r"address: it holds U\+200B ZERO WIDTH SPACE"):
            normalize_recipient("ada\u200b@example.com")

    def test_is_compared_without_case(self) -> None:
        """Two spellings of an address are one person."""
        assert recipient_key("ada@example.com") == recipient_key("Ada@EXAMPLE.com")
        assert "+6591234567" == recipient_key("+6591234567")


def test_the_name_of_an_invisible_character() -> None:
    """Its number and its name, as Unicode has them."""
    assert "U+00A0 NO-BREAK SPACE" == name_of("\u00a0")
