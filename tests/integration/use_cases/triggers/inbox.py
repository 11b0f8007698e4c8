"""What the tests of the inbox put into a running cloud's bucket, and what they read there."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.song import Cloud, request

BAD_LINES = (
    b"nonsense",
    b'{"model": "minimax/music-2.5", "model": "minimax/music-2.5"}',
    b'\xef\xbb\xbf{"model": "minimax/music-2.5"}',
    b'{"prompt": "\xff"}',
    b"[]",
    b"{}",
    b'{"model": "minimax/music-2.5", "prompt": 7}',
)
"""What has not the shape of a request."""
REFUSED_LINES = (b'{"model": "no/model"}', b'{"model": "minimax/music-2.5"}')
"""What has the shape of a request, and is none that a model takes."""


@dataclass(frozen=True)
class Inbox:
    """The inbox of one tenant of a running cloud."""

    cloud: Cloud
    tenant_id: str

    @classmethod
    def on(cls, cloud: Cloud, amount: int = 1_000_000) -> "Inbox":
        """A new tenant with credits whose inbox is on."""
        tenant_id = f"inbox-{uuid4().hex[:8]}"
        cloud.manage(action="create_tenant", tenant_id=tenant_id)
        cloud.manage(action="grant", tenant_id=tenant_id, credits=amount)
        limits = {"submits_per_minute": 100_000, "concurrent_jobs": 100_000}
        cloud.manage(action="set_plan", tenant_id=tenant_id, plan="prepaid", **limits)
        cloud.manage(action="set_triggers", tenant_id=tenant_id, inbox=True)
        return cls(cloud, tenant_id)

    @property
    def bucket(self) -> str:
        return str(self.cloud.line["outputs"]["InboxBucketName"])

    def put_in(self, name: str, body: bytes) -> str:
        """The version of a file that was put in."""
        key = f"requests/{self.tenant_id}/{name}"
        return str(self.cloud.aws("s3").put_object(Bucket=self.bucket, Key=key, Body=body)["VersionId"])

    def names(self, below: str) -> list[str]:
        """The names of all results of a file, or of those below a prefix."""
        pages = self.cloud.aws("s3").get_paginator("list_objects_v2")
        prefix = f"results/{self.tenant_id}/{below}"
        found = pages.paginate(Bucket=self.bucket, Prefix=prefix)
        return [each["Key"] for page in found for each in page.get("Contents", [])]

    def read(self, key: str) -> bytes:
        return bytes(self.cloud.aws("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read())

    def told(self, name: str, ending: str, within_s: float = PATIENCE_S) -> dict[str, Any]:
        """The one result of a file that ends so, once it is there."""

        def found() -> list[str]:
            return [key for key in self.names(f"{name}/") if key.endswith(ending)]

        self.cloud.until(found, within_s)
        (key,) = found()
        return dict(json.loads(self.read(key)))

    def tell_again(self, name: str, version_id: str, size: int) -> None:
        """Another notification of a version, as S3 may send it."""
        detail = {
            "bucket": {"name": self.bucket},
            "object": {"key": f"requests/{self.tenant_id}/{name}", "size": size, "version-id": version_id},
        }
        entry = {"Source": "aws.s3", "DetailType": "Object Created", "Detail": json.dumps(detail)}
        answer = self.cloud.aws("events").put_events(Entries=[entry])
        assert answer["FailedEntryCount"] == 0

    def jobs_of(self, keys: Sequence[str]) -> set[str]:
        """The jobs that these results name."""
        s3 = self.cloud.aws("s3")
        found = (s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys)
        return {json.loads(body)["job_id"] for body in found}


def invocations(cloud: Cloud, logical_id: str) -> int:
    """How often a function ran to its end."""
    log = Path(cloud.line["logs_dir"], f"{logical_id}.jsonl")
    return log.read_text("utf-8").count('"platform.report"') if log.exists() else 0


def batch(good: int, bad: int, refused: int) -> tuple[bytes, list[int]]:
    """A file of as many lines, those that are wrong spread over it; and the numbers of the bad ones."""
    lines = [json.dumps(request(f"song {number} of a batch")).encode() for number in range(good)]
    wrong = [BAD_LINES[number % len(BAD_LINES)] for number in range(bad)]
    wrong += [REFUSED_LINES[number % len(REFUSED_LINES)] for number in range(refused)]
    step = max(1, (good + bad + refused) // (bad + refused))
    for number, line in enumerate(wrong):
        lines.insert(number * step, line)
    return b"\n".join(lines), [number for number, line in enumerate(lines, 1) if line in BAD_LINES]
