"""``engagelab fleet …``: campaigns that several machines send."""

import importlib
import os
import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import Annotated, Any, Final

import anyio
from attrs import asdict, frozen
from cyclopts import App, Parameter
from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async.bulk.journal import JournalError, State
from engagelab_async.distributed import Contents, Fleet, Submission
from engagelab_async.distributed.fleet import check_campaign

from .journal import times, totals
from .options import flag
from .outcome import Exit, misused
from .output import ignore_errors, print_json
from .output import show as show_outcome
from .printing import console, facts

fleet: Final[App] = App(name="fleet", sort_key=2, help="Show or stop what several machines send.")

DSN: Final = "ENGAGELAB_FLEET_DSN"
_BLOCK: Final = 1000

_MEANINGS: Final = {
    State.ACCEPTED: ("accepted", "the API accepted them; they are not sent again"),
    State.REFUSED: ("rejected", "the API refuses them; they are not tried again"),
    State.UNCERTAIN: ("uncertain", "perhaps sent; callbacks may settle them"),
    State.SENDING: ("in flight", "being sent, or left so by a worker that died"),
    State.UNSENT: ("not sent", "the next submission sends them"),
    State.SPLIT: ("divided", "their halves are counted as well"),
}

_Campaign = Annotated[str, Parameter(help="The campaign's name.")]
_Store = Annotated[
    str | None,
    Parameter(
        help=f"The database, postgresql://user@host/database; by default {DSN}, which other "
        "users of the machine cannot see."
    ),
]
_Name = Annotated[str, Parameter(help="The schema of the fleet's tables.")]
_Fleet = Annotated[
    str | None,
    Parameter(help="Instead of --store: a fleet in a module of yours, as bulk_worker:bulk."),
]
_Json = Annotated[bool, flag(help="Print one JSON object.")]


@fleet.command
def show(
    campaign: _Campaign,
    /,
    *,
    store: _Store = None,
    name: _Name = "engagelab",
    fleet: _Fleet = None,
    json: _Json = False,
) -> int:
    """Show a campaign: its submissions, its counts, and what workers have at the moment.

    Example: `engagelab fleet show spring --fleet bulk_worker:bulk`
    """

    async def read(opened: Fleet) -> int:
        contents = await opened.show(campaign)
        with ignore_errors():
            if json:
                print_json(_document(contents))
            else:
                console().print(_shown(campaign, contents))
        return Exit.DONE

    return _with_fleet(read, store, name, fleet, as_json=json)


@fleet.command
def stop(
    campaign: _Campaign,
    /,
    *,
    reason: Annotated[str, Parameter(help="What the reports say.")] = "stopped by the operator",
    store: _Store = None,
    name: _Name = "engagelab",
    fleet: _Fleet = None,
    json: _Json = False,
) -> int:
    """Stop a campaign on all machines: what is in flight is completed. Submit it to resume it.

    Example: `engagelab fleet stop spring --fleet bulk_worker:bulk --reason "wrong list"`
    """

    async def end(opened: Fleet) -> int:
        count = await opened.stop(campaign, reason)
        with ignore_errors():
            if json:
                print_json({"ok": True, "operation": None, "result": {"stopped": count}})
            else:
                what = "submission is" if count == 1 else "submissions are"
                console().print(Text(f"{count} {what} stopped", "bold"))
        return Exit.DONE

    return _with_fleet(end, store, name, fleet, as_json=json)


def _with_fleet(
    work: Callable[[Fleet], Awaitable[int]],
    dsn: str | None,
    name: str,
    module: str | None,
    *,
    as_json: bool,
) -> int:
    async def run() -> int:
        async with _opened(dsn, name, module) as opened:
            return await work(opened)

    try:
        return anyio.run(run)
    except (JournalError, ModuleNotFoundError, TypeError, ValueError) as error:
        outcome = misused(str(error), "Name the fleet as the program that sends does.")
        show_outcome(outcome, as_json=as_json, title="✗ The fleet cannot be used")
        return Exit.USAGE


