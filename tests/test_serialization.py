"""Results, outcomes and events as JSON, on every way that a web framework takes to it."""

import copy
import json
import pickle
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, get_args, get_type_hints

import pytest
from attrs import fields, frozen
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.testclient import TestClient
from pydantic import BaseModel, TypeAdapter, ValidationError

import engagelab_async
from engagelab_async import (
    Accepted,
    ConnectionLostError,
    Endpoint,
    InvalidNumberError,
    Operation,
    Plan,
    Rejected,
    ScheduleInfo,
    SendCode,
    SendOTP,
    SendSMS,
    Sent,
    Skipped,
    Template,
    Uncertain,
    Verification,
)
from engagelab_async.bulk import Outcome
from engagelab_async.bulk.report import Tally
from engagelab_async.serialization import Serializable
from engagelab_async.templates import (
    Channel,
    CreatedSignature,
    CreatedSMSTemplate,
    EmailConfig,
    EmailContent,
    OTPTemplate,
    Rendering,
    Signature,
    SignatureStatus,
    SMSTemplate,
    TemplateStatus,
    TemplateType,
    VerifyCodeConfig,
    VerifyCodeType,
)
from engagelab_async.webhooks import (
    Event,
    MessageStatus,
    Notification,
    SystemEvent,
    UnknownEvent,
    UplinkMessage,
)

NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)
SENT = Sent("17", "sms")
SENT_DICT = {"message_id": "17", "send_channel": "sms"}
PLAN = Plan("5", 3, 2, schedule_info=ScheduleInfo(2**53 + 1))
PLAN_DICT = {
    "plan_id": "5",
    "total_count": 3,
    "accepted_count": 2,
    "message_id": None,
    "schedule_info": {"task_id": 2**53 + 1},
}
STATUS = MessageStatus(
    message_id="17",
    status="sent",
    to="+6591234567",
    itime=NOON,
    cost=0.05,
    custom_args={"order": [1, None]},
    raw={"message_id": "17", "more": {"a": True}},
)


@frozen
class Money(Serializable):
    """A result with what JSON has no kind for."""

    amount: Decimal
    notes: tuple[str, ...] = ()


RESULTS: list[Serializable] = [
    SENT,
    Verification("17", verified=False),
    PLAN,
    Plan("5", 1, 1, "17"),
    Money(Decimal("-0.00001000"), ("a", "b")),
    SMSTemplate(
        template_id="1",
        template_name="shipped",
        template_type=TemplateType.UTILITY,
        template_content="Order {{order}}",
        status=TemplateStatus(9),
        country_codes=("SG", "MY"),
        created_time=NOON,
    ),
    CreatedSMSTemplate("1"),
    Signature(sign_id="7", sign_name="Acme", status=SignatureStatus.APPROVED, created_time=NOON),
    CreatedSignature("7"),
    OTPTemplate.whatsapp_then_sms(
        "login",
        brand_name="Acme",
        content="{{code}}",
        country_codes="SG",
        verify_code=VerifyCodeConfig(VerifyCodeType.DIGITS | VerifyCodeType.LOWER_CASE),
    ),
    OTPTemplate(
        template_id="mail",
        send_channel_strategy=(Channel.EMAIL, Channel("pigeon")),
        email_config=EmailConfig(
            "m", [EmailContent(language="en", template_content="Hi", pre_param_map={"a": "1"})]
        ),
    ),
    Rendering("Hi {{name}}", missing=("name",)),
    Tally().report(elapsed=0.5, stopped="hopeless"),
    STATUS,
    Notification(event="insufficient_balance", data={"remain_balance": 1.5}),
    UplinkMessage(sender="+6591234567", text="STOP"),
    SystemEvent(event="api_call", data={"operator": {"email": "ada@example.com"}}),
    UnknownEvent(raw={"new": [{}]}),
]
"""A value of every class, and a result of somebody else's."""

CODE = SendCode("+6591234567", "039487", Template("login", params={"name": "Ada"}))
TEXT = SendSMS(["+6591234567"], Template("9", params={"name": "Ada"}), custom_args={"x": "Ada"})
OUTCOMES: list[Serializable] = [
    Accepted(CODE, SENT, index=0, attempts=1, elapsed=0.25),
    Rejected(CODE, InvalidNumberError("5011 no number", code=5011), index=1, attempts=2),
    Uncertain(TEXT, ConnectionLostError("reset"), index=2, attempts=1),
    Skipped(TEXT, "settled", index=3),
]

