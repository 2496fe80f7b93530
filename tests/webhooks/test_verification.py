"""Who has sent a request: the platform, or anybody."""

import json
from typing import Any, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engagelab_async import ConfigurationError, SignatureError
from engagelab_async.webhooks import CALLBACK_ADDRESSES, REPEAT_WINDOW, Verifier, sign
from engagelab_async.webhooks.verification import VerifierOptions
from support.callback_requests import NOW, SECRET, USERNAME, make_verifier, signed
from support.fake_clock import FakeClock
from support.vectors import SAMPLES

BODY = b'{"total": 0, "rows": []}'


def refusal(
    verifier: Verifier,
    headers: dict[str, str],
    body: bytes = BODY,
    *,
    address: str | None = None,
) -> str:
    """Return why a request is refused; an empty string if it is not."""
    try:
        verifier.verify(headers, body, address=address)
    except SignatureError as error:
        return error.reason
    return ""


def test_the_documented_callback() -> None:
    """What the vendor shows as signed is."""
    (vector, *_) = json.loads((SAMPLES / "callbacks.json").read_text(encoding="utf-8"))
    verifier = Verifier(vector["username"], vector["secret"], clock=lambda: vector["now"])

    assert "" == refusal(verifier, vector["headers"], json.dumps(vector["body"]).encode())


class TestSignature:
    """The header that proves that somebody knows the secret."""

    @pytest.mark.parametrize("name", ["x-callback-id", "X-CALLBACK-ID", "X-Callback-Id"])
    def test_the_case_of_the_header_does_not_matter(self, name: str) -> None:
        """As HTTP has it."""
        assert "" == refusal(make_verifier(), {name: signed()["X-CALLBACK-ID"]})

    def test_the_case_of_the_digits_does_not_matter(self) -> None:
        """Hexadecimal digits may be written either way, and a replay is one either way."""
        verifier = make_verifier()
        start, _, digits = signed()["X-CALLBACK-ID"].rpartition("=")

        assert "" == refusal(verifier, signed())
        assert "" == refusal(verifier, {"x-callback-id": f"{start}={digits.upper()}"})
        assert "replayed" == refusal(verifier, {"x-callback-id": f"{start}={digits.upper()}"}, b"")

    @pytest.mark.parametrize(
        ("old", "new", "reason"),
        [
            ("1701234567", "1701234568", "wrong_signature"),
            ("abc123", "abc124", "wrong_signature"),
            ("username=shop", "username=other", ""),
            ("26b90d8f", "26b90d80", "wrong_signature"),
            ("26b90d8f", "26b90d8é", "wrong_signature"),
            ("26b90d8f", "26b90d8\udcff", "wrong_signature"),
            ("26b90d8f2", "", "wrong_signature"),
            ("timestamp", "time", "malformed"),
            (";nonce", "nonce", "malformed"),
        ],
    )
    def test_what_is_changed_is_refused(self, old: str, new: str, reason: str) -> None:
        """The proof is made with our name, so the name that is claimed changes nothing."""
        header = signed()["X-CALLBACK-ID"].replace(old, new)

        assert reason == refusal(make_verifier(), {"x-callback-id": header})

    def test_another_secret(self) -> None:
        """Who does not know the secret proves nothing."""
        assert "wrong_signature" == refusal(Verifier("shop", "x", clock=lambda: NOW), signed())

    def test_another_name(self) -> None:
        """A callback that is meant for another name is told from one with another secret."""
        assert "wrong_username" == refusal(Verifier("me", SECRET, clock=lambda: NOW), signed())

    def test_no_header(self) -> None:
        """A request without a proof is anybody's."""
        assert "missing" == refusal(make_verifier(), {})

    def test_two_headers(self) -> None:
        """It is not chosen between two proofs, whichever comes first."""
        headers = {"X-CALLBACK-ID": signed()["X-CALLBACK-ID"], "x-callback-id": "no"}

        assert "wrong_signature" == refusal(make_verifier(), headers)
        assert "malformed" == refusal(make_verifier(), dict(reversed(headers.items())))

    def test_secrets_are_rotated(self) -> None:
        """While one secret takes the place of another, both are taken."""
        verifier = Verifier(USERNAME, iter(["new", SECRET, "older"]), clock=lambda: NOW)
        fresh = sign(USERNAME, "new", timestamp=NOW, nonce="b")

        assert ["", ""] == [
            refusal(verifier, signed()),
            refusal(verifier, {"x-callback-id": fresh}),
        ]

    def test_a_name_need_not_be_english(self) -> None:
        """The name is signed as UTF-8, however a framework decodes the header."""
        verifier = Verifier("小店", SECRET, clock=lambda: NOW)
        header = sign("小店", SECRET, timestamp=NOW, nonce="a")

        assert "" == refusal(verifier, {"x-callback-id": header})
        assert "" == refusal(verifier, {"x-callback-id": header.encode().decode("latin-1")})


