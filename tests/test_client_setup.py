"""How a client is set up: by arguments, and by the environment."""

import math
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any

import httpx
import pytest

from engagelab_async import (
    ConfigurationError,
    Credentials,
    EngageLab,
)
from engagelab_async.operation import Product
from support.calls import ANSWERS, ARGUMENTS, KEY_PAIR, SENT, coroutine_of
from support.scripted_engine import ScriptedEngine, answer


async def tell_later(_: object) -> None:
    """Stand for a hook that nobody would await."""


class TestSetup:
    """The arguments of the client."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("given", "url"),
        [
            ("https://eu.example.com", "https://eu.example.com/v1/codes"),
            ("https://eu.example.com/", "https://eu.example.com/v1/codes"),
            ("http://127.0.0.1:8025/otp", "http://127.0.0.1:8025/otp/v1/codes"),
            ("http://[::1]:8025/a/b//", "http://[::1]:8025/a/b/v1/codes"),
            ("HTTPS://EU.example.com", "HTTPS://EU.example.com/v1/codes"),
        ],
    )
    async def test_base_url(self, given: str, url: str) -> None:
        """A base URL may have a port and a path; a slash at its end does not matter."""
        engine = ScriptedEngine([answer(SENT)])
        async with EngageLab(otp=KEY_PAIR, http=engine, otp_base_url=given) as engagelab:
            await engagelab.otp.send_code("+6591234567", "039487", "login")

        assert url == engine.requests[0].url

    @pytest.mark.parametrize("name", ["otp_base_url", "sms_base_url"])
    @pytest.mark.parametrize(
        "url",
        [
            "",
            "example.com",
            "//example.com",
            "ftp://example.com",
            "https://",
            "https:///v1",
            "https://user:hunter2@example.com",
            "https://hunter2@example.com",
            "https://hunter2\u2100@example.com",
            "https://example.com/?key=hunter2",
            "https://example.com/?",
            "https://example.com/#hunter2",
            "https://example.com/#",
            "https://[::1",
            "https://[hunter2]",
            "https://example.com:hunter2",
            "https://example.com:99999",
            "https://example.com\n",
            " https://example.com",
            "https://exa mple.com",
            "https://exa..mple.com",
            f"https://{'x' * 64}.com",
        ],
    )
    def test_bad_base_url(self, url: str, name: str) -> None:
        """What is no base URL is refused by name, and not quoted: it may hold a password."""
        with pytest.raises(ConfigurationError) as caught:
            EngageLab(**{name: url})  # type: ignore[arg-type]

        assert (
            f"{name}: expected http(s)://host[:port][/path], without user, query or fragment"
            == str(caught.value)
        )
        assert caught.value.__cause__ is None

    @pytest.mark.parametrize(
        ("options", "kind", "problem"),
        [
            ({"otp": ("key", "secret")}, TypeError, "otp: expected Credentials, got tuple"),
            ({"sms": "key:secret"}, TypeError, "sms: expected Credentials, got str"),
            ({"otp_base_url": None}, TypeError, "otp_base_url: expected str, got NoneType"),
            ({"retry": 3}, TypeError, "retry: expected RetryPolicy, got int"),
            ({"timeout": 0}, ValueError, "timeout: must be more than 0 seconds"),
            ({"deadline": "30"}, TypeError, "deadline: expected seconds as a number, got str"),
            ({"http": "curl"}, ValueError, "http: no engine is called 'curl'"),
            ({"http": 5}, TypeError, "http: expected an engine or its name"),
            ({"http": ScriptedEngine}, TypeError, "http: expected an engine or its name"),
            ({"on_attempt": tell_later}, TypeError, "on_attempt: expected a plain function"),
        ],
    )
    def test_bad_arguments(
        self, options: dict[str, Any], kind: type[Exception], problem: str
    ) -> None:
        """An argument that can never be right is refused by name, before anything is opened."""
        with pytest.raises(kind, match=f"^{problem}"):
            EngageLab(**options)

    @pytest.mark.asyncio
    @pytest.mark.parametrize(("product", "call"), [("OTP", "otp.send"), ("SMS", "sms.send")])
    async def test_products_need_their_own_keys(self, product: str, call: str) -> None:
        """A key pair of one product is never sent to the other."""
        pairs = {"sms" if product == "OTP" else "otp": KEY_PAIR}
        async with EngageLab(**pairs, http=ScriptedEngine([])) as engagelab:  # type: ignore[arg-type]
            with pytest.raises(ConfigurationError, match=f"no {product} key pair"):
                await coroutine_of(engagelab, call)(**ARGUMENTS[call])


VARIABLES = [
    f"ENGAGELAB_{name}"
    for name in (
        *("DEV_KEY", "DEV_SECRET"),
        *("OTP_DEV_KEY", "OTP_DEV_SECRET", "OTP_BASE_URL"),
        *("SMS_DEV_KEY", "SMS_DEV_SECRET", "SMS_BASE_URL"),
    )
]
SHARED = {"DEV_KEY": "shared", "DEV_SECRET": "s1"}
OTP = {"OTP_DEV_KEY": "otp", "OTP_DEV_SECRET": "s2"}
SMS = {"SMS_DEV_KEY": "sms", "SMS_DEV_SECRET": "s3"}

Environment = Callable[[Mapping[str, str]], None]


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Environment:
    """Set these variables of ours, and no others; names go without ``ENGAGELAB_``."""

    def set_only(variables: Mapping[str, str]) -> None:
        for name in VARIABLES:
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(f"ENGAGELAB_{name}", value)

    return set_only


async def authorization(call: str) -> tuple[str, str] | None:
    """Make a call with a client from the environment, and return who it was and the host."""
    engine = ScriptedEngine([answer(ANSWERS[call])])
    async with EngageLab.from_env(http=engine) as engagelab:
        try:
            await coroutine_of(engagelab, call)(**ARGUMENTS[call])
        except ConfigurationError:
            return None
    (request,) = engine.requests
    return dict(request.headers)["Authorization"], httpx.URL(request.url).host


class TestFromEnv:
    """The client that a deployment configures."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("variables", "otp", "sms"),
        [
            ({}, None, None),
            (SHARED, ("shared", "s1"), ("shared", "s1")),
            (OTP, ("otp", "s2"), None),
            (SMS, None, ("sms", "s3")),
            (OTP | SMS, ("otp", "s2"), ("sms", "s3")),
            (SHARED | OTP, ("otp", "s2"), ("shared", "s1")),
            (SHARED | {"SMS_DEV_SECRET": "s3"}, ("shared", "s1"), ("shared", "s3")),
            (SHARED | {"OTP_DEV_KEY": "", "SMS_DEV_KEY": "sms"}, ("shared", "s1"), ("sms", "s1")),
            (dict.fromkeys(SHARED | OTP | SMS, ""), None, None),
        ],
    )
    async def test_key_pairs(
        self,
        environment: Environment,
        variables: dict[str, str],
        otp: tuple[str, str] | None,
        sms: tuple[str, str] | None,
    ) -> None:
        """Each half of a pair is the product's own or the shared one; an empty one is missing."""
        environment(variables)
        expected = [pair and Credentials(*pair).authorization() for pair in (otp, sms)]
        used = [await authorization("otp.send"), await authorization("sms.send")]

        assert expected == [pair and pair[0] for pair in used]

    @pytest.mark.parametrize(
        ("variables", "missing"),
        [
            ({"OTP_DEV_KEY": "k"}, "set ENGAGELAB_OTP_DEV_SECRET or ENGAGELAB_DEV_SECRET"),
            ({"SMS_DEV_SECRET": "hunter2"}, "set ENGAGELAB_SMS_DEV_KEY or ENGAGELAB_DEV_KEY"),
            ({"DEV_KEY": "k"}, "set ENGAGELAB_OTP_DEV_SECRET or ENGAGELAB_DEV_SECRET"),
            ({"DEV_SECRET": "hunter2", "DEV_KEY": ""}, "set ENGAGELAB_OTP_DEV_KEY or"),
        ],
    )
    def test_half_a_pair(
        self, environment: Environment, variables: dict[str, str], missing: str
    ) -> None:
        """Half a pair is a mistake; the message names the variables that are missing."""
        environment(variables)
        with pytest.raises(
            ConfigurationError, match=f"^incomplete credentials: {missing}"
        ) as caught:
            EngageLab.from_env()

        assert "hunter2" not in str(caught.value)

    @pytest.mark.parametrize("unusable", ["s\n", "s\r\n", " s", "s\xa0", "\ufeffs", "s\x00s", " "])
    @pytest.mark.parametrize(
        ("variable", "others"),
        [
            ("SMS_DEV_SECRET", SHARED),
            ("OTP_DEV_SECRET", OTP),
            ("DEV_SECRET", SHARED),
            ("SMS_DEV_KEY", SHARED),
            ("DEV_KEY", SHARED),
        ],
    )
    def test_a_value_that_cannot_be_sent_names_its_variable(
        self,
        monkeypatch: pytest.MonkeyPatch,
        environment: Environment,
        variable: str,
        others: dict[str, str],
        unusable: str,
    ) -> None:
        """A line end of the file that it was read from, or another invisible character."""
        environment(others)
        # A process is given no variable with a null, but a program may have one all the same.
        monkeypatch.setattr(os, "environ", {**os.environ, f"ENGAGELAB_{variable}": unusable})
        with pytest.raises(ConfigurationError) as caught:
            EngageLab.from_env()

        message = f"ENGAGELAB_{variable}: must not be empty, nor hold control characters"
        assert str(caught.value).startswith(message)

    @pytest.mark.parametrize(
        ("variables", "require", "missing"),
        [
            ({}, ["otp"], ["OTP_DEV_KEY", "OTP_DEV_SECRET"]),
            (
                {},
                ("otp", "sms"),
                ["OTP_DEV_KEY", "OTP_DEV_SECRET", "SMS_DEV_KEY", "SMS_DEV_SECRET"],
            ),
            (OTP, ("otp", "sms"), ["SMS_DEV_KEY", "SMS_DEV_SECRET"]),
            (OTP, {"sms"}, ["SMS_DEV_KEY", "SMS_DEV_SECRET"]),
            ({"DEV_SECRET": "hunter2"}, ("sms",), ["SMS_DEV_KEY"]),
            ({"OTP_DEV_KEY": "k", "OTP_DEV_SECRET": ""}, ("otp",), ["OTP_DEV_SECRET"]),
        ],
    )
    def test_what_is_required_is_missing(
        self,
        environment: Environment,
        variables: dict[str, str],
        require: Collection[Product],
        missing: list[str],
    ) -> None:
        """A program that cannot send fails at its start, and names all that is to be set."""
        environment(variables)
        both = [f"ENGAGELAB_{name} (or ENGAGELAB_{name[4:]})" for name in missing]
        with pytest.raises(ConfigurationError) as caught:
            EngageLab.from_env(require=require)

        assert f"required, and not set: {', '.join(both)}" == str(caught.value)

    @pytest.mark.parametrize(
        ("variables", "require"),
        [
            ({}, ()),
            (SHARED, ("otp", "sms")),
            (OTP, ("otp",)),
            (SMS | {"DEV_KEY": ""}, {"sms": True}),
            (OTP | SMS, iter(["otp", "sms", "otp"])),
        ],
    )
    def test_what_is_required_is_there(
        self, environment: Environment, variables: dict[str, str], require: Iterable[Product]
    ) -> None:
        """A product that is not required may be missing."""
        environment(variables)

        assert isinstance(EngageLab.from_env(require=require), EngageLab)

    @pytest.mark.parametrize(
        ("require", "kind", "problem"),
        [
            ("otp", TypeError, r'expected names of products, such as \("otp",\), got str'),
            ("", TypeError, "expected names of products, .* got str"),
            (None, TypeError, "expected names of products, .* got NoneType"),
            (True, TypeError, "expected names of products, .* got bool"),
            (("OTP",), ValueError, 'expected "otp" and "sms", got \'OTP\''),
            (("otp", "voice"), ValueError, "expected .* got 'voice'"),
            ((5,), ValueError, "expected .* got 5"),
            (b"otp", ValueError, "expected .* got 111"),
        ],
    )
    def test_require_names_no_product(
        self, environment: Environment, require: object, kind: type[Exception], problem: str
    ) -> None:
        """What names no product is a mistake, whatever is set."""
        environment(SHARED)
        with pytest.raises(kind, match=f"^require: {problem}$"):
            EngageLab.from_env(require=require)  # type: ignore[arg-type]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("variables", "otp", "sms"),
        [
            ({}, "otp.api.engagelab.cc", "smsapi.engagelab.com"),
            (
                {"OTP_BASE_URL": "http://127.0.0.1:8025/otp"},
                "127.0.0.1",
                "smsapi.engagelab.com",
            ),
            (
                {"SMS_BASE_URL": "https://sms.example.com", "OTP_BASE_URL": ""},
                "otp.api.engagelab.cc",
                "sms.example.com",
            ),
        ],
    )
    async def test_base_urls(
        self, environment: Environment, variables: dict[str, str], otp: str, sms: str
    ) -> None:
        """Each product's base URL may be replaced."""
        environment(SHARED | variables)
        used = [await authorization("otp.send"), await authorization("sms.send")]

        assert [otp, sms] == [pair and pair[1] for pair in used]

    def test_bad_base_url(self, environment: Environment) -> None:
        """A base URL that is none is refused as an argument would be."""
        environment({"SMS_BASE_URL": "sms.example.com"})
        with pytest.raises(ConfigurationError, match=r"^sms_base_url: expected"):
            EngageLab.from_env()

    @pytest.mark.asyncio
    async def test_other_arguments(self, environment: Environment) -> None:
        """What does not come from the environment is an argument, as of the class."""
        environment(SHARED)
        engine, attempts = ScriptedEngine([answer(SENT)]), list[object]()
        async with EngageLab.from_env(
            http=engine, timeout=5, deadline=math.inf, on_attempt=attempts.append
        ) as engagelab:
            await engagelab.otp.send("+6591234567", "login")

        assert [5] == engine.timeouts
        assert 1 == len(attempts)

    def test_makes_the_subclass(self, environment: Environment) -> None:
        """A subclass makes instances of itself."""

        class Ours(EngageLab):
            pass

        environment({})

        assert isinstance(Ours.from_env(), Ours)
