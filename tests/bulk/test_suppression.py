"""The people who must not be sent to."""

import gzip
import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engagelab_async import (
    Operation,
    Plan,
    Rejected,
    SendCode,
    SendSMS,
    UnsubscribedError,
)
from engagelab_async.bulk import Accepted, Suppression
from engagelab_async.webhooks import MessageStatus, UplinkMessage

ADA, BOB, CY = "+6591234567", "+6591234568", "+6591234569"
LIST = f"phone,name\n{ADA},Ada\n65 9123 4568,Bob\n"


def suppression_of(content: str | bytes, directory: Path, **options: Any) -> Suppression:  # noqa: ANN401 - of several types
    """Read a file with some content."""
    path = directory / "suppressed"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Suppression(path, **options)


class TestReading:
    """Any form of list."""

    @pytest.mark.parametrize(
        "content",
        [
            LIST,
            gzip.compress(LIST.encode(), mtime=0),
            LIST.encode("utf-16"),
            LIST.replace(",", ";"),
            f"sep=;\r\nmsisdn\r\n{ADA}\r\n{BOB}\r\n",
            f"{ADA}\n{BOB}\n",
            f"{ADA}\r{BOB}",
            f"Ada,{ADA}\nBob,{BOB}\n",
            f"whoever\n{ADA}\n{BOB}\n",
            f'{{"to": "{ADA}"}}\n{{"to": {BOB[1:]}}}\n',
            f'[{{"to": "{ADA}"}},\n{{"to": "{BOB}"}}]',
            f"Phone,Email\n{ADA},\n{BOB},bob@example.com\n",
            f"name,phone_number\nAda,{ADA}\nBob,{BOB}\n",
            f"Name;Cell phone\nAda;{ADA}\nBob;{BOB}\n",
            f"name,tel\nAda,{ADA}\nEve,\nBob,{BOB}\n",
            f'="{ADA}"\n="{BOB}"\n',
            f'[{{"phone": "{ADA}", "email": null}}, {{"phone": "{BOB}"}}]',
        ],
    )
    def test_finds_the_recipients(self, content: str | bytes, tmp_path: Path) -> None:
        """With a header and without, in the column that is named for them."""
        suppression = suppression_of(content, tmp_path)

        assert ADA in suppression
        assert BOB in suppression
        assert CY not in suppression
        assert 2 + ("bob@example.com" in suppression) == len(suppression)

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ('[{"phone": 6591234567.0}]', "line 1: phone: neither a string nor an integer; write"),
            ('{"phone": ["+6591234567"]}\n', "line 1: phone: neither a string nor an integer"),
            ('{"phone": {"mobile": "+6591234567"}}\n', "line 1: phone: neither a string nor"),
            (
                '{"phone": "+6591234568"}\n{"contact": "+6591234567"}\n',
                "line 2: no recipient in phone",
            ),
            (f'{{"{ADA}": true}}\n', "line 1: …: neither a string nor an integer"),
            (f'{{"{ADA}": {{"at": 1}}}}\n', "line 1: …: neither a string nor an integer"),
            (f'{{"{ADA}": null}}\n{{"phone": "{BOB}"}}\n', "line 2: no recipient in …"),
            ('{"ada@example.com": null}\n{"email": "b@example.com"}\n', "no recipient in …"),
        ],
    )
    def test_never_passes_over_a_person(self, content: str, why: str, tmp_path: Path) -> None:
        """Who cannot be read would be sent to: the file is refused, with the line."""
        with pytest.raises(ValueError, match=why) as caught:
            suppression_of(content, tmp_path)

        assert "91234567" not in str(caught.value)
        assert "example.com" not in str(caught.value)

    def test_finds_a_column_in_any_case(self, tmp_path: Path) -> None:
        """As lists do."""
        assert ADA in suppression_of(f"a,Contact\nb,{ADA}\n", tmp_path, column="contact")

    @pytest.mark.parametrize("written", ["+6591234567", "65 9123-4567", "006591234567"])
    def test_finds_a_number_however_it_is_written(self, written: str, tmp_path: Path) -> None:
        """In an operation, it is as the caller wrote it."""
        assert written in suppression_of(f"{ADA}\n", tmp_path)

    def test_finds_a_number_that_may_be_local(self, tmp_path: Path) -> None:
        """The platform might take it for one with a country code."""
        assert "91234567" in suppression_of("+91234567\n", tmp_path)
        assert "9123 4567" in suppression_of(f"{ADA}\n", tmp_path, country="SG")

    def test_compares_emails_without_case(self, tmp_path: Path) -> None:
        """An address is one, whatever its case."""
        suppression = suppression_of("Ada@Example.com\n", tmp_path)

        assert "ada@example.COM" in suppression
        assert 5 not in suppression

    def test_takes_a_column_and_an_encoding(self, tmp_path: Path) -> None:
        """Where the names do not say it."""
        content = f"Prénom;Telefon\nZoé;{ADA}\n".encode("cp1252")

        assert ADA in suppression_of(content, tmp_path, encoding="cp1252", column="Telefon")

    @pytest.mark.parametrize(
        ("content", "why"),
        [
            ("name,order\nAda,1\n", "is not a recipient, and names no column of recipients"),
            (f"91234567\n{ADA}\n", "is not a recipient, and names no column of recipients"),
            ("phone\n91234567\n", "line 2: has no country code, or is too short for it"),
            ("phone,name\n1\n", "line 2: 1 fields instead of 2"),
            ("phone,name,phone\n", "two columns have one name"),
        ],
    )
    def test_refuses_what_it_does_not_understand(
        self, content: str, why: str, tmp_path: Path
    ) -> None:
        """A recipient that is left out would be sent to."""
        with pytest.raises(ValueError, match=why):
            suppression_of(content, tmp_path)

    @pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes")
    def test_reads_a_pipe(self, tmp_path: Path) -> None:
        """As a shell passes what another program prints."""
        path = tmp_path / "pipe"
        os.mkfifo(path)
        writing = threading.Thread(target=path.write_text, args=(LIST,))
        writing.start()
        suppression = Suppression(path)
        writing.join()

        assert ADA in suppression
        assert BOB in suppression

    def test_needs_its_file(self, tmp_path: Path) -> None:
        """A name that is misspelled must not suppress nothing."""
        with pytest.raises(ValueError, match="No such file"):
            Suppression(tmp_path / "suppressed")

        assert 0 == len(Suppression(tmp_path / "suppressed", create=True))

    @pytest.mark.parametrize("content", ["", "\n\n", "\ufeff"])
    def test_may_be_empty(self, content: str, tmp_path: Path) -> None:
        """Nobody has asked yet."""
        assert 0 == len(suppression_of(content, tmp_path))


