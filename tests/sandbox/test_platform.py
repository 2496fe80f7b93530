"""The platform: each call as a function from a decoded body to an answer or a refusal."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from engagelab_async.sandbox import DEMO_TEMPLATE, MAGIC_RECIPIENTS
from engagelab_async.sandbox.bodies import Answer, Body
from engagelab_async.sandbox.refusals import RefusedError
from support.fake_clock import FakeClock
from support.platforms import Platform

TO = "+6591234567"
OTP = {"to": TO, "template": {"id": "login"}}
CODE = {**OTP, "code": "039487"}
CUSTOM = {"to": TO, "template": {"id": "shipped", "params": {"order": "7"}}}
SMS = {"to": [TO], "template": {"id": "1233", "params": {"name": "Bob"}}}


def refusal(call: Callable[[Body], Answer], body: Body) -> tuple[int, str]:
    """Make a call that must be refused, and return its code and message."""
    with pytest.raises(RefusedError) as caught:
        call(body)
    return caught.value.code, caught.value.message


def without(body: Body, name: str) -> Body:
    """Copy a body except for one of its fields."""
    return {key: value for key, value in body.items() if key != name}


class TestSendOTP:
    """``POST /otp/v1/messages``."""

    def test_platform_makes_the_code(self, platform: Platform) -> None:
        """The answer names message and channel; the code is in the message only."""
        answer = platform.send_otp(OTP)
        (message,) = platform.outbox.messages

        assert {"message_id": message.message_id, "send_channel": "sms"} == answer
        assert message.code is not None
        assert (6, True) == (len(message.code), message.code.isdecimal())

    def test_message_tells_what_was_sent(self, platform: Platform, clock: FakeClock) -> None:
        """A sent message knows its product, template, params, text and time."""
        platform.send_otp(
            {"to": TO, "template": {"id": "login", "language": "en", "params": {"name": "Bob"}}}
        )
        (message,) = platform.outbox.messages

        assert ("otp", "sms", TO, "login") == (
            message.product,
            message.channel,
            message.recipient,
            message.template_id,
        )
        assert {"name": "Bob"} == message.params
        assert f"[login] name=Bob, code={message.code}" == message.text
        assert datetime.fromtimestamp(clock.now, UTC) == message.sent_at
        assert (None, None) == (message.plan_id, message.scheduled_for)

    @pytest.mark.parametrize(
        ("to", "channel"),
        [
            (TO, "sms"),
            ("6591234567", "sms"),
            ("bob@shop.example.com", "email"),
            ("sandbox@example.com", "email"),
            ("+10000000000", "sms"),
            ("+10000000003", "sms"),
            ("+10000000004", "whatsapp"),
            ("10000000004", "whatsapp"),
            ("+10000000014", "whatsapp"),
            ("+10000000018", "sms"),
            ("+10000000024", "whatsapp"),
        ],
    )
    def test_channel_follows_from_the_recipient(
        self, platform: Platform, to: str, channel: str
    ) -> None:
        """Mail goes out on email, the vendor's WhatsApp number on WhatsApp, the rest on SMS."""
        answer = platform.send_otp({**OTP, "to": to})

        assert channel == answer["send_channel"]
        assert channel == platform.outbox.messages[-1].channel

    def test_ids_are_unique_decimal_strings(self, platform: Platform) -> None:
        """Ids of one millisecond differ, and each is a decimal string above 2**53."""
        ids = [platform.send_otp({**OTP, "to": f"+65000000{n:02}"})["message_id"] for n in range(9)]

        assert 9 == len(set(ids))
        assert all(isinstance(each, str) and int(each) > 2**53 for each in ids)

    @pytest.mark.parametrize("now", [0.0, 1_759_112_997.0, 4_000_000_000.0])
    def test_ids_are_large_whatever_the_clock_says(self, now: float) -> None:
        """A clock far from the present makes no small and no negative ids."""
        answer = Platform(clock=FakeClock(now)).send_otp(OTP)

        assert 2**53 < int(str(answer["message_id"])) < 2**64

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ({}, "to must be a non-empty string"),
            ({**OTP, "to": ""}, "to must be a non-empty string"),
            ({**OTP, "to": None}, "to must be a non-empty string"),
            ({**OTP, "to": [TO]}, "to must be a non-empty string"),
            ({"to": TO}, "template must be an object"),
            ({"to": TO, "template": "login"}, "template must be an object"),
            ({"to": TO, "template": {}}, "template.id must be a non-empty string"),
            ({"to": TO, "template": {"id": 1233}}, "template.id must be a non-empty string"),
            (
                {"to": TO, "template": {"id": "login", "params": ["a"]}},
                "template.params must be an object",
            ),
            (
                {"to": TO, "template": {"id": "login", "params": {"a": "1", "b": 2}}},
                "template.params.b must be a string",
            ),
            (
                {"to": TO, "template": {"id": "login", "language": 1}},
                "template.language must be a non-empty string",
            ),
            (
                {"to": TO, "template": {"id": "login", "language": "tlh"}},
                "template.language must be one of default zh_CN zh_HK en ja th es",
            ),
        ],
    )
    def test_fields_are_checked(self, platform: Platform, body: Body, message: str) -> None:
        """A missing or mistyped field is refused with 3002 and its address in the body."""
        assert (3002, message) == refusal(platform.send_otp, body)

    @pytest.mark.parametrize(
        "to",
        [
            *("12345", "+1234567890123456", "+65 9123 4567", "bob", "bob@x"),
            *("091234567", "+091234567", "0065912345678", "00000000", "+", "++6591234567"),
        ],
    )
    def test_recipient_must_be_number_or_email(self, platform: Platform, to: str) -> None:
        """What is neither 7 to 15 digits of E.164 nor an email address is refused with 5011."""
        assert (5011, "invalid mobile number format") == refusal(
            platform.send_otp, {**OTP, "to": to}
        )

    @pytest.mark.parametrize(
        ("to", "code"),
        [(to, magic.error) for to, magic in MAGIC_RECIPIENTS.items() if magic.error is not None],
    )
    def test_magic_recipient_answers_its_error(
        self, platform: Platform, to: str, code: int
    ) -> None:
        """A recipient of `MAGIC_RECIPIENTS` that stands for an error is refused with it."""
        assert code == refusal(platform.send_otp, {**OTP, "to": to})[0]

    def test_refused_request_leaves_no_trace(self, platform: Platform) -> None:
        """A refused request sends nothing and makes no code live, so it can be repeated."""
        codes = [refusal(platform.send_otp, {**OTP, "to": "+10000005016"})[0] for _ in range(2)]

        assert [5016, 5016] == codes

        assert () == platform.outbox.messages

    def test_unknown_template_is_refused(self, platform: Platform) -> None:
        """An id that begins with "missing" does not exist."""
        expected = (4001, "template config not exist")

        assert expected == refusal(platform.send_otp, {"to": TO, "template": {"id": "missing-1"}})


