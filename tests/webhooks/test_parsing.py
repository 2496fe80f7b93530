"""Reading the body of a callback, documented and otherwise."""

import copy
import json
import pickle
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engagelab_async import InvalidCallbackError
from engagelab_async.webhooks import (
    MessageStatus,
    Notification,
    SystemEvent,
    UnknownEvent,
    UplinkMessage,
    parse,
)
from support.callback_requests import ROW, body_of
from support.strategies import json_values
from support.vectors import SAMPLES

VECTORS = json.loads((SAMPLES / "callbacks.json").read_text(encoding="utf-8"))


def described(event: object, expect: dict[str, Any]) -> dict[str, Any]:
    """Describe an event in the words of an ``expect``."""
    own = {"type": type(event).__name__}
    return {name: own[name] if name in own else getattr(event, name) for name in expect}


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["note"])
def test_documented_callbacks(vector: dict[str, Any]) -> None:
    """Every callback that the vendor shows becomes the events that it tells."""
    body = b"" if vector["body"] is None else json.dumps(vector["body"]).encode()
    events = parse(body)

    assert vector["expect"] == [
        described(event, expect) for event, expect in zip(events, vector["expect"], strict=True)
    ]
    assert [dict(event.raw) for event in events] == (vector["body"] or {}).get("rows", [])


def parsed(**row: object) -> Any:  # noqa: ANN401 - the test knows which event
    """Parse one row."""
    (event,) = parse(body_of(row))
    return event


