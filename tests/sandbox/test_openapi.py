"""The OpenAPI documents: valid, and in agreement with the client and the sandbox."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest
from attrs import fields, has
from hypothesis import given
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import validate
from starlette.routing import Route

from engagelab_async import Operation, Template, wire
from engagelab_async.arguments import WHOLE_BODY
from engagelab_async.client import OTP_BASE_URL, SMS_BASE_URL
from engagelab_async.operation import Product, wire_name
from engagelab_async.sandbox.app import create_app
from engagelab_async.sandbox.callbacks import review_row, status_row, uplink_row
from engagelab_async.sandbox.lifecycle import Reply, plan_of
from engagelab_async.sandbox.openapi import document
from engagelab_async.sandbox.operations import operations_of
from engagelab_async.sandbox.reviews import Review, Submission
from engagelab_async.wire import ERRORS_BY_CODE
from support.calls import OPERATIONS
from support.platforms import Platform
from support.strategies import operations
from support.vectors import SAMPLES, every

PRODUCTS: tuple[Product, ...] = ("otp", "sms")
DECLARED = [operation for operation, _ in operations_of(Platform().parts)]
DOCUMENTS = {product: document(product, DECLARED) for product in PRODUCTS}
JSON = "application/json"

ONLY_DOCUMENTED = {
    "otp.verify": {"verify_code"},  # what the caller has just passed in
    "sms.send": {"code", "message"},  # of a failure, which is raised
    # The same amounts, of which a result holds the exact ones.
    "sms.balance": {"balance10000", "gift_balance10000", "total_balance10000"},
}
"""Fields of answers that are of no use in a result."""

ONLY_READ = {"sms.balance": {"currency"}}
"""Fields of results that the other product answers."""

ONLY_OF_THE_SANDBOX = {"otp.sandbox.webhook"}
"""Calls that the vendor's sandbox has, and not its platform."""

by_product = pytest.mark.parametrize("product", PRODUCTS)
by_call = pytest.mark.parametrize("call", OPERATIONS)


def documented() -> Iterator[tuple[Product, str, str, Mapping[str, Any]]]:
    """Yield each operation of the documents, with its product, method and path."""
    for product, made in DOCUMENTS.items():
        for path, item in made["paths"].items():
            for method, operation in item.items():
                yield product, method.upper(), path, operation


DOCUMENTED = {each["operationId"]: each for _, _, _, each in documented()}


def product_of(call: str) -> Product:
    """Return the product of a call."""
    return OPERATIONS[call].endpoint.product


def resolved(schema: Mapping[str, Any], product: Product) -> Mapping[str, Any]:
    """Follow a reference, past the null of a field that may be left out."""
    schema = schema["anyOf"][0] if {"type": "null"} in schema.get("anyOf", ()) else schema
    if "$ref" not in schema:
        return schema
    name = schema["$ref"].rpartition("/")[2]
    found: Mapping[str, Any] = DOCUMENTS[product]["components"]["schemas"][name]
    return found


def body_of(call: str) -> Mapping[str, Any]:
    """Return the schema of a call's body."""
    schema: Mapping[str, Any] = DOCUMENTED[call]["requestBody"]["content"][JSON]["schema"]
    return resolved(schema, product_of(call))


def answer_to(call: str) -> Mapping[str, Any]:
    """Return the schema of a call's 200."""
    schema: Mapping[str, Any] = DOCUMENTED[call]["responses"]["200"]["content"][JSON]["schema"]
    return schema


def errors(schema: Mapping[str, Any], product: Product, instance: object) -> list[str]:
    """Tell what is wrong with an instance."""
    whole = {**schema, "components": DOCUMENTS[product]["components"]}
    return [error.message for error in OAS31Validator(whole).iter_errors(instance)]


@by_product
def test_the_documents_are_valid(product: Product) -> None:
    """They are what OpenAPI 3.1 wants."""
    validate(DOCUMENTS[product])


