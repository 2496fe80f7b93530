"""Templates and signatures: submitted, reviewed, used, changed, deleted."""

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from attrs import define, frozen

from .bodies import Answer, Body
from .refusals import RefusedError
from .reviews import APPROVED, Reviewer, Submission


@define
class Config:
    """A template or a signature.

    Attributes:
        content: What the request said.
        created_at: When it was first submitted, in Unix seconds.
        used_until: When the last plan that uses it is due, in Unix seconds.
        is_given: Whether it was not submitted, but given to the sandbox.
    """

    id: str
    content: Body
    created_at: float
    submission: Submission
    used_until: float = 0.0
    is_given: bool = False


@frozen
class ConfigsState:
    """What was submitted and deleted, to be kept."""

    configs: tuple[Config, ...]
    deleted: tuple[str, ...]


class Configs:
    """All templates, or all signatures, of one product.

    Args:
        reviewer: Reviews them.
        missing: What a send with a deleted one is refused with.
        unknown: Refuses other calls with an id that does not exist; as a send, if left out.
        given: Those that need no review: content by id.
    """

    def __init__(
        self,
        reviewer: Reviewer,
        missing: str,
        unknown: Callable[[str], RefusedError] | None = None,
        *,
        given: Mapping[str, Body] = MappingProxyType({}),
    ) -> None:
        self._reviewer = reviewer
        self._missing = missing
        self._unknown = unknown or (lambda _: RefusedError(4001, missing))
        self._given = {
            name: Config(name, content, reviewer.clock(), reviewer.approve(), is_given=True)
            for name, content in given.items()
        }
        self._all = dict(self._given)
        self._deleted: set[str] = set()

    def __iter__(self) -> Iterator[Config]:
        """Yield them, oldest first."""
        return iter(tuple(self._all.values()))

    def __contains__(self, name: object) -> bool:
        return name in self._all

    def __getitem__(self, name: str) -> Config:
        """Return one by its id, or refuse it."""
        if name not in self._all:
            raise self._unknown(name)
        return self._all[name]

    def add(self, name: str, content: Body) -> None:
        """Submit one."""
        submission = self._reviewer.take()
        self._all[name] = Config(name, content, submission.at, submission)
        self._deleted.discard(name)

    def change(self, config: Config, content: Body) -> None:
        """Replace what one says, which is reviewed again."""
        config.content, config.submission = content, self._reviewer.take()
        config.is_given = False

    def delete(self, config: Config) -> None:
        """Delete one."""
        del self._all[config.id]
        self._deleted.add(config.id)

    def find(self, name: str) -> Config | None:
        """Return one to send with, or ``None`` if none was submitted under this id.

        Refused with 4001 if it was deleted, and 3003 if it is not approved.
        """
        if name in self._deleted:
            raise RefusedError(4001, self._missing)
        config = self._all.get(name)
        if config is None or config.is_given:
            return None
        if self.status(config) != APPROVED:
            raise RefusedError(3003, "template status is not approved, can not use")
        return config

    def status(self, config: Config) -> int:
        """Return what the review of one has said by now."""
        return config.submission.status(self._reviewer.clock())

    def review(self, config: Config) -> Answer:
        """Return what an answer says of the review of one."""
        return {
            "status": self.status(config),
            "audit_remark": config.submission.remark(self._reviewer.clock()),
            "created_time": int(config.created_at),
        }

    def state(self) -> ConfigsState:
        """Return all there is."""
        return ConfigsState(
            tuple(config for config in self if not config.is_given), tuple(self._deleted)
        )

    def restore(self, state: ConfigsState) -> None:
        """Replace all there is."""
        self._deleted = set(state.deleted)
        given = {name: each for name, each in self._given.items() if name not in self._deleted}
        self._all = given | {config.id: config for config in state.configs}
