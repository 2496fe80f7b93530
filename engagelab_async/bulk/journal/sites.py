"""Where a journal is used: at the API, at a sandbox, or through a proxy.

What was sent to a sandbox reached no recipient. So a journal records the base URL of each product
that it was used with, and refuses another. It keeps a digest, and only scheme, host and port in
clear: a path may hold what a gateway takes for a password.
"""

import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from attrs import frozen

from engagelab_async.bulk.identity import digest

from .protocol import JournalError

_SITES: Final = "SELECT product, digest, origin FROM sites"
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}


@frozen
class Site:
    """Where one product is.

    Attributes:
        digest: Identifies it.
        origin: Scheme, host and port, for people.
    """

    digest: str
    origin: str

    @classmethod
    def of(cls, base_url: str) -> Self:
        """Make the place of a base URL; spellings of one URL are one place."""
        parts = urlsplit(base_url)
        host = (parts.hostname or "").removesuffix(".").encode("idna").decode()
        host = f"[{host}]" if ":" in host else host
        port = "" if parts.port in (None, _DEFAULT_PORTS.get(parts.scheme)) else f":{parts.port}"
        origin = f"{parts.scheme}://{host}{port}"
        return cls(digest(f"{origin}{parts.path.rstrip('/')}".encode()), origin)


def sites_of(base_urls: Mapping[str, str]) -> Mapping[str, Site]:
    """Make the sites of base URLs, by product."""
    return {product: Site.of(url) for product, url in base_urls.items()}


def refuse_another(path: Path, recorded: Mapping[str, Site], sites: Mapping[str, Site]) -> None:
    """Check that a journal is used where it was used before.

    Args:
        path: Its file.
        recorded: Where it was used, by product.
        sites: Where it is to be used.

    Raises:
        JournalError: It was used elsewhere.
    """
    for product, place in sites.items():
        before = recorded.get(product, place)
        if before.digest != place.digest:
            there = before.origin
            here = "another path of it" if place.origin == there else place.origin
            raise JournalError(
                f"journal: {path} was used for {product} at {there}, and this run is for {here}: "
                "one journal serves one place; use another for another"
            )


def recorded_sites(connection: sqlite3.Connection) -> Mapping[str, Site]:
    """Read where a journal was used, by product; one of version 1 does not know.

    Args:
        connection: The journal, open.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    rows = connection.execute(_SITES).fetchall() if version > 1 else []
    return {product: Site(digest, origin) for product, digest, origin in rows}
