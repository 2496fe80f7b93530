"""Templates and signatures in the sandbox, through the library as its users call it."""

from collections.abc import AsyncIterator, Awaitable
from datetime import UTC, datetime
from typing import Any, ClassVar

import httpx
import pytest
import pytest_asyncio
from attrs import evolve

from engagelab_async import (
    APIError,
    BusinessRuleError,
    Credentials,
    EngageLab,
    InUseError,
    InvalidRequestError,
    NameTakenError,
    NotFoundError,
    PendingReviewError,
    SignatureRejectedError,
    TemplateRejectedError,
)
from engagelab_async.sandbox import Review
from engagelab_async.sandbox.app import create_app
from engagelab_async.templates import (
    ChannelConfig,
    EmailConfig,
    OTPTemplate,
    SignaturePosition,
    SignatureStatus,
    SMSConfig,
    TemplateStatus,
    TemplateType,
    VerifyCodeConfig,
)
from support.calls import WORDING
from support.fake_clock import FakeClock
from support.platforms import Platform

TO = "+6591234567"
PAIR = Credentials("key", "secret")
LOGIN = OTPTemplate.sms("login", brand_name="Acme", content="{{brand_name}}: {{code}} ({{ttl}})")
APPROVED = Review.approve(after=0)


@pytest_asyncio.fixture
async def http(platform: Platform) -> AsyncIterator[httpx.AsyncClient]:
    """A client that calls the sandbox's app without any network."""
    transport = httpx.ASGITransport(create_app(platform))
    async with httpx.AsyncClient(
        transport=transport, base_url="http://sandbox", auth=("key", "secret")
    ) as http:
        yield http


@pytest_asyncio.fixture
async def engagelab(http: httpx.AsyncClient) -> AsyncIterator[EngageLab]:
    """A client of the sandbox."""
    async with EngageLab(
        otp=PAIR,
        sms=PAIR,
        http=http,
        otp_base_url="http://sandbox/otp",
        sms_base_url="http://sandbox/sms",
    ) as engagelab:
        yield engagelab


async def refused(call: Awaitable[object], kind: type[APIError]) -> tuple[int | None, str]:
    """Make a call that must be refused, and return its code and message."""
    with pytest.raises(APIError) as caught:
        await call
    assert kind is type(caught.value)
    return caught.value.code, caught.value.api_message


async def create(engagelab: EngageLab, **changes: Any) -> str:  # noqa: ANN401 - as in the call
    """Create an SMS template and return its id."""
    return (await engagelab.sms.templates.create(**WORDING | changes)).template_id


