"""A tenant's jobs over HTTP: newest first, page by page, its own alone."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.integration.song import TLS, Cloud, request


@pytest.fixture
def tenant(cloud: Cloud) -> Iterator[httpx.Client]:
    """A tenant of its own, so that no other test's jobs are in its lists."""
    cloud.manage(action="create_tenant", tenant_id="lister")
    cloud.manage(action="grant", tenant_id="lister", credits=1000)
    with cloud.http(cloud.manage(action="issue_key", tenant_id="lister")["api_key"]) as http:
        yield http


def listed(http: httpx.Client, **parameters: object) -> dict[str, Any]:
    answer = http.get("/v1/jobs", params={name: str(value) for name, value in parameters.items()})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_jobs_are_listed_newest_first_with_links_that_work_until_they_are_deleted(
    cloud: Cloud, tenant: httpx.Client
) -> None:
    orders = [request(f"listed {number}", metadata={"order id": f"{number}, ü&="}) for number in range(3)]
    ids = [tenant.post("/v1/jobs", json=order).json()["id"] for order in orders]
    cloud.until(lambda: len(listed(tenant, status="succeeded")["data"]) == 3)
    first = listed(tenant, limit=2)
    second = listed(tenant, limit=2, cursor=first["next_cursor"])
    assert [job["id"] for job in [*first["data"], *second["data"]]] == ids[::-1]
    assert second["next_cursor"] is None
    assert listed(tenant, status="failed") == {"data": [], "next_cursor": None}
    filters = {"model": orders[1]["model"], "metadata.order id": "1, ü&=", "from": first["data"][0]["created_at"][:10]}
    assert [job["id"] for job in listed(tenant, status="succeeded", **filters)["data"]] == [ids[1]]
    assert listed(tenant, **{**filters, "metadata.order id": "1"})["data"] == []
    assert listed(tenant, to="2026-01-01")["data"] == []
    for job in first["data"]:
        assert (
            len(httpx.get(job["tracks"][0]["url"], verify=TLS).raise_for_status().content) == job["tracks"][0]["bytes"]
        )

    told = [entry["what"] for entry in tenant.get(f"/v1/jobs/{ids[0]}/timeline").json()["data"]]
    assert told == ["submitted", "turn", "ordered", "made", "stored", "succeeded"]

    one = tenant.get(f"/v1/jobs/{ids[0]}")
    known = tenant.get(f"/v1/jobs/{ids[0]}", headers={"If-None-Match": f'"older", {one.headers["etag"]}'})
    # Links live for minutes, so that at most one of two readings falls into another half of that life.
    again = tenant.get(f"/v1/jobs/{ids[0]}", headers={"If-None-Match": known.headers["etag"]})
    assert 304 in (known.status_code, again.status_code)
    assert "" in (known.text, again.text)

    tenant.delete(f"/v1/jobs/{ids[1]}").raise_for_status()
    assert [job["id"] for job in listed(tenant)["data"]] == [ids[2], ids[0]]
    with cloud.http() as somebody_else:
        stolen = somebody_else.get("/v1/jobs", params={"cursor": first["next_cursor"]})
        assert (stolen.status_code, stolen.json()["errors"][0]["pointer"]) == (422, "/cursor")
        assert not set(ids) & {job["id"] for job in listed(somebody_else, limit=100)["data"]}
