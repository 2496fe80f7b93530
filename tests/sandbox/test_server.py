"""The sandbox on a real socket: starting, serving, stopping."""

import os
import signal
import socket
import threading
from collections.abc import Callable

import anyio
import anyio.lowlevel
import httpx
import pytest

from engagelab_async.sandbox import DEMO_CREDENTIALS, Review, Sandbox
from engagelab_async.sandbox.serving import listen
from support.fake_clock import FakeClock

OTP = {"to": "+6591234567", "template": {"id": "login"}}
SMS = {"to": ["+6591234567"], "template": {"id": "1233", "params": {}}}
TOO_LONG = "timeout graceful shutdown exceeded"  # what uvicorn logs after its second of grace


def client() -> httpx.AsyncClient:
    """Make a client with credentials."""
    return httpx.AsyncClient(auth=DEMO_CREDENTIALS, trust_env=False)


def send(sandbox: Sandbox) -> int:
    """Send a code and return the HTTP status."""
    url = f"{sandbox.otp_base_url}/v1/messages"
    return httpx.post(url, json=OTP, auth=DEMO_CREDENTIALS, trust_env=False).status_code


def address_of(sandbox: Sandbox) -> tuple[str, int]:
    """Take host and port out of a base URL."""
    url = httpx.URL(sandbox.otp_base_url)
    assert url.port is not None
    return url.host, url.port


def is_listening(address: tuple[str, int]) -> bool:
    """Tell whether a connection can be made."""
    with socket.socket() as probe:
        return probe.connect_ex(address) == 0


def server_threads() -> list[str]:
    """List the sandboxes' threads."""
    names = [thread.name for thread in threading.enumerate()]
    return [name for name in names if name == "engagelab-sandbox"]


@pytest.mark.anyio
async def test_serves_any_event_loop() -> None:
    """An asyncio or trio program starts it, talks HTTP to both products, and reads the outbox."""
    async with Sandbox() as sandbox, client() as http:
        assert 1 == len(server_threads())
        otp = await http.post(f"{sandbox.otp_base_url}/v1/messages", json=OTP)
        sms = await http.post(f"{sandbox.sms_base_url}/v1/messages", json=SMS)

        assert [200, 200] == [otp.status_code, sms.status_code]
        assert [otp.json()["message_id"], sms.json()["message_id"]] == [
            message.message_id for message in sandbox.messages
        ]
        assert sandbox.messages[-1] == sandbox.last_message(to="6591234567")

    assert [] == server_threads()


@pytest.mark.anyio
async def test_is_called_in_process_in_any_event_loop() -> None:
    """Without being started, an asyncio or trio program sends, and reads what was sent."""
    targets = [f"+65{91_000_000 + number}" for number in range(1500)]
    paths = ("messages", "messages/1", "messages/latest", "calls?to=+65", "calls/1", "export")
    in_process = httpx.ASGITransport(Sandbox().app)
    async with httpx.AsyncClient(
        transport=in_process, base_url="http://localhost", auth=DEMO_CREDENTIALS
    ) as http:
        sent = await http.post("/sms/v1/messages", json=SMS | {"to": targets})
        answers = [await http.get(f"/sandbox/v1/{path}") for path in paths]

    assert 1500 == sent.json()["accepted_count"]
    assert [200] * len(paths) == [answer.status_code for answer in answers]


@pytest.mark.anyio
async def test_two_at_once() -> None:
    """Two sandboxes have two ports, and know nothing of each other."""
    async with Sandbox() as one, Sandbox() as other, client() as http:
        answer = await http.post(f"{one.otp_base_url}/v1/messages", json=OTP)

        assert 200 == answer.status_code
        assert one.otp_base_url != other.otp_base_url
        assert [1, 0] == [len(one.messages), len(other.messages)]


@pytest.mark.anyio
async def test_caller_is_free_while_it_stops() -> None:
    """The caller's other tasks go on while it waits for the stop."""
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            await anyio.lowlevel.checkpoint()
            turns += 1

    async with anyio.create_task_group() as others:
        async with Sandbox():
            others.start_soon(turn)
        assert turns > 0
        others.cancel_scope.cancel()


