"""The name and the secret of a callback URL."""

from typing import Annotated

from attrs import field, frozen
from cyclopts import Parameter


@Parameter(name="*")
@frozen(kw_only=True)
class Account:
    """What was set for the callback URL in the console."""

    username: Annotated[
        str,
        Parameter(
            help="The name that was set for the callback URL.",
            env_var="ENGAGELAB_CALLBACK_USERNAME",
        ),
    ]
    secret: Annotated[
        str,
        Parameter(
            help="The secret that belongs to it. Other users of a machine can see a command's "
            "options: rather set the variable.",
            env_var="ENGAGELAB_CALLBACK_SECRET",
        ),
    ] = field(repr=False)