class TestSMSTemplates:
    """Created, reviewed, used, changed, deleted."""

    @pytest.mark.asyncio
    async def test_life(self, engagelab: EngageLab, platform: Platform, clock: FakeClock) -> None:
        """A template is pending, then approved; every change has it reviewed again."""
        template_id = await create(engagelab)
        submitted = await engagelab.sms.templates.get(template_id)
        clock.now += 1
        approved = await engagelab.sms.templates.wait_until_reviewed(template_id)
        platform.reviewer.review = Review.reject("Name the brand")
        await engagelab.sms.templates.update(template_id, **WORDING | {"template_name": "sent"})
        clock.now += 1
        with pytest.raises(TemplateRejectedError, match="Name the brand"):
            await engagelab.sms.templates.wait_until_reviewed(template_id)
        (rejected,) = await engagelab.sms.templates.list()
        await engagelab.sms.templates.delete(template_id)

        assert (TemplateStatus.PENDING, "") == (submitted.status, submitted.audit_remark)
        assert evolve(submitted, status=TemplateStatus.APPROVED) == approved
        assert datetime.fromtimestamp(clock.now - 2, UTC) == submitted.created_time
        assert datetime.fromtimestamp(clock.now - 1, UTC) == rejected.updated_time
        assert submitted.created_time == rejected.created_time
        assert ("sent", "Name the brand") == (rejected.template_name, rejected.audit_remark)
        assert () == await engagelab.sms.templates.list()

    @pytest.mark.asyncio
    async def test_wording_comes_back(self, engagelab: EngageLab) -> None:
        """What was submitted is what is read."""
        template_id = await create(engagelab)
        template = await engagelab.sms.templates.get(template_id)

        assert (template_id, "shipped", TemplateType.UTILITY, ("SG", "MY"), None) == (
            template.template_id,
            template.template_name,
            template.template_type,
            template.country_codes,
            template.sign_id,
        )

    @pytest.mark.asyncio
    async def test_missing_ones(self, engagelab: EngageLab) -> None:
        """What does not exist cannot be read, changed or deleted, in the vendor's words."""
        templates = engagelab.sms.templates
        calls = [templates.get("7"), templates.update("7", **WORDING), templates.delete("7")]

        assert {(400, "template config not exist")} == {
            await refused(call, NotFoundError) for call in calls
        }

    @pytest.mark.asyncio
    async def test_pending_ones_cannot_be_changed(self, engagelab: EngageLab) -> None:
        """While it is reviewed a template stays as it is, but it can be deleted."""
        template_id = await create(engagelab)

        assert (400, "can not update pending status template") == await refused(
            engagelab.sms.templates.update(template_id, **WORDING), PendingReviewError
        )
        await engagelab.sms.templates.delete(template_id)

    @pytest.mark.asyncio
    async def test_used_ones_stay(
        self, engagelab: EngageLab, platform: Platform, clock: FakeClock
    ) -> None:
        """A plan holds its template until it is due; one that is sent at once holds nothing."""
        platform.reviewer.review = APPROVED
        template_id = await create(engagelab)
        templates = engagelab.sms.templates
        words = "there are pending or running plans using current template, can not"
        await engagelab.sms.send(TO, template_id)
        await templates.update(template_id, **WORDING)
        body = {"to": TO, "template": {"id": template_id, "params": {}}}
        for minutes in (10, 5):
            platform.send_sms(body | {"schedule_time": int(clock.now) + 60 * minutes})
        clock.now += 6 * 60

        assert (400, f"{words} update") == await refused(
            templates.update(template_id, **WORDING), InUseError
        )
        assert (400, f"{words} delete") == await refused(templates.delete(template_id), InUseError)
        clock.now += 4 * 60
        await templates.delete(template_id)

    @pytest.mark.asyncio
    async def test_sends_use_them(
        self, engagelab: EngageLab, platform: Platform, clock: FakeClock
    ) -> None:
        """What is sent has the created text, and only while the template is approved."""
        template_id = await create(engagelab)

        async def send() -> object:
            return await engagelab.sms.send(TO, template_id, params={"order": "7"})

        pending = await refused(send(), BusinessRuleError)
        clock.now += 1
        await send()
        await engagelab.sms.templates.delete(template_id)
        deleted = await refused(send(), NotFoundError)

        assert (3003, "template status is not approved, can not use") == pending
        assert (4001, "template config not exist") == deleted
        assert ["Order 7 is on its way"] == [each.text for each in platform.outbox.messages]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("review", "minutes"), [(Review.leave_pending(), 999), (Review.reject("no"), 1)]
    )
    async def test_unapproved_ones_cannot_be_sent(
        self,
        engagelab: EngageLab,
        platform: Platform,
        clock: FakeClock,
        review: Review,
        minutes: int,
    ) -> None:
        """Neither a rejected template nor one whose review never ends can be sent."""
        platform.reviewer.review = review
        template_id = await create(engagelab)
        clock.now += 60 * minutes

        assert 3003 == (await refused(engagelab.sms.send(TO, template_id), BusinessRuleError))[0]

    @pytest.mark.asyncio
    async def test_products_do_not_share_them(
        self, engagelab: EngageLab, platform: Platform
    ) -> None:
        """A template of one product is none of the other's; there any id still works."""
        template_id = await create(engagelab)
        await engagelab.otp.templates.create(LOGIN)
        await engagelab.otp.send_custom_message(TO, template_id)
        await engagelab.sms.send(TO, "login")

        assert [template_id, "login"] == [each.template_id for each in platform.outbox.messages]

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("changes", "message"),
        [
            ({"template_name": None}, "template_name must be a non-empty string"),
            ({"template_name": "n" * 256}, "template_name must have 1 to 255 characters"),
            ({"template_type": "x"}, "template_type must be one of utility marketing authe"),
            ({"template_content": "a test"}, "template_content must not hold 【 】"),
            ({"template_type": "authentication"}, "template_content must hold {{code}}"),
            ({"template_type": "otp"}, "template_content must hold {{code}}"),
            ({"country_codes": ["CN"]}, "country_codes must be a non-empty string"),
            ({"add_signature": "yes"}, "add_signature must be a boolean"),
            ({"add_signature": True}, "sign_id must be a non-empty string"),
            ({"add_signature": True, "sign_id": "7"}, "sign config not exist"),
            ({"sign_id": []}, "sign_id must be a non-empty string"),
            ({"sign_position": True}, "sign_position must be one of 0 1 2"),
        ],
    )
    async def test_wrong_requests(
        self, http: httpx.AsyncClient, changes: dict[str, object], message: str
    ) -> None:
        """What the library would not send is refused here as well, with 400 as its code."""
        body = {**WORDING, "country_codes": "SG", **changes}
        answer = await http.post("/sms/v1/template-configs", json=body)

        assert (400, 400) == (answer.status_code, answer.json()["code"])
        assert answer.json()["message"].startswith(message)


