"""Lists as they come out of spreadsheets, shells, shops and databases, sent as they are."""

import gzip
import json
from pathlib import Path

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab

TEXT = "Order {{order}} is ready, {{name}}"
ADA, BOB = "+6591234567", "+6591234568"
SENT = {(ADA, "Order 7 is ready, Ada"), (BOB, "Order 8 is ready, Bob")}


def table(*lines: str, separator: str = ",", end: str = "\n") -> bytes:
    """Write a table of which the fields are separated by bars here."""
    return end.join([*(line.replace("|", separator) for line in lines), ""]).encode()


PLAIN = ("phone|name|order", f"{ADA}|Ada|7", f"{BOB}|Bob|8")
OBJECTS: list[dict[str, object]] = [
    {"phone": ADA, "name": "Ada", "order": 7},
    {"phone": BOB, "name": "Bob", "order": "8"},
]

GOOD: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "commas": (table(*PLAIN), ()),
    "semicolons": (table(*PLAIN, separator=";"), ()),
    "tabs": (table(*PLAIN, separator="\t"), ()),
    "bars": (table(*PLAIN, separator="|"), ("--delimiter", "|")),
    "tildes": (table(*PLAIN, separator="~"), ("--delimiter", "~")),
    "Windows": (table(*PLAIN, end="\r\n"), ()),
    "old Mac": (table(*PLAIN, end="\r"), ()),
    "no last line end": (table(*PLAIN).rstrip(b"\n"), ()),
    "byte order mark": (b"\xef\xbb\xbf" + table(*PLAIN), ()),
    "UTF-16": (table(*PLAIN, separator="\t").decode().encode("utf-16"), ()),
    "UTF-16 big-endian": (b"\xfe\xff" + table(*PLAIN).decode().encode("utf-16-be"), ()),
    "UTF-32": (table(*PLAIN).decode().encode("utf-32"), ()),
    "gzip": (gzip.compress(table(*PLAIN), mtime=0), ()),
    "gzipped UTF-16": (gzip.compress(table(*PLAIN).decode().encode("utf-16"), mtime=0), ()),
    "sep line": (b"sep=;\r\n" + table(*PLAIN, separator=";", end="\r\n"), ()),
    "quoted fields": (
        table('"phone"|"name"|"order"', f'"{ADA}"|"Ada"|"7"', f'"{BOB}"|"Bob"|"8"'),
        (),
    ),
    "capital header": (table("PHONE|NAME|ORDER", *PLAIN[1:]), ()),
    "title header": (table("Phone|Name|Order", *PLAIN[1:]), ()),
    "blanks in the header": (table(" phone | name | order ", *PLAIN[1:]), ()),
    "no-break spaces in the header": (table("phone\xa0|\xa0name|order", *PLAIN[1:]), ()),
    "blanks around values": (table(PLAIN[0], f" {ADA} | Ada|7 ", f"{BOB}|Bob |8"), ()),
    "spare columns": (table("phone|name|order||", f"{ADA}|Ada|7||", f"{BOB}|Bob|8||"), ()),
    "spare fields": (table(PLAIN[0], f"{ADA}|Ada|7||", f"{BOB}|Bob|8"), ()),
    "empty lines": (table(PLAIN[0], "", PLAIN[1], "||", PLAIN[2], ""), ()),
    "empty lines above": (table("", "", *PLAIN), ()),
    "other columns": (table("id|phone|vip|name|order", f"1|{ADA}|x|Ada|7", f"2|{BOB}||Bob|8"), ()),
    "a note of two lines": (
        table("phone|name|order|note", f'{ADA}|Ada|7|"a\nb"', f"{BOB}|Bob|8|"),
        (),
    ),
    "spaced numbers": (table(PLAIN[0], "+65 9123 4567|Ada|7", "(+65) 9123-4568|Bob|8"), ()),
    "numbers with 00": (table(PLAIN[0], "006591234567|Ada|7", "0065 9123 4568|Bob|8"), ()),
    "numbers without +": (table(PLAIN[0], "6591234567|Ada|7", "65 9123 4568|Bob|8"), ()),
    "local numbers": (table(PLAIN[0], "9123 4567|Ada|7", "91234568|Bob|8"), ("--country", "SG")),
    "numbers as text": (table(PLAIN[0], f"'{ADA}|Ada|7", f'"=""{BOB}"""|Bob|8'), ()),
    "full-width numbers": (
        table(
            PLAIN[0],
            "\uff0b\uff16\uff15\uff19\uff11\uff12\uff13\uff14\uff15\uff16\uff17|Ada|7",
            f"{BOB}|Bob|8",
        ),
        (),
    ),
    "marks of direction": (
        table(PLAIN[0], f"\u202a{ADA}\u202c|Ada|7", f"\u2066{BOB}\u2069|Bob|8"),
        (),
    ),
    "ideographic spaces": (
        table(PLAIN[0], "+65\u30009123\u30004567|Ada|7", f"{BOB}\u3000|Bob|8"),
        (),
    ),
    "zero-width spaces": (table(PLAIN[0], f"\u200b{ADA}|Ada|7", f"{BOB}\ufeff|Bob|8"), ()),
    "soft hyphens": (table(PLAIN[0], "+65\xad9123\xad4567|Ada|7", f"{BOB}|Bob|8"), ()),
    "tel links": (table(PLAIN[0], f"tel:{ADA}|Ada|7", f"TEL:{BOB}|Bob|8"), ()),
    "typographic dashes": (
        table(PLAIN[0], "+65\u20139123\u20134567|Ada|7", "+65\u20119123\u20114568|Bob|8"),
        (),
    ),
    "another column": (table("mobile|name|order", *PLAIN[1:]), ("--to-column", "mobile")),
    "a column with blanks": (
        table("Mobile No.|First name|Order #", *PLAIN[1:]),
        ("--to-column", "mobile no.", "--param", "name=First name", "--param", "order=order #"),
    ),
    "Chinese header": (
        table("电话|名字|订单", *PLAIN[1:]),
        ("--to-column", "电话", "--param", "name=名字", "--param", "order=订单"),
    ),
    "cp1252": (
        "phone,prénom,order\n".encode("cp1252") + table(*PLAIN[1:]),
        ("--encoding", "cp1252", "--param", "name=prénom"),
    ),
    "shift_jis": (
        "phone,名前,order\n".encode("shift_jis") + table(*PLAIN[1:]),
        ("--encoding", "shift_jis", "--param", "name=名前"),
    ),
    "JSON lines": ("\n".join(map(json.dumps, OBJECTS)).encode(), ()),
    "JSON lines with a mark": (
        b"\xef\xbb\xbf" + "\r\n".join(map(json.dumps, OBJECTS)).encode(),
        (),
    ),
    "JSON array": (json.dumps(OBJECTS).encode(), ()),
    "indented JSON array": (json.dumps(OBJECTS, indent=2).encode(), ()),
    "JSON with inner objects": (
        json.dumps([{**each, "address": {"city": "x"}, "tags": []} for each in OBJECTS]).encode(),
        (),
    ),
    "JSON numbers": (
        json.dumps([{**each, "phone": int(str(each["phone"])[1:])} for each in OBJECTS]).encode(),
        (),
    ),
    "keys in another order": (
        (
            b'{"order": 7, "name": "Ada", "phone": "+6591234567"}\n'
            b'{"phone": "+6591234568", "order": 8, "name": "Bob"}'
        ),
        (),
    ),
}
"""Lists that are sent, each with the options that it needs."""