class TestSendCode:
    """``POST /otp/v1/codes``."""

    def test_code_is_sent_as_given(self, platform: Platform) -> None:
        """The caller's code arrives with its leading zero."""
        answer = platform.send_code(CODE)
        (message,) = platform.outbox.messages

        assert {"message_id": message.message_id, "send_channel": "sms"} == answer
        assert ("039487", "[login] code=039487") == (message.code, message.text)

    @pytest.mark.parametrize("code", [None, "", 39487])
    def test_code_must_be_a_string(self, platform: Platform, code: object) -> None:
        """A code that is a number, empty or missing is refused with 3002."""
        expected = (3002, "code must be a non-empty string")

        assert expected == refusal(platform.send_code, {**CODE, "code": code})

    def test_nothing_is_to_be_verified(self, platform: Platform) -> None:
        """The platform cannot verify a code that it did not make."""
        answer = platform.send_code(CODE)

        assert (4001, "message_id not exist") == refusal(
            platform.verify, {"message_id": answer["message_id"], "verify_code": "039487"}
        )


class TestFrequencyLimit:
    """Error 3004: this template, this recipient, while its code is live."""

    @pytest.mark.parametrize("to", [TO, "6591234567"])
    def test_live_code_refuses_another(self, platform: Platform, to: str) -> None:
        """The second code for a person, however spelt, is refused while the first is live."""
        platform.send_otp(OTP)

        assert 3004 == refusal(platform.send_code, {**CODE, "to": to})[0]
        assert 3004 == refusal(platform.send_otp, {**OTP, "to": to})[0]
        assert 1 == len(platform.outbox.messages)

    def test_expired_code_makes_room(self, platform: Platform, clock: FakeClock) -> None:
        """When the code's validity period is over, the next one is sent."""
        platform.send_code(CODE)
        clock.now += 299.9
        assert 3004 == refusal(platform.send_code, CODE)[0]
        clock.now += 0.1
        platform.send_code(CODE)

        assert 2 == len(platform.outbox.messages)

    def test_verified_code_makes_room(self, platform: Platform) -> None:
        """A verified code is no longer live, so the next one is sent."""
        answer = platform.send_otp(OTP)
        code = platform.outbox.messages[-1].code
        platform.verify({"message_id": answer["message_id"], "verify_code": code})
        platform.send_otp(OTP)

        assert 2 == len(platform.outbox.messages)

    def test_other_template_or_recipient_is_free(self, platform: Platform) -> None:
        """Only the same template to the same recipient is limited."""
        platform.send_otp(OTP)
        platform.send_otp({**OTP, "template": {"id": "sign-up"}})
        platform.send_otp({**OTP, "to": "+6591234568"})

        assert 3 == len(platform.outbox.messages)

    def test_custom_messages_are_free(self, platform: Platform) -> None:
        """Custom messages are not limited, whether they carry a code or not."""
        body = {"to": TO, "template": {"id": "login", "params": {"code": "1234"}}}
        platform.send_otp(OTP)
        platform.send_custom_message(body)
        platform.send_custom_message(body)

        assert 3 == len(platform.outbox.messages)


