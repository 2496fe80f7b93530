"""The records of a list, as people's programs write them."""

import gzip
import io
import json
import re
from pathlib import Path

import pytest

from engagelab_async.bulk.content import ListError
from engagelab_async.bulk.lists import BadRow, PeopleList, Row, column_name

ADA = {"phone": "+6591234567", "name": "Ada"}
LIST = "phone,name\n+6591234567,Ada\n+6591234568,Zoë\n"
QUOTES = "its quotes do not close where they should"
NOT_UTF_8 = (
    "not UTF-8; if a spreadsheet wrote it, see --encoding cp1252, or that of its country, such as "
    "gb18030"
)


def people(
    content: bytes | str, encoding: str | None = None, delimiter: str | None = None
) -> PeopleList:
    """Open a list with some content."""
    content = content.encode() if isinstance(content, str) else content
    return PeopleList(io.BytesIO(content), "people.csv", encoding, delimiter)


def values(found: PeopleList) -> list[object]:
    """Read a list: values by column, or the reason of a bad row."""
    return [dict(each.values) if isinstance(each, Row) else each.reason for each in found]


def csv_of(*lines: str, header: str = "phone,name") -> str:
    """Write lines below a header."""
    return "\n".join([header, *lines, ""])


def picked(content: str, *columns: str) -> list[object]:
    """Read some columns of a list."""
    rows = [each.pick(*columns) if isinstance(each, Row) else each for each in people(content)]
    return [each.reason if isinstance(each, BadRow) else each for each in rows]