class TestTime:
    """A signature is good for some time before and after."""

    @pytest.mark.parametrize(
        ("offset", "reason"),
        [(-301, "too_old"), (-300, ""), (0, ""), (300, ""), (301, "too_new"), (10**9, "too_new")],
    )
    def test_clocks_may_be_off_either_way(self, offset: int, reason: str) -> None:
        """Up to the tolerance, and no further."""
        headers = signed(timestamp=NOW + offset)

        assert reason == refusal(make_verifier(), headers)

    def test_the_tolerance_is_the_caller_s(self) -> None:
        """Less of it is safer, more of it copes with worse clocks."""
        headers = signed(timestamp=NOW - 10)

        assert "too_old" == refusal(make_verifier(tolerance=9.5), headers)
        assert "" == refusal(make_verifier(tolerance=10), headers)


class TestReplay:
    """A signature does not cover the body, so it is good for one only."""

    def test_the_same_again_is_taken(self) -> None:
        """The platform repeats what was not answered 200, and may not sign it anew."""
        verifier = make_verifier()

        assert ["", ""] == [refusal(verifier, signed()) for _ in range(2)]

    def test_another_body_is_not(self) -> None:
        """Who has seen a signature cannot use it for a body of his own."""
        verifier = make_verifier()
        refusals = [refusal(verifier, signed(), body) for body in (BODY, b"forged", BODY)]

        assert ["", "replayed", ""] == refusals

    def test_a_nonce_is_one_of_its_second(self) -> None:
        """Another second, or another nonce, is another callback."""
        verifier = make_verifier()
        headers = [signed("a"), signed("a", NOW + 1), signed("b")]
        bodies = [b"1", b"2", b"3"]

        assert [""] * 3 == [refusal(verifier, *each) for each in zip(headers, bodies, strict=True)]

    def test_what_is_unsigned_leaves_no_trace(self) -> None:
        """Nobody but the platform can fill the memory."""
        verifier = make_verifier(max_nonces=1)
        header = sign(USERNAME, "guessed", timestamp=NOW + 9, nonce="abc123")

        assert "wrong_signature" == refusal(verifier, {"x-callback-id": header})
        assert ["", "replayed"] == [refusal(verifier, signed(), body) for body in (b"1", b"2")]

    def test_a_full_memory_refuses_what_it_may_have_forgotten(self) -> None:
        """With more callbacks than it can hold, late ones are refused; none is taken twice."""
        verifier = make_verifier(max_nonces=2)
        times = [NOW - 3, NOW - 2, NOW - 1]

        assert [""] * 3 == [refusal(verifier, signed(timestamp=time)) for time in times]
        assert ["too_old", "replayed", "replayed"] == [
            refusal(verifier, signed(timestamp=time), b"forged") for time in times
        ]

    def test_a_body_that_is_held_back_cannot_outlive_the_memory(self) -> None:
        """What was admitted long ago is looked at again when its body has come."""
        clock = FakeClock(NOW)
        verifier = make_verifier(clock=clock)
        verifier.verify(signed(), b"the platform's")
        admission = verifier.admit(signed())
        clock.now += 301
        verifier.verify(signed("later", NOW + 301), b"")  # forgets the first one

        with pytest.raises(SignatureError) as raised:
            verifier.bind(admission, b"forged")

        assert "too_old" == raised.value.reason

    def test_a_clock_that_is_set_back_revives_nothing(self) -> None:
        """What was let go of stays refused, even if the clock says that it is young again."""
        clock = FakeClock(NOW)
        verifier = make_verifier(clock=clock)
        verifier.verify(signed(), b"the platform's")
        clock.now += 301
        verifier.verify(signed("later", NOW + 301), b"")
        clock.now = NOW

        assert "too_old" == refusal(verifier, signed(), b"forged")


