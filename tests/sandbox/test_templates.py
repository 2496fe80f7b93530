"""Templates: which exist, and what their text becomes."""

from typing import Any

import pytest

from engagelab_async.sandbox import DEMO_TEMPLATE, DEMO_TEMPLATES, Sandbox
from engagelab_async.sandbox.refusals import RefusedError
from engagelab_async.sandbox.templates import Template, Templates


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("Hi {{name}}", "Hi Bob"),
        ("Hi {name}", "Hi Bob"),
        ("Hi {{ name }}", "Hi Bob"),
        ("Hi {{nick.name}}, {other-one}", "Hi {{nick.name}}, {other-one}"),
        ("{{name}}{name} {{ttl}}", "BobBob 5"),
        ("{{brand}}", "Mine"),
        ("{} {{}} { name }", "{} {{}} { name }"),
    ],
)
def test_placeholders_are_filled_in(content: str, text: str) -> None:
    """Both styles take variables, then presets; what has no value is delivered literally."""
    template = Template("t", content)
    presets = {"ttl": "5", "brand": "Theirs"}

    assert text == template.render({"name": "Bob", "brand": "Mine"}, presets)


def test_values_are_not_templates() -> None:
    """A value that looks like a placeholder is delivered as it is."""
    template = Template("t", "{{a}} {{b}}")

    assert "{{b}} {a}" == template.render({"a": "{{b}}", "b": "{a}"}, {})


def test_unregistered_template_lists_its_variables() -> None:
    """A template without a text of its own still shows what was passed."""
    assert "[t] order=7, name=Bob" == Template("t", None).render({"order": "7", "name": "Bob"}, {})


def test_known_templates_are_the_only_ones() -> None:
    """Given templates, any other id is refused; the vendor's own is always there."""
    templates = Templates({"shipped": "Order {{order}}", "missing-you": "Come back"})

    assert "Order {{order}}" == templates.find("shipped").content
    assert "Come back" == templates.find("missing-you").content
    assert templates.find(DEMO_TEMPLATE).is_verification
    with pytest.raises(RefusedError, match="4001"):
        templates.find("login")


@pytest.mark.parametrize(
    ("templates", "problem"),
    [
        (["login"], "templates: expected texts by template id, got list"),
        ("login", "templates: expected texts by template id, got str"),
        ({"login": ["code"]}, "templates['login']: expected a str, got list"),
        ({"login": None}, "templates['login']: expected a str, got NoneType"),
        ({7: "text"}, "templates: expected ids that are str, got int"),
    ],
)
def test_what_can_be_no_templates(templates: Any, problem: str) -> None:  # noqa: ANN401 - wrong types
    """A sandbox says so when it is made, and not when something is sent."""
    with pytest.raises(TypeError) as caught:
        Sandbox(templates=templates)

    assert problem == str(caught.value)


def test_the_vendors_templates_always_exist() -> None:
    """Two are for codes, one of them by WhatsApp, and one is for whatever it is given."""
    code, by_whatsapp, custom = map(Templates({}).find, DEMO_TEMPLATES)

    assert (True, True, False) == (
        code.is_verification,
        by_whatsapp.is_verification,
        custom.is_verification,
    )
    assert ((), ("whatsapp",)) == (code.channels, by_whatsapp.channels)
    assert "[sandbox-custom-tpl] order=7" == custom.render({"order": "7"}, {})


def test_no_templates_given_is_not_none_known() -> None:
    """An empty mapping is strict as well."""
    with pytest.raises(RefusedError, match="4001"):
        Templates({}).find("login")
