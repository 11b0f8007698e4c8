"""Prepare the table that a deployment is to use. A restored table gets every provider paused before any function that
can order reaches it: the template takes the table's name from this answer.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_pascal

from fermata.domain.operator.restored_table import Preparation, unfit
from fermata.domain.operator.stack_events import RequestType, StackAnswer, StackEvent, refused
from fermata.domain.providers.spending import EVERY_PROVIDER
from fermata.errors import FermataError, NewerRecordError, UnreadableRecordError
from fermata.ports.jobs import DueJobs, JobStore
from fermata.ports.operator import RestoredTable
from fermata.ports.providers import BrakeStore
from fermata.use_cases.restore.recover_jobs import EVERY_ONE

TABLE_IN_USE: Final = "Custom::TableInUse"
"""The type of the custom resource."""
_LOOKED_AT: Final = 200
"""Most jobs that are read to find out which release wrote the table."""


@dataclass(frozen=True)
class TablePorts:
    """Ports of `prepare_table`."""

    table: RestoredTable
    brakes: BrakeStore
    due: DueJobs
    jobs: JobStore
    providers: Collection[str]


class _Properties(BaseModel):
    """The properties of the custom resource: the table's name and ARN, and the name of a restored table or nothing."""

    model_config = ConfigDict(defer_build=True, alias_generator=to_pascal, hide_input_in_errors=True)

    table: str
    table_arn: str
    restored_table_name: str = ""


def prepare_table(event: StackEvent, ports: TablePorts, now: datetime) -> StackAnswer:
    """Return the answer to CloudFormation: the table's name as the resource's id, its `Arn`, and since when a restored
    table is in use (`RestoredAt`, empty for the stack's own); or in a sentence why the table is refused.

    A restored table is prepared once: a later deployment finds the note of the first one and pauses nothing.
    """
    if event.request_type is RequestType.DELETE:
        return StackAnswer(event.physical_resource_id)
    try:
        asked = _Properties.model_validate(event.resource_properties)
    except ValidationError:
        return refused(event, "the template gives this resource wrong properties")
    restored_at = ""
    if asked.restored_table_name:
        try:
            prepared = _prepared(asked.table, ports, now)
        except FermataError as error:
            return refused(event, str(error))
        if isinstance(prepared, str):
            return refused(event, prepared)
        restored_at = prepared.at.isoformat()
    attributes = {"Arn": asked.table_arn, "RestoredAt": restored_at}
    return StackAnswer(asked.table, attributes=attributes)


def _prepared(name: str, ports: TablePorts, now: datetime) -> Preparation | str:
    facts = ports.table.facts()
    why = unfit(name, facts)
    if facts is None or why is not None:
        return why or ""
    before = ports.table.preparation()
    if before is not None and before.identity == facts.identity:
        return before
    if (newer := _newer(ports)) is not None:
        return f"RestoredTableName: {name} is of a newer release: {newer}; deploy that release"
    # The note last: where this run is killed, the next one pauses again.
    for provider in (*sorted(ports.providers), EVERY_PROVIDER):
        ports.brakes.pause(provider, now)
    prepared = Preparation(facts.identity, now)
    ports.table.note(prepared)
    return prepared


def _newer(ports: TablePorts) -> str | None:
    """What shows that a newer release wrote the table, if one of its open jobs does."""
    for job_id in islice(ports.due.find(EVERY_ONE), _LOOKED_AT):
        try:
            ports.jobs.load(job_id)
        except NewerRecordError as error:
            return str(error)
        except UnreadableRecordError:
            # Broken; recovering it says so.
            continue
    return None
