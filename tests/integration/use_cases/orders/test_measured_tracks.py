"""A delivered song is measured after its job's end by the rule, the function and the layer that are deployed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.integration.song import TLS, Cloud, request


@contextmanager
def measuring(cloud: Cloud) -> Iterator[None]:
    """The rule that the fast parameters switch off, because most tests do not listen."""
    events = cloud.aws("events")
    (rule,) = [each["Name"] for each in events.list_rules()["Rules"] if "MeasureTracks" in each["Name"]]
    events.enable_rule(Name=rule)
    try:
        yield
    finally:
        events.disable_rule(Name=rule)


def sound_of(job: dict[str, Any]) -> list[object]:
    return [job["tracks"][0][name] for name in ("peaks_url", "loudness_lufs", "true_peak_dbtp")]


def test_a_delivered_song_gets_a_waveform_and_loudness_which_go_with_the_job(cloud: Cloud) -> None:
    with measuring(cloud):
        job = cloud.made(request("a song that is listened to"))
        cloud.until(lambda: None not in sound_of(cloud.job(job["id"])))
    with cloud.http() as http:
        listed = http.get("/v1/jobs").json()["data"]
        measured = cloud.job(job["id"])
        assert measured["updated_at"] == job["updated_at"]
        (shown,) = [each for each in listed if each["id"] == job["id"]]
        assert sound_of(shown)[1:] == sound_of(measured)[1:]
        url, loudness, peak = sound_of(measured)
        assert -40 < float(str(loudness)) < float(str(peak)) < 1
        answer = httpx.get(str(url), verify=TLS)
        assert answer.headers["Content-Type"] == "application/json"
        waveform = answer.json()
        duration_ms = waveform["length"] * waveform["samples_per_pixel"] * 1000 / waveform["sample_rate"]
        assert abs(duration_ms - measured["tracks"][0]["duration_ms"]) < 100
        assert http.delete(f"/v1/jobs/{job['id']}").status_code == 204
    assert httpx.get(str(url), verify=TLS).status_code in {403, 404}
    function = next(
        each["FunctionName"]
        for each in cloud.aws("lambda").list_functions()["Functions"]
        if "MeasureTracks" in each["FunctionName"]
    )
    late = cloud.aws("lambda").invoke(FunctionName=function, Payload=json.dumps({"job_id": job["id"]}))
    assert json.loads(late["Payload"].read()) == {"measured": 0, "not_measured": 0}
    assert httpx.get(str(url), verify=TLS).status_code in {403, 404}
