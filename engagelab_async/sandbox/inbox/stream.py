"""Changes as server-sent events: https://html.spec.whatwg.org/multipage/server-sent-events.html.

::

    id: 3f9a01c2-20                       the epoch and the revision; the browser sends back the
                                          last one it has got
    event: changes
    data: {"oldest": 4, "calls": […],     calls as they are now; those before `oldest` are gone
           "is_all": true}                whether no further ones are known

A stream keeps no queue, only the revision that it reported last. A reader that is slow, or was
away, gets what is true when it reads again: that costs no memory, and nothing is lost.
"""

from collections.abc import AsyncIterator
from typing import Final

from anyio import sleep
from anyio.lowlevel import checkpoint

from . import documents
from .calls import Calls
from .serving import encoded

_BATCH: Final = 200
"""How many calls one event reports at most."""

_LONGEST_NUMBER: Final = 19  # digits


async def events(
    calls: Calls,
    describe: documents.Documents,
    last_event_id: str,
    *,
    pace: float = 0.05,
    heartbeat: float = 15.0,
) -> AsyncIterator[str]:
    """Yield all changes after an event, and then further ones as they happen.

    Args:
        calls: What to report.
        describe: Describes it.
        last_event_id: The last one that the reader has got, or "".
        pace: Seconds from one event to the next: what comes in between goes out together.
        heartbeat: Seconds of silence after which an event without calls is sent, so that
            a reader who is gone is noticed.
    """
    epoch, _, number = last_event_id.partition("-")
    is_known = epoch == calls.epoch and number.isdecimal() and len(number) <= _LONGEST_NUMBER
    revision = int(number) if is_known else 0
    while not calls.is_closed:
        await calls.catch_up()
        changed = calls.since(revision)
        is_all = len(changed) <= _BATCH
        revision = calls.revision if is_all else changed[_BATCH - 1].revision
        rows = [describe.row(call) for call in changed[:_BATCH]]
        data = documents.Changes(calls.numbering.run, calls.oldest, rows, is_all)
        # Even if nothing has changed: so the reader learns that it is up to date.
        yield f"id: {calls.epoch}-{revision}\nevent: changes\ndata: {encoded(data)}\n\n"
        if is_all:
            await sleep(min(pace, heartbeat))
            await calls.wait(revision, heartbeat)
        else:
            await checkpoint()  # let the sandbox answer other requests in between