class TestSignatures:
    """Created, reviewed, used, changed, deleted."""

    @pytest.mark.asyncio
    async def test_life(self, engagelab: EngageLab, platform: Platform, clock: FakeClock) -> None:
        """A signature is pending, then approved; a change has it reviewed again."""
        signatures = engagelab.sms.signatures
        sign_id = (await signatures.create("Acme")).sign_id
        pending = await refused(signatures.update(sign_id, "Acme"), PendingReviewError)
        clock.now += 1
        approved = await signatures.wait_until_reviewed(sign_id)
        platform.reviewer.review = Review.reject("Whose?", after=0)
        await signatures.update(sign_id, "Acme & Sons")
        with pytest.raises(SignatureRejectedError, match=r"rejected: Whose\?"):
            await signatures.wait_until_reviewed(sign_id)
        (rejected,) = await signatures.list()
        await signatures.delete(sign_id)

        assert (400, "can not update pending status sign") == pending
        assert ("Acme", SignatureStatus.APPROVED, 0) == (
            approved.sign_name,
            approved.status,
            approved.related_template_count,
        )
        assert ("Acme & Sons", "Whose?") == (rejected.sign_name, rejected.audit_remark)
        assert (400, "sign config not exist") == await refused(
            signatures.get(sign_id), NotFoundError
        )

    @pytest.mark.asyncio
    async def test_names_are_unique(self, engagelab: EngageLab, platform: Platform) -> None:
        """Two signatures cannot have one name; a signature may keep its own."""
        platform.reviewer.review = APPROVED
        signatures = engagelab.sms.signatures
        sign_id = (await signatures.create("Acme")).sign_id
        other = (await signatures.create("Emca")).sign_id
        await signatures.update(sign_id, "Acme")

        assert {(400, "sign_name already exist")} == {
            await refused(signatures.create("Acme"), NameTakenError),
            await refused(signatures.update(other, "Acme"), NameTakenError),
        }

    @pytest.mark.asyncio
    async def test_templates_use_them(
        self, engagelab: EngageLab, platform: Platform, clock: FakeClock
    ) -> None:
        """Only an approved signature can be attached, and then it stays as long as its template."""
        signatures = engagelab.sms.signatures
        sign_id = (await signatures.create("Acme")).sign_id
        attached = {"sign_id": sign_id, "sign_position": SignaturePosition.PREFIX}
        pending = await refused(create(engagelab, **attached), BusinessRuleError)
        clock.now += 1
        template_id = await create(engagelab, **attached)
        template = await engagelab.sms.templates.get(template_id)
        in_use = await refused(signatures.delete(sign_id), InUseError)
        used = await signatures.get(sign_id)
        await engagelab.sms.templates.delete(template_id)
        await signatures.delete(sign_id)

        assert (400, "sign status is not approved, can not use") == pending
        assert (sign_id, "Acme", SignaturePosition.PREFIX, SignatureStatus.APPROVED) == (
            template.sign_id,
            template.sign_name,
            template.sign_position,
            template.sign_status,
        )
        assert (400, "there are templates using current sign, can not delete") == in_use
        assert 1 == used.related_template_count

    @pytest.mark.asyncio
    @pytest.mark.parametrize("name", ["A", "A" * 61, "[A]", None])
    async def test_wrong_names(self, http: httpx.AsyncClient, name: str | None) -> None:
        """What the library would not send is refused here as well."""
        answer = await http.post("/sms/v1/sign-configs", json={"sign_name": name})

        assert (400, 400) == (answer.status_code, answer.json()["code"])


