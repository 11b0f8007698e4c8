"""How much of what a job is billed by was delivered."""

from decimal import Decimal
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import Charged

SONG: Final = "song"


def as_number(units: Decimal) -> int | float:
    """Units as a JSON number, without a fraction where they are whole."""
    return int(units) if units == int(units) else float(units)


def units_of(job: Job) -> tuple[Decimal, str]:
    """The delivered units of an ended job, 0 unless it was delivered, and their unit. A tombstone has no songs left, so
    its units are only known from before.
    """
    return Decimal(len(job.tracks) if job.charged is Charged.YES else 0), SONG
