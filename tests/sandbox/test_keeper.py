"""A sandbox whose state outlives it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from engagelab_async.sandbox import DEMO_CREDENTIALS, Review, Sandbox, StoreError
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.keeper import Keeper
from engagelab_async.sandbox.platform import Platform
from engagelab_async.sandbox.refusals import RefusedError
from engagelab_async.sandbox.store import Store
from support.fake_clock import FakeClock

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

OPENS = """
with Keeper(platform, calls, path).open():
    pass
"""
SENDS_AND_DIES = """
with Keeper(platform, calls, path).open():
    for number in range(10):
        platform.send_sms({"to": f"+659123456{number}", "template": {"id": "7", "params": {}}})
    os.kill(os.getpid(), signal.SIGKILL)
"""


def run(program: str, path: Path) -> "subprocess.CompletedProcess[str]":
    """Run a program in a process of its own, which knows `platform` and `path`."""
    names = """
import os, signal, sys
from pathlib import Path
from time import time
from engagelab_async.sandbox.inbox.calls import Calls
from engagelab_async.sandbox.keeper import Keeper
from engagelab_async.sandbox.platform import Platform
platform, path = Platform(), Path(sys.argv[1])
calls = Calls(platform.outbox, keep=10, clock=time)
"""
    command = [sys.executable, "-c", names + program, str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file that is not there yet."""
    return tmp_path / "sandbox.db"


def keeper(platform: Platform, path: Path) -> Keeper:
    """Make the keeper of a platform."""
    return Keeper(platform, Calls(platform.outbox, keep=10, clock=time.time), path)


def reopened(path: Path, clock: FakeClock) -> Platform:
    """Make a platform of what a store holds."""
    platform = Platform(code_ttl=300, clock=clock)
    with keeper(platform, path).open():
        pass
    return platform


