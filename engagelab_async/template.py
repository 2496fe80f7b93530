"""The template that a message is made of, and what the review says of templates and signatures."""

from collections.abc import Mapping

from attrs import field, frozen

from engagelab_async import arguments
from engagelab_async.frames import clears_frames
from engagelab_async.open_enums import OpenInt, OpenStr


def _template_id(value: str | int) -> str:
    return arguments.identifier(value, "template id")


def _language(value: str | None) -> str | None:
    return None if value is None else arguments.check_text(value, "language")


@clears_frames
@frozen
class Template:
    """A template of the console, with values for its variables.

    Attributes:
        id: The template's id; an ``int`` becomes its decimal string.
        language: Which language version to send: ``default zh_CN zh_HK en ja th es`` are
            documented; the platform takes ``default`` when it is left out. OTP codes only.
        params: Values of the template's variables, ``str`` or ``int``. The platform delivers a
            variable that is left out literally, as ``{{name}}``.

    Raises:
        TypeError: An argument is of the wrong type.
        ValueError: ``id`` or ``language`` is empty.

    Example:
        >>> Template("login", language="en", params={"name": "Bob"})
        Template(id='login', language='en', params=<1 hidden>)
    """

    id: str = field(converter=_template_id)
    language: str | None = field(default=None, converter=_language)
    params: Mapping[str, str] = field(
        # The converter copies it. With a factory, each message would be compared with a new one.
        default={},
        converter=arguments.params,
        repr=arguments.hidden,
        # A dict has no hash. Leaving it out keeps equal values in one bucket.
        hash=False,
        metadata={arguments.PERSONAL: True},
    )

    @classmethod
    def of(
        cls,
        template: "str | int | Template",
        *,
        language: str | None = None,
        params: Mapping[str, str | int] | None = None,
    ) -> "Template":
        """Make a template from the arguments of a coroutine.

        Args:
            template: An id, or a whole `Template`.
            language: As in `Template`.
            params: As in `Template`; ``None`` is none.

        Raises:
            TypeError: An argument is of the wrong type.
            ValueError: An argument is empty, or `language` or `params` come with a `Template`.
        """
        try:
            if not isinstance(template, Template):
                return cls(template, language, {} if params is None else params)
            if language is not None or params is not None:
                name = "language" if language is not None else "params"
                raise ValueError(f"{name}: give it inside the Template, or give the template's id")
            return template
        finally:
            # As `clears_frames` does, which costs more.
            del template, language, params


def template(value: Template | str | int) -> Template:
    """Convert the ``template`` field of an operation."""
    return Template.of(value)


def without_language(value: Template | str | int) -> Template:
    """Convert the ``template`` field of an operation whose request has no language."""
    made = Template.of(value)
    if made.language is not None:
        raise ValueError(
            "template language: this call has none; only OTP codes are sent in a language"
        )
    return made


class TemplateType(OpenStr):
    """The purpose of a template's messages.

    .. versionadded:: 0.1.0
    """

    UTILITY = "utility"
    MARKETING = "marketing"
    AUTHENTICATION = "authentication"

    @classmethod
    def _missing_(cls, value: object) -> "TemplateType | None":
        # Its old name, which templates of that time still have.
        return cls.AUTHENTICATION if value == "otp" else super()._missing_(value)


class TemplateStatus(OpenInt):
    """Review status of a template.

    .. versionadded:: 0.1.0
    """

    PENDING = 1
    APPROVED = 2
    REJECTED = 3


class SignatureStatus(OpenInt):
    """Review status of a signature.

    .. versionadded:: 0.1.0
    """

    PENDING = 1
    APPROVED = 2
    REJECTED = 3
