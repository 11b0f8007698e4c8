"""The catalogue is data: `GET /v1/models` shows it, and a model that is added to the file alone can be ordered."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from fermata.domain.catalogue.models import read_catalogue
from tests.integration.cloud_process import PROJECT_ROOT, running_cloud
from tests.integration.song import TLS, Cloud, request

DEPLOYED = ("cli", "functions", "layers", "local", "statemachine")
NEW_MODEL = {
    "id": "house/short-song",
    "provider": "minimax",
    "upstream_model": "music-2.0",
    "prompt": {"min": 3, "max": 40, "required": True},
    "lyrics": {"min": 1, "max": 100, "required": True},
    "instrumental": False,
    "auto_lyrics": False,
    "formats": ["mp3"],
    "sample_rates": [44100],
    "bitrates": [256000],
    "delivery": {"mp3": "hex"},
    "estimate": {"p50_s": 1, "p80_s": 2},
    "live": False,
    "price_credits": 7,
    "cost_usd": "0.03",
}


def models(cloud: Cloud) -> list[dict[str, Any]]:
    with cloud.http() as http:
        body = http.get("/v1/models").raise_for_status().json()
    assert set(body) == {"data", "next_cursor"}
    assert body["next_cursor"] is None
    return list(body["data"])


def test_every_model_on_offer_is_listed_with_its_limits_and_price(cloud: Cloud) -> None:
    listed = {model["id"]: model for model in models(cloud)}
    assert list(listed) == list(read_catalogue().offered_ids())
    model = listed["minimax/music-2.0"]
    assert (model["kind"], model["provider"], model["available"]) == ("song", "minimax", True)
    assert (model["price_credits"], model["unit"], model["unit_credits"], model["songs"]) == (6, "song", 6, 1)
    assert (model["inputs"], model["outputs"]) == (["prompt", "lyrics"], ["audio/mpeg", "audio/wav"])
    assert (model["live"], model["callbacks"], model["voices"]) == (True, False, None)
    assert model["example"]["model"] == "minimax/music-2.0"
    assert model["estimate"] == {"p50_s": 60, "p80_s": 110}
    assert model["limits"] == {
        "prompt": {"min": 10, "max": 2000, "required": True},
        "prompt_beside_lyrics": None,
        "lyrics": {"min": 10, "max": 3000, "required": True},
        "title": None,
        "instrumental": False,
        "auto_lyrics": False,
        "formats": ["mp3", "wav"],
        "sample_rates": [16000, 24000, 32000, 44100],
        "bitrates": [32000, 64000, 128000, 256000],
        "reference": None,
        "duration": None,
        "speech": None,
    }


def test_the_list_is_of_one_kind_and_sorted_by_price(cloud: Cloud) -> None:
    with cloud.http() as http:
        listed = http.get("/v1/models", params={"kind": "song", "sort": "price"}).raise_for_status().json()["data"]
        refused = http.get("/v1/models", params={"sort": "fame"})
    prices = [model["price_credits"] for model in listed]
    assert prices == sorted(prices)
    assert refused.status_code == 422


def test_the_example_of_a_model_becomes_a_song_as_it_stands(cloud: Cloud) -> None:
    listed = {model["id"]: model for model in models(cloud)}
    job = cloud.made(listed["minimax/music-1.5"]["example"])
    assert (job["status"], job["model"]) == ("succeeded", "minimax/music-1.5"), job["error"]


def test_the_estimate_of_a_model_is_the_one_of_the_deployment(cloud: Cloud) -> None:
    # A family is ordered under other names, so no song of another test can have replaced its prior.
    [model] = [model for model in models(cloud) if model["id"] == "apiinone/suno-*"]
    assert model["estimate"] == {"p50_s": 1, "p80_s": 2}


def test_the_models_are_not_shown_without_a_key(cloud: Cloud) -> None:
    assert httpx.get(f"{cloud.line['api_url']}/v1/models", verify=TLS).status_code == 401


@pytest.fixture(scope="module")
def cloud_with_a_new_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    """The cloud of a copy of this checkout in which nothing but the catalogue differs."""
    project = tmp_path_factory.mktemp("project")
    for folder in DEPLOYED:
        shutil.copytree(PROJECT_ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_ROOT / "template.yaml", project)
    (project / ".tools").symlink_to((PROJECT_ROOT / ".tools").resolve())
    add_model(project / "layers" / "fermata" / "fermata" / "catalogue.json")
    with running_cloud(["--provider-latency", "0.1"], tmp_path_factory.mktemp("cloud"), project) as line:
        yield Cloud(line)


def add_model(file: Path) -> None:
    catalogue = json.loads(file.read_text("utf-8"))
    catalogue["models"].append(NEW_MODEL)
    file.write_text(json.dumps(catalogue), "utf-8")


def test_a_model_that_is_added_to_the_catalogue_alone_makes_a_song(cloud_with_a_new_model: Cloud) -> None:
    cloud = cloud_with_a_new_model
    job = cloud.made(request("a short one", model="house/short-song"))
    assert job["status"] == "succeeded", job["error"]
    assert (job["model"], job["price_credits"]) == ("house/short-song", 7)
    [attempt] = cloud.attempts(job["id"])
    assert (attempt["provider"], attempt["model"]) == ("minimax", "music-2.0")
    assert models(cloud)[-1]["id"] == "house/short-song"


def test_a_new_models_own_limits_hold(cloud_with_a_new_model: Cloud) -> None:
    with cloud_with_a_new_model.http() as http:
        answer = http.post("/v1/jobs", json=request("x" * 41, model="house/short-song", audio={"format": "wav"}))
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == ["/prompt", "/audio/format"]
