"""Lists as people have them: each is read rightly, or refused with what to do about it.

A case is what a program wrote, what it is read with, and what is sent: pairs of a number and a
name, or a part of the reason why a row, or all of the list, is refused.
"""

import gzip
import io
from typing import Any

import pytest

from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.lists import BadRow, PeopleList
from engagelab_async.bulk.numbers import normalize_recipient

ADA = ("+6591234567", "Ada")
BOB = ("+6591234568", "Bob")
Expected = list[tuple[str, str] | str] | str


def sent(content: bytes | str, **options: Any) -> Expected:  # noqa: ANN401 - of several types
    """Read a list as a bulk send does."""
    data = content if isinstance(content, bytes) else content.encode()
    country = options.pop("country", None)
    names = options.pop("columns", ("phone", "name"))
    try:
        people = PeopleList(io.BytesIO(data), "people", **options)
        to, name = map(people.require, names)
    except ListError as error:
        return str(error)
    found: list[tuple[str, str] | str] = []
    try:
        for row in people:
            picked = row if isinstance(row, BadRow) else row.pick(to, name)
            if isinstance(picked, BadRow):
                found.append(picked.reason)
                continue
            try:
                found.append((normalize_recipient(picked[to], country), picked[name]))
            except ValueError as error:
                found.append(str(error))
    except ListError as error:
        return str(error)
    return found


NO_NUMBER = "not a phone number with its country code"
TOO_SHORT = "has no country code, or is too short for it"
NO_COLUMN = "it has no column 'phone', but "

