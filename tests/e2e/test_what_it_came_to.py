"""At the end: what jobs, usage, ledger and account say of a run is the same, and what is deleted is gone."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.stack import Stack
from tests.integration.song import TLS


@pytest.fixture(scope="session")
def days() -> dict[str, str]:
    """Yesterday to tomorrow, so that midnight (UTC) may pass."""
    today = datetime.now(UTC)
    return {"from": f"{today - timedelta(days=1):%F}", "to": f"{today + timedelta(days=1):%F}"}


def test_jobs_usage_ledger_and_account_agree(stack: Stack, sung: dict[str, Any], days: dict[str, str]) -> None:
    jobs = [stack.finished(job["id"]) for job in stack.jobs()]
    spent = {job["id"]: job["spent_credits"] for job in jobs}
    assert spent[sung["id"]] > 0
    usage = stack.get("/v1/usage", **days, group_by="metadata.e2e")["data"]
    (own,) = (entry for entry in usage if entry["metadata"] == {"e2e": stack.run})
    assert (own["jobs"], own["credits"]) == (len(jobs), sum(spent.values()))
    assert own["succeeded"] == sum(job["status"] == "succeeded" for job in jobs)

    # The ledger ends ten seconds before now.
    stack.until(lambda: set(paid(stack, days)) >= {each for each in spent if spent[each]}, "the ledger of the run")
    found = paid(stack, days)
    assert {job_id: found.get(job_id, 0) for job_id in spent} == spent
    account = stack.get("/v1/account")
    assert ledger(stack, days)[-1]["balance_credits"] == account["balance_credits"]
    assert account["held_credits"] == 0


def paid(stack: Stack, days: dict[str, str]) -> dict[str, int]:
    """The credits that the ledger says were spent, by job."""
    return {entry["job_id"]: entry["credits"] for entry in ledger(stack, days) if entry["kind"] == "spend"}


def ledger(stack: Stack, days: dict[str, str]) -> list[dict[str, Any]]:
    query: dict[str, str | int] = {**days, "limit": 1000}
    found: list[dict[str, Any]] = []
    while True:
        page = stack.get("/v1/ledger", **query)
        found += page["data"]
        if page["next_cursor"] is None:
            return found
        query["cursor"] = page["next_cursor"]


def test_a_deleted_song_is_gone_and_so_is_its_file(stack: Stack, sung: dict[str, Any]) -> None:
    with stack.http() as http:
        assert http.delete(f"/v1/jobs/{sung['id']}").status_code == 204
        for path in ("", "/audio", "/attempts", "/webhooks"):
            assert http.get(f"/v1/jobs/{sung['id']}{path}").status_code == 404
        assert http.delete(f"/v1/jobs/{sung['id']}").status_code == 204
    # S3 says 403 to a link of somebody who may not list the bucket.
    assert httpx.get(sung["tracks"][0]["url"], verify=TLS).status_code in (403, 404)
    assert sung["id"] not in {job["id"] for job in stack.jobs()}
