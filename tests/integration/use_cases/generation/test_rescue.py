"""A paid song whose link is dead for longer than its job is patient: the job fails and is refunded, the song is rescued
and redelivered while its provider is down.
"""

import hashlib
from typing import Any

import httpx
import pytest

from tests.integration.song import TLS, Cloud, request
from tests.integration.use_cases.accounts.test_money import customer
from tests.integration.use_cases.generation.test_reaper import reap

AIML = "aimlapi/minimax/music-2.0"
PRICE = 39
MORE_THAN_A_JOB_FETCHES = 12
"""Dead links; a job's patience of 8 s ends after six fetches or fewer."""


def waiting(cloud: Cloud, job_id: str) -> dict[str, Any] | None:
    """The job's entry in the list of what can be redelivered."""
    code, answer, said = cloud.admin("list-recoverable", "--provider", "aimlapi", "--limit", "50")
    assert code == 0, said
    return next((entry for entry in answer["recoverable"] if entry["job_id"] == job_id), None)


def kept(cloud: Cloud, job_id: str) -> bool:
    reap(cloud)
    entry = waiting(cloud, job_id)
    return entry is not None and entry["songs_kept"] == [1]


@pytest.mark.long
def test_a_song_is_rescued_after_its_job_and_redelivered_with_its_provider_down(cloud: Cloud) -> None:
    tenant, prompt = customer(cloud), "its link lives too late"
    cloud.fault("aimlapi", "link_expired", "file", prompt, MORE_THAN_A_JOB_FETCHES)
    failed = tenant.finished(tenant.order(request(prompt, model=AIML))["id"])
    assert (failed["status"], failed["charged"], tenant.account()) == ("failed", "refunded", (300, 0, 0))
    bill = cloud.posts("aimlapi", hashlib.sha256(prompt.encode()).hexdigest())
    assert len(bill) == 1

    cloud.until(lambda: kept(cloud, failed["id"]))
    assert tenant.get(f"/v1/jobs/{failed['id']}") == failed
    assert tenant.account() == (300, 0, 0)

    for place in ("poll", "file"):
        cloud.fault("aimlapi", "http:503", place, prompt, 50)
    code, answer, said = cloud.admin("redeliver", failed["id"])
    assert (code, answer.get("recovered_from")) == (0, failed["id"]), said
    job = tenant.finished(answer["job_id"])
    assert (job["status"], job["charged"], tenant.account()) == ("succeeded", "yes", (300 - PRICE, 0, PRICE))
    song = httpx.get(job["tracks"][0]["url"], verify=TLS).raise_for_status().content
    assert hashlib.sha256(song).hexdigest() == job["tracks"][0]["sha256"]

    assert cloud.posts("aimlapi", hashlib.sha256(prompt.encode()).hexdigest()) == bill
    assert waiting(cloud, failed["id"]) is None
    code, again, _ = cloud.admin("redeliver", failed["id"])
    assert (code, again["job_id"], tenant.account()) == (0, job["id"], (300 - PRICE, 0, PRICE))


def test_a_deleted_job_is_rescued_no_more_and_keeps_nothing(cloud: Cloud) -> None:
    tenant, prompt = customer(cloud), "deleted before its link lives again"
    cloud.fault("aimlapi", "link_expired", "file", prompt, MORE_THAN_A_JOB_FETCHES)
    failed = tenant.finished(tenant.order(request(prompt, model=AIML))["id"])
    assert waiting(cloud, failed["id"]) is not None
    with cloud.http(tenant.api_key) as http:
        http.delete(f"/v1/jobs/{failed['id']}").raise_for_status()
    assert waiting(cloud, failed["id"]) is None
    reap(cloud)
    bucket = cloud.line["outputs"]["AudioBucketName"]
    found = cloud.aws("s3").list_objects_v2(Bucket=bucket, Prefix=f"staging/{failed['id']}/")
    assert found["KeyCount"] == 0
