"""Orders on the killable cloud: each of a tenant of its own, with a function killed on its way."""

import json
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import httpx

from fermata.adapters.dynamodb.tenants.tenant_store import DynamoTenantStore
from fermata.adapters.dynamodb.transactions import DynamoTransactions
from fermata.domain.jobs.job import Job
from fermata.domain.jobs.status import JobStatus
from fermata.domain.money.wallet import Wallet
from fermata.domain.tenants.api_keys import KEY_RANDOM_BYTES, new_api_key
from fermata.domain.tenants.tenant import Tenant
from tests.crash.cuts import Kill, Moment
from tests.crash.killable_cloud import NOBODY, WATCH
from tests.crash.promises import Evidence, broken
from tests.crash.shapes import Shape
from tests.fakes.money.ledger import ledger_in_dynamodb
from tests.integration.song import Cloud
from tests.songs import wav_file

GRANTED: Final = 1000
_ENDS_WITHIN_S: Final = 120
_ORDERS: Final = 4
_PAUSE_S: Final = 0.25
_REAPER_EVERY_S: Final = 1.5


@dataclass(frozen=True)
class Outcome:
    """How one order ended; `missed` are kills that did not happen, because nobody came by."""

    shape: str
    kills: tuple[Kill, ...]
    missed: tuple[Kill, ...]
    moments: Sequence[Moment]
    delivered: bool
    problems: tuple[str, ...]
    took_s: float


