"""The records of a list: CSV, JSON lines or a JSON array.

::

    phone,name            {"phone": "+6591234567", "name": "Ada"}    [{"phone": "+6591234567",
    +6591234567,Ada       {"phone": "+6591234568", "name": "Bob"}      "name": "Ada"}, ...]
    +6591234568,Bob

A record that cannot be read is part of the result, with the reason; it does not hide the others.
Reasons name columns and invisible characters, and never quote a value.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import BinaryIO, Final, Literal

from attrs import field, frozen

from engagelab_async.arguments import is_integer

from .content import Content, ListError, is_text
from .numbers import is_invisible, name_of

_PIECE: Final = 1 << 16
_SEPARATOR_LINE: Final = re.compile(r'"?sep=(.)"?[\r\n]*', re.IGNORECASE)
_QUOTED: Final = re.compile(r'"[^"]*"')
_ARRAY: Final = re.compile(r"\s*\[\s*[\[{\]\"]")
_ELEMENT: Final = re.compile(r"[^\s,]")
_FORMULA: Final = re.compile(r'="([^"]*)"')
# Before a number, or what would be a formula, an apostrophe makes it a text.
_TEXT_MARK: Final = re.compile(r"'(?=[=+@-]|[0-9]+$)")
_BREAK: Final = re.compile(r"[\r\n]")
_LINE_END: Final = re.compile(r"\r\n?|\n")
# Blanks that a person cannot see at the end of a value; a line break is none of them.
_BLANKS: Final = " \t\xa0\u1680\u202f\u205f\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
# A comma, and the mark of a file that was appended, are no harm, either.
_AROUND_JSON: Final = _BLANKS + "\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029,\ufeff"
# Controls other than tabs and line breaks, lone surrogates, and what converters put for a lost
# letter.
_UNSENDABLE: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffd]")
# What nobody means to send, with how it begins for speed.
_SUSPECT: Final = frozenset("NnUu\\<([#E=-0123456789")
_ARTEFACT: Final = re.compile(
    # What databases, programs and spreadsheets, in their languages, put for what is missing.
    r"""(?P<placeholder>[(<]?(?:NULL|null)[)>]?|\\N|NaN|nan|NaT|<NA>|None|undefined
    |\[object\ Object\]|\#(?:N/[ABD](?:\ N/A)?|NV|\u041d/\u0414|YOK|[¡¿]?[^\W\d_a-z]+(?:/0)?[!?]
    |\#{4,})|Err:[0-9]{3})
    |(?P<formula>=[+-]?\$?[A-Z]+(?:\(|\$?[0-9]).*)|(?P<rounded>-?[0-9](?:[.,][0-9]+)?[Ee]\+[0-9]+)""",
    re.VERBOSE | re.DOTALL,
)
_ARTEFACTS: Final = {
    "placeholder": "holds a placeholder of a missing value",
    "formula": "holds a formula; save the list with its values",
    "rounded": "a spreadsheet has rounded the number; make the column text there",
}
# Such as é that became Ã©, or an apostrophe that became â€™.
_CONVERTED_TWICE: Final = re.compile("Ã[\x80-\x9f\xa1-\xad\xaf-\xba\xbc-\xbf]|â€[™œ\x9d“”¦¢]")
# Words such as order_id, Order-ID or "phone (mobile)", and no number, address or sentence.
_NAME: Final = re.compile(r"\(?[^\W\d]\w*\)?(?:[ ._/-]{1,2}\(?\w+\)?){0,3}[.:*?]?")
_LONGEST_NAME: Final = 40
_MOST_DIGITS: Final = 2

MISSING: Final = "missing"
"""Why a column that a record does not have, or that is null, cannot be used."""


class EmptyListError(ListError):
    """A list has no lines."""


@frozen
class BadRow:
    """A record that cannot be used.

    Attributes:
        line: The number of its first line, counted from 1.
        reason: What is wrong with it; quotes no value.
        source: The record as it stands in the file, without its last line end.
        rows: How many rows it is: an unclosed quote swallows the lines after it.
    """

    line: int
    reason: str
    source: str = field(repr=False)
    rows: int = 1


@frozen
class Row:
    """A record of a list.

    Attributes:
        line: The number of its first line, counted from 1.
        values: What its columns hold, in NFC, without blanks at the end.
        source: The record as it stands in the file, without its last line end.
        unusable: Why the values of other columns cannot be used.
    """

    line: int
    values: Mapping[str, str] = field(repr=False)
    source: str = field(repr=False)
    unusable: Mapping[str, str] = field(factory=dict, repr=False)
    _is_csv: bool = field(default=True, repr=False)

    def pick(self, *columns: str) -> dict[str, str] | BadRow:
        """Return the values of some columns, or what is wrong with one of them."""
        picked = {}
        for column in columns:
            value = self.values.get(column, "")
            reason = self._problem(column, value)
            if reason:
                return self.bad(f"{shown(column)}: {reason}", spans=reason.startswith("spans"))
            picked[column] = value
        return picked

    def bad(self, reason: str, *, spans: bool = False) -> BadRow:
        """Return this record as one that cannot be used."""
        return BadRow(self.line, reason, self.source, _count(self.source) if spans else 1)

    def _problem(self, column: str, value: str) -> str:
        if column not in self.values:
            return self.unusable.get(column, MISSING)
        if value[:1] in _SUSPECT and (artefact := _ARTEFACT.fullmatch(value)):
            return _ARTEFACTS[artefact.lastgroup or ""]
        if value.isascii() and value.isprintable() and value and "{{" not in value:
            return ""
        # A quote that one row opens and another closes makes their lines a single value.
        if self._is_csv and _BREAK.search(value):
            return f"spans {_span(self.line, self.source)}"
        return _unsendable(value) or _emptiness(value)


def _unsendable(value: str) -> str:
    if "{{" in value and "}}" in value:
        return "holds a variable, which people would read as it is"
    if _CONVERTED_TWICE.search(value):
        return "holds letters that became others when the file was converted"
    found = _UNSENDABLE.search(value)
    if not found:
        return ""
    if "\ud800" <= found[0] <= "\udfff":
        return "holds half a character"
    lost = ": a letter was lost when the file was converted" if found[0] == "\ufffd" else ""
    return f"holds {name_of(found[0])}{lost}"


def _emptiness(value: str) -> str:
    if any(not (each.isspace() or is_invisible(each)) for each in value):
        return ""
    invisible = next((each for each in value if not each.isspace()), None)
    return "empty" if invisible is None else f"empty: it holds only {name_of(invisible)}"


def column_name(text: str) -> str:
    """Write the name of a column as it is compared: in NFC, with single blanks, none around."""
    if not text.isascii():
        text = unicodedata.normalize("NFC", text)
        # A zero-width joiner is a part of words in some languages.
        text = "".join(c for c in text if unicodedata.category(c) != "Cf" or c in "\u200c\u200d")
    return " ".join(text.split())


def shown(*columns: str) -> str:
    """Name columns, unless one looks like data: then it is not a header, but a row."""
    if all(map(_is_name, columns)):
        return ", ".join(columns)
    return ", ".join("…" for _ in columns)


def _is_name(column: str) -> bool:
    digits = sum(map(str.isdigit, column))
    return len(column) <= _LONGEST_NAME and digits <= _MOST_DIGITS and bool(_NAME.fullmatch(column))


class PeopleList:
    """A list, to be read as often as needed.

    Attributes:
        columns: The columns of a CSV, or the keys of all objects.
        digest: Identifies the content, whatever the file is called and whether it is gzipped.
        header: The fields of a CSV's header; one of no column is empty.

    Raises:
        ListError: It cannot be read, or is not a list.
    """

    def __init__(
        self, file: BinaryIO, name: str, encoding: str | None = None, delimiter: str | None = None
    ) -> None:
        self.name = name
        self._content = content = Content(file, name, encoding)
        self.digest: str = content.digest
        self.encoding: str = content.encoding
        self.delimiter: str = _delimiter(delimiter)
        self.header: tuple[str, ...] = ()
        first = next((each for each in enumerate(content.text()) if each[1].strip()), None)
        if first is None:
            raise EmptyListError(f"{name}: it is empty")
        self._is_array = bool(_ARRAY.match(content.start))
        is_json = self._is_array or first[1].lstrip().startswith("{")
        self.form: Literal["csv", "json"] = "json" if is_json else "csv"
        self.columns: tuple[str, ...] = self._keys() if is_json else self._named(*first)

    def __iter__(self) -> Iterator[Row | BadRow]:
        """Read all records, from the first; raise `ListError` if the list was changed meanwhile."""
        if self.form == "csv":
            return self._csv()
        return self._array() if self._is_array else self._json_lines()

    def find(self, column: str) -> str | None:
        """Return the name of a column as the list has it; another case will do if one has it."""
        name = column_name(column)
        found = [each for each in self.columns if each.casefold() == name.casefold()]
        if name in found:
            return name
        return found[0] if len(found) == 1 else None

    def require(self, column: str) -> str:
        """Return the name of a column as `find` does, or raise `ListError`."""
        name = self.find(column)
        if name is None:
            found, hint = shown(*self.columns), "see --to-column and --param"
            is_one = self.form == "csv" and len(self.columns) == 1
            if is_one:
                hint += ", or --delimiter"
            if is_one or "…" in found:
                hint += "; its first line must name the columns"
            wanted = shown(column_name(column))
            raise self._content.error(f"it has no column {wanted!r}, but {found}; {hint}")
        return name

    @property
    def is_appendable(self) -> bool:
        """Whether lines can be appended to the file."""
        is_wide = self.encoding.startswith(("utf-16", "utf-32"))
        return not (self._is_array or self._content.is_zipped or is_wide)

    # ------------------------------------------------------------------ CSV

    def _named(self, number: int, first: str) -> tuple[str, ...]:
        """Read the header, whose first line is given, or the line above it that Excel writes."""
        separator = _SEPARATOR_LINE.fullmatch(first)
        self._skipped = number + 1 if separator else 0
        if separator:
            self.delimiter = self.delimiter or separator[1]
        self.delimiter = self.delimiter or max(",;\t|", key=_QUOTED.sub("", first).count)
        _, fields, lines = next(self._records(), (0, None, []))
        if not is_text("".join(lines)):
            raise self._content.error(self._content.not_decodable)
        if fields is None:
            why = _torn(1, "".join(lines)).reason
            raise self._content.error(f"its first line is no header: {why}")
        names = [column_name(_csv_value(text)) for text in fields]
        self.header = tuple(_without_blanks(names))
        columns = tuple(filter(None, self.header))
        if not columns:
            raise self._content.error("its first line is no header")
        repeated = [name for name in columns if columns.count(name) > 1]
        if repeated:
            # A name beside a number is part of a row, and not of a header.
            named = shown(*(repeated if all(map(_is_name, columns)) else columns))
            raise self._content.error(f"two columns have one name: {named}; rename one of them")
        if all(len(name) > 1 and name[0] == name[-1] == "'" for name in columns):
            raise self._content.error("its fields are in single quotes; use double quotes")
        return columns

    def _records(self) -> Iterator[tuple[int, list[str] | None, list[str]]]:
        """Take records apart: where each begins, its fields or ``None``, and its lines."""
        lines: list[str] = []
        reader = csv.reader(
            _recorded(islice(self._content.text(), self._skipped, None), lines),
            delimiter=self.delimiter,
            skipinitialspace=self.delimiter != " ",
            strict=True,
        )
        while True:
            number = self._skipped + reader.line_num + 1
            lines.clear()
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error:
                yield number, None, lines
                continue
            # DOS writes U+001A at the end of a file.
            if any(text and not text.isspace() and text != "\x1a" for text in fields):
                yield number, fields, lines

    def _csv(self) -> Iterator[Row | BadRow]:
        records = self._records()
        next(records)
        for number, fields, lines in records:
            source = lines[0] if len(lines) == 1 else "".join(lines)
            yield self._csv_row(number, fields, source.rstrip("\r\n"))

    def _csv_row(self, line: int, fields: list[str] | None, source: str) -> Row | BadRow:
        if fields is None:
            return _torn(line, source)
        width = len(self.header)
        if len(fields) != width:
            whole = _without_blanks(fields)
            # Spreadsheets fill short rows up with empty fields.
            if len(fields) < width or len(whole) > width:
                found = len(fields) if len(fields) < width else len(whole)
                return BadRow(line, f"{found} fields instead of {width}", source)
        if not is_text(source):
            return BadRow(line, self._content.not_decodable, source)
        pairs = zip(self.header, fields, strict=False)
        return Row(line, {name: _csv_value(text) for name, text in pairs if name}, source)

    # ------------------------------------------------------------------ JSON

    def _keys(self) -> tuple[str, ...]:
        found: dict[str, None] = {}
        why = ""
        for row in self:
            if isinstance(row, Row):
                found.update(dict.fromkeys([*row.values, *row.unusable]))
            else:
                why = why or f" (line {row.line}: {row.reason})"
        if not found:
            raise self._content.error(
                f"it holds no JSON object{why}; write one in each line, or an array of them"
            )
        return tuple(found)

    def _json_lines(self) -> Iterator[Row | BadRow]:
        for number, text in enumerate(self._content.text(), start=1):
            line = text.strip(_AROUND_JSON)
            if line:
                try:
                    document = _DECODER.decode(line)
                except (ValueError, RecursionError):
                    document = _NOT_JSON
                yield self._json_row(number, document, line)

    def _array(self) -> Iterator[Row | BadRow]:
        """Read the elements of an array, with a few of them in memory."""
        pieces = self._content.text(_PIECE)
        text = next(pieces)
        line, position = 1, 0
        end = text.index("[") + 1
        while True:
            found = _ELEMENT.search(text, end)
            end = found.start() if found else len(text)
            line += text.count("\n", position, end)
            position = end
            if text.startswith("]", position):
                if (text[position + 1 :] + "".join(pieces)).strip():
                    raise self._content.error(f"it goes on behind the array, in line {line}")
                return
            try:
                document, end = _DECODER.raw_decode(text, position)
            except (ValueError, RecursionError):
                document, end = _NOT_JSON, len(text)
            if end == len(text):
                # It may go on. As much again is read, for what is not JSON may be long.
                more = "".join(islice(pieces, 1 + (end - position) // _PIECE))
                if more:
                    text, position, end = text[position:] + more, 0, 0
                    continue
                if document is _NOT_JSON:
                    raise self._content.error(f"it is not JSON from line {line} on")
            yield self._json_row(line, document, text[position:end])

    def _json_row(self, line: int, document: object, source: str) -> Row | BadRow:
        if not is_text(source):
            return BadRow(line, self._content.not_decodable, source)
        if not isinstance(document, dict):
            reason = document if isinstance(document, _Reason) else "not a JSON object"
            return BadRow(line, reason, source)
        values, unusable = {}, {}
        for key, value in document.items():
            name = column_name(key)
            if isinstance(value, str):
                values[name] = tidy(value)
            elif is_integer(value):
                values[name] = str(value)
            else:
                unusable[name] = MISSING if value is None else _NO_STRING
        if len(values) + len(unusable) < len(document):
            return BadRow(line, _REPEATED, source)
        return Row(line, values, source, unusable, is_csv=False)


class _Reason(str):
    """Why there is no document; no document is of this class."""

    __slots__ = ()


_NO_STRING: Final = "neither a string nor an integer; write it as a string"
_NOT_JSON: Final = _Reason("not JSON")
_REPEATED: Final = _Reason("two keys have one name")


def _unique(pairs: list[tuple[str, object]]) -> object:
    document = dict(pairs)
    return document if len(document) == len(pairs) else _REPEATED


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_unique)


def _delimiter(given: str | None) -> str:
    character = {"tab": "\t", "\\t": "\t"}.get(given or "", given or "")
    if len(character) > 1 or character.isalnum() or character in ('"', "\r", "\n"):
        raise ListError("--delimiter: must be a single character, such as ';', or tab")
    return character


def _recorded(lines: Iterable[str], read: list[str]) -> Iterator[str]:
    """Pass lines on, and append each to a list."""
    for line in lines:
        read.append(line)
        yield line


def _without_blanks(fields: list[str]) -> list[str]:
    """Leave out the empty fields at the end."""
    count = len(fields)
    while count and (not fields[count - 1] or fields[count - 1].isspace()):
        count -= 1
    return fields[:count]


def _torn(line: int, source: str) -> BadRow:
    rows, limit = _count(source), csv.field_size_limit()
    one = f": {_span(line, source)} are one row" if _BREAK.search(source) else ""
    reason = f"its quotes do not close where they should{one}"
    if len(source) > limit:
        too_long = f"a field is longer than {limit:,} characters"
        reason = too_long if rows == 1 else f"{too_long}, or {reason}"
    return BadRow(line, reason, source, rows)


def _span(line: int, source: str) -> str:
    return f"lines {line} to {line + len(_LINE_END.findall(source))}"


def _count(source: str) -> int:
    return sum(bool(line.strip()) for line in _LINE_END.split(source))


def _csv_value(text: str) -> str:
    if text.startswith('="'):
        # Keeps a spreadsheet from reading a text as a number.
        text = _FORMULA.sub(r"\1", text)
    return tidy(_TEXT_MARK.sub("", text) if text.startswith("'") else text)


def tidy(text: str) -> str:
    """Write a value in NFC, without blanks at its end."""
    text = text.rstrip(_BLANKS)
    return text if text.isascii() else unicodedata.normalize("NFC", text)