def test_the_base_urls_are_the_clients() -> None:
    """Both know where the products are."""
    served = [DOCUMENTS[product]["servers"][1]["url"] for product in PRODUCTS]

    assert [OTP_BASE_URL, SMS_BASE_URL] == served


@by_product
def test_fields_have_the_descriptions_of_their_docstrings(product: Product) -> None:
    """What a docstring says of an attribute describes the property, and the rest the object."""
    template = DOCUMENTS[product]["components"]["schemas"]["TemplateRequest"]
    name, words = {
        "otp": ("send_channel_strategy", "The channels, in the order in which they are tried."),
        "sms": ("template_type", "What its messages are for;"),
    }[product]

    assert template["description"].startswith("A template to be reviewed")
    assert "Attributes" not in template["description"]
    assert template["properties"][name]["description"].startswith(words)


@pytest.mark.asyncio
@by_product
async def test_the_documents_are_served(product: Product) -> None:
    """Anybody can read them, without a key."""
    transport = httpx.ASGITransport(create_app(Platform(), {}))
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox") as http:
        answer = await http.get(f"/{product}/openapi.json")

    assert (200, JSON) == (answer.status_code, answer.headers["content-type"])
    assert DOCUMENTS[product] == answer.json()


def test_what_is_served_is_documented() -> None:
    """Each operation that the app routes is in the documents, and nothing else is."""
    served = {
        (method, re.sub(r"\{\w+:\w+\}", "{}", route.path))
        for route in create_app(Platform()).routes
        if isinstance(route, Route) and not route.path.endswith("openapi.json")
        for method in (route.methods or set()) - {"HEAD"}
    }

    assert served == {
        (method, f"/{product}{re.sub(r'{.*?}', '{}', path)}")
        for product, method, path, _ in documented()
    }


# ------------------------------------------------------------------------------- the client


def test_client_and_documents_have_the_same_operations() -> None:
    """Each call of the library is documented, with its method and path, and no other is."""
    endpoints = [operation.endpoint for operation in OPERATIONS.values()]

    assert {(each.name, each.product, each.method, each.path) for each in endpoints} == {
        (each["operationId"], product, method, path)
        for product, method, path, each in documented()
        if each["operationId"] not in ONLY_OF_THE_SANDBOX
    }


def test_every_operation_class_is_among_them() -> None:
    """No class of the library is left out of the comparison."""
    classes = {kind for kind in subclasses(Operation) if "endpoint" in vars(kind)}

    assert {type(operation) for operation in OPERATIONS.values()} == classes


def subclasses(kind: type[Any]) -> Iterator[type[Any]]:
    """Yield all classes of ours below a class."""
    for each in kind.__subclasses__():
        if each.__module__.startswith("engagelab_async"):
            yield each
        yield from subclasses(each)


@by_call
def test_paths_name_their_ids(call: str) -> None:
    """An id in a path is a parameter of the operation."""
    path = OPERATIONS[call].endpoint.path

    assert [(name, "path") for name in re.findall(r"\{(\w+)\}", path)] == [
        (each["name"], each["in"]) for each in DOCUMENTED[call]["parameters"]
    ]


def keys_of(kind: type[Any]) -> set[str]:
    """Return the keys of an attrs class in JSON."""
    return set(map(wire_name, fields(kind)))


@pytest.mark.parametrize("call", [name for name in OPERATIONS if "requestBody" in DOCUMENTED[name]])
def test_bodies_have_the_same_fields(call: str) -> None:
    """What the client can send is documented, and the other way round."""
    kind = type(OPERATIONS[call])
    whole = next((each for each in fields(kind) if each.metadata.get(WHOLE_BODY)), None)
    keys = keys_of(kind if whole is None else whole.type or kind)
    in_path = set(re.findall(r"\{(\w+)\}", OPERATIONS[call].endpoint.path))
    in_answers = {"status", "audit_remark", "created_time"} if whole else set()

    assert keys - in_path - in_answers == set(body_of(call)["properties"])


