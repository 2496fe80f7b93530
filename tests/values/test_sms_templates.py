"""The SMS template and signature operations: the documented rules, before anything is sent."""

from typing import Any

import pytest

from engagelab_async.templates import (
    CreateSignature,
    CreateSMSTemplate,
    GetSignature,
    GetSMSTemplate,
    SignaturePosition,
    SMSTemplate,
    TemplateStatus,
    TemplateType,
    UpdateSignature,
    UpdateSMSTemplate,
)
from support.calls import WORDING

PREFIX = SignaturePosition.PREFIX


def create(**changes: Any) -> CreateSMSTemplate:  # noqa: ANN401 - the wrong types are the point
    """Make an operation that is right except for some changes."""
    return CreateSMSTemplate(**WORDING | changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"template_name": "n" * 255},
        {"template_type": TemplateType.MARKETING},
        {"template_type": TemplateType("conversation")},
        {"template_type": "authentication", "template_content": "{{ code }}"},
        {"template_content": "【".replace("【", "x") * 2000},
        {"country_codes": "cn"},
        {"country_codes": ["CN", "US"]},
        {"country_codes": (code for code in ("CN", "US"))},
        {"sign_id": "7", "sign_position": 1},
        {"sign_id": 7, "sign_position": PREFIX, "add_signature": True},
        {"sign_id": "7", "sign_position": SignaturePosition(9)},
        {"sign_position": SignaturePosition.NONE, "add_signature": False},
    ],
)
def test_what_the_platform_takes(changes: dict[str, Any]) -> None:
    """What the documentation allows can be made, and be used to create and to change."""
    operation = create(**changes)

    assert (operation.sign_id is not None) == operation.add_signature
    if "country_codes" not in changes:
        assert UpdateSMSTemplate(template_id=1, **WORDING | changes).template_id == "1"


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"template_name": ""}, "template_name: must not be empty"),
        ({"template_name": "n" * 256}, "template_name: must have 1 to 255 characters, has 256"),
        ({"template_type": "utilities"}, "template_type: expected one of utility, marketing, auth"),
        ({"template_content": " "}, "template_content: must not be empty"),
        ({"template_content": "Hi 【x】"}, "template_content: must not hold 【 】, which the plat"),
        ({"template_content": "a、b"}, "template_content: must not hold 、"),
        ({"template_content": "我测试"}, "template_content: must not hold 测试"),
        ({"template_content": "the latest"}, "template_content: must not hold test"),
        ({"template_content": "[x]"}, r"template_content: must not hold \[ \]"),
        (
            {"template_type": "authentication"},
            r"template_content: must hold \{\{code\}\}, as the template is for authentication",
        ),
        ({"template_type": "otp", "template_content": "code"}, r"template_content: must hold"),
        ({"country_codes": ""}, "country_codes: must not be empty"),
        ({"country_codes": []}, "country_codes: must not be empty"),
        ({"country_codes": "CN,USA"}, "country_codes: expected codes of two letters"),
        ({"country_codes": ["ÄÖ"]}, "country_codes: expected codes of two letters"),
        ({"country_codes": ["86"]}, "country_codes: expected codes of two letters"),
        ({"sign_id": ""}, "sign_id: must not be empty"),
        ({"sign_id": "7"}, "sign_position: a signature needs one"),
        ({"sign_id": "7", "sign_position": 0}, "sign_position: a signature needs one"),
        ({"sign_id": "7", "sign_position": 3}, "sign_position: expected one of 0, 1, 2"),
        ({"sign_position": 1}, "sign_position: needs a signature, so give its sign_id too"),
        ({"add_signature": True}, "sign_id: a signature needs one"),
        (
            {"sign_id": "7", "sign_position": 1, "add_signature": False},
            "sign_id: needs add_signature=True",
        ),
    ],
)
def test_rules(changes: dict[str, Any], problem: str) -> None:
    """What the documentation rules out is refused, and named."""
    with pytest.raises(ValueError, match=f"^{problem}"):
        create(**changes)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"template_name": 5}, "template_name: expected a str, got int"),
        ({"template_type": None}, "template_type: expected a TemplateType, got None"),
        ({"template_content": b"x"}, "template_content: expected a str, got bytes"),
        ({"country_codes": 86}, "country_codes: expected a str or an iterable of str, got int"),
        ({"country_codes": [86]}, "country_codes: expected a str, got int"),
        ({"sign_id": 1.5}, "sign_id: expected a str, got float"),
        ({"sign_id": "7", "sign_position": True}, "sign_position: expected a SignaturePosition"),
        ({"sign_id": "7", "sign_position": "1"}, "sign_position: expected a SignaturePosition"),
        ({"add_signature": 1}, "add_signature: expected a bool, got int"),
    ],
)
def test_types(changes: dict[str, Any], problem: str) -> None:
    """What is of another type is refused, and named."""
    with pytest.raises(TypeError, match=f"^{problem}"):
        create(**changes)


@pytest.mark.parametrize("kind", [GetSMSTemplate, GetSignature])
@pytest.mark.parametrize(("value", "error"), [("", ValueError), (None, TypeError)])
def test_ids(
    kind: type[GetSMSTemplate | GetSignature],
    value: Any,  # noqa: ANN401
    error: type[Exception],
) -> None:
    """An id that is empty would name all of them; one of another type names nothing."""
    with pytest.raises(error, match=r"^(template|sign)_id: "):
        kind(value)


@pytest.mark.parametrize("name", ["A", "A" * 61, "A[B", "A]B", "【A", "A】"])
def test_signature_names(name: str) -> None:
    """A signature's name has 2 to 60 characters, and no brackets."""
    with pytest.raises(ValueError, match=r"^sign_name: must "):
        CreateSignature(name)
    with pytest.raises(ValueError, match=r"^sign_name: must "):
        UpdateSignature("7", name)


def test_longest_and_shortest_signature_names() -> None:
    """Two characters are enough, sixty are not too many, whatever their script."""
    assert ["AB", "测" * 60] == [CreateSignature(name).sign_name for name in ("AB", "测" * 60)]


def test_lists_stay_readable() -> None:
    """A template shows how long its text is, not the text."""
    template = SMSTemplate(
        template_id="1",
        template_name="n",
        template_type=TemplateType.UTILITY,
        template_content="Order {{order}}",
        status=TemplateStatus.APPROVED,
    )

    assert "template_content=<15 characters>" in repr(template)
    assert "Order" not in repr(template) + repr(create())
