"""A template that the one-machine cloud cannot run is refused as a whole, before anything is created."""

from itertools import pairwise
from pathlib import Path
from typing import NoReturn

import pytest

from local.deploy.deployer import UnsupportedTemplateError, deploy
from local.errors import UnknownParameterError

A_QUEUE = "  Queue: {Type: AWS::SQS::Queue}\n"


def no_client(service: str) -> NoReturn:
    raise AssertionError(f"a client of {service} was asked for, although the template cannot run")


def problems_of(folder: Path, resources: str, sections: str = "") -> tuple[str, ...]:
    (folder / "template.yaml").write_text(f"{sections}\nResources:\n{resources}\n")
    with pytest.raises(UnsupportedTemplateError) as refused:
        deploy(folder / "template.yaml", clients=no_client)
    return refused.value.problems


@pytest.mark.parametrize(
    ("resources", "expected"),
    [
        (
            "  Topic: {Type: AWS::Kinesis::Stream}",
            "Topic (AWS::Kinesis::Stream): this resource type is not supported",
        ),
        (
            "  Queue: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}",
            "Queue (AWS::SQS::Queue) FifoQueue: this property is not supported",
        ),
        (
            "  Rule: {Type: AWS::Events::Rule, Properties: {Targets: [{Arn: a, Id: i, SqsParameters: {}}]}}",
            "Rule (AWS::Events::Rule) Targets.0.SqsParameters: this property is not supported",
        ),
        (
            "  Queue: {Type: AWS::SQS::Queue, Properties: {VisibilityTimeout: soon}}",
            "Queue (AWS::SQS::Queue) VisibilityTimeout: Input should be a valid integer",
        ),
        (
            "  Policy: {Type: AWS::S3::BucketPolicy, Properties: {Bucket: b}}",
            "Policy (AWS::S3::BucketPolicy) PolicyDocument: Field required",
        ),
        (
            "  Stage: {Type: AWS::ApiGatewayV2::Stage, Properties: {ApiId: a, AutoDeploy: true, StageName: dev}}",
            "Stage (AWS::ApiGatewayV2::Stage) StageName: Input should be '$default'",
        ),
        (
            "  Queue: {Type: AWS::SQS::Queue, CreationPolicy: {}}",
            "Queue (AWS::SQS::Queue) CreationPolicy: this resource attribute is not supported",
        ),
        (
            "  Queue: {Type: AWS::SQS::Queue, DependsOn: [Elsewhere]}",
            "Queue (AWS::SQS::Queue) DependsOn: Elsewhere does not exist",
        ),
        (
            "  Queue: {Type: AWS::SQS::Queue, Condition: Nowhere}",
            "Queue Condition: the condition Nowhere does not exist; the template has none",
        ),
        (
            "  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !Base64 x}}",
            "Queue (AWS::SQS::Queue) QueueName: Fn::Base64 is not supported",
        ),
        (
            f"{A_QUEUE}  Other: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !Ref Quue}}}}",
            "Other (AWS::SQS::Queue) QueueName: refers to Quue, which is neither a resource nor a parameter",
        ),
        (
            f"{A_QUEUE}  Other: {{Type: AWS::SQS::Queue, Properties: {{QueueName: !GetAtt Queue.Depth}}}}",
            "Other (AWS::SQS::Queue) QueueName: the attribute Depth of Queue (AWS::SQS::Queue) is not supported;",
        ),
    ],
)
def test_what_is_not_supported_is_named_by_logical_id_type_and_property(
    tmp_path: Path, resources: str, expected: str
) -> None:
    (problem,) = problems_of(tmp_path, resources)

    assert problem.startswith(expected)


