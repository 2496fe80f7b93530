"""Enums that take values which are not known yet."""

import copy
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async.templates import (
    Channel,
    SignaturePosition,
    SignatureStatus,
    TemplateStatus,
    TemplateType,
    VerifyCodeType,
)

NUMBERS = [TemplateStatus, SignatureStatus, SignaturePosition]
WORDS = [TemplateType, Channel]


@given(value=st.integers())
@pytest.mark.parametrize("kind", NUMBERS)
def test_any_number_is_a_member(kind: type[TemplateStatus], value: int) -> None:
    """A number becomes a member with that value, known or not."""
    member = kind(value)

    assert (value, True) == (member.value, isinstance(member, kind))
    assert value == member


@given(value=st.text().filter("otp".__ne__))
@pytest.mark.parametrize("kind", WORDS)
def test_any_word_is_a_member(kind: type[Channel], value: str) -> None:
    """A word becomes a member with that value, known or not."""
    member = kind(value)

    assert (value, True) == (member.value, isinstance(member, kind))
    assert value == f"{member}"


def test_known_members_stay_single() -> None:
    """Known values are the members themselves, so that ``is`` works; unknown ones add none."""
    assert TemplateStatus(2) is TemplateStatus.APPROVED
    assert Channel("sms") is Channel.SMS
    assert "UNKNOWN_9" == TemplateStatus(9).name
    assert TemplateStatus(9) == TemplateStatus(9)
    assert [1, 2, 3] == list(TemplateStatus)


def test_unknown_members_can_be_copied() -> None:
    """A copy, or what comes back from another process, equals the original."""
    member = TemplateType("conversation")

    assert member == copy.deepcopy(member) == pickle.loads(pickle.dumps(member))  # noqa: S301 - our own


@pytest.mark.parametrize("member", [TemplateStatus.APPROVED, Channel.SMS, VerifyCodeType.DIGITS])
def test_copies_of_known_members_are_they(member: object) -> None:
    """So ``is`` works for them as well."""
    assert member is copy.deepcopy(member) is pickle.loads(pickle.dumps(member))  # noqa: S301


def test_old_name_of_authentication() -> None:
    """Templates of the type ``otp`` are authentication templates."""
    assert TemplateType("otp") is TemplateType.AUTHENTICATION


@pytest.mark.parametrize("kind", [*NUMBERS, *WORDS])
def test_other_kinds_are_no_members(kind: type[TemplateStatus]) -> None:
    """What is neither a number nor a word is refused."""
    with pytest.raises(ValueError, match="is not a valid"):
        kind(None)  # type: ignore[arg-type]


def test_code_types_add_up() -> None:
    """The characters of codes are flags; an unknown one is kept beside the known."""
    both = VerifyCodeType.DIGITS | VerifyCodeType.UPPER_CASE

    assert both == VerifyCodeType(5)
    assert VerifyCodeType.DIGITS in VerifyCodeType(9)
    assert 9 == VerifyCodeType(9).value