class TestContent:
    """Bytes to text."""

    @pytest.mark.parametrize("is_zipped", [False, True])
    @pytest.mark.parametrize(
        ("encoding", "given"),
        [
            ("utf-8", None),
            ("utf-8-sig", None),
            ("utf-16", None),
            ("utf-32", None),
            ("utf-16-le", "utf-16-le"),
            ("cp1252", "cp1252"),
            ("cp1252", "Windows-1252"),
            ("utf-8-sig", "cp1252"),
        ],
    )
    def test_is_read_as_often_as_wanted(
        self, encoding: str, given: str | None, is_zipped: bool
    ) -> None:
        """Plain or gzipped, with or without a byte order mark, which counts more than an option."""
        content = LIST.encode(encoding)
        found = people(gzip.compress(content, mtime=0) if is_zipped else content, given)
        expected = [ADA, {"phone": "+6591234568", "name": "Zoë"}]

        assert [expected, expected] == [values(found), values(found)]
        assert ("phone", "name") == found.columns

    def test_may_be_read_twice_at_once(self) -> None:
        """Leaving a list in the middle and beginning again does no harm."""
        found = people(LIST)
        first = next(iter(found))

        assert [first] == list(found)[:1]

    @pytest.mark.parametrize("content", [LIST.encode(), gzip.compress(LIST.encode(), mtime=0)])
    def test_may_be_left_after_the_file_is_closed(self, content: bytes) -> None:
        """A run that was ended may still hold rows to come."""
        with io.BytesIO(content) as file:
            rows = iter(PeopleList(file, "people.csv"))
            next(rows)

        del rows

    def test_has_one_identity(self) -> None:
        """Its digest is that of the content: not of the name, nor of the compression."""
        same = people(gzip.compress(LIST.encode(), mtime=0)).digest

        assert same == people(LIST).digest
        assert same != people(LIST + "\n").digest

    @pytest.mark.parametrize(
        "changed",
        [
            csv_of("+6591234567,Ada", "nobody,Bob"),
            csv_of("+6591234567,Ada", "+6591234568,Zoë", "+6591234569,Bob"),
            LIST + "+6591234567,Ada\n" * 9000,
            LIST[:-1],
            "",
        ],
    )
    def test_that_changes_meanwhile_is_not_read_on(self, changed: str, tmp_path: Path) -> None:
        """What is sent is what was checked: a row that was changed or added is not read."""
        path = tmp_path / "people.csv"
        path.write_bytes(LIST.encode())
        with path.open("rb") as file:
            found = PeopleList(file, "people.csv")
            path.write_bytes(changed.encode())

            with pytest.raises(ListError, match="it was changed meanwhile"):
                next(iter(found))

    def test_that_changes_far_behind_is_read_up_to_there(self, tmp_path: Path) -> None:
        """A large list is compared block by block."""
        path = tmp_path / "people.csv"
        path.write_bytes(csv_of(*["+6591234567,Ada"] * 9000).encode())
        with path.open("rb") as file:
            found = PeopleList(file, "people.csv")
            with path.open("ab") as end:
                end.write(b"+6591234568,Bob\n")
            rows = iter(found)

            assert "+6591234567,Ada" == next(rows).source
            with pytest.raises(ListError, match="it was changed meanwhile"):
                list(rows)

    @pytest.mark.parametrize("damaged", [slice(None, -12), slice(None, 20)])
    def test_of_a_damaged_archive(self, damaged: slice) -> None:
        """A gzipped list that ends early is refused."""
        with pytest.raises(ListError, match="cannot be read to its end"):
            people(gzip.compress(LIST.encode(), mtime=0)[damaged])

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (b"PK\x03\x04rest", "it is a workbook or a zip archive"),
            (b"\xd0\xcf\x11\xe0rest", "it is a workbook"),
            (b"BZh9", "bzip2"),
            (b"\xfd7zXZ\0", "xz"),
            (b"\x28\xb5\x2f\xfd", "zstd"),
            (b"%PDF-1.7", "PDF"),
            (b"SQLite format 3\0", "database"),
            (b"BEGIN:VCARD\nTEL:+65", "vCards"),
            (b"\xef\xbb\xbf<table>", "HTML"),
            ("phone".encode("utf-16-le"), "it seems to be UTF-16; see --encoding utf-16-le"),
            (b"\xff\xfep\x00\x41\xdc\x41\x00\n\0", "not utf-16; see --encoding"),
            ("phone,name\n".encode("utf-16-be"), "it seems to be UTF-16; see --encoding utf-16-be"),
            ("电话,名字\n1,2\n".encode("utf-16-le"), "see --encoding utf-16-le"),
            (gzip.compress(gzip.compress(b"phone\n", mtime=0), mtime=0), "it is compressed twice"),
            (b"PAR1\x15\0", "it is a Parquet file"),
            (rb"{\rtf1 phone}", "it is a rich text document"),
            (b"people.csv".ljust(257, b"\0") + b"ustar", "it is a tar archive"),
            (b"", "it is empty"),
            (b"\xef\xbb\xbf", "it is empty"),
            (b" \n\n", "it is empty"),
            (b"phone,nam\xe9\n1,2\n", NOT_UTF_8),
        ],
    )
    def test_of_another_kind_is_named(self, content: bytes, what: str) -> None:
        """A file of the wrong kind is refused with what to do about it."""
        with pytest.raises(ListError, match=what):
            people(content)

    @pytest.mark.parametrize("encoding", ["nonsense", "rot13", "\0", "undefined", "idna"])
    def test_in_no_encoding(self, encoding: str) -> None:
        """What Python cannot decode a text by is refused."""
        with pytest.raises(ListError, match="--encoding: it is not an encoding"):
            people(LIST, encoding)

    @pytest.mark.parametrize("order", ["le", "be"])
    def test_in_utf_16_without_a_mark(self, order: str) -> None:
        """Its byte order is that of the zeros."""
        assert [ADA] == values(
            people("phone,name\n+6591234567,Ada\n".encode(f"utf-16-{order}"), "utf-16")
        )

    @pytest.mark.parametrize("encoding", ["cp1252", "latin-1", "macroman"])
    def test_in_utf_8_is_not_read_in_another_encoding(self, encoding: str) -> None:
        """José would become JosÃ©."""
        with pytest.raises(ListError, match=r"it is UTF-8, and not .*; leave out --encoding"):
            people(LIST, encoding)

        assert ("phone",) == people("phone\n1\n", encoding).columns