class TestOTPTemplates:
    """Created, reviewed, used, deleted."""

    @pytest.mark.asyncio
    async def test_life(self, engagelab: EngageLab, clock: FakeClock) -> None:
        """A template comes back as it was submitted, with what the platform adds."""
        templates = engagelab.otp.templates
        await templates.create(LOGIN)
        submitted = await templates.get("login")
        clock.now += 1
        approved = await templates.wait_until_reviewed("login")
        listed = await templates.list()
        await templates.delete("login")

        assert LOGIN.sms_config is not None
        assert (
            evolve(
                LOGIN,
                sms_config=evolve(LOGIN.sms_config, template_parts=1),
                status=TemplateStatus.PENDING,
                audit_remark="",
                created_time=datetime.fromtimestamp(clock.now - 1, UTC),
            )
            == submitted
        )
        assert evolve(submitted, status=TemplateStatus.APPROVED) == approved
        assert (evolve(approved, sms_config=SMSConfig(2, template_parts=1)),) == listed
        assert {(4001, "config not exist")} == {
            await refused(templates.get("login"), NotFoundError),
            await refused(templates.delete("login"), NotFoundError),
            await refused(engagelab.otp.send(TO, "login"), NotFoundError),
        }

    @pytest.mark.asyncio
    async def test_ids_are_unique(self, engagelab: EngageLab, platform: Platform) -> None:
        """An id that is in use is taken; one that was deleted is free again."""
        platform.reviewer.review = APPROVED
        await engagelab.otp.templates.create(LOGIN)
        taken = await refused(engagelab.otp.templates.create(LOGIN), NameTakenError)
        await engagelab.otp.templates.delete("login")
        await engagelab.otp.templates.create(LOGIN)
        await engagelab.otp.send(TO, "login")

        assert (3003, "template_id already exist") == taken

    @pytest.mark.asyncio
    @pytest.mark.parametrize("template_id", ["../x", "a/b", ".", "..", "a?b#c%2F", "my login"])
    async def test_ids_of_any_characters(self, engagelab: EngageLab, template_id: str) -> None:
        """An id is found again, whatever it holds."""
        await engagelab.otp.templates.create(evolve(LOGIN, template_id=template_id))

        assert template_id == (await engagelab.otp.templates.get(template_id)).template_id

    @pytest.mark.asyncio
    async def test_sends_use_them(
        self, engagelab: EngageLab, platform: Platform, clock: FakeClock
    ) -> None:
        """What is sent has the created text and presets, once the template is approved."""
        await engagelab.otp.templates.create(LOGIN)
        pending = await refused(engagelab.otp.send_code(TO, "0394", "login"), BusinessRuleError)
        clock.now += 1
        await engagelab.otp.send_code(TO, "0394", "login")

        assert (3003, "template status is not approved, can not use") == pending
        assert ["Acme: 0394 (5)"] == [each.text for each in platform.outbox.messages]

    @pytest.mark.asyncio
    async def test_the_platforms_text(self, engagelab: EngageLab, platform: Platform) -> None:
        """A template without a text of its own sends the platform's; it wants a code."""
        platform.reviewer.review = APPROVED
        await engagelab.otp.templates.create(
            evolve(
                OTPTemplate.sms("login", brand_name="Acme"),
                verify_code_config=VerifyCodeConfig(verify_code_ttl=10),
            )
        )
        without_code = await refused(
            engagelab.otp.send_custom_message(TO, "login"), BusinessRuleError
        )
        await engagelab.otp.send_code(TO, "0394", "login")

        assert 3003 == without_code[0]
        assert "Acme: your code is 0394. It expires in 10 minutes." == (
            platform.outbox.messages[-1].text
        )

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("strategy", "to", "channel"),
        [
            ("whatsapp|sms", TO, "whatsapp"),
            ("voice|sms", TO, "voice"),
            ("email", TO, "sms"),
            ("whatsapp|sms", "bob@example.com", "email"),
            ("voice", "+10000000004", "whatsapp"),
        ],
    )
    async def test_channels(
        self, engagelab: EngageLab, platform: Platform, strategy: str, to: str, channel: str
    ) -> None:
        """The first channel of the template that fits is taken; magic recipients keep theirs."""
        platform.reviewer.review = APPROVED
        await engagelab.otp.templates.create(
            evolve(
                LOGIN,
                send_channel_strategy=strategy,
                whatsapp_config=ChannelConfig(),
                voice_config=ChannelConfig(),
                email_config=EmailConfig("mail"),
            )
        )
        sent = await engagelab.otp.send(to, "login")

        assert {channel} == {sent.send_channel, platform.outbox.messages[-1].channel}

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("body", "code"),
        [
            ({}, 3002),
            ({"template_id": "x" * 129, "send_channel_strategy": "sms", "sms_config": {}}, 3002),
            ({"template_id": "x", "send_channel_strategy": "fax"}, 3002),
            ({"template_id": "x", "send_channel_strategy": "sms", "sms_config": 5}, 3002),
            ({"template_id": "x", "send_channel_strategy": "sms"}, 3003),
        ],
    )
    async def test_wrong_requests(
        self, http: httpx.AsyncClient, body: dict[str, object], code: int
    ) -> None:
        """What the library would not send is refused here as well."""
        answer = await http.post("/otp/v1/template-configs", json=body)

        assert (400, code) == (answer.status_code, answer.json()["code"])

    @pytest.mark.asyncio
    async def test_templates_without_sms(self, http: httpx.AsyncClient) -> None:
        """A template without SMS has no parts."""
        body = {
            "template_id": "x",
            "send_channel_strategy": "voice",
            "voice_config": {"template_type": 1},
            "verify_code_config": {
                "verify_code_type": 1,
                "verify_code_len": 6,
                "verify_code_ttl": 5,
            },
        }
        await http.post("/otp/v1/template-configs", json=body)

        assert body.items() <= (await http.get("/otp/v1/template-configs/x")).json().items()