every_value = pytest.mark.parametrize(
    "value", [*RESULTS, *OUTCOMES], ids=lambda value: type(value).__name__
)
every_result = pytest.mark.parametrize("value", RESULTS, ids=lambda value: type(value).__name__)


ENDPOINTS = [
    found.endpoint
    for name in engagelab_async.__all__
    if isinstance(found := getattr(engagelab_async, name), type) and hasattr(found, "endpoint")
]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.name)
def test_every_call_answers_with_what_json_can_hold(endpoint: Endpoint) -> None:
    """A new result is one of these too, or a list of them; or there is nothing to hold."""
    (result,) = set(get_args(endpoint.result) or [endpoint.result]) - {...}

    assert result is type(None) or issubclass(result, Serializable)


@every_value
def test_a_dict_holds_only_what_json_can(value: Serializable) -> None:
    """It comes back from JSON as it was."""
    made = value.to_dict()

    assert made == json.loads(json.dumps(made, allow_nan=False))


def test_results() -> None:
    """Attributes keep their names, at any depth; what was left out is null."""
    assert [SENT_DICT, PLAN_DICT] == [SENT.to_dict(), PLAN.to_dict()]


def test_what_json_has_no_kind_for() -> None:
    """No float touches money, a time names its zone, and an enum is what the platform writes."""
    template = SMSTemplate(
        template_id="1",
        template_name="n",
        template_type=TemplateType.MARKETING,
        template_content="c",
        status=TemplateStatus.APPROVED,
        updated_time=NOON,
    ).to_dict()

    assert {"amount": "1000", "notes": ["a"]} == Money(Decimal("1E+3"), ("a",)).to_dict()
    assert ("marketing", 2) == (template["template_type"], template["status"])
    assert ("2026-01-02T12:00:00+00:00", []) == (
        template["updated_time"],
        template["country_codes"],
    )


def test_events_name_their_kind() -> None:
    """With the fields of that kind, and the row as it came."""
    made = STATUS.to_dict()

    assert ("MessageStatus", "sent", "+6591234567") == (made["type"], made["status"], made["to"])
    assert {"order": [1, None]} == made["custom_args"]
    assert {"message_id": "17", "more": {"a": True}} == made["raw"]
    assert "UnknownEvent" == UnknownEvent().to_dict()["type"]


def test_outcomes_name_their_kind() -> None:
    """They say what was to be sent to whom, and what became of it."""
    code = {
        "name": "otp.send_code",
        "to": "+6591234567",
        "template": {"id": "login", "language": None},
    }
    text = {
        "name": "sms.send",
        "to": ["+6591234567"],
        "template": {"id": "9", "language": None},
        "plan_name": None,
        "schedule_time": None,
    }
    refusal = {
        "type": "InvalidNumberError",
        "message": "5011 no number",
        "may_have_been_sent": False,
        "code": 5011,
        "http_status": 400,
        "retry_after": None,
        "plan_id": None,
    }
    lost = {
        "type": "ConnectionLostError",
        "message": "reset; it may have been sent",
        "may_have_been_sent": True,
    }
    shared = {"index": 3, "attempts": 0, "elapsed": 0.0}
    accepted, rejected, uncertain, skipped = (outcome.to_dict() for outcome in OUTCOMES)

    assert ("Accepted", code, SENT_DICT) == tuple(
        accepted[name] for name in ("type", "operation", "result")
    )
    assert ("Rejected", refusal) == (rejected["type"], rejected["error"])
    assert ("Uncertain", text, lost) == tuple(
        uncertain[name] for name in ("type", "operation", "error")
    )
    assert {"type": "Skipped", **shared, "operation": text, "reason": "settled"} == skipped


@pytest.mark.parametrize("outcome", OUTCOMES, ids=lambda value: type(value).__name__)
def test_outcomes_hand_no_code_and_no_text_on(outcome: Serializable) -> None:
    """A handler that returns an outcome must not show a person's code to whoever asks."""
    made = json.dumps(outcome.to_dict())

    assert ["039487" in made, "Ada" in made] == [False, False]


def test_results_of_others() -> None:
    """A result of the caller's own class is written as well, or left alone if it is plain."""

    @frozen
    class Price:
        amount: Decimal

    operation: Operation[Any] = SendOTP("+6591234567", "login")
    results = [Price(Decimal("1.50")), {"a": (Decimal("2.0"),)}, None]
    made = [Accepted(operation, result, index=0).to_dict()["result"] for result in results]

    assert [{"amount": "1.50"}, {"a": ["2.0"]}, None] == made


