"""Messages for the inbox, sent as a program sends them."""

import httpx

from engagelab_async.sandbox import DEMO_CREDENTIALS, Sandbox, SentMessage

NEVER_DELIVERED = "+10000000003"


def post(sandbox: Sandbox, path: str, body: object) -> None:
    """Call the API."""
    url = sandbox.otp_base_url.removesuffix("/otp") + path
    httpx.post(url, json=body, auth=DEMO_CREDENTIALS, trust_env=False, timeout=60)


def send(sandbox: Sandbox, to: str = "+6591234567") -> SentMessage:
    """Send a code."""
    post(sandbox, "/otp/v1/messages", {"to": to, "template": {"id": "sandbox-otp-tpl"}})
    return sandbox.messages[-1]


def send_text(sandbox: Sandbox, text: str, to: str = "+6591234567") -> None:
    """Send a text."""
    post(
        sandbox,
        "/otp/v1/custom-messages",
        {"to": to, "template": {"id": "note", "params": {"text": text}}},
    )


def send_texts(sandbox: Sandbox, count: int) -> None:
    """Send a text to so many people, one after the other."""
    url = f"{sandbox.otp_base_url}/v1/custom-messages"
    with httpx.Client(auth=DEMO_CREDENTIALS, trust_env=False, timeout=60) as http:
        for number in range(count):
            http.post(url, json={"to": f"+65{80_000_000 + number}", "template": {"id": "note"}})


def send_plan(sandbox: Sandbox, count: int) -> None:
    """Send to many at once."""
    to = [f"+65{91_000_000 + index}" for index in range(count)]
    body = {"to": to, "template": {"id": "7", "params": {}}, "plan_name": "Autumn sale"}
    post(sandbox, "/sms/v1/messages", body)


def states(sandbox: Sandbox, message: SentMessage) -> list[str]:
    """Return the statuses that a message has reached."""
    return [change.status for change in sandbox.history(message)]
