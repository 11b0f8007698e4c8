"""Taking an order back, and forgetting what became of one, over HTTP on the whole cloud."""

import hashlib
import json

import httpx
import pytest

from tests.integration.song import TLS, Cloud, request
from tests.integration.use_cases.accounts.test_money import customer


@pytest.fixture(autouse=True)
def _cancel_is_quick(cloud: Cloud) -> None:
    """The first call of a function starts its process, which a busy machine takes longer for than a job waits."""
    with cloud.http() as http:
        assert http.post("/v1/jobs/job_01JD0ABCDEFGHJKMNPQRSTVWXY/cancel").status_code == 404


def test_a_job_that_waits_for_another_turn_is_canceled_and_its_execution_ends_without_an_order(cloud: Cloud) -> None:
    prompt = "canceled while it waits for another turn"
    tenant = customer(cloud)
    cloud.fault("minimax", "code:1002", "create", prompt, times=3)
    job_id = tenant.post(request(prompt)).json()["id"]

    def waits_for_the_fourth_turn() -> bool:
        job = cloud_job()
        return job["status"] == "queued" and job["attempt_count"] == 3

    def cloud_job() -> dict[str, object]:
        return tenant.get(f"/v1/jobs/{job_id}")

    cloud.until(waits_for_the_fourth_turn)
    with cloud.http(tenant.api_key) as http:
        answer = http.post(f"/v1/jobs/{job_id}/cancel")
        again = http.post(f"/v1/jobs/{job_id}/cancel")
    job = answer.json()
    assert (answer.status_code, job["status"], job["charged"]) == (200, "canceled", "refunded")
    assert (again.status_code, again.json()["type"]) == (409, "urn:fermata:problem:already_finished")

    machines = cloud.aws("stepfunctions")
    assert machines.describe_execution(executionArn=cloud.ended_execution(job_id))["status"] == "SUCCEEDED"
    assert cloud_job() == job
    assert not any(item["charged"] for item in cloud.posts("minimax", hashlib.sha256(prompt.encode()).hexdigest()))
    assert (tenant.account(), tenant.kinds()) == ((300, 0, 0), ["grant", "hold", "refund"])


def test_an_ordered_job_is_not_canceled_and_its_song_is_delivered(cloud: Cloud) -> None:
    prompt = "canceled too late"
    tenant = customer(cloud)
    cloud.fault("minimax", "hang:3", "create", prompt)
    job_id = tenant.post(request(prompt)).json()["id"]
    cloud.until(lambda: tenant.get(f"/v1/jobs/{job_id}")["status"] == "submitting")
    with cloud.http(tenant.api_key) as http:
        answer = http.post(f"/v1/jobs/{job_id}/cancel")
        foreign = http.post("/v1/jobs/job_01JD0ABCDEFGHJKMNPQRSTVWXY/cancel")
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fermata:problem:already_ordered")
    assert foreign.status_code == 404
    assert tenant.finished(job_id)["charged"] == "yes"


def test_a_deleted_job_and_its_files_are_gone_and_a_redrive_buys_nothing(cloud: Cloud) -> None:
    prompt = "deleted after its delivery"
    tenant = customer(cloud)
    job_id = tenant.post(request(prompt)).json()["id"]
    track = tenant.finished(job_id)["tracks"][0]
    with cloud.http(tenant.api_key) as http:
        assert http.delete(f"/v1/jobs/{job_id}").status_code == 204
        assert http.get(f"/v1/jobs/{job_id}").status_code == 404
        assert http.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert httpx.get(track["url"], verify=TLS).status_code in (403, 404)
    bucket = cloud.line["outputs"]["AudioBucketName"]
    for prefix in ("staging", "tracks"):
        assert cloud.aws("s3").list_objects_v2(Bucket=bucket, Prefix=f"{prefix}/{job_id}/")["KeyCount"] == 0
    function = cloud.aws("lambda").invoke(
        FunctionName="fermata-StartGenerationFunction",
        Payload=json.dumps({"job_id": job_id, "may_post": True}).encode(),
    )
    assert json.loads(function["Payload"].read())["verdict"] == "failed"
    assert len(cloud.posts("minimax", hashlib.sha256(prompt.encode()).hexdigest())) == 1
    assert tenant.account() == (270, 0, 30)