@pytest.mark.parametrize("name", GOOD)
def test_they_are_sent(engagelab: Engagelab, tmp_path: Path, name: str, shop: Sandbox) -> None:
    """As a person would read them."""
    content, options = GOOD[name]
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    origin = shop.otp_base_url.removesuffix("/otp")

    ran = engagelab("sms", "bulk", str(path), "--template", "order", *options, "--sandbox", origin)

    assert SENT == {(each.recipient, each.text) for each in shop.messages}, ran.err
    assert 0 == ran.exit_code


BAD: dict[str, tuple[bytes, str]] = {
    "a workbook": (b"PK\x03\x04....", "save the sheet as CSV"),
    "an old workbook": (b"\xd0\xcf\x11\xe0....", "save the sheet as CSV"),
    "a web page": (b"<html><table>", "save the table as CSV"),
    "a PDF": (b"%PDF-1.7", "save the table as CSV"),
    "nothing": (b"", "it is empty"),
    "blanks": (b"\n \n\t\n", "it is empty"),
    "cp1252": ("phone,name,order\n+6591234567,José,7\n".encode("cp1252"), "--encoding cp1252"),
    "half a gzip": (gzip.compress(table(*PLAIN) * 99, mtime=0)[:-9], "is it whole?"),
    "no header": (table(*PLAIN[1:]), "it has no column 'phone', but …, …, …"),
    "two of a name": (
        table("phone|name|name|order", f"{ADA}|Ada|A|7"),
        "two columns have one name",
    ),
    "an open quote": (table(PLAIN[0], f'{ADA}|"Ada|7', PLAIN[2]), "lines 2 to 3 are one row"),
    "a row too short": (table(PLAIN[0], f"{ADA}|Ada"), "line 2: 2 fields instead of 3"),
    "a row too long": (table(PLAIN[0], f"{ADA}|Ada|7|x"), "line 2: 4 fields instead of 3"),
    "a rounded number": (table(PLAIN[0], "6.59E+09|Ada|7"), "a spreadsheet has rounded the number"),
    "a fraction": (table(PLAIN[0], "6591234567.0|Ada|7"), "a decimal fraction"),
    "a local number": (table(PLAIN[0], "9123 4567|Ada|7"), "no country code, or is too short"),
    "a trunk prefix": (table(PLAIN[0], "09123 4567|Ada|7"), "begins with 0"),
    "two numbers": (table(PLAIN[0], f"{ADA} / {BOB}|Ada|7"), "write a single number"),
    "an extension": (table(PLAIN[0], f"{ADA} ext. 12|Ada|7"), "leave out the extension"),
    "an address": (table(PLAIN[0], "ada@example.com|Ada|7"), "not a phone number"),
    "a NUL": (table(PLAIN[0], f"{ADA}|A\0da|7"), "name: holds U+0000"),
    "a control character": (table(PLAIN[0], f"{ADA}|A\x1bda|7"), "name: holds U+001B"),
    "a lost letter": (table(PLAIN[0], f"{ADA}|Jos\ufffd|7"), "a letter was lost"),
    "an invisible value": (table(PLAIN[0], f"{ADA}|\u200b|7"), "U+200B ZERO WIDTH SPACE"),
    "an empty value": (table(PLAIN[0], f"{ADA}||7"), "line 2: name: empty"),
    "a null": (b'{"phone": "+6591234567", "name": null, "order": 7}\n', "name: missing"),
    "a JSON float": (b'{"phone": "+6591234567", "name": "Ada", "order": 7.5}\n', "order: neither"),
    "half a JSON": (b'[{"phone": "+6591234567", "name": "A', "it is not JSON"),
    "JSON of lists": (b'[["+6591234567", "Ada"]]', "it holds no JSON object"),
}
"""Lists that are refused, each with what is said."""


@pytest.mark.parametrize("name", BAD)
def test_others_are_explained(
    engagelab: Engagelab, tmp_path: Path, name: str, shop: Sandbox
) -> None:
    """With the line where there is one, and without any value; nothing is sent."""
    content, reason = BAD[name]
    path = tmp_path / "people.csv"
    path.write_bytes(content)
    origin = shop.otp_base_url.removesuffix("/otp")

    ran = engagelab("sms", "bulk", str(path), "--template", "order", "--sandbox", origin)

    assert (2, 0) == (ran.exit_code, len(shop.messages))
    assert reason in ran.err
    assert not any(secret in ran.seen for secret in ("91234567", "9123 4567", "Ada", "Jos"))
