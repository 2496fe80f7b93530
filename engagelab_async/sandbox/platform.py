"""The platform itself: each of the five sends is a method, from a decoded body to an answer.

Templates and signatures have rooms of their own, `sms` and `otp`.

Knows nothing of HTTP: a method returns the JSON object of a 200, or raises a `RefusedError`.
Every call checks first and sends last, so a refused request leaves no trace.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import field, frozen

from .balances import Amounts, Balances
from .bodies import Answer, Body, read
from .codes import Codes
from .otp_api import (
    CodeRequest,
    CustomMessageRequest,
    CustomTemplate,
    LocalisedTemplate,
    OTPRequest,
    VerificationRequest,
)
from .otp_configs import OTPConfigs, check_strategy
from .outbox import Outbox, Product, SentMessage
from .recipients import Recipient, otp_recipient, sms_recipient
from .refusals import RefusedError
from .reviews import Review, Reviewer, TemplateSubmission
from .simulation import Simulation
from .sms_api import SMSRequest
from .sms_configs import SMSConfigs
from .templates import Template, Templates, checked

_MIN_AHEAD: Final = 3 * 60
_MAX_AHEAD: Final = 30 * 24 * 60 * 60
_APPROVAL: Final = Review()


@frozen(kw_only=True)
class Envelope:
    """What all recipients of one request are sent."""

    product: Product
    template: Template
    params: Mapping[str, str]
    code: str | None
    plan_id: str | None = None
    scheduled_for: datetime | None = None
    custom_args: Mapping[str, object] = field(factory=dict)
    code_expires_at: datetime | None = None


class Platform:
    """The platform, without its HTTP.

    Args:
        templates: Text by template id, or ``None`` to take any id.
        code_ttl: How long a code stays live, in seconds.
        review: What becomes of templates and signatures that are submitted.
        balance: What the account of each product has; ``None`` for no limit.
        strategies: The channels of templates that have a strategy, such as ``whatsapp|sms``, by id.
        pace: Factor for the time that sending, delivering and repeating a callback take.
        clock: Returns the time in Unix seconds.
        new_code: Makes a code for the address that it goes to.

    Attributes:
        outbox: What was sent.
        simulation: What becomes of it.
        codes: The codes in it.
        reviewer: Who reviews templates and signatures.
        sms: The templates and signatures of the SMS product.
        otp: The templates of the OTP product.
        balances: What the accounts have left.
        ids: Makes ids.
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
        given = checked(templates or {})
        self.sms: SMSConfigs = SMSConfigs(self.reviewer, self.ids.text, clock, given)
        channels = _channels(strategies or {})
        self.otp: OTPConfigs = OTPConfigs(self.reviewer, given, channels)
        self._templates = Templates(templates, channels)
        self.codes: Codes = Codes(code_ttl, clock)
        self.simulation: Simulation = Simulation(
            self.outbox, self.codes, self.template_submissions, pace=pace, clock=clock
        )
        self.reviewer.on_take = self.simulation.audits.ring
        self._clock = clock
        self._new_code = new_code or _random_digits
        self._presets = {
            "brand_name": "EngageLab",
            "ttl": f"{code_ttl / 60:g}",
            "pwa_url": "https://example.com",
        }

    def template_submissions(self) -> Iterable[TemplateSubmission]:
        """Return the review of each template of both products."""
        yield from (("otp", *each) for each in self.otp.submissions())
        yield from (("sms", *each) for each in self.sms.submissions())

    def send_otp(self, body: Body) -> Answer:
        """Make a code, send it, and expect it to be verified."""
        return self._send_code(read(OTPRequest, body), None)

    def send_code(self, body: Body) -> Answer:
        """Send a code that the caller made; there is nothing to verify afterwards."""
        request = read(CodeRequest, body)
        return self._send_code(request, request.code)

    def _send_code(self, request: OTPRequest, callers_code: str | None) -> Answer:
        template, params = self._otp_template(request.template)
        recipient = otp_recipient(request.to)
        self.balances.check("otp", 1)
        digits = callers_code or recipient.magic.verify_code or self._new_code(recipient.address)
        code = self.codes.issue(template.id, recipient.address, digits)
        envelope = Envelope(
            product="otp",
            template=template,
            params=params,
            code=digits,
            code_expires_at=None if callers_code else _moment(code.expires_at),
        )
        message = self._send(envelope, recipient, self.ids.text())
        self.codes.send(code, message)
        return {"message_id": message.message_id, "send_channel": message.channel}

    def verify(self, body: Body) -> Answer:
        """Compare a code with the one that was sent; a wrong one is no error."""
        request = read(VerificationRequest, body)
        message_id, guess = request.message_id, request.verify_code
        is_right = self.simulation.guess(message_id, guess)
        return {"message_id": message_id, "verify_code": guess, "verified": is_right}

    def send_custom_message(self, body: Body) -> Answer:
        """Send any template to one or several recipients."""
        request = read(CustomMessageRequest, body)
        targets = [request.to] if isinstance(request.to, str) else request.to
        template, params = self._otp_template(request.template)
        code = params.get("code")
        if template.is_verification and not code:
            raise RefusedError(3003, "params.code: a verification template needs it")
        recipients = [otp_recipient(to) for to in targets]
        self.balances.check("otp", len(recipients))
        envelope = Envelope(product="otp", template=template, params=params, code=code)
        message_id = self.ids.text()
        for recipient in recipients:
            self._send(envelope, recipient, message_id)
        return {"message_id": message_id, "send_channel": recipients[0].channel(template.channels)}

    def send_sms(self, body: Body) -> Answer:
        """Send a template to one or many numbers, now or later, but not to the invalid ones."""
        request = read(SMSRequest, body)
        targets = [request.to] if isinstance(request.to, str) else request.to
        envelope = self._plan(request)
        found = [(to, sms_recipient(to)) for to in targets]
        recipients = [recipient for _, recipient in found if recipient is not None]
        answer: Answer = {
            "plan_id": envelope.plan_id,
            "total_count": len(targets),
            "accepted_count": len(recipients),
        }
        for recipient in recipients:
            if recipient.magic.plan_error is not None:
                return answer | {"code": recipient.magic.plan_error, "message": "the plan failed"}
        self.balances.check("sms", len(recipients))
        for to in (to for to, recipient in found if recipient is None):
            self._drop(envelope, to)
        return answer | self._carry_out(envelope, recipients, is_single=len(targets) == 1)

    def _plan(self, request: SMSRequest) -> Envelope:
        template_id, params = str(request.template.id), request.template.params or {}
        template = self.sms.find(template_id) or self._templates.find(template_id)
        return Envelope(
            product="sms",
            template=template,
            params=params,
            code=params.get("code"),
            plan_id=self.ids.text(),
            scheduled_for=self._due(request),
            custom_args=request.custom_args or {},
        )

    def _due(self, request: SMSRequest) -> datetime | None:
        seconds = request.schedule_time
        if seconds is None:
            return None
        # The API counts in whole seconds, which favours a request that took a moment to arrive.
        if not _MIN_AHEAD <= seconds - int(self._clock()) <= _MAX_AHEAD:
            raise RefusedError(3002, "schedule_time must be 3 minutes to 30 days ahead")
        return _moment(seconds)

    def _carry_out(
        self, envelope: Envelope, recipients: Sequence[Recipient], *, is_single: bool
    ) -> Answer:
        message_ids = [self.ids.text() for _ in recipients]
        for recipient, message_id in zip(recipients, message_ids, strict=True):
            self._send(envelope, recipient, message_id)
        if envelope.scheduled_for is not None:
            self.sms.use(envelope.template.id, until=envelope.scheduled_for.timestamp())
            return {"schedule_info": {"task_id": self.ids.integer()}}
        # Ids of several messages are not returned, and a single one may have been dropped.
        return {"message_id": message_ids[0]} if is_single and message_ids else {}

    def _otp_template(
        self, wanted: LocalisedTemplate | CustomTemplate
    ) -> tuple[Template, Mapping[str, str]]:
        template = self.otp.find(wanted.id) or self._templates.find(wanted.id)
        return template, wanted.params or {}

    def _send(self, envelope: Envelope, recipient: Recipient, message_id: str) -> SentMessage:
        if envelope.product == "sms":
            return self._add(envelope, recipient.written, ("sms",), message_id)
        wanted = envelope.template.channels
        channels = (recipient.channel(wanted), *recipient.fallbacks(wanted))
        return self._add(envelope, recipient.written, channels, message_id)

    def _drop(self, envelope: Envelope, to: str) -> None:
        self._add(envelope, to, ("sms",), self.ids.text(), accepted=False)

    def _add(
        self,
        envelope: Envelope,
        to: str,
        channels: tuple[str, ...],
        message_id: str,
        *,
        accepted: bool = True,
    ) -> SentMessage:
        variables = dict(envelope.params)
        if envelope.code is not None:
            variables["code"] = envelope.code
        message = SentMessage(
            message_id=message_id,
            product=envelope.product,
            channel=channels[0],
            fallbacks=channels[1:],
            recipient=to,
            template_id=envelope.template.id,
            text=envelope.template.render(variables, self._presets),
            code=envelope.code,
            params=envelope.params,
            plan_id=envelope.plan_id,
            scheduled_for=envelope.scheduled_for,
            sent_at=_moment(self._clock()),
            custom_args=envelope.custom_args,
            code_expires_at=envelope.code_expires_at,
            accepted=accepted,
            number=self.outbox.next_number,
        )
        self.outbox.add(message)
        self.simulation.begin(message)
        return message


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


def _random_digits(_: str) -> str:
    return f"{secrets.randbelow(10**6):06d}"