@every_value
def test_pydantic_takes_the_value_and_writes_the_same(value: Serializable) -> None:
    """What a handler returns stays what it is, and its JSON is that of `to_dict`."""
    adapter: TypeAdapter[Serializable] = TypeAdapter(type(value))

    assert value is adapter.validate_python(value)
    assert value.to_dict() == adapter.dump_python(value)
    assert value.to_dict() == json.loads(adapter.dump_json(value))


@every_result
def test_pydantic_reads_a_result_back(value: Serializable) -> None:
    """From JSON, as from a cache, and from the dict."""
    adapter: TypeAdapter[Serializable] = TypeAdapter(type(value))

    assert value == adapter.validate_json(adapter.dump_json(value))
    assert value == adapter.validate_python(value.to_dict())


def test_pydantic_reads_no_outcome_back() -> None:
    """The operation and the error were more than their JSON."""
    adapter = TypeAdapter(Skipped[Sent])

    with pytest.raises(ValidationError, match="cannot be made of JSON"):
        adapter.validate_json(adapter.dump_json(OUTCOMES[3]))  # type: ignore[arg-type]


def test_pydantic_refuses_others() -> None:
    """A handler that returns something else than it says is found out."""
    with pytest.raises(ValidationError):
        TypeAdapter(Sent).validate_python(PLAN)


class Answer(BaseModel):
    """A model of a user's."""

    sent: Sent
    plan: Plan | None = None
    anything: Any = None
    outcomes: list[Outcome[Sent]] = []


app = FastAPI()
ANSWER = Answer(sent=SENT, anything=[PLAN], outcomes=[OUTCOMES[3]])  # type: ignore[list-item]
OUTCOME_DICTS = [outcome.to_dict() for outcome in OUTCOMES]
RETURNED: dict[str, tuple[Any, Any, object]] = {
    "sent": (Sent, SENT, SENT_DICT),
    "plan": (Plan, PLAN, PLAN_DICT),
    "optional": (Sent | None, SENT, SENT_DICT),
    "nothing": (Sent | None, None, None),
    "union": (Sent | Plan, PLAN, PLAN_DICT),
    "list": (list[Sent], [SENT, SENT], [SENT_DICT, SENT_DICT]),
    "tuple": (tuple[Plan, ...], (PLAN,), [PLAN_DICT]),
    "dict": (dict[str, Sent], {"a": SENT}, {"a": SENT_DICT}),
    "any": (Any, SENT, SENT_DICT),
    "object": (object, [{"a": SENT}], [{"a": SENT_DICT}]),
    "plain_dict": (dict, {"a": SENT}, {"a": SENT_DICT}),
    "outcome": (Accepted[Sent], OUTCOMES[0], OUTCOME_DICTS[0]),
    "bare_outcome": (Accepted, OUTCOMES[0], OUTCOME_DICTS[0]),
    "outcomes": (list[Outcome[Sent]], OUTCOMES, OUTCOME_DICTS),
    "other_outcomes": (list[Outcome[Plan]], OUTCOMES[1:], OUTCOME_DICTS[1:]),
    "event": (Event, STATUS, STATUS.to_dict()),
    "events": (list[MessageStatus | UnknownEvent], [STATUS], [STATUS.to_dict()]),
    "money": (Money, Money(Decimal("12.3400")), {"amount": "12.3400", "notes": []}),
    "model": (
        Answer,
        ANSWER,
        {
            "sent": SENT_DICT,
            "plan": None,
            "anything": [PLAN_DICT],
            "outcomes": [OUTCOME_DICTS[3]],
        },
    ),
}


def add_route(path: str, value: object, **options: Any) -> None:  # noqa: ANN401 - FastAPI's
    """Add a handler that returns a value."""

    async def handler():  # type: ignore[no-untyped-def]  # noqa: ANN202 - the point
        return value

    app.get(path, **options)(handler)


for _name, (_kind, _value, _) in RETURNED.items():
    add_route(f"/annotated/{_name}", _value, response_model=_kind)
    add_route(f"/bare/{_name}", _value)