class TestRepeats:
    """What is not answered comes again, for up to 19 days; perhaps with its first timestamp."""

    @pytest.mark.parametrize("age", [301, 86_400, REPEAT_WINDOW])
    def test_what_came_before_is_taken_however_old(self, age: int) -> None:
        """The same signature with the same body brings nothing new, and with another is refused."""
        clock = FakeClock(NOW)
        verifier = make_verifier(clock=clock)
        verifier.verify(signed(), BODY)
        clock.now += age
        verifier.verify(signed("later", NOW + age), b"")

        assert ["", "too_old", ""] == [
            refusal(verifier, signed(), body) for body in (BODY, b"forged", BODY)
        ]

    def test_what_did_not_come_is_too_old(self) -> None:
        """A recorded signature is good for five minutes, unless it is said otherwise."""
        headers = signed(timestamp=NOW - 86_400)

        assert "too_old" == refusal(make_verifier(), headers)

    def test_a_repeat_whose_first_did_not_arrive(self) -> None:
        """It is taken with a tolerance for that, which does not reach into the future."""
        verifier = make_verifier(repeat_tolerance=REPEAT_WINDOW)
        times = [NOW - REPEAT_WINDOW - 1, NOW - REPEAT_WINDOW, NOW - 86_400, NOW + 301]
        headers = [signed(timestamp=time) for time in times]

        assert ["too_old", "", "", "too_new"] == [refusal(verifier, each) for each in headers]
        assert ["replayed"] * 2 == [refusal(verifier, each, b"forged") for each in headers[1:3]]

    def test_after_that_it_is_forgotten(self) -> None:
        """No repeat comes so late, and the memory has an end."""
        clock = FakeClock(NOW)
        verifier = make_verifier(clock=clock)
        verifier.verify(signed(), BODY)
        clock.now += REPEAT_WINDOW + 1
        verifier.verify(signed("later", NOW + REPEAT_WINDOW + 1), b"")

        assert "too_old" == refusal(verifier, signed(), BODY)
        assert 1 == len(verifier._nonces)  # noqa: SLF001 - a leak shows nowhere else


