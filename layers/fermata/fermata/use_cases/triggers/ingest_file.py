"""Submit a file of the inbox as a job or as a batch of jobs, and write the result beside it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import JsonValue

from fermata.domain.triggers.inbound_event import refusal_of, sender_of
from fermata.domain.triggers.inbox import InboxFile, accepted, read_created, refused
from fermata.domain.web.json_body import MAX_BODY_BYTES
from fermata.domain.web.problem import problem_of
from fermata.errors import BodyTooLargeError, FieldError, InvalidRequestError, RequestRefusedError, TriggerOffError
from fermata.log import logger
from fermata.ports.jobs import JobEvents
from fermata.ports.tenants import TenantStore
from fermata.ports.triggers import InboxStore, TriggerStore
from fermata.use_cases.accounts.count_calls import FreeCalls
from fermata.use_cases.accounts.suspension import refuse_suspended
from fermata.use_cases.orders.submit_job import Order, SubmitPorts, submit_once
from fermata.use_cases.triggers.ingest_event import job_named
from fermata.use_cases.triggers.start_batch import BatchPorts, start_batch

RESULT: Final = "result.json"


@dataclass(frozen=True)
class FilePorts:
    """Ports of `ingest_file`."""

    submit: Callable[[], SubmitPorts]
    triggers: TriggerStore
    tenants: TenantStore
    inbox: InboxStore
    events: JobEvents
    batch: BatchPorts
    calls: FreeCalls


def ingest_file(event: object, ports: FilePorts, now: datetime) -> None:
    """Submit the file of one notification of the inbox. Notifications may be repeated and come in any order; nothing is
    ordered twice.

    Raises `TransientError` if the notification should be delivered again.
    """
    try:
        file = read_created(event)
    except InvalidRequestError as error:
        problem = problem_of(error)
        logger.error("a notification of the inbox names no file", extra={"problem": problem.slug})
        ports.events.publish(refusal_of(sender_of(event), None, problem))
        return
    tenant_id = file.tenant_id
    logger.append_keys(tenant_id=tenant_id, run=file.run)
    if tenant_id is None or ports.tenants.find_tenant(tenant_id) is None:
        do = "fermata-admin create-tenant, or have the file put under requests/TENANT/ of a tenant"
        logger.warning("a file of no tenant is ignored", extra={"do": do})
    elif any(ports.inbox.names(file.results + RESULT)):
        # A version that has its result is not read again.
        logger.info("this version was submitted before")
        ports.calls.count(tenant_id)
    elif not file.key.endswith("/"):
        _submit_file(file, tenant_id, ports, now)


def _submit_file(file: InboxFile, tenant_id: str, ports: FilePorts, now: datetime) -> None:
    try:
        ports.calls.check(tenant_id)
        check_inbox_is_on(tenant_id, ports.triggers)
        if file.key.endswith(".jsonl"):
            # Each line's order would be refused, too; this spares reading the file.
            refuse_suspended(tenant_id, ports.submit().wallets)
            ports.calls.count(tenant_id)
            start_batch(file, ports.batch, now)
        elif file.key.endswith(".json"):
            _submit_single(file, tenant_id, ports, now)
        else:
            raise InvalidRequestError([FieldError("", "must have a name that ends in .json or .jsonl")])
    except RequestRefusedError as error:
        problem = problem_of(error)
        do = str(error) if isinstance(error, TriggerOffError) else None
        ports.calls.count(tenant_id)
        logger.warning("file refused", extra={"problem": problem.slug, "do": do})
        ports.inbox.put(file.results + RESULT, refused(file, None, problem))


def check_inbox_is_on(tenant_id: str, triggers: TriggerStore) -> None:
    """Raise `TriggerOffError` if the tenant's inbox is off."""
    if not triggers.of_tenant(tenant_id).inbox:
        raise TriggerOffError(
            f"the inbox is off for {tenant_id}; to take its files: fermata-admin set-triggers {tenant_id} --inbox on"
        )


def _submit_single(file: InboxFile, tenant_id: str, ports: FilePorts, now: datetime) -> None:
    if file.size_bytes > MAX_BODY_BYTES:
        raise BodyTooLargeError(f"the file has {file.size_bytes} bytes; at most {MAX_BODY_BYTES} are read")
    body = _whole(ports.inbox.open(file))
    order = Order(body, tenant_id, file.idempotency_key(), job_named)
    job_id = file.job_id(ports.inbox.put_at(file))
    result: dict[str, JsonValue] = accepted(file, None, submit_once(order, job_id, ports.submit(), now).job_id)
    ports.inbox.put(file.results + RESULT, result)
    logger.info("file taken", extra={"job_id": result["job_id"]})


def _whole(chunks: Iterable[bytes]) -> bytes:
    body = bytearray()
    for chunk in chunks:
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            break
    return bytes(body)
