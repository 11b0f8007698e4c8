"""How a run finds its stack."""

import pytest

from local.console import export_lines_of_a_stack
from tests.e2e.__main__ import main, of_simulators, read_exports
from tests.e2e.plan import RefusedError
from tests.e2e.stack import NEEDED, Stack


def test_what_a_deployment_wrote_is_read_and_the_laptop_is_left_out() -> None:
    lines = export_lines_of_a_stack("fermata", {"ApiUrl": "https://api", "InboxBucketName": "it's a bucket"})
    assert read_exports(list(lines)) == {
        "API_URL": "https://api",
        "INBOX_BUCKET_NAME": "it's a bucket",
        "FERMATA_STACK": "fermata",
        "AWS_ENDPOINT_URL": "",
        "FERMATA_STATE_DIR": "",
    }


def test_a_stack_that_was_not_deployed_from_here_is_refused(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["--stack", "not-deployed"]) == 2
    assert "out/not-deployed.env" in (said := capfd.readouterr().err)
    assert said.endswith("make deploy STACK=not-deployed writes it\n")


@pytest.mark.parametrize("missing", NEEDED)
def test_every_variable_that_is_missing_is_named(missing: str) -> None:
    given = {name: "x" for name in NEEDED if name != missing}
    with pytest.raises(RefusedError, match=f"expected {missing} in the environment"):
        Stack.of(given, None)
    with pytest.raises(RefusedError, match=", ".join(NEEDED)):
        Stack.of({}, None)


def test_a_cloud_that_calls_the_real_provider_is_not_simulated(monkeypatch: pytest.MonkeyPatch) -> None:
    simulators = {"minimax": "http://127.0.0.1:1"}
    assert of_simulators(simulators)["E2E_SIMULATED"] == "yes"
    assert of_simulators({"aimlapi": "http://127.0.0.1:1"}) == {}
    monkeypatch.setenv("E2E_MODEL", "aimlapi/stable-audio")
    assert of_simulators(simulators) == {}
