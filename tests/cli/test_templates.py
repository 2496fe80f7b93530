"""``engagelab sms templates``, ``sms signatures`` and ``otp templates``."""

import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engagelab_async import ServerError
from engagelab_async.cli.outcome import Exit, failed
from engagelab_async.sandbox import Review, Sandbox
from engagelab_async.templates import DeleteSMSTemplate, ListSMSTemplates
from support.command import Engagelab, Ran
from support.hostile import Hostile, interrupts

SHIPPED = (
    *("--name", "shipped", "--type", "utility"),
    *("--content", "Order {{order}} is on its way", "--countries", "sg,MY"),
)
WORDING = {
    "template_name": "shipped",
    "template_type": "utility",
    "template_content": "Order {{order}}",
    "country_codes": "SG",
}
VOICE = {
    "template_id": "call",
    "send_channel_strategy": "voice",
    "brand_name": "Acme",
    "voice_config": {"template_type": 1},
    "verify_code_config": {"verify_code_type": 1, "verify_code_len": 6, "verify_code_ttl": 5},
}
APPROVED = Review.approve(after=0)

Write = Callable[[str, str], str]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A running sandbox that approves at once."""
    with Sandbox(review=APPROVED) as sandbox:
        yield sandbox


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file, and return where it is."""

    def write(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return write


def answer_with(monkeypatch: pytest.MonkeyPatch, typed: str) -> None:
    """Type something on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))


def result(ran: Ran) -> object:
    """Return what a command answered as JSON, which must have succeeded."""
    assert (0, True) == (ran.exit_code, ran.document["ok"])
    return ran.document["result"]


def created(at_sandbox: Engagelab, *options: str) -> str:
    """Create an SMS template and return its id."""
    ran = at_sandbox("sms", "templates", "create", *SHIPPED, *options, "--json")
    return str(ran.document["result"]["template_id"])


class TestSMSTemplates:
    """``engagelab sms templates``."""

    def test_life(self, at_sandbox: Engagelab, sandbox: Sandbox) -> None:
        """A template is submitted, waited for, listed, shown, changed and deleted."""
        ran = at_sandbox("sms", "templates", "create", *SHIPPED)
        template_id = ran.out.split()[-1]
        waited = at_sandbox("sms", "templates", "wait", template_id)
        listed = at_sandbox("sms", "templates", "list")
        shown = at_sandbox("sms", "templates", "show", template_id)
        sandbox.review = Review.leave_pending()
        changed = at_sandbox(
            "sms", "templates", "update", template_id, *SHIPPED[2:], "--name", "sent"
        )
        pending = at_sandbox("sms", "templates", "list")
        deleted = at_sandbox("sms", "templates", "delete", template_id, "--yes")
        none = at_sandbox("sms", "templates", "list")

        assert "✓ Submitted for review" in ran.out
        assert f"engagelab sms templates wait {template_id}" in ran.out
        assert waited.out == shown.out
        assert ["text", "Order", "{{order}}"] == shown.out.splitlines()[5].split()[:3]
        assert [template_id, "shipped", "utility", "SG,MY", "approved"] == (
            listed.out.splitlines()[1].split()
        )
        assert "✓ Changed" in changed.out
        assert ["sent", "pending"] == pending.out.splitlines()[1].split()[1::3]
        assert "✓ Deleted" in deleted.out
        assert "None" == none.out.strip()

    def test_json(self, at_sandbox: Engagelab) -> None:
        """Scripts get the attributes of the results, times in ISO 8601, and null for no answer."""
        template_id = created(at_sandbox)
        shown = result(at_sandbox("sms", "templates", "show", template_id, "--json"))
        listed = result(at_sandbox("sms", "templates", "list", "--json"))
        deleted = result(at_sandbox("sms", "templates", "delete", template_id, "--yes", "--json"))

        assert [shown] == listed
        assert isinstance(shown, dict)
        assert (2, ["SG", "MY"]) == (shown["status"], shown["country_codes"])
        assert shown["created_time"].endswith("+00:00")
        assert deleted is None

    def test_rejection(self, at_sandbox: Engagelab, sandbox: Sandbox) -> None:
        """A rejected template exits with 1 and shows the reviewers' words."""
        sandbox.review = Review.reject("Name the brand", after=0)
        template_id = created(at_sandbox)
        ran = at_sandbox("sms", "templates", "wait", template_id)
        shown = at_sandbox("sms", "templates", "show", template_id)

        assert 1 == ran.exit_code
        assert "✗ Not done" in ran.err
        assert "rejected: Name the brand" in ran.err
        assert "Name the brand" in shown.out

    def test_no_decision(self, at_sandbox: Engagelab, sandbox: Sandbox) -> None:
        """A template that is not reviewed in time exits with 1 as well."""
        sandbox.review = Review.leave_pending()
        ran = at_sandbox(
            *("sms", "templates", "wait", created(at_sandbox), "--limit", "0.001", "--json")
        )

        assert (1, "ReviewTimeoutError") == (ran.exit_code, ran.error["type"])

    @pytest.mark.parametrize("typed", ["y\n", "YES\n"])
    def test_deleting_asks(
        self, at_sandbox: Engagelab, monkeypatch: pytest.MonkeyPatch, typed: str
    ) -> None:
        """A yes deletes; the question is no part of the answer."""
        template_id = created(at_sandbox)
        answer_with(monkeypatch, typed)
        ran = at_sandbox("sms", "templates", "delete", template_id, "--json")

        assert result(ran) is None
        assert f"Delete the SMS template {template_id}? [y/N] " == ran.err

    @pytest.mark.parametrize("typed", ["", "\n", "n\n", "yep\n"])
    def test_only_a_yes_deletes(
        self, at_sandbox: Engagelab, monkeypatch: pytest.MonkeyPatch, typed: str
    ) -> None:
        """Anything else, the end of the input too, deletes nothing."""
        template_id = created(at_sandbox)
        answer_with(monkeypatch, typed)
        ran = at_sandbox("sms", "templates", "delete", template_id)

        assert 2 == ran.exit_code
        assert "--yes: not confirmed" in ran.err
        assert 0 == at_sandbox("sms", "templates", "show", template_id).exit_code

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("t.json", json.dumps(WORDING)),
            ("t.toml", "\n".join(f'{name} = "{value}"' for name, value in WORDING.items())),
            ("t.yaml", "\n".join(f'{name}: "{value}"' for name, value in WORDING.items())),
            ("T.YML", "\n".join(f'{name}: "{value}"' for name, value in WORDING.items())),
        ],
    )
    def test_files(self, at_sandbox: Engagelab, write: Write, name: str, text: str) -> None:
        """A file holds what a template says, in any of the formats; options win over it."""
        ran = at_sandbox(
            *("sms", "templates", "create", "--file", write(name, text), "--name", "mine", "--json")
        )
        template_id = ran.document["result"]["template_id"]
        shown = at_sandbox("sms", "templates", "show", template_id)

        assert "mine" in shown.out
        assert "Order {{order}}" in shown.out

    @pytest.mark.parametrize(
        ("name", "text", "problem"),
        [
            ("t.txt", "", "--file: expected a name that ends in .json, .toml, .yaml, .yml"),
            ("t.json", "{", "--file: cannot be read as json"),
            ("t.toml", "{", "--file: cannot be read as toml"),
            ("t.yaml", "{", "--file: cannot be read as yaml"),
            ("t.json", "[]", "--file: expected names and values"),
            ("t.yaml", "1: 2", "--file: expected names and values"),
            ("t.json", '{"body": 1}', "--file: body is no field; there are template_name,"),
            ("t.json", "{}", "--name: is needed, as an option or in --file"),
            ("t.json", json.dumps(WORDING | {"template_type": "x"}), "--type: expected one of"),
            ("t.json", json.dumps(WORDING | {"sign_id": "7"}), "--sign-position: a signature"),
        ],
    )
    def test_wrong_files(
        self, at_sandbox: Engagelab, write: Write, name: str, text: str, problem: str
    ) -> None:
        """A file that cannot be used is bad usage, named as the command line does."""
        ran = at_sandbox("sms", "templates", "create", "--file", write(name, text))

        assert 2 == ran.exit_code
        assert problem in ran.err

    def test_missing_file(self, at_sandbox: Engagelab) -> None:
        """A file that is not there is bad usage."""
        ran = at_sandbox("sms", "templates", "create", "--file", "nowhere.json")

        assert 2 == ran.exit_code
        assert "--file: No such file or directory" in ran.err

    def test_unreachable_platform(self, engagelab: Engagelab) -> None:
        """A reading that fails changed nothing, however it failed."""
        ran = engagelab(
            *("sms", "templates", "list", "--sandbox", "http://127.0.0.1:1", "--attempts", "1")
        )

        assert 1 == ran.exit_code
        assert "✗ Not done" in ran.err

    def test_uncertain_reading(self) -> None:
        """Whether a reading was made does not matter: it exits with 1, and a change with 3."""
        error = ServerError("500")

        assert Exit.NOT_SENT == failed(ListSMSTemplates(), error).exit_code
        assert Exit.UNCERTAIN == failed(DeleteSMSTemplate("7"), error).exit_code

    @pytest.mark.parametrize(("verb", "exit_code"), [("show", 130), ("delete", 3)])
    def test_interruption(self, engagelab: Engagelab, verb: str, exit_code: int) -> None:
        """Ctrl-C stops a reading for good, and leaves open what became of a change."""
        options = ("--yes",) if verb == "delete" else ()
        with Hostile(interrupts) as server:
            ran = engagelab("sms", "templates", verb, "7", *options, "--sandbox", server.url)

        assert exit_code == ran.exit_code


