"""A running stack as its tenants reach it, on the laptop as on AWS: HTTP, the inbox on S3 and the bus of requests."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import uuid4

import boto3
import httpx

from tests.e2e.plan import MODEL, ORDERS, Budget, RefusedError, check_budget, order
from tests.integration.cloud_process import PATIENCE_S, until
from tests.integration.song import TERMINAL, Cloud

SCOPES: Final = ("account:manage", "account:read", "jobs:read", "jobs:write")
"""What the key of a run may do."""
NEEDED: Final = ("API_URL", "API_KEY", "INBOX_BUCKET_NAME", "REQUEST_BUS_NAME", "E2E_EVENT_SOURCE")
"""The variables that name a stack: its outputs, a tenant's key with `SCOPES`, and the source of the tenant's events."""
_PAGE: Final = 100


@dataclass(frozen=True)
class Stack:
    """A stack, and what one run of the tests does there."""

    address: Mapping[str, str]
    """The variables that name it, see `NEEDED`, and those that say more, see `docs/operations.md`."""
    s3: Any
    events: Any
    callback_url: str | None
    """Where the song's end is posted; None where no receiver was named."""
    run: str = field(default_factory=lambda: uuid4().hex[:10])

    @classmethod
    def of(cls, environment: Mapping[str, str], callback_url: str | None) -> "Stack":
        """The stack that an environment names; its AWS clients take credentials, region and endpoint from `os.environ`
        at once. Raises `RefusedError` with every variable that is missing.
        """
        missing = [name for name in NEEDED if not environment.get(name)]
        if missing:
            raise RefusedError(f"expected {', '.join(missing)} in the environment; see make e2e in docs/operations.md")
        return cls(dict(environment), boto3.client("s3"), boto3.client("events"), callback_url)

    def http(self, key: str | None = None) -> httpx.Client:
        """A client that holds every answer of the API against the OpenAPI document; it sends the tenant's key, or this
        one.
        """
        line = {"api_url": self.address["API_URL"], "api_key": key or self.address["API_KEY"]}
        return Cloud(line).http()

    def get(self, path: str, **query: str | int) -> dict[str, Any]:
        """The body of an answer that must be 200."""
        with self.http() as http:
            return dict(http.get(path, params=query).raise_for_status().json())

    def check(self) -> int:
        """Quote every order of a run and return what they cost together; raises `RefusedError`."""
        simulated = self.address.get("E2E_SIMULATED") == "yes"
        with self.http() as http:
            answers = {name: http.post("/v1/quote", json=self.body(name)) for name in ORDERS}
        for name, answer in answers.items():
            if answer.status_code != 200:
                raise RefusedError(f"the order {name!r} has no price: {answer.status_code} {answer.text}")
        quotes = {name: int(answer.json()["hold_credits"]) for name, answer in answers.items()}
        return check_budget(quotes, Budget.of(self.address), simulated=simulated)

    def body(self, name: str) -> dict[str, Any]:
        """An order of the plan, as it is quoted and then ordered."""
        model = self.address.get("E2E_MODEL") or MODEL
        paused = self.address.get("E2E_PAUSED_MODEL")
        body = order(name, self.run, paused if paused and name == "canceled" else model)
        if name == "live" and self.address.get("E2E_RELEASE_URL"):
            body["prompt"] += " [[fault:stream_hold]]"
        return body

    def order(self, name: str, **changes: object) -> httpx.Response:
        """Order over HTTP under the key of this run and order, so that a repeat buys nothing."""
        with self.http() as http:
            headers = {"Idempotency-Key": f"{self.run}-{name}"}
            told = {"callback_url": self.callback_url} if self.callback_url and name == "song" else {}
            return http.post("/v1/jobs", json={**self.body(name), **told, **changes}, headers=headers)

    def job(self, job_id: str) -> dict[str, Any]:
        return self.get(f"/v1/jobs/{job_id}")

    def finished(self, job_id: str) -> dict[str, Any]:
        """The job once it has ended."""
        self.until(lambda: self.job(job_id)["status"] in TERMINAL, f"the end of {job_id}")
        return self.job(job_id)

    def jobs(self, **metadata: str) -> list[dict[str, Any]]:
        """The jobs of this run, however they were ordered; of these metadata only."""
        wanted = {f"metadata.{name}": value for name, value in metadata.items()}
        found: list[dict[str, Any]] = []
        query: dict[str, str | int] = {"limit": _PAGE, "metadata.e2e": self.run, **wanted}
        while True:
            page = self.get("/v1/jobs", **query)
            found += page["data"]
            if page["next_cursor"] is None:
                return found
            query["cursor"] = page["next_cursor"]

    @property
    def tenant_id(self) -> str:
        return str(self.get("/v1/account")["tenant_id"])

    def put_in(self, name: str, *lines: Mapping[str, Any] | bytes) -> None:
        """Put a file of these lines into the tenant's inbox."""
        body = b"\n".join(line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines)
        key = f"requests/{self.tenant_id}/{name}"
        self.s3.put_object(Bucket=self.address["INBOX_BUCKET_NAME"], Key=key, Body=body)

    def result(self, name: str, ending: str) -> dict[str, Any]:
        """The one result of a file of the inbox that ends so, once it is there."""
        bucket, prefix = self.address["INBOX_BUCKET_NAME"], f"results/{self.tenant_id}/{name}/"
        found: list[str] = []

        def is_there() -> bool:
            pages = self.s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
            found[:] = [each["Key"] for page in pages for each in page.get("Contents", [])]
            return any(key.endswith(ending) for key in found)

        self.until(is_there, f"{prefix}...{ending}")
        (key,) = (key for key in found if key.endswith(ending))
        return dict(json.loads(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()))

    def put_event(self, detail: Mapping[str, Any]) -> None:
        """Put an order onto the bus of requests, from the tenant's source."""
        entry = {
            "EventBusName": self.address["REQUEST_BUS_NAME"],
            "Source": self.address["E2E_EVENT_SOURCE"],
            "DetailType": "Music Job Requested",
            "Detail": json.dumps(detail),
        }
        assert self.events.put_events(Entries=[entry])["FailedEntryCount"] == 0

    def until(self, holds: Callable[[], object], what: str) -> None:
        """Look until something holds: for four minutes, or as long as `E2E_PATIENCE_S` says."""
        until(holds, what, float(self.address.get("E2E_PATIENCE_S") or PATIENCE_S))

    def leave(self) -> None:
        """Forget every job of the run, once it has ended."""
        for job in self.jobs():
            self.finished(job["id"])
            with self.http() as http:
                assert http.delete(f"/v1/jobs/{job['id']}").status_code == 204


def aws_environment() -> dict[str, str]:
    """What AWS clients read from this process's environment now."""
    return {name: value for name, value in os.environ.items() if name.startswith("AWS_")}
