"""``--dry-run``: what a list would cost."""

from pathlib import Path

import pytest

from engagelab_async.sandbox import Review, Sandbox
from support.command import Engagelab
from support.lists import Stdin, WriteList, csv_of, numbers, words

SMS = ("sms", "bulk", "people.csv", "--template", "7", "--param", "name=name", "--dry-run")


def with_text(text: str) -> tuple[str, ...]:
    """Make the command with a template's text."""
    return (*SMS, "--template-text", text)


def test_it_costs_nothing(at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList) -> None:
    """Nothing is sent, and no journal is made."""
    write(f"{numbers(1)[0]},Ada")

    ran = at_sandbox(*with_text("Hi {{name}}"))

    assert (0, ()) == (ran.exit_code, sandbox.messages)
    assert ["people.csv"] == [path.name for path in Path().iterdir()]


def test_it_counts_those_who_were_sent_to(at_sandbox: Engagelab, write: WriteList) -> None:
    """It does not look into a journal, and says so where there is one."""
    write(f"{numbers(1)[0]},Ada")
    at_sandbox(*SMS[:-1])

    ran = at_sandbox(*with_text("Hi {{name}}"))

    assert 0 == ran.exit_code
    assert "journal people.csv.journal.db exists; the people that it knows" in words(ran.out)
    assert (
        "people.csv.journal.db"
        == (at_sandbox(*with_text("Hi {{name}}"), "--json").document["result"]["journal"])
    )


def test_it_tells_what_would_be_sent(engagelab: Engagelab, write: WriteList) -> None:
    """How many SMS, how long it takes, and why some cost more."""
    ada, bob, zoe = numbers(3)
    write(f"{ada},Ada", f"{bob},{'Bob' * 60}", f"{zoe},Zoë")

    ran = engagelab(*with_text("Hi {{ name }}, welcome"), "--rate", "2")

    assert [
        "Dry run: nothing was sent",
        "list 3 rows",
        "requests 3",
        "takes at least 2 s, at 2 a second",
        "SMS 4: 2 texts of 1, 1 text of 2",
        "encoding 2 in GSM-7, 1 in UCS-2",
        "UCS-2 for ë in 1",
        "What people would read",
        "…00 1 SMS, 15 units of GSM-7",
        "Hi Ada, welcome",
        "…01 2 SMS, 192 units of GSM-7",
    ] == [" ".join(line.split()) for line in ran.out.splitlines()][:11]
    assert not ran.err


def test_the_longest_text_is_a_sample_too(engagelab: Engagelab, write: WriteList) -> None:
    """The first few, and the one that costs most, if it is not among them."""
    people = numbers(9)
    write(*(f"{number},Ada" for number in people[:-1]), f"{people[-1]},Maximilian")

    ran = engagelab(*with_text("Hi {name}\x1b[31m\nBye"))

    assert ["…00", "…01", "…02", "…08"] == [
        line.split()[0] for line in ran.out.splitlines() if line.startswith("  …")
    ]
    assert "    Hi Maximilian�[31m\n    Bye" in ran.out


def test_variables_that_nothing_fills(engagelab: Engagelab, write: WriteList) -> None:
    """People would read them literally, so the exit code is 2; what is not used is told as well."""
    write(f"{numbers(1)[0]},Ada")

    ran = engagelab(*with_text("Order {{order}} for {{user}}, order {{order}}"))

    assert 2 == ran.exit_code
    seen = " ".join(ran.out.split())
    assert "missing order, user: no column, --param or --set fills it" in seen
    assert "not used name: the text has no place for it" in seen


def test_what_the_otp_platform_fills_in_is_not_missing(
    engagelab: Engagelab, write: WriteList
) -> None:
    """Its presets need no column."""
    write(f"{numbers(1)[0]},Ada")

    ran = engagelab(
        *("otp", "bulk-message", "people.csv", "--template", "shipped", "--dry-run", "--json"),
        *("--template-text", "{{brand_name}}: {{order}}"),
    )

    assert ["order"] == ran.document["result"]["missing_variables"]


def test_an_sms_has_no_presets(engagelab: Engagelab, write: WriteList) -> None:
    """What the OTP platform fills in by itself, the SMS platform does not."""
    write(f"{numbers(1)[0]},Ada")

    ran = engagelab(*with_text("{{brand_name}}: hi {{name}}"), "--json")

    assert ["brand_name"] == ran.document["result"]["missing_variables"]


def test_bad_rows_are_shown(engagelab: Engagelab, write: WriteList) -> None:
    """With their lines, and exit code 2, unless they are to be left out."""
    write(f"{numbers(1)[0]},Ada", "nobody,Bob")

    ran = engagelab(*with_text("Hi {{name}}"))

    assert (2, 0) == (ran.exit_code, engagelab(*with_text("Hi {{name}}"), "--skip-bad").exit_code)
    assert "  line 3: phone: not a phone number with its country code" in ran.err
    assert "list      1 row, and 1 that cannot be sent" in ran.out


