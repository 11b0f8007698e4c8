"""Resume stalled jobs, start the rescue of paid but undelivered songs, and finish deletions that were interrupted.
Running it twice, or beside a live execution, changes nothing.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fermata.domain.finish.overdue import (
    Execution,
    LookAgain,
    Patience,
    Settle,
    Start,
    StartRescue,
    care_for,
    care_for_the_songs_of,
    is_due,
)
from fermata.domain.finish.rescue import RescuePolicy, is_waiting, started
from fermata.domain.jobs.job import Job
from fermata.errors import NotFoundError, StaleRecordError, TransientError
from fermata.ports.jobs import DueJobs, JobMachine, RescueMachine
from fermata.use_cases.generation.finish.settle_job import SettlePorts, settle_job
from fermata.use_cases.orders.delete_job import DeletePorts, erase_files

_ACTIONS: Final = ("started", "settled", "put_off", "rescued", "erased", "skipped", "lost")
"""Actions on a job: `rescued` means that a rescue was started, `erased` that the files of a deleted job are gone."""
LOST: Final = "JobsNotLookedAfter"
"""The metric of jobs whose record or action raised an error that the next run would meet again."""
RUNS: Final = "ReaperRuns"
"""The metric of finished runs, one a minute; an alarm hears when they stop."""
RUNS_FOR: Final = timedelta(seconds=50)
"""How long a run takes new jobs: the next run begins a minute after this one and continues."""


@dataclass(frozen=True)
class ReapPorts:
    """Ports of `reap_jobs`. `rescue` limits the fetches for ended jobs; `delete` erases the files of deleted ones.
    `lost` is called with the id of each job whose action failed, and the error. `clock` measures the run's duration.
    """

    settle: SettlePorts
    due: DueJobs
    machine: JobMachine
    patience: Patience
    rescues: RescueMachine
    rescue: RescuePolicy
    delete: DeletePorts
    lost: Callable[[str, Exception], object]
    clock: Callable[[], datetime]


def reap_jobs(ports: ReapPorts, now: datetime) -> dict[str, int]:
    """Start, settle or postpone as many due jobs as `RUNS_FOR` allows, and return the number of jobs by action.
    An error with one job does not delay the others. After one that another run may not meet, the next run tries that
    job again; after any other, it is tried again only after the interval for running jobs.

    Raises `TransientError` if the list of due jobs cannot be read.
    """
    done: Counter[str] = Counter()
    for job_id in ports.due.find(now):
        done[_reap_one(job_id, ports, now)] += 1
        if ports.clock() - now >= RUNS_FOR:
            break
    ports.settle.metrics.count(RUNS, None)
    return {"due": done.total(), **{action: done[action] for action in _ACTIONS}}


def _reap_one(job_id: str, ports: ReapPorts, now: datetime) -> str:
    try:
        job = ports.settle.jobs.load_existing(job_id)
        return _act(job, ports, now) if is_due(job, now) else "skipped"
    except (TransientError, StaleRecordError, NotFoundError) as error:
        ports.lost(job_id, error)
    except Exception as error:  # noqa: BLE001 - one job may raise anything, and must not stop the others
        ports.lost(job_id, error)
        ports.settle.metrics.count(LOST, None)
        with suppress(TransientError):
            ports.due.put_off_unread(job_id, now + timedelta(seconds=ports.patience.idle_s), now)
    return "lost"


def _act(job: Job, ports: ReapPorts, now: datetime) -> str:
    if job.status.is_terminal and not job.publish_pending:
        is_to_erase = job.erasing_until is not None and job.erasing_until <= now
        return _finish_deletion(job, ports, now) if is_to_erase else _rescue(job, ports, now)
    execution = Execution.ENDED if job.status.is_terminal else ports.machine.execution(job.execution_name)
    match care_for(job, execution, ports.patience, now):
        case Start(then):
            ports.machine.start(job.id, job.execution_name)
            ports.due.put_off(job, then, None)
            return "started"
        case Settle(stopped_by):
            settle_job(job.id, stopped_by, ports.settle, now)
            return "settled"
        case LookAgain(at, absent_since):
            ports.due.put_off(job, at, absent_since)
            return "put_off"


def _finish_deletion(job: Job, ports: ReapPorts, now: datetime) -> str:
    erase_files(job, ports.delete, now)
    return "erased"


def _rescue(job: Job, ports: ReapPorts, now: datetime) -> str:
    if not is_waiting(job, now):
        return "skipped"
    match care_for_the_songs_of(job, ports.rescue, now):
        case LookAgain(at):
            ports.due.put_off(job, at, None)
            return "put_off"
        case StartRescue():
            # Recorded before the start: each run has its own name, so another run follows one that was killed at once.
            begun = started(job, now)
            ports.settle.jobs.save(begun)
            ports.rescues.start(job.id, begun.rescue.starts if begun.rescue else 1)
            return "rescued"
