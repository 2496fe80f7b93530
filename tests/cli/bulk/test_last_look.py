"""What is checked and shown before a list is sent."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engagelab_async.sandbox import Review, Sandbox
from support.command import Engagelab
from support.held import HeldPlatform
from support.lists import JOURNAL, WriteList, numbers, words

ADA, BOB, EVE = numbers(3)
ORDERS = (f"{ADA},Ada,1042", f"{BOB},Bob,1043")
HEADER = "phone,name,order"


# ------------------------------------------------------------------------------- the account


class Refusing(HeldPlatform):
    """A platform that refuses every question about the account with an error."""

    status, answer = 401, {"code": 2001, "message": "authentication failed"}

    def ask(self, path: str) -> tuple[int, object]:
        """Refuse."""
        return self.status, self.answer


@pytest.fixture
def refusing() -> Iterator[Refusing]:
    """Run it."""
    with Refusing() as platform:
        assert isinstance(platform, Refusing)
        platform.release()
        yield platform


@pytest.mark.parametrize("file", ["people.csv", "no such file.csv"])
def test_keys_are_checked_before_the_list_is_read(
    engagelab: Engagelab, refusing: Refusing, write: WriteList, file: str
) -> None:
    """A wrong key ends the command before it looks for the list, and before a journal is made."""
    write(*ORDERS, header=HEADER)

    ran = engagelab("sms", "bulk", file, "--template", "7", "--sandbox", refusing.origin, "--json")

    assert (1, "AuthenticationError", 2001) == (
        ran.exit_code,
        ran.error["type"],
        ran.error["code"],
    )
    assert ["people.csv"] == [path.name for path in Path().iterdir()]


def test_so_is_the_template(engagelab: Engagelab, write: WriteList, shop: Sandbox) -> None:
    """A template that the account does not have is an error, and no journal is made."""
    write(*ORDERS, header=HEADER)
    origin = shop.otp_base_url.removesuffix("/otp")

    ran = engagelab("sms", "bulk", "none.csv", "--template", "8", "--sandbox", origin, "--json")

    assert (1, "NotFoundError", 0) == (ran.exit_code, ran.error["type"], len(shop.messages))
    assert ["people.csv"] == [path.name for path in Path().iterdir()]


def test_a_template_has_to_be_approved(
    at_sandbox: Engagelab, sandbox: Sandbox, write: WriteList
) -> None:
    """Every message of another would be refused."""
    write(*ORDERS, header=HEADER)
    sandbox.review = Review.leave_pending()
    made = at_sandbox(
        *("sms", "templates", "create", "--name", "shipped", "--type", "utility", "--json"),
        *("--content", "Hi {{name}}", "--countries", "SG"),
    )
    template = made.document["result"]["template_id"]

    ran = at_sandbox("sms", "bulk", "people.csv", "--template", template)

    assert (2, 0) == (ran.exit_code, len(sandbox.messages))
    assert "--template: it is not approved" in ran.err
    assert not Path(JOURNAL).exists()


@pytest.mark.parametrize(
    ("status", "code"), [(403, 2004), (501, None), (404, 4001)], ids=["keys", "mock", "routes"]
)
def test_a_key_may_be_limited_to_sending(
    engagelab: Engagelab, refusing: Refusing, write: WriteList, status: int, code: int | None
) -> None:
    """What cannot be asked is not known, and is no reason not to send."""
    refusing.status, refusing.answer = status, {"code": code, "message": "no"}
    write(*ORDERS, header=HEADER)

    ran = engagelab(
        *("sms", "bulk", "people.csv", "--template", "7", "--attempts", "1"),
        *("--sandbox", refusing.origin),
    )

    assert (0, 2) == (ran.exit_code, len(refusing.everything))


@pytest.mark.parametrize(
    ("answers", "error"),
    [
        ({"balance": (403, 2004), "template-configs/7": (401, 2002)}, "AuthenticationError"),
        (
            {"template-configs/7": (404, 4001), "template-configs": (403, 2004)},
            "NotFoundError",
        ),
    ],
)
def test_what_is_refused_is_refused_at_once(
    engagelab: Engagelab, write: WriteList, answers: dict[str, tuple[int, int]], error: str
) -> None:
    """Whichever question shows it."""
    write(*ORDERS, header=HEADER)

    class Partly(HeldPlatform):
        def ask(self, path: str) -> tuple[int, object]:
            status, code = answers.get(path.partition("/v1/")[2], (501, 0))
            return status, {"code": code, "message": "not exist"}

    with Partly() as platform:
        ran = engagelab(
            *("sms", "bulk", "people.csv", "--template", "7", "--attempts", "1", "--json"),
            *("--sandbox", platform.origin),
        )

    assert (1, error, []) == (ran.exit_code, ran.error["type"], platform.everything)


def test_an_api_that_cannot_be_reached(engagelab: Engagelab, write: WriteList) -> None:
    """Nothing is begun; a dry run counts the rows all the same."""
    write(*ORDERS, header=HEADER)
    line = ("sms", "bulk", "people.csv", "--template", "7", "--sandbox", "http://127.0.0.1:1")

    ran = engagelab(*line, "--attempts", "1", "--json")
    dry = engagelab(*line, "--attempts", "1", "--dry-run")

    assert (1, "ConnectError", 0) == (ran.exit_code, ran.error["type"], dry.exit_code)
    assert not Path(JOURNAL).exists()
    assert "list      2 rows" in dry.out


# ------------------------------------------------------------------------------- the look


@pytest.mark.parametrize(("answer", "sent"), [("y\n", 2), ("n\n", 0), ("\n", 0), ("", 0)])
def test_it_is_shown_and_asked(
    at_shop: Engagelab,
    shop: Sandbox,
    write: WriteList,
    at_terminal: Callable[[str], None],
    *,
    answer: str,
    sent: int,
) -> None:
    """One text, the people, the SMS, the price, the balance, and a question; only a yes sends."""
    write(*ORDERS, header=HEADER)
    at_terminal(answer)

    ran = at_shop("--price", "0.045")

    shown = words(ran.err)
    for expected in (
        "About to be sent",
        "list 2 rows",
        "SMS 2: 2 texts of 1",
        "price 0.090",
        "balance 100.0000",
        "…00 1 SMS, 24 units of GSM-7 Order 1042 is ready, Ada",
        "Send to 2 people? [y/N]",
    ):
        assert expected in shown
    assert "Bob" not in ran.err
    assert (0 if sent else 2, sent) == (ran.exit_code, len(shop.messages))
    assert bool(sent) is Path(JOURNAL).exists()


def test_yes_asks_nothing(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """For scripts that run at a terminal."""
    write(*ORDERS, header=HEADER)
    at_terminal("")

    ran = at_shop("--yes")

    assert (0, 2) == (ran.exit_code, len(shop.messages))
    assert "[y/N]" not in ran.err


def test_yes_leaves_no_bad_row_out(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """Nor does it go on with an earlier run: that is what --skip-bad and --resume are for."""
    write(*ORDERS, "nobody,Eve,1", header=HEADER)
    at_terminal("y\n")

    assert (2, 0) == (at_shop("--yes").exit_code, len(shop.messages))

    write(*ORDERS, header=HEADER)
    at_shop("--yes")
    at_terminal("y\n")

    assert (2, 2) == (at_shop("--yes").exit_code, len(shop.messages))


def test_a_script_is_not_asked(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """Without a terminal, and no text is in its log."""
    write(*ORDERS, header=HEADER)

    ran = at_shop()

    assert (0, "", 2) == (ran.exit_code, ran.err, len(shop.messages))


def test_a_resumed_run_asks_about_what_is_left(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """And counts only that."""
    write(*ORDERS, header=HEADER)
    at_shop()
    write(*ORDERS, f"{EVE},Eve,1044", header=HEADER)
    at_terminal("y\n")

    ran = at_shop("--resume")

    assert (0, 3) == (ran.exit_code, len(shop.messages))
    assert "left 1 of 3 requests; all of them:" in words(ran.err)
    assert "Send the 1 request that are left?" in words(ran.err)


def test_nothing_to_send_is_nothing_to_ask(
    at_shop: Engagelab, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """If all is settled, a resumed run says so at once."""
    write(*ORDERS, header=HEADER)
    at_shop()
    at_terminal("")

    ran = at_shop("--resume")

    assert 0 == ran.exit_code
    assert "[y/N]" not in ran.err


def test_a_balance_that_is_too_small_is_said(
    engagelab: Engagelab, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """Before the money runs out in the middle of the list."""
    write(ADA, header="phone")
    at_terminal("n\n")
    with Sandbox(templates={"t": "Hi"}, balance="1.5") as sandbox:
        origin = sandbox.otp_base_url.removesuffix("/otp")
        ran = engagelab(
            *("sms", "bulk", "people.csv", "--template", "t", "--price", "2"),
            *("--sandbox", origin),
        )

    assert "the balance does not cover the price" in words(ran.err)


# ------------------------------------------------------------------------------- the test message


def test_one_text_is_sent_to_another_number_first(
    at_shop: Engagelab, shop: Sandbox, write: WriteList
) -> None:
    """It is the text of the first row, and its own person still gets it."""
    write(*ORDERS, header=HEADER)

    ran = at_shop("--test-to", "65 9999 9999")

    assert 0 == ran.exit_code
    assert "Sent the text of line 2 to …99 first." in ran.err
    first, *others = ((each.recipient, each.text) for each in shop.messages)
    assert ("+6599999999", "Order 1042 is ready, Ada") == first
    assert {ADA, BOB} == {recipient for recipient, _ in others}


def test_the_question_comes_after_it(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, at_terminal: Callable[[str], None]
) -> None:
    """So that it can be read on a phone before the others are sent to."""
    write(*ORDERS, header=HEADER)
    at_terminal("n\n")

    ran = at_shop("--test-to", "+6599999999")

    assert (2, ["+6599999999"]) == (ran.exit_code, [each.recipient for each in shop.messages])


@pytest.mark.parametrize(
    ("number", "exit_code"),
    [("+10000003002", 1), ("+10000001000", 3), ("+10000005013", 2), ("nobody", 2)],
)
def test_if_it_fails_nothing_else_is_sent(
    at_shop: Engagelab, shop: Sandbox, write: WriteList, number: str, exit_code: int
) -> None:
    """The exit code is that of the single message."""
    write(*ORDERS, header=HEADER)

    ran = at_shop("--test-to", number)

    assert (exit_code, 0) == (ran.exit_code, len(shop.messages))
    assert not Path(JOURNAL).exists()


def test_a_dry_run_sends_no_test(at_shop: Engagelab, shop: Sandbox, write: WriteList) -> None:
    """It is refused, as a dry run sends nothing."""
    write(*ORDERS, header=HEADER)

    ran = at_shop("--test-to", "+6599999999", "--dry-run")

    assert (2, 0) == (ran.exit_code, len(shop.messages))
    assert "--test-to: sends a message, so leave out --dry-run" in ran.err


# ------------------------------------------------------------------------------- prices


@pytest.mark.parametrize(
    ("prices", "price"),
    [
        ("65,0.045\n92,0.5\n", "0.590"),
        ("country;price\n+65;0,045\n0092;0,5\n", "0.590"),
        ('{"65": 0.045, "*": 0.5}', "0.590"),
        ("\ufeffSG\t0.045\nPK\t0.5\n\n", "0.590"),
        ("*,1\n6591000000,2\n65,3\n", "6"),
        ("65,0.045\n", "0.090, and 1 in countries without a price"),
    ],
)
def test_prices_by_country(at_shop: Engagelab, write: WriteList, prices: str, price: str) -> None:
    """By calling code or ISO code; the longest one that fits counts."""
    write(*ORDERS, "+923001234567,Zoe,1", header=HEADER)
    Path("prices").write_text(prices, encoding="utf-8")

    ran = at_shop("--dry-run", "--prices", "prices")

    assert 0 == ran.exit_code
    assert f" price {price} " in words(ran.out)


def test_the_price_for_scripts(at_shop: Engagelab, write: WriteList) -> None:
    """A string, as money is no float."""
    write(*ORDERS, header=HEADER)

    result = at_shop("--dry-run", "--price", "0.1", "--json").document["result"]

    assert ("0.2", "100.0000") == (result["price"], result["balance"])


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (None, "--prices: No such file or directory"),
        ("65,1\N{EURO SIGN}", "--prices: the file cannot be read as UTF-8"),
        ("65", "--prices: expected lines of a country code and a price"),
        ("65,cheap", "--prices: expected a price"),
        ("65,-1", "--prices: expected a price"),
        ("65,1e9", "--prices: expected a price"),
        ("6?5,1", "--prices: expected country codes"),
        ("XX,1", "country: expected an ISO 3166 code"),
        ("{", "--prices: the file is not a JSON object"),
    ],
)
def test_prices_that_cannot_be(
    at_shop: Engagelab, write: WriteList, content: str | None, error: str
) -> None:
    """They are refused before anything is sent."""
    write(*ORDERS, header=HEADER)
    if content is not None:
        Path("prices").write_text(content, encoding="cp1252")

    ran = at_shop("--prices", "prices", "--json")

    assert 2 == ran.exit_code
    assert error in ran.error["message"]


@pytest.mark.parametrize(
    "options", [("--price", "cheap"), ("--price", "1", "--prices", "people.csv")]
)
def test_a_price_that_cannot_be(
    at_shop: Engagelab, write: WriteList, options: tuple[str, ...]
) -> None:
    """It is refused as well."""
    write(*ORDERS, header=HEADER)

    assert "--price: " in json.dumps(at_shop(*options, "--json").error)


def test_an_address_has_no_country(engagelab: Engagelab, write: WriteList) -> None:
    """Its price is that of all others, or unknown."""
    write("ada@example.com", header="phone")
    Path("prices").write_text("SG,1\n")

    ran = engagelab(
        *("otp", "bulk-message", "people.csv", "--template", "7", "--dry-run"),
        *("--template-text", "Hi", "--prices", "prices"),
    )

    assert "price 0, and 1 in countries without a price" in words(ran.out)
