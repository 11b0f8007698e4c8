"""Prints what was found before a deployment, a sentence a line; `make preflight` calls it.

Exit status: 0 nothing refuses the deployment, 1 something does, 2 bad arguments.
"""

import argparse
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from local.deploy.transform import read_template
from tooling.preflight.account import (
    ClientOf,
    ask_account,
    client_maker,
    concurrency_findings,
    identity_findings,
    region_in_force,
)
from tooling.preflight.capacity import capacity_findings
from tooling.preflight.customer_key import customer_key_findings
from tooling.preflight.findings import Finding, Weight
from tooling.preflight.parameters import ENVIRONMENTS, ROOT, given_parameters, parameter_findings, read_values
from tooling.preflight.restored_table import restored_table_findings
from tooling.preflight.sam_version import ask_sam, sam_finding

SAM: Final = ROOT / ".tools" / "sam" / "bin" / "sam"


def preflight(
    given: Mapping[str, str], client_of: ClientOf, region: str | None, say_version: Callable[[], str | None]
) -> list[Finding]:
    """Everything that is known before a deployment with these parameters, without changing anything."""
    lock = (ROOT / "tooling" / "sam.lock").read_text("utf-8")
    found = [sam_finding(say_version(), lock), *parameter_findings(given), *identity_findings(client_of, region)]
    if found[-1].weight is Weight.REFUSED:
        return found
    account, unasked = ask_account(client_of)
    found += unasked
    values = read_values(given, read_template(ROOT / "template.yaml"))
    if account is not None and not isinstance(values, Finding):
        reserved = {name: int(float(str(value))) for name, value in values.items() if name.startswith("Reserved")}
        found += concurrency_findings(account, reserved, int(float(str(values["WaitingEnvironments"]))))
    if not isinstance(values, Finding):
        found += restored_table_findings(client_of, str(values["RestoredTableName"]))
        found += customer_key_findings(client_of, str(values["KmsKeyArn"]), region)
    if account is not None:
        found += capacity_findings(account)
    return found


def report(found: Iterable[Finding]) -> int:
    """Print the findings, refusals to stderr and last; the exit status."""
    refusals = []
    for finding in found:
        if finding.weight is Weight.REFUSED:
            refusals.append(finding)
        else:
            print(f"{finding.weight.value}: {finding.sentence}")
    for finding in refusals:
        print(f"refused: {finding.sentence}", file=sys.stderr)
    return 1 if refusals else 0


def add_deployment(parser: argparse.ArgumentParser) -> None:
    """The arguments that name an environment of samconfig.toml, and parameters over its own."""
    choices = ("default", *ENVIRONMENTS)
    parser.add_argument("--environment", default="default", choices=choices, help="section of samconfig.toml")
    parser.add_argument("--params", default="", metavar="'NAME=VALUE ...'", help="parameters over samconfig.toml's")


def ask_everything(given: Mapping[str, str]) -> int:
    """Ask with the credentials and the region of this shell, and print what was found; the exit status."""
    region = region_in_force()
    return report(preflight(given, client_maker(region), region, lambda: ask_sam(SAM)))


def main(argv: list[str]) -> int:
    """Ask everything and print it."""
    parser = argparse.ArgumentParser(prog="python -m tooling.preflight", allow_abbrev=False)
    add_deployment(parser)
    arguments = parser.parse_args(argv)
    try:
        given = given_parameters(arguments.environment, arguments.params)
    except ValueError as error:
        parser.error(str(error))
    return ask_everything(given)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
