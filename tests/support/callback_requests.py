"""Callbacks as the platform would send them."""

import json
from typing import Any

from engagelab_async.webhooks import Verifier, sign

USERNAME = "shop"
SECRET = "my_secret"
NOW = 1701234567

ROW: dict[str, Any] = {
    "message_id": "123456789",
    "to": "+8613800138000",
    "server": "sms",
    "channel": "sms",
    "itime": NOW,
    "custom_args": {"order_id": "ORDER123"},
    "status": {"message_status": "delivered", "error_code": 0},
}


def body_of(*rows: dict[str, Any]) -> bytes:
    """Write the body of a callback."""
    return json.dumps({"total": len(rows), "rows": rows}).encode()


def row(message_id: str, status: str = "delivered") -> dict[str, Any]:
    """Make a row about a message."""
    return ROW | {"message_id": message_id, "status": {"message_status": status}}


def signed(nonce: str = "abc123", timestamp: int = NOW) -> dict[str, str]:
    """Make the headers of a callback."""
    proof = sign(USERNAME, SECRET, timestamp=timestamp, nonce=nonce)
    return {"X-CALLBACK-ID": proof, "Content-Type": "application/json"}


def make_verifier(**options: Any) -> Verifier:  # noqa: ANN401 - any of its options
    """Make a verifier for them, for which it is always `NOW`."""
    return Verifier(USERNAME, SECRET, **({"clock": lambda: NOW} | options))
