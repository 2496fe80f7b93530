"""The control API of the faults, over HTTP."""

from collections.abc import AsyncIterator

import httpx
import pytest
import pytest_asyncio

from engagelab_async.sandbox import Fault, Sandbox


@pytest_asyncio.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    """A sandbox that runs."""
    async with Sandbox() as sandbox:
        yield sandbox


@pytest_asyncio.fixture
async def http(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its control API."""
    origin = sandbox.otp_base_url.removesuffix("otp")
    async with httpx.AsyncClient(base_url=f"{origin}sandbox/v1", trust_env=False) as client:
        yield client


@pytest.mark.asyncio
async def test_faults_are_added_and_removed(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """What the control API does is what Python sees."""
    added = await http.post("/faults", json={"kind": "reset", "to": "+65*", "times": 3})
    await http.post("/faults", json={"kind": "http", "status": 429, "retry_after": 2})
    listed = await http.get("/faults")
    removed = await http.delete("/faults/1")
    left = [active.fault for active in sandbox.faults]
    cleared = await http.delete("/faults")

    assert (201, 1, "reset") == (added.status_code, added.json()["number"], added.json()["kind"])
    assert [("reset", 0), ("http", 0)] == [
        (each["kind"], each["struck"]) for each in listed.json()["faults"]
    ]
    assert "no-store" == listed.headers["cache-control"]
    assert [204, 204] == [removed.status_code, cleared.status_code]
    assert [Fault("http", status=429, retry_after=2)] == left
    assert 0 == len(sandbox.faults)


@pytest.mark.asyncio
async def test_a_body_without_a_stated_length(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """It may come in chunks, as from a program that streams, or through a proxy."""

    async def chunks() -> AsyncIterator[bytes]:
        yield b'{"kind": '
        yield b'"reset"}'

    json_type = {"content-type": "application/json"}
    added = await http.post("/faults", content=chunks(), headers=json_type)

    assert 201 == added.status_code
    assert ["reset"] == [active.fault.kind for active in sandbox.faults]


@pytest.mark.asyncio
async def test_kinds_are_served(http: httpx.AsyncClient) -> None:
    """Each with what its caller sees, its fields, and whether it may come after the call."""
    kinds = {each.pop("kind"): each for each in (await http.get("/faults/kinds")).json()["kinds"]}

    assert {
        "label": "A gateway answers",
        "explanation": (
            "an HTML page with a `status`, like that of a gateway, perhaps with `retry_after`"
        ),
        "fields": ["status", "retry_after"],
        "may_come_after": True,
        "after_from_status": 500,
    } == kinds["http"]
    assert ["latency", "hang", "reset", "cut", "http"] == [
        name for name, kind in kinds.items() if kind["may_come_after"]
    ]


@pytest.mark.asyncio
async def test_presets_can_be_added_as_they_are(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """Each is a fault with a name and one line of explanation."""
    presets = (await http.get("/faults/kinds")).json()["presets"]
    added = [await http.post("/faults", json=preset["fault"]) for preset in presets]

    assert ["Outage", "Slow", "429 for a minute", "Lost answers"] == [
        preset["label"] for preset in presets
    ]
    assert [201] * 4 == [answer.status_code for answer in added]
    assert ["http", "latency", "http", "reset"] == [each.fault.kind for each in sandbox.faults]
    assert all(preset["explanation"].endswith(".") for preset in presets)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({}, "kind: must be one of "),
        ({"kind": "hang", "times": "3"}, "times: expected an int, got str"),
        ({"kind": "hang", "colour": 1}, "colour: a fault has no such field"),
    ],
)
async def test_what_cannot_be_is_answered_400(
    http: httpx.AsyncClient, sandbox: Sandbox, document: dict[str, object], message: str
) -> None:
    """The message names the field, and nothing is added."""
    answer = await http.post("/faults", json=document)

    assert (400, 400) == (answer.status_code, answer.json()["code"])
    assert answer.json()["message"].startswith(message)
    assert 0 == len(sandbox.faults)


@pytest.mark.asyncio
async def test_a_number_that_is_not_there_is_answered_404(http: httpx.AsyncClient) -> None:
    """Also that of a fault which has struck as often as it should."""
    answer = await http.delete("/faults/7")

    assert (404, "there is no fault 7") == (answer.status_code, answer.json()["message"])


@pytest.mark.asyncio
async def test_other_sites_cannot_add_faults(http: httpx.AsyncClient, sandbox: Sandbox) -> None:
    """The control API turns away what a foreign page makes a browser send."""
    headers = {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"}
    answer = await http.post("/faults", json={"kind": "hang"}, headers=headers)

    assert 403 == answer.status_code
    assert 0 == len(sandbox.faults)
