"""Look after the jobs that nobody seems to move. Running it twice, or beside a live execution, changes nothing."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from fermata.domain.jobs import Job
from fermata.domain.reaping import Execution, LookAgain, Patience, Settle, Start, care_for, is_due
from fermata.errors import FermataError
from fermata.ports import DueJobs, JobMachine
from fermata.use_cases.resume_generation import load_job
from fermata.use_cases.settle_job import SettlePorts, settle_job


@dataclass(frozen=True)
class ReapPorts:
    """What `reap_jobs` works with. `lost` hears of each job that could not be looked after, and why."""

    settle: SettlePorts
    due: DueJobs
    machine: JobMachine
    patience: Patience
    lost: Callable[[str, FermataError], object]


def reap_jobs(ports: ReapPorts, now: datetime) -> dict[str, int]:
    """Start, settle or put off every job that is due, and count what was done. Trouble with one job does not keep the
    others waiting: it is looked at again at the next run.

    Raises `TransientError` where not even the list of jobs can be read.
    """
    job_ids = ports.due.find(now)
    done = Counter(_look_after(job_id, ports, now) for job_id in job_ids)
    return {"due": len(job_ids), **{what: done[what] for what in ("started", "settled", "put_off", "skipped", "lost")}}


def _look_after(job_id: str, ports: ReapPorts, now: datetime) -> str:
    try:
        job = load_job(job_id, ports.settle.jobs)
        return _act(job, ports, now) if is_due(job, now) else "skipped"
    except FermataError as error:
        ports.lost(job_id, error)
        return "lost"


def _act(job: Job, ports: ReapPorts, now: datetime) -> str:
    execution = Execution.ENDED if job.status.is_terminal else ports.machine.execution(job.id)
    match care_for(job, execution, ports.patience, now):
        case Start(then):
            ports.machine.start(job.id)
            ports.due.put_off(job, then, None)
            return "started"
        case Settle(stopped_by):
            settle_job(job.id, stopped_by, ports.settle, now)
            return "settled"
        case LookAgain(at, absent_since):
            ports.due.put_off(job, at, absent_since)
            return "put_off"