add_route("/short", PLAN, response_model=Plan, response_model_exclude_none=True)
add_route(
    "/deep",
    OTPTemplate(
        template_id="mail",
        email_config=EmailConfig(None, [EmailContent(language="en", template_content="Hi")]),
    ),
    response_model=OTPTemplate,
    response_model_exclude_none=True,
    response_model_include={"email_config"},
)
add_route("/shorter", PLAN, response_model=Plan, response_model_include={"plan_id"})
add_route("/without", SENT, response_model=Sent, response_model_exclude={"message_id"})
add_route("/from_dict", PLAN.to_dict(), response_model=Plan)


@app.post("/take")
def take(answer: Answer) -> bool:
    """Take a result in a body."""
    return answer.sent == SENT


@pytest.fixture(scope="module")
def http() -> TestClient:
    """A client of the app."""
    return TestClient(app)


@pytest.mark.parametrize("way", ["annotated", "bare"])
@pytest.mark.parametrize("name", RETURNED)
def test_fastapi_returns_it(http: TestClient, name: str, way: str) -> None:
    """``return sent`` is JSON, with and without a return annotation."""
    answer = http.get(f"/{way}/{name}")

    assert (200, RETURNED[name][2]) == (answer.status_code, answer.json())


def test_fastapi_leaves_out_what_it_is_told_to(http: TestClient) -> None:
    """The options of a response model hold for a result too."""
    short = {name: item for name, item in PLAN_DICT.items() if item is not None}
    template = {"template_custom_configs": [{"language": "en", "template_content": "Hi"}]}

    assert {"email_config": template} == http.get("/deep").json()
    assert short == http.get("/short").json()
    assert {"plan_id": "5"} == http.get("/shorter").json()
    assert {"send_channel": "sms"} == http.get("/without").json()
    assert PLAN_DICT == http.get("/from_dict").json()


def test_fastapi_takes_it(http: TestClient) -> None:
    """A model with a result in it can be a body."""
    assert http.post("/take", json={"sent": SENT_DICT}).json()
    assert 422 == http.post("/take", json={"sent": {"message_id": "17"}}).status_code


def test_fastapi_documents_it(http: TestClient) -> None:
    """OpenAPI has a schema of each class, under its name, with the types of the members."""
    schemas = http.get("/openapi.json").json()["components"]["schemas"]
    properties = {name: schema.get("properties") for name, schema in schemas.items()}

    assert {"Sent", "Plan", "ScheduleInfo", "Event", "MessageStatus", "Accepted"} <= set(schemas)
    assert ("Plan", list(PLAN_DICT)) == (schemas["Plan"]["title"], schemas["Plan"]["required"])
    assert "integer" == properties["ScheduleInfo"]["task_id"]["type"]
    assert {"$ref": "#/components/schemas/Sent"} == properties["Accepted_Sent_"]["result"]
    assert "Accepted" == properties["Accepted_Sent_"]["type"]["const"]
    # A handler that announces events may return any kind of them.
    assert ("MessageStatus", None) == tuple(
        properties[name]["type"].get("const") for name in ("MessageStatus", "Event")
    )


def test_the_schema_of_an_enum_is_open() -> None:
    """The platform may learn new values, and a value may be made of several."""
    schema = json.dumps(TypeAdapter(OTPTemplate).json_schema(mode="serialization"))
    kinds = json.loads(schema)["$defs"]

    assert '"enum"' not in schema
    assert {"type": "integer", "examples": [1, 2, 4]} == kinds["VerifyCodeType"]
    assert {"type": "string", "examples": ["whatsapp", "sms", "voice", "email"]} == kinds["Channel"]


def test_the_encoder_of_fastapi() -> None:
    """Programs call it themselves too."""
    assert [SENT_DICT, {"a": PLAN_DICT}] == jsonable_encoder([SENT, {"a": PLAN}])


@every_result
def test_a_value_is_still_one(value: Serializable) -> None:
    """It is copied and pickled as before, and has no dict that takes memory."""
    assert [value, value] == [copy.deepcopy(value), pickle.loads(pickle.dumps(value))]  # noqa: S301
    assert 0 == type(value).__dictoffset__


@every_value
def test_annotations_can_be_read(value: Serializable) -> None:
    """Other libraries, and Sphinx, read them as they do those of any class."""
    names = {field.name for field in fields(type(value))}

    assert names <= get_type_hints(type(value)).keys()


def test_without_pydantic(monkeypatch: pytest.MonkeyPatch) -> None:
    """What pydantic asks for is not there; nothing imports pydantic for it."""
    monkeypatch.delitem(sys.modules, "pydantic_core")

    assert not hasattr(SENT, "__pydantic_serializer__")
