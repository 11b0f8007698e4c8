"""A deployment leaves running jobs alone: what runs names versions, and every change makes new ones."""

import hashlib
import shutil
from pathlib import Path
from typing import Any, Final

import pytest

from local.deploy.transform import read_template, to_cloudformation
from tests.support.cloudwatch import CloudWatch, Identity, alarms_of
from tests.support.rights import Statement, of_type
from tooling.deploy import with_release

pytestmark = pytest.mark.check

Template = dict[str, Any]
ARTIFACTS: Final = {
    "AWS::Serverless::Function": "CodeUri",
    "AWS::Serverless::LayerVersion": "ContentUri",
    "AWS::Serverless::StateMachine": "DefinitionUri",
}
FUNCTION, MACHINE = "AWS::Lambda::Function", "AWS::StepFunctions::StateMachine"
FERMATA: Final = Path("layers/fermata/fermata")
SHIFTED_FUNCTIONS: Final = {
    *("AuthorizeRequestFunction", "SubmitJobFunction", "CancelJobFunction", "ReadJobsFunction"),
    *("ReceiveCallbackFunction", "IngestRequestFunction", "SettleJobFunction", "ReapJobsFunction"),
}
SHIFTED_MACHINES: Final = {"MusicJobMachine", "BatchMachine"}


def _digest(path: Path) -> str:
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def as_uploaded(
    root: Path, changed: dict[str, Path] | None = None, written: Path | None = None, **parameters: str
) -> Template:
    """What AWS makes of the template after `sam package`, which names each upload by its content; `changed` has other
    folders for some resources, and `written` is another file of the template.
    """
    template = read_template(written or root / "template.yaml")
    for logical_id, resource in template["Resources"].items():
        if resource["Type"] in ARTIFACTS:
            name = ARTIFACTS[resource["Type"]]
            path = (changed or {}).get(logical_id, root / resource["Properties"][name])
            resource["Properties"][name] = f"s3://uploads/{_digest(path)}"
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    resources: Template = to_cloudformation(template, defaults | parameters)["Resources"]
    return resources


def versions_of(resources: Template) -> dict[str, str]:
    """The logical id of each function's version; CloudFormation publishes one under each new id."""
    return {
        version["FunctionName"]["Ref"]: logical_id for logical_id, version in of_type(resources, "AWS::Lambda::Version")
    }


@pytest.fixture(scope="module")
def uploaded(root: Path) -> Template:
    return as_uploaded(root)


@pytest.fixture
def a_copy(root: Path, tmp_path: Path) -> Path:
    """The package fermata with one byte more."""
    copy = tmp_path / "fermata"
    shutil.copytree(root / FERMATA, copy, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "errors.py").open("ab") as errors:
        errors.write(b"\n")
    return tmp_path


# ---- what makes a new version


def test_the_same_content_makes_no_new_version(root: Path, uploaded: Template) -> None:
    assert versions_of(as_uploaded(root)) == versions_of(uploaded)


def test_one_byte_in_the_layer_gives_every_function_a_new_version(root: Path, a_copy: Path, uploaded: Template) -> None:
    before, after = versions_of(uploaded), versions_of(as_uploaded(root, {"FermataLayer": a_copy}))

    assert before.keys() == after.keys() == dict(of_type(uploaded, FUNCTION)).keys()
    assert [name for name in before if before[name] == after[name]] == []


def test_one_byte_in_a_handler_gives_that_function_a_new_version_and_its_machine_the_number(
    root: Path, tmp_path: Path, uploaded: Template
) -> None:
    (tmp_path / "app.py").write_bytes((root / "functions/store_audio/app.py").read_bytes() + b"\n")

    changed = as_uploaded(root, {"StoreAudioFunction": tmp_path})

    before, after = versions_of(uploaded), versions_of(changed)
    assert [name for name in before if before[name] != after[name]] == ["StoreAudioFunction"]
    called = changed["MusicJobMachine"]["Properties"]["DefinitionSubstitutions"]["StoreAudioFunctionArn"]
    assert called == {"Ref": after["StoreAudioFunction"]}


