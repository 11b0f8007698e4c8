"""Where a function can be cut off: around and amid each call that leaves it."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class When(StrEnum):
    """The moments of one call to something outside of a function, in their order."""

    BEFORE = "before"
    """Nothing has left yet."""
    SENDING = "sending"
    """A streamed body is on its way and not whole."""
    AFTER = "after"
    """The outside has done what it was asked, and the function has not heard of it. Of HTTP: the head of the answer is
    there, its body is not."""
    READING = "reading"
    """A streamed answer has begun to arrive and is not whole."""


_HEARD: Final = (When.AFTER, When.READING)
"""The moments after which nothing more happens outside until the next call."""

_FOLLOWS: Final = (When.BEFORE, When.READING)
"""The moments up to which nothing more has happened outside."""


@dataclass(frozen=True)
class Site:
    """A moment of a call as it stands in the code: the `nth` one of its kind in one invocation of the function."""

    function: str
    call: str
    nth: int
    when: When

    def __str__(self) -> str:
        return f"{self.function}: {self.when} {self.call} #{self.nth}"


@dataclass(frozen=True)
class Cut:
    """One place to kill a function: the moment `moment` (from 0) of its `invocation`-th run (from 1) for one job."""

    function: str
    invocation: int
    moment: int


@dataclass(frozen=True)
class Kill:
    """One site at which a function is to be killed, in its `invocation`-th run (from 1) for one order; in the first run
    that comes by where that is None.
    """

    site: Site
    invocation: int | None = None


@dataclass(frozen=True)
class Moment:
    """A moment that a run came by: where in that run it was, and which site of the code it is."""

    cut: Cut
    site: Site


def sites_of(function: str, invocation: int, events: Sequence[tuple[str, When]]) -> list[Moment]:
    """The moments of one invocation, from the calls that it made in their order."""
    seen: Counter[tuple[str, When]] = Counter()
    moments = []
    for number, event in enumerate(events):
        seen[event] += 1
        call, when = event
        moments.append(Moment(Cut(function, invocation, number), Site(function, call, seen[event], when)))
    return moments


def distinct(moments: Iterable[Moment]) -> list[Moment]:
    """The moments that leave the world in different states: to die after one call is to die before the next, or while
    its answer arrives.
    """
    listed = list(moments)
    followed = _followers(listed)
    return [moment for moment in listed if not (moment.site.when in _HEARD and _next(moment.cut) in followed)]


def died_at(moments: Sequence[Moment], deadly: Collection[Cut]) -> set[Site]:
    """The sites at which somebody died: with a moment also those before it that leave the world as it does."""
    died: set[Site] = set()
    dead, followers = set(deadly), _followers(moments)
    for moment in reversed(moments):
        if moment.cut in dead or (moment.site.when in _HEARD and _next(moment.cut) in dead & followers):
            dead.add(moment.cut)
            died.add(moment.site)
    return died


def _followers(moments: Iterable[Moment]) -> set[Cut]:
    return {moment.cut for moment in moments if moment.site.when in _FOLLOWS}


def _next(cut: Cut) -> Cut:
    return replace(cut, moment=cut.moment + 1)
