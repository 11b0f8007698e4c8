"""The deadline of an order, `finish_by`, and the range in which it is accepted."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue.models import Estimate, Model
from fermata.errors import FieldError

_ROOM: Final = 2
"""A deadline must leave at least this multiple of a model's P80 latency."""


@dataclass(frozen=True)
class Deadline:
    """A request's `finish_by`, checked at `now`: at most `longest_s` seconds away. `learned` returns a model's latency
    from its last songs.
    """

    finish_by: datetime
    longest_s: int
    now: datetime
    learned: Callable[[Model], Estimate]

    def p80_s(self, model: Model) -> int:
        """The model's P80 latency in seconds, at least its prior: a recent run of fast songs is no promise."""
        return max(self.learned(model).p80_s, model.estimate.p80_s)

    def leaves(self, p80_s: int) -> bool:
        """Whether there is enough time for a model with this P80 latency."""
        return self._earliest(p80_s) <= self.finish_by

    def wrong_for(self, chain: Mapping[str, int]) -> Iterator[FieldError]:
        """The error of this deadline, if any: in the past, too soon for a model of the order, or too far away. `chain`
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
