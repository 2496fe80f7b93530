"""A sandbox whose state outlives it."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from engagelab_async.sandbox import DEMO_CREDENTIALS, Review, Sandbox, StoreError
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.persistence import Persistence
from engagelab_async.sandbox.refusals import RefusedError
from support.fake_clock import FakeClock
from support.platforms import Platform

OTP = {"to": "+6591234567", "template": {"id": "login", "params": {"name": "Bob"}}}
SMS = {
    "to": ["+6591234567", "nobody", "+10000000203"],
    "template": {"id": "7", "params": {}},
    "custom_args": {"order": {"id": 7, "lines": [1, 2.5, None, True]}},
}
WORDING = {
    "template_name": "Shipped",
    "template_type": "utility",
    "template_content": "It has left",
    "country_codes": "SG",
}
OTP_TEMPLATE = {
    "template_id": "mine",
    "send_channel_strategy": "whatsapp|sms",
    "sms_config": {"template_type": 1},
    "whatsapp_config": {"template_type": 1},
    "verify_code_config": {"verify_code_type": 1, "verify_code_len": 6, "verify_code_ttl": 5},
}

SAMPLES = Path(__file__).parents[1] / "samples"

KILLED = """
import os, signal, sys, threading
import httpx
from engagelab_async.sandbox import Sandbox

with Sandbox(store=sys.argv[1]) as sandbox, httpx.Client(auth=("key", "secret")) as http:
    def die():
        sys.stdin.read()
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=die).start()
    for number in range(100_000):
        body = {"to": f"+65{80_000_000 + number}", "template": {"id": "7"}}
        http.post(f"{sandbox.otp_base_url}/v1/custom-messages", json=body)
        print(number + 1, flush=True)
