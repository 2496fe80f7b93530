"""What a list would cost and what people would read: for ``--dry-run``, and before it is sent."""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Final

from attrs import define, field, frozen
from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async import render
from engagelab_async.bulk.checking import Item
from engagelab_async.bulk.prices import Prices
from engagelab_async.bulk.segments import Segments, outside_gsm, segments
from engagelab_async.cli.account import Template
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import masked
from engagelab_async.cli.printing import duration, facts, printable
from engagelab_async.templates import SMSTemplate

from .lists import has_place
from .run import Job

_SAMPLES: Final = 3
_MOST_CHARACTERS: Final = 8


@frozen
class Sample:
    """A text as a recipient, masked here, would read it."""

    to: str
    text: str
    cost: Segments


@define(eq=False)
class Estimate:
    """What a list would cost."""

    template: Template | None
    prices: Prices | None
    requests: int = 0
    suppressed: int = 0
    counts: Counter[int] = field(factory=Counter)
    encodings: Counter[str] = field(factory=Counter)
    outside_gsm: Counter[str] = field(factory=Counter)
    samples: list[Sample] = field(factory=list)
    longest: Sample | None = None
    price: Decimal = Decimal(0)
    without_price: int = 0

    @classmethod
    def of(cls, job: Job) -> "Estimate":
        """Estimate the cost of a list."""
        estimate = cls(job.account.template, job.prices)
        suppression = job.suppression or frozenset()
        for request in job.requests():
            items = [item for item in request.items if item.to not in suppression]
            estimate.requests += bool(items)
            estimate.suppressed += len(request.items) - len(items)
            for item in items:
                estimate.add(item)
        return estimate

    @property
    def units(self) -> int:
        """How many SMS that is."""
        return sum(count * texts for count, texts in self.counts.items())

    def add(self, item: Item) -> None:
        """Count the text of a row."""
        if self.template is None:
            return
        text = render(self.template, item.params).text
        cost = segments(text)
        self.counts[cost.count] += 1
        self.encodings[cost.encoding] += 1
        self.outside_gsm.update(outside_gsm(text))
        sample = Sample(masked(item.to), text, cost)
        if len(self.samples) < _SAMPLES:
            self.samples.append(sample)
        if self.longest is None or cost.units > self.longest.cost.units:
            self.longest = sample
        if self.prices is not None:
            price = self.prices.of(item.to)
            self.without_price += price is None
            self.price += cost.count * (price or 0)


def unused(job: Job) -> tuple[str, ...]:
    """Return the variables that were given, and that the text does not have."""
    if job.account.template is None:
        return ()
    given = job.options.given_variables().names
    return render(job.account.template, dict.fromkeys(given, "")).unknown


def document(job: Job, estimate: Estimate, code: Exit) -> dict[str, Any]:
    """Make the JSON object of a dry run."""
    account, checked = job.account, job.checked
    is_known = account.template is not None
    result = {
        "dry_run": True,
        "rows": checked.good,
        "bad": checked.bad,
        "problems": problems(job),
        "people": checked.people,
        "people_in_several_rows": checked.people_repeated,
        "left_out": checked.repeated,
        "suppressed": estimate.suppressed,
        "requests": estimate.requests,
        "journal": _journal(job),
        "template_text_known": is_known,
        "missing_variables": list(job.checked.variables.missing),
        "unused_params": list(unused(job)),
        "segments": estimate.units if is_known else None,
        "price": f"{estimate.price:f}" if is_known and estimate.prices else None,
        "balance": None if account.balance is None else f"{account.balance.total_balance:f}",
        "texts_by_segments": {str(count): n for count, n in sorted(estimate.counts.items())},
        "texts_by_encoding": dict(estimate.encodings),
        "texts_by_character_outside_gsm": dict(estimate.outside_gsm.most_common(_MOST_CHARACTERS)),
        "samples": [
            {"to": each.to, "text": each.text, "segments": each.cost.count}
            for each in estimate.samples
        ],
    }
    return {"ok": code is Exit.DONE, "operation": job.sample.endpoint.name, "result": result}


def problems(job: Job) -> list[dict[str, object]]:
    """List the first few bad rows."""
    return [{"line": bad.line, "problem": bad.reason} for bad in job.checked.problems]


def _journal(job: Job) -> str | None:
    """Return the name of an existing journal, which is not read."""
    has_journal = job.options.journal is not None or has_place(job.file)
    if job.campaign is not None or not has_journal:
        return None
    return str(job.journal) if job.journal.exists() else None