@pytest.mark.parametrize("call", ["otp.send", "otp.send_code", "otp.send_custom_message"])
def test_templates_have_the_same_fields(call: str) -> None:
    """A template's fields are documented; custom messages and SMS have no language."""
    without = set() if call in ("otp.send", "otp.send_code") else {"language"}

    assert keys_of(Template) - without == set(
        resolved(body_of(call)["properties"]["template"], product_of(call))["properties"]
    )


@by_call
def test_calls_without_a_body_have_none(call: str) -> None:
    """A body is documented where the client sends one."""
    assert bool(wire.encode(OPERATIONS[call])) == ("requestBody" in DOCUMENTED[call])


@by_call
def test_answers_have_the_same_fields(call: str) -> None:
    """What the client reads is documented, and of what is documented it reads the useful part."""
    result, schema = OPERATIONS[call].endpoint.result, resolved(answer_to(call), product_of(call))
    if schema.get("type") == "array":
        (result, _), schema = result.__args__, resolved(schema["items"], product_of(call))
    options = [resolved(each, product_of(call)) for each in schema.get("anyOf", [schema])]
    keys = {key for option in options for key in option["properties"]}
    read = keys_of(result) if has(result) else {"code", "message"}

    assert keys - ONLY_DOCUMENTED.get(call, set()) == read - ONLY_READ.get(call, set())


@pytest.mark.parametrize(
    ("component", "path"),
    [
        ("Plan", "schedule_info"),
        ("Template", "verify_code_config"),
        ("Template", "sms_config"),
        ("Template", "sms_config.template_custom_config"),
        ("Template", "sms_config.template_default_config"),
        ("Template", "voice_config"),
        ("Template", "whatsapp_config"),
        ("Template", "email_config"),
        ("Template", "email_config.template_custom_configs"),
        ("Template", "pwa_config"),
    ],
)
def test_nested_answers_have_the_same_fields(component: str, path: str) -> None:
    """What is inside an answer agrees as well."""
    call = {"Plan": "sms.send", "Template": "otp.templates.get"}[component]
    kind = OPERATIONS[call].endpoint.result
    schema = DOCUMENTS[product_of(call)]["components"]["schemas"][component]
    for name in path.split("."):
        kind = class_in(next(each.type for each in fields(kind) if each.name == name))
        schema = resolved(schema["properties"][name], product_of(call))
    schema = resolved(schema.get("items", schema), product_of(call))

    assert keys_of(kind) == set(schema["properties"])


def class_in(annotation: Any) -> type[Any]:  # noqa: ANN401 - whatever an annotation is
    """Find the attrs class in ``X | None`` or ``tuple[X, ...]``."""
    return next(each for each in annotation.__args__ if has(each))


def test_client_and_documents_have_the_same_errors() -> None:
    """Each code that the client has a class for is documented with its status, and no other is."""
    codes = {
        product: {
            code
            for owner, _, _, each in documented()
            if owner == product
            for status, answer in each["responses"].items()
            if status.isdigit() and status != "200"
            for code in answer["content"][JSON]["schema"]["allOf"][1]["properties"]["code"]["enum"]
        }
        for product in PRODUCTS
    }

    assert set(ERRORS_BY_CODE) == codes["otp"]
    assert {code for code in ERRORS_BY_CODE if code not in range(5011, 5021)} | {400, 500} == codes[
        "sms"
    ]


@by_call
def test_a_body_of_the_client_is_valid(call: str) -> None:
    """What the library's tests send, the documents allow."""
    body = wire.encode(OPERATIONS[call])

    assert [] == (errors(body_of(call), product_of(call), json.loads(body)) if body else [])


@given(operations)
def test_bodies_have_the_documented_types(operation: Operation[object]) -> None:
    """Whatever the client sends, only recipients and languages can be other than documented."""
    endpoint = operation.endpoint
    found = errors(body_of(endpoint.name), endpoint.product, json.loads(wire.encode(operation)))

    assert [] == [
        each for each in found if not re.search(r" is not (valid under any|one of)", each)
    ]


