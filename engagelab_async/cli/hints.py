"""One short hint for each class of error: what to do next.

A class that is not in the table has the hint of its nearest base class. If a message may
have been sent, that matters more than the error of the last attempt.
"""

from collections.abc import Mapping
from typing import Final

from engagelab_async import EngageLabError, Operation, errors
from engagelab_async.bulk import JournalError

HINTS: Final[Mapping[type[EngageLabError], str]] = {
    EngageLabError: "Look the message up in the console before you send it again.",
    errors.ConfigurationError: (
        "Correct that, then try again. Without an account: start `engagelab sandbox`, and send "
        "with --sandbox."
    ),
    JournalError: (
        "Correct that: free space if the disk is full, wait if another run uses the journal. Then "
        "continue with the same command and --resume. A list that was started needs its own "
        "journal, or people get duplicates: use another --journal only for another list. See "
        "`engagelab journal show`."
    ),
    errors.ConnectError: (
        "Check the network, the proxy variables and the base URL, then send again."
    ),
    errors.APIError: "Read the API's message; the request reached it and was refused.",
    errors.AuthenticationError: (
        "Check the key and the secret. OTP and SMS have separate key pairs, and one does "
        "not work for the other."
    ),
    errors.PermissionDeniedError: "Allow this API for the key pair in the console, or use another.",
    errors.InvalidRequestError: (
        "Correct the argument that the API names; sending it again does not help."
    ),
    errors.BusinessRuleError: (
        "Read the API's message; a code may have expired, or been used already."
    ),
    errors.InUseError: "Wait until the plans that use it are over, or cancel them in the console.",
    errors.NameTakenError: "Choose another name, or use the existing one.",
    errors.PendingReviewError: "Wait until it is reviewed, then try again.",
    errors.TemplateRejectedError: "Change what the reviewers object to, and submit it again.",
    errors.SignatureRejectedError: "Change what the reviewers object to, and submit it again.",
    errors.ReviewTimeoutError: "Wait again later; reviews can take a day or more.",
    errors.FrequencyLimitError: (
        "This person still has a live code of this template. Wait until it expires: that is "
        "minutes, and sending again sooner does not help."
    ),
    errors.NotFoundError: (
        "Check the id: the template, or the message, is not known to this product."
    ),
    errors.RateLimitError: "Too many requests. Wait as long as the server asks, then send again.",
    errors.SendFailedError: "Send again later; if it still fails, ask EngageLab's support.",
    errors.InternalSendError: "The platform failed, and nothing was sent: send again later.",
    errors.InvalidNumberError: "Write the number with + and its country code, such as +6591234567.",
    errors.UnreachableError: "Check the number, or reach the person on another channel.",
    errors.BlacklistedError: "Do not send to this number; the blacklist is kept in the console.",
    errors.ContentRejectedError: (
        "Change the template's text or its params to what the rules allow."
    ),
    errors.InterceptedError: "A carrier or a filter stopped it: check the text and the sender.",
    errors.RegionForbiddenError: "Ask EngageLab to allow the account to send to the China region.",
    errors.HandsetError: "The phone is off or out of service: send again later.",
    errors.UnsubscribedError: "The person does not want these messages: do not send again.",
    errors.UnregisteredNumberError: "The number is not in use: ask the person for another.",
}
"""By class. The first is the default, and also for errors that are uncertain."""

AFTER_BAD_USAGE: Final = "See --help."
"""For a command line that is wrong."""

AFTER_INTERRUPTION: Final = {True: HINTS[EngageLabError], False: "Send it again when you like."}
"""For Ctrl-C, by whether something may have been sent."""

AFTER_CRASH: Final = (
    "Look the message up in the console before you send it again, and please report the bug with "
    "what --verbose shows."
)
"""For a bug in this library."""

_GOT_THROUGH: Final = "An earlier attempt succeeded: the person has the code, do not send again."
_CHECKED: Final = (
    "The check may have been carried out, and a right code counts only once. Verify again; if "
    "that is refused with 3003, send a new code."
)


def hint(error: EngageLabError) -> str:
    """Return what to do about an error."""
    if error.may_have_been_sent:
        return _hint_if_uncertain(error)
    return next(HINTS[kind] for kind in type(error).__mro__ if kind in HINTS)


def _hint_if_uncertain(error: EngageLabError) -> str:
    if isinstance(error.operation, Operation) and error.operation.endpoint.effect == "check":
        return _CHECKED
    # The platform answers so while a code is live: this call's own, by an earlier attempt.
    return _GOT_THROUGH if isinstance(error, errors.FrequencyLimitError) else HINTS[EngageLabError]
