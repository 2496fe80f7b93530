"""The platform itself: each of the five sends is a method, from a decoded body to an answer.

Templates and signatures are in `sms_configs` and `otp_configs`.

Knows nothing of HTTP: a method returns the JSON object of a 200, or raises a `RefusedError`.
Every call checks first and sends last, so a refused request leaves no trace.

A send to thousands is prepared in steps, between which the event loop does other things; then all
its messages are added in one. So other calls see all of them or none, in the order in which the
sends were completed, and the account pays for them at that moment.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from types import MappingProxyType
from typing import Annotated, Any, Final, TypeAlias

from . import otp_api, sms_api
from .balances import Amounts, Balances
from .bodies import Answer, Body, read
from .callbacks import Callbacks
from .codes import Codes
from .loop import InSteps
from .operations import DONE, Done, operation
from .otp_api import (
    CodeRequest,
    CustomMessageRequest,
    CustomTemplate,
    OTPRequest,
    VerificationRequest,
    WebhookRequest,
)
from .otp_configs import OTPConfigs, check_strategy
from .outbox import Outbox, Product, SentMessage
from .recipients import Recipient, otp_recipient, sms_recipient
from .refusals import RefusedError
from .reviews import Review, Reviewer, Submission, TemplateId
from .simulation import Simulation
from .sms_api import SMSRequest
from .sms_configs import SMSConfigs
from .templates import Template, Templates, checked

_Draft: TypeAlias = partial[SentMessage]

_MIN_AHEAD: Final = 3 * 60
_MAX_AHEAD: Final = 30 * 24 * 60 * 60
_APPROVAL: Final = Review()
_USERNAME: Final = "sandbox_demo"
_SECRET: Final = "sandbox_webhook_secret"  # noqa: S105 - the vendor's pages have it
_AT_ONCE: Final = 500
"""How many recipients to look at before other tasks of the event loop may run."""


class Platform:
    """The platform, without its HTTP; the arguments are those of `Sandbox`.

    Attributes:
        simulation: What becomes of the messages in ``outbox``.
        parts: All objects that have operations.
        lets_set_callbacks: Whether a request may set where callbacks go.
    """

    def __init__(
        self,
        *,
        templates: Mapping[str, str] | None = None,
        code_ttl: float = 300.0,
        review: Review = _APPROVAL,
        balance: Amounts | None = None,
        strategies: Mapping[str, str] | None = None,
        pace: float = 1.0,
        clock: Callable[[], float] = time.time,
        new_code: Callable[[str], str] | None = None,
    ) -> None:
        self.ids: Snowflakes = Snowflakes(clock)
        self.outbox: Outbox = Outbox()
        self.reviewer: Reviewer = Reviewer(review, clock)
        self.balances: Balances = Balances(balance, self.outbox)
        given, channels = checked(templates or {}), _channels(strategies or {})
        self.sms: SMSConfigs = SMSConfigs(self.reviewer, self.ids.text, given)
        self.otp: OTPConfigs = OTPConfigs(self.reviewer, given, channels)
        self._templates = Templates(templates, channels)
        self.codes: Codes = Codes(code_ttl, clock)
        self.simulation: Simulation = Simulation(
            self.outbox, self.codes, self._submissions, pace=pace, clock=clock
        )
        self.reviewer.on_take = self.simulation.review_begins
        self.parts: tuple[object, ...] = (self, self.otp, self.sms, self.balances)
        self.lets_set_callbacks: bool = False
        self._clock = clock
        self._new_code = new_code or _random_digits
        self._presets = {
            "brand_name": "EngageLab",
            "ttl": f"{code_ttl / 60:g}",
            "pwa_url": "https://example.com",
        }

    def _submissions(self) -> Iterable[tuple[TemplateId, Submission]]:
        yield from ((("otp", each.id), each.submission) for each in self.otp.templates)
        yield from ((("sms", each.id), each.submission) for each in self.sms.templates)

    # --------------------------------------------------------------------------- OTP

    @operation("POST /v1/messages", "otp.send", "send")
    def send_otp(self, body: Annotated[Body, OTPRequest]) -> Annotated[Answer, otp_api.Sent]:
        """Send a code that the platform makes."""
        return self._send_code(read(OTPRequest, body), None)

    @operation("POST /v1/codes", "otp.send_code", "send")
    def send_code(self, body: Annotated[Body, CodeRequest]) -> Annotated[Answer, otp_api.Sent]:
        """Send a code that the caller made; there is nothing to verify afterwards."""
        request = read(CodeRequest, body)
        return self._send_code(request, request.code)

    def _send_code(self, request: OTPRequest, callers_code: str | None) -> Answer:
        template = self._otp_template(request.template)
        recipient = otp_recipient(request.to)
        self.balances.check("otp", 1)
        digits = callers_code or recipient.magic.verify_code or self._new_code(recipient.address)
        code = self.codes.issue(
            template.id, recipient.address, digits, is_platforms=callers_code is None
        )
        expires_at = None if callers_code else _moment(code.expires_at)
        params = request.template.params or {}
        draft = self._draft("otp", template, params, code=digits, code_expires_at=expires_at)
        message = _addressed(draft, template, recipient, self.ids.text())
        self._send([message])
        self.codes.send(code, message)
        return {"message_id": message.message_id, "send_channel": message.channel}

    @operation("POST /v1/verifications", "otp.verify", "verify")
    def verify(
        self, body: Annotated[Body, VerificationRequest]
    ) -> Annotated[Answer, otp_api.Verification]:
        """Verify a code that the platform made; a wrong one is no error."""
        request = read(VerificationRequest, body)
        message_id, guess = request.message_id, request.verify_code
        is_right = self.simulation.guess(message_id, guess)
        return {"message_id": message_id, "verify_code": guess, "verified": is_right}

    @operation("POST /v1/custom-messages", "otp.send_custom_message", "send")
    async def send_custom_message(
        self, body: Annotated[Body, CustomMessageRequest]
    ) -> Annotated[Answer, otp_api.Sent]:
        """Send any template to one or several recipients."""
        request = read(CustomMessageRequest, body)
        template = self._otp_template(request.template)
        params = request.template.params or {}
        code = params.get("code")
        if template.is_verification and not code:
            raise RefusedError(3003, "params.code: a verification template needs it")
        recipients = [
            otp_recipient(to)
            async for some in InSteps(_listed(request.to), _AT_ONCE)
            for to in some
        ]
        draft, message_id = self._draft("otp", template, params, code=code), self.ids.text()
        messages = [
            _addressed(draft, template, recipient, message_id)
            async for some in InSteps(recipients, _AT_ONCE)
            for recipient in some
        ]
        self.balances.check("otp", len(messages))
        self._send(messages)
        return {"message_id": message_id, "send_channel": messages[0].channel}

    def _otp_template(self, wanted: CustomTemplate) -> Template:
        return self.otp.find(wanted.id) or self._templates.find(wanted.id)

    # --------------------------------------------------------------------------- SMS

    @operation("POST /v1/messages", "sms.send", "send")
    async def send_sms(
        self, body: Annotated[Body, SMSRequest]
    ) -> Annotated[Answer, (sms_api.Plan, sms_api.FailedPlan)]:
        """Send a template to one or many numbers, now or later, but not to the invalid ones."""
        request = read(SMSRequest, body)
        template_id, params = str(request.template.id), request.template.params or {}
        draft = self._draft(
            "sms",
            self.sms.find(template_id) or self._templates.find(template_id),
            params,
            code=params.get("code"),
            channel="sms",
            plan_id=self.ids.text(),
            scheduled_for=self._due(request),
            custom_args=MappingProxyType(request.custom_args or {}),
        )
        targets = _listed(request.to)
        found = [
            sms_recipient(target) async for some in InSteps(targets, _AT_ONCE) for target in some
        ]
        answer: Answer = {
            "plan_id": draft.keywords["plan_id"],
            "total_count": len(targets),
            "accepted_count": len(targets) - found.count(None),
        }
        failures = {each.magic.plan_error for each in found if each is not None} - {None}
        if failures:
            return answer | {"code": failures.pop(), "message": "the plan failed"}
        return answer | await self._send_plan(draft, targets, found)

    async def _send_plan(
        self, draft: _Draft, targets: Sequence[str], found: Sequence[Recipient | None]
    ) -> Answer:
        dropped_first = sorted(range(len(targets)), key=lambda place: found[place] is not None)
        messages = [
            draft(
                recipient=targets[place],
                message_id=self.ids.text(),
                accepted=found[place] is not None,
            )
            async for some in InSteps(dropped_first, _AT_ONCE)
            for place in some
        ]
        self.balances.check("sms", len(targets) - found.count(None))
        self._send(messages)
        due = draft.keywords["scheduled_for"]
        if due is not None:
            self.sms.use(draft.keywords["template_id"], until=due.timestamp())
            return {"schedule_info": {"task_id": self.ids.integer()}}
        # Ids of several messages are not returned, and a single one may have been dropped.
        is_one = len(messages) == 1 and messages[0].accepted
        return {"message_id": messages[0].message_id} if is_one else {}

    def _due(self, request: SMSRequest) -> datetime | None:
        seconds = request.schedule_time
        if seconds is None:
            return None
        # The API counts in whole seconds, which favours a request that took a moment to arrive.
        if not _MIN_AHEAD <= seconds - int(self._clock()) <= _MAX_AHEAD:
            raise RefusedError(3002, "schedule_time must be 3 minutes to 30 days ahead")
        return _moment(seconds)

    # --------------------------------------------------------------------------- both

    @operation("PUT /v1/sandbox/webhook", "otp.sandbox.webhook")
    def set_callbacks(self, body: Annotated[Body, WebhookRequest]) -> Annotated[Answer, Done]:
        """Set where callbacks go; only sandboxes have this."""
        if not self.lets_set_callbacks:
            raise RefusedError(2004)
        wanted = read(WebhookRequest, body)
        username, secret = wanted.username or _USERNAME, wanted.secret or _SECRET
        try:
            callbacks = Callbacks(wanted.url, username=username, secret=secret)
        except ValueError as error:
            raise RefusedError(3002, str(error)) from None
        self.simulation.callbacks = callbacks
        return {**DONE}

    def _draft(
        self,
        product: Product,
        template: Template,
        params: dict[str, str],
        *,
        code: str | None,
        **more: Any,  # noqa: ANN401 - further fields of a message
    ) -> _Draft:
        """Return a message without what each recipient of a request has of its own."""
        variables = {**params} if code is None else {**params, "code": code}
        return partial(
            SentMessage,
            product=product,
            template_id=template.id,
            text=template.render(variables, self._presets),
            code=code,
            params=MappingProxyType(params),
            sent_at=_moment(self._clock()),
            **more,
        )

    def _send(self, messages: Sequence[SentMessage]) -> None:
        self.outbox.add(messages)
        self.simulation.begin(messages)


class Snowflakes:
    """Makes ids like the vendor's: milliseconds, then 22 bits that tell ids of one of them apart.

    Always above 2**53, and always rising, whatever the clock does.
    """

    _EPOCH: Final = 1_288_834_974_657  # milliseconds; the vendor's ids count from here

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 2**60

    def skip_to(self, last: int) -> None:
        """Make no id up to this one."""
        self._last = max(self._last, last)

    def integer(self) -> int:
        """Make an id."""
        now = int(self._clock() * 1000) - self._EPOCH
        self._last = max(self._last + 1, now << 22)
        return self._last

    def text(self) -> str:
        """Make an id, as text."""
        return str(self.integer())


def _moment(seconds: float) -> datetime:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError):  # a code may be live for longer than a datetime reaches
        return datetime.max.replace(tzinfo=UTC)


def _channels(strategies: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    try:
        return {name: tuple(check_strategy(each)) for name, each in strategies.items()}
    except RefusedError as error:
        raise ValueError(f"strategies: {error.message}") from None


def _addressed(
    draft: _Draft, template: Template, recipient: Recipient, message_id: str
) -> SentMessage:
    return draft(
        message_id=message_id,
        recipient=recipient.written,
        channel=recipient.channel(template.channels),
        fallbacks=recipient.fallbacks(template.channels),
    )


def _listed(to: str | list[str]) -> list[str]:
    return [to] if isinstance(to, str) else to


def _random_digits(_: str) -> str:
    return f"{secrets.randbelow(10**6):06d}"