class TestAppending:
    """What is added is in the file."""

    @pytest.mark.parametrize(
        ("content", "expected"),
        [
            (None, f"recipient,reason\n{BOB},stop\n"),
            ("", f"recipient,reason\n{BOB},stop\n"),
            (f"{ADA}\n", f"{ADA}\n{BOB}\n"),
            (ADA, f"{ADA}\n{BOB}\n"),
            (f"name;phone;;\nAda;{ADA};;", f"name;phone;;\nAda;{ADA};;\n;{BOB}\n"),
            (f"reason,phone\n,{ADA}\n", f"reason,phone\n,{ADA}\nstop,{BOB}\n"),
            (
                f"email,phone\na@example.com,{ADA}\n",
                f"email,phone\na@example.com,{ADA}\n,{BOB}\n",
            ),
            (f'{{"to": "{ADA}"}}', f'{{"to": "{ADA}"}}\n{{"reason": "stop", "to": "{BOB}"}}\n'),
        ],
    )
    def test_keeps_the_form(self, content: str | None, expected: str, tmp_path: Path) -> None:
        """A line of its own, in the column of the recipients, and what is there is read again."""
        path = tmp_path / "suppressed"
        if content is not None:
            path.write_text(content, encoding="utf-8")
        suppression = Suppression(path, create=True)

        assert suppression.add("65 9123 4568", "stop")
        assert not suppression.add(BOB)
        assert expected == path.read_text(encoding="utf-8")
        assert BOB in Suppression(path)

    def test_takes_emails(self, tmp_path: Path) -> None:
        """They have a column of their own, where there is one."""
        path = tmp_path / "suppressed"
        suppression = suppression_of(f"phone,email\n{ADA},\n", tmp_path)
        suppression.add("Zoë@example.com")

        assert ",Zoë@example.com" == path.read_text(encoding="utf-8").splitlines()[-1]
        assert not suppression.add("zoë@EXAMPLE.com")

    def test_names_the_column_of_a_new_file(self, tmp_path: Path) -> None:
        """As it was asked for."""
        Suppression(tmp_path / "suppressed", create=True, column="phone").add(ADA)

        assert f"phone,reason\n{ADA},\n" == (tmp_path / "suppressed").read_text(encoding="utf-8")

    @pytest.mark.skipif(os.name != "posix", reason="no modes of files")
    def test_creates_a_private_file(self, tmp_path: Path) -> None:
        """Numbers are personal."""
        before = os.umask(0)
        try:
            Suppression(tmp_path / "suppressed", create=True).add(ADA)
        finally:
            os.umask(before)

        assert 0o600 == stat.S_IMODE((tmp_path / "suppressed").stat().st_mode)

    @pytest.mark.parametrize(
        "content",
        [
            gzip.compress(LIST.encode(), mtime=0),
            LIST.encode("utf-16"),
            f'[{{"to": "{ADA}"}}]'.encode(),
        ],
    )
    def test_refuses_other_forms(self, content: bytes, tmp_path: Path) -> None:
        """Before the first reply comes."""
        suppression = suppression_of(content, tmp_path)

        with pytest.raises(ValueError, match="only CSV and JSON lines in UTF-8 can be appended to"):
            suppression.check_appendable()
        with pytest.raises(ValueError, match="can be appended to"):
            suppression.add(CY)
        assert CY not in suppression

    def test_may_be_tried(self, tmp_path: Path) -> None:
        """An empty file is created, which is read again."""
        Suppression(tmp_path / "suppressed", create=True).check_appendable()
        Suppression(tmp_path / "suppressed").check_appendable()

        assert "recipient,reason\n" == (tmp_path / "suppressed").read_text(encoding="utf-8")
        with pytest.raises(OSError, match="directory"):
            Suppression(tmp_path / "nowhere" / "suppressed", create=True).check_appendable()

    def test_refuses_what_is_no_recipient(self, tmp_path: Path) -> None:
        """And writes nothing."""
        with pytest.raises(ValueError, match="not a phone number"):
            Suppression(tmp_path / "suppressed", create=True).add("nobody")

        assert not (tmp_path / "suppressed").exists()


