"""With `KmsKeyArn` the operator's key encrypts all data, and each role may use it for what it reads and writes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from local.deploy.transform import package, read_template, to_cloudformation
from tests.support.rights import attached_arns, of_type, rights_of

pytestmark = pytest.mark.check

Template = dict[str, Any]
KEY: Final = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555"
GIVEN: Final = "CustomerKeyIsGiven"
CONDITIONS: Final = {GIVEN, "CustomerKeyEncryptsSigningSecret"}
NOTHING: Final = {"Ref": "AWS::NoValue"}
"""CloudFormation takes it for an absent property."""
FILES: Final = "ServerSideEncryptionConfiguration"
PLACES: Final[Mapping[str, tuple[str | int, ...]]] = {
    "AWS::DynamoDB::Table": ("SSESpecification", "KMSMasterKeyId"),
    "AWS::S3::Bucket": ("BucketEncryption", FILES, 0, "ServerSideEncryptionByDefault", "KMSMasterKeyID"),
    "AWS::SQS::Queue": ("KmsMasterKeyId",),
    "AWS::SecretsManager::Secret": ("KmsKeyId",),
    "AWS::Logs::LogGroup": ("KmsKeyId",),
    "AWS::SNS::Topic": ("KmsMasterKeyId",),
}
READS: Final = {"s3:GetObject", "s3:GetObjectVersion"}
IN_PARTS: Final = {"PollGenerationFunction"}
"""Writes large answers in parts and reads none: the key's Decrypt is needed for the second part."""


@pytest.fixture(scope="module")
def signing(root: Path) -> Template:
    """What AWS makes of the resources with `Marking=c2pa`."""
    template = read_template(root / "template.yaml")
    values = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    values |= {"Marking": "c2pa", "KmsKeyArn": KEY}
    return dict(to_cloudformation(package(template, root, built=False).template, values)["Resources"])


@pytest.mark.parametrize("kind", PLACES)
def test_every_resource_that_can_take_the_key_takes_it_exactly_where_it_is_given(signing: Template, kind: str) -> None:
    found = dict(of_type(signing, kind))
    assert found
    for name, properties in found.items():
        assert _at(_in_form(properties, is_given=True), PLACES[kind]) == {"Ref": "KmsKeyArn"}, name
        assert _at(_in_form(properties, is_given=False), PLACES[kind]) == NOTHING, name


@pytest.mark.parametrize(("is_given", "algorithm"), [(True, "aws:kms"), (False, "AES256")])
def test_queues_and_files_have_one_way_of_encryption(signing: Template, is_given: bool, algorithm: str) -> None:
    for name, properties in of_type(signing, "AWS::SQS::Queue"):
        assert _in_form(properties, is_given=is_given)["SqsManagedSseEnabled"] is not is_given, name
    for name, properties in of_type(signing, "AWS::S3::Bucket"):
        rule = _in_form(properties, is_given=is_given)["BucketEncryption"][FILES][0]
        assert rule["ServerSideEncryptionByDefault"]["SSEAlgorithm"] == algorithm, name
        assert rule["BucketKeyEnabled"] == (True if is_given else NOTHING), name


def test_every_role_may_use_the_key_for_what_it_reads_and_writes_and_for_nothing_else(signing: Template) -> None:
    for name, statements in rights_of(signing).items():
        actions = {action for each in statements for action in _list(each["Action"])}
        wanted = set()
        if any(action.startswith("dynamodb:") for action in actions):
            wanted.add(("dynamodb", "kms:Decrypt"))
        if actions & READS or name in IN_PARTS:
            wanted.add(("s3", "kms:Decrypt"))
        if "s3:PutObject" in actions:
            wanted.add(("s3", "kms:GenerateDataKey"))
        if "secretsmanager:GetSecretValue" in actions:
            wanted.add(("secretsmanager", "kms:Decrypt"))
        if "sqs:SendMessage" in actions:
            wanted |= {("sqs", "kms:Decrypt"), ("sqs", "kms:GenerateDataKey")}
        allowed = {use for each in statements for use in _uses(each)}
        assert allowed == wanted, name