CASES: list[tuple[str, bytes | str, dict[str, Any], Expected]] = [
    # Spreadsheets
    ("Excel, CSV UTF-8", "\ufeffphone,name\r\n+6591234567,Ada\r\n", {}, [ADA]),
    ("Excel, German", "phone;name\r\n6591234567;Ada\r\n", {}, [ADA]),
    (
        "Excel, German, ANSI",
        "phone;name\r\n6591234567;Jürgen\r\n".encode("cp1252"),
        {},
        ["not UTF-8; if a spreadsheet wrote it, see --encoding cp1252"],
    ),
    (
        "Excel, German, ANSI, as it is",
        "phone;name\r\n6591234567;Jürgen €\r\n".encode("cp1252"),
        {"encoding": "cp1252"},
        [("+6591234567", "Jürgen €")],
    ),
    (
        "Excel, header in ANSI",
        "phone;name;straße\r\n6591234567;Ada;x\r\n".encode("cp1252"),
        {},
        "see --encoding cp1252",
    ),
    (
        "Excel, Unicode text",
        "phone\tname\r\n6591234567\tZoë\r\n".encode("utf-16"),
        {},
        [("+6591234567", "Zoë")],
    ),
    (
        "Excel, Russian",
        "phone;name\r\n6591234567;Ада\r\n".encode("cp1251"),
        {"encoding": "cp1251"},
        [("+6591234567", "Ада")],
    ),
    (
        "Excel, Japanese",
        "phone,name\r\n6591234567,愛\r\n".encode("cp932"),
        {"encoding": "cp932"},
        [("+6591234567", "愛")],
    ),
    ("Excel, with its separator", "sep=;\r\nphone;name\r\n+6591234567;Ada\r\n", {}, [ADA]),
    ("Excel, spare columns", "phone,name,,,\r\n+6591234567,Ada,,,\r\n,,,,\r\n", {}, [ADA]),
    ("Excel, deleted column that holds something", "phone,name,\n+6591234567,Ada,x\n", {}, ["3 f"]),
    ("Excel, rounded", "phone,name\n6.59E+09,Ada\n", {}, ["a spreadsheet has rounded"]),
    ("Excel, rounded, German", "phone;name\n6,59123E+09;Ada\n", {}, ["a spreadsheet has rounded"]),
    ("Excel, as decimals", "phone,name\n6591234567.0,Ada\n", {}, ["a decimal fraction"]),
    ("Excel, plus is lost", "phone,name\n6591234567,Ada\n", {}, [ADA]),
    ("Excel, zero is lost", "phone,name\n7911123456,Ada\n", {}, [TOO_SHORT]),
    (
        "Excel, zero is lost, of a country",
        "phone,name\n7911123456,Ada\n",
        {"country": "GB"},
        [("+447911123456", "Ada")],
    ),
    ("Excel, text by apostrophe", "phone,name\n'+6591234567,Ada\n", {}, [ADA]),
    ("Excel, text by formula", 'phone,name\n"=""+6591234567""",Ada\n', {}, [ADA]),
    (
        "Excel, an error",
        "phone,name\n#NAME?,Ada\n+6591234568,Bob\n",
        {},
        ["phone: holds a placeholder", BOB],
    ),
    (
        "Excel, an error in a name",
        "phone,name\n+6591234567,#N/A\n",
        {},
        ["name: holds a placeholder"],
    ),
    ("Excel, overflow", "phone,name\n########,Ada\n", {}, ["phone: holds a placeholder"]),
    ("Excel, workbook", b"PK\x03\x04rest", {}, "save the sheet as CSV, UTF-8"),
    ("Excel, old workbook", b"\xd0\xcf\x11\xe0rest", {}, "save the sheet as CSV, UTF-8"),
    ("Excel, web archive", "<html><table>", {}, "it is HTML or XML"),
    ("decimal commas", "phone;name;sum\n6591234567;Ada;12,50\n", {}, [ADA]),
    ("decimal commas, unquoted", "phone,name,sum\n6591234567,Ada,12,50\n", {}, ["4 fields inst"]),
    ("total row", "phone,name\n+6591234567,Ada\nTotal,1\n", {}, [ADA, NO_NUMBER]),
    ("empty rows", "phone,name\n\n+6591234567,Ada\n,\n  \n+6591234568,Bob\n\n", {}, [ADA, BOB]),
    ("title row", "Customers 2026,\nphone,name\n+6591234567,Ada\n", {}, NO_COLUMN),
    (
        "line break in a header",
        '"Phone\nNo.",name\n+6591234567,Ada\n',
        {"columns": ("Phone No.", "name")},
        [ADA],
    ),
    ("line break in an address", 'phone,name,address\n+6591234567,Ada,"1 Main St\nX"\n', {}, [ADA]),
    (
        "line break in a name",
        'phone,name\n+6591234567,"Ada\nL."\n',
        {},
        ["name: spans lines 2 to 3"],
    ),
    ("header with spaces", " phone , name \n+6591234567,Ada\n", {}, [ADA]),
    (
        "header with no-break space",
        "phone\u00a0no,name\n+6591234567,Ada\n",
        {"columns": ("phone no", "name")},
        [ADA],
    ),
    ("header twice", "phone,name,phone\n1,2,3\n", {}, "two columns have one name: phone, phone; r"),
    ("header in capitals", "PHONE,NAME\n+6591234567,Ada\n", {}, [ADA]),
    ("no header", "+6591234567,Ada\n+6591234568,Bob\n", {}, NO_COLUMN + "…"),
    (
        "Numbers on macOS, NFD",
        "phone,pre\u0301nom\n+6591234567,Zoe\u0308\n",
        {"columns": ("phone", "prénom")},
        [("+6591234567", "Zoë")],
    ),
    ("old Mac line ends", "phone,name\r+6591234567,Ada\r+6591234568,Bob", {}, [ADA, BOB]),
    ("mixed line ends", "phone,name\r\n+6591234567,Ada\n+6591234568,Bob\r", {}, [ADA, BOB]),
    ("Google Sheets, TSV", "phone\tname\n+6591234567\tAda\n", {}, [ADA]),
    # Databases and shells
    (
        "psql, aligned",
        "   phone     | name \n-------------+------\n +6591234567 | Ada\n(1 row)\n",
        {},
        ["1 fields", ADA, "1 fields"],
    ),
    (
        "mysql, batch",
        "phone\tname\n6591234567\tAda\n6591234568\tNULL\n",
        {},
        [ADA, "name: holds a placeholder of a missing value"],
    ),
    ("COPY of PostgreSQL", "phone\tname\n+6591234567\t\\N\n", {}, ["name: holds a placeholder"]),
    (
        "mysql, single quotes",
        "'phone','name'\n'6591234567','Ada'\n",
        {},
        "its fields are in single quotes",
    ),
    ("sqlite, pipes", "phone|name\n+6591234567|Ada\n", {}, [ADA]),
    ("SQLite file", b"SQLite format 3\0rest", {}, "it is a database"),
    ("pandas, with its index", ",phone,name\n0,+6591234567,Ada\n", {}, [ADA]),
    (
        "pandas, floats and a gap",
        "phone,name\n6591234567.0,Ada\n,Bob\n",
        {},
        ["a decimal fraction", "phone: empty"],
    ),
    (
        "pandas, records",
        '[{"phone":6591234567,"name":"Ada"},{"phone":null,"name":"Bob"}]',
        {},
        [ADA, "phone: missing"],
    ),
    (
        "pandas, floats in records",
        '[{"phone":6591234567.0,"name":"Ada"}]',
        {},
        ["phone: neither a string nor an integer"],
    ),
    ("jq, compact", '{"phone":"+6591234567","name":"Ada"}\n', {}, [ADA]),
    (
        "jq, pretty",
        '{\n  "phone": "+6591234567",\n  "name": "Ada"\n}\n',
        {},
        "write one in each line, or an array",
    ),
    (
        "jq, array, pretty",
        '[\n  {\n    "phone": "+6591234567",\n    "name": "Ada"\n  }\n]\n',
        {},
        [ADA],
    ),
    (
        "an API's answer",
        '{"data": [{"phone": "+6591234567", "name": "Ada"}]}',
        {},
        NO_COLUMN + "data",
    ),
    ("gzip", gzip.compress(b"phone,name\n+6591234567,Ada\n", mtime=0), {}, [ADA]),
    (
        "gzip, cut off",
        gzip.compress(b"phone,name\n+6591234567,Ada\n" * 9, mtime=0)[:-9],
        {},
        "is it whole?",
    ),
    ("xz", b"\xfd7zXZ\0rest", {}, "decompress it, or use gzip"),
    ("blank after comma, quotes", 'phone, name\n"+6591234567", "Ada"\n', {}, [ADA]),
    (
        "quotes by backslash",
        'phone,name\n+6591234567,"Ada \\"X\\" L."\n+6591234568,Bob\n',
        {},
        ["its quotes do not close", BOB],
    ),
    ("an inch in a field", 'phone,name\n+6591234567,TV 32"\n', {}, [("+6591234567", 'TV 32"')]),
    ("NUL", "phone,name\n+6591234567,A\0da\n", {}, ["name: holds U+0000 CONTROL CHARACTER"]),
    (
        "NULs after all",
        "phone,name\n+6591234567,Ada\n" + "\0" * 100,
        {},
        [ADA, "1 fields instead of 2"],
    ),
    ("UTF-16 without a mark", "phone,name\n".encode("utf-16-le"), {}, "see --encoding utf-16-le"),
    (
        "converted with loss",
        "phone,name\n+6591234567,Jos\ufffd\n",
        {},
        ["name: holds U+FFFD REPLACEMENT"],
    ),
    # Phones, address books and people
    ("vCards", "BEGIN:VCARD\nTEL:+6591234567\nEND:VCARD\n", {}, "it is a file of vCards"),
    (
        "Google Contacts",
        "First Name,Phone 1 - Value\nAda,+65 9123 4567\nBob,+65 9123 4568 ::: +65 9123 4569\n",
        {"columns": ("Phone 1 - Value", "First Name")},
        [ADA, NO_NUMBER + "; write a single number"],
    ),
    (
        "iOS, marks of direction",
        "phone,name\n\u202a+65 9123 4567\u202c,Ada\n\u2066+6591234568\u2069,Bob\n",
        {},
        [ADA, BOB],
    ),
    ("Word, no-break hyphens", "phone,name\n+65\u00a09123\u20114567,Ada\n", {}, [ADA]),
    ("zero-width spaces", "phone,name\n\u200b+6591234567\u200b,Ada\n", {}, [ADA]),
    (
        "full width",
        "phone,name\n\uff0b\uff16\uff15\u3000\uff19\uff11\uff12\uff13\uff0d\uff14\uff15\uff16\uff17,Ada\n",
        {},
        [ADA],
    ),
    (
        "Arabic-Indic digits",
        "phone,name\n+\u0666\u0665\u0669\u0661\u0662\u0663\u0664\u0665\u0666\u0667,Ada\n",
        {},
        [NO_NUMBER + "; write the digits 0 to 9"],
    ),
    ("brackets and dots", "phone,name\n(+65) 9123.4567,Ada\n[65] 9123 4568,Bob\n", {}, [ADA, BOB]),
    ("a URI", "phone,name\ntel:+65-9123-4567,Ada\n", {}, [ADA]),
    (
        "an extension",
        "phone,name\n+65 6123 4567 ext 12,Ada\n+65 6123 4567-8,Bob\n",
        {},
        [NO_NUMBER + "; leave out the extension", "ends in a single digit"],
    ),
    (
        "two numbers",
        'phone,name\n+6591234567/8,Ada\n"+6591234567, +6591234568",Bob\n',
        {},
        [NO_NUMBER + "; write a single number", NO_NUMBER + "; write a single number"],
    ),
    ("the zero of home", "phone,name\n+44 (0)7911 123456,Ada\n", {}, ["leave out the (0)"]),
    ("local numbers", "phone,name\n9123 4567,Ada\n", {}, [TOO_SHORT]),
    (
        "local numbers, of a country",
        "phone,name\n9123 4567,Ada\n6591234568,Bob\n",
        {"country": "SG"},
        [ADA, BOB],
    ),
    (
        "local and foreign ones",
        "phone,name\n9123 4567,Ada\n+60 12-345 6789,Eve\n",
        {"country": "SG"},
        [ADA, ("+60123456789", "Eve")],
    ),
    (
        "email addresses",
        "phone,name\n Ada@Example.com ,Ada\nbob@example,Bob\n",
        {},
        [("Ada@Example.com", "Ada"), "not an email address"],
    ),
    (
        "an address with a name",
        'phone,name\n"Ada <ada@example.com>",Ada\n',
        {},
        ["not an email address"],
    ),
    (
        "an invisible character in an address",
        "phone,name\nada\u200b@example.com,Ada\n",
        {},
        ["it holds U+200B ZERO WIDTH SPACE"],
    ),
    (
        "a name that cannot be seen",
        "phone,name\n+6591234567,\u200b\n",
        {},
        ["name: empty: it holds only U+200B"],
    ),
    ("one column", "phone,name\n+6591234567\n", {}, ["1 fields instead of 2"]),
    (
        "semicolons, given",
        "phone, mobile;name\n6591234567;Ada\n",
        {"delimiter": ";", "columns": ("phone, mobile", "name")},
        [ADA],
    ),
    ("no file", b"", {}, "it is empty"),
    ("a formula", "phone,name\n+6591234567,=A2&B2\n", {}, ["name: holds a formula"]),
    ("a link", 'phone,name\n+6591234567,"=HYPERLINK(""x"")"\n', {}, ["name: holds a formula"]),
    (
        "a rounded order",
        "phone,name\n+6591234567,1.23E+15\n",
        {},
        ["name: a spreadsheet has rounded"],
    ),
    ("a variable", "phone,name\n+6591234567,{{ name }}\n", {}, ["name: holds a variable"]),
    (
        "letters converted twice",
        "phone,name\n+6591234567,JosÃ©\n",
        {},
        ["name: holds letters that"],
    ),
    (
        "an apostrophe converted twice",
        "phone,name\n+6591234567,Oâ€™Neil\n",
        {},
        ["name: holds lett"],
    ),
    ("a number as text", "phone,name\n+6591234567,'0042\n", {}, [("+6591234567", "0042")]),
    ("a guarded text", "phone,name\n+6591234567,'+1 coupon\n", {}, [("+6591234567", "+1 coupon")]),
    ("bytes after a header", b"phone,n\xe9\n1,2\n", {}, "not UTF-8"),
    ("torn quotes", 'phone,"na"me\n1,2\n', {}, "its first line is no header: its quotes do not"),
    ("a DOS file", "phone,name\n+6591234567,Ada\n\x1a", {}, [ADA]),
    (
        "a header in torn quotes",
        '"phone" , "name"\n+6591234567,Ada\n',
        {},
        "its quotes do not close",
    ),
    (
        "a title above",
        "Customers 2026-11-29\nphone,name\n1,2\n",
        {},
        "its first line must name the col",
    ),
    ("fixed width", "phone       name\n+6591234567 Ada\n", {}, "--param, or --delimiter"),
    (
        "two arrays",
        '[{"phone":"+6591234567","name":"Ada"}]\n[{"phone":"1"}]\n',
        {},
        "it goes on behind the array, in line 1",
    ),
    (
        "an array and more",
        '[{"phone":"+6591234567","name":"Ada"}]\nDone.\n',
        {},
        "it goes on behind",
    ),
    ("a key twice", '{"phone":"1","phone":"2"}\n', {}, "(line 1: two keys have one name)"),
    # Files given by mistake
    ("empty zip archive", b"PK\x05\x06" + bytes(18), {}, "it is a workbook or a zip archive"),
    ("7-Zip", b"7z\xbc\xaf\x27\x1c\0\4rest", {}, "it is an archive; extract the list"),
    ("RAR", b"Rar!\x1a\x07\0rest", {}, "it is an archive; extract the list"),
    ("LZ4", b"\x04\x22\x4d\x18rest", {}, "compressed with lz4; decompress it, or use gzip"),
    ("an image, as cp1252", b"\x89PNG\r\n\x1a\n", {"encoding": "cp1252"}, "it is an image"),
    ("a photo", b"\xff\xd8\xff\xe0\0\x10JFIF", {}, "it is an image"),
    ("a pickle", b"\x80\x04\x95\x10\0\0\0\0\x8c\x05phone\x94", {}, "it is not a text; export the"),
    ("a pickle in ASCII", b"(lp0\n(dp1\nVphone\np2\nV+6591234567\np3\nsa.", {}, "it is a pickle"),
    ("a pickle of a dict in ASCII", b"(dp0\nVphone\np1\nV1\np2\ns.", {}, "it is a pickle"),
    ("vCards, below a blank line", "\r\nbegin:vcard\r\n", {}, "it is a file of vCards"),
    ("vCards in UTF-16", "BEGIN:VCARD\r\n".encode("utf-16"), {}, "it is a file of vCards"),
    ("a web page in UTF-16", "\n<!doctype html>".encode("utf-16"), {}, "it is HTML or XML"),
    # Encodings
    (
        "UTF-32 without a mark",
        "phone,name\n+6591234567,Ada\n".encode("utf-32-le"),
        {},
        "it seems to be UTF-32; see --encoding utf-32-le",
    ),
    (
        "UTF-32 without a mark, big-endian",
        "phone,name\n".encode("utf-32-be"),
        {},
        "see --encoding utf-32-be",
    ),
    (
        "UTF-32 without a mark, given",
        "phone,name\n+6591234567,Ada\n".encode("utf-32-le"),
        {"encoding": "utf-32"},
        [ADA],
    ),
    (
        "UTF-32 without a mark, big-endian, given",
        "phone,name\n+6591234567,Ada\n".encode("utf-32-be"),
        {"encoding": "utf-32"},
        [ADA],
    ),
    (
        "UTF-8, as GB 18030",
        "phone,name\n+6591234567,José\n+6591234568,Zoë Müller-Özç\n",
        {"encoding": "gb18030"},
        "it is UTF-8, and not gb18030; leave out --encoding",
    ),
    (
        "UTF-8 of one letter, as Big5",
        "phone,name\n+6591234567,José\n",
        {"encoding": "big5"},
        "it is UTF-8, and not big5; leave out --encoding",
    ),
    (
        "UTF-8, as Shift JIS",
        "phone,名前,name\n+6591234567,愛子さん,x\n",
        {"encoding": "shift_jis"},
        "it is UTF-8, and not shift_jis; leave out --encoding",
    ),
    (
        "UTF-8, as code page 437",
        "phone,name\n+6591234567,Ада Лавлейс\n",
        {"encoding": "cp437"},
        "it is UTF-8, and not cp437; leave out --encoding",
    ),
    (
        "GB 18030 that could be UTF-8",
        "phone,name\n+6591234567,学\n".encode("gb18030"),
        {"encoding": "gb18030"},
        [("+6591234567", "学")],
    ),
    (
        "GBK that could be UTF-8, often",
        b"phone,name\n" + "+6591234567,女士\n".encode("gbk") * 6,
        {"encoding": "gbk"},
        [("+6591234567", "女士")] * 6,
    ),
    (
        "GBK that could be UTF-8, in a Latin word",
        "phone,name\n+6591234567,Mary女士\n+6591234568,女Mary\n".encode("gbk"),
        {"encoding": "gbk"},
        [("+6591234567", "Mary女士"), ("+6591234568", "女Mary")],
    ),
    (
        "code page 866 that could be UTF-8, often",
        b"phone,name\n" + "+6591234567,том\n".encode("cp866") * 6,
        {"encoding": "cp866"},
        [("+6591234567", "том")] * 6,
    ),
    (
        "Mac Roman that could be UTF-8",
        "phone,name\n+6591234567,l\u2019école\n".encode("mac-roman"),
        {"encoding": "mac-roman"},
        [("+6591234567", "l\u2019école")],
    ),
    (
        "UTF-8 of one name, as GBK",
        "phone,name\n+6591234567,王伟\n",
        {"encoding": "gbk"},
        "it is UTF-8, and not gbk; leave out --encoding (if it is gbk, convert it to UTF-8)",
    ),
    (
        "UTF-8 of one character, as Shift JIS",
        "phone,name\n+6591234567,愛\n",
        {"encoding": "shift_jis"},
        "it is UTF-8, and not shift_jis; leave out --encoding",
    ),
    (
        "UTF-8 of one Cyrillic name, as code page 1252",
        "phone,name\n+6591234567,Ада\n",
        {"encoding": "cp1252"},
        "it is UTF-8, and not cp1252; leave out --encoding",
    ),
    (
        "ISO-2022-JP",
        "phone,name\n+6591234567,愛\n".encode("iso2022_jp"),
        {"encoding": "iso2022_jp"},
        [("+6591234567", "愛")],
    ),
    ("EBCDIC", "phone,name\n+6591234567,Ada\n".encode("cp500"), {"encoding": "cp500"}, [ADA]),
    # Headers
    ("header as formulas", '="phone",="name"\n="+6591234567",Ada\n', {}, [ADA]),
    (
        "header in title case",
        "Phone,Name\n+6591234567,Ada\n",
        {"columns": ("phone", "NAME")},
        [ADA],
    ),
    (
        "two columns that differ in case",
        "Phone,PHONE,name\n1,2,Ada\n",
        {},
        NO_COLUMN + "Phone, PHONE, name",
    ),
    (
        "a table's name above",
        "Table 1\n\nphone,name\n+6591234567,Ada\n",
        {},
        "but Table 1; see --to-column and --param, or --delimiter; its first line must name",
    ),
    (
        "a header that is too long",
        "phone,name," + "x" * 200_000 + "\n1,2,3\n",
        {},
        "its first line is no header: a field is longer than 131,072 characters",
    ),
    # JSON
    (
        "JSON lines with commas",
        '{"phone":"+6591234567","name":"Ada"},\n{"phone":"+6591234568","name":"Bob"},\n',
        {},
        [ADA, BOB],
    ),
    (
        "JSON lines of two files",
        '{"phone":"+6591234567","name":"Ada"}\n\ufeff{"phone":"+6591234568","name":"Bob"}\n',
        {},
        [ADA, BOB],
    ),
    (
        "JSON lines among white space",
        (
            '\u00a0\n{"phone":"+6591234567","name":"Ada"}\u00a0\n\x0c\u3000\x1c{"phone":"+6591234568",'
            '"name":"Bob"}\x0b,\u2028\x1e\n\x85\n'
        ),
        {},
        [ADA, BOB],
    ),
    (
        "JSON lines, two in a line",
        '{"phone":"+6591234567","name":"Ada"}{"phone":"+6591234568","name":"Bob"}\n',
        {},
        "(line 1: not JSON); write one in each line",
    ),
    (
        "Python's own notation",
        "{'phone': '+6591234567', 'name': None}\n",
        {},
        "(line 1: not JSON)",
    ),
    (
        "JSON of numbers by name",
        '{"+6591234567": {"name": "Ada"}}\n',
        {},
        NO_COLUMN + "…",
    ),
    (
        "JSON with inner objects",
        '[{"phone":{"mobile":"+6591234567"},"name":"Ada"},{"phone":["+6591234568"],"name":"Bob"}]',
        {},
        ["phone: neither a string nor an integer; write it as a string"] * 2,
    ),
    # Numbers
    ("a link of Facebook", "phone,name\np:+6591234567,Ada\n", {}, [NO_NUMBER + "; write only the"]),
    (
        "a link of WhatsApp",
        "phone,name\nhttps://wa.me/6591234567,Ada\n",
        {},
        ["; write only the num"],
    ),
    ("a note", "phone,name\n+65 9123 4567 (mobile),Ada\n", {}, ["; write only the number"]),
    ("a formula of numbers", "phone,name\n=+6591234567,Ada\n", {}, ["; write only the number"]),
    (
        "two numbers and a blank",
        "phone,name\n6591234567 6591234568,Ada\n",
        {},
        ["; write a single"],
    ),
    ("a short code", "phone,name\n12345,Ada\n", {}, [NO_NUMBER + "; it is too short"]),
    (
        "rounded, by other programs",
        "phone,name\n+6591234567,1.23E+9\n+6591234568,1e+16\n",
        {},
        ["name: a spreadsheet has rounded"] * 2,
    ),
    (
        "dialled from abroad",
        "phone,name\n0011 44 7911 123456,Ada\n001 44 7911 123456,Bob\n",
        {},
        ["is no number of North America"] * 2,
    ),
    (
        "dialled from Australia",
        "phone,name\n0011 44 7911 123456,Ada\n",
        {"country": "AU"},
        [("+447911123456", "Ada")],
    ),
]


