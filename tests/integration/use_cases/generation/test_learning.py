"""The time that songs took becomes the estimate that callers receive, for the model that made them."""

from typing import Any

from tests.integration.song import Cloud, request

MODEL = "minimax/music-3.0"


def estimate_of(cloud: Cloud, model_id: str) -> dict[str, Any]:
    with cloud.http() as http:
        listed = http.get("/v1/models").raise_for_status().json()["data"]
    return dict(next(model["estimate"] for model in listed if model["id"] == model_id))


def can_read(cloud: Cloud) -> bool:
    with cloud.http() as http:
        return http.get("/v1/models").status_code == 200


def test_five_songs_of_a_model_replace_its_prior_in_the_list_and_in_the_next_job(cloud: Cloud) -> None:
    prior = estimate_of(cloud, MODEL)
    submitted = [cloud.submit(request(f"learning {number}", model=MODEL)) for number in range(5)]
    assert submitted[0]["estimate"]["p50_s"] == prior["p50_s"] == 90
    assert {cloud.finished(job["id"])["status"] for job in submitted} == {"succeeded"}
    # A song is counted after its job is settled.
    for job in submitted:
        cloud.ended_execution(job["id"])

    # What was read before the songs were counted may be remembered for half a minute; a new process remembers nothing.
    cloud.kill_function("ReadJobsFunction")
    cloud.until(lambda: can_read(cloud))
    learned = estimate_of(cloud, MODEL)
    assert 1 <= learned["p50_s"] <= learned["p80_s"] < 30
    cloud.fault("minimax", "hang:3", "create", "learned before")
    open_job = cloud.job(cloud.submit(request("learned before", model=MODEL))["id"])
    assert open_job["estimate"]["p50_s"] == learned["p50_s"]
    assert estimate_of(cloud, "minimax/music-2.0") == {"p50_s": 60, "p80_s": 110}
