"""Holds the template to rules that others wrote, as in `python -m tooling.supply.template_rules checkov`.

`cfn-lint` brings AWS's own schemas and the serverless rules and reads the file as it is. `checkov` reads what AWS makes
of it, so that roles, policies and the API's stage are judged too. What the template does not follow stands in its
section `Metadata`, under `Exceptions`: a rule, or a rule and a resource, with the reason.
Exit status: 0 every finding has its reason and every reason its finding, 1 not, 2 the tool did not judge the template.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final, TypeVar

from local.deploy.transform import package, read_template, to_cloudformation

ROOT: Final = Path(__file__).resolve().parents[2]
_Kind = TypeVar("_Kind", list[dict[str, Any]], dict[str, Any])
_TOOLS: Final = ROOT / ".tools" / "supply" / "bin"
_PSEUDO_PARAMETERS: Final = {
    "${AWS::AccountId}": "123456789012",
    "${AWS::Partition}": "aws",
    "${AWS::Region}": "eu-west-1",
    "${AWS::StackName}": "fermata",
}
"""What a deployment puts in their place; checkov takes twice as long to do it."""


@dataclass(frozen=True, order=True)
class Finding:
    """A rule that a resource breaks; `where` is its logical id, or empty."""

    rule: str
    where: str
    message: str


class NotJudgedError(Exception):
    """A tool ended without a judgement; the message holds what it said."""


def main(tool: str) -> int:
    """Print what is wrong, one line each."""
    template = read_template(ROOT / "template.yaml")
    exceptions: dict[str, str] = template["Metadata"]["Exceptions"]
    mine = {name: reason for name, reason in exceptions.items() if _belongs_to_checkov(name) == (tool == "checkov")}
    try:
        faults = unanswered(TOOLS[tool](template), mine)
    except NotJudgedError as error:
        print(error, file=sys.stderr)
        return 2
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


def _belongs_to_checkov(name: str) -> bool:
    return name.startswith("CKV")


def unanswered(findings: Iterable[Finding], exceptions: Mapping[str, str]) -> list[str]:
    """A line for each finding without an exception, each exception without a finding, and each without a reason.

    The name of an exception is `RULE` for every resource or `RULE Resource` for one.
    """
    needed: set[str] = set()
    faults = []
    for finding in sorted(set(findings)):
        names = {finding.rule, f"{finding.rule} {finding.where}"} & set(exceptions)
        needed |= names
        if not names:
            faults.append(f"template.yaml: {finding.rule} {finding.where}: {finding.message}")
    faults += [
        f"template.yaml: exception {name}: nothing breaks this rule" for name in exceptions if name not in needed
    ]
    faults += [f"template.yaml: exception {name}: expected a reason" for name, why in exceptions.items() if not why]
    return faults


def _cfn_lint(_: Mapping[str, Any]) -> list[Finding]:
    rules = ["--append-rules", "cfn_lint_serverless.rules", "--format", "json"]
    return cfn_lint_findings(_output([str(_TOOLS / "cfn-lint"), str(ROOT / "template.yaml"), *rules]))


def cfn_lint_findings(output: str) -> list[Finding]:
    """What cfn-lint's JSON says. Raises `NotJudgedError`."""
    return [
        Finding(each["Rule"]["Id"], _logical_id(each["Location"]["Path"]), each["Message"])
        for each in _parsed(output, list)
    ]


def _logical_id(path: list[str | int] | None) -> str:
    return str(path[1]) if path and len(path) > 1 and path[0] == "Resources" else ""


def judged_by_checkov(template: Mapping[str, Any]) -> list[Finding]:
    """What checkov finds in what AWS makes of a template. Raises `NotJudgedError`."""
    stack = to_cloudformation(package(dict(template), ROOT, built=False).template, {})
    text = json.dumps(stack)
    for name, value in _PSEUDO_PARAMETERS.items():
        text = text.replace(name, value)
    with TemporaryDirectory(prefix="fermata-template-") as folder:
        path = Path(folder) / "stack.json"
        path.write_text(text, "utf-8")
        options = ["--framework", "cloudformation", "--skip-download", "--compact", "--output", "json"]
        output = _output([str(_TOOLS / "checkov"), "--file", str(path), *options])
    return checkov_findings(output, len(stack["Resources"]))


def checkov_findings(output: str, resources: int) -> list[Finding]:
    """What checkov's JSON says. Raises `NotJudgedError` unless it read that many resources, which are all."""
    report = _parsed(output, dict)
    summary = report.get("summary", {})
    if (summary.get("resource_count"), summary.get("parsing_errors"), summary.get("skipped")) != (resources, 0, 0):
        raise NotJudgedError(f"checkov: expected a judgement of {resources} resources, found {output[:300]!r}")
    return [
        Finding(each["check_id"], each["resource"].split(".")[-1], each["check_name"])
        for each in report["results"]["failed_checks"]
    ]


def _output(command: list[str]) -> str:
    """What a tool prints; whether it found something is no failure of it, and its status says nothing else."""
    try:
        ended = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT)
    except OSError as error:
        raise NotJudgedError(f"{command[0]} does not run: {error.strerror}") from error
    if not ended.stdout.strip():
        raise NotJudgedError(f"{command[0]} ended with {ended.returncode} and printed nothing: {ended.stderr.strip()}")
    return ended.stdout


def _parsed(output: str, kind: type[_Kind]) -> _Kind:
    try:
        parsed = json.loads(output)
    except ValueError as error:
        raise NotJudgedError(f"expected JSON, found {output[:300]!r}") from error
    if not isinstance(parsed, kind):
        raise NotJudgedError(f"expected a {kind.__name__} as JSON, found {output[:300]!r}")
    return parsed


TOOLS: Final[Mapping[str, Callable[[Mapping[str, Any]], list[Finding]]]] = {
    "cfn-lint": _cfn_lint,
    "checkov": judged_by_checkov,
}


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