class TestRows:
    """What the rows become, field by field."""

    def test_message_status(self) -> None:
        """Everything that the vendor documents has an attribute, and times are aware."""
        (vector, *_) = VECTORS
        (event,) = parse(json.dumps(vector["body"]))

        assert (
            MessageStatus(
                message_id="123456789",
                status="sent",
                to="+8613800138000",
                server="sms",
                channel="sms",
                itime=datetime(2023, 11, 29, 5, 9, 27, tzinfo=UTC),
                custom_args={"order_id": "ORDER123"},
                msg_time=datetime(2023, 11, 29, 5, 9, 20, tzinfo=UTC),
                current_send_channel="CHANNEL_A",
                template_key="verify_code",
                business_id="1001",
                cost=0.005,
                currency="USD",
                error_code=0,
                raw=vector["body"]["rows"][0],
            )
            == event
        )

    def test_notification(self) -> None:
        """What the platform says is kept as it says it."""
        data = {"remain_balance": -0.005, "balance_threshold": 2}
        event = parsed(notification={"event": "insufficient_balance", "notification_data": data})

        assert isinstance(event, Notification)
        assert data == event.data

    def test_uplink_message(self) -> None:
        """Who replied, to which number, and what."""
        data = {"message_sid": "SM1", "account_sid": "AC1", "from": "+1", "to": "+2", "body": "ok"}
        event = parsed(
            message_id=0,
            business_id="7",
            response={"event": "uplink_message", "response_data": data},
        )

        assert isinstance(event, UplinkMessage)
        assert ("+1", "+2", "ok", "0", "7", "SM1", "AC1") == (
            event.sender,
            event.recipient,
            event.text,
            event.message_id,
            event.business_id,
            event.message_sid,
            event.account_sid,
        )

    def test_an_empty_reply(self) -> None:
        """A reply without a text has an empty one."""
        event = parsed(response={"event": "uplink_message", "response_data": {"from": "+1"}})

        assert ("", None) == (event.text, event.recipient)

    def test_documented_notifications(self) -> None:
        """Each has its fields, of their types."""
        (vector,) = (vector for vector in VECTORS if "newer pages" in vector["note"])
        balance, rate, review = parse(json.dumps(vector["body"]))

        assert isinstance(balance, Notification)
        assert isinstance(rate, Notification)
        assert isinstance(review, Notification)
        assert (Decimal("1.5"), Decimal(2), "USD", "1") == (
            balance.remain_balance,
            balance.balance_threshold,
            balance.currency,
            balance.business_id,
        )
        assert (0.2, 0.5, "1", None) == (
            rate.rate,
            rate.threshold,
            rate.business_id,
            rate.remain_balance,
        )
        assert ("t1", "rejected", "content") == (review.template_id, review.status, review.reason)

    @pytest.mark.parametrize(
        ("written", "amount"),
        [
            ("-0.0050", Decimal("-0.0050")),
            ("1234567890123456.7891", Decimal("1234567890123456.7891")),
            ("12", Decimal(12)),
            ('"-12.3400"', Decimal("-12.3400")),
            ("1e2", Decimal("1e2")),
            ("0.1e-99999999999999999999", None),
            ("1e-999999999", None),  # would take a gigabyte to write out
            ('"much"', None),
            ("true", None),
            ("null", None),
            ("[1.5]", None),
            ("1" + "0" * 400, None),
        ],
    )
    def test_amounts_are_exact(self, written: str, amount: Decimal | None) -> None:
        """No float touches money, however it is written; other rows are left alone."""
        data = f'{{"remain_balance": {written}, "balance_threshold": 0.1}}'
        row = (
            f'{{"notification": {{"event": "insufficient_balance", "notification_data": {data}}}}}'
        )
        event, other = parse(f'{{"rows": [{row}, {{"itime": 0.1}}]}}')

        assert isinstance(event, Notification)
        assert (amount, Decimal("0.1")) == (event.remain_balance, event.balance_threshold)
        assert str(amount) == str(event.remain_balance)
        assert UnknownEvent(itime=other.itime, raw={"itime": 0.1}) == other
        assert json.loads(f'{{"rows": [{row}]}}')["rows"][0] == event.raw

    @pytest.mark.parametrize("data", [None, [], "x", 7, {}, {"rate": "no", "template_id": []}])
    def test_a_notification_of_another_shape(self, data: object) -> None:
        """What is not documented is `None`, and the row is in `raw`."""
        event = parsed(notification={"event": "insufficient_balance", "notification_data": data})

        assert isinstance(event, Notification)
        assert [None] * 4 == [
            event.remain_balance,
            event.balance_threshold,
            event.rate,
            event.template_id,
        ]

    @pytest.mark.parametrize(
        ("name", "data", "action"),
        [
            ("account_login", {"account_login": {"action": "login_failed"}}, "login_failed"),
            ("key_manage", {"key_manage": {"action": "create"}}, "create"),
            ("api_call", {"api_call": {"api_path": "/v1/messages", "method": "POST"}}, None),
            ("msg_history", {}, None),
            ("account_login", {"action": "login_success"}, "login_success"),
            (
                "account_login",
                {"account_login": "login", "action": "login_success"},
                "login_success",
            ),
            ("account_login", {"account_login": {"action": None}}, None),
            ("account_login", {"key_manage": {"action": "create"}}, None),
            ("account_login", {"account_login": ["login_failed"]}, None),
            ("logout", {"logout": {"action": "expired"}}, "expired"),
        ],
    )
    def test_system_event(self, name: str, data: dict[str, Any], action: str | None) -> None:
        """What was done stands under the event's own name, or as older examples have it."""
        data |= {"operator": {"email": "user@example.com"}}
        event = parsed(system_event={"event": name, "data": data})

        assert isinstance(event, SystemEvent)
        assert (name, action, data) == (event.event, event.action, event.data)

    @pytest.mark.parametrize("data", [None, [], "x", 7])
    def test_a_system_event_without_data(self, data: object) -> None:
        """It is one all the same."""
        event = parsed(system_event={"event": "account_login", "data": data})

        assert SystemEvent(event="account_login", raw=event.raw) == event

    @pytest.mark.parametrize(
        "row",
        [
            {},
            {"brand_new": {"a": 1}},
            {"status": "sent", "message_id": "7"},
            {"status": {}, "message_id": "7"},
            {"status": {"message_status": "sent"}},
            {"status": {"message_status": None}, "message_id": "7"},
            {"status": {"message_status": "sent"}, "message_id": ["7"]},
            {"notification": {"event": None}},
            {"notification": []},
            {"system_event": {"data": {}}},
            {"response": {"event": "uplink_message", "response_data": {}}},
            {"response": {"event": "call", "response_data": {"from": "+1"}}},
        ],
    )
    def test_what_is_not_known_is_kept(self, row: dict[str, Any]) -> None:
        """A row of another kind, or without what makes it one of its kind, is not lost."""
        assert UnknownEvent(raw=row) == parsed(**row)

    def test_the_message_id_is_found_in_both_places(self) -> None:
        """The row and its status data both name the message."""
        event = parsed(status={"message_status": "sent", "status_data": {"message_id": 17}})

        assert "17" == event.message_id

    def test_new_fields_are_no_trouble(self) -> None:
        """A field that is not documented is in `raw`."""
        event = parsed(**ROW, brand_new={"a": 1})

        assert ("delivered", {"a": 1}) == (event.status, event.raw["brand_new"])