def _opened(dsn: str | None, name: str, module: str | None) -> Fleet:
    if module is not None:
        return loaded(module)[0]
    chosen = dsn or os.environ.get(DSN)
    if not chosen:
        raise ValueError(f"--store: required, or {DSN} in the environment")
    return Fleet(chosen, name=name)


@frozen
class Campaign:
    """A campaign that a bulk command submits: it takes the place of a journal."""

    name: str
    fleet: Fleet
    via: Any

    @classmethod
    def of(cls, module: str, name: str) -> "Campaign":
        """Load the fleet from a module of the user's, or raise ``ValueError``."""
        try:
            fleet, via = loaded(module)
        except (ModuleNotFoundError, TypeError) as error:
            raise ValueError(f"--fleet: {str(error).removeprefix('--fleet: ')}") from None
        if via is None:
            raise ValueError(f"--fleet: {module} is a Fleet, and not what serve() returns")
        return cls(check_campaign(name), fleet, via)

    async def counts(self) -> dict[str, int]:
        """Return how many requests earlier submissions know, by what became of them."""
        async with self.fleet:
            states = (await self.fleet.show(self.name)).states
        # The halves of a divided request are counted, too.
        return {word: states[state] for state, (word, _) in _MEANINGS.items() if states.get(state)}

    async def count_known(self, identities: Iterable[str]) -> Counter[State]:
        """Count the states of the operations that the campaign knows."""
        known: Counter[State] = Counter()
        rest = iter(identities)
        async with self.fleet:
            while block := list(islice(rest, _BLOCK)):
                found = await self.fleet.store.look_up(self.name, sorted(set(block)))
                known.update(each.state for each in found.values())
        return known


def loaded(path: str) -> tuple[Fleet, Any]:
    """Load a fleet from a module of the user's, as engines load their workers.

    Returns:
        The fleet, and what ``serve()`` returned, or ``None``.
    """
    module, colon, name = path.partition(":")
    if not (module and colon and name):
        raise ValueError("--fleet: expected module:name, as bulk_worker:bulk")
    # As Python itself does for a module that is run.
    if os.getcwd() not in sys.path:  # noqa: PTH109 - as sys.path has it
        sys.path.insert(0, os.getcwd())  # noqa: PTH109
    found = getattr(importlib.import_module(module), name, None)
    fleet = getattr(found, "fleet", found)
    if not isinstance(fleet, Fleet):
        raise TypeError(f"--fleet: {name} of {module} is neither a Fleet nor what serve() returns")
    return fleet, None if found is fleet else found


def _document(contents: Contents) -> dict[str, Any]:
    result = {
        "submissions": [asdict(each) for each in contents.submissions],
        "counts": {
            word.replace(" ", "_"): contents.states.get(state, 0)
            for state, (word, _) in _MEANINGS.items()
        },
        "errors": dict(contents.errors),
        "messages": dict(contents.messages),
        "live": [asdict(each) for each in contents.live],
    }
    return {"ok": True, "operation": None, "result": result}


def _shown(campaign: str, contents: Contents) -> Group:
    total = sum(contents.states.values())
    parts: list[RenderableType] = [Text(f"{campaign}: {total:,} requests", "bold")]
    counts = {
        word: f"{contents.states[state]:,}  ({meaning})"
        for state, (word, meaning) in _MEANINGS.items()
        if contents.states.get(state)
    }
    parts.append(facts(counts))
    parts += totals(contents.errors, contents.messages)
    if contents.live:
        hosts = {
            f"chunk {each.chunk}": f"{each.host}, for {each.age:.0f} s" for each in contents.live
        }
        parts += [Text("At work", "bold"), facts(hosts)]
    submissions = {f"submission {each.number}": _times(each) for each in contents.submissions}
    return Group(*parts, Text("Submissions", "bold"), facts(submissions))


def _times(submission: Submission) -> str:
    stopped = "" if submission.stopped is None else f", stopped: {submission.stopped}"
    unfinished = "goes on, or was interrupted"
    return times(submission.started, submission.ended, unfinished) + stopped
