"""Link to a song as its provider sent it, without Fermata's marks."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Track
from fermata.domain.jobs.view import JobView, Link, finished_tracks
from fermata.domain.web.download_name import attachment
from fermata.errors import NotFoundError
from fermata.ports.audio import OriginalStore
from fermata.use_cases.orders.read_jobs import ShowPorts, find_job, link_to_audio

ORIGINAL_KEPT_FOR: Final = timedelta(days=30)
"""How long the provider's file of a marked song can be had, from the end of its job; as long as its staged answer."""


@dataclass(frozen=True)
class OriginalPorts:
    """Ports of `link_to_original`."""

    show: ShowPorts
    originals: OriginalStore


def link_to_original(
    job_id: str, tenant_id: str, number: int | None, ports: OriginalPorts, now: datetime
) -> Link | JobView:
    """A fresh link to the file that the provider sent for the track with this number, or for None the first finished
    track; the view of the job if it has no such track (yet). A song that was stored as it came has no other file.

    Raises `NotFoundError` as `find_job` does, and once the file is kept no longer.
    """
    job = find_job(job_id, tenant_id, ports.show.jobs)
    track = next((track for track in finished_tracks(job) if number in (None, track.number)), None)
    if track is None:
        return link_to_audio(job_id, tenant_id, number, ports.show, now)
    _check_age(job, track, now)
    if not track.edits:
        return link_to_audio(job_id, tenant_id, track.number, ports.show, now)
    ports.originals.restore(track)
    _check_it_is_wanted(job, ports)
    extension = track.object_key.rpartition(".")[2]
    disposition = attachment(job.request.title or "", job.id, f"-{track.number}.original.{extension}")
    ttl_s = ports.show.link_ttl_s
    return Link(ports.originals.link(track, disposition, ttl_s), now + timedelta(seconds=ttl_s))


def _check_age(job: Job, track: Track, now: datetime) -> None:
    kept_until = min((job.finished_at or job.created_at) + ORIGINAL_KEPT_FOR, track.expires_at)
    if now >= kept_until:
        raise NotFoundError(
            f"the provider's own file of track {track.number} was kept until {kept_until:%Y-%m-%d}; leave out original "
            "to get the track itself while it is kept"
        )


def _check_it_is_wanted(job: Job, ports: OriginalPorts) -> None:
    """Delete what was restored of a job that was deleted meanwhile."""
    try:
        find_job(job.id, job.tenant_id, ports.show.jobs)
    except NotFoundError:
        ports.originals.forget(job.id)
        raise