@every("requests.json")
def test_the_vendors_requests_are_valid(vector: Mapping[str, Any]) -> None:
    """The requests that the vendor's pages show are what the documents allow."""
    call, body = vector["operation"], vector["http"]["body"]

    assert [] == ([] if body is None else errors(body_of(call), product_of(call), body))


@every("responses.json", "template_responses.json")
def test_what_is_documented_can_be_read(vector: Mapping[str, Any]) -> None:
    """Of the answers in the samples, the client refuses none that the documents allow."""
    call, http = vector["operation"], vector["http"]
    response = DOCUMENTED[call]["responses"].get(str(http["status"]), {})
    schema = response.get("content", {}).get(JSON, {}).get("schema", False)
    is_documented = "body" in http and not errors(
        {"allOf": [schema]}, product_of(call), http["body"]
    )
    is_unreadable = vector["expect"].get("error") == "InvalidResponseError"

    assert not (is_documented and is_unreadable)


# ------------------------------------------------------------------------------- schemas


def schemas_in(value: object) -> Iterator[Mapping[str, Any]]:
    """Yield whatever has examples."""
    if isinstance(value, dict):
        if "examples" in value:
            yield value
        for each in value.values():
            yield from schemas_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from schemas_in(each)


@by_product
def test_examples_are_valid(product: Product) -> None:
    """Each example is one of its own schema."""
    found = list(schemas_in(DOCUMENTS[product]))

    assert len(found) > 10
    assert [] == [
        wrong
        for schema in found
        for example in schema["examples"]
        for wrong in errors(schema, product, example)
    ]


CALLBACKS = [
    vector["body"]
    for vector in json.loads((SAMPLES / "callbacks.json").read_text(encoding="utf-8"))
    if vector["body"] is not None
]


@by_product
@pytest.mark.parametrize("body", CALLBACKS)
def test_the_vendors_callbacks_are_valid(product: Product, body: object) -> None:
    """The callbacks that the vendor's pages show are what the webhook allows."""
    callback = DOCUMENTS[product]["webhooks"]["callback"]["post"]

    assert [] == errors(callback["requestBody"]["content"][JSON]["schema"], product, body)


def own_rows() -> list[Mapping[str, Any]]:
    """Return rows of each kind that the sandbox sends."""
    platform = Platform(pace=0)
    for to in ("+6591234567", "+10000000202", "no number"):
        platform.send_sms({"to": to, "template": {"id": "7"}, "custom_args": {"order": 7}})
    platform.send_otp({"to": "ada@example.com", "template": {"id": "login"}})
    messages = [*platform.outbox.messages, *platform.outbox.dropped]
    review = Submission(Review.reject("Name the brand", after=0), 0)
    rows = [status_row(each, change) for each in messages for change in plan_of(each, pace=0)]
    rows += [uplink_row(messages[0], [Reply("STOP", messages[0].sent_at)])]
    return [row.content for row in [*rows, review_row(("sms", "7"), review)]]


@by_product
@pytest.mark.parametrize(
    "row", [*(row for body in CALLBACKS for row in body.get("rows", ())), *own_rows()]
)
def test_callbacks_have_the_same_fields(product: Product, row: Mapping[str, Any]) -> None:
    """A row, the vendor's or the sandbox's, is of a documented kind, as are all its fields."""
    schemas = DOCUMENTS[product]["components"]["schemas"]
    kinds = {
        "status": "MessageStatus",
        "notification": "Notification",
        "response": "UplinkMessage",
        "system_event": "SystemEvent",
    }
    for key in row.keys() & kinds.keys():
        assert [] == errors(schemas[kinds[key]], product, row)
        assert [] == [*undocumented(row, schemas[kinds[key]], product)]


def undocumented(value: object, schema: Mapping[str, Any], product: Product) -> Iterator[str]:
    """Yield the fields of an object, and of the objects in it, that a schema does not have."""
    properties = resolved(schema, product).get("properties")
    if isinstance(value, dict) and properties is not None:
        yield from value.keys() - properties.keys()
        for name in value.keys() & properties.keys():
            yield from undocumented(value[name], properties[name], product)
