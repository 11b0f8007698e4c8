"""The faults of simulated providers: their names, parsing, and assignment to requests."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, get_args

Place = Literal["create", "poll", "file", "upload", "callback"]
PLACES: Final[tuple[str, ...]] = get_args(Place)


class FaultKind(StrEnum):
    """All fault names; `<...>` stands for an argument."""

    CODE = "code:<n>"
    HTTP = "http:<n>"
    HTTP_CHARGED = "http:<n>:charged"
    HTML = "html"
    EMPTY = "empty"
    RESET = "reset_before_body"
    CUT = "cut:<percent>"
    HANG = "hang:<s>"
    SLOW = "slow:<bytes_per_s>"
    STATUS1 = "status1"
    ODD_HEX = "odd_hex"
    UPPER_HEX = "upper_hex"
    NOT_HEX = "not_hex"
    NOT_AUDIO = "not_audio"
    LINK_EXPIRED = "link_expired"
    LINK = "link:<url>"
    REDIRECT = "redirect:<url>"
    STATUS_WORD = "status_word:<word>"
    DIRECT = "direct"
    CALLBACK_LOST = "callback_lost"
    CALLBACK_TWICE = "callback_twice"
    CALLBACK_EARLY = "callback_early"
    CALLBACK_FORGED = "callback_forged"
    HINT = "hint"
    STREAM_REPEAT_LAST = "stream_repeat_last"
    STREAM_LONGER_LAST = "stream_longer_last"
    STREAM_EARLY_LAST = "stream_early_last"
    STREAM_NO_LAST = "stream_no_last"
    STREAM_EMPTY = "stream_empty"
    STREAM_STALL = "stream_stall:<s>"
    STREAM_HOLD = "stream_hold"


_ARGUMENTS: Final[Mapping[FaultKind, str]] = {
    FaultKind.CODE: r"code:([1-9][0-9]{0,5})",
    FaultKind.HTTP: r"http:([45][0-9]{2})",
    FaultKind.HTTP_CHARGED: r"http:([45][0-9]{2}):charged",
    FaultKind.CUT: r"cut:([0-9]{1,2}(?:\.[0-9]+)?)",
    FaultKind.HANG: r"hang:([0-9]{1,5}(?:\.[0-9]{1,3})?)",
    FaultKind.STREAM_STALL: r"stream_stall:([0-9]{1,5}(?:\.[0-9]{1,3})?)",
    FaultKind.SLOW: r"slow:([1-9][0-9]{0,9})",
    # Visible ASCII only: the address becomes a header line.
    FaultKind.LINK: r"link:([!-~]{1,2000})",
    FaultKind.REDIRECT: r"redirect:([!-~]{1,2000})",
    FaultKind.STATUS_WORD: r"status_word:([A-Za-z0-9_-]{1,40})",
}
_PATTERNS: Final = {kind: re.compile(_ARGUMENTS.get(kind, f"({re.escape(kind)})")) for kind in FaultKind}
_TAG: Final = re.compile(r"\[\[fault:([^\n]*?)\]\]")


class FaultError(ValueError):
    """An unknown fault, or one that this dialect does not have; the message lists the known ones."""


@dataclass(frozen=True)
class Fault:
    """One requested fault: `name` as written, and its argument (the name itself where it takes none)."""

    name: str
    kind: FaultKind
    argument: str

    @property
    def loggable(self) -> str:
        """The name without the query of its URL, which may be a signature."""
        return self.name.partition("?")[0]


@dataclass(frozen=True)
class FaultRow:
    """A fault in one dialect. The first of `places` is the default."""

    kind: FaultKind
    places: tuple[Place, ...]
    imitates: str
    charged: str
    """Whether a paid POST with this fault on `create` is charged; "-" where the fault does not occur there."""


@dataclass(frozen=True)
class WaitingFault:
    """A fault for the next `times` requests at `place` whose prompt contains `match` (`*`: any)."""

    fault: Fault
    place: Place
    match: str
    times: int

    def fits(self, place: Place, prompt: str, deaf_to: frozenset[FaultKind]) -> bool:
        """Whether this fault applies to a request at `place`."""
        return self.place == place and self.fault.kind not in deaf_to and (self.match == "*" or self.match in prompt)


def parse_fault(name: str) -> Fault:
    """The fault called `name`; raises `FaultError` with the known names where there is none."""
    for kind, pattern in _PATTERNS.items():
        if found := pattern.fullmatch(name):
            return Fault(name, kind, found[1])
    raise FaultError(f"unknown fault {name[:80]!r}; known are {', '.join(FaultKind)}")


class FaultTable:
    """The faults of one dialect; the error for any other names the dialects that have it."""

    def __init__(self, rows: Sequence[FaultRow], players: Mapping[FaultKind, Sequence[str]]) -> None:
        """`players` maps each fault to the dialects that have it."""
        self.rows = tuple(rows)
        self._rows = {row.kind: row for row in rows}
        self._players = players

    def row(self, fault: Fault) -> FaultRow:
        """The row of `fault`; raises `FaultError` where this dialect does not have it."""
        if row := self._rows.get(fault.kind):
            return row
        players = ", ".join(self._players.get(fault.kind, ())) or "no dialect served here"
        raise FaultError(f"fault {fault.kind} means nothing to this dialect; known by: {players}")

    def place(self, fault: Fault, wanted: str | None) -> Place:
        """The wanted place of `fault`, or its default; raises `FaultError` where it cannot occur there."""
        places = self.row(fault).places
        if wanted is None:
            return places[0]
        for place in places:
            if place == wanted:
                return place
        raise FaultError(f"fault {fault.kind} happens on {' or '.join(places)} here, not on {wanted[:20]!r}")

    def tagged(self, prompt: str) -> tuple[WaitingFault, ...]:
        """The faults named in the prompt (`[[fault:NAME]]`), which apply every time at their default places."""
        faults = (parse_fault(name) for name in _TAG.findall(prompt))
        return tuple(WaitingFault(fault, self.place(fault, None), "*", 1) for fault in faults)
