"""The operator looks at a delivered job through the command line, and its tenant reads the same over HTTP."""

import csv
import io
import time
from typing import Any

from tests.integration.song import Cloud, request

MODEL = "minimax/music-9.6"
"""Nobody else orders it."""
PATIENCE_S = 60


def movements_of(cloud: Cloud, job_id: str) -> list[dict[str, Any]]:
    """A job's entries in its tenant's ledger, once its spending is old enough to be listed."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with cloud.http() as http:
            entries = http.get("/v1/ledger", params={"limit": "1000"}).raise_for_status().json()["data"]
        mine = [entry for entry in entries if entry["job_id"] == job_id]
        if any(entry["kind"] == "spend" for entry in mine) or time.monotonic() > deadline:
            return mine
        time.sleep(1)


def test_operator_and_tenant_read_the_same_of_a_delivered_job(cloud: Cloud) -> None:
    job = cloud.made(request("one to look at", model=MODEL))
    tenant = cloud.line["tenant"]

    code, shown, _ = cloud.admin("show-job", job["id"])
    assert (code, shown["status"], shown["tenant_id"]) == (0, "succeeded", tenant)
    assert shown["attempts"][0]["cost_usd"] == shown["cost_usd"] != "0.000000"
    code, spend, _ = cloud.admin("spend", "--tenant", tenant, "--credit-usd", "0.01")
    (of_model,) = [row for row in spend["models"] if row["model"] == MODEL]
    assert (code, of_model["jobs"], of_model["credits"]) == (0, 1, job["price_credits"])
    assert of_model["cost_usd"] == of_model["booked_usd"] == shown["cost_usd"]
    code, tenants, _ = cloud.admin("list-tenants")
    assert (code, tenant in [each["tenant_id"] for each in tenants["tenants"]]) == (0, True)
    assert cloud.admin("show-tenant", tenant).answer["tenant_id"] == tenant
    assert [each["provider"] for each in cloud.admin("providers").answer["providers"]] != []
    assert cloud.admin("show-tenant", "nobody-at-all").code == 2

    assert [entry["kind"] for entry in movements_of(cloud, job["id"])] == ["hold", "spend"]
    with cloud.http() as http:
        log = http.get("/v1/usage/log", params={"limit": "1000"}, headers={"Accept": "text/csv"}).raise_for_status()
        by_key = http.get("/v1/usage", params={"group_by": "key"}).raise_for_status().json()["data"]
    (line,) = [row for row in csv.DictReader(io.StringIO(log.text)) if row["job_id"] == job["id"]]
    assert (line["status"], line["credits"], float(line["units"])) == ("succeeded", str(job["price_credits"]), 1)
    assert sum(entry["credits"] for entry in by_key) >= job["price_credits"]
