"""An order that leaves the choice of its model to Fermata, on the laptop: over HTTP, at a tenant's discount."""

from typing import Any

from tests.integration.song import LYRICS, Cloud

AUTO = {"model": "auto", "prompt": "indie folk, whichever model is cheapest", "lyrics": LYRICS}
CHEAPEST = {"minimax/music-1.5", "minimax/music-2.0"}
"""Both cost 6 credits; what songs of other tests took decides between them."""


def test_the_cheapest_model_is_taken_and_a_replay_keeps_it_while_that_provider_is_paused(cloud: Cloud) -> None:
    key = {"Idempotency-Key": "auto-1"}
    with cloud.http() as http:
        quote = http.post("/v1/quote", json=AUTO).raise_for_status().json()
        first = http.post("/v1/jobs", json=AUTO, headers=key)
        cloud.manage(action="pause", provider="minimax")
        try:
            again = http.post("/v1/jobs", json=AUTO, headers=key)
            other = http.post("/v1/quote", json=AUTO).raise_for_status().json()
        finally:
            cloud.manage(action="resume", provider="minimax")
    assert first.status_code == 202, first.text
    assert (again.text, again.headers["Idempotency-Replayed"]) == (first.text, "true")
    chosen = first.json()["model"]
    assert {chosen, quote["model"]} <= CHEAPEST
    assert [each["why_not"] for each in quote["candidates"] if each["model"] == quote["model"]] == [None]
    assert not other["model"].startswith("minimax/")
    job = cloud.finished(first.json()["id"])
    assert (job["status"], job["model"], job["spent_credits"]) == ("succeeded", chosen, 6)


def test_a_discount_and_tiers_of_the_command_line_are_shown_and_paid(cloud: Cloud) -> None:
    cloud.admin("create-tenant", "thrifty").done()
    cloud.admin("grant", "thrifty", "100").done()
    cloud.admin(
        "set-plan", "thrifty", "prepaid", "--discount-percent", "10", "--tier", "5:50", "--tier", "50:60"
    ).done()
    with cloud.http(cloud.admin("issue-key", "thrifty").done()["api_key"]) as http:
        limits = http.get("/v1/account").raise_for_status().json()["limits"]
        assert limits["discount_percent"] == 10
        assert limits["tiers"] == [{"from_credits": 5, "percent": 50}, {"from_credits": 50, "percent": 60}]
        assert ordered(cloud, http) == 6  # 90 percent of 6 credits, rounded up
        quote = http.post("/v1/quote", json=AUTO).raise_for_status().json()
        assert (quote["discount_percent"], quote["price_credits"]) == (50, 3)
        assert ordered(cloud, http) == 3
        (used,) = http.get("/v1/usage").raise_for_status().json()["data"]
    assert (used["credits"], used["unit"], used["units"]) == (9, "song", 2)


def ordered(cloud: Cloud, http: Any) -> int:  # noqa: ANN401 - the client of the cloud
    """What a whole order of the cheapest model cost its tenant."""
    job_id = http.post("/v1/jobs", json=AUTO).raise_for_status().json()["id"]
    cloud.until(lambda: http.get(f"/v1/jobs/{job_id}").json()["status"] == "succeeded")
    return int(http.get(f"/v1/jobs/{job_id}").json()["spent_credits"])


def test_the_month_of_a_capped_key_bounds_the_choice_of_quote_and_order(cloud: Cloud) -> None:
    cloud.admin("create-tenant", "capped").done()
    cloud.admin("grant", "capped", "100").done()
    with cloud.http(cloud.admin("issue-key", "capped", "--monthly-credits", "6").done()["api_key"]) as http:
        quote = http.post("/v1/quote", json=AUTO).raise_for_status().json()
        job = http.post("/v1/jobs", json=AUTO).raise_for_status().json()
        refused = http.post("/v1/jobs", json=AUTO)
    assert (quote["price_credits"], quote["hold_credits"]) == (6, 6)
    reasons = [each["why_not"] for each in quote["candidates"] if (each["price_credits"] or 0) > 6]
    assert reasons
    assert all(str(reason).endswith("the month of this key can hold 6") for reason in reasons)
    assert job["model"] == quote["model"]
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:fermata:problem:key_limit_reached")


def test_an_order_that_no_model_can_serve_says_why_for_each_and_stores_nothing(cloud: Cloud) -> None:
    with cloud.http() as http:
        before = http.get("/v1/account").json()["in_flight_jobs"]
        refused = http.post("/v1/jobs", json={**AUTO, "max_credits": 0})
        assert http.get("/v1/account").json()["in_flight_jobs"] == before
    problem = refused.json()
    assert (refused.status_code, problem["charged"]) == (422, "no")
    assert {each["pointer"] for each in problem["errors"]} == {"/model"}
    assert any(
        "minimax/music-1.5 cannot be chosen: it costs 6 credits" in each["message"] for each in problem["errors"]
    )
