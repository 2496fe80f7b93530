"""The files of the page, as they are served and as they are written."""

import re
from importlib import resources

import httpx
import pytest

PACKAGE = resources.files("engagelab_async.sandbox.inbox.page")
FILES = {file.name: file for file in PACKAGE.iterdir() if not file.name.startswith("__")}
SCRIPTS = [name for name in FILES if name.endswith(".js")]

every_script = pytest.mark.parametrize("name", SCRIPTS)


def text(name: str) -> str:
    """Read a file of the page."""
    return FILES[name].read_text(encoding="utf-8")


@pytest.mark.asyncio
@pytest.mark.parametrize("path", ["/", *(f"/inbox/{name}" for name in FILES)])
async def test_every_file_is_served(http: httpx.AsyncClient, path: str) -> None:
    """With its type, and a policy that loads nothing from elsewhere and runs no script in HTML."""
    answer = await http.get(path)
    policy = answer.headers["content-security-policy"].split("; ")
    types = {
        "html": "text/html",
        "css": "text/css",
        "js": "text/javascript",
        "svg": "image/svg+xml",
    }
    ending = path.rpartition(".")[2] if path != "/" else "html"

    assert 200 == answer.status_code
    assert types[ending] == answer.headers["content-type"].partition(";")[0]
    assert {"default-src 'none'", "script-src 'self'", "frame-ancestors 'none'"} <= {*policy}
    assert "require-trusted-types-for 'script'" in policy
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "name",
    ["__init__.py", "__pycache__", "nothing.js", "..%2F__init__.py", "%2e%2e", ".", "a/b.js"],
)
async def test_nothing_else_is(http: httpx.AsyncClient, name: str) -> None:
    """Neither our modules nor what lies elsewhere."""
    answer = await http.get(f"/inbox/{name}")

    assert 404 == answer.status_code


@pytest.mark.parametrize("name", FILES)
def test_nothing_comes_from_elsewhere(name: str) -> None:
    """No address of another machine is in it; that of an XML namespace is none."""
    addresses = re.findall(r"(?:https?:)?//[a-z0-9][^\"'` )]*", text(name))

    assert set() == {*addresses} - {"http://www.w3.org/2000/svg"}


@every_script
def test_texts_never_become_html(name: str) -> None:
    """None of the ways to turn a string into HTML or code is used."""
    ways = "innerHTML|outerHTML|insertAdjacentHTML|write|setHTMLUnsafe|DOMParser|eval|Function"

    assert [] == re.findall(rf"\b(?:{ways})\b", text(name))


def test_every_script_is_used() -> None:
    """A module that is not imported would be dead."""
    imported = {each for name in SCRIPTS for each in re.findall(r'from "\./(.+?)"', text(name))}

    assert {*SCRIPTS} - {"inbox.js"} == imported


def test_html_holds_no_script_and_no_style() -> None:
    """The policy would stop them."""
    page = text("index.html")

    assert ["/inbox/inbox.js"] == re.findall(r'<script [^>]*src="(.+?)"></script>', page)
    assert [] == re.findall(r"<style|<script>|\son[a-z]+=|\sstyle=", page)
