"""What an operator sets is checked while the template that ships is deployed, and reaches the functions."""

from pathlib import Path

import pytest

from fermata.adapters.dynamodb.providers.settings_store import DynamoSettingsStore
from fermata.domain.catalogue.operator_settings import NOTHING_SET, OperatorSettings
from fermata.domain.providers.settings import ProviderChanges
from local.deploy.deployment import Deployment
from local.deploy.resources.resource_type import Clients
from local.errors import CustomResourceError
from tests.integration.local.deployer import Deployer

ORIGIN = "http://127.0.0.1:9000"


def settings_of(deployment: Deployment, clients: Clients) -> OperatorSettings:
    environment = next(
        function.environment
        for function in deployment.functions.values()
        if function.logical_id == "StartGenerationFunction"
    )
    return DynamoSettingsStore(clients("dynamodb"), environment["TABLE_NAME"]).load(environment["SETTINGS_VERSION"])


def test_what_an_operator_sets_reaches_the_functions_through_the_table(deployer: Deployer, clients: Clients) -> None:
    deployment = deployer.deploy(MinimaxBaseUrl=ORIGIN, TrustedLocalOrigins=ORIGIN)

    assert settings_of(deployment, clients).providers == {"minimax": ProviderChanges(base_url=ORIGIN)}
    versions = {
        function.logical_id: function.environment["SETTINGS_VERSION"]
        for function in deployment.functions.values()
        if "SETTINGS_VERSION" in function.environment
    }
    assert set(versions) == {
        f"{name}Function"
        for name in (
            *("SubmitJob", "IngestRequest", "SubmitLine", "StartGeneration", "PrepareReference", "PollGeneration"),
            *("RescueAudio", "ReadJobs", "ListJobs", "ListVoices", "ManageTenants"),
        )
    }
    assert set(versions.values()) == {deployment.resources["OperatorSettings"]}


def test_a_wrong_setting_ends_the_deployment_of_the_whole_template(deployer: Deployer) -> None:
    with pytest.raises(CustomResourceError, match="MinimaxRpm "):
        deployer.deploy("wrong-as-a-whole", MinimaxRpm="60001")


def test_a_deployment_that_sets_nothing_has_nothing_to_read(deployer: Deployer, clients: Clients) -> None:
    plain = deployer.deploy("plain")

    assert plain.resources["OperatorSettings"] == NOTHING_SET
    assert clients("dynamodb").scan(TableName=plain.outputs["TableName"])["Items"] == []


def test_the_object_of_all_providers_wins_over_the_parameters_of_one(
    deployer: Deployer, clients: Clients, tmp_path: Path
) -> None:
    parameters = {"MinimaxRpm": "7", "MinimaxConcurrency": "3", "ProviderSettings": '{"minimax":{"rpm":9}}'}
    both = deployer.deploy_part("OperatorSettings", "both", tmp_path, **parameters)

    kept = DynamoSettingsStore(clients("dynamodb"), both.resources["JobsTable"])
    assert kept.load(both.resources["OperatorSettings"]).providers == {"minimax": ProviderChanges(rpm=9, concurrency=3)}


# What else cannot be is refused by the function alone: tests/unit/domain/catalogue/test_operator_settings.py.
def test_a_deployment_that_sets_what_cannot_be_fails(deployer: Deployer, tmp_path: Path) -> None:
    with pytest.raises(CustomResourceError) as refused:
        deployer.deploy_part("OperatorSettings", "wrong", tmp_path, ProviderSettings='{"suno":{"rpm":1}}')

    assert str(refused.value).startswith("OperatorSettings (Custom::OperatorSettings): ")
    assert "ProviderSettings: there is no provider suno" in str(refused.value)
