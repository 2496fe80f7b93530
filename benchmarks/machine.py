"""The machine and the versions, in general words."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Final

_LIBRARIES: Final = ("httptools", "httpx", "httpx2", "aiohttp", "engagelab-otp", "twilio")


def machine() -> str:
    """Describe where the numbers come from."""
    kind = "virtual server" if _is_virtual() else "machine"
    processor = platform.machine().replace("_", "-")
    python = ".".join(platform.python_version_tuple()[:2])
    implementation = f"{platform.python_implementation()} {python}"
    return f"{_cores()} of a {kind} ({processor}), {platform.system()}, {implementation}"


def _cores() -> str:
    if not hasattr(os, "sched_getaffinity"):
        return f"{os.cpu_count()} cores"
    usable = len(os.sched_getaffinity(0))
    return "1 core" if usable == 1 else "2 cores, one for the client and one for the server,"


def _is_virtual() -> bool:
    try:
        return "hypervisor" in Path("/proc/cpuinfo").read_text()
    except OSError:
        return False


def versions() -> str:
    """List the versions of what was measured."""
    return ", ".join(filter(None, map(_version, _LIBRARIES)))


def _version(library: str) -> str:
    try:
        return f"{library} {metadata.version(library)}"
    except metadata.PackageNotFoundError:
        return ""
