"""Estimates for a job's current model: from its latest songs, or else from the catalogue."""

from collections.abc import Callable
from typing import Final

from fermata.domain.catalogue.models import Catalogue, Estimate
from fermata.domain.catalogue.poll_schedule import Pace
from fermata.domain.jobs.job import Job
from fermata.ports.providers import Estimates

_DELISTED_MODEL: Final = Pace(Estimate.model_construct(p50_s=60, p80_s=120), longest_pause_s=15)


def pace_of(job: Job, catalogue: Catalogue, estimates: Estimates) -> Pace:
    """The estimate and the longest poll pause of the job's current model."""
    model = catalogue.find(job.candidate.model)
    if model is None:
        return _DELISTED_MODEL
    return Pace(estimates.of(model.id, model.estimate), model.longest_poll_pause_s)


def first_poll_s(model_id: str, catalogue: Catalogue) -> int:
    """Seconds until the first poll of a model's song, by the catalogue alone: no read; 0 without the model."""
    model = catalogue.find(model_id)
    return 0 if model is None else Pace(model.estimate, model.longest_poll_pause_s).first_poll_s(0)


def estimator(catalogue: Catalogue, estimates: Estimates) -> Callable[[Job], Estimate]:
    """A function that returns the estimate of a job's current model."""
    return lambda job: estimate_of(job, catalogue, estimates)


def estimate_of(job: Job, catalogue: Catalogue, estimates: Estimates) -> Estimate:
    """The estimate of the job's current model."""
    return pace_of(job, catalogue, estimates).estimate
