"""From a tenant's first key on, everything over HTTP: further keys with caps, their rotation and end."""

from typing import Any

from tests.integration.song import Cloud, request


def first_key(cloud: Cloud, tenant: str) -> str:
    """What the operator does for a new tenant: credits, and one key."""
    cloud.manage(action="create_tenant", tenant_id=tenant)
    cloud.manage(action="grant", tenant_id=tenant, credits=1000)
    scopes = ["account:manage", "account:read", "jobs:read", "jobs:write"]
    return str(cloud.manage(action="issue_key", tenant_id=tenant, scopes=scopes)["api_key"])


def order(cloud: Cloud, api_key: str, words: str) -> tuple[int, dict[str, Any]]:
    with cloud.http(api_key) as http:
        answer = http.post("/v1/jobs", json=request(words))
        return answer.status_code, answer.json()


def test_a_tenant_gives_itself_a_capped_key_rotates_and_revokes_it_over_http_alone(cloud: Cloud) -> None:
    with cloud.http(first_key(cloud, "selfmade")) as http:
        made = http.post("/v1/keys", json={"name": "shop", "scopes": ["jobs:write"], "monthly_credits": 60})
        assert made.status_code == 201, made.text
        shop = made.json()
        answers = [order(cloud, shop["api_key"], f"selfmade {number}") for number in range(3)]
        assert [status for status, _ in answers] == [202, 202, 429]
        assert {job["api_key_id"] for _, job in answers[:2]} == {shop["id"]}
        assert answers[2][1]["type"] == "urn:fermata:problem:key_limit_reached"
        cloud.until(lambda: http.get("/v1/account").json()["in_flight_jobs"] == 0)

        successor = http.post(f"/v1/keys/{shop['id']}/rotate").json()
        assert order(cloud, successor["api_key"], "selfmade, rotated")[0] == 429
        listed = {key["id"]: key for key in http.get("/v1/keys").json()["data"]}
        assert [listed[key["id"]]["used_credits"] for key in (shop, successor)] == [60, 60]
        assert listed[shop["id"]]["rotated_to"] == successor["id"]
        assert http.get("/v1/account").json()["spent_this_month_credits"] == 60

        assert http.delete(f"/v1/keys/{successor['id']}").status_code == 204
        cloud.until(lambda: order(cloud, successor["api_key"], "selfmade, revoked")[0] == 403)
        beyond = http.post("/v1/keys", json={"scopes": ["jobs:write"], "expires_at": "2030-01-01T00:00:00Z"})
        with cloud.http(beyond.json()["api_key"]) as other:
            refused = other.post("/v1/keys", json={})
            assert (refused.status_code, refused.json()["required_scope"]) == (403, "account:manage")


def test_a_tenant_goes_from_its_first_key_to_its_bill_over_http_alone(cloud: Cloud) -> None:
    with cloud.http(first_key(cloud, "billed")) as http:

        def page(path: str, **parameters: str) -> list[dict[str, Any]]:
            answer = http.get(path, params=parameters)
            assert answer.status_code == 200, answer.text
            data: list[dict[str, Any]] = answer.json()["data"]
            return data

        shop = http.post("/v1/keys", json={"name": "shop", "scopes": ["jobs:write"]}).json()
        offered = page("/v1/models", kind="song", sort="price")
        quoted = http.post("/v1/quote", json=request("billed, quoted")).json()
        with cloud.http(shop["api_key"]) as orders:
            for team in ("a", "a", "b"):
                sent = orders.post("/v1/jobs", json=request(f"billed {team}", metadata={"team": team}))
                assert (sent.status_code, sent.json()["price_credits"]) == (202, quoted["price_credits"])
        cloud.until(lambda: http.get("/v1/account").json()["in_flight_jobs"] == 0)
        account = http.get("/v1/account").json()

        price = quoted["price_credits"]
        assert price in {model["price_credits"] for model in offered}
        assert account["spent_this_month_credits"] == 3 * price
        by_team = {row["metadata"]["team"]: row["credits"] for row in page("/v1/usage", group_by="metadata.team")}
        assert by_team == {"a": 2 * price, "b": price}
        (by_key,) = page("/v1/usage", group_by="key")
        assert (by_key["key_id"], by_key["units"], by_key["credits"]) == (shop["id"], 3, 3 * price)
        assert [line["credits"] for line in page("/v1/usage/log")] == [price] * 3
        # The ledger shows what is older than ten seconds.
        cloud.until(lambda: len([line for line in page("/v1/ledger") if line["kind"] == "spend"]) == 3)
        ledger = page("/v1/ledger")
        assert sum(line["credits"] for line in ledger if line["kind"] == "spend") == 3 * price
        assert ledger[-1]["balance_credits"] == account["balance_credits"] == 1000 - 3 * price