class TestCSV:
    """What spreadsheets and databases write."""

    @pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
    @pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
    def test_of_every_kind(self, delimiter: str, end: str) -> None:
        """The delimiter is found in the header, and any line end is one."""
        lines = [f"phone{delimiter}name", f'+6591234567{delimiter}"Ada"', ""]

        assert [Row(2, ADA, f'+6591234567{delimiter}"Ada"')] == list(people(end.join(lines)))

    @pytest.mark.parametrize(
        ("first", "delimiter", "line"),
        [
            ("sep=;\r\n", ";", 3),
            ("SEP=,\n", ",", 3),
            ('"sep=\t"\n', "\t", 3),
            ("\nsep=|\r", "|", 4),
        ],
    )
    def test_names_its_delimiter(self, first: str, delimiter: str, line: int) -> None:
        """Excel writes it above the header, and the lines are counted with it."""
        found = people(first + f"phone{delimiter}name of them.\n+65{delimiter}Ada\n")

        assert (delimiter, ("phone", "name of them.")) == (found.delimiter, found.columns)
        assert [line] == [row.line for row in found]

    def test_a_note_over_the_limit_is_called_that(self) -> None:
        """Its lines may be many, or its quotes may not close."""
        found = values(people('phone,note\n1,"' + "x\n" * 70_000 + '"\n'))

        assert re.match(r"a field is longer than 131,072 characters, or its quotes", str(found[0]))

    def test_a_delimiter_that_is_named_counts_more_than_the_header(self) -> None:
        """Nor does a header with many commas make it another."""
        assert ("phone", "a, b, c") == people("sep=;\nphone;a, b, c\n1;2\n").columns
        assert ("phone;a", "b, c") == people("sep=;\nphone;a| b, c\n1|2\n", None, "|").columns

    @pytest.mark.parametrize(("given", "found"), [(";", ";"), ("tab", "\t"), ("\\t", "\t")])
    def test_is_given_its_delimiter(self, given: str, found: str) -> None:
        """An option counts more than the header."""
        content = f"phone{found}name, first, last\n+65{found}Ada\n"

        assert ("phone", "name, first, last") == people(content, None, given).columns

    def test_may_be_separated_by_blanks(self) -> None:
        """Where that is asked for."""
        assert [ADA] == values(people("phone name\n+6591234567 Ada\n", delimiter=" "))

    @pytest.mark.parametrize("delimiter", [";;", "a", '"', "\n"])
    def test_with_an_impossible_delimiter(self, delimiter: str) -> None:
        """It is a single character that no field needs."""
        with pytest.raises(ListError, match="--delimiter: must be a single character"):
            people(LIST, None, delimiter)

    def test_delimiters_in_quotes_do_not_count(self) -> None:
        """A header may quote names that hold other delimiters."""
        found = people('"phone, mobile, or both";name\n+6591234567;Ada\n')

        assert ("phone, mobile, or both", "name") == found.columns

    def test_one_column_is_enough(self) -> None:
        """A list of nothing but numbers needs no delimiter."""
        assert [{"phone": "+6591234567"}] == values(people("phone\n+6591234567\n"))

    def test_a_list_that_is_cut_off(self) -> None:
        """Half a character of UTF-16 at the end is no value."""
        with pytest.raises(ListError, match="not utf-16; see --encoding"):
            list(people("phone\n65\n66".encode("utf-16")[:-1]))

    def test_lines_are_counted_as_an_editor_does(self) -> None:
        """Empty rows and line ends in quotes do not put the line numbers wrong."""
        content = csv_of('1,"A\nda"', "", ",", "   ,", "2,Bob")

        assert [Row(2, {"phone": "1", "name": "A\nda"}, '1,"A\nda"')] == list(people(content))[:1]
        assert [2, 7] == [row.line for row in people(content)]

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"1", "1 fields instead of 2"),
            (b"1,2,3", "3 fields instead of 2"),
            (b"1,2,,3,,", "4 fields instead of 2"),
            (b"1,\xff", NOT_UTF_8),
            (b'1,"a"b', QUOTES),
            (b"1," + b"x" * 200_000, "a field is longer than 131,072 characters"),
        ],
    )
    def test_a_bad_row_does_not_hide_the_next(self, line: bytes, reason: str) -> None:
        """What cannot be taken apart is named with its line, and reading goes on."""
        found = list(people(b"phone,name\n" + line + b"\n2,Zo\xc3\xab\n"))

        source = line.decode("utf-8", "surrogateescape")
        assert [BadRow(2, reason, source), Row(3, {"phone": "2", "name": "Zoë"}, "2,Zoë")] == found

    @pytest.mark.parametrize(
        ("lines", "expected"),
        [
            (["1,Ada", '2,"Bob', "", "3,Zoe"], (3, f"{QUOTES}: lines 3 to 5 are one row", 2)),
            (['1,"Ada', '2,"Bob"', "3,Zoe"], (2, f"{QUOTES}: lines 2 to 3 are one row", 2)),
        ],
    )
    def test_a_quote_that_does_not_close(
        self, lines: list[str], expected: tuple[int, str, int]
    ) -> None:
        """What it swallows is named, each line counts as a row, and all are kept as they were."""
        (bad,) = (each for each in people(csv_of(*lines)) if isinstance(each, BadRow))

        assert expected == (bad.line, bad.reason, bad.rows)
        assert bad.source in csv_of(*lines)

    def test_spare_columns_are_left_out(self) -> None:
        """Empty columns at the end, and one without a name, as of a data frame's index."""
        assert [ADA, ADA] == values(
            people("phone,name,,\n+6591234567,Ada,,\n+6591234567,Ada,,,,\n")
        )
        assert [ADA] == values(people(",phone,name\n0,+6591234567,Ada\n"))

    def test_blanks_around_values(self) -> None:
        """A blank before a quote does not make it part of the value; one at the end is dropped."""
        expected = [ADA, {"phone": "1", "name": " Ada"}]

        assert expected == values(people(csv_of('+6591234567, "Ada"', '1," Ada \u3000"')))

    def test_values_are_composed(self) -> None:
        """An accent of its own would double the price of a text."""
        found = people(csv_of("1,Jose\u0301", header="phone,pre\u0301nom"))

        assert [{"phone": "1", "prénom": "José"}] == values(found)
        assert ("phone", "prénom") == (found.require("phone"), found.require("pre\u0301nom"))

    def test_numbers_kept_as_text(self) -> None:
        """The formula by which a spreadsheet is kept from making a text a number goes away."""
        expected = [{"phone": "6591234567", "name": "007"}]

        assert expected == values(people(csv_of('="6591234567","=""007"""')))

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            (",,\n", "its first line is no header"),
            ("\u200b\n1\n", "its first line is no header"),
            ('"a"b,c\n', "its first line is no header"),
            ("sep=;\n", "its first line is no header"),
            ("phone,a,phone\n", "two columns have one name: phone, phone; rename one"),
            ("phone,phone \n", "two columns have one name: phone, phone"),
            ("+6591234567,+6591234567\n", "two columns have one name: …, …"),
            ("'phone','name'\n", "its fields are in single quotes; use double quotes"),
        ],
    )
    def test_what_is_no_list(self, content: str, what: str) -> None:
        """Without a header that can be used, nothing can be; a number in it is not shown."""
        with pytest.raises(ListError, match=what):
            people(content)

    @pytest.mark.parametrize(
        ("name", "header", "found"),
        [
            ("name", "phone,name", "name"),
            ("name", "Name,name", "name"),
            ("name", "phone,Name", "Name"),
            ("NAME", "Name,name", None),
            ("name", "phone", None),
            ("pre\u0301nom", "pr\u00e9nom", "pr\u00e9nom"),
        ],
    )
    def test_columns_are_found(self, name: str, header: str, found: str | None) -> None:
        """By name, in any normalization; in another case if that is unambiguous."""
        assert found == people(f"{header}\n").find(name)

    def test_columns_have_to_be_there(self) -> None:
        """Those that it has are named, unless they seem to be data."""
        with pytest.raises(ListError, match="has no column 'phone', but mobile, name; see --to-c"):
            people("mobile,name\n1,2\n").require("phone")
        with pytest.raises(ListError, match="no column 'phone', but …, …"):
            people("+6591234567,Ada\n").require("phone")


