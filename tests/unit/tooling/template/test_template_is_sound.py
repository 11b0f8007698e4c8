"""What every resource of the template keeps to."""

import graphlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from fermata.domain.web.prefer import LONGEST_WAIT_S
from local.deploy.intrinsics import TemplateValue
from tests.support.rights import Statement, attached_arns, inline_documents, of_type, shared_documents

pytestmark = pytest.mark.check

PHYSICAL_NAMES = {
    *("AlarmName", "BucketName", "DashboardName", "FunctionName", "LayerName", "LogGroupName", "ManagedPolicyName"),
    *("Name", "QueueName", "RoleName", "StateMachineName", "TableName", "TopicName"),
}
NAMES_THAT_MUST_BE_GIVEN: dict[str, str] = {
    "AWS::Events::EventBus": "CloudFormation requires the name of a bus",
    "AWS::SSM::Parameter": "read at run time by those who cannot refer to it without a circle; named after the stack",
}
WILDCARDS_WITH_A_REASON: dict[tuple[str, str], str] = {}
"""(logical id, Sid) of a statement that may name `*`, and why nothing narrower exists."""
SUB_REFERENCE = re.compile(r"\$\{([A-Za-z0-9]+)(?:\.[A-Za-z0-9.]+)?\}")
Template = dict[str, Any]
Rights = dict[str, list[Statement]]
"""What each function and state machine may do, by logical id."""


def _maps(value: TemplateValue) -> Iterator[dict[str, Any]]:
    """Every map inside a value, the outermost first."""
    if isinstance(value, dict):
        yield value
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _maps(inner)


def _listed(value: TemplateValue) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _references(resource: dict[str, Any]) -> Iterator[str]:
    yield from _listed(resource.get("DependsOn", []))
    for part in _maps(resource):
        if "Ref" in part:
            yield part["Ref"]
        if "Fn::GetAtt" in part:
            yield str(_listed(part["Fn::GetAtt"])[0]).partition(".")[0]
        if "Fn::Sub" in part:
            text, *given = _listed(part["Fn::Sub"])
            yield from set(SUB_REFERENCE.findall(text)) - (set(given[0]) if given else set())


def _allowing_statements(transformed: Template) -> Iterator[tuple[str, dict[str, Any]]]:
    for logical_id, resource in transformed["Resources"].items():
        for part in _maps(resource):
            if part.get("Effect") == "Allow":
                yield logical_id, part


def _is_wild(statement: dict[str, Any]) -> bool:
    actions = _listed(statement.get("Action", []))
    broad = any(action == "*" or action.endswith(":*") for action in actions)
    return broad or "*" in _listed(statement.get("Resource", [])) or bool({"NotAction", "NotResource"} & set(statement))


def test_every_parameter_and_every_output_is_described(template: Template) -> None:
    described = {**template["Parameters"], **template["Outputs"]}

    assert [name for name, part in described.items() if len(part.get("Description", "")) < 10] == []


