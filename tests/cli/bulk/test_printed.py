"""What is printed to be read, and what is printed to be copied."""

import json
import shlex
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis.strategies import text
from rich.text import Text

from engagelab_async.cli.printing import command, console, print_error, printable
from support.command import Engagelab
from support.held import HeldPlatform
from support.lists import WriteList, csv_of, numbers

SEND = ("otp", "send", "+6591234567", "--template", "login")
ODD_IDS = [
    "1; touch owned",
    "$(touch owned)",
    "`touch owned`",
    "it's 1",
    "1\ntouch owned",
    "--sandbox=http://127.0.0.1:1",
    "-x",
    "* ?",
    "1\u202etxt.exe",
]
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
MOVING = "\x1b[2J\x07\x9b1m\r\n\u2028\u2029\x85\u200b\ufeff\U000e0041"


class Answering(HeldPlatform):
    """A platform that answers the same to everything."""

    def __init__(self, answer: dict[str, Any]) -> None:
        """Answer that."""
        super().__init__()
        self.answer = answer

    def take(self, body: dict[str, Any]) -> dict[str, Any]:
        """Answer at once."""
        return self.answer


@pytest.fixture
def platform() -> Iterator[Answering]:
    """A platform whose answer can be set."""
    with Answering({}) as platform:
        assert isinstance(platform, Answering)
        yield platform


def controls(seen: str) -> list[str]:
    """Find what is no printable character, and ends no line."""
    return [each for each in seen if not each.isprintable() and each != "\n"]


class TestCommands:
    """Commands to be copied."""

    @pytest.mark.parametrize("odd", ODD_IDS)
    def test_an_id_is_one_word_of_them(
        self, engagelab: Engagelab, platform: Answering, odd: str
    ) -> None:
        """Whatever the API sent, a shell makes one word of it, and the command no option."""
        platform.answer = {"message_id": odd, "send_channel": "sms"}
        ran = engagelab(*SEND, "--sandbox", platform.origin)
        (line,) = [line for line in ran.out.splitlines() if line.startswith("  next")]
        words = shlex.split(line.removeprefix("  next"))

        marked = ["--"] if odd.startswith("-") else []
        assert ["engagelab", "otp", "verify", *marked, printable(odd), "CODE"] == words

    def test_an_option_in_place_of_an_id_is_none(
        self, engagelab: Engagelab, platform: Answering
    ) -> None:
        """A code goes where the user's own options say, and not where an id says."""
        platform.answer = {"message_id": "--sandbox=http://127.0.0.1:1", "send_channel": "sms"}
        ran = engagelab(*SEND, "--sandbox", platform.origin)
        (line,) = [line for line in ran.out.splitlines() if line.startswith("  next")]
        platform.answer = {"message_id": "1", "verified": True}

        _, _, otp, verify, *copied = shlex.split(line)
        again = engagelab(otp, verify, "--sandbox", platform.origin, *copied)

        assert (0, "✓ The code is right") == (again.exit_code, again.out.splitlines()[0])

    @pytest.mark.parametrize(
        ("create", "answer", "wait"),
        [
            (
                ("sms", "signatures", "create", "Our brand"),
                {"sign_id": "7; x"},
                "engagelab sms signatures wait '7; x'",
            ),
            (
                (
                    *("sms", "templates", "create", "--name", "Shipped", "--type", "utility"),
                    *("--content", "On its way", "--countries", "SG"),
                ),
                {"template_id": "-7"},
                "engagelab sms templates wait -- -7",
            ),
            (
                ("otp", "templates", "create", "a b", "--brand", "Shop"),
                {"template_id": "a b"},
                "engagelab otp templates wait 'a b'",
            ),
        ],
    )
    def test_so_is_that_of_a_template(
        self,
        engagelab: Engagelab,
        platform: Answering,
        create: tuple[str, ...],
        answer: dict[str, str],
        wait: str,
    ) -> None:
        """Or of a signature, and one that the user gave."""
        platform.answer = answer

        ran = engagelab(*create, "--sandbox", platform.origin)

        assert 0 == ran.exit_code
        assert wait in ran.out

    @given(text())
    def test_are_read_as_they_were_meant(self, odd: str) -> None:
        """Of any id."""
        words = shlex.split(command("otp", "verify", id=odd, then=("CODE",)))

        assert odd == words[-2]
        assert "--" == words[-3] or not odd.startswith("-")

    def test_that_go_on_quote_what_was_typed(
        self, engagelab: Engagelab, platform: Answering, write: WriteList
    ) -> None:
        """A file with spaces, a template with a semicolon, a name that begins with a hyphen."""
        name = "-our people; touch owned.csv"
        write(*numbers(1), header="phone", name=name)
        platform.answer = {"code": 2001, "message": "no"}
        line = ("sms", "bulk", "--template", "7; touch owned", "--sandbox", platform.origin)

        resume = engagelab(*line, "--json", "--", name).document["result"]["resume"]

        assert ["engagelab", *line, "--resume", "--", name] == shlex.split(resume)


