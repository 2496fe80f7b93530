"""The platform's review, which templates and signatures pass before they may be used."""

from ._open_enums import OpenInt


class TemplateStatus(OpenInt):
    """What the review has said about a template.

    .. versionadded:: 0.1.0
    """

    PENDING = 1
    APPROVED = 2
    REJECTED = 3


class SignatureStatus(OpenInt):
    """What the review has said about a signature.

    .. versionadded:: 0.1.0
    """

    PENDING = 1
    APPROVED = 2
    REJECTED = 3
