"""What one tenant may try on a running cloud at its operator's cost, an attack each: how it is got ready, what one of
its requests is, and how many of them the limits of a plan let through in an hour.
"""

import json
import secrets
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final
from uuid import uuid4

import httpx

from fermata.domain.tenants.api_keys import KEY_RANDOM_BYTES, new_api_key
from fermata.domain.tenants.plan_limits import DEFAULT_LIMITS
from tests.integration.cloud_process import until
from tests.integration.song import TERMINAL, TLS, Cloud, request
from tests.integration.use_cases.triggers.inbox import Inbox, invocations
from tests.integration.webhook_receiver import Receiver

ACCOUNT: Final = "123456789012"
"""The account that everything on one machine belongs to."""
HELD_PROVIDER: Final = "skillboss"
HELD: Final = "skillboss/music-2.5"
"""Nothing is ordered there as long as attacks go on, so that these orders stay queued."""
HOUR_S: Final = 3600
LINES: Final = 10
"""Lines of a file that is refused line by line."""
_INGEST: Final = "IngestRequestFunction"


@dataclass
class Tenant:
    """A tenant of its own with a key, on the usual plan."""

    cloud: Cloud
    credits: int = 0
    limits: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.tenant_id = f"tenant-{uuid4().hex[:12]}"
        self.cloud.manage(action="create_tenant", tenant_id=self.tenant_id)
        if self.limits:
            self.limit(**self.limits)
        if self.credits:
            self.cloud.manage(action="grant", tenant_id=self.tenant_id, credits=self.credits)
        key = self.cloud.manage(action="issue_key", tenant_id=self.tenant_id)["api_key"]
        self.http = client(self.cloud, key)

    def limit(self, **limits: int) -> None:
        """Put the tenant on the usual plan with these limits; one that this deployment does not know is left out."""
        known = {name: limit for name, limit in limits.items() if hasattr(DEFAULT_LIMITS, name)}
        self.cloud.manage(action="set_plan", tenant_id=self.tenant_id, plan="prepaid", **known)

    def order(self, prompt: str, headers: Mapping[str, str] | None = None, **fields: object) -> httpx.Response:
        """What an order of a song is told."""
        return self.http.post("/v1/jobs", json=request(prompt, **fields), headers=dict(headers or {}))

    def ended(self, job_id: str) -> dict[str, Any]:
        """A job of this tenant once it has ended; the table is asked, because reads are limited."""
        self.cloud.until(lambda: self._status(job_id) in TERMINAL)
        return dict(self.http.get(f"/v1/jobs/{job_id}").raise_for_status().json())

    def made(self, prompt: str) -> str:
        """The id of a job of this tenant that has ended."""
        job_id = str(self.order(prompt).raise_for_status().json()["id"])
        return str(self.ended(job_id)["id"])

    def _status(self, job_id: str) -> str:
        key = {"pk": {"S": f"JOB#{job_id}"}, "sk": {"S": "JOB"}}
        item = self.cloud.aws("dynamodb").get_item(TableName=self.cloud.line["outputs"]["TableName"], Key=key)
        return str(item["Item"]["status"]["S"])


def client(cloud: Cloud, api_key: str) -> httpx.Client:
    """A client that costs this machine less than one that holds every answer against the document."""
    headers = {"Authorization": f"Bearer {api_key}"}
    limits = httpx.Limits(max_connections=None)
    return httpx.Client(base_url=cloud.line["api_url"], headers=headers, timeout=120, verify=TLS, limits=limits)


def nothing_more() -> None:
    """For attacks of which nothing goes on once their requests are answered."""


@dataclass(frozen=True)
class Attack:
    """`send` makes the request of a number, which AWS bills as `sent_as` before any function runs, and gives back its
    status (202 where there is no answer); it counts as `times` against the limit named `bound`, which lets `an_hour`
    through, None where no plan bounds them. A plan with `tight` refuses them, once `until_refused` of them have told
    every environment of a function of it. `settle` waits for what goes on after them. `paid`: only a tenant with
    credits, or with songs that it paid for, can do this. `at_most` of them are sent.
    """

    name: str
    tenant: Tenant
    send: Callable[[int], int]
    bound: str
    an_hour: float | None
    tight: Mapping[str, int] = field(default_factory=dict)
    settle: Callable[[], None] = nothing_more
    paid: bool = False
    sent_as: Mapping[str, int] = field(default_factory=lambda: {"requests": 1})
    until_refused: int = 35
    times: int = 1
    at_most: int = 1_000


def _minute_limit(name: str) -> float | None:
    limit = getattr(DEFAULT_LIMITS, name, None)
    return None if limit is None else limit * 60


