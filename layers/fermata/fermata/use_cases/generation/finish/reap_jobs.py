"""Look after the jobs that nobody seems to move, start the rescue of songs that were paid for and not delivered, and
finish deletions that were begun.
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
from fermata.errors import FermataError, TransientError
from fermata.ports.jobs import DueJobs, JobMachine, RescueMachine
from fermata.use_cases.generation.finish.settle_job import SettlePorts, settle_job
from fermata.use_cases.orders.delete_job import DeletePorts, erase_files

_WHATS: Final = ("started", "settled", "put_off", "rescued", "erased", "skipped", "lost")
"""What may be done for a job; `rescued` means that a run was started, `erased` that files of a deleted job are gone."""
LOST: Final = "JobsNotLookedAfter"
"""The metric of jobs whose record, or what was to be done for them, raised what nobody expects."""
RUNS_FOR: Final = timedelta(seconds=50)
"""How long a run takes new jobs: the next run begins a minute after it and goes on."""


@dataclass(frozen=True)
class ReapPorts:
    """What `reap_jobs` works with; `rescue` bounds what is fetched for ended jobs, `delete` takes the files of deleted
    ones. `lost` hears of each job that could not be looked after, and why. `clock` says how long a run has lasted.
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
    """Start, settle or put off the jobs that are due, as many as `RUNS_FOR` is enough for, and count what was done.
    Trouble with one job does not keep the others waiting: it is looked at again at the next run, and where it is none
    that passes, after the time between two looks at a job that runs.

    Raises `TransientError` where the list of jobs cannot be read.
    """
    done: Counter[str] = Counter()
    for job_id in ports.due.find(now):
        done[_look_after(job_id, ports, now)] += 1
        if ports.clock() - now >= RUNS_FOR:
            break
    return {"due": done.total(), **{what: done[what] for what in _WHATS}}


def _look_after(job_id: str, ports: ReapPorts, now: datetime) -> str:
    try:
        job = ports.settle.jobs.load_existing(job_id)
        return _act(job, ports, now) if is_due(job, now) else "skipped"
    except FermataError as error:
        ports.lost(job_id, error)
    except Exception as error:  # noqa: BLE001 - a broken record may raise anything, and must not stop the others
        ports.lost(job_id, error)
        ports.settle.metrics.count(LOST, None)
        with suppress(TransientError):
            ports.due.put_off_unread(job_id, now + timedelta(seconds=ports.patience.idle_s), now)
    return "lost"


def _act(job: Job, ports: ReapPorts, now: datetime) -> str:
    if job.status.is_terminal and not job.publish_pending:
        return _finish_deletion(job, ports) if job.erasing_until is not None else _rescue(job, ports, now)
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


def _finish_deletion(job: Job, ports: ReapPorts) -> str:
    erase_files(job, ports.delete)
    return "erased"


def _rescue(job: Job, ports: ReapPorts, now: datetime) -> str:
    if not is_waiting(job, now):
        return "skipped"
    match care_for_the_songs_of(job, ports.rescue, now):
        case LookAgain(at):
            ports.due.put_off(job, at, None)
            return "put_off"
        case StartRescue():
            # Written first: a run has its own name each time, so one that was killed at once is followed by another.
            begun = started(job, now)
            ports.settle.jobs.save(begun)
            ports.rescues.start(job.id, begun.rescue.starts if begun.rescue else 1)
            return "rescued"
