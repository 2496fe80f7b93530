"""The error for a missing extra."""


def install_hint(extras: str) -> str:
    """Return the command that installs extras. No index has the package, so it needs a checkout."""
    return f'run in a checkout of engagelab-async: python -m pip install ".[{extras}]"'
