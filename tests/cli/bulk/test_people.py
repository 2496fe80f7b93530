"""People: in several rows, in a copy of a list, and those who must not be sent to."""

from collections.abc import Callable
from pathlib import Path

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import WriteList, numbers, words

ADA, BOB, EVE = numbers(3)
HEADER = "phone,name,order"
TWICE = (f"{ADA},Ada,1", f"{BOB},Bob,2", f"{ADA},Ada,3", f"{ADA},Ada,4")


def test_several_rows_of_a_person_are_sent(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """As they say different things; a log says how many people that is."""
    write(*TWICE, header=HEADER)

    ran = at_shop()

    assert (0, 4) == (ran.exit_code, len(shop.messages))
    assert "1 of 2 people are in several rows with different variables" in ran.err


def test_a_dry_run_says_how_many(at_shop: Engagelab, write: WriteList) -> None:
    """To people and to scripts."""
    write(*TWICE, header=HEADER)

    shown = words(at_shop("--dry-run").out)
    result = at_shop("--dry-run", "--json").document["result"]

    assert "people 2, 1 of them in several rows; see --once-per-person" in shown
    assert (2, 1) == (result["people"], result["people_in_several_rows"])


def test_so_does_the_last_look(
    at_shop: Engagelab, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """Before the question."""
    write(*TWICE, header=HEADER)
    at_terminal("n\n")

    assert "1 of them in several rows" in words(at_shop().err)


def test_once_per_person_sends_the_first_row(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """The others are left out, which is no error, and counted."""
    write(*TWICE, header=HEADER)

    ran = at_shop("--once-per-person", "--failed", "failed.csv")

    assert (0, 2) == (ran.exit_code, len(shop.messages))
    assert {"Order 1 is ready, Ada", "Order 2 is ready, Bob"} == {
        message.text for message in shop.messages
    }
    assert "left out 2 (people who have an earlier row)" in words(ran.out)
    assert 1 == len(Path("failed.csv").read_text().splitlines())


def test_a_dry_run_counts_the_first_rows(at_shop: Engagelab, write: WriteList) -> None:
    """And says how many it leaves out."""
    write(*TWICE, header=HEADER)

    shown = words(at_shop("--once-per-person", "--dry-run").out)

    assert "list 2 rows left out 2 rows of people who have an earlier row requests 2" in shown


def test_it_is_the_same_when_resumed(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """A further row of a person is not sent by a later run either."""
    write(*TWICE, header=HEADER)
    at_shop("--once-per-person")
    write(*TWICE, f"{BOB},Bob,5", f"{EVE},Eve,6", header=HEADER)

    result = at_shop("--once-per-person", "--resume", "--json").document["result"]

    assert (1, 2, 3, 3) == (
        result["accepted"],
        result["earlier"],
        result["left_out"],
        len(shop.messages),
    )


def test_a_renamed_copy_is_noticed(
    at_shop: Engagelab, engagelab: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """Another journal beside it knows its requests; the command to go on is named."""
    write(*TWICE, header=HEADER)
    at_shop()
    Path("people.csv").rename("copy.csv")
    origin = shop.otp_base_url.removesuffix("/otp")

    ran = engagelab("sms", "bulk", "copy.csv", "--template", "order", "--sandbox", origin)

    assert "people.csv.journal.db knows 4 of the first 4 requests" in ran.err
    assert "--journal people.csv.journal.db --resume" in ran.err


def test_another_list_is_no_copy(
    at_shop: Engagelab, engagelab: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """Nor is one whose journal cannot be read."""
    write(*TWICE, header=HEADER)
    at_shop()
    Path("notes.journal.db").write_text("notes")
    write(f"{EVE},Eve,9", header=HEADER, name="others.csv")
    origin = shop.otp_base_url.removesuffix("/otp")

    ran = engagelab("sms", "bulk", "others.csv", "--template", "order", "--sandbox", origin)

    assert (0, "") == (ran.exit_code, ran.err)


def test_people_can_be_suppressed(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """They are left out, however the file writes them, and counted."""
    write(*TWICE, header=HEADER)
    Path("stop.csv").write_text(f"number\n{ADA.replace('+', '00')}\n")

    ran = at_shop("--suppress", "stop.csv", "--json")

    result = ran.document["result"]
    assert (0, 1, 3) == (ran.exit_code, result["accepted"], result["suppressed"])
    assert [BOB] == [message.recipient for message in shop.messages]


def test_a_resumed_run_may_suppress_more(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Requests to several people are known again when one of them has replied STOP."""
    command = ("sms", "bulk", "people.csv", "--template", "7", "--targets-per-request", "2")
    write(ADA, BOB, header="phone")
    at_sandbox(*command)
    write(ADA, BOB, EVE, "+6591234567", header="phone")
    Path("stop.csv").write_text(f"phone\n{ADA}\n{EVE}\n")

    ran = at_sandbox(*command, "--resume", "--suppress", "stop.csv", "--json")

    result = ran.document["result"]
    assert (0, 1, 2, 1) == (
        ran.exit_code,
        result["accepted"],
        result["earlier"],
        result["suppressed"],
    )
    assert {ADA, BOB, "+6591234567"} == {message.recipient for message in sandbox.messages}


def test_a_dry_run_leaves_them_out(at_shop: Engagelab, write: WriteList) -> None:
    """They cost nothing."""
    write(*TWICE, header=HEADER)
    Path("stop.csv").write_text(f"phone\n{ADA}\n")

    ran = at_shop("--suppress", "stop.csv", "--dry-run")

    shown = words(ran.out)
    assert "suppressed 3 rows of people who must not be sent to" in shown
    assert "requests 1 SMS 1: 1 text of 1" in shown


def test_addresses_too(at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList) -> None:
    """In any case of their letters."""
    write("Ada@example.com", "bob@example.com", header="phone")
    Path("stop.csv").write_text("email\nADA@EXAMPLE.COM\n")

    ran = at_sandbox(
        *("otp", "bulk-message", "people.csv", "--template", "7", "--suppress", "stop.csv"),
    )

    assert 0 == ran.exit_code
    assert "suppressed 1 (people who must not be sent to)" in words(ran.out)
    assert ["bob@example.com"] == [message.recipient for message in sandbox.messages]


def test_a_list_of_them_that_cannot_be_read(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """Nothing is sent without it."""
    write(*TWICE, header=HEADER)

    ran = at_shop("--suppress", "none.csv")

    assert (2, 0) == (ran.exit_code, len(shop.messages))
    assert "none.csv" in ran.err


def test_a_country_reads_local_numbers(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """Which are refused without it."""
    write("9123 4567,Ada,1", header=HEADER)

    refused = at_shop()
    ran = at_shop("--country", "sg")

    assert (2, 0) == (refused.exit_code, ran.exit_code)
    assert ["+6591234567"] == [message.recipient for message in shop.messages]


def test_a_country_that_does_not_exist(at_shop: Engagelab, write: WriteList) -> None:
    """It is no reason to refuse every row."""
    write("9123 4567,Ada,1", header=HEADER)

    ran = at_shop("--country", "XX", "--json")

    assert (2, True) == (ran.exit_code, "country: expected" in ran.error["message"])