def test_make_deploy_gives_every_function_a_new_version_where_a_parameter_changed(root: Path, tmp_path: Path) -> None:
    """The transform sees a parameter's name in the functions' properties, not its value: without the line that `make
    deploy` writes, the new value would reach no version.
    """
    shutil.copy(root / "template.yaml", tmp_path)

    def deployed(given: dict[str, str]) -> dict[str, str]:
        return versions_of(as_uploaded(root, None, with_release(tmp_path / "template.yaml", given), **given))

    before, same, after = (deployed({"LinkTtlSeconds": seconds}) for seconds in ("900", "900", "901"))
    assert before == same
    assert [name for name in before if before[name] == after[name]] == []
    assert versions_of(as_uploaded(root, LinkTtlSeconds="900")) == versions_of(as_uploaded(root, LinkTtlSeconds="901"))


# ---- who names which


def test_old_versions_stay_where_a_new_one_is_published(uploaded: Template) -> None:
    kept = {"AWS::Lambda::Version": ["DeletionPolicy"]}
    kept["AWS::StepFunctions::StateMachineVersion"] = ["DeletionPolicy", "UpdateReplacePolicy"]
    for each in uploaded.values():
        for policy in kept.get(each["Type"], ()):
            assert each[policy] == "Retain"


def test_a_machine_names_versions_of_functions_and_no_alias(uploaded: Template) -> None:
    versions = versions_of(uploaded)
    for name, machine in of_type(uploaded, MACHINE):
        called = {
            key.removesuffix("Arn"): value
            for key, value in machine["DefinitionSubstitutions"].items()
            if key.endswith("FunctionArn")
        }
        assert called == {function: {"Ref": versions[function]} for function in called}, name
        assert called


def test_apis_and_events_name_aliases(uploaded: Template) -> None:
    aliases = {name for name, each in uploaded.items() if each["Type"] == "AWS::Lambda::Alias"}
    rules = [target["Arn"] for _, rule in of_type(uploaded, "AWS::Events::Rule") for target in rule["Targets"]]
    permitted = [permission["FunctionName"] for _, permission in of_type(uploaded, "AWS::Lambda::Permission")]
    bodies = [str(api["Body"]) for _, api in of_type(uploaded, "AWS::ApiGatewayV2::Api")]

    assert {target["Ref"] for target in rules} <= aliases
    assert {function["Ref"] for function in permitted} <= aliases
    for body in bodies:
        assert "Function.Arn}" not in body
        assert "Aliaslive}" in body


def test_whoever_starts_a_machine_starts_its_alias_and_may_start_it_unqualified(
    uploaded: Template, rights: dict[str, list[Statement]]
) -> None:
    """The code of the last release, which knows the ARN of its own environment, runs under the new roles."""
    started = {
        (name, value["Ref"].removesuffix("Aliaslive"))
        for name, function in of_type(uploaded, FUNCTION)
        for key, value in function["Environment"]["Variables"].items()
        if key.endswith("_MACHINE_ARN")
    }

    assert {uploaded[f"{machine}Aliaslive"]["Type"] for _, machine in started} == {
        "AWS::StepFunctions::StateMachineAlias"
    }
    for function, machine in started - {("ManageTenantsFunction", "MusicJobMachine")}:
        assert {"Ref": machine} in _resources(rights[function], "states:StartExecution"), function
        assert {"Fn::Sub": f"${{{machine}}}:live"} in _resources(rights[function], "states:StartExecution"), function


def test_a_machine_may_call_every_version_of_its_functions(
    uploaded: Template, rights: dict[str, list[Statement]]
) -> None:
    for name, machine in of_type(uploaded, MACHINE):
        called = {key.removesuffix("Arn") for key in machine["DefinitionSubstitutions"] if key.endswith("FunctionArn")}
        allowed = _resources(rights[name], "lambda:InvokeFunction")
        for function in called:
            assert {"Fn::GetAtt": [function, "Arn"]} in allowed
            assert {"Fn::Sub": f"${{{function}.Arn}}:*"} in allowed


