"""The pytest plugin, in runs of pytest of its own.

The inner runs load no plugin by themselves, so that each says which ones it has.
"""

import os
import subprocess
import sys
from importlib import metadata

import pytest

PLUGIN = "engagelab_async.pytest_plugin"
WITHOUT = ("-p", PLUGIN)
ANYIO = (*WITHOUT, "-p", "anyio")
ASYNCIO = (
    *WITHOUT,
    "-p",
    "pytest_asyncio.plugin",
    "-o",
    "asyncio_default_fixture_loop_scope=function",
)

LOGIN = """
    async def log_in(engagelab, engagelab_fake):
        engagelab_fake.otp.fail("+6591234567", ConnectError, times=2)
        sent = await engagelab.otp.send("+6591234567", "login")
        code = engagelab_fake.code_for("+6591234567")
        check = await engagelab.otp.verify(sent.message_id, code)
        assert check.verified
"""


@pytest.fixture(autouse=True)
def by_itself(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither what is installed here nor what is configured further up reaches an inner run."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makeini("[pytest]")


def run(pytester: pytest.Pytester, source: str, *options: str) -> pytest.RunResult:
    """Run a file of tests; warnings are errors."""
    header = "import anyio, pytest\nfrom engagelab_async import *\n"
    lines = source.splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in lines if line.strip()), default=0)
    pytester.makepyfile(header + "\n".join(line[indent:] for line in lines))
    return pytester.runpytest_inprocess("-q", "-W", "error", *options)


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_client_works_without_any_async_plugin(pytester: pytest.Pytester, backend: str) -> None:
    """A plain test can run the event loop itself: client and fake belong to none."""
    source = f"""{LOGIN}
    def test_login(engagelab, engagelab_fake):
        anyio.run(log_in, engagelab, engagelab_fake, backend="{backend}")
        engagelab_fake.assert_sent("+6591234567")
    """

    run(pytester, source, *WITHOUT).assert_outcomes(passed=1)


@pytest.mark.parametrize("mode", ["strict", "auto"])
def test_a_client_works_with_pytest_asyncio(pytester: pytest.Pytester, mode: str) -> None:
    """In both of its modes, with async fixtures of the user's beside ours."""
    source = f"""{LOGIN}
    import pytest_asyncio

    @pytest_asyncio.fixture
    async def sent(engagelab):
        return await engagelab.otp.send_code("+6591234568", "039487", "login")

    @pytest.mark.asyncio
    async def test_login(engagelab, engagelab_fake, sent):
        await log_in(engagelab, engagelab_fake)
        assert engagelab_fake.sent[0].message_id == sent.message_id
    """

    run(pytester, source, *ASYNCIO, "-o", f"asyncio_mode={mode}").assert_outcomes(passed=1)


def test_a_client_works_with_anyios_plugin(pytester: pytest.Pytester) -> None:
    """On asyncio and on trio."""
    source = f"""{LOGIN}
    @pytest.fixture(params=["asyncio", "trio"])
    def anyio_backend(request):
        return request.param

    @pytest.mark.anyio
    async def test_login(engagelab, engagelab_fake):
        await log_in(engagelab, engagelab_fake)
    """

    run(pytester, source, *ANYIO).assert_outcomes(passed=2)


def test_a_client_of_the_programs_own_does_not_wait_either(pytester: pytest.Pytester) -> None:
    """Whoever brings the fake's engine to another client is spared the waits as well."""
    source = """
    async def log_in(engine, attempts):
        pair = Credentials("key", "secret")
        async with EngageLab(otp=pair, http=engine, on_attempt=attempts.append) as engagelab:
            await engagelab.otp.send("+6591234567", "login")

    def test_login(engagelab_fake):
        attempts = []
        engagelab_fake.otp.fail(None, ConnectError, times=2)
        anyio.run(log_in, engagelab_fake.engine, attempts)
        assert [each.delay for each in attempts] == [0.0, 0.0, None]
    """

    run(pytester, source, *WITHOUT).assert_outcomes(passed=1)


def test_each_test_has_a_platform_of_its_own(pytester: pytest.Pytester) -> None:
    """What one test sent or scripted, the next does not see; repeats wait again in between."""
    source = """
    from engagelab_async.retry import RetryPolicy

    @pytest.mark.parametrize("time", [1, 2])
    def test_login(engagelab, engagelab_fake, time):
        anyio.run(engagelab.otp.send, "+6591234567", "login")
        assert len(engagelab_fake.sent) == 1

    def test_waits():
        error, send = ConnectError(), SendOTP("+6591234567", "login")
        wait = RetryPolicy().delay(error, send, attempt=1, remaining=9, random=lambda: 1.0)
        assert wait == 0.5
    """

    run(pytester, source, *WITHOUT).assert_outcomes(passed=3)


