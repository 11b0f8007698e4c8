"""Buy one song, unless an obstacle prevents the purchase."""

from datetime import timedelta

from fermata.domain.jobs.job import Job
from fermata.domain.jobs.next_step import NextStep
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.purchase.before_purchase import Cleared, before_purchase, step_instead
from fermata.use_cases.generation.purchase.provider_queue import Request
from fermata.use_cases.generation.purchase.purchase import purchase
from fermata.use_cases.generation.purchase.run import StartPorts, StartRun


def start_generation(job_id: str, ports: StartPorts, claim_id: str) -> NextStep:
    """Order the job's song if the record allows a new attempt, its reference is prepared and the provider's queue
    admits it; else return the step that is missing, or the next step on record.

    Exactly one run of an attempt wins the claim. `claim_id` must be new for every run.
    """
    job = ports.resume.jobs.load_existing(job_id)
    if not job.may_claim(ports.clock()):
        return resume_generation(job_id, ports.resume, ports.clock())
    run = _run_for(job, ports, claim_id)
    found = before_purchase(run)
    if isinstance(found, Cleared):
        return purchase(run, found)
    return step_instead(run, found)


def _run_for(job: Job, ports: StartPorts, claim_id: str) -> StartRun:
    ordered = job.candidate
    request = Request(
        provider=ordered.provider,
        job_id=job.id,
        attempt=len(job.attempts) + 1,
        model=ordered.upstream_model,
        is_listed=ordered.model in ports.resume.catalogue.listed_ids,
        has_alternative=job.has_another_provider,
    )
    # Clock and remaining time are read together, so their sum is the end of this invocation at any time of the claim.
    claim_until = ports.clock() + timedelta(seconds=ports.remaining_s() + ports.claim_margin_s)
    return StartRun(
        job=job,
        ordered=ordered,
        ids=job.ids,
        request=request,
        claim_id=claim_id,
        claim_until=claim_until,
        ports=ports,
    )