class TestGivenTemplates:
    """Texts that the sandbox was given are templates that are approved."""

    GIVEN: ClassVar[dict[str, str]] = {
        "shipped": "Order {{order}}",
        "login": "{{code}} for {{ttl}}",
    }

    @pytest.fixture
    def platform(self, clock: FakeClock) -> Platform:
        """A platform with two texts."""
        return Platform(templates=self.GIVEN, code_ttl=90, clock=clock)

    @pytest.mark.asyncio
    async def test_are_listed(self, engagelab: EngageLab) -> None:
        """Both products list them, and answer each as it could have been submitted."""
        sms = await engagelab.sms.templates.list()
        otp = await engagelab.otp.templates.list()
        shipped = await engagelab.sms.templates.wait_until_reviewed("shipped")
        login = await engagelab.otp.templates.wait_until_reviewed("login")
        by_sms = login.sms_config
        assert by_sms is not None

        assert list(self.GIVEN) == [each.template_id for each in sms]
        assert list(self.GIVEN) == [each.template_id for each in otp]
        assert {TemplateStatus.APPROVED} == {
            *(each.status for each in sms),
            *(each.status for each in otp),
        }
        assert ("Order {{order}}", TemplateType.UTILITY) == (
            shipped.template_content,
            shipped.template_type,
        )
        assert OTPTemplate.sms("login", brand_name="Acme", content=self.GIVEN["login"]) == evolve(
            login,
            brand_name="Acme",
            sms_config=evolve(by_sms, template_parts=None),
            status=None,
            audit_remark=None,
            created_time=None,
        )

    @pytest.mark.asyncio
    async def test_are_sent_as_before(self, engagelab: EngageLab, platform: Platform) -> None:
        """Their texts go out without a review, filled in by the sandbox."""
        await engagelab.otp.send_code(TO, "0394", "login")
        await engagelab.sms.send(TO, "shipped", params={"order": "7"})

        assert ["0394 for 1.5", "Order 7"] == [each.text for each in platform.outbox.messages]

    @pytest.mark.asyncio
    async def test_can_be_changed_and_deleted(
        self, engagelab: EngageLab, platform: Platform, clock: FakeClock
    ) -> None:
        """From then on they are what the calls have made of them."""
        await engagelab.sms.templates.update("shipped", **WORDING)
        pending = await refused(engagelab.sms.send(TO, "shipped"), BusinessRuleError)
        clock.now += 1
        await engagelab.sms.send(TO, "shipped", params={"order": "7"})
        await engagelab.otp.templates.delete("login")
        taken = await refused(
            engagelab.otp.templates.create(evolve(LOGIN, template_id="shipped")), NameTakenError
        )

        assert 3003 == pending[0]
        assert "Order 7 is on its way" == platform.outbox.messages[-1].text
        assert 4001 == (await refused(engagelab.otp.send(TO, "login"), NotFoundError))[0]
        assert (3003, "template_id already exist") == taken

    def test_are_those_of_the_newest_run(self, platform: Platform, clock: FakeClock) -> None:
        """Of what was kept, only what the calls have changed wins over what is given."""
        platform.sms.update_template("shipped", WORDING | {"country_codes": "SG"})
        platform.otp.delete_template("login")
        new = {"shipped": "New", "login": "New {{code}}", "paid": "New", "back": "New"}
        again = Platform(templates=new, clock=clock)
        again.sms.templates.restore(platform.sms.templates.state())
        again.otp.templates.restore(platform.otp.templates.state())

        assert [WORDING["template_content"], "New {{code}}"] == [
            again.sms.get_template(name)["template_content"] for name in ("shipped", "login")
        ]
        assert ["shipped", "paid", "back"] == [
            each["template_id"] for each in again.otp.list_templates()
        ]
        assert "New" in str(again.otp.get_template("shipped"))