@pytest.mark.parametrize(
    ("value", "cost"),
    [
        (0.005, 0.005),
        (2, 2.0),
        ("0.005", 0.005),
        ("-1", -1.0),
        ("1e3", None),
        ("nan", None),
        ("\u0661", None),
        (True, None),
        (None, None),
        ([1], None),
        (10**400, None),
    ],
)
def test_numbers_are_read_with_leniency(value: object, cost: float | None) -> None:
    """A number may be written as a string; what is none leaves the rest of the row alone."""
    event = parsed(message_id="7", status={"message_status": "sent", "billing": {"cost": value}})

    assert ("sent", cost) == (event.status, event.cost)


def test_numbers_beyond_all_bounds() -> None:
    """What a float cannot hold is no number."""
    row = b'{"message_id": "7", "status": {"message_status": "sent", "billing": {"cost": 1%s}}}'
    (event,) = parse(b'{"rows": [%s]}' % (row % (b"0" * 400)))

    assert isinstance(event, MessageStatus)
    assert event.cost is None


@pytest.mark.parametrize(
    ("value", "error_code"),
    [(4001, 4001), ("4001", 4001), (4001.0, 4001), (0.5, None), ("x", None), ({}, None)],
)
def test_codes_are_whole_numbers(value: object, error_code: int | None) -> None:
    """A code that is no whole number is none."""
    event = parsed(message_id="7", status={"message_status": "sent_fail", "error_code": value})

    assert error_code == event.error_code


@pytest.mark.parametrize(
    ("value", "itime"),
    [
        (1701234567, datetime(2023, 11, 29, 5, 9, 27, tzinfo=UTC)),
        ("1701234567", datetime(2023, 11, 29, 5, 9, 27, tzinfo=UTC)),
        (1701234567.5, datetime(2023, 11, 29, 5, 9, 27, 500000, tzinfo=UTC)),
        (1701234567000, None),
        (-(10**17), None),
        (10**18, None),
        ("yesterday", None),
        (False, None),
    ],
)
def test_times_out_of_range(value: object, itime: datetime | None) -> None:
    """A time that no calendar has is none."""
    assert itime == parsed(itime=value).itime


def test_half_a_surrogate_pair_is_replaced() -> None:
    """A text that UTF-8 cannot carry can be printed and stored; `raw` keeps what came."""
    event = parsed(
        response={
            "event": "uplink_message",
            "response_data": {"from": "+1", "body": "a\ud83d \U0001f600"},
        }
    )

    assert "a\ufffd \U0001f600" == event.text
    assert "a\ud83d \U0001f600" == event.raw["response"]["response_data"]["body"]
    assert 32 == len(event.identity)


