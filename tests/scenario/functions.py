"""The functions that the state machine runs, over the wiring of a world."""

from typing import Any

from fermata.domain.jobs.next_step import read_instant
from fermata.domain.providers.callbacks import new_callback
from fermata.ports.jobs import JobStore
from fermata.use_cases.generation.finish.resume_generation import resume_generation
from fermata.use_cases.generation.finish.settle_job import settle_job
from fermata.use_cases.generation.finish.settle_stored import resume_storage, settle_stored
from fermata.use_cases.generation.follow.await_callback import await_callback
from fermata.use_cases.generation.follow.poll_generation import poll_generation
from fermata.use_cases.generation.purchase.start_generation import start_generation
from fermata.wiring.generation import (
    callback_ports,
    poll_ports,
    poll_run,
    resume_ports,
    settle_ports,
    start_ports,
    store_ports,
)
from tests.fakes.clock import NOON
from tests.scenario.asl_interpreter import Functions
from tests.scenario.world import ScenarioWorld


class MachineFunctions:
    """What each function answers. `latest_token` is what each attempt's callback was last opened with, by job and
    attempt.
    """

    def __init__(self, world: ScenarioWorld, jobs: JobStore) -> None:
        self._world, self._jobs = world, jobs
        self._runs = 0
        self.latest_token: dict[tuple[str, int], str] = {}

    def by_name(self) -> Functions:
        """The functions, by the names that the machine's file knows them by."""
        return {
            "${StartGenerationFunctionArn}": self._start,
            "${PollGenerationFunctionArn}": self._poll,
            "${AwaitCallbackFunctionArn}": self._await,
            "${StoreAudioFunctionArn}": self._store,
            "${SettleJobFunctionArn}": self._settle,
        }

    def _start(self, payload: dict[str, Any]) -> dict[str, Any]:
        world, job_id = self._world, payload["job_id"]
        if payload["may_post"] is not True:
            return resume_generation(job_id, resume_ports(), world.clock()).as_payload()
        self._runs += 1
        job = self._jobs.load(job_id)
        # Chance never comes twice: a run that died after it had opened a callback must not block the next one.
        world.callback_randomness = _randomness(job_id, self._runs)
        attempt = len(job.attempts) + 1 if job else 1
        self.latest_token[job_id, attempt] = new_callback(job_id, attempt, NOON, world.callback_randomness)[0]
        return start_generation(job_id, start_ports(world.remaining_ms), f"run-{self._runs}").as_payload()

    def _poll(self, payload: dict[str, Any]) -> dict[str, Any]:
        not_yet_at, run = read_instant(payload["not_yet_at"]), poll_run(self._world.remaining_ms)
        return poll_generation(payload["job_id"], payload["attempt"], poll_ports(), not_yet_at, run).as_payload()

    def _store(self, payload: dict[str, Any]) -> dict[str, Any]:
        job_id, attempt, ports = payload["job_id"], payload["attempt"], store_ports(self._world.remaining_ms)
        if payload["may_store"] is not True:
            return resume_storage(job_id, attempt, ports.jobs, self._world.clock()).as_payload()
        return {"status": settle_stored(job_id, attempt, ports, settle_ports()).value}

    def _settle(self, payload: dict[str, Any]) -> dict[str, Any]:
        stopped_by = payload.get("failure", {}).get("Error")
        status = settle_job(payload["job_id"], stopped_by, settle_ports(), self._world.clock())
        return {"status": status.value}

    def _await(self, payload: dict[str, Any]) -> dict[str, Any]:
        ports = callback_ports()
        return {"wait": await_callback(payload["job_id"], payload["attempt"], payload["task_token"], ports).value}


def _randomness(job_id: str, run: int) -> bytes:
    return f"{job_id[-26:]}{run:06d}".encode()