class TestState:
    """What one platform did, another goes on with."""

    def test_messages(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """Sent and dropped ones are there again, equal to what they were."""
        with keeper(platform, path).open():
            platform.send_otp(OTP)
            platform.send_sms(SMS | {"schedule_time": int(clock.now) + 600})
        again = reopened(path, clock)

        assert platform.outbox.messages == again.outbox.messages
        assert platform.outbox.dropped == again.outbox.dropped
        assert (3, 1) == (len(again.outbox.messages), len(again.outbox.dropped))
        assert SMS["custom_args"] == again.outbox.messages[-1].custom_args

    def test_numbers_and_ids_go_on(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """A new message has a new number and a higher id, whatever the clock says."""
        with keeper(platform, path).open():
            platform.send_sms(SMS)
        last = platform.outbox.messages[-1]
        clock.now -= 10_000
        again = Platform(clock=clock)
        with keeper(again, path).open():
            again.send_sms(SMS)
        new = again.outbox.messages[-1]

        assert [2, 3, 5, 6] == [message.number for message in again.outbox.messages]
        assert int(new.message_id) > int(last.message_id)

    def test_codes(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """A live code can be verified once, and is in the way of another."""
        with keeper(platform, path).open():
            platform.send_otp(OTP)
        (message,) = platform.outbox.messages
        check = {"message_id": message.message_id, "verify_code": message.code}
        again = Platform(clock=clock)
        with keeper(again, path).open():
            with pytest.raises(RefusedError, match="3004"):
                again.send_otp(OTP)
            assert again.verify(check)["verified"]
        once_more = reopened(path, clock)

        with pytest.raises(RefusedError, match="3003"):
            once_more.verify(check)
        assert "verified" == once_more.progress.history(message)[-1].status

    def test_what_was_done_by_hand(self, platform: Platform, path: Path, clock: FakeClock) -> None:
        """Deliveries, failures, ends of codes and replies."""
        with keeper(platform, path).open():
            platform.send_sms(SMS)
            platform.send_otp(OTP)
            first, second, otp = platform.outbox.messages
            platform.progress.deliver(first)
            platform.progress.fail(second, 5018)
            platform.progress.reply(second, "STOP")
            platform.expire_by_hand(otp)
        again = reopened(path, clock)

        for message in platform.outbox.messages:
            assert platform.progress.history(message) == again.progress.history(message)
        assert ["STOP"] == [reply.text for reply in again.progress.replies(second)]
        assert again.send_otp(OTP)

    def test_templates_and_signatures(
        self, platform: Platform, path: Path, clock: FakeClock
    ) -> None:
        """With their reviews, which go on; and with what was deleted."""
        with keeper(platform, path).open():
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

    def test_nothing_is_kept_after_the_end(
        self, platform: Platform, path: Path, clock: FakeClock
    ) -> None:
        """What happens outside the block does no harm, and is not kept."""
        with keeper(platform, path).open():
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

    assert [path.name] == [each.name for each in path.parent.iterdir()]


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


def test_a_killed_sandbox_has_kept_everything(path: Path) -> None:
    """What was answered is in the file, even when the process could not close it."""
    killed = run(SENDS_AND_DIES, path)

    assert -signal.SIGKILL == killed.returncode
    with Sandbox(store=path) as sandbox:
        assert 10 == len(sandbox.messages)


class TestFiles:
    """Files that are no store, or cannot be one."""

    def opening(self, path: Path) -> str:
        """Open a file that cannot be used, and return what is wrong with it."""
        with pytest.raises(StoreError) as caught:
            Store(path)
        return str(caught.value).removeprefix(f"store: {path} ")

    @pytest.mark.parametrize("content", [b"hello", b"x" * 200, b"SQLite format 3\0" + bytes(100)])
    def test_another_file_is_left_alone(self, path: Path, content: bytes) -> None:
        """What is no store is neither opened nor changed."""
        path.write_bytes(content)

        assert "is no store of a sandbox" == self.opening(path)
        assert content == path.read_bytes()
        assert [path.name] == [each.name for each in path.parent.iterdir()]

    def test_a_later_version(self, path: Path) -> None:
        """A store of another version is left to who understands it."""
        Store(path).close()
        data = bytearray(path.read_bytes())
        data[60:64] = (9).to_bytes(4, "big")
        path.write_bytes(data)

        assert "is of version 9; this engagelab-async reads 1" == self.opening(path)
        assert data == path.read_bytes()

    def test_a_damaged_file(self, path: Path) -> None:
        """A store with a hole in it is not used."""
        store = Store(path)
        for number in range(200):
            store.put("message", number, "x" * 1000)
        store.close()
        data = bytearray(path.read_bytes())
        data[5000:60000] = os.urandom(55000)
        path.write_bytes(data)

        assert self.opening(path).startswith("is damaged (")

    @pytest.mark.parametrize(
        "document", [7, {}, {"number": 1}, {"message_id": "1", "product": "fax"}]
    )
    def test_documents_that_make_no_sense(
        self, path: Path, clock: FakeClock, document: object
    ) -> None:
        """What cannot be read is told, and nothing of the sandbox is replaced."""
        store = Store(path)
        store.put("message", 1, document)
        store.close()
        platform = Platform(clock=clock)
        platform.send_otp(OTP)
        with (
            pytest.raises(StoreError, match=r"is damaged \(a document of kind message"),
            keeper(platform, path).open(),
        ):
            pytest.fail("it was entered")

        assert 1 == len(platform.outbox.messages)
        Store(path).close()

    def test_what_is_no_json(self, path: Path) -> None:
        """A document that is no JSON is damage as well."""
        store = Store(path)
        store._connection.execute("INSERT INTO documents VALUES ('sms', 1, '{')")  # noqa: SLF001
        with pytest.raises(StoreError, match=r"is damaged"):
            store.all("sms")
        store.close()

    def test_a_folder(self, tmp_path: Path) -> None:
        """A folder is no file."""
        assert self.opening(tmp_path).startswith("cannot be opened (")

    def test_a_folder_that_is_not_there(self, tmp_path: Path) -> None:
        """No folder is made for a store."""
        assert self.opening(tmp_path / "missing" / "sandbox.db").startswith("cannot be used (")

    def test_an_empty_file_becomes_a_store(self, path: Path) -> None:
        """As does one that is not there."""
        path.touch()
        store = Store(path)
        store.put("sms", 1, {"a": "\ud800"})
        found = store.all("sms")
        store.close()

        assert [{"a": "\ud800"}] == found