class TestFromEnvironment:
    """Username and secret from variables, by our names or the vendor's."""

    NAMES = ("CALLBACK_USERNAME", "CALLBACK_SECRET", "WEBHOOK_USERNAME", "WEBHOOK_SECRET")

    @pytest.fixture(autouse=True)
    def _nothing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in self.NAMES:
            monkeypatch.delenv(f"ENGAGELAB_{name}", raising=False)

    @pytest.mark.parametrize(
        "values",
        [
            (USERNAME, SECRET, None, None),
            (None, None, USERNAME, SECRET),
            (USERNAME, SECRET, "other", "other"),
            ("", "", USERNAME, SECRET),
            (USERNAME, None, None, SECRET),
        ],
    )
    def test_names(self, monkeypatch: pytest.MonkeyPatch, values: tuple[str | None, ...]) -> None:
        """Ours come first, and what is empty is not set."""
        for name, value in zip(self.NAMES, values, strict=True):
            if value is not None:
                monkeypatch.setenv(f"ENGAGELAB_{name}", value)
        verifier = Verifier.from_env(clock=lambda: NOW)

        assert "" == refusal(verifier, signed())

    def test_options(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """All that a verifier takes."""
        monkeypatch.setenv("ENGAGELAB_CALLBACK_USERNAME", USERNAME)
        monkeypatch.setenv("ENGAGELAB_CALLBACK_SECRET", SECRET)
        verifier = Verifier.from_env(authorization="Bearer token", clock=lambda: NOW)

        assert "wrong_authorization" == refusal(verifier, signed())

    def test_what_is_missing_is_named(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """By all names that it may have."""
        with pytest.raises(
            ConfigurationError,
            match="ENGAGELAB_CALLBACK_USERNAME or ENGAGELAB_WEBHOOK_USERNAME; "
            "ENGAGELAB_CALLBACK_SECRET or ENGAGELAB_WEBHOOK_SECRET",
        ):
            Verifier.from_env()

        monkeypatch.setenv("ENGAGELAB_WEBHOOK_USERNAME", USERNAME)
        with pytest.raises(ConfigurationError, match=r": ENGAGELAB_CALLBACK_SECRET or \w+$"):
            Verifier.from_env()

    def test_a_newline_at_the_end(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The variable is named, and not what it holds."""
        monkeypatch.setenv("ENGAGELAB_WEBHOOK_USERNAME", USERNAME)
        monkeypatch.setenv("ENGAGELAB_WEBHOOK_SECRET", f"{SECRET}\n")
        with pytest.raises(ConfigurationError, match=r"^ENGAGELAB_WEBHOOK_SECRET: ") as raised:
            Verifier.from_env()

        assert SECRET not in str(raised.value)


def test_all_options_are_known() -> None:
    """What `from_env` passes on is what there is to set."""
    known = get_type_hints(Verifier.__init__).keys() - {"username", "secret", "return"}

    assert known == get_type_hints(VerifierOptions).keys()


class TestAuthorization:
    """A second secret, that the platform sends as it is."""

    @pytest.mark.parametrize("given", ["Bearer mine", "bearer token", "", "Bearer tokén", "\udc80"])
    def test_another_one(self, given: str) -> None:
        """It has to be the agreed one, to the letter."""
        headers = signed() | {"Authorization": given}

        assert "wrong_authorization" == refusal(
            make_verifier(authorization="Bearer token"), headers
        )

    def test_none(self) -> None:
        """It has to be there."""
        verifier = make_verifier(authorization="Bearer token")

        assert "wrong_authorization" == refusal(verifier, signed())

    def test_the_agreed_one(self) -> None:
        """It does not replace the signature."""
        verifier = make_verifier(authorization="Bearer token")
        headers = {"authorization": "Bearer token"}

        assert "" == refusal(verifier, signed() | headers)
        assert "missing" == refusal(verifier, headers)


class TestAddresses:
    """Where callbacks may come from."""

    @pytest.mark.parametrize(
        ("address", "reason"),
        [
            ("119.8.170.74", ""),
            ("::ffff:114.119.180.30", ""),
            ("119.8.170.75", "wrong_address"),
            ("2001:db8::1", "wrong_address"),
            ("nonsense", "wrong_address"),
            (None, "wrong_address"),
        ],
    )
    def test_the_documented_ones(self, address: str | None, reason: str) -> None:
        """A signed request from elsewhere is refused."""
        verifier = make_verifier(allowed_addresses=CALLBACK_ADDRESSES)

        assert reason == refusal(verifier, signed(), address=address)

    def test_nobody_is_believed_unasked(self) -> None:
        """Without trusted proxies, what a request says about its way counts for nothing."""
        verifier = make_verifier(allowed_addresses=CALLBACK_ADDRESSES)
        headers = signed() | {"X-Forwarded-For": "119.8.170.74"}

        assert "wrong_address" == refusal(verifier, headers, address="10.0.0.1")

    @pytest.mark.parametrize(
        ("forwarded", "reason"),
        [
            ("119.8.170.74", ""),
            ("8.8.8.8, 119.8.170.74", ""),
            ("119.8.170.74, 10.0.0.2", ""),
            ("119.8.170.74, 8.8.8.8", "wrong_address"),
            ("119.8.170.74, nonsense", "wrong_address"),
            ("", "wrong_address"),
        ],
    )
    def test_behind_a_proxy(self, forwarded: str, reason: str) -> None:
        """What a trusted proxy has added is believed, and what the caller wrote before is not."""
        verifier = make_verifier(
            allowed_addresses=CALLBACK_ADDRESSES, trusted_proxies=["10.0.0.0/8"]
        )
        headers = signed() | {"X-Forwarded-For": forwarded}

        assert reason == refusal(verifier, headers, address="10.0.0.1")

    @pytest.mark.parametrize("peer", [None, "", "/run/app.sock", "unix:/run/app.sock"])
    @pytest.mark.parametrize(
        ("forwarded", "reason"),
        [
            ("119.8.170.74", ""),
            ("8.8.8.8, 119.8.170.74", ""),
            ("119.8.170.74, 10.0.0.2", ""),
            ("119.8.170.74, unix:, 10.0.0.2", ""),
            ("119.8.170.74, 8.8.8.8", "wrong_address"),
            ("119.8.170.74, ", "wrong_address"),
            ("unix:", "wrong_address"),
            ("", "wrong_address"),
        ],
    )
    def test_behind_a_unix_socket(self, peer: str | None, forwarded: str, reason: str) -> None:
        """Its other end has no address; a proxy there is trusted by a word."""
        verifier = make_verifier(
            allowed_addresses=CALLBACK_ADDRESSES, trusted_proxies=["unix", "10.0.0.0/8"]
        )
        headers = signed() | {"X-Forwarded-For": forwarded}

        assert reason == refusal(verifier, headers, address=peer)

    @pytest.mark.parametrize(
        ("proxies", "peer"),
        [
            (["10.0.0.0/8"], None),
            (["10.0.0.0/8"], "/run/app.sock"),
            (["unix"], "10.0.0.1"),
            (["unix"], "testclient"),
        ],
    )
    def test_only_who_is_named_is_trusted(self, proxies: list[str], peer: str | None) -> None:
        """A socket is none of the addresses, nor the other way round."""
        verifier = make_verifier(allowed_addresses=CALLBACK_ADDRESSES, trusted_proxies=proxies)
        headers = signed() | {"X-Forwarded-For": "119.8.170.74"}

        assert "wrong_address" == refusal(verifier, headers, address=peer)

    def test_without_a_list_the_address_does_not_matter(self) -> None:
        """It is not even looked at."""
        assert "" == refusal(make_verifier(), signed(), address="nonsense")


@pytest.mark.parametrize(
    ("options", "error", "text"),
    [
        ({"username": ""}, ValueError, "username"),
        ({"username": "a;b"}, ValueError, "username"),
        ({"username": None}, TypeError, "username"),
        ({"secret": ""}, ValueError, "secret"),
        ({"secret": []}, ValueError, "secret"),
        ({"secret": ["x", ""]}, ValueError, "secret"),
        ({"secret": [b"x"]}, TypeError, "secret"),
        ({"tolerance": 0}, ValueError, "tolerance"),
        ({"tolerance": float("inf")}, ValueError, "tolerance"),
        ({"tolerance": float("nan")}, ValueError, "tolerance"),
        ({"tolerance": "300"}, TypeError, "tolerance"),
        ({"tolerance": True}, TypeError, "tolerance"),
        ({"max_nonces": 0}, ValueError, "max_nonces"),
        ({"max_nonces": 0.5}, TypeError, "max_nonces"),
        ({"authorization": ""}, ValueError, "authorization"),
        ({"authorization": b"x"}, TypeError, "authorization"),
        ({"authorization": "Bearer ñ"}, ValueError, "authorization"),
        ({"allowed_addresses": "10.0.0.1"}, TypeError, "allowed_addresses"),
        ({"allowed_addresses": ["10.0.0.1/8"]}, ValueError, r"allowed_addresses\[0\]"),
        ({"allowed_addresses": ["10.0.0.1", 7]}, TypeError, r"allowed_addresses\[1\]"),
        ({"trusted_proxies": ["10.0.0.1"]}, ValueError, "trusted_proxies"),
        ({"trusted_proxies": ["unix"]}, ValueError, "trusted_proxies"),
        ({"trusted_proxies": "unix"}, TypeError, "trusted_proxies"),
        ({"repeat_tolerance": 0}, ValueError, "repeat_tolerance"),
    ],
)
def test_what_can_never_be_right(
    options: dict[str, Any], error: type[Exception], text: str
) -> None:
    """A mistake in the configuration names the argument, when it is made."""
    with pytest.raises(error, match=f"^{text}: "):
        Verifier(**({"username": USERNAME, "secret": SECRET} | options))


def test_a_verifier_keeps_its_secrets() -> None:
    """Neither it nor its errors show one."""
    verifier = make_verifier(authorization="Bearer token")
    with pytest.raises(SignatureError) as raised:
        verifier.verify(signed() | {"authorization": "Bearer other"}, BODY)

    shown = f"{verifier!r} {raised.value!r}"
    assert [] == [each for each in (SECRET, "token", "other") if each in shown]


headers = st.dictionaries(
    st.sampled_from(["X-CALLBACK-ID", "Authorization", "X-Forwarded-For"]) | st.text(),
    st.text(st.characters()) | st.text("timestampnoceur=;0123456789abcdef", max_size=200),
)


@given(headers=headers, body=st.binary(), address=st.none() | st.text())
def test_any_request_is_refused(headers: dict[str, str], body: bytes, address: str | None) -> None:
    """Whatever the headers hold, only a signature is one, and nothing else is raised."""
    verifier = make_verifier(
        authorization="agreed", allowed_addresses=["10.0.0.0/7"], trusted_proxies=["10.0.0.1"]
    )

    assert refusal(verifier, headers | {"authorization": "agreed"}, body, address="11.0.0.1")
    assert refusal(verifier, headers, body, address=address)
    assert refusal(verifier, headers, body, address="10.0.0.1")


@given(
    nonce=st.text(st.characters(codec="utf-8"), min_size=1, max_size=200),
    offset=st.integers(-300, 300),
    body=st.binary(),
)
@example(nonce="\xa0a\x85", offset=0, body=b"")  # white space, but not to HTTP
def test_what_is_signed_is_taken(nonce: str, offset: int, body: bytes) -> None:
    """Every signature that can be made is verified."""
    try:
        header = sign(USERNAME, SECRET, timestamp=NOW + offset, nonce=nonce)
    except ValueError:
        return
    assert "" == refusal(make_verifier(), {"x-callback-id": header}, body)


class Shared:
    """A memory of signatures that several workers share."""

    def __init__(self) -> None:
        self.bodies: dict[str, bytes] = {}

    async def bind(self, signature: str, body: bytes) -> bool:
        """Remember a body."""
        return self.bodies.setdefault(signature, body) == body

    async def knows(self, signature: str, body: bytes) -> bool:
        """Look it up."""
        return self.bodies.get(signature) == body


@pytest.mark.anyio
async def test_shared_nonces_are_asked_by_accept() -> None:
    """One worker refuses what came to another with another body; what fails is no permission."""
    shared = Shared()
    here, there = (make_verifier(nonces=shared) for _ in range(2))
    await here.accept(here.admit(signed()), BODY)
    await there.accept(there.admit(signed()), BODY)

    with pytest.raises(SignatureError, match="another body") as replayed:
        await there.accept(there.admit(signed()), b"forged")
    del shared.bodies
    with pytest.raises(SignatureError, match="AttributeError") as unavailable:
        await there.accept(there.admit(signed()), BODY)

    assert ("replayed", "unavailable") == (replayed.value.reason, unavailable.value.reason)