"""
"""A sandbox that sends one message after the other, until its standard input is closed."""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "sandbox.json"


def persistence(platform: Platform, path: Path) -> Persistence:
    """Make what stores the state of a platform."""
    return Persistence(platform, Calls(platform, keep=10, clock=time.time), path)


def reopened(path: Path, clock: FakeClock) -> Platform:
    """Make a platform of what a store holds."""
    platform = Platform(code_ttl=300, clock=clock)
    with persistence(platform, path).open():
        pass
    return platform


class TestState:
    """What one platform did, another goes on with."""

    def test_messages(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """Sent and dropped ones are there again, equal to what they were."""
        with persistence(platform, path).open():
            platform.send_otp(OTP)
            platform.send_sms(SMS | {"schedule_time": int(clock.now) + 600})
        again = reopened(path, clock)

        assert platform.outbox.messages == again.outbox.messages
        assert platform.outbox.dropped == again.outbox.dropped
        assert (3, 1) == (len(again.outbox.messages), len(again.outbox.dropped))
        assert SMS["custom_args"] == again.outbox.messages[-1].custom_args

    def test_numbers_and_ids_go_on(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """A new message has a new number and a higher id, whatever the clock says."""
        with persistence(platform, path).open():
            platform.send_sms(SMS)
        last = platform.outbox.messages[-1]
        clock.now -= 10_000
        again = Platform(clock=clock)
        with persistence(again, path).open():
            again.send_sms(SMS)
        new = again.outbox.messages[-1]

        assert [2, 3, 5, 6] == [message.number for message in again.outbox.messages]
        assert int(new.message_id) > int(last.message_id)

    def test_codes(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """A live code can be verified once, and is in the way of another."""
        with persistence(platform, path).open():
            platform.send_otp(OTP)
        (message,) = platform.outbox.messages
        check = {"message_id": message.message_id, "verify_code": message.code}
        again = Platform(clock=clock)
        with persistence(again, path).open():
            with pytest.raises(RefusedError, match="3004"):
                again.send_otp(OTP)
            assert again.verify(check)["verified"]
        once_more = reopened(path, clock)

        with pytest.raises(RefusedError, match="3003"):
            once_more.verify(check)
        assert "verified" == once_more.simulation.history(message)[-1].status

    def test_manual_changes(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """Deliveries, failures, ends of codes and replies."""
        with persistence(platform, path).open():
            platform.send_sms(SMS)
            platform.send_otp(OTP)
            first, second, otp = platform.outbox.messages
            platform.simulation.deliver(first)
            platform.simulation.fail(second, 5018)
            platform.simulation.reply(second, "STOP")
            platform.simulation.expire(otp)
        again = reopened(path, clock)

        for message in platform.outbox.messages:
            assert platform.simulation.history(message) == again.simulation.history(message)
        assert ["STOP"] == [reply.text for reply in again.simulation.replies(second)]
        assert again.send_otp(OTP)

    def test_a_signature_needs_a_place(self, platform: Platform, clock: FakeClock) -> None:
        """A template with one says whether it stands before or after the text."""
        sign = platform.sms.create_signature({"sign_name": "Acme"})
        clock.now += 1

        with pytest.raises(RefusedError, match="400"):
            platform.sms.create_template(WORDING | {"add_signature": True} | sign)

    def test_templates_and_signatures(
        self, platform: Platform, path: Path, clock: FakeClock
    ) -> None:
        """With their reviews, which go on; and with what was deleted."""
        with persistence(platform, path).open():
            sign = platform.sms.create_signature({"sign_name": "Acme"})
            clock.now += 1
            platform.sms.create_template(
                WORDING | {"add_signature": True, "sign_position": 1} | sign
            )
            platform.otp.create_template(OTP_TEMPLATE)
            platform.otp.create_template(OTP_TEMPLATE | {"template_id": "gone"})
            platform.otp.delete_template("gone")
            platform.reviewer.review = Review.reject("Name the brand", after=60)
            platform.sms.create_template(WORDING)
        again = reopened(path, clock)
        pending = again.sms.list_templates()[-1]
        clock.now += 60

        assert (1, 3) == (pending["status"], again.sms.list_templates()[-1]["status"])
        assert platform.sms.list_templates() == again.sms.list_templates()
        assert platform.sms.list_signatures() == again.sms.list_signatures()
        assert platform.otp.list_templates() == again.otp.list_templates()
        with pytest.raises(RefusedError, match="4001"):
            again.otp.find("gone")

    def test_statuses_go_on(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """Of a message that comes from a store, what happens from then on is reported."""
        with persistence(platform, path).open():
            platform.send_custom_message(OTP)
        clock.now += 1
        again, seen = Platform(clock=clock), list[object]()
        again.simulation.observe(lambda number, event: seen.append((number, event)))
        with persistence(again, path).open():
            assert not again.simulation.report_due()
            before = list(seen)
            clock.now += 1
            assert not again.simulation.report_due()

        assert [] == before
        assert [(1, again.simulation.history(again.outbox.get(1))[-1])] == seen

    def test_nothing_is_kept_after_the_end(
        self, platform: Platform, path: Path, clock: FakeClock
    ) -> None:
        """What happens outside the block does no harm, and is not kept."""
        with persistence(platform, path).open():
            platform.send_otp(OTP)
        platform.send_sms(SMS)
        platform.sms.create_signature({"sign_name": "Acme"})

        assert 1 == len(reopened(path, clock).outbox.messages)


def test_a_sandbox_goes_on_where_it_stopped(path: Path) -> None:
    """A sandbox with a store knows what an earlier one sent."""
    with Sandbox(store=path) as sandbox, httpx.Client(auth=DEMO_CREDENTIALS) as http:
        http.post(f"{sandbox.otp_base_url}/v1/messages", json=OTP)
        sent = sandbox.messages
    with Sandbox(store=str(path)) as again:
        assert sent == again.messages
        again.reply(again.messages[0], "thanks")
    with again:
        assert ["thanks"] == [reply.text for reply in again.replies(again.messages[0])]

    assert {path.name, f"{path.name}.lock"} == {each.name for each in path.parent.iterdir()}


def test_the_inbox_goes_on_where_it_stopped(path: Path) -> None:
    """It shows what was asked and answered before, unless it was emptied."""

    def shown(sandbox: Sandbox) -> list[tuple[int, str]]:
        url = f"{sandbox.inbox_url}sandbox/v1/messages"
        found = http.get(url).json()["messages"]
        return [(each["number"], each["state"]) for each in found]

    with httpx.Client(auth=DEMO_CREDENTIALS, trust_env=False) as http:
        with Sandbox(store=path, pace=0) as sandbox:
            http.post(f"{sandbox.sms_base_url}/v1/messages", json=SMS)
            http.post(f"{sandbox.otp_base_url}/v1/messages", json=OTP)
            before = shown(sandbox)
        with Sandbox(store=path, pace=0) as sandbox:
            after = shown(sandbox)
            http.post(f"{sandbox.otp_base_url}/v1/messages", json=OTP | {"to": "+6591234568"})
            with_another = shown(sandbox)
            call = http.get(f"{sandbox.inbox_url}sandbox/v1/calls/2").json()
            http.delete(f"{sandbox.inbox_url}sandbox/v1/calls")
        with Sandbox(store=path) as sandbox:
            emptied = shown(sandbox)

    assert before == after == with_another[1:]
    assert [5, 4, 3, 2, 1] == [number for number, _ in with_another]
    assert "+6591234567" in call["request"]["body"]
    assert [] == emptied


def test_a_store_belongs_to_one_sandbox(path: Path) -> None:
    """A second one is told so, takes no port, and does not loosen the hold of the first."""
    with Sandbox(store=path) as sandbox:
        second = Sandbox(store=path)
        for _ in range(2):
            with pytest.raises(StoreError, match=r"is in use by another sandbox$"), second:
                pytest.fail("it was entered")
        code = (
            f"from engagelab_async.sandbox import Sandbox; Sandbox(store={str(path)!r}).__enter__()"
        )
        other = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )

        assert "is in use by another sandbox" in other.stderr
        assert "<Sandbox not running>" == repr(second)
        assert sandbox.messages == ()


def test_a_port_in_use_leaves_the_store_alone(path: Path) -> None:
    """What was opened for a start that failed is closed again."""
    with Sandbox() as first:
        port = httpx.URL(first.otp_base_url).port or 0
        with (
            pytest.raises(OSError, match="while attempting to bind"),
            Sandbox(port=port, store=path),
        ):
            pytest.fail("it was entered")
    with Sandbox(store=path) as again:
        assert () == again.messages


@pytest.mark.skipif(sys.platform == "win32", reason="signals of POSIX")
@pytest.mark.parametrize("sends", [1, 40, 400])
def test_a_killed_sandbox_leaves_a_whole_snapshot(path: Path, sends: int) -> None:
    """Whenever that is; what came first is in it, and another sandbox goes on from there."""
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        for _ in range(sends):
            process.stdout.readline()
        wait_for(path, 'messages": [{')  # it is written right after the first request
        process.communicate()

    assert -signal.SIGKILL == process.returncode
    with Sandbox(store=path) as sandbox:
        recipients = [message.recipient for message in sandbox.messages]
        assert recipients
        assert [f"+65{80_000_000 + n}" for n in range(len(recipients))] == recipients


def snapshots(path: Path, sandbox: Sandbox, http: httpx.Client, sends: int) -> set[bytes]:
    """Send messages, and return the snapshots that were there meanwhile."""
    seen = set[bytes]()
    for number in range(sends):
        body = {"to": f"+65{80_000_000 + number}", "template": {"id": "7"}}
        http.post(f"{sandbox.otp_base_url}/v1/custom-messages", json=body)
        if path.exists():
            seen.add(path.read_bytes())
    return seen


def test_a_burst_is_written_together(path: Path) -> None:
    """The first change at once, and the rest a moment later: not each by itself."""
    with Sandbox(store=path) as sandbox, httpx.Client(auth=DEMO_CREDENTIALS) as http:
        began = time.monotonic()
        seen = snapshots(path, sandbox, http, 100)
        took = time.monotonic() - began

    # The empty one, that of the first change, and one a second.
    assert len(seen) <= 3 + took
    with Sandbox(store=path) as again:
        assert 100 == len(again.messages)


def test_a_manual_change_is_written_while_it_runs(path: Path) -> None:
    """Not only at the end, which a kill would prevent; requests that only read change nothing."""
    with Sandbox(store=path) as sandbox, httpx.Client(auth=DEMO_CREDENTIALS) as http:
        before = path.stat()
        http.get(f"{sandbox.otp_base_url}/v1/balance")
        assert before == path.stat()
        http.post(f"{sandbox.otp_base_url}/v1/messages", json=OTP)
        wait_for(path, "+6591234567")
        sandbox.reply(sandbox.messages[0], "thanks")
        wait_for(path, "thanks")


def wait_for(path: Path, text: str) -> None:
    """Wait until a text is in a file."""
    ends = time.monotonic() + 50
    while not path.exists() or text not in path.read_text(encoding="ascii"):
        assert time.monotonic() < ends, "it was never written"
        time.sleep(0.01)


@pytest.mark.skipif(sys.platform == "win32", reason="permissions of POSIX")
def test_only_its_owner_can_read_it(path: Path) -> None:
    """A snapshot holds phone numbers and codes; one that was open to others is not, afterwards."""
    path.touch(0o644)
    with Sandbox(store=path):
        pass

    assert 0o600 == path.stat().st_mode & 0o777


def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    """The file that it points to is replaced."""
    link = tmp_path / "link.json"
    link.symlink_to(path)
    with Sandbox(store=link):
        pass

    assert link.is_symlink()
    assert path.is_file()


def test_what_cannot_be_written_is_reported(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """While it runs in the log, where it begins or ends by an error; the API answers meanwhile."""
    in_the_way = path.with_name(f"{path.name}.new")
    answers: list[httpx.Response] = []

    def run(sandbox: Sandbox) -> None:
        with sandbox, httpx.Client(auth=DEMO_CREDENTIALS) as http:
            in_the_way.mkdir()
            answers.extend(http.post(f"{sandbox.otp_base_url}/v1/messages", json=OTP) for _ in "12")

    for _ in range(2):
        sandbox = Sandbox(store=path)
        with pytest.raises(StoreError, match=r"sandbox.json cannot be written \("):
            run(sandbox)
        assert "<Sandbox not running>" == repr(sandbox)

    assert [200, 400] == [answer.status_code for answer in answers]
    assert all("cannot be written" in record.getMessage() for record in caplog.records)


def test_a_store_of_an_earlier_version(path: Path, clock: FakeClock) -> None:
    """All that version 2 held is there again: messages, codes, templates, signatures, calls."""
    path.write_bytes((SAMPLES / "sandbox_store_2.json").read_bytes())
    clock.now = 1_800_000_012.0  # when it was written
    platform = Platform(templates={"given": "G {{order}}", "g2": "x"}, clock=clock)
    calls = Calls(platform, keep=10, clock=clock)
    with Persistence(platform, calls, path).open():
        platform.send_otp({"to": "+6591234567", "template": {"id": "t1"}})
    again = reopened(path, clock)
    message, dropped, scheduled, new = (platform.outbox.get(number) for number in (1, 2, 3, 4))
    (template,) = again.sms.list_templates()
    (signature,) = again.sms.list_signatures()

    assert [False, True, True] == [dropped.accepted, scheduled.accepted, new.accepted]
    assert (["sent_failed"], ["hello"]) == (
        [change.status for change in platform.simulation.history(message)][-1:],
        [reply.text for reply in platform.simulation.replies(message)],
    )
    assert platform.simulation.guess(message.message_id, "235477")
    assert ["given", "t1"] == [each["template_id"] for each in platform.otp.list_templates()]
    assert ["t1"] == [each["template_id"] for each in again.otp.list_templates()]
    assert 1_800_000_000 == again.otp.get_template("t1")["created_time"]
    assert (3, "bad words", "Hi {{order}}", 1_800_000_006) == (
        template["status"],
        template["audit_remark"],
        template["template_content"],
        template["created_time"],
    )
    assert (("Aab", 1), ("Aab", 2)) == (
        (signature["sign_name"], signature["related_template_count"]),
        (template["sign_name"], template["sign_status"]),
    )
    for deleted in (platform.sms.find, platform.otp.find):
        with pytest.raises(RefusedError, match="4001"):
            deleted("g2")
    assert [3, 2, 1] == [call.number for call in calls]
    assert b'{"engagelab_sandbox": 3,' == path.read_bytes()[:24]


class TestFiles:
    """Files that are no store, or cannot be one."""

    def opening(self, path: Path) -> str:
        """Open a file that cannot be used, and return what is wrong with it."""
        with pytest.raises(StoreError) as caught, Sandbox(store=path):
            pytest.fail("it was entered")
        return str(caught.value).removeprefix(f"store: {path} ")

    def written(self, path: Path) -> bytes:
        """Write a store with a message in it."""
        with Sandbox(store=path) as sandbox, httpx.Client(auth=DEMO_CREDENTIALS) as http:
            http.post(f"{sandbox.sms_base_url}/v1/messages", json=SMS)
        return path.read_bytes()

    @pytest.mark.parametrize("content", [b"hello", b"x" * 200, b"{}", b'{"messages": []}'])
    def test_another_file_is_left_alone(self, path: Path, content: bytes) -> None:
        """What is no store is not changed."""
        path.write_bytes(content)

        assert "is no store of a sandbox" == self.opening(path)
        assert content == path.read_bytes()

    def test_a_store_of_sqlite(self, path: Path) -> None:
        """An earlier version wrote SQLite files; the error says what to do."""
        content = b"SQLite format 3\0" + bytes(100)
        path.write_bytes(content)

        assert (
            "is no store of a sandbox; one of SQLite is of an earlier version: "
            "delete it, or name another" == self.opening(path)
        )
        assert content == path.read_bytes()

    def test_a_later_version(self, path: Path) -> None:
        """A store of another version is left to the one that reads it."""
        content = self.written(path).replace(b'"engagelab_sandbox": 3', b'"engagelab_sandbox": 9')
        path.write_bytes(content)

        assert "is of version 9; this engagelab-async reads 2 and 3" == self.opening(path)
        assert content == path.read_bytes()

    @pytest.mark.parametrize("part", ["sms", "otp"])
    def test_a_damaged_store_of_an_earlier_version(self, path: Path, part: str) -> None:
        """Templates that are not where that version has them."""
        content = (SAMPLES / "sandbox_store_2.json").read_bytes()
        content = content.replace(f'"{part}": {{"templates": ['.encode(), b'"x": {"x": [')
        path.write_bytes(content)

        assert "is damaged (its documents cannot be read)" == self.opening(path)
        assert content == path.read_bytes()

    def test_a_file_that_was_cut_off(self, path: Path) -> None:
        """Wherever that is."""
        content = self.written(path)
        for length in range(30, len(content) - 2, 97):
            path.write_bytes(content[:length])

            assert self.opening(path).startswith("is damaged (")

    @pytest.mark.parametrize(
        ("before", "after"),
        [
            (b'"message_id": "', b'"message_id": "x'),
            (b'"product": "sms"', b'"product": "fax"'),
            (b'"messages": [', b'"messages": [7, '),
            (b'"codes"', b'"cods"'),
            (b'"sent_at"', b'"send_at"'),
            (b"{", b"\xff{"),
        ],
    )
    def test_documents_that_cannot_be_read(self, path: Path, before: bytes, after: bytes) -> None:
        """The error names the file, and nothing of the sandbox is replaced."""
        content = self.written(path)
        path.write_bytes(content[:25] + content[25:].replace(before, after, 1))
        sandbox = Sandbox(store=path)
        with pytest.raises(StoreError, match=r"sandbox.json is damaged \(") as caught, sandbox:
            pytest.fail("it was entered")

        assert () == sandbox.messages
        assert "659123" not in f"{caught.value!r} {caught.value.__cause__!r}"

    def test_a_folder(self, tmp_path: Path) -> None:
        """A folder is no file."""
        assert self.opening(tmp_path).startswith("cannot be opened (")

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        """No folder is made for a store."""
        assert self.opening(tmp_path / "missing" / "sandbox.json").startswith("cannot be used (")

    def test_a_lock_that_cannot_be_made(self, path: Path) -> None:
        """The error names the store, not the lock."""
        path.with_name(f"{path.name}.lock").mkdir()

        assert self.opening(path).startswith("cannot be used (")

    def test_an_empty_file_becomes_a_store(self, path: Path) -> None:
        """As does one that is not there; half a surrogate pair is kept, too."""
        path.touch()
        with Sandbox(store=path) as sandbox, httpx.Client(auth=DEMO_CREDENTIALS) as http:
            body = b'{"to": "+6591234567", "template": {"id": "7", "params": {"name": "\\ud800"}}}'
            headers = {"Content-Type": "application/json"}
            http.post(f"{sandbox.otp_base_url}/v1/messages", content=body, headers=headers)
        with Sandbox(store=path) as again:
            assert {"name": "\ud800"} == again.messages[0].params
