"""Keys on the whole cloud, by the operator's command line."""

import json
from typing import Any

from tests.integration.song import Cloud, request


def account(cloud: Cloud, key: dict[str, Any]) -> int:
    with cloud.http(key["api_key"]) as http:
        return http.get("/v1/account").status_code


def test_keys_are_scoped_rotated_and_revoked_within_the_authorizers_time(cloud: Cloud) -> None:
    cloud.manage(action="create_tenant", tenant_id="keyholder")
    old = cloud.admin("issue-key", "keyholder", "--scope", "account:read", "--days", "1").done()
    assert account(cloud, old) == 200
    with cloud.http(old["api_key"]) as http:
        refused = http.get("/v1/jobs")
        assert (refused.status_code, refused.json()["required_scope"]) == (403, "jobs:read")
    new = cloud.admin("rotate-key", old["key_id"], "--overlap", "3600").done()
    assert [account(cloud, key) for key in (old, new)] == [200, 200]
    cloud.manage(action="revoke_key", key_id=old["key_id"])
    cloud.until(lambda: account(cloud, old) == 403)
    assert account(cloud, new) == 200
    listed = {key["key_id"]: key for key in cloud.manage(action="list_keys", tenant_id="keyholder")["keys"]}
    assert (listed[old["key_id"]]["rotated_to"], listed[new["key_id"]]["scopes"]) == (new["key_id"], ["account:read"])
    assert all(key["last_used_at"] for key in listed.values())
    assert new["api_key"] not in json.dumps(listed)


def test_a_plan_takes_so_many_orders_and_lets_the_next_ones_in_as_jobs_end(cloud: Cloud) -> None:
    cloud.manage(action="create_tenant", tenant_id="limited")
    cloud.manage(action="grant", tenant_id="limited", credits=1000)
    cloud.admin("set-plan", "limited", "prepaid", "--concurrent-jobs", "2", "--submits-per-minute", "50").done()
    with cloud.http(cloud.manage(action="issue_key", tenant_id="limited")["api_key"]) as http:
        answers = [http.post("/v1/jobs", json=request(f"limited {number}")) for number in range(3)]
        assert [answer.status_code for answer in answers] == [202, 202, 429]
        assert answers[2].json()["type"].endswith(":too_many_jobs")
        policies = [answer.headers["ratelimit-policy"] for answer in answers]
        assert policies == ['"submit";q=50;w=60'] * 2 + ['"submit";q=50;w=60, "refused";q=120;w=60']
        assert answers[2].headers["retry-after"] == "10"
        cloud.until(lambda: http.get("/v1/account").json()["in_flight_jobs"] == 0)
        (used,) = http.get("/v1/usage").json()["data"]
        assert (used["jobs"], used["succeeded"], used["credits"]) == (2, 2, 60)
        again = http.post("/v1/jobs", json=request("limited again"))
        assert again.status_code == 202
        account = http.get("/v1/account")
        assert account.headers["ratelimit-policy"] == '"read";q=600;w=60'
        assert account.json()["limits"]["concurrent_jobs"] == 2
        cloud.until(lambda: http.get("/v1/account").json()["in_flight_jobs"] == 0)


def test_the_wallet_of_a_plan_with_many_orders_a_minute_pays_as_any_other(cloud: Cloud) -> None:
    cloud.manage(action="create_tenant", tenant_id="busy")
    cloud.manage(action="grant", tenant_id="busy", credits=1000)
    cloud.admin("set-plan", "busy", "prepaid", "--submits-per-minute", "6000").done()
    with cloud.http(cloud.manage(action="issue_key", tenant_id="busy")["api_key"]) as http:
        ids = [http.post("/v1/jobs", json=request(f"busy {number}")).json()["id"] for number in range(3)]
        cloud.until(lambda: http.get("/v1/account").json()["in_flight_jobs"] == 0)
        assert [http.get(f"/v1/jobs/{job_id}").json()["status"] for job_id in ids] == ["succeeded"] * 3
        account = http.get("/v1/account").json()
        assert account["balance_credits"] == 1000 - 3 * 30
        assert account["limits"]["submits_per_minute"] == 6000
