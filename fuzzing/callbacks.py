"""Fuzzes the functions that read callbacks, guided by coverage.

Whatever comes either is parsed or raises `InvalidCallbackError`, and either is verified or raises
`SignatureError`; what is parsed can be shown, written and body apart. ::

    python fuzzing/callbacks.py -runs=10000000      # any option of libFuzzer; nox -s fuzz

An input's first byte chooses what the rest of it is:

====  =====================================================================================
0     the body of a callback
1     the members of rows that are nearly documented ones
2     the header with the signature
3     a signature that is right, and a body; then the same signature with another body
4     the header ``X-Forwarded-For``
====  =====================================================================================
"""

import json
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

import atheris

with atheris.instrument_imports(include=["engagelab_async.webhooks"]):
    from engagelab_async import InvalidCallbackError, SignatureError
    from engagelab_async.webhooks import Event, Verifier, addresses, parse, sign

SAMPLES: Final = Path(__file__).parents[1] / "tests/samples/callbacks.json"
NOW: Final = 1701234567
NAMES: Final = sorted(
    {
        *("message_id", "to", "server", "channel", "itime", "custom_args", "status", "billing"),
        *("message_status", "status_data", "msg_time", "current_send_channel", "template_key"),
        *("business_id", "cost", "currency", "error_code", "error_detail", "message"),
        *("notification", "event", "notification_data", "response", "response_data", "from"),
        *("body", "message_sid", "account_sid", "system_event", "data", "operator", "action"),
    }
)
WORDS: Final = ["sent", "delivered", "sent_fail", "uplink_message", "sms", "1701234567", "-0.5"]
TRUSTED: Final = addresses.networks("trusted_proxies", ["10.0.0.0/8", "fd00::/8"])


def body(data: bytes) -> None:
    """Parse bytes, and what they are as text."""
    for given in (data, data.decode("utf-8", "surrogateescape")):
        try:
            events = parse(given)
        except InvalidCallbackError:
            continue
        for event in events:
            show(event)


def show(event: Event) -> None:
    """Do with an event what programs do."""
    if not isinstance(event, Event) or len(event.identity) != 32:
        raise AssertionError("no event")
    repr(event).encode()
    json.dumps(dict(event.raw))
    if pickle.loads(pickle.dumps(event)) != event:  # noqa: S301 - our own
        raise AssertionError("another event after pickling")


def rows(data: bytes) -> None:
    """Parse rows that are made of documented names and anything."""
    source = atheris.FuzzedDataProvider(data)
    made = [members(source, 0) for _ in range(source.ConsumeIntInRange(0, 3))]
    body(json.dumps({"total": len(made), "rows": made}).encode())


def members(source: atheris.FuzzedDataProvider, depth: int) -> dict[str, object]:
    """Make an object."""
    count = source.ConsumeIntInRange(0, 8)
    return {
        NAMES[source.ConsumeIntInRange(0, len(NAMES) - 1)]: value(source, depth + 1)
        for _ in range(count)
    }


def value(source: atheris.FuzzedDataProvider, depth: int) -> object:
    """Make a value of any kind."""
    makers: list[Callable[[], object]] = [
        lambda: None,
        source.ConsumeBool,
        lambda: source.ConsumeInt(8),
        source.ConsumeFloat,
        lambda: source.ConsumeUnicode(20),
        lambda: source.ConsumeIntInRange(0, 2**70),
        lambda: WORDS[source.ConsumeIntInRange(0, len(WORDS) - 1)],
        lambda: WORDS[source.ConsumeIntInRange(0, len(WORDS) - 1)],
        lambda: [value(source, depth + 1)],
        lambda: members(source, depth),
        lambda: members(source, depth),
    ]
    return makers[source.ConsumeIntInRange(0, len(makers) - 1 if depth < 5 else 7)]()


def header(data: bytes) -> None:
    """Verify whatever is in the header."""
    verifier = Verifier("shop", "my_secret", authorization="mine", clock=lambda: NOW)
    text = data.decode("latin-1")
    headers = {"X-Callback-ID": text, "Authorization": "mine"}
    try:
        verifier.verify(headers, b"")
    except SignatureError:
        return
    pairs = [part.split("=", 1) for part in text.split(";")]
    parts = {name.strip(" \t"): value.strip(" \t") for name, value in pairs}
    right = sign("shop", "my_secret", timestamp=int(parts["timestamp"]), nonce=parts["nonce"])
    if parts["signature"].lower() != right.rpartition("=")[2]:
        raise AssertionError("verified what is not signed")


def signed(data: bytes) -> None:
    """Sign, verify, and replay."""
    source = atheris.FuzzedDataProvider(data)
    offset = source.ConsumeIntInRange(-400, 400)
    nonce = source.ConsumeUnicodeNoSurrogates(20)
    try:
        proof = sign("shop", "my_secret", timestamp=NOW + offset, nonce=nonce)
    except ValueError:
        return
    verifier = Verifier("shop", ["other", "my_secret"], max_nonces=2, clock=lambda: NOW)
    body = source.ConsumeBytes(40)
    outcomes = [outcome(verifier, proof, each) for each in (body, body, body + b"!")]
    expected = ["", "", "replayed"]
    if abs(offset) > 300:
        expected = ["too_old" if offset < 0 else "too_new"] * 3
    if outcomes != expected:
        raise AssertionError(outcomes)


def outcome(verifier: Verifier, proof: str, body: bytes) -> str:
    """Return why a signed request is refused, or nothing."""
    try:
        verifier.verify({"x-callback-id": proof}, body)
    except SignatureError as error:
        return error.reason
    return ""


def forwarded(data: bytes) -> None:
    """Look for an address."""
    peer, _, hops = data.decode("latin-1").partition("|")
    addresses.source(peer, hops, TRUSTED)
    addresses.source("10.0.0.1", hops, TRUSTED)


TARGETS: Final = (body, rows, header, signed, forwarded)


def one_input(data: bytes) -> None:
    """Run one input."""
    if data:
        TARGETS[data[0] % len(TARGETS)](data[1:])


def seeds() -> list[bytes]:
    """Make inputs to begin with: what the vendor's pages show."""
    vectors = json.loads(SAMPLES.read_text(encoding="utf-8"))
    headers = [vector["headers"]["x-callback-id"] for vector in vectors if "headers" in vector]
    return [
        *(b"\0" + json.dumps(vector["body"]).encode() for vector in vectors),
        *(b"\2" + each.encode() for each in headers),
        b"\1\3" + bytes(range(200)),
        b"\3" + bytes(range(100)),
        b"\x0410.0.0.1|1.2.3.4:80, [2001:db8::1]:443, ::ffff:10.0.0.2",
    ]


def main() -> None:
    """Fuzz until the runs are over, or something is found."""
    with tempfile.TemporaryDirectory() as directory:
        for place, seed in enumerate(seeds()):
            Path(directory, f"seed-{place}").write_bytes(seed)
        words = Path(directory, "words.dict")
        words.write_text("".join(f'"\\"{name}\\""\n' for name in [*NAMES, *WORDS, "rows"]))
        atheris.Setup([*sys.argv, f"-dict={words}", directory], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main()
