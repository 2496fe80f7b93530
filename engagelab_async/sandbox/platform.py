"""The platform itself: each of the five sends is a method, from a decoded body to an answer.

Templates and signatures have rooms of their own, `sms` and `otp`.

Knows nothing of HTTP: a method returns the JSON object of a 200, or raises a `RefusedError`.
Every call checks first and sends last, so a refused request leaves no trace.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from attrs import frozen

from ._errors import RefusedError
from ._fields import Answer, Body, Fields
from .codes import Codes
from .otp_configs import OTPConfigs
from .outbox import Outbox, Product, SentMessage
from .recipients import Recipient, otp_recipient, sms_recipient
from .reviews import Review, Reviewer
from .sms_configs import SMSConfigs
from .templates import Template, Templates

_LANGUAGES: Final = ("default", "zh_CN", "zh_HK", "en", "ja", "th", "es")
_MIN_AHEAD: Final = 3 * 60
_MAX_AHEAD: Final = 30 * 24 * 60 * 60
_APPROVAL: Final = Review()


@frozen(kw_only=True)
class _Letter:
    """What all recipients of one request get."""

    product: Product
    template: Template
    params: Mapping[str, str]
    code: str | None
    plan_id: str | None = None
    scheduled_for: datetime | None = None


class Platform:
    """The platform, without its HTTP.

    Args:
        templates: Text by template id, or ``None`` to take any id.
        code_ttl: How long a code stays live, in seconds.
        review: What becomes of templates and signatures that are submitted.
        clock: Tells the time in Unix seconds.
        new_code: Makes a code for the address that it goes to.

    Attributes:
        outbox: What was sent.
        reviewer: Who reviews templates and signatures.
        sms: The templates and signatures of the SMS product.
        otp: The templates of the OTP product.
    """

    def __init__(
        self,
        *,
        templates: Mapping[str, str] | None = None,
        code_ttl: float = 300.0,
        review: Review = _APPROVAL,
        clock: Callable[[], float] = time.time,
        new_code: Callable[[str], str] | None = None,
    ) -> None:
        self._ids = _Snowflakes(clock)
        self.outbox: Outbox = Outbox()
        self.reviewer: Reviewer = Reviewer(review, clock)
        self.sms: SMSConfigs = SMSConfigs(self.reviewer, self._ids.text, clock)
        self.otp: OTPConfigs = OTPConfigs(self.reviewer)
        self._templates = Templates(templates)
        self._codes = Codes(code_ttl, clock)
        self._clock = clock
        self._new_code = new_code or _random_digits
        self._presets = {
            "brand_name": "EngageLab",
            "ttl": f"{code_ttl / 60:g}",
            "pwa_url": "https://example.com",
        }

    def send_otp(self, body: Body) -> Answer:
        """Make a code, send it, and expect it to be verified."""
        return self._send_code(Fields(body), None)

    def send_code(self, body: Body) -> Answer:
        """Send a code that the caller made; there is nothing to verify afterwards."""
        request = Fields(body)
        return self._send_code(request, request.text("code"))

    def _send_code(self, request: Fields, callers_code: str | None) -> Answer:
        to = request.text("to")
        template, params = self._localised(request.inner("template"))
        recipient = otp_recipient(to)
        digits = callers_code or recipient.magic.verify_code or self._new_code(recipient.address)
        code = self._codes.issue(template.id, recipient.address, digits)
        letter = _Letter(product="otp", template=template, params=params, code=digits)
        message_id = self._ids.text()
        if callers_code is None:
            self._codes.expect(message_id, code)
        self._send(letter, recipient, message_id)
        return {"message_id": message_id, "send_channel": recipient.channel(template.channels)}

    def verify(self, body: Body) -> Answer:
        """Compare a code with the one that was sent; a wrong one is no error."""
        request = Fields(body)
        message_id = request.text("message_id")
        guess = request.text("verify_code")
        verified = self._codes.verify(message_id, guess)
        return {"message_id": message_id, "verify_code": guess, "verified": verified}

    def send_custom_message(self, body: Body) -> Answer:
        """Send any template to one or several recipients."""
        request = Fields(body)
        targets = request.texts("to")
        wanted = request.inner("template")
        template, params = self._otp_template(wanted)
        code = params.get("code")
        if template.is_verification and not code:
            raise RefusedError(3003, "params.code: a verification template needs it")
        recipients = [otp_recipient(to) for to in targets]
        letter = _Letter(product="otp", template=template, params=params, code=code)
        message_id = self._ids.text()
        for recipient in recipients:
            self._send(letter, recipient, message_id)
        return {"message_id": message_id, "send_channel": recipients[0].channel(template.channels)}

    def send_sms(self, body: Body) -> Answer:
        """Send a template to one or many numbers, now or later, but not to the invalid ones."""
        request = Fields(body)
        targets = request.texts("to")
        letter = self._plan(request)
        found = [sms_recipient(to) for to in targets]
        recipients = [recipient for recipient in found if recipient is not None]
        answer: Answer = {
            "plan_id": letter.plan_id,
            "total_count": len(targets),
            "accepted_count": len(recipients),
        }
        for recipient in recipients:
            if recipient.magic.plan_error is not None:
                return answer | {"code": recipient.magic.plan_error, "message": "the plan failed"}
        return answer | self._carry_out(letter, recipients, is_single=len(targets) == 1)

    def _plan(self, request: Fields) -> _Letter:
        request.optional_text("plan_name")
        request.optional_inner("custom_args")
        wanted = request.inner("template")
        # The table of the SMS product, unlike those of the OTP product, calls params required.
        wanted.inner("params")
        # One of that product's samples passes an integer for the id.
        template_id = wanted.identifier("id")
        params = wanted.optional_inner("params").all_texts()
        template = self.sms.find(template_id) or self._templates.find(template_id)
        return _Letter(
            product="sms",
            template=template,
            params=params,
            code=params.get("code"),
            plan_id=self._ids.text(),
            scheduled_for=self._due(request),
        )

    def _due(self, request: Fields) -> datetime | None:
        seconds = request.optional_integer("schedule_time")
        if seconds is None:
            return None
        # The API counts in whole seconds, which favours a request that took a moment to arrive.
        if not _MIN_AHEAD <= seconds - int(self._clock()) <= _MAX_AHEAD:
            raise request.refusal("schedule_time", "must be 3 minutes to 30 days ahead")
        return datetime.fromtimestamp(seconds, UTC)

    def _carry_out(
        self, letter: _Letter, recipients: Sequence[Recipient], *, is_single: bool
    ) -> Answer:
        message_ids = [self._ids.text() for _ in recipients]
        for recipient, message_id in zip(recipients, message_ids, strict=True):
            self._send(letter, recipient, message_id)
        if letter.scheduled_for is not None:
            self.sms.use(letter.template.id, until=letter.scheduled_for.timestamp())
            return {"schedule_info": {"task_id": self._ids.integer()}}
        # Ids of several messages are not told, and a single one may have been dropped.
        return {"message_id": message_ids[0]} if is_single and message_ids else {}

    def _localised(self, wanted: Fields) -> tuple[Template, Mapping[str, str]]:
        language = wanted.optional_text("language")
        if language is not None and language not in _LANGUAGES:
            raise wanted.refusal("language", f"must be one of {' '.join(_LANGUAGES)}")
        return self._otp_template(wanted)

    def _otp_template(self, wanted: Fields) -> tuple[Template, Mapping[str, str]]:
        template_id = wanted.text("id")
        params = wanted.optional_inner("params").all_texts()
        return self.otp.find(template_id) or self._templates.find(template_id), params

    def _send(self, letter: _Letter, recipient: Recipient, message_id: str) -> None:
        variables = dict(letter.params)
        if letter.code is not None:
            variables["code"] = letter.code
        self.outbox.add(
            SentMessage(
                message_id=message_id,
                product=letter.product,
                channel=(
                    "sms"
                    if letter.product == "sms"
                    else recipient.channel(letter.template.channels)
                ),
                recipient=recipient.written,
                template_id=letter.template.id,
                text=letter.template.render(variables, self._presets),
                code=letter.code,
                params=letter.params,
                plan_id=letter.plan_id,
                scheduled_for=letter.scheduled_for,
                sent_at=datetime.fromtimestamp(self._clock(), UTC),
            )
        )


class _Snowflakes:
    """Makes ids like the vendor's: milliseconds, then 22 bits that tell ids of one of them apart.

    Always above 2**53, and always rising, whatever the clock does.
    """

    _EPOCH: Final = 1_288_834_974_657  # milliseconds; the vendor's ids count from here

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._last = 2**60

    def integer(self) -> int:
        now = int(self._clock() * 1000) - self._EPOCH
        self._last = max(self._last + 1, now << 22)
        return self._last

    def text(self) -> str:
        return str(self.integer())


def _random_digits(_: str) -> str:
    return f"{secrets.randbelow(10**6):06d}"