class TestVerify:
    """``POST /otp/v1/verifications``."""

    def send(self, platform: Platform) -> tuple[str, str]:
        """Send a code and return the message's id and the code."""
        platform.send_otp(OTP)
        message = platform.outbox.messages[-1]
        assert message.code is not None
        return message.message_id, message.code

    def test_right_code_is_verified(self, platform: Platform) -> None:
        """The answer repeats the request and says that it is right."""
        message_id, code = self.send(platform)
        body = {"message_id": message_id, "verify_code": code}

        assert {**body, "verified": True} == platform.verify(body)

    def test_wrong_code_is_no_error(self, platform: Platform) -> None:
        """A wrong code answers false, and the right one still works afterwards."""
        message_id, code = self.send(platform)
        wrong = {"message_id": message_id, "verify_code": "wrong"}

        assert {**wrong, "verified": False} == platform.verify(wrong)
        assert True is platform.verify({"message_id": message_id, "verify_code": code})["verified"]

    @pytest.mark.parametrize("guess", ["wrong", None])
    def test_code_is_verified_once(self, platform: Platform, guess: str | None) -> None:
        """After the right code, any further verification is refused with 3003."""
        message_id, code = self.send(platform)
        platform.verify({"message_id": message_id, "verify_code": code})

        assert (3003, "the code has expired or was already verified") == refusal(
            platform.verify, {"message_id": message_id, "verify_code": guess or code}
        )

    def test_expired_code_is_refused(self, platform: Platform, clock: FakeClock) -> None:
        """A code that nobody verified in time is refused with 3003."""
        message_id, code = self.send(platform)
        clock.now += 300

        assert (3003, "the code has expired or was already verified") == refusal(
            platform.verify, {"message_id": message_id, "verify_code": code}
        )

    def test_magic_number_has_a_known_code(self, platform: Platform) -> None:
        """The vendor's sixth number is always sent 123456."""
        answer = platform.send_otp({**OTP, "to": "+10000000005"})
        body = {"message_id": answer["message_id"], "verify_code": "123456"}

        assert True is platform.verify(body)["verified"]

    @pytest.mark.parametrize("name", ["message_id", "verify_code"])
    def test_fields_are_checked(self, platform: Platform, name: str) -> None:
        """Both fields are required strings."""
        body = {"message_id": "1", "verify_code": "2", name: 5}

        assert (3002, f"{name} must be a non-empty string") == refusal(platform.verify, body)

    def test_unknown_message_is_refused(self, platform: Platform) -> None:
        """An id that the platform never gave out is refused with 4001."""
        assert (4001, "message_id not exist") == refusal(
            platform.verify, {"message_id": "1", "verify_code": "2"}
        )


