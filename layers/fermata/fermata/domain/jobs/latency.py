"""Latencies of each model's last songs."""

from collections.abc import Mapping
from datetime import datetime
from typing import Final, NamedTuple

from pydantic import BaseModel, ConfigDict, NonNegativeInt, PositiveInt

from fermata.domain.catalogue.estimation import Bounds, estimate_from
from fermata.domain.catalogue.models import Estimate
from fermata.domain.jobs.attempt import Attempt
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus

SONGS_KEPT: Final = 30


class SongTime(NamedTuple):
    """When one job's song became ready, in seconds from its order. At `latest_s` the provider's answer had the song; at
    `earliest_s` the song was not ready, or the order was accepted. Older records lack `earliest_s` and count as exact.
    """

    job_id: str
    latest_s: PositiveInt
    earliest_s: NonNegativeInt | None = None

    @property
    def bounds(self) -> Bounds:
        """The bounds of the time at which the song became ready."""
        earliest_s = self.latest_s if self.earliest_s is None else min(self.earliest_s, self.latest_s)
        return Bounds(earliest_s, self.latest_s)


class SongTimes(BaseModel):
    """The last songs by model id, in the order of delivery."""

    model_config = ConfigDict(defer_build=True, frozen=True)

    models: Mapping[str, tuple[SongTime, ...]] = {}

    def with_song(self, model_id: str, song: SongTime) -> "SongTimes":
        """These times with one more song; unchanged if its job was counted before."""
        known = self.models.get(model_id, ())
        if any(each.job_id == song.job_id for each in known):
            return self
        return SongTimes(models={**self.models, model_id: (*known, song)[-SONGS_KEPT:]})

    def estimate(self, model_id: str, prior: Estimate) -> Estimate:
        """The expected latency of a model's next song; the prior without any of its songs."""
        songs = self.models.get(model_id, ())
        return estimate_from([song.bounds for song in songs[-SONGS_KEPT:]], prior)


def song_time_of(job: Job) -> SongTime | None:
    """The latency of a delivered or late song; for a song given up at its deadline, the time until then. None if the
    job failed, or the latency is not recorded: its link was renewed, or the song was made for another job.
    """
    attempt = job.last_attempt
    if job.recovered_from is not None or attempt is None or attempt.finished_at is None or attempt.link_renewals:
        return None
    if job.status is not JobStatus.SUCCEEDED and not _came_late(job, attempt):
        return None
    latest_s = max(1, _seconds(attempt, attempt.finished_at))
    return SongTime(job.id, latest_s, min(latest_s, _seconds(attempt, attempt.not_yet_at or attempt.started_at)))


def _came_late(job: Job, attempt: Attempt) -> bool:
    """Whether the song was ready, or still in progress, when its job expired."""
    if job.status is not JobStatus.EXPIRED or job.failure is None:
        return False
    return attempt.failure is None or attempt.failure.code == job.failure.code


def _seconds(attempt: Attempt, at: datetime) -> int:
    return max(0, round(attempt.age_s(at)))