class TestBodies:
    """What a body may be."""

    @pytest.mark.parametrize(
        "body",
        [b"", b" \r\n", "", b"{}", b'{"total": 0, "rows": []}', b'{"total": 0, "rows": null}'],
    )
    def test_no_events(self, body: bytes | str) -> None:
        """The platform checks a URL with an empty body or an empty object."""
        assert () == parse(body)

    @pytest.mark.parametrize("mark", [b"\xef\xbb\xbf", "\ufeff"])
    def test_a_byte_order_mark_is_ignored(self, mark: bytes | str) -> None:
        """Some programs write one."""
        body = mark + body_of(ROW) if isinstance(mark, bytes) else mark + body_of(ROW).decode()

        assert 1 == len(parse(body))

    def test_the_last_of_equal_names_counts(self) -> None:
        """As in most programs that read JSON."""
        assert () == parse('{"rows": 7, "rows": []}')

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (b"{", "not_json"),
            (b"\xff", "not_json"),
            (b'{"rows": [{"to": "\xff"}]}', "not_json"),
            ('{"rows": []}'.encode("utf-16"), "not_json"),
            (b'{"rows": [{"cost": NaN}]}', "not_json"),
            (b'{"rows": [{"cost": -Infinity}]}', "not_json"),
            (b'{"rows": [{"cost": %s}]}' % (b"9" * 5000), "not_json"),
            (b'{"rows": [{"cost": 1e999}]}', "not_json"),
            (b'{"rows": [{"cost": -1e999}]}', "not_json"),
            (b'{"rows":' + b"[" * 100_000, "not_json"),
            (b'{"rows":' + b"[" * 500 + b"]" * 500 + b"}", "not_json"),
            (b"[]", "not_an_object"),
            (b"null", "not_an_object"),
            (b'"rows"', "not_an_object"),
            (b'{"total": 1}', "no_rows"),
            (b'{"rows": {}}', "no_rows"),
            (b'{"rows": "no"}', "no_rows"),
            (b'{"rows": [{}, 7]}', "bad_row"),
            (b'{"rows": [%s{}]}' % (b"{}," * 10_000), "too_many_rows"),
        ],
    )
    def test_what_is_no_callback(self, body: bytes, reason: str) -> None:
        """Anything else is refused, for a reason that programs can tell."""
        with pytest.raises(InvalidCallbackError) as raised:
            parse(body)

        assert reason == raised.value.reason

    def test_the_most_rows_that_there_may_be(self) -> None:
        """As many as the limit says."""
        assert 10_000 == len(parse(b'{"rows": [%s{}]}' % (b"{}," * 9_999)))

    def test_the_text_of_an_error_quotes_nothing(self) -> None:
        """A body that cannot be read may still hold a number."""
        with pytest.raises(InvalidCallbackError) as raised:
            parse(b'{"to": "+6591234567"')

        assert "6591234567" not in f"{raised.value!r} {raised.value.__cause__!r}"
        assert raised.value.__suppress_context__

    @pytest.mark.parametrize("body", [None, 7, {"rows": []}])
    def test_what_is_no_body(self, body: Any) -> None:  # noqa: ANN401 - what a type checker finds
        """What is neither bytes nor text is a mistake of the program."""
        with pytest.raises(TypeError, match=r"^body: "):
            parse(body)


members = st.dictionaries(
    st.sampled_from(["status", "response", "notification", "system_event", "data", "event"])
    | st.sampled_from(["notification_data", "remain_balance", "account_login", "action"])
    | st.sampled_from(["message_id", "message_status", "status_data", "billing", "cost", "from"])
    | st.sampled_from(["response_data", "itime", "msg_time", "to", "body", "custom_args", "x"]),
    st.deferred(lambda: values),
)
values: st.SearchStrategy[object] = (
    members
    | json_values
    | st.sampled_from(["sent", "uplink_message", "1701234567", 1e300, -1e300, 10**30])
    | st.text(st.characters())
)
bodies = (
    st.binary()
    | st.text(st.characters())
    | st.lists(members).map(lambda rows: json.dumps({"rows": rows}).encode())
)


@given(body=bodies)
@example(body="\udc80")
def test_any_body_is_parsed_or_refused(body: bytes | str) -> None:
    """Nothing else happens; and what is parsed can be shown, written, copied and told apart."""
    try:
        events = parse(body)
    except InvalidCallbackError:
        return
    for event in events:
        repr(event).encode()
        assert json.loads(json.dumps(dict(event.raw))) == event.raw
        assert event == pickle.loads(pickle.dumps(event)) == copy.deepcopy(event)  # noqa: S301
        assert event.identity == parse(body)[events.index(event)].identity