@pytest.mark.anyio
async def test_idle_connection_does_not_delay_the_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A client that keeps its connection open holds nobody up, and is hung up on."""
    async with client() as http:
        async with Sandbox() as sandbox:
            address = address_of(sandbox)
            url = f"{sandbox.otp_base_url}/v1/messages"
            answer = await http.post(url, json=OTP)
            assert 200 == answer.status_code
        with pytest.raises(httpx.TransportError):
            await http.post(url, json=OTP)

    assert not is_listening(address)
    assert TOO_LONG not in caplog.text
    assert [] == server_threads()


@pytest.mark.anyio
async def test_request_that_never_ends_is_ended(caplog: pytest.LogCaptureFixture) -> None:
    """A client that sent half a body delays the stop for a second or so, and is hung up on."""
    head = (
        b"POST /otp/v1/messages HTTP/1.1\r\nHost: sandbox\r\nAuthorization: Basic YTpi\r\n"
        b"Content-Type: application/json\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n"
    )
    async with Sandbox() as sandbox:
        stream = await anyio.connect_tcp(*address_of(sandbox))
        await stream.send(head)
        # It says so when it begins to read the body: from then on the request is under way.
        go_on = await stream.receive()
    async with stream:
        rest = b"".join([chunk async for chunk in stream])

    assert go_on.startswith(b"HTTP/1.1 100")
    assert rest.startswith(b"HTTP/1.1 500")
    assert TOO_LONG in caplog.text
    assert [] == server_threads()


@pytest.mark.anyio
async def test_cancelled_start_leaves_nothing() -> None:
    """A caller that is cancelled while it starts the sandbox leaves no thread and no socket."""
    sandbox = Sandbox()
    with anyio.CancelScope() as scope:
        scope.cancel()
        async with sandbox:
            pytest.fail("it was entered")

    assert [] == server_threads()
    assert "<Sandbox not running>" == repr(sandbox)


@pytest.mark.anyio
async def test_cancelled_caller_still_stops_it() -> None:
    """A caller that is cancelled inside the block leaves it by an orderly stop."""
    with anyio.CancelScope() as scope:
        async with Sandbox():
            scope.cancel()
            await anyio.sleep_forever()

    assert [] == server_threads()


def test_serves_a_plain_program() -> None:
    """A program without an event loop uses a plain with block; it may do so more than once."""
    sandbox = Sandbox(clock=FakeClock())
    with sandbox:
        first = send(sandbox)
        address = address_of(sandbox)
        assert f"<Sandbox at http://127.0.0.1:{address[1]}>" == repr(sandbox)
    assert not is_listening(address)
    with sandbox:
        second = send(sandbox)

    assert [200, 400] == [first, second]
    assert 1 == len(sandbox.messages)
    assert [] == server_threads()


def test_options_reach_the_platform() -> None:
    """Credentials, templates, the clock and the validity of codes are the sandbox's to choose."""
    clock = FakeClock()
    with Sandbox(
        credentials={"otp": ("key", "secret")},
        templates={"login": "{{code}} is good for {{ttl}} minutes"},
        code_ttl=60,
        clock=clock,
    ) as sandbox:
        url = f"{sandbox.otp_base_url}/v1/codes"
        with httpx.Client(trust_env=False) as http:

            def post(secret: str = "secret", template: str = "login") -> tuple[int, int | None]:
                body = {"to": "+6591234567", "code": "0042", "template": {"id": template}}
                answer = http.post(url, json=body, auth=("key", secret))
                return answer.status_code, answer.json().get("code")

            answers = [post(), post(), post(secret="wrong"), post(template="other")]
            clock.now += 60
            answers.append(post())

    assert [(200, None), (400, 3004), (401, 2001), (400, 4001), (200, None)] == answers
    assert "0042 is good for 1 minutes" == sandbox.messages[-1].text