class TestJSON:
    """What programs write."""

    @pytest.mark.parametrize(
        "content",
        [
            '\n{"phone": "+6591234567", "name": "Ada"}\n \n  {"phone": 6591234567, "name": "Ada"}',
            '\n[{"phone": "+6591234567", "name": "Ada"},\n\n{"phone": 6591234567, "name": "Ada"}]',
        ],
    )
    def test_lines_and_arrays(self, content: str) -> None:
        """An object in each line, or all in an array, which may be spread over lines."""
        found = people(content)

        assert [ADA, ADA | {"phone": "6591234567"}] == values(found)
        assert [2, 4] == [row.line for row in found]
        assert ["{", "}"] == [each for row in found for each in (row.source[0], row.source[-1])][:2]
        assert ("json", ("phone", "name")) == (found.form, found.columns)

    def test_a_long_array_is_read_in_pieces(self) -> None:
        """Its elements may be cut anywhere, and one of them may be longer than a piece."""
        documents = [{"n": number, "text": "é" * (number % 977)} for number in range(3000)]
        documents.append({"n": 1, "text": "x" * 300_000})
        found = people(json.dumps(documents, indent=1, ensure_ascii=False).replace("\n", "\r\n"))

        assert [str(each["n"]) for each in documents] == [
            row.values["n"] for row in found if isinstance(row, Row)
        ]
        assert [2 + 4 * number for number in range(3001)] == [row.line for row in found]

    def test_elements_that_are_no_objects(self) -> None:
        """They are bad rows, whatever they are, and the others are read."""
        content = '[{"a": 1}, 5, "x", [1], {"a": 1, "a": 2}, {"a": 1, "a ": 2}, true]'
        no_object, repeated = "not a JSON object", "two keys have one name"

        assert [
            {"a": "1"}, no_object, no_object, no_object, repeated, repeated, no_object
        ] == values(people(content))  # fmt: skip

    @pytest.mark.parametrize(
        ("line", "reason"),
        [
            (b"{", "not JSON"),
            (b"[" * 100_000, "not JSON"),
            (b"[1]", "not a JSON object"),
            (b'{"a": "\xff"}', NOT_UTF_8),
            (b'{"a": 1, "a": 2}', "two keys have one name"),
        ],
    )
    def test_a_bad_line_does_not_hide_the_next(self, line: bytes, reason: str) -> None:
        """What is no object is named with its line, and reading goes on."""
        found = people(b'{"a": 1}\n' + line + b'\n{"a": "\xc3\xab"}\n')

        assert [{"a": "1"}, reason, {"a": "ë"}] == values(found)
        assert [1, 2, 3] == [row.line for row in found]

    @pytest.mark.parametrize(
        ("content", "what"),
        [
            ('[{"a": 1},\n{"a": }]', "it is not JSON from line 2 on"),
            ('[{"a": 1},\n5', "it is not JSON from line 2 on"),
            ('[{"a": 1},\n', "it is not JSON from line 2 on"),
            ("[" * 100_000, "it is not JSON from line 1 on"),
            ("[]", "it holds no JSON object; write one in each line"),
            ('["+6591234567"]', "it holds no JSON object"),
            ('{\n"phone": "1"\n}\n', "it holds no JSON object"),
        ],
    )
    def test_what_is_no_list(self, content: str, what: str) -> None:
        """An array is JSON from its first character to its last."""
        with pytest.raises(ListError, match=what):
            people(content)

    def test_keys_of_any_object_are_columns(self) -> None:
        """The first object need not have them all; what none has is not there."""
        found = people('{"a": 1}\n{"b": null}\n{"c": 1.5}\n')

        assert ["a", "b", "c"] == list(map(found.require, "abc"))
        with pytest.raises(ListError, match="it has no column 'phone', but a, b, c"):
            found.require("phone")


