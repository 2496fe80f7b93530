"""Looks for retired words in the identifiers of the package; the lint session runs it.

::

    python tests/support/words.py

The words are in CONTRIBUTING.md, in the table "Retired words". Only the standard library is
needed.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "engagelab_async"
GLOSSARY = ROOT / "CONTRIBUTING.md"
EXEMPT: tuple[str, ...] = ()
"""A package that is yet to be rewritten."""

_ROW = re.compile(r"^\| (`.+`) \| .+ \|$", re.MULTILINE)
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")


def retired(glossary: str) -> list[str]:
    """Return the retired words of a glossary."""
    table = glossary.partition("### Retired words")[2].partition("\n## ")[0]
    return [word for row in _ROW.findall(table) for word in re.findall("`(.+?)`", row)]


def found(source: str, words: Sequence[str]) -> Iterator[tuple[int, str, str]]:
    """Yield line, identifier and word for each retired word in a source text."""
    for node in ast.walk(ast.parse(source)):
        for name in _identifiers(node):
            for word in words:
                if _has(name, word, is_class=isinstance(node, ast.ClassDef)):
                    yield getattr(node, "lineno", 0), name, word


def _identifiers(node: ast.AST) -> list[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            return [name]
        case ast.arg(arg=name) | ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.Attribute(attr=name, ctx=ast.Store()):
            return [name]
        case ast.alias(asname=str(name)) | ast.ExceptHandler(name=str(name)):
            return [name]
        case _:
            return []


def _has(name: str, word: str, *, is_class: bool) -> bool:
    if word[0].isupper():
        return is_class and word == name.lstrip("_").removesuffix("Error")
    parts = "_".join(part.lower() for part in _WORD.findall(name))
    return f"_{word}_" in f"_{parts}_"


def main(package: Path = PACKAGE) -> int:
    """Print the retired words in a package.

    Returns:
        The exit code: 1 if there are any.
    """
    words = retired(GLOSSARY.read_text(encoding="utf-8"))
    files = {file.relative_to(package).as_posix(): file for file in sorted(package.rglob("*.py"))}
    problems = [
        f"{package.name}/{path}:{line}: {name}: the glossary has retired {word!r}"
        for path, file in files.items()
        if not path.startswith(EXEMPT)
        for line, name, word in found(file.read_text(encoding="utf-8"), words)
    ]
    sys.stdout.writelines(f"{problem}\n" for problem in problems)
    return bool(problems)


if __name__ == "__main__":
    sys.exit(main())