class TestSendCustomMessage:
    """``POST /otp/v1/custom-messages``."""

    def test_message_is_sent(self, platform: Platform) -> None:
        """A notification arrives rendered, without any code."""
        answer = platform.send_custom_message(CUSTOM)
        (message,) = platform.outbox.messages

        assert {"message_id": message.message_id, "send_channel": "sms"} == answer
        assert (None, "[shipped] order=7") == (message.code, message.text)

    def test_params_may_be_left_out(self, platform: Platform) -> None:
        """A template without variables needs no params."""
        platform.send_custom_message({"to": TO, "template": {"id": "hello"}})

        assert "[hello]" == platform.outbox.messages[-1].text

    def test_several_recipients_share_an_id(self, platform: Platform) -> None:
        """An array is accepted; every recipient gets the message, all under one id."""
        answer = platform.send_custom_message({**CUSTOM, "to": [TO, "bob@example.com"]})
        messages = platform.outbox.messages

        assert [(TO, "sms"), ("bob@example.com", "email")] == [
            (message.recipient, message.channel) for message in messages
        ]
        assert {answer["message_id"]} == {message.message_id for message in messages}

    def test_one_refused_recipient_refuses_all(self, platform: Platform) -> None:
        """If one of several recipients is refused, nobody gets anything."""
        body = {**CUSTOM, "to": [TO, "+10000005013"]}

        assert (5013, "number is blacklisted") == refusal(platform.send_custom_message, body)
        assert () == platform.outbox.messages

    @pytest.mark.parametrize("to", [None, "", [], [""], [TO, 5], {"to": TO}])
    def test_to_is_checked(self, platform: Platform, to: object) -> None:
        """A missing, empty or mistyped recipient is refused with 3002."""
        assert (3002, "to must be a non-empty array of non-empty strings") == refusal(
            platform.send_custom_message, {**CUSTOM, "to": to}
        )

    @pytest.mark.parametrize("template_id", ["otp", DEMO_TEMPLATE])
    @pytest.mark.parametrize("params", [{}, {"code": ""}])
    def test_verification_template_needs_a_code(
        self, template_id: str, params: dict[str, str]
    ) -> None:
        """A template with a place for a code is refused with 3003 when none is given."""
        platform = Platform(templates={"otp": "Code: {{code}}"})

        assert (3003, "params.code: a verification template needs it") == refusal(
            platform.send_custom_message,
            {"to": TO, "template": {"id": template_id, "params": params}},
        )

    def test_verification_template_takes_a_code(self) -> None:
        """The code in params is the message's code."""
        platform = Platform(templates={"otp": "Code: {code}"})
        platform.send_custom_message(
            {"to": TO, "template": {"id": "otp", "params": {"code": "0042"}}}
        )
        (message,) = platform.outbox.messages

        assert ("0042", "Code: 0042") == (message.code, message.text)

    def test_platform_fills_in_its_presets(self) -> None:
        """Brand, validity in minutes and PWA address come from the platform unless overridden."""
        platform = Platform(
            templates={"t": "{{brand_name}} {{ttl}} {{pwa_url}} {{from_id}}"}, code_ttl=90
        )
        platform.send_custom_message(
            {"to": TO, "template": {"id": "t", "params": {"brand_name": "Shop"}}}
        )

        assert "Shop 1.5 https://example.com {{from_id}}" == platform.outbox.messages[-1].text


