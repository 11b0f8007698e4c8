"""A job that runs while another release is deployed ends well by the definition and the code that it began with."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import pytest

from tests.integration.cloud_process import PATIENCE_S, cloud_process
from tests.integration.cloud_process import testing_parameters as fast_parameters
from tests.integration.local.updating.releases import make_release
from tests.integration.song import Cloud, request

MAIN: Final = "tests.integration.local.updating.updating_cloud_main"
DIRECTIONS: Final = {"upgrade": ("older", "newer"), "rollback": ("newer", "older")}
TASK, CALLBACK, REFUSING = "aimlapi/minimax/music-2.0", "apiinone/suno", "minimax/music-2.5"
TROUBLE: Final = {
    "WaitForAudio": ("http:503", "file"),
    "ResumeStorage": ("link_expired", "file"),
    "SettleJob": ("code:1008", "create"),
    "WaitForTurn": ("code:1002", "create"),
}
"""What has a provider bring a job into a state: the fault and where it happens, once."""


@dataclass
class Releases:
    """A cloud with two releases, of which one is deployed."""

    cloud: Cloud
    holds: Path
    templates: dict[str, Path]
    deployed: str = "older"

    def deploy(self, release: str) -> None:
        """Deploy a release unless it is the one that is deployed."""
        if release != self.deployed:
            path = str(self.templates[release])
            httpx.post(self.cloud.line["update_url"], content=path, timeout=PATIENCE_S).raise_for_status()
            self.deployed = release


@pytest.fixture(scope="module")
def releases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Releases]:
    folder = tmp_path_factory.mktemp("releases")
    holds = folder / "holds"
    holds.mkdir()
    templates = {name: make_release(name, folder / name, holds) for name in ("older", "newer")}
    arguments = ["--port", "0", "--in-memory", "--state-dir", str(folder / "state"), *fast_parameters()]
    # However long a deployment takes, what waits for a callback is still waiting.
    arguments += ["--param", "CallbackTimeoutSeconds=600"]
    command = ("-m", MAIN, str(templates["older"]))
    with cloud_process([*arguments, "--provider-latency", "2"], folder, command) as process:
        yield Releases(Cloud(process.line()), holds, templates)
        assert process.process.poll() is None, process.stderr()


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize(
    ("model", "function", "state"),
    [
        pytest.param(TASK, "start_generation", "StartGeneration", id="StartGeneration"),
        pytest.param(TASK, "poll_generation", "PollGeneration", id="PollGeneration"),
        pytest.param(TASK, "store_audio", "StoreAudio", id="StoreAudio"),
        pytest.param(REFUSING, "settle_job", "SettleJob", id="SettleJob"),
        pytest.param(TASK, None, "WaitForProvider", id="WaitForProvider"),
        pytest.param(TASK, None, "WaitForAudio", id="WaitForAudio"),
        pytest.param(TASK, None, "ResumeStorage", id="ResumeStorage"),
        pytest.param(REFUSING, None, "WaitForTurn", id="WaitForTurn"),
        pytest.param(CALLBACK, "await_callback", "WaitForCallback", id="WaitForCallback, before it waits"),
        pytest.param(CALLBACK, None, "WaitForCallback", id="WaitForCallback"),
    ],
)
def test_a_job_ends_as_it_began_whichever_state_it_is_in_when_another_release_is_deployed(
    releases: Releases, model: str, function: str | None, state: str, direction: str
) -> None:
    cloud, prompt = releases.cloud, f"{direction} at {state} {function}"
    began, follows = DIRECTIONS[direction]
    releases.deploy(began)
    hold = releases.holds / str(function)
    if function:
        hold.touch()
    if state in TROUBLE:
        cloud.fault(model.partition("/")[0], *TROUBLE[state], prompt)

    job_id = cloud.submit(request(prompt, model=model))["id"]
    if function:
        cloud.until((releases.holds / job_id).exists)
    else:
        cloud.until(lambda: state in cloud.states_so_far(job_id))
    releases.deploy(follows)
    # A wait ends by itself, with or without the deployment; what is held is there until it is let go.
    assert function is None or cloud.states_so_far(job_id)[-1] == state
    hold.unlink(missing_ok=True)

    job = cloud.finished(job_id)
    assert job["status"] == ("failed" if state == "SettleJob" else "succeeded"), job["error"]
    provider = model.partition("/")[0]
    paid = [post["charged"] for post in cloud.posts(provider, hashlib.sha256(prompt.encode()).hexdigest())]
    assert paid == {"WaitForTurn": [False, True], "SettleJob": [False]}.get(state, [True])
    states = cloud.states(job_id)
    assert states[0] == f"Release_{began}"
    assert states[-1] == ("SettleJob" if state == "SettleJob" else "StoreAudio")
    after = cloud.made(request(f"after {prompt}", model=TASK))
    assert after["status"] == "succeeded", after["error"]
    assert cloud.states(after["id"])[0] == f"Release_{follows}"
