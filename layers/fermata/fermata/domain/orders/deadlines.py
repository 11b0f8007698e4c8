"""When a song is not wanted any more: which deadlines are accepted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue.models import Estimate, Model
from fermata.errors import FieldError

_ROOM: Final = 2
"""A deadline must leave so many times the seconds in which four of five songs are ready."""


@dataclass(frozen=True)
class Deadline:
    """A request's `finish_by`, as it is judged at `now`: at most `longest_s` seconds away. `learned` is what the last
    songs of a model took.
    """

    finish_by: datetime
    longest_s: int
    now: datetime
    learned: Callable[[Model], Estimate]

    def p80_s(self, model: Model) -> int:
        """The seconds in which four of five songs of a model are ready. Quick songs of the last hour promise nothing:
        no model is taken to be faster than its prior.
        """
        return max(self.learned(model).p80_s, model.estimate.p80_s)

    def leaves(self, p80_s: int) -> bool:
        """Whether there is time enough for a model of which four of five songs are ready in so many seconds."""
        return self._earliest(p80_s) <= self.finish_by

    def wrong_for(self, chain: Mapping[str, int]) -> Iterator[FieldError]:
        """What is wrong with it: in the past, too soon for a model that the order may go to, or too far away. `chain`
        has the `p80_s` of these models by their ids.
        """
        model, p80_s = max(chain.items(), key=lambda each: each[1])
        latest, in_time = self.now + timedelta(seconds=self.longest_s), self.leaves(p80_s)
        if in_time and self.finish_by <= latest:
            return
        wrong = "is in the past" if self.finish_by <= self.now else "is too far away" if in_time else "is too soon"
        allowed = f"{self._earliest(p80_s):%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}"
        yield FieldError("/finish_by", f"{wrong}: {model} takes a moment from {allowed}")

    def _earliest(self, p80_s: int) -> datetime:
        return self.now + timedelta(seconds=_ROOM * p80_s)
