"""Show a tenant its jobs, with fresh links."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.catalogue.models import Catalogue
from fermata.domain.catalogue.view import EVERY_MODEL, ModelQuery, ModelView, model_views
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.songs import Track
from fermata.domain.jobs.view import JobView, Link, WantedAudio, finished_tracks, sound_of
from fermata.domain.orders.job_id import is_job_id
from fermata.domain.web.download_name import attachment
from fermata.errors import NotFoundError
from fermata.ports.audio import OriginalStore, TrackStore
from fermata.ports.jobs import JobStore
from fermata.ports.providers import Estimates
from fermata.use_cases.live.live_address import LiveAddressPorts, live_address
from fermata.use_cases.orders.availability import AvailabilityPorts, availability
from fermata.use_cases.orders.estimates import estimate_of

ORIGINAL_KEPT_FOR: Final = timedelta(days=30)
"""How long the provider's file of a marked song can be had, from the end of its job; as long as its staged answer."""


@dataclass(frozen=True)
class ShowPorts:
    """Ports of `show_job`. Links are valid for `link_ttl_s` seconds. Without `live`, no job has a live address."""

    jobs: JobStore
    tracks: TrackStore
    catalogue: Catalogue
    estimates: Estimates
    link_ttl_s: int
    live: LiveAddressPorts | None


@dataclass(frozen=True)
class OriginalPorts:
    """Ports of `link_to_audio`."""

    show: ShowPorts
    originals: OriginalStore


@dataclass(frozen=True)
class ReadPorts(ShowPorts):
    """Ports of `list_models`."""

    availability: AvailabilityPorts


def find_job(job_id: str, tenant_id: str, jobs: JobStore) -> Job:
    """The tenant's job. Raises the same `NotFoundError` for an unknown id, another tenant's job and a deleted one."""
    job = find_job_or_tombstone(job_id, tenant_id, jobs)
    if job.deleted_at is not None:
        raise _not_found()
    return job


def find_job_or_tombstone(job_id: str, tenant_id: str, jobs: JobStore) -> Job:
    """The tenant's job, even if deleted. Raises `NotFoundError` for an unknown id and another tenant's job."""
    job = jobs.load(job_id) if is_job_id(job_id) else None
    if job is None or job.tenant_id != tenant_id:
        raise _not_found()
    return job


def _not_found() -> NotFoundError:
    return NotFoundError("there is no such job; expected the id of a job that was submitted with this tenant's key")


def show_job(job: Job, ports: ShowPorts, now: datetime) -> JobView:
    """The view of a job, with a fresh link for every finished track."""
    links = {track.number: _link(job, track, ports, now) for track in finished_tracks(job)}
    live_url = live_address(job, ports.live) if ports.live is not None else None
    return JobView(job, estimate_of(job, ports.catalogue, ports.estimates), links, ports.link_ttl_s, live_url)


def read_job(job_id: str, tenant_id: str, ports: ShowPorts, now: datetime) -> JobView:
    """The view of the tenant's job; raises `NotFoundError` as `find_job` does."""
    return show_job(find_job(job_id, tenant_id, ports.jobs), ports, now)


def list_models(ports: ReadPorts, now: datetime, query: ModelQuery = EVERY_MODEL) -> tuple[ModelView, ...]:
    """The wanted models on offer with their limits, prices, estimates, and whether they are available now."""
    available = availability(ports.catalogue, ports.availability, now)
    ports.estimates.read_ahead([model.id for model in ports.catalogue.models])
    estimates = {model.id: ports.estimates.of(model.id, model.estimate) for model in ports.catalogue.models}
    return query.of(
        model_views(ports.catalogue, estimates, lambda model: available.is_available(model, model.cost_micro_usd))
    )


def link_to_audio(job_id: str, wanted: WantedAudio, ports: OriginalPorts, now: datetime) -> Link | JobView:
    """A fresh link to the wanted track, or to the file that its provider sent; the view of the job without links if it
    has no such track (yet). A track that was stored as it came is its provider's file.

    Raises `NotFoundError` as `find_job` does, and for a provider's file that is kept no longer.
    """
    job = find_job(job_id, wanted.tenant_id, ports.show.jobs)
    track = next((track for track in finished_tracks(job) if wanted.number in (None, track.number)), None)
    if track is None:
        return JobView(job, estimate_of(job, ports.show.catalogue, ports.show.estimates))
    if wanted.as_sent:
        _check_age(job, track, now)
    return _original(job, track, ports, now) if wanted.as_sent and track.edits else _link(job, track, ports.show, now)


def _check_age(job: Job, track: Track, now: datetime) -> None:
    kept_until = min((job.finished_at or job.created_at) + ORIGINAL_KEPT_FOR, track.expires_at)
    if now >= kept_until:
        raise NotFoundError(
            f"the provider's own file of track {track.number} was kept until {kept_until:%Y-%m-%d}; leave out original "
            "to get the track itself while it is kept"
        )


def _original(job: Job, track: Track, ports: OriginalPorts, now: datetime) -> Link:
    ports.originals.restore(track)
    try:
        find_job(job.id, job.tenant_id, ports.show.jobs)
    except NotFoundError:
        # The job was deleted meanwhile, perhaps before the file was there to be deleted.
        ports.originals.forget(job.id)
        raise
    extension = track.object_key.rpartition(".")[2]
    disposition = _saved_as(job, track, f"original.{extension}")
    ttl_s = ports.show.link_ttl_s
    return Link(ports.originals.link(track, disposition, ttl_s), now + timedelta(seconds=ttl_s))


def _link(job: Job, track: Track, ports: ShowPorts, now: datetime) -> Link:
    # Not from the media type: another version may have stored a container that this one's table lacks.
    extension = track.object_key.rpartition(".")[2]
    url = ports.tracks.link(track, _saved_as(job, track, extension), ports.link_ttl_s)
    return Link(
        url,
        now + timedelta(seconds=ports.link_ttl_s),
        subtitles_url=_url_beside(job, track, track.subtitles_key, "subtitles", ports),
        webvtt_url=_url_beside(job, track, track.webvtt_key, "subtitles", ports),
        peaks_url=_url_beside(job, track, sound_of(job, track).peaks_key, "peaks", ports),
    )


def _url_beside(job: Job, track: Track, key: str | None, name: str, ports: ShowPorts) -> str | None:
    """A link to a file beside the track, None where it has none; `name` and the key's ending name the download."""
    if key is None:
        return None
    return ports.tracks.link_beside(key, _saved_as(job, track, f"{name}.{key.rpartition('.')[2]}"), ports.link_ttl_s)


def _saved_as(job: Job, track: Track, ending: str) -> str:
    """The name under which a browser saves a file of a track."""
    return attachment(job.request.title or "", job.id, f"-{track.number}.{ending}")