@pytest.mark.asyncio
async def test_can_be_called_without_being_started() -> None:
    """The app answers in-process, with the codes that it is told to make."""
    sandbox = Sandbox(new_code=lambda address: address[-4:])
    transport = httpx.ASGITransport(sandbox.app)
    async with httpx.AsyncClient(transport=transport, auth=DEMO_CREDENTIALS) as http:
        answer = await http.post("http://sandbox/otp/v1/messages", json=OTP)

    assert answer.is_success
    assert "4567" == sandbox.last_message(to="+6591234567").code


def test_an_address_of_ipv6() -> None:
    """It is listened on, and stands in brackets in the URLs; the inbox opens there too."""
    with Sandbox(host="::1") as sandbox:
        answers = [
            httpx.get(url, trust_env=False)
            for url in (
                f"{sandbox.otp_base_url}/openapi.json",
                f"{sandbox.inbox_url}sandbox/v1/messages",
            )
        ]

        assert sandbox.otp_base_url.startswith("http://[::1]:")
        assert [200, 200] == [answer.status_code for answer in answers]


def test_port_in_use() -> None:
    """A port that somebody else has is an OSError that names it, and nothing is left behind."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        sandbox = Sandbox(port=port)
        with pytest.raises(OSError, match=f"127.0.0.1.*{port}"), sandbox:
            pytest.fail("it was entered")
    with sandbox:
        assert f"http://127.0.0.1:{port}/sms" == sandbox.sms_base_url

    assert [] == server_threads()


def test_one_run_at_a_time() -> None:
    """Starting a running sandbox is refused, and the run goes on."""
    with Sandbox() as sandbox:
        with pytest.raises(RuntimeError, match="running already"):
            sandbox.__enter__()
        with pytest.raises(RuntimeError, match="running already"):
            sandbox.serve()

        assert 200 == send(sandbox)


@pytest.mark.parametrize(
    "read", [lambda sandbox: sandbox.otp_base_url, lambda sandbox: sandbox.sms_base_url]
)
def test_address_is_known_while_it_runs(read: Callable[[Sandbox], str]) -> None:
    """A sandbox that is not running has no address."""
    sandbox = Sandbox()
    with pytest.raises(RuntimeError, match="not running"):
        read(sandbox)
    with sandbox:
        assert read(sandbox).startswith("http://127.0.0.1:")
    with pytest.raises(RuntimeError, match="not running"):
        read(sandbox)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_answers_without_delay(host: str) -> None:
    """An answer on a kept connection is not held back by the network stack.

    Head and body are two writes, and Nagle's algorithm would send the second only after the
    client's delayed acknowledgement of the first, some 40 ms later.
    """
    with (
        listen(host, 0) as listener,
        socket.create_connection(listener.getsockname()[:2]),
        listener.accept()[0] as connection,
    ):
        without_delay = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    assert without_delay


def test_serve_runs_until_ctrl_c() -> None:
    """In the foreground it answers requests until an interrupt, and then returns."""
    sandbox = Sandbox()
    statuses: list[int] = []

    def use() -> None:
        statuses.append(send(sandbox))
        os.kill(os.getpid(), signal.SIGINT)

    user = threading.Thread(target=use)
    sandbox.serve(on_ready=user.start)
    user.join()

    assert [200] == statuses
    assert "<Sandbox not running>" == repr(sandbox)
    assert signal.default_int_handler is signal.getsignal(signal.SIGINT)


def test_serve_port_in_use() -> None:
    """In the foreground too a port that somebody else has is an OSError."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="while attempting to bind"),
    ):
        Sandbox(port=taken.getsockname()[1]).serve()


def test_review_can_be_changed_while_it_runs() -> None:
    """What is submitted from then on is reviewed otherwise; signatures tell it by their status."""
    with (
        Sandbox(review=Review.approve(after=0)) as sandbox,
        httpx.Client(auth=DEMO_CREDENTIALS, trust_env=False) as http,
    ):
        url = f"{sandbox.sms_base_url}/v1/sign-configs"
        http.post(url, json={"sign_name": "Acme"})
        before = sandbox.review
        sandbox.review = Review.leave_pending()
        http.post(url, json={"sign_name": "Emca"})
        statuses = [each["status"] for each in http.get(url).json()]

    assert (Review.approve(after=0), [2, 1]) == (before, statuses)
