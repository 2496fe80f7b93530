"""Rendering: a template's text without the platform."""

import re

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from engagelab_async import render
from engagelab_async.templates import (
    OTPTemplate,
    Rendering,
    SMSTemplate,
    TemplateStatus,
    TemplateType,
)

SMS = SMSTemplate(
    template_id="1",
    template_name="n",
    template_type=TemplateType.UTILITY,
    template_content="{{brand_name}}: order {order}",
    status=TemplateStatus.APPROVED,
)
OTP = OTPTemplate.sms(
    "login", brand_name="Acme", content="{{brand_name}}: {{code}}, {ttl} minutes, {{pwa_url}}"
)

names = st.from_regex(r"[A-Za-z0-9_.-]+", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "params", "expected"),
    [
        ("Hi", {}, Rendering("Hi")),
        ("Hi {{name}}", {"name": "Bob"}, Rendering("Hi Bob")),
        ("Hi {name}", {"name": "Bob"}, Rendering("Hi Bob")),
        ("{{ a }} {a}", {"a": 7}, Rendering("7 7")),
        ("{{a}} {b} {{a}}", {}, Rendering("{{a}} {b} {{a}}", missing=("a", "b"))),
        ("{{a}}", {"b": "1", "c": "2"}, Rendering("{{a}}", ("a",), ("b", "c"))),
        ("{{a}}", {"a": "{{b}}"}, Rendering("{{b}}")),
        ("{} {{}} { a }", {}, Rendering("{} {{}} { a }")),
        ("{{brand_name}} {ttl} {pwa_url}", {}, Rendering("{{brand_name}} {ttl} {pwa_url}")),
        ("{ttl}", {"ttl": "5", "subject": "s", "from_id": "f"}, Rendering("5")),
        ("Hi", {"brand_name": "Acme"}, Rendering("Hi")),
        ("{a}", {"a": ""}, Rendering("")),
    ],
)
def test_texts(text: str, params: dict[str, str | int], expected: Rendering) -> None:
    """Both styles are filled in; presets are known; what is missing or unknown is told."""
    assert expected == render(text, params)


@given(st.lists(names, max_size=4, unique=True), st.data())
def test_nothing_is_lost(found: list[str], data: st.DataObject) -> None:
    """Every variable is filled in or missing, every value is used or unknown."""
    text = " ".join(
        data.draw(st.sampled_from([f"{{{name}}}", f"{{{{{name}}}}}"])) for name in found
    )
    given_names = data.draw(st.sets(st.sampled_from(found)) if found else st.just(set()))
    rendering = render(text, dict.fromkeys(given_names, "x") | {"unheard of": "y"})

    assert ("unheard of",) == rendering.unknown
    assert set(found) - set(rendering.missing) >= given_names
    assert len(given_names) == len(re.findall(r"(?<!\S)x(?!\S)", rendering.text))


def test_sms_template() -> None:
    """An SMS template has no presets: what nobody fills in is missing."""
    assert Rendering("{{brand_name}}: order 7", ("brand_name",), ("ttl",)) == render(
        SMS, {"order": "7", "ttl": "5"}
    )


def test_otp_template() -> None:
    """Of an OTP template it is the SMS text, with the presets that the template tells."""
    assert Rendering("Acme: 1234, 5 minutes, {{pwa_url}}") == render(OTP, {"code": "1234"})
    assert "{{brand_name}}: 1, {ttl} minutes, u" == (
        render(
            evolve(OTP, brand_name=None, verify_code_config=None), {"code": 1, "pwa_url": "u"}
        ).text
    )


@pytest.mark.parametrize(
    "template", [OTPTemplate.sms("login", brand_name="Acme"), evolve(OTP, sms_config=None)]
)
def test_the_platforms_own_text_is_not_known(template: OTPTemplate) -> None:
    """Where the platform's own text is sent, there is nothing to render."""
    with pytest.raises(ValueError, match=r"^template: it uses the platform's default text"):
        render(template)


def test_other_types() -> None:
    """An id that is a number is no text; params are those of a send."""
    with pytest.raises(
        TypeError, match=r"^template: expected its text, or an SMSTemplate or OTPTemplate, got int$"
    ):
        render(5)  # type: ignore[arg-type]
    with pytest.raises(TypeError, match=r"^params: expected a mapping, got list"):
        render("Hi", [])  # type: ignore[arg-type]


def test_text_is_not_shown() -> None:
    """What will be delivered to a person appears in no log."""
    assert "Rendering(text=<hidden>, missing=(), unknown=())" == repr(render("Hi"))