class TestListOfOTPTemplates:
    """The list leaves out what the templates say."""

    @pytest.mark.asyncio
    async def test_has_no_texts(self, http: httpx.AsyncClient) -> None:
        """Of each channel it tells the type, the name and the parts."""
        content = {
            "language": "en",
            "template_content": "{{code}}",
            "pre_from_mail": "a@example.com",
            "pre_subject": "Your code",
        }
        body = {
            "template_id": "x",
            "send_channel_strategy": "whatsapp|sms",
            "description": "d",
            "brand_name": "Acme",
            "verify_code_config": {
                "verify_code_type": 1,
                "verify_code_len": 6,
                "verify_code_ttl": 5,
            },
            "whatsapp_config": {
                "template_type": 1,
                "template_default_config": {"contain_security": True},
            },
            "sms_config": {
                "template_type": 2,
                "template_custom_config": {
                    "custom_sub_type": "authentication",
                    "custom_content": "{{code}}",
                },
            },
            "email_config": {"template_name": "m", "template_custom_configs": [content]},
        }
        await http.post("/otp/v1/template-configs", json=body)
        (listed,) = (await http.get("/otp/v1/template-configs")).json()
        whole = (await http.get("/otp/v1/template-configs/x")).json()

        assert {
            **whole,
            "whatsapp_config": {"template_type": 1},
            "sms_config": {"template_type": 2, "template_parts": 1},
            "email_config": {"template_name": "m"},
        } == listed
        assert body["email_config"] == whole["email_config"]


