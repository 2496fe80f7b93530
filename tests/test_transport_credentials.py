"""A key pair: the header it becomes, and the little it shows."""

import base64
import copy
import pickle

import pytest

from engagelab_async import (
    AuthenticationError,
    ConfigurationError,
    Credentials,
    EngageLab,
    RetryPolicy,
)
from support.calls import OPERATIONS
from support.hostile import Hostile, answers


class TestCredentials:
    """A key pair."""

    def test_become_basic_authorization(self) -> None:
        """The header is that of the vendor's samples; beyond ASCII it is UTF-8."""
        header = Credentials("jiguangdev", "dev_secret").authorization()
        scheme, _, token = Credentials("dev", "pässword:ü").authorization().partition(" ")

        assert "Basic amlndWFuZ2RldjpkZXZfc2VjcmV0" == header
        assert ("Basic", "dev:pässword:ü") == (scheme, base64.b64decode(token).decode())

    def test_hide_the_secret(self) -> None:
        """A repr shows the beginning of the key, and nothing of the secret."""
        credentials = Credentials("jiguangdev", "dev_secret")

        assert "Credentials(key='jigu…', secret=<hidden>)" == repr(credentials)
        assert repr(credentials) == f"{credentials}"

    def test_hide_a_short_key(self) -> None:
        """Four characters would be half of a key of eight, or all of it."""
        assert "Credentials(key='…', secret=<hidden>)" == repr(Credentials("shop-key", "s"))

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("words", "shown"),
        [
            ("no key jiguangdev here", "no key … here"),
            ("JIGUANGDEV:s3cret-of-mine", "…:…"),
            ("got Basic amlndWFuZ2RldjpzM2NyZXQtb2YtbWluZQ==", "got Basic …"),
        ],
    )
    async def test_are_masked_where_the_api_repeats_them(self, words: str, shown: str) -> None:
        """A refusal that quotes the key pair, in whatever form, shows it to no log."""
        pair = Credentials("jiguangdev", "s3cret-of-mine")
        with Hostile(answers(401, {"code": 2001, "message": words})) as server:
            async with EngageLab(
                sms=pair, sms_base_url=server.url, retry=RetryPolicy(attempts=1)
            ) as engagelab:
                with pytest.raises(AuthenticationError) as caught:
                    await engagelab.execute(OPERATIONS["sms.send"])

        assert f"2001 {shown} (HTTP 401)" == caught.value.args[0]

    def test_are_a_value(self) -> None:
        """Equal pairs are equal, hashed, copied and pickled alike."""
        credentials = Credentials("key", "secret")

        assert 1 == len({credentials, Credentials("key", "secret")})
        assert credentials == copy.copy(credentials)
        assert credentials == pickle.loads(pickle.dumps(credentials))  # noqa: S301

    @pytest.mark.parametrize(
        ("key", "secret", "kind", "problem"),
        [
            ("", "s", ConfigurationError, "key: must not be empty, nor hold control characters"),
            ("k", "", ConfigurationError, "secret: must not be empty, nor hold control characters"),
            ("k\n", "s", ConfigurationError, "key: must not be empty"),
            ("k", "s\r\nX: y", ConfigurationError, "secret: must not be empty"),
            (" k", "s", ConfigurationError, "key: must not be empty"),
            ("k", "s\u2028", ConfigurationError, "secret: must not be empty"),
            ("k", "\ud800", ConfigurationError, "secret: must not be empty"),
            ("k:l", "s", ConfigurationError, "key: must not hold a colon"),
            (None, "s", TypeError, "key: expected a str, got NoneType"),
            ("k", b"s", TypeError, "secret: expected a str, got bytes"),
        ],
    )
    def test_are_checked(self, key: str, secret: str, kind: type[Exception], problem: str) -> None:
        """What cannot be sent as a header is refused by name, without being quoted."""
        with pytest.raises(kind, match=f"^{problem}"):
            Credentials(key, secret)