def attacks(cloud: Cloud, receiver: Receiver) -> list[Attack]:
    """All that are made of single requests, each with a tenant of its own that is ready."""
    made = (
        _refused_orders,
        _reads,
        _strangers,
        _uploads,
        _vain_cancels,
        _junk_files,
        _refused_lines,
        _events,
        partial(_webhook_replays, receiver=receiver),
        _orders_taken_back,
    )
    # Most of it is waiting for songs.
    with ThreadPoolExecutor(len(made)) as at_once:
        return [attack for some in at_once.map(lambda make: make(cloud), made) for attack in some]


def _refused_orders(cloud: Cloud) -> list[Attack]:
    limit = "refused_orders_per_minute"
    poor, wrong, keyed, waiting = Tenant(cloud), Tenant(cloud), Tenant(cloud, 1_000), Tenant(cloud, 1_000)
    key, prefer = {"Idempotency-Key": "once"}, {"Prefer": "wait=5"}
    for tenant in (keyed, waiting):
        tenant.ended(tenant.order("a replayed song", key).raise_for_status().json()["id"])

    def lacks_credit(number: int) -> int:
        return poor.order(f"out of credit {number}").status_code

    def is_wrong(number: int) -> int:
        return wrong.order(f"a wrong order {number}", tempo=90).status_code

    def replays(_: int) -> int:
        return keyed.order("a replayed song", key).status_code

    def replays_and_waits(_: int) -> int:
        return waiting.order("a replayed song", {**key, **prefer}).status_code

    kinds = (
        ("orders without credit", poor, lacks_credit, False),
        ("invalid orders", wrong, is_wrong, False),
        ("replays of an Idempotency-Key", keyed, replays, False),
        ("replays with Prefer: wait", waiting, replays_and_waits, False),
    )
    return [
        Attack(name, who, send, limit, _minute_limit(limit), {limit: 1}, paid=paid) for name, who, send, paid in kinds
    ]


def _reads(cloud: Cloud) -> list[Attack]:
    limit = "reads_per_minute"
    reader, guesser, lister = Tenant(cloud), Tenant(cloud), Tenant(cloud, 10_000)
    listed_jobs = [lister.order(f"a listed song {number}").raise_for_status() for number in range(3)]
    for each in listed_jobs:
        lister.ended(each.json()["id"])

    def account(_: int) -> int:
        return reader.http.get("/v1/account").status_code

    def guess(number: int) -> int:
        return guesser.http.get(f"/v1/jobs/job_01JD0{number:021d}").status_code

    def listed(_: int) -> int:
        return lister.http.get("/v1/jobs", params={"limit": 100}).status_code

    kinds = (
        ("reads of the account", reader, account),
        ("guessed job ids", guesser, guess),
        ("lists of three jobs", lister, listed),
    )
    return [Attack(name, who, send, limit, _minute_limit(limit), {limit: 1}) for name, who, send in kinds]


def _strangers(cloud: Cloud) -> list[Attack]:
    """Those who need no key: every guess is another one, so that nothing remembers it."""
    tenant, http = Tenant(cloud), client(cloud, "none")

    def key(_: int) -> int:
        guessed, _record = new_api_key(
            "nobody", datetime.now(UTC), uuid4().bytes + uuid4().bytes[: KEY_RANDOM_BYTES - 16]
        )
        return http.get("/v1/account", headers={"Authorization": f"Bearer {guessed}"}).status_code

    def callback(_: int) -> int:
        return http.post(f"/v1/callbacks/{secrets.token_urlsafe(32)}", json={}).status_code

    return [
        Attack("guessed API keys", tenant, key, "no plan", None),
        Attack("guessed callback addresses", tenant, callback, "no plan", None),
    ]


def _uploads(cloud: Cloud) -> list[Attack]:
    tenant, limit = Tenant(cloud), "references_per_day"
    a_day = getattr(DEFAULT_LIMITS, limit, None)

    def offer(_: int) -> int:
        body = {"content_type": "audio/wav", "bytes": 50_000_000}
        return tenant.http.post("/v1/references", json=body).status_code

    return [Attack("offers to upload", tenant, offer, limit, None if a_day is None else a_day / 24, {limit: 1})]


def _vain_cancels(cloud: Cloud) -> list[Attack]:
    tenant, limit = Tenant(cloud, 1_000), "changes_per_minute"
    job_id = tenant.made("canceled in vain")

    def cancel(_: int) -> int:
        return tenant.http.post(f"/v1/jobs/{job_id}/cancel").status_code

    return [Attack("cancels in vain", tenant, cancel, limit, _minute_limit(limit), {limit: 1})]


def quiet(count: Callable[[], int], what: str) -> None:
    """Wait until a count has stayed the same for a second."""
    seen, since = -1, time.monotonic()

    def is_quiet() -> bool:
        nonlocal seen, since
        now = count()
        if now != seen:
            seen, since = now, time.monotonic()
        return time.monotonic() - since > 1

    until(is_quiet, what)