class TestImpossibleIds:
    """Ids that no template or signature can have."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize("an_id", ["abc", "1 2", "a%0Ab", "%0A", "1%0A", "٣", "-1", "1.5"])
    @pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
    async def test_are_refused(self, http: httpx.AsyncClient, method: str, an_id: str) -> None:
        """The SMS product makes its ids itself, and says so with 400."""
        body: object = {} if method == "PUT" else None
        template = await http.request(method, f"/sms/v1/template-configs/{an_id}", json=body)
        signature = await http.request(method, f"/sms/v1/sign-configs/{an_id}", json=body)

        assert (400, {"code": 400, "message": "invalid templateId"}) == (
            template.status_code,
            template.json(),
        )
        assert (400, {"code": 400, "message": "invalid signId"}) == (
            signature.status_code,
            signature.json(),
        )

    @pytest.mark.asyncio
    @pytest.mark.parametrize("an_id", ["a%0Ab", "%0A", "%0D%0A", "a%0A"])
    async def test_of_otp_do_not_exist(self, http: httpx.AsyncClient, an_id: str) -> None:
        """A line break in an id is no other path."""
        answer = await http.get(f"/otp/v1/template-configs/{an_id}")

        assert (400, {"code": 4001, "message": "config not exist"}) == (
            answer.status_code,
            answer.json(),
        )


class TestPaths:
    """What is no path of the API."""

    @pytest.mark.asyncio
    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("GET", "/sms/v1/template-configs/", 400),
            ("GET", "/sms/v1/template-configs/a/b", 404),
            ("PUT", "/otp/v1/template-configs/login", 405),
            ("DELETE", "/sms/v1/sign-configs", 405),
            ("GET", "/otp/v1/sign-configs", 404),
        ],
    )
    async def test_are_refused(
        self, http: httpx.AsyncClient, method: str, path: str, status: int
    ) -> None:
        """An id is one segment, and OTP knows neither updates nor signatures."""
        answer = await http.request(method, path)

        assert status == answer.status_code

    @pytest.mark.asyncio
    async def test_changes_are_json(self, http: httpx.AsyncClient) -> None:
        """A change needs a JSON object, as a send does."""
        answer = await http.put("/sms/v1/sign-configs/7", content=b"{")

        assert (400, 3001) == (answer.status_code, answer.json()["code"])


@pytest.mark.asyncio
async def test_another_review_from_now_on(engagelab: EngageLab, platform: Platform) -> None:
    """What was submitted before keeps the review that it got."""
    platform.reviewer.review = APPROVED
    before = await create(engagelab)
    platform.reviewer.review = Review.leave_pending()
    after = await create(engagelab)

    assert [TemplateStatus.APPROVED, TemplateStatus.PENDING] == [
        (await engagelab.sms.templates.get(template_id)).status for template_id in (before, after)
    ]


@pytest.mark.asyncio
async def test_words_of_other_refusals(engagelab: EngageLab, http: httpx.AsyncClient) -> None:
    """The library takes any other 400 for a wrong request, and shows what the platform says."""
    http.event_hooks["request"] = [_without_name]

    assert (400, "template_name must be a non-empty string") == await refused(
        create(engagelab), InvalidRequestError
    )


async def _without_name(request: httpx.Request) -> None:
    request.stream = httpx.ByteStream(b"{}")
