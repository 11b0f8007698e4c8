"""A tenant's triggers for events and files; all are off until the operator turns them on."""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

MAX_SOURCES: Final = 20
"""Most sources of one tenant: all of them are written in one transaction."""

_SOURCE: Final = re.compile(r"\d{12}/(?!aws\.)[A-Za-z0-9._/-]{1,256}")


def _source(text: str) -> str:
    if not _SOURCE.fullmatch(text):
        raise ValueError("must be ACCOUNT/SOURCE: twelve digits, and a source of your own as EventBridge has it")
    return text


Source = Annotated[str, AfterValidator(_source)]
"""An AWS account and the source of its events, as one text; IAM vouches for both."""


@dataclass(frozen=True)
class Change:
    """An operator's change; None leaves a setting as it is, and `sources` replace all previous ones."""

    inbox: bool | None = None
    events: bool | None = None
    sources: tuple[str, ...] | None = None


class Triggers(BaseModel):
    """One tenant's triggers. `version` counts the operator's changes, 0 before the first."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    tenant_id: str
    inbox: bool = False
    events: bool = False
    sources: Annotated[tuple[Source, ...], Field(max_length=MAX_SOURCES)] = ()
    version: int = 0

    def changed(self, change: Change) -> Self:
        """The next version."""
        return self.model_copy(
            update={
                "inbox": self.inbox if change.inbox is None else change.inbox,
                "events": self.events if change.events is None else change.events,
                "sources": self.sources if change.sources is None else tuple(dict.fromkeys(change.sources)),
                "version": self.version + 1,
            }
        )


def source_of(account: str, source: str) -> str:
    """The name of a sender of events."""
    return f"{account}/{source}"
