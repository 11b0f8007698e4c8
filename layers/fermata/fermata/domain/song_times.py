"""What the last songs of each model took, and the estimates that follow from it."""

from collections.abc import Mapping
from math import ceil
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, PositiveInt

from fermata.domain.catalogue import Estimate
from fermata.domain.jobs import Job, JobStatus

SONGS_KEPT: Final = 50
SONGS_ENOUGH: Final = 5
"""Fewer songs than this say less about a model than its prior does."""
MODELS_KEPT: Final = 64
"""Callers choose the names of a family's models; without a limit they could make the record as long as they like."""


class SongTime(NamedTuple):
    """What one job's song took, in seconds from the order to the provider's answer that had it."""

    job_id: str
    seconds: PositiveInt


class SongTimes(BaseModel):
    """Per model id the last songs, in the order in which they were delivered."""

    model_config = ConfigDict(frozen=True)

    models: Mapping[str, tuple[SongTime, ...]] = {}

    def with_song(self, model_id: str, song: SongTime) -> "SongTimes":
        """These times and one more; the same times where the job was counted before."""
        known = self.models.get(model_id, ())
        if any(each.job_id == song.job_id for each in known):
            return self
        models = {**self.models, model_id: (*known, song)[-SONGS_KEPT:]}
        if len(models) > MODELS_KEPT:
            # Job ids sort by time, so this is the model that was ordered longest ago.
            del models[min(models, key=lambda each: max(songs.job_id for songs in models[each]))]
        return SongTimes(models=models)

    def estimates(self) -> dict[str, Estimate]:
        """The estimate of each model that has sung often enough."""
        return {
            model_id: _estimate([song.seconds for song in songs])
            for model_id, songs in self.models.items()
            if len(songs) >= SONGS_ENOUGH
        }


def song_time_of(job: Job) -> SongTime | None:
    """What the song of a delivered job took; None where the job failed, and where the work is not on record: its link
    had to be renewed, or it was done for another job.
    """
    attempt = job.last_attempt
    if job.recovered_from is not None:
        return None
    if job.status is not JobStatus.SUCCEEDED or attempt is None or attempt.finished_at is None or attempt.link_renewals:
        return None
    return SongTime(job.id, max(1, round((attempt.finished_at - attempt.started_at).total_seconds())))


def _estimate(seconds: list[int]) -> Estimate:
    ordered = sorted(seconds)
    return Estimate(p50_s=_percentile(ordered, 50), p80_s=_percentile(ordered, 80))


def _percentile(ordered: list[int], percent: int) -> int:
    """The nearest rank: the smallest value that so many percent of all are not above."""
    return ordered[ceil(len(ordered) * percent / 100) - 1]