def _resources(statements: list[Statement], action: str) -> list[Any]:
    found: list[Any] = []
    for statement in statements:
        actions, resources = statement["Action"], statement["Resource"]
        if action in (actions if isinstance(actions, list) else [actions]):
            found += resources if isinstance(resources, list) else [resources]
    return found


# ---- how traffic moves, and what takes it back


@pytest.mark.parametrize("preference", ["AllAtOnce", "Canary10Percent15Minutes"])
def test_a_parameter_moves_the_functions_that_take_orders_and_each_listens_to_its_own_alarm(
    root: Path, preference: str
) -> None:
    resources = as_uploaded(root, DeploymentPreference=preference)
    groups = dict(of_type(resources, "AWS::CodeDeploy::DeploymentGroup"))

    assert {name.removesuffix("DeploymentGroup") for name in groups} == SHIFTED_FUNCTIONS
    for name, group in groups.items():
        function = name.removesuffix("DeploymentGroup")
        alarm = f"{function.removesuffix('Function')}ReleaseAlarm"
        assert group["DeploymentConfigName"] == {
            "Fn::Sub": ["CodeDeployDefault.Lambda${ConfigName}", {"ConfigName": preference}]
        }
        assert group["AlarmConfiguration"] == {"Enabled": True, "Alarms": [{"Name": {"Ref": alarm}}]}
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert resources[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"][
            "DeploymentGroupName"
        ] == {"Ref": name}
        assert resources[alarm]["Properties"]["Dimensions"] == [
            {"Name": "FunctionName", "Value": {"Ref": function}},
            {"Name": "Resource", "Value": {"Fn::Sub": f"${{{function}}}:live"}},
        ]


def test_the_same_parameter_moves_the_machines(uploaded: Template, template: Template) -> None:
    gradual = {
        name.removesuffix("Aliaslive"): alias["DeploymentPreference"]
        for name, alias in of_type(uploaded, "AWS::StepFunctions::StateMachineAlias")
        if "Alarms" in alias["DeploymentPreference"]
    }

    assert gradual.keys() == SHIFTED_MACHINES
    for machine, preference in gradual.items():
        assert preference["Type"] == {"Fn::If": ["DeploymentsAreGradual", "CANARY", "ALL_AT_ONCE"]}
        assert preference["Alarms"] == [{"Ref": f"{machine}ReleaseAlarm"}]
    minutes = template["Mappings"]["Canaries"]
    allowed = template["Parameters"]["DeploymentPreference"]["AllowedValues"]
    assert list(minutes) == [*(name for name in allowed if name != "AllAtOnce"), "AllAtOnce"]
    for name in set(allowed) - {"AllAtOnce"}:
        assert name == f"Canary10Percent{minutes[name]['Minutes']}Minutes"


def test_new_code_that_fails_raises_its_alarm_within_the_shortest_canary_and_a_quiet_hour_does_not(
    uploaded: Template,
) -> None:
    alarms = {name: each for name, each in alarms_of(uploaded).items() if name.endswith("ReleaseAlarm")}

    assert len(alarms) == len(SHIFTED_FUNCTIONS | SHIFTED_MACHINES)
    for name, alarm in alarms.items():
        metrics = [query["MetricStat"]["Metric"] for query in alarm.get("Metrics", ()) if "MetricStat" in query]
        for metric in metrics or [alarm]:
            dimensions = frozenset((each["Name"], each["Value"]) for each in metric["Dimensions"])
            watched = Identity(metric["Namespace"], metric["MetricName"], dimensions)
            quiet, failing = CloudWatch(), CloudWatch()
            for minute in range(60):
                quiet.put(watched, minute * 60, 0.0)
            failing.put(watched, 3600, alarm["Threshold"])
            assert not quiet.ever_alarms(alarm, 3600), name
            assert failing.ever_alarms(alarm, 3600 + 4 * 60, late_s=60), name
