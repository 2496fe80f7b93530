"""What fills the variables of a template."""

import pytest

from engagelab_async.sandbox import Sandbox
from support.command import Engagelab
from support.lists import JOURNAL, Stdin, WriteList, csv_of, numbers, words

ADA, BOB = numbers(2)
DRY_RUN = pytest.mark.parametrize("dry_run", [(), ("--dry-run",)])


def texts(sandbox: Sandbox) -> set[str]:
    """Return the texts of all messages."""
    return {message.text for message in sandbox.messages}


def test_a_column_fills_the_variable_of_its_name(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """Without any option, and other columns are not sent."""
    write(f"{ADA},Ada,1042,secret", f"{BOB},Bob,1043,", header="phone,name,order,note")

    ran = at_shop()

    assert 0 == ran.exit_code
    assert {"Order 1042 is ready, Ada", "Order 1043 is ready, Bob"} == texts(shop)


def test_a_constant_is_written_as_a_value_of_the_list(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """In NFC, without blanks at its end."""
    write(f"{ADA},Ada")

    at_shop("--set", "order=Jose\u0301 ")

    assert {"Order José is ready, Ada"} == texts(shop)


@pytest.mark.parametrize("header", ["Phone,Name,Order", "PHONE, NAME ,ORDER", "phone,Name,order"])
def test_its_name_may_be_in_capitals(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, header: str
) -> None:
    """As spreadsheets have it."""
    write(f"{ADA},Ada,1042", header=header)

    assert 0 == at_shop().exit_code
    assert {"Order 1042 is ready, Ada"} == texts(shop)


def test_an_option_maps_another_column(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """It comes before the column of the variable's name."""
    write(f"{ADA},Ada,1042,7", header="phone,name,order,number")

    at_shop("--param", "order=number")

    assert {"Order 7 is ready, Ada"} == texts(shop)


def test_a_constant_is_the_same_in_all_rows(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """It may hold equals signs, and comes before a column as well."""
    write(f"{ADA},Ada,1042", f"{BOB},Bob,1043", header="phone,name,order")

    at_shop("--set", "order=a=b")

    assert {"Order a=b is ready, Ada", "Order a=b is ready, Bob"} == texts(shop)


@DRY_RUN
def test_what_nothing_fills_is_an_error(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, dry_run: tuple[str, ...]
) -> None:
    """Nothing is sent, the variable is named, and the exit code is 2, in a dry run too."""
    path = write(f"{ADA},Ada", header="phone,name")

    ran = at_shop(*dry_run)

    assert (2, 0) == (ran.exit_code, len(shop.messages))
    assert "order" in ran.seen
    assert "no column, --param or --set fills it" in words(ran.seen)
    assert not path.startswith(JOURNAL)


def test_what_is_missing_for_scripts(at_shop: Engagelab, write: WriteList) -> None:
    """JSON lists the variables."""
    write(f"{ADA},Ada", header="phone,client")

    ran = at_shop("--json")

    assert (2, ["order", "name"]) == (ran.exit_code, ran.document["missing_variables"])


@DRY_RUN
def test_it_can_be_allowed(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, dry_run: tuple[str, ...]
) -> None:
    """Then people read the variable as it is written."""
    write(f"{ADA},Ada", header="phone,name")

    ran = at_shop("--allow-missing", *dry_run)

    assert 0 == ran.exit_code
    assert "Order {{order}} is ready, Ada" in (ran.out if dry_run else texts(shop))


def test_an_empty_value_is_a_bad_row(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """Also where literal variables are allowed."""
    write(f"{ADA},Ada,", f"{BOB},Bob,7", header="phone,name,order")

    ran = at_shop("--allow-missing")

    assert (2, 0) == (ran.exit_code, len(shop.messages))
    assert "line 2: order: empty" in ran.err


def test_the_recipient_can_be_a_variable(engagelab: Engagelab, write: WriteList) -> None:
    """A column may be both."""
    write(ADA, header="phone")

    with Sandbox(templates={"order": "Is {{phone}} yours?"}) as sandbox:
        origin = sandbox.otp_base_url.removesuffix("/otp")
        engagelab("sms", "bulk", "people.csv", "--template", "order", "--sandbox", origin)

        assert f"Is {ADA} yours?" == sandbox.last_message().text


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--set", "order"), "--set: expected name=value"),
        (("--set", "order="), "--set: order: empty"),
        (("--set", "order=\u200b"), "--set: order: empty: it holds only U+200B ZERO WIDTH SPACE"),
        (("--set", "order=a\x07"), "--set: order: holds U+0007 CONTROL CHARACTER"),
        (("--country", "XX"), "--country: expected an ISO 3166 code"),
        (("--set", "a=1", "--set", "a=2"), "--set: one name is given twice"),
        (("--set", "name=1", "--param", "name=name"), "--set: name is given with --param, too"),
        (("--param", "order=number"), "it has no column 'number', but phone, name, order"),
    ],
)
def test_options_that_cannot_be(
    at_shop: Engagelab, write: WriteList, options: tuple[str, ...], error: str
) -> None:
    """They are named."""
    write(f"{ADA},Ada,1042", header="phone,name,order")

    ran = at_shop(*options)

    assert 2 == ran.exit_code
    assert error in ran.err


def test_headers_are_compared_in_nfc(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """A file of macOS may spell é as two characters."""
    write(f"{ADA},Ada,1042", header="phone,pre\u0301nom,order")

    ran = at_shop("--param", "name=pr\u00e9nom")

    assert 0 == ran.exit_code
    assert {"Order 1042 is ready, Ada"} == texts(shop)


# ------------------------------------------------------------------------------- unknown texts


def test_without_a_text_every_column_is_sent(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """No column is missing then; it is said, and empty ones are not bad rows."""
    write(f"{ADA},Ada,", f"{BOB},Bob,7", header="phone,name,order")

    ran = at_sandbox("sms", "bulk", "people.csv", "--template", "7")

    assert 0 == ran.exit_code
    assert {"[7] name=Ada, order=", "[7] name=Bob, order=7"} == texts(sandbox)
    assert "every column is sent as the variable of its name: name, order." in ran.err


def test_a_file_of_failed_rows_has_more_columns(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Which are no variables."""
    write(f"{ADA},Ada,3002,no,7", header="phone,name,error_code,error_reason,error_line")

    at_sandbox("sms", "bulk", "people.csv", "--template", "7")

    assert {"[7] name=Ada"} == texts(sandbox)


def test_what_the_otp_platform_fills_in(engagelab: Engagelab, write: WriteList) -> None:
    """Presets need no column; one of their name overrides them."""
    write("ada@example.com,Acme", header="phone,brand_name")

    with Sandbox(templates={"t": "{{brand_name}}: {{ttl}} minutes"}) as sandbox:
        origin = sandbox.otp_base_url.removesuffix("/otp")
        ran = engagelab(
            *("otp", "bulk-message", "people.csv", "--template", "t", "--sandbox", origin)
        )
        (text,) = texts(sandbox)

    assert (0, True) == (ran.exit_code, text.startswith("Acme: "))


def test_a_pipe_has_variables_too(
    at_shop: Engagelab, shop: Sandbox, engagelab: Engagelab, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standard input is a list as any other."""
    content = csv_of(f"{ADA},Ada,1042", header="phone,name,order")
    monkeypatch.setattr("sys.stdin", Stdin(b"\xef\xbb\xbf" + content))
    origin = shop.otp_base_url.removesuffix("/otp")

    ran = engagelab(
        *("sms", "bulk", "-", "--template", "order", "--dry-run", "--sandbox", origin),
    )

    assert 0 == ran.exit_code
    assert "Order 1042 is ready, Ada" in ran.out


def test_what_has_no_place_in_the_text_is_named(at_shop: Engagelab, write: WriteList) -> None:
    """In a log, too: it may be a name that was mistyped."""
    write("+6591234567,Ada,7", header="phone,name,order")

    ran = at_shop("--set", "oder=8")

    assert 0 == ran.exit_code
    assert "Not used, as the text has no place for it: oder." in ran.err