class TestTexts:
    """Texts of the API, and of files."""

    @pytest.mark.parametrize("options", [(), ("--json",), ("--verbose",)])
    def test_turn_nothing_around(
        self, engagelab: Engagelab, platform: Answering, options: tuple[str, ...]
    ) -> None:
        """What comes with an error moves no cursor, and changes no direction."""
        platform.answer = {"code": 3003, "message": f"bad {TURNING}{MOVING} end"}

        ran = engagelab(*SEND, "--sandbox", platform.origin, *options)

        assert [] == controls(ran.seen)
        if options == ("--json",):
            assert "3003 bad [2J 1m end (HTTP 200)" == ran.error["message"]

    def test_nor_in_what_a_run_writes(
        self, engagelab: Engagelab, platform: Answering, write: WriteList
    ) -> None:
        """The file of failed rows and the report hold none either, nor a formula."""
        platform.answer = {"code": -3, "message": f"{TURNING}{MOVING}=HYPERLINK(1)"}
        write(*numbers(1), header="phone")
        files = ("--failed", "failed.csv", "--report", "report.html")

        ran = engagelab(
            *("sms", "bulk", "people.csv", "--template", f"7{TURNING}", *files),
            *("--sandbox", platform.origin),
        )

        assert [] == controls(ran.seen)
        assert [] == controls(Path("report.html").read_text(encoding="utf-8"))
        failed = Path("failed.csv").read_text(encoding="utf-8")
        assert [] == controls(failed)
        assert f"{numbers(1)[0]},-3,'-3 [2J 1m" in failed

    def test_the_rows_themselves_stay(
        self, engagelab: Engagelab, platform: Answering, write: WriteList
    ) -> None:
        """They are to be sent again as they are, whatever a spreadsheet makes of them."""
        platform.answer = {"code": 3003, "message": "no"}
        rows = (f"{numbers(1)[0]},=1+1{TURNING}", f"{numbers(2)[1]},@Ada")
        write(*rows)

        engagelab(
            *("sms", "bulk", "people.csv", "--template", "7", "--failed", "failed.csv"),
            *("--param", "name=name", "--sandbox", platform.origin),
        )
        failed = Path("failed.csv").read_text(encoding="utf-8")

        expected = [f"{row},3003,3003 no (HTTP 200),{n}" for n, row in enumerate(rows, 2)]
        assert expected == sorted(failed.splitlines()[1:])

    def test_results_are_escaped_in_json(self, engagelab: Engagelab, platform: Answering) -> None:
        """Scripts get what the API sent; whoever looks at it sees nothing but ASCII."""
        platform.answer = {"message_id": f"1{TURNING}", "send_channel": "sms"}

        ran = engagelab(*SEND, "--sandbox", platform.origin, "--json")

        assert ran.out.isascii()
        assert f"1{TURNING}" == ran.document["result"]["message_id"]
        assert json.dumps(f"1{TURNING}") in ran.out

    def test_names_of_files_are_shown_without(
        self, at_sandbox: Engagelab, write: WriteList
    ) -> None:
        """In questions, complaints and the end of a run."""
        name = f"people{TURNING}\x1b[2J.csv"
        write(*numbers(1), "nobody", header="phone")
        Path(name).write_bytes(csv_of(*numbers(1), header="phone"))
        seen = at_sandbox("sms", "bulk", name, "--template", "7").seen
        seen += at_sandbox("sms", "bulk", name, "--template", "7").seen
        seen += at_sandbox("journal", "show", f"{name}.journal.db").seen
        seen += at_sandbox("journal", "show", f"{name}.other.db").seen

        assert [] == controls(seen)

    def test_of_a_line_keep_their_spaces(self, capsys: pytest.CaptureFixture[str]) -> None:
        """A space of another width is a space."""
        console().print(Text("a\u3000b\xa0c\nd\u202e"))
        console().print("e\u202e")
        print_error("f\u202e")

        printed = capsys.readouterr()
        assert "a\u3000b\xa0c\nd�\ne�\n" == printed.out
        assert "✗ f�\n" == printed.err

    def test_of_no_category_that_commands(self) -> None:
        """Control, format and line characters are replaced, and letters are not."""
        everything = "".join(map(chr, range(0x110000)))
        kinds = {unicodedata.category(each) for each in printable(everything)}

        assert {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"} & kinds == set()
        assert {"Lu", "Lo", "Mn", "So", "Zs"} <= kinds
