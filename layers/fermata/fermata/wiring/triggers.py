"""Wires the use cases of events and files."""

from functools import lru_cache
from typing import TYPE_CHECKING

from fermata import config
from fermata.domain.tenants.plan_limits import (
    TRIGGER_CALLS,
)
from fermata.wiring import accounts, orders, outward, stores

if TYPE_CHECKING:
    from fermata.use_cases.triggers.ingest_event import EventPorts
    from fermata.use_cases.triggers.ingest_file import FilePorts
    from fermata.use_cases.triggers.submit_line import LinePorts


@lru_cache(maxsize=1)
def event_ports() -> "EventPorts":
    """Return the ports of `ingest_event`; the first accepted event builds the ports that submit jobs."""
    from fermata.use_cases.triggers.ingest_event import EventPorts

    return EventPorts(
        orders.submit_ports,
        stores.trigger_store(),
        outward.job_events(),
        accounts.free_calls(TRIGGER_CALLS),
    )


@lru_cache(maxsize=1)
def file_ports() -> "FilePorts":
    """Return the ports of `ingest_file`."""
    from fermata.use_cases.triggers.ingest_file import FilePorts
    from fermata.use_cases.triggers.start_batch import BatchPorts

    settings = config.load(config.IngestSettings)
    batch = BatchPorts(
        inbox=stores.inbox_store(),
        open_batches=stores.open_batches(),
        machine=outward.batch_machine(settings.batch_machine_arn),
        concurrency=settings.batch_concurrency,
        tolerated_failure_percent=settings.batch_tolerated_failure_percent,
    )
    return FilePorts(
        submit=orders.submit_ports,
        triggers=stores.trigger_store(),
        tenants=stores.tenant_store(),
        inbox=batch.inbox,
        events=outward.job_events(),
        batch=batch,
        calls=accounts.free_calls(TRIGGER_CALLS),
    )


@lru_cache(maxsize=1)
def line_ports() -> "LinePorts":
    """Return the ports of `submit_line`."""
    from fermata.use_cases.triggers.submit_line import LinePorts

    return LinePorts(
        orders.submit_ports(),
        stores.trigger_store(),
        stores.inbox_store(),
        accounts.free_calls(TRIGGER_CALLS),
        stores.open_batches(),
    )
