"""The operator's page of a running cloud, each of its parts once."""

import httpx
import pytest

from tests.integration.cloud_process import PATIENCE_S
from tests.integration.song import TLS, Cloud, request

SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(scope="module")
def operator(cloud: Cloud) -> httpx.Client:
    """A browser that was opened at the printed address."""
    address = httpx.URL(cloud.line["operator_url"])
    origin = f"{address.scheme}://{address.netloc.decode()}"
    browser = httpx.Client(base_url=origin, timeout=PATIENCE_S, verify=TLS, headers={"Origin": origin})
    assert browser.get(address.raw_path.decode()).status_code == 303
    return browser


def test_providers_are_shown_paused_and_resumed_and_a_fault_waits_for_the_next_order(operator: httpx.Client) -> None:
    shown = operator.get("/api/").json()
    assert {each["provider"] for each in shown["providers"]} >= {"minimax", "apiinone"}
    assert operator.get("/").status_code == 200
    paused = operator.post("/api/providers/aimlapi/pause").json()
    operator.post("/api/providers/aimlapi/resume").raise_for_status()
    assert (paused["provider"], paused["paused"]) == ("aimlapi", True)
    fault = {"fault": "http:500", "on": "create", "match": "a prompt of nobody"}
    operator.post("/api/faults/skillboss", json=fault).raise_for_status()
    waiting = next(each for each in operator.get("/api/").json()["simulators"] if each["provider"] == "skillboss")
    assert "a prompt of nobody" in str(waiting["waiting"])
    unknown = operator.post("/api/faults/skillboss", json={"fault": "nonsense"})
    assert (unknown.status_code, "nonsense" in unknown.json()["error"]) == (422, True)


def test_a_job_is_seen_in_its_execution_its_items_its_objects_and_its_log(cloud: Cloud, operator: httpx.Client) -> None:
    job = cloud.made(request(f"seen by the operator {SCRIPT}", title=SCRIPT))
    cloud.ended_execution(job["id"])
    names = [each["name"] for each in operator.get("/api/executions").json()["executions"]]
    assert job["id"] in names
    seen = operator.get(f"/api/executions/MusicJobMachine/{job['id']}").json()
    assert [seen["states"][place]["name"] for place in (0, -1)] == ["StartGeneration", "StoreAudio"]
    assert {"StoreAudio", "SettleJob"} <= set(seen["definition"]["States"])
    assert any(line["source"] == "StoreAudioFunction" for line in seen["log"])
    items = operator.get("/api/table", params={"partition": f"JOB#{job['id']}"}).json()["items"]
    assert {"JOB", "REQUEST", "ATTEMPT#0001"} <= {item["sk"] for item in items}
    page = operator.get("/api/table").json()
    assert len(operator.get("/api/table", params={"after": page["next"]}).json()["items"]) > 0
    objects = operator.get("/api/objects", params={"bucket": "AudioBucket", "prefix": f"tracks/{job['id']}"}).json()
    assert httpx.get(objects["objects"][0]["url"], verify=TLS).status_code == 200
    for path in (
        f"/executions/MusicJobMachine/{job['id']}",
        f"/table?partition=JOB%23{job['id']}",
        f"/logs/{job['id']}",
    ):
        shown = operator.get(path)
        assert (shown.status_code, SCRIPT in shown.text) == (200, False), path
