"""Show a tenant its jobs, with links minted now."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from pydantic import JsonValue

from fermata.domain.brakes import day_of
from fermata.domain.catalogue import Catalogue, Model
from fermata.domain.downloads import attachment
from fermata.domain.entity_tags import entity_tag
from fermata.domain.job_ids import is_job_id
from fermata.domain.job_view import Link, attempt_view, finished_tracks, job_view
from fermata.domain.jobs import Job, Track
from fermata.domain.model_view import models_view
from fermata.errors import NotFoundError
from fermata.ports import BrakeStore, Estimates, JobStore, ProviderStates, TrackStore
from fermata.use_cases.estimating import estimate_of


@dataclass(frozen=True)
class ShowPorts:
    """What jobs are shown with; links work for `link_ttl_s` seconds."""

    jobs: JobStore
    tracks: TrackStore
    catalogue: Catalogue
    estimates: Estimates
    link_ttl_s: int


@dataclass(frozen=True)
class ReadPorts(ShowPorts):
    """What the reading use cases work with. `budget` is a provider's for a day in millionths of a USD, 0 for none."""

    provider_states: ProviderStates
    brakes: BrakeStore
    budget: Callable[[str], int]


def find_job(job_id: str, tenant_id: str, jobs: JobStore) -> Job:
    """The tenant's job; raises the same `NotFoundError` for an unknown id, for another tenant's and for a deleted
    one.
    """
    job = find_job_or_tombstone(job_id, tenant_id, jobs)
    if job.deleted_at is not None:
        raise _not_found()
    return job


def find_job_or_tombstone(job_id: str, tenant_id: str, jobs: JobStore) -> Job:
    """The tenant's job, a deleted one too; raises `NotFoundError` for an unknown id and for another tenant's."""
    job = jobs.load(job_id) if is_job_id(job_id) else None
    if job is None or job.tenant_id != tenant_id:
        raise _not_found()
    return job


def _not_found() -> NotFoundError:
    return NotFoundError("there is no such job; expected the id of a job that was submitted with this tenant's key")


def show_job(job: Job, api_url: str, ports: ShowPorts, now: datetime) -> dict[str, JsonValue]:
    """The public view of a job, with a fresh link for every finished track."""
    links = {track.number: _link(job, track, ports, now) for track in finished_tracks(job)}
    return job_view(job, estimate_of(job, ports.catalogue, ports.estimates), links, api_url)


@dataclass(frozen=True)
class Reading:
    """A job as it is shown, the tag of that view, and how long half of the songs of the model that is being asked take,
    in seconds.
    """

    job: Job
    view: dict[str, JsonValue]
    entity_tag: str
    usual_time_s: int


def read_job(job_id: str, tenant_id: str, api_url: str, ports: ShowPorts, now: datetime) -> Reading:
    """The tenant's job; raises `NotFoundError` as `find_job` does."""
    job = find_job(job_id, tenant_id, ports.jobs)
    view = show_job(job, api_url, ports, now)
    usual_time_s = estimate_of(job, ports.catalogue, ports.estimates).p50_s
    return Reading(job, view, entity_tag(view, ports.link_ttl_s, now), usual_time_s)


def list_models(ports: ReadPorts, now: datetime) -> dict[str, JsonValue]:
    """Every model on offer with its limits, its price, what its songs take, and whether it can be had at the moment."""
    providers = ports.catalogue.providers()
    states = ports.provider_states.load_all(providers)
    brakes = ports.brakes.load(providers, day_of(now))

    def is_available(model: Model) -> bool:
        held = brakes[model.provider].holding(model.cost_micro_usd, ports.budget(model.provider))
        return held is None and states[model.provider].is_available(model.upstream_model, now)

    return models_view(ports.catalogue, ports.estimates.current(), is_available)


def read_attempts(job_id: str, tenant_id: str, ports: ShowPorts) -> dict[str, JsonValue]:
    """What was tried for one job, oldest first."""
    job = find_job(job_id, tenant_id, ports.jobs)
    return {"data": [attempt_view(attempt) for attempt in job.attempts], "next_cursor": None}


def link_to_audio(job_id: str, tenant_id: str, number: int, ports: ShowPorts, now: datetime) -> Link | Job:
    """A fresh link to one track of a delivered job, or the job itself where it has no such track (yet)."""
    job = find_job(job_id, tenant_id, ports.jobs)
    track = next((track for track in finished_tracks(job) if track.number == number), None)
    return job if track is None else _link(job, track, ports, now)


def _link(job: Job, track: Track, ports: ShowPorts, now: datetime) -> Link:
    extension = track.object_key.rpartition(".")[2]
    disposition = attachment(job.request.title or "", job.id, f"-{track.number}.{extension}")
    url = ports.tracks.link(track, disposition, ports.link_ttl_s)
    return Link(url, now + timedelta(seconds=ports.link_ttl_s))