class Orders:
    """Places orders, from several threads at once, while the reaper comes every moment."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._dynamodb, self._s3, self._sqs = (cloud.aws(service) for service in ("dynamodb", "s3", "sqs"))
        self._table, self._bucket = (cloud.line["outputs"][name] for name in ("TableName", "AudioBucketName"))
        self._ledger = ledger_in_dynamodb(self._dynamodb, self._table)
        self._told: list[dict[str, Any]] = []
        self._lock, self._stopped = Lock(), Event()
        self._queue = self._listen()
        self._reaper = Thread(target=self._reap, daemon=True)

    def __enter__(self) -> Self:
        self._reaper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._reaper.join()

    def place(self, shape: Shape, *kills: Kill) -> Outcome:
        """See one order through, with these kills on its way."""
        begun, tenant = time.monotonic(), f"t-{uuid4().hex[:12]}"
        api_key = self._customer(tenant)
        fields, prompts = _worded(shape, tenant)
        if shape.after_a_recording:
            fields["reference"] = {"id": self._upload(api_key)}
        for fault in shape.faults:
            self._cloud.fault(fault.provider, fault.name, fault.on, tenant, fault.times)
        WATCH.expect(tenant, prompts, [kill for kill in kills if kill.site.function != "ReapJobs"])
        of_the_reaper = [kill for kill in kills if kill.site.function == "ReapJobs"]
        if of_the_reaper:
            WATCH.expect(NOBODY, (), of_the_reaper)
        self._order(fields, api_key, shape)
        job = self._ended(tenant)
        missed = (*WATCH.missed(tenant), *(WATCH.missed(NOBODY) if of_the_reaper else ()))
        evidence = self._evidence(tenant, job, shape)
        delivered = job is not None and job.status is JobStatus.SUCCEEDED
        took_s = time.monotonic() - begun
        return Outcome(shape.name, kills, missed, WATCH.moments(tenant), delivered, tuple(broken(evidence)), took_s)

    def _customer(self, tenant: str) -> str:
        """A tenant's API key. No function is asked: one that is too busy must not decide about the run."""
        now = datetime.now(UTC)
        api_key, record = new_api_key(tenant, now, secrets.token_bytes(KEY_RANDOM_BYTES))
        tenants = DynamoTenantStore(DynamoTransactions(self._dynamodb, self._table), lambda: self._dynamodb)
        tenants.create_tenant(Tenant(tenant_id=tenant, created_at=now))
        tenants.add_key(record.model_copy(update={"monthly_credits": GRANTED}))
        month = f"{now:%Y-%m}"
        self._ledger.wallets.open(Wallet(tenant_id=tenant, month=month, granted=GRANTED, balance=GRANTED))
        return api_key

    def _upload(self, api_key: str) -> str:
        recording = wav_file(16, 16_000)
        with self._cloud.http(api_key) as http:
            body = {"content_type": "audio/wav", "bytes": len(recording)}
            answers = (http.post("/v1/references", json=body) for _ in range(_ORDERS))
            offer = next(answer for answer in answers if answer.status_code == 201).json()
        files = {"file": ("recording.wav", recording, "audio/wav")}
        httpx.post(offer["upload"]["url"], data=offer["upload"]["fields"], files=files).raise_for_status()
        return str(offer["id"])

    def _order(self, fields: dict[str, Any], api_key: str, shape: Shape) -> None:
        """Order, and once more after an error where the caller can."""
        headers = {"Idempotency-Key": "the-same"} if shape.repeats else {}
        for _ in range(_ORDERS if shape.repeats else 1):
            with self._cloud.http(api_key) as http, suppress(httpx.TransportError):
                if http.post("/v1/jobs", json=fields, headers=headers).status_code == 202:
                    return
            self._stopped.wait(_PAUSE_S)

    def _ended(self, tenant: str) -> Job | None:
        """The tenant's job once it is over and told of; None where there is none."""
        job_id = self._find(tenant)
        deadline = time.monotonic() + _ENDS_WITHIN_S
        while job_id is not None:
            job = self._ledger.jobs.load(job_id)
            if job is None or job.check_at is None or time.monotonic() > deadline:
                return job
            self._stopped.wait(_PAUSE_S)
        return None

    def _find(self, tenant: str) -> str | None:
        pages = self._dynamodb.get_paginator("scan").paginate(
            TableName=self._table,
            FilterExpression="sk = :job AND tenant_id = :tenant",
            ExpressionAttributeValues={":job": {"S": "JOB"}, ":tenant": {"S": tenant}},
        )
        ids = [item["id"]["S"] for page in pages for item in page["Items"]]
        assert len(ids) <= 1, f"one order made {ids}"
        return ids[0] if ids else None

    def _evidence(self, tenant: str, job: Job | None, shape: Shape) -> Evidence:
        bills = {}
        for provider, url in self._cloud.line["simulators"].items():
            items = httpx.get(f"{url}/_sim/bill").raise_for_status().json()["items"]
            bills[provider] = [item for item in items if WATCH.tenant_of_prompt.get(item["prompt_sha256"]) == tenant]
        return Evidence(
            jobs=[job] if job else [],
            wallet=self._ledger.wallet(tenant),
            ledger=self._ledger.entries(tenant),
            bills=bills,
            events=[event for event in self._events() if event["tenant_id"] == tenant],
            staged=lambda job_id, attempt: self._content(f"staging/{job_id}/{attempt}") is not None,
            stored=self._content,
            songs=shape.songs,
            key_counter=self._ledger.key_counter(job.key_cap.counter_id, tenant) if job and job.key_cap else None,
        )

    def _content(self, key: str) -> bytes | None:
        try:
            return bytes(self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read())
        except self._s3.exceptions.NoSuchKey:
            return None

    def _listen(self) -> str:
        events = self._cloud.aws("events")
        url = str(self._sqs.create_queue(QueueName="told")["QueueUrl"])
        arn = self._sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        events.put_rule(Name="told", EventPattern=json.dumps({"source": ["fermata"]}))
        events.put_targets(Rule="told", Targets=[{"Id": "queue", "Arn": arn}])
        return url

    def _events(self) -> list[dict[str, Any]]:
        with self._lock:
            receive: Callable[..., Any] = self._sqs.receive_message
            while messages := receive(QueueUrl=self._queue, MaxNumberOfMessages=10, VisibilityTimeout=7200).get(
                "Messages"
            ):
                self._told += [json.loads(message["Body"])["detail"] for message in messages]
            return list(self._told)

    def _reap(self) -> None:
        functions = self._cloud.aws("lambda")
        while not self._stopped.wait(_REAPER_EVERY_S):
            functions.invoke(FunctionName="fermata-ReapJobsFunction", Payload=b"{}")


def _worded(shape: Shape, tenant: str) -> tuple[dict[str, Any], list[str]]:
    """The order with words that no other has, and what its bill may call it."""
    if "text" in shape.fields:
        text = f"{shape.fields['text']} {tenant}"
        return {**shape.fields, "text": text}, [text]
    lyrics = f"{shape.fields['lyrics']}\n{tenant}"
    fields = {**shape.fields, "lyrics": lyrics}
    if "prompt" in fields:
        fields["prompt"] = f"{fields['prompt']} {tenant}"
    return fields, [str(fields.get("prompt", lyrics)), f"##{lyrics}##"]