class TestSignatures:
    """``engagelab sms signatures``."""

    def test_life(self, at_sandbox: Engagelab) -> None:
        """A signature is submitted, waited for, listed, attached, shown, changed and deleted."""
        ran = at_sandbox("sms", "signatures", "create", "Acme")
        sign_id = ran.out.split()[-1]
        waited = at_sandbox("sms", "signatures", "wait", sign_id)
        template_id = created(at_sandbox, "--sign-id", sign_id, "--sign-position", "1")
        template = at_sandbox("sms", "templates", "show", template_id)
        listed = at_sandbox("sms", "signatures", "list")
        in_use = at_sandbox("sms", "signatures", "delete", sign_id, "--yes")
        at_sandbox("sms", "templates", "delete", template_id, "--yes")
        changed = at_sandbox("sms", "signatures", "update", sign_id, "Acme & Sons")
        shown = at_sandbox("sms", "signatures", "show", sign_id)
        deleted = at_sandbox("sms", "signatures", "delete", sign_id, "--yes")

        assert f"engagelab sms signatures wait {sign_id}" in ran.out
        assert "approved" in waited.out
        assert ["signature", "Acme"] == template.out.splitlines()[6].split()
        assert [sign_id, "Acme", "1", "approved"] == listed.out.splitlines()[1].split()
        assert (1, True) == (in_use.exit_code, "InUseError" in in_use.err)
        assert "✓ Changed" in changed.out
        assert "Acme & Sons" in shown.out
        assert "✓ Deleted" in deleted.out

    def test_deleting_asks(self, at_sandbox: Engagelab, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a yes nothing is deleted."""
        answer_with(monkeypatch, "no\n")

        assert "Delete the signature 7? [y/N]" in at_sandbox("sms", "signatures", "delete", "7").err


class TestOTPTemplates:
    """``engagelab otp templates``."""

    def test_life(self, at_sandbox: Engagelab, sandbox: Sandbox) -> None:
        """A template is submitted, waited for, listed, shown, sent and deleted."""
        ran = at_sandbox(
            *("otp", "templates", "create", "login", "--brand", "Acme", "--whatsapp-first"),
            *("--content", "{{code}}!", "--countries", "SG", "--description", "Log in"),
            *("--code-length", "8", "--minutes", "10"),
        )
        waited = at_sandbox("otp", "templates", "wait", "login")
        listed = at_sandbox("otp", "templates", "list")
        shown = at_sandbox("otp", "templates", "show", "login")
        at_sandbox("otp", "send-code", "+6591234567", "0394", "--template", "login")
        deleted = at_sandbox("otp", "templates", "delete", "login", "--yes")

        assert "engagelab otp templates wait login" in ran.out
        assert ["login", "Acme", "whatsapp|sms", "approved"] == listed.out.splitlines()[1].split()
        assert waited.out == shown.out
        for text in ("8 characters, 10 minutes", "Log in", "{{code}}!"):
            assert text in shown.out
        assert "0394!" == sandbox.last_message().text
        assert "✓ Deleted" in deleted.out

    def test_the_platforms_text(self, at_sandbox: Engagelab) -> None:
        """Without a text of one's own, none is shown."""
        at_sandbox("otp", "templates", "create", "login", "--brand", "Acme")

        assert "text" not in at_sandbox("otp", "templates", "show", "login").out

    @pytest.mark.parametrize(("argument", "template_id"), [((), "call"), (("voice",), "voice")])
    def test_files(
        self, at_sandbox: Engagelab, write: Write, argument: tuple[str, ...], template_id: str
    ) -> None:
        """A file holds a whole template; an id on the command line wins over its own."""
        path = write("t.json", json.dumps(VOICE))
        ran = at_sandbox("otp", "templates", "create", *argument, "--file", path)

        assert 0 == ran.exit_code
        assert "voice" in at_sandbox("otp", "templates", "show", template_id).out

    @pytest.mark.parametrize(
        ("options", "problem"),
        [
            ((), "--brand: is needed with an id, or --file instead of both"),
            (("login",), "--brand: is needed with an id, or --file instead of both"),
            (("login", "--brand", "A"), "--brand: must have 2 to 10 characters, has 1"),
            (("login", "--brand", "Acme", "--content", "x"), "--content: must hold {{code}}"),
            (("login", "--brand", "Acme", "--minutes", "0"), "--minutes: must be 1 to 10"),
            (("login", "--brand", "Acme", "--code-length", "0"), "--code-length: must be 4 to 10"),
            (("--file", "x.json", "--brand", "Acme"), "--file: holds the whole template"),
        ],
    )
    def test_wrong_options(
        self, at_sandbox: Engagelab, options: tuple[str, ...], problem: str
    ) -> None:
        """What can never be right is bad usage, named as the command line does."""
        ran = at_sandbox("otp", "templates", "create", *options)

        assert 2 == ran.exit_code
        assert problem in ran.err

    def test_wrong_files(self, at_sandbox: Engagelab, write: Write) -> None:
        """What is wrong in a file is told by its address."""
        path = write("t.yaml", "template_id: x\nsms_config: {template_type: one}")
        ran = at_sandbox("otp", "templates", "create", "--file", path)

        assert 2 == ran.exit_code
        assert "--file: $.sms_config.template_type: expected an integer, got a string" in ran.err

    def test_deleting_asks(self, at_sandbox: Engagelab, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without a yes nothing is deleted."""
        answer_with(monkeypatch, "no\n")

        assert (
            "Delete the OTP template x? [y/N]" in at_sandbox("otp", "templates", "delete", "x").err
        )
