"""Lets schemathesis look for a request that the sandbox answers otherwise than documented.

It makes requests out of the OpenAPI documents, right ones and wrong ones, and compares each answer
with what the document says. ``nox -s contract`` runs it.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from engagelab_async.sandbox import Review, Sandbox

HERE = Path(__file__).resolve().parent
PAIR = ("key", "secret")
AUTH = f"--auth={':'.join(PAIR)}"


def run(base_url: str, *options: str) -> int:
    """Call all operations of a document, and return the exit code."""
    command = [
        shutil.which("schemathesis", path=str(Path(sys.executable).parent)) or "schemathesis",
        f"--config-file={HERE / 'schemathesis.toml'}",
        "run",
        f"{base_url}/openapi.json",
        f"--url={base_url}",
        *options,
        *sys.argv[1:],
    ]
    with TemporaryDirectory() as directory:  # for what it keeps of failures
        return subprocess.run(command, cwd=directory, check=False).returncode


def main() -> int:
    """Call both products of a sandbox that lets one key pair in, and its control API."""
    sandbox = Sandbox(
        credentials={"otp": PAIR, "sms": PAIR},
        code_ttl=0.01,  # or most sends would be refused, for a live code
        review=Review.approve(after=0),
    )
    with sandbox:
        codes = [
            # The excluded call would have callbacks sent to random URLs.
            run(sandbox.otp_base_url, AUTH, "--exclude-path=/v1/sandbox/webhook"),
            run(sandbox.sms_base_url, AUTH),
            # The excluded answer does not end.
            run(f"{sandbox.inbox_url}sandbox/v1", "--exclude-path=/events"),
        ]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main())
