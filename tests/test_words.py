"""The check for retired words in identifiers."""

from pathlib import Path

import pytest

from support import words

GLOSSARY = """\
### Retired words

| not | but |
|---|---|
| `told`, `under_way` | reported, in flight |
| `Way` | run context |

## Rules

| not | but |
|---|---|
| `open` | closed |
"""


def test_the_glossary_names_the_words() -> None:
    """The words are those of the table, and of no other one."""
    assert ["told", "under_way", "Way"] == words.retired(GLOSSARY)


@pytest.mark.parametrize(
    ("source", "name"),
    [
        pytest.param("def told(): ...", "told", id="function"),
        pytest.param("async def is_told(): ...", "is_told", id="coroutine"),
        pytest.param("class WasToldHere: ...", "WasToldHere", id="part of a class"),
        pytest.param("class _Way: ...", "_Way", id="class"),
        pytest.param("class WayError(Exception): ...", "WayError", id="exception"),
        pytest.param("def ask(*, under_way): ...", "under_way", id="argument"),
        pytest.param("lambda told: told", "told", id="lambda"),
        pytest.param("self._told = 1", "_told", id="attribute"),
        pytest.param("_TOLD: Final = 1", "_TOLD", id="constant"),
        pytest.param("import errors as told", "told", id="import"),
        pytest.param("[told for told in ()]", "told", id="comprehension"),
        pytest.param("try: ...\nexcept OSError as told: ...", "told", id="exception's name"),
    ],
)
def test_a_retired_word_is_found(source: str, name: str) -> None:
    """The word is found in each kind of identifier, and in each way to write one."""
    assert [name] == [found for _, found, _ in words.found(source, words.retired(GLOSSARY))]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("untold = 1", id="part of a word"),
        pytest.param("Way = 1", id="not a class"),
        pytest.param("class Wayward: ...", id="another class"),
        pytest.param("other.told()", id="someone else's name"),
        pytest.param("'told'", id="text"),
    ],
)
def test_another_word_is_not_found(source: str) -> None:
    """Only whole words in names of the package's own count."""
    assert [] == list(words.found(source, words.retired(GLOSSARY)))


def test_a_name_is_reported_with_its_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The report names file and line, and the exit code is 1; exempt packages are not read."""
    for path in ("bulk/files.py", "sandbox/app.py"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text("\ndef told(): ...\n", encoding="utf-8")
    code = words.main(tmp_path)

    place = f"{tmp_path.name}/bulk/files.py:2: told: "
    assert (1, [place]) == (code, [capsys.readouterr().out.partition("the glossary")[0]])


def test_the_package_is_free_of_retired_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Outside the exempt rooms no identifier holds a retired word."""
    code = words.main()

    assert ("", 0) == (capsys.readouterr().out, code)
