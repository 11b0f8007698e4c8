"""Template and machines deploy in each of AWS's partitions: in China every ARN begins with another word."""

import json
from pathlib import Path
from typing import Any

import pytest

from local.deploy import transform

pytestmark = pytest.mark.check

Machines = dict[str, dict[str, Any]]


def test_no_line_of_the_template_names_a_partition(root: Path) -> None:
    lines = (root / "template.yaml").read_text("utf-8").splitlines()

    # A parameter's pattern takes every partition.
    any_of_them = ("arn:${AWS::Partition}:", "arn:[a-z-]+:")
    assert [line for line in lines if "arn:" in line and not any(each in line for each in any_of_them)] == []


def test_no_machine_names_a_partition(machines: Machines) -> None:
    arns = [text for text in json.dumps(machines).split('"') if text.startswith("arn:")]

    assert len(arns) > 10
    assert [arn for arn in arns if not arn.startswith("arn:${Partition}:")] == []


def test_every_machine_is_given_the_partition_of_its_deployment(resources: dict[str, Any]) -> None:
    kind = "AWS::Serverless::StateMachine"
    machines = [each["Properties"] for each in resources.values() if each["Type"] == kind]

    assert [each["DefinitionSubstitutions"]["Partition"] for each in machines] == [{"Ref": "AWS::Partition"}] * 4


def test_what_sam_makes_of_the_template_in_china_names_no_other_partition(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transform, "REGION", "cn-north-1")
    template = transform.read_template(root / "template.yaml")
    defaults = {name: str(parameter.get("Default", "")) for name, parameter in template["Parameters"].items()}
    packaged = transform.package(template, root, built=False).template
    found = json.dumps(transform.to_cloudformation(packaged, defaults))

    assert "arn:aws-cn:" in found
    assert "arn:aws:" not in found