class TestPicking:
    """What a column holds, or why that cannot be sent."""

    @pytest.mark.parametrize(
        ("value", "reason"),
        [
            (None, "missing"),
            ("", "empty"),
            (" \u00a0", "empty"),
            ("\n", "empty"),
            ("\u200b \u200b", "empty: it holds only U+200B ZERO WIDTH SPACE"),
            ("\u3164", "empty: it holds only U+3164 HANGUL FILLER"),
            (True, "neither a string nor an integer"),
            (1.5, "neither a string nor an integer"),
            ("\ud800", "holds half a character"),
            ("A\0", "holds U+0000 CONTROL CHARACTER"),
            ("A\x1bB", "holds U+001B CONTROL CHARACTER"),
            ("\x85\u00e9", "holds U+0085 CONTROL CHARACTER"),
            ("Jos\ufffd", "holds U+FFFD REPLACEMENT CHARACTER: a letter was lost when the file"),
        ],
    )
    def test_what_cannot_be_sent(self, value: object, reason: str) -> None:
        """The column is named, and an invisible character, and nothing else that stands there."""
        (found,) = picked(json.dumps({"phone": "1", "name": value}), "phone", "name")

        assert str(found).startswith(f"name: {reason}")

    def test_what_can_be_sent(self) -> None:
        """Tabs, line breaks in JSON, and joiners within a text."""
        document = {"a": "x\n\ty", "b": "👩\u200d🔬", "c": 7}

        assert [document | {"c": "7"}] == picked(json.dumps(document), "a", "b", "c")

    def test_a_missing_key(self) -> None:
        """One row may lack what others have."""
        assert ["b: missing", {"b": "1"}] == picked('{"a": 1}\n{"b": 1}\n', "b")

    @pytest.mark.parametrize(
        ("lines", "reason"),
        [
            (('1,"Ada', "2,Bob", '3,Zoe"'), "name: spans lines 2 to 4"),
            (('"1', '",Ada'), "phone: spans lines 2 to 3"),
        ],
    )
    def test_what_is_sent_stands_in_one_line(self, lines: tuple[str, ...], reason: str) -> None:
        """Two stray quotes make one text of several people's rows, and each of them counts."""
        row, last = people(csv_of(*lines, "4,Cy"))
        assert isinstance(row, Row)

        assert BadRow(2, reason, "\n".join(lines), len(lines)) == row.pick("phone", "name")
        assert "4,Cy" == last.source

    def test_what_is_not_sent_may_have_lines(self) -> None:
        """An address in a column that is not used is no problem, nor one with a control."""
        content = csv_of('1,Ada,"1 Main St', 'Spring\x00field"', header="phone,name,address")

        assert [{"phone": "1", "name": "Ada"}] == picked(content, "phone", "name")

    def test_a_row_may_be_called_bad(self) -> None:
        """By its user, who knows what a value has to be."""
        assert BadRow(2, "no", "1,Ada") == Row(2, ADA, "1,Ada").bad("no")

    def test_nothing_is_shown(self) -> None:
        """The repr of a row says where it is, not what is in it."""
        assert "Row(line=2)" == repr(Row(2, ADA, "1,Ada"))
        assert "Ada" not in repr(people(LIST))
        assert "BadRow(line=2, reason='no', rows=1)" == repr(BadRow(2, "no", "1,Ada"))


@pytest.mark.parametrize(
    ("written", "expected"),
    [("phone", "phone"), (" Phone\n\u00a0 No. ", "Phone No."), ("\ufeffphone\u200e", "phone")],
)
def test_the_name_of_a_column(written: str, expected: str) -> None:
    """Blanks, line breaks and invisible marks do not make it another one."""
    assert expected == column_name(written)
