"""When a song is not wanted any more: which deadlines are accepted, and what they mean for ordering."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from fermata.domain.catalogue import Estimate
from fermata.errors import FieldError


def wrong_deadline(
    finish_by: datetime | None, estimate: Estimate, longest_s: int, now: datetime
) -> Iterator[FieldError]:
    """What is wrong with a request's `finish_by`: in the past, too soon for the model, or more than `longest_s` seconds
    away. It must leave twice the time in which four of five songs are ready.
    """
    if finish_by is None:
        return
    earliest, latest = now + timedelta(seconds=2 * estimate.p80_s), now + timedelta(seconds=longest_s)
    if not earliest <= finish_by <= latest:
        wrong = "is in the past" if finish_by <= now else "is too soon" if finish_by < earliest else "is too far away"
        allowed = f"{earliest:%Y-%m-%dT%H:%M:%SZ} to {latest:%Y-%m-%dT%H:%M:%SZ}"
        yield FieldError("/finish_by", f"{wrong}: this model takes a moment from {allowed}")


def start_by(finish_by: datetime | None, estimate: Estimate, patience_s: int, now: datetime) -> datetime:
    """Until when the song may be ordered: `patience_s` seconds from now, or as long as it is likely to be in time."""
    patient = now + timedelta(seconds=patience_s)
    return patient if finish_by is None else min(patient, finish_by - timedelta(seconds=estimate.p80_s))
