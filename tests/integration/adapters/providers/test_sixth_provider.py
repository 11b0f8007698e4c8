"""A provider that only the catalogue knows is ordered from: nothing of the template names it.

It speaks MiniMax's dialect, so that the catalogue is all that had to be changed; the template, the functions and the
machines are those that ship.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from local.deploy.resources.lambda_functions import MOST_ENVIRONMENT_BYTES
from local.simulators.running import RunningSimulator, start_simulator
from tests.integration.cloud_process import PROJECT_ROOT, cloud_process
from tests.integration.cloud_process import testing_parameters as fast_parameters
from tests.integration.song import TLS, Cloud, request

SIXTH: Final = "sixth"
KEY: Final = "sixth-key"
OVERRIDES: Final = {
    f"{SIXTH}/a-model-with-quite-a-long-name-{n:02}": {"p50_s": 60 + n, "p80_s": 120 + n} for n in range(60)
}
PRICES: Final = {name: {"price_credits": 41 + n} for n, name in enumerate(OVERRIDES)}
PRICE_USD: Final = 0.15
SETTINGS: Final = {
    SIXTH: {"rpm": 60_000, "concurrency": 3, "daily_budget_usd": f"{2 * PRICE_USD:.2f}"},
    **{name: {"rpm": 60_000, "daily_budget_usd": "1000"} for name in ("minimax", "skillboss", "apiinone", "aimlapi")},
}


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is deployed, with another catalogue."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("layers", "functions", "statemachine"):
        shutil.copytree(PROJECT_ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_ROOT / "template.yaml", folder)
    path = folder / "layers" / "fermata" / "fermata" / "catalogue.json"
    path.write_text(json.dumps(with_the_sixth(json.loads(path.read_text("utf-8")))), "utf-8")
    return folder


def with_the_sixth(catalogue: dict[str, Any]) -> dict[str, Any]:
    model = next(each for each in catalogue["models"] if each["id"] == "minimax/music-2.5")
    models = [{**model, "id": each, "provider": SIXTH, "dialect": "minimax"} for each in OVERRIDES]
    settings = {"base_url": "https://sixth.example", "rpm": 1, "concurrency": 1, "daily_budget_usd": "0"}
    return {
        "providers": {**catalogue["providers"], SIXTH: settings},
        "models": [*catalogue["models"], *models],
    }


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSimulator]:
    log_path = tmp_path_factory.mktemp("sixth") / "simulator.jsonl"
    running = start_simulator("minimax", key=KEY, latency_s=0.1, log_path=log_path)
    yield running
    running.stop()


@pytest.fixture(scope="module")
def cloud(copy: Path, simulator: RunningSimulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    command = ("-m", "tests.integration.adapters.providers.sixth_cloud_main", str(copy))
    scratch = tmp_path_factory.mktemp("cloud")
    arguments = [
        *("--port", "0", "--in-memory", "--state-dir", str(scratch / "state"), *fast_parameters()),
        *("--provider", f"{SIXTH}={simulator.url}", "--provider-key", f"{SIXTH}={KEY}"),
        *("--param", f"ModelLatencyPriors={json.dumps(OVERRIDES, separators=(',', ':'))}"),
        *("--param", f"PriceOverrides={json.dumps(PRICES, separators=(',', ':'))}"),
        *("--param", f"ProviderSettings={json.dumps(SETTINGS, separators=(',', ':'))}"),
    ]
    with cloud_process(arguments, scratch, command=command) as process:
        yield Cloud(process.line())


def models(cloud: Cloud) -> dict[str, dict[str, Any]]:
    with cloud.http() as http:
        return {model["id"]: model for model in http.get("/v1/models").raise_for_status().json()["data"]}


def used(cloud: Cloud, model: str) -> dict[str, Any]:
    with cloud.http() as http:
        (line,) = (each for each in http.get("/v1/usage").raise_for_status().json()["data"] if each["model"] == model)
    return {name: line[name] for name in ("credits", "unit", "units")}


def billed(simulator: RunningSimulator) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = httpx.get(f"{simulator.url}/_sim/bill", verify=TLS).raise_for_status().json()["items"]
    return items


def test_nothing_that_is_deployed_names_it_but_the_catalogue(copy: Path) -> None:
    texts = [path for path in copy.rglob("*") if path.is_file() and SIXTH in path.read_text("utf-8", "replace")]

    assert [path.name for path in texts] == ["catalogue.json"]
    assert (copy / "template.yaml").read_bytes() == (PROJECT_ROOT / "template.yaml").read_bytes()


def test_sixty_overrides_that_no_environment_could_hold_reach_the_functions(cloud: Cloud) -> None:
    given = [json.dumps(each, separators=(",", ":")) for each in (OVERRIDES, PRICES, SETTINGS)]
    assert sum(len(each) for each in given) > MOST_ENVIRONMENT_BYTES

    shown = models(cloud)
    assert {name: shown[name]["estimate"] for name in OVERRIDES} == OVERRIDES
    assert {name: {"price_credits": shown[name]["price_credits"]} for name in PRICES} == PRICES


def test_it_is_ordered_from_within_the_budget_that_the_operator_set(cloud: Cloud, simulator: RunningSimulator) -> None:
    ordered, *_, other = OVERRIDES
    jobs = [cloud.made(request("a sixth song", model=ordered))]
    cloud.manage(action="set_plan", tenant_id=cloud.line["tenant"], plan="prepaid", discount_percent=50)
    jobs.append(cloud.made(request("a sixth song at half the price", model=ordered)))

    assert [job["status"] for job in jobs] == ["succeeded"] * 2, [job["error"] for job in jobs]
    assert [attempt["provider"] for attempt in cloud.attempts(jobs[0]["id"])] == [SIXTH]
    assert models(cloud)[other]["available"] is False
    assert models(cloud)["minimax/music-2.5"]["available"] is True
    assert len(billed(simulator)) == 2
    # The operator's price of 41 credits, and half of it, rounded up.
    assert [(job["price_credits"], job["spent_credits"]) for job in jobs] == [(41, 41), (21, 21)]
    assert used(cloud, ordered) == {"credits": 62, "unit": "song", "units": 2}


def test_an_operator_pauses_it_as_any_other(cloud: Cloud) -> None:
    assert cloud.manage(action="pause", provider=SIXTH) == {"provider": SIXTH, "paused": True, "changed": True}
    assert cloud.manage(action="resume", provider=SIXTH)["changed"] is True
