"""Step Functions' executions: those that ran when the cloud ended are begun again under their names."""

import copy
import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from local.emulator import moto_seams
from local.emulator.moto_seams import MotoValue
from local.emulator.step_functions import ended_worker
from local.state.emulated import seams
from local.state.journal import Journal
from local.state.store import Change

KIND: Final = "execution"
_RUNNING: Final = "RUNNING"
_KEPT_FOR: Final = timedelta(days=90)
"""Step Functions' own limit for an execution that has ended."""


class Executions:
    """Keeps name, input and end of each execution; where it is in its machine is not kept."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._interrupted: list[tuple[MotoValue, dict[str, Any]]] = []
        self._beginning = threading.local()

    def install(self) -> None:
        """Keep every start from now on, and give each machine its former executions as soon as it is created."""
        create, start = seams.CREATE_MACHINE.original, moto_seams.EXECUTION_START.original

        def create_state_machine(backend: MotoValue, *rest: MotoValue, **named: MotoValue) -> MotoValue:
            machine = create(backend, *rest, **named)
            if not machine.executions:
                self._fill(machine)
            return machine

        def started(execution: MotoValue) -> None:
            self._journal.add([_change(execution, _RUNNING)])
            start(execution)

        seams.CREATE_MACHINE.replace(create_state_machine)
        moto_seams.EXECUTION_START.replace(started)
        self._start = start

    def ended(self, execution: MotoValue) -> None:
        """Keep the end of an execution, once the event of it is delivered or kept."""
        self._journal.add([_change(execution, str(execution.status))])

    def begin_again(self) -> int:
        """Start each interrupted execution at its first state; its name, input and start date are what they were, and
        no event says that it started. Returns their number.
        """
        interrupted, self._interrupted = self._interrupted, []
        for machine, kept in interrupted:
            execution = _execution(machine, kept)
            machine.executions.append(execution)
            self._start(execution)
        return len(interrupted)

    def _fill(self, machine: MotoValue) -> None:
        store, oldest = self._journal.store, (datetime.now(UTC) - _KEPT_FOR).isoformat()
        snapshot, gone = _snapshot(machine), []
        for name, text in store.read(KIND, machine.name):
            kept = json.loads(text)
            if kept["status"] == _RUNNING:
                self._interrupted.append((machine, kept))
            elif kept["stopped_at"] < oldest:
                gone.append(Change(KIND, machine.name, name, None))
            else:
                machine.executions.append(_ended(snapshot, kept))
        store.write(gone)


def _change(execution: MotoValue, status: str) -> Change:
    kept = {
        "name": execution.name,
        "arn": execution.exec_arn,
        "status": status,
        "input": execution.execution_input,
        "started_at": execution.start_date.isoformat(),
        "stopped_at": execution.stop_date and execution.stop_date.isoformat(),
        "output": execution.output,
        "error": execution.error,
        "cause": execution.cause,
    }
    return Change(KIND, execution.state_machine.name, execution.name, json.dumps(kept, default=str))


def _snapshot(machine: MotoValue) -> MotoValue:
    """Return the machine as an execution of it sees it, as moto does at each start."""
    return copy.deepcopy(machine, {id(machine.executions): [], id(machine.backend): machine.backend})


def _execution(machine: MotoValue, kept: dict[str, Any], snapshot: MotoValue = None) -> MotoValue:
    from moto.stepfunctions.parser.backend.execution import Execution

    snapshot = snapshot or _snapshot(machine)
    return Execution(
        name=kept["name"],
        sm_type=machine.sm_type,
        role_arn=machine.roleArn,
        exec_arn=kept["arn"],
        account_id=machine.backend.account_id,
        region_name=machine.backend.region_name,
        state_machine=snapshot,
        start_date=datetime.fromisoformat(kept["started_at"]),
        cloud_watch_logging_session=None,
        input_data=kept["input"],
        activity_store={},
    )


def _ended(snapshot: MotoValue, kept: dict[str, Any]) -> MotoValue:
    from moto.stepfunctions.parser.api import ExecutionStatus

    execution = _execution(snapshot, kept, snapshot)
    execution.exec_status = ExecutionStatus(kept["status"])
    execution.stop_date = datetime.fromisoformat(kept["stopped_at"])
    execution.output, execution.error, execution.cause = kept["output"], kept["error"], kept["cause"]
    # Histories are not kept.
    execution.exec_worker = ended_worker()
    return execution
