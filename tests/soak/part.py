"""What a part of the soak tells: it is a generator of these."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Found:
    """One line for the reader, and the promises that were broken."""

    line: str
    broken: tuple[str, ...] = ()