def test_every_parameter_stands_in_a_group_of_the_console_form(template: Template) -> None:
    groups = template["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(template["Parameters"])


def test_every_parameter_is_used(template: Template) -> None:
    used = {
        name
        for section in ("Globals", "Resources", "Rules", "Conditions", "Outputs")
        for name in _references(template.get(section, {}))
    }

    assert set(template["Parameters"]) <= used


def test_no_resource_has_a_physical_name(resources: Template) -> None:
    named = [
        f"{logical_id}.{name}"
        for logical_id, resource in resources.items()
        for name, value in resource.get("Properties", {}).items()
        if name in PHYSICAL_NAMES
        and resource["Type"] not in NAMES_THAT_MUST_BE_GIVEN
        and not _names_a_resource(value, resources)
    ]

    assert named == []


def _names_a_resource(value: TemplateValue, resources: Template) -> bool:
    return isinstance(value, dict) and set(value) <= {"Ref", "Fn::GetAtt"} and set(_references(value)) <= set(resources)


def test_no_permission_is_wider_than_a_list_of_actions_on_named_resources(transformed: Template) -> None:
    statements = list(_allowing_statements(transformed))
    wild = {(logical_id, statement.get("Sid", "")) for logical_id, statement in statements if _is_wild(statement)}

    assert wild == set(WILDCARDS_WITH_A_REASON)
    assert len(statements) >= len(
        [kind for kind in transformed["Resources"].values() if kind["Type"] == "AWS::IAM::Role"]
    )


def test_no_policy_has_two_statements_of_one_name(transformed: Template) -> None:
    """IAM refuses such a policy when it is created, which is long after everything else was checked."""
    for logical_id, resource in transformed["Resources"].items():
        for part in _maps(resource):
            if isinstance(part.get("Statement"), list):
                named = [statement["Sid"] for statement in part["Statement"] if "Sid" in statement]
                assert len(named) == len(set(named)), logical_id


def test_no_policy_comes_from_a_list_that_aws_widens(resources: Template) -> None:
    """SAM's policy templates and AWS's managed policies are wider than their names; the template's own are not."""
    own = {name for name, _ in of_type(resources, "AWS::IAM::ManagedPolicy")}
    for logical_id, resource in resources.items():
        for policy in _listed(resource.get("Properties", {}).get("Policies", [])):
            is_own = set(policy) == {"Ref"} and policy["Ref"] in own
            assert is_own or set(policy) - {"Version"} == {"Statement"}, logical_id


_SEE_PROVIDERS = "SeeWhichProvidersTakeOrders"
_DEPLOYMENT = "UseKeyOfTableInDeployment"
_SIGNING = "UseKeyOfSigningSecret"
SAID_TWICE: dict[frozenset[tuple[str, str]], str] = {
    frozenset({("IngestRequestFunctionRole", "StartBatches"), ("BatchMachineMayRunLines", "StartLines")}): (
        "the machine's right to start its lines stands beside its role, because the machine needs the role"
    ),
    frozenset({("ReadJobsFunctionRole", _SEE_PROVIDERS), ("SubmitJobsPolicy", _SEE_PROVIDERS)}): (
        "orders may leave the choice of a model to Fermata, and the roles that submit have as many managed policies as "
        "IAM allows"
    ),
    frozenset(
        {("StartGenerationFunctionRole", "KeepToPauses"), ("ManageTenantsFunctionRole", "ReadPausesAndBudgets")}
    ): ("the role that orders songs has as many managed policies as IAM allows"),
    frozenset({("UseKeyOfTablePolicy", "UseKeyOfTable"), (_DEPLOYMENT + "Policy", _DEPLOYMENT)}): (
        "all other roles wait for TableInUse, and TableInUse for the right of the deployment's own function"
    ),
    frozenset({("UseKeyOfSecretsPolicy", "UseKeyOfSecrets"), (_SIGNING + "Policy", _SIGNING)}): (
        "the function that stores songs reads a secret only where songs are signed"
    ),
}
"""(logical id, Sid) of statements that say the same, and why they do not stand in one managed policy."""


def test_the_template_says_each_right_once(transformed: Template) -> None:
    places: dict[str, set[tuple[str, str]]] = {}
    for logical_id, statement in _allowing_statements(transformed):
        # A policy with a principal belongs to what it protects, and a role's trust is none of its rights.
        if "Principal" not in statement:
            right = {name: _in_order(value) for name, value in statement.items() if name != "Sid"}
            places.setdefault(json.dumps(right, sort_keys=True), set()).add((logical_id, statement.get("Sid", "")))

    assert len(places) > 50
    assert {frozenset(said) for said in places.values() if len(said) > 1} == set(SAID_TWICE)


def _in_order(value: TemplateValue) -> TemplateValue:
    """The value as IAM reads it: no list has an order, and a list of one entry is that entry."""
    if isinstance(value, dict):
        return {name: _in_order(inner) for name, inner in value.items()}
    if isinstance(value, list):
        entries = sorted((_in_order(inner) for inner in value), key=str)
        return entries[0] if len(entries) == 1 else entries
    return value


def test_a_managed_policy_is_of_several_roles(transformed: Template) -> None:
    """What one function alone may do stands with the function."""
    resources = transformed["Resources"]
    roles = [role for role, _ in of_type(resources, "AWS::IAM::Role")]
    attached = Counter(name for role in roles for name in shared_documents(resources, role))

    assert {
        name: attached[name] for name, _ in of_type(resources, "AWS::IAM::ManagedPolicy") if attached[name] < 2
    } == {}


def test_a_held_request_is_answered_before_the_gateway_gives_up(resources: Template) -> None:
    timeout = resources["SubmitJobFunction"]["Properties"]["Timeout"]

    assert LONGEST_WAIT_S + 3 < timeout < 30


HOLDS_DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SecretsManager::Secret")


@pytest.mark.check
def test_every_log_group_goes_after_its_retention_and_every_function_has_one(resources: dict[str, Any]) -> None:
    groups = [each for each in resources.values() if each["Type"] == "AWS::Logs::LogGroup"]
    functions = [each for each in resources.values() if each["Type"] == "AWS::Serverless::Function"]
    assert len(groups) > len(functions)
    assert all(each["Properties"]["RetentionInDays"] == {"Ref": "LogRetentionDays"} for each in groups)
    assert all("LogGroup" in each["Properties"]["LoggingConfig"] for each in functions)


@pytest.mark.check
def test_what_holds_data_survives_its_stack_and_the_table_a_hand_too(resources: dict[str, Any]) -> None:
    kept = {
        name: each
        for name, each in resources.items()
        if each["Type"] in HOLDS_DATA and "GenerateSecretString" not in each["Properties"]
    }
    assert {each["Type"] for each in kept.values()} == {*HOLDS_DATA}
    for name, each in kept.items():
        assert (each.get("DeletionPolicy"), each.get("UpdateReplacePolicy")) == ("Retain", "Retain"), name
    tables = [each for each in kept.values() if each["Type"] == HOLDS_DATA[0]]
    assert all(each["Properties"]["DeletionProtectionEnabled"] for each in tables)
    assert all(
        each["Properties"]["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        for each in tables
    )


def test_resources_refer_to_each_other_without_a_circle(transformed: Template) -> None:
    resources = transformed["Resources"]
    graph = {name: set(_references(resource)) & set(resources) for name, resource in resources.items()}

    assert len(tuple(graphlib.TopologicalSorter(graph).static_order())) == len(resources)


def test_every_role_that_may_settle_a_job_may_count_its_usage(rights: Rights) -> None:
    """Both are one transaction, which AWS refuses as a whole where one right is missing; the laptop enforces none."""
    updates = {name: set().union(*keys) for name, keys in _allowed_keys(rights, "dynamodb:UpdateItem").items()}
    settles = {name for name, keys in updates.items() if "WALLET#*" in keys}
    counts = {name for name, keys in updates.items() if "USAGE#*" in keys}

    assert settles <= counts, "give dynamodb:UpdateItem on USAGE#* (MoveCreditsPolicy)"


def test_a_condition_on_the_prefix_stands_only_where_s3_provides_the_prefix(transformed: Template) -> None:
    """Actions, resources and condition keys for Amazon S3: `s3:prefix` belongs to lists of objects and of versions."""
    for logical_id, statement in _allowing_statements(transformed):
        if any("s3:prefix" in condition for condition in statement.get("Condition", {}).values()):
            assert set(_listed(statement["Action"])) <= {"s3:ListBucket", "s3:ListBucketVersions"}, logical_id


WRITTEN_TOGETHER = [
    ("dynamodb:PutItem", {"JOB#*", "WALLET#*"}),
    ("dynamodb:PutItem", {"JOB#*", "WALLET#*", "IDEMPOTENCY#*"}),
    ("dynamodb:PutItem", {"TENANT#*", "TENANTS"}),
    ("dynamodb:PutItem", {"WEBHOOK#*", "WEBHOOK_SECRET#*"}),
    ("dynamodb:UpdateItem", {"WALLET#*", "USAGE#*"}),
    ("dynamodb:UpdateItem", {"WEBHOOK#*", "WEBHOOK_SECRET#*"}),
]
"""The leading keys of items that one transaction writes in the same way."""


@pytest.mark.parametrize(("action", "keys"), WRITTEN_TOGETHER)
def test_what_a_transaction_writes_is_allowed_by_one_statement(rights: Rights, action: str, keys: set[str]) -> None:
    """AWS does not say whether it checks IAM for each part of a transaction or about the keys of all parts at once. The
    latter passes `ForAllValues` only where one statement names them all.
    """
    allowed_keys = _allowed_keys(rights, action)
    writers = [name for name, allowed in allowed_keys.items() if keys <= set().union(*allowed)]

    assert writers
    for name in writers:
        assert any(keys <= allowed for allowed in allowed_keys[name]), name


def test_a_plan_and_its_limit_of_reads_are_allowed_by_one_statement(rights: Rights) -> None:
    allowed = _allowed_keys(rights, "dynamodb:UpdateItem")["ManageTenantsFunction"]

    assert any({"WALLET#*", "READS#*"} <= keys for keys in allowed)


LONGEST_INLINE, LONGEST_MANAGED, MOST_ATTACHED = 10_240, 6_144, 10
"""IAM and AWS STS quotas: characters without white space of a role's inline policies and of a managed one, and how many
managed ones a role takes.
"""


def _size(documents: list[dict[str, Any]]) -> int:
    """Characters that IAM counts at most: a reference becomes an ARN of at most 150."""
    text = json.dumps(documents, separators=(",", ":"))
    return len(text) + 100 * len(re.findall(r'"(?:Ref|Fn::GetAtt|Fn::Sub)"', text))


def test_no_role_has_more_inline_policy_than_iam_takes(transformed: Template) -> None:
    for role, _ in of_type(transformed["Resources"], "AWS::IAM::Role"):
        assert _size(inline_documents(transformed["Resources"], role)) < LONGEST_INLINE, role


def test_no_managed_policy_is_longer_than_iam_takes(transformed: Template) -> None:
    for name, policy in of_type(transformed["Resources"], "AWS::IAM::ManagedPolicy"):
        assert _size([policy["PolicyDocument"]]) < LONGEST_MANAGED, name


def test_no_role_has_more_managed_policies_than_iam_attaches(transformed: Template) -> None:
    """AWS's own ones count, as do those that name the role."""
    resources = transformed["Resources"]
    for role, _ in of_type(resources, "AWS::IAM::Role"):
        of_aws = [arn for arn in attached_arns(resources, role) if isinstance(arn, str)]
        assert len(of_aws) + len(shared_documents(resources, role)) <= MOST_ATTACHED, role


def _allowed_keys(rights: Rights, action: str) -> dict[str, list[set[str]]]:
    """The leading keys for which each function may do this, statement by statement."""
    found: dict[str, list[set[str]]] = {}
    for name, statements in rights.items():
        for part in statements:
            if part["Effect"] == "Allow" and action in _listed(part["Action"]):
                keys = [_listed(each.get("dynamodb:LeadingKeys", [])) for each in part.get("Condition", {}).values()]
                found.setdefault(name, []).append(set().union(*keys))
    return found


def test_a_run_of_lines_may_be_redriven(resources: Template) -> None:
    """Step Functions redrives the executions of a map run with the machine's own role."""
    statements = resources["BatchMachineMayRunLines"]["Properties"]["PolicyDocument"]["Statement"]

    assert "states:RedriveExecution" in [action for each in statements for action in _listed(each["Action"])]


def test_a_condition_on_events_holds_for_every_event_of_a_call(transformed: Template) -> None:
    """One `PutEvents` has up to ten events with sources and types of their own, so a condition compares sets."""
    operators = {
        operator
        for _, statement in _allowing_statements(transformed)
        for operator, condition in statement.get("Condition", {}).items()
        if {"events:source", "events:detail-type"} & set(condition)
    }

    assert operators == {"ForAllValues:StringEquals"}