def show_problems(job: Job) -> Group:
    """Name the first few bad rows, and say how many there are."""
    checked = job.checked
    lines = [Text(f"{checked.bad:,} of {checked.rows:,} rows cannot be sent:", "bold")]
    lines += [Text(f"  line {bad.line}: {printable(bad.reason)}") for bad in checked.problems]
    if checked.hidden:
        lines += [Text(f"  and {checked.hidden:,} more")]
    return Group(*lines)


def shown(job: Job, estimate: Estimate) -> Group:
    """Show a dry run."""
    rows = facts(dict(_facts(job, estimate)))
    parts: list[RenderableType] = [Text("Dry run: nothing was sent", "bold"), rows]
    if estimate.template is None:
        parts += [Text("The template's text is not known, so SMS cannot be counted", "bold yellow")]
        why = job.account.why_unknown or None
        parts += [facts({"why": why, "what to do": "Give it with --template-text."})]
    elif estimate.longest is not None:
        samples = dict.fromkeys([*estimate.samples, estimate.longest])
        parts += [Text("What people would read", "bold"), *map(_sample, samples)]
    return Group(*parts)


def last_look(job: Job, estimate: Estimate, left: int | None) -> Group:
    """Show what is about to be sent."""
    rows = dict(_facts(job, estimate))
    if left is not None:
        rows = {"left": f"{left:,} of {estimate.requests:,} requests; all of them:", **rows}
    samples = map(_sample, estimate.samples[:1])
    return Group(Text("About to be sent", "bold"), facts(rows), *samples)


def _facts(job: Job, estimate: Estimate) -> Iterator[tuple[str, object]]:
    checked, account = job.checked, job.account
    bad = f", and {checked.bad:,} that cannot be sent" if checked.bad else ""
    yield "list", f"{_rows(checked.good)}{bad}"
    if checked.repeated:
        yield "left out", f"{_rows(checked.repeated)} of people who have an earlier row"
    if estimate.suppressed:
        yield "suppressed", f"{_rows(estimate.suppressed)} of people who must not be sent to"
    if checked.people_repeated:
        several = f"{checked.people_repeated:,} of them in several rows; see --once-per-person"
        yield "people", f"{checked.people:,}, {several}"
    yield "requests", f"{estimate.requests:,}"
    if job.options.dry_run and (journal := _journal(job)):
        yield "journal", f"{journal} exists; the people that it knows are counted here all the same"
    if rate := job.options.rate:
        yield "takes", f"at least {duration(estimate.requests / rate)}, at {rate:g} a second"
    if account.template is not None:
        yield from _costs(estimate)
        yield from _variables(job)
    if account.balance is not None:
        balance = account.balance
        yield "balance", f"{balance.total_balance:,f} {balance.currency or ''}".strip()
        if estimate.price > balance.total_balance:
            yield "too little", "the balance does not cover the price"


def _rows(count: int) -> str:
    return f"{count:,} {'row' if count == 1 else 'rows'}"


def _costs(estimate: Estimate) -> Iterator[tuple[str, object]]:
    by_count = ", ".join(
        f"{n:,} {'text' if n == 1 else 'texts'} of {count}"
        for count, n in sorted(estimate.counts.items())
    )
    yield "SMS", f"{estimate.units:,}{f': {by_count}' if by_count else ''}"
    yield ("encoding", ", ".join(f"{n:,} in {name}" for name, n in estimate.encodings.items()))
    if estimate.outside_gsm:
        common = estimate.outside_gsm.most_common(_MOST_CHARACTERS)
        yield ("UCS-2 for", ", ".join(f"{printable(char)} in {n:,}" for char, n in common))
    template = estimate.template
    if isinstance(template, SMSTemplate) and template.sign_name:
        yield ("not counted", "the signature, which the platform puts before the text or behind it")
    if estimate.prices is not None:
        unknown = estimate.without_price
        rest = f", and {unknown:,} in countries without a price" if unknown else ""
        yield "price", f"{estimate.price:,f}{rest}"


def _variables(job: Job) -> Iterator[tuple[str, object]]:
    if names := job.checked.variables.missing:
        yield "missing", f"{', '.join(names)}: {missing_hint(job)}"
    if names := unused(job):
        yield "not used", f"{', '.join(names)}: the text has no place for it"


def missing_hint(job: Job) -> str:
    """Say what becomes of variables that nothing fills."""
    if job.options.allow_missing:
        return "people read it literally"
    return "no column, --param or --set fills it, and people would read it literally"


def _sample(sample: Sample) -> Group:
    cost = sample.cost
    head = f"  {sample.to}  {cost.count} SMS, {cost.units} units of {cost.encoding}"
    body = "\n".join(f"    {printable(line)}" for line in sample.text.splitlines())
    return Group(Text(head, "dim"), Text(body))
