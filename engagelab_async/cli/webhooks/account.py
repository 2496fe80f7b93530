"""The username and the secret of a callback URL."""

from typing import Annotated, Final

from attrs import field, frozen
from cyclopts import Parameter

from engagelab_async import ConfigurationError
from engagelab_async.webhooks.verification import ENVIRONMENT, from_env

USERNAME: Final = " or ".join(ENVIRONMENT["username"])
SECRET: Final = " or ".join(ENVIRONMENT["secret"])


@Parameter(name="*")
@frozen(kw_only=True)
class Account:
    """The username and the secret, as set for the callback URL in the console."""

    # Not by cyclopts' env_var, which takes an empty variable for one that is set.
    username: Annotated[
        str | None, Parameter(help=f"The username of the callback URL; by default {USERNAME}.")
    ] = None
    secret: Annotated[
        str | None,
        Parameter(
            help="The secret that belongs to it. Other users of a machine can see a command's "
            f"options: rather set {SECRET}."
        ),
    ] = field(default=None, repr=False)

    def resolved(self) -> tuple[str, str]:
        """Return both, from the options or from the environment; name what is missing."""
        username = from_env(ENVIRONMENT["username"]) if self.username is None else self.username
        secret = from_env(ENVIRONMENT["secret"]) if self.secret is None else self.secret
        missing = [
            f"{option}: set {names}"
            for option, names, given, found in (
                ("--username", USERNAME, self.username, username),
                ("--secret", SECRET, self.secret, secret),
            )
            if given is None and not found
        ]
        if missing:
            raise ConfigurationError("; ".join(missing))
        return username, secret


FROM_ENVIRONMENT: Final = Account()
"""Both come from the environment."""
