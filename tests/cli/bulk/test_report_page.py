"""The parts of a report that a run against a sandbox does not bring about."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from engagelab_async import Accepted, Plan, RetryPolicy, SendSMS, Template
from engagelab_async.bulk.report import Tally
from engagelab_async.cli.bulk.checks import Checker, Findings, phone
from engagelab_async.cli.bulk.job import Job, Options
from engagelab_async.cli.bulk.ledger import Ledger
from engagelab_async.cli.bulk.report_page import page
from engagelab_async.cli.bulk.requests import Grouping
from engagelab_async.cli.bulk.sending import Ended
from support.lists import NAMES, csv_of, sheet_of


@pytest.fixture
def ended(tmp_path: Path) -> Ended:
    """A run of one request that took its time, from a list with an odd name."""
    with sheet_of(csv_of("+6591234567,Ada"), tmp_path) as sheet:
        sheet.source.name = "<b>.csv"
    options = Options(template="7")
    grouping = Grouping(lambda to, params: SendSMS(to, Template("7", None, params)))
    job = Job(
        "<b>.csv", options, sheet, Checker(NAMES, phone), Findings(1), grouping, RetryPolicy()
    )
    ledger = Ledger(1)
    operation = SendSMS("+6591234567", "7")
    ledger.add(Accepted(operation, Plan("1", 1, 1), index=0, attempts=1, elapsed=12.0), 1, at=12.0)
    report = Tally().report(elapsed=12.0, stopped=None)
    return Ended(job, ledger, report, datetime(2030, 1, 31, tzinfo=UTC))


def test_what_is_named_is_escaped(ended: Ended) -> None:
    """A file's name is text, not markup."""
    assert "&lt;b&gt;.csv with template 7, 2030-01-3" in page(ended)
    assert "<b>.csv" not in page(ended)


def test_a_request_that_took_long(ended: Ended) -> None:
    """It is in the last range, which has no end."""
    assert "over 10 s" in page(ended)