@pytest.mark.parametrize(
    ("content", "options", "expected"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_a_list(content: bytes | str, options: dict[str, Any], expected: Expected) -> None:
    """It is sent to whom its owner meant, or nothing is sent."""
    found = sent(content, **options)

    if isinstance(expected, str):
        assert isinstance(found, str)
        assert expected in found
        return
    assert len(expected) == len(found)
    for wanted, each in zip(expected, found, strict=True):
        assert wanted == each or (isinstance(wanted, str) and wanted in each)
        # No value is quoted.
        assert isinstance(wanted, tuple) or "91234" not in each


@pytest.mark.parametrize(
    "value",
    [
        "#NUM!",
        "#SPILL!",
        "#NV",
        "#WERT!",
        "#NOM?",
        "#¡VALOR!",
        "#\u041d/\u0414",
        "#ИМЯ?",
        "#N/D",
        "#DIV/0!",
        "#####",
        "Err:508",
        "null",
        "(null)",
        "<null>",
        "None",
        "NaT",
        "undefined",
        "#N/A N/A",
        "[object Object]",
    ],
)
def test_a_placeholder(value: str) -> None:
    """Nobody gets what a program or a spreadsheet wrote for what is missing."""
    found = sent(f"phone,name\n+6591234567,{value}\n")

    assert ["name: holds a placeholder of a missing value"] == found


@pytest.mark.parametrize(
    "value",
    [
        "Null",
        "NA",
        "#1",
        "#sale!",
        "=)",
        "=1+1",
        "=Ada",
        "1e5",
        "-7",
        "2026-01-31",
        "IRMÃ®",
        "{x}",
        "{{",
        "'n",
        "€",
        "12.50%",
        "007",
        "None of them",
        "'t Hooft",
        "S/N",
        "Order #7!",
    ],
)
def test_no_placeholder(value: str) -> None:
    """What looks like one, and may be meant, is sent."""
    assert [("+6591234567", value)] == sent(f"phone,name\n+6591234567,{value}\n")
