"""The template that ships deploys to the emulator as it stands."""

import json
from pathlib import Path

import pytest

from local.deploy.deployment import Deployment, Throttle
from local.deploy.resources.resource_type import Clients
from tests.integration.local.deployer import Deployer

PROJECT = Path(__file__).parents[4]
ORIGIN = "http://127.0.0.1:9000"


@pytest.fixture(scope="module")
def deployment(deployer: Deployer) -> Deployment:
    return deployer.deploy(MinimaxBaseUrl=ORIGIN, TrustedLocalOrigins=ORIGIN, AuthorizerTtlSeconds="1")


def test_every_function_folder_is_deployed_from_its_sources(deployment: Deployment) -> None:
    folders = {path.parent for path in (PROJECT / "functions").glob("*/app.py")}

    assert {function.code_dir for function in deployment.functions.values()} == folders
    fermata, media = PROJECT / "layers" / "fermata", PROJECT / "layers" / "media"
    with_media = deployment.functions["fermata-MeasureTracksFunction"]
    assert with_media.layer_dirs == (fermata, media)
    assert [(path / "numpy").is_dir() for path in with_media.packages_dirs] == [True]
    others = [function for function in deployment.functions.values() if function is not with_media]
    assert {(function.layer_dirs, function.packages_dirs) for function in others} == {((fermata,), ())}


def test_what_functions_import_is_known_before_anything_is_created(deployer: Deployer, deployment: Deployment) -> None:
    created = {function.logical_id: function for function in deployment.functions.values()}
    ahead = {name: (spec.handler, spec.code_dir, spec.python_path) for name, spec in deployer.ahead.items()}

    assert ahead == {name: (spec.handler, spec.code_dir, spec.python_path) for name, spec in created.items()}
    plain, full = deployer.ahead["SubmitJobFunction"].environment, created["SubmitJobFunction"].environment
    assert plain.items() <= full.items()
    assert plain["TRUSTED_LOCAL_ORIGINS"] == ORIGIN
    assert "TABLE_NAME" in full.keys() - plain.keys()


def test_parameters_reach_the_functions_environment(deployment: Deployment) -> None:
    environment = deployment.functions["fermata-StartGenerationFunction"].environment

    assert environment["TRUSTED_LOCAL_ORIGINS"] == ORIGIN


def test_only_unknown_paths_health_checks_callbacks_live_songs_and_the_console_need_no_key(
    deployment: Deployment,
) -> None:
    open_routes = {(route.method, route.path) for route in deployment.routes if route.authorizer is None}

    assert open_routes == {
        ("ANY", "$default"),
        ("GET", "/healthz"),
        ("GET", "/openapi.json"),
        ("POST", "/v1/callbacks/{token}"),
        ("GET", "/v1/live/{token}/playlist.m3u8"),
        ("GET", "/v1/live/{token}/{name}"),
        *((method, path) for method in ("GET", "HEAD") for path in ("/console", "/console/{path+}")),
    }
    assert {route.authorizer.ttl_s for route in deployment.routes if route.authorizer} == {1}
    assert ("POST", "/v1/jobs") in {(route.method, route.path) for route in deployment.routes}


def test_every_route_is_throttled_as_its_stage_says(deployment: Deployment) -> None:
    throttled = {(route.method, route.path): route.throttle for route in deployment.routes if route.throttle}
    of_all, of_whoever_comes = Throttle(rate_per_s=1000, burst=2000), Throttle(rate_per_s=200, burst=400)

    assert len(throttled) == len(deployment.routes)
    assert {route: limit for route, limit in throttled.items() if limit != of_all} == {
        ("GET", "/healthz"): of_whoever_comes,
        ("GET", "/openapi.json"): of_whoever_comes,
        ("POST", "/v1/callbacks/{token}"): of_whoever_comes,
        ("GET", "/console"): Throttle(rate_per_s=50, burst=100),
        ("GET", "/console/{path+}"): Throttle(rate_per_s=200, burst=400),
        ("HEAD", "/console"): Throttle(rate_per_s=10, burst=20),
        ("HEAD", "/console/{path+}"): Throttle(rate_per_s=10, burst=20),
    }


def test_the_machine_calls_functions_of_this_deployment(deployment: Deployment, clients: Clients) -> None:
    arn = deployment.outputs["MusicJobMachineArn"]

    definition = json.loads(clients("stepfunctions").describe_state_machine(stateMachineArn=arn)["definition"])

    called = {state["Parameters"]["FunctionName"] for state in definition["States"].values() if state["Type"] == "Task"}
    assert called <= {f"{function.arn}:1" for function in deployment.functions.values()}
    assert called


def test_whoever_starts_a_machine_starts_its_alias(deployment: Deployment, clients: Clients) -> None:
    machines = clients("stepfunctions")
    variables = [item for function in deployment.functions.values() for item in function.environment.items()]
    started = {value for name, value in variables if name.endswith("_MACHINE_ARN")}

    assert len(started) == 4
    for arn in started:
        (route,) = machines.describe_state_machine_alias(stateMachineAliasArn=arn)["routingConfiguration"]
        assert arn.endswith(":live")
        assert route == {"stateMachineVersionArn": f"{arn.removesuffix(':live')}:1", "weight": 100}


@pytest.mark.parametrize(
    ("machine", "function"),
    [("MusicJobMachineArn", "fermata-SettleJobFunction"), ("BatchMachineArn", "fermata-CompleteBatchFunction")],
)
def test_an_ended_execution_reaches_the_function_that_reports_it(
    deployment: Deployment, clients: Clients, machine: str, function: str
) -> None:
    events = clients("events")
    rules = [events.describe_rule(Name=rule["Name"]) for rule in events.list_rules()["Rules"]]

    (rule,) = [rule for rule in rules if f'"{deployment.outputs[machine]}"' in rule.get("EventPattern", "")]
    (target,) = events.list_targets_by_rule(Rule=rule["Name"])["Targets"]

    assert json.loads(rule["EventPattern"])["source"] == ["aws.states"]
    arn = deployment.outputs[machine]
    assert json.loads(rule["EventPattern"])["detail"]["stateMachineArn"] == [arn, {"prefix": f"{arn}:"}]
    assert target["Arn"] == f"{deployment.functions[function].arn}:live"


def test_every_managed_policy_is_attached_to_the_roles_that_share_it(deployment: Deployment, clients: Clients) -> None:
    arns = [name for name in deployment.resources.values() if ":policy/" in name]
    iam = clients("iam")

    attached = {arn: iam.list_entities_for_policy(PolicyArn=arn)["PolicyRoles"] for arn in arns}

    assert attached
    assert {arn: roles for arn, roles in attached.items() if len(roles) < 2} == {}


def test_outputs_name_what_an_operator_needs(deployment: Deployment, clients: Clients) -> None:
    outputs = deployment.outputs

    assert outputs["ManageTenantsFunctionName"] in deployment.functions
    assert clients("dynamodb").describe_table(TableName=outputs["TableName"])["Table"]["TableStatus"] == "ACTIVE"
    assert clients("s3").head_bucket(Bucket=outputs["AudioBucketName"])
    assert clients("secretsmanager").describe_secret(SecretId=outputs["ProviderKeysSecretArn"])