def test_the_text_can_be_in_a_file(engagelab: Engagelab, write: WriteList) -> None:
    """Its last line end does not count."""
    write(f"{numbers(1)[0]},Ada")
    Path("text").write_text("Hi {{name}}\n", encoding="utf-8")

    ran = engagelab(*with_text("@text"), "--json")

    assert {
        "dry_run": True,
        "rows": 1,
        "bad": 0,
        "problems": [],
        "people": 1,
        "people_in_several_rows": 0,
        "left_out": 0,
        "suppressed": 0,
        "price": None,
        "balance": None,
        "requests": 1,
        "journal": None,
        "template_text_known": True,
        "missing_variables": [],
        "unused_params": [],
        "segments": 1,
        "texts_by_segments": {"1": 1},
        "texts_by_encoding": {"GSM-7": 1},
        "texts_by_character_outside_gsm": {},
        "samples": [{"to": "…00", "text": "Hi Ada", "segments": 1}],
    } == ran.document["result"]


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_text_that_cannot_be_read(
    engagelab: Engagelab, write: WriteList, content: bytes | None
) -> None:
    """A file that is not there, or no text, is bad usage."""
    write(f"{numbers(1)[0]},Ada")
    if content is not None:
        Path("text").write_bytes(content)

    ran = engagelab(*with_text("@text"))

    assert 2 == ran.exit_code
    assert "--template-text: the file cannot be read as UTF-8" in ran.err


def test_an_empty_list(engagelab: Engagelab, write: WriteList) -> None:
    """There is nothing to show a sample of."""
    write()

    ran = engagelab(*with_text("Hi {{name}}"))

    assert 0 == ran.exit_code
    assert "What people would read" not in ran.out


def test_standard_input_needs_no_journal_here(
    engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is sent, so nothing has to be remembered."""
    monkeypatch.setattr("sys.stdin", Stdin(csv_of(f"{numbers(1)[0]},Ada")))

    ran = engagelab("sms", "bulk", "-", "--template", "7", "--dry-run", "--template-text", "Hi")

    assert 0 == ran.exit_code


def test_without_a_key_pair_rows_are_counted(engagelab: Engagelab, write: WriteList) -> None:
    """The API cannot be asked then, and it is said why."""
    write(f"{numbers(1)[0]},Ada")

    ran = engagelab(*SMS, "--sandbox", "nonsense")

    assert 0 == ran.exit_code
    assert "The template's text is not known, so SMS cannot be counted" in ran.out
    assert "--sandbox or ENGAGELAB_OTP_BASE_URL: expected http(s)" in ran.out
    assert "Give it with --template-text." in ran.out


def test_the_api_is_asked_for_the_text(at_sandbox: Engagelab, write: WriteList) -> None:
    """A template of the console is rendered without being typed in."""
    write(f"{numbers(1)[0]},Ada")
    made = at_sandbox(
        *("sms", "templates", "create", "--name", "shipped", "--type", "utility"),
        *("--content", "Hi {{name}}, order {{order}}", "--countries", "SG", "--json"),
    )
    template = made.document["result"]["template_id"]

    ran = at_sandbox(
        *("sms", "bulk", "people.csv", "--param", "name=name", "--dry-run", "--json"),
        *("--template", template),
    )

    result = ran.document["result"]
    assert ["order"] == result["missing_variables"]
    assert ["Hi Ada, order {{order}}"] == [sample["text"] for sample in result["samples"]]


def test_a_signature_is_not_counted(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """How the platform writes it is not known, so that is said."""
    sandbox.review = Review.approve(after=0)
    write(f"{numbers(1)[0]},Ada")
    signature = at_sandbox("sms", "signatures", "create", "Acme", "--json").document
    made = at_sandbox(
        *("sms", "templates", "create", "--name", "shipped", "--type", "utility"),
        *("--content", "Hi {{name}}", "--countries", "SG", "--json"),
        *("--sign-id", signature["result"]["sign_id"], "--sign-position", "1"),
    )

    ran = at_sandbox(
        *("sms", "bulk", "people.csv", "--param", "name=name", "--dry-run"),
        *("--template", made.document["result"]["template_id"]),
    )

    assert "not counted the signature, which the platform" in " ".join(ran.out.split())


def test_what_only_the_platform_knows(at_sandbox: Engagelab, write: WriteList) -> None:
    """An OTP template without a text of its own cannot be rendered here."""
    write(f"{numbers(1)[0]},Ada")
    at_sandbox("otp", "templates", "create", "login", "--brand", "Acme")

    ran = at_sandbox("otp", "bulk-message", "people.csv", "--template", "login", "--dry-run")

    assert 0 == ran.exit_code
    assert "the platform's default text, which is not known locally" in ran.out


def test_json_without_a_text(at_sandbox: Engagelab, write: WriteList) -> None:
    """What cannot be counted is null."""
    write(f"{numbers(1)[0]},Ada")

    ran = at_sandbox(*SMS, "--json")

    assert (0, 1) == (ran.exit_code, ran.document["result"]["requests"])