def _ingested(cloud: Cloud) -> Callable[[], None]:
    """Waits until the function that takes files and events has nothing more to do."""
    return lambda: quiet(lambda: invocations(cloud, _INGEST), "an end of files and events")


def _bound_by_trigger_calls(
    name: str, cloud: Cloud, tenant: Tenant, put: Callable[[int], int], sent_as: Mapping[str, int]
) -> Attack:
    """Files or events, each of which the function that takes them has to refuse."""
    limit = "trigger_calls_per_minute"
    return Attack(
        name,
        tenant,
        put,
        limit,
        _minute_limit(limit),
        {limit: 1},
        _ingested(cloud),
        sent_as=sent_as,
        until_refused=120,
    )


def _junk_files(cloud: Cloud) -> list[Attack]:
    tenant = Tenant(cloud)
    cloud.manage(action="set_triggers", tenant_id=tenant.tenant_id, inbox=True)
    inbox = Inbox(cloud, tenant.tenant_id)

    def put(number: int) -> int:
        inbox.put_in(f"junk-{number}-{uuid4().hex}.json", b"nonsense")
        return 202

    return [_bound_by_trigger_calls("junk files", cloud, tenant, put, {"S3 writes": 1, "events": 1})]


def _refused_lines(cloud: Cloud) -> list[Attack]:
    tenant, limit = Tenant(cloud), "trigger_calls_per_minute"
    cloud.manage(action="set_triggers", tenant_id=tenant.tenant_id, inbox=True)
    inbox = Inbox(cloud, tenant.tenant_id)
    lines = [json.dumps(request(f"a line without credit {number}")) for number in range(LINES)]

    def put(_: int) -> int:
        name = f"lines-{uuid4().hex}.jsonl"
        inbox.put_in(name, "\n".join(lines).encode())
        inbox.told(name, "completed.json")
        return 202

    sent_as, settle = {"S3 writes": 1, "events": 1}, _executions_end(cloud, "BatchMachineArn")
    an_hour = _minute_limit(limit)
    return [Attack("refused lines", tenant, put, limit, an_hour, {}, settle, sent_as=sent_as, times=LINES, at_most=2)]


def _events(cloud: Cloud) -> list[Attack]:
    tenant = Tenant(cloud)
    source = f"{ACCOUNT}/{tenant.tenant_id}"
    cloud.manage(action="set_triggers", tenant_id=tenant.tenant_id, events=True, sources=[source])
    bus = cloud.aws("events")

    def put(number: int) -> int:
        detail = {**request(f"an event without credit {number}"), "idempotency_key": uuid4().hex}
        entry = {
            "EventBusName": cloud.line["outputs"]["RequestBusName"],
            "Source": tenant.tenant_id,
            "DetailType": "Music Job Requested",
            "Detail": json.dumps(detail),
        }
        return 202 if bus.put_events(Entries=[entry])["FailedEntryCount"] == 0 else 500

    return [_bound_by_trigger_calls("events without credit", cloud, tenant, put, {"events": 1})]


def _executions_end(cloud: Cloud, machine: str) -> Callable[[], None]:
    """Waits until no execution of a machine runs."""

    def settle() -> None:
        arn, machines = cloud.line["outputs"][machine], cloud.aws("stepfunctions")
        running = {"stateMachineArn": arn, "statusFilter": "RUNNING"}
        until(lambda: not machines.list_executions(**running)["executions"], f"the end of {machine}")

    return settle


def _webhook_replays(cloud: Cloud, receiver: Receiver) -> list[Attack]:
    tenant, limit = Tenant(cloud, 10_000), "changes_per_minute"
    cloud.manage(action="set_webhook", tenant_id=tenant.tenant_id, url=f"{receiver.origin}/hook")
    jobs = [tenant.made(f"a replayed song {number}") for number in range(2)]
    settle = _executions_end(cloud, "WebhookDeliveryMachineArn")
    settle()

    def replay(number: int) -> int:
        return tenant.http.post(f"/v1/jobs/{jobs[number % len(jobs)]}/webhooks/replay").status_code

    tight = {limit: 1}
    return [Attack("webhook replays", tenant, replay, limit, _minute_limit(limit), tight, settle, paid=True)]


def _orders_taken_back(cloud: Cloud) -> list[Attack]:
    tenant, limit = Tenant(cloud, 10_000), "submits_per_minute"

    def take_back(number: int) -> int:
        answer = tenant.order(f"taken back {number}", model=HELD)
        if answer.is_success:
            return tenant.http.post(f"/v1/jobs/{answer.json()['id']}/cancel").status_code
        return answer.status_code

    settle = _executions_end(cloud, "MusicJobMachineArn")
    bound = _minute_limit(limit)
    sent_as = {"requests": 2}
    return [
        Attack("orders taken back", tenant, take_back, limit, bound, {limit: 1}, settle, paid=True, sent_as=sent_as)
    ]
