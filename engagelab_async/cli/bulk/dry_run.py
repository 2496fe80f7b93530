"""``--dry-run``: what a list would cost, and what people would read, without sending anything.

The template's text is asked of the API, or given with ``--template-text``; without one, rows and
requests are counted all the same.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, TypeAlias

from attrs import define, field, frozen
from rich.console import Group, RenderableType
from rich.text import Text

from engagelab_async import EngageLabError, render
from engagelab_async.bulk.segments import Segments, outside_gsm, segments
from engagelab_async.cli.calls import run
from engagelab_async.cli.options import Call, spelled
from engagelab_async.cli.outcome import Exit
from engagelab_async.cli.output import ignore_errors, masked, print_json
from engagelab_async.cli.printing import console, facts, printable
from engagelab_async.templates import (
    OTPTemplate,
    Rendering,
    SMSTemplate,
    TemplateStatus,
    TemplateType,
)

from .checks import Item
from .decisions import problems_for_scripts, show_problems
from .job import Job
from .progress import duration
from .source import STDIN

_SAMPLES: Final = 3
_FOREIGN: Final = 8

Template: TypeAlias = SMSTemplate | OTPTemplate | str
"""A template as the API gives it, or its text."""


@frozen
class Sample:
    """A text as somebody would read it.

    Attributes:
        to: The recipient, masked.
        text: The text.
        cost: What it costs.
    """

    to: str
    text: str
    cost: Segments


@define(eq=False)
class Estimate:
    """What a list would cost.

    Attributes:
        template: The template, or ``None`` if its text is not known.
        requests: How many requests there would be.
        counts: How many texts are sent as how many SMS.
        encodings: How many texts are sent in which encoding.
        foreign: How many texts hold which character that makes them UCS-2.
        samples: The first few texts.
        longest: The first of those that cost most.
    """

    template: Template | None
    requests: int = 0
    counts: Counter[int] = field(factory=Counter)
    encodings: Counter[str] = field(factory=Counter)
    foreign: Counter[str] = field(factory=Counter)
    samples: list[Sample] = field(factory=list)
    longest: Sample | None = None

    @property
    def total(self) -> int:
        """How many SMS that is."""
        return sum(count * texts for count, texts in self.counts.items())

    def add(self, item: Item) -> None:
        """Render and count the text of a row."""
        if self.template is None:
            return
        text = render(self.template, item.params).text
        cost = segments(text)
        self.counts[cost.count] += 1
        self.encodings[cost.encoding] += 1
        self.foreign.update(outside_gsm(text))
        sample = Sample(masked(item.to), text, cost)
        if len(self.samples) < _SAMPLES:
            self.samples.append(sample)
        if self.longest is None or cost.units > self.longest.cost.units:
            self.longest = sample


def perform(job: Job, call: Call) -> int:
    """Show what a job would cost.

    Returns:
        The exit code: 2 if not everything is in order.

    Raises:
        ValueError: The template's text cannot be read from its file.
    """
    template, why_not = _template(job, call)
    estimate = Estimate(template)
    for request in job.requests():
        estimate.requests += 1
        for item in request.items:
            estimate.add(item)
    missing = _missing(job, estimate)
    bad = job.findings.bad if not job.options.skip_bad else 0
    code = Exit.USAGE if bad or missing else Exit.DONE
    if job.findings.bad and not call.json:
        show_problems(job.findings, console(stderr=True))
    with ignore_errors():
        if call.json:
            print_json(_document(job, estimate, code))
        else:
            console().print(_shown(job, estimate, why_not))
    return code


def _template(job: Job, call: Call) -> tuple[Template | None, str]:
    """Find the template, or say why its text is not known."""
    given = job.options.template_text
    if given is None:
        return run(lambda: _asked(job, call))
    text = _from_file(given[1:]) if given.startswith("@") else given
    if job.sample.endpoint.product == "otp":
        return text, ""
    # As a template of its product, or brand_name and the like would pass for filled in.
    template = SMSTemplate(
        template_id=job.options.template,
        template_name="",
        template_type=TemplateType.UTILITY,
        template_content=text,
        status=TemplateStatus.APPROVED,
    )
    return template, ""


def _from_file(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig").rstrip("\n")
    except (OSError, UnicodeDecodeError):
        raise ValueError("--template-text: the file cannot be read as UTF-8") from None


async def _asked(job: Job, call: Call) -> tuple[Template | None, str]:
    try:
        async with call.client() as engagelab:
            is_sms = job.sample.endpoint.product == "sms"
            templates = engagelab.sms.templates if is_sms else engagelab.otp.templates
            template = await templates.get(job.options.template)
        # Which raises if only the platform knows what it says.
        _ = render(template)
    except (EngageLabError, ValueError) as error:
        return None, spelled(str(error.args[0]))
    return template, ""


def _rendering(job: Job, estimate: Estimate) -> Rendering:
    """Render the text with all variables that there are columns for, to see which fit."""
    return render(estimate.template or "-", dict.fromkeys(job.checker.columns.params, ""))


def _missing(job: Job, estimate: Estimate) -> tuple[str, ...]:
    return _rendering(job, estimate).missing


def _unused(job: Job, estimate: Estimate) -> tuple[str, ...]:
    return () if estimate.template is None else _rendering(job, estimate).unknown


def _journal(job: Job) -> str | None:
    """Name the journal if there is one: it is not looked into."""
    if job.file == STDIN and job.options.journal is None:
        return None
    return str(job.journal) if job.journal.exists() else None


# ------------------------------------------------------------------------------- to scripts


def _document(job: Job, estimate: Estimate, code: Exit) -> dict[str, Any]:
    result = {
        "dry_run": True,
        "rows": job.findings.good,
        "bad": job.findings.bad,
        "problems": problems_for_scripts(job.findings),
        "requests": estimate.requests,
        "journal": _journal(job),
        "template_text_known": estimate.template is not None,
        "missing_variables": list(_missing(job, estimate)),
        "unused_params": list(_unused(job, estimate)),
        "segments": estimate.total if estimate.template is not None else None,
        "texts_by_segments": {str(count): n for count, n in sorted(estimate.counts.items())},
        "texts_by_encoding": dict(estimate.encodings),
        "texts_by_character_outside_gsm": dict(estimate.foreign.most_common(_FOREIGN)),
        "samples": [
            {"to": each.to, "text": each.text, "segments": each.cost.count}
            for each in estimate.samples
        ],
    }
    operation = job.sample.endpoint.name
    return {"ok": code is Exit.DONE, "operation": operation, "result": result}


# ------------------------------------------------------------------------------- to people


def _shown(job: Job, estimate: Estimate, why_not: str) -> Group:
    parts: list[RenderableType] = [
        Text("Dry run: nothing was sent", "bold"),
        facts(dict(_facts(job, estimate))),
    ]
    if estimate.template is None:
        parts += [Text("The template's text is not known, so SMS cannot be counted", "bold yellow")]
        parts += [facts({"why": why_not or None, "what to do": "Give it with --template-text."})]
    elif estimate.longest is not None:
        samples = dict.fromkeys([*estimate.samples, estimate.longest])
        parts += [Text("What people would read", "bold"), *map(_sample, samples)]
    return Group(*parts)


def _facts(job: Job, estimate: Estimate) -> Iterator[tuple[str, object]]:
    rows, rate = job.findings.good, job.options.rate
    bad = f", and {job.findings.bad:,} that cannot be sent" if job.findings.bad else ""
    yield "list", f"{rows:,} {'row' if rows == 1 else 'rows'}{bad}"
    yield "requests", f"{estimate.requests:,}"
    if journal := _journal(job):
        yield "journal", f"{journal} is there: whom it knows is counted here all the same"
    if rate:
        yield "takes", f"at least {duration(estimate.requests / rate)}, at {rate:g} a second"
    if estimate.template is None:
        return
    yield "SMS", f"{estimate.total:,}{_by_count(estimate)}"
    yield "encoding", ", ".join(f"{n:,} in {name}" for name, n in estimate.encodings.items())
    if estimate.foreign:
        common = estimate.foreign.most_common(_FOREIGN)
        yield "UCS-2 for", ", ".join(f"{printable(char)} in {n:,}" for char, n in common)
    if isinstance(estimate.template, SMSTemplate) and estimate.template.sign_name:
        yield "not counted", "the signature, which the platform puts before the text or behind it"
    yield from _about_variables(job, estimate)


def _by_count(estimate: Estimate) -> str:
    texts = (
        f"{n:,} {'text' if n == 1 else 'texts'} of {count}"
        for count, n in sorted(estimate.counts.items())
    )
    return f": {', '.join(texts)}"


def _about_variables(job: Job, estimate: Estimate) -> Iterator[tuple[str, object]]:
    if missing := _missing(job, estimate):
        names = ", ".join(missing)
        yield "missing", f"{names}: no --param fills it, and people would read it literally"
    if unused := _unused(job, estimate):
        yield "not used", f"{', '.join(unused)}: the text has no place for it"


def _sample(sample: Sample) -> Group:
    cost = sample.cost
    head = f"  {sample.to}  {cost.count} SMS, {cost.units} units of {cost.encoding}"
    body = "\n".join(f"    {printable(line)}" for line in sample.text.splitlines())
    return Group(Text(head, "dim"), Text(body))
