"""Cancel every job that is not yet ordered from a provider, page by page."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue, StrictBool

from fermata.domain.jobs.job import Job
from fermata.errors import AlreadyFinishedError, AlreadyOrderedError, NotFoundError, TransientError
from fermata.ports.jobs import DueJobs, JobStore
from fermata.use_cases.operator.manage_keys import TenantId
from fermata.use_cases.orders.cancel_job import cancel_job

LOOKED_AT: Final = 200
"""Open jobs that one call looks at; it ends within the function's timeout even if each write waits for others."""
OUTCOMES: Final = ("canceled", "followed", "ended", "failed")


class CancelAll(BaseModel):
    """Cancel and refund the jobs of one tenant or of all that wait for a provider, or for any, and leave those that are
    ordered to their ends. Repeating it is harmless; `cursor` goes on where a call stopped.
    """

    model_config = ConfigDict(defer_build=True, extra="forbid")

    action: Literal["cancel_all"]
    tenant_id: TenantId | None = None
    provider: str | None = None
    dry_run: StrictBool = False
    cursor: Annotated[str, Field(max_length=100)] | None = None


@dataclass(frozen=True)
class CancelPorts:
    """Ports of `cancel_all`."""

    jobs: JobStore
    due: DueJobs


def cancel_all(command: CancelAll, ports: CancelPorts, now: datetime) -> dict[str, JsonValue]:
    """The counts of one page of open jobs: `canceled` (by a dry run: would be), `followed` to their ends because they
    are ordered, `ended` meanwhile, `failed` because the table could not be read or written: repeat the command.
    `refunded_credits` are those of the canceled. `next_cursor` is null on the last page. Raises `TransientError`.
    """
    page = list(islice(ports.due.open_jobs(command.cursor), LOOKED_AT + 1))
    done: Counter[str] = Counter()
    refunded = 0
    for job in ports.jobs.load_all(list(dict.fromkeys(job_id for job_id, _ in page[:LOOKED_AT]))):
        if not _is_meant(job, command):
            continue
        outcome = _cancel_one(job, ports.jobs, now, dry_run=command.dry_run)
        done[outcome] += 1
        refunded += job.hold_credits if outcome == "canceled" else 0
    return {
        **{outcome: done[outcome] for outcome in OUTCOMES},
        "refunded_credits": refunded,
        "dry_run": command.dry_run,
        "next_cursor": page[LOOKED_AT - 1][1] if len(page) > LOOKED_AT else None,
    }


def _is_meant(job: Job, command: CancelAll) -> bool:
    return command.tenant_id in (None, job.tenant_id) and command.provider in (None, job.candidate.provider)


def _cancel_one(job: Job, jobs: JobStore, now: datetime, *, dry_run: bool) -> str:
    if job.status.is_terminal:
        return "ended"
    if not job.may_cancel:
        return "followed"
    if dry_run:
        return "canceled"
    try:
        cancel_job(job.id, job.tenant_id, jobs, now, by_operator=True)
    except AlreadyOrderedError:
        return "followed"
    except (AlreadyFinishedError, NotFoundError):
        return "ended"
    except TransientError:
        return "failed"
    return "canceled"