class TestSendSMS:
    """``POST /sms/v1/messages``."""

    @pytest.mark.parametrize("to", [TO, [TO], ["6591234567"]])
    def test_single_target_is_told_its_message_id(self, platform: Platform, to: object) -> None:
        """One target, bare or in an array, with or without a plus: plan, counts, message id."""
        answer = platform.send_sms({**SMS, "to": to})
        (message,) = platform.outbox.messages

        assert {
            "plan_id": message.plan_id,
            "total_count": 1,
            "accepted_count": 1,
            "message_id": message.message_id,
        } == answer
        assert ("sms", "sms", "[1233] name=Bob") == (
            message.product,
            message.channel,
            message.text,
        )

    def test_several_targets_are_not_told_message_ids(self, platform: Platform) -> None:
        """Several targets share a plan; each message has an id of its own, which is not told."""
        answer = platform.send_sms({**SMS, "to": [TO, "923700056581"]})
        messages = platform.outbox.messages

        assert ["accepted_count", "plan_id", "total_count"] == sorted(answer)
        assert [(TO, answer["plan_id"]), ("923700056581", answer["plan_id"])] == [
            (message.recipient, message.plan_id) for message in messages
        ]
        assert messages[0].message_id != messages[1].message_id

    @pytest.mark.parametrize("invalid", ["123", "bob@example.com", "+10000000001", "+10000005020"])
    def test_invalid_target_is_dropped(self, platform: Platform, invalid: str) -> None:
        """A target that cannot be reached is missing from the accepted count, nothing else."""
        answer = platform.send_sms({**SMS, "to": [TO, invalid, "+6591234568"]})

        assert (3, 2) == (answer["total_count"], answer["accepted_count"])
        assert [TO, "+6591234568"] == [each.recipient for each in platform.outbox.messages]

    @pytest.mark.parametrize("to", ["091234567", "+091234567", "00923700056581", "0", "+0"])
    def test_no_country_code_begins_with_0(self, platform: Platform, to: str) -> None:
        """A number of no country is dropped."""
        answer = platform.send_sms({**SMS, "to": [to, TO]})

        assert (2, 1) == (answer["total_count"], answer["accepted_count"])
        assert [to] == [each.recipient for each in platform.outbox.dropped]

    @pytest.mark.parametrize("template", [{"id": "1233"}, {"id": "1233", "params": None}])
    def test_params_may_be_left_out(self, platform: Platform, template: Body) -> None:
        """A send without params is one with none."""
        platform.send_sms({**SMS, "template": template})

        assert {} == platform.outbox.messages[-1].params

    def test_all_targets_may_be_dropped(self, platform: Platform) -> None:
        """A plan without any valid target is no error; there is just no message."""
        answer = platform.send_sms({**SMS, "to": ["123"]})

        assert {"total_count": 1, "accepted_count": 0} == without(answer, "plan_id")
        assert () == platform.outbox.messages

    @pytest.mark.parametrize("template_id", ["1233", 1233])
    def test_template_id_may_be_an_integer(
        self, platform: Platform, template_id: str | int
    ) -> None:
        """The id of the vendor's sample, an integer, is its decimal string."""
        platform.send_sms({**SMS, "template": {"id": template_id, "params": {}}})

        assert "1233" == platform.outbox.messages[-1].template_id

    @pytest.mark.parametrize("ahead", [180, 30 * 86400])
    def test_scheduled_send_is_told_its_task(
        self, platform: Platform, clock: FakeClock, ahead: int
    ) -> None:
        """A send 3 minutes to 30 days ahead answers a large integer task id, no message id."""
        clock.now += 0.9
        moment = int(clock.now) + ahead
        answer = platform.send_sms({**SMS, "schedule_time": moment})
        info = answer.pop("schedule_info")

        assert ["accepted_count", "plan_id", "total_count"] == sorted(answer)
        assert isinstance(info, dict)
        assert isinstance(info["task_id"], int)
        assert info["task_id"] > 2**53
        assert datetime.fromtimestamp(moment, UTC) == platform.outbox.messages[-1].scheduled_for

    @pytest.mark.parametrize("ahead", [-60, 179, 30 * 86400 + 1])
    def test_schedule_time_has_bounds(
        self, platform: Platform, clock: FakeClock, ahead: int
    ) -> None:
        """A send that is too near or too far ahead is refused with 3002."""
        body = {**SMS, "schedule_time": int(clock.now) + ahead}

        assert (3002, "schedule_time must be 3 minutes to 30 days ahead") == refusal(
            platform.send_sms, body
        )

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("to", [], "to must be a non-empty array of non-empty strings"),
            ("template", None, "template must be an object"),
            ("template", {"id": "1233", "params": []}, "template.params must be an object"),
            ("template", {"params": {}}, "template.id must be a non-empty string"),
            ("template", {"id": True, "params": {}}, "template.id must be a non-empty string"),
            ("plan_name", 5, "plan_name must be a non-empty string"),
            ("custom_args", "order", "custom_args must be an object"),
            ("schedule_time", "1760000600", "schedule_time must be an integer"),
            ("schedule_time", True, "schedule_time must be an integer"),
        ],
    )
    def test_fields_are_checked(
        self, platform: Platform, field: str, value: object, message: str
    ) -> None:
        """A missing or mistyped field is refused with 3002 and its address in the body."""
        assert (3002, message) == refusal(platform.send_sms, {**SMS, field: value})

    def test_optional_fields_are_taken(self, platform: Platform) -> None:
        """Plan name and custom arguments are accepted."""
        answer = platform.send_sms({**SMS, "plan_name": "orders", "custom_args": {"order": 7}})

        assert 1 == answer["accepted_count"]

    def test_plan_can_fail_inside_a_200(self, platform: Platform) -> None:
        """The failing magic number is answered with a code beside the counts; nothing is sent."""
        answer = platform.send_sms({**SMS, "to": [TO, "+10000000200"]})

        assert {
            "total_count": 2,
            "accepted_count": 2,
            "code": 1,
            "message": "the plan failed",
        } == without(answer, "plan_id")
        assert () == platform.outbox.messages

    @pytest.mark.parametrize("code", [1000, 2002, 2004, 3003, 4001, 5001])
    def test_magic_number_refuses_the_request(self, platform: Platform, code: int) -> None:
        """An error that both products have refuses an SMS send as a whole."""
        body = {**SMS, "to": [TO, f"+1000000{code}"]}

        assert code == refusal(platform.send_sms, body)[0]
        assert () == platform.outbox.messages