def test_a_failed_assertion_shows_what_was_sent(pytester: pytest.Pytester) -> None:
    """The report ends at the test's own line, with the messages below it."""
    source = """
    def test_login(engagelab, engagelab_fake):
        anyio.run(engagelab.otp.send_code, "+6591234567", "039487", "login")
        engagelab_fake.assert_sent("+6591234568")
    """
    result = run(pytester, source, *WITHOUT)

    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            '>*engagelab_fake.assert_sent("+6591234568")',
            "E*found no messages with to='+6591234568'",
            "E*This was sent:",
            "E*otp to +6591234567 by sms, template login, code 039487: *",
        ]
    )
    result.stdout.no_fnmatch_line("*fake.py*")


def test_the_sandbox_is_where_the_environment_leads(pytester: pytest.Pytester) -> None:
    """A program that makes its client from the environment reaches it; the clock is shared."""
    source = """
    async def log_in(fake_clock, sandbox):
        async with EngageLab.from_env() as engagelab:
            sent = await engagelab.otp.send("+6591234567", "login")
            await engagelab.sms.send("+6591234567", "1233")
            fake_clock.advance(300)
            with pytest.raises(BusinessRuleError):
                await engagelab.otp.verify(sent.message_id, sandbox.messages[0].code)

    def test_login(engagelab_sandbox, engagelab_clock):
        anyio.run(log_in, engagelab_clock, engagelab_sandbox)
        assert [each.product for each in engagelab_sandbox.messages] == ["otp", "sms"]

    def test_afterwards(monkeypatch):
        import os
        assert not [name for name in os.environ if name.startswith("ENGAGELAB_OTP_")]
    """

    run(pytester, source, *WITHOUT).assert_outcomes(passed=2)


def test_routes_are_where_the_environment_leads(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client made from the environment meets the routes, wherever the environment led before."""
    monkeypatch.setenv("ENGAGELAB_OTP_BASE_URL", "http://127.0.0.1:9")
    source = """
    async def log_in(routes):
        async with EngageLab.from_env() as engagelab:
            await engagelab.otp.send("+6591234567", "login")
            routes["otp.send"].respond(400, json={"code": 5013, "message": "x"})
            with pytest.raises(BlacklistedError):
                await engagelab.otp.send("+6591234567", "login")

    def test_login(engagelab_respx, engagelab_fake):
        anyio.run(log_in, engagelab_respx)
        assert engagelab_respx["otp.send"].call_count == 2
        engagelab_fake.assert_sent("+6591234567", times=1)
    """

    run(pytester, source, *WITHOUT).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("fixture", "library", "remedy"),
    [
        ("engagelab", "starlette", 'python -m pip install ".[testing]"'),
        ("engagelab_sandbox", "uvicorn", 'python -m pip install ".[sandbox]"'),
        ("engagelab_respx", "respx", "python -m pip install respx"),
    ],
)
def test_a_missing_library_is_explained(
    pytester: pytest.Pytester, fixture: str, library: str, remedy: str
) -> None:
    """Only the test that wants the fixture fails, and its report says what to install."""
    pytester.makeconftest(f"import sys; sys.modules[{library!r}] = None")
    pytester.makepyfile(f"def test_one({fixture}): pass\ndef test_two(): pass")
    result = pytester.runpytest_subprocess("-q", *WITHOUT)

    result.assert_outcomes(errors=1, passed=1)
    assert remedy in result.stdout.str()


def test_a_users_fixture_of_the_same_name_wins(pytester: pytest.Pytester) -> None:
    """A conftest that has an `engagelab` already keeps it."""
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef engagelab(): return 42")

    run(pytester, "def test_it(engagelab): assert engagelab == 42", *WITHOUT).assert_outcomes(
        passed=1
    )


def test_loading_the_plugin_loads_nothing_of_ours() -> None:
    """A run of pytest that does not want the fixtures does not pay for them."""
    code = f"import sys, pytest; before = set(sys.modules); import {PLUGIN}; "
    code += "print(*sorted(set(sys.modules) - before))"
    printed = subprocess.check_output([sys.executable, "-c", code], text=True)

    assert ["engagelab_async", "engagelab_async._version", PLUGIN] == printed.split()


@pytest.mark.skipif(
    "ENGAGELAB_ASYNC_TEST_WHEEL" not in os.environ, reason="only nox tests the built wheel"
)
def test_pytest_finds_the_plugin() -> None:
    """The distribution names the module to pytest."""
    (found,) = metadata.distribution("engagelab-async").entry_points.select(group="pytest11")

    assert ("engagelab", PLUGIN) == (found.name, found.value)