def test_every_problem_of_a_template_is_reported_in_one_error(tmp_path: Path) -> None:
    resources = """
  Topic: {Type: AWS::Kinesis::Stream}
  Queue:
    Type: AWS::SQS::Queue
    Properties: {FifoQueue: true, KmsDataKeyReusePeriodSeconds: 60, QueueName: !Sub "${Nobody}"}
  Dead: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true, KmsDataKeyReusePeriodSeconds: 60}}
  HelloFunction: {Type: AWS::Serverless::Function, Properties: {CodeUri: hello, Handler: a.b, Runtime: python3.13}}"""

    sections = "Transform: AWS::Serverless-2016-10-31\nHooks: {}\nOutputs: {Url: {Value: !GetAtt Queue.Nothing}}"
    problems = problems_of(tmp_path, resources, sections)

    assert [problem.split(":")[0].split(" (")[0] for problem in problems] == [
        "HelloFunction",
        "template section Hooks",
        "Topic",
        "Queue",
        "Dead",
        "Dead",
        "output Url",
    ]


def test_resources_in_a_circle_are_named(tmp_path: Path) -> None:
    resources = """
  A: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt B.QueueName}}
  B: {Type: AWS::SQS::Queue, DependsOn: C}
  C: {Type: AWS::SQS::Queue, Properties: {RedrivePolicy: {deadLetterTargetArn: !GetAtt A.Arn, maxReceiveCount: 3}}}
  Apart: {Type: AWS::SQS::Queue}"""

    (problem,) = problems_of(tmp_path, resources)

    label, circle = problem.split(": ")
    names = circle.split(" -> ")
    assert label == "resources refer to each other in a circle"
    assert names[0] == names[-1]
    assert {*pairwise(names)} == {("A", "B"), ("B", "C"), ("C", "A")}


def test_a_reference_to_a_resource_that_its_condition_leaves_out_is_refused(tmp_path: Path) -> None:
    sections = "Conditions: {Never: !Equals [a, b]}"
    resources = """
  Absent: {Type: AWS::SQS::Queue, Condition: Never}
  Queue: {Type: AWS::SQS::Queue, Properties: {QueueName: !GetAtt Absent.QueueName}}"""

    (problem,) = problems_of(tmp_path, resources, sections)

    assert problem.endswith("QueueName: refers to Absent, which its condition leaves out")


def test_an_unknown_parameter_is_refused_before_the_template_is_transformed(tmp_path: Path) -> None:
    (tmp_path / "template.yaml").write_text("Resources: {Topic: {Type: AWS::Kinesis::Stream}}")

    with pytest.raises(UnknownParameterError, match="unknown template parameter Speed: The template has none"):
        deploy(tmp_path / "template.yaml", parameters={"Speed": "1"}, clients=no_client)


@pytest.mark.parametrize(
    ("definition", "complaint"),
    [
        (
            '{"StartAt": "${Nobody}", "Also": "${Nowhere}", "Known": "${Name}"}',
            "DefinitionSubstitutions: the definition uses Nobody, Nowhere, which have no value here",
        ),
        ('{"StartAt": ', "Definition: not JSON after substitution"),
    ],
)
def test_a_machine_whose_definition_cannot_run_is_refused(tmp_path: Path, definition: str, complaint: str) -> None:
    (tmp_path / "machine.asl.json").write_text(definition)
    resources = """
  Machine:
    Type: AWS::Serverless::StateMachine
    Properties: {DefinitionUri: machine.asl.json, DefinitionSubstitutions: {Name: !Ref "AWS::StackName"}}"""

    (problem,) = problems_of(tmp_path, resources, "Transform: AWS::Serverless-2016-10-31")

    assert problem.startswith(f"Machine (AWS::StepFunctions::StateMachine) {complaint}")


def test_a_machine_without_a_definition_is_refused(tmp_path: Path) -> None:
    (problem,) = problems_of(tmp_path, "  Machine: {Type: AWS::StepFunctions::StateMachine, Properties: {RoleArn: r}}")

    assert problem.endswith("expected Definition, DefinitionString or DefinitionUri, found none of them")