PROGRAM = """
import sys
from engagelab_async.bulk import Suppression

suppression = Suppression(sys.argv[1], create=True)
for number in range(int(sys.argv[2]), int(sys.argv[3])):
    suppression.add(f"+65{number}")
    print(number, flush=True)
"""


def process(path: Path, first: int, last: int) -> "subprocess.Popen[str]":
    """Append numbers in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, str(path), str(first), str(last)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


class TestProcesses:
    """Several of them, and the ends of them."""

    def test_may_all_append(self, tmp_path: Path) -> None:
        """Each line is whole, and there is one header."""
        path = tmp_path / "suppressed"
        appending = [process(path, first, first + 20) for first in range(91000000, 91000060, 20)]
        for each in appending:
            each.communicate(timeout=200)

        assert [0, 0, 0] == [each.returncode for each in appending]
        lines = path.read_text(encoding="utf-8").splitlines()
        assert "recipient,reason" == lines[0]
        assert [f"+65{number}," for number in range(91000000, 91000060)] == sorted(lines[1:])

    def test_may_read_what_others_append_to(self, tmp_path: Path) -> None:
        """They find what is there, and do not mind what comes meanwhile."""
        path = tmp_path / "suppressed"
        sizes = [0]
        with process(path, 91000000, 91000200) as appending:
            while appending.poll() is None:
                sizes.append(len(Suppression(path, create=True)))

        assert 0 == appending.returncode
        assert sorted(sizes) == sizes
        assert 200 == len(Suppression(path))

    @pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL")
    def test_may_be_killed(self, tmp_path: Path) -> None:
        """What was added is there, and nothing is half."""
        path = tmp_path / "suppressed"
        with process(path, 91000000, 91999999) as killed:
            assert killed.stdout is not None
            for _ in range(5):
                killed.stdout.readline()
            killed.send_signal(signal.SIGKILL)
            added = 5 + len(killed.stdout.readlines())

        assert len(Suppression(path)) in (added, added + 1)

    @pytest.mark.skipif(sys.platform == "win32", reason="no limits of files")
    def test_may_fill_the_disk(self, tmp_path: Path) -> None:
        """A line that does not fit is taken out again, and is an error."""
        path = tmp_path / "suppressed"
        path.write_text(f"{ADA}\n{CY}\n", encoding="utf-8")
        suppression = Suppression(path)
        import resource

        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + 5, before[1]))
        try:
            with pytest.raises(OSError, match="No space left on device"):
                suppression.add(BOB)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

        assert f"{ADA}\n{CY}\n" == path.read_text(encoding="utf-8")
        assert BOB not in suppression

    def test_need_no_locks_of_posix(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """On Windows, a single process may append."""
        monkeypatch.setitem(sys.modules, "fcntl", None)

        assert Suppression(tmp_path / "suppressed", create=True).add(ADA)


def reply(text: str, sender: str = "6591234568") -> UplinkMessage:
    """Make a reply."""
    return UplinkMessage(server="sms", sender=sender, text=text)


@pytest.mark.asyncio
class TestRecording:
    """Events and outcomes by which people say that they want no more."""

    @pytest.mark.parametrize(
        "text", ["STOP", " stop. ", "Stop!", "Opt  Out", "UNSUBSCRIBE", "退订"]
    )
    async def test_takes_replies(self, text: str, tmp_path: Path) -> None:
        """In any case, with any punctuation."""
        suppression = Suppression(tmp_path / "suppressed", create=True)

        assert await suppression.record(reply(text))
        assert not await suppression.record(reply(text))
        assert BOB in suppression

    @pytest.mark.parametrize(
        "text", ["", "thanks", "stop by at five", "end of May?", "...", "nonstop"]
    )
    async def test_takes_no_other_replies(self, text: str, tmp_path: Path) -> None:
        """A word within a sentence means something else."""
        suppression = Suppression(tmp_path / "suppressed", create=True)

        assert not await suppression.record(reply(text))
        assert 0 == len(suppression)

    async def test_takes_words_of_the_callers(self, tmp_path: Path) -> None:
        """In place of the usual ones."""
        suppression = Suppression(tmp_path / "suppressed", create=True, words=["Genug!"])

        assert await suppression.record(reply("GENUG"))
        assert not await suppression.record(reply("stop", CY))

    async def test_takes_the_status_of_a_message(self, tmp_path: Path) -> None:
        """Error 5019 says that the person has unsubscribed."""
        suppression = Suppression(tmp_path / "suppressed", create=True)

        def status(to: str, code: int) -> MessageStatus:
            return MessageStatus(message_id="1", to=to, status="sent_failed", error_code=code)

        assert await suppression.record(status(BOB, 5019))
        assert not await suppression.record(status(CY, 5018))
        assert [True, False] == [each in suppression for each in (BOB, CY)]

    async def test_takes_outcomes(self, tmp_path: Path) -> None:
        """Of one recipient: of several, it is not known who."""
        suppression = Suppression(tmp_path / "suppressed", create=True)

        def rejected(operation: Operation[Any], code: int = 5019) -> Rejected[Any]:
            error = UnsubscribedError("no", code=code)
            return Rejected(operation, error, index=0)

        assert await suppression.record(rejected(SendCode("ada@example.com", "1", "login")))
        assert await suppression.record(rejected(SendSMS(BOB, "1233")))
        assert not await suppression.record(rejected(SendSMS([ADA, CY], "1233")))
        assert not await suppression.record(rejected(SendSMS(CY, "1233"), 5018))
        assert not await suppression.record(Accepted(SendSMS(CY, "1233"), Plan("1", 1, 1), index=0))
        assert 2 == len(suppression)