def test_rights_to_the_key_are_for_it_alone_and_exist_only_with_it(signing: Template, template: Template) -> None:
    having = {name: each for name, each in signing.items() if "kms:Decrypt" in json.dumps(each)}
    having |= {name: each for name, each in signing.items() if "kms:GenerateDataKey" in json.dumps(each)}
    assert {each["Type"] for each in having.values()} == {"AWS::IAM::Policy"}
    assert {each["Condition"] for each in having.values()} == CONDITIONS
    for name, each in having.items():
        (statement,) = each["Properties"]["PolicyDocument"]["Statement"]
        assert statement["Resource"] in ({"Ref": "KmsKeyArn"}, KEY), name
        assert [*statement["Condition"]] == ["StringEquals"], name
    assert template["Conditions"][GIVEN] == {"Fn::Not": [{"Fn::Equals": [{"Ref": "KmsKeyArn"}, ""]}]}
    both = [{"Condition": GIVEN}, {"Condition": "SongsAreSigned"}]
    assert template["Conditions"]["CustomerKeyEncryptsSigningSecret"] == {"Fn::And": both}
    assert max(len(attached_arns(signing, role)) for role, _ in of_type(signing, "AWS::IAM::Role")) <= 10


def test_the_deployments_own_function_has_its_right_before_it_is_called(signing: Template) -> None:
    name = "UseKeyOfTableInDeploymentPolicy"
    assert signing["TableInUse"]["Properties"]["RightToTheKey"] == {"Fn::If": [GIVEN, {"Ref": name}, ""]}
    assert "TableInUse" not in json.dumps(signing[name])


@pytest.mark.parametrize(
    ("arn", "is_taken"),
    [
        ("", True),
        (KEY, True),
        (KEY.replace(":aws:", ":aws-cn:"), True),
        (KEY.replace(":aws:", ":aws-us-gov:"), True),
        (KEY.partition("key/")[0] + "key/mrk-" + "0" * 32, True),
        (KEY.partition("key/")[0] + "alias/fermata", False),
        (KEY.partition("key/")[2], False),
        (KEY + " ", False),
        (KEY.replace(":kms:", ":sns:"), False),
    ],
)
def test_the_parameter_takes_the_arn_of_a_key_in_any_partition(template: Template, arn: str, is_taken: bool) -> None:
    parameter = template["Parameters"]["KmsKeyArn"]
    assert (re.fullmatch(parameter["AllowedPattern"], arn) is not None) is is_taken
    assert parameter["Default"] == ""


def test_the_key_policy_of_the_documents_lets_in_the_services_that_use_the_key_themselves(root: Path) -> None:
    text = (root / "docs" / "operations.md").read_text("utf-8").partition("### A key of your own")[2]
    statements = json.loads(text.partition("```json\n")[2].partition("```")[0])["Statement"]
    account, *services = statements
    assert account["Principal"] == {"AWS": "arn:aws:iam::ACCOUNT:root"}
    assert {each["Principal"]["Service"].partition(".")[0] for each in services} == {"logs", "events", "cloudwatch"}
    assert all("kms:*" not in each["Action"] and "kms:Decrypt" in each["Action"] for each in services)


def _in_form(value: Any, *, is_given: bool) -> Any:  # noqa: ANN401 - a part of a template
    """The part as it is with the key or without."""
    if isinstance(value, list):
        return [_in_form(each, is_given=is_given) for each in value]
    if not isinstance(value, dict):
        return value
    if [*value] == ["Fn::If"] and value["Fn::If"][0] == GIVEN:
        return _in_form(value["Fn::If"][1 if is_given else 2], is_given=is_given)
    return {name: _in_form(each, is_given=is_given) for name, each in value.items()}


def _at(value: Any, path: tuple[str | int, ...]) -> Any:  # noqa: ANN401 - a part of a template
    for step in path:
        value = value[step]
    return value


def _list(value: Any) -> list[str]:  # noqa: ANN401 - a word or a list of them
    return [value] if isinstance(value, str) else list(value)


def _uses(statement: Template) -> set[tuple[str, str]]:
    """Service and action of each right to the key in a statement."""
    actions = [action for action in _list(statement["Action"]) if action.startswith("kms:")]
    if not actions:
        return set()
    via = statement["Condition"]["StringEquals"]["kms:ViaService"]["Fn::Sub"]
    service, _, rest = via.partition(".")
    assert rest == "${AWS::Region}.${AWS::URLSuffix}"
    return {(service, action) for action in actions}
