"""A SAM template becomes CloudFormation without AWS, and its code stays where it is on disk."""

from pathlib import Path

import pytest

from local.deploy.transform import package, read_template, to_cloudformation
from local.errors import UnsupportedTemplateError, UsageError

TEMPLATE = """
Transform: AWS::Serverless-2016-10-31
Parameters:
  Seconds: {Type: Number, Default: 60}
Resources:
  Layer:
    Type: AWS::Serverless::LayerVersion
    Metadata: {BuildMethod: python3.13}
    Properties: {ContentUri: layer, CompatibleRuntimes: [python3.13]}
  SayHelloFunction:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: say_hello
      Handler: app.lambda_handler
      Runtime: python3.13
      Timeout: !Ref Seconds
      Layers: [!Ref Layer]
      Policies: [AmazonS3ReadOnlyAccess]
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties:
      DefinitionUri: machine.asl.json
      DefinitionSubstitutions: {SayHelloFunctionArn: !GetAtt SayHelloFunction.Arn}
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    for folder in ("say_hello", "layer/package", "layer/python"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "machine.asl.json").write_text("{}")
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    return tmp_path


def test_packaging_leaves_the_code_where_it_is(project: Path) -> None:
    packaged = package(read_template(project / "template.yaml"), project, built=False)

    assert packaged.artifacts == {
        "Layer": project / "layer",
        "SayHelloFunction": project / "say_hello",
        "Machine": project / "machine.asl.json",
    }
    assert packaged.missing == {}


def test_a_built_layer_is_imported_from_its_python_folder(project: Path) -> None:
    packaged = package(read_template(project / "template.yaml"), project, built=True)

    assert packaged.artifacts["Layer"] == project / "layer" / "python"
    assert packaged.artifacts["SayHelloFunction"] == project / "say_hello"


def test_a_layer_that_sam_does_not_build_stays_where_the_template_names_it(project: Path) -> None:
    template = read_template(project / "template.yaml")
    del template["Resources"]["Layer"]["Metadata"]

    assert package(template, project, built=True).artifacts["Layer"] == project / "layer"


def test_missing_code_is_reported_with_its_resource(project: Path) -> None:
    (project / "say_hello").rmdir()
    template = read_template(project / "template.yaml")
    del template["Resources"]["Machine"]["Properties"]["DefinitionUri"]

    missing = package(template, project, built=False).missing

    assert set(missing) == {"SayHelloFunction", "Machine"}
    assert missing["SayHelloFunction"].startswith(
        "SayHelloFunction (AWS::Serverless::Function) CodeUri: expected a path"
    )
    assert missing["Machine"].startswith("Machine (AWS::Serverless::StateMachine) DefinitionUri: expected a path")


def test_the_transform_writes_what_aws_would_write(project: Path) -> None:
    packaged = package(read_template(project / "template.yaml"), project, built=False)

    resources = to_cloudformation(packaged.template, {"Seconds": "60"})["Resources"]

    function = resources["SayHelloFunction"]["Properties"]
    assert resources["SayHelloFunction"]["Type"] == "AWS::Lambda::Function"
    assert function["Code"]["S3Key"] == "SayHelloFunction"
    assert function["Role"] == {"Fn::GetAtt": ["SayHelloFunctionRole", "Arn"]}
    assert (
        resources["SayHelloFunctionRole"]["Properties"]["ManagedPolicyArns"][-1]
        == "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    )
    assert resources[function["Layers"][0]["Ref"]]["Properties"]["Content"]["S3Key"] == "Layer"
    assert resources["Machine"]["Properties"]["DefinitionSubstitutions"] == {
        "SayHelloFunctionArn": {"Fn::GetAtt": ["SayHelloFunction", "Arn"]}
    }


def test_what_sam_refuses_is_reported_once_per_cause(project: Path) -> None:
    template = read_template(project / "template.yaml")
    del template["Resources"]["SayHelloFunction"]["Properties"]["Runtime"]
    template["Resources"]["Layer"]["Properties"]["RetentionPolicy"] = "Sometimes"
    packaged = package(template, project, built=False)

    with pytest.raises(UnsupportedTemplateError) as refused:
        to_cloudformation(packaged.template, {"Seconds": "60"})

    assert len(refused.value.problems) == 2
    assert all(
        problem.startswith("AWS SAM refuses the template: Resource with id [") for problem in refused.value.problems
    )


def test_a_template_that_is_not_there_is_a_wrong_argument(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read the template .*nowhere\.yaml"):
        read_template(tmp_path / "nowhere.yaml")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("a: [", "is not YAML"),
        ("just text", "expected a map with a Resources section"),
        ("Resources: []", "expected a map with a Resources section"),
        ("Resources: {Queue: {}}", "Queue: expected a map with a Type"),
        ("Resources: {Queue: {Type: AWS::SQS::Queue, Properties: []}}", "Queue: expected a map with a Type"),
    ],
)
def test_a_malformed_template_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "template.yaml").write_text(text)

    with pytest.raises(UnsupportedTemplateError, match=complaint) as refused:
        read_template(tmp_path / "template.yaml")

    assert refused.value.exit_code == 4
